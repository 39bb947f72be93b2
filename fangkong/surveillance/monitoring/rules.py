"""What is right about report cards, their clocks and the counts made of them. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from fangkong.core.spelling import shown
from fangkong.packs import queries as packs
from fangkong.packs.types import Lateness, Pack, ResidenceRelation, Row, UnknownCode
from fangkong.people import rules as people

from .facts import CaseFacts, CountKey, Dwelling, PersonFacts, Reason

ClockState = Literal["none", "on_time", "due_soon", "late", "overdue"]

SOON = timedelta(hours=1)
SKEW = timedelta(minutes=10)  # a sender's clock may be this much ahead of ours
SAME_ILLNESS = timedelta(days=90)  # a second card within this time is about the same illness
OLDEST_BIRTH = 130  # years

# How a card is held against the lists of a pack; ``judgement_faults``, or one that remembers.
Judge = Callable[[Pack, CaseFacts, date], Iterable[Reason]]


class Countable(Protocol):
    """What a case must say to be counted; ``models.Case`` does."""

    county_id: int
    condition: str
    definition: str
    case_class: str
    onset_date: date | None
    diagnosed_at: datetime
    reported_at: datetime


class Illness(Protocol):
    """What a case must say to be held against a diagnosis; ``models.Case`` does."""

    condition: str
    diagnosed_at: datetime


AnIllness = TypeVar("AnIllness", bound=Illness)


class Before(Protocol):
    """What the cards of a case said so far; ``models.Case`` does."""

    doctor: str
    relation: str


class Patient(Protocol):
    """What is known of when somebody was born, the age on a day; a ``Person`` says it."""

    birth_date: date | None
    age_years: int | None
    age_months: int | None
    age_on: date | None


def clock_state(due_at: datetime | None, now: datetime, done_at: datetime | None) -> ClockState:
    """Where a duty stands: kept or missed once it is done, running or overdue until then.

    "none" where the pack sets no time. Exactly on the minute is still in time.
    """
    if due_at is None:
        return "none"
    if done_at is not None:
        return "on_time" if done_at <= due_at else "late"
    if now > due_at:
        return "overdue"
    return "due_soon" if due_at - now <= SOON else "on_time"


def number(county_code: str, year: int, n: int) -> str:
    """The number of the n-th case of a county in a year: 513326-2020-00007."""
    return f"{county_code}-{year}-{n:05d}"


def contributions(case: Countable, zone: ZoneInfo) -> frozenset[CountKey]:
    """The cells that a case counts in: one by each basis, without onset where that is not known."""
    days = {
        "onset": case.onset_date,
        "diagnosed": case.diagnosed_at.astimezone(zone).date(),
        "reported": case.reported_at.astimezone(zone).date(),
    }
    return frozenset(
        CountKey(case.county_id, case.condition, basis, day, case.case_class, case.definition)
        for basis, day in days.items()
        if day is not None
    )


def difference(
    before: frozenset[CountKey], after: frozenset[CountKey]
) -> list[tuple[CountKey, int]]:
    """What a revised report does to the counts: cells left (-1), then cells entered (+1).

    In the order of the cells, so that two revisions at once take their locks in one order.
    """
    return [(key, -1) for key in sorted(before - after)] + [
        (key, 1) for key in sorted(after - before)
    ]


# --- What is right about a card, through whichever door it comes: form, file or machine -----------


def card_faults(
    pack: Pack,
    person: PersonFacts,
    case: CaseFacts,
    dwelling: Dwelling,
    *,
    now: datetime,
    zone: ZoneInfo,
    judge: Judge | None = None,
) -> list[Reason]:
    """All that is wrong with a first card; ``pack`` is that of the day of diagnosis."""
    diagnosed = case.diagnosed_at.astimezone(zone).date()
    earliest = earliest_birth(person.age_years, person.age_months, diagnosed)
    return [
        *patient_faults(pack, person),
        *(judge or judgement_faults)(pack, case, diagnosed),
        *unsaid_faults(pack, case),
        *residence_faults(pack, case.relation, dwelling),
        *date_faults(case, birth_of(person), now=now, zone=zone, earliest=earliest),
    ]


def revision_faults(
    pack: Pack,
    patient: Patient,
    case: CaseFacts,
    before: Before,
    dwelling: Dwelling,
    *,
    now: datetime,
    zone: ZoneInfo,
    judge: Judge | None = None,
) -> list[Reason]:
    """All that is wrong with a revised card; its patient is known, and its county stays.

    Where the patient belongs is held against that county only where the card says it anew.
    """
    diagnosed = case.diagnosed_at.astimezone(zone).date()
    stated_on = min(patient.age_on or diagnosed, diagnosed)
    earliest = earliest_birth(patient.age_years, patient.age_months, stated_on)
    faults = [
        *(judge or judgement_faults)(pack, case, diagnosed),
        *unsaid_faults(pack, case, before),
        *date_faults(case, patient.birth_date, now=now, zone=zone, earliest=earliest),
    ]
    said = _relation(pack, case.relation)
    if said and case.relation != before.relation and not _fits(said, dwelling):
        faults.append(_contradiction("counts_elsewhere", said, dwelling))
    return faults


def patient_faults(pack: Pack, person: PersonFacts) -> list[Reason]:
    """What the card must say of the patient: name, age, and the group of people (人群分类)."""
    faults = []
    if not shown(person.name):
        faults.append(_missing("name"))
    if birth_of(person) is None and person.age_years is None and person.age_months is None:
        faults.append(Reason("age_missing", {"field": "birth_date"}))
    if person.occupation:
        group = next((row for row in pack.occupations if row.code == person.occupation), None)
        if group is None:
            faults.append(_not_one_of("occupation", person.occupation, pack.occupations))
        elif group.asks_school and not shown(person.workplace):
            faults.append(Reason("school_missing", {"field": "workplace"}))
    elif pack.occupations:
        faults.append(_missing("occupation"))
    return faults


def judgement_faults(pack: Pack, case: CaseFacts, on: date) -> list[Reason]:
    """All that the lists of the pack have against a card: disease, class, grade, course, relation.

    What is left empty is judged by ``unsaid_faults``.
    """
    faults = condition_faults(pack, case.condition, on)
    known = not faults
    if not case.case_class:
        faults.append(_missing("case_class"))
    if known:
        classes = packs.case_classes(pack, case.condition, on)
        if case.case_class and not _among(classes, case.case_class):
            faults.append(_not_one_of("case_class", case.case_class, classes, pack.case_classes))
        grades = packs.severities(pack, case.condition, on)
        if case.severity and not _among(grades, case.severity):
            faults.append(_not_one_of("severity", case.severity, grades, pack.severity))
        asked = asks_course(pack, case.condition)
        if asked and not case.course:
            faults.append(_missing("course"))
        if case.course and not asked:
            faults.append(Reason("not_asked", {"field": "course", "value": case.course}))
    relations = pack.residence_relations
    if case.relation and not _among(relations, case.relation):
        faults.append(_not_one_of("relation", case.relation, relations))
    return faults


def unsaid_faults(pack: Pack, case: CaseFacts, before: Before | None = None) -> list[Reason]:
    """Every card says who fills it in (填卡医生) and where the patient belongs (病人属于).

    But for a case whose cards never did, such as one of an old file: who revises it years later
    cannot know, and is not made to invent it.
    """
    faults = []
    if not shown(case.doctor) and (before is None or shown(before.doctor)):
        faults.append(_missing("doctor"))
    if not case.relation and pack.residence_relations and (before is None or before.relation):
        faults.append(_missing("relation"))
    return faults


def residence_faults(pack: Pack, relation: str, dwelling: Dwelling) -> list[Reason]:
    """Whether the address lies where the patient is said to belong.

    Who belongs to the home area must have an address that is known there: the case counts by it.
    """
    if not shown(dwelling.written) and not dwelling.names:
        return [_missing("address")]
    said = _relation(pack, relation)
    if said is None:
        return []
    if not _fits(said, dwelling):
        return [_contradiction("lives_elsewhere", said, dwelling)]
    lives = frozenset(said.lives)
    known = dwelling.distances <= dwelling.home and (dwelling.county or "county" in lives)
    if lives <= dwelling.home and not known:
        told = {"value": dwelling.written, "near": list(dwelling.near)}
        return [Reason("address_unknown", {"field": "address", **told})]
    return []


def _relation(pack: Pack, code: str) -> ResidenceRelation | None:
    return next((row for row in pack.residence_relations if row.code == code), None)


def _fits(said: ResidenceRelation, dwelling: Dwelling) -> bool:
    return not dwelling.distances.isdisjoint(said.lives)


def _contradiction(code: str, said: ResidenceRelation, dwelling: Dwelling) -> Reason:
    told = {"value": _told(said), "area": dict(dwelling.names)}
    return Reason(code, {"field": "relation", **told})


def condition_faults(pack: Pack, code: str, on: date) -> list[Reason]:
    """Whether the pack knows a disease and manages it on that day."""
    if not code:
        return [_missing("condition")]
    try:
        found = packs.condition(pack, code)
    except UnknownCode:
        return [unknown_condition(pack, code)]
    if found.period_on(on) is None:
        return [Reason("not_managed", {"field": "condition", "value": code, "day": on.isoformat()})]
    return []


def asks_course(pack: Pack, code: str) -> bool:
    """Whether the card must say acute or chronic."""
    form = packs.subtype(pack, code)
    return packs.condition(pack, code).asks_course or bool(form and form.asks_course)


def unknown_condition(pack: Pack, words: str) -> Reason:
    """A disease that the pack does not know, with the names that come nearest."""
    names: dict[str, str] = {}
    for row in pack.conditions:
        for name in (row.name.zh, row.name.en, *row.aliases):
            names[name.casefold()] = row.name.zh
        names.update({form.name.zh: form.name.zh for form in row.subtypes})
    wanted = words.strip().casefold()
    near = [n for n in names if wanted and (wanted in n or n in wanted)]
    near += get_close_matches(wanted, names, n=3, cutoff=0.5)
    suggestions = list(dict.fromkeys(names[name] for name in near))[:3]
    return Reason(
        "unknown_condition", {"field": "condition", "value": words, "suggestions": suggestions}
    )


def no_rules(day: date) -> Reason:
    """No pack is in force on the day of a diagnosis; most often the year was mistyped."""
    return Reason("no_rules", {"field": "diagnosed_at", "day": day.isoformat()})


def birth_of(person: PersonFacts) -> date | None:
    """The birth date that a card tells, itself or by a citizen's number."""
    if person.birth_date is not None or person.id_kind != "resident_id":
        return person.birth_date
    number = people.plain_number(person.id_number)
    if not number or people.resident_id_fault(number):
        return None
    return people.read_resident_id(number).birth_date


