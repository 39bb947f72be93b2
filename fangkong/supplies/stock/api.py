"""The stock for machines: catalogue, places, what is where, the sheets of the ledger.

Quantities are whole numbers of the item's smallest unit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.bodies import NO_NUL, Text40, Text60, Text100, Text200
from fangkong.core.permissions import Permission
from fangkong.core.refusals import WrongField

from . import (
    actions,
    closing,
    closing_api,
    count_api,
    queries,
    release_api,
    rules,
    scan_api,
    serial_api,
    ship_api,
    words,
)
from .api_bodies import (
    LabelIn,
    PackageOut,
    Quantity,
    Serial20,
    StockReasonIn,
    package_out,
)
from .models import Balance, Entry, Item, ItemCode, Lot, Move, Place
from .rules import MOST, names_a_gift
from .types import (
    CATALOGUE,
    HOLD,
    KEEP,
    VIEW,
    Arriving,
    ItemFacts,
    Leaving,
    LossReason,
    LotFacts,
    Papers,
    PlaceKind,
    Standing,
)

router = Router(tags=["stock"])
router.add_router("/counts", count_api.router)
router.add_router("/months", closing_api.router)
router.add_router("/releases", release_api.router)
router.add_router("/", scan_api.router)
router.add_router("/serials", serial_api.router)
router.add_router("/shipments", ship_api.router)

_CODE = r"^[-a-zA-Z0-9_]+$"


class ItemKind(Enum):
    """What an item is for."""

    PROTECTION = "protection"
    DISINFECTION = "disinfection"
    TESTING = "testing"
    EQUIPMENT = "equipment"
    MEDICINE = "medicine"
    OTHER = "other"


class SmallestUnit(Enum):
    """In what an item is counted."""

    PIECE = "piece"
    SET = "set"
    PAIR = "pair"
    BOTTLE = "bottle"
    BOX = "box"
    TABLET = "tablet"
    TEST = "test"
    MACHINE = "machine"
    VEHICLE = "vehicle"
    ML = "ml"
    GRAM = "g"


class StockPlaceKind(Enum):
    """Where goods are kept."""

    STORE = "store"
    WARD = "ward"


class WhyLost(Enum):
    """Why goods are gone without being used."""

    EXPIRED = "expired"
    BROKEN = "broken"
    MISSING = "missing"
    UNFIT = "unfit"


class ItemOut(Schema):
    id: UUID
    code: str
    name_zh: str
    name_en: str
    kind: str
    unit: str
    packs: dict[str, int]
    standard: str
    shelf_days: int | None
    least: int


class StockOut(ItemOut):
    """An item with what your places hold of it; `soon`: good, but for at most 60 days more.

    `coming`: promised to your places or on the way to them, `arrives`: the first day named for it.
    `standing`: low (what may be used is below its reserve; told to whoever answers for a store that
    keeps one), bad (some expired or held back), soon, here, coming (only
    promised), nothing.
    """

    here: int
    expired: int
    held_back: int
    soon: int
    first_expiry: date | None
    coming: int
    arrives: date | None
    standing: Literal["low", "bad", "soon", "here", "coming", "nothing"]


class ItemIn(api.Body):
    """`packs`: how many smallest units are in one of each pack, by its name."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_CODE)]
    name_zh: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=NO_NUL)]
    name_en: Text100 = ""
    kind: ItemKind
    unit: SmallestUnit
    packs: dict[Text40, Annotated[int, Field(ge=2, le=MOST)]] = Field(
        default_factory=dict, max_length=20
    )
    standard: Text60 = ""
    shelf_days: int | None = Field(None, ge=1, le=20_000)
    least: int = Field(0, ge=0, le=MOST)


class TakenOut(Schema):
    """How many items are new."""

    new: int


class StockPlaceOut(Schema):
    id: UUID
    mark: str
    kind: str
    facility: UUID
    name: str
    county: str
    closed_at: datetime | None
    closed_through: date | None


class StockPlaceIn(api.Body):
    facility: UUID
    kind: StockPlaceKind = StockPlaceKind.STORE
    name: Text60 = ""


