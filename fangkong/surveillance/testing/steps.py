"""What the ways of a specimen and of a pool share: refusals, moments, numbers, lines of the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Count
from django.utils.translation import gettext as _

from fangkong.accounts import queries as accounts
from fangkong.core import clock, messages
from fangkong.core.free_text import ReasonMissing as ReasonMissing
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.notices import actions as notices
from fangkong.core.refusals import Refused, WrongField, WrongFields
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.packs.types import NoPackInForce

from . import queries, rules, words
from .models import CustodyStep, Finding, Pool, PoolStep, Specimen, TubeNumbering
from .types import POOL_ENDED, SPECIMEN_ENDED, Channel, Done, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import Pack
    from fangkong.places.models import Facility

    from .types import ResultFacts

Way = Specimen | Pool
reason = stated_reason


class NotAcceptable(WrongFields):
    """The request or the result contradicts the rules; ``faults``: field and words of each."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        super().__init__([(field, words.fault(code)) for field, code in faults])


class NoRules(WrongField):
    """No rule pack in force says how anything is tested."""


class NumberMistyped(WrongField):
    """The number cannot be one of a tube, or its check character does not fit."""


class NumberOfTheHouse(WrongField):
    """A tube that brought its own number does not have one of ours."""


class NumberTaken(WrongField):
    """Another tube has this number."""

    status = 409


class WrongMoment(WrongField):
    """A step cannot lie in the future, nor before the step before it."""


class WrongStep(Refused):
    """The way of a tube has its order; it stands elsewhere."""

    def __init__(self, tube: Way, step: State) -> None:
        if isinstance(tube, Pool):
            text = _("Pool %(number)s is “%(state)s”; the step “%(step)s” cannot follow that.")
        else:
            text = _("Specimen %(number)s is “%(state)s”; the step “%(step)s” cannot follow that.")
        told = {"state": tube.get_state_display(), "step": Done(step).label}
        super().__init__(text % {"number": tube.number, **told})


class NewerResult(Refused):
    """Somebody has corrected the result meanwhile."""


class NothingChanged(Refused):
    """A correction must say something else than the result before."""

    status = 422


class SentBefore(Refused):
    """The laboratory sent a result under this number of its own before."""


# --- Rules, moments and reasons -------------------------------------------------------------------


def rules_on(moment: datetime, field: str) -> Pack:
    """The pack that says how is tested on the day of a moment."""
    try:
        pack = queries.pack_on(clock.day_of(moment))
    except NoPackInForce:
        pack = None
    if pack is None or not pack.testing.groups:
        raise NoRules(_("The rules in force on that day say nothing of tests."), field)
    return pack


def moment(
    said: datetime | None, at: datetime, before: datetime | None, *, field: str = "done_at"
) -> datetime:
    """The moment of a step, now where none is said. A clock that is a little ahead is set back.

    ``before``: the moment of the step before, where there is one.
    """
    done_at = said or at
    if rules.moment_fault(done_at, at, before):
        raise WrongMoment(moment_text(done_at, at, before), field)
    return min(done_at, at)


def moment_text(done_at: datetime, at: datetime, before: datetime | None = None) -> str:
    if rules.moment_fault(done_at, at, None) == "future":
        return _("This moment lies in the future. Enter when it was done.")
    if before is None:
        return _("This moment lies before the specimen was received.")
    said = clock.zone()
    text = _("This moment lies before the step before it (%(before)s).")
    return text % {"before": before.astimezone(said).strftime("%Y-%m-%d %H:%M")}


# --- Numbers --------------------------------------------------------------------------------------


