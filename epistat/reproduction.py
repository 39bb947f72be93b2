"""The reproduction number: how many others does one case infect, now (Cori) or in the end (WT)?

Both methods take the counts by day of onset and the *interval*: the chance w_s that s days lie
between the onset of a case and that of whom it infects (serial interval), lag 0 first with w_0 = 0.
``discrete_interval`` makes it from a mean and a standard deviation. With the cases I_t of day t,

    Λ_t = sum over s = 1 … t-1 of w_s * I_(t-s)

is the pressure of infection on day t; a case of day t was infected by one of day t-s with chance
w_s * I_(t-s) / Λ_t.

Sources: Cori A, Ferguson NM, Fraser C, Cauchemez S. A new framework and software to estimate
time-varying reproduction numbers during epidemics. Am J Epidemiol 2013;178:1505-12. Wallinga J,
Teunis P. Different epidemic curves for severe acute respiratory syndrome reveal similar impacts of
control measures. Am J Epidemiol 2004;160:509-16.

A missing day is left out of the window that it lies in. To the pressure on later days it adds what
the known days of their past add on average, each by its w_s; where less than half of the interval
falls on known days, the pressure is not known either.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from epistat.beliefs import MOST_LAID, Believed
from epistat.gammas import Mixture, gamma_quantiles, mixture_quantiles
from epistat.intervals import (
    UncertainInterval,
    checked_interval,
    discrete_interval,
    interval_rows,
    shorter,
)
from epistat.result import CELLS, Flag, Floats, as_counts, mark, product, sliding

LEVELS = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
# Of the interval that must fall on known days: half, and a half that was rounded down.
KNOWN_SHARE = 0.5 - 1e-9
GOOD_CV = 0.3  # of the posterior; above it a window has FEW_CASES
SHORT = 14  # days of a window whose sum is not taken from running sums
AT_ONCE = (
    128  # so many times more cells than elsewhere: a call for each node costs more than memory
)

Ints = NDArray[np.int64]
Windows = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, slots=True, eq=False)
class Reproduction:
    """What ``cori`` and ``wallinga_teunis`` answer, for each series and window.

    start, end  int64    (windows,)  first and last day of each window, counted from 0
    mean, sd    float64  (series, windows)  of the posterior, or of the ancestries
    levels      float64  (levels,)  of the quantiles
    quantiles   float64  (series, windows, levels)
    cases       float64  (series, windows)  known local cases in the window
    seen        float64  (windows,)  share of the infections by its cases that the interval puts
                         before the end of the series: far below 1 the answer of
                         ``wallinga_teunis`` is too low. 1 for ``cori``
    flags       uint8    (series, windows)  :class:`Flag`; FEW_CASES: the answer is mostly prior
    """

    start: Ints
    end: Ints
    mean: Floats
    sd: Floats
    levels: Floats
    quantiles: Floats
    cases: Floats
    seen: Floats
    flags: NDArray[np.uint8]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where there is a number, shape (series, windows)."""
        answered: NDArray[np.bool_] = (self.flags & np.uint8(Flag.NO_ANSWER)) == 0
        return answered


def pressure(counts: ArrayLike, interval: ArrayLike) -> Floats:
    """Λ: the infections that the cases of the days before cause on each day at R = 1.

    ``counts``: (series, days), NaN is missing; ``interval``: (lags,), lag 0 first. Answer: (series,
    days), in cases; NaN for the first day, which has no past, and where too little of it is known.

    >>> pressure([[1, 1, 0, 2]], [0, 0.5, 0.3, 0.2])
    array([[nan, 0.5, 0.8, 0.5]])
    """
    return _pressure(as_counts(counts), checked_interval(interval))


