"""The mean of a chart: a log-linear regression on harmonics of the year, for many series at once.

log mean = level [+ slope * t] + sum over j of a_j sin(2 pi j t / year) + b_j cos(2 pi j t / year),
t = 1, 2 …; Poisson, or negative binomial with variance mean + alpha * mean^2. Fitted as R's ``glm``
does, by iteratively reweighted least squares from the same start and with the same rule for
stopping; alpha, if it is not given, in turns with it by maximum likelihood.

Shapes: weeks x series inside.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma, xlogy

from epistat.loglinear import MOST_STEPS, STOP, total
from epistat.result import Floats

MOST_TURNS = 50  # of mean and alpha
SAME = 1e-9  # relative change of alpha
LEAST_ALPHA = 1e-8  # below it the counts are Poisson


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Mean of every week (series, time) and alpha (series)."""

    mean: Floats
    alpha: Floats


def design(time: int, harmonics: int, trend: bool, year: float) -> Floats:
    """Columns of the regression, (time, columns)."""
    t = np.arange(1, time + 1, dtype=np.float64)
    columns = [np.ones(time)]
    if trend:
        columns.append(t)
    for j in range(1, harmonics + 1):
        columns += [np.sin(2 * np.pi * j * t / year), np.cos(2 * np.pi * j * t / year)]
    return np.column_stack(columns)


def means(
    counts: Floats,
    training: int,
    harmonics: int,
    *,
    trend: bool = False,
    alpha: float | None = 0.0,
    year: float = 52,
) -> Means:
    """Fit the first ``training`` weeks of each series and tell the mean of all.

    ``alpha``: 0 for Poisson, a number, or None to estimate it. NaN where the training has no case
    or too few weeks are known.
    """
    series, time = counts.shape
    x = design(time, harmonics, trend, year)
    y = np.ascontiguousarray(counts[:, :training].T)
    known = ~np.isnan(y)
    y = np.where(known, y, 0.0)
    fine = (known.sum(axis=0) > x.shape[1]) & (y.sum(axis=0) > 0)
    beta = np.full((series, x.shape[1]), np.nan)
    dispersion = np.full(series, np.nan)
    some = np.flatnonzero(fine)
    if some.size:
        y, w = np.take(y, some, axis=1), np.take(known.astype(np.float64), some, axis=1)
        start = np.zeros(len(some)) if alpha is None else np.full(len(some), float(alpha))
        early = x[:training]
        fitted = _fit(early, y, w, start)
        live = np.arange(len(some)) if alpha is None else np.arange(0)
        for _ in range(MOST_TURNS):
            if not live.size:
                break
            cases, known_weeks = np.take(y, live, axis=1), np.take(w, live, axis=1)
            after = _alpha(cases, known_weeks, np.exp(_linear(early, fitted[live])))
            fitted[live] = _fit(early, cases, known_weeks, after)
            moved = np.abs(after - start[live]) > SAME * (after + LEAST_ALPHA)
            start[live] = after
            live = live[moved]
        beta[some], dispersion[some] = fitted, start
    return Means(np.ascontiguousarray(np.exp(_linear(x, beta)).T), dispersion)


def _linear(x: Floats, beta: Floats) -> Floats:
    """x beta, (weeks, series), column by column: the same in every batch."""
    sums = np.zeros((len(x), len(beta)))
    for i in range(x.shape[1]):
        sums += x[:, i : i + 1] * beta[:, i]
    return sums


