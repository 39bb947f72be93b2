"""What the page of the demonstration shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from fangkong.accounts import queries as accounts
from fangkong.core import clock
from fangkong.packs.types import Text

from . import files, history, rules


@dataclass(frozen=True)
class Account:
    """An account to sign in with, and where it works."""

    username: str
    place: str


@dataclass(frozen=True)
class Figure:
    """What was published or derived for one day."""

    day: date
    confirmed: int
    cured: int
    counties: dict[str, int]
    sources: str


@dataclass(frozen=True)
class Page:
    """Everything on the page; texts in both languages."""

    day: date
    files: list[files.DemoFile]
    accounts: list[Account]
    password: str
    texts: dict[str, Text]
    counties: list[tuple[str, Text]]
    figures: list[Figure]
    sources: list[tuple[str, Text]]


def page(now: datetime) -> Page:
    """The page as of a moment of the demonstration; figures of days that are past by then."""
    told = history.read()
    day = min(max(clock.day_of(now), told.first), told.last)
    return Page(
        day=day,
        files=files.every(day, now),
        accounts=[Account(*row) for row in accounts.demo_accounts()],
        password=accounts.DEMO_PASSWORD,
        texts=told.texts | _labels(),
        counties=[(code, county.name) for code, county in told.counties.items()],
        figures=[_figure(row) for row in reversed(told.days) if row.day < day],
        sources=list(told.sources.items()),
    )


def _figure(row: rules.Day) -> Figure:
    told = history.read()
    totals = rules.totals_on(told, row.day)
    # In the order of the columns, 0 where there was no case yet.
    counties = {code: totals.get(code, 0) for code in told.counties}
    return Figure(row.day, row.confirmed, row.cured, counties, ", ".join(row.sources))


def _labels() -> dict[str, Text]:
    return {name: history.text(row) for name, row in history.table("page").items()}
