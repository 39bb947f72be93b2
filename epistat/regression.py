"""The warning score of epistat: is this week higher than its season, trend and recent level allow?

One regression on all weeks of the last years tells what to expect, what is known for certain and
what is not included; the score is the chance of so many cases or more. Methods that were compared
and rejected, with figures, are in decision 0026 of Fangkong; how it does beside others stands in
``docs/epistat.md``.

The formula, for a week t with count y, from the weeks s = t - guard - 1, t - guard - 2 … before it:

1. log mean(s) = a + b (s - t) / year + sum over j = 1, 2 of the harmonics of the year
   c_j cos + d_j sin (2 pi j (s - t) / year) [+ log population], fitted by maximum posterior
   likelihood, quasi-Poisson with variance d * mean: a has Jeffreys' prior (half a case), b, c and d
   are normal around 0 (``TREND``, ``SEASON``), so that a short or sparse history claims no season
   and no trend that it does not show. A week counts the less the older it is (``half_life``).
2. Past outbreaks: a week whose Anscombe residual r, in units of sqrt(d), is above 2.58 gets the
   weight (2.58 / r)^3, so that the greatest outbreak adds no more to d than others, and the fit is
   made again. d is Pearson's with these weights, at least 1, with a few weeks of prior experience;
   weights and d are found from each other, in four turns.
3. The level of late: counts above or below the regression that last for weeks are a part of what
   to expect. q, the variance of such a level, is the mean product of the residuals 2, 3 and 4 weeks
   apart over that of their means: 0 in a series whose weeks are independent. The level is 1 plus
   the best linear predictor from the weeks before, which weigh half after ``RECENT`` weeks:
   q sum w (y - m) / (q (sum w m)^2 + d sum w^2 m) * sum w m.
4. The count to come is negative binomial with mean m = mean(t) * level and variance d m + m^2 v,
   where v is the variance of the logarithm of m, of regression and level. p = P(Y >= y).

Sources: the regression and the weights are in the line of Farrington 1996 and Noufaily 2013 (see
:mod:`epistat.seasonal`), with all weeks and harmonics in place of windows and a factor; harmonics
as Serfling RE, Public Health Rep 1963;78:494-506; a level by linear prediction as Bühlmann H,
ASTIN Bulletin 1967;4:199-207 (credibility).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.result import Detection, Flag, Floats, as_counts, keep_freed_memory, mark, product
from epistat.tails import upper_quantile, upper_tail

Every = Literal["day", "week"]
Cells = NDArray[np.intp]

WEEK = 7
YEAR_DAYS = 365.2425
ALPHA = 0.0065
TREND = 0.2  # sd of the slope of the log mean in a year
SEASON = (0.8, 0.5)  # sd of cosine and sine of each harmonic
OUTLYING = 2.58
RECENT = 4.0  # weeks
APART = (2, 3, 4)  # weeks between the residuals that show a lasting level
MOST_SPREAD = 1.0  # of q
LEAST_LEVEL = 0.2
PRIOR_WEEKS, PRIOR_DISPERSION = 8.0, 1.5
TURNS = 4  # of weights and dispersion
FEWEST = 26  # known weeks
CELLS = 64  # fitted together
MOST_STEPS = 40
STOP = 1e-7  # the longest part of a step; the next one would be its square
NEARLY = 1e-4  # the same, for the fit that only looks for past outbreaks
LONGEST_STEP = 2.0
STEEPEST = 40.0  # log mean, beyond the largest count
LEAST_P = 1e-300


def adaptive(
    counts: ArrayLike,
    *,
    every: Every = "week",
    alpha: float = ALPHA,
    years: float = 8,
    half_life: float = 3,
    guard: int = 1,
    minimum: float = 1,
    dates: ArrayLike | None = None,
    population: ArrayLike | None = None,
    last: int | None = None,
) -> Detection:
    """The default warning score: season, trend and recent level of all weeks of the last years.

    ``counts``: (series, time), cases per day or per week as ``every`` says; NaN is missing. The
    number judged (``observed``) is the count of the week, or of the last 7 days t-6 … t, anew every
    day, beside the weeks that ended 7, 14 … days before.

    ``alpha``: alarm where p, the chance of so many cases or more, is at most this; ``upper`` is the
    highest count without an alarm. Counts are whole numbers, and past outbreaks widen what is
    expected, so that fewer weeks alarm than alpha: about 0.47 % of those of the 42 scenarios with
    the default. ``minimum``: no alarm below so many cases (BELOW_MINIMUM).

    ``years`` of history are used, as far as there are any; a week weighs half after ``half_life``
    years. ``guard``: so many weeks just before are left out, as they may belong to the same
    outbreak. ``dates``: of the columns, (time,), evenly spaced; with them a year has 365.2425 days,
    without them 52 weeks. ``population``: (time,) or (series, time), above 0; rates are then
    modelled. ``last``: judge the last so many columns only; the answer has only them.

    ``score`` is -log10 p: 2 is a week in a hundred, 3 one in a thousand; it ranks series of any
    kind. A history without any case expects next to none (FLAT_HISTORY). No answer: SHORT_HISTORY
    where the series began less than 26 weeks before the guard, TOO_FEW_POINTS where fewer than 26
    weeks are known, UNDEFINED where the fit does not settle or the population is not known now.
    Within the first years the season is uncertain and the threshold accordingly high. ValueError
    for impossible options.

    >>> rng = np.random.default_rng(1)
    >>> weeks = rng.poisson(4 + 3 * np.sin(2 * np.pi * np.arange(300) / 52), (2, 300))
    >>> weeks[1, -1] = 20
    >>> now = adaptive(weeks, last=1)
    >>> now.expected[:, 0].round(1), now.upper[:, 0], now.alarm[:, 0]
    (array([1.2, 1.1]), array([5., 5.]), array([False,  True]))
    """
    plan = _Plan(every, alpha, years, half_life, guard, minimum)
    array = as_counts(counts)
    people = None
    if population is not None:
        people = np.broadcast_to(np.asarray(population, np.float64), array.shape)
    return plan.run(array, people, dates, last)


@dataclass(frozen=True, slots=True)
class _Plan:
    every: Every
    alpha: float
    years: float
    half_life: float
    guard: int
    minimum: float

    def __post_init__(self) -> None:
        problems = {
            'every must be "day" or "week"; level of late, season and alpha are chosen for weeks:'
            " for months take farrington(year=12, half=1) or moving_percentile": (
                self.every not in get_args(Every)
            ),
            "alpha must lie between 0 and 1": not 0 < self.alpha < 1,
            "years must lie above 0 and be at most 100": not 0 < self.years <= 100,
            "half_life must be above 0": not self.half_life > 0,
            "guard must lie between 0 and 520": not 0 <= self.guard <= 520,
            "minimum must be 0 or more": not self.minimum >= 0,
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)

    def run(
        self, counts: Floats, people: Floats | None, dates: ArrayLike | None, last: int | None
    ) -> Detection:
        series, time = counts.shape
        first = 0 if last is None else max(time - last, 0)
        year = 52.0 if self.every == "week" else YEAR_DAYS / WEEK
        if dates is not None and self.every == "week":
            year = YEAR_DAYS / _step(dates, time)
        step = 1
        if self.every == "day":
            step = WEEK
            counts = _sums(counts)
            people = None if people is None else _sums(people) / WEEK
        answer = Detection.blank((series, time - first))
        answer.observed[:] = counts[:, first:]
        keep_freed_memory()
        # Days of one weekday make a series of weeks.
        for phase in range(min(step, time)):
            columns = np.arange(time - 1 - phase, -1, -step)[::-1]
            judged = columns[columns >= first]
            if judged.size and series:
                weeks = _Weeks.of(
                    counts[:, columns], None if people is None else people[:, columns]
                )
                self._judge(weeks, year, len(judged), answer, judged - first)
        return answer

    def _judge(
        self, weeks: "_Weeks", year: float, last: int, answer: Detection, to: NDArray[np.int64]
    ) -> None:
        """Fill the columns ``to`` of the answer with the last so many weeks."""
        time = len(weeks.y)
        model = _Model.of(min(round(self.years * year), max(time - 1 - self.guard, 1)), self, year)
        known, cases = (
            _windows(values, model.lags, last) for values in (weeks.known, weeks.y)
        )  # (last, series)
        now = weeks.counts[time - last :]
        few = known < FEWEST
        before = np.arange(time - last, time)[:, np.newaxis] - self.guard
        mean, ratio = np.full(now.shape, np.nan), np.full(now.shape, np.nan)
        with np.errstate(all="ignore"):  # what turns out undefined is flagged
            for columns, rows in _portions(*np.nonzero(~few)):
                expected, spread = model.predict(weeks, columns + time - last, rows)
                mean[columns, rows], ratio[columns, rows] = expected, spread
            upper = upper_quantile(self.alpha, mean, ratio)
        p = upper_tail(now, mean, ratio)
        over = now > upper
        flags = np.zeros(now.shape, np.uint8)
        mark(flags, np.isnan(now), Flag.MISSING_NOW)
        mark(flags, few & (before < FEWEST), Flag.SHORT_HISTORY)
        mark(flags, few & (before >= FEWEST), Flag.TOO_FEW_POINTS)
        mark(flags, ~few & np.isnan(upper), Flag.UNDEFINED)
        mark(flags, ~few & (cases == 0), Flag.FLAT_HISTORY)
        mark(flags, over & (now < self.minimum), Flag.BELOW_MINIMUM)
        for whole, part in (
            (answer.expected, mean), (answer.upper, upper), (answer.p, p),
            (answer.score, 0.0 - np.log10(np.maximum(p, LEAST_P))),
            (answer.alarm, over & (now >= self.minimum)), (answer.flags, flags),
        ):  # fmt: skip
            whole[:, to] = part.T


@dataclass(frozen=True, slots=True, eq=False)
class _Weeks:
    """A few series turned to (time, series): what was counted, 0 where that is not known."""

    counts: Floats
    y: Floats
    two_thirds: Floats  # y ** (2/3)
    known: Floats  # 1, or 0 where missing
    offset: Floats | None  # log population
    now: Floats | None  # the same, NaN where it is not known

    @classmethod
    def of(cls, counts: Floats, people: Floats | None) -> "_Weeks":
        across = np.ascontiguousarray(counts.T)
        missing = np.isnan(across)
        offset = now = None
        if people is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                now = np.log(np.ascontiguousarray(people.T))
            now[~np.isfinite(now)] = np.nan
            missing |= np.isnan(now)
            offset = np.nan_to_num(now)
        y = np.where(missing, 0.0, across)
        return cls(across, y, np.cbrt(y) ** 2, 1.0 - missing, offset, now)


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """The regression, (weeks) or (columns, weeks), the newest week first.

    A product of matrices may add up in another order where its shape is another. So always so many
    cells are fitted together, some of them twice if need be: the answer of a series is the same in
    every batch.
    """

    lags: NDArray[np.int64]
    x: Floats
    squares: Floats  # products of two columns
    pairs: Sequence[tuple[int, int]]
    precision: Floats
    today: Floats  # the columns at the week to be judged
    age: Floats
    recent: Floats

    @classmethod
    def of(cls, weeks: int, plan: _Plan, year: float) -> "_Model":
        lags = np.arange(plan.guard + 1, plan.guard + 1 + weeks)
        t = -lags / year
        columns, today, precision = [np.ones(weeks), t], [1.0, 0.0], [0.0, TREND**-2]
        for j, sd in enumerate(SEASON, 1):
            columns += [np.cos(2 * np.pi * j * t), np.sin(2 * np.pi * j * t)]
            today += [1.0, 0.0]
            precision += [sd**-2, sd**-2]
        pairs = [(i, j) for i in range(len(columns)) for j in range(i + 1)]
        return cls(
            lags,
            np.stack(columns),
            np.stack([columns[i] * columns[j] for i, j in pairs]),
            pairs,
            np.array(precision),
            np.array(today),
            (0.5 ** (lags / year / plan.half_life))[:, np.newaxis],
            (0.5 ** ((lags - plan.guard - 1) / RECENT))[:, np.newaxis],
        )

    def predict(self, weeks: _Weeks, columns: Cells, rows: Cells) -> tuple[Floats, Floats]:
        """Mean of each cell, and variance over mean; NaN where the fit does not settle."""
        number = len(rows)
        columns, rows = np.resize(columns, CELLS), np.resize(rows, CELLS)
        at = columns - self.lags[:, np.newaxis]
        inside = at >= 0
        y = np.where(inside, weeks.y[at, rows], 0.0)
        two_thirds = np.where(inside, weeks.two_thirds[at, rows], 0.0)
        known = np.where(inside, weeks.known[at, rows], 0.0)
        offset = None if weeks.offset is None else weeks.offset[at, rows]

        weight = self.age * known
        level, spread = self._start(y, weight, offset)
        first = self._fit(y, weight, offset, spread, level, stop=NEARLY)
        calm, dispersion = self._calm(y, two_thirds, known, first)
        fitted = self._fit(y, self.age * calm, offset, dispersion, first.beta, stop=STOP)
        calm, dispersion = self._calm(y, two_thirds, known, fitted)

        log_mean = fitted.beta @ self.today
        if weeks.now is not None:
            log_mean = log_mean + weeks.now[columns, rows]
        level, variance = self._level(y, calm, fitted.mean, dispersion)
        mean = np.exp(log_mean) * level
        today = np.broadcast_to(self.today[:, np.newaxis], (CELLS, len(self.today), 1))
        variance += np.linalg.solve(fitted.normal, today)[:, :, 0] @ self.today
        mean[~(first.settled & fitted.settled)] = np.nan
        return mean[:number], (dispersion + mean * variance)[:number]

    def _start(self, y: Floats, weight: Floats, offset: Floats | None) -> tuple[Floats, Floats]:
        """One level for all weeks, and the dispersion about it: no flood drags a season along."""
        people = weight if offset is None else weight * np.exp(offset)
        beta = np.zeros((CELLS, len(self.x)))
        rate = ((weight * y).sum(axis=0) + 0.5) / people.sum(axis=0)
        beta[:, 0] = np.log(rate)
        mean = rate if offset is None else rate * np.exp(offset)
        squares = (weight * (y - mean) ** 2 / mean).sum(axis=0) / weight.sum(axis=0)
        return beta, np.maximum(squares, 1.0)

    def _fit(
        self,
        y: Floats,
        weight: Floats,
        offset: Floats | None,
        dispersion: Floats,
        beta: Floats,
        *,
        stop: float,
    ) -> "_Fit":
        """Newton's method; a cell that has settled moves no more, whatever the others do."""
        diagonal = np.arange(len(self.x))
        moving = np.ones(CELLS, np.bool_)
        weight = weight / dispersion
        for _ in range(MOST_STEPS):
            log_mean = self.x.T @ beta.T
            if offset is not None:
                log_mean += offset
            np.clip(log_mean, -STEEPEST, STEEPEST, out=log_mean)
            mean = np.exp(log_mean)
            part = weight * mean
            products = product(self.squares, part)
            normal = np.empty((CELLS, len(self.x), len(self.x)))
            for both, (i, j) in zip(products, self.pairs, strict=True):
                normal[:, i, j] = normal[:, j, i] = both
            normal[:, diagonal, diagonal] += self.precision
            if not moving.any():
                break
            slope = (self.x @ (weight * y - part)).T - beta * self.precision
            slope[:, 0] += 0.5 / dispersion  # Jeffreys
            step = np.linalg.solve(normal, slope[:, :, np.newaxis])[:, :, 0]
            length = np.abs(step).max(axis=1)
            step *= np.minimum(1.0, LONGEST_STEP / np.maximum(length, stop))[:, np.newaxis]
            beta = np.where(moving[:, np.newaxis], beta + step, beta)
            moving &= ~(length < stop)
        return _Fit(beta, log_mean, mean, normal, ~moving)

    def _calm(
        self, y: Floats, two_thirds: Floats, known: Floats, fitted: "_Fit"
    ) -> tuple[Floats, Floats]:
        """Weights against past outbreaks and the dispersion, each found from the other in turns.

        A great outbreak makes the dispersion seem so large that it hides itself; so both fall
        together. Dispersion is Pearson's; of the parameters those count that the data decide.
        """
        residual = 1.5 * (two_thirds * np.exp(fitted.log_mean / -6) - np.sqrt(fitted.mean))
        squares = self.age * known * (y - fitted.mean) ** 2 / fitted.mean
        prior = np.broadcast_to(np.diag(self.precision), fitted.normal.shape)
        shrunk = np.trace(np.linalg.solve(fitted.normal, prior), axis1=1, axis2=2)
        decided = len(self.x) - shrunk
        calm = known
        for _ in range(TURNS):
            free = np.maximum((self.age * calm).sum(axis=0) - decided, 1.0) + PRIOR_WEEKS
            rest = (squares * calm).sum(axis=0) + PRIOR_WEEKS * PRIOR_DISPERSION
            dispersion = np.maximum(rest / free, 1.0)
            limit = OUTLYING * np.sqrt(dispersion)
            share = limit / np.maximum(residual, limit)
            calm = known * (share * share * share)
        return calm, dispersion

    def _level(
        self, y: Floats, calm: Floats, mean: Floats, dispersion: Floats
    ) -> tuple[Floats, Floats]:
        """The level of late, and the variance of its logarithm."""
        rest, expected = calm * (y - mean), calm * mean
        above, whole = np.zeros(CELLS), np.full(CELLS, 1e-9)
        for apart in APART:
            weight = self.age[apart:]
            above += (weight * rest[apart:] * rest[:-apart]).sum(axis=0)
            whole += (weight * expected[apart:] * expected[:-apart]).sum(axis=0)
        q = np.clip(above / whole, 0.0, MOST_SPREAD)
        seen = (self.recent * expected).sum(axis=0)
        noise = (self.recent**2 * calm * expected).sum(axis=0) * dispersion
        share = q * seen / (q * seen**2 + noise + 1e-12)
        level = np.maximum(1 + share * (self.recent * rest).sum(axis=0), LEAST_LEVEL)
        return level, (1 - share * seen) * q / level**2


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Coefficients (cells, columns), means (weeks, cells), normal equations; whether it settled."""

    beta: Floats
    log_mean: Floats
    mean: Floats
    normal: Floats
    settled: NDArray[np.bool_]


def _portions(columns: Cells, rows: Cells) -> list[tuple[Cells, Cells]]:
    starts = range(0, len(rows), CELLS)
    return [(columns[i : i + CELLS], rows[i : i + CELLS]) for i in starts]


def _windows(values: Floats, lags: NDArray[np.int64], last: int) -> Floats:
    """Sums of what lies behind by these lags, of the last so many weeks: (last, series)."""
    time = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    now = np.arange(time - last, time)
    window: Floats = sums[np.maximum(now - lags[0] + 1, 0)] - sums[np.maximum(now - lags[-1], 0)]
    return window


def _sums(values: Floats) -> Floats:
    """Of the last seven days, anew every day; NaN in the first six."""
    sums = np.full_like(values, np.nan)
    width = max(values.shape[1] - (WEEK - 1), 0)
    days = (values[:, day : day + width] for day in range(WEEK))
    sums[:, WEEK - 1 :] = sum(days, np.zeros((1, width)))
    return sums


def _step(dates: ArrayLike, time: int) -> float:
    """Days between two columns. ValueError where the dates are none, or too few."""
    days = np.asarray(dates, "datetime64[D]").astype(np.int64)
    if days.shape != (time,):
        raise ValueError(f"dates need the shape ({time},), one for each column")
    step = float(days[-1] - days[0]) / (time - 1) if time > 1 else float(WEEK)
    if step < 1:
        raise ValueError("dates must rise")
    return step
