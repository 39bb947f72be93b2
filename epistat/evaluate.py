"""How good is a detector? Simulated series with outbreaks, labelled real ones, and the measures.

Sources: Noufaily A, Enki DG, Farrington P, Garthwaite P, Andrews N, Charlett A. An improved
algorithm for outbreak detection in multiple surveillance systems. Stat Med 2013;32:1206-1222 (the
42 scenarios). Bédubourg G, Le Strat Y. Evaluation and comparison of statistical methods for early
temporal detection of outbreaks: a simulation-based study. PLoS ONE 2017;12:e0181227 (measures).

A count y of a week with mean m and dispersion d is negative binomial with variance d * m, that is
size m / (d - 1), or Poisson where d is 1. (A size of (m + m^2) / (d m), which one public copy of
this benchmark has, is another variance.)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.result import Detection, Floats

Method = Callable[[Floats], Detection]
Marks = NDArray[np.bool_]
Progress = Callable[[int, int], None]

WEEKS, TRAINING, JUDGED = 624, 312, 49
PAST_OUTBREAKS = 4
PAST_SIZES = (2, 3, 5, 10)
SIZES = range(1, 11)  # k of the current outbreak, in standard deviations of a week
SPREAD = 0.5  # of the logarithm of the delay from start to case, in weeks
FEWEST_CASES = 2  # of an outbreak
BASE = (  # level, trend, cosine, sine, dispersion
    (0.1, 0.0025, 0.6, 0.6, 1.5), (-2, 0.005, 0.1, 0.3, 2), (1.5, 0.003, 0.2, -0.4, 1),
    (0.5, 0.002, 0.5, 0.5, 5), (2.5, 0.001, 1, 0.1, 3), (3.75, 0.001, 0.1, -0.1, 1.1),
    (5, 0.0001, 0.05, 0.01, 1.2),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """log mean of week t = level + trend t + sum over j = 1 … harmonics of the season.

    The season of j is cosine cos(2 pi j t / 52) + sine sin(2 pi j t / 52); t = 1 … 624.
    """

    level: float
    trend: float
    harmonics: int
    cosine: float
    sine: float
    dispersion: float

    @property
    def mean(self) -> Floats:
        """Of every week, (624,)."""
        t = np.arange(1, WEEKS + 1)
        season = np.zeros(WEEKS)
        for j in range(1, self.harmonics + 1):
            angle = 2 * np.pi * j * t / 52
            season += self.cosine * np.cos(angle) + self.sine * np.sin(angle)
        mean: Floats = np.exp(self.level + self.trend * t + season)
        return mean


# Seven levels, without and with a trend, with no, one or two harmonics: in the order of the paper.
SCENARIOS: tuple[Scenario, ...] = tuple(
    Scenario(level, trend * with_trend, harmonics, cosine, sine, dispersion)
    for level, trend, cosine, sine, dispersion in BASE
    for with_trend in (0, 1)
    for harmonics in range(3)
)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Series whose outbreaks are known.

    counts    (series, time)  what a detector is given
    outbreak  (series, time)  True where cases of a known outbreak are among them
    start     (series,)       column in which it began; -1 without one. May come before its first
                              case. Real series may have several: see :func:`episodes`
    size      (series,)       k of the outbreak, in standard deviations; 0 where not known
    clean     (series, time)  the same series without the current outbreak, or None
    group     (series,)       scenario, from 0; rates of false alarms are taken by group
    judged                    so many of the last columns are judged
    """

    counts: Floats
    outbreak: Marks
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    clean: Floats | None
    group: NDArray[np.int64]
    judged: int