class LotOut(Schema):
    id: UUID
    item: UUID
    number: str
    made_on: date | None
    expires_on: date | None
    standard: str
    owner: str
    earmark: str
    held_back_at: datetime | None
    held_back_why: str


class HoldingOut(Schema):
    place: UUID
    item: UUID
    lot: UUID
    number: str
    expires_on: date | None
    quantity: int


class BalanceOut(Schema):
    place: UUID
    item: UUID
    quantity: int


class LotWithHoldersOut(LotOut):
    """Who has a lot; whoever may hold lots back reads all holders, others their own."""

    holders: list[HoldingOut]


class StockMoveOut(Schema):
    """`source` and `target` are null where goods come from outside, are used up or lost."""

    item: UUID
    lot: UUID
    source: UUID | None
    source_kind: str
    target: UUID | None
    target_kind: str
    quantity: int


class SheetOut(Schema):
    id: UUID
    number: str
    kind: str
    place: UUID
    moved_at: datetime
    booked_at: datetime
    other: str
    note: str
    loss: str
    reverses: UUID | None
    synthetic: bool


class SheetWithMovesOut(SheetOut):
    """`packages`: those with a serial that were scanned in, or as they moved."""

    moves: list[StockMoveOut]
    packages: list[PackageOut]


class ArrivingIn(api.Body):
    item: UUID
    quantity: Quantity
    lot: LabelIn = LabelIn()
    code: UUID | None = None
    serials: list[Serial20] = Field(default_factory=list, max_length=2000)


class LeavingIn(api.Body):
    """`lot`: one that is named; without it the earliest expiry leaves first. `serials`: packages
    of `code` that were scanned."""

    item: UUID
    quantity: Quantity
    lot: UUID | None = None
    code: UUID | None = None
    serials: list[Serial20] = Field(default_factory=list, max_length=2000)


class _PapersIn(api.Body):
    moved_at: api.Moment | None = None
    other: Text100 = ""
    note: Text200 = ""

    def papers(self) -> Papers:
        """What stands on the sheet beside its lines."""
        return Papers(moved_at=self.moved_at, other=self.other, note=self.note)


class ReceiptIn(_PapersIn):
    place: UUID
    lines: list[ArrivingIn] = Field(min_length=1, max_length=actions.MOST_LINES)


class IssueIn(_PapersIn):
    """`target`: the place that holds the goods from now on; without it they are used up."""

    source: UUID
    target: UUID | None = None
    lines: list[LeavingIn] = Field(min_length=1, max_length=actions.MOST_LINES)


class LossIn(_PapersIn):
    place: UUID
    lot: UUID
    quantity: Quantity
    reason: WhyLost


# --- Catalogue and what there is ------------------------------------------------------------------


@router.get("/items/", response=api.Page[StockOut])
def items(request: HttpRequest) -> HttpResponse:
    """Every item with what your places hold of it."""
    staff = _staff(request)
    api.require(request, VIEW)
    return api.page(request, queries.board(staff.user, staff.now), _stock, order="code")


@router.post("/items/", response={201: ItemOut})
def add_item(request: HttpRequest, body: ItemIn) -> Status[dict[str, Any]]:
    """Add an item to the catalogue."""
    staff = _staff(request)
    api.require(request, CATALOGUE)
    made = api.once(request, actions.add_item, facts=_facts(body), by=staff.user, at=staff.now)
    return Status(201, _item(made))


@router.post("/catalogue/take/", response=TakenOut)
def take_catalogue(request: HttpRequest) -> dict[str, Any]:
    """Add the items of the rule pack in force that the catalogue lacks."""
    staff = _staff(request)
    api.require(request, CATALOGUE)
    items = queries.items_of_pack(clock.day_of(staff.now))
    said: dict[str, Any] = {"items": items, "by": staff.user, "at": staff.now}
    return {"new": api.once(request, actions.take_catalogue, **said)}


