"""Quantiles of many gamma distributions at once, and of mixtures of them.

A mixture here is what an uncertain scale makes of a gamma: G has shape a and scale 1, S is one of
the scales of a row with their chances, and R = G * S. Its quantiles solve

    sum over j of c_j P(a, x / s_j) = level,   P the regularised incomplete gamma function.

The search starts from the gamma whose logarithm has the mean and the variance of log R (both are
sums: digamma and trigamma of a, and the moments of log S), bent by the third cumulant. Halley's
steps on the full sum follow, in log x, kept between bounds, until it is solved.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammainc, gammaincinv, gammaln, ndtri, polygamma

from epistat.quadrature import rule_of
from epistat.result import Floats

SOLVED = 1e-9  # of a level
# Of a level, and of a density: one step more solves it, where the scales differ so little that the
# density has no gaps.
NEAR, EVEN = 1e-3, 0.005
# So many scales stand for all where those differ by less than so many standard deviations of the
# gamma: they err by 1e-8 of a level at most.
RULES = ((0.9, 12), (2.0, 24), (np.inf, 0))
MOST_STEPS = 60
LEAST, LOG_LEAST = 1e-300, -745.0  # of a number, and of a logarithm, that is not 0 yet
LOG_TINY = -300.0
# Of so many scales, for a gamma of that shape, those further than so many standard deviations of
# its logarithm are not looked at.
MANY, NARROW, FAINT = 640, 100.0, 8.5
TOGETHER = 1 << 14  # cells of a block of the search, which stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """``shape``: (cells,); ``scales`` and their ``chances``: (cells, rows). Chances add up to 1."""

    shape: Floats
    scales: Floats
    chances: Floats

    @property
    def mean(self) -> Floats:
        mean: Floats = self.shape * _weighted(self.scales, self.chances)
        return mean

    @property
    def sd(self) -> Floats:
        """From E R² = a (a + 1) E S², taken apart so that nothing cancels."""
        first = _weighted(self.scales, self.chances)
        apart = self.scales - first[:, np.newaxis]
        apart *= apart
        a = self.shape
        sd: Floats = np.sqrt(a * first**2 + a * (a + 1) * _weighted(apart, self.chances))
        return sd


def _weighted(values: Floats, chances: Floats) -> Floats:
    """Sums over the rows of a mixture, (cells,), without a temporary."""
    sums: Floats = np.einsum("cr,cr->c", values, chances)
    return sums


def gamma_quantiles(shape: Floats, levels: Floats) -> Floats:
    """Quantiles of gammas with scale 1, shape (cells, levels); each distinct shape once.

    >>> gamma_quantiles(np.array([1.0, 4.0]), np.array([0.5])).round(4)
    array([[0.6931],
           [3.6721]])
    """
    distinct, where = np.unique(shape, return_inverse=True)
    quantiles: Floats = gammaincinv(distinct[:, np.newaxis], levels)[where]
    return quantiles


def mixture_quantiles(mixture: Mixture, levels: Floats) -> Floats:
    """Quantiles of each mixture, shape (cells, levels), solved to 1e-8 of a level.

    Where the scales differ little for what the gamma scatters, a Gauss rule of their logarithms
    stands for all of them (:data:`RULES`).
    """
    quantiles = np.empty((len(mixture.shape), len(levels)))
    logs = np.log(mixture.scales)
    centre = (mixture.chances * logs).sum(axis=1, keepdims=True)
    spread = np.sqrt((mixture.chances * (logs - centre) ** 2).sum(axis=1) * mixture.shape)
    done = np.zeros(len(spread), dtype=np.bool_)
    for limit, size in RULES:
        if size and size >= logs.shape[1]:
            continue
        some = np.flatnonzero(~done & (spread < limit))
        done[some] = True
        points, chances = logs[some], mixture.chances[some]
        if size and len(some):
            points, chances = rule_of(points, chances, size)
        step = max(1, TOGETHER // max(points.shape[1] * len(levels), 1))
        for start in range(0, len(some), step):
            here = slice(start, start + step)
            part = Mixture(mixture.shape[some[here]], np.exp(points[here]), chances[here])
            quantiles[some[here]] = _solve(part, levels, NEAR if size else SOLVED)
    return quantiles


def _solve(mixture: Mixture, levels: Floats, near: float) -> Floats:
    """A miss below ``near`` is not looked at again: the next step solves it."""
    a, scales = mixture.shape, mixture.scales
    logs = np.log(scales)
    guess = np.log(_guess(a, logs, mixture.chances, levels))
    cells, level = (part.ravel() for part in np.indices(guess.shape))
    x = guess.ravel()
    # Between the quantiles of the least and the greatest scale.
    used = mixture.chances > 0
    alone = np.log(np.maximum(gamma_quantiles(a, levels), LEAST))
    low = (alone + np.where(used, logs, np.inf).min(axis=1)[:, np.newaxis]).ravel()
    high = (alone + np.where(used, logs, -np.inf).max(axis=1)[:, np.newaxis]).ravel()
    x = np.clip(x, low, high)
    # Of a very small shape most quantiles are next to nothing, where P(a, y) is y^a / Γ(a + 1).
    small = np.minimum(a, 1.0)[:, np.newaxis]
    mixed = np.log((mixture.chances * np.exp(-small * logs)).sum(axis=1, keepdims=True))
    near_nothing = (np.log(levels) + gammaln(small + 1) - mixed) / small
    tiny = ((near_nothing < LOG_TINY) & (a[:, np.newaxis] < 1)).ravel()
    x[tiny] = near_nothing.ravel()[tiny]
    ahead = np.flatnonzero(~tiny)
    log_gamma = gammaln(a)
    for _ in range(MOST_STEPS):
        rows = cells[ahead]
        shape = a[rows, np.newaxis]
        log_y = x[ahead, np.newaxis] - logs[rows]
        y = np.exp(log_y)
        chances = mixture.chances[rows]
        wanted = levels[level[ahead]]
        miss = np.einsum("ij,ij->i", chances, _below(shape, y, log_y)) - wanted
        log_y *= shape
        log_y -= y
        log_y -= log_gamma[rows, np.newaxis]
        density = np.exp(log_y, out=log_y)
        density *= chances
        slope = np.maximum(density.sum(axis=1), 1e-300)
        bend = a[rows] - np.einsum("ij,ij->i", density, y) / slope  # slope' / slope
        low[ahead] = np.where(miss < 0, x[ahead], low[ahead])
        high[ahead] = np.where(miss > 0, x[ahead], high[ahead])
        # Halley's step: a miss of m leaves one of the order of m³.
        step = miss / slope
        with np.errstate(over="ignore"):  # far outside, where the density is next to none
            bent = step * bend
        uneven = np.abs(bent)  # how much the density changes on the way
        step /= np.where(uneven < 1, 1 - bent / 2, 1.0)
        off = np.abs(miss) / np.minimum(wanted, 1 - wanted)
        to = x[ahead] - step
        outside = ~((to > low[ahead]) & (to < high[ahead])) & (off > SOLVED)
        x[ahead] = np.where(outside, (low[ahead] + high[ahead]) / 2, to)
        # Where the density is uneven, as between scales far apart, a short step is not the last.
        ahead = ahead[(off > SOLVED) & ((off > near) | outside | (uneven > EVEN))]
        if not len(ahead):
            break
    x = np.maximum(x, LOG_LEAST)
    return np.exp(x).reshape(guess.shape)


def _below(shape: Floats, y: Floats, log_y: Floats) -> Floats:
    """P(shape, y). Of many scales most are far away, where it is 0 or 1 but for e^-25."""
    if y.shape[1] < MANY or shape.min(initial=np.inf) < NARROW:
        return np.asarray(gammainc(shape, y))
    far = (log_y - np.log(shape)) * np.sqrt(shape)
    below = (far > 0).astype(np.float64)
    near = np.abs(far) < FAINT
    below[near] = gammainc(np.broadcast_to(shape, y.shape)[near], y[near])
    return below


def _guess(a: Floats, logs: Floats, chances: Floats, levels: Floats) -> Floats:
    """Quantiles of the gamma with a scale whose logarithm has the first moments of log R."""
    centre = (chances * logs).sum(axis=1)
    apart = logs - centre[:, np.newaxis]
    second = (chances * apart**2).sum(axis=1)
    third = (chances * apart**3).sum(axis=1)
    variance = polygamma(1, a) + second
    shape = inverse_trigamma(variance)
    location = digamma(a) + centre - digamma(shape)
    bend = (polygamma(2, a) + third - polygamma(2, shape)) / variance  # in cumulants of log R
    z = ndtri(levels)
    standard = np.maximum(gammaincinv(shape[:, np.newaxis], levels), LEAST)
    logs_of = np.log(standard) + location[:, np.newaxis]
    guess: Floats = np.exp(logs_of + bend[:, np.newaxis] * (z**2 - 1) / 6)
    return guess


def inverse_trigamma(value: Floats) -> Floats:
    """The shape whose log-gamma has this variance; Newton on 1/trigamma, which is near a line.

    >>> inverse_trigamma(np.array([polygamma(1, 3.0)])).round(9)
    array([3.])
    """
    x = 0.5 + 1 / value
    for _ in range(8):
        trigamma = polygamma(1, x)
        x = x + trigamma * (1 - trigamma / value) / polygamma(2, x)
    answer: Floats = x
    return answer
