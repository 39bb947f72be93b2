"""Back-projection: on which days were they infected, whose illness began on these?

Source: Becker NG, Watson LF, Carlin JB. A method of non-parametric back-projection and its
application to AIDS data. Stat Med 1991;10:1527-42.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.result import Flag, Floats, as_counts, mark

LITTLE = 0.2  # share of a day's infections seen, below which it has FEW_CASES


@dataclass(frozen=True, slots=True, eq=False)
class BackProjection:
    """infections float64 (series, days) expected infections of each day, in cases
    seen       float64 (days,) share of a day's infections whose onset the last day has reached
    steps      int64 (series,) of the search
    flags      uint8 (series, days); FEW_CASES: less than a fifth is seen. UNDEFINED: no case
    """

    infections: Floats
    seen: Floats
    steps: NDArray[np.int64]
    flags: NDArray[np.uint8]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where there is a number, shape (series, days)."""
        answered: NDArray[np.bool_] = (self.flags & np.uint8(Flag.NO_ANSWER)) == 0
        return answered


def back_project(
    counts: ArrayLike,
    incubation: ArrayLike,
    *,
    smoothing: int = 2,
    tolerance: float = 1e-7,
    steps: int = 500,
) -> BackProjection:
    """Infections by day from onsets by day, by smoothed expectation-maximisation (EMS).

    ``counts``: (series, days) onsets, NaN is missing; ``incubation``: (lags,), chance f_d that d
    days pass until onset, d = 0 first. With λ_s the infections of day s, onsets of day t are
    Poisson with mean μ_t = sum over d of λ_(t-d) f_d. Each step shares the onsets among the days
    they may come from, φ_s = λ_s (sum over t of f_(t-s) y_t / μ_t) / (sum over t of f_(t-s)), over
    the known days t, and smooths φ by binomial weights of ``smoothing`` + 1 days (2: a quarter, a
    half, a quarter; fewer days at the ends share the weights). It begins with λ even and stops when
    the length of the change is below ``tolerance`` of the length of λ.

    Days before the first are not told: give days without a case before the first onsets. A series
    without a case is UNDEFINED. ValueError for impossible options.

    >>> onsets = [[0, 0, 0, 4, 8, 4, 0, 0]]
    >>> back_project(onsets, [0, 0.5, 0.5]).infections.round(1)
    array([[0.4, 2.3, 5.4, 5.4, 2.3, 0.3, 0. , 0. ]])
    """
    array = as_counts(counts)
    f = np.asarray(incubation, dtype=np.float64)
    if f.ndim != 1 or not (f >= 0).all() or not 0 < f.sum() <= 1.001:
        raise ValueError("incubation needs chances that add up to more than 0 and at most 1")
    if smoothing < 0 or smoothing % 2:
        raise ValueError(f"smoothing must be even and 0 or more, not {smoothing}")
    if not tolerance > 0 or steps < 1:
        raise ValueError("tolerance must be above 0 and steps at least 1")
    series, days = array.shape
    known = ~np.isnan(array)
    onsets = np.where(known, array, 0.0)
    reach = _shared(known.astype(np.float64), f)
    number = np.maximum(known.sum(axis=1), 1)
    infections = np.repeat((onsets.sum(axis=1) / number)[:, np.newaxis], days, axis=1)
    taken = np.zeros(series, np.int64)
    ahead = np.flatnonzero(onsets.sum(axis=1) > 0)
    weights = np.array([comb(smoothing, i) for i in range(smoothing + 1)]) / 2**smoothing
    for step in range(1, steps + 1):
        if not len(ahead):
            break
        before = infections[ahead]
        expected = _caused(before, f)
        ratio = np.divide(onsets[ahead], expected, out=np.zeros_like(expected), where=expected > 0)
        ratio *= known[ahead]
        again = before * _shared(ratio, f)
        after = _smoothed(
            np.divide(again, reach[ahead], out=np.zeros_like(again), where=reach[ahead] > 0),
            weights,
        )
        infections[ahead] = after
        taken[ahead] = step
        change = np.sqrt(((after - before) ** 2).sum(axis=1))
        ahead = ahead[change >= tolerance * np.sqrt((before**2).sum(axis=1))]
    seen = np.cumsum(f)[np.minimum(np.arange(days)[::-1], len(f) - 1)] / f.sum()
    flags = np.zeros(array.shape, np.uint8)
    none = onsets.sum(axis=1) == 0
    mark(flags, none[:, np.newaxis], Flag.UNDEFINED)
    mark(flags, ~none[:, np.newaxis] & (seen < LITTLE), Flag.FEW_CASES)
    infections[none] = np.nan
    return BackProjection(infections, seen, taken, flags)


def _caused(infections: Floats, f: Floats) -> Floats:
    """Onsets of each day: sum over d of infections_(t-d) f_d."""
    answer = np.zeros_like(infections)
    days = infections.shape[1]
    for lag in range(min(len(f), days)):
        if f[lag]:
            answer[:, lag:] += f[lag] * infections[:, : days - lag]
    return answer


def _shared(onsets: Floats, f: Floats) -> Floats:
    """The other way: sum over d of onsets_(s+d) f_d."""
    answer = np.zeros_like(onsets)
    days = onsets.shape[1]
    for lag in range(min(len(f), days)):
        if f[lag]:
            answer[:, : days - lag] += f[lag] * onsets[:, lag:]
    return answer


def _smoothed(values: Floats, weights: Floats) -> Floats:
    half = len(weights) // 2
    days = values.shape[1]
    total, share = np.zeros_like(values), np.zeros(days)
    for offset in range(-half, half + 1):
        if abs(offset) >= days:
            continue
        to = slice(max(-offset, 0), days - max(offset, 0))
        source = slice(max(offset, 0), days - max(-offset, 0))
        total[:, to] += weights[offset + half] * values[:, source]
        share[to] += weights[offset + half]
    return total / share
