"""The plain twin of Farrington's methods: one series, one week, one dense regression.

Follows the papers and the rules of R's ``glm`` step by step, with a design matrix and least
squares; it shares no code with the package. See :mod:`epistat.tests.plain` for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import exp, inf, log, log1p, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, norm, poisson, t

from epistat.tests.plain import Day, Series


@dataclass
class Settings:
    years: int = 5
    half: int = 3
    seasons: int = 10
    skip: int = 26
    alpha: float = 0.005
    method: str = "nb_plugin"
    power: str = "2/3"
    trend: bool = True
    trend_p: float = 1.0
    reweight: bool = True
    outlier: float = 2.58
    limit: tuple[int, int] = (5, 4)
    year: int = 52
    original: bool = False  # 1996: a dispersion of 1 or more in the standard error too


def references(k: int, s: Settings, dates: Sequence[date] | None) -> list[int]:
    """The same week of earlier years, newest first."""
    if dates is None:
        return [k - s.year * back for back in range(1, s.years + 1)]
    found = []
    for back in range(1, s.years + 1):
        today = dates[k]
        try:
            then = today.replace(year=today.year - back)
        except ValueError:  # 29 February
            then = date(today.year - back, 3, 1)
        near = [then + timedelta(days=shift) for shift in range(-3, 4)]
        (then,) = [day for day in near if day.weekday() == today.weekday()]
        found.append((then - dates[0]).days // 7)
    return found


def season_of(k: int, s: Settings, dates: Sequence[date] | None) -> dict[int, int]:
    """Season of each week of the baseline; the season of now is 0."""
    points = [k, *references(k, s, dates)]
    seasons: dict[int, int] = {}
    for newer, older in pairwise(points):
        if s.seasons > 1:
            gap = list(range(older + s.half + 1, newer - s.half))
            short, longer = divmod(len(gap), s.seasons - 1)
            for season in range(1, s.seasons):
                size = short + (season <= longer)
                seasons.update(dict.fromkeys(gap[:size], season))
                gap = gap[size:]
        seasons.update(dict.fromkeys(range(older - s.half, older + s.half + 1), 0))
    if s.seasons > 1:
        seasons.update(dict.fromkeys(range(k - s.half, k + 1), 0))
    return {week: seasons[week] for week in sorted(seasons) if 0 <= week < k - s.skip}


@dataclass
class Glm:
    """A quasi-Poisson regression as R fits it."""

    beta: Series
    mean: Series
    weights: Series
    unscaled: NDArray[np.float64]
    converged: bool


def glm(x: NDArray[np.float64], y: Series, offset: Series, prior: Series) -> Glm:
    def deviance(mean: Series) -> float:
        return float(2 * sum(w * ((v * log(v / m) if v else 0.0) - (v - m))
                             for w, v, m in zip(prior, y, mean, strict=True)))  # fmt: skip

    mean = y + 0.1
    eta = np.log(mean)
    before = deviance(mean)
    for _ in range(25):
        weights = prior * mean
        root = np.sqrt(weights)
        z = eta - offset + (y - mean) / mean
        q, r = np.linalg.qr(x * root[:, None])
        beta = np.linalg.solve(r, q.T @ (root * z))
        eta = x @ beta + offset
        mean = np.exp(eta)
        now = deviance(mean)
        if abs(now - before) / (abs(now) + 0.1) < 1e-8:
            break
        before = now
    else:
        return Glm(beta, mean, weights, np.linalg.inv(r.T @ r), False)
    return Glm(beta, mean, weights, np.linalg.inv(r.T @ r), True)


def farrington(
    y: Series,
    k: int,
    s: Settings,
    dates: Sequence[date] | None = None,
    people: Series | None = None,
) -> tuple[Day, bool]:
    """The answer for week k in our own mode, and whether a trend was kept.

    The threshold is NaN where there are too few cases of late.
    """
    none = None, False
    if np.isnan(y[k]) or references(k, s, dates)[-1] < 0:
        return none
    seasons = season_of(k, s, dates)
    weeks = [week for week in seasons if not np.isnan(y[week])]
    present = sorted({seasons[week] for week in weeks})
    wants_trend = s.trend and s.years >= 3
    if 0 not in present or len(weeks) <= len(present) + wants_trend:
        return none
    counts = y[weeks]
    dummies = np.array([[seasons[week] == season for season in present] for week in weeks], float)
    offset = np.zeros(len(weeks)) if people is None else np.log(people[weeks])
    offset_now = 0.0 if people is None else log(people[k])
    here = np.array([season == 0 for season in present], float)
    recent = np.nan_to_num(y[max(k - s.limit[1] + 1, 0) : k + 1])
    enough = recent.sum() >= s.limit[0]

    if not counts.any():
        over = y[k] > 0
        upper, p, score = 0.0 if enough else np.nan, float(not over), inf if over else 0.0
        return (0.0, upper, p, score, bool(over and enough)), False

    def estimate(trend: bool) -> dict[str, Any]:
        x, now = dummies, here
        if trend:
            x = np.column_stack([x, np.array(weeks, float) - k])
            now = np.append(here, 0.0)
        n, p = x.shape
        fit = glm(x, counts, offset, np.ones(n))
        converged, prior = fit.converged, np.ones(n)
        if s.reweight:
            phi = max(1.0, pearson(fit, counts, n - p))
            hat = np.einsum("ij,jk,ik->i", x, fit.unscaled, x) * fit.weights
            left = np.maximum(1 - hat, 1e-12)
            residual = 1.5 * (counts ** (2 / 3) * fit.mean ** (-1 / 6) - fit.mean**0.5)
            residual /= np.sqrt(phi * left)
            prior = np.array([r**-2 if r > s.outlier else 1.0 for r in residual])
            prior *= n / prior.sum()
            fit = glm(x, counts, offset, prior)
        d = pearson(fit, counts, n - p)
        return {
            "converged": converged, "d": d, "log_mean": float(now @ fit.beta + offset_now),
            "se2": float(d * now @ fit.unscaled @ now),
            "p": float(2 * t.sf(abs(fit.beta[-1]) / sqrt(d * fit.unscaled[-1, -1]), n - p))
            if trend and d > 0 else 0.0,
        }  # fmt: skip

    kept = False
    if wants_trend and not endless(counts, weeks, [seasons[week] for week in weeks]):
        model = estimate(True)
        significant = s.trend_p == 1 or model["p"] < s.trend_p
        kept = model["converged"] and significant and exp(model["log_mean"]) <= counts.max()
    if not kept:
        model = estimate(False)
    mean, phi = exp(model["log_mean"]), max(1.0, model["d"])
    se2 = model["se2"]
    if s.original and model["d"] > 0:
        se2 *= phi / model["d"]
    upper, p = threshold(s, mean, phi, se2, y[k])
    if np.isnan(upper):
        return none
    score = (y[k] - mean) / (upper - mean) if upper > mean else inf if y[k] > upper else 0.0
    alarm = bool(y[k] > upper and enough)
    return (mean, upper if enough else np.nan, p, score, alarm), bool(kept)


def endless(counts: Series, weeks: Sequence[int], of: Sequence[int]) -> bool:
    """Whether a steeper trend always fits better.

    Moving along it no week with cases may change its mean and none without may rise: all weeks with
    cases are then the first of their season, or all the last.
    """
    ends = []
    for way in (min, max):
        end = {g: way(w for w, other in zip(weeks, of, strict=True) if other == g) for g in of}
        ends.append(all(w == end[g] for w, g, n in zip(weeks, of, counts, strict=True) if n > 0))
    return any(ends)


def pearson(fit: Glm, y: Series, free: int) -> float:
    return float(np.sum(fit.weights * ((y - fit.mean) / fit.mean) ** 2) / free)


def threshold(s: Settings, mean: float, phi: float, se2: float, y: float) -> tuple[float, float]:
    z = float(norm.isf(s.alpha))
    if s.method == "delta":
        tau = phi + se2 * mean
        c, sd = {
            "2/3": (2 / 3, sqrt(4 / 9 * mean ** (1 / 3) * tau)),
            "1/2": (1 / 2, sqrt(tau / 4)),
            "none": (1.0, sqrt(mean * tau)),
        }[s.power]
        return (mean**c + z * sd) ** (1 / c), float(norm.sf((y**c - mean**c) / sd))
    if s.method == "muan":
        mean = float(np.exp(np.minimum(log(mean) + z * sqrt(se2), 700.0)))
    if mean > 1e300:
        return float("nan"), float("nan")
    if mean > 1e9:  # of a season without a past case
        return mean + z * sqrt(phi * mean), 1.0
    if 1 < phi < 1 + 1e-6 and mean < 500:
        return chance_by_chance(s.alpha, mean, phi, y)
    law = poisson(mean) if phi < 1 + 1e-9 else nbinom(mean / (phi - 1), 1 / phi)
    return float(law.isf(s.alpha)), float(law.sf(y - 1))


def chance_by_chance(alpha: float, mean: float, phi: float, y: float) -> tuple[float, float]:
    """The same added up; SciPy's negative binomial loses eight digits where it is nearly Poisson.

    With e = phi - 1 the chance of k + 1 is that of k times (mean + e k) / ((k + 1) phi).
    """
    chance, below, count = exp(-mean / (phi - 1) * log1p(phi - 1)), 0.0, 0
    upper, p = nan, 1.0
    while np.isnan(upper) or count <= y:
        if count == y:
            p = 1 - below
        below += chance
        if np.isnan(upper) and 1 - below <= alpha:
            upper = float(count)
        chance *= (mean + (phi - 1) * count) / ((count + 1) * phi)
        count += 1
    return upper, p
