"""Request, collect, ship, receive, refuse, lose and cancel specimens; enter and correct results."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.spelling import shown

from . import holds, queries, rules, steps
from .judging import judge
from .models import Result, Specimen
from .steps import (
    NewerResult,
    NoRules,
    NotAcceptable,
    NothingChanged,
    NumberMistyped,
    NumberOfTheHouse,
    NumberTaken,
    ReasonMissing,
    SentBefore,
    WrongMoment,
    WrongStep,
)
from .types import Channel, RequestFacts, ResultFacts, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.places.models import Facility
    from fangkong.surveillance.monitoring.models import Case

__all__ = [
    "AlreadyRequested",
    "InPool",
    "NewerResult",
    "NoRules",
    "NotAcceptable",
    "NothingChanged",
    "NumberMistyped",
    "NumberOfTheHouse",
    "NumberTaken",
    "ReasonMissing",
    "SentBefore",
    "StillHeld",
    "WrongField",
    "WrongMoment",
    "WrongStep",
    "cancel",
    "collect",
    "correct_result",
    "enter_result",
    "lose",
    "receive",
    "refuse",
    "request",
    "ship",
    "withdraw_result",
]


class AlreadyRequested(Refused):
    """The same specimen of the same person has been asked for and waits to be collected."""

    def __init__(self, waiting: Specimen) -> None:
        text = _("Specimen %(number)s of this person waits to be collected. Collect that one.")
        super().__init__(text % {"number": waiting.number})
        self.specimen = waiting


class InPool(Refused):
    """A member of a pool goes the way of its tube, and has no result of its own."""

    def __init__(self, specimen: Specimen) -> None:
        text = _("Specimen %(number)s lies in a pool and goes its way. Do this with the pool.")
        super().__init__(text % {"number": specimen.number})


class StillHeld(Refused):
    """Whoever is held is tested singly, or released with a reason."""


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
    pack = steps.rules_on(begun, "condition")
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
        number=steps.own_number(number) if number else steps.next_number(facility, begun),
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
        collected_at = steps.moment(collected_at, at, None)
        steps.promise(specimen, collected_at)
    _insert(specimen)
    steps.step(specimen, State.REQUESTED, begun, by, at)
    if collected_at is not None:
        steps.step(specimen, State.COLLECTED, collected_at, by, at)
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
    collected_at = steps.moment(done_at, at, specimen.state_at)
    given = specimen.number
    if number and rules.plain_number(number) != given:
        specimen.number = steps.own_number(number)
    steps.promise(specimen, collected_at)
    done = _go(specimen, State.COLLECTED, "collect", collected_at, by, at, given=given)
    holds.taken(done, by=by, at=at)
    return done


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
    left_at = steps.moment(done_at, at, specimen.state_at)
    if laboratory is not None:
        specimen.laboratory = laboratory
    return _go(specimen, State.SHIPPED, "ship", left_at, by, at)


@transaction.atomic
def receive(
    *, specimen: Specimen, done_at: datetime | None = None, by: User | None, at: datetime
) -> Specimen:
    """The laboratory has the tube (接收), also one whose collection nobody noted."""
    specimen = _before(specimen, State.RECEIVED)
    specimen.received_at = steps.moment(done_at, at, specimen.state_at)
    unnoted = specimen.state == State.REQUESTED
    if unnoted:
        # It was taken, at a moment that nobody told: the promise runs from where it is known.
        steps.promise(specimen, specimen.received_at)
        specimen.collection_noted = False
    done = _go(specimen, State.RECEIVED, "receive", specimen.received_at, by, at)
    if unnoted:
        holds.taken(done, by=by, at=at)
    return done


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
    """The test is not needed any more; only while the tube has not left.

    StillHeld where it tells whether somebody is let go.
    """
    if holds.held(specimen):
        raise StillHeld(
            _("This person is held until tested singly. Take the specimen, or end the hold.")
        )
    return _end(specimen, State.CANCELLED, "cancel", reason, done_at, by, at)


# --- Results --------------------------------------------------------------------------------------


@transaction.atomic
def enter_result(
    *, specimen: Specimen, facts: ResultFacts, by: User | None, at: datetime
) -> Result:
    """Enter what the laboratory found; anything but an invalid result is reported thereby."""
    specimen = _before(specimen, State.TESTED)
    tested_at = steps.moment(facts.tested_at, at, specimen.state_at, field="tested_at")
    said = steps.finding(specimen, facts, tested_at, by, at)
    result = _add(specimen, said, _instead(specimen))
    steps.step(specimen, State.TESTED, tested_at, by, at)
    if result.reported_at is not None:
        steps.step(specimen, State.REPORTED, max(tested_at, result.reported_at), by, at)
    steps.tell(specimen, result.outcome, result.reported_at, by, at)
    detail = {"outcome": result.outcome, "method": result.method, "result": result.sequence}
    audit.record("surveillance.testing.enter_result", specimen, by=by, at=at, detail=detail)
    judge(specimen=specimen, result=result, by=by, at=at)
    holds.settle(specimen, result.outcome, by=by, at=at)
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
    why = steps.reason(reason, _("Say why the result is corrected."))
    specimen = steps.locked(specimen)
    if specimen.pool_id is not None:
        raise InPool(specimen)
    before = specimen.results.order_by("-sequence").first()
    tested_at = steps.corrected_at(specimen, before, replaces, facts, at)
    assert before is not None  # else it was refused
    said = steps.finding(specimen, facts, tested_at, by, at, corrects=True)
    result = _add(specimen, said, why)
    steps.tell(specimen, result.outcome, result.reported_at, by, at)
    detail = {
        "outcome": [before.outcome, result.outcome],
        "method": [before.method, result.method],
        "result": result.sequence,
    }
    audit.record(
        "surveillance.testing.correct_result", specimen, by=by, at=at, reason=why, detail=detail
    )
    judge(specimen=specimen, result=result, before=before, by=by, at=at)
    holds.settle(specimen, result.outcome, by=by, at=at)
    return result


@transaction.atomic
def withdraw_result(
    *,
    specimen: Specimen,
    replaces: int,
    reason: str,
    channel: str = Channel.FORM.value,
    by: User | None,
    at: datetime,
) -> Result:
    """Take a reported result back (撤回): it is another tube's, or wrong, and none takes its place.

    ``replaces`` is the sequence of the newest result. It stays in the history with an invalid one
    after it, and the tube is to be tested: whoever was let go by it is held again, and the county
    looks at a case that it made.
    """
    why = steps.reason(reason, _("Say why the result is taken back."))
    specimen = steps.locked(specimen)
    if specimen.pool_id is not None:
        raise InPool(specimen)
    before = specimen.results.order_by("-sequence").first()
    if before is None or specimen.state != State.REPORTED:
        raise WrongStep(specimen, State.TESTED)
    if before.sequence != replaces:
        raise NewerResult(_("The result has been corrected meanwhile. Look at it, then decide."))
    said: dict[str, Any] = {
        "method": before.method,
        "outcome": ResultOutcome.INVALID,
        "laboratory_id": specimen.laboratory_id,
        "tested_at": before.tested_at,
        "entered_at": at,
        "by": by,
        "channel": Channel(channel),
        "sender_number": before.sender_number,
    }
    result = _add(specimen, said, why)
    # As an invalid test leaves a tube; its right result may be of any moment since the receipt.
    steps.step(specimen, State.TESTED, specimen.received_at or before.tested_at, by, at, why)
    specimen.reported_at = None
    steps.tell(specimen, result.outcome, None, by, at)
    detail = {"outcome": before.outcome, "result": before.sequence}
    audit.record(
        "surveillance.testing.withdraw_result", specimen, by=by, at=at, reason=why, detail=detail
    )
    judge(specimen=specimen, result=result, before=before, by=by, at=at)
    holds.settle(specimen, ResultOutcome.GREY, by=by, at=at)  # it says as little of the person
    return result


def _instead(specimen: Specimen) -> str:
    """The reason of a result that comes after another was taken back; "" for a first one."""
    if not specimen.results.filter(reported_at__isnull=False).exists():
        return ""
    with translation.override(settings.LANGUAGE_CODE):
        return _("The result before was taken back.")


def _add(specimen: Specimen, said: dict[str, Any], why: str) -> Result:
    """The next result of a specimen whose lock the caller holds."""
    n = specimen.results.count() + 1
    return Result.objects.create(specimen=specimen, sequence=n, reason=why, **said)


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
            raise steps.taken() from None
        raise


def _before(specimen: Specimen, step: State) -> Specimen:
    """The specimen under its lock, where the step may follow."""
    specimen = steps.locked(specimen)
    if specimen.pool_id is not None:
        raise InPool(specimen)
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
    steps.step(specimen, step, done_at, by, at, reason)
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
    why = steps.reason(reason, _("Say why, so that whoever waits for the result knows."))
    specimen = _before(specimen, step)
    ended_at = steps.moment(done_at, at, specimen.state_at)
    done = _go(specimen, step, verb, ended_at, by, at, reason=why)
    if step != State.CANCELLED:
        holds.renew(done, by=by, at=at)
        steps.tell_requesters(done, by, at)
    return done


# --- What is refused ------------------------------------------------------------------------------


def _refuse_repeated(person_id: int, facility: Facility, facts: RequestFacts) -> None:
    """Of the same facility alone: what another one asked for is not for this one to know."""
    waiting = queries.waiting_request(person_id, facility.pk, facts.condition, facts.specimen_type)
    if waiting is not None:
        raise AlreadyRequested(waiting)


def _is_about(case: Case, person: Person | None, condition: str) -> bool:
    return person is not None and case.person_id == person.pk and case.condition == condition
