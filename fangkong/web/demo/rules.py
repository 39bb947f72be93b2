"""What follows from the published figures: pure functions, no Django.

Figures are as of 24:00 of a day (截至当日24时). Counties are named by their codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from fangkong.packs.types import Text

FIRST_IN_DAOFU = date(2020, 2, 2)


class NotInTheDemonstration(ValueError):
    """A day for which there are no figures."""


@dataclass(frozen=True)
class Day:
    """The prefecture's totals as of ``as_of``; ``listed_under`` is the day in the data set."""

    day: date
    as_of: datetime
    confirmed: int
    cured: int
    dead: int
    listed_under: date
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """The total of each county as an official bulletin gives it."""

    day: date
    counties: dict[str, int]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Arrivals:
    """Imported cases of one county on one day; the day is an assumption, see the derivation."""

    day: date
    county: str
    cases: int


@dataclass(frozen=True)
class Groups:
    """What was published of all cases until a day."""

    day: date
    male: int
    female: int
    youngest: int
    oldest: int
    severe: int
    critical: int


@dataclass(frozen=True)
class County:
    """A county with cases: its names, the stem of its files, and who reports there."""

    code: str
    name: Text
    file: str
    hospital: str
    old_code: str = ""  # of the county that a citizen was first registered in


@dataclass(frozen=True)
class History:
    """Everything that is published or derived about the outbreak."""

    days: tuple[Day, ...]
    splits: tuple[Split, ...]
    imports: tuple[Arrivals, ...]
    rest: str  # the county of every case that is not among the imports
    groups: tuple[Groups, ...]
    counties: dict[str, County]
    import_place: str
    rest_places: tuple[str, ...]
    sources: dict[str, Text] = field(default_factory=dict)
    texts: dict[str, Text] = field(default_factory=dict)

    @property
    def first(self) -> date:
        return self.days[0].day

    @property
    def last(self) -> date:
        return self.days[-1].day


def new_by_county(history: History) -> dict[date, dict[str, int]]:
    """New confirmed cases by day and county; every day, without counties that had none.

    The arrivals as listed; what else the prefecture's total grows by belongs to ``rest``.
    """
    result: dict[date, dict[str, int]] = {}
    before = 0
    for row in history.days:
        new = {a.county: a.cases for a in history.imports if a.day == row.day}
        others = row.confirmed - before - sum(new.values())
        if others:
            new[history.rest] = new.get(history.rest, 0) + others
        result[row.day] = new
        before = row.confirmed
    return result


def totals_on(history: History, day: date) -> dict[str, int]:
    """The derived totals of the counties as of 24:00 of a day."""
    totals: dict[str, int] = {}
    for each, new in new_by_county(history).items():
        if each <= day:
            for county, cases in new.items():
                totals[county] = totals.get(county, 0) + cases
    return totals


def require_day(history: History, day: date) -> None:
    """Refuse a day outside the history."""
    if not history.first <= day <= history.last:
        raise NotInTheDemonstration(
            f"{day.isoformat()} is not in the demonstration: choose a day from "
            f"{history.first.isoformat()} to {history.last.isoformat()}."
        )


def counties_of_files(history: History, day: date) -> list[str]:
    """Whose cards a newcomer imports on a day: the counties with new cases.

    On a day without any the county that is in the news: Kangding, from 2 February on Daofu.
    """
    if new := new_by_county(history)[day]:
        return sorted(new)
    return [history.rest if day >= FIRST_IN_DAOFU else history.imports[0].county]


def moments(anchor: datetime, midnight: datetime, n: int) -> list[datetime]:
    """``n`` moments of diagnosis shortly before a moment, the latest last, none before midnight."""
    wanted = (anchor - timedelta(minutes=10 + 8 * (n - 1 - place)) for place in range(n))
    return [max(midnight, moment) for moment in wanted]


def anchor_of(now: datetime, midnight: datetime) -> datetime:
    """The full hour that the cards of the day are written for.

    Within an hour a file stays the same; a fresh download still lies within the clock of 2 hours.
    """
    hours = int((now - midnight) / timedelta(hours=1))
    return midnight + timedelta(hours=max(0, hours))


def outcome_of(county: str, rest: str, day: date) -> str:
    """How the staff answered the signal of a day: what was known that evening."""
    if county != rest:
        return "sporadic"
    if day < date(2020, 2, 4):
        return "watch"
    return "suspected_event" if day < date(2020, 2, 6) else "confirmed_outbreak"


def shares(total: float, weights: Sequence[float]) -> list[float]:
    """A total shared in proportion to weights."""
    whole = sum(weights)
    return [total * weight / whole for weight in weights]


def days_between(first: date, last: date) -> Iterable[date]:
    """Every day from the first to the last, both included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
