"""Forecast by renewal: today's cases infect tomorrow's, at the reproduction number of now.

Source of the renewal equation: Fraser C. Estimating individual and household reproduction numbers
in an emerging epidemic. PLoS ONE 2007;2:e758; of the reproduction number: Cori 2013 (see
:mod:`epistat.reproduction`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.intervals import checked_interval
from epistat.nowcast import generators
from epistat.reproduction import pressure
from epistat.result import Flag, Floats, counts_alone, mark, weighted
from epistat.scores import HUB_LEVELS

LONGEST = 14  # days; a constant R says little about later ones
RECENT = 28  # days whose misses tell how much cases scatter
FEWEST_MISSES = 7
CUT_OFF = 0.01  # chance beyond the end of an interval that a forecast may do without
MOST_CASES = 1e12  # of a day: growth beyond it is cut off


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What ``forecast`` answers.

    mean, sd      float64  (series, horizon)  of the days 1 … horizon after the last
    levels        float64  (levels,)  the 23 of the forecast hubs, if not told
    quantiles     float64  (series, horizon, levels)  in whole cases
    reproduction  float64  (series,)  mean R that the paths began with
    size          float64  (series,)  of the negative binomial of a day's cases; infinite: Poisson
    flags         uint8    (series,)  :class:`Flag`. SHORT_HISTORY: the window does not fit in, or
                           ends before a mean interval. TOO_FEW_POINTS: no known day in the window,
                           or the last day's past is not known. UNDEFINED: nobody left who infects
    """

    mean: Floats
    sd: Floats
    levels: Floats
    quantiles: Floats
    reproduction: Floats
    size: Floats
    flags: NDArray[np.uint8]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where there is a forecast, shape (series,)."""
        answered: NDArray[np.bool_] = (self.flags & np.uint8(Flag.NO_ANSWER)) == 0
        return answered


def forecast(
    counts: ArrayLike,
    interval: ArrayLike,
    *,
    horizon: int = 14,
    window: int = 7,
    size: float | None = None,
    drift: float = 0.0,
    prior_mean: float = 1.0,
    prior_sd: float = 1.0,
    levels: ArrayLike = HUB_LEVELS,
    paths: int = 2000,
    seed: int,
    keys: ArrayLike | None = None,
) -> Forecast:
    """Cases of the next days, by drawing ``paths`` futures of each series.

    ``counts``: (series, days), NaN is missing; or (series, paths, days), histories as they may turn
    out once all is reported: :func:`epistat.nowcast.draw` makes them, and raw counts of the last
    days are too low to forecast from. ``interval``: (lags,), lag 0 first. If chances of more than
    0.01 lie beyond its end, it must reach over history and horizon (days + horizon lags): the first
    cases still infect on the last day, and without them the forecast is too low.

    Each path draws R from the posterior of the last ``window`` days of its own history
    (:func:`epistat.cori`, prior by ``prior_mean`` and ``prior_sd``; nearer to 1 than there, because
    two weeks multiply what R errs) and goes on with Λ_t = sum of w_s I_(t-s) over its past and
    future, I_t negative binomial of mean R Λ_t and ``size``. Cases that scatter tell less about R:
    cases and pressure of the window are divided by φ = 1 + mean cases of a day / size.

    R stays, or with ``drift`` moves each day by a normal step in log R of that sd. Without ``size``
    it is told by how far cases of the last 28 days missed R Λ_t of the window before
    (:func:`scatter`); infinite is Poisson.

    Missing days of the history count for the pressure as in :func:`epistat.pressure`. ``horizon``
    is at most 14 days. ``seed`` and ``keys`` as for :func:`epistat.nowcast.draw`: a series has the
    same forecast alone and among thousands. ValueError for impossible options.

    >>> grows = np.round(10 * 1.1 ** np.arange(30))[np.newaxis]
    >>> soon = forecast(grows, [0, 0.2, 0.5, 0.3], horizon=3, seed=1)
    >>> soon.quantiles.shape, (soon.mean[0] / (grows[0, -1] * 1.1 ** np.arange(1, 4))).round(1)
    ((1, 3, 23), array([1., 1., 1.]))
    """
    past = np.asarray(counts, dtype=np.float64)
    if past.ndim == 2:
        past = past[:, np.newaxis]
    if past.ndim != 3:
        raise ValueError("counts need the shape (series, days) or (series, paths, days)")
    w = checked_interval(interval)
    at = np.asarray(levels, dtype=np.float64)
    problems = {
        f"horizon must be 1 to {LONGEST} days, not {horizon}": not 1 <= horizon <= LONGEST,
        f"window must be at least 1 day, not {window}": window < 1,
        "size must be above 0": size is not None and not size > 0,
        "drift must be 0 or more": not 0 <= drift < np.inf,
        "prior_mean and prior_sd must be above 0": not (prior_mean > 0 and prior_sd > 0),
        "paths must be at least 100": paths < 100,
        "levels must rise and lie between 0 and 1": at.ndim != 1
        or not ((at > 0) & (at < 1)).all()
        or bool((np.diff(at) <= 0).any()),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(problem)
    if len(w) < past.shape[2] + horizon and w.sum() < 1 - CUT_OFF:
        raise ValueError(
            f"the chances of the interval add up to {w.sum():.2g} only, and it ends after"
            f" {len(w) - 1} days; give all of it, or {past.shape[2] + horizon} days (history and"
            " horizon) with lag 0"
        )
    past = counts_alone(past)
    series = len(past)
    mean, sd = (np.full((series, horizon), np.nan) for _ in range(2))
    quantiles = np.full((series, horizon, len(at)), np.nan)
    reproduction, sizes = np.full(series, np.nan), np.full(series, np.nan)
    flags = np.zeros(series, np.uint8)
    shape, rate = (prior_mean / prior_sd) ** 2, prior_mean / prior_sd**2
    for row, rng in enumerate(generators(seed, keys, series)):
        history = past[row]
        reason = _reason(history, w, window)
        if reason:
            mark(flags[row : row + 1], np.True_, reason)
            continue
        force = pressure(history, w)[:, -window:]
        known = ~np.isnan(history[:, -window:]) & ~np.isnan(force)
        cases = np.where(known, history[:, -window:], 0.0).sum(axis=1)
        force_sum = np.where(known, force, 0.0).sum(axis=1)
        of = np.resize(np.arange(len(history)), paths)
        sizes[row] = scatter(history.mean(axis=0), w, window=window) if size is None else size
        phi = 1 + cases / np.maximum(known.sum(axis=1), 1) / sizes[row]
        posterior = shape + cases / phi, rate + force_sum / phi
        ratio = rng.gamma(posterior[0][of], 1 / posterior[1][of])
        reproduction[row] = ratio.mean()
        future = _futures(history[of], w, ratio, sizes[row], horizon, drift, rng)
        mean[row], sd[row] = future.mean(axis=0), future.std(axis=0)
        quantiles[row] = np.quantile(future, at, axis=0, method="inverted_cdf").T
    return Forecast(mean, sd, at, quantiles, reproduction, sizes, flags)


def scatter(counts: ArrayLike, interval: ArrayLike, *, window: int = 7) -> float:
    """The size of the negative binomial of one series' cases around R Λ; infinite if Poisson.

    ``counts``: (days,). Each of the last 28 days t is compared with μ_t, its pressure times the
    posterior mean of R (prior mean and sd 5) of the ``window`` days before it; 1/size is the mean
    of ((y - μ)² - μ) / μ² over those with μ of one case or more. Infinite also where fewer than 7
    days can be compared.

    >>> scatter([4, 9, 2, 8, 3, 11, 5, 4, 12, 2, 9, 4, 7, 3, 13, 6, 2, 9], [0, 0.5, 0.5]) < 20
    True
    """
    y = np.asarray(counts, dtype=np.float64)
    force = pressure(y[np.newaxis], interval)[0]
    used = ~np.isnan(y) & ~np.isnan(force)
    running_cases = np.concatenate([[0.0], np.cumsum(np.where(used, y, 0.0))])
    running_force = np.concatenate([[0.0], np.cumsum(np.where(used, force, 0.0))])
    days = np.arange(max(len(y) - RECENT, window + 1), len(y))
    cases = running_cases[days] - running_cases[days - window]
    rate = 0.2 + running_force[days] - running_force[days - window]
    mean = (1 + cases) / rate * force[days]
    fine = ~np.isnan(y[days]) & (mean >= 1)
    mean = np.where(fine, mean, 1.0)
    misses = ((y[days] - mean) ** 2 - mean) / mean**2
    if fine.sum() < FEWEST_MISSES:
        return float("inf")
    inverse = float(misses[fine].mean())
    return 1 / inverse if inverse > 1e-6 else float("inf")


def _reason(history: Floats, w: Floats, window: int) -> Flag | None:
    """Why a series has no forecast."""
    days = history.shape[1]
    mean = float((np.arange(len(w)) * w).sum())
    if days < window + 1 or days <= mean:
        return Flag.SHORT_HISTORY
    unknown = np.isnan(history)
    if unknown[:, -window:].all(axis=1).any() or unknown[:, -min(len(w), days) :].mean() > 0.5:
        return Flag.TOO_FEW_POINTS
    if not np.nan_to_num(history[:, -(len(w) - 1) :]).any():
        return Flag.UNDEFINED
    return None


def _futures(
    history: Floats,
    w: Floats,
    ratio: Floats,
    size: float,
    horizon: int,
    drift: float,
    rng: np.random.Generator,
) -> Floats:
    """Cases of the days to come, (paths, horizon)."""
    reach = min(len(w) - 1, history.shape[1])
    past = history[:, -reach:]
    known = ~np.isnan(past)
    run = np.concatenate([np.where(known, past, 0.0), np.zeros((len(past), horizon))], axis=1)
    there = np.concatenate([known.astype(np.float64), np.ones((len(past), horizon))], axis=1)
    for day in range(reach, reach + horizon):
        lags = np.arange(1, min(len(w) - 1, day) + 1)
        force = weighted(run[:, day - lags], w[lags])
        if not known.all():
            share = weighted(there[:, day - lags], w[lags])
            force = force * w[lags].sum() / np.maximum(share, 1e-300)
        if drift:
            ratio = ratio * np.exp(drift * rng.standard_normal(len(ratio)))
        mean = np.minimum(ratio * force, MOST_CASES)
        if np.isfinite(size):
            mean = np.minimum(mean * rng.gamma(size, 1 / size, len(mean)), MOST_CASES)
        run[:, day] = rng.poisson(mean)
    return run[:, reach:]