def simulate(
    *,
    replicates: int = 100,
    seed: int = 0,
    first: int = 0,
    scenarios: Sequence[Scenario] = SCENARIOS,
) -> Series:
    """The benchmark of Noufaily 2013: 624 weeks of each scenario, the last 49 to be judged.

    Every series has four past outbreaks that begin in weeks 313 to 575, of k = 2, 3, 5 or 10, and
    one current that begins in weeks 576 to 624, of k = 1 … 10 by turns of the replicates. An
    outbreak that begins in week s has v cases, Poisson with mean k * sd of a normal week s, drawn
    anew until there are at least 2; each falls into week s + floor(exp(N(0, 0.5²))), about half
    into s itself. Cases after week 624 are not seen.

    Replicate i of scenario j has its own random numbers by ``seed``, j and i: ``first`` is the
    first i, so that a second half of replicates is another sample of the same benchmark.

    >>> some = simulate(replicates=2, scenarios=SCENARIOS[30:31])
    >>> some.counts.shape, some.size, bool((some.counts >= some.clean).all())
    ((2, 624), array([1, 2]), True)
    """
    if replicates < 1 or seed < 0 or first < 0:
        raise ValueError("replicates must be at least 1, seed and first 0 or more")
    number = len(scenarios) * replicates
    clean, cases = np.empty((number, WEEKS)), np.zeros((number, WEEKS))
    start, size = np.empty(number, np.int64), np.empty(number, np.int64)
    for j, scenario in enumerate(scenarios):
        mean = scenario.mean
        sd = np.sqrt(scenario.dispersion * mean)
        for i in range(replicates):
            row = j * replicates + i
            # Key and counter name the series: its numbers are its own.
            stream = np.random.Philox(key=seed, counter=[0, 0, j, first + i])
            rng = np.random.Generator(stream)
            clean[row] = _weeks(rng, mean, scenario.dispersion)
            for _ in range(PAST_OUTBREAKS):
                k = int(rng.choice(PAST_SIZES))
                began = int(rng.integers(TRAINING, WEEKS - JUDGED))
                clean[row] += _outbreak(rng, began, k * sd[began], WEEKS)
            start[row] = rng.integers(WEEKS - JUDGED, WEEKS)
            size[row] = SIZES[(first + i) % len(SIZES)]
            cases[row] = _outbreak(rng, int(start[row]), size[row] * sd[start[row]], WEEKS)
    group = np.repeat(np.arange(len(scenarios)), replicates)
    return Series(clean + cases, cases > 0, start, size, clean, group, JUDGED)


def _weeks(rng: np.random.Generator, mean: Floats, dispersion: float) -> Floats:
    if dispersion == 1:
        return rng.poisson(mean).astype(np.float64)
    return rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion).astype(np.float64)


def _outbreak(
    rng: np.random.Generator, start: int, mean: float, time: int, step: float = 1.0
) -> Floats:
    """Cases of an outbreak by column; ``step``: columns in a week."""
    size = 0
    while size < FEWEST_CASES:
        size = int(rng.poisson(mean))
    delay = np.floor(rng.lognormal(0, SPREAD, size) * step).astype(np.int64)
    when = start + delay
    return np.bincount(when[when < time], minlength=time).astype(np.float64)


def inject(
    counts: ArrayLike,
    *,
    k: float = 5.0,
    judged: int = JUDGED,
    every: Literal["day", "week"] = "week",
    seed: int = 0,
) -> Series:
    """Put one outbreak into each real series: its season, trend and noise are the real ones.

    ``counts``: (series, time); NaN is missing and stays so. An outbreak as in :func:`simulate`
    begins in one of the last ``judged`` columns. Its size is Poisson with mean ``k`` * sd (of a
    week, for days); sd² is the larger of mean and variance of the known counts of the year before,
    at least 1/2 (of a case), so that silent series can have outbreaks too. What else goes on in a
    real series is not known: the false alarms of ``clean`` may be true ones.

    >>> put = inject([[3.0] * 120], k=10)
    >>> int(put.start[0]) >= 71, bool(put.outbreak[0, :71].any())
    (True, False)
    """
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim != 2 or not 1 <= judged <= array.shape[1]:
        raise ValueError("counts need the shape (series, time), with judged columns or more")
    if not k > 0:
        raise ValueError("k must be above 0")
    series, time = array.shape
    step = 7 if every == "day" else 1
    cases = np.zeros_like(array)
    start = np.empty(series, np.int64)
    for i, row in enumerate(array):
        rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, i]))
        start[i] = rng.integers(time - judged, time)
        past = row[max(int(start[i]) - 52 * step, 0) : start[i] + (start[i] == 0)]
        past = past[~np.isnan(past)]
        noise = max(past.mean(), past.var()) * step if past.size else 0.0
        cases[i] = _outbreak(rng, int(start[i]), k * np.sqrt(max(noise, 0.5)), time, step)
    size = np.full(series, round(k), np.int64)
    known = ~np.isnan(array)
    return Series(
        array + cases, (cases > 0) & known, start, size, array, np.zeros(series, np.int64), judged
    )


