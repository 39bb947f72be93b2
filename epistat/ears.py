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

from epistat.result import Detection, Flag, Floats, as_counts, in_blocks, mark

GUARD = 2  # days between the baseline and today in C2 and C3
FEWEST_POINTS = 4  # of a baseline with missing days

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
    before: m + s * (1 + z - P), or 0 where P >= z, because then any count alarms.

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
    return in_blocks(lambda block: summed(block, options), as_counts(counts))


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


@dataclass(frozen=True, slots=True)
class _Past:
    """Mean, standard deviation and remarks of the baseline of every day, (series, time)."""

    mean: Floats
    sd: Floats
    flags: NDArray[np.uint8]

    def distance(self, counts: Floats) -> Floats:
        """(y - m) / s; after a flat past 0 where the day equals it, else plus or minus infinity."""
        with np.errstate(divide="ignore", invalid="ignore"):
            score: Floats = (counts - self.mean) / self.sd
        flat = self.sd == 0
        if flat.any():
            score[flat & (counts == self.mean)] = 0.0
        return score


def _shewhart(counts: ArrayLike, options: _Options) -> Detection:
    def judge(block: Floats) -> Detection:
        past = _past(block, options)
        score = past.distance(block)
        upper = past.mean + options.z * past.sd
        return Detection(
            block, past.mean, upper, ndtr(-score), score, alarm=block > upper, flags=past.flags
        )

    return in_blocks(judge, as_counts(counts))


def _sum(counts: Floats, options: _Options) -> Detection:
    past = _past(counts, options)
    excess = np.maximum(past.distance(counts) - 1, 0)
    before = _two_before(np.nan_to_num(excess, nan=0.0, posinf=np.inf))
    with np.errstate(invalid="ignore"):  # 0 * infinity, set to 0 below
        upper = past.mean + past.sd * (1 + options.z - before)
    upper[(before >= options.z) & ~np.isnan(past.mean)] = 0.0
    score = before + excess
    _begin_later(options, past.flags, past.mean, upper, score)
    return Detection(
        counts, past.mean, upper, ndtr(-score), score, alarm=score > options.z, flags=past.flags
    )


def _sum_as_r(counts: Floats, options: _Options) -> Detection:
    past = _past(counts, options)
    with np.errstate(divide="ignore", invalid="ignore"):
        before = _two_before(np.maximum((counts - past.mean) / past.sd - 1, 0))
        upper = np.maximum(counts + past.sd * (options.z - before), 0)
    _begin_later(options, past.flags, past.mean, upper, before)
    gap = np.isnan(_two_before(counts + past.mean))
    silent = np.isnan(upper) & ((past.flags & np.uint8(Flag.NO_ANSWER)) == 0)
    mark(past.flags, silent & gap, Flag.TOO_FEW_POINTS)
    mark(past.flags, silent & ~gap, Flag.UNDEFINED)
    return Detection(
        counts, past.mean, upper, ndtr(-before), before, alarm=counts > upper, flags=past.flags
    )


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


def _past(counts: Floats, options: _Options) -> _Past:
    """Mean and standard deviation of the baseline of every day.

    Each window is summed anew, in two passes: running sums would be quicker, but they cancel for
    counts above ten million.
    """
    start = options.baseline + options.guard
    width = max(counts.shape[1] - start, 0)
    windows = [counts[:, day : day + width] for day in range(options.baseline)]
    missing = np.isnan(counts)
    mean = np.full_like(counts, np.nan)
    sd = np.full_like(counts, np.nan)
    flags = missing.astype(np.uint8)  # MISSING_NOW is 1
    mark(flags[:, :start], np.True_, Flag.SHORT_HISTORY)
    if missing.any():
        known = [~missing[:, day : day + width] for day in range(options.baseline)]
        mean[:, start:], sd[:, start:], points = _moments_of_known(windows, known)
        few = points < options.points
        mean[:, start:][few] = sd[:, start:][few] = np.nan
        mark(flags[:, start:], few, Flag.TOO_FEW_POINTS)
    elif width:
        mean[:, start:], sd[:, start:] = _moments(windows)
    mark(flags, sd == 0, Flag.FLAT_HISTORY)
    np.maximum(sd, options.min_sigma, out=sd)
    return _Past(mean, sd, flags)


def _moments(windows: list[Floats]) -> tuple[Floats, Floats]:
    mean = windows[0] + windows[1]
    for window in windows[2:]:
        mean += window
    mean /= len(windows)
    squares = np.zeros_like(mean)
    apart = np.empty_like(mean)
    for window in windows:
        np.subtract(window, mean, out=apart)
        apart *= apart
        squares += apart
    squares /= len(windows) - 1
    return mean, np.sqrt(squares, out=squares)


def _moments_of_known(
    windows: list[Floats], known: list[NDArray[np.bool_]]
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    pairs = list(zip(windows, known, strict=True))
    mean = np.zeros(windows[0].shape)
    squares = np.zeros(windows[0].shape)
    points = np.zeros(windows[0].shape, dtype=np.int64)
    for window, is_known in pairs:
        mean += np.where(is_known, window, 0.0)
        points += is_known
    mean /= np.maximum(points, 1)
    for window, is_known in pairs:
        squares += np.where(is_known, window - mean, 0.0) ** 2
    return mean, np.sqrt(squares / np.maximum(points - 1, 1)), points
