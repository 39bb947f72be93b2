"""``rt``, ``nowcast``, ``forecast``: a file in, a table out, one line where something is wrong."""

import csv
from datetime import date, timedelta
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from pyarrow import parquet

from epistat import (
    Uncertain,
    UncertainInterval,
    cori,
    discrete_interval,
    forecast,
    generalised_dirichlet,
    growth_rate,
    triangle_of_dates,
    wallinga_teunis,
)
from epistat.commands import main
from epistat.scores import HUB_LEVELS
from epistat.tests.commandline import Capture, answer, complaint
from epistat.tests.reference import OURS

GAMMA = ("--interval-mean", "3.4", "--interval-sd", "1.6")
WAVE = [2, 0, 1, 3, 2, 4, 5, 3, 7, 9, 8, 13, 12, 17, 16, 20, 19, 23, 18, 21]
HEAD = "series,date,count\n"


def daily(name: str, counts: list[int], more: str = "") -> str:
    days = [date(2020, 3, 1) + timedelta(days=i) for i in range(len(counts))]
    return "".join(f"{name},{day},{n}{more}\n" for day, n in zip(days, counts, strict=True))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.csv"


@pytest.fixture
def line_list(tmp_path: Path) -> Path:
    """Two counties with the same invented outbreak, its cases in any order."""
    with (OURS / "nowcast_line_list.csv").open(encoding="utf-8", newline="") as rows:
        cases = [(row["event"], row["report"]) for row in csv.DictReader(rows)]
    path = tmp_path / "cases.csv"
    names = "a", "道孚"
    lines = [f"{name},{event},{report}\n" for event, report in cases[::-1] for name in names]
    path.write_text("series,event,report\n" + "".join(lines), encoding="utf-8")
    return path


def numbers(rows: list[dict[str, str]], column: str) -> list[float]:
    return [float(row[column] or "nan") for row in rows]


def test_reproduction_numbers_come_out_as_from_the_function(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + daily("a", WAVE) + daily("b", WAVE[:12]))
    rows = answer(capsys, "rt", str(file), *GAMMA)
    assert [row["series"] for row in rows] == ["a"] * 20 + ["b"] * 12
    expected = cori([WAVE], discrete_interval(3.4, 1.6, 20))
    np.testing.assert_array_equal(numbers(rows[:20], "mean"), expected.mean[0])
    np.testing.assert_array_equal(numbers(rows[:20], "q0.975"), expected.quantiles[0, :, -1])
    assert rows[0]["flag"] == "short_history"
    assert rows[0]["mean"] == ""
    assert rows[7]["flag"] == "few_cases" or float(rows[7]["cases"]) >= 11
    assert rows[19] | {"date": "2020-03-20", "cases": str(sum(WAVE[13:]))} == rows[19]
    short = cori([WAVE[:12]], discrete_interval(3.4, 1.6, 12))
    np.testing.assert_allclose(numbers(rows[20:], "mean"), short.mean[0], rtol=1e-12)


def test_imported_cases_are_a_column_of_their_own(file: Path, capsys: Capture) -> None:
    file.write_text("series,date,count,imported\n" + daily("a", WAVE, ",0"))
    without = answer(capsys, "rt", str(file), *GAMMA)
    file.write_text(file.read_text().replace(",19,0", ",19,9"))
    with_some = answer(capsys, "rt", str(file), *GAMMA)
    assert float(with_some[-1]["mean"]) < float(without[-1]["mean"])
    assert int(with_some[-1]["cases"]) == int(without[-1]["cases"]) - 9


def test_uncertain_intervals_cohorts_and_growth_come_out_too(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + daily("a", WAVE))
    rows = answer(capsys, "rt", str(file), *GAMMA, "--mean-sd", "0.4", "--sd-sd", "0.2")
    belief = UncertainInterval(
        Uncertain(3.4, 0.4, 3.4 - 3 * 0.4, 3.4 + 3 * 0.4),
        Uncertain(1.6, 0.2, 1.6 - 3 * 0.2, 1.6 + 3 * 0.2),
    )
    np.testing.assert_allclose(numbers(rows, "mean"), cori([WAVE], belief).mean[0], rtol=1e-9)

    rows = answer(capsys, "rt", str(file), "--method", "cohort", "--interval", "0.2,0.5,0.3")
    expected = wallinga_teunis([WAVE], [0, 0.2, 0.5, 0.3])
    np.testing.assert_array_equal(numbers(rows, "median"), expected.quantiles[0, :, 3])

    rows = answer(capsys, "rt", str(file), "--method", "growth", "--model", "poisson")
    growth = growth_rate([WAVE], model="poisson", window=7)
    np.testing.assert_array_equal(numbers(rows, "doubling"), growth.doubling[0])
    assert list(rows[0])[2:] == [
        "rate", "low", "high", "doubling", "doubling_low", "doubling_high", "flag",
    ]  # fmt: skip


