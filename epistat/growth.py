"""How fast do cases grow, in how many days do they double, and which R goes with that?

Growth of r a day means expected cases e^(rt); they double in ln 2 / r days. Source of R from r:
Wallinga J, Lipsitch M. How generation intervals shape the relationship between growth rates and
reproductive numbers. Proc R Soc B 2007;274:599-604.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, ndtri, polygamma, stdtrit, xlogy

from epistat.intervals import checked_interval
from epistat.result import CELLS, Flag, Floats, as_counts, mark

Model = Literal["poisson", "quasipoisson", "negbin", "loglinear"]
FEWEST_DAYS = 3
STEPS = 100
CLOSE = 1e-12
NO_GROWTH = 1e-12  # a day: rounding, whose sign would tell days until doubling or halving
LARGEST_SIZE = 1e8  # of a negative binomial; beyond it is Poisson


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """What ``growth_rate`` answers. Every array but ``end`` has the shape (series, windows).

    end                       int64    (windows,)  last day of each window, from 0
    rate, low, high           float64  growth a day, with its interval
    doubling, doubling_low,   float64  days until cases double, with its interval; below 0 they are
    doubling_high                      halved. Infinite where the rate may be 0
    dispersion                float64  variance over mean ("quasipoisson"), 1/size ("negbin"),
                                       residual variance ("loglinear"); 1 for "poisson"
    flags                     uint8    :class:`Flag`
    """

    end: NDArray[np.int64]
    rate: Floats
    low: Floats
    high: Floats
    doubling: Floats
    doubling_low: Floats
    doubling_high: Floats
    dispersion: Floats
    flags: NDArray[np.uint8]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where there is a number, shape (series, windows)."""
        answered: NDArray[np.bool_] = (self.flags & np.uint8(Flag.NO_ANSWER)) == 0
        return answered


