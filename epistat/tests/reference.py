"""R's answers, from its call to ours: what ``test_reference.py`` and the verification page share.

``../shared/reference`` beside the repository holds the outputs of R and, in its manifests, the call
that made each of them. Here a call is read, the same question is put to epistat, and the two
answers are laid side by side. Series that are ours are kept in ``vectors`` as well.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from epistat import (
    Detection,
    bayes,
    cdc,
    cusum,
    farrington,
    farrington_flexible,
    glr,
    outbreak_p,
    rki,
)
from epistat.result import Floats

OURS = Path(__file__).parent / "vectors"
REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
MANIFESTS = ("farringtonFlexible", "farringtonFlexible_corrected", "otherdetect")


@dataclass(frozen=True, slots=True)
class Case:
    """One output of R: where it is, for which series, and by which call."""

    name: str
    series: str
    call: str
    corrected: bool  # R with its wrong dispersion taken out
    first: int  # week that R judges, from 1
    last: int

    @property
    def function(self) -> str:
        """The function of R."""
        wrapped = re.search(r"algo='algo\.(\w+)'", self.call)
        return wrapped[1] if wrapped else self.call.split("(")[0]

    def option(self, name: str, default: str = "") -> str:
        found = re.search(rf"\b{name}=(c\([^)]*\)|log\([^)]*\)|[^,()]+)", self.call)
        return found[1].strip("'\"") if found else default

    def is_true(self, name: str, default: bool) -> bool:
        return self.option(name, str(default)).upper() == "TRUE"


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the reference: counts and population (units, time), names, dates if it has."""

    units: list[str]
    counts: Floats
    population: Floats
    dates: Any


@dataclass(slots=True)
class Differences:
    """What is not the same: relative by column, and the rows with another alarm."""

    rows: int
    columns: dict[str, float] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)  # a number on one side only
    alarms: list[int] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return max(self.columns.values(), default=0.0)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns(path: Path) -> dict[str, list[str]]:
    """A table by the names of its columns."""
    rows = table(path)
    return {name: [row[name] for row in rows] for name in rows[0]}


def numbers(column: list[str]) -> Floats:
    return np.array([number(text) for text in column])


def number(text: str) -> float:
    return float("nan" if text == "NA" else text)


def cases(folder: Path = REFERENCE) -> list[Case]:
    """All outputs of R for the detectors, in the order of the manifests; without EARS."""
    found = []
    for manifest in MANIFESTS:
        path = folder / f"manifest_{manifest}.csv"
        for row in table(path) if path.is_file() else []:
            name = Path(row["file"]).stem
            first, last = re.search(r"rg = (\d+):(\d+)", row["setup"]).groups()
            case = Case(
                name, row["series"], row["r_call"], "corrected" in manifest, int(first), int(last)
            )
            if row["file"] and case.function in QUESTIONS:
                found.append(case)
    return found


@cache
def series(name: str) -> Series:
    path = OURS / f"{name}__series.csv"
    rows = table(path if path.is_file() else REFERENCE / "series" / f"{name}.csv")
    units = list(dict.fromkeys(row["unit"] for row in rows))
    of_unit = [[row for row in rows if row["unit"] == unit] for unit in units]

    def numbers(column: str) -> Floats:
        return np.array([[number(row[column]) for row in some] for some in of_unit])

    dates = [row["date"] for row in of_unit[0]]
    return Series(
        units,
        numbers("observed"),
        numbers("population"),
        None if dates[0] == "NA" else np.array(dates, dtype="datetime64[D]"),
    )


def output(name: str) -> list[dict[str, str]]:
    path = OURS / f"{name}.csv"
    return table(path if path.is_file() else REFERENCE / "detect" / f"{name}.csv")


def ask(case: Case) -> Detection:
    """Our answer to R's question."""
    return QUESTIONS[case.function](case, series(case.series))


def rare() -> Iterator[tuple[dict[str, str], Detection]]:
    """The questions of ``make_farrington.R`` with R's answers, and ours: one week each."""
    for row in table(OURS / "farrington_rare.csv"):
        weeks = int(row["k"])
        y, people = np.zeros(330), np.linspace(9_000, 11_000, 330)
        for one in row["counts"].split():
            week, count = one.split(":")
            y[int(week) - 1] = number(count)
        yield (
            row,
            farrington_flexible(
                y[np.newaxis, :weeks],
                years=int(row["years"]),
                half=int(row["half"]),
                seasons=int(row["seasons"]),
                skip=int(row["skip"]),
                alpha=float(row["alpha"]),
                method="nb_plugin" if row["method"] == "nbPlugin" else row["method"],
                power=row["power"],
                trend_p=float(row["trend_p"]),
                reweight=row["reweight"] == "TRUE",
                outlier=float(row["outlier"]),
                limit=(int(row["limit"]), 4),
                population=people[:weeks] if row["population"] == "TRUE" else None,
                dates=np.datetime64(row["first"]) + 7 * np.arange(weeks) if row["first"] else None,
                last=1,
                compat="R",
            ),
        )


