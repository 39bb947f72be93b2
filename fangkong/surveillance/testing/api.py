"""Testing for machines: specimens, the steps of their way, and results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fangkong.core import api, clock
from fangkong.core.audit.sights import opened
from fangkong.core.bodies import Text400
from fangkong.packs.types import NoPackInForce, Row
from fangkong.surveillance.monitoring import rules as monitoring

from . import actions, holds, pool_api, queries, rules
from .api_bodies import (
    CorrectIn,
    EndIn,
    ResultIn,
    ResultOut,
    ShipIn,
    StepIn,
    StepOut,
    WithdrawIn,
    code,
    facts_of,
    laboratory_of,
    person_of,
    results_out,
    staff_of,
    steps_out,
    text,
    told_by_field,
    utc,
)
from .models import Specimen
from .types import (
    HANDLE,
    RELEASE,
    REQUEST,
    TEST,
    VIEW,
    Channel,
    RequestFacts,
    ResultOutcome,
    State,
)

router = Router(tags=["testing"])
router.add_router("/pools", pool_api.router)


class SpecimenOut(Schema):
    """A specimen. The person is masked; `due_at` is the promise of the group that is tested.

    `in_pool`: it lies in a tube with others, and a negative result is one of screening, no
    diagnosis. `repeats`: the member of a pool that it was taken for anew. `held`: the person is
    held until tested singly.
    """

    id: UUID
    number: str
    condition: str
    specimen_type: str
    group: str
    person: UUID | None
    name: str
    site: str
    facility: UUID
    laboratory: UUID
    county: str
    state: str
    state_at: datetime
    collected_at: datetime | None
    received_at: datetime | None
    due_at: datetime | None
    clock: str
    outcome: str
    reported_at: datetime | None
    pack: str
    clause: str
    in_pool: bool
    held: bool
    repeats: UUID | None
    collection_noted: bool
    synthetic: bool


class SpecimenWithWayOut(SpecimenOut):
    steps: list[StepOut]
    results: list[ResultOut]


class SpecimenIn(api.Body):
    """A request. Name a person, or a `site` where a surface is tested.

    `number`: of a tube that brought its own; else the house gives one. `collected_at`: the tube is
    full already.
    """

    condition: str = code("conditions")
    group: str = code("groups")
    specimen_type: str = code("specimens")
    onset_date: date | None = Field(None, description="None where there are no symptoms.")
    person: UUID | None = None
    case: UUID | None = None
    site: str = text(100)
    facility: UUID
    laboratory: UUID
    number: str = text(80)
    collected_at: api.Moment | None = None


class CollectIn(StepIn):
    number: str = text(80, "Of a tube that brought its own.")


class ReleaseIn(api.Body):
    reason: Text400


class TestingChoiceOut(Schema):
    code: str
    name_zh: str
    name_en: str


class SpecimenTypeOut(TestingChoiceOut):
    of_person: bool
    biosafety: str


class PoolRuleOut(TestingChoiceOut):
    """A kind of pool: how many persons of which groups, only below `per_million` positives."""

    size: int
    groups: list[str]
    specimens: list[str]
    per_million: int | None


class GroupOut(TestingChoiceOut):
    """A group that is tested; the result is promised so many hours after the collection."""

    of_person: bool
    hours: int
    target_hours: int | None
    mandatory: bool


class MethodOut(TestingChoiceOut):
    """`targets_of`: what is looked for by disease; `targets`: in those that do not stand there."""

    targets: list[str]
    targets_of: dict[str, list[str]]
    has_ct: bool


class TestingChoicesOut(Schema):
    """What a request and a result of a day may say, by code."""

    on: date
    pack: str
    conditions: list[TestingChoiceOut]
    specimens: list[SpecimenTypeOut]
    groups: list[GroupOut]
    methods: list[MethodOut]
    pools: list[PoolRuleOut]


@router.get("/choices/", response=TestingChoicesOut)
def choices(request: HttpRequest, on: date | None = None) -> dict[str, Any]:
    """The codes that a request and a result of a day take (today without ``on``)."""
    staff = staff_of(request)
    api.require(request, VIEW)
    day = on or clock.day_of(staff.now)
    try:
        pack = queries.pack_on(day)
    except NoPackInForce:
        raise api.wrong("on", "no_rules") from None
    conditions = [
        {"code": one.code, "name_zh": period.name.zh, "name_en": period.name.en}
        for one in pack.conditions
        if (period := one.period_on(day)) is not None
    ]
    return {
        "on": day,
        "pack": pack.id,
        "conditions": conditions,
        "specimens": [
            {**_line(row), "of_person": row.of_person, "biosafety": row.biosafety}
            for row in pack.testing.specimens
            if row.covers(day)
        ],
        "groups": [
            {
                **_line(row),
                "of_person": row.of_person,
                "hours": row.hours,
                "target_hours": row.target_hours,
                "mandatory": row.mandatory,
            }
            for row in pack.testing.groups
            if row.covers(day)
        ],
        "methods": [
            {
                **_line(row),
                "targets": list(row.targets),
                "targets_of": {code: list(several) for code, several in row.targets_of},
                "has_ct": row.has_ct,
            }
            for row in pack.testing.methods
            if row.covers(day)
        ],
        "pools": [
            {
                **_line(row),
                "size": row.size,
                "groups": list(row.groups),
                "specimens": list(row.specimens),
                "per_million": row.per_million,
            }
            for row in rules.pools(pack, day)
        ],
    }


@router.get("/specimens/", response=api.Page[SpecimenOut])
def specimens(
    request: HttpRequest,
    number: str = "",
    state: State | None = None,
    outcome: ResultOutcome | None = None,
    laboratory: UUID | None = None,
    since: api.Moment | None = None,
    until: api.Moment | None = None,
) -> HttpResponse:
    """The specimens open to you, the last requested first; a laboratory has those for it."""
    staff = staff_of(request)
    api.require(request, VIEW)
    api.in_order("until", until, "since", since)
    rows = queries.open_to(staff.user, staff.now)
    if number:
        rows = rows.filter(number=rules.plain_number(number.replace("\x00", ""))[:80])
    if state is not None:
        rows = rows.filter(state=state)
    if outcome is not None:
        rows = rows.filter(outcome=outcome)
    if laboratory is not None:
        rows = rows.filter(laboratory__public_id=laboratory)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    return api.page(request, rows, _teller(staff.now), order="-created_at")


@router.post("/specimens/", response={201: SpecimenOut})
def ask(request: HttpRequest, body: SpecimenIn) -> Status[dict[str, Any]]:
    """Request a test; 409 where the same specimen of the person waits to be collected."""
    staff = staff_of(request)
    api.require(request, REQUEST)
    facilities = queries.facilities_to_request_for(staff.user, staff.now)
    case = None
    if body.case is not None:
        case = queries.case_to_test(staff.user, staff.now, body.case)
        if case is None:
            raise Http404
    with told_by_field(done_at="collected_at"):
        made = api.once(
            request,
            actions.request,
            facts=RequestFacts(
                condition=body.condition,
                group=body.group,
                specimen_type=body.specimen_type,
                onset_date=body.onset_date,
                site=body.site,
            ),
            person=person_of(staff, body.person),
            case=case,
            facility=get_object_or_404(facilities, public_id=body.facility),
            laboratory=laboratory_of(staff, body.laboratory),
            number=body.number,
            collected_at=body.collected_at,
            by=staff.user,
            at=staff.now,
        )
    opened(request, made)
    return Status(201, _out(made, staff.now))


@router.get("/specimens/{public_id}/", response=SpecimenWithWayOut)
def detail(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One specimen with its way, the first step in front, and its results, the newest in front."""
    staff = staff_of(request)
    api.require(request, VIEW)
    found = get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    opened(request, found)
    return {
        **_out(found, staff.now),
        "steps": steps_out(queries.steps_of(found)),
        "results": results_out(queries.results_of(found)),
    }


