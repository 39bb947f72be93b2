"""Farrington's methods: is this week high for its season, given years of history with a trend?

Sources: Farrington CP, Andrews NJ, Beale AD, Catchpole MA. A statistical algorithm for the early
detection of outbreaks of infectious disease. J R Stat Soc A 1996;159:547-563. Noufaily A, Enki DG,
Farrington P, Garthwaite P, Andrews N, Charlett A. An improved algorithm for outbreak detection in
multiple surveillance systems. Stat Med 2013;32:1206-1222.

A quasi-Poisson regression on the earlier weeks gives the expected number of this week. Weeks that
stand out in a first fit, probably past outbreaks, are given less weight in a second one. A trend is
kept when it is significant, when there are three years to see it in, when it does not lead above
every count seen before, and when there is a steepest one: cases that all lie at one end of their
season are fitted the better the steeper it is, without end (R's iteration then runs out of steps,
nearly always). The threshold is a quantile of what then may come.

With ``compat="R"`` the answers are those of ``farrington`` and ``farringtonFlexible`` of the R
package surveillance, with three defects that our own mode does not have. (a) farringtonFlexible
takes the weights against past outbreaks, where it has made some, for the weights of the fit, so
that the standard errors, and with them the test of the trend and the "delta" and "muan"
thresholds, rest on a wrong dispersion. (b) Its score for "nb_plugin" and "muan" mixes a logarithm
with counts; where the threshold is below the expected number it may hold back an alarm. (c) A
missing week silences the next weeks through the low-count rule, a history without any case is not
answered, and with dates the trend is read too early by as many weeks as are missing where the
history begins.

Two habits of R that are no defects are followed with ``compat="R"`` alone: with one season the
weeks of half a window just before now belong to it too, as far as they are not skipped, in
farringtonFlexible; and no expected number of "delta" is below 2.2e-16.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, xlogy

from epistat import loglinear
from epistat.calendar import Baseline, Columns, Shape, baselines
from epistat.loglinear import Data
from epistat.result import Detection, Flag, Floats, as_counts, keep_freed_memory, mark
from epistat.tails import upper_quantile, upper_tail

Method = Literal["nb_plugin", "delta", "muan"]
Power = Literal["2/3", "1/2", "none"]
Compat = Literal["R"] | None

CELLS = 1024  # weeks of series fitted together
YEARS_OF_TREND = 3
LEAST_MEAN_OF_R = float(np.finfo(np.float64).eps)
PRESETS: dict[str, dict[str, Any]] = {
    "noufaily2013": {
        "years": 5, "half": 3, "seasons": 10, "skip": 26, "alpha": 0.005, "method": "nb_plugin",
        "trend": True, "trend_p": 1.0, "reweight": True, "outlier": 2.58, "limit": (5, 4),
    },
    "farrington1996": {  # alpha: the half above of the two-sided 0.01 of 1996
        "years": 5, "half": 3, "seasons": 1, "skip": 3, "alpha": 0.005, "method": "delta",
        "power": "2/3", "trend": True, "trend_p": 0.05, "reweight": True, "outlier": 1.0,
        "limit": (5, 4),
    },
}  # fmt: skip
PRESETS["noufaily2013-3y"] = {**PRESETS["noufaily2013"], "years": 3}


def farrington_flexible(
    counts: ArrayLike,
    *,
    years: int = 5,
    half: int = 3,
    seasons: int = 10,
    skip: int = 26,
    alpha: float = 0.005,
    method: Method = "nb_plugin",
    power: Power = "2/3",
    trend: bool = True,
    trend_p: float = 1.0,
    reweight: bool = True,
    outlier: float = 2.58,
    limit: tuple[int, int] = (5, 4),
    year: int = 52,
    dates: ArrayLike | None = None,
    population: ArrayLike | None = None,
    last: int | None = None,
    compat: Compat = None,
) -> Detection:
    """Farrington's method as improved by Noufaily 2013, whose settings are the defaults.

    ``counts``: (series, time), cases per week; NaN is missing. The names of R's farringtonFlexible
    stand in brackets:

    ``years``, ``half`` (b, w): so many years back, so many weeks either side of the same week.
    ``seasons`` (noPeriods): 1 fits the same season of earlier years only; more fit all weeks of
    those years, cut into so many seasons with a level each. ``skip`` (pastWeeksNotIncluded): weeks
    before now that are left out.

    ``trend``, ``trend_p`` (pThresholdTrend): keep a trend if its p is below; 1 always does.
    ``reweight``, ``outlier`` (weightsThreshold): the standardised Anscombe residual s above which a
    week gets the weight s ** -2.

    ``method`` (thresholdMethod), with the expected number m, its standard error and the dispersion
    d = max(1, Pearson): "nb_plugin" is the (1 - ``alpha``) quantile of the negative binomial with
    mean m and variance d * m (Poisson if d is 1); "muan" the same with the upper (1 - alpha) limit
    of m for mean; "delta" is (m^c + z * sd)^(1/c), normal on the scale of ``power`` c, its variance
    that of a new count and of m together.

    ``limit`` (limit54): below so many cases in so many weeks, with this one, there is no threshold
    and no alarm (FEW_CASES). ``year``: steps in a year (52; 12 for months). ``dates``: of the
    columns, (time,); with them a year is a year of the calendar (see :mod:`epistat.calendar`).
    ``population``: (time,) or (series, time), above 0; rates are then modelled.
    ``last``: judge the last so many weeks only; the answer has only them.

    ``score`` is (y - m) / (U - m): above 1 is an alarm. Where U <= m it is infinite or 0. ``p`` is
    the chance of y or more. TREND tells that a trend was kept. A history without any case expects
    none, with U = 0 (FLAT_HISTORY). No answer: SHORT_HISTORY where the same week ``years`` ago is
    not in the series (261 weeks for 5 years), TOO_FEW_POINTS where too much of it is missing,
    UNDEFINED where the regression does not converge or "muan" has no past case in the season.
    ValueError for impossible options.

    >>> rng = np.random.default_rng(1)
    >>> weeks = rng.poisson(4 + 3 * np.sin(2 * np.pi * np.arange(300) / 52), (2, 300))
    >>> weeks[1, -1] = 20
    >>> now = farrington_flexible(weeks, last=1)
    >>> now.upper[:, 0], now.alarm[:, 0]  # the first had fewer than 5 cases in 4 weeks
    (array([nan,  5.]), array([False,  True]))
    """
    plan = _Plan(
        Shape(years, half, seasons, skip, year),
        alpha, method, power, trend, trend_p, reweight, outlier, limit, compat,
    )  # fmt: skip
    return plan.run(counts, dates, population, last)


def farrington(
    counts: ArrayLike,
    *,
    years: int = 5,
    half: int = 3,
    alpha: float = 0.01,
    power: Power = "2/3",
    trend: bool = True,
    reweight: bool = True,
    limit: tuple[int, int] = (5, 4),
    year: int = 52,
    dates: ArrayLike | None = None,
    population: ArrayLike | None = None,
    last: int | None = None,
    compat: Compat = None,
) -> Detection:
    """Farrington's method of 1996: the same season of earlier years, and a two-sided interval.

    As :func:`farrington_flexible` with one season, method "delta", weights for residuals above 1
    and a trend below p = 0.05, except that the threshold is the upper end of the (1 - ``alpha``)
    interval, so that alpha / 2 lies above it, and that no recent weeks need be skipped. With
    ``compat="R"`` the threshold is 0 where there are too few cases, as R's ``farrington`` has it.

    >>> weeks = np.array([[4, 6, 5, 3, 7] * 60 + [5, 16]])
    >>> farrington(weeks, last=2).alarm
    array([[False,  True]])
    """
    plan = _Plan(
        Shape(years, half, 1, 0, year),
        alpha / 2, "delta", power, trend, 0.05, reweight, 1.0, limit, compat,
        original=True,
    )  # fmt: skip
    return plan.run(counts, dates, population, last)


@dataclass(slots=True, eq=False)
class _Model:
    """What the regression says about now, (cells).

    ``unit`` and ``slope_unit`` times the dispersion ``d`` are the variances of the logarithm of the
    mean and of the slope; ``free``: degrees of freedom.
    """

    log_mean: Floats
    dispersion: Floats
    d: Floats
    unit: Floats
    slope: Floats
    slope_unit: Floats
    free: Floats
    trend: NDArray[np.bool_]
    converged: NDArray[np.bool_]

    @classmethod
    def blank(cls, cells: int) -> "_Model":
        a, b, c, d, e, f, g = (np.full(cells, np.nan) for _ in range(7))
        return cls(a, b, c, d, e, f, g, np.zeros(cells, np.bool_), np.zeros(cells, np.bool_))

    def put(self, cells: NDArray[np.intp], other: "_Model") -> None:
        for name in self.__slots__:
            getattr(self, name)[cells] = getattr(other, name)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A few series turned to (time, series), with what the regression needs of every week."""

    counts: Floats
    missing: NDArray[np.bool_] | None
    y: Floats
    y_log_y: Floats
    two_thirds: Floats
    response: Floats
    unit: Floats
    offset: Floats | None
    without: NDArray[np.bool_] | None  # weeks without a population

    @classmethod
    def of(cls, counts: Floats, population: Floats | None) -> "_Block":
        across = np.ascontiguousarray(counts.T)
        missing = np.isnan(across)
        offset = without = None
        if population is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                offset = np.log(np.ascontiguousarray(population.T))
            without = ~np.isfinite(offset)
            missing |= without
            # A week whose count alone is missing is still expected by its population.
            offset = np.where(without, 0.0, offset)
        y = np.where(missing, 0.0, across)
        start, y_log_y = y + 0.1, xlogy(y, y)
        log_start = np.log(start)
        return cls(
            across, missing if missing.any() else None, y, y_log_y,
            two_thirds=np.cbrt(y) ** 2,
            response=start * log_start - 0.1,
            unit=y_log_y - y * log_start + 0.1,
            offset=offset,
            without=without if without is not None and without.any() else None,
        )  # fmt: skip

    def data(self, base: Baseline, columns: Columns) -> Data:
        """The baselines of these columns: cells are columns x series."""
        weeks = base.lags[:, np.newaxis] + columns
        shape = len(base.lags), len(columns) * self.y.shape[1]

        def part(values: NDArray[Any]) -> Any:
            return values[weeks].reshape(shape)

        return Data(
            base, part(self.y), part(self.y_log_y), part(self.two_thirds), part(self.response),
            part(self.unit),
            None if self.missing is None else 1.0 - part(self.missing),
            None if self.offset is None else part(self.offset),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    shape: Shape
    alpha: float  # above the threshold
    method: Method
    power: Power
    trend: bool
    trend_p: float
    reweight: bool
    outlier: float
    limit: tuple[int, int]
    compat: Compat
    original: bool = False

    def __post_init__(self) -> None:
        problems = {
            "alpha must lie between 0 and 1": not 0 < self.alpha < 1,
            f"method must be one of {', '.join(get_args(Method))}": self.method
            not in get_args(Method),
            f"power must be one of {', '.join(get_args(Power))}": self.power not in get_args(Power),
            "trend_p must lie between 0 and 1": not 0 <= self.trend_p <= 1,
            "outlier must be 0 or more": not self.outlier >= 0,
            "limit must be (cases, weeks), 0 or more and at least 1": self.limit[0] < 0
            or self.limit[1] < 1,
            'compat must be None or "R"': self.compat not in (None, "R"),
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)

    @property
    def z(self) -> float:
        return -float(ndtri(self.alpha))

    def run(
        self,
        counts: ArrayLike,
        dates: ArrayLike | None,
        population: ArrayLike | None,
        last: int | None,
    ) -> Detection:
        array = as_counts(counts)
        series, time = array.shape
        people = None
        if population is not None:
            people = np.broadcast_to(np.asarray(population, np.float64), array.shape)
        first = 0 if last is None else max(time - last, 0)
        answer = Detection.blank((series, time - first))
        answer.observed[:] = array[:, first:]
        mark(answer.flags, np.isnan(answer.observed), Flag.MISSING_NOW)
        keep_freed_memory()
        shape = replace(self.shape, now=self._as_r_flexible)
        groups = list(baselines(shape, time, first, dates))
        judged = np.zeros(time - first, np.bool_)
        for _, columns in groups:
            judged[columns - first] = True
        mark(answer.flags, ~judged, Flag.SHORT_HISTORY)
        # Nobody asks for the weeks before the first baseline.
        begin = min((int(base.lags.min() + columns.min()) for base, columns in groups), default=0)
        groups = [(base, columns - begin) for base, columns in groups]
        array, first = array[:, begin:], first - begin
        people = None if people is None else people[:, begin:]
        with np.errstate(all="ignore"):  # cells that turn out undefined are flagged
            for start in range(0, series, CELLS):
                rows = slice(start, start + CELLS)
                block = _Block.of(array[rows], None if people is None else people[rows])
                part = answer.part(rows)
                for base, some in _portions(groups, block.y.shape[1]):
                    self._judge(block, base, some, part, first, dated=dates is not None)
        return answer

    def _judge(
        self,
        block: _Block,
        base: Baseline,
        columns: Columns,
        answer: Detection,
        first: int,
        *,
        dated: bool,
    ) -> None:
        """Fill these columns of the answer."""
        data = block.data(base, columns)
        shape = len(columns), block.y.shape[1]
        now = block.counts[columns].ravel()
        enough = self._enough(block, columns).ravel()
        offset = np.zeros(now.shape) if block.offset is None else block.offset[columns].ravel()
        if block.without is not None:
            # A week without a population has no expectation, whatever its count.
            offset[block.without[columns].ravel()] = np.nan
        weeks, seasons = _points(data)
        usable = (seasons[-1] > 0) & (weeks > (seasons > 0).sum(axis=0) + self._asks_trend)
        empty = usable & (data.y.max(axis=0) == 0) & (self.compat is None)
        model = _Model.blank(len(now))
        run = np.flatnonzero(usable & ~empty)
        if run.size:
            some = data if run.size == len(now) else data.take(run)
            early = _missing_first(some) if dated and self._as_r_flexible else 0.0
            model.put(run, self._model(some, weeks[run], offset[run], early))
        model.log_mean[empty] = -np.inf
        model.dispersion[empty] = 1.0
        model.d[empty] = model.unit[empty] = 0.0
        model.converged[empty] = True

        expected, upper, p, score, alarm = self._threshold(model, now)
        score, p = np.where(np.isnan(now), np.nan, score), np.where(np.isnan(now), np.nan, p)
        undefined = usable & np.isnan(upper)
        upper[~enough] = 0.0 if self.original and self.compat == "R" else np.nan
        if self.compat == "R":
            expected[(~enough | np.isnan(upper)) & model.converged] = np.nan
            if self.original:
                score[~enough] = 0.0
        to = columns - first
        for whole, cells in (
            (answer.expected, expected), (answer.upper, upper), (answer.p, p),
            (answer.score, score), (answer.alarm, alarm & enough),
        ):  # fmt: skip
            whole[:, to] = cells.reshape(shape).T
        flags = np.zeros(len(now), np.uint8)
        mark(flags, ~usable, Flag.TOO_FEW_POINTS)
        mark(flags, undefined, Flag.UNDEFINED)
        mark(flags, empty, Flag.FLAT_HISTORY)
        mark(flags, ~enough & usable, Flag.FEW_CASES)
        mark(flags, model.trend, Flag.TREND)
        answer.flags[:, to] |= flags.reshape(shape).T

    @property
    def _as_r_flexible(self) -> bool:
        return self.compat == "R" and not self.original

    @property
    def _asks_trend(self) -> bool:
        return self.trend and self.shape.years >= YEARS_OF_TREND

    def _enough(self, block: _Block, columns: Columns) -> NDArray[np.bool_]:
        """Whether there were cases enough of late, (columns, series)."""
        cases, weeks = self.limit
        recent = np.maximum(columns - np.arange(weeks)[:, np.newaxis], 0)
        counts = block.counts if self.compat == "R" else np.nan_to_num(block.counts)
        enough: NDArray[np.bool_] = np.add.reduce(counts[recent], axis=0) >= cases
        return enough

    def _model(self, data: Data, weeks: Floats, offset: Floats, early: Floats | float) -> _Model:
        """The regression with a trend, and again without for those that do not keep it.

        ``early``: so many weeks before now the trend is read.
        """
        if not self._asks_trend:
            return self._estimate(data, weeks, offset, trend=False)
        model = self._estimate(data, weeks, offset, trend=True, early=early)
        keep = model.converged & (np.exp(model.log_mean) <= data.y.max(axis=0))
        if self.compat is None:
            keep &= ~loglinear.endless(data)
        if self.trend_p < 1 or self.compat == "R":
            distance = np.abs(model.slope) / np.sqrt(model.d * model.slope_unit)
            keep &= 2 * stdtr(model.free, -distance) < self.trend_p
        again = np.flatnonzero(~keep)
        if again.size:
            rest = data.take(again)
            model.put(again, self._estimate(rest, weeks[again], offset[again], trend=False))
        return model

    def _estimate(
        self,
        data: Data,
        weeks: Floats,
        offset: Floats,
        *,
        trend: bool,
        early: Floats | float = 0.0,
    ) -> _Model:
        _, seasons = _points(data)
        free = weeks - (seasons > 0).sum(axis=0) - trend
        weight = data.weight
        fitted = loglinear.fit(data, weight, trend=trend)
        converged = fitted.converged
        if not trend and self.compat is None:
            converged = np.ones_like(converged)  # to the mean of each season, sooner or later
        spread = loglinear.spread(data, fitted, weight, free, outlying=self.reweight)
        if spread.outlying is not None:
            weight = self._weights(spread.outlying, data.weight, weeks)
            fitted = loglinear.fit(data, weight, trend=trend)
            spread = loglinear.spread(data, fitted, weight, free, outlying=False)
        slope_unit = np.where(np.isfinite(fitted.information), 1 / fitted.information, 0.0)
        return _Model(
            log_mean=fitted.level[-1] - fitted.slope * early + offset,
            dispersion=np.maximum(spread.pearson, 1.0),
            d=spread.relative if self._as_r_flexible and self.reweight else spread.pearson,
            unit=fitted.inverse[-1] + (fitted.centre[-1] + early) ** 2 * slope_unit,
            slope=fitted.slope,
            slope_unit=slope_unit,
            free=free * np.ones_like(offset),
            trend=np.full(len(offset), trend),
            converged=converged,
        )

    def _weights(self, residual: Floats, known: Floats | None, weeks: Floats) -> Floats:
        """Weights against past outbreaks; they add up to the number of weeks."""
        weight = np.ones_like(residual)
        np.divide(1.0, residual * residual, out=weight, where=residual > self.outlier)
        if known is not None:
            weight *= known
        weight *= weeks / loglinear.total(weight)
        return weight

    def _threshold(
        self, model: _Model, now: Floats
    ) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
        """Expected, upper, p, score and alarm."""
        log_mean = np.where(model.converged, model.log_mean, np.nan)
        expected = np.exp(log_mean)
        if self.method == "delta":
            if self.compat == "R":
                expected = np.maximum(expected, LEAST_MEAN_OF_R)
            upper, p = self._delta(expected, model, now)
        else:
            mean = expected
            if self.method == "muan":
                mean = np.exp(log_mean + self.z * np.sqrt(model.d * model.unit))
            upper = upper_quantile(self.alpha, mean, model.dispersion)
            p = upper_tail(now, mean, model.dispersion)
        if self.compat == "R":
            zero = expected if self.method == "delta" else log_mean
            score = (now - zero) / (upper - zero)
            expected[~model.converged] = 0.0
            return expected, upper, p, score, (score > 1) & (now != 0)
        above = now > upper
        score = (now - expected) / (upper - expected)
        odd = upper <= expected
        score[odd] = np.where(above[odd], np.inf, 0.0)
        return expected, upper, p, score, above

    def _delta(self, mean: Floats, model: _Model, now: Floats) -> tuple[Floats, Floats]:
        d = model.dispersion if self.original else model.d
        variance = model.dispersion + d * model.unit * mean  # over the mean
        if self.power == "2/3":
            centre, sd = np.cbrt(mean) ** 2, np.sqrt(4 / 9 * np.cbrt(mean) * variance)
            upper, y = (centre + self.z * sd) ** 1.5, np.cbrt(now) ** 2
        elif self.power == "1/2":
            centre, sd = np.sqrt(mean), np.sqrt(variance / 4)
            upper, y = (centre + self.z * sd) ** 2, np.sqrt(now)
        else:
            centre, sd = mean, np.sqrt(mean * variance)
            upper, y = centre + self.z * sd, now
        p = ndtr((centre - y) / sd)
        never = mean == 0
        upper[never], p[never] = 0.0, np.where(now[never] > 0, 0.0, 1.0)
        return upper, p


def _portions(
    groups: list[tuple[Baseline, Columns]], series: int
) -> Iterator[tuple[Baseline, Columns]]:
    """The columns of each baseline, so many at a time that their weeks stay in the cache."""
    step = max(1, CELLS // max(series, 1))
    for base, columns in groups:
        for start in range(0, len(columns), step):
            yield base, columns[start : start + step]


def _missing_first(data: Data) -> Floats | float:
    """How many weeks are missing before the first known one, (cells)."""
    if data.weight is None:
        return 0.0
    lags = data.base.lags[:, np.newaxis]
    first = np.where(data.weight > 0, lags, 0).min(axis=0)
    missing: Floats = (first - lags.min()).astype(np.float64)
    return missing


def _points(data: Data) -> tuple[Floats, Floats]:
    """Known weeks of each cell, and of each of its seasons."""
    if data.weight is not None:
        seasons = data.by_season(data.weight)
    else:
        sizes = [part.stop - part.start for part in data.base.seasons]
        seasons = np.repeat(np.array(sizes, np.float64)[:, np.newaxis], data.y.shape[1], axis=1)
    return loglinear.total(seasons), seasons
