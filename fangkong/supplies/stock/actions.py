"""Book goods in and out, take an entry back, hold a lot back; catalogue and places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.commands.actions import one
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField, WrongFields
from fangkong.core.spelling import search_text, shown, syllables_of

from . import ledger, owing, queries, rules, scanning, undoing, words
from .ledger import NotEnough, Posting
from .models import Entry, Item, Lot, Move, Place
from .types import (
    HELD,
    SHIPPED,
    Arriving,
    EntryKind,
    ItemFacts,
    Leaving,
    LossReason,
    LotFacts,
    Papers,
    PlaceKind,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility

__all__ = ["NotEnough"]

MOST_LINES = 200
BACKDATED = timedelta(days=366)  # a ledger that is brought in from paper; more is a slip


class NotAcceptable(WrongFields):
    """What was entered contradicts itself; ``faults``: field and code of each.

    ``line``: the number of the line that it stands in, where there are several.
    """

    def __init__(self, faults: Iterable[tuple[str, str]], line: int | None = None) -> None:
        self.codes = list(faults)
        self.line = line
        before = "" if line is None else f"lines/{line}/lot/"
        super().__init__((f"{before}{field}", words.fault(code)) for field, code in self.codes)

    def in_line(self, line: int) -> NotAcceptable:
        """The same of a line."""
        return NotAcceptable(self.codes, line)


class AlreadyReversed(Refused):
    """The entry was taken back before."""


class BelongsToAShipment(Refused):
    """What was sent or received is put right with its shipment."""


class BelongsToACount(Refused):
    """What a stocktake booked was approved by two persons, and is put right by another one."""


class HeldBack(Refused):
    """The lot is held back, and leaves only as a loss."""


class Expired(Refused):
    """The lot may no longer be used, and leaves only as a loss."""


class Closed(Refused):
    """The place is closed; nothing comes or goes any more."""


class HeldByAnother(Refused):
    """Who held the lot back lets it go, or the headquarters; nobody else."""

    status = 403


class NotEmpty(Refused):
    """The place still holds goods, or goods on their way will come to it or back to it."""


class Known(Refused):
    """There is one already."""


class NothingChanged(Refused):
    """What was sent says nothing new."""

    status = 422


# --- Goods in and out -----------------------------------------------------------------------------


@one
def receive(
    *, place: Place, lines: Sequence[Arriving], papers: Papers, by: User | None, at: datetime
) -> Entry:
    """Goods come from outside into a store (入库). A lot of the same label is the same lot.

    Held back goods stay held back: more of such a lot may come in, none may leave.
    """
    papers = _clean(papers, at)
    refuse_many(lines)
    (place,) = opened(place)
    refuse_closed_month(papers, place)
    source = outside(PlaceKind.SOURCE, by, at)
    postings = []
    for number, line in enumerate(lines):
        refuse_quantity(line.quantity, number)
        _refuse_serials(line, number)
        try:
            lot = labelled(line.item, line.lot, by, at)
        except NotAcceptable as problem:
            raise problem.in_line(number) from None
        postings.append(Posting(lot, source, place, line.quantity))
    entry = ledger.post(EntryKind.RECEIPT, place, postings, papers=papers, by=by, at=at)
    scanning.came_in(entry, lines, [one.lot for one in postings], by, at)
    return _noted("receive", entry, postings, by, at)


@one
def issue(
    *,
    source: Place,
    lines: Sequence[Leaving],
    papers: Papers,
    target: Place | None = None,
    by: User | None,
    at: datetime,
) -> Entry:
    """Goods leave a place, by earliest expiry (先到期先出) or by the lot that a line names.

    ``target``: the place that holds them from now on (调拨); without one they are used up (领用).
    NotEnough where the good lots do not suffice; then nothing at all leaves.
    """
    papers = _clean(papers, at)
    refuse_many(lines)
    if target is not None and target.pk == source.pk:
        raise WrongField(_("The goods are there already. Choose another place."), "target")
    if target is None:
        (source,) = opened(source)
    else:
        source, target = opened(source, target)
    refuse_closed_month(papers, *([source] if target is None else [source, target]))
    day = clock.day_of(at)
    to = target or outside(PlaceKind.USED, by, at)
    postings: list[Posting] = []
    lines = [_of_its_serials(line, number) for number, line in enumerate(lines)]
    for number, line in enumerate(lines):
        refuse_quantity(line.quantity, number)
        postings += picked(source, to, line, day, postings)
    scanning.refuse_elsewhere(source, lines, by, at)
    kind = EntryKind.ISSUE if target is None else EntryKind.MOVE
    entry = ledger.post(kind, source, postings, papers=papers, by=by, at=at)
    scanning.went(entry, lines, source, to, by, at)
    return _noted("issue" if target is None else "move", entry, postings, by, at)


@one
def lose(
    *,
    place: Place,
    lot: Lot,
    quantity: int,
    reason: LossReason,
    papers: Papers,
    by: User | None,
    at: datetime,
) -> Entry:
    """Goods are gone without being used (报损): expired, broken, not found, unfit."""
    papers = _clean(papers, at)
    refuse_quantity(quantity, 0)
    if not papers.note:
        raise WrongField(_("Say in the note how it came about."), "note")
    (place,) = opened(place)
    refuse_closed_month(papers, place)
    postings = [Posting(lot, place, outside(PlaceKind.LOST, by, at), quantity)]
    entry = ledger.post(
        EntryKind.LOSS, place, postings, papers=papers, loss=reason.value, by=by, at=at
    )
    return _noted("lose", entry, postings, by, at)


@one
def reverse(*, entry: Entry, reason: str, by: User | None, at: datetime) -> Entry:
    """Take an entry back, whole, by one that goes the other way (红字冲销); both stay.

    NotEnough where the goods have moved on: take back first what came after.
    """
    why = stated_reason(reason, _("Say why the entry is taken back."))
    papers = Papers(note=why, synthetic=entry.synthetic)
    if entry.kind == EntryKind.REVERSAL:
        raise AlreadyReversed(_("This entry takes another one back. Enter what is right anew."))
    if entry.kind in SHIPPED:
        raise BelongsToAShipment(
            _("This sheet belongs to a shipment. Bring it back or settle it there.")
        )
    if entry.kind == EntryKind.COUNT:
        raise BelongsToACount(
            _("Two persons answer for this stocktake. Count the place again instead.")
        )
    undoing.hold(entry)
    moves = list(queries.moves_of(entry))
    held = queries.places_locked({key for m in moves for key in (m.source_id, m.target_id)})
    if queries.reversal_of(entry) is not None:  # by whoever held the places before
        raise AlreadyReversed(_("This entry was taken back already."))
    _refuse_closed(held.values())
    postings = ledger.reversed_postings(moves)
    made = ledger.post(
        EntryKind.REVERSAL, entry.place, postings, papers=papers, reverses=entry, by=by, at=at
    )
    if entry.kind == EntryKind.RELEASE:
        owing.taken_back(entry, papers.note, by, at)
    if entry.kind == EntryKind.RECEIPT:
        scanning.taken_back(entry, at)
    detail = {"entry": entry.number}
    noted = _noted("reverse", made, postings, by, at, reason=papers.note, detail=detail)
    undoing.tell(entry, by, at)
    return noted


def picked(
    source: Place, to: Place, line: Leaving, day: date, before: Sequence[Posting]
) -> list[Posting]:
    """The lots of a line; what earlier lines of the entry take is no more there."""
    taken: dict[int, int] = {}
    for each in before:
        taken[each.lot.pk] = taken.get(each.lot.pk, 0) + each.quantity
    if line.lot is not None:
        lot = queries.lot_now(line.lot.pk)
        if lot.item_id != line.item.pk:
            raise WrongField(_("This lot is of another item."), "lot")
        if why := words.unfit(lot, day):
            raise HeldBack(why) if lot.held_back_at is not None else Expired(why)
        return [Posting(lot, source, to, line.quantity)]
    rows = {row.lot_id: row for row in queries.balances_at(source, line.item)}
    holdings = [
        replace(queries.holding(row), quantity=row.quantity - taken.get(row.lot_id, 0))
        for row in rows.values()
    ]
    picked = rules.pick(holdings, line.quantity, day)
    if picked is None:
        raise NotEnough(_short(source, line, holdings, day))
    return [Posting(rows[lot].lot, source, to, quantity) for lot, quantity in picked]


def _short(source: Place, line: Leaving, holdings: Sequence[rules.Holding], day: date) -> str:
    """How much is there and may leave, and how much may not, and why."""
    item = line.item
    free = [each for each in holdings if each.good_on(day)]
    there = sum(each.quantity for each in free if not each.earmarked)
    marked = sum(each.quantity for each in free if each.earmarked)
    spoiled = sum(each.quantity for each in holdings) - there - marked
    said = _("%(place)s has %(left)s of %(item)s to give; %(asked)s were asked.") % {
        "place": source.display_name,
        "item": item.display_name,
        "left": words.amount(there, item),
        "asked": words.amount(line.quantity, item),
    }
    if marked:
        said += " " + _("%(n)s more are earmarked: name their lot to issue them.") % {
            "n": words.amount(marked, item)
        }
    if spoiled:
        said += " " + _("%(n)s more are held back or expired.") % {"n": words.amount(spoiled, item)}
    return said


@one
def labelled(item: Item, facts: LotFacts, by: User | None, at: datetime) -> Lot:
    """The lot with this label, made where there is none yet."""
    facts = replace(
        facts,
        number=shown(facts.number),
        standard=shown(facts.standard),
        owner=shown(facts.owner),
        earmark=shown(facts.earmark),
    )
    refuse_numbers(owner=facts.owner, earmark=facts.earmark)
    if faults := list(rules.lot_faults(facts.made_on, facts.expires_on, clock.day_of(at))):
        raise NotAcceptable(faults)
    found = queries.lot_like(item, facts)
    if found is not None:
        return found
    made = Lot(**stamps(by, at), item=item, **vars(facts))
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # another keeper entered the same label at the same moment
        found = queries.lot_like(item, facts)
        assert found is not None
        return found
    return made


def _noted(
    verb: str,
    entry: Entry,
    postings: Sequence[Posting],
    by: User | None,
    at: datetime,
    *,
    reason: str = "",
    detail: Mapping[str, object] | None = None,
) -> Entry:
    lots = len({each.lot.pk for each in postings})
    told = {"number": entry.number, "lines": len(postings), "lots": lots, **(detail or {})}
    verb = f"supplies.stock.{verb}"
    line = audit.new_line(verb, entry, by=by, at=at, reason=reason, detail=told)
    audit.record_at_end(line)
    return entry


def _clean(papers: Papers, at: datetime) -> Papers:
    other, note = shown(papers.other), shown(papers.note)
    refuse_numbers(other=other, note=note)
    if papers.moved_at is not None:
        if papers.moved_at > at:
            raise WrongField(_("This moment has not come yet."), "moved_at")
        if papers.moved_at < at - BACKDATED:
            raise WrongField(_("This is more than a year ago. Check the day."), "moved_at")
    return replace(papers, other=other, note=note)


def refuse_closed_month(papers: Papers, *places: Place) -> None:
    """No sheet is dated in a month that a place has closed; today never lies in one."""
    if papers.moved_at is None:
        return
    day = clock.day_of(papers.moved_at)
    for place in places:
        if place.closed_through is not None and day <= place.closed_through:
            raise WrongField(
                _("%(place)s has closed its books through %(day)s. Give a later day.")
                % {"place": place.display_name, "day": place.closed_through},
                "moved_at",
            )


def refuse_many(lines: Sequence[object]) -> None:
    if not lines:
        raise WrongField(_("Enter at least one line."), "lines")
    if len(lines) > MOST_LINES:
        raise WrongField(
            _("At most %(most)d lines in one entry. Make several of it.") % {"most": MOST_LINES},
            "lines",
        )


def _of_its_serials(line: Leaving, number: int) -> Leaving:
    """The line with the lot that its serials came in with, where the code names none."""
    _refuse_serials(line, number)
    if line.lot is not None or line.code is None or not line.serials:
        return line
    lots = queries.lots_of_serials(line.code, line.serials)
    if len(lots) > 1:
        raise WrongField(
            _("These serials came in with several lots. Make a line for each lot."),
            f"lines/{number}/serials",
        )
    return replace(line, lot=lots[0]) if lots else line


def _refuse_serials(line: Arriving | Leaving, number: int) -> None:
    """Serials are of packages with a code, and one package is one serial."""
    if not line.serials:
        return
    if line.code is None or line.code.item_id != line.item.pk:
        raise WrongField(
            _("Serials belong to a code of this item. Teach the code first."),
            f"lines/{number}/code",
        )
    if len(set(line.serials)) != len(line.serials):
        raise WrongField(_("The same serial stands there twice."), f"lines/{number}/serials")


def refuse_quantity(quantity: int, line: int) -> None:
    if quantity <= 0:
        raise WrongField(words.fault("not_positive"), f"lines/{line}/quantity")
    if quantity > rules.MOST:
        raise WrongField(words.fault("too_much"), f"lines/{line}/quantity")


# --- Lots that are held back ----------------------------------------------------------------------


@transaction.atomic
def hold(*, lot: Lot, reason: str, by: User | None, at: datetime) -> Lot:
    """Nobody may issue a lot any more, wherever it is (封存): unfit, recalled, in doubt."""
    why = stated_reason(reason, _("Say why the lot is held back."))
    _await_issues(lot)
    lot = queries.lot_locked(lot.pk)
    if lot.held_back_at is not None:
        raise Known(_("This lot is held back already."))
    lot.held_back_at, lot.held_back_why = at, why
    lot.touch(by, at)
    lot.save()
    audit.record("supplies.stock.hold", lot, by=by, at=at, reason=why)
    return lot


@transaction.atomic
def let_go(*, lot: Lot, reason: str, by: User | None, at: datetime) -> Lot:
    """A lot that was held back may be issued again (解封)."""
    why = stated_reason(reason, _("Say why the lot may be used again."))
    lot = queries.lot_locked(lot.pk)
    if lot.held_back_at is None:
        raise NothingChanged(_("This lot is not held back."))
    if not queries.may_let_go(lot, by, at):
        raise HeldByAnother(
            _("Another office held this lot back. Ask it, or the headquarters, to let it go.")
        )
    lot.held_back_at, lot.held_back_why = None, ""
    lot.touch(by, at)
    lot.save()
    audit.record("supplies.stock.let_go", lot, by=by, at=at, reason=why)
    return lot


def _await_issues(lot: Lot) -> None:
    """Lock every place that holds the lot, so that an issue which read it as good is done first.

    Whoever issues reads its lots under the lock of its place: after this it is here, or gone.
    """
    while True:
        keys = queries.keys_of_holders(lot)
        begun = transaction.savepoint()
        queries.places_locked(keys)
        if queries.keys_of_holders(lot) <= keys:
            transaction.savepoint_commit(begun)
            return
        transaction.savepoint_rollback(begun)  # it moved on: lock all again, in their order


# --- Places ---------------------------------------------------------------------------------------


@transaction.atomic
def open_place(
    *,
    facility: Facility,
    kind: PlaceKind = PlaceKind.STORE,
    name: str = "",
    by: User | None,
    at: datetime,
) -> Place:
    """A facility keeps goods from now on: its store, or a ward or team of it."""
    named = shown(name)
    refuse_numbers(name=named)
    if kind not in HELD:
        raise WrongField(_("Goods can only be kept in a store or a ward."), "kind")
    if kind == PlaceKind.WARD and not named:
        raise WrongField(_("Give the ward or team a name."), "name")
    while queries.place_like(facility, kind, named) is None:
        mark = rules.place_mark(facility.area.code, queries.places_in(facility.area_id) + 1)
        made = Place(
            **stamps(by, at),
            kind=kind,
            facility=facility,
            county=facility.area.county,
            name=named,
            mark=mark,
        )
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:  # another took the mark, or opened the same place: look again
            continue
        audit.record("supplies.stock.open_place", made, by=by, at=at, detail={"mark": mark})
        return made
    raise Known(_("%(facility)s has this place already.") % {"facility": facility.display_name})


@transaction.atomic
def close_place(*, place: Place, by: User | None, at: datetime) -> Place:
    """Nothing is kept here any more; a place that holds goods cannot be closed."""
    (place,) = opened(place)
    if place.kind == PlaceKind.TRANSIT:
        raise WrongField(_("Choose a store or a ward."), "place")
    if queries.holds_anything(place):
        raise NotEmpty(_("This place still holds goods. Move or write them off first."))
    if queries.on_the_way(place):
        raise NotEmpty(
            _("A shipment from or to this place is on the way. Receive it or settle it first.")
        )
    if queries.owes_papers(place):
        raise NotEmpty(_("Papers of an emergency release are owed by this place. File them first."))
    if queries.running_count(place) is not None:
        raise NotEmpty(_("This place is being counted. Finish that stocktake first."))
    place.closed_at = at
    place.touch(by, at)
    place.save()
    audit.record("supplies.stock.close_place", place, by=by, at=at)
    return place


def opened(*places: Place) -> list[Place]:
    """The places, locked until the transaction ends; Closed where one of them is.

    Whoever changes what a place holds has its lock. The locks are taken in one order, so that two
    who move goods to each other do not wait in a circle.
    """
    found = queries.places_locked({place.pk for place in places})
    for place in places:
        if place.pk not in found:
            raise WrongField(_("Choose a store or a ward."), "place")
    _refuse_closed(found.values())
    return [found[place.pk] for place in places]


def _refuse_closed(places: Iterable[Place]) -> None:
    for place in places:
        if place.closed_at is not None:
            raise Closed(
                _("%(place)s is closed. Choose another place.") % {"place": place.display_name}
            )


@one
def outside(kind: PlaceKind, by: User | None, at: datetime) -> Place:
    """Where goods come from, or end: made when it is first needed."""
    found = queries.outside(kind)
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Place.objects.create(**stamps(by, at), kind=kind)
    except IntegrityError:
        found = queries.outside(kind)
        assert found is not None
        return found


# --- Catalogue ------------------------------------------------------------------------------------


@transaction.atomic
def add_item(*, facts: ItemFacts, by: User | None, at: datetime) -> Item:
    """A kind of goods that the prefecture's catalogue lacks."""
    facts = _clean_item(facts)
    if queries.item_by_code(facts.code) is not None:
        raise WrongField(_("An item with this code stands in the catalogue."), "code")
    made = Item(**stamps(by, at), **_item_fields(facts))
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as problem:
        raise WrongField(_("An item with this code stands in the catalogue."), "code") from problem
    audit.record("supplies.stock.add_item", made, by=by, at=at, detail={"code": facts.code})
    return made


