"""The plain twins of reproduction numbers and growth: one series, one window, written slowly."""

from math import exp, log, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, root
from scipy.special import digamma, gammainc
from scipy.stats import binom, gamma, norm
from scipy.stats import t as t_law

from epistat import discrete_interval  # its own twin is gamma_interval

Series = NDArray[np.float64]


def gamma_interval(mean: float, sd: float, length: int) -> list[float]:
    """By its meaning: a gamma shifted by a day, with onsets spread evenly over their days.

    w_k is the integral of the density times the triangle of width 2 around k - 1.
    """
    a, b = ((mean - 1) / sd) ** 2, sd**2 / (mean - 1)
    answer = [0.0]
    for k in range(1, length):
        x = np.linspace(max(k - 2, 0), k, 40_001)[1:]
        middle = x - (x[1] - x[0]) / 2
        share = np.diff(np.append(gamma.cdf(max(k - 2, 0), a, scale=b), gamma.cdf(x, a, scale=b)))
        answer.append(float((share * (1 - np.abs(middle - (k - 1)))).sum()))
    return answer


def pressure(y: Series, w: list[float], t: int) -> float:
    """Λ of day t; missing days are replaced by what the known ones add on average."""
    if t == 0:
        return nan
    reach = sum(w[s] for s in range(1, t + 1) if s < len(w))
    known = [s for s in range(1, t + 1) if s < len(w) and not np.isnan(y[t - s])]
    share = sum(w[s] for s in known)
    force = sum(w[s] * y[t - s] for s in known)
    if len(known) == min(t, len(w) - 1) or reach == 0:
        return force
    return nan if share < (0.5 - 1e-9) * reach else force * reach / share


def cori(
    y: Series, w: list[float], start: int, end: int, mean: float = 5, sd: float = 5,
    imported: Series | None = None,
) -> tuple[float, float] | None:  # fmt: skip
    """Shape and scale of the posterior, or None."""
    if start < 1 or end + 1 <= sum(k * chance for k, chance in enumerate(w)) + 1e-9:
        return None
    shape, rate, days = (mean / sd) ** 2, mean / sd**2, 0
    for t in range(start, end + 1):
        force = pressure(y, w, t)
        if np.isnan(y[t]) or np.isnan(force):
            continue
        shape += y[t] - (0 if imported is None else imported[t])
        rate += force
        days += 1
    return (shape, 1 / rate) if days else None


def mixture_quantile(
    shape: float, scales: list[float], chances: list[float], level: float
) -> float:
    def miss(x: float) -> float:
        return sum(
            c * gamma.cdf(x, shape, scale=s) for c, s in zip(chances, scales, strict=True)
        ) - level  # fmt: skip

    ends = [gamma.ppf(level, shape, scale=s) for s in (min(scales), max(scales))]
    return float(ends[0]) if ends[0] == ends[1] else float(brentq(miss, *ends, xtol=1e-14))


def reached(
    y: Series, t: int, quantiles: list[float], mean: list[float], sd: list[float], nodes: int = 60
) -> list[float]:
    """The levels that numbers reach in the posterior of an uncertain gamma interval.

    ``mean``, ``sd``: mean, sd, low and high of each belief; an interval whose mean is as long as
    the days to t, or longer, does not count. Both are taken at many points, each with its chance.
    """
    points, weights = np.polynomial.legendre.leggauss(nodes)
    total, below = 0.0, [0.0] * len(quantiles)
    high = min(mean[3], t + 1.0)
    for x, of_x in zip(points, weights, strict=True):
        m = (mean[2] + high) / 2 + (high - mean[2]) / 2 * x
        for z, of_z in zip(points, weights, strict=True):
            s = (sd[2] + sd[3]) / 2 + (sd[3] - sd[2]) / 2 * z
            chance = of_x * of_z * norm.pdf(m, mean[0], mean[1]) * norm.pdf(s, sd[0], sd[1])
            w = discrete_interval(m, s, t + 1)
            rate = 1 / 5 + sum(
                w[k] * y[d - k] for d in range(t - 6, t + 1) for k in range(1, d + 1)
            )
            shape = 1 + y[t - 6 : t + 1].sum()
            total += chance
            for i, q in enumerate(quantiles):
                below[i] += chance * float(gammainc(shape, q * rate))
    return [float(part / total) for part in below]


