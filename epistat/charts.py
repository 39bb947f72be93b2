"""Charts that add up evidence from week to week: CUSUM, likelihood ratio (LR, GLR), OutbreakP.

Sources: Rossi G, Lampugnani L, Marchi M. An approximate CUSUM procedure for surveillance of health
events. Stat Med 1999;18:2111-2122. Höhle M, Paul M. Count data regression charts for the monitoring
of surveillance time series. Comput Stat Data Anal 2008;52:4357-4368. Frisén M, Andersson E.
Semiparametric surveillance of monotonic changes. Sequential Analysis 2009;28:434-454. Numbers are
those of the R package surveillance where it has them.

A chart learns what is normal in its first ``training`` weeks and judges those after them. A small
excess that lasts is seen sooner than by a threshold for a single week; what has happened already
lowers the threshold of today. A missing week adds no evidence. ``p`` is NaN: a chart has none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import hyp2f1, xlogy

from epistat import harmonic
from epistat.result import MOST_CASES, Detection, Flag, Floats, as_counts, keep_freed_memory, mark
from epistat.tails import least as search

Transform = Literal[
    "rossi", "standard", "anscombe", "anscombe2nd", "pearson_nb", "anscombe_nb", "none"
]
Mean = Literal["constant", "season"]
Change = Literal["intercept", "epidemic"]
Compat = Literal["R"] | None

FEWEST_WEEKS = 8  # of a training
SAME = 1e-10  # change of a parameter


def cusum(
    counts: ArrayLike,
    *,
    training: int | None = None,
    k: float = 1.04,
    h: float = 2.26,
    transform: Transform = "rossi",
    mean: Mean | ArrayLike = "constant",
    alpha: float = 0.1,
    year: float = 52,
    reset: bool = False,
    compat: Compat = None,
) -> Detection:
    """CUSUM: C_t = max(0, C_(t-1) + z_t - k), alarm where C_t >= h. z_t is the count, made normal.

    ``counts``: (series, time); NaN is missing. ``training``: weeks that tell the normal mean m (all
    but the last ``year``). ``mean``: "constant" is their mean; "season" a Poisson regression with
    one annual harmonic; or numbers that broadcast to (series, time). ``transform`` of count x:

    rossi (x - 3m + 2 sqrt(x m)) / (2 sqrt(m)); standard (x - m) / sqrt(m);
    anscombe 1.5 (x^(2/3) - m^(2/3)) / m^(1/6); anscombe2nd the same with m^(2/3) - m^(-1/3) / 9,
    nearer to the mean of x^(2/3); pearson_nb (x - m) / sqrt(m + ``alpha`` m^2); anscombe_nb its
    Anscombe residual; none x itself.

    ``k``: half the shift to be seen, in standard deviations. ``h``: with the defaults a false alarm
    in 500 weeks. ``reset``: begin at 0 after an alarm, else it goes on alarming until C has fallen.

    ``upper`` is the count from which C_t would reach h, not a whole number in general: a count at
    it alarms. ``score`` is C_t. A training without a case has m = half a case in all its weeks
    (FLAT_HISTORY). The training itself is SHORT_HISTORY; TOO_FEW_POINTS if fewer than 8 of its
    weeks are known. With ``compat="R"``: no answer (UNDEFINED) for a training without a case; the
    threshold of "standard" is rounded up, that of anscombe2nd has a slip (m^(1/3) / 9), and that of
    anscombe_nb and none is no count but h - C_t.

    >>> answer = cusum([[2, 4, 3, 3, 2, 4, 3, 3, 2, 4, 5, 6, 7, 7]], training=10)
    >>> answer.alarm[0, 10:], answer.upper[0, -1].round(2)
    (array([False, False, False,  True]), np.float64(6.21))
    """
    if transform not in get_args(Transform):
        raise ValueError(f"transform must be one of {', '.join(get_args(Transform))}")
    _refuse(
        {
            "k must be 0 or more": not k >= 0,
            "h must be above 0": not h > 0,
            "alpha must be above 0": not alpha > 0,
            'compat must be None or "R"': compat not in (None, "R"),
        }
    )
    array = as_counts(counts)
    start = _start(array, training, year)
    centre, answer = _centre(array, start, mean, year, compat)
    scale = _Scale(transform, centre, alpha)
    total = np.zeros(len(array))
    for t in range(start, array.shape[1]):
        now, here = array[:, t], answer.flags[:, t]
        with np.errstate(all="ignore"):
            # What is missing for the alarm, and the count that would bring it.
            upper = scale.count(h + k - total, t)
            after = np.maximum(total + scale.normal(now, t) - k, 0.0)
        known = ~np.isnan(now)
        after = np.where(known, after, total)
        alarm = known & (after >= h)
        if compat == "R":
            upper = scale.count_as_r(upper, h + k - total, np.maximum(h - after, 0.0), t)
        answer.upper[:, t] = upper
        answer.score[:, t] = np.where(known, after, np.nan)
        answer.alarm[:, t] = alarm
        total = np.where(alarm, 0.0, after) if reset else after
        mark(here, np.isnan(now), Flag.MISSING_NOW)
        total = np.where(np.isnan(total), 0.0, total)
    return _silenced(answer)


def glr(
    counts: ArrayLike,
    *,
    training: int | None = None,
    threshold: float = 5.0,
    theta: float | None = None,
    alpha: float | None = 0.0,
    harmonics: int = 1,
    trend: bool = False,
    window: int | None = None,
    least: int = 1,
    change: Change = "intercept",
    mean: ArrayLike | None = None,
    year: float = 52,
    refit: bool = False,
) -> Detection:
    """Likelihood-ratio charts: how much better does a higher mean explain the last weeks?

    ``counts``: (series, time); NaN is missing. The normal mean m_t comes from the first
    ``training`` weeks (all but the last ``year``): a regression with ``harmonics`` of the year and
    a ``trend`` if asked for; or give it as ``mean``, broadcasting to (series, time). ``alpha``: 0
    for Poisson, the dispersion of a negative binomial (variance m + alpha m^2), or None to estimate
    it.

    With ``theta`` (LR) the log of a fixed rate ratio is looked for: S_t = max(0, S_(t-1) + l_t),
    l_t = x_t theta + (x_t + 1/alpha) log((1 + alpha m_t) / (1 + alpha m_t e^theta)), or
    x_t theta + (1 - e^theta) m_t for Poisson. Without it (GLR) the ratio that fits best is taken,
    and the week of the ``window`` (all weeks) since which it holds, at least ``least`` weeks ago.
    ``change="epidemic"``: the higher mean is m_t + e^theta x_(t-1).

    ``score`` is the statistic; alarm where it is ``threshold`` or more (LR: above it). After an
    alarm the chart begins anew; with ``refit`` also the normal mean (and alpha, if it is estimated)
    is fitted anew, to all weeks up to the alarm. Then what has become normal alarms no more, and an
    outbreak counts as normal too. ``upper`` is the least count that would alarm: whole for GLR
    (infinite where no count would, as for "epidemic" after a week without a case), not for LR,
    where a count must be above it. The training is SHORT_HISTORY; TOO_FEW_POINTS where no
    regression can be fitted to it, as without a case.

    >>> steady = [3, 5, 4, 4, 2, 6] * 10
    >>> answer = glr([[*steady, 5, 9, 12]], training=60, harmonics=0)
    >>> answer.score[0, -3:].round(2), answer.alarm[0, -1]
    (array([0.12, 2.3 , 7.27]), np.True_)
    """
    _refuse(
        {
            "threshold must be above 0": not threshold > 0,
            "theta must be above 0": theta is not None and not theta > 0,
            "alpha must be 0 or more, or None": alpha is not None and not alpha >= 0,
            "harmonics must be 0 or more": harmonics < 0,
            "least must be at least 1": least < 1,
            "window must be at least least": window is not None and window < least,
            f"change must be one of {', '.join(get_args(Change))}": change not in get_args(Change),
            "refit is for a mean that is fitted; leave it or the mean out": refit
            and mean is not None,
            "a fixed theta needs the change of the intercept": theta is not None
            and change == "epidemic",
        }
    )
    array = as_counts(counts)
    keep_freed_memory()
    start = _start(array, training, year)
    answer = Detection.blank(array.shape, at_upper=theta is None)
    answer.observed[:] = array
    mark(answer.flags[:, :start], np.True_, Flag.SHORT_HISTORY)
    mark(answer.flags, np.isnan(array), Flag.MISSING_NOW)
    with np.errstate(all="ignore"):
        if mean is None:
            normal = harmonic.means(array, start, harmonics, trend=trend, alpha=alpha, year=year)
            centre, spread = normal.mean, normal.alpha
        else:
            centre = np.broadcast_to(np.asarray(mean, np.float64), array.shape).copy()
            spread = np.full(len(array), np.nan if alpha is None else alpha)
            if alpha is None:
                raise ValueError("give alpha where the mean is given")
        answer.expected[:, start:] = centre[:, start:]
        unknown = ~(centre > 0) | ~np.isfinite(centre)
        mark(answer.flags[:, start:], unknown[:, start:], Flag.TOO_FEW_POINTS)

        def again(rows: NDArray[np.intp], weeks: int) -> harmonic.Means:
            return harmonic.means(
                array[rows], weeks, harmonics, trend=trend, alpha=alpha, year=year
            )

        chart = _Chart(
            np.where(np.isnan(array), 0.0, array),
            np.where(unknown, 1.0, centre) * ~np.isnan(array),
            np.where(np.isnan(spread), 0.0, spread),
            threshold, window, least, change, again if refit else None,
        )  # fmt: skip
        if theta is not None:
            chart.fixed(theta, start, answer)
        else:
            chart.generalized(start, answer)
    return _silenced(answer)


def outbreak_p(
    counts: ArrayLike, *, threshold: float = 100.0, first: int = 1, year: float = 52
) -> Detection:
    """OutbreakP: is there a rise, of whatever shape, anywhere in the series up to now?

    With the rising fit r_1 <= r_2 <= … of isotonic regression to the counts y_1 … y_t and their
    mean a, the statistic is the product of (r_j / a) ^ y_j: how much likelier a rise is than a
    constant. Alarm where it is above ``threshold``. It suits one season, from its first week: what
    rose once stays risen. ``counts``: (series, time); NaN is missing and left out.

    ``score`` is the statistic (infinite beyond 1e308), ``expected`` the mean a, ``upper`` the least
    count that would alarm. ``first``: weeks that are not judged (SHORT_HISTORY).

    >>> outbreak_p([[1, 1, 0, 2, 4, 7, 9]]).alarm
    array([[False, False, False, False, False,  True,  True]])
    """
    _refuse({"threshold must be above 0": not threshold > 0, "first must be 0 or more": first < 0})
    array = as_counts(counts)
    answer = Detection.blank(array.shape, at_upper=True)
    answer.observed[:] = array
    mark(answer.flags[:, :first], np.True_, Flag.SHORT_HISTORY)
    mark(answer.flags, np.isnan(array), Flag.MISSING_NOW)
    pools = _Pools(*array.shape)
    for t in range(array.shape[1]):
        now = array[:, t]
        known = ~np.isnan(now)
        with np.errstate(all="ignore"):
            if t >= first:
                answer.upper[:, t] = pools.least_alarm(np.log(threshold))
            pools.add(np.where(known, now, 0.0), known)
            if t >= first:
                score = pools.log_ratio()
                answer.expected[:, t] = pools.mean
                answer.score[:, t] = np.where(known, np.exp(score), np.nan)
                answer.alarm[:, t] = known & (score > np.log(threshold))
    return _silenced(answer)


def _refuse(problems: dict[str, bool]) -> None:
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(problem)


def _start(array: Floats, training: int | None, year: float) -> int:
    """The first week that is judged."""
    if training is None:
        training = max(array.shape[1] - int(year), 0)
    if training < 0:
        raise ValueError("training must be 0 or more weeks")
    return int(min(training, array.shape[1]))


def _centre(
    array: Floats, start: int, mean: Mean | ArrayLike, year: float, compat: Compat
) -> tuple[Floats, Detection]:
    """The normal mean of every week, and an answer that says where there is none."""
    answer = Detection.blank(array.shape, at_upper=True)
    answer.observed[:] = array
    mark(answer.flags[:, :start], np.True_, Flag.SHORT_HISTORY)
    if not isinstance(mean, str):
        centre = np.broadcast_to(np.asarray(mean, np.float64), array.shape)
        if not (centre > 0).all():
            raise ValueError("mean must be above 0")
    else:
        if mean not in get_args(Mean):
            raise ValueError(f"mean must be numbers or one of {', '.join(get_args(Mean))}")
        level, points = harmonic.training_mean(array, start)
        few = points < (1 if compat == "R" else FEWEST_WEEKS)
        empty = ~few & (level == 0)
        if mean == "season":
            with np.errstate(all="ignore"):
                centre = harmonic.means(array, start, 1, year=year).mean
            few |= ~empty & np.isnan(centre).any(axis=1)
        else:
            centre = np.repeat(level[:, np.newaxis], array.shape[1], axis=1)
        centre[empty] = np.nan if compat == "R" else 0.5 / max(start, 1)
        centre[few] = np.nan
        after = answer.flags[:, start:]
        mark(after, few[:, np.newaxis], Flag.TOO_FEW_POINTS)
        nothing = Flag.UNDEFINED if compat == "R" else Flag.FLAT_HISTORY
        mark(after, empty[:, np.newaxis], nothing)
    answer.expected[:, start:] = centre[:, start:]
    return centre, answer


def _silenced(answer: Detection) -> Detection:
    """No number and no alarm where there is no answer, but the threshold of a missing week."""
    few = (answer.flags & np.uint8(Flag.TOO_FEW_POINTS | Flag.SHORT_HISTORY)) != 0
    for numbers in (answer.expected, answer.upper, answer.score):
        numbers[few] = np.nan
    answer.alarm[:] &= answer.answered
    return answer


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    """Counts on a scale on which they are nearly normal, and back."""

    transform: Transform
    mean: Floats
    alpha: float

    def normal(self, count: Floats, t: int) -> Floats:
        m = self.mean[:, t]
        if self.transform == "rossi":
            return np.asarray((count - 3 * m + 2 * np.sqrt(count * m)) / (2 * np.sqrt(m)))
        if self.transform == "standard":
            return np.asarray((count - m) / np.sqrt(m))
        if self.transform in ("anscombe", "anscombe2nd"):
            return np.asarray(1.5 * (np.cbrt(count) ** 2 - self._centre(m)) / np.sqrt(np.cbrt(m)))
        variance = m + self.alpha * m * m
        if self.transform == "pearson_nb":
            return np.asarray((count - m) / np.sqrt(variance))
        if self.transform == "anscombe_nb":
            bent = self._bent(count) - self._bent(m)
            return np.asarray(bent / np.sqrt(np.cbrt(variance)))
        return count

    def _bent(self, count: Floats) -> Floats:
        """The integral of (x + alpha x^2)^(-1/3) from 0 to the count."""
        bent: Floats = 1.5 * np.cbrt(count) ** 2 * hyp2f1(1 / 3, 2 / 3, 5 / 3, -self.alpha * count)
        return bent

    def _centre(self, m: Floats) -> Floats:
        centre = np.cbrt(m) ** 2
        return centre - 1 / (9 * np.cbrt(m)) if self.transform == "anscombe2nd" else centre

    def count(self, normal: Floats, t: int) -> Floats:
        """The count that is ``normal`` on the scale; 0 where that is below all counts."""
        m = self.mean[:, t]
        root = np.sqrt(m)
        if self.transform == "rossi":
            count = np.maximum(np.sqrt(np.maximum(4 * m + 2 * root * normal, 0)) - root, 0) ** 2
        elif self.transform == "standard":
            count = m + root * normal
        elif self.transform in ("anscombe", "anscombe2nd"):
            inner = self._centre(m) + np.sqrt(np.cbrt(m)) * normal / 1.5
            count = np.maximum(inner, 0) ** 1.5
        elif self.transform == "pearson_nb":
            count = m + np.sqrt(m + self.alpha * m * m) * normal
        elif self.transform == "none":
            count = normal
        else:
            count = self._searched(normal, t)
        return np.asarray(np.maximum(count, 0.0), np.float64)

    def count_as_r(self, count: Floats, normal: Floats, left: Floats, t: int) -> Floats:
        """The threshold as R has it; ``left`` is what is missing for an alarm after this week."""
        m = self.mean[:, t]
        if self.transform == "standard":
            count = np.ceil(count)
        elif self.transform == "anscombe2nd":
            inner = np.cbrt(m) ** 2 - np.cbrt(m) / 9 + np.sqrt(np.cbrt(m)) * normal / 1.5
            count = np.maximum(inner, 0.0) ** 1.5
        elif self.transform in ("anscombe_nb", "none"):
            count = left
        return np.where(np.isnan(count), 0.0, count)

    def _searched(self, normal: Floats, t: int) -> Floats:
        """By doubling and halving, to the last digit or so."""
        low = np.zeros_like(normal)
        high = np.maximum(self.mean[:, t], 1.0)
        for _ in range(60):
            short = self.normal(high, t) < normal
            if not short.any():
                break
            low, high = np.where(short, high, low), np.where(short, 2 * high, high)
        for _ in range(80):
            middle = (low + high) / 2
            short = self.normal(middle, t) < normal
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return np.where(np.isnan(normal + self.mean[:, t]), np.nan, high)


@dataclass(frozen=True, slots=True, eq=False)
class _Chart:
    """The likelihood-ratio charts; a missing week has a count and a mean of 0."""

    counts: Floats
    mean: Floats
    alpha: Floats
    threshold: float
    window: int | None
    least: int
    change: Change
    again: Callable[[NDArray[np.intp], int], harmonic.Means] | None  # fits so many weeks of these

    def refit(self, t: int, answer: Detection) -> None:
        """From the week after ``t`` on another mean for those that alarm in it."""
        if self.again is None or t + 1 == self.counts.shape[1]:
            return
        no_mean = (answer.flags[:, t] & np.uint8(Flag.TOO_FEW_POINTS)) != 0
        rows = np.flatnonzero(answer.alarm[:, t] & ~no_mean)
        if not rows.size:
            return
        normal = self.again(rows, t + 1)
        fitted = np.isfinite(normal.mean).all(axis=1) & (normal.mean > 0).all(axis=1)
        rows, mean = rows[fitted], normal.mean[fitted, t + 1 :]
        answer.expected[rows, t + 1 :] = mean
        self.mean[rows, t + 1 :] = mean * ~np.isnan(answer.observed[rows, t + 1 :])
        self.alpha[rows] = normal.alpha[fitted]

    def fixed(self, theta: float, start: int, answer: Detection) -> None:
        """LR with the log rate ratio ``theta``."""
        total = np.zeros(len(self.counts))
        ratio = np.exp(theta)
        for t in range(start, self.counts.shape[1]):
            poisson = self.alpha == 0
            safe = np.where(poisson, 1.0, self.alpha)
            m = answer.expected[:, t]
            bend = np.log((1 + safe * m) / (1 + safe * m * ratio))
            # l = slope * x + level
            slope = np.where(poisson, theta, theta + bend)
            level = np.where(poisson, (1 - ratio) * m, bend / safe)
            answer.upper[:, t] = np.maximum((self.threshold - total - level) / slope, 0.0)
            known = ~np.isnan(answer.observed[:, t])
            after = np.maximum(total + slope * self.counts[:, t] + level, 0.0)
            total = np.where(known & ~np.isnan(after), after, total)
            answer.score[:, t] = np.where(known, total, np.nan)
            answer.alarm[:, t] = known & (total > self.threshold)
            total = np.where(answer.alarm[:, t], 0.0, total)
            self.refit(t, answer)

    def generalized(self, start: int, answer: Detection) -> None:
        """GLR: the best ratio since the best week."""
        begin = np.full(len(self.counts), start)
        for t in range(start, self.counts.shape[1]):
            first = start if self.window is None else max(start, t - self.window)
            weeks = np.arange(first, t + 1)
            allowed = (weeks >= begin[:, np.newaxis]) & (weeks <= t - self.least + 1)
            step = max(1, 200_000 // len(weeks) ** 2)
            for low in range(0, len(self.counts), step):
                rows = slice(low, low + step)
                self._judge(rows, weeks, allowed[rows], answer)
            begin[answer.alarm[:, t]] = t + 1
            self.refit(t, answer)

    def _judge(
        self, rows: slice, weeks: NDArray[np.int64], allowed: NDArray[np.bool_], answer: Detection
    ) -> None:
        t = int(weeks[-1])
        x = self.counts[rows][:, weeks]
        m = self.mean[rows][:, weeks]
        before = self.counts[rows][:, np.maximum(weeks - 1, 0)]
        alpha = self.alpha[rows]
        score = self._best(x, m, before, alpha, allowed)
        known = ~np.isnan(answer.observed[rows, t])
        answer.score[rows, t] = np.where(known, score, np.nan)
        answer.alarm[rows, t] = known & (score >= self.threshold)
        m = m.copy()
        m[:, -1] = np.where(known, m[:, -1], answer.expected[rows, t])
        answer.upper[rows, t] = self._least(x, m, before, alpha, allowed)

    def _least(
        self, x: Floats, m: Floats, before: Floats, alpha: Floats, allowed: NDArray[np.bool_]
    ) -> Floats:
        """The least count of the last week that would alarm; infinite where none can."""
        able = allowed.any(axis=1) & (m[:, -1] > 0)
        if self.change == "epidemic":
            able &= before[:, -1] > 0
        upper = np.full(len(x), np.inf)
        some = np.flatnonzero(able)

        def quiet(count: Floats, cells: NDArray[np.intp]) -> Floats:
            rows = some[cells]
            tried = x[rows].copy()
            tried[:, -1] = count
            score = self._best(tried, m[rows], before[rows], alpha[rows], allowed[rows])
            return np.where((score >= self.threshold) | (count > MOST_CASES), 0.0, 1.0)

        guess = np.ceil(m[some, -1] + 3 * np.sqrt(m[some, -1]))
        found = search(0.5, guess, quiet)
        upper[some] = np.where(found > MOST_CASES, np.inf, found)
        return upper

    def _best(
        self, x: Floats, m: Floats, before: Floats, alpha: Floats, allowed: NDArray[np.bool_]
    ) -> Floats:
        """The statistic: the greatest log likelihood ratio over the weeks that are allowed."""
        if self.change == "intercept" and not alpha.any():
            cases, expected = _since(x), _since(m)
            value = xlogy(cases, cases / expected) - (cases - expected)
            value = np.where((cases > expected) & allowed, value, 0.0)
        else:
            inside = np.tri(x.shape[1], dtype=np.float64).T  # [start, week]: week >= start
            if self.change == "intercept":
                value = _intercept(x, m, alpha[:, np.newaxis, np.newaxis], inside)
            else:
                value = _epidemic(x, m, before, alpha[:, np.newaxis, np.newaxis], inside)
            value = np.where(allowed & ~np.isnan(value), value, 0.0)
        best: Floats = value.max(axis=1, initial=0.0)
        return best


def _since(values: Floats) -> Floats:
    """Sums from each week to the last."""
    sums: Floats = np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    return sums


def _intercept(x: Floats, m: Floats, alpha: Floats, inside: Floats) -> Floats:
    """Log likelihood ratio of the best factor on the mean since each week, (series, weeks)."""
    x, m = x[:, np.newaxis], m[:, np.newaxis]
    safe = np.where(alpha > 0, alpha, 1.0)
    cases, expected = (x * inside).sum(axis=2), (m * inside).sum(axis=2)
    kappa = np.log(np.maximum(cases / np.where(expected > 0, expected, 1.0), 1.0))
    moving = np.ones(kappa.shape, np.bool_)
    for _ in range(60):
        higher = m * np.exp(kappa)[:, :, np.newaxis]
        variance = 1 + alpha * higher
        slope = ((x - higher) / variance * inside).sum(axis=2)
        curve = (higher * (1 + alpha * x) / variance**2 * inside).sum(axis=2)
        change = np.where(curve > 0, slope / np.where(curve > 0, curve, 1.0), 0.0)
        after = np.maximum(kappa + np.clip(change, -2, 2), 0.0)
        moving &= np.abs(after - kappa) > SAME  # what stands still does not depend on the others
        if not moving.any():
            break
        kappa = np.where(moving, after, kappa)
    ratio = np.exp(kappa)[:, :, np.newaxis]
    shift = kappa[:, :, np.newaxis]
    binomial = shift * x + (x + 1 / safe) * np.log((1 + alpha * m) / (1 + alpha * m * ratio))
    unit = np.where(alpha > 0, binomial, shift * x - (ratio - 1) * m)
    value: Floats = (unit * inside).sum(axis=2)
    return value


def _epidemic(x: Floats, m: Floats, before: Floats, alpha: Floats, inside: Floats) -> Floats:
    """The same of the best share of the week before that is added to the mean."""
    x, m, before = x[:, np.newaxis], m[:, np.newaxis], before[:, np.newaxis]
    m = np.where(m > 0, m, 1.0)  # a missing week: its terms are 0 without a week before
    before = np.where(m > 0, before, 0.0)
    safe = np.where(alpha > 0, alpha, 1.0)
    share = np.zeros((x.shape[0], x.shape[2]))
    moving = np.ones(share.shape, np.bool_)
    for _ in range(200):
        higher = m + share[:, :, np.newaxis] * before
        scale = before / (higher * (1 + alpha * higher))
        slope = ((x - higher) * scale * inside).sum(axis=2)
        information = (before * scale * inside).sum(axis=2)
        change = np.where(information > 0, slope / np.where(information > 0, information, 1.0), 0.0)
        after = np.maximum(share + change, 0.0)
        moving &= np.abs(after - share) > SAME
        if not moving.any():
            break
        share = np.where(moving, after, share)
    added = share[:, :, np.newaxis] * before
    gain = x * np.log1p(added / m)
    binomial = gain - (x + 1 / safe) * np.log1p(safe * added / (1 + safe * m))
    value: Floats = (np.where(alpha > 0, binomial, gain - added) * inside).sum(axis=2)
    return value


class _Pools:
    """Isotonic regression of growing series by pooling neighbours, a stack of pools for each."""

    def __init__(self, series: int, time: int) -> None:
        self.cases = np.zeros((series, time + 1))
        self.weeks = np.zeros((series, time + 1))
        self.gain = np.zeros((series, time + 1))  # of the pools up to this one: sum of s log(s / n)
        self.depth = np.zeros(series, np.int64)  # pool 0 is empty ground
        self.total = np.zeros(series)
        self.known = np.zeros(series)

    @property
    def mean(self) -> Floats:
        return self.total / self.known

    def pooled(
        self, count: Floats, rows: NDArray[np.intp]
    ) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Cases, weeks and depth of the last pool if a week with this count came."""
        cases, weeks, below = count.copy(), np.ones_like(count), self.depth[rows].copy()
        while True:
            top_cases, top_weeks = self.cases[rows, below], self.weeks[rows, below]
            join = (below > 0) & (top_cases * weeks >= cases * top_weeks)
            if not join.any():
                return cases, weeks, below + 1
            cases = np.where(join, cases + top_cases, cases)
            weeks = np.where(join, weeks + top_weeks, weeks)
            below = np.where(join, below - 1, below)

    def add(self, count: Floats, known: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(known)
        cases, weeks, depth = self.pooled(count[rows], rows)
        self.depth[rows] = depth
        self.cases[rows, depth], self.weeks[rows, depth] = cases, weeks
        self.gain[rows, depth] = self.gain[rows, depth - 1] + xlogy(cases, cases / weeks)
        self.total[rows] += count[rows]
        self.known[rows] += 1

    def log_ratio(self) -> Floats:
        """Log of the statistic as it stands."""
        gain = self.gain[np.arange(len(self.depth)), self.depth]
        mean = self.total / np.maximum(self.known, 1)
        ratio: Floats = np.maximum(gain - xlogy(self.total, mean), 0.0)
        return ratio

    def least_alarm(self, threshold: float) -> Floats:
        """The least count of the next week whose statistic is above; infinite at the first."""
        some = np.flatnonzero(self.known > 0)

        def quiet(count: Floats, cells: NDArray[np.intp]) -> Floats:
            rows = some[cells]
            cases, weeks, depth = self.pooled(count, rows)
            total, known = self.total[rows] + count, self.known[rows] + 1
            ratio = self.gain[rows, depth - 1] + xlogy(cases, cases / weeks)
            ratio -= xlogy(total, total / known)
            return np.where((ratio > threshold) | (count > MOST_CASES), 0.0, 1.0)

        upper = np.full(len(self.depth), np.inf)
        mean = self.mean[some]
        upper[some] = search(0.5, np.ceil(mean + 3 * np.sqrt(mean)), quiet)
        return upper
