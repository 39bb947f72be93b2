"""What the statistical methods find in many series at once. Pure functions over arrays.

Apart from ``rules``: it needs NumPy and SciPy, 45 MB that nobody loads who only draws pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import erfc, isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

import epistat
from fangkong.packs.types import Pack

from .rules import (
    ADAPTIVE,
    C1,
    C2,
    C3,
    CURVE_DAYS,
    FIXED,
    METHODS,
    PERCENTILE,
    WINDOW,
    Finding,
    MethodAlarm,
    Outbreak,
    Plan,
    Series,
    plan_for,
)

if TYPE_CHECKING:
    from fangkong.surveillance.monitoring.types import SeriesBlock

LEAST_P = 1e-300
MIN_SIGMA = 0.5  # cases; a flat past of zeros would otherwise make every case an alarm

Counts = NDArray[np.float64]


def judged(
    block: SeriesBlock,
    pack: Pack,
    *,
    outbreaks: Sequence[Outbreak] = (),
    wanted: Callable[[Series], bool] = lambda series: True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Series, Finding]:
    """What the methods find on the last day of a block, by series; only of those ``wanted``.

    Days of known ``outbreaks`` count as unknown wherever a day is compared with the past. Series
    that share a plan are judged together. ``progress`` hears how many of all are done.
    """
    labels: list[Series] = [(county, condition, "") for county, condition in block.labels]
    by_plan: dict[Plan, list[int]] = defaultdict(list)
    for row, series in enumerate(labels):
        if wanted(series):
            by_plan[plan_for(pack, series[1], block.last)].append(row)
    total = sum(map(len, by_plan.values()))
    counts = block.counts.astype(np.float64)
    counts[:, : block.unknown_days] = np.nan
    known = known_days(block, outbreaks)
    found: dict[Series, Finding] = {}
    done = 0
    for plan, rows in by_plan.items():
        for row, finding in zip(rows, judge(counts[rows], plan, known[rows]), strict=True):
            if finding is not None:
                found[labels[row]] = finding
        done += len(rows)
        progress(done, total)
    return found


def known_days(block: SeriesBlock, outbreaks: Sequence[Outbreak]) -> NDArray[np.bool_]:
    """Which days may be compared with: False in a known outbreak. (series, days)."""
    days = block.counts.shape[1] if len(block.labels) else 0
    known = np.ones((len(block.labels), days), dtype=bool)
    place = {label: row for row, label in enumerate(block.labels)}
    for one in outbreaks:
        first = max((one.first - block.first).days, 0)
        last = (one.last - block.first).days
        for condition in one.conditions:
            row = place.get((one.county_id, condition))
            if row is not None and last >= first:
                known[row, first : last + 1] = False
    return known


def judge(
    counts: Counts, plan: Plan, known: NDArray[np.bool_] | None = None
) -> list[Finding | None]:
    """Judge the last day of many series that share a plan; None where no method alarms.

    ``counts``: (series, days), whole cases per day, NaN where unknown. At least ``WINDOW`` days;
    a method that has too little history keeps silent. ``known``: False for days that nothing may
    be compared with, though they are judged themselves. A finding says too what one case more or
    fewer would make of it. ValueError where a count is negative or infinite: epistat would take it
    for unknown, and the night run say nothing of a wrong sum.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if (counts < 0).any() or np.isinf(counts).any():
        raise ValueError("a count is negative or infinite: the sums of cases are wrong")
    if known is None:
        known = np.ones(counts.shape, dtype=bool)
    found = _judge(counts, plan, known)
    rows = [i for i, finding in enumerate(found) if finding is not None]
    if rows:
        more, fewer = counts[rows].copy(), counts[rows].copy()
        more[:, -1] = np.nan_to_num(more[:, -1]) + 1
        for row in fewer:  # the newest case of the window goes
            days = np.flatnonzero(np.nan_to_num(row[-WINDOW:]))
            if len(days):
                row[len(row) - WINDOW + days[-1]] -= 1
        above, below = _judge(more, plan, known[rows]), _judge(fewer, plan, known[rows])
        for i, high, low in zip(rows, above, below, strict=True):
            finding = found[i]
            assert finding is not None
            found[i] = replace(finding, more=high, less=low)
    return found


def _judge(counts: Counts, plan: Plan, known: NDArray[np.bool_]) -> list[Finding | None]:
    answers = _ask(counts, plan, known)
    return [_finding(row, answers, i, plan) for i, row in enumerate(counts)]


def _but(counts: Counts, known: NDArray[np.bool_], judged: int) -> Counts:
    """The counts without the days that are not known, but for the last ``judged`` ones."""
    if known.all():
        return counts
    kept = known.copy()
    kept[:, -judged:] = True
    return np.where(kept, counts, np.nan)


def weekly(counts: Counts) -> Counts:
    """Cases of the last seven days, anew for every day; NaN in the first six. (series, days)."""
    sums = np.full(counts.shape, np.nan)
    width = counts.shape[1] - (WINDOW - 1)
    if width > 0:
        parts = [counts[:, day : day + width] for day in range(WINDOW)]
        sums[:, WINDOW - 1 :] = np.sum(parts, axis=0)
    return sums


