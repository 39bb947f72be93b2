"""Sources of supplies for machines: offers, promises, the door, reports on gifts.

Quantities are whole numbers of the item's smallest unit, money is in fen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import NO_NUL, Text40, Text60, Text100, Text200
from fangkong.core.permissions import Permission
from fangkong.core.refusals import WrongField
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Item
from fangkong.supplies.stock.rules import MOST
from fangkong.supplies.stock.types import KEEP, LotFacts, Papers
from fangkong.supplies.stock.words import unknown

from . import actions, queries
from . import reports as figures
from .models import Delivery, Disclosure, Supply, SupplyLine
from .types import (
    DECIDE,
    OFFER,
    PUBLISH,
    VIEW,
    Channel,
    Checked,
    Fund,
    LineFacts,
    SupplyFacts,
    Verdict,
)

router = Router(tags=["sources"])

# JSON's true and "5" are no numbers.
Quantity = Annotated[int, Field(ge=1, le=MOST, strict=True)]
Money = Annotated[int, Field(ge=0, le=actions.MOST_MONEY, strict=True)]


class SupplyChannel(Enum):
    """The way by which supplies come."""

    CONTRACT = "contract"
    EMERGENCY = "emergency"
    DONATION = "donation"
    ABOVE = "above"
    AID = "aid"
    LOCAL = "local"
    REQUISITION = "requisition"


class PaidWith(Enum):
    """Whose money pays."""

    NONE = "none"
    BUDGET = "budget"
    GIFTS = "gifts"


class DoorVerdict(Enum):
    """What the check at the door made of goods."""

    FITS = "fits"
    OTHER = "other"
    REFUSED = "refused"


class SupplyLineOut(Schema):
    """`booked`: of it, what came and was booked in; `missing`: what has not come to the door."""

    n: int
    item: UUID
    quantity: int
    price: int | None
    standard: str
    booked: int
    missing: int


class SupplyOut(Schema):
    id: UUID
    code: str
    channel: str
    state: str
    place: UUID
    party: str
    private: bool
    money: int
    fund: str
    arrives_on: date | None
    earmark: str
    note: str
    why: str
    accepted_at: datetime | None
    money_came_at: datetime | None
    money_back_at: datetime | None
    closed_at: datetime | None
    synthetic: bool


class DoorDeliveryOut(Schema):
    """`taken_back`: the sheet that booked it was taken back, so it counts no more."""

    line: int
    quantity: int
    verdict: str
    why: str
    entry: UUID | None
    lot: UUID | None
    taken_back: bool


class SupplyWithLinesOut(SupplyOut):
    lines: list[SupplyLineOut]
    deliveries: list[DoorDeliveryOut]


class SupplyLineIn(api.Body):
    """`price`: of the whole line, in fen."""

    item: UUID
    quantity: Quantity
    price: Money | None = None
    standard: Text60 = ""


class SupplyIn(api.Body):
    """`party` is empty for a private giver. `money`: fen that are given. `here`: it stands at the
    door of a store that you keep; nobody has to accept it first."""

    channel: SupplyChannel
    place: UUID
    party: Text100 = ""
    private: bool = False
    money: Money = 0
    fund: PaidWith = PaidWith.NONE
    arrives_on: date | None = None
    earmark: Text100 = ""
    note: Text200 = ""
    here: bool = False
    lines: list[SupplyLineIn] = Field(default_factory=list, max_length=actions.MOST_LINES)


class SupplyAcceptIn(api.Body):
    """`arrives_on`: only where it is another day than was offered."""

    arrives_on: date | None = None


class SupplyPutOffIn(api.Body):
    arrives_on: date
    reason: Text200


class SupplyReasonIn(api.Body):
    reason: Text200


class SupplyReopenIn(api.Body):
    """`arrives_on`: only where it is another day than was promised."""

    arrives_on: date | None = None
    reason: Text200


class DoorLotIn(api.Body):
    number: Text40 = ""
    made_on: date | None = None
    expires_on: date | None = None
    standard: Text60 = ""


class DoorLineIn(api.Body):
    """`line`: the number of the line. `as_item`: as what unsuitable goods are booked."""

    line: int = Field(ge=0, lt=actions.MOST_LINES, strict=True)
    quantity: Quantity
    verdict: DoorVerdict = DoorVerdict.FITS
    lot: DoorLotIn = DoorLotIn()
    as_item: UUID | None = None
    why: Text200 = ""


class DoorIn(api.Body):
    """`money`: the money that was given has come too."""

    moved_at: api.Moment | None = None
    other: Text100 = ""
    note: Text200 = ""
    money: bool = False
    lines: list[DoorLineIn] = Field(default_factory=list, max_length=actions.MOST_LINES)


class OfferOut(Schema):
    """`unit_price`: fen for one; `runs_out`: the last day that the stock of the place covers;
    `lasts_days` is null where nothing was used lately; `gap_days`: days without until it comes."""

    supply: UUID
    party: str
    channel: str
    state: str
    place: UUID
    arrives_on: date | None
    quantity: int
    unit_price: float | None
    conformity: str
    runs_out: date | None
    lasts_days: float | None
    gap_days: int


class ReportOut(Schema):
    """What the public was told; `contents` as docs/sources.md describes."""

    id: UUID
    number: int
    since: datetime | None
    as_of: datetime
    corrects: UUID | None
    why: str
    synthetic: bool


class ReportWithContentsOut(ReportOut):
    contents: dict[str, Any]


class ReportDraftOut(Schema):
    """`digest`: to be sent with the order to publish just this."""

    since: datetime | None
    contents: dict[str, Any]
    digest: str


class ReportChangeOut(Schema):
    """`field` of an item of a giver is told otherwise; null where one of the two does not tell it.

    `from_whom` is null for what was bought with given money, `item` for money."""

    from_whom: str | None
    item: str | None
    field: str
    before: Any
    after: Any


class ReportCorrectionOut(Schema):
    """What a correction would tell; `digest`: to be sent with the order to publish just this."""

    corrects: UUID
    contents: dict[str, Any]
    changes: list[ReportChangeOut]
    digest: str


class ReportCorrectionIn(api.Body):
    """`digest`: of the correction that was read; 412 where it would be another by now."""

    reason: Text200
    digest: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=NO_NUL)]


class ReportIn(api.Body):
    """`digest`: of the draft that was read; 412 where goods moved since."""

    digest: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=NO_NUL)]


# --- What is offered, promised and given ----------------------------------------------------------


@router.get("/", response=api.Page[SupplyOut])
def supplies(request: HttpRequest) -> HttpResponse:
    """What is offered, promised and given for your stores, the last entered first."""
    staff = _staff(request)
    api.require(request, VIEW)
    return api.page(request, queries.open_to(staff.user, staff.now), _supply, order="-created_at")


@router.post("/", response={201: SupplyWithLinesOut})
def offer(request: HttpRequest, body: SupplyIn) -> Status[dict[str, Any]]:
    """Enter an offer, an order or a gift."""
    staff = _staff(request)
    api.require(request, OFFER)
    place = queries.places_to_choose(staff.user, staff.now).filter(public_id=body.place).first()
    if place is None:
        raise Http404
    if body.here and not queries.places_to_choose(staff.user, staff.now, KEEP).contains(place):
        raise Http404
    said = body.model_dump(exclude={"lines", "place", "channel", "fund", "here"})
    facts = SupplyFacts(
        channel=Channel(body.channel.value), fund=Fund(body.fund.value), place=place, **said
    )
    with api.told_by_field():
        lines = [
            LineFacts(
                item=_item_of(f"lines/{n}/item", line.item),
                quantity=line.quantity,
                price=line.price,
                standard=line.standard,
            )
            for n, line in enumerate(body.lines)
        ]
        made = api.once(
            request,
            actions.offer,
            facts=facts,
            lines=lines,
            here=body.here,
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _whole(made))


@router.get("/{uuid:public_id}/", response=SupplyWithLinesOut)
def supply(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One of them, with its lines and what the door made of it."""
    api.require(request, VIEW)
    found = _found(request, public_id, queries.open_to)
    api.version_of(request, found)
    return _whole(found)


