"""Pools (混采): open one, put persons into it, close it, send it its way, and enter its result.

Each action locks the pool first and then its members. A pool's result reaches nobody's case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.people import actions as people

from . import actions, holds, queries, rules, steps
from .models import Pool, PoolResult, Specimen
from .steps import NotAcceptable, ReasonMissing, WrongStep
from .types import PoolFacts, RequestFacts, ResultFacts, ResultOutcome, State, watched_as

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import PoolRule
    from fangkong.people.models import Person
    from fangkong.people.types import Registration
    from fangkong.places.models import Facility

__all__ = ["NotAcceptable", "ReasonMissing", "WrongField", "WrongStep"]


class TooManyPositive(Refused):
    """Where more are positive, a pool tells nothing sooner: everybody is tested singly."""


class PoolClosed(Refused):
    """Nobody is put into a tube that is closed, or on its way."""


class PoolFull(Refused):
    """The tube holds as many as the rules allow."""


class PoolEmpty(Refused):
    """A tube with nobody in it is not sent; it is cancelled."""

    status = 422


class InPoolAlready(Refused):
    """One person counts once in a tube."""


class NotInPool(Refused):
    """The specimen lies in another tube, or in none."""


# --- Filling --------------------------------------------------------------------------------------


@transaction.atomic
def open_pool(
    *,
    facts: PoolFacts,
    facility: Facility,
    laboratory: Facility,
    number: str = "",
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Pool:
    """Begin a tube; ``number`` is the one it brought, else the house gives one.

    NotAcceptable where the rules of the day do not pool this group, specimen or disease;
    TooManyPositive where the laboratory found too many among those who are screened.
    """
    pack = steps.rules_on(at, "rule")
    found = list(rules.pool_faults(pack, clock.day_of(at), **vars(facts)))
    if found:
        raise NotAcceptable(found)
    rule = rules.pool_rule(pack, facts.rule, clock.day_of(at))
    assert rule is not None  # else there was a fault
    _refuse_positivity(rule, laboratory, facts.condition, at)
    pool = Pool(
        **stamps(by, at),
        number=steps.own_number(number) if number else steps.next_number(facility, at, rules.POOL),
        condition=facts.condition,
        rule=rule.code,
        size=rule.size,
        test_group=facts.group,
        specimen_type=facts.specimen_type,
        facility=facility,
        area=facility.area,
        county_id=facility.area.county_id,
        laboratory=laboratory,
        state_at=at,
        pack=pack.id,
        clause=rule.clause.code,
        synthetic=synthetic,
    )
    try:
        with transaction.atomic():
            pool.save(force_insert=True)
    except IntegrityError:
        if queries.number_stands(pool.number):
            raise steps.taken() from None
        raise
    steps.step(pool, State.REQUESTED, at, by, at)
    detail = {"number": pool.number, "rule": rule.code, "condition": facts.condition}
    audit.record("surveillance.testing.open_pool", pool, by=by, at=at, detail=detail)
    return pool


@transaction.atomic
def add_to_pool(
    *,
    pool: Pool,
    specimen: Specimen | None = None,
    person: Person | None = None,
    stated: Registration | None = None,
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Specimen:
    """A person's swab goes into the tube: of one who was asked for (``specimen``), or now.

    ``stated``: what registers somebody who is not known yet.
    """
    pool = steps.pool_locked(pool)
    taken_at = steps.moment(done_at, at, pool.created_at)
    _refuse_closed(pool)
    members = queries.members_of(pool)
    if len(members) >= pool.size:
        raise PoolFull(
            _("The tube is full: %(size)d persons. Close it and begin the next one.")
            % {"size": pool.size}
        )
    rule = _rule(pool, taken_at)
    _refuse_positivity(rule, pool.laboratory, pool.condition, at)
    if stated is not None:
        person = people.register(**vars(stated), by=by, at=at)
    if specimen is not None:
        _refuse_tested_singly(pool, specimen.person_id, at)
    elif person is not None:
        _refuse_tested_singly(pool, person.pk, at)
    if specimen is not None:
        specimen = _requested(specimen, pool, rule)
    elif person is not None:
        _refuse_second(person.pk, members)
        waiting = queries.waiting_request(
            person.pk, pool.facility_id, pool.condition, pool.specimen_type
        )
        if waiting is not None:
            specimen = _requested(waiting, pool, rule)
        else:
            specimen = actions.request(
                facts=RequestFacts(
                    condition=pool.condition,
                    group=pool.test_group,
                    specimen_type=pool.specimen_type,
                ),
                person=person,
                facility=pool.facility,
                laboratory=pool.laboratory,
                synthetic=pool.synthetic,
                by=by,
                at=at,
            )
    else:
        raise WrongField(_("Say whose swab it is."), "number")
    assert specimen.person_id is not None  # no surface comes here
    _refuse_second(specimen.person_id, members)
    steps.promise(specimen, max(taken_at, specimen.state_at))
    specimen.pool, specimen.laboratory = pool, pool.laboratory
    steps.step(specimen, State.COLLECTED, max(taken_at, specimen.state_at), by, at)
    specimen.touch(by, at)
    specimen.save()
    _touch(pool, by, at)
    detail = {"pool": pool.number, "place": len(members) + 1}
    audit.record("surveillance.testing.add_to_pool", specimen, by=by, at=at, detail=detail)
    return specimen


@transaction.atomic
def take_out_of_pool(
    *, pool: Pool, specimen: Specimen, reason: str, by: User | None, at: datetime
) -> Specimen:
    """A member was scanned by mistake, and no swab of theirs lies in the tube.

    A test that had been asked for before waits again; one that was asked for here is cancelled.
    """
    why = steps.reason(reason, _("Say why the person does not belong into this tube."))
    pool = steps.pool_locked(pool)
    _refuse_closed(pool)
    specimen = steps.locked(specimen)
    if specimen.pool_id != pool.pk:
        raise NotInPool(_("This specimen does not lie in this tube. Nothing was changed."))
    specimen.pool = None
    specimen.collected_at = specimen.due_at = None
    first, second = list(specimen.steps.order_by("sequence")[:2])
    asked_here = first.entered_at == second.entered_at or queries.waiting_request(
        specimen.person_id or 0, specimen.facility_id, specimen.condition, specimen.specimen_type
    )
    state = State.CANCELLED if asked_here else State.REQUESTED
    steps.step(specimen, state, at, by, at, why)
    specimen.touch(by, at)
    specimen.save()
    _touch(pool, by, at)
    detail = {"pool": pool.number}
    audit.record(
        "surveillance.testing.take_out_of_pool", specimen, by=by, at=at, reason=why, detail=detail
    )
    return specimen


# --- The way of a pool ----------------------------------------------------------------------------


@transaction.atomic
def close_pool(
    *, pool: Pool, done_at: datetime | None = None, by: User | None, at: datetime
) -> Pool:
    """The tube is closed: nobody comes into it any more. Its promise is its first member's."""
    pool = _before(pool, State.COLLECTED)
    closed_at = steps.moment(done_at, at, pool.state_at)
    _close(pool, closed_at)
    return _go(pool, State.COLLECTED, "close", closed_at, by, at, members=False)


