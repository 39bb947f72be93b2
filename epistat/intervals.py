"""The interval: how many days lie between the onset of a case and that of whom it infects?

Everywhere it is an array of chances by days, lag 0 first: ``[0, 0.2, 0.5, 0.3]`` says 1 day with
chance 0.2, and so on. Lag 0 has no chance, so that nobody is infected by a case of the same day.
The chances add up to 1, or to less where the rest lies beyond the last day.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, ndtr

from epistat.quadrature import rule_of
from epistat.result import Floats

FINE = 60  # points from which a rule of few is made
MOST_OF_RULE = 30  # a rule of more points takes those of Legendre as they are
FARTHEST = 6  # standard deviations, beyond which a belief is nothing
NOTHING = 1e-12  # a chance at the end of an interval that is as good as none
MOST_KEPT = 16_000_000  # numbers of the rules of late: 128 MB


Even = tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A normal belief about a number (of days, here), cut off at ``low`` and ``high``.

    ValueError unless low <= mean <= high and sd is 0, for a number that is known, or more.

    >>> Uncertain(8.4, 1, 5.4, 11.4).below(8.4)
    np.float64(0.5)
    """

    mean: float
    sd: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (self.sd >= 0 and self.low <= self.mean <= self.high and np.isfinite(self.high)):
            raise ValueError(
                f"an uncertain number needs low <= mean <= high and sd of 0 or more, not {self}"
            )

    def ends(self, longest: float = np.inf) -> tuple[float, float]:
        """Between these it lies, as far as it lies below ``longest``."""
        high = min(self.high, longest)
        far = FARTHEST * self.sd
        return max(self.low, min(self.mean, high) - far), min(high, self.mean + far)

    def width(self, longest: float = np.inf) -> float:
        """From end to end, in standard deviations."""
        low, high = self.ends(longest)
        return (high - low) / self.sd

    def nodes(
        self, size: int, longest: float = np.inf, *, even: bool = False
    ) -> tuple[Floats, Floats]:
        """Few numbers and their chances that stand for the whole belief: its Gauss rule.

        ``longest``: only for the part of the belief that lies below it. ``even``: nodes from end to
        end, as those of a large rule are, for numbers to be read between them.
        """
        low, high = self.ends(longest)
        if self.sd == 0 or low == high:
            return np.array([min(self.mean, longest)]), np.ones(1)
        direct = even or size > MOST_OF_RULE
        points, chances = np.polynomial.legendre.leggauss(size if direct else FINE)
        at = (high + low) / 2 + (high - low) / 2 * points
        bell = -(((at - self.mean) / self.sd) ** 2) / 2
        chances = chances * np.exp(bell - bell.max())
        chances /= chances.sum()
        if direct:
            return at, chances
        found, weights = rule_of(at[np.newaxis], chances[np.newaxis], size)
        return found[0], weights[0]

    def below(self, value: ArrayLike) -> Floats:
        """The chance of a number below ``value``."""
        at = np.clip(np.asarray(value, np.float64), self.low, self.high)
        if self.sd == 0 or self.low == self.high:
            return np.asarray(np.asarray(value) > self.mean, np.float64)
        low, here, high = (ndtr((x - self.mean) / self.sd) for x in (self.low, at, self.high))
        chance: Floats = (here - low) / (high - low)
        return chance


