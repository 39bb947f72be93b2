"""What is right about report cards, their clocks and the counts made of them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from fangkong.core.spelling import shown
from fangkong.packs import queries as packs
from fangkong.packs.types import Pack, UnknownCode

from .facts import CaseFacts, CountKey, Reason

ClockState = Literal["none", "on_time", "due_soon", "late", "overdue"]

SOON = timedelta(hours=1)
SKEW = timedelta(minutes=10)  # a sender's clock may be this much ahead of ours
SAME_ILLNESS = timedelta(days=90)  # a second card within this time is about the same illness
OLDEST_BIRTH = 130  # years


class Countable(Protocol):
    """What a case must say to be counted; ``models.Case`` does."""

    county_id: int
    condition: str
    definition: str
    case_class: str
    onset_date: date | None
    diagnosed_at: datetime
    reported_at: datetime


class Signed(Protocol):
    """What a card says of who filled it in; ``models.Case`` does."""

    doctor: str


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


def judgement_faults(pack: Pack, case: CaseFacts, on: date) -> list[Reason]:
    """All that the pack has against a card: its disease, class, severity, relation and course."""
    faults = condition_faults(pack, case.condition, on)
    if faults:
        return faults
    classes = packs.case_classes(pack, case.condition, on)
    if case.case_class not in {row.code for row in classes}:
        faults.append(_not_one_of("case_class", case.case_class, (r.name.zh for r in classes)))
    grades = packs.severities(pack, case.condition, on)
    if case.severity and case.severity not in {row.code for row in grades}:
        faults.append(_not_one_of("severity", case.severity, (r.name.zh for r in grades)))
    relations = pack.residence_relations
    if case.relation and case.relation not in {row.code for row in relations}:
        faults.append(_not_one_of("relation", case.relation, (r.name.zh for r in relations)))
    if not case.course and asks_course(pack, case.condition):
        faults.append(Reason("missing", {"field": "course"}))
    return faults


def unsigned_faults(doctor: str, before: Signed | None = None) -> list[Reason]:
    """Every card names the doctor who fills it in (填卡医生), through whichever door it comes.

    But for a case whose cards never did, such as one of an old file: who revises it years later
    cannot know the name, and is not made to invent one.
    """
    if shown(doctor) or (before is not None and not shown(before.doctor)):
        return []
    return [Reason("missing", {"field": "doctor"})]


def condition_faults(pack: Pack, code: str, on: date) -> list[Reason]:
    """Whether the pack knows a disease and manages it on that day."""
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


def date_faults(
    case: CaseFacts, birth_date: date | None, *, now: datetime, zone: ZoneInfo
) -> list[Reason]:
    """All that contradicts itself in the days of a card: birth ≤ onset ≤ diagnosis ≤ now."""
    today, diagnosed = now.astimezone(zone).date(), case.diagnosed_at.astimezone(zone).date()
    found = []

    def fault(code: str, field: str) -> None:
        found.append(Reason(code, {"field": field}))

    if case.diagnosed_at > now + SKEW:
        fault("diagnosis_in_future", "diagnosed_at")
    if case.onset_date is not None and case.onset_date > diagnosed:
        fault("onset_after_diagnosis", "onset_date")
    if case.died_on is not None:
        if case.died_on > today:
            fault("death_in_future", "died_on")
        if case.onset_date is not None and case.died_on < case.onset_date:
            fault("death_before_onset", "died_on")
    if birth_date is not None:
        if birth_date > today:
            fault("birth_in_future", "birth_date")
        elif birth_date > (case.onset_date or diagnosed):
            fault("birth_after_onset", "birth_date")
        elif today.year - birth_date.year > OLDEST_BIRTH:
            fault("birth_too_long_ago", "birth_date")
    return found


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


def whole_condition(pack: Pack, code: str) -> str:
    """The condition that a code belongs to: itself, or the one it is a subtype of."""
    try:
        return packs.condition(pack, code).code
    except UnknownCode:
        return code


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


def _not_one_of(field: str, value: str, choices: Iterable[str]) -> Reason:
    return Reason("not_one_of", {"field": field, "value": value, "choices": list(choices)})
