"""The page of the documentation that lays epistat beside its twins, R and published examples.

``make verification`` writes ``docs/epistat.md``; ``test_verification.py`` measures again and fails
where the page says something else. What is measured are the same comparisons as in the tests.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

import numpy as np

import epistat
from epistat import Detection, Flag, circles, scan
from epistat.evaluate import Measures, evaluate, measure, simulate
from epistat.result import Floats
from epistat.tests import (
    benchmark_reference,
    default_score,
    plain,
    plain_adaptive,
    plain_farrington,
    plain_scan,
    reference,
    scan_reference,
    test_against_r,
    test_charts,
    verification_outlook,
    verification_twins,
)
from epistat.tests.reference import REFERENCE, Case
from epistat.tests.verification_twins import Gathered

PAGE = Path(__file__).parents[2] / "docs" / "epistat.md"
MEASURED = Path(__file__).parents[2] / "benchmarks" / "measured"
WEEKS = 300
ROUNDING = 1e-9
PERCENTILES = (("agona", 5, 80), ("agona", 3, 50), ("shadar", 3, 75))
FUNCTIONS = {
    "farringtonFlexible": "farrington_flexible",
    "farrington": "farrington",
    "bayes": "bayes",
    "rki": "rki",
    "cdc": "cdc",
    "cusum": "cusum",
    "glrpois": "glr, Poisson",
    "glrnb": "glr, negative binomial",
    "outbreakP": "outbreak_p",
}


@dataclass(frozen=True)
class Row:
    """A comparison: its words, how many numbers, the largest difference, alarms that differ.

    ``allowed`` is the tolerance of the tests; a page with a greater difference is not made.
    """

    words: tuple[str, ...]
    numbers: int
    worst: float
    alarms: int = 0
    note: str = ""
    allowed: float = ROUNDING

    @property
    def bound(self) -> str:
        """What the difference does not reach; of mere rounding, with room for other machines."""
        if self.worst < ROUNDING:
            return f"1e{max(ceil(log10(self.worst)) + 1, -13)}" if self.worst else "0"
        power = 10.0 ** floor(log10(self.worst))
        factors = (n for n in (2, 3, 5, 7, 10, 20) if n * power > 1.05 * self.worst)
        return f"{next(factors) * power:.0e}"

    @property
    def cells(self) -> list[str]:
        if not self.worst <= self.allowed:
            raise AssertionError(f"{self.words}: {self.worst} is beyond {self.allowed}")
        alarms = [] if self.alarms < 0 else [str(self.alarms)]
        return [*self.words, f"{self.numbers:,}", f"< {self.bound}" if self.worst else "0",
                f"{self.allowed:.2g}", *alarms, self.note]  # fmt: skip


# --- Twins ----------------------------------------------------------------------------------------


def _counts() -> Floats:
    rng = np.random.default_rng(7)
    level = np.array([[0.3], [2.0], [9.0], [60.0]])
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(WEEKS) / 52)
    counts = rng.poisson(rng.gamma(3, level * season / 3)).astype(np.float64)
    counts[1, ::41] = np.nan
    return counts


Twin = Callable[[Floats], list[plain.Day]]
TWINS: dict[str, tuple[Callable[[Floats], Detection], Twin]] = {
    "c1": (epistat.c1, lambda y: plain.shewhart(y, guard=0)),
    "c2": (epistat.c2, lambda y: plain.shewhart(y, guard=2)),
    "c3": (epistat.c3, plain.c3),
    "moving_percentile": (
        lambda y: epistat.moving_percentile(y, every="week"),
        lambda y: plain.moving_percentile(y, every="week"),
    ),
    "bayes": (epistat.bayes, lambda y: plain.bayes(y, 1, 6, True, 0.05)),
    "rki": (epistat.rki, lambda y: plain.rki(y, 1, 6, True)),
    "cdc": (lambda y: epistat.cdc(y, years=3), lambda y: plain.cdc(y, 3, 1, 0.001)),
}


def twins() -> list[Row]:
    """Each method beside its plain twin, on four series of 300 weeks."""
    counts = _counts()
    rows = []
    for name, (method, twin) in TWINS.items():
        answer = method(counts)
        differences, alarms = Gathered(), 0
        for i, series in enumerate(counts):
            for t, day in enumerate(twin(series)):
                if day is None:
                    alarms += bool(answer.answered[i, t])
                    continue
                numbers = (answer.expected, answer.upper, answer.p, answer.score)
                differences.add([float(column[i, t]) for column in numbers], day[:4])
                alarms += bool(answer.alarm[i, t] != day[4])
        rows.append(Row((name,), differences.count, differences.worst, alarms))
    rows += [_farrington_twin(), _adaptive_twin(counts)]
    rows += [_cusum_twin(counts), _glr_twin(counts), _outbreak_p_twin(), *_scan_twins()]
    rows += [
        Row((name,), numbers, worst, alarms, allowed=allowed)
        for name, numbers, worst, alarms, allowed in verification_twins.twins()
    ]
    return rows


def _farrington_twin() -> Row:
    counts = _counts()
    answer = epistat.farrington_flexible(counts, last=12)
    differences, alarms = Gathered(), 0
    for i, series in enumerate(counts):
        for back in range(12):
            week = WEEKS - 12 + back
            day, _ = plain_farrington.farrington(series, week, plain_farrington.Settings())
            if day is None:
                alarms += bool(answer.answered[i, back])
                continue
            numbers = (answer.expected, answer.upper, answer.p, answer.score)
            differences.add([float(column[i, back]) for column in numbers], day[:4])
            alarms += bool(answer.alarm[i, back] != day[4])
    return Row(("farrington_flexible",), differences.count, differences.worst, alarms)


def _adaptive_twin(counts: Floats) -> Row:
    answer = epistat.adaptive(counts, last=12)
    differences, alarms = Gathered(), 0
    for i, series in enumerate(counts):
        for t, day in enumerate(plain_adaptive.adaptive(series, first=WEEKS - 12)):
            if day is None:
                alarms += bool(answer.answered[i, t])
                continue
            numbers = (answer.expected, answer.upper, answer.p, answer.score)
            differences.add([float(column[i, t]) for column in numbers], day[:4])
            alarms += bool(answer.alarm[i, t] != day[4])
    return Row(("adaptive",), differences.count, differences.worst, alarms)


def _cusum_twin(counts: Floats) -> Row:
    answer = epistat.cusum(counts, training=200)
    differences, alarms = Gathered(), 0
    for i, series in enumerate(counts):
        mean, total = float(np.nanmean(series[:200])), 0.0
        for t in range(200, WEEKS):
            if np.isnan(series[t]):
                continue
            z = test_charts.normal(float(series[t]), mean, "rossi", 0.1)
            total = max(0.0, total + z - 1.04)
            differences.add([float(answer.score[i, t])], [total])
            alarms += bool(answer.alarm[i, t] != (total >= 2.26))
    return Row(("cusum",), differences.count, differences.worst, alarms)


def _glr_twin(counts: Floats) -> Row:
    """All starts of a window, the best rate ratio of each, until the first alarm."""
    mean = np.nan_to_num(counts[:, :200]).mean(axis=1)
    answer = epistat.glr(counts, training=200, mean=mean[:, np.newaxis])
    differences, alarms = Gathered(), 0
    for i, series in enumerate(counts):
        for t in range(200, WEEKS):
            best = 0.0
            for start in range(200, t + 1):
                part = series[start : t + 1]
                x, m = float(np.nansum(part)), mean[i] * float((~np.isnan(part)).sum())
                if x > m > 0:
                    best = max(best, x * np.log(x / m) - (x - m))
            if np.isnan(series[t]):
                continue
            differences.add([float(answer.score[i, t])], [best])
            alarms += bool(answer.alarm[i, t] != (best >= 5))
            if best >= 5:
                break
    return Row(("glr",), differences.count, differences.worst, alarms)


def _outbreak_p_twin() -> Row:
    from scipy.optimize import isotonic_regression

    counts = np.random.default_rng(3).poisson(np.linspace(2, 6, 60), (4, 60)).astype(np.float64)
    answer = epistat.outbreak_p(counts)
    differences, alarms = Gathered(), 0
    for i, series in enumerate(counts):
        for t in range(2, 60):
            y = series[: t + 1]
            fitted = isotonic_regression(y).x
            log_ratio = float(sum(n * np.log(f / y.mean()) for n, f in zip(y, fitted, strict=True)
                                  if n > 0))  # fmt: skip
            differences.add([np.log(float(answer.score[i, t]))], [log_ratio])
            alarms += bool(answer.alarm[i, t] != (log_ratio > np.log(100)))
    return Row(("outbreak_p",), differences.count, differences.worst, alarms)


def _scan_twins() -> list[Row]:
    rows = []
    rng = np.random.default_rng(5)
    where = np.array([[x, y] for x in range(4) for y in range(3)], float)
    people = rng.integers(8, 30, (12, 6)).astype(float)
    counts = np.minimum(rng.poisson(people / 9), people).astype(float)
    sets = plain_scan.sets_of_places(where, np.ones(12), 0.5)
    for model in ("poisson", "bernoulli", "permutation", "expectation"):
        base = {"permutation": None, "expectation": people / 9}.get(model, people)
        every = scan_reference.scores(counts, circles(where), model, base)
        twin = plain_scan.scores(
            model, counts, people if base is None else base, sets, range(1, 7), 1, 6
        )
        differences = Gathered()
        differences.add([every[key] for key in twin], twin.values())
        words = (f"scan, {model}",)
        rows.append(Row(words, differences.count, differences.worst, allowed=1e-8))
    return rows


# --- R --------------------------------------------------------------------------------------------


def of_r() -> list[Row]:
    """Each function of R beside ours, over all its stored outputs."""
    gathered: dict[str, list[tuple[Case, reference.Differences, str]]] = defaultdict(list)
    for case in reference.cases():
        if case.option("change") == "epi":
            continue  # told apart below
        column = "score" if case.option("ret") == "value" else "upper"
        found = reference.compare(case, reference.ask(case), {"upperbound": column})
        name = case.function
        if case.corrected:
            name += " without its defect"
        if case.name in test_reference_looser():
            name += ", fitted dispersion" if "glr" in case.name else ", anscombe_nb"
        gathered[name].append((case, found, column))
    rows = [*_ears_of_r(), _percentiles_of_r(), _rare_of_r()]
    for name, parts in gathered.items():
        function = FUNCTIONS[parts[0][0].function]
        ours = function if "without" in name else f'{function}, compat="R"'
        if name.startswith(("glr", "outbreak")):
            ours = function
        worst = max(found.columns[column] for _, found, column in parts)
        rows.append(
            Row(
                (ours, f"surveillance: {name}", str(len(parts))),
                sum(found.rows for _, found, _ in parts),
                worst,
                sum(len(found.alarms) for _, found, _ in parts),
                allowed=max(
                    test_reference_looser().get(case.name, ROUNDING) for case, _, _ in parts
                ),
            )
        )
    return rows


def test_reference_looser() -> dict[str, float]:
    from epistat.tests import test_reference

    return test_reference.LOOSER


def _ears_of_r() -> list[Row]:
    rows = []
    for chart, function in test_against_r.CHARTS.items():
        numbers, worst, alarms, outputs = 0, 0.0, 0, 0
        for series, of, case in test_against_r.REAL:
            if of != chart:
                continue
            counts = test_against_r.counts_of(REFERENCE / "series" / f"{series}.csv")
            answer = test_against_r.run(chart, case, np.array(list(counts.values())), "R")
            units = list(counts)
            outputs += 1
            for row in reference.table(REFERENCE / "detect" / f"{series}__{chart}_{case}.csv"):
                cell = units.index(row["unit"]), int(row["t"]) - 1
                upper = reference.number(row["upperbound"])
                numbers += 1
                if not np.isnan(upper):
                    apart = abs(float(answer.upper[cell]) - upper) / max(abs(upper), 1e-6)
                    worst = max(worst, apart)
                if row["alarm"] != "NA":
                    alarms += bool(answer.alarm[cell]) != (row["alarm"] == "TRUE")
        words = f'{function.__name__}, compat="R"', f"surveillance: earsC {chart[4:]}", str(outputs)
        rows.append(Row(words, numbers, worst, alarms))
    return rows


def _percentiles_of_r() -> Row:
    """The definition of the moving percentile in base R, with quantiles of its type 7."""
    numbers, worst, alarms = 0, 0.0, 0
    for series, years, percentile in PERCENTILES:
        counts = reference.series(series).counts
        answer = epistat.moving_percentile(
            counts, every="week", years=years, percentile=percentile, minimum=0
        )
        file = REFERENCE / "detect" / f"{series}__mpm_y{years}_h2_p{percentile}.csv"
        for row in reference.table(file):
            week, upper = int(row["t"]) - 1, reference.number(row["threshold"])
            numbers += 1
            apart = abs(float(answer.upper[0, week]) - upper)
            worst = max(worst, apart / max(abs(upper), 1e-6))
            alarms += bool(answer.alarm[0, week]) != (row["alarm_gt"] == "TRUE")
    words = "moving_percentile", "its definition in base R", str(len(PERCENTILES))
    return Row(words, numbers, worst, alarms)


def _rare_of_r() -> Row:
    """Expected number, threshold, p and score where cases are rare and weeks missing."""
    differences, alarms, outputs = Gathered(), 0, 0
    for row, answer in reference.rare():
        names = ("expected", "upper", "p", "score")
        ours = [float(getattr(answer, name)[0, 0]) for name in names]
        differences.add(ours, [reference.number(row[name]) for name in names])
        alarms += bool(answer.alarm[0, 0]) != (row["alarm"] == "TRUE")
        outputs += 1
    words = 'farrington_flexible, compat="R"', "surveillance: farringtonFlexible, rare cases"
    return Row(
        (*words, str(outputs)), differences.count, differences.worst, alarms, allowed=1e-6,
        note="trends without end, missing weeks; R stops its iteration",
    )  # fmt: skip


# On all 420 series, where R's alarms are not stored or are those of a defect.
WITHOUT_R: dict[str, Callable[[Floats], Detection]] = {
    "farrington_flexible": lambda y: epistat.farrington_flexible(y, last=49),
    "farrington": lambda y: epistat.farrington(y, last=49),
    "c1": epistat.c1,
    "c2": epistat.c2,
    "c3, min_sigma 0.5": lambda y: epistat.c3(y, min_sigma=0.5),
    "moving_percentile, P80, 3 cases": lambda y: epistat.moving_percentile(
        y, every="week", percentile=80, minimum=3
    ),
    "moving_percentile, P90": lambda y: epistat.moving_percentile(y, every="week", percentile=90),
}
SCANS = {
    "NYleukemia": ("scan, bernoulli", "SpatialEpi: kulldorff, leukaemia in New York"),
    "NM_pb_poisson_pop": ("scan, poisson", "scanstatistics: scan_pb_poisson, New Mexico"),
    "NM_permutation": ("scan, permutation", "scanstatistics: scan_permutation, New Mexico"),
    "NM_eb_poisson": ("scan, expectation", "scanstatistics: scan_eb_poisson, New Mexico"),
}


def scans() -> list[Row]:
    rows = []
    for name, words in SCANS.items():
        found = scan_reference.compare(name)
        same = "the same most likely cluster" if found.best_is_the_same else "another cluster"
        note = f"{same}; p {found.p:.3f}, R {found.p_of_r:.3f}"
        rows.append(Row(words, found.scores, found.worst, -1, note, 1e-8))
    return rows


def benchmark() -> list[tuple[str, ...]]:
    """Ten replicates of the 42 scenarios: our alarms beside R's, and what they are worth."""
    rows: list[tuple[str, ...]] = []
    for name, method in benchmark_reference.METHODS.items():
        if name == "glrnb":
            continue  # half a minute; compared in the long tests
        some, theirs, clean = benchmark_reference.alarms(name)
        series = benchmark_reference.some(some)
        assert series.clean is not None
        differ = 0
        ours = [method(counts).alarm[:, -49:] for counts in (series.counts, series.clean)]
        for found, alarms in zip(ours, (theirs, clean), strict=True):
            differ += int((found != alarms).sum())
        note = "R loses them, see below" if name == "outbreakP" else ""
        if len(series.counts) < len(benchmark_reference.series().counts):
            note = f"{len(series.counts)} series, k up to {series.size.max()}: R is slow"
        words = name, f"{2 * theirs.size:,}", str(differ)
        rows.append((*words, *_worth(measure(series, *ours)), note))
    whole = benchmark_reference.series()
    weeks = f"{2 * whole.judged * len(whole.counts):,}"
    for name, one in evaluate(WITHOUT_R, whole).items():
        rows.append((name, weeks, "–", *_worth(one), ""))
    return rows


