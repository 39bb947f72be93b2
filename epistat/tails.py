"""Tails and quantiles of the Poisson and the negative binomial, told by mean and variance ratio.

A count with mean m and variance ``ratio`` * m (ratio >= 1) is negative binomial with size
m / (ratio - 1) and success probability 1 / ratio; with ratio 1 it is Poisson. Tails come from the
incomplete beta and gamma functions of SciPy; quantiles are exact: a close guess by moments is put
right by the tails.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincc, gammainc, gammaln, ndtri, xlogy

from epistat.result import Floats

EXACT = 1e9  # above this mean a quantile is told by its moments, good to a part in ten million
NEARLY = 1e-7  # Poisson: a size so great that SciPy loses digits, eight of them at the worst
WILD = 1_000  # mean over size of a negative binomial, or size over mean

Tail = Callable[[Floats, NDArray[np.intp]], Floats]  # P(X > quantile) of some of the cells


def upper_tail(count: ArrayLike, mean: ArrayLike, ratio: ArrayLike = 1.0) -> Floats:
    """P(X >= count) for a count with this mean and this ratio of variance to mean; broadcasts.

    NaN where one of them is NaN or the mean is infinite. A mean of 0 has no cases but 0.

    >>> upper_tail([0, 1, 9], 2.0, 1.5).round(4)
    array([1.    , 0.8025, 0.0039])
    """
    y, m, v = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (count, mean, ratio)))
    tail = np.full(y.shape, np.nan)
    known = ~np.isnan(y + v) & np.isfinite(m)
    tail[known & (y <= 0)] = 1.0
    tail[known & (y > 0) & (m <= 0)] = 0.0
    some = known & (y > 0) & (m > 0)
    tail[some] = _tail(y[some], m[some], v[some])
    return tail


def upper_quantile(alpha: float, mean: ArrayLike, ratio: ArrayLike = 1.0) -> Floats:
    """The least count q with P(X > q) <= alpha: the (1 - alpha) quantile; broadcasts.

    NaN where the mean or ratio is NaN or infinite. Above a mean of 1e9 it is a normal
    approximation with a term for skewness.

    >>> upper_quantile(0.005, [0.0, 1.0884, 20.0], [1.0, 1.6051, 2.0])
    array([ 0.,  6., 39.])
    """
    m, v = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (mean, ratio)))
    quantile = np.full(m.shape, np.nan)
    known = np.isfinite(m) & np.isfinite(v)
    quantile[known] = _quantile(alpha, np.maximum(m[known], 0.0), np.maximum(v[known], 1.0))
    return quantile


def _quantile(alpha: float, mean: Floats, ratio: Floats) -> Floats:
    z = -float(ndtri(alpha))
    # Cornish-Fisher with skewness: (2 * ratio - 1) / sqrt(ratio * mean).
    guess = mean + z * np.sqrt(ratio * mean) + (2 * ratio - 1) * (z * z - 1) / 6
    guess = np.maximum(np.ceil(guess - 0.5), 0.0)
    guess[mean == 0] = 0.0
    exact = np.flatnonzero((mean > 0) & (mean <= EXACT))

    def beyond(count: Floats, cells: NDArray[np.intp]) -> Floats:
        return _tail(count + 1, mean[cells], ratio[cells])

    guess[exact] = least(alpha, guess[exact], lambda count, some: beyond(count, exact[some]))
    return guess


def least(alpha: float, guess: Floats, beyond: Tail) -> Floats:
    """The least whole number q >= 0 with beyond(q) <= alpha, from a guess that is near it.

    ``beyond`` falls with q; it is asked for the cells that are not settled yet.
    """
    cells = np.arange(len(guess))
    good = beyond(guess, cells) <= alpha
    low = np.where(good, -1.0, guess)  # beyond(low) > alpha, or low is -1
    high = np.where(good, guess, np.inf)
    step = np.ones_like(guess)
    while (open_ := np.flatnonzero(high - low > 1)).size:
        # Steps of 1, 2, 4 … away from the guess until it is between two, then halves.
        up = np.isinf(high[open_])
        down = (low[open_] == -1) & ~up
        middle = np.floor((low[open_] + np.where(up, 0.0, high[open_])) / 2)
        test = np.where(up, low[open_] + step[open_], middle)
        test = np.where(down, np.maximum(high[open_] - step[open_], 0.0), test)
        fits = beyond(test, open_) <= alpha
        high[open_[fits]] = test[fits]
        low[open_[~fits]] = test[~fits]
        step[open_] *= 2
    return high


def _tail(count: Floats, mean: Floats, ratio: Floats) -> Floats:
    """P(X >= count) where count > 0 and mean > 0.

    Of nearly Poisson counts (ratio 1 + e) the generating function is that of Poisson ones times
    1 + e mean (1 - z)² / 2, but for e²: so their tail is the Poisson tail and two chances.
    """
    tail = np.empty_like(count)
    poisson = ratio <= 1 + NEARLY
    tail[poisson] = gammainc(count[poisson], mean[poisson])
    nearly = poisson & (ratio > 1)
    if nearly.any():
        y, m, e = count[nearly], mean[nearly], ratio[nearly] - 1
        chance = np.exp(xlogy(y - 1, m) - m - gammaln(y))  # of y - 1
        tail[nearly] += e / 2 * chance * (y - 1 - m)
    y, m, v = count[~poisson], mean[~poisson], ratio[~poisson]
    tail[~poisson] = tail_by_size(y, m, m / (v - 1))
    return tail


def tail_by_size(count: Floats, mean: Floats, size: Floats) -> Floats:
    """P(X >= count) of the negative binomial with this mean and size, where count > 0."""
    tail = np.asarray(betainc(count, size, mean / (mean + size)), dtype=np.float64)
    # There the last argument is so near 0 or 1 that digits are lost.
    wild = (mean > WILD * size) | (size > WILD * mean)
    if wild.any():
        few = size[wild]
        tail[wild] = betaincc(few, count[wild], few / (mean[wild] + few))
    return tail
