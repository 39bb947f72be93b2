"""EARS C1, C2 and C3: has today left the range of the last days?

Source: Hutwagner L, Thompson W, Seeman GM, Treadwell T. The bioterrorism preparedness and response
Early Aberration Reporting System (EARS). J Urban Health 2003;80(2 Suppl 1):i89-i96.

All three compare a count with the mean m and the standard deviation s (divisor n - 1) of
``baseline`` days. C1 takes the days just before; C2 and C3 leave a guard band of two days between,
so that the start of an outbreak does not hide its rise. They need no earlier years, and so they
know nothing of the season.

Missing days are dropped from the baseline as long as four remain. With ``compat="R"`` the functions
answer as ``earsC`` of the R package surveillance does: a missing day silences every window that it
touches, and C3 leaves today's count out of its sum (a defect of that package: it finds 10 % of
outbreaks in their first week where the definition finds 50 %).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from epistat.result import Detection, Flag, Floats, Later, as_counts, in_blocks, mark, sliding

GUARD = 2  # days between the baseline and today in C2 and C3
FEWEST_POINTS = 4  # of a baseline with missing days
EXACT_SUM = 2.0**53

Compat = Literal["R"] | None


def c1(
    counts: ArrayLike,
    *,
    baseline: int = 7,
    alpha: float = 0.001,
    min_sigma: float = 0.0,
    compat: Compat = None,
) -> Detection:
    """EARS C1: alarm where y_t > m + z(1 - alpha) * max(s, min_sigma) of days t-baseline … t-1.

    ``counts``: (series, time), days or weeks; NaN is missing. ``alpha``: false alarms per normal
    day. ``min_sigma``: in cases; give at least 0.5 for sparse series, where s is often 0.

    The first ``baseline`` days are SHORT_HISTORY. A flat past (s = 0) is FLAT_HISTORY: the score is
    0 where the day equals it, else plus or minus infinity, and the threshold is the mean itself.
    ``score`` is (y - m) / s, ``p`` its upper normal tail. ValueError for impossible options.

    >>> week = c1([[2, 4, 3, 3, 2, 4, 3, 3, 9]])
    >>> week.upper.round(2)
    array([[ nan,  nan,  nan,  nan,  nan,  nan,  nan, 5.52, 5.28]])
    >>> week.alarm[0, -2:]
    array([False,  True])
    """
    return _shewhart(counts, _Options(baseline, 0, alpha, min_sigma, compat))


def c2(
    counts: ArrayLike,
    *,
    baseline: int = 7,
    alpha: float = 0.001,
    min_sigma: float = 0.0,
    compat: Compat = None,
) -> Detection:
    """EARS C2: as :func:`c1`, with the baseline t-baseline-2 … t-3, so two days of guard band.

    The first ``baseline`` + 2 days are SHORT_HISTORY. A rise of three days is still seen on its
    third day, where C1 already holds it for normal:

    >>> rise = [[2, 4, 3, 3, 2, 4, 3, 3, 2, 7, 9, 9]]
    >>> c1(rise).alarm[0, -3:], c2(rise).alarm[0, -3:]
    (array([ True,  True, False]), array([ True,  True,  True]))
    """
    return _shewhart(counts, _Options(baseline, GUARD, alpha, min_sigma, compat))


def c3(
    counts: ArrayLike,
    *,
    baseline: int = 7,
    alpha: float = 0.025,
    min_sigma: float = 0.0,
    compat: Compat = None,
) -> Detection:
    """EARS C3: alarm where the C2 scores of three days together are high.

    With C2_i = (y_i - m_i) / s_i on C2's baseline, score = sum over i = t-2 … t of max(0, C2_i - 1)
    and alarm where score > z(1 - alpha). As a threshold in cases, with P the sum of the two days
    before: m + s * (1 + z - P), or 0 where P >= z, because then any count alarms, 0 too.

    The first ``baseline`` + 4 days are SHORT_HISTORY. One of the two days before that has no C2
    adds nothing. A flat past is treated as in :func:`c1`. ``p`` is the normal tail of the score: a
    scale for ranking on which an alarm is p < alpha, not a true probability.

    With ``compat="R"``: upper = max(0, y_t + s * (z - P)), score = P, alarm where y_t > upper, and
    UNDEFINED where that is 0/0.

    >>> slow = [[2, 4, 3, 1, 2, 4, 3, 3, 2, 5, 5, 5]]
    >>> c2(slow).alarm.any(), c3(slow).alarm[0, -1]
    (np.False_, np.True_)
    """
    options = _Options(baseline, GUARD, alpha, min_sigma, compat)
    summed = _sum_as_r if compat == "R" else _sum
    array = as_counts(counts)
    past = _Past.blank(array.shape)
    upper, score = np.empty(array.shape), np.empty(array.shape)
    alarm = np.empty(array.shape, np.bool_)
    for rows in in_blocks(array.shape):
        part = past.part(rows)
        part.fill(array[rows], options)
        upper[rows], score[rows], alarm[rows] = summed(array[rows], part, options)
    return past.answer(array, upper, alarm, lambda answer: score)


@dataclass(frozen=True, slots=True)
class _Options:
    baseline: int
    guard: int
    alpha: float
    min_sigma: float
    compat: Compat

    def __post_init__(self) -> None:
        if self.baseline < 3:
            raise ValueError(f"baseline must be at least 3, not {self.baseline}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, not {self.alpha}")
        if not 0 <= self.min_sigma < np.inf:
            raise ValueError(f"min_sigma must be 0 or more, not {self.min_sigma}")
        if self.compat not in (None, "R"):
            raise ValueError(f'compat must be None or "R", not {self.compat!r}')

    @property
    def z(self) -> float:
        return -float(ndtri(self.alpha))

    @property
    def points(self) -> int:
        """How many days of a baseline must be known."""
        return self.baseline if self.compat == "R" else min(FEWEST_POINTS, self.baseline)


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Mean, standard deviation and remarks of the baseline of every day, (series, time)."""

    mean: Floats
    sd: Floats
    flags: NDArray[np.uint8]

    @classmethod
    def blank(cls, shape: tuple[int, ...]) -> "_Past":
        return cls(np.empty(shape), np.empty(shape), np.zeros(shape, np.uint8))

    def part(self, rows: slice) -> "_Past":
        return _Past(self.mean[rows], self.sd[rows], self.flags[rows])

    def fill(self, counts: Floats, options: _Options) -> None:
        """Work out the moments; those of each series in a way that depends on it alone."""
        start = options.baseline + options.guard
        self.mean[:, :start] = self.sd[:, :start] = np.nan
        mark(self.flags[:, :start], np.True_, Flag.SHORT_HISTORY)
        whole = _whole(counts, options.baseline)
        if whole.all():
            _moments_of_whole(counts, options.baseline, start, self)
        else:
            for rows, fill in ((whole, _moments_of_whole), (~whole, _moments)):
                some = np.flatnonzero(rows)
                part = _Past(self.mean[some], self.sd[some], self.flags[some])
                fill(counts[some], options.baseline, start, part)
                self.mean[some], self.sd[some] = part.mean, part.sd
            self._judge_known(np.isnan(counts), options, start)
        mark(self.flags[:, start:], self.sd[:, start:] == 0, Flag.FLAT_HISTORY)
        if options.min_sigma:
            np.maximum(self.sd, options.min_sigma, out=self.sd)

    def _judge_known(self, missing: NDArray[np.bool_], options: _Options, start: int) -> None:
        """No moments of too few days; and no answer on a day that is missing."""
        mark(self.flags, missing, Flag.MISSING_NOW)
        width = max(missing.shape[1] - start, 0)
        if not (width and missing.any()):
            return
        points = sum(
            (~missing[:, day : day + width] for day in range(options.baseline)),
            np.zeros((1, width), np.int64),
        )
        few = points < options.points
        self.mean[:, start:][few] = self.sd[:, start:][few] = np.nan
        mark(self.flags[:, start:], few, Flag.TOO_FEW_POINTS)

    def distance(self, counts: Floats) -> Floats:
        """(y - m) / s; after a flat past 0 where the day equals it, else plus or minus infinity."""
        with np.errstate(divide="ignore", invalid="ignore"):
            score: Floats = (counts - self.mean) / self.sd
        flat = self.sd == 0
        if flat.any():
            score[flat & (counts == self.mean)] = 0.0
        return score

    def score(self, answer: Detection) -> Floats:
        return self.distance(answer.observed)

    def answer(
        self, counts: Floats, upper: Floats, alarm: NDArray[np.bool_], score: Later
    ) -> Detection:
        return Detection.lazy(
            observed=counts.copy(), expected=self.mean, upper=upper, alarm=alarm, flags=self.flags,
            p=_normal_tail, score=score,
        )  # fmt: skip