def own_number(text: str) -> str:
    """The number of a tube that brought its own."""
    plain = rules.plain_number(text)
    fault = rules.number_fault(plain)
    if fault == "mistyped":
        raise NumberMistyped(
            _("This number is mistyped: its last sign does not fit. Scan it again."), "number"
        )
    if fault:
        raise NumberMistyped(
            _("A number has 4 to %(most)d letters and digits, without signs of other scripts.")
            % {"most": rules.NUMBER_LENGTH},
            "number",
        )
    if rules.is_ours(plain):
        # It would stand in the way of the tube that gets it from the house.
        raise NumberOfTheHouse(
            _("Numbers of this kind are given by the house. Leave the field empty to get one."),
            "number",
        )
    refuse_numbers(number=plain)
    if queries.number_stands(plain):
        raise taken()
    return plain


def taken() -> NumberTaken:
    return NumberTaken(_("Another tube has this number. Look whether it is the same."), "number")


def next_number(facility: Facility, moment: datetime, kind: str = rules.SPECIMEN) -> str:
    """The next number of the county and year; others wait until this transaction ends.

    One whose check character is easily misread is left out.
    """
    area, year = facility.area.county or facility.area, clock.day_of(moment).year
    table = TubeNumbering._meta.db_table
    statement = messages.Statement(
        f"INSERT INTO {table} (area_id, year, last) VALUES (%s, %s, 1)"  # noqa: S608  # our name
        " ON CONFLICT (area_id, year)"
        f" DO UPDATE SET last = {table}.last + 1 RETURNING last",
        [area.pk, year],
        "tube_numbers",
    )
    while True:
        ((row,),) = messages.send(statement)
        number = rules.number(kind, area.code, year, row[0])
        if not rules.misread(number):
            return number


# --- The row under its lock -----------------------------------------------------------------------


def locked(specimen: Specimen) -> Specimen:
    whole = Specimen.objects.select_related("facility", "laboratory", "area", "county", "pool")
    return whole.select_for_update(of=("self",)).get(pk=specimen.pk)


def pool_locked(pool: Pool) -> Pool:
    """Whoever changes members holds the lock of their pool first."""
    whole = Pool.objects.select_related("facility", "laboratory", "area", "county")
    return whole.select_for_update(of=("self",)).get(pk=pool.pk)


# --- Lines of the way -----------------------------------------------------------------------------


