"""The default warning score beside others: what the benchmark, the page and the tests share.

Three questions. The 42 scenarios of Noufaily 2013, of seeds that had no part in choosing the
settings. Real series with outbreaks that health offices named. Real series into which an outbreak
is put. Methods are compared at one rate of false alarms: each alarms in the weeks that it ranks
highest, so many that this share of the quiet weeks is among them.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epistat import Flag, adaptive, farrington_flexible, moving_percentile
from epistat.evaluate import (
    SCENARIOS,
    Measures,
    Series,
    at_rate,
    episodes,
    inject,
    measure,
    simulate,
)
from epistat.result import Floats
from epistat.tails import upper_tail

STORED = Path(__file__).parent / "vectors" / "default_score.json"
CHOSEN_ON, REPORTED_ON = (11, 13), (12, 14)  # seeds
SIZES = (2, 3, 5, 7, 10)
SURE = 1e-300
YOUNG = 26  # weeks of a real series that are not judged
# With outbreaks named by health offices in the R package surveillance: 2001 to 2004, 2001 to 2006.
LABELLED = (
    "h1_nrwrp", "ha", "k1", "m1", "m2", "m3", "m4", "m5", "n1", "n2", "q1_nrwh", "q2", "s1", "s2",
    "s3",
)  # fmt: skip
# Without: small and large counts, and influenza in 140 districts.
REAL: dict[str, tuple[str, ...]] = {
    "small counts": ("salmNewport", "ha.sts", "salmonella.agona", "shadar", "stsNewport"),
    "large counts": ("salmHospitalized", "salmAllOnset", "influMen", "momo", "hepatitisA"),
    "influenza in 140 districts": ("fluBYBW",),
}
INJECTED_ON = (101, 102, 103)

Marks = NDArray[np.bool_]
Scores = Callable[[Floats], Floats]  # of all weeks, or the last ones; NaN: no answer


@dataclass(frozen=True, slots=True)
class Line:
    """One method at one rate of false alarms; shares in percent, ``delay`` and ``wait`` in weeks.

    net   POD less the share of outbreaks in whose weeks the method alarms without them too
    wait  weeks from the start to the first alarm, where an outbreak that was not found counts with
          the whole of its length
    """

    method: str
    fpr: float
    fpr_max: float
    pod: float
    pod1: float
    delay: float
    wait: float
    net: float
    by_size: Mapping[str, float]


def surprise(p: Floats, answered: Marks | None = None) -> Floats:
    """Higher is more unusual; NaN where there is no answer."""
    score = -np.log10(np.maximum(p, SURE))
    return score if answered is None else np.where(answered, score, np.nan)


def of_adaptive(counts: Floats, last: int | None = None) -> Floats:
    """The default method."""
    answer = adaptive(counts, last=last)
    return surprise(answer.p, answer.answered)


def of_noufaily(counts: Floats, last: int | None = None, years: Sequence[int] = (5,)) -> Floats:
    """Farrington flexible, nbPlugin: with the most of these years that the history has."""
    found: Floats | None = None
    for some in years:
        answer = farrington_flexible(counts, years=some, last=last)
        few = (answer.flags & np.uint8(Flag.FEW_CASES)) != 0
        score = surprise(np.where(few, 1.0, answer.p), answer.answered)
        found = score if found is None else np.where(np.isnan(found), score, found)
    assert found is not None
    return found


def of_percentile(counts: Floats, last: int | None = None) -> Floats:
    """The moving percentile's own p, from the few blocks that there are."""
    answer = moving_percentile(counts, every="week", min_blocks=4)
    score = surprise(answer.p, answer.answered)
    return score if last is None else score[:, -last:]


# --- The scenarios --------------------------------------------------------------------------------


def scenarios(seeds: Iterable[int], replicates: int = 100) -> Series:
    """The benchmark of several seeds as one."""
    parts = [simulate(replicates=replicates, seed=seed) for seed in seeds]
    clean = [part.clean for part in parts if part.clean is not None]
    return Series(
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.outbreak for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.size for part in parts]),
        np.concatenate(clean),
        np.concatenate([part.group for part in parts]),
        parts[0].judged,
    )