def test_a_nowcast_comes_out_as_from_the_function(line_list: Path, capsys: Capture) -> None:
    rows = answer(capsys, "nowcast", str(line_list), "--now", "2020-04-05", "--max-delay", "10")
    assert [row["series"] for row in rows] == ["a"] * 36 + ["道孚"] * 36
    with (OURS / "nowcast_line_list.csv").open(encoding="utf-8", newline="") as file:
        cases = list(csv.DictReader(file))
    triangle = triangle_of_dates(
        [case["event"] for case in cases],
        [case["report"] for case in cases],
        now="2020-04-05",
        max_delay=10,
    )
    expected = generalised_dirichlet(triangle, levels=[0.025, 0.5, 0.975])
    for part in (rows[:36], rows[36:]):
        np.testing.assert_allclose(numbers(part, "mean"), expected.mean[0], rtol=1e-12)
        assert numbers(part, "reported") == expected.reported[0].tolist()
        for i, column in enumerate(("q0.025", "median", "q0.975")):
            assert numbers(part, column) == expected.quantiles[0, :, i].tolist()
    assert rows[35]["flag"] == "few_cases"
    last = answer(capsys, "nowcast", str(line_list), "--now", "2020-04-05", "--max-delay", "10",
                  "--last", "2")  # fmt: skip
    assert last == rows[34:36] + rows[70:]
    lawless = answer(
        capsys, "nowcast", str(line_list), "--now", "2020-04-05", "--method", "lawless"
    )
    assert lawless[-3]["median"] != rows[-3]["median"]


def test_rows_that_stand_for_several_cases_count_so(file: Path, capsys: Capture) -> None:
    head = "series,event,report,count\n"
    file.write_text(head + "a,2020-03-01,2020-03-01,3\na,2020-03-02,2020-03-02,1\n")
    rows = answer(capsys, "nowcast", str(file), "--max-delay", "1")
    assert [row["reported"] for row in rows] == ["3", "1"]


def test_a_forecast_has_the_quantiles_of_the_hubs_and_hangs_on_no_neighbour(
    line_list: Path, capsys: Capture
) -> None:
    options = ("--now", "2020-04-05", *GAMMA, "--horizon", "3", "--paths", "300", "--seed", "5")
    rows = answer(capsys, "forecast", str(line_list), *options)
    assert len(rows) == 2 * 3 * 23
    assert [float(row["quantile"]) for row in rows[:23]] == list(HUB_LEVELS)
    assert (rows[0]["date"], rows[-1]["date"]) == ("2020-04-06", "2020-04-08")
    assert [row["horizon"] for row in rows[::23]] == ["1", "2", "3"] * 2
    cases = numbers(rows[:23], "cases")
    assert cases == sorted(cases)
    text = line_list.read_text(encoding="utf-8")
    alone = [line for line in text.splitlines() if not line.startswith("a,")]
    line_list.write_text("\n".join(alone), encoding="utf-8")
    assert answer(capsys, "forecast", str(line_list), *options) == rows[3 * 23 :]


def test_a_forecast_from_complete_counts_and_a_series_that_has_none(
    file: Path, capsys: Capture
) -> None:
    file.write_text(HEAD + daily("grows", WAVE) + daily("none", [0] * 20) + daily("new", [1, 2]))
    rows = answer(capsys, "forecast", str(file), "--complete", *GAMMA, "--horizon", "1")
    assert len(rows) == 23 + 1 + 1
    assert 10 < float(rows[11]["cases"]) < 40
    assert rows[23] == {
        "series": "none", "date": "2020-03-21", "horizon": "", "quantile": "", "cases": "",
        "flag": "undefined",
    }  # fmt: skip
    assert rows[24]["flag"] == "short_history"


def test_answers_go_to_a_file_as_csv_or_parquet(
    file: Path, tmp_path: Path, capsys: Capture
) -> None:
    file.write_text(HEAD + daily("a", WAVE))
    for name in ("out.csv", "out.parquet"):
        assert main(("rt", str(file), *GAMMA, "-o", str(tmp_path / name))) == 0
    assert capsys.readouterr().out == ""
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as out:
        as_csv = list(csv.DictReader(out))
    columns = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    assert list(columns) == list(as_csv[0])
    known = [value for value in columns["mean"] if value is not None]
    assert known == [float(row["mean"]) for row in as_csv if row["mean"]]
    assert columns["date"][0] == date(2020, 3, 1)


RT = ("rt", *GAMMA)
CASES = "series,event,report\n"
ONE = "a,2020-03-01,2020-03-02\n"


