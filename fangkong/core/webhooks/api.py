"""Webhooks for administrators: receivers, their deliveries, and a second try."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fangkong.core import api, outbound
from fangkong.core.bodies import NO_NUL
from fangkong.core.refusals import Refused

from . import actions, queries
from .models import Delivery, Receiver
from .types import MANAGE

router = Router(tags=["core"])


class ReceiverOut(Schema):
    """A receiver of events."""

    id: UUID
    name: str
    url: str
    events: list[str]
    state: str
    created_at: datetime
    paused_at: datetime | None
    stopped_at: datetime | None


class ReceiverMadeOut(ReceiverOut):
    """``secret`` signs the deliveries; it is told here only."""

    secret: str


class ReceiverIn(api.Body):
    name: str = Field(min_length=1, max_length=60, pattern=NO_NUL)
    url: str = Field(min_length=1, max_length=500, pattern=r"^[!-~]*$")
    events: list[str] = Field(min_length=1, max_length=100)


class DeliveryOut(Schema):
    """One event for one receiver. ``status`` is what the receiver answered last."""

    id: UUID
    event_id: UUID
    event: str
    receiver: UUID
    occurred_at: datetime
    state: str
    tries: int
    tried_at: datetime | None
    due_at: datetime | None
    status: int | None
    problem: str


@router.get("/", response=api.Page[ReceiverOut])
def index(request: HttpRequest) -> HttpResponse:
    """Receivers, the newest first."""
    asked = _asked(request)
    return api.page(request, queries.open_to(asked.user, asked.now), _out, order="-created_at")


@router.post("/", response={201: ReceiverMadeOut})
def subscribe(request: HttpRequest, body: ReceiverIn) -> Status[dict[str, Any]]:
    """Set up a receiver. The address must be public, or listed by the operator."""
    asked = _asked(request)
    try:
        outbound.check(body.url)
    except Refused as problem:
        problem.errors = [{"in": "body", "where": "/url", "text": str(problem)}]
        raise
    made = api.once(
        request,
        actions.subscribe,
        label=body.name,
        url=body.url,
        events_=body.events,
        by=asked.user,
        at=asked.now,
    )
    replayed = getattr(request, "fk_replayed", False)
    return Status(201, {**_out(made), "secret": "" if replayed else made.secret})


@router.get("/deliveries/", response=api.Page[DeliveryOut])
def deliveries(
    request: HttpRequest, state: api.Narrowed[Literal["waiting", "delivered", "parked"]] = None
) -> HttpResponse:
    """Deliveries, the newest first; those of one ``state`` where it is given."""
    asked = _asked(request)
    rows = queries.deliveries(asked.user, asked.now)
    if state:
        rows = rows.filter(state=state)
    return api.page(request, rows, _delivery_out, order="-occurred_at")


@router.post("/deliveries/{public_id}/repeat/", response=DeliveryOut)
def repeat(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Try a delivery anew that was given up."""
    asked = _asked(request)
    rows = queries.deliveries(asked.user, asked.now)
    found = get_object_or_404(rows, public_id=public_id)
    again = api.once(request, actions.repeat, delivery=found, by=asked.user, at=asked.now)
    return _delivery_out(again)


@router.post("/{public_id}/stop/", response=ReceiverOut)
def stop(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Tell a receiver nothing any more."""
    return _out(_done(request, public_id, actions.stop))


@router.post("/{public_id}/pause/", response=ReceiverOut)
def pause(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Keep events for a receiver until it is resumed."""
    return _out(_done(request, public_id, actions.pause))


@router.post("/{public_id}/resume/", response=ReceiverOut)
def resume(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Deliver again, first what has waited."""
    return _out(_done(request, public_id, actions.resume))


@router.post("/{public_id}/repeat/", response=ReceiverOut)
def repeat_all(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Try everything anew that was given up, as after days on which the receiver was down."""
    return _out(_done(request, public_id, actions.repeat_all))


@router.post("/{public_id}/renew-secret/", response=ReceiverMadeOut)
def renew_secret(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Give a receiver a new secret; the old one signs along for 24 hours."""
    made = _done(request, public_id, actions.renew_secret)
    replayed = getattr(request, "fk_replayed", False)
    return {**_out(made), "secret": "" if replayed else made.secret}


@router.post("/{public_id}/try/", response={201: DeliveryOut})
def try_out(request: HttpRequest, public_id: UUID) -> Status[dict[str, Any]]:
    """Send a signed delivery that names no record."""
    asked = _asked(request)
    found = get_object_or_404(queries.open_to(asked.user, asked.now), public_id=public_id)
    made = api.once(request, actions.try_out, receiver=found, by=asked.user, at=asked.now)
    return Status(201, _delivery_out(made))


def _done(request: HttpRequest, public_id: UUID, action: Callable[..., Receiver]) -> Receiver:
    asked = _asked(request)
    found = get_object_or_404(queries.open_to(asked.user, asked.now), public_id=public_id)
    return api.once(request, action, found, receiver=found, by=asked.user, at=asked.now)


def _asked(request: HttpRequest) -> Any:
    api.require(request, MANAGE)
    return cast(Any, request)


def _out(receiver: Receiver) -> dict[str, Any]:
    return {
        "id": receiver.public_id,
        "name": receiver.label,
        "url": receiver.url,
        "events": receiver.events,
        "state": receiver.state,
        "created_at": receiver.created_at,
        "paused_at": receiver.paused_at,
        "stopped_at": receiver.stopped_at,
    }


def _delivery_out(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.public_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "receiver": delivery.receiver.public_id,
        "occurred_at": delivery.occurred_at,
        "state": delivery.state,
        "tries": delivery.tries,
        "tried_at": delivery.tried_at,
        "due_at": delivery.due_at,
        "status": delivery.status,
        "problem": delivery.problem,
    }