@router.post("/{uuid:public_id}/accept/", response=SupplyWithLinesOut)
@api.conditional
def accept(request: HttpRequest, public_id: UUID, body: SupplyAcceptIn) -> dict[str, Any]:
    """It is ordered, or the gift is taken."""
    found = _asked(request, public_id, DECIDE, queries.to_decide)
    return _done(request, actions.accept, found, arrives_on=body.arrives_on)


@router.post("/{uuid:public_id}/decline/", response=SupplyWithLinesOut)
def decline(request: HttpRequest, public_id: UUID, body: SupplyReasonIn) -> dict[str, Any]:
    """It is not wanted."""
    found = _asked(request, public_id, DECIDE, queries.to_decide)
    return _done(request, actions.decline, found, reason=body.reason)


@router.post("/{uuid:public_id}/put-off/", response=SupplyWithLinesOut)
def put_off(request: HttpRequest, public_id: UUID, body: SupplyPutOffIn) -> dict[str, Any]:
    """It comes on another day."""
    found = _asked(request, public_id, OFFER, queries.to_change)
    return _done(request, actions.put_off, found, arrives_on=body.arrives_on, reason=body.reason)


@router.post("/{uuid:public_id}/close/", response=SupplyWithLinesOut)
def close(request: HttpRequest, public_id: UUID, body: SupplyReasonIn) -> dict[str, Any]:
    """Nothing more will come of it."""
    found = _asked(request, public_id, OFFER, queries.to_change)
    return _done(request, actions.close, found, reason=body.reason)