@router.post("/specimens/{public_id}/collect/", response=SpecimenOut)
def collect(request: HttpRequest, public_id: UUID, body: CollectIn) -> dict[str, Any]:
    """The tube is full: the promise runs from here."""
    found = _to_send(request, public_id)
    return _go(request, actions.collect, found, number=body.number, done_at=body.done_at)


@router.post("/specimens/{public_id}/ship/", response=SpecimenOut)
def ship(request: HttpRequest, public_id: UUID, body: ShipIn) -> dict[str, Any]:
    """The tube leaves for its laboratory, or for another one."""
    found = _to_send(request, public_id)
    to = None if body.laboratory is None else laboratory_of(staff_of(request), body.laboratory)
    return _go(request, actions.ship, found, laboratory=to, done_at=body.done_at)


@router.post("/specimens/{public_id}/receive/", response=SpecimenOut)
def receive(request: HttpRequest, public_id: UUID, body: StepIn) -> dict[str, Any]:
    """The laboratory has the tube."""
    found = _to_test(request, public_id)
    return _go(request, actions.receive, found, done_at=body.done_at)


@router.post("/specimens/{public_id}/refuse/", response=SpecimenOut)
def refuse(request: HttpRequest, public_id: UUID, body: EndIn) -> dict[str, Any]:
    """The laboratory cannot test what it got."""
    found = _to_test(request, public_id)
    return _go(request, actions.refuse, found, reason=body.reason, done_at=body.done_at)


@router.post("/specimens/{public_id}/lose/", response=SpecimenOut)
def lose(request: HttpRequest, public_id: UUID, body: EndIn) -> dict[str, Any]:
    """The tube is lost; said by whoever has it or waits for it."""
    staff = staff_of(request)
    api.require(request, HANDLE)
    found = get_object_or_404(queries.open_to_lose(staff.user, staff.now), public_id=public_id)
    return _go(request, actions.lose, found, reason=body.reason, done_at=body.done_at)