@transaction.atomic
def change_item(*, item: Item, facts: ItemFacts, by: User | None, at: datetime) -> Item:
    """Correct an item. Its code stays; its unit too, as soon as any of it was booked."""
    item = queries.item_locked(item.pk)
    facts = _clean_item(replace(facts, code=item.code))
    new = _item_fields(facts)
    changed = [name for name, value in new.items() if getattr(item, name) != value]
    if not changed:
        raise NothingChanged(_("Nothing was changed."))
    if "unit" in changed and Move.objects.filter(item=item).exists():
        raise WrongField(
            _("Goods were booked in this unit already. Add another item instead."), "unit"
        )
    for name in changed:
        setattr(item, name, new[name])
    item.touch(by, at)
    item.save()
    detail = {"changed": ", ".join(changed)}
    audit.record("supplies.stock.change_item", item, by=by, at=at, detail=detail)
    return item


@transaction.atomic
def take_catalogue(*, items: Sequence[ItemFacts], by: User | None, at: datetime) -> int:
    """Add the items of a rule pack that the catalogue lacks; what stands is left as it is."""
    known = queries.known_codes()
    new = [_clean_item(each) for each in items if each.code not in known]
    Item.objects.bulk_create(Item(**stamps(by, at), **_item_fields(each)) for each in new)
    if new:
        first = queries.item_by_code(new[0].code)
        assert first is not None
        detail = {"items": len(new)}
        audit.record("supplies.stock.take_catalogue", first, by=by, at=at, detail=detail)
    return len(new)


def _clean_item(facts: ItemFacts) -> ItemFacts:
    facts = replace(
        facts,
        code=shown(facts.code),
        name_zh=shown(facts.name_zh),
        name_en=shown(facts.name_en),
        standard=shown(facts.standard),
        packs={shown(name): size for name, size in facts.packs.items()},
    )
    refuse_numbers(name_zh=facts.name_zh, name_en=facts.name_en)
    for field in ("code", "name_zh"):
        if not getattr(facts, field):
            raise WrongField(_("Fill this in."), field)
    for name, size in facts.packs.items():
        if not name or not 1 < size <= rules.MOST:
            raise WrongField(
                _("A pack has a name and holds at least two of the smallest unit."), "packs"
            )
    return facts


def _item_fields(facts: ItemFacts) -> dict[str, object]:
    names = [facts.name_zh, facts.name_en, facts.code]
    found = search_text(names, syllables_of(facts.name_zh))[:400]
    return {**vars(facts), "search_text": found}
