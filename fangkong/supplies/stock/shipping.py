"""Goods for another store (调拨): prepare, send, receive line by line, settle what is missing.

Nothing vanishes: what is on the way is what was sent less what was received, broken, came back or
was lost, line by line and in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.files import actions as stored
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.spelling import shown
from fangkong.tasks import actions as tasks

from . import ledger, owing, queries, rules, scanning, words
from .actions import NothingChanged, opened, outside, picked, refuse_many, refuse_quantity
from .ledger import Posting
from .models import Lot, Place, Transfer, TransferLine, TransferWish
from .types import (
    ARRIVAL_TASK,
    DISPUTE_TASK,
    LONGEST,
    PROOF,
    Arrived,
    EntryKind,
    Leaving,
    LossReason,
    Package,
    Papers,
    PlaceKind,
    Settled,
    ShipmentState,
    Way,
    keeper_of,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.files.models import StoredFile

SETTLED_WITHIN = timedelta(days=3)
TOLD_WITHIN = timedelta(days=1)


class NotInThisState(Refused):
    """The shipment has gone on: sent, arrived, come back or cancelled."""


class InOneHouse(Refused):
    """Between places of one facility goods are moved directly."""

    status = 422


class NotEveryLine(Refused):
    """A receipt says of every line what came of it."""

    status = 422


@transaction.atomic
def prepare(
    *,
    source: Place,
    target: Place,
    lines: Sequence[Leaving],
    way: Way,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Transfer:
    """Write down what is to go to another store. Nothing moves yet."""
    way = _clean(way, at)
    refuse_many(lines)
    if target.pk == source.pk or target.facility_id == source.facility_id:
        raise InOneHouse(_("Both are in one house. Issue the goods there directly."))
    source, target = opened(source, target)
    for n, line in enumerate(lines):
        refuse_quantity(line.quantity, n)
        if line.lot is not None and line.lot.item_id != line.item.pk:
            raise WrongField(_("This lot is of another item."), f"lines/{n}/lot")
    year = clock.day_of(at).year
    number = rules.shipment_number(source.mark, year, queries.shipments_of(source, year) + 1)
    made = Transfer(
        **stamps(by, at),
        number=number,
        source=source,
        target=target,
        synthetic=synthetic,
        **vars(way),
    )
    made.save(force_insert=True)
    TransferWish.objects.bulk_create(
        TransferWish(
            **stamps(by, at), shipment=made, item=one.item, lot=one.lot, quantity=one.quantity
        )
        for one in lines
    )
    detail = {"number": number, "lines": len(lines)}
    audit.record("supplies.stock.prepare_shipment", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def dispatch(
    *, shipment: Transfer, packages: Sequence[Package] = (), by: User | None, at: datetime
) -> Transfer:
    """The goods leave: lots by earliest expiry go on the way. NotEnough: nothing leaves.

    ``packages``: those with a serial that were scanned as they were loaded.
    """
    way = way_between(shipment.source, shipment.target, by, at)
    source, _target, transit = opened(shipment.source, shipment.target, way)
    shipment = _in(shipment, ShipmentState.PREPARED)
    postings: list[Posting] = []
    for wish in queries.wishes_of(shipment):
        line = Leaving(item=wish.item, quantity=wish.quantity, lot=wish.lot)
        postings += picked(source, transit, line, clock.day_of(at), postings)
    leaving: dict[int, int] = {}
    for one in postings:
        leaving[one.lot.pk] = leaving.get(one.lot.pk, 0) + one.quantity
    along = scanning.to_go_along(source, packages, leaving, by, at)
    papers = Papers(other=shipment.carrier, note=shipment.number, synthetic=shipment.synthetic)
    entry = ledger.post(EntryKind.DISPATCH, source, postings, papers=papers, by=by, at=at)
    scanning.went_along(entry, along, transit, by, at)
    sent: dict[int, TransferLine] = {}
    for one in postings:
        line_of = sent.setdefault(
            one.lot.pk, TransferLine(**stamps(by, at), shipment=shipment, lot=one.lot, sent=0)
        )
        line_of.sent += one.quantity
    TransferLine.objects.bulk_create(sent.values())
    shipment.state, shipment.sent_at, shipment.transit = ShipmentState.SENT, at, transit
    _save(shipment, by, at)
    detail = {"number": shipment.number, "entry": entry.number, "lots": len(sent)}
    detail["packages"] = len(along)
    audit.record("supplies.stock.dispatch", shipment, by=by, at=at, detail=detail)
    return shipment


@transaction.atomic
def arrive(
    *,
    shipment: Transfer,
    told: Sequence[Arrived],
    remark: str = "",
    files: Sequence[StoredFile] = (),
    by: User,
    at: datetime,
) -> Transfer:
    """The receiving keeper says of every line what came. What is missing stays on the way, and the
    sender is asked; what is broken is written off; what is too much is taken in as found."""
    remark = shown(remark)
    refuse_numbers(remark=remark)
    assert shipment.transit is not None or shipment.state == ShipmentState.PREPARED
    if shipment.transit is None:
        raise _gone_on(shipment)
    target, transit = opened(shipment.target, shipment.transit)
    shipment = _in(shipment, ShipmentState.SENT)
    lines = {one.pk: one for one in queries.shipment_lines(shipment)}
    if {one.line.pk for one in told} != set(lines) or len(told) != len(lines):
        raise NotEveryLine(_("Say of every line once what arrived; 0 where nothing did."))
    lost, found = outside(PlaceKind.LOST, by, at), outside(PlaceKind.FOUND, by, at)
    postings: list[Posting] = []
    differs = False
    for n, one in enumerate(told):
        line = lines[one.line.pk]
        if one.good < 0 or one.good > rules.MOST:
            raise WrongField(words.fault("too_much"), f"lines/{n}/good")
        if not 0 <= one.broken <= line.sent:
            raise WrongField(
                _("More broken than was sent. Check both numbers."), f"lines/{n}/broken"
            )
        came = rules.arrival(line.sent, one.good, one.broken)
        ends = ((transit, target, came.received), (transit, lost, came.broken))
        postings += [
            Posting(line.lot, a, b, n) for a, b, n in (*ends, (found, target, came.extra)) if n
        ]
        line.received, line.broken, line.extra = came.received, came.broken, came.extra
        differs = differs or came.received != line.sent or came.extra > 0
        _save(line, by, at)
    if postings:
        papers = Papers(other=shipment.carrier, note=shipment.number, synthetic=shipment.synthetic)
        broken = LossReason.BROKEN.value if any(one.broken for one in told) else ""
        entry = ledger.post(
            EntryKind.ARRIVAL, target, postings, papers=papers, loss=broken, by=by, at=at
        )
        whole = [one.lot for one in lines.values() if one.received == one.sent]
        scanning.went_on(entry, shipment, whole, target, by, at)
    shipment.arrived_at, shipment.remark = at, remark
    missing = sum(one.outstanding for one in lines.values())
    shipment.state = ShipmentState.DISPUTED if missing else ShipmentState.DONE
    _save(shipment, by, at)
    stored.attach(files=files, use=PROOF, to=shipment, by=by, at=at)
    detail = {"number": shipment.number, "missing": missing, "as_sent": not differs}
    audit.record("supplies.stock.arrive", shipment, by=by, at=at, detail=detail)
    proof = _("It is said what came of it.")
    tasks.finish_for(source=shipment, kind=ARRIVAL_TASK.code, proof=proof, by=by, at=at)
    if differs:
        _ask_sender(shipment, at)
    owing.arrived(shipment, by, at)
    return shipment


@transaction.atomic
def settle(
    *, shipment: Transfer, told: Sequence[Settled], reason: str, by: User | None, at: datetime
) -> Transfer:
    """The sender says what became of what was missing: it came back, or it is lost."""
    why = stated_reason(reason, _("Say what became of it."))
    if shipment.transit is None:
        raise _gone_on(shipment)
    source, transit = opened(shipment.source, shipment.transit)
    shipment = _in(shipment, ShipmentState.DISPUTED)
    lines = {one.pk: one for one in queries.shipment_lines(shipment)}
    lost = outside(PlaceKind.LOST, by, at)
    back: list[Posting] = []
    gone: list[Posting] = []
    whole: list[Lot] = []
    for n, one in enumerate(told):
        line = lines.pop(one.line.pk, None)
        if line is None:
            raise words.unknown(f"lines/{n}")
        if min(one.back, one.lost) < 0 or one.back + one.lost > line.outstanding:
            raise WrongField(
                _("Of this lot %(left)s are missing; not more can be settled.")
                % {"left": words.amount(line.outstanding, line.lot.item)},
                f"lines/{n}/back",
            )
        back += [Posting(line.lot, transit, source, one.back)] if one.back else []
        gone += [Posting(line.lot, transit, lost, one.lost)] if one.lost else []
        line.returned, line.lost = line.returned + one.back, line.lost + one.lost
        if line.returned == line.sent:
            whole.append(line.lot)
        _save(line, by, at)
    if not back and not gone:
        raise WrongField(_("Say of at least one lot how much came back or is lost."), "lines")
    papers = Papers(note=why, synthetic=shipment.synthetic)
    if back:
        entry = ledger.post(EntryKind.RETURN, source, back, papers=papers, by=by, at=at)
        scanning.went_on(entry, shipment, whole, source, by, at)
    if gone:
        missing = LossReason.MISSING.value
        ledger.post(EntryKind.LOSS, source, gone, papers=papers, loss=missing, by=by, at=at)
    left = sum(one.outstanding for one in queries.shipment_lines(shipment))
    if not left:
        shipment.state = ShipmentState.DONE
        # A reason may be two signs long, which would be no proof.
        proof = _("All that was missing is settled: %(why)s") % {"why": why}
        tasks.finish_for(source=shipment, kind=DISPUTE_TASK.code, proof=proof, by=by, at=at)
        owing.settled(shipment, why, by, at)
    _save(shipment, by, at)
    detail = {"number": shipment.number, "left": left}
    audit.record("supplies.stock.settle", shipment, by=by, at=at, reason=why, detail=detail)
    return shipment


@transaction.atomic
def bring_back(*, shipment: Transfer, reason: str, by: User | None, at: datetime) -> Transfer:
    """The goods come back before they arrived, whole."""
    why = stated_reason(reason, _("Say why the goods come back."))
    if shipment.transit is None:
        raise _gone_on(shipment)
    source, transit = opened(shipment.source, shipment.transit)
    shipment = _in(shipment, ShipmentState.SENT)
    postings = []
    lines = queries.shipment_lines(shipment)
    for line in lines:
        postings.append(Posting(line.lot, transit, source, line.outstanding))
        line.returned = line.sent
        _save(line, by, at)
    papers = Papers(note=why, synthetic=shipment.synthetic)
    entry = ledger.post(EntryKind.RETURN, source, postings, papers=papers, by=by, at=at)
    scanning.went_on(entry, shipment, [one.lot for one in lines], source, by, at)
    shipment.state = ShipmentState.RETURNED
    _save(shipment, by, at)
    detail = {"number": shipment.number, "entry": entry.number}
    audit.record("supplies.stock.bring_back", shipment, by=by, at=at, reason=why, detail=detail)
    tasks.cancel_for(source=shipment, kind=ARRIVAL_TASK.code, reason=why, by=by, at=at)
    owing.brought_back(shipment, why, by, at)
    return shipment


@transaction.atomic
def tell_way(*, shipment: Transfer, way: Way, by: User | None, at: datetime) -> Transfer:
    """Who carries it, and when it is expected: told when it is known, until it has arrived."""
    queries.places_locked([shipment.source_id])
    shipment = queries.shipment_locked(shipment.pk)
    way = _clean(way, at, shipment.expected_at)
    if shipment.state not in (ShipmentState.PREPARED, ShipmentState.SENT):
        raise _gone_on(shipment)
    new = {name: value for name, value in vars(way).items() if getattr(shipment, name) != value}
    if not new:
        raise NothingChanged(_("Nothing was changed."))
    for name, value in new.items():
        setattr(shipment, name, value)
    _save(shipment, by, at)
    detail = {"number": shipment.number, "changed": ", ".join(sorted(new))}
    audit.record("supplies.stock.tell_way", shipment, by=by, at=at, detail=detail)
    if (expected := new.get("expected_at")) is not None and expected > at:
        why = _("It is expected later.")
        tasks.cancel_for(source=shipment, kind=ARRIVAL_TASK.code, reason=why, by=by, at=at)
    return shipment


@transaction.atomic
def cancel(*, shipment: Transfer, reason: str, by: User | None, at: datetime) -> Transfer:
    """It is not sent at all."""
    why = stated_reason(reason, _("Say why nothing is sent."))
    queries.places_locked([shipment.source_id])
    shipment = _in(shipment, ShipmentState.PREPARED)
    shipment.state = ShipmentState.CANCELLED
    _save(shipment, by, at)
    detail = {"number": shipment.number}
    audit.record(
        "supplies.stock.cancel_shipment", shipment, by=by, at=at, reason=why, detail=detail
    )
    return shipment


@transaction.atomic
def remind_of_late(*, shipment: Transfer, at: datetime) -> bool:
    """Ask whoever keeps the place that goods are for what came of them; once until it is said."""
    queries.places_locked([shipment.source_id, shipment.target_id])
    shipment = queries.shipment_locked(shipment.pk)
    if shipment.state != ShipmentState.SENT or queries.asked_for_arrival(shipment):
        return False
    facility = shipment.target.facility
    assert facility is not None
    tasks.assign(
        kind=ARRIVAL_TASK.code,
        params={"number": shipment.number},
        area=facility.area,
        facility=facility,
        role=keeper_of(facility.kind),
        due_at=at + TOLD_WITHIN,
        by=None,
        at=at,
        source=shipment,
    )
    return True


def _clean(way: Way, at: datetime, before: datetime | None = None) -> Way:
    """``before``: the moment that stands, which may be over by now."""
    said = {name: shown(getattr(way, name)) for name in ("carrier", "plate", "phone", "note")}
    refuse_numbers(**said)
    expected = way.expected_at
    if (
        expected is not None
        and expected != before
        and not at - timedelta(days=1) <= expected <= at + LONGEST
    ):
        raise WrongField(_("Check the day of arrival."), "expected_at")
    return Way(expected_at=expected, **said)


def _in(shipment: Transfer, state: ShipmentState) -> Transfer:
    """The shipment as it stands, under its lock; its places are locked before."""
    shipment = queries.shipment_locked(shipment.pk)
    if shipment.state != state:
        raise _gone_on(shipment)
    return shipment


def _gone_on(shipment: Transfer) -> NotInThisState:
    return NotInThisState(
        _("This shipment is “%(state)s”. Open it to see what can be done.")
        % {"state": shipment.get_state_display()}
    )


def _save(record: Transfer | TransferLine, by: User | None, at: datetime) -> None:
    record.touch(by, at)
    record.save()


def way_between(source: Place, target: Place, by: User | None, at: datetime) -> Place:
    """The way between two stores, a place of the sender's."""
    assert source.facility is not None
    name = f"{source.mark}→{target.mark}"
    while (found := queries.place_like(source.facility, PlaceKind.TRANSIT, name)) is None:
        made = Place(
            **stamps(by, at),
            kind=PlaceKind.TRANSIT,
            facility=source.facility,
            county=source.county,
            name=name,
        )
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:  # another shipment of this way was sent at the same moment
            continue
    return found


def _ask_sender(shipment: Transfer, at: datetime) -> None:
    facility = shipment.source.facility
    assert facility is not None
    tasks.assign(
        kind=DISPUTE_TASK.code,
        params={"number": shipment.number},
        area=facility.area,
        facility=facility,
        role=keeper_of(facility.kind),
        due_at=at + SETTLED_WITHIN,
        by=None,
        at=at,
        source=shipment,
    )