def _fit(x: Floats, y: Floats, known: Floats, alpha: Floats) -> Floats:
    """Coefficients (series, columns) for given alpha."""
    p = x.shape[1]
    poisson = alpha == 0
    mean = np.where(poisson, y + 0.1, y + (y == 0) / 6)
    eta = np.log(mean)
    beta = np.zeros((y.shape[1], p))
    live = np.arange(y.shape[1])
    deviance = _deviance(y, mean, known, alpha)
    for _ in range(MOST_STEPS):
        w = known * mean / (1 + alpha * mean)
        z = eta + (y - mean) / mean
        normal = np.empty((len(live), p, p))
        right = np.empty((len(live), p))
        for i in range(p):
            part = w * x[:, i : i + 1]
            right[:, i] = total(part * z)
            for j in range(i + 1):
                normal[:, i, j] = normal[:, j, i] = total(part * x[:, j : j + 1])
        singular = ~(np.abs(np.linalg.det(normal)) > 0)  # no answer for these, not for none
        normal[singular] = np.eye(p)
        right[singular] = np.nan
        step = np.asarray(np.linalg.solve(normal, right[:, :, np.newaxis])[:, :, 0], np.float64)
        beta[live] = step
        eta = _linear(x, step)
        mean = np.exp(eta)
        now = _deviance(y, mean, known, alpha)
        open_ = np.flatnonzero(~(np.abs(now - deviance) <= STOP * (np.abs(now) + 0.1)))
        if not open_.size:
            break
        live, alpha, deviance = live[open_], alpha[open_], now[open_]
        y, known, eta, mean = (np.take(part, open_, axis=1) for part in (y, known, eta, mean))
    return beta


def _deviance(y: Floats, mean: Floats, known: Floats, alpha: Floats) -> Floats:
    safe = np.where(alpha > 0, alpha, 1.0)
    binomial = xlogy(y, y / mean) - (y + 1 / safe) * np.log((1 + safe * y) / (1 + safe * mean))
    unit = np.where(alpha > 0, binomial, xlogy(y, y / mean) - (y - mean))
    return 2 * total(known * unit)


def _alpha(y: Floats, known: Floats, mean: Floats) -> Floats:
    """Alpha by maximum likelihood for given means; 0 where the counts vary less than Poisson."""
    excess = total(known * ((y - mean) ** 2 - y))
    theta = np.where(excess > 0, total(known * mean**2) / np.maximum(excess, 1e-300), np.inf)
    over = np.isfinite(theta) & (theta < 1 / LEAST_ALPHA)
    result = np.zeros(y.shape[1])
    live = np.flatnonzero(over)
    log_theta = np.log(np.clip(theta[live], 1e-4, 1e6))
    y, known, mean = (np.take(part, live, axis=1) for part in (y, known, mean))
    for _ in range(MOST_TURNS):
        if not live.size:
            break
        size = np.exp(log_theta)
        slope = total(
            known
            * (digamma(y + size) - digamma(size) + np.log(size / (size + mean)) + 1
               - (y + size) / (size + mean))
        )  # fmt: skip
        curve = total(
            known
            * (polygamma(1, y + size) - polygamma(1, size) + 1 / size - 2 / (size + mean)
               + (y + size) / (size + mean) ** 2)
        )  # fmt: skip
        # Newton for log(size), never further than a factor of three.
        second = curve * size**2 + slope * size
        change = np.clip(np.where(second < 0, -slope * size / second, np.sign(slope)), -1, 1)
        log_theta = log_theta + change
        gone = log_theta >= np.log(1 / LEAST_ALPHA)
        result[live] = np.where(gone, 0.0, np.exp(-log_theta))
        left = np.flatnonzero((np.abs(change) > SAME / 10) & ~gone)
        live, log_theta = live[left], log_theta[left]
        y, known, mean = (np.take(part, left, axis=1) for part in (y, known, mean))
    return result


def training_mean(counts: Floats, training: int) -> tuple[Floats, NDArray[np.int64]]:
    """Mean of the known weeks of the training, and their number, (series)."""
    part = counts[:, :training]
    known = ~np.isnan(part)
    points = known.sum(axis=1)
    mean: Floats = np.where(known, part, 0.0).sum(axis=1) / np.maximum(points, 1)
    return np.where(points > 0, mean, np.nan), points