@transaction.atomic
def ship_pool(
    *,
    pool: Pool,
    laboratory: Facility | None = None,
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Pool:
    """The tube leaves for its laboratory, with all its members."""
    pool = _before(pool, State.SHIPPED)
    left_at = steps.moment(done_at, at, pool.state_at)
    if laboratory is not None:
        pool.laboratory = laboratory
    return _go(pool, State.SHIPPED, "ship", left_at, by, at)


@transaction.atomic
def receive_pool(
    *, pool: Pool, done_at: datetime | None = None, by: User | None, at: datetime
) -> Pool:
    """The laboratory has the tube. One that nobody had closed is closed thereby."""
    pool = _before(pool, State.RECEIVED)
    pool.received_at = steps.moment(done_at, at, pool.state_at)
    if pool.collected_at is None:
        _close(pool, pool.received_at)
    return _go(pool, State.RECEIVED, "receive", pool.received_at, by, at)


@transaction.atomic
def refuse_pool(
    *, pool: Pool, reason: str, done_at: datetime | None = None, by: User | None, at: datetime
) -> Pool:
    """The laboratory cannot test the tube; each of its members needs a new specimen."""
    return _end(pool, State.REFUSED, "refuse", reason, done_at, by, at)


@transaction.atomic
def lose_pool(
    *, pool: Pool, reason: str, done_at: datetime | None = None, by: User | None, at: datetime
) -> Pool:
    """The tube is lost or broken."""
    return _end(pool, State.LOST, "lose", reason, done_at, by, at)


@transaction.atomic
def cancel_pool(
    *, pool: Pool, reason: str, done_at: datetime | None = None, by: User | None, at: datetime
) -> Pool:
    """The tube is not tested; only while it has not left."""
    return _end(pool, State.CANCELLED, "cancel", reason, done_at, by, at)


# --- Results --------------------------------------------------------------------------------------


@transaction.atomic
def enter_pool_result(
    *, pool: Pool, facts: ResultFacts, by: User | None, at: datetime
) -> PoolResult:
    """Enter what the laboratory found in a tube of many.

    Negative: each member has a negative result of screening. Positive or in the grey zone: nobody
    has a result; all members are held and asked for a specimen of their own. Invalid: it is tested
    again. No case is judged by it.
    """
    pool = _before(pool, State.TESTED)
    tested_at = steps.moment(facts.tested_at, at, pool.state_at, field="tested_at")
    said = steps.finding(pool, facts, tested_at, by, at)
    result = _add(pool, said, "")
    members = queries.members_of(pool, lock=True)
    steps.step(pool, State.TESTED, tested_at, by, at)
    steps.step_of_members(members, State.TESTED, tested_at, by, at)
    for one in members:
        one.outcome = ResultOutcome.INVALID if result.reported_at is None else ""
    if result.reported_at is not None:
        steps.step(pool, State.REPORTED, max(tested_at, result.reported_at), by, at)
    steps.tell(pool, result.outcome, result.reported_at, by, at)
    if result.outcome == ResultOutcome.NEGATIVE:
        _negative(members, at, by)
    elif result.reported_at is not None:
        holds.hold(members, pool, by=by, at=at)
    else:
        _save(members)
    detail = {
        "outcome": result.outcome,
        "method": result.method,
        "result": result.sequence,
        "members": len(members),
    }
    audit.record("surveillance.testing.enter_pool_result", pool, by=by, at=at, detail=detail)
    return result


@transaction.atomic
def correct_pool_result(
    *,
    pool: Pool,
    replaces: int,
    facts: ResultFacts,
    reason: str,
    by: User | None,
    at: datetime,
) -> PoolResult:
    """Say the result of a pool anew; the former one stays, and its members follow the newest.

    Negative after all: whoever was not taken anew yet is let go with a negative result of
    screening; whose single specimen was taken waits for its result. Not negative after all: all
    members are held, as at once.
    """
    why = steps.reason(reason, _("Say why the result is corrected."))
    pool = steps.pool_locked(pool)
    before = pool.results.order_by("-sequence").first()
    tested_at = steps.corrected_at(pool, before, replaces, facts, at)
    assert before is not None  # else it was refused
    result = _add(pool, steps.finding(pool, facts, tested_at, by, at, corrects=True), why)
    steps.tell(pool, result.outcome, result.reported_at, by, at)
    members = queries.members_of(pool, lock=True)
    moved = 0
    was, now = (one.outcome == ResultOutcome.NEGATIVE for one in (before, result))
    if now and not was:
        held = [one for one in members if one.state == State.HELD]
        moved = holds.let_go(held, pool, reported_at=at, by=by, at=at)
    elif was and not now:
        cleared = [one for one in members if one.state == State.REPORTED]
        moved = len(cleared)
        holds.hold(cleared, pool, by=by, at=at)
    detail = {
        "outcome": [before.outcome, result.outcome],
        "method": [before.method, result.method],
        "result": result.sequence,
        "members": moved,
    }
    audit.record(
        "surveillance.testing.correct_pool_result", pool, by=by, at=at, reason=why, detail=detail
    )
    return result


def _add(pool: Pool, said: dict[str, Any], why: str) -> PoolResult:
    n = pool.results.count() + 1
    return PoolResult.objects.create(pool=pool, sequence=n, reason=why, **said)


def _negative(members: Sequence[Specimen], reported_at: datetime, by: User | None) -> None:
    for one in members:
        one.outcome, one.reported_at = ResultOutcome.NEGATIVE, reported_at
    steps.step_of_members(members, State.REPORTED, reported_at, by, reported_at)
    _save(members)


# --- One step -------------------------------------------------------------------------------------


def _before(pool: Pool, step: State) -> Pool:
    """The pool under its lock, where the step may follow."""
    pool = steps.pool_locked(pool)
    if not rules.may_follow(pool.state, step):
        raise WrongStep(pool, step)
    return pool


def _close(pool: Pool, closed_at: datetime) -> None:
    members = queries.members_of(pool)
    if not members:
        raise PoolEmpty(_("Nobody is in this tube. Put persons into it, or cancel it."))
    pool.collected_at = closed_at
    pool.due_at = min(one.due_at for one in members if one.due_at is not None)


def _go(
    pool: Pool,
    step: State,
    verb: str,
    done_at: datetime,
    by: User | None,
    at: datetime,
    *,
    reason: str = "",
    members: bool = True,
) -> Pool:
    """Take the step: the tube, its members, the ledgers and the trail together."""
    steps.step(pool, step, done_at, by, at, reason)
    _touch(pool, by, at)
    if members:
        inside = queries.members_of(pool, lock=True)
        for one in inside:
            one.laboratory_id = pool.laboratory_id
            one.received_at = pool.received_at
        steps.step_of_members(inside, step, done_at, by, at, reason)
        _save(inside)
    detail: dict[str, Any] = {"number": pool.number}
    if step == State.SHIPPED:
        detail["laboratory"] = str(pool.laboratory.public_id)
    audit.record(
        f"surveillance.testing.{verb}_pool", pool, by=by, at=at, reason=reason, detail=detail
    )
    return pool


def _end(
    pool: Pool,
    step: State,
    verb: str,
    reason: str,
    done_at: datetime | None,
    by: User | None,
    at: datetime,
) -> Pool:
    why = steps.reason(reason, _("Say why, so that whoever waits for the result knows."))
    pool = _before(pool, step)
    ended_at = steps.moment(done_at, at, pool.state_at)
    done = _go(pool, step, verb, ended_at, by, at, reason=why)
    if step != State.CANCELLED:
        steps.tell_requesters(done, by, at)
    return done


def _touch(pool: Pool, by: User | None, at: datetime) -> None:
    pool.touch(by, at)
    pool.save()


def _save(members: Sequence[Specimen]) -> None:
    for one in members:
        one.save()


# --- What is refused ------------------------------------------------------------------------------


def _refuse_closed(pool: Pool) -> None:
    if pool.state != State.REQUESTED:
        raise PoolClosed(
            _("Pool %(number)s is “%(state)s”. Nobody is put into it or taken out any more.")
            % {"number": pool.number, "state": pool.get_state_display()}
        )


def _rule(pool: Pool, at: datetime) -> PoolRule:
    """The line of the rules in force that still allows this pool."""
    pack = steps.rules_on(at, "number")
    rule = rules.pool_rule(pack, pool.rule, clock.day_of(at))
    if rule is None:
        raise NotAcceptable([("number", "unknown_pool")])
    return rule


def _requested(specimen: Specimen, pool: Pool, rule: PoolRule) -> Specimen:
    """A specimen that was asked for, where it may go into this tube."""
    specimen = steps.locked(specimen)
    if specimen.pool_id == pool.pk:
        raise InPoolAlready(_("This person is in this tube already."))
    if specimen.repeats_id is not None:
        raise NotAcceptable([("number", "tested_singly")])
    if specimen.state != State.REQUESTED:
        raise WrongStep(specimen, State.COLLECTED)
    faults = rules.member_faults(
        rule,
        condition=(specimen.condition, pool.condition),
        specimen_type=(specimen.specimen_type, pool.specimen_type),
        county=(specimen.county_id, pool.county_id),
        group=specimen.test_group,
        of_person=specimen.person_id is not None,
        onset=specimen.onset_date is not None or specimen.case_id is not None,
    )
    if found := list(faults):
        raise NotAcceptable(found)
    return specimen


def _refuse_second(person_id: int, members: Sequence[Specimen]) -> None:
    if any(one.person_id == person_id for one in members):
        raise InPoolAlready(_("This person is in this tube already."))


def _refuse_tested_singly(pool: Pool, person_id: int | None, at: datetime) -> None:
    """Whoever is held, known to be infected, or a contact would hold all others in the tube."""
    if person_id is None:
        return
    if queries.tested_singly(person_id, pool.condition, at):
        raise NotAcceptable([("number", "tested_singly")])
    contact_class = watched_as(person_id, pool.condition, at)
    if not contact_class:
        return
    line = rules.singly(
        steps.rules_on(at, "number"), contact_class, pool.condition, clock.day_of(at)
    )
    if line is not None:
        text = _(
            "This person is under observation as a contact. Take a single specimen, also in the"
            " screening of a town: %(clause)s"
        )
        clause = line.clause.text.in_language(get_language() or "")
        raise WrongField(text % {"clause": clause}, "number")


def _refuse_positivity(rule: PoolRule, laboratory: Facility, condition: str, at: datetime) -> None:
    positive, tested = queries.positivity(laboratory, condition, rule.groups, at)
    if rules.may_pool(rule, positive, tested):
        return
    text = _(
        "Of %(tested)d persons screened at %(laboratory)s in %(days)d days %(positive)d were"
        " positive. At %(percent)s %% and more everybody is tested singly: %(clause)s"
    )
    raise TooManyPositive(
        text
        % {
            "tested": tested,
            "positive": positive,
            "laboratory": laboratory.display_name,
            "days": rules.POSITIVITY_DAYS,
            "percent": rule.percent,
            "clause": rule.clause.text.in_language(get_language() or ""),
        }
    )