def _worth(one: Measures) -> tuple[str, ...]:
    shares = (one.fpr, one.fpr_max, one.pod, one.pod1, one.sensitivity, one.specificity, one.ppv,
              one.f1)  # fmt: skip
    return (*(f"{100 * share:.1f}" for share in shares), f"{one.delay:.2f}")


def speed() -> str:
    """The tables that the benchmarks printed, kept beside them; times are not measured here."""
    return "\n".join(
        f"`benchmarks/{file.stem}.py`:\n\n```\n{file.read_text(encoding='utf-8').strip()}\n```\n"
        for file in sorted(MEASURED.glob("*.txt"))
    )


def _number(value: object, digits: int) -> str:
    return "–" if value is None else f"{float(str(value)):.{digits}f}"


def beside_others() -> list[tuple[str, ...]]:
    """The default score on the scenarios, as the benchmark stored it."""
    rows: list[tuple[str, ...]] = []
    for line in default_score.stored()["scenarios"]:
        sizes = line["by_size"]
        assert isinstance(sizes, dict)
        rows.append(
            (
                str(line["method"]),
                *(_number(line[name], digits) for name, digits in (
                    ("fpr", 2), ("fpr_max", 2), ("pod", 1), ("pod1", 1), ("delay", 3), ("wait", 3),
                    ("net", 1),
                )),
                *(_number(value, 0) for value in sizes.values()),
            )
        )  # fmt: skip
    return rows