def growth_rate(
    counts: ArrayLike,
    *,
    model: Model = "quasipoisson",
    window: int | None = None,
    confidence: float = 0.95,
) -> Growth:
    """Growth rate of the counts of a window, by regression of counts on days.

    ``counts``: (series, days); NaN is missing and is left out. Days whose cases are not all
    reported yet make growth too slow: leave them out, or complete them by a nowcast. ``window``:
    so many days ending on each day, shape (series, days); without it all days together, shape
    (series, 1).

    With mean e^(α + rt): "poisson" (variance = mean, Wald interval by the normal), "quasipoisson"
    (variance = φ mean, φ by Pearson's residuals, interval by Student's t with n - 2 degrees),
    "negbin" (variance = mean + mean²/size, all three by maximum likelihood, Wald interval), or
    "loglinear" (a line through the logarithms of the days that have cases, t interval; it leaves
    out zeros and so makes small epidemics grow too slowly, but is often seen).

    SHORT_HISTORY where a window begins before day 0; TOO_FEW_POINTS below 3 known days (with cases:
    "loglinear"); UNDEFINED where fewer than two days have cases. ValueError for impossible options.

    >>> doubles = growth_rate([[1, 2, 4, 8, 16]], model="poisson")
    >>> doubles.doubling.round(6), doubles.low.round(3)
    (array([[1.]]), array([[0.367]]))
    """
    if model not in get_args(Model):
        raise ValueError(f"model must be one of {', '.join(get_args(Model))}, not {model!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    array = as_counts(counts)
    series, days = array.shape
    length = days if window is None else window
    if window is not None and window < FEWEST_DAYS:
        raise ValueError(f"window must be at least {FEWEST_DAYS} days, not {window}")
    end = np.array([days - 1]) if window is None else np.arange(days)
    ahead = np.full((series, 0 if window is None else length - 1), np.nan)
    padded = np.concatenate([ahead, array], axis=1)
    if length == 0 or days == 0:
        cells = np.empty((series * len(end), length))
    else:
        views = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)
        cells = views.reshape(-1, length)
    early = np.tile(end - (length - 1) < 0, series)
    step = max(1, CELLS // max(length, 1))
    parts = [
        _fit(cells[start : start + step], early[start : start + step], model, confidence)
        for start in range(0, max(len(cells), 1), step)
    ]
    rate, error, dispersion, flags = (
        np.concatenate([part[i] for part in parts]).reshape(series, len(end)) for i in range(4)
    )
    rate = np.where(np.abs(rate) < NO_GROWTH, 0.0, rate)
    low, high = rate - error, rate + error
    return Growth(end, rate, low, high, *_doublings(rate, low, high), dispersion, flags)


def reproduction_of_growth(rate: ArrayLike, interval: ArrayLike) -> Floats:
    """R of a growth rate: 1 / sum of w_s e^(-rs), of the shape of ``rate``.

    ``rate``: a day; ``interval``: (lags,), lag 0 first, scaled here to add up to 1. A rate of minus
    infinity is R = 0, infinity is infinite.

    >>> reproduction_of_growth([0.0, 0.1], [0, 0.25, 0.5, 0.25]).round(4)
    array([1.    , 1.2184])
    """
    r, w = np.asarray(rate, dtype=np.float64), checked_interval(interval)
    answer: Floats = np.exp(-_log_transform(r, w / w.sum()))
    return answer


def growth_of_reproduction(reproduction: ArrayLike, interval: ArrayLike) -> Floats:
    """The growth rate a day that goes with R: :func:`reproduction_of_growth` turned round.

    By Newton's steps on log R, a concave function of r that rises everywhere. R = 0 is minus
    infinity, infinite R infinity; ValueError for R below 0.

    >>> growth_of_reproduction([1.0, 1.2184], [0, 0.25, 0.5, 0.25]).round(4)
    array([0. , 0.1])
    """
    ratio, w = np.asarray(reproduction, dtype=np.float64), checked_interval(interval)
    if (ratio < 0).any():
        raise ValueError("a reproduction number is 0 or more")
    w = w / w.sum()
    days = np.flatnonzero(w)
    with np.errstate(divide="ignore"):
        goal = np.log(ratio)
    inside = np.isfinite(goal)
    # As if the interval were its mean: the true rate is nearer to 0 or as far.
    mean = float((w[days] * days).sum())
    r = np.where(inside, goal / mean, 0.0)
    for _ in range(STEPS):
        weights = -r[..., np.newaxis] * days + np.log(w[days])
        top = weights.max(axis=-1, keepdims=True)
        parts = np.exp(weights - top)
        total = parts.sum(axis=-1)
        slope = (parts * days).sum(axis=-1) / total
        miss = goal + np.log(total) + top[..., 0]
        step = np.where(inside, miss / slope, 0.0)
        r = r + step
        if (np.abs(step) <= CLOSE * np.maximum(np.abs(r), 1e-3)).all():
            break
    return np.where(inside, r, goal)


def _log_transform(r: Floats, w: Floats) -> Floats:
    """log of sum w_s e^(-rs), without overflow; R = 0 and infinity at the ends."""
    days = np.flatnonzero(w)
    inside = np.where(np.isinf(r), 0.0, r)
    weights = -inside[..., np.newaxis] * days + np.log(w[days])
    top = weights.max(axis=-1, keepdims=True)
    answer: Floats = np.log(np.exp(weights - top).sum(axis=-1)) + top[..., 0]
    return np.where(np.isinf(r), -r, answer)


def _doublings(rate: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    with np.errstate(divide="ignore"):
        doubling, of_low, of_high = (np.log(2) / part for part in (rate, low, high))
    crosses = (low <= 0) & (high >= 0)
    grows = rate >= 0
    return (
        doubling,
        np.where(crosses & ~grows, -np.inf, of_high),
        np.where(crosses & grows, np.inf, of_low),
    )


Fit = tuple[Floats, Floats, Floats, NDArray[np.uint8]]


def _fit(y: Floats, early: NDArray[np.bool_], model: Model, confidence: float) -> Fit:
    """Rate, half width of its interval, dispersion and flags of windows, (windows, length)."""
    known = ~np.isnan(y)
    if model == "loglinear":
        known = known & (np.nan_to_num(y) > 0)
    n = known.sum(axis=1)
    counts = np.where(known, y, 0.0)
    flags = np.zeros(len(y), dtype=np.uint8)
    mark(flags, early, Flag.SHORT_HISTORY)
    mark(flags, (n < FEWEST_DAYS) & ~early, Flag.TOO_FEW_POINTS)
    mark(flags, ((counts > 0).sum(axis=1) < 2) & (flags == 0), Flag.UNDEFINED)
    good = flags == 0
    rate, half, dispersion = (np.full(len(y), np.nan) for _ in range(3))
    if good.any():
        line = _line if model == "loglinear" else _curve
        found, error, spread = line(counts[good], known[good], model)
        tail = (1 - confidence) / 2
        by_t = model in ("quasipoisson", "loglinear")
        wide = stdtrit(n[good] - 2, 1 - tail) if by_t else -ndtri(tail)
        rate[good], half[good], dispersion[good] = found, wide * error, spread
    return rate, half, dispersion, flags


def _line(y: Floats, known: NDArray[np.bool_], _model: Model) -> tuple[Floats, Floats, Floats]:
    """Least squares on the logarithms."""
    n = known.sum(axis=1)
    t = _centred(known.astype(np.float64), y.shape[1])
    logs = np.log(np.where(known, y, 1.0))
    square = (known * t**2).sum(axis=1)
    rate = (known * t * logs).sum(axis=1) / square
    level = logs.sum(axis=1) / n
    apart = np.where(known, logs - level[:, np.newaxis] - rate[:, np.newaxis] * t, 0.0)
    variance = (apart**2).sum(axis=1) / np.maximum(n - 2, 1)
    return rate, np.sqrt(variance / square), variance


def _curve(y: Floats, known: NDArray[np.bool_], model: Model) -> tuple[Floats, Floats, Floats]:
    """Maximum likelihood of a Poisson or negative binomial curve."""
    n = known.sum(axis=1)
    mu, rate = _means(y, known, np.zeros(len(y)))
    ratio = np.ones(len(y))
    if model == "negbin":
        inverse = np.zeros(len(y))
        # Counts that scatter less than Poisson ones are left so: 1/size would be below 0.
        wide = np.where(known, (y - mu) ** 2 - y, 0.0).sum(axis=1)
        ahead = np.flatnonzero(wide > 1e-9 * (y**2).sum(axis=1))
        for _ in range(STEPS):  # mean and dispersion by turns
            if not len(ahead):
                break
            some, there = y[ahead], known[ahead]
            before = inverse[ahead]
            after = _inverse_size(some, mu[ahead], there, before)
            inverse[ahead] = after
            mu[ahead], rate[ahead] = _means(some, there, after)
            ahead = ahead[np.abs(after - before) > 1e-11 * (after + 1e-3)]
        weight = known * mu / (1 + inverse[:, np.newaxis] * mu)
        return rate, np.sqrt(1 / _information(weight)), inverse
    if model == "quasipoisson":
        apart = np.where(known, (y - mu) ** 2 / np.maximum(mu, 1e-300), 0.0)
        ratio = apart.sum(axis=1) / (n - 2)
    return rate, np.sqrt(ratio / _information(known * mu)), ratio


def _information(weight: Floats) -> Floats:
    """Of the rate, the level being estimated too."""
    t = _centred(weight, weight.shape[1])
    information: Floats = (weight * t**2).sum(axis=1)
    return information


def _centred(weight: Floats, length: int) -> Floats:
    """Days from their weighted mean, row by row."""
    days = np.arange(length, dtype=np.float64)
    mean = (weight * days).sum(axis=1) / weight.sum(axis=1)
    apart: Floats = days - mean[:, np.newaxis]
    return apart


def _means(y: Floats, known: NDArray[np.bool_], inverse: Floats) -> tuple[Floats, Floats]:
    """Means and rate for a given 1/size, by Newton; a step that makes the fit worse is halved."""
    length = y.shape[1]
    days = np.arange(length, dtype=np.float64)
    t = _centred(known.astype(np.float64), length)
    # Start from the line through log(y + 0.1 of the mean).
    level = y.sum(axis=1) / known.sum(axis=1)
    logs = np.where(known, np.log(y + 0.1 * level[:, np.newaxis]), 0.0)
    rate = (t * logs).sum(axis=1) / (known * t**2).sum(axis=1)
    middle = (known * days).sum(axis=1) / known.sum(axis=1)
    alpha = logs.sum(axis=1) / known.sum(axis=1)
    days = days - middle[:, np.newaxis]

    def likelihood(alpha: Floats, rate: Floats) -> tuple[Floats, Floats]:
        eta = np.clip(alpha[:, np.newaxis] + rate[:, np.newaxis] * days, -700, 300)
        mu = np.exp(eta)
        k = inverse[:, np.newaxis]
        spread = np.where(k > 0, np.log1p(k * mu) / np.maximum(k, 1e-300), mu)
        lost = np.where(k > 0, y * np.log1p(k * mu), 0.0)
        return mu, np.where(known, y * eta - lost - spread, 0.0).sum(axis=1)

    mu, fit = likelihood(alpha, rate)
    settled = np.zeros(len(y), np.bool_)
    for _ in range(STEPS):
        k = inverse[:, np.newaxis]
        # What is observed, not what is expected: where 1/size is large the steps of scoring swing.
        weight = known * mu * (1 + k * y) / (1 + k * mu) ** 2
        score = np.where(known, (y - mu) / (1 + k * mu), 0.0)
        total = weight.sum(axis=1)
        mean = (weight * days).sum(axis=1) / total
        apart = days - mean[:, np.newaxis]
        by_rate = (score * apart).sum(axis=1) / (weight * apart**2).sum(axis=1)
        by_level = score.sum(axis=1) / total - by_rate * mean
        # A row that has settled stays, so that others beside it do not move it.
        by_rate[settled] = by_level[settled] = 0.0
        step = np.ones(len(y))
        for _ in range(30):
            to = alpha + step * by_level, rate + step * by_rate
            new_mu, new_fit = likelihood(*to)
            worse = ~(new_fit >= fit - 1e-9 * (np.abs(fit) + 1)) & ~settled
            if not worse.any():
                break
            step[worse] /= 2
        # A rate that was right from the start says nothing of the level.
        still = np.abs(to[1] - rate) <= CLOSE * (np.abs(to[1]) + 1e-3)
        still &= np.abs(to[0] - alpha) <= CLOSE * (np.abs(to[0]) + 1)
        alpha, rate, mu, fit = *to, new_mu, new_fit
        settled |= still
        if settled.all():
            break
    return mu, rate


def _inverse_size(y: Floats, mu: Floats, known: NDArray[np.bool_], inverse: Floats) -> Floats:
    """1/size that fits best to given means; 0 (Poisson) where the counts scatter less than that."""
    n = known.sum(axis=1)
    # Start where Pearson's statistic is n - 2, as a moment would.
    moment = np.where(known, ((y - mu) ** 2 - mu) / np.maximum(mu, 1e-300) ** 2, 0.0)
    start = np.where(inverse > 0, inverse, np.maximum(moment.sum(axis=1) / n, 1e-4))
    log_size = -np.log(start)

    def value(log_size: Floats) -> Floats:
        size = np.exp(log_size)[:, np.newaxis]
        each = (
            gammaln(y + size)
            - gammaln(size)
            + size * -np.log1p(mu / size)
            - xlogy(y, 1 + size / np.maximum(mu, 1e-300))
        )
        total: Floats = np.where(known, each, 0.0).sum(axis=1)
        return total

    best = value(log_size)
    settled = np.zeros(len(y), np.bool_)
    for _ in range(12):
        size = np.exp(log_size)[:, np.newaxis]
        first = digamma(y + size) - digamma(size) - np.log1p(mu / size) + (mu - y) / (mu + size)
        second = (
            polygamma(1, y + size)
            - polygamma(1, size)
            + mu / (size * (mu + size))
            - (mu - y) / (mu + size) ** 2
        )
        slope = np.where(known, first, 0.0).sum(axis=1) * size[:, 0]
        bend = np.where(known, second, 0.0).sum(axis=1) * size[:, 0] ** 2 + slope
        step = np.where(bend < 0, -slope / np.minimum(bend, -1e-300), np.sign(slope))
        step = np.minimum(np.clip(step, -2, 2), np.log(LARGEST_SIZE) - log_size)
        step[settled] = 0.0
        new = value(log_size + step)
        for _ in range(30):
            worse = new < best - 1e-12 * (np.abs(best) + 1)
            if not worse.any():
                break
            step[worse] /= 2
            new = value(log_size + step)
        log_size, best = log_size + step, new
        settled |= np.abs(step) <= 1e-11
        if settled.all():
            break
    size = np.exp(log_size)
    return np.where(size >= LARGEST_SIZE * 0.99, 0.0, 1 / size)