@dataclass(frozen=True, slots=True)
class UncertainInterval:
    """A gamma interval (:func:`discrete_interval`) whose mean and sd are not known exactly.

    Both are independent, in days. ValueError unless the mean is 1 or more and the sd above 0.

    >>> from epistat import cori
    >>> belief = UncertainInterval(Uncertain(8.4, 1, 5.4, 11.4), Uncertain(3.8, 0.5, 2.3, 5.3))
    >>> answer = cori([[4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17, 19, 21]], belief)
    >>> answer.quantiles[0, -1, [0, 3, -1]].round(2)  # 2.5 %, median, 97.5 %
    array([1.83, 2.54, 3.64])
    """

    mean: Uncertain
    sd: Uncertain

    def __post_init__(self) -> None:
        if not (self.mean.low >= 1 and self.mean.mean > 1 and self.sd.low > 0):
            raise ValueError("an uncertain interval needs a mean of 1 or more and an sd above 0")

    @property
    def uncertain(self) -> tuple[bool, bool]:
        """Whether the mean is uncertain at all, and whether the sd is."""
        return self.mean.sd > 0 and self.mean.low < self.mean.high, (
            self.sd.sd > 0 and self.sd.low < self.sd.high
        )

    def rule(
        self, sizes: tuple[int, int], lags: int, longest: float, *, even: Even = (False, False)
    ) -> tuple[Floats, Floats]:
        """Intervals of ``lags`` days and their chances that stand for the belief, sd by sd.

        ``sizes``: how many means and sds. ``longest``: of means below that only. ``even``: which of
        both lie from end to end, to be read between.
        """
        key = (self, sizes, lags, min(longest, self.mean.high), even)
        with _keeping:
            known = _rules.get(key)
            if known is not None:
                _rules.move_to_end(key)
                return known
        made = _rule(*key)
        with _keeping:
            _rules[key] = made
            while sum(rows.size for rows, _ in _rules.values()) > MOST_KEPT:
                _rules.popitem(last=False)
        return made

    def between(
        self, fewer: tuple[int, int], sizes: tuple[int, int], longest: float, *, even: Even
    ) -> tuple[Floats, Floats, Floats]:
        """What makes of numbers at ``fewer`` nodes those at many: by mean, by sd; chances."""
        (by_mean, of_mean), (by_sd, of_sd) = (
            (_cubics(part.nodes(few, to, even=so)[0], wanted[0]), wanted[1])
            for part, few, many, to, so in zip(
                (self.mean, self.sd), fewer, sizes, (longest, np.inf), even, strict=True
            )
            for wanted in [part.nodes(many, to)]
        )
        return by_mean, by_sd, np.outer(of_mean, of_sd).ravel()


# Kept, because every batch of series asks for the same.
_Key = tuple[UncertainInterval, tuple[int, int], int, float, Even]
_rules: OrderedDict[_Key, tuple[Floats, Floats]] = OrderedDict()
_keeping = Lock()


