"""Pages of imports: upload a file, see what its rows say, confirm, and get back what is wrong."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit_queries
from fangkong.core.commands.actions import once
from fangkong.core.pages import export
from fangkong.core.pages.forms import dress
from fangkong.core.permissions import allowed
from fangkong.core.queue import queries as queue
from fangkong.core.refusals import Refused

from . import columns, forms, imports, queries, reading, words
from .models import ImportBatch
from .types import IMPORT, BatchState, Outcome

SHOWN = 100
PREVIEWED = ("condition", "case_class", "onset_date", "diagnosed_at", "address")

IMPORTS = pages.Listing[ImportBatch](
    name="imports",
    title=gettext_lazy("Imports"),
    columns=[
        pages.Column(
            "file",
            gettext_lazy("File"),
            lambda batch: batch.file_name,
            url=lambda batch: batch.get_absolute_url(),
        ),
        pages.Column("state", gettext_lazy("State"), lambda batch: batch.get_state_display()),
        pages.Column("total", gettext_lazy("Rows"), lambda batch: batch.total),
        pages.Column("imported", gettext_lazy("Imported"), lambda batch: batch.imported),
        pages.Column("known", gettext_lazy("Already known"), lambda batch: batch.known),
        pages.Column("errors", gettext_lazy("To be corrected"), lambda batch: batch.errors),
        pages.Column("facility", gettext_lazy("Facility"), lambda b: b.facility.display_name),
        pages.Column(
            "uploaded", gettext_lazy("Uploaded"), lambda batch: batch.created_at, order="created_at"
        ),
    ],
    order="-uploaded",
    empty=gettext_lazy("No file has been imported yet."),
    page_size=20,
)


@allowed(IMPORT)
def index(request: StaffRequest) -> HttpResponseBase:
    """Upload a file; earlier imports below."""
    form = forms.UploadForm(
        request.POST or None, request.FILES or None, user=request.user, at=request.now
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                batch = once(
                    pages.key_of(request),
                    imports.upload,
                    content=imports.FileContent(form.cleaned_data["file"].read()),
                    file_name=form.cleaned_data["file"].name,
                    facility=form.cleaned_data["facility"],
                    by=request.user,
                    at=request.now,
                )
            except Refused as problem:
                form.add_error("file", str(problem))
            else:
                return redirect(batch)
        status = 422
    dress(form)
    response = pages.listing(
        request,
        IMPORTS,
        queries.imports_open_to(request.user, request.now),
        template="surveillance/monitoring/imports.html",
        context={"form": form, "limit": reading.MAX_ROWS},
    )
    response.status_code = status
    return response


@allowed(IMPORT)
def template(request: StaffRequest, kind: str) -> HttpResponseBase:
    """The file to fill in: headings only, in the language of the page."""
    second = 0 if (get_language() or "").startswith("zh") else 1
    head = [columns.HEADINGS[field][second] for field in columns.TEMPLATE]
    write = export.xlsx_response if kind == "xlsx" else export.csv_response
    return write("report-cards", head, [])


@allowed(IMPORT)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """What a file says, row by row, and what became of it."""
    batch = _batch(request, public_id)
    page = {**_page(request, batch), "history": audit_queries.history_of(batch)}
    return render(request, "surveillance/monitoring/import.html", page)


@allowed(IMPORT)
def progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The live piece of the page of an import."""
    batch = _batch(request, public_id)
    page = _page(request, batch)
    version = f"{batch.pk}-{batch.state}-{page['done']}-{page['failed']}"
    same = pages.nothing_new(request, version)
    if same is not None:
        return same
    response = render(request, "surveillance/monitoring/_import.html", page)
    response["ETag"] = f'"{version}"'
    return response


@allowed(IMPORT)
@require_POST
def confirm(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Report the good rows."""
    batch = _batch(request, public_id)
    once(
        pages.key_of(request),
        imports.confirm_import,
        batch=batch,
        by=request.user,
        at=request.now,
    )
    return redirect(batch)


@allowed(IMPORT)
@require_POST
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Give the import up."""
    batch = _batch(request, public_id)
    once(pages.key_of(request), imports.cancel_import, batch=batch, by=request.user, at=request.now)
    messages.success(request, _("The import is cancelled; nothing was reported."))
    return redirect("surveillance:monitoring:imports")


@allowed(IMPORT)
def errors(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """The rows that were not imported, with the reasons as a last column, to correct and resend."""
    batch = _batch(request, public_id)
    kept = [n for n, column in enumerate(batch.columns) if column["field"] != "reasons"]
    second = 0 if (get_language() or "").startswith("zh") else 1
    head = [batch.columns[n]["heading"] for n in kept] + [columns.HEADINGS["reasons"][second]]
    rows = (
        [
            *(row.values[n] if n < len(row.values) else "" for n in kept),
            " ".join(words.reasons(row.reasons)),
        ]
        for row in queries.not_imported(batch).iterator(chunk_size=1000)
    )
    export.note("errors", batch, by=request.user, at=request.now)
    return export.csv_response("to-be-corrected", head, rows)


def _batch(request: StaffRequest, public_id: UUID) -> ImportBatch:
    return get_object_or_404(
        queries.imports_open_to(request.user, request.now), public_id=public_id
    )


def _page(request: StaffRequest, batch: ImportBatch) -> dict[str, object]:
    """What the page and its live piece show."""
    tab = request.GET.get("tab", "")
    tabs = _tabs(batch)
    if tab not in [code for code, _label, _n in tabs]:
        tab = next((code for code, _label, n in tabs if n), tabs[0][0])
    name = imports.CHECK if batch.state == BatchState.CHECKING else imports.IMPORT_JOB
    job = queue.latest_about(name, batch.pk)
    headings = _cells(batch, [column["heading"] for column in batch.columns])
    if batch.state == BatchState.DONE and tab != Outcome.ERROR:
        headings = []  # the values of these rows are emptied
    rows = [
        (
            row,
            words.reasons(row.reasons),
            # Fewer where the values of the row are emptied.
            list(zip(headings, _cells(batch, row.values), strict=False)),
        )
        for row in queries.rows_of(batch, [tab])[:SHOWN]
    ]
    return {
        "batch": batch,
        "tab": tab,
        "tabs": tabs,
        "rows": rows,
        "headings": headings,
        "unread": [c["heading"] for c in batch.columns if not c["field"]],
        "shown": SHOWN,
        "working": batch.state in (BatchState.CHECKING, BatchState.RUNNING),
        "job": job,
        "done": job.done if job else 0,
        "failed": bool(job and job.state == job.State.FAILED),
        "cases_url": f"{reverse('surveillance:monitoring:index')}?batch={batch.public_id}",
    }


def _tabs(batch: ImportBatch) -> list[tuple[str, str, int]]:
    done = batch.state == BatchState.DONE
    first = (Outcome.IMPORTED, batch.imported) if done else (Outcome.OK, batch.ok)
    all_tabs = [(Outcome.ERROR, batch.errors), first, (Outcome.KNOWN, batch.known)]
    return [(outcome.value, str(outcome.label), n) for outcome, n in all_tabs]


def _cells(batch: ImportBatch, values: list[str]) -> list[str]:
    """What helps to find a row again, without showing more of the patient than needed."""
    at = {column["field"]: n for n, column in enumerate(batch.columns)}
    return [values[at[f]] if at[f] < len(values) else "" for f in PREVIEWED if f in at]
