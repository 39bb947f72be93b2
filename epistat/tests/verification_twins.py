"""The part of the page of verification on the plain twins of methods beside most detectors."""

from collections.abc import Iterable, Iterator
from math import lgamma, log

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom, poisson

import epistat
from epistat import scores
from epistat.nowcast import KAPPA, reverse_hazards
from epistat.result import Flag, Floats
from epistat.tests import plain_farrington, plain_nowcast, plain_reproduction, test_charts

Compared = tuple[str, int, float, int, float]  # method, numbers, worst, alarms that differ, allowed
DAYS = 60
INTERVAL = [0, 0.15, 0.3, 0.25, 0.15, 0.1, 0.05]
OTHER = [0, 0.4, 0.3, 0.2, 0.1, 0, 0]


class Gathered:
    """Differences, relative to numbers above 1."""

    def __init__(self) -> None:
        self.count, self.worst = 0, 0.0

    def add(self, ours: Iterable[float], theirs: Iterable[float]) -> None:
        for one, other in zip(ours, theirs, strict=True):
            self.count += 1
            if one != other and not (np.isnan(one) and np.isnan(other)):
                self.worst = max(self.worst, abs(one - other) / max(abs(other), 1.0))


def twins() -> Iterator[Compared]:
    """Each method beside its twin, on three epidemics of 60 days."""
    for name, allowed, pairs in (
        ("farrington, 1996", 1e-8, _farrington()),
        ("fixed_threshold", 1e-9, _fixed()),
        ("glr, fixed theta (LR): Poisson and negative binomial", 1e-9, _ratio()),
        ("glr, dispersion fitted to the training", 1e-4, _dispersed()),
        ("glr and LR, refit after an alarm", 1e-7, _refitted()),
        ("place_rule", 1e-9, _rule()),
        ("pressure", 1e-9, _pressure()),
        ("cori", 1e-9, _cori()),
        ("cori, two intervals: quantiles", 1e-7, _mixtures()),
        (
            "cori, uncertain interval: levels reached by quantiles",
            1e-5,
            _believed((15, 24, 40, 59)),
        ),
        ("the same in its first windows", 1e-3, _believed((7, 8, 9, 10))),
        ("discrete_interval", 1e-9, _interval()),
        ("wallinga_teunis: mean and sd", 1e-6, _cohorts()),
        ("growth_rate, poisson, quasipoisson, loglinear: with limits", 1e-9, _growth()),
        ("growth_rate, negbin: with limits and dispersion", 1e-6, _growth_negbin()),
        ("lawless: mean and variance", 1e-6, _lawless()),
        ("reverse_hazards", 1e-9, _hazards()),
        ("dirichlet: quantiles", 1e-9, _dirichlet()),
        ("generalised_dirichlet: mean, beside 40,000 draws", 0.02, _generalised()),
        ("back_project", 1e-9, _projected()),
        ("forecast: mean of 20,000 paths with R known", 0.02, _renewed()),
        ("log_score, rps, dawid_sebastiani", 1e-8, _counts()),
        ("wis", 1e-9, _wis()),
        ("crps_sample", 1e-9, _crps()),
    ):
        differences = Gathered()
        for ours, theirs in pairs:
            differences.add(ours, theirs)
        yield name, differences.count, differences.worst, 0, allowed


Pairs = Iterator[tuple[Iterable[float], Iterable[float]]]


def epidemics() -> Floats:
    rng = np.random.default_rng(11)
    wave = np.exp(1.5 * np.sin(np.arange(DAYS) / 11))
    return rng.poisson(np.array([[0.5], [8.0], [90.0]]) * wave).astype(np.float64)


def _farrington() -> Pairs:
    """One season, residuals above 1 weigh less, a trend below p = 0.05, half of alpha above."""
    rng = np.random.default_rng(7)
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(300) / 52)
    counts = rng.poisson(np.array([[2.0], [9.0], [60.0]]) * season).astype(np.float64)
    answer = epistat.farrington(counts, last=12)
    settings = plain_farrington.Settings(
        seasons=1,
        skip=0,
        alpha=0.005,
        method="delta",
        trend_p=0.05,
        outlier=1.0,
        original=True,
    )
    for i, series in enumerate(counts):
        for back in range(12):
            day, _ = plain_farrington.farrington(series, 288 + back, settings)
            if day is not None:
                numbers = answer.expected, answer.upper, answer.p, answer.score
                yield [float(column[i, back]) for column in numbers], day[:4]


def _fixed() -> Pairs:
    counts = epidemics()
    answer = epistat.fixed_threshold(counts, 3)
    for i, t in np.ndindex(*counts.shape):
        yield (
            (float(answer.score[i, t]), float(answer.alarm[i, t])),
            (counts[i, t] / 3, float(counts[i, t] >= 3)),
        )


