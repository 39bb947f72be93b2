"""The plain twins: each formula written down once more, slowly, for one series and one day.

They share no code with the package and are what a careful colleague would write first. The tests
hold the package against them, and ``benchmarks/detect.py`` its speed. A day is a tuple (expected,
upper, p, score, alarm), or None where there is no answer.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, erfc, floor, inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, norm, poisson

Day = tuple[float, float, float, float, bool] | None
Series = NDArray[np.float64]


def baseline(y: Series, t: int, days: int, guard: int) -> tuple[float, float] | None:
    """Mean and standard deviation of the days t-guard-days … t-guard-1 that are known."""
    first = t - guard - days
    if first < 0:
        return None
    window = y[first : t - guard]
    known = window[~np.isnan(window)]
    if len(known) < min(4, days):
        return None
    return float(np.mean(known)), float(np.std(known, ddof=1))


def distance(count: float, mean: float, sd: float) -> float:
    if sd > 0:
        return (count - mean) / sd
    return 0.0 if count == mean else inf if count > mean else -inf


def shewhart(
    y: Series, guard: int, days: int = 7, alpha: float = 0.001, min_sigma: float = 0.0
) -> list[Day]:
    """EARS C1 (guard 0) or C2 (guard 2) of one series."""
    z = float(norm.isf(alpha))
    answers: list[Day] = []
    for t in range(len(y)):
        past = baseline(y, t, days, guard)
        if past is None or np.isnan(y[t]):
            answers.append(None)
            continue
        mean, sd = past[0], max(past[1], min_sigma)
        upper = mean + z * sd
        score = distance(y[t], mean, sd)
        answers.append((mean, upper, 0.5 * erfc(score / sqrt(2)), score, bool(y[t] > upper)))
    return answers


def c3(y: Series, days: int = 7, alpha: float = 0.025, min_sigma: float = 0.0) -> list[Day]:
    """EARS C3 of one series, by the published definition."""
    z = float(norm.isf(alpha))
    steps = shewhart(y, guard=2, days=days, min_sigma=min_sigma)
    answers: list[Day] = []
    for t, today in enumerate(steps):
        if today is None or t < days + 4:
            answers.append(None)
            continue
        excess = [max(0.0, step[3] - 1) for step in steps[t - 2 : t] if step is not None]
        before = sum(excess)
        score = before + max(0.0, today[3] - 1)
        mean = today[0]
        past = baseline(y, t, days, 2)
        assert past is not None
        sd = max(past[1], min_sigma)
        upper = 0.0 if before >= z else mean + sd * (1 + z - before)
        answers.append((mean, upper, 0.5 * erfc(score / sqrt(2)), score, score > z))
    return answers


def weeks(y: Series) -> Series:
    """Cases of the last 7 days of every day."""
    return np.array([np.sum(y[t - 6 : t + 1]) if t >= 6 else np.nan for t in range(len(y))])


def percentile_of(numbers: Sequence[float], percentile: float, definition: str) -> float:
    """Of whole numbers, in fractions, so that nothing is rounded before the end."""
    ranked = sorted(Fraction(number) for number in numbers)
    n, share = len(ranked), Fraction(str(percentile)) / 100
    if definition == "inverted_cdf":
        return float(ranked[max(ceil(n * share) - 1, 0)])
    place = (n - 1) * share if definition == "linear" else (n + 1) * share - 1
    place = min(max(place, Fraction(0)), Fraction(n - 1))
    low = floor(place)
    high = min(low + 1, n - 1)
    return float(ranked[low] + (ranked[high] - ranked[low]) * (place - low))


def moving_percentile(
    y: Series,
    *,
    every: str,
    percentile: float = 80,
    years: int = 3,
    half: int = 2,
    year_days: int | None = None,
    strict: bool = True,
    minimum: float = 1,
    excluded: NDArray[np.bool_] | None = None,
    min_blocks: int | None = None,
    definition: str = "linear",
    dates: Sequence[date] | None = None,
) -> list[Day]:
    """CIDARS' moving percentile of one series."""
    current = weeks(y) if every == "day" else y
    usable = current
    if excluded is not None:
        hidden = np.where(excluded, np.nan, y)
        usable = weeks(hidden) if every == "day" else hidden
    year, period, length = (year_days or 364, 7, 7) if every == "day" else (52, 1, 1)
    answers: list[Day] = []
    for t in range(len(y)):
        same = [t - year * back for back in range(1, years + 1)]
        if dates is not None and (every == "week" or year_days is None):
            apart = [(dates[t] - year_ago(dates[t], back)).days for back in range(1, years + 1)]
            same = [t - (days if every == "day" else days // 7) for days in apart]
        ends = [week + period * k for week in same for k in range(-half, half + 1)]
        if np.isnan(current[t]) or (min_blocks is None and min(ends) - length + 1 < 0):
            answers.append(None)
            continue
        blocks = [float(usable[end]) for end in ends if end >= 0 and not np.isnan(usable[end])]
        if len(blocks) < (min_blocks or min(4, len(ends))):
            answers.append(None)
            continue
        upper = percentile_of(blocks, percentile, definition)
        mean, p, score = rarity(float(current[t]), blocks)
        over = current[t] > upper if strict else current[t] >= upper
        answers.append((mean, upper, p, score, bool(over and current[t] >= minimum)))
    return answers


def year_ago(day: date, years: int) -> date:
    """The same day of an earlier year, or the nearest day with the same day of the week."""
    try:
        then = day.replace(year=day.year - years)
    except ValueError:  # 29 February
        then = date(day.year - years, 3, 1)
    near = [then + timedelta(days=k) for k in range(-3, 4)]
    return next(other for other in near if other.weekday() == day.weekday())


def rarity(count: float, blocks: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the blocks, predictive P(X >= count), and distance in standard deviations."""
    n = len(blocks)
    mean = float(np.mean(blocks))
    m = max(mean, 1 / (2 * n))
    s2 = float(np.var(blocks, ddof=1)) if n > 1 else 0.0
    v = max(s2, m) * (1 + 1 / n)
    k = m * m / (v - m)
    return mean, float(nbinom.sf(count - 1, k, k / (k + m))), (count - m) / sqrt(v)


def window(y: Series, t: int, years: int, half: int, current: bool) -> list[float] | None:
    """The weeks around the same week of earlier years, and those just before."""
    weeks = [t - 52 * back + k for back in range(1, years + 1) for k in range(-half, half + 1)]
    if current:
        weeks += range(t - half, t)
    if min(weeks) < 0:
        return None
    known = [float(y[week]) for week in weeks if not np.isnan(y[week])]
    return known if len(known) >= min(4, len(weeks)) else None


def bayes(y: Series, years: int, half: int, current: bool, alpha: float) -> list[Day]:
    """Bayes of one series."""
    answers: list[Day] = []
    for t in range(len(y)):
        past = window(y, t, years, half, current)
        if past is None or np.isnan(y[t]):
            answers.append(None)
            continue
        n = len(past)
        law = nbinom(sum(past) + 0.5, n / (n + 1))
        upper, mean = float(law.isf(alpha)), (sum(past) + 0.5) / n
        score = float((y[t] - mean) / law.std())
        answers.append((mean, upper, float(law.sf(y[t] - 1)), score, bool(y[t] > upper)))
    return answers


def rki(y: Series, years: int, half: int, current: bool) -> list[Day]:
    """RKI of one series."""
    limits = (3.285, 5.323, 6.686, 8.102, 9.598, 11.177, 12.817, 13.765, 14.921, 16.768, 17.633,
              19.050, 20.335, 21.364, 22.945, 23.762, 25.4, 26.306, 27.735, 28.966,
              30.017)  # fmt: skip
    answers: list[Day] = []
    for t in range(len(y)):
        past = window(y, t, years, half, current)
        if past is None or np.isnan(y[t]):
            answers.append(None)
            continue
        mean = float(np.mean(past))
        if mean > 20:
            sd = float(np.std(past, ddof=1))
            upper, p = mean + 2 * sd, 0.5 * erfc(distance(y[t], mean, sd) / sqrt(2))
            if sd == 0:
                p = float(y[t] <= mean)
        else:
            upper, p = limits[floor(mean)], float(poisson.sf(y[t] - 1, max(mean, 0.5 / len(past))))
        score = distance(y[t], mean, upper - mean)
        answers.append((mean, upper, p, score, bool(y[t] > upper)))
    return answers


def cdc(y: Series, years: int, around: int, alpha: float) -> list[Day]:
    """CDC of one series."""

    def month(end: int) -> float:
        return float(np.sum(y[end - 3 : end + 1])) if end >= 3 else float("nan")

    z = float(norm.isf(alpha / 2))
    answers: list[Day] = []
    for t in range(len(y)):
        ends = [t - 52 * back + 4 * k for back in range(1, years + 1)
                for k in range(-around, around + 1)]  # fmt: skip
        past = [month(end) for end in ends if not np.isnan(month(end))]
        now = month(t)
        if min(ends) < 3 or len(past) < min(4, len(ends)) or np.isnan(now):
            answers.append(None)
            continue
        mean = float(np.mean(past))
        sd = float(np.std(past, ddof=1)) * sqrt(1 + 1 / len(past)) if len(past) > 1 else 0.0
        score = distance(now, mean, sd)
        upper = mean + z * sd
        answers.append((mean, upper, 0.5 * erfc(score / sqrt(2)), score, bool(now > upper)))
    return answers
