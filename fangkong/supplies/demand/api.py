"""Demand for machines: days of cover, needs, norms, and a look ahead by a forecast.

Quantities are whole numbers of the item's smallest unit, rates a day decimal numbers.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.bodies import Text40, Text200
from fangkong.core.refusals import WrongField
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Place
from fangkong.supplies.stock.words import unknown

from . import actions, queries, rules, words
from .models import Need, NeedLine
from .types import ASK, VIEW, Forecast, Span, Wanted

router = Router(tags=["demand"])

Ahead = Annotated[int, Field(ge=1, le=rules.MOST_DAYS)]


class NormStrategy(Enum):
    """By which norms it is reckoned."""

    CONVENTIONAL = "conventional"
    CONTINGENCY = "contingency"
    CRISIS = "crisis"


class GoodsComingOut(Schema):
    day: date
    quantity: int
    what: str
    sure: bool


class CoverOut(Schema):
    """How an item stands at a place.

    `days_of_cover`: at most `horizon`, then it lasts at least so long; null without a need.
    `used_a_day`: over the days with stock; null where there never was any.
    """

    place: UUID
    item: UUID
    code: str
    stock: int
    used_a_day: float | None
    days_with_stock: int
    need: list[float]
    need_high: list[float]
    rests_on: str
    coming: list[GoodsComingOut]
    horizon: int
    days_of_cover: float | None
    days_of_cover_high: float | None
    reserve_days: int
    missing_to_reserve: int


class NeedLineOut(Schema):
    item: UUID | None
    quantity: int | None
    who: str
    heads: int | None


class NeedOut(Schema):
    id: UUID
    place: UUID
    first_day: date
    last_day: date
    reason: str
    room: str
    ref: str
    state: str
    late: bool
    asked_at: datetime
    ended_at: datetime | None
    ended_why: str
    replaces: UUID | None
    synthetic: bool


class NeedWithLinesOut(NeedOut):
    lines: list[NeedLineOut]


class WantedIn(api.Body):
    """`quantity` of an item over all the days, or `heads` a day of a role of the rule pack."""

    item: UUID | None = None
    quantity: int | None = Field(None, ge=1, le=actions.MOST_QUANTITY, strict=True)
    who: Text40 = ""
    heads: int | None = Field(None, ge=1, le=actions.MOST_HEADS, strict=True)


class NeedIn(api.Body):
    place: UUID
    first_day: date
    last_day: date
    reason: Text200
    lines: list[WantedIn] = Field(min_length=1, max_length=actions.MOST_LINES)


class NeedReasonIn(api.Body):
    reason: Text200


class NormOut(Schema):
    """How much of an item one head of a role uses a day, in its smallest unit."""

    who: str
    exposure: int
    item: str
    conventional: float
    contingency: float
    crisis: float
    clause: str
    source: str
    from_memory: bool


class ForecastIn(api.Body):
    """`heads`: quantile, such as "0.95", to heads a day from today on."""

    who: Text40
    heads: dict[Text40, list[Annotated[float, Field(ge=0, le=10_000_000)]]] = Field(
        min_length=1, max_length=25
    )


class ProjectionIn(api.Body):
    place: UUID
    days: Ahead = 14
    strategy: NormStrategy = NormStrategy.CONVENTIONAL
    forecasts: list[ForecastIn] = Field(min_length=1, max_length=20)


# --- Cover ----------------------------------------------------------------------------------------


@router.get("/cover/", response=list[CoverOut])
def cover(
    request: HttpRequest,
    days: Ahead = 30,
    strategy: NormStrategy = NormStrategy.CONVENTIONAL,
    place: UUID | None = None,
    item: UUID | None = None,
) -> HttpResponse:
    """How long everything lasts at your places, those that run out first in front.

    `place` and `item` narrow it, to nothing where they name none of yours; of one or the other
    the answer is small.
    """
    staff = _staff(request)
    api.require(request, VIEW)
    where = None if place is None else stock.place_open_to(staff.user, staff.now, place, VIEW)
    what = None if item is None else stock.items().filter(public_id=item).first()
    if (place is not None and where is None) or (item is not None and what is None):
        return api.whole(request, [])
    said: dict[str, Any] = {"days": days, "strategy": strategy.value, "item": what}
    places = None if where is None else [where]
    found = queries.covers(staff.user, staff.now, places=places, **said)
    return api.whole(request, [_cover(one) for one in found])


@router.post("/projection/", response=list[CoverOut])
@api.reads
def projection(request: HttpRequest, body: ProjectionIn) -> list[dict[str, Any]]:
    """How long everything lasts at a place if a forecast comes true. Nothing is kept."""
    staff = _staff(request)
    api.require(request, VIEW)
    where = stock.place_open_to(staff.user, staff.now, body.place, VIEW)
    if where is None:
        raise Http404
    known = queries.norms_on(clock.day_of(staff.now)).roles
    with api.told_by_field():
        told = [_forecast(n, one, known) for n, one in enumerate(body.forecasts)]
    found = queries.covers(
        staff.user,
        staff.now,
        days=body.days,
        strategy=body.strategy.value,
        places=[where],
        forecasts={where.pk: told},
    )
    return [_cover(one) for one in found]


@router.get("/norms/", response=list[NormOut])
def norms(request: HttpRequest) -> HttpResponse:
    """The norms of use of the rule pack in force."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = queries.norms_on(clock.day_of(staff.now))
    rows = [
        {
            "who": one.who,
            "exposure": found.roles[one.who].exposure,
            "item": one.item,
            "conventional": float(one.conventional),
            "contingency": float(one.contingency),
            "crisis": float(one.crisis),
            "clause": words.text(one.clause.text),
            "source": words.text(one.clause.source.title),
            "from_memory": one.clause.from_memory,
        }
        for one in found.norms
        if one.who in found.roles
    ]
    return api.whole(request, rows)