def _ratio() -> Pairs:
    """Likelihood ratios added up, never below 0, begun anew after an alarm."""
    counts, theta, mean = epidemics(), log(1.5), 20.0
    for alpha in (0.0, 0.2):
        answer = epistat.glr(counts, training=10, theta=theta, alpha=alpha, mean=mean)
        for i, y in enumerate(counts):
            total = 0.0
            for t in range(10, DAYS):
                gain = theta * y[t] + (1 - 1.5) * mean
                if alpha:
                    bend = log((1 + alpha * mean) / (1 + alpha * mean * 1.5))
                    gain = theta * y[t] + (y[t] + 1 / alpha) * bend
                total = max(0.0, total + gain)
                ours = float(answer.score[i, t]), float(answer.alarm[i, t])
                yield ours, (total, float(total > 5))
                total = 0.0 if total > 5 else total


def _dispersed() -> Pairs:
    """Negative binomial: alpha and the best ratio by SciPy's search, until the first alarm."""
    rng = np.random.default_rng(21)
    for level in (3.0, 20.0):
        y = rng.poisson(rng.gamma(4, level / 4, 80)).astype(np.float64)
        mean, past = float(y[:60].mean()), y[:60]

        def misfit(log_size: float, past: Floats = past, mean: float = mean) -> float:
            size = np.exp(log_size)
            return -float(nbinom.logpmf(past, size, size / (size + mean)).sum())

        options = {"xatol": 1e-10}
        found = minimize_scalar(misfit, bounds=(-3, 6), method="bounded", options=options)
        alpha = float(np.exp(-found.x))
        answer = epistat.glr(y[np.newaxis], training=60, harmonics=0, alpha=None)
        for t in range(60, 80):
            best = 0.0
            for since in range(60, t + 1):
                part = y[since : t + 1]
                m = np.full(len(part), mean)

                def loss(
                    kappa: float, part: Floats = part, m: Floats = m, alpha: float = alpha
                ) -> float:
                    return -test_charts.gain(part, m, m, alpha, "intercept", kappa)

                ratio = minimize_scalar(loss, bounds=(0, 6), method="bounded", options=options)
                best = max(best, -float(ratio.fun))
            yield [float(answer.score[0, t])], [best]
            if best >= 5:
                break


def _refitted() -> Pairs:
    level = np.repeat([[3, 7, 16], [5, 5, 5], [2, 9, 1]], 30, axis=1)
    counts = np.random.default_rng(12).poisson(level).astype(np.float64)
    for theta in (None, 0.4):
        answer = epistat.glr(counts, training=30, harmonics=0, theta=theta, refit=True)
        for i, y in enumerate(counts):
            for t, (mean, score, alarm) in enumerate(test_charts.refitted(y, 30, theta), 30):
                ours = answer.expected[i, t], answer.score[i, t], answer.alarm[i, t]
                yield map(float, ours), (mean, score, float(alarm))


def _rule() -> Pairs:
    counts = epidemics()
    counts[1, 20] = np.nan
    answer = epistat.place_rule(counts, cases=12, days=5)
    for i, t in np.ndindex(*counts.shape):
        cases = float(np.nansum(counts[i, max(t - 4, 0) : t + 1]))
        ours = float(answer.observed[i, t]), float(answer.alarm[i, t])
        yield ours, (cases, float(cases >= 12))


def _pressure() -> Pairs:
    counts = epidemics()
    counts[1, 20] = np.nan
    answer = epistat.pressure(counts, INTERVAL)
    for i, t in np.ndindex(*counts.shape):
        yield [float(answer[i, t])], [plain_reproduction.pressure(counts[i], INTERVAL, t)]


def _cori() -> Pairs:
    answer = epistat.cori(epidemics(), INTERVAL)
    for i, y in enumerate(epidemics()):
        for t in range(7, DAYS):
            found = plain_reproduction.cori(y, INTERVAL, t - 6, t)
            if found is None:
                continue
            shape, scale = found
            quantiles = [
                plain_reproduction.mixture_quantile(shape, [scale], [1.0], level)
                for level in answer.levels.tolist()
            ]
            ours = [answer.mean[i, t], answer.sd[i, t], *answer.quantiles[i, t]]
            yield map(float, ours), [shape * scale, shape**0.5 * scale, *quantiles]