def _cubics(have: Floats, wanted: Floats) -> Floats:
    """Weights (wanted, have) of the cubic through the four nearest; of all where they are fewer."""
    near = min(4, len(have))
    first = np.clip(np.searchsorted(have, wanted) - near // 2, 0, len(have) - near)
    at = first[:, np.newaxis] + np.arange(near)
    weights = np.ones((len(wanted), near))
    for one in range(near):
        for other in range(near):
            if other != one:
                gap = have[at[:, one]] - have[at[:, other]]
                weights[:, one] *= (wanted - have[at[:, other]]) / gap
    found = np.zeros((len(wanted), len(have)))
    np.put_along_axis(found, at, weights, axis=1)
    return found


def _rule(
    belief: UncertainInterval, sizes: tuple[int, int], lags: int, longest: float, even: Even
) -> tuple[Floats, Floats]:
    means, by_mean = belief.mean.nodes(sizes[0], longest, even=even[0])
    sds, by_sd = belief.sd.nodes(sizes[1], even=even[1])
    # At 1 day itself there is no gamma; a belief that reaches it means just above.
    means = np.maximum(means, 1 + 1e-9)
    rows = _roughly(np.repeat(means, len(sds)), np.tile(sds, len(means)), max(lags, 2))
    last = np.flatnonzero((rows > NOTHING).any(axis=0)).max(initial=1)
    return rows[:, : last + 1], np.outer(by_mean, by_sd).ravel()


def discrete_interval(mean: float, sd: float, length: int) -> Floats:
    """The chances of 0 … ``length`` - 1 days for a gamma interval with this mean and sd, in days.

    The gamma is shifted by a day, so that no interval is 0. With shape a = ((mean - 1)/sd)², scale
    b = sd²/(mean - 1) and G(x; a) its distribution function,

        w_k = k G(k; a) + (k-2) G(k-2; a) - 2(k-1) G(k-1; a)
              + ab [2 G(k-1; a+1) - G(k-2; a+1) - G(k; a+1)],   floored at 0.

    Shape (length,). The chances are not scaled: what lies beyond ``length`` is missing from their
    sum. Source: Cori 2013, web appendix 11. ValueError unless mean > 1, sd > 0 and length >= 2.

    >>> discrete_interval(2.6, 1.5, 5).round(3)
    array([0.   , 0.233, 0.359, 0.198, 0.103])
    """
    if not (mean > 1 and np.isfinite(mean)):
        raise ValueError(f"the mean interval must be above 1 day, not {mean}")
    if not (sd > 0 and np.isfinite(sd)):
        raise ValueError(f"the sd of the interval must be above 0, not {sd}")
    if length < 2:
        raise ValueError(f"length must be at least 2, not {length}")
    chances: Floats = _discrete(np.array([mean]), np.array([sd]), length)[0]
    return chances


def checked_interval(interval: ArrayLike) -> Floats:
    """The chances as an array; ValueError where they are none."""
    w = np.asarray(interval, dtype=np.float64)
    if w.ndim != 1:
        raise ValueError(f"interval needs the shape (lags,), not {w.ndim} dimension(s)")
    checked: Floats = _checked(w[np.newaxis])[0]
    return checked


def interval_rows(interval: ArrayLike) -> tuple[Floats, Floats]:
    """Rows of intervals, shape (rows, lags), and the chance of each row."""
    rows = np.atleast_2d(np.asarray(interval, dtype=np.float64))
    if rows.ndim != 2 or not len(rows):
        raise ValueError("interval needs the shape (lags,) or (rows, lags)")
    return _checked(rows), np.full(len(rows), 1 / len(rows))


def shorter(rows: Floats, days: ArrayLike) -> NDArray[np.bool_]:
    """Which intervals have a mean below so many days, shape (rows, days)."""
    # A mean that is a whole number but for rounding counts as that.
    mean = rows @ np.arange(rows.shape[1]) + 1e-9
    answer: NDArray[np.bool_] = np.asarray(days) > mean[:, np.newaxis]
    return answer


def _checked(rows: Floats) -> Floats:
    if rows.shape[1] < 2 or not (rows >= 0).all() or not np.isfinite(rows).all():
        raise ValueError("an interval needs chances of 0 or more for 0, 1 … days")
    if (rows[:, 0] != 0).any():
        raise ValueError("the chance of an interval of 0 days must be 0 (lag 0 comes first)")
    sums = rows.sum(axis=1)
    if (sums <= 0).any() or (sums > 1.001).any():
        raise ValueError("the chances of an interval must add up to more than 0 and at most 1")
    return rows


def _discrete(mean: Floats, sd: Floats, length: int) -> Floats:
    """Rows of intervals, shape (rows, length)."""
    shape = (((mean - 1) / sd) ** 2)[:, np.newaxis]
    scale = (sd**2 / (mean - 1))[:, np.newaxis]
    days = np.arange(-2.0, length)
    lower = gammainc(shape, np.maximum(days, 0) / scale)
    higher = gammainc(shape + 1, np.maximum(days, 0) / scale)
    # Far in the tail the three terms cancel; there 1 - G is as good, and keeps its digits.
    far = lower > 0.5
    lower = np.where(far, -gammaincc(shape, np.maximum(days, 0) / scale), lower)
    higher = np.where(far, -gammaincc(shape + 1, np.maximum(days, 0) / scale), higher)
    return _second_difference(days, lower, higher, far, shape * scale)


def _roughly(mean: Floats, sd: Floats, length: int) -> Floats:
    """The same to 1e-13 of all, not of each chance: a tenth of the time, for nodes of a belief."""
    shape = (((mean - 1) / sd) ** 2)[:, np.newaxis]
    scale = (sd**2 / (mean - 1))[:, np.newaxis]
    days = np.arange(-2.0, length)
    x = np.maximum(days, 0) / scale
    lower, higher = gammainc(shape, x), gammainc(shape + 1, x)
    return _second_difference(days, lower, higher, np.zeros_like(lower, np.bool_), shape * scale)


def _second_difference(
    days: Floats, lower: Floats, higher: Floats, far: NDArray[np.bool_], mean: Floats
) -> Floats:
    """w_k from G and G of the next shape, which are told as G - 1 where ``far``."""
    # k G(k) - mean G'(k) is H(k); where both are less by 1, H is less by k - mean.
    h = days * lower - mean * higher
    near = np.where(far, h + days - mean, h)
    all_far = far[:, :-2] & far[:, 1:-1] & far[:, 2:]
    apart = h[:, 2:] - 2 * h[:, 1:-1] + h[:, :-2]
    plain = near[:, 2:] - 2 * near[:, 1:-1] + near[:, :-2]
    chances = np.maximum(np.where(all_far, apart, plain), 0.0)
    chances[:, 0] = 0.0
    return chances
