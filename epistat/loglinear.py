"""Quasi-Poisson regression on seasons and a straight trend, for thousands of series at once.

The model of the Farrington methods: log mean = level of the season + slope * time [+ log
population], variance = dispersion * mean. It is fitted as R's ``glm`` does, by iteratively
reweighted least squares from the same start and with the same rule for stopping, so that the
numbers are R's to the last digits but two or three.

Seasons do not overlap. The normal equations of a step are therefore an arrow: with the weights W of
the step and, for season g, S_g = sum W, t_g = sum W t / S_g, everything follows from sums by
season:

    Q = sum over g of sum W (t - t_g)^2                        information on the slope
    h = W (1 / S_g + (t - t_g)^2 / Q)                          leverage of a week
    var(prediction at t) = dispersion * (1 / S_g + (t - t_g)^2 / Q)

and the mean of a week is the product of a level and exp(slope * t). So one exponential and three
sums by season are the whole cost of a step. Sums run over weeks one after another and never over
series: an answer does not depend on the batch it is computed in.

Shapes: weeks x cells, seasons x cells, or cells. A cell is one week of one series.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epistat.calendar import Baseline
from epistat.result import Floats

MOST_STEPS = 25
STOP = 1e-8  # relative change of the deviance
ROUNDING = 4e-16  # of the sums that the deviance is the difference of
STEEP = 100.0  # logarithms above the middle: squares of what comes of it are numbers yet


def total(values: Floats) -> Floats:
    """Sum over the weeks, in their order however many cells there are.

    NumPy adds a single column in another order than one of many.
    """
    if values.shape[1] == 1:
        values = np.repeat(values, 2, axis=1)
        return total(values)[:1]
    sums: Floats = np.add.reduce(values, axis=0)
    return sums


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What is fitted; each (weeks, cells), weeks in the order of the baseline's seasons.

    ``y``: counts, 0 where missing. ``weight``: 0 where missing, or None if nothing is. ``offset``:
    log population, or None. Of each count: ``y_log_y`` = y log y, ``two_thirds`` = y ** (2/3), and
    at the start of the fit, where the mean is s = y + 0.1, ``response`` = s log s + (y - s), the
    weighted response, and ``unit`` = y log(y / s) - (y - s), half the deviance.
    """

    base: Baseline
    y: Floats
    y_log_y: Floats
    two_thirds: Floats
    response: Floats
    unit: Floats
    weight: Floats | None = None
    offset: Floats | None = None

    @property
    def time(self) -> Floats:
        """Weeks from now (negative), (weeks, 1)."""
        return self.base.lags[:, np.newaxis].astype(np.float64)

    def by_season(self, values: Floats) -> Floats:
        """Sums by season, (seasons, cells)."""
        sums = np.zeros((len(self.base.seasons), values.shape[1]))
        for season, weeks in enumerate(self.base.seasons):
            sums[season] = total(values[weeks])
        return sums

    def take(self, cells: NDArray[np.intp]) -> "Data":
        """Of some of the cells. ``np.take`` keeps the cells side by side, as indexing does not."""
        parts: dict[str, Any] = {
            field.name: np.take(values, cells, axis=1)
            for field in fields(self)
            if field.name != "base" and (values := getattr(self, field.name)) is not None
        }
        return replace(self, **parts)


@dataclass(slots=True, eq=False)
class Fit:
    """Levels (seasons, cells) and slope (cells) of the last step and of the one before it.

    R keeps the weights of the last step, which are made of the means before it, for leverage,
    dispersion and standard errors. ``s0`` and ``s1`` are sums of those weights and of weights *
    time by season; ``information`` is Q, infinite for a fit without trend.
    """

    level: Floats
    slope: Floats
    before: Floats
    slope_before: Floats
    s0: Floats
    s1: Floats
    information: Floats
    converged: NDArray[np.bool_]

    def take(self, cells: NDArray[np.intp]) -> "Fit":
        """Of some of the cells."""
        return Fit(*(np.take(getattr(self, name), cells, axis=-1) for name in self.__slots__))

    @property
    def inverse(self) -> Floats:
        """1 / S_g; 0 for a season without a week."""
        return _inverse(self.s0)

    @property
    def centre(self) -> Floats:
        """t_g, the weighted mean time of each season."""
        return self.s1 * self.inverse


