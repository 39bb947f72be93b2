"""Pages of the directory of areas and of facilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit_queries
from fangkong.core.commands.actions import once
from fangkong.core.imports.types import Kind
from fangkong.core.permissions import allowed

from . import actions, forms, queries, rules
from .imports import KINDS
from .models import Area, Facility, Population
from .types import EDIT_FACILITIES, IMPORT, VIEW, CountKind, Request


@dataclass(frozen=True)
class Part:
    """One row of the table of an area's parts."""

    area: Area
    people: Population | None
    density: float | None


@allowed(VIEW)
def index(request: Request) -> HttpResponse:
    """The home area with its parts, or what a search finds."""
    day = clock.day_of(request.now)
    search = forms.AreaSearch(request.GET or None)
    text = search.cleaned_data["q"].strip() if search.is_valid() else ""
    whole = queries.home(day)
    found = None
    if text:
        found = list(
            queries.named_like(queries.areas_open_to(request.user, request.now), text)[:50]
        )
    page = {
        "search": search,
        "text": text,
        "may_import": bool(request.user.scope(IMPORT, request.now)),
        "found": found,
        "home": whole,
        "above": queries.ancestors(whole) if whole else [],
        **(_parts(whole, day) if whole and found is None else {}),
        "neighbours": _neighbours(whole, day) if whole and found is None else [],
    }
    return render(request, "places/index.html", page)


@allowed(VIEW)
def detail(request: Request, public_id: UUID) -> HttpResponse:
    area = _area(request, public_id)
    day = clock.day_of(request.now)
    before, after = queries.succession_of(area)
    facilities = queries.facilities_open_to(request.user, request.now).filter(area=area)
    counts = _counts(area)
    page = {
        "area": area,
        "title": area.display_name,
        "above": queries.ancestors(area),
        "before": before,
        "after": after,
        "aliases": list(area.aliases.order_by("language", "text")),
        "counts": counts,
        "chart": _people(area, counts) if counts else None,
        "facilities": list(facilities.order_by("kind", "name_zh")),
        "history": audit_queries.history_of(area),
        **_parts(area, day),
    }
    return render(request, "places/detail.html", page)


@allowed(VIEW)
def density(request: Request, public_id: UUID) -> HttpResponse:
    """The figures of the map."""
    area = _area(request, public_id)
    found = _parts(area, clock.day_of(request.now))["map"]
    if found is None:
        raise Http404
    return pages.map_json(found)


@allowed(VIEW)
def people(request: Request, public_id: UUID) -> HttpResponse:
    """The figures of the chart of people by year."""
    area = _area(request, public_id)
    return pages.chart_json(_people(area, _counts(area)))


FACILITIES: pages.Listing[Facility] = pages.Listing(
    name="facilities",
    title=gettext_lazy("Facilities"),
    columns=[
        pages.Column(
            "name",
            gettext_lazy("Name"),
            lambda f: f.display_name,
            order="name_zh",
            url=lambda f: f.get_absolute_url(),
        ),
        pages.Column("kind", gettext_lazy("Kind"), lambda f: f.get_kind_display(), order="kind"),
        pages.Column(
            "area",
            gettext_lazy("Area"),
            lambda f: f.area.display_name,
            order="area__path",
        ),
        pages.Column("beds", gettext_lazy("Beds"), lambda f: f.capacity_beds),
        pages.Column("source", gettext_lazy("Source"), lambda f: f.display_source),
    ],
    order="area",
    empty=gettext_lazy("No facilities yet."),
)


@allowed(VIEW)
def facilities(request: Request) -> HttpResponseBase:
    counties = queries.counties_of_home(clock.day_of(request.now))
    return pages.listing(
        request,
        FACILITIES,
        queries.facilities_open_to(request.user, request.now),
        template="places/facilities.html",
        filters=forms.FacilityFilter(request.GET, counties=counties),
        context={
            "may_add": bool(request.user.scope(EDIT_FACILITIES, request.now)),
            "may_import": bool(request.user.scope(IMPORT, request.now)),
        },
    )


@allowed(VIEW)
def facility(request: Request, public_id: UUID) -> HttpResponse:
    one = get_object_or_404(
        queries.facilities_open_to(request.user, request.now), public_id=public_id
    )
    page = {
        "facility": one,
        "title": one.display_name,
        "contacts": list(one.contacts.order_by("role_title", "pk")),
        "may_edit": queries.may(request.user, EDIT_FACILITIES, one, request.now),
        "history": audit_queries.history_of(one),
    }
    return render(request, "places/facility.html", page)


@allowed(EDIT_FACILITIES)
def add_facility(request: Request) -> HttpResponse:
    areas = queries.areas_to_build_in(request.user, request.now)
    form = forms.FacilityForm(request.POST or None, areas=areas)
    if done := pages.carry_out(
        request, form, actions.add_facility, lambda: {"facts": form.facts()}
    ):
        messages.success(request, _("The facility is in the directory."))
        return redirect(done.result)
    return _form(request, form, _("Add a facility"), _("Add"), reverse("places:facilities"))


