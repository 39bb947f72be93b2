"""Register arrivals, take them over, judge them anew; set up checkpoints; announce areas."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import REASON_AT_LEAST, refuse_numbers, stated_reason
from fangkong.core.privacy import holds_number
from fangkong.core.record import new_public_id, stamps
from fangkong.core.refusals import Refused, WrongField, WrongFields
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.packs.types import Placed, Question
from fangkong.people import actions as people
from fangkong.people import queries as persons
from fangkong.people.types import Document, PhoneNumber
from fangkong.places.types import FacilityKind
from fangkong.surveillance.screening import actions as screening
from fangkong.tasks import actions as tasks
from fangkong.tasks import queries as given
from fangkong.tasks.types import words as both

from . import queries, rules, words
from .models import Answer, Arrival, Asked, Checkpoint, Passage, RiskArea
from .types import (
    ADDRESS,
    AWAY_TASK,
    FOUND_TASK,
    HEALTH_CODE,
    LEFT,
    MISSING_TASK,
    NAME,
    NUMBER,
    ORIGIN,
    PASSED,
    PHONE,
    SYMPTOMS,
    SYMPTOMS_TASK,
    TEST,
    WAITING_TASK,
    WORKPLACE,
    ArrivalFacts,
    CheckpointFacts,
    Duty,
    HealthCode,
    State,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.audit.models import AuditLine
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.screening.models import Observation
    from fangkong.tasks.types import Words

LONGEST_ANSWER = 300
ILL_WITHIN = timedelta(hours=2)
AWAY_WITHIN = timedelta(hours=2)
MISSING_WITHIN = timedelta(hours=12)
FOUND_WITHIN = timedelta(hours=2)
WAITING_WITHIN = timedelta(hours=6)
ELSEWHERE = "其他"  # an area, but none of its parts that have a rule of their own
NEEDED = (NAME, ADDRESS, ORIGIN, LEFT, SYMPTOMS)  # without them nobody can be placed or reached
# What a health code of a colour is a sign of, in the words of the packs.
SIGNS = {HealthCode.RED: "red-code", HealthCode.RELATED: "red-code-related"}
_AT_THE_PERSON = frozenset({NAME, NUMBER, PHONE})  # kept in the register, not as an answer


class NotAcceptable(WrongFields):
    """Answers that cannot be right; ``faults``: question (or field) and words of each."""


class NoRules(Refused):
    """The rules of the day place no arrivals in tiers."""

    status = 422


class NotYours(Refused):
    """A checkpoint of another county, or a closed one."""

    status = 404


class Closed(Refused):
    """The checkpoint works no more."""


class AlreadyThere(Refused):
    """A place holds one checkpoint, a day one announcement of an area and tier."""


class Withdrawn(Refused):
    """The arrival was withdrawn."""


class NothingChanged(Refused):
    """What was sent says nothing new."""

    status = 422


class AlreadyDecided(Refused):
    """Somebody said meanwhile what became of the arrival."""


@transaction.atomic
def reveal(*, arrival: Arrival, reason: str, by: User, at: datetime) -> AuditLine:
    """Note who sees the answers of an arrival in full, and why; ``queries.in_full`` gives them.

    Counts as full data of the person, with all other rooms (``people.actions.note_revealed``).
    """
    why = people.note_revealed(
        person=arrival.person, reason=reason, place="surveillance.arrivals.reveal", by=by, at=at
    )
    return audit.record("surveillance.arrivals.reveal", arrival, by=by, at=at, reason=why)


# --- What is asked --------------------------------------------------------------------------------


@transaction.atomic
def put(
    *,
    person: Person,
    questions: Sequence[str],
    visit: UUID,
    checkpoint: Checkpoint | None,
    county: Area | None,
    by: User | None,
    at: datetime,
) -> int:
    """Keep which questions stand on a form for a person, and which of them were known already.

    Looked up anew here, whatever the form was made from, so that a form that shows what it should
    not is counted. The same form again counts once. Gives how many were asked although known. No
    line in the trail: the rows are the record themselves.
    """
    known = queries.known(person, clock.day_of(at), at)
    return _put(person, questions, known, visit, checkpoint, county, by, at)


def _put(
    person: Person,
    questions: Sequence[str],
    known: Collection[str],
    visit: UUID,
    checkpoint: Checkpoint | None,
    county: Area | None,
    by: User | None,
    at: datetime,
) -> int:
    rows = [
        Asked(
            **stamps(by, at),
            person=person,
            question=code,
            visit=visit,
            asked_at=at,
            day=clock.day_of(at),
            again=code in known,
            checkpoint=checkpoint,
            gate_id=None if checkpoint is None else checkpoint.facility_id,
            county=county,
        )
        for code in dict.fromkeys(questions)
    ]
    Asked.objects.bulk_create(rows, ignore_conflicts=True)
    return sum(row.again for row in rows)


# --- Arrivals -------------------------------------------------------------------------------------


@transaction.atomic
def register(
    *,
    facts: ArrivalFacts,
    person: Person | None = None,
    checkpoint: Checkpoint | None = None,
    county: Area | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Arrival:
    """Register who arrives (登记来返人员), place them in a tier and have them watched accordingly.

    ``person`` is one that was found; without one the answers say who it is. ``county``: where it is
    registered, without a checkpoint. What is known already need not stand in the answers. The same
    person again on the same day, at this or another checkpoint, is the same arrival: what is new is
    added, and the tier is that of all that was said, in whatever order it came.
    """
    checkpoint = None if checkpoint is None else _standing(checkpoint)
    arrived = min(facts.arrived_at or at, at)
    today, day = clock.day_of(at), clock.day_of(arrived)
    condition = queries.condition_on(day)
    if not condition:
        raise NoRules(
            _("The rules of %(day)s place no arrivals in tiers. Nothing is to be registered.")
            % {"day": day}
        )
    asked = {row.code: row for row in queries.questions_on(day)}
    said = {code: shown(text) for code, text in facts.answers.items() if code in asked}
    said = {code: text for code, text in said.items() if text}
    if person is None:
        person = queries.entered_by_form(facts.visit, said, by)
    holder = person if person is not None else _holder(said.get(NUMBER, ""))
    known = {} if holder is None else queries.known(holder, day, at)
    area, stays, faults = _read(facts, said, asked, holder, known, condition, at)
    missing = [code for code in NEEDED if code in asked and code not in said and code not in known]
    faults += [(code, words.fault("missing")) for code in missing]
    if faults:
        raise NotAcceptable(faults)
    assert area is not None
    if person is None:
        person = _entered(said, facts.id_kind, area, synthetic, by, at)
    else:
        _complete(person, said, facts.id_kind, area, by, at)
    gate = county if checkpoint is None else checkpoint.county
    # Also for a form that was filled in for a stranger who is known after all.
    _put(person, facts.shown, known, facts.visit or new_public_id(), checkpoint, gate, by, at)
    queries.hold(person)
    arrival = queries.standing(person.pk, condition, day)
    new = arrival is None
    if arrival is None:
        arrival = Arrival(
            **stamps(by, at),
            person=person,
            condition=condition,
            checkpoint=checkpoint,
            gate_id=None if checkpoint is None else checkpoint.facility_id,
            gate_county=gate or area.county,
            arrived_at=arrived,
            arrived_date=day,
            synthetic=synthetic,
        )
    left = None if new else arrival.county
    if not new and ADDRESS in said and queries.was_told_later(arrival, ADDRESS, arrived):
        area = arrival.area  # a form of before that is sent late sends nobody elsewhere
    found = not new and _found(arrival, arrived)
    _add(arrival, facts, said, area, stays, arrived)
    placed = _judge(arrival, day)
    if not new:
        arrival.touch(by, at)
    arrival.save()
    _keep(arrival, said, asked, arrived, by, at)
    _pass(arrival, checkpoint, arrived, by, at)
    here = gate or arrival.gate_county
    met = _gate(checkpoint, here)
    _watch(arrival, placed, met, by, at, left=left)
    verb = "register" if new else "add"
    detail = {"tier": arrival.tier, "county": arrival.county.code, "late": day < today}
    audit.record(f"surveillance.arrivals.{verb}", arrival, by=by, at=at, detail=detail)
    if found:
        proof = _("The person was met again.")
        tasks.finish_for(source=arrival, kind=MISSING_TASK.code, proof=proof, by=by, at=at)
        _task(FOUND_TASK.code, arrival, met, arrival.county, FOUND_WITHIN, 3, by, at)
    if rules.is_ill(said.get(SYMPTOMS) == rules.YES, facts.temperature):
        _tell(arrival, met, here, by, at)
    return arrival


def _holder(number: str) -> Person | None:
    """Who is known by the number that a new person is entered with."""
    if not number:
        return None
    rows = persons.by_whole_number(number)
    return None if rows is None else persons.with_numbers(rows).first()


def _read(
    facts: ArrivalFacts,
    said: Mapping[str, str],
    asked: Mapping[str, Question],
    person: Person | None,
    known: Mapping[str, queries.Known],
    condition: str,
    at: datetime,
) -> tuple[Area | None, list[dict[str, str]], list[tuple[str, str]]]:
    """Where the person goes, where they were, and what cannot be right."""
    today, day = clock.day_of(at), clock.day_of(min(facts.arrived_at or at, at))
    faults: list[tuple[str, str]] = []
    for code, text in said.items():
        wrong = rules.answer_fault(asked[code], text)
        if len(text) > LONGEST_ANSWER:
            wrong = "too_long"
        elif code == HEALTH_CODE and text not in HealthCode.values:
            wrong = "no_colour"
        if wrong:
            faults.append((code, words.fault(wrong)))
    if facts.temperature is not None and facts.temperature not in rules.TEMPERATURES:
        faults.append(("temperature", words.fault("no_temperature")))
    left, tested = rules.day_of(said.get(LEFT, "")), rules.day_of(said.get(TEST, ""))
    arrives = clock.day_of(facts.arrived_at) if facts.arrived_at else day
    faults += [
        (field, words.fault(code))
        for field, code in rules.day_faults(left=left, arrived=arrives, today=today, tested=tested)
    ]
    area = None
    if ADDRESS in said:
        area = queries.area_of_home(said[ADDRESS], at)
        if area is None:
            faults.append((ADDRESS, words.fault("no_home_area")))
    elif person is not None and ADDRESS in known:
        area = queries.destination_of(person, day, at)
    stays = [] if person is None else queries.stay_known(person, day)
    if ORIGIN in said or LEFT in said:
        before = stays[-1] if stays else None
        text = said.get(ORIGIN) or (before["name"] if before else "")
        last = left or (date.fromisoformat(before["last"]) if before else None)
        stay, wrong = _stay(text, last, condition, day)
        if wrong:
            faults.append((ORIGIN, wrong))
        elif stay is not None:
            stays = rules.stays_with(stays, [stay])
    if PASSED in said:
        for part in rules.places_in(said[PASSED]):  # they were left on the day of arriving
            stay, wrong = _stay(part, day, condition, day)
            if wrong:
                faults.append((PASSED, f"{part}: {wrong}"))
            elif stay is not None:
                stays = rules.stays_with(stays, [stay])
    return area, stays, faults


def _stay(
    text: str, last: date | None, condition: str, day: date
) -> tuple[dict[str, str] | None, str]:
    """A stay as it is kept, or why the text names none."""
    if not text or last is None:
        return None, ""
    # What follows 境外 is kept as it is and shown unmasked.
    found = () if holds_number(text) else queries.origins().match(text)
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:4])
        return None, _("Several areas are called so: %(names)s. Write the province too.") % {
            "names": names
        }
    if not found:
        return None, words.fault("no_origin")
    (origin,) = found
    near = queries.within_rules(origin.code, condition, day)
    if near and not text.endswith(ELSEWHERE):
        names = ", ".join(near[:4])
        return None, _(
            "Parts of this area have a rule of their own: %(names)s. Write which part it was; where"
            " it was none of them, add 其他."
        ) % {"names": names}
    return {"area": origin.code, "name": origin.name, "last": last.isoformat()}, ""


def _entered(
    said: Mapping[str, str],
    id_kind: str,
    area: Area,
    synthetic: bool,
    by: User | None,
    at: datetime,
) -> Person:
    """Who it is by the answers: known, or new in the register."""
    try:
        return people.register(
            name=said[NAME],
            area=area,
            address_detail=said.get(ADDRESS, ""),
            workplace=said.get(WORKPLACE, ""),
            documents=(Document(id_kind, said[NUMBER]),) if NUMBER in said else (),
            phones=(PhoneNumber(said[PHONE]),) if PHONE in said else (),
            synthetic=synthetic,
            by=by,
            at=at,
        )
    except people.WrongField as problem:
        raise _at_its_question(problem) from None


def _complete(
    person: Person,
    said: Mapping[str, str],
    id_kind: str,
    area: Area,
    by: User | None,
    at: datetime,
) -> None:
    """Fill the gaps of the register; what is known there stays as it is."""
    try:
        if PHONE in said:
            people.add_phone(person=person, number=said[PHONE], by=by, at=at)
        if NUMBER in said:
            people.add_document(person=person, kind=id_kind, number=said[NUMBER], by=by, at=at)
        gaps: dict[str, object] = {}
        if person.area_id is None:
            gaps["area"] = area
        if ADDRESS in said and not person.full_address:
            gaps["address_detail"] = said[ADDRESS]
        if WORKPLACE in said and not person.workplace:
            gaps["workplace"] = said[WORKPLACE]
        if gaps:
            people.correct(person=person, changes=gaps, by=by, at=at)
    except people.WrongField as problem:
        raise _at_its_question(problem) from None


_QUESTION_OF = {
    "name": NAME,
    "document_number": NUMBER,
    "document_kind": "id_kind",
    "phone": PHONE,
    "address_detail": ADDRESS,
    "workplace": WORKPLACE,
    "sex": NUMBER,
    "birth_date": NUMBER,
}


def _at_its_question(problem: people.WrongField) -> NotAcceptable:
    return NotAcceptable([(_QUESTION_OF.get(problem.field, NAME), str(problem))])


def _found(arrival: Arrival, met: datetime) -> bool:
    """Was somebody met who is said not to have come? A form of before that is sent late is not."""
    if arrival.state != State.MISSING or met < arrival.changed_at:
        return False
    arrival.state, arrival.reason = State.WAITING, ""
    return True


def _add(
    arrival: Arrival,
    facts: ArrivalFacts,
    said: Mapping[str, str],
    area: Area,
    stays: list[dict[str, str]],
    arrived: datetime,
) -> None:
    """Put what was said now to what was said before."""
    arrival.arrived_at = min(arrival.arrived_at, arrived)
    arrival.stays = rules.stays_with(arrival.stays, stays)
    last = arrival.stays[-1] if arrival.stays else None
    arrival.origin = last["name"][:100] if last else ""
    arrival.left_date = date.fromisoformat(last["last"]) if last else None
    code = said.get(HEALTH_CODE, "")
    sign = SIGNS.get(HealthCode(code)) if code else None
    if sign is not None and sign not in arrival.signs:
        arrival.signs = sorted([*arrival.signs, sign])
    if SYMPTOMS in said:
        arrival.has_symptoms = bool(arrival.has_symptoms) or said[SYMPTOMS] == rules.YES
    if facts.temperature is not None:
        arrival.temperature = max(arrival.temperature or 0, facts.temperature)
    if arrival._state.adding or arrival.area_id != area.pk:
        moved = not arrival._state.adding and arrival.county_id != area.county_id
        arrival.area, arrival.county = area, area.county or arrival.gate_county
        arrival.unit = queries.unit_for(area, arrival.arrived_date)
        if moved:
            arrival.state, arrival.received_at = State.WAITING, None


def _judge(arrival: Arrival, on: date) -> Placed | None:
    """The tier and what follows from it, by the rules and announcements of a day."""
    placed = queries.place(
        arrival.condition,
        arrival.area,
        stays=arrival.stays,
        signs=arrival.signs,
        arrived=arrival.arrived_date,
        on=on,
    )
    arrival.as_of, arrival.pack = on, queries.pack_on(on).id
    if placed is None:
        arrival.tier, arrival.also, arrival.clause = "", [], ""
        arrival.not_yet = arrival.fetched = False
        arrival.certificate_hours, arrival.tests_due, arrival.phases = None, [], []
        return None
    arrival.tier, arrival.clause = placed.tier.code, placed.tier.clause.code
    arrival.also = [one.code for one in placed.also]
    arrival.not_yet, arrival.fetched = placed.not_yet, placed.fetched
    arrival.certificate_hours = placed.certificate_hours
    arrival.tests_due = [
        (arrival.arrived_at + timedelta(hours=hours)).isoformat() for hours in placed.entry_tests
    ]
    arrival.phases = screening.phases_of(placed.term)
    return placed


def _keep(
    arrival: Arrival,
    said: Mapping[str, str],
    asked: Mapping[str, Question],
    told: datetime,
    by: User | None,
    at: datetime,
) -> None:
    """Keep the answers, so that nobody asks them again while they stand.

    ``told``: when the person said so, which counts, whenever the form was sent.
    """
    for code, value in said.items():
        if code in _AT_THE_PERSON:
            continue
        until = rules.valid_until(asked[code], clock.day_of(told))
        kept = arrival.answers.filter(question=code).first()
        if kept is None:
            Answer.objects.create(
                **stamps(by, at),
                arrival=arrival,
                person_id=arrival.person_id,
                question=code,
                value=value,
                answered_at=told,
                valid_until=until,
            )
        elif kept.answered_at <= told:
            kept.value, kept.answered_at, kept.valid_until = value, told, until
            kept.touch(by, at)
            kept.save()


def _pass(
    arrival: Arrival,
    checkpoint: Checkpoint | None,
    arrived: datetime,
    by: User | None,
    at: datetime,
) -> None:
    if checkpoint is None:
        return
    Passage.objects.get_or_create(
        arrival=arrival,
        checkpoint=checkpoint,
        day=clock.day_of(arrived),
        defaults={**stamps(by, at), "passed_at": arrived},
    )


def _watch(
    arrival: Arrival,
    placed: Placed | None,
    met: Words,
    by: User | None,
    at: datetime,
    *,
    left: Area | None = None,
) -> None:
    """Have the person watched where they go; one watched elsewhere is told to those who watch.

    ``met``: where this form was filled in, in words. ``left``: the county to which they were bound
    by an earlier form, if any; who is bound for another one now is handed over to it.
    """
    watch: Observation | None = None
    if placed is not None:
        watch = screening.watch_arrival(
            person=arrival.person,
            condition=arrival.condition,
            placed=placed,
            pack=arrival.pack,
            area=arrival.area,
            synthetic=arrival.synthetic,
            by=by,
            at=at,
        )
    if watch is None:
        watch = screening.running(arrival.person, arrival.condition)
    first = watch is not None and watch.pk != arrival.observation_id
    if watch is not None and first:
        arrival.observation = watch
        arrival.save(update_fields=["observation"])
    moved = left is not None and left.pk != arrival.county_id
    if watch is None or watch.county_id == arrival.county_id:
        moved = False
    elif moved and left is not None and watch.county_id == left.pk:
        _hand_over(arrival, watch, by, at)
        return
    if watch is not None and (moved or (first and watch.created_at < at)):
        _task(AWAY_TASK.code, arrival, met, watch.county, AWAY_WITHIN, 3, by, at, source=watch)


def _hand_over(arrival: Arrival, watch: Observation, by: User | None, at: datetime) -> None:
    """The watch goes on where the person is bound for now."""
    if watch.last_date < clock.day_of(at):  # over, but not released yet
        return
    made = screening.hand_over(
        observation=watch,
        county=arrival.county,
        area=arrival.area,
        reason=_("At a checkpoint the person named another place to stay."),
        by=by,
        at=at,
    )
    Arrival.objects.filter(observation=watch).update(observation=made)
    arrival.observation = made


def _tell(arrival: Arrival, met: Words, stands_in: Area, by: User | None, at: datetime) -> None:
    """Who is ill at a checkpoint is seen to by the county in which they stand; told once each."""
    told = given.for_source(arrival).filter(kind=SYMPTOMS_TASK.code, area=stands_in)
    if not any(one.params["checkpoint"] == met for one in told):
        _task(SYMPTOMS_TASK.code, arrival, met, stands_in, ILL_WITHIN, 3, by, at)


def _task(
    kind: str,
    arrival: Arrival,
    met: Words,
    county: Area,
    within: timedelta,
    priority: int,
    by: User | None,
    at: datetime,
    *,
    source: Observation | None = None,
    more: Mapping[str, Words] | None = None,
) -> None:
    tasks.assign(
        kind=kind,
        params={"checkpoint": met, **(more or {})},
        area=county,
        role=Role.COUNTY_CDC,
        due_at=at + within,
        priority=priority,
        source=source or arrival,
        by=by,
        at=at,
    )


def _gate(checkpoint: Checkpoint | None, county: Area) -> Words:
    """A checkpoint in words; the county where there is none."""
    if checkpoint is None:
        return both(county.name_zh, county.name_en)
    gate = checkpoint.facility
    return both(gate.name_zh, gate.name_en or gate.name_zh)


# --- With the county they go to -------------------------------------------------------------------


@transaction.atomic
def receive(*, arrival: Arrival, by: User | None, at: datetime) -> Arrival:
    """The county that the person went to has taken them over (交接)."""
    arrival = _open(arrival)
    if arrival.state == State.RECEIVED:
        raise AlreadyDecided(_("This arrival was taken over already."))
    arrival.state, arrival.received_at, arrival.reason = State.RECEIVED, at, ""
    arrival.touch(by, at)
    arrival.save()
    audit.record("surveillance.arrivals.receive", arrival, by=by, at=at)
    for kind in (MISSING_TASK, FOUND_TASK):
        proof = _("The county has taken the person over.")
        tasks.finish_for(source=arrival, kind=kind.code, proof=proof, by=by, at=at)
    return arrival


@transaction.atomic
def miss(*, arrival: Arrival, reason: str, by: User | None, at: datetime) -> Arrival:
    """The person did not come; those who registered them are told."""
    why = stated_reason(reason, _("Say what was done to find the person."))
    arrival = _open(arrival)
    if arrival.state != State.WAITING:
        raise AlreadyDecided(
            _("Of this arrival it was said already: %(state)s.")
            % {"state": arrival.get_state_display()}
        )
    arrival.state, arrival.reason = State.MISSING, why
    arrival.touch(by, at)
    arrival.save()
    audit.record("surveillance.arrivals.miss", arrival, by=by, at=at)  # the reason: on the record
    more = {"county": both(arrival.county.name_zh, arrival.county.name_en)}
    kind, gate = MISSING_TASK.code, arrival.gate_county
    met = _gate(arrival.checkpoint, gate)
    _task(kind, arrival, met, gate, MISSING_WITHIN, 2, by, at, more=more)
    return arrival


@transaction.atomic
def judge_again(*, arrival: Arrival, by: User | None, at: datetime) -> Arrival:
    """Judge the tier anew by the rules and announcements of today, as for one who arrived then.

    A watch that runs is never shortened by it: on each day the stricter of both counts.
    """
    arrival = _open(arrival)
    before = (arrival.tier, arrival.also, arrival.phases)
    placed = _judge(arrival, clock.day_of(at))
    if (arrival.tier, arrival.also, arrival.phases) == before:
        raise NothingChanged(
            _("By the rules and announcements of today the tier is the same: %(tier)s.")
            % {"tier": words.tier(arrival.pack, arrival.tier)}
        )
    arrival.touch(by, at)
    arrival.save()
    detail = {"tier": [before[0], arrival.tier]}
    audit.record("surveillance.arrivals.judge_again", arrival, by=by, at=at, detail=detail)
    _watch(arrival, placed, _gate(arrival.checkpoint, arrival.gate_county), by, at)
    return arrival


@transaction.atomic
def withdraw(*, arrival: Arrival, reason: str, by: User | None, at: datetime) -> Arrival:
    """The arrival was entered in error; an observation that rests on it alone ends."""
    why = stated_reason(reason, _("Say why the arrival is withdrawn."))
    arrival = _open(arrival)
    arrival.withdrawn_at, arrival.reason = at, why
    arrival.touch(by, at)
    arrival.save()
    audit.record("surveillance.arrivals.withdraw", arrival, by=by, at=at)
    over = _("The arrival was withdrawn.")
    for kind in (SYMPTOMS_TASK, MISSING_TASK, FOUND_TASK):
        tasks.cancel_for(source=arrival, kind=kind.code, reason=over, by=by, at=at)
    if arrival.observation is not None:
        others = Arrival.objects.filter(observation=arrival.observation, withdrawn_at__isnull=True)
        phases = list(others.order_by("arrived_at", "pk").values_list("phases", flat=True))
        screening.without_arrival(
            observation=arrival.observation, left=phases, reason=why, by=by, at=at
        )
    return arrival


@transaction.atomic
def remind(*, at: datetime) -> int:
    """Tell each county how many arrivals up to the day before wait; gives the tasks.

    The task of another morning is taken back: the new one holds its arrivals too.
    """
    day = clock.day_of(at) - rules.DAY
    waiting = queries.waiting_since(day)
    for county, count in waiting.items():
        counted, kind = _("Counted anew."), WAITING_TASK.code
        tasks.cancel_for(source=county, kind=kind, reason=counted, by=None, at=at)
        tasks.assign(
            kind=kind,
            source=county,
            params={"day": day.isoformat(), "count": count},
            area=county,
            role=Role.COUNTY_CDC,
            due_at=at + WAITING_WITHIN,
            priority=2,
            by=None,
            at=at,
        )
    return len(waiting)


def _open(arrival: Arrival) -> Arrival:
    """The arrival under its lock, where it stands."""
    rows = Arrival.objects.select_related(
        "person", "area", "county", "unit", "observation", "checkpoint__facility", "gate_county"
    )
    found = rows.select_for_update(of=("self",)).get(pk=arrival.pk)
    if found.withdrawn_at is not None:
        raise Withdrawn(_("This arrival was withdrawn. Register the person anew if need be."))
    return found


# --- Checkpoints ----------------------------------------------------------------------------------


@transaction.atomic
def set_up(
    *,
    facility: Facility,
    facts: CheckpointFacts,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Checkpoint:
    """Set up a checkpoint in a place of that kind."""
    if facility.kind != FacilityKind.CHECKPOINT or facility.area.county is None:
        raise WrongField(
            _("Choose a place of the kind checkpoint that stands in a county."), "facility"
        )
    made = Checkpoint(
        **stamps(by, at),
        facility=facility,
        county=facility.area.county,
        synthetic=synthetic,
        **_checkpoint_facts(facts),
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        raise AlreadyThere(_("In this place there is a checkpoint already. Change it.")) from None
    detail = {"facility": str(facility.public_id)}
    audit.record("surveillance.arrivals.set_up", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def change_checkpoint(
    *, checkpoint: Checkpoint, facts: CheckpointFacts, by: User | None, at: datetime
) -> Checkpoint:
    """Say anew what is done at a checkpoint, and when."""
    checkpoint = _standing(checkpoint)
    new = _checkpoint_facts(facts)
    changed = audit.changes(checkpoint, new)
    if not changed:
        raise NothingChanged(_("Nothing was changed."))
    for name, value in new.items():
        setattr(checkpoint, name, value)
    checkpoint.touch(by, at)
    checkpoint.save()
    verb = "surveillance.arrivals.change_checkpoint"
    audit.record(verb, checkpoint, by=by, at=at, detail=changed)
    return checkpoint


@transaction.atomic
def close(*, checkpoint: Checkpoint, by: User | None, at: datetime) -> Checkpoint:
    """The checkpoint works no more; its arrivals stay."""
    checkpoint = _standing(checkpoint)
    checkpoint.closed_at = at
    checkpoint.touch(by, at)
    checkpoint.save()
    audit.record("surveillance.arrivals.close", checkpoint, by=by, at=at)
    return checkpoint


def _checkpoint_facts(facts: CheckpointFacts) -> dict[str, Any]:
    road = shown(facts.road)
    refuse_numbers(road=road)
    if set(facts.duties) - set(Duty.values):
        raise WrongField(_("Choose duties of the list."), "duties")
    if rules.hours_fault(facts.opens, facts.closes):
        raise WrongField(
            _("Give both hours, from 0 to 24, the first before the second; or none for always."),
            "opens",
        )
    duties = [code for code in Duty.values if code in facts.duties]
    return {"road": road, "duties": duties, "opens": facts.opens, "closes": facts.closes}


def _standing(checkpoint: Checkpoint) -> Checkpoint:
    rows = Checkpoint.objects.select_related("facility", "county")
    found = rows.select_for_update(of=("self",)).get(pk=checkpoint.pk)
    if found.closed_at is not None:
        raise Closed(_("This checkpoint is closed. Choose another one."))
    return found


# --- Announced areas ------------------------------------------------------------------------------


@transaction.atomic
def announce(
    *,
    area: str,
    tier: str,
    valid_from: date,
    source: str,
    valid_to: date | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> RiskArea:
    """An area was announced for a tier of the rules of its first day.

    ``area``: a name or code of an area of China, or abroad. Who arrived before is judged anew one
    by one.
    """
    found = queries.origins().match(shown(area))
    if len(found) != 1:
        several = ", ".join(one.name for one in found[:4])
        text = _("Several areas are called so: %(names)s. Write the province too.")
        raise WrongField(text % {"names": several} if several else words.fault("no_origin"), "area")
    known = {row.code: row for row in queries.tiers_on(valid_from)}
    if tier not in known:
        raise WrongField(
            _("The rules of this day have no such tier. Choose another day or tier."), "tier"
        )
    if valid_to is not None and valid_to < valid_from:
        raise WrongField(_("The last day lies before the first."), "valid_to")
    why = shown(source)
    if len(why) < REASON_AT_LEAST:
        raise WrongField(_("Name the announcement: its number, or where it stands."), "source")
    refuse_numbers(source=why)
    (origin,) = found
    made = RiskArea(
        **stamps(by, at),
        code=origin.code,
        name=origin.name,
        condition=known[tier].condition,
        tier=tier,
        valid_from=valid_from,
        valid_to=valid_to,
        source=why,
        synthetic=synthetic,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        raise AlreadyThere(
            _("This area is announced for this tier from this day on already.")
        ) from None
    detail = {"area": origin.code, "tier": tier}
    audit.record("surveillance.arrivals.announce", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def end_announcement(
    *, risk_area: RiskArea, valid_to: date, by: User | None, at: datetime
) -> RiskArea:
    """An area is announced no more after a day."""
    found = RiskArea.objects.select_for_update().get(pk=risk_area.pk)
    if valid_to < found.valid_from:
        raise WrongField(_("The last day lies before the first."), "valid_to")
    if found.valid_to == valid_to:
        raise NothingChanged(_("This is the last day already."))
    found.valid_to = valid_to
    found.touch(by, at)
    found.save()
    detail = {"to": str(valid_to)}
    audit.record("surveillance.arrivals.end_announcement", found, by=by, at=at, detail=detail)
    return found
