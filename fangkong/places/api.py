"""Areas and facilities for machines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from fangkong.core import api, clock

from . import actions, queries
from .models import Area, Facility
from .types import EDIT_FACILITIES, VIEW, FacilityFacts, FacilityKind, Level, Request

router = Router(tags=["places"])

# One line of signs that every database keeps and that do not turn the direction of writing round.
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]*$"
    ),
]


class AreaOut(Schema):
    """An area under one code. ``parent`` and ``county`` are codes, "" where there is none."""

    id: UUID
    code: str
    level: str
    parent: str
    county: str
    name_zh: str
    name_en: str
    name_bo: str
    valid_from: date
    valid_to: date | None
    area_km2: int | None
    synthetic: bool


class FacilityOut(Schema):
    """A facility. ``area`` is the code of where it stands."""

    id: UUID
    name_zh: str
    name_en: str
    kind: str
    area: str
    capacity_beds: int | None
    org_code: str
    lon: Decimal | None
    lat: Decimal | None
    opened_on: date | None
    closed_on: date | None
    synthetic: bool
    source_zh: str
    source_en: str


class FacilityIn(api.Body):
    """What is said of a facility. ``area`` is a code in force today."""

    name_zh: Line = Field(min_length=1, max_length=100)
    kind: FacilityKind
    area: str = Field(max_length=24)
    name_en: Line = Field("", max_length=150)
    capacity_beds: int | None = Field(None, ge=0, le=100_000)
    org_code: str = Field("", max_length=18)
    lon: Decimal | None = Field(None, ge=-180, le=180, decimal_places=6)
    lat: Decimal | None = Field(None, ge=-90, le=90, decimal_places=6)
    opened_on: date | None = None
    closed_on: date | None = None
    source_zh: Line = Field("", max_length=300)
    source_en: Line = Field("", max_length=300)


def _area_out(area: Area) -> AreaOut:
    return AreaOut(
        id=area.public_id,
        parent=area.parent.code if area.parent else "",
        county=area.county.code if area.county else "",
        **_fields(area, AreaOut, "id", "parent", "county"),
    )


def _facility_out(facility: Facility) -> FacilityOut:
    return FacilityOut(
        id=facility.public_id,
        area=facility.area.code,
        **_fields(facility, FacilityOut, "id", "area"),
    )


def _fields(row: object, schema: type[Schema], *without: str) -> dict[str, Any]:
    """The fields of a row that go out as they are."""
    return {name: getattr(row, name) for name in schema.model_fields if name not in without}


@router.get("/areas/", response=api.Page[AreaOut])
def areas(
    request: HttpRequest, level: api.Narrowed[Level] = None, on: date | None = None
) -> HttpResponse:
    """Areas by code; ``level`` narrows, ``on`` leaves those in force on a day."""
    api.require(request, VIEW)
    asked = cast(Request, request)
    rows = queries.areas_open_to(asked.user, asked.now)
    if level:
        rows = rows.filter(level=level)
    if on is not None:
        rows = rows.filter(queries.in_force(on))
    return api.page(request, rows, _area_out, order="code", size=200)


@router.get("/areas/{code}/", response=AreaOut)
def area(request: HttpRequest, code: str, on: date | None = None) -> AreaOut:
    """The area that a code means on a day (today without ``on``), also by a former code."""
    api.require(request, VIEW)
    found = queries.area(code, on or clock.day_of(cast(Request, request).now))
    if found is None:
        raise Http404
    return _area_out(found)


@router.get("/facilities/", response=api.Page[FacilityOut])
def facilities(
    request: HttpRequest, county: str = "", kind: api.Narrowed[FacilityKind] = None
) -> HttpResponse:
    """Facilities by name; ``county`` is the code of one."""
    api.require(request, VIEW)
    asked = cast(Request, request)
    rows = queries.facilities_open_to(asked.user, asked.now)
    if county:
        api.among("county", county, queries.county_codes())
        rows = rows.filter(area__county__code=county)
    if kind:
        rows = rows.filter(kind=kind)
    return api.page(request, rows, _facility_out, order="name_zh")


@router.get("/facilities/{public_id}/", response=FacilityOut)
def facility(request: HttpRequest, public_id: UUID) -> FacilityOut:
    api.require(request, VIEW)
    asked = cast(Request, request)
    rows = queries.facilities_open_to(asked.user, asked.now)
    found = get_object_or_404(rows, public_id=public_id)
    api.version_of(request, found)
    return _facility_out(found)


@router.post("/facilities/", response={201: FacilityOut})
def add_facility(request: HttpRequest, data: FacilityIn) -> Status[FacilityOut]:
    api.require(request, EDIT_FACILITIES)
    asked = cast(Request, request)
    where = _area_to_build_in(asked, data.area)
    made = api.once(
        request,
        actions.add_facility,
        facts=_facts(data, where),
        by=asked.user,
        at=asked.now,
    )
    return Status(201, _facility_out(made))


@router.put("/facilities/{public_id}/", response=FacilityOut)
@api.conditional
def change_facility(request: HttpRequest, public_id: UUID, data: FacilityIn) -> FacilityOut:
    api.require(request, EDIT_FACILITIES)
    asked = cast(Request, request)
    one = get_object_or_404(queries.facilities_to_edit(asked.user, asked.now), public_id=public_id)
    where = one.area if one.area.code == data.area else _area_to_build_in(asked, data.area)
    changed = api.once(
        request,
        actions.change_facility,
        one,
        facility=one,
        facts=_facts(data, where, one),
        by=asked.user,
        at=asked.now,
    )
    return _facility_out(changed)


def _area_to_build_in(request: Request, code: str) -> Area:
    rows = queries.areas_to_build_in(request.user, request.now)
    return get_object_or_404(rows, code=code)


def _facts(data: FacilityIn, where: Area, was: Facility | None = None) -> FacilityFacts:
    said = data.model_dump(exclude={"area"})
    said["kind"] = data.kind.value
    return FacilityFacts(area_id=where.pk, synthetic=was.synthetic if was else False, **said)
