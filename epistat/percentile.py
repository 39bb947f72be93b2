"""CIDARS: the moving percentile (移动百分位数法) and the fixed threshold (固定阈值法).

The two methods of China's national automated early-warning system (国家传染病自动预警系统),
which runs them for every county and disease. Sources: the reports on the first years of CIDARS
(2008-2010), its 2006 pilot, and Sun and others 2011 on percentiles by disease. The papers leave
choices open, and disagree on some; here each is an option with a stated default:

=====================  ============================================  ===============================
choice                 option                                        default
=====================  ============================================  ===============================
a year ago (daily)     ``year_days`` 364 or 365                      364: keeps the day of the week
a year ago (weekly)    52 weeks (week 53 is not treated specially)
blocks                 ``years``, ``half``                           3 years, 2 periods either side
percentile             ``percentile``, ``definition``                80, linear (R type 7)
exceeds or reaches     ``strict``                                    exceeds: count > threshold
minimum count          ``minimum``                                   1 (3 calms sparse series much)
known outbreaks        ``excluded``                                  none
fewer than all blocks  ``min_blocks``                                see :func:`moving_percentile`
=====================  ============================================  ===============================

Which date is counted (onset or report) and which cases, the caller decides.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.result import CELLS, Detection, Flag, Floats, as_counts, in_blocks, mark
from epistat.tails import upper_tail

WEEK = 7
FEWEST_BLOCKS = 4

Every = Literal["day", "week"]
Definition = Literal["linear", "weibull", "inverted_cdf"]


def moving_percentile(
    counts: ArrayLike,
    *,
    every: Every,
    percentile: float = 80,
    years: int = 3,
    half: int = 2,
    year_days: Literal[364, 365] = 364,
    strict: bool = True,
    minimum: float = 1,
    excluded: ArrayLike | None = None,
    min_blocks: int | None = None,
    definition: Definition = "linear",
) -> Detection:
    """CIDARS' moving percentile: is this week high for the season?

    ``counts``: (series, time), cases per day or per week as ``every`` says; NaN is missing.
    The number judged (``observed``) is the count of the week, or of the last 7 days t-6 … t, anew
    every day. The history are (2 * half + 1) * years blocks of the same length: the same period one
    to ``years`` years ago and ``half`` periods before and after it. ``upper`` is their percentile,
    ``expected`` their mean.

    Alarm where observed > upper (``strict``) or >= upper, and observed >= ``minimum``; a signal
    held back by the minimum only is BELOW_MINIMUM. ``excluded``: True where a day or week belongs
    to a known outbreak, shape (time,) or (series, time); a block that holds one is left out, as is
    a block with a missing day. ``definition``: of a percentile, by its NumPy name: "linear" (R type
    7), "weibull" (type 6), "inverted_cdf" (type 1). It is worked out in whole numbers, so that a
    count equal to its percentile is found equal.

    ``min_blocks``: without it the history must reach back over all blocks (else SHORT_HISTORY) and
    at least 4 of them must be usable (else TOO_FEW_POINTS); with it only so many must be usable,
    whatever the reason, so that a young series is judged too.

    ``p`` is the chance of a count this high if the blocks tell all: a negative binomial with
    m = max(mean, 1/(2n)) of the n blocks, variance v = max(s², m) * (1 + 1/n) and size m²/(v - m).
    ``score`` is (observed - m) / sqrt(v). Both rank signals far better than the percentile of 15
    numbers can. ValueError for impossible options.

    >>> three_years = [2, 1, 3, 2, 4] * 31 + [2, 9]
    >>> answer = moving_percentile([three_years + [5]], every="week", years=2, percentile=90)
    >>> answer.observed[0, -1], answer.upper[0, -1], answer.alarm[0, -1]
    (np.float64(5.0), np.float64(4.0), np.True_)
    """
    plan = _Plan(every, percentile, years, half, year_days, strict, minimum, min_blocks, definition)
    array = as_counts(counts)
    mask = np.broadcast_to(False if excluded is None else np.asarray(excluded, bool), array.shape)
    answer = Detection.blank(array.shape, at_upper=not strict)
    for rows in in_blocks(array.shape):
        plan.judge(array[rows], mask[rows], answer.part(rows))
    return answer


def fixed_threshold(counts: ArrayLike, threshold: ArrayLike = 1) -> Detection:
    """CIDARS' fixed threshold: alarm where count >= threshold. With 1, every single case signals.

    ``counts``: (series, time); ``threshold``: in cases, one number or anything that broadcasts to
    the counts, as (series, 1); above 0, else ValueError. ``score`` is count / threshold; there is
    no expectation and no p (NaN). A missing count has no answer.

    >>> fixed_threshold([[0, 1, 0]]).alarm
    array([[False,  True, False]])
    """
    array = as_counts(counts)
    upper = np.broadcast_to(np.asarray(threshold, dtype=np.float64), array.shape).copy()
    if not (upper > 0).all():
        raise ValueError("threshold must be above 0")
    nothing = np.full_like(array, np.nan)
    return Detection(
        observed=array.copy(),
        expected=nothing,
        upper=upper,
        p=nothing.copy(),
        score=array / upper,
        alarm=array >= upper,
        flags=np.isnan(array).astype(np.uint8),  # MISSING_NOW is 1
        at_upper=True,
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    every: Every
    percentile: float
    years: int
    half: int
    year_days: int
    strict: bool
    minimum: float
    min_blocks: int | None
    definition: Definition

    def __post_init__(self) -> None:
        problems = {
            'every must be "day" or "week"': self.every not in get_args(Every),
            "percentile must lie between 0 and 100": not 0 <= self.percentile <= 100,
            "years must be at least 1": self.years < 1,
            "half must lie between 0 and 25": not 0 <= self.half <= 25,
            "year_days must be 364 or 365": self.year_days not in (364, 365),
            "minimum must be 0 or more": not self.minimum >= 0,
            f"definition must be one of {', '.join(get_args(Definition))}": self.definition
            not in get_args(Definition),
            "min_blocks must be at least 1 and at most years * (2 * half + 1)": not (
                self.min_blocks is None or 1 <= self.min_blocks <= len(self.lags)
            ),
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)

    @property
    def lags(self) -> list[int]:
        """How far back each block ends, in steps of the series."""
        year, period = (self.year_days, WEEK) if self.every == "day" else (52, 1)
        around = range(-self.half, self.half + 1)
        return [year * back - period * k for back in range(1, self.years + 1) for k in around]

    @property
    def complete(self) -> int:
        """The first index whose blocks all lie inside the series."""
        return max(self.lags) + (WEEK - 1 if self.every == "day" else 0)

    @property
    def needed(self) -> int:
        return self.min_blocks or min(FEWEST_BLOCKS, len(self.lags))

    def judge(self, counts: Floats, excluded: NDArray[np.bool_], answer: Detection) -> None:
        current = self._periods(counts)
        usable = self._periods(np.where(excluded, np.nan, counts)) if excluded.any() else current
        before = np.full((len(counts), max(self.lags)), np.nan)
        padded = np.concatenate([before, usable], axis=1)

        time = counts.shape[1]
        first = min(self.complete, time) if self.min_blocks is None else 0
        answer.observed[:] = current
        mark(answer.flags, np.isnan(current), Flag.MISSING_NOW)
        mark(answer.flags[:, :first], np.True_, Flag.SHORT_HISTORY)
        # Each cell has fifteen or more blocks, so the cells are cut once more to stay in the cache.
        step = max(1, CELLS // 4 // max(len(counts), 1))
        for start in range(first, time, step):
            here = slice(start, min(start + step, time))
            stacked = np.stack([padded[:, _back(here, lag, before.shape[1])] for lag in self.lags])
            self._judge_by(stacked, answer, here)
        answer.alarm[:] &= current >= self.minimum

    def _judge_by(self, blocks: Floats, answer: Detection, here: slice) -> None:
        """Fill the columns ``here`` from their blocks, shape (blocks, series, columns)."""
        current = answer.observed[:, here]
        mean, variance, points = _moments(blocks)
        few = points < self.needed
        mean[few] = np.nan
        centre = np.maximum(mean, 0.5 / np.maximum(points, 1))
        spread = np.maximum(variance, centre) * (1 + 1 / np.maximum(points, 1))
        upper = self._percentiles(blocks, points)
        upper[few] = np.nan
        over = (current > upper) if self.strict else (current >= upper)

        answer.expected[:, here] = mean
        answer.upper[:, here] = upper
        answer.p[:, here] = upper_tail(current, centre, spread / centre)
        answer.score[:, here] = (current - centre) / np.sqrt(spread)
        answer.alarm[:, here] = over
        flags = answer.flags[:, here]
        young = np.arange(here.start, here.stop) < self.complete
        mark(flags, over & (current < self.minimum), Flag.BELOW_MINIMUM)
        mark(flags, few & young, Flag.SHORT_HISTORY)
        mark(flags, few & ~young, Flag.TOO_FEW_POINTS)

    def _percentiles(self, blocks: Floats, points: NDArray[np.int64]) -> Floats:
        """The percentile of the known blocks, exact where it falls on a whole number."""
        ranked = np.sort(blocks, axis=0)  # missing blocks go last
        below, above, numerator, denominator = _ranks(self.percentile, self.definition, len(blocks))
        if (points == len(blocks)).all():
            low, high = ranked[below[-1]], ranked[above[-1]]
            share, whole = numerator[-1], denominator[-1]
        else:
            low = np.take_along_axis(ranked, below[points][np.newaxis], axis=0)[0]
            high = np.take_along_axis(ranked, above[points][np.newaxis], axis=0)[0]
            share, whole = numerator[points], denominator[points]
        upper: Floats = (low * (whole - share) + high * share) / whole
        return upper

    def _periods(self, counts: Floats) -> Floats:
        """Counts of the week, or of the last 7 days (NaN where one of them is missing)."""
        if self.every == "week":
            return counts
        sums = np.full_like(counts, np.nan)
        width = max(counts.shape[1] - (WEEK - 1), 0)
        sums[:, WEEK - 1 :] = sum(
            (counts[:, day : day + width] for day in range(WEEK)), np.zeros((1, width))
        )
        return sums


@cache
def _ranks(percentile: float, definition: Definition, blocks: int) -> NDArray[np.int64]:
    """:func:`_rank` for 0 to ``blocks`` known numbers, shape (4, blocks + 1)."""
    share = (Fraction(str(percentile)) / 100).limit_denominator(1_000_000)
    ranks = [_rank(n, share, definition) for n in range(blocks + 1)]
    return np.array(ranks, dtype=np.int64).T


def _rank(n: int, share: Fraction, definition: Definition) -> tuple[int, int, int, int]:
    """Between which two of n ranked numbers the percentile lies, and how far, as a fraction."""
    position = {
        "linear": (n - 1) * share,
        "weibull": (n + 1) * share - 1,
        "inverted_cdf": Fraction(ceil(n * share) - 1),
    }[definition]
    position = max(min(position, Fraction(n - 1)), Fraction(0))
    below = floor(position)
    rest = position - below
    return below, max(min(below + 1, n - 1), 0), rest.numerator, rest.denominator


def _back(here: slice, lag: int, padding: int) -> slice:
    return slice(padding + here.start - lag, padding + here.stop - lag)


def _moments(blocks: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean, variance (divisor n - 1; 0 for one block) and number of the known blocks."""
    known = ~np.isnan(blocks)
    points = known.sum(axis=0, dtype=np.int64)
    if known.all():
        mean: Floats = blocks.sum(axis=0) / len(blocks)
        squares: Floats = ((blocks - mean) ** 2).sum(axis=0)
    else:
        mean = blocks.sum(axis=0, where=known) / np.maximum(points, 1)
        squares = ((blocks - mean) ** 2).sum(axis=0, where=known)
    return mean, squares / np.maximum(points - 1, 1), points
