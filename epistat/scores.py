"""Scores: how good was the forecast? Smaller is better, and honesty pays (they are proper).

A forecast is a set of quantiles, a sample, or a Poisson or negative binomial of given mean. All
functions broadcast and return one score for each observation; NaN in, NaN out, for that cell only.
For the logarithmic scale, on which a factor of two counts the same in a small and in a large
county, put observations and forecasts through ``log_scale`` first.

Sources: Bracher J, Ray EL, Gneiting T, Reich NG. Evaluating epidemic forecasts in an interval
format. PLoS Comput Biol 2021;17:e1008618 (WIS). Gneiting T, Raftery AE. Strictly proper scoring
rules, prediction, and estimation. JASA 2007;102:359-78 (CRPS). Czado C, Gneiting T, Held L.
Predictive model assessment for count data. Biometrics 2009;65:1254-61 (counts). Bosse NI and
others. Scoring epidemiological forecasts on transformed scales. PLoS Comput Biol 2023;19:e1011393.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtr, xlog1py, xlogy

from epistat.result import Floats, as_counts, product
from epistat.tails import tail_by_size, upper_tail

# Those of the forecast hubs: 1 %, 2.5 %, 5 % … 95 %, 97.5 %, 99 %.
HUB_LEVELS = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99)
SAME = 1e-9  # two levels this near are one
MOST_TERMS = 200_000  # of a sum over counts
FEWEST_ERRORS = 8  # of a naive forecast


class Wis(NamedTuple):
    """The weighted interval score and its three parts, which add up to it."""

    total: Floats
    dispersion: Floats
    underprediction: Floats
    overprediction: Floats


def log_scale(values: ArrayLike) -> Floats:
    """log(values + 1), the scale of growth; a score of it is near a score of relative error.

    >>> log_scale([0.0, np.e - 1])
    array([0., 1.])
    """
    array: Floats = np.log1p(np.asarray(values, dtype=np.float64))
    return array


def pinball(observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> Floats:
    """2 (1{y <= q} - τ)(q - y) for each quantile q of level τ.

    ``observed``: any shape; ``quantiles``: the same and levels last; ``levels``: (levels,). The
    answer has the shape of ``quantiles``. The factor 2 makes the median's the absolute error.

    >>> pinball([4.0], [[1.0, 5.0]], [0.1, 0.5])
    array([[0.6, 1. ]])
    """
    y, q, tau = _forecast(observed, quantiles, levels)
    apart = q - y[..., np.newaxis]
    answer: Floats = 2 * np.where(apart >= 0, (1 - tau) * apart, -tau * apart)
    return answer


def interval_score(observed: ArrayLike, low: ArrayLike, high: ArrayLike, alpha: float) -> Floats:
    """(u - l) + 2/α (l - y)+ + 2/α (y - u)+ of a central interval with coverage 1 - α.

    >>> interval_score([1.0, 3.0], 2.0, 6.0, alpha=0.5)
    array([8., 4.])
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    y, lower, upper = (np.asarray(part, dtype=np.float64) for part in (observed, low, high))
    beyond = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    return np.asarray((upper - lower) + 2 / alpha * beyond)


def wis(observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike = HUB_LEVELS) -> Wis:
    """The weighted interval score: (|y - m|/2 + sum of α_k/2 IS_k) / (K + 1/2).

    ``observed``: any shape; ``quantiles``: the same and levels last; ``levels``: (levels,), the
    median among them and the others in pairs α/2, 1 - α/2 of the K central intervals. It is the
    mean of :func:`pinball` over the levels. Its parts: dispersion is the width of the intervals;
    underprediction is paid where y lies above an interval or the median, overprediction below.
    In the unit of the observations. ValueError for levels without median or pairs.

    >>> score = wis([9.0], [[2.0, 4.0, 6.0]], [0.25, 0.5, 0.75])
    >>> [part.round(3).tolist() for part in score]
    [[4.333], [0.667], [3.667], [0.0]]
    """
    y, q, tau = _forecast(observed, quantiles, levels)
    count = len(tau)
    if count % 2 == 0 or not np.allclose(tau + tau[::-1], 1, rtol=0, atol=SAME):
        raise ValueError("WIS needs the median and pairs of levels, as 0.25, 0.5, 0.75")
    apart = y[..., np.newaxis] - q
    half = count // 2
    width, below, above = (np.zeros(y.shape) for _ in range(3))
    for k in range(half):
        alpha = 2 * tau[k]
        width = width + alpha / 2 * (q[..., -1 - k] - q[..., k])
        below = below + np.maximum(-apart[..., k], 0)
        above = above + np.maximum(apart[..., -1 - k], 0)
    above = above + np.maximum(apart[..., half], 0) / 2
    below = below + np.maximum(-apart[..., half], 0) / 2
    parts = [np.asarray(part / (half + 0.5)) for part in (width, above, below)]
    return Wis(np.asarray(parts[0] + parts[1] + parts[2]), parts[0], parts[1], parts[2])


