"""Arrivals for machines: look up, ask, register, hand over; checkpoints and announced areas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from ninja import Field, Router, Schema, Status
from ninja.decorators import decorate_view

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.bodies import Text60, Text100, Text200, Text400, Text500
from fangkong.core.record import new_public_id
from fangkong.people import queries as people
from fangkong.people.types import DocumentKind
from fangkong.places import queries as places

from . import actions, queries, rules, words
from .models import Arrival, Checkpoint, RiskArea
from .types import (
    ANNOUNCE,
    MANAGE,
    RECEIVE,
    REGISTER,
    REVEAL,
    VIEW,
    ArrivalFacts,
    CheckpointFacts,
    Duty,
    State,
)

router = Router(tags=["arrivals"])


class ArrivalState(Enum):
    """How an arrival stands with the county it goes to."""

    WAITING = "waiting"
    RECEIVED = "received"
    MISSING = "missing"


class CardKind(Enum):
    """Kinds of identity documents."""

    RESIDENT_ID = "resident_id"
    PASSPORT = "passport"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    FOREIGN_PERMANENT_RESIDENCE = "foreign_permanent_residence"
    MILITARY = "military"
    HOUSEHOLD_BOOK = "household_book"


class MetPersonOut(Schema):
    """A person, masked. `who` leads on to the questions; it holds for half an hour, for you."""

    who: str
    name: str
    sex: str
    age: str
    area: str
    documents: list[str]
    phones: list[str]


class LookUpOut(Schema):
    """Who may be meant; `nobody`: the `who` of somebody who is not known."""

    persons: list[MetPersonOut]
    nobody: str


class LookUpIn(api.Body):
    text: Text100


class AskIn(api.Body):
    who: Text500
    checkpoint: UUID | None = None


class KnownAnswerOut(Schema):
    """A question that is not to be asked; `answer` is "···" where it is not shown."""

    code: str
    name_zh: str
    name_en: str
    answer: str


class OpenQuestionOut(Schema):
    """A question still to be put. `answer`: words, day, yes-no, area, choice, number, phone."""

    code: str
    name_zh: str
    name_en: str
    answer: str
    required: bool


class QuestionsOut(Schema):
    known: list[KnownAnswerOut]
    ask: list[OpenQuestionOut]


class ArrivalIn(api.Body):
    """What was said. `answers`: code of the question → text; days as 2020-02-05, yes or no."""

    who: Text500
    checkpoint: UUID | None = None
    answers: dict[Text60, Text400] = Field(default_factory=dict, max_length=40)
    id_kind: CardKind = CardKind.RESIDENT_ID
    temperature: int | None = Field(
        None, ge=0, le=1000, description="Tenths of a degree Celsius: 366 is 36.6 °C."
    )
    arrived_at: api.Moment | None = Field(None, description="Now without it.")


class StayOut(Schema):
    area: str
    name: str
    last: date


class StretchOut(Schema):
    """A stretch of the watch in one place."""

    place: str
    first: date
    last: date
    visits: int
    tests: list[date]


class ArrivalOut(Schema):
    """An arrival, masked. `tier` is "" where none fits; `also`: the others that fit.

    `ill`: symptoms or fever were told; the person is kept apart, and the county CDC was told.
    """

    id: UUID
    person: UUID
    name: str
    condition: str
    tier: str
    also: list[str]
    pack: str
    clause: str
    as_of: date
    arrived_at: datetime
    stays: list[StayOut]
    not_yet: bool
    fetched: bool
    certificate_hours: int | None
    tests_due: list[datetime]
    phases: list[StretchOut]
    county: str
    area: str
    unit: UUID | None
    checkpoint: UUID | None
    observation: UUID | None
    state: str
    reason: str
    withdrawn_at: datetime | None
    ill: bool
    synthetic: bool


class WhyIn(api.Body):
    reason: Text400


class CheckpointOut(Schema):
    """A checkpoint; `opens` and `closes` are hours, both null: day and night."""

    id: UUID
    facility: UUID
    name_zh: str
    name_en: str
    county: str
    road: str
    duties: list[str]
    opens: int | None
    closes: int | None
    closed_at: datetime | None
    registered_today: int
    asked_today: int
    asked_again_today: int
    synthetic: bool


class CheckpointChangeIn(api.Body):
    road: Text100 = ""
    duties: list[Duty] = Field(default_factory=list, max_length=20)
    opens: int | None = Field(None, ge=0, le=24)
    closes: int | None = Field(None, ge=0, le=24)


class CheckpointIn(CheckpointChangeIn):
    facility: UUID


class RiskAreaOut(Schema):
    """An area announced for a tier; `code` is the beginning of area codes, or `abroad`."""

    id: UUID
    code: str
    name: str
    condition: str
    tier: str
    valid_from: date
    valid_to: date | None
    source: str
    synthetic: bool


class RiskAreaIn(api.Body):
    area: Text60 = Field(description="Name or code of an area of China, or abroad.")
    tier: Text60
    valid_from: date
    valid_to: date | None = None
    source: Text200


class LastDayIn(api.Body):
    valid_to: date


class ArrivalCountOut(Schema):
    day: date
    tier: str
    count: int


class ArrivalFiguresOut(Schema):
    """Arrivals of some days as far as you may see them, and the questions put by your offices."""

    first: date
    last: date
    total: int
    cells: list[ArrivalCountOut]
    asked: int
    asked_again: int
    as_of: datetime


# --- At the checkpoint ----------------------------------------------------------------------------


@router.post("/search/", response=LookUpOut)
@api.reads
def search(request: HttpRequest, body: LookUpIn) -> dict[str, Any]:
    """Whom a whole number or phone means, wherever they live; a name among your own."""
    staff = _staff(request)
    api.require(request, REGISTER)
    found = queries.find(staff.user, staff.now, body.text)
    opened(request, found, how=How.FOUND)
    day = clock.day_of(staff.now)
    shown = []
    for person in found:
        masked = people.masked(person, day)
        shown.append(
            {
                "who": queries.handle_for(person, new_public_id(), staff.user),
                "name": masked.name,
                "sex": masked.sex,
                "age": masked.age,
                "area": masked.area,
                "documents": [number for _kind, number in masked.documents],
                "phones": [number for _kind, number in masked.phones],
            }
        )
    return {"persons": shown, "nobody": queries.handle_for(None, new_public_id(), staff.user)}


@router.post("/ask/", response=QuestionsOut)
def ask(request: HttpRequest, body: AskIn) -> dict[str, Any]:
    """What is known of somebody and what is still to be asked; that it was put is kept."""
    staff = _staff(request)
    api.require(request, REGISTER)
    person, visit = _held(request, body.who)
    post = _post(request, body.checkpoint)
    day = clock.day_of(staff.now)
    opened(request, [] if person is None else [person])
    known = {} if person is None else queries.known(person, day, staff.now)
    every = queries.questions_on(day)
    open_ = rules.to_ask(every, known)
    if person is not None:
        county = queries.county_of(staff.user, staff.now) if post is None else post.county
        api.once(
            request,
            actions.put,
            person=person,
            questions=[row.code for row in open_],
            visit=visit,
            checkpoint=post,
            county=county,
            by=staff.user,
            at=staff.now,
        )
    return {
        "known": [
            {
                **_named(row),
                "answer": known[row.code].value if known[row.code].plain else "···",
            }
            for row in every
            if row.code in known
        ],
        "ask": [
            {**_named(row), "answer": row.answer, "required": row.code in actions.NEEDED}
            for row in open_
        ],
    }


@router.post("/registered/", response={201: ArrivalOut})
def register(request: HttpRequest, body: ArrivalIn) -> Status[dict[str, Any]]:
    """Register an arrival. The same person again on one day is the same arrival, completed."""
    staff = _staff(request)
    api.require(request, REGISTER)
    person, visit = _held(request, body.who)
    post = _post(request, body.checkpoint)
    opened(request, [] if person is None else [person])
    day = clock.day_of(min(body.arrived_at or staff.now, staff.now))
    codes = {row.code for row in queries.questions_on(day)}
    with api.told_by_field(_place):
        unknown = [
            (f"answers/{code}", words.fault("unknown")) for code in set(body.answers) - codes
        ]
        if unknown and codes:
            raise actions.NotAcceptable(sorted(unknown))
        made = api.once(
            request,
            actions.register,
            person=person,
            checkpoint=post,
            county=queries.county_of(staff.user, staff.now),
            facts=ArrivalFacts(
                answers=body.answers,
                shown=tuple(body.answers),
                visit=visit,
                id_kind=DocumentKind(body.id_kind.value).value,
                temperature=body.temperature,
                arrived_at=body.arrived_at,
            ),
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _shown(request, made))


# --- Arrivals -------------------------------------------------------------------------------------


@router.get("/registered/", response=api.Page[ArrivalOut])
def arrivals(
    request: HttpRequest,
    state: ArrivalState | None = None,
    county: Text60 | None = None,
    tier: Text60 | None = None,
    first: date | None = None,
    last: date | None = None,
) -> HttpResponse:
    """The arrivals open to you, those who came last first; without the withdrawn."""
    staff = _staff(request)
    api.require(request, VIEW)
    api.in_order("last", last, "first", first)
    rows = queries.open_to(staff.user, staff.now).filter(withdrawn_at__isnull=True)
    if state is not None:
        rows = rows.filter(state=state.value)
    if county:
        api.among("county", county, places.county_codes())
        rows = rows.filter(county__code=county)
    if tier:
        api.among("tier", tier, queries.tier_codes())
        rows = rows.filter(tier=tier)
    if first is not None:
        rows = rows.filter(arrived_date__gte=first)
    if last is not None:
        rows = rows.filter(arrived_date__lte=last)
    rows = queries.with_watch(rows, staff.user, staff.now)
    return api.page(request, rows, _arrival, order="-arrived_at")


@router.get("/registered/{public_id}/", response=ArrivalOut)
def arrival(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One arrival."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.with_watch(queries.open_to(staff.user, staff.now), staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    api.version_of(request, found)
    opened(request, found)
    return _arrival(found)


@router.post("/registered/{public_id}/receive/", response=ArrivalOut)
def receive(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """The county has taken the person over."""
    return _step(request, public_id, actions.receive)


@router.post("/registered/{public_id}/reveal/", response=dict[str, str])
@decorate_view(never_cache)
def reveal(request: HttpRequest, public_id: UUID, body: WhyIn) -> dict[str, str]:
    """The answers in full, by the code of their question; the reason goes into the audit trail."""
    staff = _staff(request)
    api.require(request, REVEAL)
    rows = queries.open_to_reveal(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    opened(request, found)
    line = api.once(
        request,
        actions.reveal,
        arrival=found,
        reason=body.reason,
        by=staff.user,
        at=staff.now,
    )
    return {one.question: one.value for one in queries.in_full(line, staff.now)}


@router.post("/registered/{public_id}/miss/", response=ArrivalOut)
def miss(request: HttpRequest, public_id: UUID, body: WhyIn) -> dict[str, Any]:
    """The person did not come; those who registered them are told."""
    return _step(request, public_id, actions.miss, reason=body.reason)


@router.post("/registered/{public_id}/judge/", response=ArrivalOut)
def judge_again(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Judge the tier by the rules and announcements of today; 422 where it stays the same."""
    return _step(request, public_id, actions.judge_again)


