"""What is right about contacts, days of watching, visits and chains. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Generic, Literal, TypeVar, get_args

from fangkong.packs.types import Term, WatchPlace

DAY = timedelta(days=1)
SKEW = timedelta(minutes=10)  # a phone's clock may be this much ahead of ours
FEVER = 373  # tenths of a degree Celsius (37.3 °C, as the plans for covid-19 say)
TEMPERATURES = range(340, 431)  # what a thermometer for people shows, in tenths
LONGEST_EXPOSURE = 366  # days; more is a mistyped year
NOON = 12
PLACES = get_args(WatchPlace)  # the strictest first
# Classes of a case that end no observation: not yet decided, or decided against.
NO_CASE = frozenset({"suspected", "discarded"})
DISCARDED = "discarded"

K = TypeVar("K", bound=Hashable)

# --- Exposures ------------------------------------------------------------------------------------


def exposure_faults(first: date, last: date, today: date) -> Iterator[tuple[str, str]]:
    """What cannot be right about the days of an exposure: field and code."""
    if last < first:
        yield "last_date", "days_reversed"
    elif (last - first).days >= LONGEST_EXPOSURE:
        yield "first_date", "too_long"
    for name, day in (("first_date", first), ("last_date", last)):
        if day > today:
            yield name, "day_to_come"


def overlap(first: date, last: date, others: Iterable[tuple[date, date]]) -> bool:
    """Do days share one with any of others?"""
    return any(first <= end and begin <= last for begin, end in others)


def counts_as_case(case_class: str) -> bool:
    """Does a case of this class end the observation of its person?"""
    return case_class not in NO_CASE


# --- The days of an observation -------------------------------------------------------------------


def phases_of(term: Term) -> list[dict[str, Any]]:
    """The stretches of a term as they are kept: place, first and last day, visits and tests."""
    return [
        {
            "place": part.phase.place,
            "first": part.first.isoformat(),
            "last": part.last.isoformat(),
            "visits": part.phase.visits,
            "tests": [day.isoformat() for day in part.tests],
        }
        for part in term.days
    ]


def prolonged(
    old: Iterable[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The stretches of a term that a later exposure replaced: the old ones up to the new."""
    begins = new[0]["first"] if new else "9999-12-31"
    eve = (date.fromisoformat(begins) - DAY).isoformat()
    kept = [
        {
            **part,
            "last": min(part["last"], eve),
            "tests": [day for day in part["tests"] if day < begins],
        }
        for part in old
        if part["first"] < begins
    ]
    return [*kept, *(dict(part) for part in new)]


