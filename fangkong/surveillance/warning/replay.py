"""What detection would have flagged and when: past days judged again by what was known on each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fangkong.core import clock
from fangkong.surveillance.monitoring import queries as monitoring

from . import rules


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
