"""Shipments for machines: prepare, send, receive line by line, settle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import Text20, Text100, Text200
from fangkong.core.files import receiving

from . import queries, shipping, words
from .api_bodies import PackageOut, Quantity, Serial20, StockReasonIn, package_out
from .models import Transfer, TransferLine
from .rules import MOST
from .types import KEEP, PROOF, VIEW, Arrived, Leaving, Package, Settled, Way

router = Router(tags=["stock"])
Whole = Annotated[int, Field(ge=0, le=MOST, strict=True)]
Rows = Callable[[Any, datetime], QuerySet[Transfer]]


class TransferOut(Schema):
    id: UUID
    number: str
    source: UUID
    target: UUID
    state: str
    carrier: str
    plate: str
    phone: str
    expected_at: datetime | None
    sent_at: datetime | None
    arrived_at: datetime | None
    note: str
    remark: str
    synthetic: bool


class WishOut(Schema):
    item: UUID
    lot: UUID | None
    quantity: int


class TransferLineOut(Schema):
    """`sent` is `received`, `broken`, `returned`, `lost` and `outstanding`; `extra` is beyond."""

    id: UUID
    item: UUID
    lot: UUID
    sent: int
    received: int
    broken: int
    returned: int
    lost: int
    outstanding: int
    extra: int


class AlongOut(PackageOut):
    """`became`: underway, arrived, returned, or unseen: only a part of its lot arrived, and it was
    not scanned since."""

    became: Literal["underway", "arrived", "returned", "unseen"]


class TransferWithLinesOut(TransferOut):
    """`packages`: those with a serial that were scanned as they were loaded."""

    wishes: list[WishOut]
    lines: list[TransferLineOut]
    packages: list[AlongOut]


class LoadedIn(api.Body):
    """`code`: the id of its GTIN."""

    code: UUID
    serial: Serial20


class DispatchIn(api.Body):
    """`packages`: those with a serial that were scanned as they were loaded."""

    packages: list[LoadedIn] = Field(default_factory=list, max_length=2000)


_NO_PACKAGES = DispatchIn()


class WishIn(api.Body):
    item: UUID
    quantity: Quantity
    lot: UUID | None = None


class TransferWayIn(api.Body):
    """`phone`: of the firm or office; numbers of persons are refused."""

    carrier: Text100 = ""
    plate: Text20 = ""
    phone: Text20 = ""
    expected_at: api.Moment | None = None
    note: Text200 = ""


class TransferIn(TransferWayIn):
    source: UUID
    target: UUID
    lines: list[WishIn] = Field(min_length=1, max_length=200)


class TransferArrivedIn(api.Body):
    line: UUID
    good: Whole
    broken: Whole = 0


class TransferArrivalIn(api.Body):
    """`files`: ids of uploads for `supplies.stock.arrival`."""

    lines: list[TransferArrivedIn] = Field(min_length=1, max_length=500)
    remark: Text200 = ""
    files: list[UUID] = Field(default_factory=list, max_length=PROOF.most)


class SettledIn(api.Body):
    line: UUID
    back: Whole = 0
    lost: Whole = 0


class SettleIn(StockReasonIn):
    lines: list[SettledIn] = Field(min_length=1, max_length=500)


@router.get("/", response=api.Page[TransferOut])
def shipments(request: HttpRequest) -> HttpResponse:
    """From and to your places, the last prepared first."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    rows = queries.shipments_open_to(staff.user, staff.now)
    return api.page(request, rows, _shipment, order="-created_at")


@router.post("/", response={201: TransferWithLinesOut})
def prepare(request: HttpRequest, body: TransferIn) -> Status[dict[str, Any]]:
    """Write down what is to go to another store. Nothing moves yet."""
    staff = cast(StaffRequest, request)
    api.require(request, KEEP)
    source = queries.place_open_to(staff.user, staff.now, body.source, KEEP)
    if source is None:
        raise Http404
    lots = queries.lots_open_to(staff.user, staff.now)
    lines = []
    with api.told_by_field():
        target = queries.targets_to_choose().filter(public_id=body.target).first()
        if target is None:
            raise words.unknown("target")
        for n, line in enumerate(body.lines):
            item = queries.items().filter(public_id=line.item).first()
            if item is None:
                raise words.unknown(f"lines/{n}/item")
            lot = None
            if line.lot is not None and (lot := lots.filter(public_id=line.lot).first()) is None:
                raise words.unknown(f"lines/{n}/lot")
            lines.append(Leaving(item=item, quantity=line.quantity, lot=lot))
        names = ("carrier", "plate", "phone", "expected_at", "note")
        made = api.once(
            request,
            shipping.prepare,
            source=source,
            target=target,
            lines=lines,
            way=Way(**{name: getattr(body, name) for name in names}),
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _with_lines(made))