def stricter(
    one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Two plans of one person on the same days: on each day the stricter place counts.

    Of two alike the one with more visits. A test counts where its own stretch does.
    """
    parts = [*one, *other]
    starts = {date.fromisoformat(part["first"]) for part in parts}
    ends = {date.fromisoformat(part["last"]) + DAY for part in parts}
    found: list[tuple[Mapping[str, Any], date, date]] = []
    for first, after in pairwise(sorted(starts | ends)):
        text = first.isoformat()
        holding = [part for part in parts if part["first"] <= text <= part["last"]]
        if not holding:
            continue
        part = min(holding, key=lambda p: (PLACES.index(p["place"]), -int(p["visits"])))
        if found and found[-1][0] is part and found[-1][2] + DAY == first:
            found[-1] = (part, found[-1][1], after - DAY)
        else:
            found.append((part, first, after - DAY))
    return [_cut(part, first.isoformat(), last.isoformat()) for part, first, last in found]


def _cut(part: Mapping[str, Any], first: str, last: str) -> dict[str, Any]:
    tests = [day for day in part["tests"] if first <= day <= last]
    return {**part, "first": first, "last": last, "tests": tests}


def visits_a_day(phases: Iterable[Mapping[str, Any]]) -> int:
    """The most visits on one day of any stretch; at least one, since each day is looked at."""
    return max((int(part["visits"]) for part in phases), default=1) or 1


def central_days(phases: Iterable[Mapping[str, Any]]) -> tuple[date | None, date | None]:
    """First and last day in a facility, or None twice."""
    days = [
        (date.fromisoformat(part["first"]), date.fromisoformat(part["last"]))
        for part in phases
        if part["place"] == "central"
    ]
    if not days:
        return None, None
    return min(first for first, _ in days), max(last for _, last in days)


def phase_on(phases: Iterable[Mapping[str, Any]], day: date) -> Mapping[str, Any] | None:
    """The stretch that a day lies in."""
    text = day.isoformat()
    return next((part for part in phases if part["first"] <= text <= part["last"]), None)


DayState = Literal["visited", "missed", "due", "to_come"]


def days(
    first: date, last: date, visited: Collection[date], today: date
) -> list[tuple[date, DayState]]:
    """Every day from first to last with its state; a day that is over without a visit is missed."""
    found: list[tuple[date, DayState]] = []
    for n in range((last - first).days + 1):
        day = first + n * DAY
        state: DayState = (
            "visited"
            if day in visited
            else "missed"
            if day < today
            else "due"
            if day == today
            else "to_come"
        )
        found.append((day, state))
    return found


def part_of(hour: int) -> str:
    """The half of the day that an hour lies in."""
    return "morning" if hour < NOON else "afternoon"


ReleaseFault = Literal["", "before_the_end", "last_day_unvisited", "last_found_ill"]


def release_fault(last: date, today: date, visited_last: bool, ill: bool = False) -> ReleaseFault:
    """Why somebody cannot be released without more; empty where they can.

    On the last day itself only after the visit; later, a last day without a visit needs a reason.
    So does whoever had symptoms when they were last found (``ill``).
    """
    if today < last or (today == last and not visited_last):
        return "before_the_end"
    if ill:
        return "last_found_ill"
    return "" if visited_last else "last_day_unvisited"


# --- Visits ---------------------------------------------------------------------------------------


def met(found: bool, temperature: int | None, symptoms: Collection[str]) -> str:
    """What a visit came to."""
    if not found:
        return "not_found"
    fever = temperature is not None and temperature >= FEVER
    return "ill" if symptoms or fever else "well"


def visit_faults(
    *,
    found: bool,
    temperature: int | None,
    symptoms: Collection[str],
    known: Collection[str],
    done_at: datetime,
    day: date,
    first: date,
    last: date,
    at: datetime,
) -> Iterator[tuple[str, str]]:
    """What cannot be right about a visit of a day: field and code."""
    if done_at > at + SKEW:
        yield "done_at", "moment_to_come"
    elif not first <= day <= last:
        yield "done_at", "outside_the_days"
    if temperature is not None and temperature not in TEMPERATURES:
        yield "temperature", "no_temperature"
    if set(symptoms) - set(known):
        yield "symptoms", "no_symptom"
    if not found and (symptoms or temperature is not None):
        yield "found", "nothing_to_measure"


# --- Chains ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link(Generic[K]):
    """An exposure of the person of case ``target`` to case ``source``; ``key`` names it."""

    source: K
    target: K
    first: date
    last: date
    named: bool = False
    key: int = 0


@dataclass(frozen=True)
class Chain(Generic[K]):
    """Who infected whom, likeliest: the link to the source of each case that has one.

    ``generations``: the cases by distance from the first ones, in the order given. ``cut``: links
    that would have closed a loop and are left out.
    """

    sources: Mapping[K, Link[K]] = field(default_factory=dict)
    generations: Sequence[Sequence[K]] = ()
    cut: Sequence[Link[K]] = ()

    def children(self, key: K) -> list[K]:
        """The cases that a case infected, in the order of the generations."""
        return [
            one
            for row in self.generations
            for one in row
            if one in self.sources and self.sources[one].source == key
        ]


def likeliest(
    links: Iterable[Link[K]], onset: date | None, incubation: int | None
) -> Link[K] | None:
    """The link to the likeliest source of a case that fell ill on ``onset``.

    The one that somebody named, else the exposure that reaches nearest to the onset, not beyond it
    and not further back than the longest incubation in days. Without an onset the last one.
    """
    best: tuple[bool, date, date, int] | None = None
    found: Link[K] | None = None
    for link in links:
        last = link.last if onset is None else min(link.last, onset)
        if not link.named and onset is not None:
            too_late = link.first > onset
            too_early = incubation is not None and last < onset - incubation * DAY
            if too_late or too_early:
                continue
        rank = (link.named, last, link.first, -link.key)
        if best is None or rank > best:
            best, found = rank, link
    return found


def chain(
    onsets: Mapping[K, date | None], links: Iterable[Link[K]], incubation: int | None
) -> Chain[K]:
    """The likeliest chain of these cases; loops that people entered by mistake are cut and told.

    A loop is cut before its member with the earliest onset, who most likely was ill first.
    """
    by_target: dict[K, list[Link[K]]] = {}
    for link in links:
        if link.source in onsets and link.target in onsets and link.source != link.target:
            by_target.setdefault(link.target, []).append(link)
    best = {
        key: likeliest(by_target.get(key, ()), onset, incubation) for key, onset in onsets.items()
    }
    sources = {key: link for key, link in best.items() if link is not None}
    order = {key: n for n, key in enumerate(onsets)}
    cut = []
    clear: set[K] = set()
    for start in onsets:
        path: list[K] = []
        here = start
        while here in sources and here not in clear:
            if here in path:
                loop = path[path.index(here) :]
                first = min(loop, key=lambda key: (onsets[key] or date.max, order[key]))
                cut.append(sources.pop(first))
                break
            path.append(here)
            here = sources[here].source
        clear.update(path)
    return Chain(sources, _generations(list(onsets), sources), cut)


def _generations(keys: Sequence[K], sources: Mapping[K, Link[K]]) -> list[list[K]]:
    depth: dict[K, int] = {}
    for key in keys:
        path = []
        here = key
        while here not in depth and here in sources:
            path.append(here)
            here = sources[here].source
        depth.setdefault(here, 0)
        depth |= {one: n for n, one in enumerate(reversed(path), start=depth[here] + 1)}
    rows: list[list[K]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in keys:
        rows[depth[key]].append(key)
    return rows


def case_of_exposure(first: date, cases: Iterable[tuple[K, date]]) -> K | None:
    """The first case of a person that began on or after the first day of an exposure."""
    later = [(day, n, key) for n, (key, day) in enumerate(cases) if day >= first]
    return min(later, key=lambda one: one[:2])[2] if later else None