def earliest_birth(years: int | None, months: int | None, on: date) -> date | None:
    """The first day on which somebody of this age on a day can have been born."""
    if years is None and months is None:
        return None
    full = (months or 0) // 12 if years is None else years
    return _years_before(on, full + 1)


def date_faults(
    case: CaseFacts,
    birth_date: date | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    earliest: date | None = None,
) -> list[Reason]:
    """All that contradicts itself in the days of a card: birth ≤ onset ≤ diagnosis ≤ now.

    One fault for each field. ``earliest``: the first day on which the patient can have been born,
    where only the age is known. Whoever died did so after birth and onset, and not long before
    the diagnosis, which may come from a laboratory weeks later.
    """
    today, diagnosed = now.astimezone(zone).date(), case.diagnosed_at.astimezone(zone).date()
    onset, died = case.onset_date, case.died_on
    found: dict[str, Reason] = {}

    def fault(code: str, field: str) -> None:
        found.setdefault(field, Reason(code, {"field": field}))

    if case.diagnosed_at > now + SKEW:
        fault("diagnosis_in_future", "diagnosed_at")
    if onset is not None and onset > diagnosed:
        fault("onset_after_diagnosis", "onset_date")
    if died is not None and died > today:
        fault("death_in_future", "died_on")
    if died is not None and onset is not None and died < onset:
        fault("death_before_onset", "died_on")
    if birth_date is None:
        first = earliest or _years_before(today, OLDEST_BIRTH + 1)
        for field, day in (("onset_date", onset), ("died_on", died)):
            if day is not None and day < first:
                fault("before_birth" if earliest else "too_long_ago", field)
    elif birth_date > today:
        fault("birth_in_future", "birth_date")
    elif onset is not None and birth_date > onset:
        fault("birth_after_onset", "birth_date")
    elif died is not None and birth_date > died:
        fault("death_before_birth", "died_on")
    elif birth_date > diagnosed:
        fault("birth_after_diagnosis", "birth_date")
    elif today.year - birth_date.year > OLDEST_BIRTH:
        fault("birth_too_long_ago", "birth_date")
    return list(found.values())


