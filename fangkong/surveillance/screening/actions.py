"""Enter contacts and judge them; watch, visit, release and hand over; convert to cases; alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import ReasonMissing as ReasonMissing
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField, WrongFields
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce, Pack, Placed, Term, UnknownCode
from fangkong.people import actions as people
from fangkong.places.types import FacilityKind
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import words as both

from . import queries, rules, words
from .models import Exposure, Observation, Visit
from .types import (
    CARD_TASK,
    LEFT_TASK,
    MISSED_TASK,
    NOT_FOUND_TASK,
    ONSET_TASK,
    SYMPTOMS_TASK,
    Ending,
    ExposureFacts,
    Met,
    Relation,
    Setting,
    Symptom,
    VisitFacts,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.people.types import Registration
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.monitoring.models import Case
    from fangkong.tasks.models import Task

ILL_WITHIN = timedelta(hours=2)
NOT_FOUND_WITHIN = timedelta(hours=12)
MISSED_WITHIN = timedelta(hours=12)
ONSET_WITHIN = timedelta(hours=12)
RELEASED_WITHIN = timedelta(hours=2)  # nobody is kept for a case that is none
MOST_AT_ONCE = 200  # visits in one go


class NotAcceptable(WrongFields):
    """What was entered contradicts itself or the rules; ``faults``: field and words of each, and
    ``codes``: field and code."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.codes = list(faults)
        super().__init__([(field, words.fault(code)) for field, code in self.codes])


class NoRules(WrongField):
    """No rule in force judges contacts of this disease."""


class Themselves(WrongField):
    """Nobody is the contact of their own case, nor of themselves."""


class NoSuchPlace(WrongField):
    """An observation is handed to a home county, and given to a unit of its own county."""


class AlreadyEntered(Refused):
    """The same exposure of the same person to the same case stands already."""


class CaseDiscarded(Refused):
    """A discarded case has no contacts."""


class Withdrawn(Refused):
    """The contact was withdrawn."""


class NothingChanged(Refused):
    """What was sent says nothing new."""

    status = 422


class Ended(Refused):
    """The observation is over; ``observation`` says how and when."""

    def __init__(self, observation: Observation) -> None:
        text = _("This observation ended on %(day)s (%(how)s). Nothing can be added to it.")
        told = {"day": observation.ended_date, "how": observation.get_ending_display()}
        super().__init__(text % told)
        self.observation = observation


class NotOver(Refused):
    """Nobody is released before the end of the term."""

    def __init__(self, observation: Observation) -> None:
        text = _("The term runs to %(day)s. Release after the visit of that day.")
        super().__init__(text % {"day": observation.last_date})


class AlreadyVisited(Refused):
    """A visit of this half of the day stands already; ``visit`` is it."""

    def __init__(self, visit: Visit) -> None:
        text = _(
            "A visit of %(day)s, %(part)s, is entered already. Correct that one if it is wrong."
        )
        super().__init__(text % {"day": visit.day, "part": visit.get_part_display()})
        self.visit = visit


