"""Plans of allocation for machines, and what they gave.

Quantities are whole numbers of the item's smallest unit.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import Text200
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Place
from fangkong.supplies.stock.words import unknown

from . import actions, queries, sentences
from .models import Plan, Share
from .offices import APPROVE, OVERSEE, PREPARE, VIEW, Offered, PlanFacts, Receiver

router = Router(tags=["allocation"])

Pieces = Annotated[int, Field(ge=0, le=10**10, strict=True)]


class SharingMode(Enum):
    """How goods are shared out."""

    BY_NEED = "by_need"
    BY_REQUEST = "by_request"
    BY_CONSUMPTION = "by_consumption"


class PlanOut(Schema):
    """`worst_cover` and `worst_cover_pro_rata`: days of the worst-off line; null but by need."""

    id: UUID
    number: str
    store: UUID
    mode: str
    first_day: date
    days: int
    state: str
    prepared_at: datetime
    approved_at: datetime | None
    dropped_why: str
    worst_cover: float | None
    worst_cover_pro_rata: float | None
    last: UUID | None
    synthetic: bool


class PlanLineOut(Schema):
    line: int
    place: UUID
    item: UUID
    instead_of: UUID | None
    wanted: int
    reckoned: int
    quantity: int
    pro_rata: int
    cover_before: float | None
    cover_after: float | None
    bound_by: str
    reason: str


class PlanWithLinesOut(PlanOut):
    lines: list[PlanLineOut]


class GivenOut(Schema):
    plan: str
    approved_at: datetime | None
    place: UUID
    item: UUID
    wanted: int
    quantity: int
    reason: str


class OfferedIn(api.Body):
    """`pack`: pieces of a pack of the catalogue that is not opened."""

    item: UUID
    keep_back: Pieces = 0
    pack: int = Field(1, ge=1, le=10**9, strict=True)


class ReceiverIn(api.Body):
    place: UUID
    exposure: int | None = Field(None, ge=1, le=9, strict=True)
    risk: int = Field(1, ge=1, le=1000, strict=True)
    lead_days: int | None = Field(None, ge=0, le=60, strict=True)
    floor_days: int = Field(0, ge=0, le=60, strict=True)


class PlanIn(api.Body):
    """Without `places` all other stores get a share."""

    store: UUID
    mode: SharingMode = SharingMode.BY_NEED
    first_day: date
    days: int = Field(14, ge=1, le=60, strict=True)
    substitutes: bool = False
    items: list[OfferedIn] = Field(min_length=1, max_length=500)
    places: list[ReceiverIn] = Field(default_factory=list, max_length=2000)


class AdjustIn(api.Body):
    line: int = Field(ge=1, le=2**62, strict=True)
    quantity: Pieces
    reason: Text200


class DropIn(api.Body):
    reason: Text200


@router.get("/plans/", response=api.Page[PlanOut])
def plans(request: HttpRequest) -> HttpResponse:
    """All plans, the last first."""
    staff = _staff(request)
    api.require(request, OVERSEE)
    rows = queries.plans_open_to(staff.user, staff.now)
    return api.page(request, rows, _plan, order="-created_at")


@router.get("/plans/{uuid:public_id}/", response=PlanWithLinesOut)
def plan(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One plan with its lines, each with its reason."""
    api.require(request, OVERSEE)
    found = _found(request, public_id)
    api.version_of(request, found)
    return _with_lines(found)