def coverage(observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike, share: float) -> float:
    """Share of the observations inside the central interval that should hold ``share`` of them.

    Over all cells whose observation and interval are known; NaN where there are none. ValueError
    where the levels of the interval, as 0.025 and 0.975 for 0.95, are not given.

    >>> coverage([1.0, 5.0, 6.0, 9.0], [[2.0, 6.0]] * 4, [0.25, 0.75], 0.5)
    0.5
    """
    y, q, tau = _forecast(observed, quantiles, levels)
    low, high = (
        np.flatnonzero(np.abs(tau - at) < SAME) for at in ((1 - share) / 2, (1 + share) / 2)
    )
    if not (low.size and high.size):
        raise ValueError(f"no quantiles of an interval that covers {share}")
    lower, upper = q[..., low[0]], q[..., high[0]]
    known = ~np.isnan(y + lower + upper)
    inside = (y >= lower) & (y <= upper) & known
    return float(inside.sum() / known.sum()) if known.any() else float("nan")


def naive_forecast(
    counts: ArrayLike, horizon: int, *, season: int = 1, levels: ArrayLike = HUB_LEVELS
) -> Floats:
    """The forecast to beat: as many as last time, give or take what that would have erred before.

    ``counts``: (series, time); NaN is missing. ``season``: 1 repeats the last count; 7 (days) or 52
    (weeks) the last season. h steps ahead the middle is the newest count L = season * ceil(h /
    season) steps before; the quantiles are those of it plus and minus every y_t - y_(t-L) of the
    past (type 7), not below 0. Answer: (series, horizon, levels), NaN where that count is missing
    or fewer than 8 such differences are known. Score it by :func:`wis` beside a model's forecast,
    and put both into :func:`relative_wis`. The symmetric errors are those of the baseline of the
    forecast hubs (Cramer 2022, as below). ValueError for impossible options.

    >>> naive_forecast([[4, 6, 5, 7, 6, 5, 6, 8, 7, 6]], 2, levels=[0.25, 0.5, 0.75])[0]
    array([[5., 6., 7.],
           [5., 6., 7.]])
    """
    array, at = as_counts(counts), np.asarray(levels, np.float64)
    if horizon < 1 or season < 1:
        raise ValueError("horizon and season must be at least 1")
    series, time = array.shape
    answer = np.full((series, horizon, len(at)), np.nan)
    for step in range(1, horizon + 1):
        lag = season * -(-step // season)
        if time < lag:
            continue
        middle = array[:, time - 1 + step - lag, np.newaxis]
        apart = array[:, lag:] - array[:, :-lag]
        some = np.flatnonzero((~np.isnan(apart)).sum(axis=1) >= FEWEST_ERRORS)
        if some.size:
            both = middle[some] + np.concatenate([apart[some], -apart[some]], axis=1)
            known = ~np.isnan(middle[some, 0])
            found = np.nanquantile(both[known], at, axis=1).T
            answer[some[known], step - 1] = np.maximum(found, 0.0)
    return answer


def relative_wis(scores: ArrayLike, baseline: int) -> Floats:
    """How much worse than the baseline is each model, by the forecasts that both made?

    ``scores``: (models, forecasts), WIS or any score above 0, NaN where a model made no forecast;
    ``baseline``: row of the baseline model. Each pair of models is compared on their common
    forecasts by the ratio of mean scores; a model's skill is the geometric mean of its ratios to
    all models, and the answer is skill over that of the baseline: (models,), below 1 is better.
    NaN for a model without a forecast in common with another. Scores of 0 throughout make ratios of
    0 or infinite, of two such models 1; the baseline itself has 1 in any case. Source: Cramer EY
    and others. PNAS 2022;119:e2113561119.

    >>> relative_wis([[1.0, 2.0, np.nan], [2.0, 4.0, 3.0], [2.0, 4.0, 3.0]], baseline=1).round(3)
    array([0.5, 1. , 1. ])
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError("scores need the shape (models, forecasts)")
    known = ~np.isnan(array)
    filled = np.where(known, array, 0.0)
    # Row i, column j: sum of the scores of i over the forecasts that j made too.
    sums = product(filled, known.T.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(sums) - np.log(sums.T)
    logs[(sums == 0) & (sums.T == 0)] = 0.0  # both perfect where they meet
    logs[~known.any(axis=1)] = np.nan
    shared = (known.astype(np.int64) @ known.T.astype(np.int64)) > 0
    logs = np.where(shared, logs, np.nan)
    used = ~np.isnan(logs)
    with np.errstate(invalid="ignore"):  # infinite less infinite: no answer
        totals = np.where(used, logs, 0.0).sum(axis=1)
        skill = np.divide(
            totals, used.sum(axis=1), out=np.full(len(logs), np.nan), where=used.any(axis=1)
        )
        answer: Floats = np.exp(skill - skill[baseline])
    perfect = (skill == -np.inf) & (skill[baseline] == -np.inf)
    answer[perfect] = 1.0
    if known[baseline].any():
        answer[baseline] = 1.0
    return answer


def crps_sample(observed: ArrayLike, sample: ArrayLike, *, fair: bool = False) -> Floats:
    """CRPS of a sample: mean |x - y| - (mean |x - x'|)/2 over its members.

    ``observed``: any shape; ``sample``: the same and members last. ``fair`` divides the second sum
    by n(n-1) instead of n², so that small samples are not punished for being small. In the unit of
    the observations.

    >>> crps_sample([3.0], [[1.0, 2.0, 6.0]]), crps_sample([3.0], [[1.0, 2.0, 6.0]], fair=True)
    (array([0.88888889]), array([0.33333333]))
    """
    y, x = np.asarray(observed, dtype=np.float64), np.asarray(sample, dtype=np.float64)
    n = x.shape[-1]
    if n < 1 + fair:
        raise ValueError("a sample needs members, a fair score at least two")
    ordered = np.sort(x, axis=-1)
    # Sum over pairs of |x - x'| by ranks, around the median so that nothing large cancels.
    around = ordered - ordered[..., [n // 2]]
    between = 2 * (around * (2 * np.arange(1, n + 1) - n - 1)).sum(axis=-1)
    apart = np.abs(x - y[..., np.newaxis]).mean(axis=-1)
    return np.asarray(apart - between / (2 * n * (n - 1 if fair else n)))


def crps_normal(observed: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Floats:
    """CRPS of a normal forecast: σ [z (2Φ(z) - 1) + 2φ(z) - 1/√π]; |y - μ| where sd is 0.

    >>> crps_normal([0.0, 2.0], 0.0, [1.0, 0.0]).round(4)
    array([0.2337, 2.    ])
    """
    y, mu, sigma = _floats(observed, mean, sd)
    z = np.divide(y - mu, sigma, out=np.zeros_like(sigma), where=sigma > 0)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    score = sigma * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    return np.where(sigma > 0, score, np.where(np.isnan(sigma), np.nan, np.abs(y - mu)))


def log_score(observed: ArrayLike, mean: ArrayLike, size: ArrayLike = np.inf) -> Floats:
    """-log of the chance that the forecast gave to the count, in nats.

    Poisson with this mean, or negative binomial with variance mean + mean²/size. Infinite where a
    forecast of 0 cases meets a case.

    >>> log_score([3, 3], 2.5, [np.inf, 5]).round(4)
    array([1.5429, 1.7678])
    """
    y, mu, n = _floats(observed, mean, size)
    finite = np.where(np.isinf(n), 1.0, n)
    poisson = mu - xlogy(y, mu) + gammaln(y + 1)
    negbin = (
        gammaln(finite)
        + gammaln(y + 1)
        - gammaln(y + finite)
        + xlog1py(finite, mu / finite)
        - xlogy(y, mu / (mu + finite))
    )
    return np.asarray(np.where(np.isinf(n), poisson, negbin), dtype=np.float64)


def dawid_sebastiani(observed: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Floats:
    """(y - μ)²/σ² + 2 log σ: needs the first two moments of the forecast only.

    >>> dawid_sebastiani([3.0], 2.5, np.sqrt(2.5)).round(4)
    array([1.0163])
    """
    y, mu, sigma = _floats(observed, mean, sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(((y - mu) / sigma) ** 2 + 2 * np.log(sigma))


def rps(observed: ArrayLike, mean: ArrayLike, size: ArrayLike = np.inf) -> Floats:
    """Ranked probability score: sum over counts k of (P(X <= k) - 1{y <= k})².

    Poisson or negative binomial as in :func:`log_score`; it is the CRPS of a count. Summed over the
    counts that hold all but 1e-13 of the distribution, or, where these are more than 200,000, by
    the trapezoidal rule (good to a part in a million). In cases.

    >>> rps([3, 3], 2.5, [np.inf, 5]).round(4)
    array([0.4576, 0.562 ])
    """
    y, mu, n = _floats(observed, mean, size)
    answer = np.full(y.shape, np.nan)
    known = ~np.isnan(y + mu) & (n > 0) & (mu >= 0) & (y >= 0) & np.isfinite(mu)
    cells = np.stack([y[known], mu[known], n[known]])
    distinct, where = np.unique(cells, axis=1, return_inverse=True)
    answer[known] = np.array([_rps(*cell) for cell in distinct.T.tolist()])[where.ravel()]
    return answer


def _rps(y: float, mean: float, size: float) -> float:
    """Of one count: the sum itself, from the count where chances begin to where they end."""
    if mean == 0:
        return y
    sd = np.sqrt(mean + (0.0 if np.isinf(size) else mean**2 / size))
    # A negative binomial falls off by mean/(mean + size) a count far out; 30 of those are enough.
    slow = 1 / np.log1p(1.0 if np.isinf(size) else size / mean)
    high = int(np.ceil(max(y, mean + 9 * sd + 30 * slow + 40)))
    low = int(max(0, min(y, np.floor(mean - 9 * sd - 40))))
    if high - low <= MOST_TERMS:
        counts = np.arange(low, high + 1, dtype=np.float64)
        beyond = _beyond(counts, mean, size)
        return float((np.where(counts >= y, beyond, 1 - beyond) ** 2).sum())
    below, above = np.linspace(low, max(y, low), 20_001), np.linspace(max(y, low), high, 20_001)
    return float(
        np.trapezoid((1 - _beyond(below - 0.5, mean, size)) ** 2, below)
        + np.trapezoid(_beyond(above - 0.5, mean, size) ** 2, above)
    )


def _beyond(counts: Floats, mean: float, size: float) -> Floats:
    """P(X > count); between two counts smoothly."""
    if np.isinf(size):
        return upper_tail(counts + 1, mean)
    above = np.maximum(counts + 1, 1e-300)
    return tail_by_size(above, np.full_like(counts, mean), np.full_like(counts, size))


def _forecast(
    observed: ArrayLike, quantiles: ArrayLike, levels: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    y, q, tau = (np.asarray(part, dtype=np.float64) for part in (observed, quantiles, levels))
    if tau.ndim != 1 or not ((tau > 0) & (tau < 1)).all() or (np.diff(tau) <= 0).any():
        raise ValueError("levels must rise and lie between 0 and 1")
    if q.shape[-1:] != tau.shape:
        raise ValueError(f"{q.shape[-1:]} quantiles for {len(tau)} levels")
    return np.broadcast_to(y, np.broadcast_shapes(y.shape, q.shape[:-1])), q, tau


def _floats(*parts: ArrayLike) -> list[NDArray[np.float64]]:
    return list(np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in parts)))
