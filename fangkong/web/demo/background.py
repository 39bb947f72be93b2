"""The other diseases of the demonstration: invented cases of past years, the same every time.

Wholly synthetic; ``data/background.toml`` says how many. No Django.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import cos, exp, pi
from random import Random
from typing import Any

from . import history, invented, rules

WEEK = timedelta(days=7)
DAILY_WEEKS = 8  # before the outbreak: from then on day by day, as curves show them


@dataclass(frozen=True)
class Past:
    """One invented case of another disease; ``county`` is an area's code."""

    county: str
    condition: str
    case_class: str
    name: str
    sex: str
    birth_date: date
    onset_date: date
    diagnosed_at: datetime


@dataclass(frozen=True)
class Bundle:
    """What was reported at one moment: a week's cards, or a day's in the last weeks."""

    reported_at: datetime
    cases: tuple[Past, ...]


def first_day(first: date) -> date:
    """When the background begins: its years, and the weeks that the windows reach before, back."""
    years = int(history.table("background")["years"])
    return first - timedelta(days=years * 364 + 28)


def daily_from() -> date:
    """From which Monday on cards are reported day by day; the same for whatever day is loaded."""
    begun = history.read().first - DAILY_WEEKS * WEEK
    return begun - timedelta(days=begun.weekday())


def bundles(last: date, people_of: Mapping[str, int], first: date) -> list[Bundle]:
    """Everything reported until a day, in its order; ``people_of`` is the population by county."""
    told = history.table("background")
    names, counties = history.table("names"), sorted(people_of)
    weights = [people_of[county] for county in counties]
    found: dict[datetime, list[Past]] = {}
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        random = invented.chance(told["seed"], monday)
        for disease in told["diseases"]:
            expected = rules.shares(_expected(disease, monday), weights)
            for county, mean in zip(counties, expected, strict=True):
                for _ in range(poisson(random, mean)):
                    case = _case(random, county, disease, monday, last, names)
                    if case is not None:
                        found.setdefault(_reported(case, monday), []).append(case)
        monday += WEEK
    return [Bundle(at, tuple(found[at])) for at in sorted(found) if at.date() <= last]


def _expected(disease: Mapping[str, Any], monday: date) -> float:
    """Cases of a week, higher around the disease's peak."""
    phase = 2 * pi * (monday.isocalendar().week - disease["peak_week"]) / 52
    return float(disease["weekly"]) * (1 + float(disease["swing"]) * cos(phase))


def poisson(random: Random, mean: float) -> int:
    """A Poisson number (Knuth's method, fine for small means)."""
    limit, n, product = exp(-mean), 0, random.random()
    while product > limit:
        n += 1
        product *= random.random()
    return n


def _reported(case: Past, monday: date) -> datetime:
    """On the evening of the diagnosis since some weeks, before that together on Fridays."""
    daily = monday >= daily_from()
    day = case.diagnosed_at.date() if daily else monday + timedelta(days=4)
    return datetime.combine(day, time(17, 30), invented.ZONE)


def _case(
    random: Random,
    county: str,
    disease: Mapping[str, Any],
    monday: date,
    last: date,
    names: dict[str, Sequence[str]],
) -> Past | None:
    """A case of a week, always drawn alike; None for one diagnosed after the last day."""
    recent = monday >= daily_from()
    weekday, hour = random.randrange(7), random.uniform(8.5, 16.5)
    day = monday + timedelta(days=weekday if recent else 4)
    sex = random.choice((invented.MALE, invented.FEMALE))
    born = day - timedelta(days=random.randint(*(365 * age for age in disease["ages"])) + 30)
    found = Past(
        county=county,
        condition=disease["condition"],
        case_class=random.choice(disease["classes"]),
        name=invented.name(random, sex, names, tibetan=0.7),
        sex=sex,
        birth_date=born,
        onset_date=day - timedelta(days=random.randint(0, 6)),
        diagnosed_at=datetime.combine(day, time(), invented.ZONE)
        + timedelta(minutes=int(hour * 60)),
    )
    return found if day <= last else None
