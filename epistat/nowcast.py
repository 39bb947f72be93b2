"""Nowcast: how many cases of the last days will there be, once all of them are reported?

A triangle (:mod:`epistat.triangle`) tells of earlier days how long reports took. With n_x the cases
that were reported after x days, and N_x those after at most x days, over the days of a window, the
reverse hazard g_x = n_x / N_x is the chance that a report that has come after at most x days took
exactly x. A day that is k days old has been reported to the share F(k) = product over x > k of
(1 - g_x).

Sources: Lawless JF. Adjustments for reporting delays and the prediction of occurred but not
reported events. Can J Stat 1994;22:15-31. Höhle M, an der Heiden M. Bayesian nowcasting during the
STEC O104:H4 outbreak in Germany, 2011. Biometrics 2014;70:993-1002.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, gammaln, ndtr, ndtri

from epistat.quadrature import beta_rule, product_rule
from epistat.result import MOST_CASES, Flag, Floats, mark
from epistat.scores import HUB_LEVELS
from epistat.tails import least, tail_by_size
from epistat.triangle import Triangle

Compat = Literal["R"] | None
KAPPA = 0.1  # cases that the prior adds to each delay
SPREAD = 0.5  # size of the prior of a day's cases where none is told: it is wide
LITTLE = 0.2  # share reported below which a day has FEW_CASES
NODES = 16  # by which the uncertain share of a day is told
SUPPORT = 64  # counts looked at first, then four times as many, and again
MOST_COUNTS = 1 << 20
TOGETHER = 1 << 18  # cells of a block
CALM = 5.0  # cases that hold the reporting of a weekday to the others'
ROUNDS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Nowcast:
    """What the nowcasts answer; all (series, days) unless said.

    reported   float64  known so far
    share      float64  expected share of the day that is reported so far, 0 to 1
    mean, sd   float64  of the day's cases, once all are reported; infinite if too little is known
    levels     float64  (levels,)  of the quantiles
    quantiles  float64  (series, days, levels)  in whole cases, never below ``reported``. Those of
                        more than a million unreported cases are of the negative binomial with
                        their mean and sd, or infinite where the sd is
    flags      uint8    :class:`Flag`. FEW_CASES: less than a fifth is reported, the answer is
                        mostly prior; or nothing is reported that it could be told from.
                        MISSING_NOW: a cell of the day is missing. TOO_FEW_POINTS: no delay was
                        seen that long
    law        how the numbers of a day are distributed: for :func:`draw`
    """

    reported: Floats
    share: Floats
    mean: Floats
    sd: Floats
    levels: Floats
    quantiles: Floats
    flags: NDArray[np.uint8]
    law: "_Shares | _Moments"

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where there is a number, shape (series, days)."""
        answered: NDArray[np.bool_] = (self.flags & np.uint8(Flag.NO_ANSWER)) == 0
        return answered


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """Unreported cases given the share F: negative binomial of size r + n, chance 1 - (1 - F) rho.

    ``odds_of``: what multiplies the odds of the hazard of a delay on a day, (series, days, delays).
    """

    a: Floats  # (series, delays) of the beta of the reverse hazard
    b: Floats
    odds_of: Floats | None
    size: Floats  # r, (series,)
    rho: Floats  # mean / (mean + r) of the prior of a day's cases; 1 for a flat one


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Unreported cases by their mean and variance, (series, days)."""

    mean: Floats
    variance: Floats


def reverse_hazards(
    triangle: Triangle, *, window: int | None = None, sliding: bool = False
) -> tuple[Floats, Floats]:
    """n_x and N_x of each delay x = 0 … D, both (series, delays).

    ``window``: m days before the last day T, without it all days. Of delay x the days T - m … T - x
    are counted, or with ``sliding`` T - x - m … T - x, so that long delays are learnt from as many
    days as short ones (without it m must be at least D, else ValueError). A day with a missing cell
    up to x is left out of both.

    >>> from epistat.triangle import triangle_of_matrix
    >>> reverse_hazards(triangle_of_matrix([[3, 2, 1], [4, 1, 0], [2, 0, 0]]))
    (array([[9., 3., 1.]]), array([[ 9., 10.,  6.]]))
    """
    counts = triangle.counts
    series, days, delays = counts.shape
    if window is not None and window < (0 if sliding else delays - 1):
        raise ValueError(f"window must be at least {delays - 1} days, or sliding")
    so_far = np.cumsum(counts, axis=2)  # NaN from the first missing cell on
    n, total = np.zeros((series, delays)), np.zeros((series, delays))
    for x in range(delays):
        some = _days_of(days, x, window, sliding)
        known = ~np.isnan(so_far[:, some, x])
        n[:, x] = np.where(known, counts[:, some, x], 0.0).sum(axis=1)
        total[:, x] = np.where(known, so_far[:, some, x], 0.0).sum(axis=1)
    return n, total


def _days_of(days: int, x: int, window: int | None, sliding: bool) -> slice:
    last = days - 1
    first = 0 if window is None else max(last - window - (x if sliding else 0), 0)
    return slice(first, max(last - x + 1, first))


def lawless(
    triangle: Triangle,
    *,
    window: int | None = None,
    levels: ArrayLike = HUB_LEVELS,
    compat: Compat = None,
) -> Nowcast:
    """Nowcast by Lawless 1994: what is reported, over the share W that is expected so far.

    For a day with n reported, N = n / W, of variance N (N+1) / W⁴ Var(W) + N (1-W) / W² in the
    paper's letters, that is n (n+1) / W⁴ Var(W) + n (1-W) / W² with Var(W) = W² times the sum of
    g_x / (N_x (1 - g_x)) over the delays that are still to come. The quantiles are those of a
    negative binomial for the unreported cases with that mean and variance (Poisson where the
    variance is less). ``window`` slides (:func:`reverse_hazards`).

    A day without any report has N = 0 and no spread: it is FEW_CASES and better told by
    :func:`generalised_dirichlet`. Nothing of a delay seen (N_x = 0 or g_x = 1): TOO_FEW_POINTS.

    ``compat="R"``: the first term of the variance is lost, and quantiles are those of a normal cut
    off at n whose distribution function lacks a subtraction, as in R's package surveillance.

    >>> from epistat.triangle import triangle_of_matrix
    >>> answer = lawless(triangle_of_matrix([[3, 3], [4, 4], [2, 2], [5, 0]]))
    >>> answer.mean, answer.sd.round(2)[0, -1]
    (array([[ 6.,  8.,  4., 10.]]), np.float64(4.08))
    """
    at = _levels(levels)
    n_x, total = reverse_hazards(triangle, window=window, sliding=True)
    n = triangle.reported
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.where(total > 0, n_x / total, np.nan)
        g[:, 0] = 0.0
        log_share = _beyond(np.log1p(-g), n.shape[1])
        spread = _beyond(g / (total * (1 - g)), n.shape[1])
    share = np.exp(log_share)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = n / share
        by_delay = n * (n + 1) / share**2 * spread
        by_chance = n * (1 - share) / share**2
    variance = by_chance if compat == "R" else by_chance + by_delay

    flags = np.zeros(n.shape, np.uint8)
    lost = ~np.isnan(n) & (~(share > 0) | np.isnan(variance))
    mark(flags, np.isnan(n), Flag.MISSING_NOW)
    mark(flags, lost, Flag.TOO_FEW_POINTS)
    answered = flags == 0
    mark(flags, answered & ((share < LITTLE) | ((n == 0) & (share < 1))), Flag.FEW_CASES)
    mean, variance = (np.where(answered, part, np.nan) for part in (mean, variance))
    if compat == "R":
        quantiles = _quantiles_of_r(n, mean, np.sqrt(variance), at)
    else:
        quantiles = n[..., np.newaxis] + _quantiles_by_moments(mean - n, variance, at)
    law = _Moments(mean - n, variance)
    return Nowcast(n, share, mean, np.sqrt(variance), at, quantiles, flags, law)


def generalised_dirichlet(
    triangle: Triangle,
    *,
    window: int | None = None,
    prior: tuple[float, float] | None = None,
    weekday: bool = False,
    levels: ArrayLike = HUB_LEVELS,
) -> Nowcast:
    """Nowcast by Höhle and an der Heiden 2014, corrected for what is not reported yet.

    The reverse hazards are independent: g_x is Beta(κ + n_x, κ x + N_x - n_x), κ = 0.1, a prior
    that is the symmetric Dirichlet over the delays. A day's cases have a negative binomial prior of
    mean μ and size r (``prior``); given the share F those not yet reported are negative binomial of
    size r + n and chance 1 - (1 - F) μ/(μ + r). F is a product of betas. Nothing is drawn at
    random: the answer is averaged over 16 values of F, the Gauss rule that has the first 31 moments
    of the product.

    ``prior``: (mean, size), for every day alike; without it the size is 0.5, and the mean is told
    by the last days of which a fifth or more is reported, sum of reports over sum of shares.
    ``window`` does not slide and is at least D.

    ``weekday``: offices report less on some days. The odds of g_x of a case of day t are multiplied
    by a factor of the weekday of t + x, one for each of the seven, found by proportional fitting
    and held to 1 by as many as 5 cases.

    >>> from epistat.triangle import triangle_of_matrix
    >>> half_at_once = triangle_of_matrix([[3, 3], [4, 4]] * 20 + [[5, 0]])
    >>> generalised_dirichlet(half_at_once, prior=(8, 2)).mean.round(1)[0, -3:]
    array([6. , 8. , 9.7])
    """
    n_x, total = reverse_hazards(triangle, window=window)
    x = np.arange(n_x.shape[1])
    a, b = KAPPA + n_x, KAPPA * x + total - n_x
    odds_of = _weekdays(triangle, a, b, window) if weekday else None
    return _by_shares(triangle, a, b, odds_of, prior, levels, stick=False)


def dirichlet(
    triangle: Triangle,
    *,
    window: int | None = None,
    prior: tuple[float, float] | None = (np.inf, 1.0),
    levels: ArrayLike = HUB_LEVELS,
) -> Nowcast:
    """Nowcast by Höhle and an der Heiden 2014 without correction: the delays are a Dirichlet.

    The chances of the delays are Dirichlet(κ + n_d), κ = 0.1, as if the delays that were seen were
    all: in the last days long ones are not seen yet, so the answer is too low where reporting is
    slow. It is there for comparison; use :func:`generalised_dirichlet`. With the flat ``prior``
    (infinite mean, size 1) the unreported cases are beta-negative-binomial(n + 1, A, B), A and B
    the weights of the delays that have passed and those to come; its mean is infinite for A <= 1
    (FEW_CASES).

    >>> from epistat.triangle import triangle_of_matrix
    >>> dirichlet(triangle_of_matrix([[3, 3], [4, 4]] * 20 + [[5, 0]])).mean.round(1)[0, -3:]
    array([ 6. ,  8. , 10.8])
    """
    n_x, _ = reverse_hazards(triangle, window=window)
    a = KAPPA + n_x
    b = np.cumsum(a, axis=1) - a
    return _by_shares(triangle, a, b, None, prior, levels, stick=True)


def draw(nowcast: Nowcast, paths: int, *, seed: int, keys: ArrayLike | None = None) -> Floats:
    """Whole histories as they may turn out, shape (series, paths, days); NaN where no answer is.

    The delays are drawn once for a path, so that its days err together. Each series has random
    numbers of its own by ``seed`` and its key (``keys``: (series,), whole numbers; without it its
    row), so its histories do not hang on the others in the batch.

    >>> from epistat.triangle import triangle_of_matrix
    >>> seen = triangle_of_matrix([[3, 3], [4, 4]] * 20 + [[5, 0]])
    >>> draw(generalised_dirichlet(seen), 400, seed=1).shape
    (1, 400, 41)
    """
    series, days = nowcast.reported.shape
    answer = np.empty((series, paths, days))
    for row, rng in enumerate(generators(seed, keys, series)):
        n = np.nan_to_num(nowcast.reported[row])
        more = (
            _draw_by_moments(nowcast.law, row, paths, rng)
            if isinstance(nowcast.law, _Moments)
            else _draw_by_shares(nowcast.law, row, n, paths, rng)
        )
        answer[row] = np.where(nowcast.answered[row], n + more, np.nan)
    return answer


def generators(seed: int, keys: ArrayLike | None, series: int) -> list[np.random.Generator]:
    """Random numbers for each series by its key; ValueError for keys that do not fit."""
    of = np.arange(series) if keys is None else np.asarray(keys)
    if of.shape != (series,) or not np.issubdtype(of.dtype, np.integer) or (of < 0).any():
        raise ValueError("keys need one whole number of 0 or more for each series")
    return [
        np.random.Generator(np.random.Philox(key=np.array([seed, key], dtype=np.uint64)))
        for key in of.tolist()
    ]


def _by_shares(
    triangle: Triangle,
    a: Floats,
    b: Floats,
    odds_of: Floats | None,
    prior: tuple[float, float] | None,
    levels: ArrayLike,
    *,
    stick: bool,
) -> Nowcast:
    """``stick``: the shares are betas, as in a Dirichlet; else products of betas."""
    at = _levels(levels)
    n = triangle.reported
    series, days = n.shape
    first, second = _moments_of_share(a, b, odds_of, days)
    if prior is None:
        size, mean = np.full(series, SPREAD), _usual(n, first, triangle.delays)
        rho = mean / (mean + size)
    else:
        if not (prior[0] > 0 and 0 < prior[1] < np.inf):
            raise ValueError("prior needs a mean above 0 and a size above 0")
        share = 1.0 if np.isinf(prior[0]) else prior[0] / (prior[0] + prior[1])
        size, rho = np.full(series, prior[1]), np.full(series, share)

    flags = np.zeros(n.shape, np.uint8)
    mark(flags, np.isnan(n), Flag.MISSING_NOW)
    answered = flags == 0
    mark(flags, answered & (first < LITTLE), Flag.FEW_CASES)
    law = _Shares(a, b, odds_of, size, rho)
    mean, sd = n.copy(), np.where(answered, 0.0, np.nan)
    quantiles = np.repeat(n[..., np.newaxis], len(at), axis=2)
    open_ = answered & (first < 1)
    if open_.any():
        where = np.nonzero(open_)
        rules = _rules(a, b, odds_of, (first, second), stick=stick)
        share, weight = (part[open_] for part in rules)
        beta = _beta_of(first[open_], second[open_])
        cells = _Cells.of(n[open_], size[where[0]], rho[where[0]], share, weight, beta)
        more_mean, more_sd = cells.moments()
        mean[open_] += more_mean
        sd[open_] = more_sd
        more = _count_quantiles(cells.chances, len(cells.size), at)
        many = np.isinf(more).any(axis=1) & np.isfinite(more_sd)
        if many.any():
            by_moments = _quantiles_by_moments(more_mean[many], more_sd[many] ** 2, at)
            by_moments = np.maximum(by_moments, float(MOST_COUNTS))
            more[many] = np.where(np.isinf(more[many]), by_moments, more[many])
        quantiles[open_] += more
        mark(flags, answered & np.isinf(mean), Flag.FEW_CASES)
    return Nowcast(n, np.where(answered, first, np.nan), mean, sd, at, quantiles, flags, law)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Unreported cases of some days, as mixtures of negative binomials."""

    size: Floats  # r + n, (cells,)
    a: Floats  # of the beta of the share
    b: Floats
    flat: NDArray[np.bool_]  # the prior has no mean: beta-negative-binomial
    q: Floats  # (cells, nodes) 1 - chance of each part
    weight: Floats

    @classmethod
    def of(
        cls,
        n: Floats,
        r: Floats,
        rho: Floats,
        share: Floats,
        weight: Floats,
        beta: tuple[Floats, Floats],
    ) -> "_Cells":
        q = np.clip((1 - share) * rho[:, np.newaxis], 0.0, 1 - 1e-12)
        return cls(r + n, beta[0], beta[1], rho == 1, q, weight)

    def moments(self) -> tuple[Floats, Floats]:
        mean_of = self.size[:, np.newaxis] * self.q / (1 - self.q)
        mean = (self.weight * mean_of).sum(axis=1)
        within = (self.weight * mean_of / (1 - self.q)).sum(axis=1)
        between = (self.weight * (mean_of - mean[:, np.newaxis]) ** 2).sum(axis=1)
        variance = within + between
        r, a, b = self.size, self.a, self.b
        with np.errstate(divide="ignore", invalid="ignore"):
            flat_mean = np.where(a > 1, r * b / (a - 1), np.inf)
            flat_variance = np.where(
                a > 2, r * b * (r + a - 1) * (a + b - 1) / ((a - 2) * (a - 1) ** 2), np.inf
            )
        return (
            np.where(self.flat, flat_mean, mean),
            np.sqrt(np.where(self.flat, flat_variance, variance)),
        )

    def chances(self, cells: NDArray[np.intp], counts: Floats) -> Floats:
        """The chances of ``counts`` (0, 1, 2 …) unreported cases, shape (cells, counts)."""
        size = self.size[cells, np.newaxis]
        ways = gammaln(size + counts) - gammaln(size) - gammaln(counts + 1)
        answer = np.zeros((len(cells), len(counts)))
        flat = self.flat[cells]
        if flat.any():
            a, b = self.a[cells[flat], np.newaxis], self.b[cells[flat], np.newaxis]
            logs = ways[flat] + betaln(a + size[flat], b + counts) - betaln(a, b)
            answer[flat] = np.exp(logs)
        if not flat.all():
            some = cells[~flat]
            with np.errstate(divide="ignore"):
                log_q, log_p = np.log(self.q[some]), np.log1p(-self.q[some])
            total = np.zeros((len(some), len(counts)))
            for node in range(self.q.shape[1]):
                inner = np.where(counts > 0, counts * log_q[:, [node]], 0.0)
                logs = ways[~flat] + inner + size[~flat] * log_p[:, [node]]
                total += self.weight[some][:, [node]] * np.exp(logs)
            answer[~flat] = total
        return answer