def on_labelled_series() -> list[tuple[str, ...]]:
    """The default score on real series with outbreaks that were named."""
    return [
        (
            str(line["method"]), f"{line['rate']} %", f"{line['found']} of {line['outbreaks']}",
            str(line["at_once"]), _number(line["delay"], 1), _number(line["weeks"], 0),
        )
        for line in default_score.stored()["labelled"]
    ]  # fmt: skip


def on_injected_series() -> list[tuple[str, ...]]:
    """The default score on real series with an outbreak put in."""
    return [
        (
            str(line["group"]), str(line["method"]), f"{line['rate']} %", _number(line["pod"], 1),
            _number(line["pod1"], 1), _number(line["delay"], 2),
        )
        for line in default_score.stored()["injected"]
    ]  # fmt: skip


def published() -> list[tuple[str, ...]]:
    """Numbers of the papers that can be measured anew."""
    counts = np.random.default_rng(1).poisson(20, (500, 4000))
    alarm = epistat.cusum(counts, training=0, mean=20.0).alarm
    until = np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1, alarm.shape[1]).mean()
    series = simulate(replicates=10, seed=1)
    judge = {"noufaily": lambda y: epistat.farrington_flexible(y, last=49)}
    rate = evaluate(judge, series)["noufaily"].fpr
    return [
        ("cusum", "Rossi 1999: k = 1.04 and h = 2.26, a false alarm in 500 weeks",
         f"{until:.0f} weeks (Poisson, mean 20)"),
        ("farrington_flexible", "Noufaily 2013: 0.5 % of weeks without an outbreak alarm",
         f"{100 * rate:.2f} % of the 42 scenarios, ten replicates"),
    ]  # fmt: skip


