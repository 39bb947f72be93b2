"""Calendars and regions: read from TOML, and which day is worked. No Django.

They lie in the folders ``holidays`` and ``regions`` of the shipped packs and of FANGKONG_PACKS.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fangkong.packs import types as t
from fangkong.packs.table import Raw, Table, rows

SATURDAY = 5

# --- Which day is worked --------------------------------------------------------------------------


def nearest(
    calendars: Iterable[t.Calendar], jurisdictions: Iterable[str], year: int
) -> t.Calendar | None:
    """The calendar of a year of the first jurisdiction that has one."""
    by_place = {c.jurisdiction: c for c in calendars if c.year == year}
    return next((by_place[place] for place in jurisdictions if place in by_place), None)


def holiday_on(calendar: t.Calendar | None, day: date) -> t.Holiday | None:
    """The holiday that a day belongs to."""
    found = calendar.holidays if calendar else ()
    return next((holiday for holiday in found if holiday.covers(day)), None)


def is_workday(calendar: t.Calendar | None, day: date) -> bool:
    """A holiday is not worked; a make-up day is, unless a later notice made it a holiday."""
    if calendar is None:
        return day.weekday() < SATURDAY
    if holiday_on(calendar, day) is not None:
        return False
    made_up = any(day in holiday.workdays for holiday in calendar.holidays)
    return made_up or day.weekday() < SATURDAY


def next_working_day(is_worked: Callable[[date], bool], day: date) -> date:
    """The first day after ``day`` on which offices work."""
    later = day + timedelta(1)
    while not is_worked(later):
        later += timedelta(1)
    return later


def working_days_between(is_worked: Callable[[date], bool], first: date, last: date) -> int:
    """How many days after ``first``, up to ``last`` itself, are worked. Backwards it is negative.

    So a term of so many working days ends on the day to which this says that number.
    """
    if last < first:
        return -working_days_between(is_worked, last, first)
    days = (first + timedelta(n) for n in range(1, (last - first).days + 1))
    return sum(map(is_worked, days))


# --- Reading --------------------------------------------------------------------------------------


def load_calendars(folders: Iterable[Path]) -> tuple[t.Calendar, ...]:
    """Every calendar, by jurisdiction and year; PackError where one is not understood."""
    found: dict[tuple[str, int], t.Calendar] = {}
    for file, raw in _files(folders, "holidays"):
        calendar = _calendar(file, raw)
        key = calendar.jurisdiction, calendar.year
        if key in found:
            raise t.PackError(
                f"{file}: {key[0]} has a calendar of {key[1]} in {found[key].file} already; "
                "keep one of them"
            )
        found[key] = calendar
    return tuple(found[key] for key in sorted(found))


def load_regions(folders: Iterable[Path]) -> tuple[t.Region, ...]:
    """Every region, by code; PackError where one is not understood or comes twice."""
    found: dict[str, t.Region] = {}
    for file, raw in _files(folders, "regions"):
        region = _region(file, raw)
        if region.code in found:
            raise t.PackError(f"{file}: there is a region {region.code} already; keep one of them")
        found[region.code] = region
    return tuple(found[key] for key in sorted(found))


def _files(folders: Iterable[Path], kind: str) -> Iterator[tuple[str, Raw]]:
    for folder in folders:
        for path in sorted((folder / kind).glob("*.toml")):
            try:
                yield f"{kind}/{path.name}", tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
                raise t.PackError(f"{kind}/{path.name}: not a TOML file: {problem}") from problem


def _calendar(file: str, raw: Raw) -> t.Calendar:
    _only(file, raw, ("calendar", "sources", "holidays"))
    header = Table(file, "calendar", raw.get("calendar"))
    place = header.words("jurisdiction")
    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]+)*", place):
        header.refuse("jurisdiction", f"{place!r} is no jurisdiction; write CN or CN-51")
    year = header.number("year", 1949, 2200)
    sources = {source.code: source for source in _sources(file, raw)}
    found: list[t.Holiday] = []
    for row in rows(file, "holidays", raw):
        found.append(_holiday(row, year, sources, found))
    calendar = t.Calendar(
        id=header.code("id"),
        jurisdiction=place,
        year=year,
        holidays=tuple(sorted(found, key=lambda one: one.first)),
        file=file,
    )
    header.end()
    return calendar


def _holiday(
    row: Table, year: int, sources: dict[str, t.Source], before: Sequence[t.Holiday]
) -> t.Holiday:
    source = row.words("source")
    if source not in sources:
        row.refuse("source", f"there is no source {source!r}; add it under [[sources]]")
    holiday = t.Holiday(
        code=row.code(),
        name=row.text("name"),
        first=row.day("first"),
        last=row.day("last"),
        workdays=row.days("workdays"),
        source=sources[source],
        replaces=row.words("replaces", ""),
    )
    if holiday.last < holiday.first:
        row.refuse("last", f"{holiday.last} is before first {holiday.first}; correct one of them")
    for key, day in (("first", holiday.first), ("last", holiday.last)):
        if day.year != year:
            row.refuse(key, f"{day} is not in {year}; it belongs in the calendar of its year")
    for day in holiday.workdays:
        if day.year != year:
            row.refuse("workdays", f"{day} is not in {year}")
        if day.weekday() < SATURDAY:
            row.refuse("workdays", f"{day} is no Saturday or Sunday: it is worked anyway")
        if holiday.covers(day):
            row.refuse("workdays", f"{day} lies in the holiday itself")
    if holiday.replaces and holiday.replaces not in {one.code for one in before}:
        row.refuse("replaces", f"no holiday above has the code {holiday.replaces!r}")
    for other in before:
        if other.code == holiday.code:
            row.refuse("code", f"{holiday.code!r} is used twice; give one another code")
        if holiday.first <= other.last and other.first <= holiday.last:
            row.refuse("first", f"overlaps {other.code}; end one before the other begins")
        if other.code != holiday.replaces and any(holiday.covers(day) for day in other.workdays):
            row.refuse("first", f"covers a make-up workday of {other.code}; name it in replaces")
        if any(other.covers(day) for day in holiday.workdays):
            row.refuse("workdays", f"one of these days lies in {other.code}; remove it")
    row.end()
    return holiday


def _region(file: str, raw: Raw) -> t.Region:
    _only(file, raw, ("region", "levels", "sources"))
    header = Table(file, "region", raw.get("region"))
    zone, code = header.words("time_zone"), header.words("code")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        header.refuse("time_zone", f"{zone!r} is not in the tz database; write Asia/Shanghai")
    if not re.fullmatch(r"[A-Z]{2}", code):
        header.refuse("code", f"{code!r} is no country; write the two letters of ISO 3166")
    levels = []
    for row in rows(file, "levels", raw):
        levels.append((row.code(), row.text("name")))
        row.end()
    region = t.Region(
        code=code,
        name=header.text("name"),
        time_zone=zone,
        language=header.choice("language", ("zh-hans", "en")),
        local_languages=header.many("local_languages"),
        levels=tuple(levels),
        sources=tuple(_sources(file, raw)),
    )
    header.end()
    return region


def _sources(file: str, raw: Raw) -> Iterator[t.Source]:
    for row in rows(file, "sources", raw):
        yield t.Source(
            code=row.code(),
            title=row.text("title"),
            number=row.words("number", ""),
            issued=row.day_or_none("issued"),
            reference=row.words("reference", ""),
        )
        row.end()


def _only(file: str, raw: Raw, known: Sequence[str]) -> None:
    whole = Table(file, "the file", raw)
    whole.skip(known)
    whole.end()