@router.post("/{uuid:public_id}/reopen/", response=SupplyWithLinesOut)
def reopen(request: HttpRequest, public_id: UUID, body: SupplyReopenIn) -> dict[str, Any]:
    """It still comes, though it was closed."""
    found = _asked(request, public_id, OFFER, queries.to_change)
    with api.told_by_field():
        said = {"arrives_on": body.arrives_on, "reason": body.reason}
        return _done(request, actions.reopen, found, **said)


@router.post("/{uuid:public_id}/money-back/", response=SupplyWithLinesOut)
@api.conditional
def money_back(request: HttpRequest, public_id: UUID, body: SupplyReasonIn) -> dict[str, Any]:
    """The money that was entered as come did not come; by somebody else than entered it."""
    found = _asked(request, public_id, DECIDE, queries.to_decide)
    return _done(request, actions.take_money_back, found, reason=body.reason)


@router.post("/{uuid:public_id}/receive/", response=SupplyWithLinesOut)
def receive(request: HttpRequest, public_id: UUID, body: DoorIn) -> dict[str, Any]:
    """Goods came and were checked; several lots of a line are several lines here."""
    found = _asked(request, public_id, KEEP, queries.to_receive)
    papers = Papers(moved_at=body.moved_at, other=body.other, note=body.note)
    with api.told_by_field():
        checked = _checked(body, found)
        return _done(
            request, actions.receive, found, checked=checked, papers=papers, money=body.money
        )


def _checked(body: DoorIn, found: Supply) -> list[Checked]:
    promised = {line.n: line for line in queries.lines_of(found)}
    checked = []
    for n, line in enumerate(body.lines):
        if line.line not in promised:
            raise WrongField(_("There is no line with this number."), f"lines/{n}/line")
        booked_as = line.as_item and _item_of(f"lines/{n}/as_item", line.as_item)
        checked.append(
            Checked(
                line=promised[line.line],
                quantity=line.quantity,
                verdict=Verdict(line.verdict.value),
                lot=LotFacts(**line.lot.model_dump()),
                as_item=booked_as or None,
                why=line.why,
            )
        )
    return checked


