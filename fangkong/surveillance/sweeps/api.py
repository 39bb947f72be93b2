"""Sweeps for machines: coverage by cell, doors, visits, findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.audit.sights import opened
from fangkong.core.bodies import NO_NUL, Text20, Text100, Text200
from fangkong.places import queries as places
from fangkong.surveillance.screening.types import Symptom

from . import actions, queries, rules
from .models import DoorVisit, Finding, Household, Sweep
from .types import MANAGE, VIEW, VISIT, DoorFacts, IllFacts

router = Router(tags=["sweeps"])


class DoorOutcome(Enum):
    """What a visit of a door comes to."""

    REGISTERED = "registered"
    ABSENT = "absent"
    REFUSED = "refused"
    EMPTY = "empty"


class CellOut(Schema):
    """How far a cell is; `share` is null where no door is known. `people`: told at the doors."""

    cell: UUID
    code: str
    name_zh: str
    doors: int
    seen: int
    done: int
    share: float | None
    people: int
    ill: int
    last_visit: date | None
    population: int | None


class SweepOut(Schema):
    id: UUID
    title: str
    county: str
    first_date: date
    last_date: date
    ended_at: datetime | None
    synthetic: bool


class SweepWithCellsOut(SweepOut):
    cells: list[CellOut]


class SweptCountyOut(Schema):
    """A county in which sweeps run today, taken together; a door that two go to counts once.

    `share`: percent of the known `doors` that are `done`, null where no door is known.
    """

    county: str
    name_zh: str
    sweeps: int
    doors: int
    seen: int
    done: int
    share: float | None


class SweepIn(api.Body):
    title: Text100
    first_date: date
    last_date: date
    cells: list[UUID] = Field(min_length=1, max_length=500)


class HouseholdOut(Schema):
    """A door with its last visit of the sweep; `outcome` is "" where nobody came yet."""

    id: UUID
    door: str
    outcome: str
    residents: int | None
    last_visit: date | None


class DoorsIn(api.Body):
    """New doors, one a line; those that stand already stay."""

    cell: UUID
    doors: Annotated[str, StringConstraints(max_length=20_000, pattern=NO_NUL)]


class DoorsOut(Schema):
    new: int


class DoorVisitIn(api.Body):
    outcome: DoorOutcome
    residents: int | None = Field(None, ge=0, le=10_000)
    note: Text200 = ""


class DoorVisitOut(Schema):
    household: UUID
    day: date
    outcome: str
    residents: int | None
    note: str


class IllIn(api.Body):
    """Somebody of the household with symptoms; `temperature` in tenths of a degree Celsius."""

    name: Text100
    phone: Text20 = ""
    symptoms: list[Symptom] = Field(min_length=1, max_length=20)
    temperature: int | None = Field(None, ge=0, le=1000)


class FindingOut(Schema):
    """Somebody with symptoms, masked."""

    id: UUID
    person: UUID
    name: str
    cell: str
    day: date
    symptoms: list[str]
    temperature: int | None


@router.get("/", response=api.Page[SweepOut])
def sweeps(request: HttpRequest) -> HttpResponse:
    """The sweeps open to you, those that began last first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.open_to(staff.user, staff.now)
    return api.page(request, rows, _sweep, order="-first_date")


@router.post("/", response={201: SweepOut})
def begin(request: HttpRequest, body: SweepIn) -> Status[dict[str, Any]]:
    """Begin a sweep over cells of one county."""
    staff = _staff(request)
    api.require(request, MANAGE)
    known = {one.public_id: one for one in queries.cells_to_choose(staff.user, staff.now)}
    if not known.keys() >= set(body.cells):
        raise Http404
    with api.told_by_field():
        made = api.once(
            request,
            actions.begin,
            title=body.title,
            cells=[known[key] for key in dict.fromkeys(body.cells)],
            first_date=body.first_date,
            last_date=body.last_date,
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _sweep(made))


@router.get("/counties/", response=list[SweptCountyOut])
def swept_counties(request: HttpRequest) -> HttpResponse:
    """How far the sweeps that run today are, by county, as the map shows it, with an ETag.

    Only counties in which a sweep runs that is open to you.
    """
    staff = _staff(request)
    api.require(request, VIEW)
    found = queries.by_county(staff.user, staff.now)
    told = []
    for county in places.counties_of_home(clock.day_of(staff.now)):
        if county.pk in found:
            whole, several = found[county.pk]
            told.append(
                {
                    "county": county.code,
                    "name_zh": county.name_zh,
                    "sweeps": several,
                    "doors": whole.doors,
                    "seen": whole.seen,
                    "done": whole.done,
                    "share": None if whole.share is None else round(whole.share, 1),
                }
            )
    return api.whole(request, told)


