"""What detection would have flagged and when: past days judged again by what was known on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.surveillance.monitoring import queries as monitoring

from . import queries, rules

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

MOST_DAYS = 31  # that a page judges at once, at about a twentieth of a second each


@dataclass(frozen=True)
class Flagged:
    """One county and disease that alarms on one day; ``methods`` are those that do."""

    day: date
    county_id: int
    condition: str
    observed: int
    methods: tuple[str, ...]


def replay(*, first: date, last: date, conditions: Collection[str] = ()) -> Iterator[Flagged]:
    """Every alarm from ``first`` to ``last``, by day; nothing is written and nobody's scope asked.

    Each day is judged as of its end (24:00): by the counts that the ledger of changes held then,
    by the rules in force on it, and by the methods as they are now. What signals were answered
    with is not looked at. ``conditions``: only these diseases; none means all.
    """
    for n in range((last - first).days + 1):
        yield from _day(first + timedelta(days=n), conditions)


def first_days(found: Collection[Flagged]) -> dict[tuple[int, str], dict[str, date]]:
    """On which day each method first alarmed, by county and disease."""
    days: dict[tuple[int, str], dict[str, date]] = {}
    for one in sorted(found, key=lambda flagged: flagged.day):
        for method in one.methods:
            days.setdefault((one.county_id, one.condition), {}).setdefault(method, one.day)
    return days


@dataclass(frozen=True)
class Told:
    """Past days judged again, as far as a user may see counties.

    ``days``: every day of the span with what was flagged on it, in the order of the counties;
    ``firsts``: by county the first day on which each method alarmed.
    """

    first: date
    last: date
    condition: str
    days: Sequence[tuple[date, Sequence[tuple[Area, Flagged]]]]
    firsts: Sequence[tuple[Area, Mapping[str, date]]]


def told(user: User, at: datetime, *, first: date, last: date, condition: str) -> Told:
    """``replay`` of one disease for a page; NoPackInForce for days that no rules cover."""
    areas = {area.pk: area for area in queries.counties_of(user, at)}
    order = {pk: place for place, pk in enumerate(areas)}
    found = [
        one
        for one in replay(first=first, last=last, conditions=[condition])
        if one.county_id in areas
    ]
    by_day: dict[date, list[Flagged]] = defaultdict(list)
    for one in sorted(found, key=lambda flagged: order[flagged.county_id]):
        by_day[one.day].append(one)
    firsts = sorted(first_days(found).items(), key=lambda row: min(row[1].values()))
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Told(
        first=first,
        last=last,
        condition=condition,
        days=[(day, [(areas[one.county_id], one) for one in by_day[day]]) for day in every],
        firsts=[(areas[county_id], days) for (county_id, _condition), days in firsts],
    )


def _day(day: date, conditions: Collection[str]) -> Iterator[Flagged]:
    from . import detection  # NumPy and SciPy

    pack = monitoring.pack_on(day)
    look_back = rules.plan_for(pack, "", day).history_days + rules.WINDOW
    block = monitoring.series(last=day, days=look_back, as_of=_end(day))

    def wanted(series: rules.Series) -> bool:
        return not conditions or series[1] in conditions

    for label, finding in sorted(detection.judged(block, pack, wanted=wanted).items()):
        yield Flagged(day, label[0], label[1], finding.observed, tuple(finding.methods))


def _end(day: date) -> datetime:
    return clock.start_of(day + timedelta(days=1)) - timedelta(microseconds=1)