# --- What differs on purpose ----------------------------------------------------------------------


def on_purpose() -> list[tuple[str, ...]]:
    """(where, what R does, R's number, ours): measured now."""
    return [
        *_dispersion(),
        _read_too_early(),
        _c3(),
        _scores(),
        _silence(),
        _nothing(),
        _outbreak_p(),
        _evenly(),
        *verification_outlook.on_purpose(),
    ]


def _dispersion() -> Iterable[tuple[str, str, str, str]]:
    kept, upper = [], []
    for mode in ("R", None):
        counts = reference.series("campyDE").counts
        dates = reference.series("campyDE").dates
        answer = epistat.farrington_flexible(
            counts, dates=dates, trend_p=0.05, method="muan", compat=mode
        )
        known = ~np.isnan(answer.upper[0])
        trend = (answer.flags[0] & np.uint8(Flag.TREND)) > 0
        kept.append(trend[known])
        upper.append(answer.upper[0][known])
    weeks = len(kept[0])
    yield (
        "farringtonFlexible: test of the trend",
        "standard errors from the weights against past outbreaks, not from those of the fit",
        f"campyDE: a trend is kept in {kept[0].sum()} of {weeks} weeks",
        f"{kept[1].sum()}; {int((kept[0] != kept[1]).sum())} decisions differ",
    )
    change = upper[1] / upper[0] - 1
    yield (
        "farringtonFlexible: muan threshold",
        "the same",
        f"campyDE: {upper[0].mean():,.0f} cases in the mean",
        f"{upper[1].mean():,.0f}; by week {100 * change.min():+.1f} to {100 * change.max():+.1f} %",
    )


