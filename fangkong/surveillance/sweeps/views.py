"""Pages of sweeps: which run, how far each cell is, the doors of a cell, one door on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.pages import export
from fangkong.core.permissions import allowed
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.surveillance.screening import words as screening
from fangkong.surveillance.testing.types import REQUEST

from . import actions, figures, forms, queries, rules, words
from .models import Household, Sweep
from .types import MANAGE, VIEW, VISIT

SHOWN = 20  # findings on the page of a sweep


def _of_today(rows: Sequence[Sweep], _user: object, at: datetime) -> None:
    """The list says which of them run on its day."""
    for one in rows:
        one.seen_on = clock.day_of(at)  # type: ignore[attr-defined]


SWEEPS = pages.Listing[Sweep](
    name="sweeps",
    title=gettext_lazy("Sweeps"),
    columns=[
        pages.Column(
            "title",
            gettext_lazy("Sweep"),
            lambda one: one.title,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("county", gettext_lazy("County"), lambda one: one.county.display_short),
        pages.Column(
            "first", gettext_lazy("First day"), lambda one: one.first_date, order="first_date"
        ),
        pages.Column("last", gettext_lazy("Last day"), lambda one: one.last_date),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: words.state(one, one.seen_on),  # type: ignore[attr-defined]
        ),
    ],
    order="-first",
    learn=_of_today,
    empty=gettext_lazy("No sweep was begun."),
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The sweeps open to the user; who sees all counties sees them on the map too."""
    everywhere = request.user.scope(VIEW, request.now).everywhere
    return pages.listing(
        request,
        SWEEPS,
        queries.open_to(request.user, request.now),
        template="surveillance/sweeps/index.html",
        filters=forms.SweepFilter(request.GET, at=request.now),
        context={
            "may_manage": bool(request.user.scope(MANAGE, request.now)),
            "area_map": _running(request) if everywhere else None,
        },
    )


@allowed(VIEW)
def running_map(request: StaffRequest) -> JsonResponse:
    """The data of that map."""
    return pages.map_json(_running(request))


def _running(request: StaffRequest) -> pages.AreaMap:
    found = queries.by_county(request.user, request.now)
    counties = places.counties_of_home(clock.day_of(request.now))
    return figures.running(found, counties, request.now)


