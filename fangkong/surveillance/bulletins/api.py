"""Bulletins and daily reporting for machines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.bodies import NO_NUL, Text60, Text200, Text400
from fangkong.surveillance.monitoring import queries as monitoring

from . import actions, queries
from .models import Bulletin
from .types import NIL, ORDER, PREPARE, VIEW, BulletinState

router = Router(tags=["bulletins"])


def _text(limit: int, say: str = "") -> Any:
    return Field("", max_length=limit, pattern=NO_NUL, description=say)


class FiguresOut(Schema):
    """Whole cases; ages in completed years. null: nobody says. `splits`: of the total, by `county`,
    `sex` (GB/T 2261.1), `age`, `source`, `severity`, then by code; "" is not stated."""

    total: int
    new: int
    removed: int
    died: int
    cured: int | None
    observed: int | None
    youngest: int | None
    oldest: int | None
    new_by_county: dict[str, int]
    apart: dict[str, int]
    splits: dict[str, dict[str, int]]


class BulletinOut(Schema):
    """A bulletin. Its figures are those known at `as_of`, 24:00 of `day`; `definition` and `pack`
    say what they count; `published_at` and `number` come with the issue. `counted`: what the house
    counted where the bulletin states something else."""

    id: UUID
    area: str
    condition: str
    day: date
    as_of: datetime
    state: BulletinState
    number: int | None
    pack: str
    definition: str
    figures: FiguresOut
    counted: FiguresOut
    remark_zh: str
    remark_en: str
    text_zh: str
    text_en: str
    published_at: datetime | None
    corrects: UUID | None
    corrected: bool = Field(description="A later bulletin of the same day corrects it.")
    reason: str
    synthetic: bool


class PrepareIn(api.Body):
    area: str = Field(max_length=12, pattern=NO_NUL, description="Code of the place.")
    condition: Text60
    day: date


class ChangeBulletinIn(api.Body):
    """`figures`: by key, such as `total`, `cured`, `new:513326`, `county:513326`, `sex:1`,
    `age:20-29`, `source:local`, `severity:severe`, `apart:suspected`; those not named stay."""

    figures: dict[str, int | None] = Field(default_factory=dict, max_length=500)
    remark_zh: Text400 | None = None
    remark_en: Text400 | None = None
    reason: str = _text(400, "Needed where a figure changes.")


class BulletinReasonIn(api.Body):
    reason: Text400


class NilIn(api.Body):
    facility: UUID
    condition: Text60
    day: date


class NilOut(Schema):
    id: UUID
    facility: UUID
    condition: str
    day: date
    sent_at: datetime
    late: bool


class OrderIn(api.Body):
    condition: Text60
    first_day: date
    due_hour: int = Field(ge=0, le=23)
    basis: Text200


class EndOrderIn(api.Body):
    last_day: date


class OrderOut(Schema):
    id: UUID
    condition: str
    first_day: date
    last_day: date | None
    due_hour: int
    basis: str


class FacilityStandingOut(Schema):
    """`standing`: cards, nil, missing (not due yet) or overdue."""

    facility: UUID
    county: str
    standing: str
    cards: int
    nil_sent_at: datetime | None
    late: bool


class DailyOut(Schema):
    condition: str
    day: date
    due_at: datetime
    facilities: int
    reported: int
    nil: int
    lines: list[FacilityStandingOut]


@router.get("/", response=api.Page[BulletinOut])
def index(
    request: HttpRequest,
    area: str = "",
    condition: str = "",
    state: api.Narrowed[BulletinState] = None,
    since: date | None = None,
    until: date | None = None,
) -> HttpResponse:
    """What was issued, and the drafts of the places for which you prepare, the last day first."""
    staff = _staff(request, VIEW)
    api.in_order("until", until, "since", since)
    rows = queries.open_to(staff.user, staff.now)
    if area:
        api.among("area", area, queries.area_codes(clock.day_of(staff.now)))
        rows = rows.filter(area__code=area)
    if condition:
        api.among("condition", condition, monitoring.condition_codes())
        rows = rows.filter(condition=condition)
    if state is not None:
        rows = rows.filter(state=state)
    if since is not None:
        rows = rows.filter(day__gte=since)
    if until is not None:
        rows = rows.filter(day__lte=until)
    return api.page(request, rows, _told, order="-day")


@router.post("/", response={201: BulletinOut})
def prepare(request: HttpRequest, body: PrepareIn) -> Status[dict[str, Any]]:
    """Count the figures of a day into a draft; one that stands already is given back."""
    staff = _staff(request, PREPARE)
    places = {one.code: one for one in queries.places_to_tell_of(staff.user, staff.now)}
    if body.area not in places:
        raise api.wrong_in_body("/area", "enum", expected=", ".join(places))
    made = api.once(
        request,
        actions.prepare,
        area=places[body.area],
        condition=body.condition,
        day=body.day,
        by=staff.user,
        at=staff.now,
    )
    return Status(201, _told(made))


@router.get("/{uuid:public_id}/", response=BulletinOut)
def detail(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One bulletin; its ETag is what a change names in If-Match."""
    staff = _staff(request, VIEW)
    found = get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    return _told(found)


