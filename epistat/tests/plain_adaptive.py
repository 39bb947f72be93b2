"""The plain twin of the adaptive regression: one series, one week, one sum after another.

Written from the formula in the head of :mod:`epistat.regression` alone; it shares no code with it.
The fit goes uphill with the full matrix of second derivatives, halving a step that leads down.
"""

from math import cos, exp, inf, log, log10, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from epistat.tests.plain import Day, Series

Numbers = NDArray[np.float64]


def adaptive(
    y: Series,
    *,
    alpha: float = 0.0065,
    years: float = 8,
    half_life: float = 3,
    guard: int = 1,
    year: float = 52.0,
    population: Series | None = None,
    first: int = 0,
) -> list[Day | None]:
    """Expected, upper, p, score and alarm of each week from ``first`` on; None: no answer."""
    people = np.ones(len(y)) if population is None else np.asarray(population, np.float64)
    days: list[Day | None] = []
    for t in range(first, len(y)):
        oldest = max(0, t - guard - round(years * year))
        history = [s for s in range(oldest, t - guard) if not np.isnan(y[s])]
        if len(history) < 26 or np.isnan(y[t]):
            days.append(None)
            continue
        counts = np.array([y[s] for s in history], np.float64)
        here = np.array([people[s] for s in history], np.float64)
        ago = np.array([t - s for s in history], np.float64)
        mean, ratio = _expected(counts, here, float(people[t]), ago, half_life, guard, year)
        days.append(_judged(float(y[t]), mean, ratio, alpha))
    return days


def _row(lag: float, year: float) -> list[float]:
    t = -lag / year
    angles = [2 * pi * j * t for j in (1, 2)]
    return [1.0, t, *(part for angle in angles for part in (cos(angle), sin(angle)))]


def _expected(
    y: Numbers,
    people: Numbers,
    people_now: float,
    ago: Numbers,
    half_life: float,
    guard: int,
    year: float,
) -> tuple[float, float]:
    x = np.array([_row(lag, year) for lag in ago])
    prior = np.array([0.0, 1 / 0.2**2, *[1 / 0.8**2] * 2, *[1 / 0.5**2] * 2])
    age = np.array([0.5 ** (lag / year / half_life) for lag in ago])
    rate = (float((age * y).sum()) + 0.5) / float((age * people).sum())
    spread = sum(
        w * (yi - rate * n) ** 2 / (rate * n) for w, yi, n in zip(age, y, people, strict=True)
    )
    beta, normal = _fit(x, y, people, age, prior, max(1.0, float(spread) / float(age.sum())))
    calm, d = _calm(y, people * np.exp(x @ beta), age, prior, normal)
    beta, normal = _fit(x, y, people, age * calm, prior, d)
    mean = people * np.exp(x @ beta)
    calm, d = _calm(y, mean, age, prior, normal)
    now = np.array(_row(0.0, year))
    variance = float(now @ np.linalg.inv(normal) @ now)
    level, of_level = _level(y, mean, calm, age, ago, d, guard)
    m = people_now * exp(float(now @ beta)) * level
    return m, d + m * (variance + of_level)


def _fit(
    x: Numbers, y: Numbers, people: Numbers, weight: Numbers, prior: Numbers, d: float
) -> tuple[Numbers, Numbers]:
    """Coefficients of the highest posterior likelihood, and its second derivatives."""

    def height(beta: Numbers) -> float:
        eta = x @ beta
        likelihood = float((weight * (y * eta - people * np.exp(eta))).sum())
        return (likelihood + 0.5 * beta[0]) / d - float((prior * beta**2).sum()) / 2

    beta = np.zeros(x.shape[1])
    beta[0] = log((float((weight * y).sum()) + 0.5) / float((weight * people).sum()))
    normal = np.eye(len(beta))
    for _ in range(500):
        mean = people * np.exp(x @ beta)
        normal = (x.T * (weight * mean / d)) @ x + np.diag(prior)
        slope = x.T @ (weight * (y - mean) / d) - prior * beta
        slope[0] += 0.5 / d
        step = np.linalg.solve(normal, slope)
        if np.abs(step).max() < 1e-11:
            break
        size, before = 1.0, height(beta)
        while height(beta + size * step) < before - 1e-12 * abs(before) and size > 1e-9:
            size /= 2
        beta = beta + size * step
    return beta, normal


def _calm(
    y: Numbers, mean: Numbers, age: Numbers, prior: Numbers, normal: Numbers
) -> tuple[Numbers, float]:
    """Weights of past outbreaks and dispersion, four times in turns."""
    of_the_data = len(prior) - float(np.trace(np.linalg.inv(normal) @ np.diag(prior)))
    calm, d = np.ones(len(y)), 1.0
    for _ in range(4):
        squares = sum(
            w * c * (yi - m) ** 2 / m for w, c, yi, m in zip(age, calm, y, mean, strict=True)
        )
        free = max(float((age * calm).sum()) - of_the_data, 1.0)
        d = max(1.0, (float(squares) + 8 * 1.5) / (free + 8))
        for i, (yi, m) in enumerate(zip(y, mean, strict=True)):
            r = 1.5 * (yi ** (2 / 3) * m ** (-1 / 6) - m ** (1 / 2)) / sqrt(d)
            calm[i] = (2.58 / r) ** 3 if r > 2.58 else 1.0
    return calm, d


def _level(
    y: Numbers, mean: Numbers, calm: Numbers, age: Numbers, ago: Numbers, d: float, guard: int
) -> tuple[float, float]:
    at = {int(lag): i for i, lag in enumerate(ago)}
    above = whole = 0.0
    for lag, i in at.items():
        for apart in (2, 3, 4):
            if lag - apart not in at:
                continue
            j = at[lag - apart]
            weight = age[i] * calm[i] * calm[j]
            above += weight * (y[i] - mean[i]) * (y[j] - mean[j])
            whole += weight * mean[i] * mean[j]
    q = min(max(above / (whole + 1e-9), 0.0), 1.0)
    near = np.array([0.5 ** ((lag - guard - 1) / 4) for lag in ago]) * calm
    seen = float((near * mean).sum())
    noise = d * float((near**2 * mean).sum())
    share = q * seen / (q * seen**2 + noise + 1e-12)
    level = max(1 + share * float((near * (y - mean)).sum()), 0.2)
    return level, (1 - share * seen) * q / level**2


def _judged(count: float, mean: float, ratio: float, alpha: float) -> Day:
    law = poisson(mean) if ratio <= 1 + 1e-9 else nbinom(mean / (ratio - 1), 1 / ratio)
    p = float(law.sf(count - 1)) if count > 0 else 1.0
    upper = float(law.isf(alpha))
    while upper >= 1 and law.sf(upper - 1) <= alpha:
        upper -= 1
    while law.sf(upper) > alpha:
        upper += 1
    score = 0.0 - log10(p) if p > 0 else inf
    return mean, upper, p, score, count > upper
