"""CIDARS: the moving percentile (移动百分位数法) and the fixed threshold (固定阈值法).

The two methods of China's national automated early-warning system (国家传染病自动预警系统),
which runs them for every county and disease. Sources: the reports on the first years of CIDARS
(2008-2010), its 2006 pilot, and Sun and others 2011 on percentiles by disease. The papers leave
choices open, and disagree on some; here each is an option with a stated default:

=====================  ============================================  ===============================
choice                 option                                        default
=====================  ============================================  ===============================
a year ago             ``dates``: by the calendar                    without dates 52 weeks, or 364
                       ``year_days`` 364 or 365, if by day           days: slips by a week or so in
                                                                     six years
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

from epistat.calendar import Columns, same_days, side_by_side
from epistat.result import CELLS, Detection, Flag, Floats, as_counts, in_blocks, mark
from epistat.tails import upper_tail

WEEK = 7
FEWEST_BLOCKS = 4

Every = Literal["day", "week", "month"]
ROWS: dict[Every, int] = {"day": 364, "week": 52, "month": 12}  # of a year without dates
Definition = Literal["linear", "weibull", "inverted_cdf"]


def moving_percentile(
    counts: ArrayLike,
    *,
    every: Every,
    percentile: float = 80,
    years: int = 3,
    half: int = 2,
    year_days: Literal[364, 365] | None = None,
    strict: bool = True,
    minimum: float = 1,
    excluded: ArrayLike | None = None,
    min_blocks: int | None = None,
    definition: Definition = "linear",
    year: int | None = None,
    dates: ArrayLike | None = None,
    last: int | None = None,
) -> Detection:
    """CIDARS' moving percentile: is this week high for the season?

    ``counts``: (series, time), cases per day, week or month as ``every`` says; NaN is missing.
    The number judged (``observed``) is the count of the week or month, or of the last 7 days
    t-6 … t, anew every day. The history are (2 * half + 1) * years blocks of the same length: the
    same period one to ``years`` years ago and ``half`` periods before and after it. ``upper`` is
    their percentile, ``expected`` their mean.

    ``dates``: (time,), one a column, days or weeks apart as ``every`` says. With them a year ago is
    the same day of that year, or the nearest day with the same day of the week, as for the other
    seasonal methods: 52 or 53 weeks. ``year_days`` says instead that it is so many days in daily
    counts, whatever the dates, and ``year`` that it is so many weeks or other rows. Months have no
    dates. ``last``: judge the last columns only; the answer has no others.

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
    plan = _Plan(
        every, percentile, years, half, year_days, year, strict, minimum, min_blocks,
        definition,
    )  # fmt: skip
    array = as_counts(counts)
    series, time = array.shape
    first = 0 if last is None else max(time - last, 0)
    mask = np.broadcast_to(False if excluded is None else np.asarray(excluded, bool), array.shape)
    pasts = plan.pasts(time, first, dates)
    answer = Detection.blank((series, time - first), at_upper=not strict)
    for rows in in_blocks(array.shape):
        plan.judge(array[rows], mask[rows], answer.part(rows), pasts)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Columns whose blocks end the same number of steps before them."""

    lags: list[int]
    columns: Columns
    complete: bool  # all blocks lie inside the series


@dataclass(frozen=True, slots=True)
class _Plan:
    every: Every
    percentile: float
    years: int
    half: int
    year_days: int | None
    year: int | None
    strict: bool
    minimum: float
    min_blocks: int | None
    definition: Definition

    def __post_init__(self) -> None:
        problems = {
            'every must be "day", "week" or "month"': self.every not in get_args(Every),
            "percentile must lie between 0 and 100": not 0 <= self.percentile <= 100,
            "years must be at least 1": self.years < 1,
            "half must lie between 0 and 25": not 0 <= self.half <= 25,
            "year is for weeks and months; days have year_days": self.every == "day"
            and self.year is not None,
            "year must be at least 2 and a whole number": not (
                self.year is None or (self.year >= 2 and self.year == int(self.year))
            ),
            "the blocks of two years meet; take a smaller half": self.every != "day"
            and 2 * self.half + 1 > (self.year or ROWS.get(self.every, 52)),
            "year_days must be 364 or 365": self.year_days not in (None, 364, 365),
            "minimum must be 0 or more": not self.minimum >= 0,
            f"definition must be one of {', '.join(get_args(Definition))}": self.definition
            not in get_args(Definition),
            "min_blocks must be at least 1 and at most years * (2 * half + 1)": not (
                self.min_blocks is None or 1 <= self.min_blocks <= self.blocks
            ),
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)

    @property
    def by_calendar(self) -> bool:
        return self.year is None and (self.every == "week" or self.year_days is None)

    @property
    def blocks(self) -> int:
        return self.years * (2 * self.half + 1)

    @property
    def needed(self) -> int:
        return self.min_blocks or min(FEWEST_BLOCKS, self.blocks)

    def pasts(self, time: int, first: int, dates: ArrayLike | None) -> list[_Past]:
        """The columns from ``first`` on, those with the same past together."""
        columns = np.arange(first, time, dtype=np.int64)
        period, length = (WEEK, WEEK) if self.every == "day" else (1, 1)
        if dates is not None and self.by_calendar:
            _refuse_dates(dates, self.every)
            back = columns[:, np.newaxis] - same_days(dates, time, columns, self.years)
        else:
            year = self.year or (self.every == "day" and self.year_days) or ROWS[self.every]
            back = np.broadcast_to(year * np.arange(1, self.years + 1), (len(columns), self.years))
        around = period * np.arange(-self.half, self.half + 1)
        # The blocks of the oldest year begin first.
        complete = columns - back[:, -1] + around[0] - (length - 1) >= 0
        keys, kinds = np.unique(np.column_stack([complete, back]), axis=0, return_inverse=True)
        return [
            _Past(
                [int(ago - k) for ago in key[1:] for k in around],
                columns[kinds.ravel() == kind],
                bool(key[0]),
            )
            for kind, key in enumerate(keys)
        ]

    def judge(
        self, counts: Floats, excluded: NDArray[np.bool_], answer: Detection, pasts: list[_Past]
    ) -> None:
        time = counts.shape[1]
        first = time - answer.observed.shape[1]
        current = self._periods(counts)
        usable = self._periods(np.where(excluded, np.nan, counts)) if excluded.any() else current
        longest = max((max(past.lags) for past in pasts), default=0)
        padded = np.concatenate([np.full((len(counts), longest), np.nan), usable], axis=1)

        answer.observed[:] = current[:, first:]
        mark(answer.flags, np.isnan(answer.observed), Flag.MISSING_NOW)
        # Each cell has fifteen or more blocks, so the cells are cut once more to stay in the cache.
        step = max(1, CELLS // 4 // max(len(counts), 1))
        for past in pasts:
            if not past.complete and self.min_blocks is None:
                short = answer.flags[:, past.columns - first]
                mark(short, np.True_, Flag.SHORT_HISTORY)
                answer.flags[:, past.columns - first] = short
                continue
            for start in range(0, len(past.columns), step):
                here = past.columns[start : start + step]
                blocks = [padded[:, side_by_side(longest + here - lag)] for lag in past.lags]
                to = side_by_side(here - first)
                self._judge_by(np.stack(blocks), answer, to, complete=past.complete)
        answer.alarm[:] &= answer.observed >= self.minimum

    def _judge_by(
        self, blocks: Floats, answer: Detection, here: slice | Columns, *, complete: bool
    ) -> None:
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
        mark(flags, over & (current < self.minimum), Flag.BELOW_MINIMUM)
        mark(flags, few, Flag.TOO_FEW_POINTS if complete else Flag.SHORT_HISTORY)
        answer.flags[:, here] = flags

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
        if self.every != "day":
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


def _refuse_dates(dates: ArrayLike, every: Every) -> None:
    if every == "month":
        raise ValueError("months are compared without dates; leave them out")
    days = np.asarray(dates, dtype="datetime64[D]")
    apart = np.timedelta64(WEEK if every == "week" else 1, "D")
    if days.ndim == 1 and (np.diff(days) != apart).any():
        raise ValueError(f'dates must be one {every} apart where every is "{every}"')


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
