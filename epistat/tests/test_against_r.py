"""The package gives R's numbers: on our own series, and on real ones where they are at hand."""

import csv
from pathlib import Path

import numpy as np
import pytest

from epistat import Detection, c1, c2, c3, moving_percentile
from epistat.ears import Compat
from epistat.result import Floats

OURS = Path(__file__).parent / "vectors"
REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
CHARTS = {"earsC1": c1, "earsC2": c2, "earsC3": c3}
CASES: dict[str, dict[str, float]] = {
    "default": {},
    "b14_a005": {"baseline": 14, "alpha": 0.005},
    "minsig05": {"min_sigma": 0.5, "alpha": 0.001},
}
EDGES = [f"edge_{name}" for name in ("const", "missing", "tiny", "week53", "zeros")]
REAL = [
    (series, chart, "default")
    for series in ("agona", "k1", "measlesDE", "hagelloch_daily")
    for chart in CHARTS
] + [("agona", chart, case) for chart in CHARTS for case in ("b14_a005", "minsig05")]

needs_reference = pytest.mark.skipif(
    not (REFERENCE / "detect").is_dir(), reason="the real series are not beside the repository"
)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float:
    return float("nan" if text == "NA" else text)


def counts_of(path: Path) -> dict[str, Floats]:
    """Series by unit."""
    units: dict[str, list[float]] = {}
    for row in table(path):
        units.setdefault(row["unit"], []).append(number(row["observed"]))
    return {unit: np.array(values) for unit, values in units.items()}


def run(chart: str, case: str, counts: Floats, compat: Compat) -> Detection:
    options = CASES[case]
    return CHARTS[chart](
        counts,
        baseline=int(options.get("baseline", 7)),
        alpha=options.get("alpha", 0.025 if chart == "earsC3" else 0.001),
        min_sigma=options.get("min_sigma", 0.0),
        compat=compat,
    )


def assert_as_r(
    series: dict[str, Floats], rows: list[dict[str, str]], chart: str, case: str
) -> None:
    answer = run(chart, case, np.array(list(series.values())), "R")
    units = {unit: index for index, unit in enumerate(series)}
    where = (
        np.array([units[row["unit"]] for row in rows]),
        np.array([int(row["t"]) for row in rows]),
    )
    cells = where[0], where[1] - 1
    upper = np.array([number(row["upperbound"]) for row in rows])
    np.testing.assert_allclose(answer.upper[cells], upper, rtol=1e-9, atol=1e-9)
    assert [
        "NA" if not answered else str(alarm).upper()
        for answered, alarm in zip(
            answer.answered[cells].tolist(), answer.alarm[cells].tolist(), strict=True
        )
    ] == [row["alarm"] for row in rows]
    assert not answer.answered[:, : where[1].min() - 1].any()


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("series", EDGES)
def test_our_own_series_are_answered_as_by_r(series: str, chart: str) -> None:
    rows = table(OURS / f"{series}__{chart}_default.csv")
    assert_as_r(counts_of(OURS / f"{series}__series.csv"), rows, chart, "default")


@needs_reference
@pytest.mark.parametrize(("series", "chart", "case"), REAL)
def test_real_series_are_answered_as_by_r(series: str, chart: str, case: str) -> None:
    rows = table(REFERENCE / "detect" / f"{series}__{chart}_{case}.csv")
    assert_as_r(counts_of(REFERENCE / "series" / f"{series}.csv"), rows, chart, case)


@pytest.mark.parametrize("chart", ["earsC1", "earsC2"])
@pytest.mark.parametrize("series", ["edge_const", "edge_tiny", "edge_week53", "edge_zeros"])
def test_without_missing_weeks_our_own_mode_is_rs_too(series: str, chart: str) -> None:
    counts = np.array(list(counts_of(OURS / f"{series}__series.csv").values()))
    ours, as_r = run(chart, "default", counts, None), run(chart, "default", counts, "R")
    np.testing.assert_array_equal(ours.upper, as_r.upper)
    np.testing.assert_array_equal(ours.alarm, as_r.alarm)


def assert_defined_c3(counts: Floats, rows: list[dict[str, str]], min_sigma: float) -> None:
    answer = c3(counts[np.newaxis], min_sigma=min_sigma)
    days = np.array([int(row["t"]) for row in rows]) - 1
    for ours, column in ((answer.score, "C3"), (answer.expected, "mean2")):
        theirs = np.array([number(row[column]) for row in rows])
        np.testing.assert_allclose(ours[0, days], theirs, rtol=1e-9, atol=1e-9)
    assert answer.answered[0, days].all()
    alarms = [row["alarm"] == "TRUE" for row in rows]
    assert answer.alarm[0, days].tolist() == alarms


def test_c3_follows_its_published_definition_on_our_own_series() -> None:
    (counts,) = counts_of(OURS / "edge_week53__series.csv").values()
    assert_defined_c3(counts, table(OURS / "edge_week53__earsC3def_b7_a25_ms0.csv"), 0.0)


@needs_reference
@pytest.mark.parametrize("series", ["agona", "hagelloch_daily"])
def test_c3_follows_its_published_definition_on_real_series(series: str) -> None:
    (counts,) = counts_of(REFERENCE / "series" / f"{series}.csv").values()
    rows = table(REFERENCE / "detect" / f"{series}__earsC3def_b7_a25_ms0.5.csv")
    assert_defined_c3(counts, rows, 0.5)


@needs_reference
@pytest.mark.parametrize(
    ("series", "years", "percentile"), [("agona", 5, 80), ("agona", 3, 50), ("shadar", 3, 75)]
)
def test_moving_percentiles_of_real_series_are_rs(
    series: str, years: int, percentile: float
) -> None:
    (counts,) = counts_of(REFERENCE / "series" / f"{series}.csv").values()
    rows = table(REFERENCE / "detect" / f"{series}__mpm_y{years}_h2_p{percentile}.csv")
    weeks = np.array([int(row["t"]) for row in rows]) - 1
    for strict, column in ((True, "alarm_gt"), (False, "alarm_ge")):
        answer = moving_percentile(
            counts[np.newaxis],
            every="week",
            years=years,
            percentile=percentile,
            strict=strict,
            minimum=0,
        )
        upper = np.array([number(row["threshold"]) for row in rows])
        np.testing.assert_allclose(answer.upper[0, weeks], upper, rtol=1e-9)
        assert answer.alarm[0, weeks].tolist() == [row[column] == "TRUE" for row in rows]
        assert np.flatnonzero(answer.answered[0]).tolist() == weeks.tolist()