def _read_too_early() -> tuple[str, str, str, str]:
    y = np.round(5 + 0.05 * np.arange(330.0)) + np.arange(330) % 7
    y[65:75] = np.nan  # the first of the weeks that week 330 is compared with
    dates = np.datetime64("2015-01-05") + 7 * np.arange(330)
    r, ours = (
        epistat.farrington_flexible(y[np.newaxis], dates=dates, last=1, compat=mode)
        for mode in ("R", None)
    )
    return (
        "farringtonFlexible: trend, with dates",
        "read as many weeks too early as are missing where the history begins",
        f"cases that rise by 1 in 20 weeks, the first ten missing: {r.expected[0, 0]:.2f} expected",
        f"{ours.expected[0, 0]:.2f}",
    )


def _c3() -> tuple[str, str, str, str]:
    series = benchmark_reference.series()
    assert series.clean is not None
    found = []
    for mode in ("R", None):
        alarm, clean = (
            epistat.c3(counts, compat=mode).alarm[:, -49:]
            for counts in (series.counts, series.clean)
        )
        found.append(measure(series, alarm, clean))
    r, ours = found
    return (
        "earsC, method C3",
        "takes the count of today for the mean, so that only the two days before decide",
        f"finds {100 * r.pod1:.1f} % of 420 outbreaks in their first week, false alarms"
        f" {100 * r.fpr:.1f} %",
        f"{100 * ours.pod1:.1f} %, false alarms {100 * ours.fpr:.1f} %",
    )