@router.post("/{uuid:public_id}/change/", response=BulletinOut)
@api.conditional
def change(request: HttpRequest, public_id: UUID, body: ChangeBulletinIn) -> dict[str, Any]:
    """State figures of a draft otherwise, with a reason, or its remark."""
    staff, found = _mine(request, public_id)
    done = api.once(
        request,
        actions.change,
        found,
        bulletin=found,
        figures=body.figures,
        remark_zh=found.remark_zh if body.remark_zh is None else body.remark_zh,
        remark_en=found.remark_en if body.remark_en is None else body.remark_en,
        reason=body.reason,
        by=staff.user,
        at=staff.now,
    )
    return _told(done)


@router.post("/{uuid:public_id}/recount/", response=BulletinOut)
def recount(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Count a draft anew, as of the same moment."""
    staff, found = _mine(request, public_id)
    done = api.once(request, actions.recount, found, bulletin=found, by=staff.user, at=staff.now)
    return _told(done)


@router.post("/{uuid:public_id}/issue/", response=BulletinOut)
@api.conditional
def issue(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Publish a draft that somebody else prepared. 422 `DoesNotSum` names what does not fit.

    If-Match names the state that was checked: figures changed meanwhile are checked again.
    """
    staff, found = _mine(request, public_id)
    done = api.once(request, actions.issue, found, bulletin=found, by=staff.user, at=staff.now)
    return _told(done)


@router.post("/{uuid:public_id}/drop/", response=BulletinOut)
def drop(request: HttpRequest, public_id: UUID, body: BulletinReasonIn) -> dict[str, Any]:
    """Give a draft up."""
    staff, found = _mine(request, public_id)
    done = api.once(
        request,
        actions.drop,
        found,
        bulletin=found,
        reason=body.reason,
        by=staff.user,
        at=staff.now,
    )
    return _told(done)


@router.post("/{uuid:public_id}/correct/", response={201: BulletinOut})
def correct(
    request: HttpRequest, public_id: UUID, body: BulletinReasonIn
) -> Status[dict[str, Any]]:
    """Begin the correction of an issued bulletin: a draft of the same day."""
    staff, found = _mine(request, public_id)
    made = api.once(
        request,
        actions.correct,
        bulletin=found,
        reason=body.reason,
        by=staff.user,
        at=staff.now,
    )
    return Status(201, _told(made))


@router.get("/daily/", response=DailyOut)
def daily(request: HttpRequest, condition: str, day: date | None = None) -> dict[str, Any]:
    """Who has reported a disease on a day (today without `day`), as far as you may see; one whose
    daily reports are asked for on that day (422 names them)."""
    staff = _staff(request, VIEW)
    on = day or clock.day_of(staff.now)
    order = queries.order_for(condition.replace("\x00", ""), on)
    if order is None:
        raise api.wrong("condition", "enum", expected=", ".join(queries.ordered_on(on)) or "–")
    found = queries.daily(staff.user, staff.now, order, on)
    lines = [
        {
            "facility": line.facility.public_id,
            "county": county.county.code,
            "standing": line.standing.value,
            "cards": line.cards,
            "nil_sent_at": None if line.nil is None else line.nil.created_at,
            "late": line.nil is not None and line.nil.late,
        }
        for county in found.counties
        for line in county.lines
    ]
    return {
        "condition": order.condition,
        "day": on,
        "due_at": found.due_at,
        "facilities": found.whole,
        "reported": found.reported,
        "nil": found.nil,
        "lines": lines,
    }


@router.post("/daily/nil/", response={201: NilOut})
def nil(request: HttpRequest, body: NilIn) -> Status[dict[str, Any]]:
    """Say that a facility had no case on a day. Sent again it is the same report."""
    staff = _staff(request, NIL)
    facility = queries.facility_to_report_for(staff.user, staff.now, body.day, body.facility)
    if facility is None:
        raise Http404
    made = api.once(
        request,
        actions.report_nil,
        facility=facility,
        condition=body.condition,
        day=body.day,
        by=staff.user,
        at=staff.now,
    )
    told = {
        "id": made.public_id,
        "facility": facility.public_id,
        "condition": made.order.condition,
        "day": made.day,
        "sent_at": made.created_at,
        "late": made.late,
    }
    return Status(201, told)


@router.get("/daily/orders/", response=list[OrderOut])
def orders(request: HttpRequest) -> list[dict[str, Any]]:
    """The orders of daily reporting, the newest first."""
    _staff(request, VIEW)
    return [_order(one) for one in queries.orders()]


@router.post("/daily/orders/", response={201: OrderOut})
def order(request: HttpRequest, body: OrderIn) -> Status[dict[str, Any]]:
    """Order that every facility that sees patients reports a disease each day."""
    staff = _staff(request, ORDER)
    given = body.model_dump()
    made = api.once(request, actions.order, **given, by=staff.user, at=staff.now)
    return Status(201, _order(made))


@router.post("/daily/orders/{uuid:public_id}/end/", response=OrderOut)
def end(request: HttpRequest, public_id: UUID, body: EndOrderIn) -> dict[str, Any]:
    """End an order with a day."""
    staff = _staff(request, ORDER)
    found = get_object_or_404(queries.orders(), public_id=public_id)
    done = api.once(
        request,
        actions.end,
        found,
        order=found,
        last_day=body.last_day,
        by=staff.user,
        at=staff.now,
    )
    return _order(done)


def _staff(request: HttpRequest, permission: Any) -> StaffRequest:
    api.require(request, permission)
    return cast(StaffRequest, request)


def _mine(request: HttpRequest, public_id: UUID) -> tuple[StaffRequest, Bulletin]:
    staff = _staff(request, PREPARE)
    rows = queries.open_to_prepare(staff.user, staff.now)
    return staff, get_object_or_404(rows, public_id=public_id)


def _told(one: Bulletin) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "area": one.area.code,
        "condition": one.condition,
        "day": one.day,
        "as_of": _utc(one.as_of),
        "state": one.state,
        "number": one.number,
        "pack": one.pack,
        "definition": one.definition,
        "figures": one.figures.as_json(),
        "counted": queries.counted(one).as_json(),
        "remark_zh": one.remark_zh,
        "remark_en": one.remark_en,
        "text_zh": one.text_zh,
        "text_en": one.text_en,
        "published_at": _utc(one.issued_at),
        "corrects": None if one.corrects is None else one.corrects.public_id,
        "corrected": _corrected(one),
        "reason": one.reason,
        "synthetic": one.synthetic,
    }


def _corrected(one: Any) -> bool:
    # A list asks for all of its rows at once.
    known = getattr(one, "is_corrected", None)
    return queries.correction_of(one) is not None if known is None else bool(known)


def _order(one: Any) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "condition": one.condition,
        "first_day": one.first_day,
        "last_day": one.last_day,
        "due_hour": one.due_hour,
        "basis": one.basis,
    }


def _utc(moment: datetime | None) -> datetime | None:
    """As the database gives it back, so that a repeat is told the same."""
    return None if moment is None else moment.astimezone(UTC)
