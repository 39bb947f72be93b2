"""Bayes, RKI and CDC: thresholds from a handful of earlier weeks, without a regression.

Sources: Riebler A. Empirischer Vergleich von statistischen Methoden zur Ausbruchserkennung bei
Surveillance Daten. Munich 2004 (Bayes). Altmann D. The surveillance system of the Robert Koch
Institute. 2003 (RKI). Stroup DF, Williamson GD, Herndon JL, Karon JM. Detection of aberrations in
the occurrence of notifiable diseases surveillance data. Stat Med 1989;8:323-329 (CDC). All three as
in the R package surveillance.

Bayes and RKI compare a week with the weeks around the same week of ``years`` earlier years and, if
``current``, with the ``half`` weeks just before it:

==========  =======  ======  =========  =========
called in R  years    half    current    first week
==========  =======  ======  =========  =========
bayes1 rki1  0        6       yes        7
bayes2 rki2  1        6       yes        59
bayes3 rki3  2        4       no         109
==========  =======  ======  =========  =========

Missing weeks are left out as long as four are known; with ``compat="R"`` one is enough.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from epistat.calendar import Columns, Shape, baselines
from epistat.result import CELLS, Detection, Flag, Floats, as_counts, keep_freed_memory, mark
from epistat.tails import upper_quantile, upper_tail

Compat = Literal["R"] | None

FEWEST_POINTS = 4
MONTH = 4  # weeks
# Upper limits of RKI for a mean of 0, 1 … 20 cases; above that normal.
RKI_LIMITS = np.array([
    3.285, 5.323, 6.686, 8.102, 9.598, 11.177, 12.817, 13.765, 14.921, 16.768, 17.633, 19.050,
    20.335, 21.364, 22.945, 23.762, 25.400, 26.306, 27.735, 28.966, 30.017,
])  # fmt: skip
RKI_SIGMAS = 2
MOST_PAIRS = 4_000_000  # of a table


def bayes(
    counts: ArrayLike,
    *,
    years: int = 1,
    half: int = 6,
    current: bool = True,
    alpha: float = 0.05,
    year: int = 52,
    dates: ArrayLike | None = None,
    last: int | None = None,
    compat: Compat = None,
) -> Detection:
    """Bayes: alarm above the (1 - alpha) quantile of what the earlier weeks let expect.

    With n earlier weeks of s cases together and Jeffreys' prior, this week's count is negative
    binomial with size s + 1/2 and probability n / (n + 1): mean m = (s + 1/2) / n and variance
    m (n + 1) / n. ``counts``: (series, time); NaN is missing. The other options are told above, and
    in :func:`epistat.farrington_flexible`.

    ``expected`` is m, ``p`` the chance of this count or more, ``score`` the distance from m in
    standard deviations. ValueError for impossible options.

    >>> bayes([[1, 0, 2, 1, 0, 1, 5]], years=0).upper[0, -1]
    np.float64(3.0)
    """
    plan = _Plan(years, half, current, alpha, year, compat)
    return plan.run(counts, dates, last, plan.bayes)


def rki(
    counts: ArrayLike,
    *,
    years: int = 1,
    half: int = 6,
    current: bool = True,
    year: int = 52,
    dates: ArrayLike | None = None,
    last: int | None = None,
    compat: Compat = None,
) -> Detection:
    """RKI: alarm above mean + 2 standard deviations, or a table where the mean is 20 or less.

    The table gives, for the whole part of the mean, the upper end of a Poisson interval. Options as
    for :func:`bayes`. ``score`` is (y - mean) / (upper - mean), above 1 an alarm; ``p`` a Poisson
    tail, above a mean of 20 a normal one: for ranking. FLAT_HISTORY where the mean is above 20 and
    there is no spread.

    >>> rki([[1, 0, 2, 1, 0, 1, 5]], years=0).upper[0, -1]
    np.float64(3.285)
    """
    plan = _Plan(years, half, current, 0.05, year, compat)
    return plan.run(counts, dates, last, plan.rki)


def cdc(
    counts: ArrayLike,
    *,
    years: int = 5,
    around: int = 1,
    alpha: float = 0.001,
    year: int = 52,
    dates: ArrayLike | None = None,
    last: int | None = None,
    compat: Compat = None,
) -> Detection:
    """CDC: are the last four weeks high against the same four and their neighbours in other years?

    The number judged (``observed``) is the sum of the weeks t-3 … t. The history are the sums of
    the same four weeks of each of ``years`` years and of the ``around`` blocks of four weeks before
    and after them. With their mean m and standard deviation s, n of them: alarm where the sum is
    above m + z(1 - alpha / 2) * s * sqrt(1 + 1 / n). ``score`` is (sum - m) / (s * sqrt(1 + 1/n)),
    ``p`` its upper normal tail. A history without spread is FLAT_HISTORY and its score 0 or
    infinite.

    >>> cdc(np.tile([[4, 6, 5]], 90)[:, :268] + np.arange(268) // 267 * 30).alarm[0, -1]
    np.True_
    """
    if around < 0:
        raise ValueError("around must be 0 or more")
    if not 2 * MONTH * around + MONTH <= year:
        raise ValueError("the blocks of two years meet; take a smaller around")
    plan = _Plan(years, 0, False, alpha, year, compat, around, MONTH)
    if years < 1:
        raise ValueError("years must be at least 1")
    return plan.run(counts, dates, last, plan.cdc)


@dataclass(frozen=True, slots=True)
class _Plan:
    years: int
    half: int
    current: bool
    alpha: float
    year: int
    compat: Compat
    around: int = 0
    block: int = 1  # weeks in the number judged

    def __post_init__(self) -> None:
        problems = {
            "years must be 0 or more": self.years < 0,
            "half must be 0 or more": self.half < 0,
            "alpha must lie between 0 and 1": not 0 < self.alpha < 1,
            'compat must be None or "R"': self.compat not in (None, "R"),
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)

    def run(
        self,
        counts: ArrayLike,
        dates: ArrayLike | None,
        last: int | None,
        judge: Callable[["_Set"], "_Answer"],
    ) -> Detection:
        array = as_counts(counts)
        keep_freed_memory()
        judged = _sums_of(array, self.block)
        series, time = array.shape
        first = 0 if last is None else max(time - last, 0)
        answer = Detection.blank((series, time - first))
        answer.observed[:] = judged[:, first:]
        mark(answer.flags, np.isnan(answer.observed), Flag.MISSING_NOW)
        short = np.ones(time - first, np.bool_)
        for lags, columns in self._sets(time, first, dates):
            short[columns - first] = False
            step = max(1, CELLS // max(len(columns), 1))
            for start in range(0, series, step):
                rows = slice(start, start + step)
                history = _Set(judged[rows], lags, columns, self._needed(len(lags)))
                with np.errstate(divide="ignore", invalid="ignore"):
                    _fill(answer, rows, columns - first, judge(history), history)
        mark(answer.flags, short, Flag.SHORT_HISTORY)
        return answer

    def _needed(self, lags: int) -> int:
        return 1 if self.compat == "R" else min(FEWEST_POINTS, lags)

    def _sets(
        self, time: int, first: int, dates: ArrayLike | None
    ) -> Iterator[tuple[list[int], Columns]]:
        recent = list(range(-self.half, 0)) if self.current else []
        if self.years == 0:
            columns = np.arange(max(self.half, first), time, dtype=np.int64)
            if recent and columns.size:
                yield recent, columns
            return
        reach = self.block * self.around
        shape = Shape(self.years, self.half, 1, 0, self.year)
        for base, columns in baselines(shape, time, first, dates):
            if len(base.lags) < self.years * (2 * self.half + 1):
                continue
            blocks = range(-reach, reach + 1, self.block)
            lags = [int(lag) + block for lag in base.lags for block in blocks]
            columns = columns[columns + min(lags) - (self.block - 1) >= 0]
            if columns.size:
                yield lags + recent, columns

    def bayes(self, history: "_Set") -> "_Answer":
        total, points = history.sums()
        mean = (total + 0.5) / points
        ratio = 1 + 1 / points
        mean[points == 0] = np.nan
        now = history.now
        upper = np.full_like(mean, np.nan)
        p = np.full_like(mean, np.nan)
        for n in np.unique(points[points > 0]):
            some = points == n
            law = _Predictive(self.alpha, float(n))
            upper[some] = _by_distinct(law.upper, total[some])
            p[some] = _by_distinct(law.tail, total[some], now[some])
        return _Answer(mean, upper, p, (now - mean) / np.sqrt(mean * ratio), now > upper)

    def rki(self, history: "_Set") -> "_Answer":
        mean, sd, points = history.moments()
        common = mean > len(RKI_LIMITS) - 1
        whole = np.where(common | np.isnan(mean), 0, mean).astype(np.int64)
        upper = np.where(common, mean + RKI_SIGMAS * sd, RKI_LIMITS[whole])
        upper[np.isnan(mean)] = np.nan
        now = history.now
        score = (now - mean) / (upper - mean)
        flat = common & (sd == 0)
        score[flat & (now == mean)] = 0.0
        least = np.maximum(mean, 0.5 / np.maximum(points, 1))
        tail = np.where(common, ndtr((mean - now) / sd), upper_tail(now, least))
        tail[flat] = np.where(now > mean, 0.0, 1.0)[flat]
        return _Answer(mean, upper, tail, score, now > upper, flat)

    def cdc(self, history: "_Set") -> "_Answer":
        mean, sd, points = history.moments()
        sd = sd * np.sqrt(1 + 1 / np.maximum(points, 1))
        now = history.now
        upper = mean - float(ndtri(self.alpha / 2)) * sd
        score = (now - mean) / sd
        flat = sd == 0
        score[flat & (now == mean)] = 0.0
        return _Answer(mean, upper, ndtr(-score), score, now > upper, flat)


@dataclass(frozen=True, slots=True)
class _Predictive:
    """What n weeks of so many cases together let expect of one more."""

    alpha: float
    n: float

    def upper(self, total: Floats) -> Floats:
        return upper_quantile(self.alpha, (total + 0.5) / self.n, 1 + 1 / self.n)

    def tail(self, total: Floats, now: Floats) -> Floats:
        return upper_tail(now, (total + 0.5) / self.n, 1 + 1 / self.n)


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    expected: Floats
    upper: Floats
    p: Floats
    score: Floats
    alarm: NDArray[np.bool_]
    flat: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Set:
    """The history of some columns of a few series."""

    counts: Floats
    lags: list[int]
    columns: Columns
    needed: int

    @property
    def now(self) -> Floats:
        return self._at(0)

    def _at(self, lag: int) -> Floats:
        start, stop = int(self.columns[0]), int(self.columns[-1]) + 1
        if stop - start == len(self.columns):
            return self.counts[:, start + lag : stop + lag]
        return self.counts[:, self.columns + lag]

    def sums(self) -> tuple[Floats, Floats]:
        """Sum and number of the known counts."""
        total = np.zeros((len(self.counts), len(self.columns)))
        if not np.isnan(self.counts).any():
            for lag in self.lags:
                total += self._at(lag)
            return total, np.full_like(total, len(self.lags))
        points = np.zeros_like(total)
        for lag in self.lags:
            part = self._at(lag)
            known = ~np.isnan(part)
            total += np.where(known, part, 0.0)
            points += known
        return total, points

    def moments(self) -> tuple[Floats, Floats, Floats]:
        """Mean, standard deviation (divisor n - 1; 0 for one count) and number of known counts.

        In two passes, so that large counts lose no digits.
        """
        total, points = self.sums()
        mean = total / points
        squares = np.zeros_like(mean)
        for lag in self.lags:
            apart = self._at(lag) - mean
            squares += np.where(np.isnan(apart), 0.0, apart * apart)
        return mean, np.sqrt(squares / np.maximum(points - 1, 1)), points


def _fill(answer: Detection, rows: slice, to: Columns, part: _Answer, history: _Set) -> None:
    _, points = history.sums()
    few = points < history.needed
    missing = np.isnan(history.now)
    for name in ("expected", "upper", "p", "score"):
        values = np.where(few, np.nan, getattr(part, name))
        if name in ("p", "score"):
            values[missing] = np.nan
        getattr(answer, name)[rows, to] = values
    answer.alarm[rows, to] = part.alarm & ~few
    flags = answer.flags[rows, to]
    mark(flags, few, Flag.TOO_FEW_POINTS)
    if part.flat is not None:
        mark(flags, part.flat & ~few, Flag.FLAT_HISTORY)
    answer.flags[rows, to] = flags


def _sums_of(counts: Floats, block: int) -> Floats:
    """Sums of the ``block`` weeks that end with each week; NaN where one of them is missing."""
    if block == 1:
        return counts
    sums = np.full_like(counts, np.nan)
    width = max(counts.shape[1] - (block - 1), 0)
    sums[:, block - 1 :] = sum(
        (counts[:, week : week + width] for week in range(block)), np.zeros((1, width))
    )
    return sums


def _by_distinct(answer: Callable[..., Floats], *numbers: Floats) -> Floats:
    """``answer`` of whole numbers (NaN allowed), worked out once for each distinct pair."""
    known = ~np.isnan(numbers[-1])
    result = np.full(numbers[0].shape, np.nan)
    if not known.any():
        return result
    parts = [part[known] for part in numbers]
    sizes = [int(part.max()) + 1 for part in parts]
    whole = all(not (part % 1).any() for part in parts)
    if not whole or np.prod([float(size) for size in sizes]) > MOST_PAIRS:
        result[known] = answer(*parts)
        return result
    key = np.zeros(len(parts[0]), np.int64)
    for part, size in zip(parts, sizes, strict=True):
        key = key * size + part.astype(np.int64)
    there = np.zeros(int(np.prod(sizes)), np.bool_)
    there[key] = True
    distinct = np.flatnonzero(there)
    values = np.unravel_index(distinct, sizes)
    looked_up = np.empty(len(there))
    looked_up[distinct] = answer(*(part.astype(np.float64) for part in values))
    result[known] = looked_up[key]
    return result
