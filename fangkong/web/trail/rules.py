"""Which views of persons an auditor should look at (insider curiosity, threat T6)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

MANY_AN_HOUR = 60
WITHOUT_WORK = 5

Found = tuple[str, int, dict[str, object]]


@dataclass(frozen=True)
class View:
    """One member of staff opened one person's record."""

    viewer: int
    person: int
    at: datetime


@dataclass(frozen=True)
class Known:
    """What is known of a person for the comparison; nothing of it leaves the detector."""

    surname: str
    county_id: int | None
    has_work: bool


def unusual(
    views: Iterable[View],
    persons: Mapping[int, Known],
    surnames: Mapping[int, str],
    counties: Mapping[int, frozenset[int]],
) -> list[Found]:
    """Findings of one day: (kind, viewer, facts), for each kind and viewer at most one.

    ``surnames`` and ``counties`` are those of the viewers. Facts are counts and keys, no names.
    """
    hours: dict[tuple[int, datetime], set[int]] = defaultdict(set)
    idle: dict[int, set[int]] = defaultdict(set)
    alike: dict[int, set[int]] = defaultdict(set)
    for view in views:
        hour = view.at.replace(minute=0, second=0, microsecond=0)
        hours[view.viewer, hour].add(view.person)
        known = persons.get(view.person)
        if known is None or known.has_work:
            continue
        idle[view.viewer].add(view.person)
        same_name = known.surname and known.surname == surnames.get(view.viewer)
        if same_name and known.county_id in counties.get(view.viewer, frozenset()):
            alike[view.viewer].add(view.person)
    most: Counter[int] = Counter()
    for (viewer, _hour), seen in hours.items():
        most[viewer] = max(most[viewer], len(seen))
    return [
        *(("many", v, _number(n)) for v, n in most.items() if n >= MANY_AN_HOUR),
        *(("namesake", viewer, _facts(seen)) for viewer, seen in alike.items()),
        *(("no_work", v, _facts(seen)) for v, seen in idle.items() if len(seen) >= WITHOUT_WORK),
    ]


def _number(persons: int) -> dict[str, object]:
    return {"persons": persons}


def _facts(persons: set[int]) -> dict[str, object]:
    return {"persons": len(persons), "keys": sorted(persons)[:20]}
