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
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from epistat.calendar import Columns, Shape, baselines, side_by_side
from epistat.result import (
    CELLS,
    Detection,
    Flag,
    Floats,
    as_counts,
    keep_freed_memory,
    mark,
    slidings,
)
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
MOST_ENTRIES = 200_000  # of a table that is kept
EXACT_SUM = 2.0**53


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
        later = _Later(self)
        answer = self._empty((series, time - first), later if judge == self.bayes else None)
        answer.observed[:] = judged[:, first:]
        short = np.ones(time - first, np.bool_)
        for lags, columns in self._sets(time, first, dates):
            short[columns - first] = False
            step = max(1, CELLS // max(len(columns), 1))
            for start in range(0, series, step):
                rows = slice(start, start + step)
                some = judged[rows]
                highest = float(some.max(initial=0.0))  # NaN if one is missing
                history = _Set(
                    some, lags, columns, self._needed(len(lags)), highest == highest,
                    _whole(some, highest),
                )  # fmt: skip
                with np.errstate(divide="ignore", invalid="ignore"):
                    part = judge(history)
                    to = side_by_side(columns - first)
                    few = _fill(answer, rows, to, part, history)
                if part.total is not None:
                    later.parts.append(_Part(rows, to, part.total, part.points, few))
        if short.any():
            silent = side_by_side(np.flatnonzero(short))
            for numbers in (answer.expected, answer.upper):
                numbers[:, silent] = np.nan
            flags = answer.flags[:, silent]
            mark(flags, np.isnan(answer.observed[:, silent]), Flag.MISSING_NOW)
            mark(flags, np.True_, Flag.SHORT_HISTORY)
            answer.flags[:, silent] = flags
        return answer

    def _empty(self, shape: tuple[int, ...], later: "_Later | None") -> Detection:
        """To be filled in every column that has a history."""
        if later is None:
            return Detection.blank(shape)
        observed, expected, upper = (np.empty(shape) for _ in range(3))
        alarm, flags = np.zeros(shape, np.bool_), np.zeros(shape, np.uint8)
        return Detection.lazy(
            observed=observed, expected=expected, upper=upper, alarm=alarm, flags=flags,
            p=later.p, score=later.score,
        )  # fmt: skip

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
        """Without p and score: see :class:`_Later`."""
        total, points = history.sums()
        now = history.now
        if isinstance(points, float) and history.whole:
            uppers = _law(self.alpha, points).table(float(total.max(initial=0.0)))
            if uppers is not None:
                upper = uppers.take(total.astype(np.intp))
                mean = total + 0.5
                mean /= points
                return _Answer(mean, upper, None, None, now > upper, points, total=total)
        points = points * np.ones_like(total)
        mean = (total + 0.5) / points
        mean[points == 0] = np.nan
        upper = np.full_like(mean, np.nan)
        for n in np.unique(points[points > 0]):
            some = points == n
            upper[some] = _by_distinct(_law(self.alpha, float(n)).upper, total[some])
        return _Answer(mean, upper, None, None, now > upper, points, total=total)

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
        return _Answer(mean, upper, tail, score, now > upper, points, flat)

    def cdc(self, history: "_Set") -> "_Answer":
        mean, sd, points = history.moments()
        sd = sd * np.sqrt(1 + 1 / np.maximum(points, 1))
        now = history.now
        upper = mean - float(ndtri(self.alpha / 2)) * sd
        score = (now - mean) / sd
        flat = sd == 0
        score[flat & (now == mean)] = 0.0
        return _Answer(mean, upper, ndtr(-score), score, now > upper, points, flat)


@dataclass(slots=True, eq=False)
class _Predictive:
    """What n weeks of so many cases together let expect of one more.

    The limits of whole numbers are kept in a table, which grows as it is needed.
    """

    alpha: float
    n: float
    uppers: Floats = field(default_factory=lambda: np.empty(0))

    def table(self, most: float) -> Floats | None:
        """The limits of 0 … ``most`` cases together and more; None of very many.

        Threads share it: each takes the table that it looked at, or the longer one that it made.
        """
        known = self.uppers
        if most < len(known):
            return known
        if most > MOST_ENTRIES:
            return None
        longer = self.uppers = self.upper(np.arange(most + most // 4 + 16))
        return longer

    def upper(self, total: Floats) -> Floats:
        return upper_quantile(self.alpha, (total + 0.5) / self.n, 1 + 1 / self.n)

    def tail(self, total: Floats, now: Floats) -> Floats:
        return upper_tail(now, (total + 0.5) / self.n, 1 + 1 / self.n)


@lru_cache(maxsize=32)
def _law(alpha: float, n: float) -> _Predictive:
    """Kept, because the series of one week after another ask for the same limits."""
    return _Predictive(alpha, n)


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    expected: Floats
    upper: Floats
    p: Floats | None
    score: Floats | None
    alarm: NDArray[np.bool_]
    points: Floats | float  # known counts of the history; one number if all are
    flat: NDArray[np.bool_] | None = None
    total: Floats | None = None  # of the history, where p and score wait until they are asked for


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What p and score of some cells rest on."""

    rows: slice
    columns: "slice | Columns"
    total: Floats
    points: Floats | float
    few: NDArray[np.bool_] | None  # cells without an answer


@dataclass(slots=True, eq=False)
class _Later:
    """p and score of :func:`bayes`, for when they are asked for."""

    plan: _Plan
    parts: list[_Part] = field(default_factory=list)

    def p(self, answer: Detection) -> Floats:
        p = np.full(answer.observed.shape, np.nan)
        for part in self.parts:
            now = answer.observed[part.rows, part.columns]
            found = np.full(now.shape, np.nan)
            for n in np.unique(part.points):
                some = np.broadcast_to(part.points == n, now.shape)
                if n > 0:
                    tail = _law(self.plan.alpha, float(n)).tail
                    found[some] = _by_distinct(tail, part.total[some], now[some])
            if part.few is not None:
                found[part.few] = np.nan
            p[part.rows, part.columns] = found
        return p

    def score(self, answer: Detection) -> Floats:
        score = answer.observed - answer.expected
        for part in self.parts:
            mean = answer.expected[part.rows, part.columns]
            with np.errstate(divide="ignore", invalid="ignore"):
                sharp = 1 / np.sqrt(mean * (1 + 1 / np.asarray(part.points)))
            score[part.rows, part.columns] *= sharp
        return score


@dataclass(frozen=True, slots=True, eq=False)
class _Set:
    """The history of some columns of a few series."""

    counts: Floats
    lags: list[int]
    columns: Columns
    needed: int
    all_known: bool
    whole: bool  # all counts are whole, and their sums exact

    @property
    def now(self) -> Floats:
        return self._at(0)

    def _at(self, lag: int, values: Floats | None = None) -> Floats:
        values = self.counts if values is None else values
        columns = side_by_side(self.columns + lag)
        return values[:, columns]

    def sums(self) -> tuple[Floats, Floats | float]:
        """Sum and number of the known counts; one number where all are known.

        Sums of whole numbers are exact in any order, so that runs of weeks are summed once.
        """
        if self.all_known:
            if self.whole:
                return self._by_runs(), float(len(self.lags))
            total = np.zeros((len(self.counts), len(self.columns)))
            for lag in self.lags:
                total += self._at(lag)
            return total, float(len(self.lags))
        total = np.zeros((len(self.counts), len(self.columns)))
        points = np.zeros_like(total)
        for lag in self.lags:
            part = self._at(lag)
            known = ~np.isnan(part)
            total += np.where(known, part, 0.0)
            points += known
        return total, points

    def _by_runs(self) -> Floats:
        """Sums over the runs of lags, those of one length together."""
        found = runs(self.lags)
        sums = slidings(self.counts, sorted({last - first + 1 for first, last in found}))
        total: Floats | None = None
        for first, last in found:
            part = self._at(first, sums[last - first + 1])
            total = part if total is None else total + part
        return total if total is not None else np.zeros((len(self.counts), len(self.columns)))

    def moments(self) -> tuple[Floats, Floats, Floats]:
        """Mean, standard deviation (divisor n - 1; 0 for one count) and number of known counts.

        In two passes, so that large counts lose no digits.
        """
        total, points = self.sums()
        points = points * np.ones_like(total)
        mean = total / points
        squares = np.zeros_like(mean)
        for lag in self.lags:
            apart = self._at(lag) - mean
            apart *= apart
            squares += apart if self.all_known else np.where(np.isnan(apart), 0.0, apart)
        return mean, np.sqrt(squares / np.maximum(points - 1, 1)), points


def _fill(
    answer: Detection, rows: slice, to: slice | Columns, part: _Answer, history: _Set
) -> NDArray[np.bool_] | None:
    """Into these cells; and which of them have no answer, if any."""
    names = [name for name in ("expected", "upper", "p", "score")
             if getattr(part, name) is not None]  # fmt: skip
    if history.all_known and isinstance(part.points, float) and part.points >= history.needed:
        for name in names:
            getattr(answer, name)[rows, to] = getattr(part, name)
        answer.alarm[rows, to] = part.alarm
        if part.flat is not None:
            flags = answer.flags[rows, to]
            mark(flags, part.flat, Flag.FLAT_HISTORY)
            answer.flags[rows, to] = flags
        return None
    few = np.broadcast_to(part.points < history.needed, part.alarm.shape)
    missing = np.isnan(history.now)
    for name in names:
        values = np.where(few, np.nan, getattr(part, name))
        if name in ("p", "score"):
            values[missing] = np.nan
        getattr(answer, name)[rows, to] = values
    answer.alarm[rows, to] = part.alarm & ~few
    flags = answer.flags[rows, to]
    mark(flags, missing, Flag.MISSING_NOW)
    mark(flags, few, Flag.TOO_FEW_POINTS)
    if part.flat is not None:
        mark(flags, part.flat & ~few, Flag.FLAT_HISTORY)
    answer.flags[rows, to] = flags
    return few


def runs(lags: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of lags that follow one another.

    >>> runs([-3, -2, -1, -53, -52])
    [(-53, -52), (-3, -1)]
    """
    found: list[tuple[int, int]] = []
    for lag in sorted(lags):
        if found and found[-1][1] == lag - 1:
            found[-1] = found[-1][0], lag
        else:
            found.append((lag, lag))
    return found


def _whole(counts: Floats, highest: float) -> bool:
    """Whether all are whole, and no sum too large to be exact; False if one is missing."""
    if not highest * counts.shape[1] <= EXACT_SUM:
        return False
    return bool((counts == np.rint(counts)).all())


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
