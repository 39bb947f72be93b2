"""Scanning for machines: what a code says and means here, and the codes that were taught."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status
from pydantic import StringConstraints

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.bodies import Text60, Text200, Text500
from fangkong.core.refusals import WrongField

from . import codes, queries, scanning, scans, words
from .models import Balance, Item, ItemCode, Place
from .types import KEEP, VIEW

router = Router(tags=["stock"])
Gtin = Annotated[str, StringConstraints(pattern=r"^([0-9]{8}|[0-9]{12,14})$")]


class ItemCodeOut(Schema):
    """`holds`: how many smallest units of the item one package is; `unit`: how it is called."""

    id: UUID
    gtin: str
    item: UUID
    unit: str
    holds: int


class TaughtIn(api.Body):
    """`unit`: a unit or pack of the item that one package is; the smallest unit where empty."""

    gtin: Gtin
    item: UUID
    unit: Text60 = ""


class CorrectedIn(api.Body):
    item: UUID
    unit: Text60 = ""
    reason: Text200


class ScannedIn(api.Body):
    """`text`: what the scanner sent, separators as the sign 0x1D. `place`: where goods leave."""

    text: Text500
    place: UUID | None = None


class LotHereOut(Schema):
    """A lot of the code at the place; `refused`: why it may not leave."""

    lot: UUID
    quantity: int
    refused: str


class WayOut(Schema):
    """One way to read the code. `received`: a package with this serial came in before. `package`:
    its id, where you may see it."""

    gtin: str
    lot_number: str
    serial: str
    made_on: date | None
    expires_on: date | None
    count: int | None
    received: bool
    package: UUID | None
    lots: list[LotHereOut]


class ScannedOut(Schema):
    """`lot` and `place`: of a label of the house. `ways`: of goods; several where the scanner
    dropped the separators. `code`: null where nobody taught it."""

    lot: UUID | None
    place: UUID | None
    code: ItemCodeOut | None
    ways: list[WayOut]


@router.post("/scan/", response=ScannedOut)
@api.reads
def scan(request: HttpRequest, body: ScannedIn) -> dict[str, Any]:
    """What a scanned text means. Changes nothing."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    place = None
    if body.place is not None:
        place = queries.place_open_to(staff.user, staff.now, body.place)
        if place is None:
            raise Http404
    with api.told_by_field():
        try:
            found = scans.understood(body.text, staff.user, staff.now)
        except codes.NotUnderstood as problem:
            raise WrongField(words.misread(problem.code), "text") from problem
    return {
        "lot": None if found.lot is None else found.lot.public_id,
        "place": None if found.place is None else found.place.public_id,
        "code": None if found.code is None else _code(found.code),
        "ways": [_way(one, found.code, place, staff) for one in found.ways],
    }


@router.get("/codes/", response=api.Page[ItemCodeOut])
def item_codes(request: HttpRequest) -> HttpResponse:
    """The GTINs that were taught."""
    api.require(request, VIEW)
    return api.page(request, queries.codes(), _code, order="-created_at")


@router.get("/codes/{uuid:public_id}/", response=ItemCodeOut)
def item_code(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One of them, with its ETag."""
    api.require(request, VIEW)
    found = get_object_or_404(queries.codes(), public_id=public_id)
    api.version_of(request, found)
    return _code(found)


@router.post("/codes/", response={201: ItemCodeOut})
def teach(request: HttpRequest, body: TaughtIn) -> Status[dict[str, Any]]:
    """From now on a GTIN means so much of an item."""
    staff = cast(StaffRequest, request)
    api.require(request, KEEP)
    with api.told_by_field():
        try:
            read = codes.read(body.gtin, clock.day_of(staff.now))
        except codes.NotUnderstood as problem:
            raise WrongField(words.misread(problem.code), "gtin") from problem
        assert isinstance(read, list)
        said: dict[str, Any] = {"gtin": read[0].gtin, "item": _item(body.item), "unit": body.unit}
        made = api.once(request, scanning.teach, **said, by=staff.user, at=staff.now)
    return Status(201, _code(made))


@router.post("/codes/{uuid:public_id}/correct/", response=ItemCodeOut)
@api.conditional
def correct(request: HttpRequest, public_id: UUID, body: CorrectedIn) -> dict[str, Any]:
    """It was taught wrongly. What was booked by it stays."""
    staff = cast(StaffRequest, request)
    api.require(request, KEEP)
    found = get_object_or_404(queries.codes(), public_id=public_id)
    with api.told_by_field():
        said: dict[str, Any] = {"code": found, "item": _item(body.item), "unit": body.unit}
        said |= {"reason": body.reason, "by": staff.user, "at": staff.now}
        return _code(api.once(request, scanning.correct_code, found, **said))


def _item(key: UUID) -> Item:
    found = queries.items().filter(public_id=key).first()
    if found is None:
        raise words.unknown("item")
    return found


def _code(one: ItemCode) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "gtin": one.gtin,
        "item": one.item.public_id,
        "unit": one.pack,
        "holds": one.holds,
    }


def _way(
    goods: codes.Goods, code: ItemCode | None, place: Place | None, staff: StaffRequest
) -> dict[str, Any]:
    rows: list[Balance] = []
    received = False
    package = None
    if code is not None:
        if goods.serial:
            package = queries.serial_like(staff.user, staff.now, code, goods.serial)
        received = bool(goods.serial and queries.serials_in(code, [goods.serial]))
        if place is not None and goods.lot:
            rows = queries.balances_numbered(place, code.item, goods.lot, goods.expires_on)
    day = clock.day_of(staff.now)
    return {
        "gtin": goods.gtin,
        "lot_number": goods.lot,
        "serial": goods.serial,
        "made_on": goods.made_on,
        "expires_on": goods.expires_on,
        "count": goods.count,
        "received": received,
        "package": None if package is None else package.public_id,
        "lots": [
            {
                "lot": row.lot.public_id,
                "quantity": row.quantity,
                "refused": words.unfit(row.lot, day),
            }
            for row in rows
        ],
    }