@router.post("/registered/{public_id}/withdraw/", response=ArrivalOut)
def withdraw(request: HttpRequest, public_id: UUID, body: WhyIn) -> dict[str, Any]:
    """The arrival was entered in error."""
    return _step(request, public_id, actions.withdraw, reason=body.reason)


@router.get("/figures/", response=ArrivalFiguresOut)
def figures(
    request: HttpRequest, days: Annotated[int, Field(ge=1, le=92)] = queries.FIGURE_DAYS
) -> dict[str, Any]:
    """Arrivals by day and tier; how many questions were put, and how many although known."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = queries.figures(staff.user, staff.now, days=days)
    return {
        "first": found.first,
        "last": found.last,
        "total": found.total,
        "cells": [{"day": one.day, "tier": one.tier, "count": one.count} for one in found.cells],
        "asked": found.asked,
        "asked_again": found.again,
        "as_of": _utc(found.as_of),
    }


# --- Checkpoints ----------------------------------------------------------------------------------


@router.get("/checkpoints/", response=api.Page[CheckpointOut])
def checkpoints(request: HttpRequest) -> HttpResponse:
    """The checkpoints open to you, the newest first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.checkpoints_open_to(staff.user, staff.now)
    day = clock.day_of(staff.now)
    posts = queries.posts(list(rows), [day])  # of all, so that no row asks by itself
    return api.page(
        request, rows, lambda one: _checkpoint(one, posts[one.pk, day]), order="-created_at"
    )