def _scores() -> tuple[str, str, str, str]:
    counts = reference.series("edge_week53").counts
    dates = reference.series("edge_week53").dates
    r, ours = (
        epistat.farrington_flexible(counts, dates=dates, last=1, compat=mode)
        for mode in ("R", None)
    )
    return (
        "farringtonFlexible: score of nbPlugin",
        "the logarithm of the expected number where the number belongs; alarms are the same",
        f"edge_week53, last week: {r.score[0, 0]:.3f}",
        f"{ours.score[0, 0]:.3f}",
    )


def _silence() -> tuple[str, str, str, str]:
    counts = reference.series("edge_missing").counts
    r, ours = (epistat.farrington_flexible(counts, compat=mode) for mode in ("R", None))
    judged = ~np.isnan(counts) & ((ours.flags & np.uint8(Flag.SHORT_HISTORY)) == 0)
    silent = [int((np.isnan(answer.upper) & judged).sum()) for answer in (r, ours)]
    return (
        "farringtonFlexible: low-count rule",
        "a missing week silences the weeks after it",
        f"edge_missing: {silent[0]} of {int(judged.sum())} weeks without a threshold",
        f"{silent[1]}",
    )


def _nothing() -> tuple[str, str, str, str]:
    counts = reference.series("edge_zeros").counts.copy()
    counts[:, -1] = 5
    r, ours = (epistat.farrington_flexible(counts, last=1, compat=mode) for mode in ("R", None))
    return (
        "farringtonFlexible: years without a case, then 5",
        "the regression does not converge: no result",
        "alarm" if r.alarm.any() else "no alarm, no threshold",
        f"threshold {ours.upper[0, 0]:.0f}, {'alarm' if ours.alarm.any() else 'no alarm'}",
    )