def compare(case: Case, answer: Detection, columns: dict[str, str]) -> Differences:
    """Lay our answer beside R's; ``columns``: our name by R's."""
    rows = output(case.name)
    units = series(case.series).units
    cells = (
        np.array([units.index(row["unit"]) for row in rows]),
        np.array([int(row["t"]) for row in rows]) - 1,
    )
    result = Differences(len(rows))
    for theirs, name in columns.items():
        ours = getattr(answer, name)[cells]
        of_r = np.array([number(row[theirs]) for row in rows])
        result.missing[name] = int((np.isnan(ours) != np.isnan(of_r)).sum())
        # 1e99 stands for a threshold that R did not find.
        both = ~np.isnan(ours) & ~np.isnan(of_r) & (ours != of_r) & (of_r < 1e98)
        # A number next to 0 is one in tiny parts of a case: 1e-9 of a case is as good as none.
        least = 1.0 if name == "score" and "glr" in case.name else 1e-6
        apart = np.abs(ours - of_r)[both] / np.maximum(np.abs(of_r[both]), least)
        result.columns[name] = float(apart.max(initial=0.0))
    for row, alarm in zip(rows, answer.alarm[cells].tolist(), strict=True):
        if row["alarm"] != "NA" and (row["alarm"] == "TRUE") != alarm:
            result.alarms.append(int(row["t"]))
    return result


def _flexible(case: Case, of: Series) -> Detection:
    method = case.option("thresholdMethod")
    limit = case.option("limit54", "c(5,4)").strip("c()").split(",")
    return farrington_flexible(
        of.counts,
        years=int(case.option("b")),
        half=int(case.option("w")),
        seasons=int(case.option("noPeriods")),
        skip=int(case.option("pastWeeksNotIncluded")),
        alpha=float(case.option("alpha")),
        method="nb_plugin" if method == "nbPlugin" else method,
        power=case.option("powertrans", "2/3"),
        trend=case.is_true("trend", default=True),
        trend_p=float(case.option("pThresholdTrend")),
        reweight=case.is_true("reweight", default=True),
        outlier=float(case.option("weightsThreshold")),
        limit=(int(limit[0]), int(limit[1])),
        year=12 if "monthly" in case.series else 52,
        dates=of.dates,
        population=of.population if case.is_true("populationOffset", default=False) else None,
        compat=None if case.corrected else "R",
    )


def _farrington(case: Case, of: Series) -> Detection:
    return farrington(
        of.counts,
        years=int(case.option("b")),
        half=int(case.option("w")),
        alpha=float(case.option("alpha")),
        power=case.option("powertrans", "2/3"),
        dates=of.dates,
        population=of.population if "populationOffset" in case.call else None,
        compat="R",
    )


def _bayes(case: Case, of: Series) -> Detection:
    return bayes(of.counts, alpha=float(case.option("alpha")), compat="R", **_window(case))


def _rki(case: Case, of: Series) -> Detection:
    return rki(of.counts, compat="R", **_window(case))


def _window(case: Case) -> dict[str, Any]:
    return {
        "years": int(case.option("b")),
        "half": int(case.option("w")),
        "current": case.is_true("actY", default=True),
    }


def _cdc(case: Case, of: Series) -> Detection:
    return cdc(
        of.counts,
        years=int(case.option("b")),
        around=int(case.option("m")),
        alpha=float(case.option("alpha")),
        compat="R",
    )


TRANSFORMS = {"pearsonNegBin": "pearson_nb", "anscombeNegBin": "anscombe_nb"}


def _cusum(case: Case, of: Series) -> Detection:
    transform = case.option("trans")
    return cusum(
        of.counts[:, : case.last],
        training=case.first - 1,
        k=float(case.option("k")),
        h=float(case.option("h")),
        transform=TRANSFORMS.get(transform, transform),
        mean="season" if case.option("m") == "glm" else "constant",
        alpha=float(case.option("alpha", "0.1")),
        compat="R",
    )


def _glr(case: Case, of: Series) -> Detection:
    poisson = case.function == "glrpois"
    alpha, theta = case.option("alpha", "NULL"), case.option("theta", "NULL")
    window = case.option("M", "-1")
    ratio = re.search(r"log\(([\d.]+)", theta)
    return glr(
        of.counts[:, : case.last],
        training=case.first - 1,
        threshold=float(case.option("c.ARL")),
        theta=float(np.log(float(ratio[1]))) if ratio else None,
        alpha=0.0 if poisson else None if alpha == "NULL" else float(alpha),
        harmonics=int(case.option("S", "1")),
        trend=case.is_true("trend", default=False),
        window=None if window == "-1" else int(window),
        change="epidemic" if case.option("change") == "epi" else "intercept",
    )


def _outbreak_p(case: Case, of: Series) -> Detection:
    threshold = float(case.option("k"))
    return outbreak_p(of.counts[:, : case.last], threshold=threshold, first=case.first - 1)


QUESTIONS: dict[str, Callable[[Case, Series], Detection]] = {
    "farringtonFlexible": _flexible,
    "farrington": _farrington,
    "bayes": _bayes,
    "rki": _rki,
    "cdc": _cdc,
    "cusum": _cusum,
    "glrpois": _glr,
    "glrnb": _glr,
    "outbreakP": _outbreak_p,
}