@router.get("/items/{uuid:public_id}/", response=StockOut)
def item(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One item with what your places hold of it."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = get_object_or_404(queries.board(staff.user, staff.now, public_id))
    api.version_of(request, found)
    return _stock(found)


@router.put("/items/{uuid:public_id}/", response=ItemOut)
@api.conditional
def change_item(request: HttpRequest, public_id: UUID, body: ItemIn) -> dict[str, Any]:
    """Replace what the catalogue says of an item; its code stays."""
    staff = _staff(request)
    api.require(request, CATALOGUE)
    found = get_object_or_404(queries.items(), public_id=public_id)
    done = api.once(
        request,
        actions.change_item,
        found,
        item=found,
        facts=_facts(body),
        by=staff.user,
        at=staff.now,
    )
    return _item(done)


@router.get("/holdings/", response=api.Page[HoldingOut])
def holdings(request: HttpRequest) -> HttpResponse:
    """What is where, lot by lot, earliest expiry first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.whole_balances(staff.user, staff.now)
    return api.page(request, rows, _holding, order="until", size=200)


@router.get("/balances/", response=list[BalanceOut])
def balances(request: HttpRequest) -> HttpResponse:
    """Everything that your places hold, item by item, in one answer."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = [
        {"place": place, "item": item, "quantity": quantity}
        for place, item, quantity in queries.balances(staff.user, staff.now)
    ]
    return api.whole(request, rows)


# --- Places ---------------------------------------------------------------------------------------


@router.get("/places/", response=api.Page[StockPlaceOut])
def places(request: HttpRequest) -> HttpResponse:
    """Your stores and wards."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.stores_open_to(staff.user, staff.now)
    return api.page(request, rows, _place, order="mark")


@router.post("/places/", response={201: StockPlaceOut})
def open_place(request: HttpRequest, body: StockPlaceIn) -> Status[dict[str, Any]]:
    """A facility keeps goods from now on."""
    staff = _staff(request)
    api.require(request, KEEP)
    facility = queries.facilities_to_open(staff.user, staff.now).filter(public_id=body.facility)
    known = facility.first()
    if known is None:
        raise Http404
    made = api.once(
        request,
        actions.open_place,
        facility=known,
        kind=PlaceKind(body.kind.value),
        name=body.name,
        by=staff.user,
        at=staff.now,
    )
    return Status(201, _place(made))


@router.post("/places/{uuid:public_id}/close/", response=StockPlaceOut)
def close_place(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Nothing is kept here any more."""
    staff = _staff(request)
    api.require(request, KEEP)
    rows = queries.places_open_to(staff.user, staff.now, KEEP)
    found = get_object_or_404(rows, public_id=public_id)
    done = api.once(request, actions.close_place, found, place=found, by=staff.user, at=staff.now)
    return _place(done)


class MonthIn(api.Body):
    """`month`: any day of it."""

    month: Annotated[date, Field(ge=rules.EARLIEST, le=rules.LATEST)]


@router.post("/places/{uuid:public_id}/close-month/", response=StockPlaceOut)
def close_month(request: HttpRequest, public_id: UUID, body: MonthIn) -> dict[str, Any]:
    """No sheet is dated in this month any more; months are closed in turn."""
    staff = _staff(request)
    api.require(request, KEEP)
    rows = queries.places_open_to(staff.user, staff.now, KEEP)
    found = get_object_or_404(rows, public_id=public_id)
    said: dict[str, Any] = {"place": found, "month": body.month}
    with api.told_by_field():
        api.once(request, closing.close_month, found, **said, by=staff.user, at=staff.now)
    return _place(get_object_or_404(rows, public_id=public_id))


# --- Sheets of the ledger -------------------------------------------------------------------------