# --- Needs ----------------------------------------------------------------------------------------


@router.get("/needs/", response=api.Page[NeedOut])
def needs(request: HttpRequest) -> HttpResponse:
    """What was asked for at your places, the last first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.needs_open_to(staff.user, staff.now)
    return api.page(request, rows, _need, order="-created_at")


@router.get("/needs/{uuid:public_id}/", response=NeedWithLinesOut)
def need(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One need with its lines."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = get_object_or_404(queries.needs_open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    return _with_lines(found)


@router.post("/needs/", response={201: NeedWithLinesOut})
def ask(request: HttpRequest, body: NeedIn) -> Status[dict[str, Any]]:
    """A place asks for goods."""
    api.require(request, ASK)
    return _asked(request, body, None)


@router.post("/needs/{uuid:public_id}/replace/", response={201: NeedWithLinesOut})
def replace(request: HttpRequest, public_id: UUID, body: NeedIn) -> Status[dict[str, Any]]:
    """Ask otherwise: the earlier need ends, another one takes its place."""
    staff = _staff(request)
    api.require(request, ASK)
    rows = queries.needs_open_to(staff.user, staff.now, ASK)
    return _asked(request, body, get_object_or_404(rows, public_id=public_id))


@router.post("/needs/{uuid:public_id}/withdraw/", response=NeedOut)
def withdraw(request: HttpRequest, public_id: UUID, body: NeedReasonIn) -> dict[str, Any]:
    """It is not needed after all."""
    staff = _staff(request)
    api.require(request, ASK)
    rows = queries.needs_open_to(staff.user, staff.now, ASK)
    found = get_object_or_404(rows, public_id=public_id)
    done = api.once(
        request,
        actions.withdraw,
        found,
        need=found,
        reason=body.reason,
        by=staff.user,
        at=staff.now,
    )
    return _need(done)


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _asked(request: HttpRequest, body: NeedIn, old: Need | None) -> Status[dict[str, Any]]:
    staff = _staff(request)
    place = queries.place_to_ask(staff.user, staff.now, body.place)
    if place is None:
        raise Http404
    span = Span(first_day=body.first_day, last_day=body.last_day, reason=body.reason)
    said: dict[str, Any] = {
        "place": place,
        "lines": _lines(body.lines),
        "span": span,
        "replaces": old,
        "by": staff.user,
        "at": staff.now,
    }
    with api.told_by_field():
        made = api.once(request, actions.ask, *([] if old is None else [old]), **said)
    return Status(201, _with_lines(made))


def _lines(lines: list[WantedIn]) -> list[Wanted]:
    found = []
    for n, one in enumerate(lines):
        item = None
        if one.item is not None:
            item = stock.items().filter(public_id=one.item).first()
            if item is None:
                raise unknown(f"lines/{n}/item")
        found.append(Wanted(item=item, quantity=one.quantity, who=one.who, heads=one.heads))
    return found


def _forecast(n: int, one: ForecastIn, known: Any) -> Forecast:
    if one.who not in known:
        raise WrongField(_("The rule pack knows no such role."), f"forecasts/{n}/who")
    try:
        heads = {float(level): values for level, values in one.heads.items()}
        return Forecast(one.who, rules.checked(heads))
    except rules.BadForecast as problem:
        raise WrongField(words.FAULTS[problem.code], f"forecasts/{n}/heads") from problem
    except ValueError as problem:
        raise WrongField(words.FAULTS["level"], f"forecasts/{n}/heads") from problem


def _cover(one: queries.Cover) -> dict[str, Any]:
    return {
        "place": one.place.public_id,
        "item": one.item.public_id,
        "code": one.item.code,
        "stock": one.stock,
        "used_a_day": one.burn.a_day,
        "days_with_stock": one.burn.days,
        "need": list(one.need),
        "need_high": list(one.high),
        "rests_on": one.basis,
        "coming": [
            {"day": each.day, "quantity": each.quantity, "what": each.what, "sure": each.sure}
            for each in one.coming
        ],
        "horizon": one.horizon,
        "days_of_cover": one.days,
        "days_of_cover_high": one.days_high,
        "reserve_days": one.reserve,
        "missing_to_reserve": one.missing,
    }


def _need(one: Need) -> dict[str, Any]:
    place: Place = one.place
    return {
        "id": one.public_id,
        "place": place.public_id,
        "first_day": one.first_day,
        "last_day": one.last_day,
        "reason": one.reason,
        "room": one.room,
        "ref": one.ref,
        "state": one.state,
        "late": one.late,
        "asked_at": one.created_at,
        "ended_at": one.ended_at,
        "ended_why": one.ended_why,
        "replaces": None if one.replaces is None else one.replaces.public_id,
        "synthetic": one.synthetic,
    }


def _with_lines(one: Need) -> dict[str, Any]:
    lines = queries.lines_of([one]).get(one.pk, [])
    return {**_need(one), "lines": [_line(line) for line in lines]}


def _line(one: NeedLine) -> dict[str, Any]:
    return {
        "item": None if one.item is None else one.item.public_id,
        "quantity": one.quantity,
        "who": one.who,
        "heads": one.heads,
    }