def _years_before(day: date, years: int) -> date:
    """The day so many years earlier; 1 March for 29 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)


def report_due(pack: Pack, case: CaseFacts) -> datetime | None:
    """Until when a case had to be reported, counted from its diagnosis."""
    try:
        due = packs.report_deadline(pack, case.condition, case.case_class, case.diagnosed_at)
    except UnknownCode:
        return None
    return due.due_at if due else None


def review_due(
    pack: Pack, condition: str, case_class: str, received_at: datetime
) -> datetime | None:
    """Until when the county CDC must review a card that it received at that moment.

    A card about an old case may come when its disease is no longer managed: then there is none.
    """
    try:
        due = packs.review_deadline(pack, condition, case_class, received_at)
    except UnknownCode:
        return None
    return due.due_at if due else None


def late_review(pack: Pack, condition: str, case_class: str, on: date) -> Lateness | None:
    """What follows where the review of such a card is overdue; None where the rules say nothing."""
    try:
        running = packs.review_clock(pack, condition, case_class, on)
    except UnknownCode:
        return None
    return running.late if running else None


def whole_condition(pack: Pack, code: str) -> str:
    """The condition that a code belongs to: itself, or the one it is a subtype of."""
    try:
        return packs.condition(pack, code).code
    except UnknownCode:
        return code


def same_illness(
    pack: Pack, cases: Iterable[AnIllness], condition: str, diagnosed_at: datetime
) -> AnIllness | None:
    """The one of a person's cases that a diagnosis belongs to: the nearest in time.

    Forms of a disease are one illness with it (bacillary and amoebic dysentery are not two of a
    person within ``SAME_ILLNESS``). Of two equally near the later one; None where none is near.
    """
    whole = whole_condition(pack, condition)
    near = [
        case
        for case in cases
        if abs(case.diagnosed_at - diagnosed_at) <= SAME_ILLNESS
        and whole_condition(pack, case.condition) == whole
    ]
    return min(
        near,
        key=lambda case: (abs(case.diagnosed_at - diagnosed_at), diagnosed_at - case.diagnosed_at),
        default=None,
    )


def changed_fields(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """The names of the fields that two cards say differently, in the order of the new card."""
    return [name for name, value in new.items() if old.get(name) != value]


def with_subtypes(pack: Pack, code: str) -> list[str]:
    """The codes that count for a condition: its own and those of its subtypes."""
    try:
        whole = packs.condition(pack, code)
    except UnknownCode:
        return [code]
    if whole.code != code:
        return [code]
    return [code, *(form.code for form in whole.subtypes)]


def _missing(field: str) -> Reason:
    return Reason("missing", {"field": field})


def _among(rows: Iterable[Row], code: str) -> bool:
    return any(row.code == code for row in rows)


def _not_one_of(field: str, value: str, rows: Sequence[Row], every: Sequence[Row] = ()) -> Reason:
    """A choice that is not in the list; ``every``: the list of all diseases, to name it by.

    The list may have nothing for this disease, such as severity for most.
    """
    if not rows:
        return Reason("not_asked", {"field": field, "value": value})
    named = next((_told(row) for row in every if row.code == value), value)
    choices = [_told(row) for row in rows]
    return Reason("not_one_of", {"field": field, "value": named, "choices": choices})


def _told(row: Row) -> dict[str, str]:
    """A line of a list for a reason: people read its name, machines its code (``words.py``)."""
    return {"code": row.code, "zh": row.name.zh, "en": row.name.en}
