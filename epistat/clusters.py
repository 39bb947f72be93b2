"""Scan statistics: where, and since when, are there more cases than chance would put together?

Sources: Kulldorff M. A spatial scan statistic. Commun Stat Theory Methods 1997;26:1481-1496.
Kulldorff M. Prospective time periodic geographical disease surveillance using a scan statistic.
J R Stat Soc A 2001;164:61-72. Kulldorff M, Heffernan R, Hartman J, Assunção R, Mostashari F. A
space-time permutation scan statistic for disease outbreak detection. PLoS Med 2005;2:e59. Neill DB.
Expectation-based scan statistics for monitoring spatial time series data. Int J Forecast
2009;25:498-517. Abrams AM, Kleinman K, Kulldorff M. Gumbel based p-value approximations for spatial
scan statistics. Int J Health Geogr 2010;9:61.

A cylinder is a circle of places and the last h periods. Each is scored by a likelihood ratio; the
best one is judged against the best ones of data that were put together by chance. So one p accounts
for all the places, sizes and durations that were looked at.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from epistat.result import Floats
from epistat.zones import Places, Zones

Model = Literal["poisson", "bernoulli", "permutation", "expectation"]
Progress = Callable[[int, int], None]
Number = TypeVar("Number", np.int64, np.float64)

BATCH = 64  # replicates scored together
FEW = 10  # so few replicates above a score, and the Gumbel tail tells p better
MOST_CASES = 1_000_000_000  # of NumPy's hypergeometric numbers
SAME_SCORE = 1e-9  # relative difference of two scores that are one


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """A circle of places with more cases than expected in its last periods.

    ``places``: their numbers, the centre first, then by distance; ``radius`` in the unit of the
    zones. ``start``: the first period (from 0), ``duration`` in periods. ``relative_risk``: rate
    inside over rate outside; for "expectation" observed over expected. ``p``: by the replicates,
    never below 1 / (replicates + 1). ``p_gumbel``: by the Gumbel distribution fitted to them, for
    small p; a cluster with few replicates above it is ranked by it. ``recurrence``: one as strong
    comes by chance once in so many analyses, 1 / p, or 1 / p_gumbel where fewer than 10 replicates
    reach it; in periods, if each period is analysed once.
    """

    places: Places
    radius: float
    start: int
    duration: int
    observed: float
    expected: float
    relative_risk: float
    score: float
    p: float
    p_gumbel: float
    recurrence: float


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a scan found: clusters, strongest first, that share no place; and what chance gives.

    ``maxima``: the best score of each replicate. No cluster means no cylinder with a case too many.
    """

    clusters: tuple[Cluster, ...]
    maxima: Floats

    @property
    def critical(self) -> float:
        """The score that 5 % of the replicates reach; NaN without replicates."""
        return float(np.quantile(self.maxima, 0.95)) if len(self.maxima) else float("nan")