def _mixtures() -> Pairs:
    answer = epistat.cori(epidemics(), [INTERVAL, OTHER])
    for i, y in enumerate(epidemics()):
        for t in range(10, DAYS, 7):
            parts = [plain_reproduction.cori(y, w, t - 6, t) for w in (INTERVAL, OTHER)]
            used = [part for part in parts if part is not None]
            theirs = [
                plain_reproduction.mixture_quantile(
                    used[0][0], [scale for _, scale in used], [1 / len(used)] * len(used), level
                )
                for level in answer.levels.tolist()
            ]
            yield map(float, answer.quantiles[i, t]), theirs


def _believed(days: tuple[int, ...]) -> Pairs:
    """Beside 1,600 intervals; the belief is cut off in the first windows."""
    belief = epistat.UncertainInterval(
        epistat.Uncertain(8.4, 1, 5.4, 11.4), epistat.Uncertain(3.8, 0.5, 2.3, 5.3)
    )
    answer = epistat.cori(epidemics(), belief)
    for i, y in enumerate(epidemics()):
        for t in days:
            yield (
                plain_reproduction.reached(
                    y, t, answer.quantiles[i, t].tolist(), [8.4, 1, 5.4, 11.4],
                    [3.8, 0.5, 2.3, 5.3], nodes=40,
                ),
                answer.levels.tolist(),
            )  # fmt: skip


def _interval() -> Pairs:
    for mean, sd in ((2.6, 1.5), (8.4, 3.8), (15.3, 9.3)):
        ours = epistat.discrete_interval(mean, sd, 12)
        yield ours.tolist(), plain_reproduction.gamma_interval(mean, sd, 12)


def _cohorts() -> Pairs:
    answer = epistat.wallinga_teunis(epidemics(), INTERVAL)
    for i, y in enumerate(epidemics()):
        for t in range(6, DAYS, 5):
            cases = y[t - 6 : t + 1].sum()
            if cases == 0:
                continue
            mean, sd = plain_reproduction.wallinga_teunis(y, INTERVAL, t - 6, t)
            yield [float(answer.mean[i, t]), float(answer.sd[i, t])], [mean, sd]


def _growth() -> Pairs:
    """Windows of a fortnight."""
    for model in ("poisson", "quasipoisson", "loglinear"):
        answer = epistat.growth_rate(epidemics(), model=model, window=14)
        for i, y in enumerate(epidemics()):
            for t in range(13, DAYS, 4):
                if (answer.flags[i, t] & Flag.NO_ANSWER) == 0:
                    ours = [answer.rate[i, t], answer.low[i, t], answer.high[i, t]]
                    window = y[t - 13 : t + 1]
                    yield map(float, ours), plain_reproduction.growth_interval(window, model)


def _growth_negbin() -> Pairs:
    """Windows of three weeks in epidemics whose days scatter more and less than Poisson's."""
    rng = np.random.default_rng(5)
    for uneven in (0.0, 0.1, 1.0):
        scatter = 1.0 if uneven == 0 else rng.gamma(1 / uneven, uneven, (3, DAYS))
        counts = np.round(epidemics() * scatter)
        counts[1, 30] = np.nan
        answer = epistat.growth_rate(counts, model="negbin", window=21)
        for i, y in enumerate(counts):
            for t in range(20, DAYS, 3):
                if (answer.flags[i, t] & Flag.NO_ANSWER) == 0:
                    ours = answer.rate, answer.low, answer.high, answer.dispersion
                    yield (
                        [float(part[i, t]) for part in ours],
                        plain_reproduction.growth_negbin(y[t - 20 : t + 1]),
                    )


def _triangle() -> Floats:
    rng = np.random.default_rng(5)
    chances = np.exp(-np.arange(9) / 3)
    days = [rng.multinomial(n, chances / chances.sum()) for n in rng.poisson(30, 30)]
    cells = np.array(days, dtype=np.float64)
    late = np.add.outer(np.arange(30), np.arange(9)) > 29
    cells[late] = np.nan
    return cells


def _lawless() -> Pairs:
    cells = _triangle()
    triangle = epistat.triangle_of_matrix(np.nan_to_num(cells)[np.newaxis])
    answer = epistat.lawless(triangle, window=20)
    for t in range(22, 30):
        twin = plain_nowcast.lawless(triangle.counts[0], t, 20)
        if twin is not None:
            ours = float(answer.mean[0, t]), float(answer.sd[0, t] ** 2)
            yield ours, twin


def _hazards() -> Pairs:
    triangle = epistat.triangle_of_matrix(np.nan_to_num(_triangle())[np.newaxis])
    n_x, total = reverse_hazards(triangle, window=20, sliding=True)
    twin = plain_nowcast.hazards(triangle.counts[0], 20, True)
    for x, (n, whole) in enumerate(twin):
        yield [float(n_x[0, x]), float(total[0, x])], [n, whole]