def _normal_tail(answer: Detection) -> Floats:
    tail: Floats = ndtr(-answer.score)
    return tail


def _shewhart(counts: ArrayLike, options: _Options) -> Detection:
    array = as_counts(counts)
    past = _Past.blank(array.shape)
    upper, alarm = np.empty(array.shape), np.empty(array.shape, np.bool_)
    for rows in in_blocks(array.shape):
        part, above = past.part(rows), upper[rows]
        part.fill(array[rows], options)
        np.multiply(part.sd, options.z, out=above)
        above += part.mean
        np.greater(array[rows], above, out=alarm[rows])
    return past.answer(array, upper, alarm, past.score)


def _sum(
    counts: Floats, past: _Past, options: _Options
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Upper, score and alarm of C3."""
    excess = past.distance(counts)
    excess -= 1
    np.maximum(excess, 0, out=excess)
    known = excess
    if np.isnan(excess[:, options.baseline + options.guard :]).any():
        known = np.nan_to_num(excess, nan=0.0, posinf=np.inf)
    else:
        known[:, : options.baseline + options.guard] = 0.0
    before = _two_before(known)
    with np.errstate(invalid="ignore"):  # 0 * infinity, set to 0 below
        upper = (1 + options.z) - before
        upper *= past.sd
        upper += past.mean
    upper[(before >= options.z) & ~np.isnan(past.mean)] = 0.0
    score = before
    score += excess
    _begin_later(options, past.flags, past.mean, upper, score)
    return upper, score, score > options.z


def _sum_as_r(
    counts: Floats, past: _Past, options: _Options
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        before = _two_before(np.maximum((counts - past.mean) / past.sd - 1, 0))
        upper = np.maximum(counts + past.sd * (options.z - before), 0)
    _begin_later(options, past.flags, past.mean, upper, before)
    gap = np.isnan(_two_before(counts + past.mean))
    silent = np.isnan(upper) & ((past.flags & np.uint8(Flag.NO_ANSWER)) == 0)
    mark(past.flags, silent & gap, Flag.TOO_FEW_POINTS)
    mark(past.flags, silent & ~gap, Flag.UNDEFINED)
    return upper, before, counts > upper


def _two_before(values: Floats) -> Floats:
    """Sum of the two days before each day; NaN for the first two."""
    total = np.full_like(values, np.nan)
    total[:, 2:] = values[:, :-2] + values[:, 1:-1]
    return total


def _begin_later(options: _Options, flags: NDArray[np.uint8], *answers: Floats) -> None:
    """C3 starts two days after C2, when all its three days have a baseline."""
    start = options.baseline + options.guard + 2
    mark(flags[:, :start], np.True_, Flag.SHORT_HISTORY)
    for answer in answers:
        answer[:, :start] = np.nan


def _whole(counts: Floats, baseline: int) -> NDArray[np.bool_]:
    """Which series have known whole numbers alone, small enough that sums of squares are exact."""
    if not counts.size:
        return np.ones(len(counts), np.bool_)
    highest = counts.max()  # NaN if one is missing
    if (highest * baseline) ** 2 <= EXACT_SUM and (counts == np.rint(counts)).all():
        return np.ones(len(counts), np.bool_)
    small: NDArray[np.bool_] = counts.max(axis=1) <= np.sqrt(EXACT_SUM) / baseline
    whole: NDArray[np.bool_] = (counts == np.rint(counts)).all(axis=1)
    return small & whole


def _moments_of_whole(counts: Floats, baseline: int, start: int, to: _Past) -> None:
    """Mean and standard deviation from the sums of counts and squares, where those are exact:

    s² = (n Σy² - (Σy)²) / (n (n - 1)), of whole numbers up to the division.
    """
    width = max(counts.shape[1] - start, 0)
    if not width:
        return
    total = sliding(counts, baseline)[:, :width]
    squares = sliding(counts * counts, baseline)[:, :width]
    squares *= baseline
    np.divide(total, baseline, out=to.mean[:, start:])
    total *= total
    squares -= total
    squares /= baseline * (baseline - 1)
    np.sqrt(squares, out=to.sd[:, start:])


def _moments(counts: Floats, baseline: int, start: int, to: _Past) -> None:
    """Mean and standard deviation of the known days of each baseline, in two passes:

    running sums would cancel for fractions, and for counts above ten million.
    """
    width = max(counts.shape[1] - start, 0)
    if not width:
        return
    windows = [counts[:, day : day + width] for day in range(baseline)]
    known = [~np.isnan(window) for window in windows]
    mean, squares = np.zeros((len(counts), width)), np.zeros((len(counts), width))
    points = np.zeros(mean.shape, np.int64)
    for window, is_known in zip(windows, known, strict=True):
        mean += np.where(is_known, window, 0.0)
        points += is_known
    mean /= np.maximum(points, 1)
    for window, is_known in zip(windows, known, strict=True):
        squares += np.where(is_known, window - mean, 0.0) ** 2
    to.mean[:, start:] = mean
    to.sd[:, start:] = np.sqrt(squares / np.maximum(points - 1, 1))
