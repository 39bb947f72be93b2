"""The commands for clusters and evaluation, from file to answer."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from epistat import circles, commands, scan
from epistat.commands import main
from epistat.evaluate import as_table, evaluate, simulate
from epistat.table import BadInput, read_places
from epistat.tests.commandline import Capture, answer, complaint

DAYS = [(date(2020, 1, 1) + timedelta(days=i)).isoformat() for i in range(12)]


@pytest.fixture
def villages(tmp_path: Path) -> tuple[Path, Path, np.ndarray]:
    """Counts in 16 villages over 12 days, with an outbreak; rows only where there are cases."""
    counts = np.random.default_rng(3).poisson(0.5, (16, 12))
    counts[[5, 6, 9], -3:] += 3
    places, cases = tmp_path / "places.csv", tmp_path / "cases.csv"
    rows = [f"v{i},{i % 4},{i // 4},{100 + i}\n" for i in range(16)]
    places.write_text("series,x,y,population\n" + "".join(rows))
    rows = [
        f"v{i},{day},{counts[i, t]}\n"
        for i in range(16)
        for t, day in enumerate(DAYS)
        if counts[i, t] or (i == 0 and t in (0, 11))
    ]
    cases.write_text("series,date,count\n" + "".join(rows))
    return cases, places, counts


@pytest.mark.parametrize("model", ["poisson", "permutation"])
def test_clusters_are_those_of_the_function(
    villages: tuple[Path, Path, np.ndarray], capsys: Capture, model: str
) -> None:
    cases, places, counts = villages
    rows = answer(
        capsys, "clusters", str(cases), "--places", str(places), "--model", model, "--seed", "4",
        "--replicates", "99", "--longest", "4",
    )  # fmt: skip
    people = np.arange(100.0, 116)
    zones = circles([[i % 4, i // 4] for i in range(16)], population=people)
    base = people if model == "poisson" else None
    found = scan(counts, zones, model=model, base=base, longest=4, replicates=99, seed=4).clusters
    assert len(rows) == len(found)
    for row, one in zip(rows, found, strict=True):
        assert row["places"].split(";") == [f"v{i}" for i in one.places]
        assert (row["start"], row["end"]) == (DAYS[one.start], DAYS[-1])
        assert (float(row["score"]), float(row["p"])) == (one.score, one.p)
    assert {"v5", "v6", "v9"} <= set(rows[0]["places"].split(";"))


def test_one_date_is_a_scan_of_space_alone_and_radii_are_km(
    tmp_path: Path, capsys: Capture
) -> None:
    places, cases = tmp_path / "p.csv", tmp_path / "c.csv"
    places.write_text(
        "series,latitude,longitude\na,30.0,101.0\nb,30.0,101.1\nc,30.5,102\nd,31,103\n"
    )
    cases.write_text(
        "series,date,count\n" + "".join(
            f"{name},2020-01-06,{n}\n" for name, n in zip("abcd", (9, 8, 1, 1), strict=True)
        )
    )  # fmt: skip
    (row, *_) = answer(
        capsys, "clusters", str(cases), "--places", str(places), "--replicates", "19"
    )
    assert row["places"] in ("a;b", "b;a")
    assert float(row["radius"]) == pytest.approx(9.6, abs=0.1)


def test_a_model_is_told_what_it_expects(
    villages: tuple[Path, Path, np.ndarray], tmp_path: Path, capsys: Capture
) -> None:
    _, places, counts = villages
    cases = tmp_path / "expected.csv"
    rows = [f"v{i},{day},{counts[i, t]},0.5\n" for i in range(16) for t, day in enumerate(DAYS)]
    cases.write_text("series,date,count,expected\n" + "".join(rows))
    asked = (
        "clusters",
        str(cases),
        "--places",
        str(places),
        "--replicates",
        "19",
        "--ratio",
        "1.2",
    )
    rows_out = answer(capsys, *asked, "--model", "expectation", "--ratio", "1.2")
    assert {"v5", "v6", "v9"} <= set(rows_out[0]["places"].split(";"))
    cases.write_text("series,date,count\nv1,2020-01-01,1\n")
    assert "needs the column expected" in complaint(capsys, *asked, "--model", "expectation")


@pytest.mark.parametrize(
    ("places", "why"),
    [
        ("series,x,y\nv1,0,0\n", "'v2' is missing"),
        ("series,x,y\nv1,0,0\nv2,,3\n", "line 3: 'v2' needs two coordinates"),
        ("series,x,y\nv1,0,0\nv1,1,1\n", "line 3: 'v1' comes twice"),
        ("series,x\nv1,0\n", "column y is missing"),
        ("series,latitude,longitude\nv1,95,0\nv2,0,0\n", "latitude"),
        ("series,x,y\n", "no rows"),
        ("series,x,y\nv1,a,0\n", "line 2: 'a' is not a number"),
    ],
)
def test_wrong_places_are_pointed_out(
    tmp_path: Path, capsys: Capture, places: str, why: str
) -> None:
    (tmp_path / "c.csv").write_text("series,date,count\nv1,2020-01-01,3\nv2,2020-01-01,1\n")
    (tmp_path / "p.csv").write_text(places)
    said = complaint(
        capsys, "clusters", str(tmp_path / "c.csv"), "--places", str(tmp_path / "p.csv")
    )
    assert why in said


def test_places_may_lie_anywhere_and_have_people(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("y,series,x,population\n-2.5,a,1e3,40\n")
    names, where, earth, people = read_places(str(tmp_path / "p.csv"))
    assert (names, where.tolist(), earth) == (["a"], [[1000.0, -2.5]], False)
    assert people is not None
    assert people.tolist() == [40]
    with pytest.raises(BadInput, match="No such file"):
        read_places(str(tmp_path / "absent.csv"))


def test_evaluate_prints_the_table_of_the_function(capsys: Capture) -> None:
    methods = ["ears-c1", "bayes:alpha=0.01", "farrington-flexible:bound=muan,limit=3/2"]
    asked = [part for name in methods for part in ("--method", name)]
    assert main(["evaluate", *asked, "--replicates", "1", "--seed", "6"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == methods
    import epistat

    some = simulate(replicates=1, seed=6)
    expected = evaluate(
        {
            "ears-c1": epistat.c1,
            "bayes:alpha=0.01": lambda y: epistat.bayes(y, alpha=0.01),
            methods[2]: lambda y: epistat.farrington_flexible(y, method="muan", limit=(3, 2)),
        },
        some,
    )
    assert out.rstrip("\n") == as_table(expected)


def series_file(folder: Path, outbreak: bool) -> Path:
    rng = np.random.default_rng(1)
    path = folder / "series.csv"
    lines = []
    for name in "ab":
        for week in range(200):
            mark = week >= 197 and name == "a"
            day = date(2016, 1, 4) + timedelta(weeks=week)
            count = rng.poisson(4) + 20 * mark
            lines.append(f"{name},{day},{count}" + (f",{int(mark)}" if outbreak else ""))
    path.write_text("series,date,count" + ",outbreak" * outbreak + "\n" + "\n".join(lines) + "\n")
    return path


def test_labelled_series_are_measured(tmp_path: Path, capsys: Capture) -> None:
    path, out = series_file(tmp_path, outbreak=True), tmp_path / "measures.csv"
    asked = ["evaluate", str(path), "--method", "ears-c2", "--method", "cusum", "--method", "rki"]
    assert main([*asked, "--judged", "40", "-o", str(out)]) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["method"] for row in rows] == ["ears-c2", "cusum", "rki"]
    assert [float(row["outbreaks"]) for row in rows] == [1, 1, 1]
    assert float(rows[0]["pod"]) == 1
    assert float(rows[0]["delay"]) == 0
    assert [float(row["answered"]) for row in rows] == [1, 1, 1]
    assert capsys.readouterr() == ("", "")


def test_outbreaks_are_put_into_the_series_of_a_file(tmp_path: Path, capsys: Capture) -> None:
    path = series_file(tmp_path, outbreak=False)
    asked = ["evaluate", str(path), "--method", "ears-c2", "--inject", "8", "--seed", "2"]
    assert main(asked) == 0
    assert "k=8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--method", "ears-c9"], "cannot be understood"),
        (["--method", "ears-c1:percentile=3"], "not an option of ears-c1"),
        (["--method", "ears-c1", "--inject", "3"], "needs a file"),
        (["FILE", "--method", "ears-c1"], "column outbreak is missing"),
        (["--method", "ears-c1", "--replicates", "0"], "replicates"),
        (["LABELLED", "--method", "cusum"], "give --judged with a smaller number"),
        (["LABELLED", "--method", "glr", "--judged", "200"], "all 200 are judged; give --judged"),
    ],
)
def test_wrong_questions_to_evaluate_are_one_line(
    tmp_path: Path, capfd: Capture, argv: list[str], why: str
) -> None:
    path = series_file(tmp_path, outbreak=argv[0] == "LABELLED")
    files = {"FILE": str(path), "LABELLED": str(path)}
    assert main(["evaluate", *(files.get(part, part) for part in argv)]) == 2
    assert why in capfd.readouterr().err


def test_series_over_different_times_cannot_be_evaluated(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "s.csv"
    path.write_text(
        "series,date,count,outbreak\na,2020-01-01,1,0\na,2020-01-02,1,0\nb,2020-01-02,1,0\n"
    )
    assert "'b' has other dates" in complaint(capsys, "evaluate", str(path))


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str, capsys: Capture) -> None:
    assert main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert "example" in said
    assert f"epistat {name} " in said


def test_without_a_command_they_are_listed(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in commands.COMMANDS)
    assert main(["forecats"]) == 2
    assert "no command 'forecats'" in capsys.readouterr().err


def test_a_week_without_a_row_has_no_case_but_its_people(tmp_path: Path, capsys: Capture) -> None:
    places, cases = tmp_path / "places.csv", tmp_path / "cases.csv"
    places.write_text("series,x,y\na,0,0\nb,9,9\n")
    rows = {("a", 7): (4, 10), ("b", 0): (1, 40), ("b", 9): (1, 50)}
    full = {
        (name, t): rows.get((name, t), (0, 10 if name == "a" else 40 if t < 5 else 50))
        for name in "ab"
        for t in range(10)
    }

    def found(table: dict[tuple[str, int], tuple[int, int]]) -> list[dict[str, str]]:
        lines = [f"{name},{DAYS[t]},{n},{people}\n" for (name, t), (n, people) in table.items()]
        cases.write_text("series,date,count,population\n" + "".join(lines))
        return answer(
            capsys, "clusters", str(cases), "--places", str(places), "--replicates", "19",
            "--every", "day",
        )  # fmt: skip

    sparse = found(rows)
    assert sparse == found(full)
    assert float(sparse[0]["expected"]) < 1


def test_what_is_expected_of_a_date_without_a_row_is_not_guessed(
    tmp_path: Path, capsys: Capture
) -> None:
    places, cases = tmp_path / "places.csv", tmp_path / "cases.csv"
    places.write_text("series,x,y\na,0,0\nb,9,9\n")
    head = "series,date,count,expected\n"
    asked = ("clusters", str(cases), "--places", str(places), "--model", "expectation")
    cases.write_text(head + "a,2020-01-01,1,0.5\na,2020-01-03,1,0.5\nb,2020-01-01,1,1\n")
    assert "line 3: 'a' has no day between 2020-01-01 and 2020-01-03" in complaint(capsys, *asked)
    cases.write_text(head + "a,2020-01-01,1,0.5\na,2020-01-02,1,0.5\nb,2020-01-01,1,1\n")
    assert "'b' has no row for 2020-01-02" in complaint(capsys, *asked)
    assert answer(capsys, *asked[:4]) == []  # poisson does not look at it


def test_days_are_not_evaluated_by_a_method_for_weeks(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "days.csv"
    path.write_text("series,date,count,outbreak\n" + "".join(f"a,{day},1,0\n" for day in DAYS))
    assert "cdc is for weekly counts" in complaint(capsys, "evaluate", str(path), "--method", "cdc")
    assert main(["evaluate", str(path)]) == 0
    assert "cdc" not in capsys.readouterr().out


def test_a_place_whose_people_nothing_tells_is_named(tmp_path: Path, capsys: Capture) -> None:
    places, cases = tmp_path / "p.csv", tmp_path / "c.csv"
    places.write_text("series,x,y\na,0,0\nb,1,0\nc,0,1\n")
    rows = [f"{name},{day},2,100\n" for name in "ab" for day in DAYS[:4]]
    cases.write_text("series,date,count,population\n" + "".join(rows))
    said = complaint(capsys, "clusters", str(cases), "--places", str(places))
    assert "nothing tells the population of 'c'" in said
    places.write_text("series,x,y,population\na,0,0,100\nb,1,0,100\nc,0,1,100\n")
    answer(capsys, "clusters", str(cases), "--places", str(places), "--replicates", "9")


def labelled_weeks(tmp_path: Path, people: str) -> Path:
    """Six years of weeks with an outbreak at their end, and people that double."""
    rng = np.random.default_rng(2)
    start = date(2014, 1, 6)
    rows = []
    for week in range(312):
        of = 1000 if week < 150 else 2000
        count = rng.poisson(of / 200) + 20 * (week == 310)
        rows.append(f"a,{start + timedelta(weeks=week)},{count},{int(week == 310)},{of}")
    path = tmp_path / f"weeks{people}.csv"
    head = f"series,date,count,outbreak{people}\n"
    lines = rows if people else [row.rpartition(",")[0] for row in rows]
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def test_evaluate_gives_the_people_to_methods_that_take_them(
    tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "measures.csv"
    found = {}
    for people in ("", ",population"):
        path = labelled_weeks(tmp_path, people)
        command = ["evaluate", str(path), "--method", "farrington-flexible:seasons=1,skip=3"]
        assert main([*command, "--judged", "40", "-o", str(out)]) == 0
        [row] = csv.DictReader(out.open())
        found[people] = row["pod"]
        assert main(["evaluate", str(path), "--method", "ears-c1", "--judged", "40"]) == 0
    capsys.readouterr()
    # Without people the doubled ones look like a trend, and like past outbreaks.
    assert found == {"": "0", ",population": "1"}


def test_detect_says_that_it_does_not_use_a_column_of_outbreaks(
    tmp_path: Path, capsys: Capture
) -> None:
    path = labelled_weeks(tmp_path, "")
    assert main(["detect", str(path), "--method", "ears-c1"]) == 0
    out, err = capsys.readouterr()
    assert err == "detect: the column outbreak is not used; evaluate measures alarms by it\n"
    assert out.count("\n") == 313


def test_months_are_evaluated_by_a_method_that_can(tmp_path: Path, capsys: Capture) -> None:
    counts = np.random.default_rng(2).poisson(9, 96)
    counts[90] = 70
    path = tmp_path / "months.csv"
    rows = (f"a,{2013 + i // 12}-{i % 12 + 1:02}-01,{n},{int(i == 90)}\n"
            for i, n in enumerate(counts))  # fmt: skip
    path.write_text("series,date,count,outbreak\n" + "".join(rows))
    asked = ("evaluate", "--every", "month", "--judged", "24", str(path))
    name = "moving-percentile:half=1,minimum=30"
    written = tmp_path / "measures.csv"
    methods = ("--method", name, "--method", "farrington:half=1", "-o", str(written))
    assert main([*asked, *methods]) == 0
    assert capsys.readouterr().err == ""
    first, second = csv.DictReader(written.open())
    assert (first["method"], second["method"]) == (name, "farrington:half=1")
    assert [float(first[key]) for key in ("sensitivity", "ppv", "answered")] == [1, 1, 1]
    assert float(second["sensitivity"]) == 1
    assert "say which --method" in complaint(capsys, *asked)
    assert "does not judge months" in complaint(capsys, *asked, "--method", "adaptive")
    assert "by day or week" in complaint(capsys, *asked, "--inject", "3")