@dataclass(slots=True, eq=False)
class _Sums:
    """Sums by season of w, w t, w t^2 with w = weight * population * exp(slope * t - shift).

    ``shift`` (cells) keeps the exponential of a slope that is steep at 1 or below; it is 0 else.
    """

    zero: Floats
    one: Floats
    two: Floats
    shift: Floats

    def take(self, cells: NDArray[np.intp]) -> "_Sums":
        """Of some of the cells."""
        parts = self.zero, self.one, self.two, self.shift
        return _Sums(*(np.take(part, cells, axis=-1) for part in parts))


def fit(data: Data, weight: Floats | None, *, trend: bool) -> Fit:
    """Fit every cell; ``weight`` (weeks, cells) or None for 1."""
    cells = data.y.shape[1]
    time = data.time
    seasons = len(data.base.seasons)
    y = data.y if weight is None else data.y * weight
    y0, y1 = data.by_season(y), total(y * time)
    constant = total(_weighted(data.y_log_y, weight))
    size = np.abs(constant)
    constant = constant - total(y)
    if data.offset is not None:
        constant -= total(y * data.offset)
    exposure = weight
    if data.offset is not None:
        exposure = _weighted(np.exp(data.offset), weight)

    nothing = np.full((seasons, cells), np.nan)
    row = np.full(cells, np.nan)
    done = Fit(
        nothing, row, nothing.copy(), row.copy(), nothing.copy(), nothing.copy(), row.copy(),
        np.zeros(cells, np.bool_),
    )  # fmt: skip
    live = np.arange(cells)
    state, deviance = _first_step(data, weight, trend)
    sums = _sums(data, time, exposure, state.slope, trend)
    for step in range(1, MOST_STEPS + 1):
        fitted = np.exp(state.level + sums.shift) * sums.zero
        explained = total(np.where(y0 > 0, state.level * y0, 0.0) - fitted)
        now = 2 * (constant - explained - state.slope * y1)
        settled = np.abs(now - deviance) <= STOP * (np.abs(now) + 0.1) + ROUNDING * size
        deviance = now
        if step == MOST_STEPS:
            _store(done, live, state, np.ones(len(live), np.bool_), settled)
            break
        if settled.any():
            _store(done, live, state, settled, settled)
            left = np.flatnonzero(~settled)
            live = live[left]
            if not live.size:
                break
            state = state.take(left)
            sums = sums.take(left)
            y0, y1 = np.take(y0, left, axis=1), y1[left]
            constant, size, deviance = constant[left], size[left], deviance[left]
            exposure = None if exposure is None else np.take(exposure, left, axis=1)
        state = _step(state, sums, y0, y1, trend)
        if trend:
            sums = _sums(data, time, exposure, state.slope, trend)
    return done


def endless(data: Data) -> NDArray[np.bool_]:
    """Where the likelihood rises with the slope without end, (cells).

    That is where every season that has cases has them all in its first known week, or every one in
    its last: the steeper the slope, the nearer to 0 are the weeks without cases, and the levels
    make up for it.
    """
    answer = np.zeros(data.y.shape[1], np.bool_)
    few = np.flatnonzero(np.count_nonzero(data.y, axis=0) <= len(data.base.seasons))
    if not few.size:
        return answer
    some = data.take(few)
    cells = np.arange(few.size)
    at_start, at_end = (np.ones(few.size, np.bool_) for _ in range(2))
    for weeks in data.base.seasons:
        cases = some.y[weeks] > 0
        if not len(cases):
            continue
        known = np.ones_like(cases) if some.weight is None else some.weight[weeks] > 0
        number = np.count_nonzero(cases, axis=0)
        at_start &= number == cases[known.argmax(axis=0), cells]
        at_end &= number == cases[::-1][known[::-1].argmax(axis=0), cells]
    answer[few] = at_start | at_end
    return answer


def _first_step(data: Data, weight: Floats | None, trend: bool) -> tuple[Fit, Floats]:
    """From the start mean y + 0.1; and the deviance at that start."""
    time = data.time
    w = data.y + 0.1
    if weight is not None:
        w *= weight
    wz = _weighted(data.response, weight)
    if data.offset is not None:
        wz = wz - w * data.offset
    s0, z0 = data.by_season(w), data.by_season(wz)
    w *= time
    s1 = data.by_season(w)
    inverse = _inverse(s0)
    slope = np.zeros(data.y.shape[1])
    information = np.full_like(slope, np.inf)
    if trend:
        w *= time
        information = total(w) - total(s1 * s1 * inverse)
        across = total(wz * time) - total(s1 * z0 * inverse)
        slope = across / information
    level = (z0 - slope * s1) * inverse
    deviance = 2 * total(_weighted(data.unit, weight))
    # Should this step be the last, the mean before it is taken to be the same.
    state = Fit(
        level, slope, level, slope, s0, s1, information,
        np.zeros(len(slope), np.bool_),
    )  # fmt: skip
    return state, deviance