@router.get("/{uuid:public_id}/", response=TransferWithLinesOut)
def shipment(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One shipment with its lines."""
    api.require(request, VIEW)
    found = _found(request, public_id, queries.shipments_open_to)
    api.version_of(request, found)
    return _with_lines(found)


@router.post("/{uuid:public_id}/dispatch/", response=TransferWithLinesOut)
def dispatch(
    request: HttpRequest, public_id: UUID, body: DispatchIn = _NO_PACKAGES
) -> dict[str, Any]:
    """The goods leave: lots by earliest expiry go on the way. The body may be left out."""
    api.require(request, KEEP)
    found = _found(request, public_id, queries.shipments_sent_by)
    loaded = body.packages
    with api.told_by_field():
        keys = {one.code for one in loaded}
        codes = {one.public_id: one for one in queries.codes().filter(public_id__in=keys)}
        for n, one in enumerate(loaded):
            if one.code not in codes:
                raise words.unknown(f"packages/{n}/code")
        packages = [Package(codes[one.code], one.serial) for one in loaded]
        return _carried_out(request, found, shipping.dispatch, packages=packages)


@router.post("/{uuid:public_id}/arrive/", response=TransferWithLinesOut)
def arrive(request: HttpRequest, public_id: UUID, body: TransferArrivalIn) -> dict[str, Any]:
    """What came of every line; what is missing is asked of the sender."""
    found, lines = _lines_for(request, public_id, queries.shipments_coming_to)
    with api.told_by_field():
        told = [
            Arrived(line=_line_of(lines, n, one.line), good=one.good, broken=one.broken)
            for n, one in enumerate(body.lines)
        ]
        kept = receiving.found(request, PROOF, body.files)
        said: dict[str, Any] = {"told": told, "remark": body.remark, "files": kept}
        return _carried_out(request, found, shipping.arrive, **said)


@router.post("/{uuid:public_id}/settle/", response=TransferWithLinesOut)
def settle(request: HttpRequest, public_id: UUID, body: SettleIn) -> dict[str, Any]:
    """What became of what was missing."""
    found, lines = _lines_for(request, public_id, queries.shipments_sent_by)
    with api.told_by_field():
        told = [
            Settled(line=_line_of(lines, n, one.line), back=one.back, lost=one.lost)
            for n, one in enumerate(body.lines)
        ]
        return _carried_out(request, found, shipping.settle, told=told, reason=body.reason)


@router.post("/{uuid:public_id}/bring-back/", response=TransferWithLinesOut)
def bring_back(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """The goods come back before they arrived, whole."""
    rows = queries.shipments_sent_by
    return _done(request, public_id, rows, shipping.bring_back, reason=body.reason)


@router.post("/{uuid:public_id}/way/", response=TransferWithLinesOut)
@api.conditional
def tell_way(request: HttpRequest, public_id: UUID, body: TransferWayIn) -> dict[str, Any]:
    """Who carries it, and when it is expected; all of it is replaced, until it has arrived."""
    way = Way(**body.model_dump())
    with api.told_by_field():
        return _done(request, public_id, queries.shipments_sent_by, shipping.tell_way, way=way)


@router.post("/{uuid:public_id}/cancel/", response=TransferWithLinesOut)
def cancel(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """It is not sent."""
    rows = queries.shipments_sent_by
    return _done(request, public_id, rows, shipping.cancel, reason=body.reason)


def _found(request: HttpRequest, public_id: UUID, rows: Rows) -> Transfer:
    staff = cast(StaffRequest, request)
    return get_object_or_404(rows(staff.user, staff.now), public_id=public_id)


def _done(
    request: HttpRequest,
    public_id: UUID,
    rows: Rows,
    action: Callable[..., Transfer],
    **said: Any,
) -> dict[str, Any]:
    api.require(request, KEEP)
    return _carried_out(request, _found(request, public_id, rows), action, **said)


def _carried_out(
    request: HttpRequest, found: Transfer, action: Callable[..., Transfer], **said: Any
) -> dict[str, Any]:
    staff = cast(StaffRequest, request)
    made = api.once(request, action, found, shipment=found, by=staff.user, at=staff.now, **said)
    return _with_lines(
        get_object_or_404(queries.shipments_open_to(staff.user, staff.now), pk=made.pk)
    )


def _lines_for(
    request: HttpRequest, public_id: UUID, rows: Rows
) -> tuple[Transfer, dict[UUID, TransferLine]]:
    api.require(request, KEEP)
    found = _found(request, public_id, rows)
    return found, {one.public_id: one for one in queries.shipment_lines(found)}


def _line_of(lines: dict[UUID, TransferLine], n: int, key: UUID) -> TransferLine:
    if (line := lines.pop(key, None)) is None:  # unknown, or named twice
        raise words.unknown(f"lines/{n}/line")
    return line


def _shipment(one: Transfer) -> dict[str, Any]:
    way = ("carrier", "plate", "phone", "expected_at", "note")
    names = ("number", "state", *way, "sent_at", "arrived_at", "remark", "synthetic")
    ends = {"source": one.source.public_id, "target": one.target.public_id}
    return {"id": one.public_id, **ends, **{name: getattr(one, name) for name in names}}


def _with_lines(one: Transfer) -> dict[str, Any]:
    wishes = [
        {
            "item": wish.item.public_id,
            "lot": None if wish.lot is None else wish.lot.public_id,
            "quantity": wish.quantity,
        }
        for wish in queries.wishes_of(one)
    ]
    return {
        **_shipment(one),
        "wishes": wishes,
        "lines": [_line(x) for x in queries.shipment_lines(one)],
        "packages": [
            {**package_out(each), "became": became.value}
            for each, became in queries.packages_along(one)
        ],
    }


def _line(one: TransferLine) -> dict[str, Any]:
    names = ("sent", "received", "broken", "returned", "lost", "outstanding", "extra")
    keys = {"id": one.public_id, "item": one.lot.item.public_id, "lot": one.lot.public_id}
    return {**keys, **{name: getattr(one, name) for name in names}}
