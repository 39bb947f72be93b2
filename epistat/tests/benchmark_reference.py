"""Ten replicates of the 42 scenarios as R judged them, read from ``../shared/reference``."""

import csv
import gzip
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

import epistat
from epistat import Detection
from epistat.evaluate import JUDGED, SCENARIOS, WEEKS, Series
from epistat.result import Floats
from epistat.tests.reference import REFERENCE, table

FOLDER = REFERENCE / "sim42"
REPLICATES = 10
TRAINED = WEEKS - JUDGED

# The same questions as R was asked, for the columns that are judged.
METHODS: dict[str, Callable[[Floats], Detection]] = {
    "bayes1": lambda y: epistat.bayes(y, years=0, last=JUDGED),
    "bayes2": lambda y: epistat.bayes(y, last=JUDGED),
    "bayes3": lambda y: epistat.bayes(y, years=2, half=4, current=False, last=JUDGED),
    "rki1": lambda y: epistat.rki(y, years=0, last=JUDGED),
    "rki2": lambda y: epistat.rki(y, last=JUDGED),
    "rki3": lambda y: epistat.rki(y, years=2, half=4, current=False, last=JUDGED),
    "cdc": lambda y: epistat.cdc(y, alpha=0.01, last=JUDGED),
    "cusum_standard": lambda y: epistat.cusum(
        y, training=TRAINED, transform="standard", compat="R"
    ),
    "cusum_rossi": lambda y: epistat.cusum(y, training=TRAINED, compat="R"),
    "cusum_glm": lambda y: epistat.cusum(
        y, training=TRAINED, transform="standard", mean="season", compat="R"
    ),
    "cusum_glm_rossi": lambda y: epistat.cusum(y, training=TRAINED, mean="season", compat="R"),
    "farrington_orig": lambda y: epistat.farrington(y, last=JUDGED, compat="R"),
    "ff_noufaily": lambda y: epistat.farrington_flexible(y, last=JUDGED, compat="R"),
    "glrnb": lambda y: epistat.glr(y, training=TRAINED, alpha=None, trend=True),
    "outbreakP": lambda y: epistat.outbreak_p(y, first=TRAINED),
}


@cache
def series() -> Series:
    """The 420 series of R's runs, by scenario and replicate."""
    with gzip.open(FOLDER / "series_A_no_current_outbreak.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    clean = np.array([[float(count) for count in row[2:]] for row in rows])
    keys = [(int(row[0]), int(row[1])) for row in rows]
    assert keys == [(s + 1, r + 1) for s in range(len(SCENARIOS)) for r in range(REPLICATES)]
    cases = np.zeros_like(clean)
    start = np.full(len(keys), WEEKS - 1, np.int64)
    for row in table(FOLDER / "outbreak_cases.csv"):
        if row["kind"] == "current":
            index = keys.index((int(row["scenario"]), int(row["rep"])))
            cases[index, int(row["week"]) - 1] += float(row["cases"])
            start[index] = int(row["start_week"]) - 1
    size = np.array([replicate for _, replicate in keys])
    group = np.array([scenario - 1 for scenario, _ in keys])
    return Series(clean + cases, cases > 0, start, size, clean, group, JUDGED)


def alarms(name: str) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.bool_]]:
    """R's alarms: which of the series it judged, with the current outbreak, and without."""
    found: dict[str, dict[int, list[bool]]] = {"A": {}, "B": {}}
    for row in table(FOLDER / f"alarms_R_{name}.csv"):
        index = (int(row["scenario"]) - 1) * REPLICATES + int(row["rep"]) - 1
        weeks = range(TRAINED + 1, WEEKS + 1)
        found[row["version"]][index] = [row[f"w{week}"] == "1" for week in weeks]
    rows = sorted(found["B"])
    assert rows == sorted(found["A"])
    with_, without = ([found[version][index] for index in rows] for version in "BA")
    return np.array(rows), np.array(with_), np.array(without)


def some(rows: NDArray[np.intp]) -> Series:
    """Of some of the series."""
    whole = series()
    assert whole.clean is not None
    return Series(
        whole.counts[rows], whole.outbreak[rows], whole.start[rows], whole.size[rows],
        whole.clean[rows], whole.group[rows], JUDGED,
    )  # fmt: skip
