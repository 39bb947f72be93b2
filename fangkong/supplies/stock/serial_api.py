"""Packages with a serial number for machines: where each was seen last, and every move."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api

from . import queries
from .models import Place, Serial
from .types import VIEW

router = Router(tags=["stock"])


class SerialOut(Schema):
    """A package that was scanned in. `taken_back_at`: its receipt was taken back."""

    id: UUID
    gtin: str
    serial: str
    item: UUID
    lot: UUID
    came_at: datetime
    taken_back_at: datetime | None


class SerialSeenOut(Schema):
    """`source` and `target` are null outside your places; the kinds tell which stand outside.
    `taken_back`: the sheet was taken back."""

    entry: str
    moved_at: datetime
    source: UUID | None
    source_kind: str
    target: UUID | None
    target_kind: str
    taken_back: bool


class SerialWhereOut(SerialOut):
    """`place`: where it was seen last, null outside your places. `sure`: the place still holds all
    packages of the lot that were seen there last; where goods left unscanned it may be gone."""

    place: UUID | None
    place_kind: str
    sure: bool
    moves: list[SerialSeenOut]


@router.get("/", response=api.Page[SerialOut])
def serials(request: HttpRequest, gtin: str = "", serial: str = "") -> HttpResponse:
    """Packages that were scanned in with a serial, the last first; of a GTIN, with a serial."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    rows = queries.serials_open_to(staff.user, staff.now)
    asked = {"code__gtin": gtin.zfill(14) if gtin else "", "serial": serial}
    rows = rows.filter(**{name: text for name, text in asked.items() if text})
    return api.page(request, rows, _serial, order="-created_at")


@router.get("/{uuid:public_id}/", response=SerialWhereOut)
def serial(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One package: where it was seen last, and every move of it that was scanned."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    found = get_object_or_404(queries.serials_open_to(staff.user, staff.now), public_id=public_id)
    mine = queries.names_of_places(staff.user, staff.now)

    def place(one: Place) -> UUID | None:
        return one.public_id if one.held and one.pk in mine else None

    where = queries.whereabouts(found)
    moves = [
        {
            "entry": one.entry.number,
            "moved_at": one.entry.moved_at,
            "source": place(one.source),
            "source_kind": one.source.kind,
            "target": place(one.target),
            "target_kind": one.target.kind,
            "taken_back": one.back,
        }
        for one in queries.seen_of(found)
    ]
    told = {"place": place(where.place), "place_kind": where.place.kind, "sure": where.sure}
    return api.whole(request, {**_serial(found), **told, "moves": moves})


def _serial(one: Serial) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "gtin": one.code.gtin,
        "serial": one.serial,
        "item": one.lot.item.public_id,
        "lot": one.lot.public_id,
        "came_at": one.created_at,
        "taken_back_at": one.taken_back_at,
    }
