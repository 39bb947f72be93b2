"""Set up a new prefecture on a page. These addresses exist only in the process that
``config/first_start.py`` serves while nobody has an account (decision 0021).
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from fangkong.accounts import queries as accounts
from fangkong.core import clock, pages
from fangkong.core.refusals import Refused
from fangkong.core.watch import doctor
from fangkong.core.watch.types import WORKER

from . import door, draft, making, queries
from .forms import ColumnsForm, HospitalForm, PlacesForm, StaffForm, WhereForm

MARK = "setup"  # where a session keeps that it has passed the door
STEPS = {
    "where": _("Prefecture"),
    "places": _("Areas"),
    "columns": _("Columns"),
    "preview": _("Check"),
    "hospital": _("First hospital"),
    "staff": _("First accounts"),
}
SHOWN = 12  # rows and faults on the preview

View = Callable[[HttpRequest], HttpResponse]


def _inside(view: View) -> View:
    """For the browser that came with the code, while nobody has an account; else 404."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not door.admits(request.session.get(MARK), time.time()) or accounts.any_users():
            raise Http404
        return view(request)

    return guarded


@never_cache
def closed(request: HttpRequest) -> HttpResponse:
    """What everybody else sees: how to get in, and nothing about this installation."""
    return render(request, "web/setup/closed.html", status=200)


@never_cache
def enter(request: HttpRequest, code: str) -> HttpResponse:
    """Take the code for a mark in this browser's session, and lead on without it."""
    mark = None if accounts.any_users() else door.exchange(code, time.time())
    if mark is None:
        raise Http404
    request.session.flush()
    request.session[MARK] = mark
    return redirect("setup:where")


@_inside
def where(request: HttpRequest) -> HttpResponse:
    """Country, language and the code of the prefecture."""
    today = clock.day_of(clock.now())
    kept = draft.read().get("where")
    form = WhereForm(request.POST or None, today=today, initial=kept)
    if form.is_bound and form.is_valid():
        if kept and kept["area"] != form.cleaned_data["area"]:
            draft.forget_places()
        draft.keep("where", form.cleaned_data)
        return redirect("setup:places")
    return _step(request, "where", form)


@_inside
def places(request: HttpRequest) -> HttpResponse:
    """A file with the areas; needed where Fangkong does not bring them."""
    answers = draft.read()
    if "where" not in answers:
        return redirect("setup:where")
    shipped = queries.counties(answers["where"]["area"], [], clock.day_of(clock.now()))
    sent = request.method == "POST"
    data, files = (request.POST, request.FILES) if sent else (None, None)
    form = PlacesForm(data, files, needed=not shipped and not draft.given())
    if sent and form.is_valid():
        if file := form.cleaned_data["file"]:
            return _taken(request, form, file.read(), shipped)
        return redirect("setup:columns" if draft.given() else "setup:hospital")
    return _step(request, "places", form, {"shipped": shipped, "given": bool(draft.given())})


def _taken(
    request: HttpRequest, form: PlacesForm, data: bytes, shipped: dict[str, str]
) -> HttpResponse:
    try:
        making.table(data)
    except Refused as problem:
        form.add_error("file", str(problem))
        return _step(request, "places", form, {"shipped": shipped})
    draft.forget_places()
    draft.keep_file(data)
    return redirect("setup:columns")


@_inside
def columns(request: HttpRequest) -> HttpResponse:
    """Which column is which."""
    if not (data := draft.given()):
        return redirect("setup:places")
    given = making.table(data)
    post = request.POST if request.method == "POST" else None
    form = ColumnsForm(post, headings=given.headings, samples=given.samples())
    if form.is_bound and form.is_valid():
        fields = form.chosen()
        draft.keep("columns", {"fields": fields})
        draft.keep_rows([f for f in fields if f], making.named(given, fields))
        return redirect("setup:preview")
    return _step(request, "columns", form)


@_inside
def preview(request: HttpRequest) -> HttpResponse:
    """What would be entered, and what cannot be."""
    answers = draft.read()
    if not draft.given() or draft.places() is None:
        return redirect("setup:places")
    given, fields = making.table(draft.given()), answers["columns"]["fields"]
    rows = making.named(given, fields)
    now = clock.now()
    faults = making.wrong_rows(given.lines, rows, now)
    area, today = answers["where"]["area"], clock.day_of(now)
    counties = queries.counties(area, rows, today)
    if not faults and not queries.is_known(area, rows, today):
        faults = [(0, str(_("No area has the code %(code)s: add its line.") % {"code": area}))]
    elif not faults and not counties:
        faults = [(0, str(_("No county of %(code)s is in the file.") % {"code": area}))]
    if request.method == "POST" and not faults:
        return redirect("setup:hospital")
    shown = {
        "rows": rows[:SHOWN],
        "total": len(rows),
        "hidden": max(0, len(rows) - SHOWN),
        "counties": counties,
        "faults": faults[:SHOWN],
        "more": max(0, len(faults) - SHOWN),
    }
    return _step(request, "preview", None, shown, template="web/setup/preview.html")


@_inside
def hospital(request: HttpRequest) -> HttpResponse:
    """The first county and its hospital."""
    answers = draft.read()
    counties = _counties(answers)
    if not counties:
        return redirect("setup:places")
    form = HospitalForm(request.POST or None, counties=counties, initial=answers.get("hospital"))
    if form.is_bound and form.is_valid():
        draft.keep("hospital", form.cleaned_data)
        return redirect("setup:staff")
    return _step(request, "hospital", form)


@_inside
def staff(request: HttpRequest) -> HttpResponse:
    """The first accounts; sending them makes the house, whole or not at all."""
    answers = draft.read()
    if answers.get("hospital", {}).get("county") not in _counties(answers):
        return redirect("setup:hospital")
    form = StaffForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            making.set_up(answers, form.cleaned_data)
        except Refused as problem:
            form.add_error(None, str(problem))
        else:
            # The worker is not there yet: it starts together with the house.
            lines = [one for one in doctor.examine() if one.title is not WORKER]
            lines.sort(key=lambda one: -["ok", "warn", "bad"].index(one.tone))
            shown = {"admin": form.cleaned_data["admin"], "lines": lines}
            request.session.flush()
            door.shut()
            return render(request, "web/setup/done.html", shown)
    return _step(request, "staff", form, template="web/setup/staff.html")


def _counties(answers: dict[str, Any]) -> dict[str, str]:
    if "where" not in answers:
        return {}
    rows: list[dict[str, str]] = []
    if (file := draft.places()) is not None:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    return queries.counties(answers["where"]["area"], rows, clock.day_of(clock.now()))


def _step(
    request: HttpRequest,
    key: str,
    form: pages.Form | None,
    more: dict[str, Any] | None = None,
    *,
    template: str = "web/setup/step.html",
) -> HttpResponse:
    keys = list(STEPS)
    here = keys.index(key)
    if form is not None:
        pages.forms.dress(form)
    shown = {
        "title": _("Set up a new prefecture"),
        "steps": [(name, title, keys.index(name) < here) for name, title in STEPS.items()],
        "step": key,
        "back": f"setup:{keys[here - 1]}" if here else "",
        "form": form,
        **(more or {}),
    }
    wrong = (form is not None and form.is_bound and form.errors) or (more or {}).get("faults")
    status = 422 if wrong and request.method == "POST" else 200
    return render(request, template, shown, status=status)