def on_scenarios(series: Series) -> list[Line]:
    """nbPlugin and the default at one rate; the moving percentile and the default at a tenth."""
    assert series.clean is not None
    judged, clean = series.judged, series.clean
    ours = of_adaptive(series.counts, judged), of_adaptive(clean, judged)
    known = surprise(_known(series, series.counts)), surprise(_known(series, clean))
    lines = []
    for alpha in (0.005, 0.01):
        alarms = [
            farrington_flexible(counts, alpha=alpha, last=judged).alarm
            for counts in (series.counts, clean)
        ]
        line = _line(f"nbPlugin, alpha {alpha}", series, alarms[0], alarms[1])
        lines.append(line)
        lines += [
            _at(f"**adaptive** at the FPR of nbPlugin {alpha}", series, *ours, line.fpr / 100),
            _at(
                f"mean and dispersion known, at the FPR of {alpha}", series, *known, line.fpr / 100
            ),
        ]
    own = [adaptive(counts, last=judged).alarm for counts in (series.counts, clean)]
    lines.append(_line("**adaptive**, as it is (alpha 0.0065)", series, own[0], own[1]))
    for percentile, years, strict in ((50, 3, False), (80, 3, False), (90, 5, True)):
        alarms = [
            moving_percentile(
                counts, every="week", percentile=percentile, years=years, strict=strict
            ).alarm[:, -judged:]
            for counts in (series.counts, clean)
        ]
        name = f"moving percentile P{percentile}, {years} years, {'>' if strict else '≥'}"
        line = _line(name, series, alarms[0], alarms[1])
        lines.append(line)
        lines += [
            _at("**adaptive** at a tenth of its FPR", series, *ours, line.fpr / 1000),
            _at("mean and dispersion known, at a tenth", series, *known, line.fpr / 1000),
        ]
    return lines


def _known(series: Series, counts: Floats) -> Floats:
    """The p of somebody who knows how the series were made, but not what comes."""
    mean = np.stack([one.mean for one in SCENARIOS])[series.group, -series.judged :]
    dispersion = np.array([one.dispersion for one in SCENARIOS])[series.group, np.newaxis]
    return upper_tail(counts[:, -series.judged :], mean, dispersion)


def _at(name: str, series: Series, high: Floats, clean: Floats, rate: float) -> Line:
    _, cut = at_rate(series, high, clean, rate)
    return _line(name, series, high > cut, clean > cut)


def _line(name: str, series: Series, alarm: Marks, clean: Marks) -> Line:
    found = measure(series, alarm, clean)
    begin = series.counts.shape[1] - series.judged
    truth = series.outbreak[:, begin:]
    weeks = np.arange(series.judged)
    start = (series.start - begin)[:, np.newaxis]
    last = np.where(truth.any(axis=1), series.judged - 1 - truth[:, ::-1].argmax(axis=1), -1)
    inside = (weeks >= start) & (weeks <= last[:, np.newaxis])
    hit = alarm & inside
    length = np.maximum(inside.sum(axis=1), 1)
    wait = np.where(hit.any(axis=1), hit.argmax(axis=1) - start[:, 0], length)
    chance = float((clean & inside).any(axis=1).mean())
    return Line(
        method=name,
        fpr=100 * found.fpr,
        fpr_max=100 * found.fpr_max,
        pod=100 * found.pod,
        pod1=100 * found.pod1,
        delay=found.delay,
        wait=float(wait.mean()),
        net=100 * (found.pod - chance),
        by_size={str(k): 100 * found.pod_by_size[k] for k in SIZES if k in found.pod_by_size},
    )


# --- Real series ----------------------------------------------------------------------------------


def read(folder: Path, name: str) -> tuple[Floats, Marks]:
    """A series as (units, time) with its outbreaks, from the files that R wrote."""
    counts, state = (_matrix(folder / f"{name}{end}.csv") for end in ("", "_state"))
    return counts, np.nan_to_num(state) > 0


def _matrix(path: Path) -> Floats:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    cells = [[float("nan") if cell in ("NA", "") else float(cell) for cell in row] for row in rows]
    return np.array(cells, np.float64).T


@dataclass(frozen=True, slots=True)
class Found:
    """A method on the labelled series, at one rate of false alarms."""

    method: str
    rate: float
    outbreaks: int
    found: int
    at_once: int
    delay: float
    weeks: float  # percent of the weeks of outbreaks


def on_labelled(folder: Path) -> list[Found]:
    """All weeks from the 27th on, and the outbreaks that began in them; Berlin as a whole."""
    series = []
    for name in LABELLED:
        counts, outbreak = read(folder, name)
        series.append((counts.sum(axis=0, keepdims=True), outbreak.any(axis=0, keepdims=True)))
    methods: dict[str, Scores] = {
        "nbPlugin, 5 to 1 years of history": lambda y: of_noufaily(y, years=(5, 4, 3, 2, 1)),
        "moving percentile's p": of_percentile,
        "**adaptive**": of_adaptive,
    }
    scores = {name: [judge(y)[:, YOUNG:] for y, _ in series] for name, judge in methods.items()}
    truths = [outbreak[:, YOUNG:] for _, outbreak in series]
    return [
        _found(name, scores[name], truths, rate) for rate in (0.01, 0.02, 0.05) for name in methods
    ]


