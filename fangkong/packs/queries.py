"""The door to the rule packs: which rules hold here, on this day?

``folder`` names a folder with packs of your own beside the shipped ones; where it is not given, the
environment variable FANGKONG_PACKS is asked. Packs are read once per folder and process.
"""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from pathlib import Path

from fangkong.packs import holidays as calendars
from fangkong.packs import loader, rules
from fangkong.packs.rules import (
    case_class,
    case_classes,
    condition,
    count_definition,
    deadline,
    differences,
    jurisdictions,
    listed,
    managed_as,
    name,
    named,
    place_rules,
    report_deadline,
    review_clock,
    review_deadline,
    severities,
    subtype,
    warning_rules,
)
from fangkong.packs.screening import (
    class_of_contact,
    contact_class,
    contact_window,
    exposure_kinds,
    longer,
    longest_incubation,
    questions,
    term,
    tier,
)
from fangkong.packs.types import (
    Calendar,
    Clause,
    Holiday,
    NoPackInForce,
    Pack,
    PrivacyTerm,
    Region,
    UnknownCode,
)

__all__ = [
    "all_packs",
    "case_class",
    "case_classes",
    "class_of_contact",
    "clause_in_force",
    "condition",
    "contact_class",
    "contact_window",
    "count_definition",
    "deadline",
    "differences",
    "exposure_kinds",
    "holiday_on",
    "holidays",
    "in_force",
    "is_workday",
    "jurisdictions",
    "listed",
    "longer",
    "longest_incubation",
    "managed_as",
    "name",
    "named",
    "next_working_day",
    "pack",
    "place_rules",
    "privacy_term_in_force",
    "questions",
    "region",
    "regions",
    "report_deadline",
    "review_clock",
    "review_deadline",
    "severities",
    "subtype",
    "term",
    "tier",
    "warning_rules",
    "working_days_between",
]


def all_packs(*, folder: Path | None = None) -> tuple[Pack, ...]:
    """Every pack, drafts too, by jurisdiction and first day; PackError where one is broken."""
    chosen = str(folder or os.environ.get("FANGKONG_PACKS", ""))
    return _read_once(chosen)


def pack(pack_id: str, *, folder: Path | None = None) -> Pack:
    """The pack with this id; UnknownCode if there is none."""
    for candidate in all_packs(folder=folder):
        if candidate.id == pack_id:
            return candidate
    raise UnknownCode(f"there is no rule pack {pack_id!r}")


def in_force(area_code: str, on: date, *, folder: Path | None = None) -> Pack:
    """The pack in force for an area on a day; NoPackInForce where none is."""
    return rules.in_force(all_packs(folder=folder), area_code, on)


def privacy_term_in_force(
    area_code: str, on: date, code: str, *, folder: Path | None = None
) -> PrivacyTerm | None:
    """A term of the law on personal data that holds for an area on a day, or None."""
    try:
        pack = in_force(area_code, on, folder=folder)
    except NoPackInForce:
        return None
    return next((t for t in pack.privacy_terms if t.code == code and t.covers(on)), None)


def clause_in_force(
    area_code: str, on: date, code: str, *, folder: Path | None = None
) -> Clause | None:
    """A clause of the pack in force, to show what a decision rests on."""
    try:
        pack = in_force(area_code, on, folder=folder)
    except NoPackInForce:
        return None
    return next((one for one in pack.clauses if one.code == code), None)


def is_workday(area_code: str, day: date, *, folder: Path | None = None) -> bool:
    """Whether offices work on a day: make-up workdays do, holidays and weekends do not.

    A year without a calendar has its weekends only; ``holidays`` says None for it.
    """
    return calendars.is_workday(_calendar(area_code, day.year, folder), day)


def next_working_day(area_code: str, day: date, *, folder: Path | None = None) -> date:
    """The first day after ``day`` on which offices of an area work."""
    return calendars.next_working_day(lambda one: is_workday(area_code, one, folder=folder), day)


def working_days_between(
    area_code: str, first: date, last: date, *, folder: Path | None = None
) -> int:
    """How many days after ``first``, up to ``last`` itself, the offices of an area work."""
    return calendars.working_days_between(
        lambda one: is_workday(area_code, one, folder=folder), first, last
    )


def holiday_on(area_code: str, day: date, *, folder: Path | None = None) -> Holiday | None:
    """The holiday that a day belongs to."""
    return calendars.holiday_on(_calendar(area_code, day.year, folder), day)


def holidays(area_code: str, year: int, *, folder: Path | None = None) -> Calendar | None:
    """The calendar of a year for an area, nearest jurisdiction first; None where none is known."""
    return _calendar(area_code, year, folder)


def regions(*, folder: Path | None = None) -> tuple[Region, ...]:
    """The region packs, by code."""
    return _calendars_once(str(folder or os.environ.get("FANGKONG_PACKS", "")))[1]


def region(code: str, *, folder: Path | None = None) -> Region:
    """The region pack of a country; UnknownCode if there is none."""
    for one in regions(folder=folder):
        if one.code == code.upper():
            return one
    raise UnknownCode(f"there is no region pack {code!r}")


def _calendar(area_code: str, year: int, folder: Path | None) -> Calendar | None:
    found = _calendars_once(str(folder or os.environ.get("FANGKONG_PACKS", "")))[0]
    return calendars.nearest(found, rules.jurisdictions(area_code), year)


@lru_cache(maxsize=8)
def _calendars_once(folder: str) -> tuple[tuple[Calendar, ...], tuple[Region, ...]]:
    folders = [loader.SHIPPED, Path(folder)] if folder else [loader.SHIPPED]
    return calendars.load_calendars(folders), calendars.load_regions(folders)


@lru_cache(maxsize=8)
def _read_once(folder: str) -> tuple[Pack, ...]:
    folders = [loader.SHIPPED, Path(folder)] if folder else [loader.SHIPPED]
    return loader.load(folders)