def _outbreak_p() -> tuple[str, str, str, str]:
    rows, theirs, _ = benchmark_reference.alarms("outbreakP")
    series = benchmark_reference.some(rows)
    alarm = benchmark_reference.METHODS["outbreakP"](series.counts).alarm[:, -49:]
    return (
        "outbreakP: many cases",
        "multiplies the factors of the statistic, which come to 0 on their way",
        f"42 scenarios: {int(theirs.sum()):,} weeks with an alarm",
        f"{int(alarm.sum()):,}, all of R's among them",
    )


def _evenly() -> tuple[str, str, str, str]:
    _, where, counts, people = scan_reference.counties()
    zones = circles(where, share=1, most=15)
    found = scan(counts, zones, base=people, longest=19, least=1, replicates=0).clusters[0]
    (best,) = reference.table(scan_reference.FOLDER / "NM_pb_poisson_pop_mlc.csv")
    return (
        "scanstatistics: expected cases",
        "every year has the same number, whatever its people",
        f"New Mexico: score {float(best['mlc_score']):.2f}, {best['mlc_duration']} years,"
        f" {len(best['mlc_locations'].split(';'))} counties",
        f"by people alone: {found.score:.2f}, {found.duration} years, {len(found.places)} counties",
    )


# --- The page -------------------------------------------------------------------------------------

HEAD = """\
# epistat beside its twins and R

`make verification` writes this page from the comparisons that the tests make;
`epistat/tests/test_verification.py` measures again and fails where it says something else. A
difference is relative, of numbers below 1 absolute where twins are compared; `< 1e-12` means that
none came near it. Alarms: how many differ. The outputs of R are those of R 4.2.2 with surveillance
1.20.3, SpatialEpi 1.2.8 and scanstatistics 1.1.2; the real series and data ship in GPL packages and
are not kept in this repository, our own series are (`epistat/tests/vectors`).

Products of matrices are cut into pieces that OpenBLAS, which NumPy's wheels bring, does in one
thread: more threads would wait for each other and, on a shared machine, take the cores of others.
The number of threads changes no answer (a test finds so for `adaptive` and `cori`); another BLAS
may round the last digits otherwise.
`threads` of `scan` are Python's own and change no number.
"""