@router.get("/entries/", response=api.Page[SheetOut])
def entries(request: HttpRequest) -> HttpResponse:
    """The sheets of the ledger, the last booked first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.entries_open_to(staff.user, staff.now)
    return api.page(request, rows, _entry, order="-created_at")


@router.get("/entries/{uuid:public_id}/", response=SheetWithMovesOut)
def entry(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One sheet with its lines."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.entries_open_to(staff.user, staff.now)
    return _with_moves(get_object_or_404(rows, public_id=public_id))


@router.post("/receipts/", response={201: SheetWithMovesOut})
def receive(request: HttpRequest, body: ReceiptIn) -> Status[dict[str, Any]]:
    """Goods come into a store."""
    api.require(request, KEEP)
    place = _place_of(request, body.place, KEEP)
    with api.told_by_field():
        for n, line in enumerate(body.lines):
            if names_a_gift(line.lot.owner):
                raise WrongField(
                    _("This is the owner of a gift. Check what came of it at its source."),
                    f"lines/{n}/lot/owner",
                )
    lines = [
        Arriving(
            item=_item_of(n, line.item),
            quantity=line.quantity,
            lot=LotFacts(**line.lot.model_dump()),
            code=_code_of(n, line.code),
            serials=line.serials,
        )
        for n, line in enumerate(body.lines)
    ]
    return _booked(request, actions.receive, place=place, lines=lines, papers=body.papers())


@router.post("/issues/", response={201: SheetWithMovesOut})
def issue(request: HttpRequest, body: IssueIn) -> Status[dict[str, Any]]:
    """Goods leave a place, by earliest expiry or by the lot that a line names."""
    staff = _staff(request)
    api.require(request, KEEP)
    source = _place_of(request, body.source, KEEP)
    target = None
    if body.target is not None:
        target = queries.targets_to_choose().filter(public_id=body.target).first()
        if target is None:
            raise words.unknown("target")
        if target.facility_id != source.facility_id:
            raise WrongField(_("For another facility make a shipment."), "target")
    lots = queries.lots_open_to(staff.user, staff.now)
    lines = []
    for n, line in enumerate(body.lines):
        lot = None
        if line.lot is not None and (lot := lots.filter(public_id=line.lot).first()) is None:
            raise words.unknown(f"lines/{n}/lot")
        lines.append(
            Leaving(
                item=_item_of(n, line.item),
                quantity=line.quantity,
                lot=lot,
                code=_code_of(n, line.code),
                serials=line.serials,
            )
        )
    said = {"source": source, "target": target, "lines": lines, "papers": body.papers()}
    return _booked(request, actions.issue, **said)


@router.post("/losses/", response={201: SheetWithMovesOut})
def lose(request: HttpRequest, body: LossIn) -> Status[dict[str, Any]]:
    """Goods of a lot are gone without being used."""
    staff = _staff(request)
    api.require(request, KEEP)
    place = _place_of(request, body.place, KEEP)
    lots = queries.lots_open_to(staff.user, staff.now)
    lot = lots.filter(public_id=body.lot).first()
    if lot is None:
        raise words.unknown("lot")
    return _booked(
        request,
        actions.lose,
        place=place,
        lot=lot,
        quantity=body.quantity,
        reason=LossReason(body.reason.value),
        papers=body.papers(),
    )


@router.post("/entries/{uuid:public_id}/reverse/", response={201: SheetWithMovesOut})
def reverse(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> Status[dict[str, Any]]:
    """Take a sheet back, whole, by one that goes the other way."""
    staff = _staff(request)
    api.require(request, KEEP)
    rows = queries.entries_to_reverse(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    return _booked(request, actions.reverse, entry=found, reason=body.reason)


# --- Lots -----------------------------------------------------------------------------------------


@router.get("/lots/{uuid:public_id}/", response=LotWithHoldersOut)
def lot(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One lot: its label and who has it."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = _lot_of(request, public_id)
    if staff.user.scope(HOLD, staff.now):
        rows = queries.holders(found)
    else:
        rows = queries.balances_open_to(staff.user, staff.now).filter(lot=found)
    api.version_of(request, found)
    return {**_lot(found), "holders": [_holding(row) for row in rows.select_related("item", "lot")]}


@router.post("/lots/{uuid:public_id}/hold/", response=LotOut)
def hold(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """Nobody may issue a lot any more, wherever it is."""
    return _judged(request, public_id, body, actions.hold)


@router.post("/lots/{uuid:public_id}/let-go/", response=LotOut)
def let_go(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """A lot that was held back may be issued again."""
    return _judged(request, public_id, body, actions.let_go)


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _place_of(request: HttpRequest, key: UUID, permission: Permission) -> Place:
    staff = _staff(request)
    found = queries.place_open_to(staff.user, staff.now, key, permission)
    if found is None:
        raise Http404
    return found


def _item_of(n: int, key: UUID) -> Item:
    found = queries.items().filter(public_id=key).first()
    if found is None:
        raise words.unknown(f"lines/{n}/item")
    return found


def _code_of(n: int, key: UUID | None) -> ItemCode | None:
    if key is None:
        return None
    found = queries.codes().filter(public_id=key).first()
    if found is None:
        raise words.unknown(f"lines/{n}/code")
    return found


def _lot_of(request: HttpRequest, key: UUID) -> Lot:
    staff = _staff(request)
    return get_object_or_404(queries.lots_open_to(staff.user, staff.now), public_id=key)


def _booked(
    request: HttpRequest, action: Callable[..., Entry], **said: Any
) -> Status[dict[str, Any]]:
    staff = _staff(request)
    with api.told_by_field():
        made = api.once(request, action, by=staff.user, at=staff.now, **said)
    return Status(201, _with_moves(made))


def _judged(
    request: HttpRequest, public_id: UUID, body: StockReasonIn, action: Callable[..., Lot]
) -> dict[str, Any]:
    staff = _staff(request)
    api.require(request, HOLD)
    found = _lot_of(request, public_id)
    done = api.once(
        request, action, found, lot=found, reason=body.reason, by=staff.user, at=staff.now
    )
    return _lot(done)


def _facts(body: ItemIn) -> ItemFacts:
    said = body.model_dump()
    return ItemFacts(**{**said, "kind": body.kind.value, "unit": body.unit.value})


def _item(one: Item) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "code": one.code,
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "kind": one.kind,
        "unit": one.unit,
        "packs": one.packs,
        "standard": one.standard,
        "shelf_days": one.shelf_days,
        "least": one.least,
    }


def _stock(one: Any) -> dict[str, Any]:
    return {
        **_item(one),
        "here": one.here,
        "expired": one.spoiled,
        "held_back": one.kept_back,
        "soon": one.soon,
        "first_expiry": one.first,
        "coming": one.coming,
        "arrives": one.arrives,
        "standing": Standing(one.standing).name.lower(),
    }


def _place(one: Place) -> dict[str, Any]:
    assert one.facility is not None
    return {
        "id": one.public_id,
        "mark": one.mark,
        "kind": one.kind,
        "facility": one.facility.public_id,
        "name": one.name,
        "county": "" if one.county is None else one.county.code,
        "closed_at": one.closed_at,
        "closed_through": one.closed_through,
    }


def _lot(one: Lot) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "item": one.item.public_id,
        "number": one.number,
        "made_on": one.made_on,
        "expires_on": one.expires_on,
        "standard": one.standard,
        "owner": one.owner,
        "earmark": one.earmark,
        "held_back_at": one.held_back_at,
        "held_back_why": one.held_back_why,
    }


def _holding(row: Balance) -> dict[str, Any]:
    return {
        "place": row.place.public_id,
        "item": row.item.public_id,
        "lot": row.lot.public_id,
        "number": row.lot.number,
        "expires_on": row.lot.expires_on,
        "quantity": row.quantity,
    }


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "kind": one.kind,
        "place": one.place.public_id,
        "moved_at": one.moved_at,
        "booked_at": one.created_at,
        "other": one.other,
        "note": one.note,
        "loss": one.loss,
        "synthetic": one.synthetic,
        "reverses": None if one.reverses is None else one.reverses.public_id,
    }


def _with_moves(one: Entry) -> dict[str, Any]:
    moves = [_move(move) for move in queries.moves_of(one)]
    packages = [package_out(each) for each in queries.packages_on(one)]
    return {**_entry(one), "moves": moves, "packages": packages}


def _move(one: Move) -> dict[str, Any]:
    return {
        "item": one.item.public_id,
        "lot": one.lot.public_id,
        "source": one.source.public_id if one.source.held else None,
        "source_kind": one.source.kind,
        "target": one.target.public_id if one.target.held else None,
        "target_kind": one.target.kind,
        "quantity": one.quantity,
    }