@router.post("/checkpoints/", response={201: CheckpointOut})
def set_up(request: HttpRequest, body: CheckpointIn) -> Status[dict[str, Any]]:
    """Set up a checkpoint in a place of that kind of your county."""
    staff = _staff(request)
    api.require(request, MANAGE)
    free = {one.public_id: one for one in queries.places_of_checkpoints(staff.user, staff.now)}
    if body.facility not in free:
        raise Http404
    with api.told_by_field(_place):
        made = api.once(
            request,
            actions.set_up,
            facility=free[body.facility],
            facts=_checkpoint_facts(body),
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _today(made, staff.now))


@router.get("/checkpoints/{public_id}/", response=CheckpointOut)
def checkpoint(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One checkpoint, with the figures of today."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.checkpoints_open_to(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    api.version_of(request, found)
    return _today(found, staff.now)


@router.put("/checkpoints/{public_id}/", response=CheckpointOut)
@api.conditional
def change_checkpoint(
    request: HttpRequest, public_id: UUID, body: CheckpointChangeIn
) -> dict[str, Any]:
    """Say anew what is done at a checkpoint."""
    return _post_step(request, public_id, actions.change_checkpoint, facts=_checkpoint_facts(body))


@router.post("/checkpoints/{public_id}/close/", response=CheckpointOut)
def close(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """The checkpoint works no more."""
    return _post_step(request, public_id, actions.close)


# --- Announced areas ------------------------------------------------------------------------------


@router.get("/announced/", response=api.Page[RiskAreaOut])
def risk_areas(request: HttpRequest, on: date | None = None) -> HttpResponse:
    """The announced areas, the newest first; with ``on`` those that stand on that day."""
    api.require(request, VIEW)
    rows = queries.risk_areas()
    if on is not None:
        rows = queries.announced_on(on)
    return api.page(request, rows, _risk_area, order="-valid_from")


@router.post("/announced/", response={201: RiskAreaOut})
def announce(request: HttpRequest, body: RiskAreaIn) -> Status[dict[str, Any]]:
    """An area was announced for a tier."""
    staff = _staff(request)
    api.require(request, ANNOUNCE)
    with api.told_by_field(_place):
        made = api.once(request, actions.announce, **body.model_dump(), by=staff.user, at=staff.now)
    return Status(201, _risk_area(made))


@router.post("/announced/{public_id}/end/", response=RiskAreaOut)
def end_announcement(request: HttpRequest, public_id: UUID, body: LastDayIn) -> dict[str, Any]:
    """Say until when an announcement stands."""
    staff = _staff(request)
    api.require(request, ANNOUNCE)
    rows = queries.risk_areas_to_change(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    with api.told_by_field(_place):
        done = api.once(
            request,
            actions.end_announcement,
            found,
            risk_area=found,
            valid_to=body.valid_to,
            by=staff.user,
            at=staff.now,
        )
    return _risk_area(done)


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _held(request: HttpRequest, who: str) -> tuple[Any, UUID]:
    held = queries.by_handle(who, _staff(request).user)
    if held is None:
        raise Http404
    return held


def _post(request: HttpRequest, public_id: UUID | None) -> Checkpoint | None:
    if public_id is None:
        return None
    staff = _staff(request)
    posts = queries.checkpoints_to_work_at(staff.user, staff.now)
    found = next((one for one in posts if one.public_id == public_id), None)
    if found is None:
        raise Http404
    return found


def _step(
    request: HttpRequest, public_id: UUID, action: Callable[..., Arrival], **said: Any
) -> dict[str, Any]:
    staff = _staff(request)
    api.require(request, RECEIVE)
    rows = queries.open_to_receive(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    opened(request, found)
    with api.told_by_field(_place):
        done = api.once(request, action, found, arrival=found, by=staff.user, at=staff.now, **said)
    return _shown(request, done)


def _post_step(
    request: HttpRequest, public_id: UUID, action: Callable[..., Checkpoint], **said: Any
) -> dict[str, Any]:
    staff = _staff(request)
    api.require(request, MANAGE)
    rows = queries.checkpoints_to_manage(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    with api.told_by_field(_place):
        done = api.once(
            request, action, found, checkpoint=found, by=staff.user, at=staff.now, **said
        )
    return _today(done, staff.now)


def _place(field: str) -> str:
    own = field in ("temperature", "arrived_at", "id_kind") or field.startswith("answers/")
    return f"/{field}" if own else f"/answers/{field}"


def _named(row: Any) -> dict[str, str]:
    return {"code": row.code, "name_zh": row.name.zh, "name_en": row.name.en}


def _checkpoint_facts(body: CheckpointChangeIn) -> CheckpointFacts:
    return CheckpointFacts(
        road=body.road,
        duties=tuple(one.value for one in body.duties),
        opens=body.opens,
        closes=body.closes,
    )


def _arrival(one: Any) -> dict[str, Any]:
    """An arrival of ``with_watch``."""
    return {
        "id": one.public_id,
        "person": one.person.public_id,
        "name": one.person.masked_name,
        "condition": one.condition,
        "tier": one.tier,
        "also": one.also,
        "pack": one.pack,
        "clause": one.clause,
        "as_of": one.as_of,
        "arrived_at": _utc(one.arrived_at),
        "stays": one.stays,
        "not_yet": one.not_yet,
        "fetched": one.fetched,
        "certificate_hours": one.certificate_hours,
        "tests_due": [_utc(datetime.fromisoformat(due)) for due in one.tests_due],
        "phases": one.phases,
        "county": one.county.code,
        "area": one.area.code,
        "unit": None if one.unit is None else one.unit.public_id,
        "checkpoint": None if one.checkpoint is None else one.checkpoint.public_id,
        "observation": one.watch_key,
        "state": State(one.state).value,
        "reason": one.reason,
        "withdrawn_at": _utc(one.withdrawn_at),
        "ill": one.withdrawn_at is None and rules.is_ill(one.has_symptoms, one.temperature),
        "synthetic": one.synthetic,
    }


def _shown(request: HttpRequest, made: Arrival) -> dict[str, Any]:
    """An arrival as the asker sees it: who watches elsewhere is not told."""
    staff = _staff(request)
    rows = queries.with_watch(queries.open_to(staff.user, staff.now), staff.user, staff.now)
    return _arrival(get_object_or_404(rows, pk=made.pk))


def _today(one: Checkpoint, at: datetime) -> dict[str, Any]:
    day = clock.day_of(at)
    return _checkpoint(one, queries.posts([one], [day])[one.pk, day])


def _checkpoint(one: Checkpoint, today: queries.Post) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "facility": one.facility.public_id,
        "name_zh": one.facility.name_zh,
        "name_en": one.facility.name_en,
        "county": one.county.code,
        "road": one.road,
        "duties": one.duties,
        "opens": one.opens,
        "closes": one.closes,
        "closed_at": _utc(one.closed_at),
        "registered_today": today.registered,
        "asked_today": today.asked,
        "asked_again_today": today.again,
        "synthetic": one.synthetic,
    }


def _risk_area(one: RiskArea) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "code": one.code,
        "name": one.name,
        "condition": one.condition,
        "tier": one.tier,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "source": one.source,
        "synthetic": one.synthetic,
    }


def _utc(moment: datetime | None) -> datetime | None:
    """As the database gives it back, so that a repeat is told the same."""
    return None if moment is None else moment.astimezone(UTC)