SPEED = """\
As the benchmarks last printed it (`benchmarks/measured`); times are not measured again for this
page. EARS and Bayes are timed as R answers, without p and score, which come when they are asked
for. A regression compiled by numba was no quicker than NumPy's (benchmarks/README.md).
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, text, head, rows in sections():
        parts += [f"## {title}\n", text + "\n", _table(head, rows)]
    if tables := speed():
        parts += ["## Speed\n", SPEED, tables]
    return "\n".join(parts)


def sections() -> list[tuple[str, str, tuple[str, ...], list[Row] | list[tuple[str, ...]]]]:
    """Title, words, head and rows of each part."""
    return [
        (
            "Plain twins",
            "Each formula is written down a second time, slowly, for one series and one week\n"
            "(`plain*.py`). The tests compare on random input by the hundred, with\n"
            "`--hypothesis-profile=proof` by the thousand; here on four fixed\n"
            "series of 300 weeks, or three epidemics of 60 days (scans: 12 places, all circles\n"
            "and durations). The tolerance is that of the tests; no page is made beyond it.",
            ("method", "numbers", "largest difference", "tolerance", "alarms", ""),
            twins(),
        ),
        (
            "R",
            "All stored outputs of each function, thresholds or statistics. With a fitted\n"
            "dispersion R stops a little before the maximum; its Anscombe residual is\n"
            "approximated, ours exact. For the epidemic alternative of the GLR chart R's search\n"
            "stops short: there the tests hold that R finds none better than ours.",
            ("ours", "R", "outputs", "numbers", "largest difference", "tolerance", "alarms", ""),
            of_r(),
        ),
        (
            "R: clusters",
            "Scores of zones (and durations), and the most likely cluster.",
            ("ours", "R", "scores", "largest difference", "tolerance", ""),
            scans(),
        ),
        (
            "R: reproduction numbers, growth, nowcasts and scores",
            "EpiEstim 2.2.4, surveillance, glm and MASS. Where R draws at random or stops before\n"
            "the maximum the note says so; the far tail of R's discr_si cancels.",
            ("ours", "R", "outputs", "numbers", "largest difference", "tolerance", ""),
            [Row(*parts) for parts in verification_outlook.of_r()],
        ),
        (
            "The 42 scenarios",
            "Ten replicates, with and without the current outbreak, weeks 576 to 624:\n"
            "series-weeks, alarms that differ from R's, and the measures of ours in percent (FPR\n"
            "in the mean and at most of the scenarios), the delay in weeks. The measures of R's\n"
            "alarms, as the tests take them, are those stored with them. `fangkong evaluate`\n"
            "prints these of any method.",
            (
                "method",
                "series-weeks",
                "differ",
                "FPR",
                "max",
                "POD",
                "POD1",
                "sens",
                "spec",
                "PPV",
                "F1",
                "delay",
                "",
            ),
            benchmark(),
        ),
        (
            "The default warning score",
            "`adaptive` beside Farrington flexible as improved by Noufaily 2013 (nbPlugin) and\n"
            "CIDARS' moving percentile, on the 42 scenarios: 8,400 series of the seeds 12 and 14;\n"
            "settings were chosen on the seeds 11 and 13. Shares in percent, by k on the right.\n"
            "FPR: of weeks without an outbreak, mean and largest of the scenarios. POD1: found in\n"
            "the first week. delay: weeks to the alarm, of those that were found; wait: the\n"
            "same where one that was not found counts with its whole length. net: POD less what\n"
            "chance alarms find in the same weeks. Methods are compared at one rate: each alarms\n"
            "in the weeks it ranks highest.\n\n"
            "It beats nbPlugin at its own rate in POD, in the first week and in delay, at both\n"
            "settings, and as it is at fewer false alarms. **It does not beat the moving\n"
            "percentile's POD at a tenth of its false alarms, and nothing can that judges a week\n"
            "by its count:** whoever knows the true mean and dispersion of every week does not\n"
            "come near it either. What the moving percentile finds are for the greatest part its\n"
            "own chance alarms (net).\n\n"
            "`benchmarks/default_score.py --write` makes these figures, decision 0026 tells what\n"
            "was tried and rejected.",
            (
                "method",
                "FPR",
                "max",
                "POD",
                "POD1",
                "delay",
                "wait",
                "net",
                *(f"k={k}" for k in default_score.SIZES),
            ),
            beside_others(),
        ),
        (
            "The default warning score: outbreaks that health offices named",
            "The fifteen weekly series with labelled outbreaks of the R package surveillance\n"
            "(2001 to 2006), every week from the 27th on; twelve outbreaks begin there, many of\n"
            "them before nbPlugin has the years it asks for: it is given the most of five to one\n"
            "that there are. At one rate of false alarms among all other weeks. found, how many\n"
            "in the first week; mean delay; share of outbreak weeks with an alarm (%). These\n"
            "series were looked at when the settings were chosen.",
            ("method", "rate", "found", "at once", "delay", "weeks"),
            on_labelled_series(),
        ),
        (
            "The default warning score: real series with an outbreak put in",
            "An outbreak of 3 or 5 sd in the last 49 weeks (`inject`, three seeds); each source\n"
            "of a group weighs the same. Small counts: Salmonella Newport and Agona, hepatitis A,\n"
            "shadar; large: Salmonella in hospital and in all, meningitis and influenza, deaths,\n"
            "hepatitis A in Germany. What else happened in these series is not known.",
            ("series", "method", "rate", "POD", "POD1", "delay"),
            on_injected_series(),
        ),
        (
            "Published examples",
            "The analysis of brain cancer in New Mexico of 1998 adjusts for age and sex, which\n"
            "the data that are at hand lack: it is not among them.",
            ("method", "published", "measured"),
            published(),
        ),
        (
            "What differs on purpose",
            'Our default; `compat="R"` answers as R does where that is an option.',
            ("where", "what R does", "R", "epistat"),
            on_purpose(),
        ),
    ]


def _table(head: tuple[str, ...], rows: list[Row] | list[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head)]
    lines += [row.cells if isinstance(row, Row) else row for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    if not (REFERENCE / "detect").is_dir():
        sys.exit(f"fangkong: the outputs of R are not at {REFERENCE.name} beside the repository")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
