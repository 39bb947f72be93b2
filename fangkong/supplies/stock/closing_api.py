"""Closed months for machines: see them, ask to open one again, agree or decline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.permissions import Permission

from . import closing, queries
from .api_bodies import StockReasonIn
from .models import MonthClosing
from .types import APPROVE, KEEP, VIEW

router = Router(tags=["stock"])


class MonthClosingOut(Schema):
    """`month`: its first day. `asked_at`: somebody asks to open it again. `opened_at`: it is."""

    id: UUID
    place: UUID
    month: date
    closed_at: datetime
    asked_at: datetime | None
    why: str
    opened_at: datetime | None


@router.get("/", response=api.Page[MonthClosingOut])
def closings(request: HttpRequest) -> HttpResponse:
    """The closed months of your places, the last closed first."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    return api.page(
        request, queries.closings_open_to(staff.user, staff.now), _told, order="-created_at"
    )


@router.get("/{uuid:public_id}/", response=MonthClosingOut)
def one_closing(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One closed month, with its ETag."""
    found = _found(request, public_id, VIEW)
    api.version_of(request, found)
    return _told(found)


@router.post("/{uuid:public_id}/ask/", response=MonthClosingOut)
def ask_to_open(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """Ask to open the last closed month of a place again; somebody else has to agree."""
    return _done(request, _found(request, public_id, KEEP), closing.ask_to_open, reason=body.reason)


@router.post("/{uuid:public_id}/open/", response=MonthClosingOut)
@api.conditional
def open_month(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Agree. Whoever asked cannot."""
    return _done(request, _found(request, public_id, APPROVE), closing.open_again)


@router.post("/{uuid:public_id}/leave/", response=MonthClosingOut)
def leave_closed(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """Decline."""
    found = _found(request, public_id, APPROVE)
    return _done(request, found, closing.leave_closed, reason=body.reason)


def _found(request: HttpRequest, public_id: UUID, permission: Permission) -> MonthClosing:
    staff = cast(StaffRequest, request)
    api.require(request, permission)
    rows = queries.closings_open_to(staff.user, staff.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _done(
    request: HttpRequest, found: MonthClosing, action: Callable[..., MonthClosing], **said: Any
) -> dict[str, Any]:
    staff = cast(StaffRequest, request)
    done = api.once(request, action, found, closing=found, by=staff.user, at=staff.now, **said)
    return _told(done)


def _told(one: MonthClosing) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "place": one.place.public_id,
        "month": one.month,
        "closed_at": one.created_at,
        "asked_at": one.asked_at,
        "why": one.why,
        "opened_at": one.opened_at,
    }