# --- Contacts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """An exposure by the rules: the whole disease, the place in plain form, and what an exposure
    keeps of the judgement (``queries.as_judged``)."""

    condition: str
    place: str
    said: dict[str, Any]


@transaction.atomic
def expose(
    *,
    case: Case,
    facts: ExposureFacts,
    person: Person | None = None,
    stated: Registration | None = None,
    through: Exposure | None = None,
    row_print: str = "",
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Exposure:
    """Enter that somebody was with a case, or with a close contact (``through``) of it.

    ``person`` is one that is known, else ``stated`` registers one. Class and reason are judged at
    once by the rules of today; who is to be watched is watched from today on. ``row_print``: of the
    row of a file that says so.
    """
    today = clock.day_of(at)
    judged = judged_as(case, facts, through, today)
    if person is None:
        if stated is None:
            raise WrongField(_("Say who was exposed."), "name")
        person = people.register(**vars(stated), by=by, at=at)
    refuse_person(case, person.pk, through)
    if rules.overlap(
        facts.first_date, facts.last_date, queries.days_with(case, person.pk, facts.kind)
    ):
        raise already()
    area = queries.home_of(person, case, today)
    exposure = exposure_of(case, facts, judged, person, area, stamps(by, at))
    exposure.through, exposure.row_print, exposure.synthetic = through, row_print, synthetic
    try:
        with transaction.atomic():
            exposure.save(force_insert=True)
    except IntegrityError:
        raise already() from None
    detail = {"case": case.number, "kind": facts.kind, "class": exposure.contact_class}
    audit.record("surveillance.screening.expose", exposure, by=by, at=at, detail=detail)
    _watch(exposure, by, at)
    return exposure


def judged_as(
    case: Case,
    facts: ExposureFacts,
    through: Exposure | None,
    today: date,
    specimen: Callable[[Case], date] = queries.first_specimen,
) -> Judged:
    """What the rules of a day make of facts about an exposure, whoever the person is; refuses what
    cannot be. ``specimen``: the day from which a case without symptoms counts."""
    pack = _rules_on(today)
    condition = queries.whole(case.condition, today)
    _refuse_case(case, facts)
    place = shown(facts.place)
    refuse_numbers(place=place)
    faults = list(rules.exposure_faults(facts.first_date, facts.last_date, today))
    if facts.setting not in Setting.values:
        faults.append(("setting", "unknown_setting"))
    if facts.relation and facts.relation not in Relation.values:
        faults.append(("relation", "unknown_relation"))
    known = queries.kinds(condition, today, "case" if through is None else "contact")
    if not known:
        raise NoRules(_no_rules(pack, condition, today), "kind")
    if facts.kind not in {one.code for one in known}:
        faults.append(("kind", "unknown_kind"))
    if faults:
        raise NotAcceptable(faults)
    days = (facts.first_date, facts.last_date)
    judged = queries.judgement(pack, condition, case, facts.kind, days, through, today, specimen)
    if judged is None:
        raise NoRules(_no_rules(pack, condition, today), "kind")
    return Judged(condition, place, queries.as_judged(pack, judged))


def exposure_of(
    case: Case,
    facts: ExposureFacts,
    judged: Judged,
    person: Person,
    area: Area,
    stamped: Mapping[str, Any],
) -> Exposure:
    """The contact as it is entered, not saved; ``area``: where the person is followed."""
    return Exposure(
        **stamped,
        case=case,
        person=person,
        condition=judged.condition,
        kind=facts.kind,
        setting=facts.setting,
        relation=facts.relation,
        place=judged.place,
        first_date=facts.first_date,
        last_date=facts.last_date,
        area=area,
        county_id=area.county_id or case.county_id,
        case_county_id=case.county_id,
        contact_class=judged.said["judged_class"],
        **judged.said,
    )


@transaction.atomic
def judge(
    *, exposure: Exposure, contact_class: str, reason: str, by: User | None, at: datetime
) -> Exposure:
    """Judge a contact otherwise than the rules do, with a reason; "" is no contact."""
    why = stated_reason(reason, _("Say why this contact is judged otherwise."))
    exposure = _exposure(exposure)
    today = clock.day_of(at)
    pack = _rules_on(today)
    classes = {one.code for one in pack.screening.classes if one.covers(today)}
    if contact_class and contact_class not in classes:
        raise WrongField(_("Choose one of the classes."), "contact_class")
    if contact_class == exposure.contact_class:
        raise NothingChanged(_("This is the class that counts already."))
    before = exposure.contact_class
    exposure.contact_class, exposure.reason = contact_class, why
    exposure.touch(by, at)
    exposure.save()
    detail = {"class": [before, contact_class]}
    audit.record("surveillance.screening.judge", exposure, by=by, at=at, detail=detail)
    _reckon(exposure, by, at)
    return exposure


@transaction.atomic
def judge_anew(*, case: Case, by: User | None, at: datetime) -> Case:
    """Bring contacts and observations in line with the present card of a case.

    Contacts are judged again whose class or days its onset makes otherwise, by the rules by which
    they were entered; a class that somebody judged by hand stays. Who is watched because of a case
    that was ruled out is released, or watched for what else there is. Who became a case that was
    ruled out, and whose case stands again, is watched again for the days that are left.
    """
    found = queries.otherwise(case, clock.day_of(at))
    for exposure, said in found.judged:
        _judge_anew(exposure, said, case, by, at)
    for observation in found.freed:
        running = Observation.objects.select_for_update().get(pk=observation.pk)
        if running.is_open:
            _recount(running, "", by, at, Ending.RULED_OUT)
    for exposure in found.again:
        _watch(_exposure(exposure), by, at)
    if not found:
        raise NothingChanged(_("The present card makes no contact of this case otherwise."))
    persons = len(found.judged) + len(found.freed) + len(found.again)
    proof = _("Judged anew: %(n)d contacts.") % {"n": persons}
    for kind in (ONSET_TASK, CARD_TASK):
        tasks.finish_for(source=case, kind=kind.code, proof=proof, by=by, at=at)
    return case


def _judge_anew(
    exposure: Exposure, said: Mapping[str, Any], case: Case, by: User | None, at: datetime
) -> None:
    exposure = _exposure(exposure)
    before, by_hand = exposure.contact_class, exposure.contact_class != exposure.judged_class
    for name, value in said.items():
        setattr(exposure, name, value)
    if not by_hand:
        exposure.contact_class = exposure.judged_class
    exposure.touch(by, at)
    exposure.save()
    detail = {"class": [before, exposure.contact_class], "case": case.number}
    audit.record("surveillance.screening.judge_anew", exposure, by=by, at=at, detail=detail)
    _reckon(exposure, by, at)


@transaction.atomic
def tell_otherwise(*, case: Case, at: datetime) -> list[Task]:
    """Tell the county of a case, once for each, that its present onset makes contacts otherwise,
    and that persons are to be released or watched again."""
    found = queries.otherwise(case, clock.day_of(at))
    counts = (
        (ONSET_TASK, ONSET_WITHIN, len(found.judged)),
        (CARD_TASK, RELEASED_WITHIN, len(found.freed) + len(found.again)),
    )
    return [
        tasks.assign(
            kind=kind.code,
            params={"number": case.number, "count": count},
            area=case.county,
            role=Role.COUNTY_CDC,
            due_at=at + within,
            priority=2,
            source=case,
            by=None,
            at=at,
        )
        for kind, within, count in counts
        if count and not queries.asked_already(case, kind.code)
    ]


@transaction.atomic
def withdraw(*, exposure: Exposure, reason: str, by: User | None, at: datetime) -> Exposure:
    """The contact was entered in error; what rested on it alone ends."""
    why = stated_reason(reason, _("Say why the contact is withdrawn."))
    exposure = _exposure(exposure)
    exposure.withdrawn_at, exposure.reason, exposure.is_source = at, why, False
    exposure.touch(by, at)
    exposure.save()
    audit.record("surveillance.screening.withdraw", exposure, by=by, at=at)
    _reckon(exposure, by, at)
    return exposure


@transaction.atomic
def name_source(*, exposure: Exposure, by: User | None, at: datetime) -> Exposure:
    """Name this exposure as the one that infected its person; another one is so no more."""
    exposure = _exposure(exposure)
    if exposure.is_source:
        raise NothingChanged(_("This exposure is named as the source already."))
    Exposure.objects.filter(
        person_id=exposure.person_id, condition=exposure.condition, is_source=True
    ).update(is_source=False)
    exposure.is_source = True
    exposure.touch(by, at)
    exposure.save()
    audit.record("surveillance.screening.name_source", exposure, by=by, at=at)
    return exposure


def _refuse_case(case: Case, facts: ExposureFacts) -> None:
    if case.case_class == rules.DISCARDED:
        raise CaseDiscarded(_("This case was discarded, so nobody is its contact."))
    if case.died_on is not None and facts.first_date > case.died_on:
        text = _("The case died on %(day)s. An exposure cannot begin later.")
        raise WrongField(text % {"day": case.died_on}, "first_date")


def refuse_person(case: Case, person_id: int, through: Exposure | None = None) -> None:
    """Nobody is the contact of their own case, nor in between for themselves."""
    if person_id == case.person_id:
        raise Themselves(_("This is the person of the case. Enter somebody else."), "person")
    if through is None:
        return
    if through.person_id == person_id:
        raise Themselves(_("This is the contact in between. Enter somebody else."), "person")
    if through.case_id != case.pk or through.through_id or through.withdrawn_at:
        raise WrongField(
            _("Choose a standing contact of this case as the one in between."), "through"
        )


def already() -> AlreadyEntered:
    """The refusal of a contact that stands on some of these days already."""
    return AlreadyEntered(
        _(
            "This person is entered as exposed in this way on these days already. Withdraw that"
            " contact if its days are wrong."
        )
    )


def _exposure(exposure: Exposure) -> Exposure:
    """The exposure under its lock, where it stands."""
    found = Exposure.objects.select_for_update().get(pk=exposure.pk)
    if found.withdrawn_at is not None:
        raise Withdrawn(_("This contact was withdrawn. Enter the person anew if need be."))
    return found


# --- From a contact to an observation -------------------------------------------------------------


def _watch(exposure: Exposure, by: User | None, at: datetime) -> None:
    """Begin to watch whom the rules watch; a later exposure lengthens what runs."""
    today = clock.day_of(at)
    running = queries.open_of_person(exposure.person_id, exposure.condition)
    begun = today if running is None else running.first_date
    ruled_out = exposure.case.case_class == rules.DISCARDED
    term = None if ruled_out else queries.term_of(exposure, today, begun)
    if running is not None:
        _link(exposure, running)
        longer = term is not None and term.last is not None and term.last > running.last_date
        if term is not None and term.days and (longer or running.entry_phases):
            _set_term(running, exposure, term, by, at)
        return
    became = queries.case_since(exposure.person_id, exposure.condition, exposure.first_date, today)
    if term is None or became is not None:
        return
    unit = queries.unit_for(exposure.area, today)
    made = observation_of(exposure, term, unit, stamps(by, at))
    made.save(force_insert=True)
    _link(exposure, made)
    detail = {"from": str(made.first_date), "to": str(made.last_date)}
    audit.record("surveillance.screening.open", made, by=by, at=at, detail=detail)


def observation_of(
    exposure: Exposure, term: Term, unit: Facility | None, stamped: Mapping[str, Any]
) -> Observation:
    """The observation that an exposure begins, not saved."""
    return Observation(
        **stamped,
        person_id=exposure.person_id,
        condition=exposure.condition,
        area=exposure.area,
        county_id=exposure.county_id,
        unit=unit,
        synthetic=exposure.synthetic,
        **queries.as_term(exposure, term),
        first_date=term.days[0].first,
    )


def _link(exposure: Exposure, observation: Observation) -> None:
    exposure.observation = observation
    exposure.save(update_fields=["observation"])


def _set_term(
    observation: Observation, exposure: Exposure, term: Term, by: User | None, at: datetime
) -> None:
    said = queries.as_term(exposure, term, observation.phases, observation.entry_phases)
    _change_term(observation, said, by, at)


def _change_term(
    observation: Observation, said: Mapping[str, Any], by: User | None, at: datetime
) -> None:
    before = observation.last_date
    if all(getattr(observation, name) == value for name, value in said.items()):
        return
    for name, value in said.items():
        setattr(observation, name, value)
    observation.touch(by, at)
    observation.save()
    detail = {"to": [str(before), str(observation.last_date)]}
    audit.record("surveillance.screening.change_term", observation, by=by, at=at, detail=detail)


def _reckon(exposure: Exposure, by: User | None, at: datetime) -> None:
    """The term anew after a contact was judged otherwise or withdrawn.

    The longest term of the exposures that stand counts; where none is left, it was opened in error.
    """
    running = queries.open_of_person(exposure.person_id, exposure.condition)
    if running is None or exposure.observation_id != running.pk:
        if exposure.withdrawn_at is None:
            _watch(exposure, by, at)
        return
    _recount(running, exposure.reason, by, at)


def _recount(
    running: Observation,
    reason: str,
    by: User | None,
    at: datetime,
    ending: Ending = Ending.ERROR,
) -> None:
    """The term of all that an observation rests on; it ends where that is nothing any more."""
    said = queries.reckoned(running)
    if said is None:
        _end(running, ending, reason, "end", by, at)
    else:
        _change_term(running, said, by, at)


# --- From an arrival to an observation ------------------------------------------------------------


@transaction.atomic
def watch_arrival(
    *,
    person: Person,
    condition: str,
    placed: Placed,
    pack: str,
    area: Area,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Observation | None:
    """Watch who arrived in ``area`` (of a home county) for the days of their tier.

    None where the tier watches nobody, or its days are over. Who is watched already, as a contact
    or an earlier arrival, stays in that one observation, wherever it is: on each day the stricter
    of both counts.
    """
    today = clock.day_of(at)
    if placed.term.last is None or placed.term.last < today:
        return None
    phases = rules.phases_of(placed.term)
    running = queries.open_of_person(person.pk, condition)
    if running is not None:
        entry = rules.stricter(running.entry_phases, phases)
        running.tier, running.entry_phases = placed.tier.code, entry
        running.save(update_fields=["tier", "entry_phases"])
        _change_term(running, queries.as_phases(rules.stricter(running.phases, entry)), by, at)
        return running
    if queries.case_since(person.pk, condition, placed.term.since, today) is not None:
        return None
    made = Observation(
        **stamps(by, at),
        person=person,
        condition=condition,
        contact_class="",
        tier=placed.tier.code,
        pack=pack,
        clause=placed.tier.clause.code,
        since=placed.term.since,
        first_date=placed.term.days[0].first,
        entry_phases=phases,
        **queries.as_phases(phases),
        area=area,
        county=area.county or area,
        unit=queries.unit_for(area, today),
        synthetic=synthetic,
    )
    made.save(force_insert=True)
    detail = {"from": str(made.first_date), "to": str(made.last_date), "tier": made.tier}
    audit.record("surveillance.screening.open", made, by=by, at=at, detail=detail)
    return made


def running(person: Person, condition: str) -> Observation | None:
    """The open observation of a person, whoever watches; for an action that meets the person."""
    return queries.open_of_person(person.pk, condition)


def phases_of(term: Term) -> list[dict[str, Any]]:
    """The stretches of a term as an observation keeps them."""
    return rules.phases_of(term)


@transaction.atomic
def without_arrival(
    *,
    observation: Observation,
    left: Sequence[Sequence[Mapping[str, Any]]],
    reason: str,
    by: User | None,
    at: datetime,
) -> None:
    """An arrival of this person was entered in error; ``left``: the stretches of the others.

    The term is that of the contacts and arrivals that are left; without any it ends.
    """
    found = Observation.objects.select_for_update().get(pk=observation.pk)
    if not found.is_open:
        return
    entry: list[dict[str, Any]] = []
    for phases in left:
        entry = rules.stricter(entry, phases)
    found.entry_phases = entry
    found.tier = found.tier if entry else ""
    found.save(update_fields=["entry_phases", "tier"])
    _recount(found, reason, by, at)


# --- Visits ---------------------------------------------------------------------------------------


@transaction.atomic
def visit(*, observation: Observation, facts: VisitFacts, by: User | None, at: datetime) -> Visit:
    """Enter that somebody looked. Symptoms, and who was not found, become a task of the county."""
    observation = _open(observation)
    done_at, said = _visit_facts(observation, facts, at)
    day, part = clock.day_of(done_at), rules.part_of(done_at.astimezone(clock.zone()).hour)
    standing = observation.visits.filter(day=day, part=part).first()
    if standing is not None:
        raise AlreadyVisited(standing)
    made = Visit(
        **stamps(by, at),
        observation=observation,
        day=day,
        part=part,
        done_at=done_at,
        unit_id=observation.unit_id,
        **said,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        raise AlreadyVisited(observation.visits.get(day=day, part=part)) from None
    detail = {"day": str(day), "part": part, "late": day < clock.day_of(at)}
    audit.record("surveillance.screening.visit", observation, by=by, at=at, detail=detail)
    _tell(observation, made, by, at)
    return made


@transaction.atomic
def correct_visit(*, visit: Visit, facts: VisitFacts, by: User | None, at: datetime) -> Visit:
    """Say a visit anew as a whole; its half of the day stays."""
    observation = _open(visit.observation)
    visit = Visit.objects.select_for_update().get(pk=visit.pk)
    visit.observation = observation
    done_at, said = _visit_facts(observation, facts, at, visit.done_at)
    day, part = clock.day_of(done_at), rules.part_of(done_at.astimezone(clock.zone()).hour)
    if (day, part) != (visit.day, visit.part):
        raise WrongField(
            _("A visit keeps its half of the day. Enter another one for another half."), "done_at"
        )
    changed = sorted(
        name
        for name, value in {**said, "done_at": done_at}.items()
        if getattr(visit, name) != value
    )
    if not changed:
        raise NothingChanged(_("The correction says nothing new. Change what was wrong."))
    was = visit.met
    for name in changed:
        setattr(visit, name, {**said, "done_at": done_at}[name])
    visit.touch(by, at)
    visit.save()
    detail = {"day": str(day), "part": part, "changed": changed}
    audit.record("surveillance.screening.correct_visit", observation, by=by, at=at, detail=detail)
    if visit.met != was:
        _tell(observation, visit, by, at)
    return visit


@transaction.atomic
def visit_many(
    *, observations: Sequence[Observation], by: User | None, at: datetime
) -> dict[str, Any]:
    """A household of which nobody has symptoms, in one go.

    Each is its own visit; who cannot be visited now is told and stops nobody else. Gives
    ``entered`` (a number) and ``refused`` (public id and reason of each).
    """
    if len(observations) > MOST_AT_ONCE:
        text = _("At most %(most)d persons in one go. Choose fewer.")
        raise WrongField(text % {"most": MOST_AT_ONCE}, "observations")
    if not observations:
        raise WrongField(_("Choose at least one person."), "observations")
    entered, refused = 0, []
    for one in observations:
        try:
            visit(observation=one, facts=VisitFacts(), by=by, at=at)
        except Refused as problem:
            refused.append({"id": str(one.public_id), "text": str(problem)})
        else:
            entered += 1
    return {"entered": entered, "refused": refused}


def _visit_facts(
    observation: Observation, facts: VisitFacts, at: datetime, before: datetime | None = None
) -> tuple[datetime, dict[str, Any]]:
    done_at = facts.done_at or before or at
    note = shown(facts.note)
    refuse_numbers(note=note)
    faults = list(
        rules.visit_faults(
            found=facts.found,
            temperature=facts.temperature,
            symptoms=facts.symptoms,
            known=Symptom.values,
            done_at=done_at,
            day=clock.day_of(min(done_at, at)),
            first=observation.first_date,
            last=observation.last_date,
            at=at,
        )
    )
    if faults:
        raise NotAcceptable(faults)
    return min(done_at, at), {
        "met": rules.met(facts.found, facts.temperature, facts.symptoms),
        "temperature": facts.temperature,
        "symptoms": list(dict.fromkeys(facts.symptoms)),
        "note": note,
    }


def _tell(observation: Observation, visit: Visit, by: User | None, at: datetime) -> None:
    """The county has to see to who is ill, and to who was not found."""
    if visit.met == Met.WELL:
        return
    ill = visit.met == Met.ILL
    tasks.assign(
        kind=(SYMPTOMS_TASK if ill else NOT_FOUND_TASK).code,
        params={"condition": _condition(observation.condition, clock.day_of(at))},
        area=observation.county,
        role=Role.COUNTY_CDC,
        due_at=at + (ILL_WITHIN if ill else NOT_FOUND_WITHIN),
        priority=3 if ill else 2,
        source=observation,
        by=by,
        at=at,
    )


# --- The end, and the way to others ---------------------------------------------------------------


@transaction.atomic
def release(
    *, observation: Observation, reason: str = "", by: User | None, at: datetime
) -> Observation:
    """The term is over (解除医学观察). A last day without a visit needs a reason, and
    so do symptoms at the last visit that found the person.
    """
    observation = _open(observation)
    last = observation.last_date
    visited = observation.visits.filter(day=last).exists()
    ill = queries.last_found_ill(observation)
    fault = rules.release_fault(last, clock.day_of(at), visited, ill)
    if fault == "before_the_end":
        raise NotOver(observation)
    why = shown(reason)
    if fault:
        why = stated_reason(
            reason,
            _(
                "The last visit found symptoms. Visit again or have the person tested, or say why"
                " they are released all the same."
            )
            if fault == "last_found_ill"
            else _("Nobody visited on the last day. Say why the person is released all the same."),
        )
    refuse_numbers(reason=why)
    return _end(observation, Ending.TERM, why, "release", by, at)


@transaction.atomic
def end(
    *, observation: Observation, ending: str, reason: str, by: User | None, at: datetime
) -> Observation:
    """End an observation before its term: the person died, or it was opened in error."""
    if ending not in (Ending.DEATH, Ending.ERROR):
        raise WrongField(_("Choose how the observation ends."), "ending")
    why = stated_reason(reason, _("Say why the observation ends."))
    return _end(_open(observation), Ending(ending), why, "end", by, at)


@transaction.atomic
def hand_over(
    *,
    observation: Observation,
    county: Area,
    reason: str,
    area: Area | None = None,
    by: User | None,
    at: datetime,
) -> Observation:
    """Another county takes the person over: it ends here and goes on there to the same last day.

    ``area`` of that county, where it is known; its unit looks after the person.
    """
    why = stated_reason(reason, _("Say why the person is handed over."))
    observation = _open(observation)
    today = clock.day_of(at)
    if county.pk not in {one.pk for one in queries.areas_to_hand_to(today)}:
        raise NoSuchPlace(_("Choose a county of this prefecture."), "county")
    if county.pk == observation.county_id:
        raise NoSuchPlace(_("The person is with this county already."), "county")
    if observation.last_date < today:
        text = _("The term was over on %(day)s. Release the person instead.")
        raise Refused(text % {"day": observation.last_date})
    kept = ("person", "condition", "contact_class", "pack", "clause", "since", "last_date")
    more = ("phases", "visits_a_day", "central_first", "central_last", "synthetic")
    entry = ("tier", "entry_phases")
    said = {name: getattr(observation, name) for name in (*kept, *more, *entry)}
    _end(observation, Ending.MOVED, why, "hand_over", by, at)
    made = Observation(
        **stamps(by, at),
        **said,
        first_date=max(today, observation.first_date),
        area=area or county,
        county=county,
        unit=queries.unit_for(area or county, today),
        taken_from=observation,
    )
    made.save(force_insert=True)
    observation.exposures.update(observation=made, county=county, area=made.area)
    detail = {"from": str(made.first_date), "to": str(made.last_date), "county": county.code}
    audit.record("surveillance.screening.open", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def assign(
    *, observation: Observation, unit: Facility, by: User | None, at: datetime
) -> Observation:
    """Name the unit that visits, other than the one of the area."""
    observation = _open(observation)
    today = clock.day_of(at)
    if unit.pk not in {one.pk for one in queries.units_in(observation.county_id, today)}:
        raise NoSuchPlace(_("Choose a unit of the same county."), "unit")
    if unit.pk == observation.unit_id:
        raise NothingChanged(_("This unit visits the person already."))
    observation.unit = unit
    observation.touch(by, at)
    observation.save()
    detail = {"unit": str(unit.public_id)}
    audit.record("surveillance.screening.assign", observation, by=by, at=at, detail=detail)
    return observation


def _end(
    observation: Observation,
    ending: Ending,
    reason: str,
    verb: str,
    by: User | None,
    at: datetime,
    *,
    case: Case | None = None,
) -> Observation:
    observation.ending, observation.ended_date = ending, clock.day_of(at)
    observation.reason, observation.case = reason, case
    observation.touch(by, at)
    observation.save()
    detail: dict[str, Any] = {"ending": str(ending)}
    if case is not None:
        detail["case"] = case.number
    audit.record(f"surveillance.screening.{verb}", observation, by=by, at=at, detail=detail)
    return observation


def _open(observation: Observation) -> Observation:
    """The observation under its lock, where it has not ended."""
    rows = Observation.objects.select_related("person", "county", "area", "unit")
    found = rows.select_for_update(of=("self",)).get(pk=observation.pk)
    if not found.is_open:
        raise Ended(found)
    return found


# --- What runs by the clock -----------------------------------------------------------------------


@transaction.atomic
def convert(*, observation: Observation, case: Case, by: User | None, at: datetime) -> Observation:
    """The person became a case: the observation ends, its exposures stay the chain.

    The case is locked first, as by its card: two who convert at once wait for each other.
    """
    monitoring.held(case)
    return _end(_open(observation), Ending.CASE, "", "convert", by, at, case=case)


@transaction.atomic
def alarm(*, at: datetime) -> int:
    """Tell each unit whom it missed yesterday, and each county whom nobody made up for since.

    Gives the number of tasks.
    """
    today = clock.day_of(at)
    yesterday, before = today - rules.DAY, today - 2 * rules.DAY
    made = 0
    every = Observation.objects.select_related("unit__area__county", "county")
    late = list(queries.unvisited(every, yesterday))
    units = Counter((one.unit, one.county) for one in late)
    for (unit, county), count in _in_order(units):
        own = unit is not None and unit.kind != FacilityKind.COUNTY_CDC
        _alarm(
            MISSED_TASK.code,
            yesterday,
            count,
            county,
            unit if own else None,
            Role.HOSPITAL if own else Role.COUNTY_CDC,
            at,
        )
        made += 1
    keys = {one.pk for one in late}
    left = [one for one in queries.unvisited(every, before) if one.pk in keys]
    counties = Counter((None, one.county) for one in left)
    for (_unit, county), count in _in_order(counties):
        _alarm(LEFT_TASK.code, before, count, county, None, Role.COUNTY_CDC, at)
        made += 1
    return made


def _in_order(counted: Counter[Any]) -> list[tuple[tuple[Facility | None, Area], int]]:
    def place(one: tuple[tuple[Facility | None, Area], int]) -> tuple[str, int]:
        (unit, county), _count = one
        return county.code, 0 if unit is None else unit.pk

    return sorted(counted.items(), key=place)


def _alarm(
    kind: str,
    day: date,
    count: int,
    county: Area,
    unit: Facility | None,
    role: str,
    at: datetime,
) -> None:
    tasks.assign(
        kind=kind,
        params={"day": day.isoformat(), "count": count},
        area=county if unit is None else unit.area,
        facility=unit,
        role=role,
        due_at=at + MISSED_WITHIN,
        priority=2,
        by=None,
        at=at,
    )


# --- What is refused ------------------------------------------------------------------------------


def _rules_on(day: date) -> Pack:
    try:
        return queries.pack_on(day)
    except NoPackInForce:
        raise NoRules(
            _("No rules are in force today. Ask the administrator for them."), "kind"
        ) from None


def _no_rules(pack: Pack, condition: str, day: date) -> str:
    """Why nobody is a contact of this disease today, with the clause that says so."""
    try:
        window = packs.contact_window(pack, condition, day)
    except UnknownCode:
        window = None
    if window is None:
        return _("The rules in force today say nothing of contacts of this disease.")
    text = _("By the rules in force today nobody is judged a contact of this disease: %(why)s")
    return text % {"why": words.clause(pack.id, window.clause.code)}


def _condition(code: str, day: date) -> dict[str, str]:
    try:
        name = packs.name(queries.pack_on(day), code, day)
    except (NoPackInForce, UnknownCode):
        return both(code, code)
    return both(name.zh, name.en)
