"""Pools for machines: open, fill, send, and the result of a tube of many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from fangkong.core import api
from fangkong.core.audit.sights import opened
from fangkong.core.bodies import Text400
from fangkong.surveillance.monitoring import rules as monitoring

from . import describe, pools, queries, rules
from .api_bodies import (
    CorrectIn,
    EndIn,
    ResultIn,
    ResultOut,
    ShipIn,
    StepIn,
    StepOut,
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
from .models import Pool
from .types import HANDLE, REQUEST, TEST, VIEW, PoolFacts, PoolState

router = Router(tags=["testing"])


class PoolOut(Schema):
    """A tube of many persons. It diagnoses nobody; `rule` says how many it may hold."""

    id: UUID
    number: str
    condition: str
    rule: str
    size: int
    members: int
    group: str
    specimen_type: str
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
    synthetic: bool


class MemberOut(Schema):
    """A person in a pool, masked; `repeat` is the single specimen that was asked for anew."""

    specimen: UUID
    number: str
    name: str
    state: str
    outcome: str
    repeat: UUID | None


class PoolWithWayOut(PoolOut):
    inside: list[MemberOut]
    steps: list[StepOut]
    results: list[ResultOut]


class PoolIn(api.Body):
    """A pool to be opened. `number`: of a tube that brought its own."""

    condition: str = code("conditions")
    rule: str = code("pools")
    group: str = code("groups")
    specimen_type: str = code("specimens")
    facility: UUID
    laboratory: UUID
    number: str = text(80)


class MemberIn(StepIn):
    """Whose swab goes in: of a specimen that was asked for, or of a person."""

    specimen: UUID | None = None
    person: UUID | None = None


class TakeOutIn(api.Body):
    specimen: UUID
    reason: Text400


@router.get("/", response=api.Page[PoolOut])
def listed(request: HttpRequest, number: str = "", state: PoolState | None = None) -> HttpResponse:
    """The pools open to you, the last opened first; a laboratory has those for it."""
    staff = staff_of(request)
    api.require(request, VIEW)
    rows = queries.pools_open_to(staff.user, staff.now)
    if number:
        rows = rows.filter(number=rules.plain_number(number.replace("\x00", ""))[:80])
    if state is not None:
        rows = rows.filter(state=state)
    return api.page(request, rows, lambda one: _out(one, staff.now), order="-created_at")


@router.post("/", response={201: PoolOut})
def open_pool(request: HttpRequest, body: PoolIn) -> Status[dict[str, Any]]:
    """Begin a tube of many; 409 where too many of those screened were positive of late."""
    staff = staff_of(request)
    api.require(request, REQUEST)
    facilities = queries.facilities_to_request_for(staff.user, staff.now)
    with told_by_field():
        made = api.once(
            request,
            pools.open_pool,
            facts=PoolFacts(
                condition=body.condition,
                rule=body.rule,
                group=body.group,
                specimen_type=body.specimen_type,
            ),
            facility=get_object_or_404(facilities, public_id=body.facility),
            laboratory=laboratory_of(staff, body.laboratory),
            number=body.number,
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _out(made, staff.now))


@router.get("/{public_id}/", response=PoolWithWayOut)
def detail(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One pool with whoever is in it as far as you may see them, its way and its results."""
    staff = staff_of(request)
    api.require(request, VIEW)
    found = get_object_or_404(queries.pools_open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    inside = list(
        queries.open_to(staff.user, staff.now)
        .filter(pool_id=found.pk)
        .order_by("collected_at", "pk")
    )
    opened(request, inside)
    repeats = queries.repeats_of(inside)
    return {
        **_out(found, staff.now),
        "inside": [
            {
                "specimen": one.public_id,
                "number": one.number,
                "name": describe.subject(one),
                "state": one.state,
                "outcome": one.outcome,
                "repeat": repeats[one.pk].public_id if one.pk in repeats else None,
            }
            for one in inside
        ],
        "steps": steps_out(queries.pool_steps_of(found)),
        "results": results_out(queries.pool_results_of(found)),
    }


@router.post("/{public_id}/members/", response={201: PoolOut})
def add(request: HttpRequest, public_id: UUID, body: MemberIn) -> Status[dict[str, Any]]:
    """Put the swab of a person into the tube, while it is open and has room."""
    staff = staff_of(request)
    found = _among(request, public_id, REQUEST, queries.pools_to_send)
    specimen = None
    if body.specimen is not None:
        rows = queries.open_to_send(staff.user, staff.now)
        specimen = get_object_or_404(rows, public_id=body.specimen)
        opened(request, specimen)
    said = {"specimen": specimen, "person": person_of(staff, body.person)}
    return Status(201, _go(request, pools.add_to_pool, found, done_at=body.done_at, **said))


@router.post("/{public_id}/take-out/", response=PoolOut)
def take_out(request: HttpRequest, public_id: UUID, body: TakeOutIn) -> dict[str, Any]:
    """A person was scanned by mistake, and no swab of theirs lies in the tube."""
    staff = staff_of(request)
    found = _among(request, public_id, REQUEST, queries.pools_to_send)
    rows = queries.open_to_send(staff.user, staff.now).filter(pool_id=found.pk)
    specimen = rows.filter(public_id=body.specimen).first()
    if specimen is None:
        raise Http404
    return _go(request, pools.take_out_of_pool, found, specimen=specimen, reason=body.reason)


@router.post("/{public_id}/close/", response=PoolOut)
def close(request: HttpRequest, public_id: UUID, body: StepIn) -> dict[str, Any]:
    """Nobody comes into the tube any more."""
    found = _among(request, public_id, REQUEST, queries.pools_to_send)
    return _go(request, pools.close_pool, found, done_at=body.done_at)


@router.post("/{public_id}/ship/", response=PoolOut)
def ship(request: HttpRequest, public_id: UUID, body: ShipIn) -> dict[str, Any]:
    """The tube leaves for its laboratory, or for another one."""
    found = _among(request, public_id, REQUEST, queries.pools_to_send)
    to = None if body.laboratory is None else laboratory_of(staff_of(request), body.laboratory)
    return _go(request, pools.ship_pool, found, laboratory=to, done_at=body.done_at)


@router.post("/{public_id}/receive/", response=PoolOut)
def receive(request: HttpRequest, public_id: UUID, body: StepIn) -> dict[str, Any]:
    """The laboratory has the tube."""
    found = _among(request, public_id, TEST, queries.pools_to_test)
    return _go(request, pools.receive_pool, found, done_at=body.done_at)


@router.post("/{public_id}/refuse/", response=PoolOut)
def refuse(request: HttpRequest, public_id: UUID, body: EndIn) -> dict[str, Any]:
    """The laboratory cannot test what it got."""
    found = _among(request, public_id, TEST, queries.pools_to_test)
    return _go(request, pools.refuse_pool, found, reason=body.reason, done_at=body.done_at)


@router.post("/{public_id}/lose/", response=PoolOut)
def lose(request: HttpRequest, public_id: UUID, body: EndIn) -> dict[str, Any]:
    """The tube is lost; said by whoever has it or waits for it."""
    found = _among(request, public_id, HANDLE, queries.pools_to_lose)
    return _go(request, pools.lose_pool, found, reason=body.reason, done_at=body.done_at)


@router.post("/{public_id}/cancel/", response=PoolOut)
def cancel(request: HttpRequest, public_id: UUID, body: EndIn) -> dict[str, Any]:
    """The tube is not tested; only while it has not left."""
    found = _among(request, public_id, REQUEST, queries.pools_to_send)
    return _go(request, pools.cancel_pool, found, reason=body.reason, done_at=body.done_at)


@router.post("/{public_id}/results/", response={201: PoolOut})
def enter_result(request: HttpRequest, public_id: UUID, body: ResultIn) -> Status[dict[str, Any]]:
    """Enter a result. Not negative: all members are held and asked for a specimen of their own."""
    found = _among(request, public_id, TEST, queries.pools_to_test)
    return Status(201, _go(request, pools.enter_pool_result, found, facts=facts_of(body)))


@router.post("/{public_id}/results/correct/", response=PoolOut)
@api.conditional
def correct_result(request: HttpRequest, public_id: UUID, body: CorrectIn) -> dict[str, Any]:
    """Say a reported result anew, as a whole; its members follow it."""
    found = _among(request, public_id, TEST, queries.pools_to_test)
    said: dict[str, Any] = {
        "facts": facts_of(body),
        "replaces": body.replaces,
        "reason": body.reason,
    }
    return _go(request, pools.correct_pool_result, found, **said)


def _among(
    request: HttpRequest,
    public_id: UUID,
    permission: Any,
    rows: Callable[[Any, datetime], QuerySet[Pool]],
) -> Pool:
    staff = staff_of(request)
    api.require(request, permission)
    return get_object_or_404(rows(staff.user, staff.now), public_id=public_id)


def _go(
    request: HttpRequest, action: Callable[..., Any], found: Pool, **said: Any
) -> dict[str, Any]:
    """Do an action once and tell how the pool stands."""
    staff = staff_of(request)
    with told_by_field(number="specimen"):
        api.once(request, action, found, pool=found, by=staff.user, at=staff.now, **said)
    found.refresh_from_db()
    found.__dict__.pop("filled", None)  # it was counted before
    return _out(found, staff.now)


def _out(one: Pool, at: datetime) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "condition": one.condition,
        "rule": one.rule,
        "size": one.size,
        "members": queries.count_of(one),
        "group": one.test_group,
        "specimen_type": one.specimen_type,
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
        "synthetic": one.synthetic,
    }
