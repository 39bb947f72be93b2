"""Quantiles of R where the interval is believed rather than known.

R = G / ρ, where G is gamma with shape a and scale 1, and the rate ρ follows from an interval whose
mean and standard deviation are uncertain, each with a smooth law. The laws are told by the nodes of
Gauss rules (:mod:`epistat.quadrature`), node j with chance c_j, as many as the width of the law of
log ρ asks for beside the width 1/√a of log G (:data:`LADDER`). So u = R^(1/3), in which a gamma is
nearly normal (Wilson EB, Hilferty MM. The distribution of chi-square. Proc Natl Acad Sci 1931;17:
684-8), has the density

    h(u) = 3 u^(3a-1) / Γ(a) * sum over j of c_j ρ_j^a exp(-ρ_j u³).

It is worked out at some points of Chebyshev between its far ends, once for all levels: an
exponential takes a hundredth of the time of an incomplete gamma function. The polynomial through
the points is integrated, and the quantiles are found on the integral by Newton's steps. The mass of
the whole, which must be 1, and the last terms of the polynomial tell whether the points were
enough; if not, more are taken (:data:`POINTS`), and where the most do not do, the sum of incomplete
gamma functions is solved (:func:`epistat.gammas.mixture_quantiles`).

So a quantile is found where the exact law of R reaches its level to a part in 10,000 of the level
(of 1 - level above the median); in the first windows, where the belief is cut off because longer
intervals do not count yet, to 3 parts in 1,000; and to a part in 100 of the outer levels where the
belief is so wide (a mean of 2 to 14 days) that the rate follows single days. Where the belief is
more than :data:`WIDEST` times as wide as the gamma (tens of thousands of cases in a window), a
gamma that is a little wider stands for it, and the quantile is good to half a hundredth of a
standard deviation of R.

The work has an end, whatever the counts and the belief. The intervals laid out for a call have at
most :data:`MOST_LAID` days together. Where a very wide belief asks for more, fewer are laid out and
the logarithms of the rates between them are read off cubics; where even :data:`FEWEST` means or sds
would be too many, it is refused. Of many nodes those that lie within a third of the gamma's width
are gathered into two of the same mean and variance, so that a law has at most
:data:`MOST_GATHERED`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from epistat.gammas import FAINT, MANY, Mixture, mixture_quantiles
from epistat.intervals import UncertainInterval
from epistat.result import Floats, keep_freed_memory, product, weighted

# Up to which width of one belief, in standard deviations of the rest, so many nodes tell it: what
# is left is 1e-5 of a level where log ρ is straight (:func:`_sizes` asks for more where it bends).
LADDER = (
    (0.23, 4), (0.5, 6), (0.9, 8), (1.6, 12), (2.7, 20), (3.7, 30), (6.0, 56), (9.0, 80),
    (15.0, 160), (21.0, 224), (np.inf, 320),
)  # fmt: skip
# How much the parts of log ρ of degree 1 to 5 widen a belief, each by its root; found by trial
# against rules of many nodes.
BENT = np.array([1.0, 0.9, 0.3, 0.25, 0.25])
OF_CUT = 0.03  # of the width of a belief that is cut off smooths another
LOOK = 6  # nodes that tell how wide a belief is
WIDEST, WIDEST_CUT = 20.0, 14.0
MOST_SHAPE = 1e9  # of whose density enough digits are left
# So many points, for a law up to that width to begin with.
POINTS = (28, 1.2), (32, 2.0), (48, 3.5), (64, 5.0), (112, 12.0), (224, 21.0), (448, np.inf)
# Standard deviations from the middle to the ends: 1e-7 lies beyond; more of a skew law.
ENDS, FAR_ENDS = 5.2, 15.0
UNEVEN = 2.0  # a law of this width may be skew: its own ends are nearer
UNSURE = 2e-6  # a mass that is further from 1 needs more points
OUTERMOST = 1e-3  # levels nearer to 0 and 1 are solved by incomplete gamma functions
SOLVED = 1e-7  # of a level
MOST_STEPS = 12
LEAST_SHAPE = 2.0  # below, the density has no derivatives at 0 unless the shape is whole
# Cells, and exponentials, worked on at once, so that they stay in the cache.
AT_ONCE, TOGETHER_SOLVED, TOGETHER = 512, 1024, 48_000
# Below that, exp is many times slower; powers come there where more points than these are needed.
NOTHING, SPARSE = -700.0, 48
STRIP = 16  # points looked at together, where there are many nodes
FEW = 64  # cells for which one call for all terms is quicker than one call for each term
MOST_LAID = 8_000_000  # days of the intervals of a call, 2 or 3 seconds
FEWEST = 12  # nodes of a mean and of a sd
MOST_ROOM = 2_000_000  # rates at once, 16 MB, and numbers of laws that wait to be solved
BIN, MOST_GATHERED = 0.3, 4_000  # widths of the gamma; nodes of a law

Ints = NDArray[np.int64]
Rates = Callable[[Ints, Floats], Floats]


class Believed:
    """Mean and sd, shape (cells,), and quantiles, (cells, levels), of R.

    Cells are added in parts and solved together.
    """

    def __init__(self, cells: int, levels: Floats) -> None:
        self.mean, self.sd = np.empty(cells), np.empty(cells)
        self.levels, self.answer = levels, np.empty((cells, len(levels)))
        self._laws: list[_Law] = []
        self._waiting = 0
        keep_freed_memory()

    def add(
        self,
        belief: UncertainInterval,
        cells: Ints,
        shape: Floats,
        rates: Rates,
        lags: int,
        longest: float,
        room: int,
    ) -> None:
        """Some cells with these gamma shapes.

        ``rates(some, rows)``: the rates that intervals of ``lags`` days give some of them.
        ``longest``: the belief is cut off there, as no interval of a longer mean counts.
        ``room``: so many intervals may be laid out. ValueError where they are too few.
        """
        first = (LOOK if belief.uncertain[0] else 1, LOOK if belief.uncertain[1] else 1)
        rows, chances = belief.rule(first, lags, longest)
        look = rates(np.arange(len(cells)), rows)
        sizes = _sizes(belief, shape, look, chances, longest)
        kinds = np.unique(sizes, axis=0)
        fewer, even = None, (False, False)
        if kinds.prod(axis=1).sum() > room:
            fewer = _fewer(kinds.max(axis=0), room)
            even = bool((kinds[:, 0] != fewer[0]).any()), bool((kinds[:, 1] != fewer[1]).any())
        for mean, sd in kinds.tolist():
            alike = np.flatnonzero((sizes[:, 0] == mean) & (sizes[:, 1] == sd))
            between = None
            if fewer is None or (mean, sd) == first:
                rows, chances = belief.rule((mean, sd), lags, longest)
            else:
                rows, _ = belief.rule(fewer, lags, longest, even=even)
                *between, chances = belief.between(fewer, (mean, sd), longest, even=even)
            step = max(1, MOST_ROOM // (mean * sd))
            for start in range(0, len(alike), step):
                some = alike[start : start + step]
                of_some = look[some] if (mean, sd) == first else rates(some, rows)
                if between is not None:
                    of_some = _between_rates(of_some, *between)
                part = Mixture(shape[some], 1 / of_some, np.broadcast_to(chances, of_some.shape))
                self.mean[cells[some]], self.sd[cells[some]] = part.mean, part.sd
                self._solve_later(
                    _Law.of(cells[some], shape[some], of_some, chances, _widest(belief, longest))
                )

    def _solve_later(self, law: "_Law") -> None:
        self._laws.append(law)
        self._waiting += law.logs.size
        if self._waiting > MOST_ROOM:
            self._solve()

    def _solve(self) -> None:
        _quantiles(self._laws, self.levels, self.answer)
        self._laws, self._waiting = [], 0

    def quantiles(self) -> Floats:
        """Of the cells that were added."""
        self._solve()
        return self.answer


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """Some cells whose rates are told by the same nodes, in the middle of their logarithms."""

    cells: Ints
    shape: Floats
    logs: Floats  # (cells, nodes)
    chances: Floats  # (cells or 1, nodes)
    spread: Floats  # variance of the logarithms
    scale: Floats  # of R

    @classmethod
    def of(
        cls, cells: Ints, shape: Floats, rates: Floats, chances: Floats, widest: float
    ) -> "_Law":
        logs = np.log(rates)
        centre = weighted(logs, chances)
        logs -= centre[:, np.newaxis]
        blunt, logs, spread = _blunted(shape, logs, weighted(logs**2, chances), widest)
        middle = shape * np.exp(-centre)
        if logs.shape[1] <= MANY:
            return cls(cells, blunt, logs, chances[np.newaxis], spread, middle)
        return cls(cells, blunt, *_gathered(logs, chances, 1 / np.sqrt(blunt)), spread, middle)

    def chances_of(self, some: Ints) -> Floats:
        """Of some of the cells, or one row for all."""
        return self.chances if len(self.chances) == 1 else self.chances[some]

    @property
    def wide(self) -> Floats:
        """Standard deviations of the gamma in one of the belief."""
        wide: Floats = np.sqrt(self.shape * self.spread)
        return wide


def _gathered(logs: Floats, chances: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Nodes within a part of the gamma's width are two of the same mean and variance."""
    low = logs.min(axis=1)
    unit = np.maximum(BIN * width, (logs.max(axis=1) - low) / (MOST_GATHERED // 2 - 1))
    at = ((logs - low[:, np.newaxis]) / unit[:, np.newaxis]).astype(np.int64)
    bins = int(at.max()) + 1
    if 2 * bins >= logs.shape[1]:
        return logs, chances[np.newaxis]
    middle = low[:, np.newaxis] + (np.arange(bins) + 0.5) * unit[:, np.newaxis]
    apart = logs - np.take_along_axis(middle, at, axis=1)
    at += bins * np.arange(len(logs))[:, np.newaxis]

    def sums(values: Floats) -> Floats:
        return np.bincount(at.ravel(), values.ravel(), minlength=middle.size).reshape(middle.shape)

    whole, first, second = (sums(chances * apart**power) for power in (0, 1, 2))
    none = whole == 0
    share = np.where(none, 1.0, whole)
    mean = first / share
    sd = np.sqrt(np.maximum(second / share - mean**2, 0.0))
    found = np.concatenate([middle + mean - sd, middle + mean + sd], axis=1)
    found[np.concatenate([none, none], axis=1)] = 0.0
    return found, np.concatenate([whole, whole], axis=1) / 2


def _between_rates(rates: Floats, of_means: Floats, of_sds: Floats) -> Floats:
    """Rates of many nodes from those of fewer, shape (cells, nodes); their logarithms are smooth.

    ``of_means``, ``of_sds``: (nodes, fewer nodes), see :meth:`UncertainInterval.between`.
    """
    cells, fewer = len(rates), of_means.shape[1]
    logs = np.log(rates).reshape(cells, fewer, -1)
    by_mean = product(of_means, logs.transpose(1, 0, 2).reshape(fewer, -1))
    by_mean = by_mean.reshape(len(of_means), cells, -1).transpose(1, 0, 2)
    both = product(by_mean.reshape(-1, by_mean.shape[2]), of_sds.T)
    found: Floats = np.exp(both.reshape(cells, -1))
    return found


def _fewer(sizes: Ints, room: int) -> tuple[int, int]:
    """So many nodes down the ladder, the larger first, that their intervals have room."""
    fewer = sizes.tolist()
    while fewer[0] * fewer[1] > room:
        larger = int(fewer[1] > fewer[0])
        if fewer[larger] <= FEWEST:
            raise ValueError(
                "the interval is believed so wide that so many windows take too much work:"
                " tell a nearer high end of its mean, or fewer windows"
            )
        fewer[larger] = max(size for _, size in LADDER if size < fewer[larger])
    return fewer[0], fewer[1]


def _sizes(
    belief: UncertainInterval, shape: Floats, rates: Floats, chances: Floats, longest: float
) -> Ints:
    """How many nodes the mean and the sd of the interval need, shape (cells, 2).

    A rule of n nodes is exact for polynomials of degree 2n - 1. So the width of a belief counts
    beside what smooths it, and how far log ρ is from a straight line: at the peak of an epidemic it
    bends, and few cases on single days make it rough.
    """
    logs = np.log(rates)
    by_mean = LOOK if belief.uncertain[0] else 1
    grid = logs.reshape(len(logs), by_mean, -1)
    weights = chances.reshape(by_mean, -1)
    of_mean, of_sd = weights.sum(axis=1), weights.sum(axis=0)
    bent_mean = _bends(grid, belief.mean.nodes(LOOK, longest)[0], of_mean, of_sd)
    bent_sd = _bends(grid.transpose(0, 2, 1), belief.sd.nodes(LOOK)[0], of_sd, of_mean)
    spread_mean, spread_sd = (bent.sum(axis=1) for bent in (bent_mean, bent_sd))
    needed = np.empty((len(logs), 2), np.int64)
    limits = np.array([limit for limit, _ in LADDER[:-1]])
    ladder = np.array([size for _, size in LADDER])
    for column, (bent, own, other, law) in enumerate(
        (
            (bent_mean, spread_mean, spread_sd, belief.mean),
            (bent_sd, spread_sd, spread_mean, belief.sd),
        )
    ):
        if not belief.uncertain[column]:
            needed[:, column] = 1
            continue
        # Nodes are laid between the ends of the belief, which a cut brings nearer.
        far = law.width(longest if column == 0 else np.inf) / 6
        # The narrower law is smoothed by the wider, which only the gamma smooths; by one that is
        # cut off little, as beyond its end there is nothing.
        by_other = 1.0 if longest >= belief.mean.high else OF_CUT
        smooth = 1 / shape + np.where(own < other, by_other * other, 0.0)
        # A part of degree k and size c asks for as many nodes as a straight one of size c^(1/k).
        roots = 0.5 / np.arange(1, LOOK)
        with np.errstate(divide="ignore"):  # a power, ten times as quick
            wide = weighted(np.exp(np.log(bent / smooth[:, np.newaxis]) * roots), BENT)
        wide = np.minimum(wide, _widest(belief, longest)) * max(far, 1.0)
        needed[:, column] = ladder[np.searchsorted(limits, wide)]
    return needed


def _bends(grid: Floats, nodes: Floats, chances: Floats, others: Floats) -> Floats:
    """Mean squares of the parts of degree 1, 2 … along the first nodes, shape (cells, degrees).

    ``grid``: (cells, nodes, other nodes). The parts are those of the polynomials that are
    orthonormal on the nodes; no part where there is one node.
    """
    from_middle = (nodes - nodes.mean()) / max(np.ptp(nodes), 1e-300)
    root = np.sqrt(chances)[:, np.newaxis]
    basis, _ = np.linalg.qr(root * np.vander(from_middle, increasing=True))
    parts = np.matmul((root * basis[:, 1:]).T, grid)
    squares: Floats = np.einsum("cko,o->ck", parts**2, others)
    return squares


def _quantiles(laws: list[_Law], levels: Floats, answer: Floats) -> None:
    """Into the rows of ``answer``, shape (cells, levels)."""
    outermost = ((levels < OUTERMOST) | (levels > 1 - OUTERMOST)).any()
    odd = [outermost | (law.shape < LEAST_SHAPE) & (law.shape % 1 != 0) for law in laws]
    left = [np.flatnonzero(~plain) for plain in odd]
    reach = [np.where(law.wide > UNEVEN, FAR_ENDS, ENDS) for law in laws]
    for points, widest in POINTS:
        now = [some[law.wide[some] <= widest] for law, some in zip(laws, left, strict=True)]
        asked = [(law, some, of[some]) for law, some, of in zip(laws, now, reach, strict=True)]
        densities = [
            _Density.of(law, some[start : start + AT_ONCE], far[start : start + AT_ONCE], points)
            for law, some, far in asked
            for start in range(0, len(some), AT_ONCE)
        ]
        good = _Density.solve(densities, points, levels, answer)
        for number, law in enumerate(laws):
            reach[number][now[number]] = FAR_ENDS
            left[number] = left[number][~good[law.cells[left[number]]]]
    for law, plain, unsolved in zip(laws, odd, left, strict=True):
        some = np.union1d(np.flatnonzero(plain), unsolved)
        if len(some):
            scales = np.exp(-law.logs[some])
            chances = np.broadcast_to(law.chances_of(some), scales.shape)
            mixture = Mixture(law.shape[some], scales, chances)
            scale = (law.scale / law.shape)[some, np.newaxis]
            answer[law.cells[some]] = mixture_quantiles(mixture, levels) * scale


def _widest(belief: UncertainInterval, longest: float) -> float:
    """How many times as wide as the gamma a belief is told.

    Less where it is cut off and both parts are uncertain: there each needs its nodes for itself.
    """
    return WIDEST_CUT if longest < belief.mean.high and all(belief.uncertain) else WIDEST


def _blunted(
    shape: Floats, logs: Floats, spread: Floats, widest: float
) -> tuple[Floats, Floats, Floats]:
    """Where the gamma is very narrow beside the belief, a wider one and a belief that is narrower.

    Mean and variance of log R stay; what the nodes cannot tell any more is a 400th of it.
    """
    sharp = shape * spread > widest**2
    if not (sharp | (shape > MOST_SHAPE)).any():
        return shape, logs, spread
    blunt = np.where(sharp, widest**2 / np.where(sharp, spread, 1.0), shape)
    blunt = np.minimum(blunt, MOST_SHAPE)
    more = 1 / blunt - 1 / shape
    less = np.sqrt(np.maximum(1 - more / np.maximum(spread, 1e-300), 0.0))
    # The mean of the logarithm of a gamma with mean 1 is nearly -1 / (2 a).
    return blunt, logs * less[:, np.newaxis] - (more / 2)[:, np.newaxis], spread * less**2


@dataclass(frozen=True, slots=True, eq=False)
class _Density:
    """h at the points of Chebyshev from ``centre - half`` to ``centre + half``."""

    cells: Ints
    scale: Floats
    centre: Floats
    half: Floats
    values: Floats  # (cells, points), times half

    @classmethod
    def of(cls, law: _Law, some: Ints, reach: Floats, points: int) -> "_Density":
        shape, logs, spread = law.shape[some], law.logs[some], law.spread[some]
        at, chances = _chebyshev(points).at, law.chances_of(some)
        centres = np.einsum("cn,cn->c", np.broadcast_to(chances, logs.shape), logs)
        middle = (1 - 1 / (9 * shape) + spread / 18) * np.exp(-centres / 3)
        sd = middle / 3 * np.sqrt(1 / shape + spread)
        # Nothing lies outside what the gamma makes of the least and of the greatest scale.
        alone, apart = 1 - 1 / (9 * shape), ENDS / 3 / np.sqrt(shape)
        low = np.maximum(middle - reach * sd, np.exp(-logs.max(axis=1) / 3) * (alone - apart))
        high = np.minimum(middle + reach * sd, np.exp(-logs.min(axis=1) / 3) * (alone + apart))
        low = np.maximum(low, 0.0)
        half, centre = (high - low) / 2, (high + low) / 2
        u = centre[:, np.newaxis] + half[:, np.newaxis] * at
        left = np.empty((*u.shape, 3))
        base = np.log(u)
        base *= (3 * shape - 1)[:, np.newaxis]
        base += (np.log(3 * half) + shape * np.log(shape) - gammaln(shape))[:, np.newaxis]
        # The exponent of point and node is one product of matrices: u³ by -aρ, 1 by a log ρ + log
        # c, and what is the point's alone.
        left[..., 0], left[..., 1], left[..., 2] = u * u * u, 1.0, base
        right = np.empty((len(some), 3, logs.shape[1]))
        np.exp(logs, out=right[:, 0])
        right[:, 0] *= -shape[:, np.newaxis]
        np.multiply(logs, shape[:, np.newaxis], out=right[:, 1])
        right[:, 1] += np.log(np.maximum(chances, 1e-300))
        right[:, 2] = 1.0
        if points > SPARSE and logs.shape[1] >= MANY:
            width = FAINT / np.sqrt(shape)
            cells = zip(3 * np.log(u), logs, width, left, right, strict=True)
            values = np.stack([_near_sums(*cell) for cell in cells])
        else:
            values = _sums_of_exp(left, right)
        return cls(law.cells[some], law.scale[some], centre, half, values)

    @staticmethod
    def solve(
        densities: "list[_Density]", points: int, levels: Floats, answer: Floats
    ) -> NDArray[np.bool_]:
        """Quantiles of cells into ``answer``; which rows of it can be trusted."""
        good = np.zeros(len(answer), np.bool_)
        if not densities:
            return good
        to = _chebyshev(points)
        cells, scale, centre, half, values = (
            np.concatenate([getattr(part, name) for part in densities])
            for name in ("cells", "scale", "centre", "half", "values")
        )
        for start in range(0, len(cells), TOGETHER_SOLVED):
            here = slice(start, start + TOGETHER_SOLVED)
            density = values[here].T
            slopes, sums = product(to.terms, density), product(to.sums, density)  # (terms, cells)
            mass = sums.sum(axis=0)
            last = np.abs(sums[-4:]).sum(axis=0)
            start_at = _between(to.at, product(to.values, density) / mass, density / mass, levels)
            y, solved = _solved(sums / mass, slopes / mass, levels, start_at)
            u = centre[here] + half[here] * y
            answer[cells[here]] = (u * u * u * scale[here]).T
            good[cells[here]] = (np.abs(mass - 1) < UNSURE) & (last < UNSURE) & solved
        return good


def _sums_of_exp(left: Floats, right: Floats) -> Floats:
    """The sum over nodes of the exponentials of left @ right, shape (cells, points)."""
    cells, points, nodes = len(left), left.shape[1], right.shape[2]
    answer = np.empty((cells, points))
    step, some = max(1, TOGETHER // (points * nodes)), max(1, TOGETHER // nodes)
    room = np.empty((min(step, cells), min(some, points), nodes))
    for start in range(0, cells, step):
        here = slice(start, start + step)
        for first in range(0, points, some):
            there = slice(first, first + some)
            part = left[here, there]
            powers = np.matmul(part, right[here], out=room[: len(part), : part.shape[1]])
            if points > SPARSE:
                np.maximum(powers, NOTHING, out=powers)
            np.einsum("cpn->cp", np.exp(powers, out=powers), out=answer[here, there])
    return answer


def _near_sums(at: Floats, logs: Floats, width: float, left: Floats, right: Floats) -> Floats:
    """The same for one cell; nodes are left out where ρu³ is further from 1 than ``width``."""
    order = np.argsort(logs)
    logs, right = logs[order], right[:, order]
    answer = np.empty(len(at))
    for start in range(0, len(at), STRIP):
        here = slice(start, start + STRIP)
        first, last = np.searchsorted(logs, (-at[here][-1] - width, -at[here][0] + width))
        powers = product(left[here], right[:, first:last])
        np.maximum(powers, NOTHING, out=powers)
        answer[here] = np.exp(powers, out=powers).sum(axis=1)
    return answer


def _between(at: Floats, values: Floats, slopes: Floats, levels: Floats) -> Floats:
    """Where the levels lie if the density runs straight from point to point: (levels, cells)."""
    cells = values.shape[1]
    y = np.concatenate([[-1.0], at, [1.0]])
    sums = np.concatenate([np.zeros((1, cells)), values, np.ones((1, cells))])
    slopes = np.concatenate([np.zeros((1, cells)), slopes, np.zeros((1, cells))])
    before = np.empty((len(levels), cells), np.int64)
    for number, level in enumerate(levels):
        before[number] = (values < level).sum(axis=0)
    (low, start), (_, end) = (
        [np.take_along_axis(of, before + more, axis=0) for of in (sums, slopes)] for more in (0, 1)
    )
    ahead, width = levels[:, np.newaxis] - low, y[before + 1] - y[before]
    root = np.sqrt(np.maximum(start**2 + 2 * (end - start) / width * ahead, 0.0))
    found: Floats = y[before] + np.clip(2 * ahead / np.maximum(start + root, 1e-300), 0.0, width)
    return found


def _solved(
    sums: Floats, slopes: Floats, levels: Floats, start: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Where the polynomials reach the levels, shape (levels, cells), by Newton's steps."""
    answer, wanted = start.copy(), levels[:, np.newaxis]
    # From so near one more step solves it.
    near = np.sqrt(SOLVED * np.minimum(wanted, 1 - wanted))
    ahead = np.arange(start.shape[1])
    for _ in range(MOST_STEPS):
        y = np.take(answer, ahead, axis=1)  # in rows, as indexing is not
        value, slope = _few(sums, slopes, y) if len(ahead) < FEW else _many(sums, slopes, y)
        value -= wanted
        answer[:, ahead] = np.clip(y - value / np.maximum(slope, 1e-6), -1.0, 1.0)
        left = (np.abs(value) > near).any(axis=0)
        ahead = ahead[left]
        sums, slopes = (np.compress(left, part, axis=1) for part in (sums, slopes))
        if not ahead.size:
            break
    solved = np.ones(start.shape[1], np.bool_)
    solved[ahead] = False
    return answer, solved


def _many(sums: Floats, slopes: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Both polynomials at y, shape (levels, cells), by the recurrence of T_k."""
    before, now, twice, room = np.ones_like(y), y.copy(), 2 * y, np.empty_like(y)
    value, slope = sums[0] + sums[1] * y, slopes[0] + slopes[1] * y
    for value_term, slope_term in zip(sums[2:-1], slopes[2:], strict=True):
        np.multiply(twice, now, out=room)
        np.subtract(room, before, out=before)
        before, now = now, before
        value += np.multiply(value_term, now, out=room)
        slope += np.multiply(slope_term, now, out=room)
    value += sums[-1] * (twice * now - before)
    return value, slope


def _few(sums: Floats, slopes: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The same; T_k(y) = cos(k arccos y)."""
    terms = np.cos(np.multiply.outer(np.arange(len(sums)), np.arccos(y)))
    value: Floats = np.einsum("klc,kc->lc", terms, sums)
    slope: Floats = np.einsum("klc,kc->lc", terms[:-1], slopes)
    return value, slope


@dataclass(frozen=True, slots=True, eq=False)
class _Chebyshev:
    """Points in -1 … 1, rising, and what makes of values there the terms in T_k, those of the
    integral from -1, and the integral at the points.
    """

    at: Floats
    terms: Floats
    sums: Floats
    values: Floats


@lru_cache(maxsize=8)
def _chebyshev(points: int) -> _Chebyshev:
    k = np.arange(points)
    angles = np.pi * (k[::-1] + 0.5) / points
    terms = 2 / points * np.cos(np.outer(k, angles))
    terms[0] /= 2
    # The integral of T_k is (T_(k+1) / (k+1) - T_(k-1) / (k-1)) / 2.
    integral = np.zeros((points + 1, points))
    integral[1, 0], integral[2, 1] = 1.0, 0.25
    high = k[2:]
    integral[high + 1, high] = 0.5 / (high + 1)
    integral[high - 1, high] = -0.5 / (high - 1)
    integral[0] -= (-1.0) ** np.arange(points + 1) @ integral  # 0 at -1
    sums = product(integral, terms)
    values = product(np.cos(np.outer(angles, np.arange(points + 1))), sums)
    return _Chebyshev(np.cos(angles), terms, sums, values)
