"""Stocktake (盘点): open, count lot by lot, submit; somebody else approves and it is booked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.places import queries as places
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import words as both

from . import ledger, queries, rules, words
from .actions import labelled, opened, outside
from .ledger import Posting
from .models import Count, CountLine, Item, Place
from .types import (
    COUNT_TASK,
    RUNNING_COUNTS,
    Counted,
    CountState,
    EntryKind,
    LotFacts,
    Papers,
    PlaceKind,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User

APPROVED_WITHIN = timedelta(days=2)


class CountRunning(Refused):
    """A place is counted once at a time."""


class NotBeingCounted(Refused):
    """The stocktake was submitted, booked or given up; its lines stay as they are."""


class NotSubmitted(Refused):
    """Only what was submitted is approved or given back, and once."""


class NotComplete(Refused):
    """Some lots were not counted, or a difference has no reason."""

    status = 422


class OwnCount(Refused):
    """Whoever counted does not approve."""

    status = 403


class LessThanCounted(Refused):
    """More left since than was counted: one of the two is wrong."""


class NothingToCount(Refused):
    """The book has nothing there."""

    status = 422


@transaction.atomic
def open_count(
    *,
    place: Place,
    items: Collection[Item] = (),
    blind: bool = False,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Count:
    """Begin to count a place: some items, or all. The sheet has a line for each lot of the book."""
    (place,) = opened(place)
    if queries.running_count(place) is not None:
        raise CountRunning(_("This place is being counted. Finish that stocktake first."))
    lots = queries.lots_to_count(place, items)
    if not lots and items:
        raise NothingToCount(_("The book has none of these items here. Choose others, or all."))
    year = clock.day_of(at).year
    number = rules.count_number(place.mark, year, queries.counts_of(place, year) + 1)
    made = Count(**stamps(by, at), number=number, place=place, blind=blind, synthetic=synthetic)
    made.save(force_insert=True)
    CountLine.objects.bulk_create(CountLine(**stamps(by, at), count=made, lot=lot) for lot in lots)
    detail = {"number": number, "lots": len(lots), "blind": blind}
    audit.record("supplies.stock.open_count", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def enter(
    *, count: Count, told: Sequence[Counted], mark: int, by: User | None, at: datetime
) -> Count:
    """Write down what was counted. ``mark``: the ledger of the place when the sheet was opened.

    A lot that came or left meanwhile is refused at its line: nobody knows whether it was counted
    before or after. What moves later is no harm (``rules.book_at``). A lot that somebody else
    counted meanwhile is refused too, where the sender said how often it had been counted before.
    """
    count = _being_counted(count)
    now = queries.count_lines(count, [one.line.pk for one in told])
    moved = queries.moved_after(
        count.place, mark, [one.line.lot_id for one in told if one.quantity is not None]
    )
    new = 0
    for n, one in enumerate(told):
        line = now[one.line.pk]
        if one.quantity is not None:
            if one.times is not None and one.times != line.times:
                raise WrongField(_counted_by_another(line), f"lines/{n}/quantity")
            if not 0 <= one.quantity <= rules.MOST:
                raise WrongField(words.fault("too_much"), f"lines/{n}/quantity")
            if line.lot_id in moved:
                raise WrongField(
                    _("Goods of this lot moved while you counted. Count it again."),
                    f"lines/{n}/quantity",
                )
            line.quantity, line.counted_at, line.counted_by = one.quantity, at, by
            line.times = min(line.times + 1, 99)
            new += 1
        if one.reason is not None:
            line.reason = shown(one.reason)
            refuse_numbers(**{f"lines/{n}/reason": line.reason})
        line.touch(by, at)
        line.save()
    _touched(count, by, at)
    audit.record("supplies.stock.count", count, by=by, at=at, detail={"lots": new})
    return count


@transaction.atomic
def find(
    *,
    count: Count,
    item: Item,
    label: LotFacts,
    quantity: int,
    reason: str = "",
    by: User | None,
    at: datetime,
) -> CountLine:
    """A lot lies there that the sheet does not name. One that it names is counted anew."""
    count = _being_counted(count)
    if not 0 < quantity <= rules.MOST:
        code = "not_positive" if quantity <= 0 else "too_much"
        raise WrongField(words.fault(code), "quantity")
    why = shown(reason)
    refuse_numbers(reason=why)
    lot = labelled(item, label, by, at)
    line = CountLine.objects.filter(count=count, lot=lot).first()
    if line is None:
        in_book = queries.balance_of(count.place, lot) > 0
        line = CountLine(**stamps(by, at), count=count, lot=lot, found=not in_book)
    line.quantity, line.counted_at, line.counted_by = quantity, at, by
    line.times, line.reason = min(line.times + 1, 99), why or line.reason
    line.touch(by, at)
    line.save()
    _touched(count, by, at)
    detail = {"lot": str(lot.public_id)}
    audit.record("supplies.stock.count_found", count, by=by, at=at, detail=detail)
    return line


@transaction.atomic
def submit(*, count: Count, by: User | None, at: datetime) -> Count:
    """All is counted, every difference has its reason: now it waits for somebody else."""
    count = _being_counted(count)
    told = queries.lines_of(count)
    if not told:
        raise NotComplete(_("Nothing was counted. Count a lot, or give the stocktake up."))
    if missing := sum(one.line.quantity is None for one in told):
        said = ngettext(
            "%(n)d lot is not counted yet. Write 0 where nothing is there.",
            "%(n)d lots are not counted yet. Write 0 where nothing is there.",
            missing,
        )
        raise NotComplete(said % {"n": missing})
    _refuse_gifts_without_giver(told)
    if bare := sum(bool(one.difference) and not one.line.reason for one in told):
        said = ngettext(
            "%(n)d difference has no reason. Say in a few words how it may have come about.",
            "%(n)d differences have no reason. Say in a few words how they may have come about.",
            bare,
        )
        raise NotComplete(said % {"n": bare})
    count.state, count.submitted_at, count.submitted_by = CountState.SUBMITTED, at, by
    _touched(count, by, at)
    differ = sum(bool(one.difference) for one in told)
    detail = {"lots": len(told), "differ": differ}
    audit.record("supplies.stock.submit_count", count, by=by, at=at, detail=detail)
    _ask(count, by, at)
    return count


@transaction.atomic
def approve(*, count: Count, by: User | None, at: datetime) -> Count:
    """Book the differences in one sheet: what was less is lost, what was more was found."""
    count = _submitted(count)
    told = queries.lines_of(count)
    counters = {one.line.counted_by_id for one in told} | {count.submitted_by_id}
    if by is not None and by.pk in counters:
        raise OwnCount(
            _("You counted here yourself. Somebody else has to approve, or give it back.")
        )
    lost, found = outside(PlaceKind.LOST, by, at), outside(PlaceKind.FOUND, by, at)
    postings = []
    for one in told:
        assert one.book is not None and one.difference is not None
        one.line.book = one.book
        if one.difference < 0:
            _refuse_short(count, one)
            postings.append(Posting(one.line.lot, count.place, lost, -one.difference))
        elif one.difference > 0:
            postings.append(Posting(one.line.lot, found, count.place, one.difference))
    CountLine.objects.bulk_update([one.line for one in told], ["book"])
    count.state, count.decided_at = CountState.BOOKED, at
    if postings:
        opened(count.place)
        papers = Papers(note=count.number, synthetic=count.synthetic)
        count.entry = ledger.post(
            EntryKind.COUNT, count.place, postings, papers=papers, by=by, at=at
        )
    _touched(count, by, at)
    sheet = "" if count.entry is None else count.entry.number
    detail = {"number": count.number, "differ": len(postings), "entry": sheet}
    audit.record("supplies.stock.approve_count", count, by=by, at=at, detail=detail)
    tasks.finish_for(
        source=count,
        kind=COUNT_TASK.code,
        proof=_("The stocktake was approved."),
        by=by,
        at=at,
    )
    return count


@transaction.atomic
def give_back(*, count: Count, reason: str, by: User | None, at: datetime) -> Count:
    """Let it be counted again, with a word on what is in doubt."""
    why = stated_reason(reason, _("Say what should be counted again."))
    count = _submitted(count)
    count.state, count.decision, count.decided_at = CountState.OPEN, why, at
    _touched(count, by, at)
    audit.record("supplies.stock.give_count_back", count, by=by, at=at, reason=why)
    tasks.cancel_for(source=count, kind=COUNT_TASK.code, reason=why, by=by, at=at)
    return count


@transaction.atomic
def cancel(*, count: Count, reason: str, by: User | None, at: datetime) -> Count:
    """Give a stocktake up; the book stays as it is."""
    why = stated_reason(reason, _("Say why the stocktake is given up."))
    count = _locked(count)
    if count.state not in RUNNING_COUNTS:
        raise NotBeingCounted(_("This stocktake is booked or given up already."))
    count.state, count.decision, count.decided_at = CountState.CANCELLED, why, at
    _touched(count, by, at)
    audit.record("supplies.stock.cancel_count", count, by=by, at=at, reason=why)
    tasks.cancel_for(source=count, kind=COUNT_TASK.code, reason=why, by=by, at=at)
    return count


def _counted_by_another(line: CountLine) -> str:
    said = "–" if line.quantity is None else words.amount(line.quantity, line.lot.item)
    by = "" if line.counted_by is None else line.counted_by.display_name
    return _(
        "%(by)s counted %(said)s of this lot after you opened the sheet. Save again if yours holds."
    ) % {"by": by, "said": said}


def _refuse_gifts_without_giver(told: Sequence[queries.Told]) -> None:
    """Goods that are missing from a gift are not found again without its giver and earmark."""
    more = [one for one in told if (one.difference or 0) > 0]
    for one in told:
        lot = one.line.lot
        if (one.difference or 0) >= 0 or not (lot.owner or lot.earmark):
            continue
        for other in more:
            if rules.same_goods(lot, other.line.lot):
                raise NotComplete(
                    _(
                        "%(item)s, lot %(lot)s: goods of a gift are missing, and goods of the same"
                        " label are too many. Count them with the gift: %(whose)s."
                    )
                    % {
                        "item": lot.item.display_name,
                        "lot": words.lot(lot),
                        "whose": lot.earmark or lot.owner,
                    }
                )


def _locked(count: Count) -> Count:
    """The stocktake as it stands; first its place, as every action does."""
    queries.places_locked([count.place_id])
    return queries.count_locked(count.pk)


def _being_counted(count: Count) -> Count:
    count = _locked(count)
    if count.state != CountState.OPEN:
        raise NotBeingCounted(
            _("This stocktake is “%(state)s”. Nothing is counted in it any more.")
            % {"state": count.get_state_display()}
        )
    return count


def _submitted(count: Count) -> Count:
    count = _locked(count)
    if count.state != CountState.SUBMITTED:
        raise NotSubmitted(
            _("This stocktake is “%(state)s”. Only one that waits for approval is decided.")
            % {"state": count.get_state_display()}
        )
    return count


def _touched(count: Count, by: User | None, at: datetime) -> None:
    count.touch(by, at)
    count.save()


def _refuse_short(count: Count, one: queries.Told) -> None:
    assert one.difference is not None
    if queries.balance_of(count.place, one.line.lot) + one.difference < 0:
        raise LessThanCounted(
            _(
                "More of %(item)s, lot %(lot)s, left since than was counted. Give the stocktake"
                " back and let it be counted again."
            )
            % {"item": one.line.lot.item.display_name, "lot": words.lot(one.line.lot)}
        )


def _ask(count: Count, by: User | None, at: datetime) -> None:
    """The county, or for a store of the prefecture its headquarters, is asked to approve."""
    facility = count.place.facility
    assert facility is not None
    area, role = count.place.county, Role.COUNTY_CDC
    if area is None:
        area, role = places.home(clock.day_of(at)) or facility.area, Role.HEADQUARTERS
    tasks.assign(
        kind=COUNT_TASK.code,
        params={"number": count.number, "place": both(facility.name_zh, facility.name_en)},
        area=area,
        role=role,
        due_at=at + APPROVED_WITHIN,
        by=None,
        at=at,
        source=count,
    )
