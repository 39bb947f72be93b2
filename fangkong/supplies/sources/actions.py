"""Enter, accept and decline what comes from outside; check it at the door; tell the public."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import rules as goods
from fangkong.supplies.stock import words as said
from fangkong.supplies.stock.types import Arriving, LotFacts, Papers, keeper_of
from fangkong.tasks import actions as tasks

from . import queries, reports, rules, words
from .models import Delivery, Disclosure, Supply, SupplyLine
from .types import (
    BOUGHT,
    DISCLOSE_TASK,
    GIVEN,
    LATE_TASK,
    UNDONE_TASK,
    Channel,
    Checked,
    Fund,
    LineFacts,
    SupplyFacts,
    SupplyState,
    Verdict,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.supplies.stock.models import Entry

MOST_LINES = 50
MOST_MONEY = 1_000_000_000_000_00  # fen; more is a slip of the hand
LATEST = timedelta(days=3 * 365)  # a promise for later is a slip
ASK_WITHIN = timedelta(days=1)


class NotOpen(Refused):
    """It is not in a state in which this can be done."""


class SamePerson(Refused):
    """Who entered what is to be paid for does not accept it as well."""

    status = 403


class MovedOn(Refused):
    """What would be published is not what was read."""

    status = 412


class NothingNew(Refused):
    """There is nothing to tell that was not told before."""


# --- Offers and orders ----------------------------------------------------------------------------


@transaction.atomic
def offer(
    *,
    facts: SupplyFacts,
    lines: Sequence[LineFacts],
    here: bool = False,
    by: User | None,
    at: datetime,
) -> Supply:
    """Something could come from outside (货源登记): what, from whom, by which channel, for when.

    It counts as promised once it is accepted; ``here``: at once, for it stands at the door, where
    it is taken or refused. That is not for what has to be paid.
    """
    facts = _clean(facts, at)
    _check_lines(facts, lines)
    # A row of a file tells what came before anybody could be asked.
    if here and not facts.row_print and _is_paid(facts.channel, lines):
        raise WrongField(_("What is to be paid has to be accepted first."), "here")
    made = Supply(**stamps(by, at), code=_new_code(), **vars(facts))
    if here:
        made.state, made.accepted_at = SupplyState.PROMISED, at
    made.save(force_insert=True)
    SupplyLine.objects.bulk_create(
        SupplyLine(supply=made, n=n, **{**vars(one), "standard": shown(one.standard)})
        for n, one in enumerate(lines)
    )
    detail = {"channel": made.channel, "lines": len(lines), "here": here}
    audit.record("supplies.sources.offer", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def accept(
    *, supply: Supply, arrives_on: date | None = None, by: User | None, at: datetime
) -> Supply:
    """It is ordered, or the gift is taken (接受): from now on it counts as on its way.

    ``arrives_on``: the promised day where it is another than was offered. What costs money is
    accepted by somebody else than entered it.
    """
    found = _in_state(supply, SupplyState.OFFERED)
    paid = _is_paid(found.channel, queries.lines_of(found))
    if paid and by is not None and found.created_by_id == by.pk:
        raise SamePerson(
            _("You entered this purchase. Somebody else who may decide has to accept it.")
        )
    if arrives_on is not None:
        _check_day(arrives_on, at)
        found.arrives_on = arrives_on
    found.state = SupplyState.PROMISED
    found.accepted_at = at
    return _saved(found, "accept", by, at)


@transaction.atomic
def decline(*, supply: Supply, reason: str, by: User | None, at: datetime) -> Supply:
    """It is not wanted (谢绝), with a reason."""
    why = stated_reason(reason, _("Say why it is declined."))
    found = _in_state(supply, SupplyState.OFFERED)
    found.state, found.why, found.closed_at = SupplyState.DECLINED, why, at
    return _saved(found, "decline", by, at, why)


@transaction.atomic
def put_off(
    *, supply: Supply, arrives_on: date, reason: str, by: User | None, at: datetime
) -> Supply:
    """It comes on another day than was promised, with a reason."""
    why = stated_reason(reason, _("Say why the day has changed."))
    found = _in_state(supply, SupplyState.OFFERED, SupplyState.PROMISED)
    _check_day(arrives_on, at)
    if arrives_on == found.arrives_on:
        raise WrongField(_("This is the day that stands. Choose another."), "arrives_on")
    if arrives_on < clock.day_of(at):
        raise WrongField(_("This day is over. Choose today or a later day."), "arrives_on")
    before, found.arrives_on = found.arrives_on, arrives_on
    # A reason may be two signs long, which would be no proof.
    proof = _("Comes on %(day)s: %(why)s") % {"day": arrives_on.isoformat(), "why": why}
    tasks.finish_for(source=found, kind=LATE_TASK.code, proof=proof, by=by, at=at)
    detail = {"from": str(before or ""), "to": arrives_on.isoformat()}
    return _saved(found, "put_off", by, at, why, detail)


@transaction.atomic
def close(*, supply: Supply, reason: str, by: User | None, at: datetime) -> Supply:
    """Nothing more will come of it (结案), with a reason."""
    why = stated_reason(reason, _("Say why nothing more will come."))
    found = _in_state(supply, SupplyState.PROMISED)
    found.state, found.why, found.closed_at = SupplyState.CLOSED, why, at
    proof = _("Nothing more will come: %(why)s") % {"why": why}
    tasks.finish_for(source=found, kind=LATE_TASK.code, proof=proof, by=by, at=at)
    return _saved(found, "close", by, at, why)


# --- At the door ----------------------------------------------------------------------------------


@transaction.atomic
def receive(
    *,
    supply: Supply,
    checked: Sequence[Checked],
    papers: Papers,
    money: bool = False,
    by: User | None,
    at: datetime,
) -> Supply:
    """Goods came and were checked at the door (到货验收): each line is booked in, or refused.

    What fits and what is booked as another item goes into the store by one sheet of the ledger;
    lots of a gift carry its giver and its earmark, so that both stay with the goods wherever they
    go. ``money``: the money that was given has come too. It closes once all is there.
    """
    found = _in_state(supply, SupplyState.PROMISED, SupplyState.CLOSED)
    if money and (not found.money or found.money_came_at is not None):
        raise WrongField(_("No money is awaited here."), "money")
    if not checked and not money:
        raise WrongField(_("Enter at least one line."), "lines")
    if len(checked) > MOST_LINES:
        raise WrongField(
            _("At most %(most)d lines in one entry. Make several of it.") % {"most": MOST_LINES},
            "lines",
        )
    checked = [_judged(found, n, one) for n, one in enumerate(checked)]
    _refuse_too_much(found, checked)
    booked = [one for one in checked if one.verdict != Verdict.REFUSED]
    entry, lots = None, []
    if booked:
        entry = _booked_in(found, checked, booked, papers, by, at)
        lots = [move.lot for move in entry.moves.select_related("lot").order_by("pk")]
    by_line = dict(zip(map(id, booked), lots, strict=True))
    for one in checked:
        Delivery(
            **stamps(by, at),
            line=one.line,
            quantity=one.quantity,
            verdict=one.verdict,
            why=one.why,
            entry=entry if id(one) in by_line else None,
            lot=by_line.get(id(one)),
        ).save(force_insert=True)
    if money:
        found.money_came_at, found.money_by = at, by
    _close_when_all_came(found, at)
    if found.state == SupplyState.CLOSED:
        proof = _("All has come.")
        tasks.finish_for(source=found, kind=LATE_TASK.code, proof=proof, by=by, at=at)
    if booked:
        proof = _("Goods were booked in again.")
        tasks.finish_for(source=found, kind=UNDONE_TASK.code, proof=proof, by=by, at=at)
    detail = {
        "entry": "" if entry is None else entry.number,
        "lines": len(checked),
        "refused": len(checked) - len(booked),
    }
    return _saved(found, "receive", by, at, detail=detail)


def _booked_in(
    found: Supply,
    checked: Sequence[Checked],
    booked: Sequence[Checked],
    papers: Papers,
    by: User | None,
    at: datetime,
) -> Entry:
    """The sheet of what is booked in; its refusals name the lines of the door, not of the sheet."""
    lines = [
        Arriving(item=one.as_item or one.line.item, quantity=one.quantity, lot=one.lot)
        for one in booked
    ]
    told = replace(
        papers,
        other=papers.other or found.display_name,
        synthetic=papers.synthetic or found.synthetic,
    )
    numbers = [n for n, one in enumerate(checked) if one.verdict != Verdict.REFUSED]
    try:
        return stock.receive(place=found.place, lines=lines, papers=told, by=by, at=at)
    except stock.NotAcceptable as problem:
        raise problem.in_line(numbers[problem.line or 0]) from None
    except WrongField as problem:
        raise WrongField(str(problem), _of_the_door(problem.field, numbers)) from None


def _of_the_door(field: str, numbers: Sequence[int]) -> str:
    """``lines/1/…`` of the sheet may be ``lines/2/…`` of the door, where one was refused."""
    if not field.startswith("lines/"):
        return field
    _lines, number, name = field.split("/", 2)
    return f"lines/{numbers[int(number)]}/{name}"


def _judged(supply: Supply, n: int, one: Checked) -> Checked:
    """One line of the door, refused where it contradicts itself; with its giver and earmark."""
    place = f"lines/{n}"
    if one.line.supply_id != supply.pk:
        raise WrongField(_("This line is of another supply."), f"{place}/line")
    if not 0 < one.quantity <= goods.MOST:
        raise WrongField(_("The quantity must be more than nothing."), f"{place}/quantity")
    why = shown(one.why)
    refuse_numbers(why=why)
    if one.verdict != Verdict.FITS and len(why) < 2:
        raise WrongField(_("Say what is wrong with the goods."), f"{place}/why")
    if one.verdict == Verdict.REFUSED:
        return replace(one, why=why, as_item=None)
    if one.verdict == Verdict.OTHER:
        if one.as_item is None or one.as_item.pk == one.line.item_id:
            raise WrongField(
                _("Choose the other item as which the goods are booked."), f"{place}/as_item"
            )
        if one.as_item.unit != one.line.item.unit:
            raise WrongField(
                _("The other item is counted in another unit. Choose one that is counted alike."),
                f"{place}/as_item",
            )
        return replace(one, why=why, lot=_label(supply, one.lot))
    unlike = rules.conformity(one.lot.standard, one.line.item.standard) in ("other", "edition")
    if unlike and len(why) < 2:
        raise WrongField(
            _(
                "The label names another standard than the catalogue. Say why the goods are taken"
                " all the same, book them as another item, or refuse them."
            ),
            f"{place}/why",
        )
    return replace(one, why=why, as_item=None, lot=_label(supply, one.lot))


def _refuse_too_much(supply: Supply, checked: Sequence[Checked]) -> None:
    """More than is still to come may be the same goods twice: somebody says why they are not."""
    left = {line.pk: queries.missing(line) for line in queries.lines_of(supply)}
    for n, one in enumerate(checked):
        if one.quantity > left[one.line.pk] and len(one.why) < 2:
            raise WrongField(
                _(
                    "Only %(left)s are still to come. Check the quantity, or say why more came in"
                    " “What is wrong with it”."
                )
                % {"left": said.amount(left[one.line.pk], one.line.item)},
                f"lines/{n}/quantity",
            )
        left[one.line.pk] = max(0, left[one.line.pk] - one.quantity)


def _label(supply: Supply, lot: LotFacts) -> LotFacts:
    if not supply.given:
        return replace(lot, earmark=lot.earmark or supply.earmark)
    return replace(
        lot,
        owner=words.owner(supply.party, supply.code, private=supply.private),
        earmark=supply.earmark,  # the giver's will binds whoever books the goods in
    )


def _close_when_all_came(found: Supply, at: datetime) -> None:
    if found.state == SupplyState.PROMISED and not queries.lacks(found):
        found.state, found.closed_at = SupplyState.CLOSED, at


# --- What is taken back ---------------------------------------------------------------------------


@transaction.atomic
def receipt_taken_back(entry: Entry, by: User | None, at: datetime) -> None:
    """A sheet of the ledger that booked a supply in was taken back (冲销后重开): told by the stock.

    Closed because all had come, it is open again and counts as on its way. Where somebody had said
    that nothing more will come it stays closed, and whoever keeps the store is asked.
    """
    for found in queries.of_entry(entry):
        if found.state != SupplyState.CLOSED or not queries.lacks(found):
            continue
        if not found.why:
            found.state, found.closed_at = SupplyState.PROMISED, None
            _saved(found, "open_again", by, at, detail={"entry": entry.number})
        elif not queries.asked_about_undone(found):
            _ask_keeper(found, UNDONE_TASK.code, at, entry=entry.number)


@transaction.atomic
def reopen(
    *, supply: Supply, reason: str, arrives_on: date | None = None, by: User | None, at: datetime
) -> Supply:
    """It still comes (重新打开), though it was closed; with a reason, and a day where known."""
    why = stated_reason(reason, _("Say why it is awaited again."))
    found = _in_state(supply, SupplyState.CLOSED)
    if not queries.lacks(found):
        raise NotOpen(_("All of it has come. Take a receipt back first, or enter a new source."))
    if arrives_on is not None:
        _check_day(arrives_on, at)
        if arrives_on < clock.day_of(at):
            raise WrongField(_("This day is over. Choose today or a later day."), "arrives_on")
        found.arrives_on = arrives_on
    found.state, found.closed_at, found.why = SupplyState.PROMISED, None, ""
    proof = _("It is awaited again: %(why)s") % {"why": why}
    tasks.finish_for(source=found, kind=UNDONE_TASK.code, proof=proof, by=by, at=at)
    return _saved(found, "reopen", by, at, why)


@transaction.atomic
def take_money_back(*, supply: Supply, reason: str, by: User | None, at: datetime) -> Supply:
    """The money that was given did not come after all (捐款冲销), with a reason.

    Somebody else than entered it decides, for the public is told of it. It is awaited again; the
    next report tells that it was taken back.
    """
    why = stated_reason(reason, _("Say why the money is taken back."))
    found = _in_state(supply, SupplyState.PROMISED, SupplyState.CLOSED)
    if found.money_came_at is None:
        raise NotOpen(_("No money has come here by the books. Look at it again."))
    if by is not None and found.money_by_id == by.pk:
        raise SamePerson(
            _("You entered that this money came. Somebody else who may decide takes it back.")
        )
    came = found.money_came_at
    found.money_past = [*found.money_past, [came.isoformat(), at.isoformat()]]
    found.money_came_at, found.money_by, found.money_back_at = None, None, at
    if found.state == SupplyState.CLOSED and not found.why:
        found.state, found.closed_at = SupplyState.PROMISED, None
    detail = {"money": found.money, "came": came.isoformat()}
    return _saved(found, "take_money_back", by, at, why, detail)


def _ask_keeper(found: Supply, kind: str, at: datetime, **params: str) -> None:
    """A task for whoever keeps the store that the supply is for."""
    facility = found.place.facility
    assert facility is not None
    tasks.assign(
        kind=kind,
        params={"party": found.display_name, **params},
        area=facility.area,
        role=keeper_of(facility.kind),
        due_at=at + ASK_WITHIN,
        by=None,
        at=at,
        facility=facility,
        source=found,
    )


# --- What the public is told ----------------------------------------------------------------------


@transaction.atomic
def publish(*, read: str | None, by: User | None, at: datetime) -> Disclosure:
    """Tell the public which gifts came since the last report, and what became of gifts (公示).

    Drawn from the ledger as it stands. ``read``: the digest of what was read before;
    MovedOn where goods moved since (None: nobody reads, the clock
    publishes), NothingNew where there is nothing to tell.
    """
    last = queries.last_report_locked()
    told = reports.told(last, at)
    if not told.anything:
        raise NothingNew(_("No gift came or was used since the last report."))
    if read is not None and read != told.digest:
        raise MovedOn(_("Goods moved since you read this. Read it again, then publish."))
    return _published("publish", told, last, None, "", by, at)


@transaction.atomic
def correct_report(
    *, report: Disclosure, reason: str, read: str, by: User | None, at: datetime
) -> Disclosure:
    """Tell the same hours anew (更正), with the reason; the wrong report stays and says so.

    ``read``: the digest of what was looked at before; MovedOn where it would be something else.
    """
    why = stated_reason(reason, _("Say what was wrong."))
    queries.last_report_locked()
    if queries.correction_of(report) is not None:
        raise NotOpen(_("This report was corrected already. Correct the later one."))
    before = queries.report_before(report)
    told = reports.told(before, report.as_of)
    if read != told.digest:
        raise MovedOn(_("This is not what would be published now. Read it again, then publish."))
    return _published("correct_report", told, before, report, why, by, at)


def _published(
    verb: str,
    told: reports.Told,
    before: Disclosure | None,
    corrects: Disclosure | None,
    why: str,
    by: User | None,
    at: datetime,
) -> Disclosure:
    made = Disclosure(
        **stamps(by, at),
        number=queries.next_report_number(),
        since=None if before is None else before.as_of,
        as_of=at if corrects is None else corrects.as_of,
        contents=told.contents,
        totals=told.totals,
        corrects=corrects,
        why=why,
        synthetic=bool(told.contents["synthetic"]),
    )
    made.save(force_insert=True)
    home = queries.home(at)
    if home is not None:
        proof = _("Report no. %(n)s") % {"n": made.number}
        tasks.finish_for(source=home, kind=DISCLOSE_TASK.code, proof=proof, by=by, at=at)
    detail = {"number": made.number}
    audit.record(f"supplies.sources.{verb}", made, by=by, at=at, reason=why, detail=detail)
    return made


@transaction.atomic
def remind_to_publish(*, at: datetime) -> bool:
    """A task where the public should have been told; says whether it gave one."""
    home, within = queries.home(at), queries.within(clock.day_of(at))
    if home is None or within is None or queries.asked_to_publish(home):
        return False
    last = queries.last_report()
    if not reports.told(last, at).anything:
        return False
    first = queries.first_untold(at, last)
    if not rules.overdue(first_untold=first, today=clock.day_of(at), within=within):
        return False
    tasks.assign(
        kind=DISCLOSE_TASK.code,
        params={"days": within},
        area=home,
        role=Role.HEADQUARTERS,
        due_at=at + ASK_WITHIN,
        by=None,
        at=at,
        source=home,
    )
    return True


@transaction.atomic
def remind_of_late(*, supply: Supply, at: datetime) -> bool:
    """A task for whoever keeps the store where what was promised has not come; once for a day."""
    found = queries.locked(supply)
    if found.state != SupplyState.PROMISED or queries.asked_for(found):
        return False
    assert found.arrives_on is not None
    _ask_keeper(found, LATE_TASK.code, at, day=found.arrives_on.isoformat())
    return True


# --- What the actions share -----------------------------------------------------------------------


def _clean(facts: SupplyFacts, at: datetime) -> SupplyFacts:
    said = {name: shown(getattr(facts, name)) for name in ("party", "earmark", "note")}
    refuse_numbers(**said)
    facts = replace(facts, **said)  # type: ignore[arg-type]  # texts by their names
    if facts.private:
        if facts.channel != Channel.DONATION:
            raise WrongField(_("Only a donation can come from a private giver."), "private")
        if facts.party:
            raise WrongField(_("A private giver is not named here: leave this empty."), "party")
    elif not facts.party:
        raise WrongField(_("Say which firm or office it comes from."), "party")
    if facts.money and facts.channel not in GIVEN:
        raise WrongField(_("Money can only be given. Enter the price with the line."), "money")
    if not 0 <= facts.money <= MOST_MONEY:
        raise WrongField(_("This is more than can be true."), "money")
    if facts.arrives_on is not None:
        _check_day(facts.arrives_on, at)
    if not facts.place.held or facts.place.closed_at is not None:
        raise WrongField(_("Choose a store that is open."), "place")
    return facts


def _check_day(day: date, at: datetime) -> None:
    today = clock.day_of(at)
    if not today - timedelta(days=366) <= day <= today + LATEST:
        raise WrongField(_("Check the year of this day."), "arrives_on")


def _check_lines(facts: SupplyFacts, lines: Sequence[LineFacts]) -> None:
    if not lines and not facts.money:
        raise WrongField(_("Enter at least one line."), "lines")
    if len(lines) > MOST_LINES:
        raise WrongField(
            _("At most %(most)d lines in one entry. Make several of it.") % {"most": MOST_LINES},
            "lines",
        )
    priced = False
    for n, one in enumerate(lines):
        if not 0 < one.quantity <= goods.MOST:
            raise WrongField(_("The quantity must be more than nothing."), f"lines/{n}/quantity")
        refuse_numbers(standard=one.standard)
        if one.price is not None:
            if not 0 <= one.price <= MOST_MONEY:
                raise WrongField(_("This is more than can be true."), f"lines/{n}/price")
            priced = priced or bool(one.price)
    if priced and facts.channel in GIVEN:
        raise WrongField(_("A gift has no price. Leave it empty."), "channel")
    if priced and facts.fund == Fund.NONE:
        raise WrongField(_("Say whose money pays."), "fund")


def _is_paid(channel: str, lines: Iterable[LineFacts | SupplyLine]) -> bool:
    """Does it cost money? A purchase does, also where nobody has said the price yet."""
    return channel in BOUGHT or any(one.price for one in lines)


def _new_code() -> str:
    while True:
        code = rules.code_of(
            secrets.randbelow(len(rules.LETTERS)) for _n in range(rules.CODE_LENGTH)
        )
        if not queries.code_taken(code):
            return code


def _in_state(supply: Supply, *states: SupplyState) -> Supply:
    found = queries.locked(supply)
    if found.state not in states:
        raise NotOpen(
            _("This is %(state)s by now. Look at it again.") % {"state": found.get_state_display()}
        )
    return found


def _saved(
    found: Supply,
    verb: str,
    by: User | None,
    at: datetime,
    reason: str = "",
    detail: Mapping[str, object] | None = None,
) -> Supply:
    found.touch(by, at)
    found.save()
    name = f"supplies.sources.{verb}"
    audit.record(name, found, by=by, at=at, reason=reason, detail=detail or {})
    return found