def cori(
    counts: ArrayLike,
    interval: ArrayLike | UncertainInterval,
    *,
    imported: ArrayLike | None = None,
    window: int = 7,
    windows: Windows | None = None,
    prior_mean: float = 5.0,
    prior_sd: float = 5.0,
    levels: ArrayLike = LEVELS,
) -> Reproduction:
    """The instantaneous reproduction number: how many would a case of now infect, as things are?

    ``counts``: (series, days), all cases by day of onset, imported ones too; NaN is missing. Cases
    of the last days that are not reported yet make R too low there: complete them by a nowcast
    (each path of :func:`epistat.draw` is a series), or do not read the last windows.
    ``imported``: (series, days), how many of them were infected elsewhere: they infect others but
    nobody of the counts infected them. All cases of the first day count as imported.

    ``interval``: the chances by days, (lags,), or one row for each of several equally likely
    intervals, (rows, lags), or an :class:`UncertainInterval`.

    In each window R is constant with prior Gamma(shape a = (prior_mean/prior_sd)², scale
    b = prior_sd²/prior_mean); the local cases of a day are Poisson with mean R Λ_t. So the
    posterior is Gamma(a + cases, scale 1/(1/b + ΣΛ)), sums over the window; of several intervals it
    is their mixture, whose quantiles are worked out without drawing at random (to a part in 1e7 of
    a level). An :class:`UncertainInterval` is told by 100 intervals for that; their mixture errs by
    a part in 1e4 of a level.

    ``windows``: first and last days, from 0; the first day may not be 0. Without it there is one
    window of ``window`` days ending on each day, shape (series, days).

    No answer: SHORT_HISTORY where the window begins on the first day or before, or ends before a
    mean interval has passed since the first day (an interval that is longer is left out of a
    mixture); TOO_FEW_POINTS where no day of the window is known. FEW_CASES remarks that the
    coefficient of variation of the posterior is above 0.3. ValueError for impossible options.

    >>> from epistat import discrete_interval
    >>> counts = [[1, 1, 0, 2, 5, 3, 3, 3, 6, 2]]
    >>> answer = cori(counts, discrete_interval(2.6, 1.5, 10))
    >>> answer.mean.round(2)[0, -3:]
    array([1.74, 1.75, 1.54])
    >>> answer.quantiles.round(2)[0, -1, [0, -1]]
    array([0.99, 2.2 ])
    """
    array, at = as_counts(counts), _levels(levels)
    prior = _Prior(prior_mean, prior_sd)
    given = np.zeros_like(array) if imported is None else np.asarray(imported, dtype=np.float64)
    if given.shape != array.shape:
        raise ValueError("imported needs the shape of counts")
    _refuse_imported(given, array)
    local = array - np.nan_to_num(given)
    local[:, :1] = np.minimum(local[:, :1], 0)
    span = _Span.of(array.shape[1], window, windows)
    if isinstance(interval, UncertainInterval) and any(interval.uncertain):
        lags = array.shape[1]
        parts = [
            _cori_believed(array[b], local[b], interval, span, prior, at)
            for b in _blocks(len(array), lags * lags // AT_ONCE)
        ]
    else:
        if isinstance(interval, UncertainInterval):
            length = max(array.shape[1], 2)
            interval = discrete_interval(interval.mean.mean, interval.sd.mean, length)
        rows, chances = interval_rows(interval)
        cells = array.shape[1] * (1 if len(rows) == 1 else max(len(rows), rows.shape[1]))
        parts = [
            _cori(array[b], local[b], rows, chances, span, prior, at)
            for b in _blocks(len(array), max(cells, len(span.end)))
        ]
    fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Reproduction(
        start=span.start, end=span.end, levels=at, seen=np.ones(len(span.end)), **fields
    )


def _refuse_imported(imported: Floats, counts: Floats) -> None:
    """ValueError, with its series and day, for the first number that cannot be; NaN is none."""
    for problem, where in (
        ("imported is negative", imported < 0),
        ("more imported cases than counts, which hold both,", imported > counts),
    ):
        if where.any():
            series, day = np.argwhere(where)[0].tolist()
            raise ValueError(f"{problem} in series {series} on day {day}")


@dataclass(frozen=True, slots=True)
class _Prior:
    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (0 < self.mean < np.inf and 0 < self.sd < np.inf):
            raise ValueError("prior_mean and prior_sd must be above 0")

    @property
    def shape(self) -> float:
        return (self.mean / self.sd) ** 2

    @property
    def rate(self) -> float:
        return self.mean / self.sd**2


@dataclass(frozen=True, slots=True, eq=False)
class _Span:
    """First and last days of the windows."""

    start: Ints
    end: Ints
    first: int  # a window that starts earlier has no answer

    @classmethod
    def of(cls, days: int, window: int, windows: Windows | None, *, first: int = 1) -> "_Span":
        if windows is None:
            if window < 1:
                raise ValueError(f"window must be at least 1 day, not {window}")
            end = np.arange(days)
            return cls(end - (window - 1), end, first)
        start, end = (np.atleast_1d(np.asarray(part)).astype(np.int64) for part in windows)
        if start.shape != end.shape or start.ndim != 1:
            raise ValueError("windows needs as many first days as last days")
        if (start > end).any() or (start < first).any() or (end >= days).any():
            raise ValueError(f"a window must lie in the days {first} … {days - 1}, first to last")
        return cls(start, end, first)

    def sums(self, values: Floats) -> Floats:
        """Sums over each window along the last axis; 0 for a window that starts too early.

        Whole numbers are summed without rounding. Others differ from a sum anew by rounding only,
        as long as the days before a window do not outweigh it by many orders: so what was summed
        is not subtracted again for short windows.
        """
        early = self.start < self.first
        start, end = np.where(early, 0, self.start), np.where(early, 0, self.end)
        width = int((end - start).max(initial=0)) + 1
        if (end - start == width - 1)[~early].all() and width <= SHORT:
            padded = np.concatenate([values, np.zeros((*values.shape[:-1], width))], axis=-1)
            total = padded[..., start]
            for day in range(1, width):
                total = total + padded[..., start + day]
        else:
            running = np.cumsum(values, axis=-1)
            total = running[..., end] - running[..., start] + values[..., start]
        total[..., early] = 0.0
        return total


def _cori(
    counts: Floats,
    local: Floats,
    rows: Floats,
    chances: Floats,
    span: _Span,
    prior: _Prior,
    levels: Floats,
) -> dict[str, Any]:
    force = _pressures(counts, rows)  # (series, rows, days)
    # A day counts where every interval has a pressure for it.
    known = ~np.isnan(local) & ~np.isnan(force).any(axis=1)
    short_enough = shorter(rows, span.end + 1)
    answer = _Posterior.of(local, known, span, prior, short_enough, len(levels))
    here = answer.answered
    rate = prior.rate + span.sums(np.where(known[:, np.newaxis], force, 0.0))
    if len(rows) == 1:
        a, scale = answer.shape[here], 1 / rate[:, 0][here]
        answer.mean[here], answer.sd[here] = a * scale, np.sqrt(a) * scale
        answer.quantiles[here] = gamma_quantiles(a, levels) * scale[:, np.newaxis]
    elif here.any():
        weights = short_enough * chances[:, np.newaxis]
        weights = weights / np.maximum(weights.sum(axis=0), 1e-300)
        mixed = Mixture(
            answer.shape[here],
            1 / np.moveaxis(rate, 1, 2)[here],
            np.broadcast_to(weights.T, (*here.shape, len(rows)))[here],
        )
        answer.mean[here], answer.sd[here] = mixed.mean, mixed.sd
        answer.quantiles[here] = mixture_quantiles(mixed, levels)
    return answer.fields()


def _cori_believed(
    counts: Floats,
    local: Floats,
    belief: UncertainInterval,
    span: _Span,
    prior: _Prior,
    levels: Floats,
) -> dict[str, Any]:
    days = counts.shape[1]
    middle = discrete_interval(belief.mean.mean, belief.sd.mean, max(days, 2))
    force = _pressure(counts, middle)
    known = ~np.isnan(local) & ~np.isnan(force)
    # An interval that is longer than the days so far is left out, as if it were not believed.
    fits = belief.mean.below(span.end + 1.0).reshape(1, -1) > 0
    answer = _Posterior.of(local, known, span, prior, fits, len(levels))
    longest = np.minimum(span.end + 1.0, belief.mean.ends()[1])
    # A day that has no past is in no window.
    whole: NDArray[np.bool_] = np.logical_and.reduce(known[:, 1:], axis=1)
    past = _past(counts, span) if whole.any() else np.empty((0, 0, 0))

    of_cell, at_cell = np.nonzero(answer.answered)
    found = Believed(len(of_cell), levels)
    cuts = np.unique(longest[at_cell]).tolist()
    for cut in cuts:
        cells = np.flatnonzero(longest[at_cell] == cut)
        series, windows = of_cell[cells], at_cell[cells]

        def rates(
            some: Ints, rows: Floats, series: Ints = series, windows: Ints = windows
        ) -> Floats:
            of, at = series[some], windows[some]
            lags = min(rows.shape[1], days)
            easy = whole[of]
            if easy.all():
                rate = product(past[of, at, : lags - 1], rows[:, 1:lags].T)
                rate += prior.rate
                return rate
            rate = np.empty((len(some), len(rows)))
            rate[easy] = product(past[of[easy], at[easy], : lags - 1], rows[:, 1:lags].T)
            for one in np.unique(of[~easy]):
                each = _forces(counts[one], rows)
                # Where an interval has no known day at all, that of the middle stands for it.
                each = np.where(np.isnan(each), force[one], each)
                sums = span.sums(np.where(known[one], each, 0.0))
                rate[of == one] = sums.T[at[of == one]]
            rate += prior.rate
            return rate

        # Windows so early need no later days of the interval.
        lags = int(span.end[windows].max()) + 1
        # Half for the belief as it is, half for what is cut off in the first windows.
        room = MOST_LAID // 2 // lags // (1 if cut == cuts[-1] else len(cuts) - 1)
        found.add(belief, cells, answer.shape[series, windows], rates, lags, cut, room)
    here = of_cell, at_cell
    answer.mean[here], answer.sd[here] = found.mean, found.sd
    answer.quantiles[here] = found.quantiles()
    return answer.fields()


def _forces(counts: Floats, rows: Floats) -> Floats:
    """Λ of one series with missing days for many intervals: (rows, days); see :func:`_pressure`.

    NaN only where no day of an interval is known.
    """
    days = len(counts)
    lags = min(rows.shape[1], days)
    w = rows[:, 1:lags]
    padded = np.concatenate([np.zeros(lags), counts])[1:-1]
    past = np.lib.stride_tricks.sliding_window_view(padded, lags - 1)[:days, ::-1]
    missing = np.isnan(past)
    force = product(w, np.where(missing, 0.0, past).T)
    lost = product(w, missing.T.astype(np.float64))
    ahead = np.concatenate([np.zeros((len(w), 1)), np.cumsum(w, axis=1)], axis=1)
    reach = ahead[:, np.minimum(np.arange(days), lags - 1)]
    left = reach - lost
    none = left <= 1e-9 * reach
    scale = np.divide(reach, left, out=np.full_like(left, np.nan), where=~none)
    force *= np.where(lost > 0, scale, 1.0)
    force[:, 0] = np.nan
    return force


def _past(counts: Floats, span: _Span) -> Floats:
    """The cases of each window shifted by 1, 2 … days into the past: (series, windows, lags)."""
    series, days = counts.shape
    if days < 2:
        return np.zeros((series, len(span.end), 0))
    width = int(span.end[0] - span.start[0]) + 1 if len(span.end) else 1
    if width <= SHORT and (span.end - span.start == width - 1).all():
        padded = np.concatenate([np.zeros((series, days + width)), np.nan_to_num(counts)], axis=1)
        sums = sliding(padded, width)[:, 2:]
        each = np.lib.stride_tricks.sliding_window_view(sums, days - 1, axis=1)[..., ::-1]
        return np.ascontiguousarray(each[:, span.end])
    padded = np.concatenate([np.zeros((series, days)), np.nan_to_num(counts)], axis=1)
    shifted = np.lib.stride_tricks.sliding_window_view(padded[:, 1:-1], days, axis=1)[:, ::-1]
    return np.ascontiguousarray(span.sums(shifted).transpose(0, 2, 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Posterior:
    """What the posteriors of some series have in common, and their numbers, to be filled."""

    shape: Floats
    cases: Floats
    flags: NDArray[np.uint8]
    answered: NDArray[np.bool_]
    mean: Floats
    sd: Floats
    quantiles: Floats

    @classmethod
    def of(
        cls, local: Floats, known: NDArray[np.bool_], span: _Span, prior: _Prior,
        shorter: NDArray[np.bool_], levels: int,
    ) -> "_Posterior":  # fmt: skip
        """``known``: the days that count. ``shorter``: where intervals are, (rows, windows)."""
        cases = span.sums(np.where(known, np.nan_to_num(local), 0.0))
        days = span.sums(known.astype(np.float64))
        shape = prior.shape + cases
        flags = np.zeros(cases.shape, dtype=np.uint8)
        short = (span.start < span.first) | ~shorter.any(axis=0)
        mark(flags, short[np.newaxis], Flag.SHORT_HISTORY)
        mark(flags, (days == 0) & ~short, Flag.TOO_FEW_POINTS)
        answered = flags == 0
        mark(flags, answered & (shape * GOOD_CV**2 < 1 - 1e-12), Flag.FEW_CASES)
        cases[~answered] = np.nan
        mean, sd = (np.full(cases.shape, np.nan) for _ in range(2))
        quantiles = np.full((*cases.shape, levels), np.nan)
        return cls(shape, cases, flags, answered, mean, sd, quantiles)

    def fields(self) -> dict[str, Any]:
        names = ("mean", "sd", "quantiles", "cases", "flags")
        return {name: getattr(self, name) for name in names}


def wallinga_teunis(
    counts: ArrayLike,
    interval: ArrayLike,
    *,
    window: int = 7,
    windows: Windows | None = None,
    levels: ArrayLike = LEVELS,
) -> Reproduction:
    """The case reproduction number: how many did the cases of these days infect in the end?

    ``counts``: (series, days) by day of onset, NaN is missing; ``interval``: (lags,), lag 0 first.
    A case of day s infects on average R_s = sum over t of I_t w_(t-s) / Λ_t others, and ``mean`` is
    the mean of R_s over the cases of the window.

    ``sd`` and ``quantiles`` tell who might have infected whom: each case of day t picks a case of
    the window with chance p_t, all alike and independently, so the number infected by the window is
    a sum of binomials. Its quantiles are those of that sum by its first four moments
    (Cornish-Fisher, whole numbers), divided by the cases; R's are drawn at random.

    Not corrected for those infected by the window whose onset lies after the last day: ``seen``
    tells the share that the interval puts before it. Windows as in :func:`cori`, and they may begin
    on day 0. UNDEFINED where the window has no case. ValueError for impossible options.

    >>> answer = wallinga_teunis([[1, 1, 0, 2, 5, 3, 3, 3, 6, 2]], [0, 0.4, 0.4, 0.2], window=3)
    >>> answer.mean.round(2)[0, 2:6]
    array([2.  , 2.51, 1.41, 1.31])
    """
    array, at = as_counts(counts), _levels(levels)
    w = checked_interval(interval)
    span = _Span.of(array.shape[1], window, windows, first=0)
    blocks = _blocks(len(array), max(array.shape[1] * min(len(w), array.shape[1]), len(span.end)))
    parts = [_wallinga_teunis(array[b], w, span, at) for b in blocks]
    fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    days = array.shape[1]
    so_far = np.cumsum(w)[np.minimum(days - 1 - np.arange(days), len(w) - 1)] / w.sum()
    ends = np.maximum(span.start, 0), span.end
    seen = np.array([so_far[a : b + 1].mean() for a, b in zip(*ends, strict=True)])
    return Reproduction(start=span.start, end=span.end, levels=at, seen=seen, **fields)


def _wallinga_teunis(counts: Floats, w: Floats, span: _Span, levels: Floats) -> dict[str, Any]:
    series, days = counts.shape
    known = ~np.isnan(counts)
    cases = np.nan_to_num(counts)
    force = _pressure(counts, w)
    each = np.divide(1.0, force, out=np.zeros_like(force), where=np.nan_to_num(force) > 0)
    infected = cases * each  # I_t / Λ_t
    ratio = np.zeros((series, days))
    share, reach = np.zeros((series, days)), np.zeros(days)
    for lag in range(1, min(len(w), days)):
        ratio[:, :-lag] += w[lag] * infected[:, lag:]
        share[:, :-lag] += w[lag] * known[:, lag:]
        reach[:-lag] += w[lag]
    thin = share < KNOWN_SHARE * reach
    scale = np.divide(reach, share, out=np.ones_like(share), where=share > 0)
    ratio *= np.where(share == reach, 1.0, scale)
    counted = known & ~thin
    total = span.sums(np.where(counted, cases, 0.0))
    offspring = span.sums(np.where(counted, cases * ratio, 0.0))

    flags = np.zeros(total.shape, dtype=np.uint8)
    short = (span.start < span.first)[np.newaxis] & np.ones_like(total, dtype=np.bool_)
    unknown = (span.sums(counted.astype(np.float64)) == 0) & ~short
    mark(flags, short, Flag.SHORT_HISTORY)
    mark(flags, unknown, Flag.TOO_FEW_POINTS)
    mark(flags, (total == 0) & ~short & ~unknown, Flag.UNDEFINED)
    answered = flags == 0

    per_case = np.divide(1.0, total, out=np.full_like(total, np.nan), where=answered)
    moments = _moments_of_ancestries(np.where(counted, cases, 0.0), cases, each, w, span)
    mean = offspring * per_case
    sd = np.sqrt(np.maximum(moments[0], 0.0)) * per_case
    quantiles = _sum_of_binomials(offspring, moments, levels) * per_case[..., np.newaxis]
    total[~answered] = np.nan
    return {"mean": mean, "sd": sd, "quantiles": quantiles, "cases": total, "flags": flags}


def _moments_of_ancestries(
    infectors: Floats, cases: Floats, each: Floats, w: Floats, span: _Span
) -> tuple[Floats, Floats, Floats]:
    """Cumulants 2, 3 and 4 of the number infected by each window, shape (series, windows).

    p_t = sum over the days s of the window of w_(t-s) I_s / Λ_t is the chance that a case of day t
    was infected there; I_t cases choose so, each for itself.
    """
    series, days = cases.shape
    answer = tuple(np.zeros((series, len(span.end))) for _ in range(3))
    padded = np.concatenate([w, np.zeros(max(days - len(w), 0) + 1)])
    for index, (start, end) in enumerate(zip(span.start, span.end, strict=True)):
        if start < 0:
            continue
        until = min(days, int(end) + len(w))
        later = np.arange(start + 1, until)
        lags = later[np.newaxis] - np.arange(start, end + 1)[:, np.newaxis]
        chance = np.where(lags > 0, padded[np.clip(lags, 0, len(padded) - 1)], 0.0)
        from_here = np.zeros((series, len(later)))
        for row, day in enumerate(range(int(start), int(end) + 1)):
            from_here += infectors[:, day, np.newaxis] * chance[row]
        p = np.minimum(from_here * each[:, later], 1.0)
        n, v = cases[:, later], p * (1 - p)
        answer[0][:, index] = (n * v).sum(axis=1)
        answer[1][:, index] = (n * v * (1 - 2 * p)).sum(axis=1)
        answer[2][:, index] = (n * v * (1 - 6 * v)).sum(axis=1)
    return answer[0], answer[1], answer[2]


def _sum_of_binomials(
    mean: Floats, cumulants: tuple[Floats, Floats, Floats], levels: Floats
) -> Floats:
    """Whole-number quantiles by mean and cumulants 2 to 4 (Cornish-Fisher), never below 0."""
    variance, third, fourth = (part[..., np.newaxis] for part in cumulants)
    sd = np.sqrt(np.maximum(variance, 0.0))
    safe = np.where(sd > 0, sd, 1.0)
    skew, excess = third / safe**3, fourth / safe**4
    z = ndtri(levels)
    turned = (
        z + skew * (z**2 - 1) / 6 + excess * (z**3 - 3 * z) / 24 - skew**2 * (2 * z**3 - 5 * z) / 36
    )
    # The sum lies on whole numbers: half a step between two of them.
    whole = np.ceil(mean[..., np.newaxis] + sd * turned - 0.5 - 1e-9)
    return np.asarray(np.maximum(whole, 0.0), dtype=np.float64)


def _pressures(counts: Floats, rows: Floats) -> Floats:
    """Λ for each of several intervals, shape (series, rows, days)."""
    if len(rows) == 1:
        return _pressure(counts, rows[0])[:, np.newaxis]
    series, days = counts.shape
    reach = min(rows.shape[1], days)
    if np.isnan(counts).any() or reach < 2:
        return np.stack([_pressure(counts, row) for row in rows], axis=1)
    # The past of each day of each series, lag by lag, times the intervals.
    padded = np.concatenate([np.zeros((series, reach)), counts], axis=1)
    past = np.lib.stride_tricks.sliding_window_view(padded[:, 1:-1], reach - 1, axis=1)
    flat = np.ascontiguousarray(past[:, :days, ::-1]).reshape(-1, reach - 1)
    of_days = product(flat, np.ascontiguousarray(rows[:, 1:reach].T))
    force: Floats = of_days.reshape(series, days, len(rows)).transpose(0, 2, 1)
    force[..., 0] = np.nan
    return force


def _pressure(counts: Floats, w: Floats) -> Floats:
    """Λ for one interval; the sum runs lag by lag, so that no neighbour in a batch changes it."""
    series, days = counts.shape
    missing = np.isnan(counts)
    holes = missing.any()
    cases = np.where(missing, 0.0, counts) if holes else counts
    force = np.zeros((series, days))
    lost = np.zeros((series, days)) if holes else None
    for lag in range(1, min(len(w), days)):
        if w[lag] == 0:
            continue
        force[:, lag:] += w[lag] * cases[:, :-lag]
        if lost is not None:
            lost[:, lag:] += w[lag] * missing[:, :-lag]
    if lost is not None:
        reach = np.cumsum(w)[np.minimum(np.arange(days), len(w) - 1)]
        known = reach - lost
        some = lost > 0
        thin = some & (known < KNOWN_SHARE * reach)
        scale = np.divide(reach, known, out=np.ones_like(known), where=some & ~thin)
        force = np.where(thin, np.nan, force * scale)
    force[:, :1] = np.nan
    return force


def _levels(levels: ArrayLike) -> Floats:
    at = np.asarray(levels, dtype=np.float64)
    if at.ndim != 1 or not ((at > 0) & (at < 1)).all() or (np.diff(at) <= 0).any():
        raise ValueError("levels must rise and lie between 0 and 1")
    return at


def _blocks(series: int, cells: int) -> list[slice]:
    """A few series at a time, so that the temporaries stay in the cache; one even of none."""
    step = max(1, CELLS // max(cells, 1))
    return [slice(start, start + step) for start in range(0, max(series, 1), step)]