def wallinga_teunis(y: Series, w: list[float], start: int, end: int) -> tuple[float, float]:
    """Mean of R_s over the cases of the window, and the variance of their number of infections."""
    infections = variance = 0.0
    for t in range(1, len(y)):
        force = pressure(y, w, t)
        if not force > 0:
            continue
        here = sum(w[t - s] * y[s] / force for s in range(start, end + 1) if 0 < t - s < len(w))
        infections += y[t] * here
        variance += y[t] * here * (1 - here)
    cases = sum(y[s] for s in range(start, end + 1))
    return infections / cases, sqrt(max(variance, 0)) / cases


def ancestries(y: Series, w: list[float], start: int, end: int) -> NDArray[np.float64]:
    """The chances of 0, 1, 2 … infections by the window: binomials added up one by one."""
    chances = np.ones(1)
    for t in range(1, len(y)):
        force = pressure(y, w, t)
        if force > 0 and y[t] > 0:
            here = sum(w[t - s] * y[s] / force for s in range(start, end + 1) if 0 < t - s < len(w))
            n = int(y[t])
            chances = np.convolve(chances, binom.pmf(np.arange(n + 1), n, min(here, 1)))
    return chances


def growth_interval(y: Series, model: str) -> list[float]:
    """Rate and its 95 % interval, for the models without a size."""
    days = np.flatnonzero(~np.isnan(y) & ((y > 0) | (model != "loglinear")))
    counts, n = y[days], len(days)
    if model == "loglinear":
        apart = days - days.mean()
        rate = float(apart @ np.log(counts) / (apart @ apart))
        rest = np.log(counts) - np.log(counts).mean() - rate * apart
        error = sqrt(rest @ rest / (n - 2) / (apart @ apart)) * t_law.ppf(0.975, n - 2)
        return [rate, rate - error, rate + error]

    def means(r: float) -> Series:
        shares = np.exp(r * (days - days.mean()))
        return np.asarray(counts.sum() * shares / shares.sum())

    rate = brentq(lambda r: float(days @ (counts - means(r))), -5, 5, xtol=1e-15)
    mean = means(rate)
    apart = days - (days @ mean) / mean.sum()
    error = 1 / sqrt(float(mean @ apart**2))
    if model == "poisson":
        error *= norm.ppf(0.975)
    else:
        phi = float(((counts - mean) ** 2 / mean).sum()) / (n - 2)
        error *= sqrt(phi) * t_law.ppf(0.975, n - 2)
    return [rate, rate - error, rate + error]


def growth_negbin(y: Series) -> list[float]:
    """Rate, its 95 % interval, and 1/size, where all slopes of the likelihood are 0.

    Mean and size by turns, one inside the other: for each 1/size the level and the rate, and that
    1/size at which the likelihood does not change with it; 0 where it falls from there on.
    """
    days = np.flatnonzero(~np.isnan(y))
    counts, t = y[days], days - days.mean()

    def means(inverse: float) -> tuple[Series, float]:
        def slopes(numbers: NDArray[np.float64]) -> Series:
            mean = np.exp(numbers[0] + numbers[1] * t)
            apart = (counts - mean) / (1 + inverse * mean)
            return np.array([apart.sum(), apart @ t])

        at = root(slopes, [np.log(counts.mean()), 0.0], tol=1e-14).x
        for _ in range(3):  # the last digits by Newton's steps
            mean = np.exp(at[0] + at[1] * t)
            bend = mean * (1 + inverse * counts) / (1 + inverse * mean) ** 2
            square = [[bend.sum(), bend @ t], [bend @ t, bend @ t**2]]
            at = at + np.linalg.solve(square, slopes(at))
        return np.exp(at[0] + at[1] * t), float(at[1])

    def slope(log_inverse: float) -> float:
        inverse = exp(log_inverse)
        size, (mean, _) = 1 / inverse, means(inverse)
        each = digamma(counts + size) - digamma(size) - np.log1p(mean / size)
        return float(
            (each + (mean - counts) / (mean + size)).sum()
        )  # by the size: falls with 1/size

    inverse = 0.0
    if ((counts - means(0.0)[0]) ** 2 - counts).sum() > 0 and slope(log(1e-5)) < 0:
        inverse = exp(brentq(slope, log(1e-5), log(1e3), xtol=1e-13))
    mean, rate = means(inverse)
    weight = mean / (1 + inverse * mean)
    apart = t - (t @ weight) / weight.sum()
    error = norm.ppf(0.975) / sqrt(float(weight @ apart**2))
    return [rate, rate - error, rate + error, inverse]
