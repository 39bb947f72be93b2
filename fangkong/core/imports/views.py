"""Pages of imports, for every kind: a part names its kind and its permission (``addresses``).

A part has these pages under its own addresses, named so: imports, import_template, import_detail,
import_columns, import_progress, import_confirm, import_cancel, import_errors.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fangkong.core import pages
from fangkong.core.audit import queries as audit_queries
from fangkong.core.commands.actions import once
from fangkong.core.pages import export
from fangkong.core.pages.forms import dress
from fangkong.core.queue import queries as queue
from fangkong.core.refusals import Refused
from fangkong.core.sentences import listed

from . import actions, columns, queries, serials, words
from .models import ImportRun, Row
from .types import REASON_HEADINGS, REASONS, Kind, Outcome, State

SHOWN = 100
ENDINGS = ".csv,.tsv,.txt,.xlsx,.xls,.ods"

RUNS = pages.Listing[ImportRun](
    name="imports",
    title=gettext_lazy("Imports"),
    columns=[
        pages.Column(
            "file",
            gettext_lazy("File"),
            lambda run: run.file_name,
            url=lambda run: run.get_absolute_url(),
        ),
        pages.Column("state", gettext_lazy("State"), lambda run: run.get_state_display()),
        pages.Column("total", gettext_lazy("Rows"), lambda run: run.total),
        pages.Column("imported", gettext_lazy("Imported"), lambda run: run.imported),
        pages.Column("known", gettext_lazy("Already known"), lambda run: run.known),
        pages.Column("errors", gettext_lazy("To be corrected"), lambda run: run.errors),
        pages.Column("place", gettext_lazy("For"), lambda run: run.place_name),
        pages.Column(
            "uploaded", gettext_lazy("Uploaded"), lambda run: run.created_at, order="created_at"
        ),
    ],
    order="-uploaded",
    empty=gettext_lazy("No file has been imported yet."),
    page_size=20,
)


# A request behind ``@allowed``, with ``user`` and ``now``. Accounts stand above core.
StaffRequest = Any


def index(request: StaffRequest, kind: Kind) -> HttpResponseBase:
    """Upload a file; earlier imports below."""
    form = kind.form(request.POST or None, request.FILES or None, user=request.user, at=request.now)
    form.fields["file"] = forms.FileField(label=_("File"))
    form.order_fields(["file"])
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                return redirect(_upload(request, kind, form.cleaned_data))
            except Refused as problem:
                form.add_error("file", str(problem))
        status = 422
    dress(form)
    limits = actions.caps()
    response = pages.listing(
        request,
        RUNS,
        queries.open_to(request.user, kind, request.now),
        template="core/imports/index.html",
        context={
            "form": form,
            "others": [form[name] for name in form.fields if name != "file"],
            "kind": kind,
            "title": kind.title,
            "endings": ENDINGS,
            "limit": limits.rows,
            "megabytes": limits.bytes // 1024 // 1024,
            "days": actions.KEPT_FOR.days,
            "template_urls": [_url(kind, "import_template", one) for one in ("xlsx", "csv")],
        },
    )
    response.status_code = status
    return response


def _upload(request: StaffRequest, kind: Kind, cleaned: dict[str, Any]) -> ImportRun:
    file = cleaned.pop("file")
    place, options = kind.chosen(cleaned)
    content = actions.FileContent(file.read())
    content.table(kind)  # read before the transaction begins, which others would wait for
    return once(
        pages.key_of(request),
        actions.upload,
        kind=kind.name,
        content=content,
        file_name=file.name,
        place=place,
        options=options,
        by=request.user,
        at=request.now,
    )


def template(request: StaffRequest, kind: Kind, ending: str) -> HttpResponseBase:
    """The file to fill in: headings only, in the language of the page."""
    head = [one.headings[_second()] for one in kind.fields if one.in_template]
    write = export.xlsx_response if ending == "xlsx" else export.csv_response
    return write(kind.file_name, head, [])


def detail(request: StaffRequest, kind: Kind, public_id: UUID) -> HttpResponse:
    """What a file says, row by row, and what became of it."""
    run = _run(request, kind, public_id)
    if run.state == State.MATCHING:
        return redirect(_url(kind, "import_columns", run.public_id))
    page = {**_page(request, run), "history": audit_queries.history_of(run)}
    return render(request, "core/imports/detail.html", page)


def match(request: StaffRequest, kind: Kind, public_id: UUID) -> HttpResponse:
    """Say which column is which field."""
    run = _run(request, kind, public_id)
    if run.state not in (State.MATCHING, State.READY):
        return redirect(run)
    form = MatchForm(request.POST or None, run=run)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                run = once(
                    pages.key_of(request),
                    actions.match,
                    run=run,
                    fields=form.chosen(),
                    by=request.user,
                    at=request.now,
                )
                return redirect(run)
            except Refused as problem:
                form.add_error(None, str(problem))
        status = 422
    dress(form)
    page = {"form": form, "run": run, "kind": kind, "title": _("Match the columns")}
    missing = columns.missing(run.fields, kind.required())
    page |= {
        "missing": [kind.label(name) for name in missing],
        "guessed": columns.guessed(run.headings, kind.known()),
        "lines": list(zip(form, run.columns, _samples(run), strict=True)),
        "imports_url": _url(kind, "imports"),
        "cancel_url": _url(kind, "import_cancel", run.public_id),
    }
    return render(request, "core/imports/columns.html", page, status=status)


def progress(request: StaffRequest, kind: Kind, public_id: UUID) -> HttpResponse:
    """The live piece of the page of an import."""
    run = _run(request, kind, public_id)
    page = _page(request, run)
    version = f"{run.pk}-{run.state}-{page['done']}-{page['failed']}"
    same = pages.nothing_new(request, version)
    if same is not None:
        return same
    response = render(request, "core/imports/_run.html", page)
    response["ETag"] = f'"{version}"'
    return response


def confirm(request: StaffRequest, kind: Kind, public_id: UUID) -> HttpResponse:
    """Have the good rows entered."""
    run = _run(request, kind, public_id)
    once(pages.key_of(request), actions.confirm, run=run, by=request.user, at=request.now)
    return redirect(run)


def cancel(request: StaffRequest, kind: Kind, public_id: UUID) -> HttpResponse:
    """Give the import up, or stop it."""
    run = _run(request, kind, public_id)
    run = once(pages.key_of(request), actions.cancel, run=run, by=request.user, at=request.now)
    if run.imported:
        messages.success(request, _("The import is stopped; what was entered before stays."))
    else:
        messages.success(request, _("The import is cancelled; nothing was entered."))
    return redirect(_url(kind, "imports"))


def errors(request: StaffRequest, kind: Kind, public_id: UUID) -> HttpResponseBase:
    """The rows that were not imported, with the reasons as a last column, to correct and resend."""
    run = _run(request, kind, public_id)
    kept = [n for n, name in enumerate(run.fields) if name != REASONS]
    head = [run.headings[n] for n in kept] + [REASON_HEADINGS[_second()]]
    rows = (
        [
            *(row.values[n] if n < len(row.values) else "" for n in kept),
            " ".join(words_of(kind, row)),
        ]
        for row in queries.rows_of(run, [Outcome.ERROR])
    )
    count = run.errors
    mark = export.note("errors", run, by=request.user, at=request.now, rows=count)
    return export.csv_response("to-be-corrected", head, rows, mark)


class MatchForm(pages.Form):
    """A choice of field for every column of a file."""

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = run.kind_of
        named = [(one.name, _starred(one.label, one.required)) for one in kind.fields]
        offered = [("", _("— not read —")), *named, (REASONS, _("reasons of an error file"))]
        for n, column in enumerate(run.columns):
            self.fields[f"column_{n}"] = forms.ChoiceField(
                label=column["heading"] or _("column %d") % (n + 1),
                choices=offered,
                initial=column["field"],
                required=False,
            )

    def chosen(self) -> list[str]:
        """The field of each column, in the order of the file."""
        return [self.cleaned_data[name] for name in self.fields]


def _starred(label: Any, required: bool) -> str:
    return f"{label} *" if required else str(label)


def words_of(kind: Kind, row: Row) -> list[str]:
    """The reasons of a row as sentences."""
    own = [reason for reason in row.reasons if reason["code"] in words.OF_THE_KIT]
    theirs = [reason for reason in row.reasons if reason["code"] not in words.OF_THE_KIT]
    return [*kind.in_words(theirs), *words.reasons(kind, own)]


def _run(request: StaffRequest, kind: Kind, public_id: UUID) -> ImportRun:
    return get_object_or_404(queries.open_to(request.user, kind, request.now), public_id=public_id)


def _second() -> int:
    return 0 if (get_language() or "").startswith("zh") else 1


def _url(kind: Kind, name: str, *args: object) -> str:
    return kind.url(name, *args)


def _samples(run: ImportRun) -> list[list[str]]:
    """The first three different values of each column; shortened, for they may be personal."""
    rows = queries.first_rows(run, Outcome.UNCHECKED, 30) or list(queries.rows_of(run))[:30]
    found = []
    for n in range(len(run.columns)):
        cells = [row.values[n] for row in rows if n < len(row.values) and row.values[n]]
        found.append([f"{cell[:12]}…" if len(cell) > 12 else cell for cell in dict.fromkeys(cells)])
    return [cells[:3] for cells in found]


def _page(request: StaffRequest, run: ImportRun) -> dict[str, object]:
    """What the page and its live piece show."""
    kind = run.kind_of
    tab = request.GET.get("tab", "")
    tabs = _tabs(run)
    if tab not in [code for code, _label, _n in tabs]:
        tab = next((code for code, _label, n in tabs if n), tabs[0][0])
    name = actions.CHECK if run.state == State.CHECKING else actions.ENTER
    working = run.state in (State.CHECKING, State.RUNNING)
    job = queue.latest_about(name, run.pk) if working else None
    headings = _cells(run, run.headings)
    found = [] if working or run.state == State.CANCELLED else queries.first_rows(run, tab, SHOWN)
    if not any(row.values for row in found):
        headings = []  # the values of these rows are emptied
    rows = [
        # Fewer cells where the values of the row are emptied.
        (row, words_of(kind, row), list(zip(headings, _as_read(run, row.values), strict=False)))
        for row in found
    ]
    return {
        "run": run,
        "kind": kind,
        "tab": tab,
        "tabs": tabs,
        "rows": rows,
        "headings": headings,
        "unread": listed(c["heading"] for c in run.columns if not c["field"] and c["heading"]),
        "unread_sheets": listed(run.unread_sheets),
        "filled": [(c["heading"], c["filled"]) for c in run.columns if c.get("filled")],
        "shown": SHOWN,
        "working": working,
        "job": job,
        "done": job.done if job else 0,
        "failed": bool(job and job.state == job.State.FAILED),
        "again": bool(job and job.state == job.State.WAITING and job.tries),
        "results_url": kind.results(run) if run.imported else "",
        "urls": {
            each: _url(kind, f"import_{each}", run.public_id)
            for each in ("detail", "columns", "progress", "confirm", "cancel", "errors")
        }
        | {"index": _url(kind, "imports")},
    }


def _tabs(run: ImportRun) -> list[tuple[str, str, int]]:
    done = run.state == State.DONE
    first = (Outcome.IMPORTED, run.imported) if done else (Outcome.OK, run.ok)
    all_tabs = [(Outcome.ERROR, run.errors), first, (Outcome.KNOWN, run.known)]
    return [(outcome.value, str(outcome.label), n) for outcome, n in all_tabs]


def _cells(run: ImportRun, values: list[str]) -> list[str]:
    """What helps to find a row again, without showing more of a person than needed."""
    shown = [at for _name, at in _previewed(run)]
    return [values[n] if n < len(values) else "" for n in shown] if values else []


def _as_read(run: ImportRun, values: list[str]) -> list[str]:
    """The same cells; 43861 as the day that it is read as, with what the file says behind it."""
    moments = {one.name for one in run.kind_of.fields if one.is_moment}
    found = []
    for (name, _at), cell in zip(_previewed(run), _cells(run, values), strict=False):
        day = serials.told(cell) if name in moments else ""
        found.append(f"{day} ({cell})" if day else cell)
    return found


def _previewed(run: ImportRun) -> list[tuple[str, int]]:
    at = {name: n for n, name in enumerate(run.fields) if name}
    return [(name, at[name]) for name in run.kind_of.previewed if name in at]
