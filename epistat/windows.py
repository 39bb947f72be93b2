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
from typing import Any, Literal

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
MOST_ENTRIES = 2_000_000  # of a table that is kept
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
    laws: dict[float, "_Predictive"] = field(default_factory=dict, compare=False)

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
                some = judged[rows]
                known = not np.isnan(some).any()
                history = _Set(
                    some, lags, columns, self._needed(len(lags)), known, known and _whole(some)
                )
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
        now = history.now
        if isinstance(points, float) and history.whole:
            law = self._law(points)
            if law.covers(total, now):
                return law.looked_up(total, now, points)
        points = points * np.ones_like(total)
        mean = (total + 0.5) / points
        ratio = 1 + 1 / points
        mean[points == 0] = np.nan
        upper = np.full_like(mean, np.nan)
        p = np.full_like(mean, np.nan)
        for n in np.unique(points[points > 0]):
            some = points == n
            law = self._law(float(n))
            upper[some] = _by_distinct(law.upper, total[some])
            p[some] = _by_distinct(law.tail, total[some], now[some])
        score = now - mean
        score *= 1 / np.sqrt(mean * ratio)
        return _Answer(mean, upper, p, score, now > upper, points)

    def _law(self, n: float) -> "_Predictive":
        if n not in self.laws:
            self.laws[n] = _Predictive(self.alpha, n)
        return self.laws[n]

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

    Of whole numbers the answers are kept in tables, (cases together) and (cases together, count),
    that grow as they are needed.
    """

    alpha: float
    n: float
    uppers: Floats = field(default_factory=lambda: np.empty(0))
    tails: Floats = field(default_factory=lambda: np.empty((0, 0)))
    means: Floats = field(default_factory=lambda: np.empty(0))
    sharpness: Floats = field(default_factory=lambda: np.empty(0))  # 1 / sd

    def covers(self, total: Floats, now: Floats) -> bool:
        """Whether the tables reach so far, after they have grown."""
        most, highest = total.max(initial=0), now.max(initial=0)
        rows, columns = self.tails.shape
        if most < rows and highest < columns:
            return True
        if (most + 1) * (highest + 1) > MOST_ENTRIES:
            return False
        rows = max(rows, int(most + most // 4) + 16)
        columns = max(columns, int(highest + highest // 4) + 16)
        if rows * columns > 4 * MOST_ENTRIES:
            return False
        self._grow(rows, columns)
        return True

    def _grow(self, rows: int, columns: int) -> None:
        tails = np.full((rows, columns), np.nan)
        tails[: self.tails.shape[0], : self.tails.shape[1]] = self.tails
        total = np.arange(rows, dtype=np.float64)
        self.tails, self.uppers = tails, self.upper(total)
        self.means, self.sharpness = self.mean(total), self.sharp(total)

    def looked_up(self, total: Floats, now: Floats, points: float) -> "_Answer":
        """For totals and counts that the tables cover. A tail is worked out when it is first met:

        the number is the same whatever else is in the table.
        """
        s = total.astype(np.intp)
        mean, upper = self.means.take(s), self.uppers.take(s)
        score = now - mean
        score *= self.sharpness.take(s)
        alarm = now > upper
        s *= self.tails.shape[1]
        s += now.astype(np.intp)
        p = self.tails.take(s)
        new = np.isnan(p)
        if new.any():
            keys = s[new]
            distinct = np.unique(keys)
            of, count = np.divmod(distinct, self.tails.shape[1])
            self.tails.put(distinct, self.tail(of.astype(np.float64), count.astype(np.float64)))
            p[new] = self.tails.take(keys)
        return _Answer(mean, upper, p, score, alarm, points)

    def mean(self, total: Floats) -> Floats:
        return (total + 0.5) / self.n

    def sharp(self, total: Floats) -> Floats:
        sharp: Floats = 1 / np.sqrt(self.mean(total) * (1 + 1 / self.n))
        return sharp

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
    points: Floats | float  # known counts of the history; one number if all are
    flat: NDArray[np.bool_] | None = None


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
        start, stop = int(self.columns[0]), int(self.columns[-1]) + 1
        if stop - start == len(self.columns):
            return values[:, start + lag : stop + lag]
        return values[:, self.columns + lag]

    def sums(self) -> tuple[Floats, Floats | float]:
        """Sum and number of the known counts; one number where all are known.

        Whole numbers are added up along the series once and subtracted, which loses nothing.
        """
        if self.all_known:
            if self.whole:
                return self._by_running_sums(), float(len(self.lags))
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

    def _by_running_sums(self) -> Floats:
        sums = np.zeros((len(self.counts), self.counts.shape[1] + 1))
        np.cumsum(self.counts, axis=1, out=sums[:, 1:])
        total: Floats | None = None
        for first, last in runs(self.lags):
            part = self._at(last + 1, sums) - self._at(first, sums)
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


def _fill(answer: Detection, rows: slice, to: Columns, part: _Answer, history: _Set) -> None:
    names = ("expected", "upper", "p", "score")
    to_columns: Any = slice(int(to[0]), int(to[-1]) + 1) if _next_to_each_other(to) else to
    if history.all_known and isinstance(part.points, float) and part.points >= history.needed:
        for name in names:
            getattr(answer, name)[rows, to_columns] = getattr(part, name)
        answer.alarm[rows, to_columns] = part.alarm
        if part.flat is not None:
            flags = answer.flags[rows, to_columns]
            mark(flags, part.flat, Flag.FLAT_HISTORY)
            answer.flags[rows, to_columns] = flags
        return
    few = np.asarray(part.points < history.needed)
    missing = np.isnan(history.now)
    for name in names:
        values = np.where(few, np.nan, getattr(part, name))
        if name in ("p", "score"):
            values[missing] = np.nan
        getattr(answer, name)[rows, to_columns] = values
    answer.alarm[rows, to_columns] = part.alarm & ~few
    flags = answer.flags[rows, to_columns]
    mark(flags, few, Flag.TOO_FEW_POINTS)
    if part.flat is not None:
        mark(flags, part.flat & ~few, Flag.FLAT_HISTORY)
    answer.flags[rows, to_columns] = flags


def _next_to_each_other(columns: Columns) -> bool:
    return bool(columns[-1] - columns[0] + 1 == len(columns))


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


def _whole(counts: Floats) -> bool:
    """Whether all are whole, and no sum of theirs too large to be exact."""
    if counts.max(initial=0.0) * counts.shape[1] > EXACT_SUM:
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