def step(
    tube: Way,
    state: State,
    done_at: datetime,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> None:
    """A line of the ledger; the tube stands there from now on. The caller saves the tube."""
    values = _line(tube, state, done_at, by, at, reason)
    if isinstance(tube, Pool):
        n = PoolStep.objects.filter(pool=tube).count() + 1
        PoolStep.objects.create(pool=tube, sequence=n, **values)
    else:
        n = CustodyStep.objects.filter(specimen=tube).count() + 1
        CustodyStep.objects.create(specimen=tube, sequence=n, **values)
    tube.state, tube.state_at = state, done_at


def step_of_members(
    members: Sequence[Specimen],
    state: State,
    done_at: datetime,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> None:
    """The same step of each member of a pool, in two statements. The caller saves the members."""
    if not members:
        return
    counted = CustodyStep.objects.filter(specimen__in=members).values("specimen_id")
    so_far = dict(counted.annotate(n=Count("pk")).values_list("specimen_id", "n"))
    CustodyStep.objects.bulk_create(
        [
            CustodyStep(
                specimen=one,
                sequence=so_far.get(one.pk, 0) + 1,
                **_line(one, state, done_at, by, at, reason),
            )
            for one in members
        ]
    )
    for one in members:
        one.state, one.state_at = state, done_at
        one.touch(by, at)


def _line(
    tube: Way, state: State, done_at: datetime, by: User | None, at: datetime, reason: str
) -> dict[str, Any]:
    at_bench = state in (State.RECEIVED, State.TESTED, State.REPORTED, State.REFUSED) or (
        state == State.LOST and tube.received_at is not None
    )
    return {
        "state": state,
        "done_at": done_at,
        "entered_at": at,
        "facility_id": tube.laboratory_id if at_bench else tube.facility_id,
        "by": by,
        "reason": reason,
    }


def tell_requesters(tube: Way, by: User | None, at: datetime) -> None:
    """Whoever asked for it, and the staff of the place in whose name, hear that it ended."""
    office = accounts.holding(Role.HOSPITAL, at, facility=tube.facility)
    if not office:
        office = accounts.holding(Role.COUNTY_CDC, at, area=tube.county or tube.area)
    asked = tube.created_by
    readers = {user.pk: user for user in office}
    if asked is not None and asked.is_active:
        readers[asked.pk] = asked
    if by is not None:
        readers.pop(by.pk, None)
    kind = POOL_ENDED if isinstance(tube, Pool) else SPECIMEN_ENDED
    notices.notify(users=readers.values(), kind=kind, subject=tube, at=at)


def promise(specimen: Specimen, collected_at: datetime) -> None:
    """The pack of the day of collection says when the result is due, and by which clause."""
    pack = rules_on(collected_at, "done_at")
    group = rules.group(pack, specimen.test_group, clock.day_of(collected_at))
    if group is None:
        raise NotAcceptable([("group", "unknown_group")])
    specimen.collected_at = collected_at
    specimen.due_at = rules.due(group, collected_at)
    specimen.pack, specimen.clause = pack.id, group.clause.code


# --- Results --------------------------------------------------------------------------------------


def finding(
    tube: Way,
    facts: ResultFacts,
    tested_at: datetime,
    by: User | None,
    at: datetime,
    *,
    corrects: bool = False,
) -> dict[str, Any]:
    """What a result of a tube says, judged by the pack; columns of a ``Finding``.

    A correction comes under the number of the sender that the result had.
    """
    if facts.outcome not in ResultOutcome.values:
        raise WrongField(_("Choose one of the results."), "outcome")
    pack = rules_on(tested_at, "tested_at")
    faults = list(
        rules.result_faults(
            pack,
            clock.day_of(tested_at),
            condition=tube.condition,
            method=facts.method,
            outcome=facts.outcome,
            ct=facts.ct,
        )
    )
    if faults:
        raise NotAcceptable(faults)
    sent = shown(facts.sender_number)
    refuse_numbers(sender_number=sent)
    if sent and queries.sent_before(tube, sent, corrects=corrects):
        raise SentBefore(_("The laboratory has sent a result under this number before."))
    return {
        "method": facts.method,
        "outcome": facts.outcome,
        "ct": dict(facts.ct),
        "laboratory_id": tube.laboratory_id,
        "tested_at": tested_at,
        "reported_at": None if facts.outcome == ResultOutcome.INVALID else at,
        "entered_at": at,
        "by": by,
        "channel": Channel(facts.channel),
        "sender_number": sent,
    }


def corrected_at(
    tube: Way, before: Finding | None, replaces: int, facts: ResultFacts, at: datetime
) -> datetime:
    """When the corrected test was done; refuses a correction that cannot be one."""
    if before is None or tube.state != State.REPORTED:
        raise WrongStep(tube, State.REPORTED)
    if before.sequence != replaces:
        raise NewerResult(_("The result has been corrected meanwhile. Look at it, then decide."))
    if facts.outcome == ResultOutcome.INVALID:
        raise WrongField(
            _("A reported result cannot become invalid. Request a new specimen."), "outcome"
        )
    tested_at = facts.tested_at or before.tested_at
    if rules.same_minute(tested_at, before.tested_at):
        tested_at = before.tested_at  # a form tells minutes
    if rules.moment_fault(tested_at, at, tube.received_at):
        raise WrongMoment(moment_text(tested_at, at), "tested_at")
    said = (facts.method, facts.outcome, dict(facts.ct), tested_at)
    if said == (before.method, before.outcome, before.ct, before.tested_at):
        raise NothingChanged(_("The correction says nothing new. Change what was wrong."))
    return tested_at


def tell(
    tube: Way, outcome: str, reported_at: datetime | None, by: User | None, at: datetime
) -> None:
    """The tube carries its newest result; the first report keeps the promise or not."""
    tube.outcome = outcome
    if tube.reported_at is None:
        tube.reported_at = reported_at
    tube.touch(by, at)
    tube.save()