def _found(name: str, scores: list[Floats], truths: list[Marks], rate: float) -> Found:
    sure = [np.where(np.isnan(one), -1.0, one) for one in scores]
    quiet = np.sort(np.concatenate([s[~truth] for s, truth in zip(sure, truths, strict=True)]))
    cut = quiet[len(quiet) - 1 - int(rate * len(quiet))]
    delays, outbreaks, weeks, alarmed = [], 0, 0, 0
    for score, truth in zip(sure, truths, strict=True):
        alarm = score > cut
        weeks, alarmed = weeks + int(truth.sum()), alarmed + int((alarm & truth).sum())
        for row, first, last in episodes(truth):
            outbreaks += 1
            hits = np.flatnonzero(alarm[row, first : last + 1])
            delays += [int(hits[0])] if hits.size else []
    return Found(
        name, 100 * rate, outbreaks, len(delays), delays.count(0),
        float(np.mean(delays)) if delays else float("nan"), 100 * alarmed / max(weeks, 1),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Put:
    """A method on real series with an outbreak put in."""

    group: str
    method: str
    rate: float
    pod: float
    pod1: float
    delay: float


def on_injected(folder: Path, sizes: Sequence[float] = (3, 5)) -> list[Put]:
    """An outbreak of 3 or 5 sd in the last 49 weeks; each source weighs the same in the rate."""
    methods: dict[str, Callable[[Floats], Floats]] = {
        "nbPlugin, 5 to 1 years of history": lambda y: of_noufaily(y, 49, (5, 4, 3, 2, 1)),
        "moving percentile's p": lambda y: of_percentile(y, 49),
        "**adaptive**": lambda y: of_adaptive(y, 49),
    }
    lines = []
    for group, names in REAL.items():
        series = [read(folder, name)[0] for name in names]
        put = [inject(one, k=k, seed=seed) for k in sizes for seed in INJECTED_ON for one in series]
        for name, judge in methods.items():
            clean = [judge(one) for one in series]
            scores = [judge(one.counts) for one in put]
            lines += [_put(group, name, clean, scores, put, rate) for rate in (0.01, 0.03)]
    return lines


def _put(
    group: str, name: str, clean: list[Floats], scores: list[Floats], put: list[Series], rate: float
) -> Put:
    sure = [np.where(np.isnan(one), -1.0, one).ravel() for one in clean]
    everything = np.concatenate(sure)
    weight = np.concatenate([np.full(one.size, 1 / one.size / len(sure)) for one in sure])
    order = np.argsort(-everything, kind="stable")
    cut = everything[order][np.searchsorted(np.cumsum(weight[order]), rate)]
    found: list[Measures] = [
        measure(one, np.where(np.isnan(score), -1.0, score) > cut)
        for one, score in zip(put, scores, strict=True)
    ]
    pod = np.array([one.pod for one in found])
    delay = np.array([one.delay if one.pod else 0.0 for one in found])
    return Put(
        group, name, 100 * rate, 100 * float(pod.mean()),
        100 * float(np.mean([one.pod1 for one in found])),
        float((delay * pod).sum() / pod.sum()) if pod.any() else float("nan"),
    )  # fmt: skip


# --- What is stored -------------------------------------------------------------------------------


def stored() -> dict[str, list[dict[str, object]]]:
    """The figures that the benchmark wrote last."""
    figures: dict[str, list[dict[str, object]]] = json.loads(STORED.read_text(encoding="utf-8"))
    return figures


def store(
    lines: Sequence[Line], found: Sequence[Found], put: Sequence[Put]
) -> dict[str, list[dict[str, object]]]:
    """Write the figures; real series that are not at hand keep theirs."""
    before = stored() if STORED.is_file() else {}
    figures = {
        "scenarios": [_short(asdict(one)) for one in lines],
        "labelled": [_short(asdict(one)) for one in found] or before.get("labelled", []),
        "injected": [_short(asdict(one)) for one in put] or before.get("injected", []),
    }
    STORED.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return figures


def _short(line: dict[str, object]) -> dict[str, object]:
    """Figures of one line, to three decimals."""
    return {
        key: round(value, 3) if isinstance(value, float)
        else {k: round(v, 1) for k, v in value.items()} if isinstance(value, dict) else value
        for key, value in line.items()
    }  # fmt: skip
