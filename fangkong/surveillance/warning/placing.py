"""Clusters in one school, village or hospital, by the rules of a pack. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import epistat
from fangkong.packs.types import Pack, PlaceRule, Text
from fangkong.surveillance.monitoring.rules import whole_condition, with_subtypes

from .rules import CURVE_DAYS, PLACE, Finding, MethodAlarm, Place, Series, institution

if TYPE_CHECKING:
    from fangkong.surveillance.monitoring.types import PlacedCase

Classes = Callable[[str], frozenset[str]]  # which case classes count of a disease


def days_needed(pack: Pack, day: date) -> int:
    """How many days of cases the rules of a day look at, with the curve beside them; 0: none."""
    held = [rule.days for rule in pack.warning.places if rule.covers(day)]
    return max(CURVE_DAYS, *held) if held else 0


def clusters(
    cases: Sequence[PlacedCase],
    pack: Pack,
    day: date,
    *,
    classes: Classes,
    villages: Mapping[int, Text],
) -> dict[Series, Finding]:
    """The places that a rule warns of on a day, by county, disease and place.

    ``cases``: those of ``days_needed`` to the day. Of several rules that one place meets, the one
    that asks for most cases tells. ``villages``: names of villages by id.
    """
    found: dict[Series, Finding] = {}
    for rule in pack.warning.places:
        if not rule.covers(day):
            continue
        for series, (place, inside) in _places(cases, rule, pack, classes, villages).items():
            finding = _judged(inside, place, rule, day)
            if finding and _asked(finding) > _asked(found.get(series)):
                found[series] = finding
    return found


def _asked(finding: Finding | None) -> float:
    """How many cases the rule of a finding asks for."""
    return finding.threshold or 0.0 if finding else 0.0


def place_of(case: PlacedCase, rule: PlaceRule, villages: Mapping[int, Text]) -> Place | None:
    """Which place of a rule's kind a case belongs to; None for none."""
    if rule.place == "village":
        if case.village_id is None:
            return None
        name = villages.get(case.village_id)
        return Place("village", f"village:{case.village_id}", name.zh if name else "")
    if case.occupation not in rule.occupations:
        return None
    return institution(rule.place, case.workplace)


def _places(
    cases: Sequence[PlacedCase],
    rule: PlaceRule,
    pack: Pack,
    classes: Classes,
    villages: Mapping[int, Text],
) -> dict[Series, tuple[Place, list[PlacedCase]]]:
    named = {code: set(with_subtypes(pack, code)) for code in rule.conditions}
    inside: dict[Series, tuple[Place, list[PlacedCase]]] = {}
    groups: dict[Series, list[PlacedCase]] = defaultdict(list)
    for case in cases:
        place = place_of(case, rule, villages)
        if place is None or case.case_class not in classes(case.condition):
            continue
        counted = (
            [code for code, forms in named.items() if case.condition in forms]
            if named
            else [whole_condition(pack, case.condition)]
        )
        for condition in counted:
            series = (case.county_id, condition, place.key)
            groups[series].append(case)
            inside.setdefault(series, (place, groups[series]))
    return inside


def _judged(
    cases: Sequence[PlacedCase], place: Place, rule: PlaceRule, day: date
) -> Finding | None:
    """What a rule says of one place on a day, and what one case more or fewer would change."""
    days = max(CURVE_DAYS, rule.days)
    counts = np.zeros((1, days))
    first = day - timedelta(days=days - 1)
    for case in cases:
        if first <= case.day <= day:
            counts[0, (case.day - first).days] += 1
    finding = _finding(counts, place, rule)
    if finding is None:
        return None
    more, fewer = counts.copy(), counts.copy()
    more[0, -1] += 1
    newest = np.flatnonzero(fewer[0])[-1]
    fewer[0, newest] -= 1
    return replace(finding, more=_finding(more, place, rule), less=_finding(fewer, place, rule))


def _finding(counts: NDArray[np.float64], place: Place, rule: PlaceRule) -> Finding | None:
    answer = epistat.place_rule(counts, cases=rule.cases, days=rule.days)
    if not answer.alarm[0, -1]:
        return None
    observed = float(answer.observed[0, -1])
    score = float(answer.score[0, -1])
    return Finding(
        observed=int(observed),
        day_count=int(counts[0, -1]),
        expected=None,
        threshold=float(rule.cases),
        score=score,
        p=None,
        alarms=(MethodAlarm(PLACE, observed, None, float(rule.cases), score, None),),
        curve=tuple(int(n) for n in counts[0, -CURVE_DAYS:]),
        facts={"headline": PLACE, "days": rule.days, "rule": rule.code},
        place=place,
    )