@allowed(EDIT_FACILITIES)
def change_facility(request: Request, public_id: UUID) -> HttpResponse:
    one = _to_edit(request, public_id)
    # It may stay where it stands, even where the user's scope is this facility only.
    areas = queries.with_area(queries.areas_to_build_in(request.user, request.now), one.area)
    shown = forms.initial_of(one)
    form = pages.editing(forms.FacilityForm(request.POST or None, areas=areas, initial=shown), one)
    if pages.carry_out(
        request, form, actions.change_facility, lambda: {"facts": form.facts(one)}, facility=one
    ):
        messages.success(request, _("Saved."))
        return redirect(one)
    return _form(request, form, one.display_name, _("Save"), one.get_absolute_url())


@allowed(EDIT_FACILITIES)
def add_contact(request: Request, public_id: UUID) -> HttpResponse:
    one = _to_edit(request, public_id)
    form = forms.ContactForm(request.POST or None)
    if pages.carry_out(request, form, actions.add_contact, facility=one):
        messages.success(request, _("The contact is in the directory."))
        return redirect(one)
    title = _("Add a contact of %(name)s") % {"name": one.display_name}
    return _form(request, form, title, _("Add"), one.get_absolute_url())


@allowed(EDIT_FACILITIES)
@require_POST
def remove_contact(request: Request, public_id: UUID, contact_id: UUID) -> HttpResponse:
    one = _to_edit(request, public_id)
    contact = get_object_or_404(one.contacts.select_related("facility"), public_id=contact_id)
    once(
        pages.key_of(request),
        actions.remove_contact,
        contact=contact,
        by=request.user,
        at=request.now,
    )
    messages.success(request, _("The contact was removed."))
    return redirect(one)


def _form(
    request: Request, form: pages.Form, title: str, submit: str, back_url: str
) -> HttpResponse:
    return pages.form(request, form, title=title, submit=submit, context={"back_url": back_url})


def _area(request: Request, public_id: UUID) -> Area:
    rows = queries.areas_open_to(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _to_edit(request: Request, public_id: UUID) -> Facility:
    rows = queries.facilities_to_edit(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _neighbours(whole: Area, day: date) -> list[Area]:
    """The areas beside the home area."""
    if whole.parent is None:
        return []
    return [area for area in queries.children(whole.parent, day) if area.pk != whole.pk]


def _parts(whole: Area, day: date) -> dict[str, Any]:
    """The areas below one with their people, and their map where its borders were cut."""
    areas = list(queries.children(whole, day))
    known = queries.populations(areas, day)
    parts = []
    for area in areas:
        people = known.get(area.pk)
        dense = rules.density(people.count if people else None, area.area_km2)
        parts.append(Part(area, people, dense))
    return {"parts": parts, "map": _map(whole, parts)}


def _map(whole: Area, parts: Sequence[Part]) -> pages.AreaMap | None:
    known = [part.density for part in parts if part.density is not None]
    if not known or finders.find(f"places/borders/{whole.code}.geojson") is None:
        return None
    values = [
        pages.AreaValue(
            part.area.code,
            part.area.display_short,
            part.density,
            _said(part),
            part.area.get_absolute_url(),
        )
        for part in parts
    ]
    return pages.AreaMap(
        title=_("Population density"),
        url=reverse("places:density", args=[whole.public_id]),
        values=values,
        legend=[pages.Band(low, high, _band(low, high)) for low, high in rules.bands(known)],
        borders=whole.code,
        unit=_("people per km²"),
    )


def _said(part: Part) -> str:
    if part.density is None or part.people is None:
        return _("unknown")
    return _("%(density)s (%(year)s)") % {
        "density": number_format(part.density, 1),
        "year": part.people.year,
    }


def _band(low: float, high: float | None) -> str:
    if high is None:
        return _("%(low)s and more") % {"low": number_format(low)}
    return f"{number_format(low)}–{number_format(high)}"


def _counts(area: Area) -> list[Population]:
    return list(area.populations.order_by("year", "kind"))


def _people(area: Area, counts: Sequence[Population]) -> pages.Chart:
    """People by year: what was counted beside what was estimated."""
    years = sorted({count.year for count in counts})
    series = []
    for kind in CountKind:
        by_year = {count.year: count.count for count in counts if count.kind == kind}
        if by_year:
            series.append(pages.Series(kind.label, [by_year.get(year) for year in years]))
    return pages.Chart(
        title=_("Population by year"),
        url=reverse("places:people", args=[area.public_id]),
        x=[str(year) for year in years],
        series=series,
        kind="stacked",
        unit=_("people"),
        x_label=_("Year"),
    )


# --- Files of areas and of facilities -------------------------------------------------------------


def kind_of_import(request: Request, what: str) -> Kind:
    """What a file is of, by its address."""
    if what not in KINDS:
        raise Http404
    return KINDS[what]