@allowed(MANAGE)
def new(request: StaffRequest) -> HttpResponse:
    """Begin a sweep."""
    cells = queries.cells_to_choose(request.user, request.now)
    today = clock.day_of(request.now)
    form = forms.SweepForm(request.POST or None, cells=cells, today=today)
    if done := pages.carry_out(request, form, actions.begin, form.asked):
        messages.success(request, _("The sweep is begun."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Begin a sweep"),
        submit=_("Begin"),
        template="surveillance/sweeps/new.html",
        context={"none": not cells, "back_url": reverse("surveillance:sweeps:index")},
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One sweep: how far it is, cell by cell."""
    found = _sweep(request, public_id)
    user, at = request.user, request.now
    cells = queries.cells_of(found, user, at)
    coverage = queries.coverage(found, cells)
    day = clock.day_of(at)
    lived = queries.people_of(cells, day)
    whole = rules.together(coverage.values())
    rows = queries.findings_open_to(user, at).filter(sweep=found).order_by("-pk")
    findings = list(rows[:SHOWN])
    page = {
        "sweep": found,
        "runs": queries.runs_on(found, day),
        "whole": whole,
        "told": figures.told(whole),
        "people": sum(lived.values()),
        "tiles": figures.tiles(cells, coverage, lived),
        "area_map": _map(request, found, whole),
        "findings": [(one, screening.symptoms(one.symptoms)) for one in findings],
        "may_end": found.ended_at is None
        and queries.open_to_manage(user, at).filter(pk=found.pk).exists(),
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/sweeps/detail.html", page)


@allowed(VIEW)
def coverage_map(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The map's data."""
    found = _sweep(request, public_id)
    cells = queries.cells_of(found, request.user, request.now)
    whole = rules.together(queries.coverage(found, cells).values())
    return pages.map_json(_map(request, found, whole))


def _map(request: StaffRequest, found: Sweep, whole: rules.Coverage) -> pages.AreaMap:
    counties = places.counties_of_home(clock.day_of(request.now))
    return figures.by_county(found, whole, counties, request.now)


@allowed(VIEW)
def coverage_csv(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """Cell by cell, to take away; no address and no person stands in it."""
    found = _sweep(request, public_id)
    cells = queries.cells_of(found, request.user, request.now)
    coverage = queries.coverage(found, cells)
    lived = queries.people_of(cells, clock.day_of(request.now))
    rows = []
    for cell in cells:
        one = coverage[cell.pk]
        share = "" if one.share is None else round(one.share, 1)
        told = [one.doors, one.seen, one.done, share, one.people, one.ill, one.last or ""]
        rows.append([cell.code, cell.display_name, *told, lived.get(cell.pk, "")])
    head = [
        _("Code"),
        _("Cell"),
        _("Doors known"),
        _("Doors visited"),
        _("Doors done"),
        _("Done of known in %"),
        _("People registered"),
        _("With symptoms"),
        _("Last visit"),
        _("Population of the cell"),
    ]
    mark = export.note(
        "surveillance.sweeps.coverage",
        found,
        by=request.user,
        at=request.now,
        kind="csv",
        rows=len(rows),
    )
    return export.csv_response("sweep", head, rows, mark)


@allowed(MANAGE)
@require_POST
def end(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """No more doors are visited."""
    rows = queries.open_to_manage(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    form = forms.StepForm(request.POST)
    if pages.carry_out(request, form, actions.end, sweep=found):
        messages.success(request, _("The sweep is ended."))
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    return redirect(found)


# --- Doors ----------------------------------------------------------------------------------------


@allowed(VIEW)
def doors(request: StaffRequest, public_id: UUID, cell_id: UUID) -> HttpResponse:
    """The doors of a cell, those that are left in front; new ones are added here."""
    found, user, at = _sweep(request, public_id), request.user, request.now
    cell = queries.cell_open_to(found, user, at, cell_id)
    if cell is None:
        raise Http404
    visits = queries.cell_open_to(found, user, at, cell_id, VISIT) is not None
    form = forms.DoorsForm(request.POST or None) if visits else None
    if request.method == "POST" and form is None:  # who only reads
        return HttpResponseNotAllowed(["GET"])
    if form is not None and (
        done := pages.carry_out(request, form, actions.add_households, cell=cell)
    ):
        said = ngettext("%(n)d door is new.", "%(n)d doors are new.", done.result)
        messages.success(request, said % {"n": done.result})
        return redirect("surveillance:sweeps:doors", public_id, cell_id)
    rows = queries.doors(found, cell, user, at)
    one = queries.coverage(found, [cell])[cell.pk]
    page = {
        "sweep": found,
        "cell": cell,
        "doors": rows,
        "left": one.doors - one.done,
        "coverage": one,
        "told": figures.told(one),
        "form": form,
        "may_visit": visits and queries.runs_on(found, clock.day_of(at)),
        "most": queries.MOST_DOORS if one.doors > len(rows) else 0,
    }
    if form is not None:
        pages.forms.dress(form)
    status = 200 if form is None else pages.status_of(form)
    return render(request, "surveillance/sweeps/doors.html", page, status=status)


@allowed(VISIT)
def door(request: StaffRequest, public_id: UUID, door_id: UUID) -> HttpResponse:
    """One door on a phone: what was found; afterwards comes the next that is left."""
    found, home = _door(request, public_id, door_id)
    today = queries.visit_on(found, home, clock.day_of(request.now))
    form = forms.DoorForm(request.POST or None, visit=today)
    said: dict[str, Any] = {"sweep": found, "household": home}
    if done := pages.carry_out(request, form, actions.visit, form.asked, **said):
        told = {"door": home.door, "outcome": done.result.get_outcome_display()}
        messages.success(request, _("%(door)s: %(outcome)s.") % told)
        following = _next(request, found, home)
        if following is None:
            return redirect("surveillance:sweeps:doors", public_id, home.cell.public_id)
        return redirect("surveillance:sweeps:door", public_id, following.public_id)
    page = {
        "sweep": found,
        "home": home,
        "form": form,
        "visits": queries.visits_of(found, home),
        "runs": queries.runs_on(found, clock.day_of(request.now)),
    }
    pages.forms.dress(form)
    return render(request, "surveillance/sweeps/door.html", page, status=pages.status_of(form))


@allowed(VISIT)
def ill(request: StaffRequest, public_id: UUID, door_id: UUID) -> HttpResponse:
    """Somebody behind a door has symptoms."""
    found, home = _door(request, public_id, door_id)
    form = forms.IllForm(request.POST or None)
    said: dict[str, Any] = {"sweep": found, "household": home}
    if done := pages.carry_out(request, form, actions.find_ill, form.asked, **said):
        opened(request, done.result)
        told = {"name": done.result.person.masked_name}
        messages.success(request, _("%(name)s: the county CDC is told.") % told)
        return redirect("surveillance:sweeps:door", public_id, door_id)
    return pages.form(
        request,
        form,
        title=_("Somebody with symptoms"),
        submit=_("Register, and tell the county CDC"),
        template="surveillance/sweeps/ill.html",
        context={
            "back_url": reverse("surveillance:sweeps:door", args=[public_id, door_id]),
            "home": home,
        },
    )


@allowed(MANAGE)
@require_POST
def remove(request: StaffRequest, public_id: UUID, door_id: UUID) -> HttpResponse:
    """The door is there no more."""
    _found, home = _door(request, public_id, door_id)
    rows = queries.households_open_to(request.user, request.now, MANAGE)
    if not rows.filter(pk=home.pk).exists():
        raise Http404
    form = forms.StepForm(request.POST)
    if pages.carry_out(request, form, actions.remove_household, household=home):
        messages.success(request, _("The door counts no more."))
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    return redirect("surveillance:sweeps:doors", public_id, home.cell.public_id)


@allowed(VIEW)
def finding(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Somebody with symptoms, and what comes next."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.findings_open_to(user, at), public_id=public_id)
    opened(request, found)
    knows = people.open_to(user, at).filter(pk=found.person_id).exists()
    page = {
        "finding": found,
        "symptoms": screening.symptoms(found.symptoms),
        "temperature": screening.temperature(found.temperature),
        "person_url": found.person.get_absolute_url() if knows else "",
        "may_test": knows and bool(user.scope(REQUEST, at)),
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/sweeps/finding.html", page)


# --- What the pages share -------------------------------------------------------------------------


def _sweep(request: StaffRequest, public_id: UUID) -> Sweep:
    return get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)


def _door(request: StaffRequest, public_id: UUID, door_id: UUID) -> tuple[Sweep, Household]:
    found = _sweep(request, public_id)
    home = queries.household_of(found, request.user, request.now, door_id, VISIT)
    if home is None:
        raise Http404
    return found, home


def _next(request: StaffRequest, sweep: Sweep, done: Household) -> Household | None:
    """The next door of the cell that nobody has come to today and that is left."""
    today = clock.day_of(request.now)
    rows = queries.doors(sweep, done.cell, request.user, request.now)
    left = sorted(
        (
            one.household
            for one in rows
            if not one.done and (one.visit is None or one.visit.day < today)
        ),
        key=lambda home: home.pk,
    )
    return next((one for one in left if one.pk > done.pk), next(iter(left), None))