@pytest.mark.parametrize(
    ("argv", "content", "says"),
    [
        (RT, HEAD + "a,2020-03-01,1\na,2020-03-03,1\n", "line 3: 'a' has no day between"),
        (RT, HEAD + "a,2020-03-01,1\na,2020-03-01,1\n", "line 3: 'a' has 2020-03-01 again"),
        (RT, HEAD + "a,2020-03-01,1.5\n", "line 2: '1.5' is not a count"),
        (RT, HEAD + "a,2020-03-02,1\na,2020-03-01,1\n", "line 3: 2020-03-01 of 'a' stands after"),
        (("rt",), HEAD + daily("a", WAVE), "give --interval-mean and --interval-sd, or --interval"),
        ((*RT, "--interval", "1"), HEAD, "give --interval-mean and --interval-sd, or --interval"),
        (("rt", "--interval-mean", "3"), HEAD, "go together"),
        (("rt", "--interval", "a,b"), HEAD, "write chances as 0.2,0.5,0.3"),
        (("rt", "--interval", "0.9,0.9"), HEAD, "at most 1"),
        ((*RT, "--window", "0"), HEAD + daily("a", WAVE), "window must be at least 1 day"),
        ((*RT, "--model", "poisson"), HEAD, "--model is not an option of cori"),
        ((*RT, "--method", "growth"), HEAD, "asks for no interval"),
        (
            (*RT, "--method", "cohort", "--mean-sd", "1"),
            HEAD + daily("a", WAVE),
            "needs a known interval",
        ),
        (
            RT,
            "series,date,count,imported\na,2020-03-01,1,2\n",
            "more imported cases than cases",
        ),
        (("nowcast",), CASES + "a,2020-03-02,2020-03-01\n", "line 2: reported on 2020-03-01"),
        (("nowcast",), CASES + "a,2020-03-02,soon\n", "line 2: 'soon' is not a date"),
        (("nowcast",), CASES, "no rows below the header"),
        (("nowcast",), HEAD + "a,2020-03-01,1\n", "unknown column 'date'"),
        (
            ("nowcast",),
            "series,event,report,count\na,2020-03-01,2020-03-01,NA\n",
            "line 2: the count is not known",
        ),
        (
            ("nowcast", "--now", "2019-01-01"),
            CASES + "a,2020-03-01,2020-03-02\n",
            "before the first event",
        ),
        (("nowcast", "--now", "today"), CASES + ONE, "'today' is not a date"),
        (("nowcast", "--method", "lawless", "--weekday"), CASES, "not an option of lawless"),
        (
            ("nowcast", "--delay-window", "2"),
            CASES + "a,2020-03-01,2020-03-02\n",
            "window must be at least 14",
        ),
        (("forecast",), CASES + "a,2020-03-01,2020-03-02\n", "give --interval-mean"),
        (
            ("forecast", *GAMMA, "--horizon", "20"),
            CASES + "a,2020-03-01,2020-03-02\n",
            "horizon must be 1 to 14 days",
        ),
        (("forecast", *GAMMA, "--complete"), CASES, "unknown column 'event'"),
        (RT, HEAD + "a,2020-03-02,1\na,2020-03-09,1\n", "weekly counts; rt needs days"),
        (
            ("forecast", *GAMMA, "--complete", "--gaps", "zero"),
            HEAD + "".join(f"a,2020-03-{day:02},1\n" for day in (2, 9, 16, 30)),
            "weekly counts; forecast needs days",
        ),
        (
            RT,
            "series,date,count,imported\na,2020-03-01,1,1\nb,2020-03-01,2,2\nb,2020-03-02,1,2\n",
            "'b' has more imported cases than cases on 2020-03-02",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(
    file: Path, capsys: Capture, argv: tuple[str, ...], content: str, says: str
) -> None:
    file.write_text(content)
    assert says in complaint(capsys, argv[0], str(file), *argv[1:])


@pytest.mark.parametrize("command", ["rt", "nowcast", "forecast"])
def test_help_has_an_example(command: str, capsys: Capture) -> None:
    assert main((command, "--help")) == 0
    out = capsys.readouterr().out
    assert f"example: epistat {command} " in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_forecast_asks_for_the_interval_over_history_and_horizon(
    file: Path, capsys: Capture
) -> None:
    counts = [50] * 6 + [0] * 6
    file.write_text(HEAD + daily("a", counts))
    slow = ("--interval-mean", "10", "--interval-sd", "5", "--seed", "1")
    rows = answer(capsys, "forecast", str(file), "--complete", *slow)
    keys = np.array([crc32(b"a")])
    whole = forecast([counts], discrete_interval(10, 5, 26), seed=1, keys=keys)
    assert numbers(rows, "cases") == whole.quantiles[0].ravel().tolist()
    assert "give all of it" in complaint(
        capsys, "forecast", str(file), "--complete", "--interval", "0.2,0.3"
    )