def _step(last: Fit, sums: _Sums, y0: Floats, y1: Floats, trend: bool) -> Fit:
    """One step of Newton, which is one of reweighted least squares, from the sums at ``last``."""
    factor = np.exp(last.level + sums.shift)
    s0, s1 = factor * sums.zero, factor * sums.one
    inverse = _inverse(s0)
    rest = y0 - s0
    information = last.information
    change = np.zeros_like(last.slope)
    if trend:
        information = total(factor * sums.two - s1 * s1 * inverse)
        across = y1 - total(s1 + s1 * inverse * rest)
        change = across / information
    return Fit(
        last.level + (rest - change * s1) * inverse,
        last.slope + change,
        last.level,
        last.slope,
        s0,
        s1,
        information,
        last.converged,
    )


def _sums(data: Data, time: Floats, exposure: Floats | None, slope: Floats, trend: bool) -> _Sums:
    shift = np.zeros_like(slope)
    if trend:
        steep = np.maximum(slope * time.min(), slope * time.max())
        w = time * slope
        if (steep > STEEP).any():
            shift = np.where(steep > STEEP, steep, 0.0)
            w -= shift
        np.exp(w, out=w)
        if exposure is not None:
            w *= exposure
    else:
        w = np.ones((len(time), len(slope))) if exposure is None else exposure.copy()
    zero = data.by_season(w)
    w *= time
    one = data.by_season(w)
    if not trend:
        return _Sums(zero, one, one, shift)
    w *= time
    return _Sums(zero, one, data.by_season(w), shift)


def _store(
    done: Fit,
    live: NDArray[np.intp],
    state: Fit,
    which: NDArray[np.bool_],
    settled: NDArray[np.bool_],
) -> None:
    to = live[which]
    for name in ("level", "before", "s0", "s1"):
        getattr(done, name)[:, to] = getattr(state, name)[:, which]
    for name in ("slope", "slope_before", "information"):
        getattr(done, name)[to] = getattr(state, name)[which]
    done.converged[to] = settled[which]


def _inverse(values: Floats) -> Floats:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _weighted(values: Floats, weight: Floats | None) -> Floats:
    return values if weight is None else values * weight


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What the residuals of a fit say, (cells).

    ``pearson``: sum w (y - mean)^2 / mean / (n - p), not floored. ``relative``: the same of
    ((y - mean) / mean)^2, which R's farringtonFlexible takes for the standard errors. ``outlying``:
    standardised Anscombe residuals (weeks, cells), if asked for.
    """

    pearson: Floats
    relative: Floats
    outlying: Floats | None = None


def spread(
    data: Data, fitted: Fit, weight: Floats | None, free: Floats, *, outlying: bool
) -> Spread:
    """``free``: degrees of freedom n - p, (cells)."""
    time = data.time
    sixth = time * (fitted.slope / 6)  # of the logarithm of the mean
    last = time * fitted.slope_before
    for season, weeks in enumerate(data.base.seasons):
        sixth[weeks] += fitted.level[season] / 6
        last[weeks] += fitted.before[season]
    if data.offset is not None:
        sixth += data.offset / 6
        last += data.offset
    np.exp(sixth, out=sixth)  # mean ** (1/6)
    w = _weighted(np.exp(last, out=last), weight)
    root = sixth * sixth * sixth
    mean = root * root
    squares = data.y / mean
    squares -= 1
    squares *= squares
    relative = total(_weighted(squares, weight)) / free
    squares *= w
    pearson = total(squares) / free
    if not outlying:
        return Spread(pearson, relative)
    leverage = squares  # the array is free again
    inverse, centre = fitted.inverse, fitted.centre
    slope_variance = _inverse(fitted.information)
    for season, weeks in enumerate(data.base.seasons):
        part = time[weeks] - centre[season]
        part *= part
        part *= slope_variance
        part += inverse[season]
        leverage[weeks] = part
    leverage *= w
    np.subtract(1.0, leverage, out=leverage)
    np.maximum(leverage, 1e-12, out=leverage)  # a week that alone makes its season fits itself
    leverage *= np.maximum(pearson, 1.0)
    np.sqrt(leverage, out=leverage)
    residual = data.two_thirds / sixth
    residual -= root
    residual *= 1.5
    residual /= leverage
    return Spread(pearson, relative, residual)