def scan(
    counts: ArrayLike,
    zones: Zones,
    *,
    model: Model = "poisson",
    base: ArrayLike | None = None,
    ratio: ArrayLike = 1.0,
    longest: int | None = None,
    shortest: int = 1,
    least: int = 2,
    earlier: int = 0,
    most: int = 10,
    replicates: int = 999,
    seed: int = 0,
    threads: int = 1,
    progress: Progress | None = None,
) -> Scan:
    """Look for clusters that are alive now: circles of places with too many cases of late.

    ``counts``: (places, periods), whole cases by place in the order of the zones; one period is a
    purely spatial scan. With c cases and E expected in a cylinder, C cases in all, the score is the
    log of the likelihood ratio where c > E, else 0:

    "poisson": c log(c/E) + (C-c) log((C-c)/(C-E)). ``base`` is what cases are in proportion to:
    people, or expected numbers (see :func:`standardised`); (places,), (places, 1) or (places,
    periods). It is scaled to C, so that its unit does not matter. All places alike without it.
    "bernoulli": ``base`` is the number of those who could be cases (cases and controls, whole, not
    below the cases). With n of N of them in the cylinder, the binomial likelihood of two rates
    against one. "permutation": no base; E is (cases of the places) * (cases of the periods) / C:
    is the outbreak local, or everywhere at the time? "expectation": ``base`` is what a model
    expects, as the ``expected`` of a detector; score c log(c/E) + E - c. Nothing is conditioned on
    C: a rise everywhere is seen too. ``ratio`` (places,) or one number: variance over mean of its
    counts (see :func:`spread`); counts and base are divided by it, and chance is negative binomial.

    A cylinder lasts ``shortest`` to ``longest`` periods (half of them) and holds at least ``least``
    cases. ``earlier``: so many analyses were made before, one a period; p then accounts for the
    chances that they had. ``most``: clusters told.

    ``replicates``: data sets by chance: "poisson" and "bernoulli" deal C cases out anew,
    "permutation" shuffles the periods of the cases, "expectation" draws every count. Replicate i
    has its own stream of random numbers from ``seed`` and i: neither ``threads`` nor their number
    changes one. ``progress(done, all)`` is called as they are done.

    A NaN count, or one whose base is NaN, is taken out with its base; "permutation" needs all.
    ValueError for negative or fractional counts, a base that is negative or below the cases, a case
    where nothing is expected, or options that are impossible.

    >>> places = [[x, y] for x in range(5) for y in range(5)]
    >>> counts = np.random.default_rng(1).poisson(2, (25, 12))
    >>> counts[[2, 6, 7, 8, 12], -2:] += 4
    >>> from epistat import circles
    >>> best = scan(counts, circles(places), longest=4, replicates=99).clusters[0]
    >>> sorted(best.places.tolist()), best.start, best.p
    ([2, 6, 7, 8, 12], 10, 0.01)
    """
    if model not in get_args(Model):
        raise ValueError(f"model must be one of {', '.join(get_args(Model))}")
    data = _Data.of(counts, zones, model, base, ratio)
    periods = data.counts.shape[1]
    longest = max(periods // 2, 1) if longest is None else longest
    problems = {
        f"longest must lie between 1 and the {periods} periods": not 1 <= longest <= periods,
        "shortest must lie between 1 and longest": not 1 <= shortest <= longest,
        "least must be at least 1": least < 1,
        "earlier must be 0 or more": earlier < 0,
        "longest and earlier together are more than the periods": longest + earlier > periods,
        "most must be at least 1": most < 1,
        "replicates must be 0 or more": replicates < 0,
        "seed must be 0 or more": seed < 0,
        "threads must be at least 1": threads < 1,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(problem)
    search = _Search(data, zones, shortest, longest, least, periods)
    found = list(search.clusters(most)) if data.total > 0 else []
    if not found:
        return Scan((), np.empty(0))
    maxima = _maxima(search, earlier, replicates, seed, threads, progress)
    return Scan(tuple(search.told(one, maxima) for one in found), maxima)


def standardised(cases: ArrayLike, population: ArrayLike) -> Floats:
    """Cases expected in each place if every stratum had its overall rate: indirect standardisation.

    ``cases``, ``population``: (strata, places) or (strata, places, periods); strata are age and sex
    groups, or whatever else is to be taken out. NaN cases and their population are left out. The
    answer, (places,) or (places, periods), is a ``base`` for :func:`scan`.

    >>> standardised([[2, 0], [0, 8]], [[100, 100], [50, 150]])
    array([3., 7.])
    """
    y = np.asarray(cases, dtype=np.float64)
    people = np.broadcast_to(np.asarray(population, dtype=np.float64), y.shape)
    if y.ndim not in (2, 3):
        raise ValueError("cases need the shape (strata, places) or (strata, places, periods)")
    known = ~np.isnan(y) & ~np.isnan(people)
    people, y = np.where(known, people, 0.0), np.where(known, y, 0.0)
    axes = tuple(range(1, y.ndim))
    whole = people.sum(axis=axes, keepdims=True)
    rate = np.divide(y.sum(axis=axes, keepdims=True), whole, out=np.zeros_like(whole),
                     where=whole > 0)  # fmt: skip
    expected: Floats = (rate * people).sum(axis=0)
    return expected


def spread(counts: ArrayLike, expected: ArrayLike) -> Floats:
    """Variance over mean of counts about their expectation, (series,); at least 1.

    ``counts``, ``expected``: (series, time), of weeks that hold no outbreak; NaN is left out.
    Pearson: the mean of (y - m)^2 / m, over weeks with m > 0. 1 where there is none. A ``ratio``
    for :func:`scan`.

    >>> spread([[0, 4, 8, 4]], [[4, 4, 4, 4]])
    array([2.])
    """
    y, m = np.broadcast_arrays(np.asarray(counts, np.float64), np.asarray(expected, np.float64))
    if y.ndim != 2:
        raise ValueError("counts need the shape (series, time)")
    known = ~np.isnan(y) & (m > 0) & np.isfinite(m)
    squares = np.divide((y - m) ** 2, m, out=np.zeros(y.shape), where=known)
    ratio: Floats = squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.maximum(ratio, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Counts, what is expected and how chance deals; (places, periods).

    ``scale`` (places, 1) divides counts and expected, 1 but for overdispersed expectations.
    """

    model: Model
    counts: NDArray[np.int64]
    expected: Floats
    scale: Floats

    @classmethod
    def of(
        cls,
        counts: ArrayLike,
        zones: Zones,
        model: Model,
        base: ArrayLike | None,
        ratio: ArrayLike,
    ) -> "_Data":
        y = np.asarray(counts, dtype=np.float64)
        if y.ndim != 2 or len(y) != zones.places or not y.shape[1]:
            raise ValueError(f"counts need the shape ({zones.places}, periods), a row for a place")
        missing = np.isnan(y)
        if (y < 0).any() or np.isinf(y).any() or (y[~missing] % 1).any():
            raise ValueError("counts must be whole numbers, 0 or more; NaN where not known")
        if y[~missing].sum() > MOST_CASES:
            raise ValueError(f"more than {MOST_CASES:,} cases are too many to deal out")
        scale = np.ones((len(y), 1))
        if model == "permutation":
            if base is not None:
                raise ValueError("permutation takes no base")
            if missing.any():
                raise ValueError("permutation needs every count; leave out places with gaps")
            total = max(y.sum(), 1.0)
            expected = y.sum(axis=1, keepdims=True) * y.sum(axis=0) / total
            return cls(model, y.astype(np.int64), expected, scale)
        people = _base(base, y, model)
        missing |= np.isnan(people)
        y, people = np.where(missing, 0.0, y), np.where(missing, 0.0, people)
        if (people < 0).any() or np.isinf(people).any():
            raise ValueError("base must be 0 or more")
        if ((people == 0) & (y > 0)).any():
            raise ValueError("there are cases where the base is 0; correct it or leave them out")
        if model == "poisson":
            people = people * (y.sum() / people.sum()) if people.sum() > 0 else people
        elif model == "bernoulli":
            if (people % 1).any() or (people < y).any():
                raise ValueError("base must be whole numbers, not below the cases")
            if people.sum() > MOST_CASES:
                raise ValueError(f"a base of more than {MOST_CASES:,} is too large: use poisson")
        else:
            scale = np.broadcast_to(np.asarray(ratio, np.float64), (len(y),))[:, np.newaxis]
            if not (scale >= 1).all():
                raise ValueError("ratio must be 1 or more, one number or one for each place")
        return cls(model, y.astype(np.int64), people, scale)

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def whole(self) -> bool:
        """Whether scores are of whole numbers, and can be looked up."""
        return bool((self.scale == 1).all())

    def draw(self, generator: np.random.Generator, kept: int) -> NDArray[np.int64]:
        """Counts of the last ``kept`` periods as chance has them, (places, kept)."""
        places, periods = self.counts.shape
        if self.model == "permutation":
            return self._shuffled(generator, kept)
        expected = self.expected[:, periods - kept :]
        if self.model == "expectation":
            return self._drawn(generator, expected)
        rest = self.expected[:, : periods - kept].sum()
        cells = np.append(expected.ravel(), rest)
        if self.model == "bernoulli":
            dealt = generator.multivariate_hypergeometric(
                cells.astype(np.int64), self.total, method="marginals"
            )
        elif self.total < len(cells):
            where = np.cumsum(cells)
            cases = np.searchsorted(where, generator.random(self.total) * where[-1], side="right")
            dealt = np.bincount(np.minimum(cases, len(cells) - 1), minlength=len(cells))
        else:
            dealt = generator.multinomial(self.total, cells / cells.sum())
        counts: NDArray[np.int64] = dealt[:-1].reshape(places, kept)
        return counts

    def _shuffled(self, generator: np.random.Generator, kept: int) -> NDArray[np.int64]:
        """Cases of each period from all cases, without putting any back."""
        by_place = self.counts.sum(axis=1)
        sizes = self.counts.sum(axis=0)[self.counts.shape[1] - kept :]
        places = len(by_place)
        if self.total <= places * kept:
            cases = np.repeat(np.arange(places), by_place)
            some = generator.permutation(cases)[: sizes.sum()]
            cells = some * kept + np.repeat(np.arange(kept), sizes)
            return np.bincount(cells, minlength=places * kept).reshape(places, kept)
        counts = np.empty((places, kept), dtype=np.int64)
        left = by_place.copy()
        for period, size in enumerate(sizes):
            counts[:, period] = generator.multivariate_hypergeometric(
                left, int(size), method="marginals"
            )
            left -= counts[:, period]
        return counts

    def _drawn(self, generator: np.random.Generator, expected: Floats) -> NDArray[np.int64]:
        ratio = np.broadcast_to(self.scale, expected.shape)
        poisson = (ratio <= 1) | (expected == 0)
        counts = np.empty(expected.shape, dtype=np.int64)
        counts[poisson] = generator.poisson(expected[poisson])
        m, v = expected[~poisson], ratio[~poisson]
        counts[~poisson] = generator.negative_binomial(m / (v - 1), 1 / v)
        return counts


def _base(base: ArrayLike | None, counts: Floats, model: Model) -> Floats:
    if base is None:
        if model != "poisson":
            raise ValueError(f"{model} needs a base")
        return np.ones(counts.shape)
    people = np.asarray(base, dtype=np.float64)
    if people.ndim == 1:
        people = people[:, np.newaxis]
    if people.ndim != 2 or len(people) != len(counts) or people.shape[1] not in (
        1, counts.shape[1],
    ):  # fmt: skip
        raise ValueError("base needs the shape (places,), (places, 1) or (places, periods)")
    return np.broadcast_to(people, counts.shape)


@dataclass(frozen=True, slots=True)
class _Found:
    centre: int
    size: int
    duration: int
    score: float


class _Search:
    """The cylinders that end with a period, and their scores.

    Sums of cases over a circle are running sums along its neighbours, for many replicates at once;
    what depends on the zones and on what is expected is worked out once for all of these.
    """

    def __init__(
        self, data: _Data, zones: Zones, shortest: int, longest: int, least: int, end: int
    ) -> None:
        self.data, self.zones, self.end = data, zones, end
        self.shortest, self.longest, self.least = shortest, longest, least
        self.sizes = (zones.nearest >= 0).sum(axis=1)
        self.law = _LAWS[data.model](float(data.total), float(data.expected.sum()))
        self.expected = self.lasting(data.expected / data.scale, end)

    def lasting(self, cells: NDArray[Number], end: int) -> NDArray[Number]:
        """Sums over the last h periods before an end, (places, durations, …)."""
        last = cells[:, end - self.longest : end][:, ::-1]
        sums: NDArray[Number] = np.cumsum(last, axis=1)[:, self.shortest - 1 :]
        return sums

    @property
    def centres(self) -> list[int]:
        """Those around which there is a zone that no other centre has."""
        return [int(centre) for centre in np.flatnonzero(self.zones.ends.any(axis=1))]

    def around(self, centre: int, lasting: NDArray[Number]) -> NDArray[Number]:
        """Sums over the zones of a centre, (zones, durations, …)."""
        size = self.sizes[centre]
        sums: NDArray[Number] = np.cumsum(lasting[self.zones.nearest[centre, :size]], axis=0)
        ends = self.zones.ends[centre, :size]
        return sums if ends.all() else sums[ends]

    def every(self, cases: NDArray[np.int64], end: int) -> Callable[[int], Floats]:
        """The scores of the zones of each centre, (zones, durations, …).

        ``cases``: (places, periods, …); ``end`` is where in them the cylinders end.
        """
        lasting = self.lasting(cases, end)
        extra = (np.newaxis,) * (cases.ndim - 2)
        law = self.law.reaching(int(cases.sum(axis=(0, 1)).max(initial=0)))
        if not self.data.whole:
            scaled = self.lasting(cases / self.data.scale[(..., *extra)], end)

        def scores(centre: int) -> Floats:
            expected = self.around(centre, self.expected)[(..., *extra)]
            sums = self.around(centre, lasting)
            if self.data.whole:
                result = law.score(sums, expected)
                result[sums <= np.maximum(law.cases(expected), self.least - 0.5)] = 0.0
                return result
            shares = self.around(centre, scaled)
            result = _expectation(shares, expected)
            result[(shares <= expected) | (sums < self.least)] = 0.0
            return result

        return scores

    def clusters(self, most: int) -> Iterator[_Found]:
        """The best cylinder, then the best that shares no place with it, and so on."""
        scores = self.every(self.data.counts, self.end)
        free = np.ones(self.zones.places, dtype=np.bool_)
        best = {centre: self._best(centre, scores(centre), free) for centre in self.centres}
        for _ in range(most):
            one = max(best.values(), key=lambda found: found.score, default=None)
            if one is None or not one.score > 0:
                return
            yield one
            free[self.zones.members(one.centre, one.size)] = False
            for centre, other in best.items():
                if not free[self.zones.members(centre, other.size)].all():
                    best[centre] = self._best(centre, scores(centre), free)

    def _best(self, centre: int, scores: Floats, free: NDArray[np.bool_]) -> _Found:
        """The best cylinder around a centre whose places are all free."""
        size = self.sizes[centre]
        ends = np.flatnonzero(self.zones.ends[centre, :size])
        inside = np.logical_and.accumulate(free[self.zones.nearest[centre, :size]])
        scores = scores[: int(inside[ends].sum())]
        if not scores.size:
            return _Found(centre, 0, 0, 0.0)
        zone, duration = np.unravel_index(int(scores.argmax()), scores.shape)
        return _Found(
            centre,
            int(ends[zone]) + 1,
            int(duration) + self.shortest,
            float(scores[zone, duration]),
        )

    def told(self, one: _Found, maxima: Floats) -> Cluster:
        places = self.zones.members(one.centre, one.size)
        cells = (places[:, np.newaxis], np.arange(self.end - one.duration, self.end))
        observed = float(self.data.counts[cells].sum())
        expected = float(self.data.expected[cells].sum())
        above = int((maxima >= one.score - SAME_SCORE * max(one.score, 1.0)).sum())
        p = (1 + above) / (1 + len(maxima)) if len(maxima) else np.nan
        p_gumbel = gumbel(one.score, maxima)
        rare = p_gumbel if above < FEW and not np.isnan(p_gumbel) else p
        return Cluster(
            places=places,
            radius=float(self.zones.distance[one.centre, one.size - 1]),
            start=self.end - one.duration,
            duration=one.duration,
            observed=observed,
            expected=float(self.law.cases(np.array(expected))),
            relative_risk=self.law.risk(observed, expected),
            score=one.score,
            p=p,
            p_gumbel=p_gumbel,
            recurrence=1 / rare if rare > 0 else np.inf if rare == 0 else np.nan,
        )


def gumbel(score: float, maxima: ArrayLike) -> float:
    """The chance of a best score as high, by a Gumbel distribution with the moments of ``maxima``.

    P(max >= x) = 1 - exp(-exp(-(x - a) / b)), b = sd * sqrt(6) / pi, a = mean - 0.5772 b. NaN with
    fewer than two different maxima. It reaches beyond what the replicates can show.

    >>> round(gumbel(12.0, [5, 6, 7, 6, 5, 8, 7, 6]), 6)
    0.000452
    """
    values = np.asarray(maxima, dtype=np.float64)
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if sd == 0:
        return float("nan")
    b = sd * np.sqrt(6) / np.pi
    return float(-np.expm1(-np.exp(-(score - (values.mean() - np.euler_gamma * b)) / b)))


def _maxima(
    search: _Search,
    earlier: int,
    replicates: int,
    seed: int,
    threads: int,
    progress: Progress | None,
) -> Floats:
    """The best score of each replicate, over all ends that were analysed."""
    data, zones = search.data, search.zones
    kept = search.longest + earlier
    searches = [search] + [
        _Search(data, zones, search.shortest, search.longest, search.least, search.end - back)
        for back in range(1, earlier + 1)
    ]

    def batch(first: int) -> Floats:
        size = min(BATCH, replicates - first)
        cases = np.empty((zones.places, kept, size), dtype=np.int64)
        for i in range(size):
            stream = np.random.Philox(key=[seed, first + i])
            cases[:, :, i] = data.draw(np.random.Generator(stream), kept)
        best = np.zeros(size)
        for back, one in enumerate(searches):
            scores = one.every(cases, kept - back)
            for centre in one.centres:
                np.maximum(best, scores(centre).max(axis=(0, 1)), out=best)
        return best

    starts = range(0, replicates, BATCH)
    parts: list[Floats] = []
    with ThreadPoolExecutor(threads) as pool:
        for part in pool.map(batch, starts) if threads > 1 else map(batch, starts):
            parts.append(part)
            if progress is not None:
                progress(sum(map(len, parts)), replicates)
    return np.concatenate(parts) if parts else np.empty(0)


class _Law:
    """The score of a model for whole cases; ``score`` may be anything where c <= E."""

    def __init__(self, total: float, people: float) -> None:
        self.total, self.people = total, people
        self.table = self._table(int(total))

    def _table(self, top: int) -> Floats:
        """What depends on the cases alone, for 0 … ``top`` of them."""
        c = np.arange(top + 1, dtype=np.float64)
        return np.asarray(xlogy(c, c) + xlogy(self.total - c, self.total - c))

    def reaching(self, top: int) -> "_Law":
        """Ready for so many cases."""
        return self

    def cases(self, expected: Floats) -> Floats:
        """What is expected, in cases."""
        return expected

    def score(self, cases: NDArray[np.int64], expected: Floats) -> Floats:
        raise NotImplementedError

    def risk(self, observed: float, expected: float) -> float:
        return _over(observed * (self.total - expected), expected * (self.total - observed))


class _Poisson(_Law):
    """c log(c/E) + (C-c) log((C-c)/(C-E)), also of the permutation.

    c log c + (C-c) log(C-c) is looked up; the rest is a straight line in c for each cylinder.
    """

    def score(self, cases: NDArray[np.int64], expected: Floats) -> Floats:
        inside = _log(expected)
        outside = _log(self.total - expected)
        scores: Floats = self.table.take(cases)
        scores -= cases * (inside - outside)
        scores -= self.total * outside
        return scores


class _Bernoulli(_Law):
    """Binomial likelihood of a rate inside and one outside, over that of one rate.

    ``expected`` are the people here: n in a cylinder, N in all.
    """

    def __init__(self, total: float, people: float) -> None:
        super().__init__(total, people)
        none = people - total
        self.one_rate = float(xlogy(total, total) + xlogy(none, none) - xlogy(people, people))

    def cases(self, expected: Floats) -> Floats:
        return expected * (self.total / self.people)

    def score(self, cases: NDArray[np.int64], expected: Floats) -> Floats:
        healthy = expected - cases
        others = self.people - self.total - healthy
        rest = self.people - expected
        scores: Floats = self.table.take(cases)
        scores += xlogy(healthy, healthy)
        scores += xlogy(others, others)
        scores -= xlogy(expected, expected) + xlogy(rest, rest) + self.one_rate
        return scores

    def risk(self, observed: float, expected: float) -> float:
        return _over(observed * (self.people - expected), expected * (self.total - observed))


class _Expectation(_Law):
    """c log(c/E) + E - c."""

    def _table(self, top: int) -> Floats:
        c = np.arange(top + 1, dtype=np.float64)
        return np.asarray(xlogy(c, c) - c)

    def reaching(self, top: int) -> "_Law":
        return _Expectation(top, self.people)

    def score(self, cases: NDArray[np.int64], expected: Floats) -> Floats:
        scores: Floats = self.table.take(cases)
        scores -= cases * _log(expected)
        scores += expected
        return scores

    def risk(self, observed: float, expected: float) -> float:
        return _over(observed, expected)


_LAWS: dict[str, type[_Law]] = {
    "poisson": _Poisson,
    "permutation": _Poisson,
    "bernoulli": _Bernoulli,
    "expectation": _Expectation,
}


def _expectation(shares: Floats, expected: Floats) -> Floats:
    """The score of the expectation where counts are no whole numbers."""
    scores: Floats = xlogy(shares, shares) - shares * _log(expected) + expected - shares
    return scores


def _log(values: Floats) -> Floats:
    """The logarithm; 0 where there is none, as there its factor is 0."""
    return np.log(values, out=np.zeros_like(values), where=values > 0)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("inf")