@router.get("/plans/{uuid:public_id}/problem/", response=dict[str, Any])
def problem(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What a plan was reckoned from, as `fangkong allocate` reads it."""
    api.require(request, OVERSEE)
    return api.whole(request, _found(request, public_id).problem)


@router.get("/given/", response=api.Page[GivenOut])
def given(request: HttpRequest) -> HttpResponse:
    """What approved plans gave to your places."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.given_to(staff.user, staff.now)
    return api.page(request, rows, _given, order="-pk")


@router.post("/plans/", response={201: PlanWithLinesOut})
def prepare(request: HttpRequest, body: PlanIn) -> Status[dict[str, Any]]:
    """Prepare a plan. A large one is `solving` first; ask for it again."""
    staff = _staff(request)
    api.require(request, PREPARE)
    with api.told_by_field():
        store, facts = _asked(body, staff.now)
        said: dict[str, Any] = {"store": store, "facts": facts, "by": staff.user, "at": staff.now}
        made = api.once(request, actions.prepare, **said)
    return Status(201, _with_lines(made))


@router.post("/plans/{uuid:public_id}/adjust/", response=PlanWithLinesOut)
@api.conditional
def adjust(request: HttpRequest, public_id: UUID, body: AdjustIn) -> dict[str, Any]:
    """Give a line more or less than was reckoned, with a reason."""
    staff = _staff(request)
    api.require(request, PREPARE)
    found = _found(request, public_id)
    with api.told_by_field():
        share = queries.share_of(found, body.line)
        if share is None:
            raise unknown("line")
        done = api.once(
            request,
            actions.adjust,
            found,
            plan=found,
            share=share,
            quantity=body.quantity,
            reason=body.reason,
            by=staff.user,
            at=staff.now,
        )
    return _with_lines(done)


@router.post("/plans/{uuid:public_id}/approve/", response=PlanWithLinesOut)
@api.conditional
def approve(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """The goods leave as the plan that was read says; by another person than prepared it."""
    staff = _staff(request)
    api.require(request, APPROVE)
    found = _found(request, public_id)
    done = api.once(request, actions.approve, found, plan=found, by=staff.user, at=staff.now)
    return _with_lines(done)


@router.post("/plans/{uuid:public_id}/drop/", response=PlanOut)
def drop(request: HttpRequest, public_id: UUID, body: DropIn) -> dict[str, Any]:
    """The plan is not followed."""
    staff = _staff(request)
    api.require(request, PREPARE)
    found = _found(request, public_id)
    done = api.once(
        request,
        actions.drop,
        found,
        plan=found,
        reason=body.reason,
        by=staff.user,
        at=staff.now,
    )
    return _plan(done)


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _asked(body: PlanIn, at: datetime) -> tuple[Place, PlanFacts]:
    """What a body asks for, by records of the house."""
    store = queries.stores().filter(public_id=body.store).first()
    if store is None:
        raise unknown("store")
    usual = {one.place.public_id: one for one in queries.receivers(store, at)}
    goods = {one.public_id: one for one in stock.items()}
    items = []
    for n, each in enumerate(body.items):
        item = goods.get(each.item)
        if item is None:
            raise unknown(f"items/{n}/item")
        items.append(Offered(item=item, keep_back=each.keep_back, pack=each.pack))
    places = []
    for n, one in enumerate(body.places):
        if one.place not in usual:
            raise unknown(f"places/{n}/place")
        known = usual[one.place]
        places.append(
            Receiver(
                place=known.place,
                exposure=known.exposure if one.exposure is None else one.exposure,
                risk=one.risk,
                lead_days=known.lead_days if one.lead_days is None else one.lead_days,
                floor_days=one.floor_days,
            )
        )
    return store, PlanFacts(
        mode=body.mode.value,
        first_day=body.first_day,
        days=body.days,
        items=items,
        places=places or list(usual.values()),
        substitutes=body.substitutes,
    )


def _found(request: HttpRequest, public_id: UUID) -> Plan:
    staff = _staff(request)
    return get_object_or_404(queries.plans_open_to(staff.user, staff.now), public_id=public_id)


def _plan(one: Plan) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "store": one.store.public_id,
        "mode": one.mode,
        "first_day": one.first_day,
        "days": one.days,
        "state": one.state,
        "prepared_at": one.created_at,
        "approved_at": one.approved_at,
        "dropped_why": one.dropped_why,
        "worst_cover": one.told.get("worst"),
        "worst_cover_pro_rata": one.told.get("worst_flat"),
        "last": None if one.last is None else one.last.public_id,
        "synthetic": one.synthetic,
    }


def _with_lines(one: Plan) -> dict[str, Any]:
    names = {item.code: item.display_name for item in stock.items()}
    return {**_plan(one), "lines": [_line(share, names) for share in queries.shares_of(one)]}


def _line(one: Share, names: dict[str, str]) -> dict[str, Any]:
    return {
        "line": one.pk,
        "place": one.place.public_id,
        "item": one.item.public_id,
        "instead_of": None if one.instead_of is None else one.instead_of.public_id,
        "wanted": one.wanted,
        "reckoned": one.proposed,
        "quantity": one.quantity,
        "pro_rata": one.pro_rata,
        "cover_before": one.cover_before,
        "cover_after": one.cover_after,
        "bound_by": one.bound_by,
        "reason": sentences.of_share(one, names),
    }


def _given(one: Share) -> dict[str, Any]:
    return {
        "plan": one.plan.number,
        "approved_at": one.plan.approved_at,
        "place": one.place.public_id,
        "item": one.item.public_id,
        "wanted": one.wanted,
        "quantity": one.quantity,
        "reason": sentences.of_share(one, {one.item.code: one.item.display_name}),
    }