@router.get("/offers/{uuid:public_id}/", response=list[OfferOut])
def offers(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The open offers and promises of an item side by side, the earliest arrival first."""
    staff = _staff(request)
    api.require(request, VIEW)
    item = get_object_or_404(stock.items(), public_id=public_id)
    rows = queries.offers(staff.user, staff.now, item)
    return api.whole(request, [_offer(one) for one in rows])


# --- Reports --------------------------------------------------------------------------------------


@router.get("/reports/", response=api.Page[ReportOut])
def reports(request: HttpRequest) -> HttpResponse:
    """What the public was told, the last first."""
    api.require(request, VIEW)
    return api.page(request, queries.reports(), _report, order="-number")


@router.get("/reports/draft/", response=ReportDraftOut)
def draft(request: HttpRequest) -> dict[str, Any]:
    """What would be published now."""
    staff = _staff(request)
    api.require(request, PUBLISH)
    last = queries.last_report()
    told = figures.told(last, staff.now)
    since = None if last is None else last.as_of
    return {"since": since, "contents": told.contents, "digest": told.digest}


@router.post("/reports/", response={201: ReportWithContentsOut})
def publish(request: HttpRequest, body: ReportIn) -> Status[dict[str, Any]]:
    """Publish which gifts came since the last report, and what became of gifts, as it was read."""
    staff = _staff(request)
    api.require(request, PUBLISH)
    made = api.once(request, actions.publish, read=body.digest, by=staff.user, at=staff.now)
    return Status(201, _with_contents(made))


@router.get("/reports/{uuid:public_id}/", response=ReportWithContentsOut)
def report(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One report with its figures."""
    api.require(request, VIEW)
    found = get_object_or_404(queries.reports(), public_id=public_id)
    api.version_of(request, found)
    return _with_contents(found)


@router.get("/reports/{uuid:public_id}/correction/", response=ReportCorrectionOut)
def correction(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What a correction of a report would tell now, and what of it otherwise than the report."""
    api.require(request, PUBLISH)
    found = get_object_or_404(queries.reports(), public_id=public_id)
    told = figures.told(queries.report_before(found), found.as_of)
    changes = [
        {
            "from_whom": None if one.gift is None else one.gift["from"],
            "item": None if one.item is None else one.item["item_zh"],
            "field": one.field,
            "before": one.before,
            "after": one.after,
        }
        for one in figures.changes(found.contents, told.contents)
    ]
    said = {"corrects": found.public_id, "contents": told.contents, "changes": changes}
    return api.whole(request, {**said, "digest": told.digest})


@router.post("/reports/{uuid:public_id}/correct/", response={201: ReportWithContentsOut})
def correct_report(
    request: HttpRequest, public_id: UUID, body: ReportCorrectionIn
) -> Status[dict[str, Any]]:
    """Tell the same hours anew; the report that was wrong stays."""
    staff = _staff(request)
    api.require(request, PUBLISH)
    found = get_object_or_404(queries.reports(), public_id=public_id)
    made = api.once(
        request,
        actions.correct_report,
        report=found,
        reason=body.reason,
        read=body.digest,
        by=staff.user,
        at=staff.now,
    )
    return Status(201, _with_contents(made))


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _found(request: HttpRequest, public_id: UUID, rows: Callable[..., Any]) -> Supply:
    staff = _staff(request)
    return cast(Supply, get_object_or_404(rows(staff.user, staff.now), public_id=public_id))


def _asked(
    request: HttpRequest, public_id: UUID, permission: Permission, rows: Callable[..., Any]
) -> Supply:
    api.require(request, permission)
    return _found(request, public_id, rows)


def _done(
    request: HttpRequest, action: Callable[..., Supply], found: Supply, **said: Any
) -> dict[str, Any]:
    staff = _staff(request)
    done = api.once(request, action, found, supply=found, by=staff.user, at=staff.now, **said)
    return _whole(done)


def _item_of(field: str, key: UUID) -> Item:
    found = stock.items().filter(public_id=key).first()
    if found is None:
        raise unknown(field)
    return found


def _supply(one: Supply) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "code": one.code,
        "channel": one.channel,
        "state": one.state,
        "place": one.place.public_id,
        "party": one.party,
        "private": one.private,
        "money": one.money,
        "fund": one.fund,
        "arrives_on": one.arrives_on,
        "earmark": one.earmark,
        "note": one.note,
        "why": one.why,
        "accepted_at": one.accepted_at,
        "money_came_at": one.money_came_at,
        "money_back_at": one.money_back_at,
        "closed_at": one.closed_at,
        "synthetic": one.synthetic,
    }


def _whole(one: Supply) -> dict[str, Any]:
    return {
        **_supply(one),
        "lines": [_line(line) for line in queries.lines_of(one)],
        "deliveries": [_delivery(each) for each in queries.deliveries_of(one)],
    }


def _line(one: SupplyLine) -> dict[str, Any]:
    return {
        "n": one.n,
        "item": one.item.public_id,
        "quantity": one.quantity,
        "price": one.price,
        "standard": one.standard,
        "booked": cast(Any, one).booked,
        "missing": queries.missing(one),
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "line": one.line.n,
        "quantity": one.quantity,
        "verdict": one.verdict,
        "why": one.why,
        "entry": None if one.entry is None else one.entry.public_id,
        "lot": None if one.lot is None else one.lot.public_id,
        "taken_back": queries.taken_back(one),
    }


def _offer(one: queries.Offer) -> dict[str, Any]:
    supply = one.line.supply
    return {
        "supply": supply.public_id,
        "party": supply.party,
        "channel": supply.channel,
        "state": supply.state,
        "place": supply.place.public_id,
        "arrives_on": supply.arrives_on,
        "quantity": one.left,
        "unit_price": one.unit_price,
        "conformity": one.conformity,
        "runs_out": one.relief.runs_out,
        "lasts_days": one.relief.days,
        "gap_days": one.relief.gap,
    }


def _report(one: Disclosure) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "since": one.since,
        "as_of": one.as_of,
        "corrects": None if one.corrects is None else one.corrects.public_id,
        "why": one.why,
        "synthetic": one.synthetic,
    }


def _with_contents(one: Disclosure) -> dict[str, Any]:
    return {**_report(one), "contents": one.contents}