@router.get("/{uuid:public_id}/", response=SweepWithCellsOut)
def sweep(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One sweep, with how far each cell is."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = _open(request, public_id)
    cells = queries.cells_of(found, staff.user, staff.now)
    coverage = queries.coverage(found, cells)
    lived = queries.people_of(cells, clock.day_of(staff.now))
    api.version_of(request, found)
    told = []
    for cell in cells:
        one: rules.Coverage = coverage[cell.pk]
        told.append(
            {
                "cell": cell.public_id,
                "code": cell.code,
                "name_zh": cell.name_zh,
                "doors": one.doors,
                "seen": one.seen,
                "done": one.done,
                "share": None if one.share is None else round(one.share, 1),
                "people": one.people,
                "ill": one.ill,
                "last_visit": one.last,
                "population": lived.get(cell.pk),
            }
        )
    return {**_sweep(found), "cells": told}


@router.post("/{uuid:public_id}/end/", response=SweepOut)
def end(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """No more doors are visited."""
    staff = _staff(request)
    api.require(request, MANAGE)
    rows = queries.open_to_manage(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    done = api.once(request, actions.end, found, sweep=found, by=staff.user, at=staff.now)
    return _sweep(done)


@router.get("/{uuid:public_id}/cells/{uuid:cell_id}/", response=list[HouseholdOut])
def doors(request: HttpRequest, public_id: UUID, cell_id: UUID) -> list[dict[str, Any]]:
    """The doors of a cell, those that are left in front."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = _open(request, public_id)
    cell = queries.cell_open_to(found, staff.user, staff.now, cell_id)
    if cell is None:
        raise Http404
    return [
        {
            "id": one.household.public_id,
            "door": one.household.door,
            "outcome": "" if one.visit is None else one.visit.outcome,
            "residents": None if one.visit is None else one.visit.residents,
            "last_visit": None if one.visit is None else one.visit.day,
        }
        for one in queries.doors(found, cell, staff.user, staff.now)
    ]


@router.post("/{uuid:public_id}/doors/", response=DoorsOut)
def add_doors(request: HttpRequest, public_id: UUID, body: DoorsIn) -> dict[str, Any]:
    """Add doors to a cell of the sweep."""
    staff = _staff(request)
    api.require(request, VISIT)
    found = _open(request, public_id)
    cell = queries.cell_open_to(found, staff.user, staff.now, body.cell, VISIT)
    if cell is None:
        raise Http404
    with api.told_by_field():
        new = api.once(
            request,
            actions.add_households,
            cell=cell,
            doors=body.doors,
            by=staff.user,
            at=staff.now,
        )
    return {"new": new}


@router.post("/{uuid:public_id}/doors/{uuid:door_id}/visit/", response=DoorVisitOut)
def visit(
    request: HttpRequest, public_id: UUID, door_id: UUID, body: DoorVisitIn
) -> dict[str, Any]:
    """Say what one came to at a door today; said again it is corrected."""
    facts = DoorFacts(outcome=body.outcome.value, residents=body.residents, note=body.note)
    made: DoorVisit = _at_door(request, public_id, door_id, actions.visit, facts=facts)
    return {
        "household": door_id,
        "day": made.day,
        "outcome": made.outcome,
        "residents": made.residents,
        "note": made.note,
    }


@router.post("/{uuid:public_id}/doors/{uuid:door_id}/ill/", response={201: FindingOut})
def find_ill(
    request: HttpRequest, public_id: UUID, door_id: UUID, body: IllIn
) -> Status[dict[str, Any]]:
    """Somebody behind a door has symptoms; the county CDC gets a task."""
    facts = IllFacts(
        name=body.name,
        phone=body.phone,
        symptoms=tuple(one.value for one in body.symptoms),
        temperature=body.temperature,
    )
    made: Finding = _at_door(request, public_id, door_id, actions.find_ill, facts=facts)
    opened(request, made)
    return Status(201, _finding(made))


@router.post("/{uuid:public_id}/doors/{uuid:door_id}/remove/", response={204: None})
def remove(request: HttpRequest, public_id: UUID, door_id: UUID) -> Status[None]:
    """The door is there no more."""
    staff = _staff(request)
    api.require(request, MANAGE)
    found = _open(request, public_id)
    home = queries.household_of(found, staff.user, staff.now, door_id, MANAGE)
    if home is None:
        raise Http404
    api.once(request, actions.remove_household, household=home, by=staff.user, at=staff.now)
    return Status(204, None)


@router.get("/{uuid:public_id}/findings/", response=api.Page[FindingOut])
def findings(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Who was found with symptoms, the last first."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = _open(request, public_id)
    rows = queries.findings_open_to(staff.user, staff.now).filter(sweep=found)
    return api.page(request, rows, _finding, order="-day")


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _open(request: HttpRequest, public_id: UUID) -> Sweep:
    staff = _staff(request)
    return get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)


def _at_door(
    request: HttpRequest, public_id: UUID, door_id: UUID, action: Callable[..., Any], **said: Any
) -> Any:
    staff = _staff(request)
    api.require(request, VISIT)
    found = _open(request, public_id)
    home: Household | None = queries.household_of(found, staff.user, staff.now, door_id, VISIT)
    if home is None:
        raise Http404
    with api.told_by_field():
        return api.once(
            request, action, sweep=found, household=home, by=staff.user, at=staff.now, **said
        )


def _sweep(one: Sweep) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "title": one.title,
        "county": one.county.code,
        "first_date": one.first_date,
        "last_date": one.last_date,
        "ended_at": one.ended_at,
        "synthetic": one.synthetic,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "person": one.person.public_id,
        "name": one.person.masked_name,
        "cell": one.cell.code,
        "day": one.day,
        "symptoms": one.symptoms,
        "temperature": one.temperature,
    }