def adaptive_of(counts: Counts, plan: Plan, last: int) -> epistat.Detection:
    """The adaptive regression over the last days of the series, as the plan sets it."""
    assert plan.alpha is not None
    return epistat.adaptive(
        counts,
        every="day",
        alpha=plan.alpha,
        years=plan.adaptive_years,
        guard=plan.guard_weeks,
        minimum=plan.adaptive_minimum,
        last=last,
    )


def percentile_of(counts: Counts, plan: Plan) -> epistat.Detection:
    """The moving percentile over all days of the series, as the plan sets it."""
    assert plan.percentile is not None
    return epistat.moving_percentile(
        counts,
        every="day",
        percentile=plan.percentile,
        years=plan.years,
        half=plan.half,
        year_days=plan.year_days,
        strict=plan.strict,
        minimum=plan.minimum,
    )


def threshold_of(counts: Counts, plan: Plan, method: str, days: int) -> Counts:
    """What seven days had to be above, by the method that heads a signal; (series, days).

    Of methods that do not judge seven days, the threshold of the one that watches the disease.
    """
    if plan.percentile is not None and (method == PERCENTILE or plan.alpha is None):
        return percentile_of(counts, plan).upper[:, -days:]
    return adaptive_of(counts, plan, days).upper


def _ask(counts: Counts, plan: Plan, known: NDArray[np.bool_]) -> dict[str, epistat.Detection]:
    """The answers of all methods; the last column is the judged day."""
    # EARS looks back a few weeks only; the years before need not be computed.
    recent = _but(counts, known, 1)[:, -(plan.baseline + WINDOW) :]
    counts = _but(counts, known, WINDOW)
    answers = {
        C1: epistat.c1(recent, baseline=plan.baseline, alpha=tail(plan.z1), min_sigma=MIN_SIGMA),
        C2: epistat.c2(recent, baseline=plan.baseline, alpha=tail(plan.z2), min_sigma=MIN_SIGMA),
        C3: epistat.c3(recent, baseline=plan.baseline, alpha=tail(plan.z3), min_sigma=MIN_SIGMA),
    }
    if plan.alpha is not None:
        answers[ADAPTIVE] = adaptive_of(counts, plan, 1)
    if plan.percentile is not None:
        answers[PERCENTILE] = percentile_of(counts, plan)
    if plan.fixed is not None:
        # Cases are cases, also where a day of the seven lies before the register began.
        known = np.nan_to_num(counts[:, -WINDOW:]).sum(axis=1, keepdims=True)
        answers[FIXED] = epistat.fixed_threshold(known, plan.fixed)
    return answers


def tail(z: float) -> float:
    """The share of a normal distribution above z standard deviations."""
    return erfc(z / sqrt(2)) / 2


def _finding(
    row: Counts, answers: dict[str, epistat.Detection], i: int, plan: Plan
) -> Finding | None:
    alarms = [
        _alarm(method, answers[method], i)
        for method in METHODS
        if method in answers and _alarms(method, answers[method], i, plan)
    ]
    if not alarms:
        return None
    head = alarms[0]
    # The numbers of the signal are those of the method that knows the season, if it has an answer.
    asked = [_alarm(name, answers[name], i) for name in (ADAPTIVE, PERCENTILE) if name in answers]
    seasonal = next((one for one in asked if one.expected is not None), asked[0])
    daily = [_alarm(method, answers[method], i) for method in (C2, C1)]
    return Finding(
        observed=int(np.nansum(row[-WINDOW:])),
        day_count=int(np.nan_to_num(row[-1])),
        expected=seasonal.expected if seasonal.expected is not None else head.expected,
        threshold=head.threshold,
        score=head.score if head.score is not None else seasonal.score,
        p=next((a.p for a in (*asked, *daily) if a.p is not None), None),
        alarms=tuple(alarms),
        curve=tuple(int(n) for n in np.nan_to_num(row[-CURVE_DAYS:])),
        facts={
            "headline": head.method,
            "percentile": plan.percentile or 0,
            "blocks": plan.years * (2 * plan.half + 1),
            "fixed": plan.fixed or 0,
        },
    )


def _alarms(method: str, answer: epistat.Detection, i: int, plan: Plan) -> bool:
    enough = method not in (C1, C2, C3) or answer.observed[i, -1] >= plan.ears_minimum
    return bool(answer.alarm[i, -1]) and enough


def _alarm(method: str, answer: epistat.Detection, i: int) -> MethodAlarm:
    observed, expected, upper, score, p = (
        float(numbers[i, -1])
        for numbers in (answer.observed, answer.expected, answer.upper, answer.score, answer.p)
    )
    if method == ADAPTIVE:  # in standard deviations, as the others: of a normal count as improbable
        score = float(-ndtri(max(p, LEAST_P)))
    return MethodAlarm(method, observed, _known(expected), _known(upper), _known(score), _known(p))


def _known(number: float) -> float | None:
    return number if isfinite(number) else None
