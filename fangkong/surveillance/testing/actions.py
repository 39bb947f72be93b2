"""Request, collect, ship, receive, refuse, lose and cancel specimens; enter and correct results."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from fangkong.core import clock, messages
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown
from fangkong.packs.types import NoPackInForce

from . import queries, rules, words
from .judging import judge
from .models import CustodyStep, Result, Specimen, TubeNumbering
from .types import Channel, Done, RequestFacts, ResultFacts, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import Pack
    from fangkong.people.models import Person
    from fangkong.places.models import Facility
    from fangkong.surveillance.monitoring.models import Case

REASON_AT_LEAST = 2  # characters: 渗漏 is a reason


class NotAcceptable(Refused):
    """The request or the result contradicts the rules; ``faults``: field and words of each."""

    status = 422

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = [(field, words.fault(code)) for field, code in faults]
        super().__init__(" ".join(text for _field, text in self.faults))


class WrongField(Refused):
    """A value that cannot be right; ``field`` names it."""

    status = 422

    def __init__(self, text: str | Promise, field: str) -> None:
        super().__init__(text)
        self.field = field


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


class ReasonMissing(WrongField):
    """What ends the way of a tube, or changes a result, says why."""


class AlreadyRequested(Refused):
    """The same specimen of the same person has been asked for and waits to be collected."""

    def __init__(self, waiting: Specimen) -> None:
        text = _("Specimen %(number)s of this person waits to be collected. Collect that one.")
        super().__init__(text % {"number": waiting.number})
        self.specimen = waiting


class WrongStep(Refused):
    """The way of a tube has its order; ``state`` is where the tube stands."""

    def __init__(self, specimen: Specimen, step: State) -> None:
        text = _("Specimen %(number)s is “%(state)s”; the step “%(step)s” cannot follow that.")
        told = {"state": specimen.get_state_display(), "step": Done(step).label}
        super().__init__(text % {"number": specimen.number, **told})
        self.specimen = specimen


class NewerResult(Refused):
    """Somebody has corrected the result meanwhile."""


class NothingChanged(Refused):
    """A correction must say something else than the result before."""

    status = 422


class SentBefore(Refused):
    """The laboratory sent a result under this number of its own before."""


# --- The way of a specimen ------------------------------------------------------------------------


@transaction.atomic
def request(
    *,
    facts: RequestFacts,
    person: Person | None,
    facility: Facility,
    laboratory: Facility,
    case: Case | None = None,
    number: str = "",
    collected_at: datetime | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Specimen:
    """Ask for a test of a person or a surface; with ``collected_at``, of a tube that is full.

    ``number`` is that of a tube which brought its own; else the house gives one.
    """
    begun = at if collected_at is None else min(collected_at, at)
    pack = _rules_on(begun, "condition")
    site = shown(facts.site)
    refuse_numbers(site=site)
    faults = rules.request_faults(
        pack,
        clock.day_of(begun),
        **{**vars(facts), "site": site},
        of_person=person is not None,
    )
    found = list(faults)
    if case is not None and not _is_about(case, person, facts.condition):
        found.append(("case", "case_of_another"))
    if found:
        raise NotAcceptable(found)
    if person is not None:
        _refuse_repeated(person.pk, facility, facts)
    specimen = Specimen(
        **stamps(by, at),
        number=_own_number(number) if number else _next_number(facility, begun),
        condition=facts.condition,
        test_group=facts.group,
        specimen_type=facts.specimen_type,
        onset_date=facts.onset_date,
        site=site,
        person=person,
        home_county_id=None if person is None else person.county_id,
        case=case,
        facility=facility,
        area=facility.area,
        county_id=facility.area.county_id,
        laboratory=laboratory,
        state_at=begun,
        pack=pack.id,
        synthetic=synthetic,
    )
    if collected_at is not None:
        collected_at = _moment(collected_at, at, None)
        _promise(specimen, collected_at)
    _insert(specimen)
    _step(specimen, State.REQUESTED, begun, by, at)
    if collected_at is not None:
        _step(specimen, State.COLLECTED, collected_at, by, at)
        specimen.save(update_fields=["state", "state_at"])
    detail = {
        "number": specimen.number,
        "condition": facts.condition,
        "group": facts.group,
        "collected": collected_at is not None,
    }
    audit.record("surveillance.testing.request", specimen, by=by, at=at, detail=detail)
    return specimen


@transaction.atomic
def collect(
    *,
    specimen: Specimen,
    number: str = "",
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Specimen:
    """The tube is full (采样): from now on its promise runs.

    ``number``: the tube brought its own, which replaces the one that the house had given.
    """
    specimen = _before(specimen, State.COLLECTED)
    collected_at = _moment(done_at, at, specimen)
    given = specimen.number
    if number and rules.plain_number(number) != given:
        specimen.number = _own_number(number)
    _promise(specimen, collected_at)
    return _go(specimen, State.COLLECTED, "collect", collected_at, by, at, given=given)


@transaction.atomic
def ship(
    *,
    specimen: Specimen,
    laboratory: Facility | None = None,
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Specimen:
    """The tube leaves for its laboratory (送检), which may be another than the one first named."""
    specimen = _before(specimen, State.SHIPPED)
    left_at = _moment(done_at, at, specimen)
    if laboratory is not None:
        specimen.laboratory = laboratory
    return _go(specimen, State.SHIPPED, "ship", left_at, by, at)


@transaction.atomic
def receive(
    *, specimen: Specimen, done_at: datetime | None = None, by: User | None, at: datetime
) -> Specimen:
    """The laboratory has the tube (接收)."""
    specimen = _before(specimen, State.RECEIVED)
    specimen.received_at = _moment(done_at, at, specimen)
    return _go(specimen, State.RECEIVED, "receive", specimen.received_at, by, at)


@transaction.atomic
def refuse(
    *,
    specimen: Specimen,
    reason: str,
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Specimen:
    """The laboratory cannot test what it got (拒收): leaking, too little, without a name."""
    return _end(specimen, State.REFUSED, "refuse", reason, done_at, by, at)


@transaction.atomic
def lose(
    *,
    specimen: Specimen,
    reason: str,
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Specimen:
    """The tube is lost or broken; whoever waits for it is told why."""
    return _end(specimen, State.LOST, "lose", reason, done_at, by, at)


@transaction.atomic
def cancel(
    *,
    specimen: Specimen,
    reason: str,
    done_at: datetime | None = None,
    by: User | None,
    at: datetime,
) -> Specimen:
    """The test is not needed any more; only while the tube has not left."""
    return _end(specimen, State.CANCELLED, "cancel", reason, done_at, by, at)


# --- Results --------------------------------------------------------------------------------------


@transaction.atomic
def enter_result(
    *, specimen: Specimen, facts: ResultFacts, by: User | None, at: datetime
) -> Result:
    """Enter what the laboratory found; anything but an invalid result is reported thereby."""
    specimen = _before(specimen, State.TESTED)
    tested_at = _moment(facts.tested_at, at, specimen, field="tested_at")
    result = _finding(specimen, facts, tested_at, "", by, at)
    _step(specimen, State.TESTED, tested_at, by, at)
    if result.reported_at is not None:
        _step(specimen, State.REPORTED, max(tested_at, result.reported_at), by, at)
    _tell(specimen, result, by, at)
    detail = {"outcome": result.outcome, "method": result.method, "result": result.sequence}
    audit.record("surveillance.testing.enter_result", specimen, by=by, at=at, detail=detail)
    judge(specimen=specimen, result=result, by=by, at=at)
    return result


@transaction.atomic
def correct_result(
    *,
    specimen: Specimen,
    replaces: int,
    facts: ResultFacts,
    reason: str,
    by: User | None,
    at: datetime,
) -> Result:
    """Say a reported result anew (更正). The former one stays; the newest counts.

    ``replaces`` is the sequence of the result that is corrected; it must still be the newest.
    """
    why = _reason(reason, _("Say why the result is corrected."))
    specimen = _locked(specimen)
    before = specimen.results.order_by("-sequence").first()
    if before is None or specimen.state != State.REPORTED:
        raise WrongStep(specimen, State.REPORTED)
    if before.sequence != replaces:
        raise NewerResult(_("The result has been corrected meanwhile. Look at it, then decide."))
    if facts.outcome == ResultOutcome.INVALID:
        raise WrongField(
            _("A reported result cannot become invalid. Request a new specimen."), "outcome"
        )
    tested_at = facts.tested_at or before.tested_at
    if rules.same_minute(tested_at, before.tested_at):
        tested_at = before.tested_at  # a form tells minutes
    if rules.moment_fault(tested_at, at, specimen.received_at):
        raise WrongMoment(_moment_text(tested_at, at), "tested_at")
    said = (facts.method, facts.outcome, dict(facts.ct), tested_at)
    if said == (before.method, before.outcome, before.ct, before.tested_at):
        raise NothingChanged(_("The correction says nothing new. Change what was wrong."))
    result = _finding(specimen, facts, tested_at, why, by, at)
    _tell(specimen, result, by, at)
    detail = {
        "outcome": [before.outcome, result.outcome],
        "method": [before.method, result.method],
        "result": result.sequence,
    }
    audit.record(
        "surveillance.testing.correct_result", specimen, by=by, at=at, reason=why, detail=detail
    )
    judge(specimen=specimen, result=result, before=before, by=by, at=at)
    return result


def _finding(
    specimen: Specimen,
    facts: ResultFacts,
    tested_at: datetime,
    reason: str,
    by: User | None,
    at: datetime,
) -> Result:
    """The next result of a specimen whose lock the caller holds."""
    if facts.outcome not in ResultOutcome.values:
        raise WrongField(_("Choose one of the results."), "outcome")
    pack = _rules_on(tested_at, "tested_at")
    faults = list(
        rules.result_faults(
            pack,
            clock.day_of(tested_at),
            method=facts.method,
            outcome=facts.outcome,
            ct=facts.ct,
        )
    )
    if faults:
        raise NotAcceptable(faults)
    sent = shown(facts.sender_number)
    refuse_numbers(sender_number=sent)
    if sent and queries.result_of_sender(specimen.laboratory_id, sent):
        raise SentBefore(_("The laboratory has sent a result under this number before."))
    return Result.objects.create(
        specimen=specimen,
        sequence=specimen.results.count() + 1,
        method=facts.method,
        outcome=facts.outcome,
        ct=dict(facts.ct),
        laboratory_id=specimen.laboratory_id,
        tested_at=tested_at,
        reported_at=None if facts.outcome == ResultOutcome.INVALID else at,
        entered_at=at,
        by=by,
        channel=Channel(facts.channel),
        sender_number=sent,
        reason=reason,
    )


def _tell(specimen: Specimen, result: Result, by: User | None, at: datetime) -> None:
    """The specimen carries its newest result; the first report keeps the promise or not."""
    specimen.outcome = result.outcome
    if specimen.reported_at is None:
        specimen.reported_at = result.reported_at
    specimen.touch(by, at)
    specimen.save()


# --- One step -------------------------------------------------------------------------------------


def _insert(specimen: Specimen) -> None:
    """Save a new specimen; whoever was quicker with the same is told as if seen before."""
    try:
        with transaction.atomic():
            specimen.save(force_insert=True)
    except IntegrityError:
        waiting = (
            None
            if specimen.person_id is None
            else queries.waiting_request(
                specimen.person_id, specimen.facility_id, specimen.condition, specimen.specimen_type
            )
        )
        if waiting is not None:
            raise AlreadyRequested(waiting) from None
        if queries.number_stands(specimen.number):
            raise _taken() from None
        raise


def _locked(specimen: Specimen) -> Specimen:
    whole = Specimen.objects.select_related("facility", "laboratory", "area", "county")
    return whole.select_for_update(of=("self",)).get(pk=specimen.pk)


def _before(specimen: Specimen, step: State) -> Specimen:
    """The specimen under its lock, where the step may follow."""
    specimen = _locked(specimen)
    if not rules.may_follow(specimen.state, step):
        raise WrongStep(specimen, step)
    return specimen


def _go(
    specimen: Specimen,
    step: State,
    verb: str,
    done_at: datetime,
    by: User | None,
    at: datetime,
    *,
    reason: str = "",
    given: str = "",
) -> Specimen:
    """Take the step: the tube, the ledger and the trail together."""
    _step(specimen, step, done_at, by, at, reason)
    specimen.touch(by, at)
    specimen.save()
    detail: dict[str, Any] = {"number": specimen.number}
    if given and given != specimen.number:
        detail["instead_of"] = given
    if step == State.SHIPPED:
        detail["laboratory"] = str(specimen.laboratory.public_id)
    audit.record(
        f"surveillance.testing.{verb}", specimen, by=by, at=at, reason=reason, detail=detail
    )
    return specimen


def _end(
    specimen: Specimen,
    step: State,
    verb: str,
    reason: str,
    done_at: datetime | None,
    by: User | None,
    at: datetime,
) -> Specimen:
    why = _reason(reason, _("Say why, so that whoever waits for the result knows."))
    specimen = _before(specimen, step)
    return _go(specimen, step, verb, _moment(done_at, at, specimen), by, at, reason=why)


def _step(
    specimen: Specimen,
    state: State,
    done_at: datetime,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> None:
    """A line of the ledger; the tube stands there from now on. The caller saves the tube."""
    at_bench = state in (State.RECEIVED, State.TESTED, State.REPORTED, State.REFUSED) or (
        state == State.LOST and specimen.received_at is not None
    )
    CustodyStep.objects.create(
        specimen=specimen,
        sequence=CustodyStep.objects.filter(specimen=specimen).count() + 1,
        state=state,
        done_at=done_at,
        entered_at=at,
        facility_id=specimen.laboratory_id if at_bench else specimen.facility_id,
        by=by,
        reason=reason,
    )
    specimen.state, specimen.state_at = state, done_at


def _promise(specimen: Specimen, collected_at: datetime) -> None:
    """The pack of the day of collection says when the result is due, and by which clause."""
    pack = _rules_on(collected_at, "done_at")
    group = rules.group(pack, specimen.test_group, clock.day_of(collected_at))
    if group is None:
        raise NotAcceptable([("group", "unknown_group")])
    specimen.collected_at = collected_at
    specimen.due_at = rules.due(group, collected_at)
    specimen.pack, specimen.clause = pack.id, group.clause.code


# --- What is refused ------------------------------------------------------------------------------


def _rules_on(moment: datetime, field: str) -> Pack:
    """The pack that says how is tested on the day of a moment."""
    try:
        pack = queries.pack_on(clock.day_of(moment))
    except NoPackInForce:
        pack = None
    if pack is None or not pack.testing.groups:
        raise NoRules(_("The rules in force on that day say nothing of tests."), field)
    return pack


def _moment(
    said: datetime | None, at: datetime, specimen: Specimen | None, *, field: str = "done_at"
) -> datetime:
    """The moment of a step, now where none is said. A clock that is a little ahead is set back."""
    done_at = said or at
    before = None if specimen is None else specimen.state_at
    if rules.moment_fault(done_at, at, before):
        raise WrongMoment(_moment_text(done_at, at, before), field)
    return min(done_at, at)


def _moment_text(done_at: datetime, at: datetime, before: datetime | None = None) -> str:
    if rules.moment_fault(done_at, at, None) == "future":
        return _("This moment lies in the future. Enter when it was done.")
    if before is None:
        return _("This moment lies before the specimen was received.")
    said = clock.zone()
    text = _("This moment lies before the step before it (%(before)s).")
    return text % {"before": before.astimezone(said).strftime("%Y-%m-%d %H:%M")}


def _reason(text: str, ask: str) -> str:
    why = shown(text)
    if len(why) < REASON_AT_LEAST:
        raise ReasonMissing(ask, "reason")
    refuse_numbers(reason=why)
    return why


def _refuse_repeated(person_id: int, facility: Facility, facts: RequestFacts) -> None:
    """Of the same facility alone: what another one asked for is not for this one to know."""
    waiting = queries.waiting_request(person_id, facility.pk, facts.condition, facts.specimen_type)
    if waiting is not None:
        raise AlreadyRequested(waiting)


def _is_about(case: Case, person: Person | None, condition: str) -> bool:
    return person is not None and case.person_id == person.pk and case.condition == condition


def _own_number(text: str) -> str:
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
        raise _taken()
    return plain


def _taken() -> NumberTaken:
    return NumberTaken(_("Another tube has this number. Look whether it is the same."), "number")


def _next_number(facility: Facility, moment: datetime) -> str:
    """The next number of the county and year; others wait until this transaction ends."""
    area, year = facility.area.county or facility.area, clock.day_of(moment).year
    table = TubeNumbering._meta.db_table
    statement = messages.Statement(
        f"INSERT INTO {table} (area_id, year, last) VALUES (%s, %s, 1)"  # noqa: S608  # our name
        " ON CONFLICT (area_id, year)"
        f" DO UPDATE SET last = {table}.last + 1 RETURNING last",
        [area.pk, year],
        "tube_numbers",
    )
    ((row,),) = messages.send(statement)
    return rules.number(rules.SPECIMEN, area.code, year, row[0])