Chances = Callable[[NDArray[np.intp], Floats], Floats]


def _count_quantiles(chances: Chances, cells: int, levels: Floats) -> Floats:
    """The least count with P(X <= count) >= level; the support grows until it holds them all."""
    answer = np.full((cells, len(levels)), np.inf)
    ahead = np.arange(cells)
    support = SUPPORT
    while len(ahead) and support <= MOST_COUNTS:
        counts = np.arange(support, dtype=np.float64)
        later = []
        step = max(1, TOGETHER // support)
        for start in range(0, len(ahead), step):
            some = ahead[start : start + step]
            below = np.cumsum(chances(some, counts), axis=1)
            for i, level in enumerate(levels):
                # Sums of chances miss their level by rounding.
                found = (below < level - 1e-12).sum(axis=1)
                answer[some, i] = np.where(found < support, found, np.inf)
            later.append(some[below[:, -1] < levels[-1] - 1e-12])
        ahead = np.concatenate(later)
        support *= 4
    return answer


def _beta_of(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """The beta with these moments E F and E F²."""
    apart = np.maximum(second - first**2, 1e-14 * first * (1 - first))
    whole = (first - second) / apart
    return first * whole, (1 - first) * whole


def _rules(
    a: Floats,
    b: Floats,
    odds_of: Floats | None,
    moments: tuple[Floats, Floats],
    *,
    stick: bool,
) -> tuple[Floats, Floats]:
    """Values of the share of each day and their weights, (series, days, NODES)."""
    series, days = moments[0].shape
    delays = a.shape[1]
    share, weight = np.ones((series, days, NODES)), np.full((series, days, NODES), 1 / NODES)
    young = min(delays - 1, days)  # the days that are not complete
    if stick:
        some = slice(days - young, days)
        beta = _beta_of(moments[0][:, some].ravel(), moments[1][:, some].ravel())
        share[:, some], weight[:, some] = (
            part.reshape(series, young, NODES) for part in beta_rule(*beta, NODES)
        )
        return share, weight
    for x in range(delays - 1, 0, -1):
        # Days younger than x; without weekdays the youngest stands for all until their ways part.
        first = days - min(x, days)
        some = slice(first, days) if odds_of is not None else slice(days - 1, days)
        width = some.stop - some.start
        whole = np.repeat((a[:, x] + b[:, x])[:, np.newaxis], width, axis=1)
        odds = np.repeat((a[:, x] / b[:, x])[:, np.newaxis], width, axis=1)
        if odds_of is not None:
            odds = odds * odds_of[:, some, x]
        left = whole / (1 + odds)
        rule = beta_rule(left.ravel(), (whole - left).ravel(), NODES)
        if x < delays - 1:
            old = share[:, some].reshape(-1, NODES), weight[:, some].reshape(-1, NODES)
            rule = product_rule(old, rule)
        share[:, some] = rule[0].reshape(series, width, NODES)
        weight[:, some] = rule[1].reshape(series, width, NODES)
        if odds_of is None and x <= days:  # the day of age x - 1 is told
            share[:, days - x] = share[:, days - 1]
            weight[:, days - x] = weight[:, days - 1]
    return share, weight


def _moments_of_share(
    a: Floats, b: Floats, odds_of: Floats | None, days: int
) -> tuple[Floats, Floats]:
    """E F and E F² of each day, (series, days): products over the delays still to come."""
    if odds_of is None:
        whole = a + b
        first, second = b / whole, b * (b + 1) / (whole * (whole + 1))
        first[:, 0] = second[:, 0] = 1.0
        with np.errstate(divide="ignore"):
            return (
                np.exp(_beyond(np.log(first), days)),
                np.exp(_beyond(np.log(second), days)),
            )
    logs = [np.zeros((len(a), days)) for _ in range(2)]
    whole = a + b
    for x in range(1, a.shape[1]):
        some = slice(max(days - x, 0), days)  # younger than x days
        odds = (a[:, x] / b[:, x])[:, np.newaxis] * odds_of[:, some, x]
        right = whole[:, x, np.newaxis] / (1 + odds)
        total = whole[:, x, np.newaxis]
        logs[0][:, some] += np.log(right / total)
        logs[1][:, some] += np.log(right * (right + 1) / (total * (total + 1)))
    return np.exp(logs[0]), np.exp(logs[1])


def _beyond(values: Floats, days: int) -> Floats:
    """Sum over the delays longer than a day is old, from (series, delays) to (series, days)."""
    series, delays = values.shape
    tail = np.zeros((series, delays))
    tail[:, :-1] = np.cumsum(values[:, :0:-1], axis=1)[:, ::-1]
    age = np.minimum(np.arange(days)[::-1], delays - 1)
    return tail[:, age]


def _usual(n: Floats, share: Floats, delays: int) -> Floats:
    """Cases of a day by the last days of which a fifth or more is reported; half a case or more."""
    used = ~np.isnan(n) & (share >= LITTLE)
    used[:, : max(n.shape[1] - 2 * delays, 0)] = False
    total = np.where(used, n, 0.0).sum(axis=1)
    mean = total / np.maximum(np.where(used, share, 0.0).sum(axis=1), 1e-300)
    answer: Floats = np.maximum(np.where(used.any(axis=1), mean, 0.0), 0.5)
    return answer


def _weekdays(triangle: Triangle, a: Floats, b: Floats, window: int | None) -> Floats:
    """What the weekday of the report makes of the odds of each delay, (series, days, delays)."""
    counts = triangle.counts
    series, days, delays = counts.shape
    so_far = np.cumsum(counts, axis=2)
    n, total = np.zeros((2, series, delays, 7))
    for x in range(1, delays):
        some = _days_of(days, x, window, sliding=False)
        weekday = (np.arange(days)[some] + x) % 7
        known = ~np.isnan(so_far[:, some, x])
        for day in range(7):
            here = known & (weekday == day)
            n[:, x, day] = np.where(here, counts[:, some, x], 0.0).sum(axis=1)
            total[:, x, day] = np.where(here, so_far[:, some, x], 0.0).sum(axis=1)
    odds = np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    odds[:, 0] = 0.0
    factor = np.ones((series, 7))
    weight = total + (KAPPA * (1 + np.arange(delays)))[:, np.newaxis] / 7
    came = n + KAPPA / 7
    came[:, 0] = weight[:, 0] = 0.0
    for _ in range(ROUNDS):
        both = odds[:, :, np.newaxis] * factor[:, np.newaxis]
        fitted = weight * both / (1 + both)
        factor *= (came.sum(axis=1) + CALM) / (fitted.sum(axis=1) + CALM)
        factor /= np.exp(np.log(factor).mean(axis=1, keepdims=True))
        both = odds[:, :, np.newaxis] * factor[:, np.newaxis]
        fitted = (weight * both / (1 + both)).sum(axis=2)
        odds *= np.divide(came.sum(axis=2), fitted, out=np.ones_like(fitted), where=fitted > 0)
    reports = (np.arange(days)[:, np.newaxis] + np.arange(delays)) % 7
    base = np.divide(odds * b, a, out=np.ones_like(odds), where=odds > 0)
    answer: Floats = base[:, np.newaxis] * factor[:, reports]
    return answer


def _draw_by_shares(
    law: _Shares, row: int, n: Floats, paths: int, rng: np.random.Generator
) -> Floats:
    days, delays = len(n), law.a.shape[1]
    more = np.zeros((paths, days))
    hazard = rng.beta(law.a[row, 1:], law.b[row, 1:], size=(paths, delays - 1))
    for age in range(min(delays - 1, days)):
        day = days - 1 - age
        odds = hazard[:, age:] / np.maximum(1 - hazard[:, age:], 1e-300)
        if law.odds_of is not None:
            odds = odds * law.odds_of[row, day, age + 1 :]
        share = np.exp(-np.log1p(odds).sum(axis=1))
        chance = np.clip(1 - (1 - share) * law.rho[row], 1e-12, 1.0)
        # A gamma and then a Poisson number is a negative binomial that may be large.
        mean = rng.gamma(law.size[row] + n[day], (1 - chance) / chance)
        more[:, day] = rng.poisson(np.minimum(mean, MOST_CASES))
    return more


def _draw_by_moments(law: _Moments, row: int, paths: int, rng: np.random.Generator) -> Floats:
    mean, variance = np.nan_to_num(law.mean[row]), np.nan_to_num(law.variance[row])
    more = np.zeros((paths, len(mean)))
    for day in np.flatnonzero(mean > 0):
        excess = variance[day] - mean[day]
        level = np.full(paths, mean[day])
        if excess > 1e-9 * mean[day]:
            level = rng.gamma(mean[day] ** 2 / excess, excess / mean[day], paths)
        more[:, day] = rng.poisson(np.minimum(level, MOST_CASES))
    return more


def _quantiles_by_moments(mean: Floats, variance: Floats, levels: Floats) -> Floats:
    """Of a negative binomial with these moments (Poisson where the variance is no more)."""
    answer = np.full((*mean.shape, len(levels)), np.nan)
    answer[mean == 0] = 0.0
    some = np.flatnonzero((mean > 0).ravel())
    m = mean.ravel()[some]
    v = np.maximum(variance.ravel()[some], m * (1 + 1e-9))
    size = m**2 / (v - m)
    z = ndtri(levels)
    skew = (2 * v / m - 1) / np.sqrt(v)
    flat = answer.reshape(-1, len(levels))
    for i, level in enumerate(levels):
        guess = m + np.sqrt(v) * (z[i] + skew * (z[i] ** 2 - 1) / 6)

        def beyond(count: Floats, cells: NDArray[np.intp]) -> Floats:
            return tail_by_size(count + 1, m[cells], size[cells])

        flat[some, i] = least(1 - level, np.maximum(np.ceil(guess - 0.5), 0.0), beyond)
    return answer


def _quantiles_of_r(n: Floats, mean: Floats, sd: Floats, levels: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        left = 1 - ndtr((n - mean) / sd)
        place = ndtri(np.minimum(levels * left[..., np.newaxis], 1.0))
        found = np.floor(mean[..., np.newaxis] + sd[..., np.newaxis] * place) + 1
    found = np.maximum(found, n[..., np.newaxis])
    return np.where((sd == 0)[..., np.newaxis], n[..., np.newaxis], found)


def _levels(levels: ArrayLike) -> Floats:
    at = np.asarray(levels, dtype=np.float64)
    if at.ndim != 1 or not ((at > 0) & (at < 1)).all() or (np.diff(at) <= 0).any():
        raise ValueError("levels must rise and lie between 0 and 1")
    return at