def labelled(counts: ArrayLike, outbreak: ArrayLike, judged: int | None = None) -> Series:
    """Real series whose outbreaks are known: ``counts`` and ``outbreak`` of (series, time).

    ``judged``: so many of the last columns (all).

    >>> labelled([[1, 1, 9, 8]], [[0, 0, 1, 1]], judged=2).judged
    2
    """
    array, marks = np.asarray(counts, np.float64), np.asarray(outbreak, np.bool_)
    if array.ndim != 2 or array.shape != marks.shape:
        raise ValueError("counts and outbreak need one shape, (series, time)")
    judged = array.shape[1] if judged is None else judged
    if not 0 < judged <= array.shape[1]:
        raise ValueError("judged must lie between 1 and the number of columns")
    none = np.full(len(array), -1, np.int64)
    nothing = np.zeros(len(array), np.int64)
    return Series(array, marks, none, nothing, None, nothing, judged)


def episodes(outbreak: Marks) -> list[tuple[int, int, int]]:
    """Runs of True of each series: (series, first column, last column).

    >>> episodes(np.array([[False, True, True, False, True]]))
    [(0, 1, 2), (0, 4, 4)]
    """
    edges = np.diff(np.pad(outbreak, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, first = np.nonzero(edges == 1)
    _, after = np.nonzero(edges == -1)
    return list(zip(rows.tolist(), first.tolist(), (after - 1).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Measures:
    """What a method did; shares from 0 to 1, NaN where there is nothing to take a share of.

    fpr          alarms among the answered weeks without a current outbreak (of ``clean`` where
                 there is one): mean over the groups; fpr_median and fpr_max over the groups too
    pod          outbreaks with an alarm between start and last case; pod1 in the first week;
                 pod_by_size by k. One that has no case before the series ends was not found
    sensitivity  alarms among the weeks with cases of an outbreak, answered or not; ppv: weeks with
                 such cases among the alarms; f1 of ppv and sensitivity
    specificity  no alarm among the answered weeks without such cases; npv: no such cases among the
                 answered weeks without alarm
    delay        weeks from start to first alarm, of the outbreaks that were found; delay_by_size
                 by k, of those k that were found at all
    answered     weeks with an answer. A week without one finds no outbreak, and is no proof that a
                 method keeps quiet
    """

    fpr: float
    fpr_median: float
    fpr_max: float
    pod: float
    pod1: float
    sensitivity: float
    specificity: float
    ppv: float
    npv: float
    f1: float
    delay: float
    answered: float
    outbreaks: int
    pod_by_size: Mapping[int, float] = field(default_factory=dict)
    delay_by_size: Mapping[int, float] = field(default_factory=dict)


def measure(
    series: Series,
    alarm: ArrayLike,
    clean_alarm: ArrayLike | None = None,
    answered: ArrayLike | None = None,
    clean_answered: ArrayLike | None = None,
) -> Measures:
    """Measure the alarms of the judged columns: (series, judged), and those of ``clean``.

    ``answered``, ``clean_answered``: where there was an answer at all (everywhere).

    >>> real = labelled([[1, 1, 9, 8, 1, 1]], [[0, 0, 1, 1, 0, 0]])
    >>> seen = measure(real, [[False, True, False, True, False, False]])
    >>> seen.pod, seen.pod1, seen.delay, seen.sensitivity, seen.fpr
    (1.0, 0.0, 1.0, 0.5, 0.25)
    """
    begin = series.counts.shape[1] - series.judged
    truth = series.outbreak[:, begin:]
    said = np.asarray(alarm, np.bool_)
    if said.shape != truth.shape:
        raise ValueError(f"alarm needs the shape {truth.shape}, (series, judged)")
    known = _like(truth, answered)
    hits, false = int((said & truth).sum()), int((said & ~truth).sum())
    missed = truth & ~said
    silent, rest = int((missed & known).sum()), int((known & ~said & ~truth).sum())
    quiet = ~truth & known
    calm = said
    if clean_alarm is not None:
        calm = np.asarray(clean_alarm, np.bool_)
        quiet = _like(truth, clean_answered)
        if calm.shape != truth.shape:
            raise ValueError(f"clean_alarm needs the shape {truth.shape}, (series, judged)")
    groups = (series.group == one for one in np.unique(series.group))
    rates = [
        _share((calm & quiet)[rows].sum(), quiet[rows].sum())
        for rows in groups
        if quiet[rows].any()
    ]
    found: list[tuple[int, bool, int]] = []  # k, whether there is an alarm, after how long
    for row, first, last in _judged_outbreaks(series, truth, begin):
        alarms = np.flatnonzero(said[row, first : last + 1])
        found.append((int(series.size[row]), alarms.size > 0, int(alarms[0]) if alarms.size else 0))
    delays = [delay for _, seen, delay in found if seen]
    by_size = {
        k: _share(sum(seen for size, seen, _ in found if size == k),
                  sum(size == k for size, _, _ in found))
        for k in sorted({size for size, _, _ in found} - {0})
    }  # fmt: skip
    waits = {
        k: float(np.mean(those))
        for k in by_size
        if (those := [delay for size, seen, delay in found if seen and size == k])
    }
    misses = int(missed.sum())
    sensitivity, ppv = _share(hits, hits + misses), _share(hits, hits + false)
    return Measures(
        fpr=float(np.mean(rates)) if rates else np.nan,
        fpr_median=float(np.median(rates)) if rates else np.nan,
        fpr_max=float(np.max(rates)) if rates else np.nan,
        pod=_share(len(delays), len(found)),
        pod1=_share(sum(delay == 0 for delay in delays), len(found)),
        sensitivity=sensitivity,
        specificity=_share(rest, rest + false),
        ppv=ppv,
        npv=_share(rest, rest + silent),
        f1=_share(2 * hits, 2 * hits + false + misses),
        delay=float(np.mean(delays)) if delays else np.nan,
        answered=float(known.mean()) if known.size else np.nan,
        outbreaks=len(found),
        pod_by_size=by_size,
        delay_by_size=waits,
    )


def _like(truth: Marks, answered: ArrayLike | None) -> Marks:
    """Where there was an answer; everywhere, if nothing else is said."""
    if answered is None:
        return np.ones_like(truth)
    known = np.asarray(answered, np.bool_)
    if known.shape != truth.shape:
        raise ValueError(f"answered needs the shape {truth.shape}, (series, judged)")
    return known


def _judged_outbreaks(series: Series, truth: Marks, begin: int) -> list[tuple[int, int, int]]:
    """Outbreaks as (series, start, last case) in judged columns; last < start: no case was seen."""
    if (series.start < 0).all():
        return episodes(truth)
    last = np.where(truth.any(axis=1), truth.shape[1] - 1 - truth[:, ::-1].argmax(axis=1), -1)
    return [
        (row, int(start) - begin, int(last[row]))
        for row, start in enumerate(series.start)
        if start >= begin
    ]


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def evaluate(
    methods: Mapping[str, Method], series: Series, progress: Progress | None = None
) -> dict[str, Measures]:
    """Give every method the series and measure its alarms.

    A method takes counts of (series, time) and answers for all columns or for the last ones, at
    least those that are judged: ``lambda y: farrington_flexible(y, last=49)``.

    >>> from epistat import c1, c2
    >>> some = simulate(replicates=1, scenarios=SCENARIOS[:3])
    >>> sorted(evaluate({"c1": c1, "c2": c2}, some))
    ['c1', 'c2']
    """
    found = {}
    for done, (name, method) in enumerate(methods.items()):
        alarm, answered = _alarms(method, series.counts, series.judged)
        clean, clean_answered = None, None
        if series.clean is not None:
            clean, clean_answered = _alarms(method, series.clean, series.judged)
        found[name] = measure(series, alarm, clean, answered, clean_answered)
        if progress is not None:
            progress(done + 1, len(methods))
    return found


def _alarms(method: Method, counts: Floats, judged: int) -> tuple[Marks, Marks]:
    answer = method(counts)
    if answer.alarm.shape[1] < judged:
        raise ValueError(f"the method answers for fewer than the {judged} columns that are judged")
    return answer.alarm[:, -judged:], answer.answered[:, -judged:]


def at_rate(
    series: Series, surprise: ArrayLike, clean_surprise: ArrayLike, rate: float
) -> tuple[Measures, float]:
    """Compare methods at one rate of false alarms: the measures, and the cut that gives it.

    ``surprise``, ``clean_surprise``: (series, judged), higher is more unusual (a score, or 1 - p);
    NaN is no answer. The cut is the least number with at most ``rate`` of the answered clean weeks
    above it.

    >>> real = labelled([[1, 1, 9, 8]], [[0, 0, 1, 1]])
    >>> at_rate(real, [[0.2, 1, 9, 8]], [[0.2, 1, 0, 2]], rate=0.25)[1]
    1.0
    """
    if not 0 < rate < 1:
        raise ValueError("rate must lie between 0 and 1")
    clean, high = np.asarray(clean_surprise, np.float64), np.asarray(surprise, np.float64)
    answered, clean_answered = ~np.isnan(high), ~np.isnan(clean)
    ranked = np.sort(clean[clean_answered])
    cut = float(ranked[len(ranked) - 1 - int(rate * len(ranked))]) if ranked.size else np.inf
    # A comparison with NaN is no.
    return measure(series, high > cut, clean > cut, answered, clean_answered), cut


COLUMNS = (
    ("FPR", "fpr"), ("median", "fpr_median"), ("max", "fpr_max"), ("POD", "pod"),
    ("POD1", "pod1"), ("sens", "sensitivity"), ("spec", "specificity"), ("PPV", "ppv"),
    ("NPV", "npv"), ("F1", "f1"), ("delay", "delay"), ("answered", "answered"),
)  # fmt: skip


def as_table(found: Mapping[str, Measures]) -> str:
    """The measures as text: shares in percent, delay in columns, POD and delay (d) by k.

    >>> real = labelled([[1, 1, 9, 8, 1, 1]], [[0, 0, 1, 1, 0, 0]])
    >>> print(as_table({"mine": measure(real, [[0, 1, 0, 1, 0, 0]])}).splitlines()[1])
    mine    25.00  25.00  25.00  100.0    0.0   50.0   75.0   50.0   75.0   50.0   1.00    100.0
    """
    sizes = sorted({k for one in found.values() for k in one.pod_by_size})
    width = max([len(name) for name in found] + [6])
    wide = {title: max(len(title) + 1, 7) for title, _ in COLUMNS}
    head = "".join(f"{title:>{wide[title]}}" for title, _ in COLUMNS)
    head += "".join(f"{f'{letter}={k}':>6}" for letter in "kd" for k in sizes)
    lines = [f"{'':{width}}{head}"]
    for name, one in found.items():
        cells = []
        for title, column in COLUMNS:
            value = getattr(one, column)
            scale, digits = (1, 2) if title == "delay" else (100, 2 if "fpr" in column else 1)
            text = "–" if np.isnan(value) else f"{value * scale:.{digits}f}"
            cells.append(f"{text:>{wide[title]}}")
        cells += [f"{100 * one.pod_by_size[k]:>6.0f}" if k in one.pod_by_size else f"{'–':>6}"
                  for k in sizes]  # fmt: skip
        cells += [f"{one.delay_by_size[k]:>6.2f}" if k in one.delay_by_size else f"{'–':>6}"
                  for k in sizes]  # fmt: skip
        lines.append(f"{name:{width}}{''.join(cells)}")
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    from epistat.command_evaluate import evaluate as command

    sys.exit(command(sys.argv[1:], "python -m epistat.evaluate"))