@router.post("/specimens/{public_id}/cancel/", response=SpecimenOut)
def cancel(request: HttpRequest, public_id: UUID, body: EndIn) -> dict[str, Any]:
    """The test is not needed any more; only while the tube has not left."""
    found = _to_send(request, public_id)
    return _go(request, actions.cancel, found, reason=body.reason, done_at=body.done_at)


@router.post("/specimens/{public_id}/release/", response=SpecimenOut)
def release(request: HttpRequest, public_id: UUID, body: ReleaseIn) -> dict[str, Any]:
    """Let a member of a pool go without a single test; 404 where nobody is held by it."""
    staff = staff_of(request)
    api.require(request, RELEASE)
    found = get_object_or_404(queries.to_release(staff.user, staff.now), public_id=public_id)
    return _go(request, holds.release, found, reason=body.reason)


@router.post("/specimens/{public_id}/results/", response={201: SpecimenOut})
def enter_result(request: HttpRequest, public_id: UUID, body: ResultIn) -> Status[dict[str, Any]]:
    """Enter a result. All but an invalid one is reported thereby; a message twice is a 409."""
    found = _to_test(request, public_id)
    return Status(201, _find(request, actions.enter_result, found, facts=facts_of(body)))


@router.post("/specimens/{public_id}/results/correct/", response=SpecimenOut)
@api.conditional
def correct_result(request: HttpRequest, public_id: UUID, body: CorrectIn) -> dict[str, Any]:
    """Say a reported result anew, as a whole; the former one stays in the history."""
    found = _to_test(request, public_id)
    said: dict[str, Any] = {
        "facts": facts_of(body),
        "replaces": body.replaces,
        "reason": body.reason,
    }
    return _find(request, actions.correct_result, found, **said)


@router.post("/specimens/{public_id}/results/withdraw/", response=SpecimenOut)
@api.conditional
def withdraw_result(request: HttpRequest, public_id: UUID, body: WithdrawIn) -> dict[str, Any]:
    """Take a reported result back where none takes its place; the tube is to be tested again."""
    found = _to_test(request, public_id)
    said: dict[str, Any] = {"replaces": body.replaces, "reason": body.reason}
    return _find(request, actions.withdraw_result, found, channel=Channel.API.value, **said)


def _to_send(request: HttpRequest, public_id: UUID) -> Specimen:
    staff = staff_of(request)
    api.require(request, REQUEST)
    return get_object_or_404(queries.open_to_send(staff.user, staff.now), public_id=public_id)


def _to_test(request: HttpRequest, public_id: UUID) -> Specimen:
    staff = staff_of(request)
    api.require(request, TEST)
    return get_object_or_404(queries.open_to_test(staff.user, staff.now), public_id=public_id)


def _go(
    request: HttpRequest, action: Callable[..., Specimen], found: Specimen, **said: Any
) -> dict[str, Any]:
    """Take a step once and tell how the specimen stands."""
    staff = staff_of(request)
    opened(request, found)
    with told_by_field():
        done = api.once(request, action, found, specimen=found, by=staff.user, at=staff.now, **said)
    return _out(done, staff.now)


def _find(
    request: HttpRequest, action: Callable[..., Any], found: Specimen, **said: Any
) -> dict[str, Any]:
    staff = staff_of(request)
    opened(request, found)
    with told_by_field():
        api.once(request, action, found, specimen=found, by=staff.user, at=staff.now, **said)
    found.refresh_from_db()
    return _out(found, staff.now)


def _line(row: Row) -> dict[str, str]:
    return {"code": row.code, "name_zh": row.name.zh, "name_en": row.name.en}


def _teller(at: datetime) -> Callable[[Specimen], dict[str, Any]]:
    return lambda specimen: _out(specimen, at)


def _out(one: Specimen, at: datetime) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "condition": one.condition,
        "specimen_type": one.specimen_type,
        "group": one.test_group,
        "person": None if one.person is None else one.person.public_id,
        "name": "" if one.person is None else one.person.masked_name,
        "site": one.site,
        "facility": one.facility.public_id,
        "laboratory": one.laboratory.public_id,
        "county": "" if one.county is None else one.county.code,
        "state": one.state,
        "state_at": utc(one.state_at),
        "collected_at": utc(one.collected_at),
        "received_at": utc(one.received_at),
        "due_at": utc(one.due_at),
        "clock": monitoring.clock_state(one.due_at, at, one.reported_at),
        "outcome": one.outcome,
        "reported_at": utc(one.reported_at),
        "pack": one.pack,
        "clause": one.clause,
        "in_pool": one.pool_id is not None,
        "held": one.state == State.HELD,
        "repeats": None if one.repeats is None else one.repeats.public_id,
        "collection_noted": one.collection_noted,
        "synthetic": one.synthetic,
    }