def _dirichlet() -> Pairs:
    """The chances of a beta negative binomial added up to each quantile, count by count."""
    cells = np.nan_to_num(_triangle())
    triangle = epistat.triangle_of_matrix(cells[np.newaxis])
    answer = epistat.dirichlet(triangle, levels=[0.05, 0.5, 0.95])
    known = triangle.counts[0]
    last = len(known) - 1
    delays = [float(np.nansum([known[t, d] for t in range(last + 1) if t + d <= last]))
              for d in range(known.shape[1])]  # fmt: skip
    reported = plain_nowcast.reported(known, last)
    alpha = [KAPPA + n for n in delays]
    below, count = 0.0, 0
    found = []
    for level in (0.05, 0.5, 0.95):
        while below < level:
            below += plain_nowcast.beta_negative_binomial(
                reported + 1, alpha[0], sum(alpha[1:]), count
            )
            count += 1
        found.append(reported + count - 1)
    yield map(float, answer.quantiles[0, -1]), found


def _generalised() -> Pairs:
    """Delays, then cases drawn as in the paper."""
    triangle = epistat.triangle_of_matrix(np.nan_to_num(_triangle())[np.newaxis])
    answer = epistat.generalised_dirichlet(triangle, prior=(30.0, 2.0))
    for t in range(22, 30):
        drawn = plain_nowcast.by_draws(triangle.counts[0], t, mean=30.0, size=2.0)
        yield [float(answer.mean[0, t])], [float(answer.reported[0, t] + drawn.mean())]


def _renewed() -> Pairs:
    for y in epidemics()[1:]:
        answer = epistat.forecast(
            y[np.newaxis], INTERVAL, prior_mean=1.2, prior_sd=1e-4, size=np.inf, paths=20_000,
            seed=3,
        )  # fmt: skip
        twin = plain_nowcast.renewal(y.tolist(), list(INTERVAL), 1.2, 14)
        yield map(float, answer.mean[0]), twin


def _projected() -> Pairs:
    f = [0.1, 0.2, 0.3, 0.2, 0.2]
    for y in epidemics()[1:]:
        answer = epistat.back_project(y[np.newaxis], f, steps=25, tolerance=1e-300)
        twin = plain_nowcast.back_project(y, f, int(answer.steps[0]))
        yield map(float, answer.infections[0]), map(float, twin)


def _counts() -> Pairs:
    """By the distributions of SciPy, summed count by count."""
    for mean, size in ((2.5, 3.0), (40.0, 8.0), (12.0, np.inf)):
        of = poisson(mean) if np.isinf(size) else nbinom(size, size / (size + mean))
        below = of.cdf(np.arange(2000))
        for y in (0, 3, 17, 60):
            ranked = float(((below - (np.arange(2000) >= y)) ** 2).sum())
            sd = float(of.std())
            ours = (
                float(scores.log_score(y, mean, size)), float(scores.rps(y, mean, size)),
                float(scores.dawid_sebastiani(y, mean, sd)),
            )  # fmt: skip
            exact = -_log_chance(y, mean, size)
            yield ours, (exact, ranked, ((y - mean) / sd) ** 2 + 2 * log(sd))


def _log_chance(y: int, mean: float, size: float) -> float:
    if np.isinf(size):
        return y * log(mean) - mean - lgamma(y + 1)
    ways = lgamma(y + size) - lgamma(size) - lgamma(y + 1)
    return ways + size * log(size / (size + mean)) + y * log(mean / (size + mean))


def _wis() -> Pairs:
    """The median and the intervals, one by one."""
    levels = scores.HUB_LEVELS
    rng = np.random.default_rng(3)
    for y in (0.0, 7.0, 30.0):
        q = np.sort(rng.gamma(4, 3, len(levels)))
        whole, pairs = abs(y - q[len(q) // 2]) / 2, len(q) // 2
        for k in range(pairs):
            low, high, alpha = q[k], q[-1 - k], 2 * levels[k]
            whole += alpha / 2 * (
                high - low + 2 / alpha * max(low - y, 0) + 2 / alpha * max(y - high, 0)
            )  # fmt: skip
        yield [float(scores.wis(y, q).total)], [float(whole / (pairs + 0.5))]


def _crps() -> Pairs:
    sample = np.random.default_rng(4).gamma(4, 3, 40)
    for y in (0.0, 11.0, 50.0):
        near = sum(abs(x - y) for x in sample) / 40
        apart = sum(abs(a - b) for a in sample for b in sample)
        ours = scores.crps_sample(y, sample), scores.crps_sample(y, sample, fair=True)
        yield map(float, ours), (near - apart / 3200, near - apart / 3120)
