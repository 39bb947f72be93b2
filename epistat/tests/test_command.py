"""The command: a table in, a table out, and one clear line where something is wrong."""

import csv
import inspect
import io
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import epistat
from epistat import c1, command, moving_percentile
from epistat.command import METHODS, OLD_NAMES, OUTPUT, detect, parser
from epistat.result import Detection, Floats

Capture = pytest.CaptureFixture[str]
NEW_YEAR = date(2020, 1, 1)
HEAD = "series,date,count\n"


def daily(name: str, counts: list[object], start: date = NEW_YEAR, step: int = 1) -> str:
    days = (start + timedelta(days=step * i) for i in range(len(counts)))
    return "".join(f"{name},{day},{count}\n" for day, count in zip(days, counts, strict=True))


WEEKS = [(date(2015, 1, 5) + timedelta(weeks=week)).isoformat() for week in range(300)]
WEEK: list[object] = [2, 4, 3, 3, 2, 4, 3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "counts.csv"


def answer(capsys: Capture, *argv: str) -> list[dict[str, str]]:
    assert detect(argv) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return list(csv.DictReader(io.StringIO(out)))


def complaint(capsys: Capture, *argv: str) -> str:
    assert detect(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_an_outbreak_day_alarms_and_the_first_week_has_no_answer(
    file: Path, capsys: Capture
) -> None:
    file.write_text(HEAD + daily("a", [*WEEK, 10]))

    rows = answer(capsys, "--method", "c1", str(file))

    assert list(rows[0]) == list(OUTPUT)
    assert rows[0] == {
        "series": "a", "date": "2020-01-01", "observed": "2", "expected": "", "threshold": "",
        "p": "", "score": "", "alarm": "", "flag": "short_history",
    }  # fmt: skip
    assert rows[7]["flag"] == ""
    assert float(rows[7]["p"]) == c1([[2, 4, 3, 3, 2, 4, 3, 10]]).p[0, 7]
    assert rows[7]["alarm"] == "1"
    assert rows[7]["expected"] == "3"
    assert float(rows[7]["threshold"]) == c1([[2, 4, 3, 3, 2, 4, 3, 10]]).upper[0, 7]


def test_a_quiet_day_does_not_alarm(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + daily("a", [*WEEK, 5]))
    assert answer(capsys, "--method", "c1", str(file))[7]["alarm"] == "0"


def test_series_keep_their_order_and_dates_are_put_in_order_if_told(
    file: Path, capsys: Capture
) -> None:
    file.write_text(
        "count,series,date\n2,z,2020-01-02\n4,a,2020-01-01\n1,z,2020-01-01\n3,z,2020-01-03\n"
    )

    rows = answer(capsys, "--method", "fixed", "--sort", str(file))

    assert [(row["series"], row["date"][-2:], row["observed"]) for row in rows] == [
        ("z", "01", "1"), ("z", "02", "2"), ("z", "03", "3"), ("a", "01", "4"),
    ]  # fmt: skip
    said = complaint(capsys, "--method", "fixed", str(file))
    assert "line 4: 2020-01-01 of 'z' stands after 2020-01-02" in said
    assert "--sort" in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_names_are_read_however_the_office_saved_them(
    file: Path, capsys: Capture, encoding: str
) -> None:
    file.write_bytes((HEAD + daily('"道孚县,痢疾"', [1])).replace("\n", "\r\n").encode(encoding))
    assert answer(capsys, "--method", "fixed", str(file))[0]["series"] == "道孚县,痢疾"


def test_dates_between_without_a_row_are_refused_or_if_told_no_cases_or_not_known(
    file: Path, capsys: Capture
) -> None:
    file.write_text(HEAD + "b,2020-01-01,3\na,2020-01-01,3\na,2020-01-04,1\n")
    said = complaint(capsys, "--method", "fixed", str(file))
    assert "line 4: 'a' has no day between 2020-01-01 and 2020-01-04" in said
    file.write_text(HEAD + "a,2020-01-01,3\na,2020-01-04,1\n")

    zero = answer(capsys, "--method", "fixed", "--gaps", "zero", str(file))
    missing = answer(capsys, "--method", "fixed", "--gaps", "missing", str(file))

    assert [row["observed"] for row in zero] == ["3", "0", "0", "1"]
    assert [row["observed"] for row in missing] == ["3", "", "", "1"]
    assert [row["alarm"] for row in missing] == ["1", "", "", "1"]


@pytest.mark.parametrize("unknown", ["", "NA"])
def test_a_count_that_is_not_known_stays_so(file: Path, capsys: Capture, unknown: str) -> None:
    file.write_text(HEAD + daily("a", [*WEEK, unknown, 9]))

    rows = answer(capsys, "--method", "c1", str(file))

    assert (rows[7]["observed"], rows[7]["alarm"]) == ("", "")
    assert rows[8]["alarm"] == "1"


def test_weeks_are_recognised_and_days_too(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + "a,2020-01-06,1\na,2020-01-20,1\nb,2020-01-01,2\n")
    weeks = answer(capsys, "--method", "fixed", "--gaps", "zero", str(file))
    forced = answer(capsys, "--method", "fixed", "--every", "day", "--gaps", "zero", str(file))
    file.write_text(HEAD + "a,2020-01-06,1\na,2020-01-21,1\n")
    days = answer(capsys, "--method", "fixed", "--gaps", "zero", str(file))

    assert [row["date"] for row in weeks[:3]] == ["2020-01-06", "2020-01-13", "2020-01-20"]
    assert len(forced) == 15 + 1
    assert len(days) == 16


def test_moving_percentiles_of_weeks_and_days_come_out_as_from_the_function(
    file: Path, capsys: Capture
) -> None:
    rng = np.random.default_rng(3)
    for every, step, length in (("week", 7, 170), ("day", 1, 1140)):
        counts = rng.poisson(2, length)
        file.write_text(HEAD + daily("a", [int(n) for n in counts], step=step))
        rows = answer(capsys, "--method", "mpm", "--percentile", "90", "--reaches", str(file))
        expected = moving_percentile(
            counts[np.newaxis],
            every=every,
            percentile=90,
            strict=False,
            dates=np.datetime64(NEW_YEAR) + step * np.arange(length),
        )
        alarm = ["" if not known else str(int(is_alarm)) for known, is_alarm in zip(
            expected.answered[0], expected.alarm[0], strict=True)]  # fmt: skip
        assert [row["alarm"] for row in rows] == alarm
        assert {"0", "1", ""} == set(alarm)
        upper = [float(row["threshold"]) for row in rows if row["threshold"]]
        assert upper == expected.upper[0][~np.isnan(expected.upper[0])].tolist()


def test_series_of_very_different_length_do_not_disturb_each_other(
    file: Path, capsys: Capture
) -> None:
    parts = {f"s{i}": [*WEEK, 10, *range(i)] for i in (0, 40, 3, 700, 1)}
    file.write_text(HEAD + "".join(daily(name, counts) for name, counts in parts.items()))

    rows = answer(capsys, "--method", "c2", str(file))

    for name, counts in parts.items():
        file.write_text(HEAD + daily(name, counts))
        alone = answer(capsys, "--method", "c2", str(file))
        assert [row for row in rows if row["series"] == name] == alone


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (HEAD + "a,2020-01-01,1\na,2020-01-02,1\na,2020-01-01,2\n", 4, "first in line 2"),
        (HEAD + "a,2020-01-01,-1\n", 2, "negative"),
        (HEAD + "a,2020-01-01,many\n", 2, "'many' is not a count"),
        (HEAD + "a,2020-01-01,1.5\n", 2, "whole number"),
        (HEAD + "a,2020-01-01,inf\n", 2, "whole number"),
        (HEAD + "a,2020-02-30,1\n", 2, "write it as 2020-02-05"),
        (HEAD + "a,5/2/2020,1\n", 2, "write it as 2020-02-05"),
        (HEAD + "\n\na,20200205,1\n", 4, "write it as 2020-02-05"),
        (HEAD + "a,2020-01-01\n", 2, "2 fields"),
        (HEAD + 'a,2020-01-01,1\n"b,2020-01-01,1\n', 3, "quotes"),
        ("series,date,cases\n", 1, "unknown column 'cases'"),
        ("series;date;count\n", 1, "unknown column"),
        ("series,date\n", 1, "count is missing"),
        ("series,date,count,date\n", 1, "date comes twice"),
        (HEAD, 2, "no rows"),
        ("", 1, "empty"),
        ("\ufeff\n", 1, "empty"),
    ],
)  # fmt: skip
def test_a_bad_table_gives_one_line_with_its_place_and_nothing_else(
    file: Path, capsys: Capture, text: str, line: int, why: str
) -> None:
    file.write_text(text, encoding="utf-8")
    said = complaint(capsys, "--method", "c1", str(file))
    assert f"counts.csv, line {line}: " in said
    assert why in said


def test_a_date_off_the_week_is_pointed_out_where_weeks_are_asked_for(
    file: Path, capsys: Capture
) -> None:
    file.write_text(HEAD + "a,2020-01-06,1\na,2020-01-14,1\n")
    assert "line 3: 2020-01-14" in complaint(capsys, "--method", "c1", "--every", "week", str(file))


def test_a_slip_in_the_year_of_many_series_is_not_filled_with_zeros(
    file: Path, capsys: Capture
) -> None:
    file.write_text(HEAD + "".join(f"s{i},0020-01-01,1\ns{i},2020-01-02,1\n" for i in range(70)))
    assert "check the dates" in complaint(capsys, "--method", "c1", str(file))


@pytest.mark.parametrize("start", [b"PK\x03\x04", "series".encode("utf-16"), b"\xff\xff\xff"])
def test_a_file_that_is_not_csv_says_how_to_save_it(
    file: Path, capsys: Capture, start: bytes
) -> None:
    file.write_bytes(start)
    assert "save it as CSV" in complaint(capsys, "--method", "c1", str(file))


def test_a_file_that_is_not_there_says_so(tmp_path: Path, capsys: Capture) -> None:
    said = complaint(capsys, "--method", "c1", str(tmp_path / "absent.csv"))
    assert "No such file" in said
    assert "absent.csv" in said


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--method", "c9", "FILE"], "c9"),
        (["--method", "c1", "--percentile", "80", "FILE"], "not an option of ears-c1"),
        (["--method", "bayes", "--alpha", "estimate", "FILE"], "invalid float value: 'estimate'"),
        (["--method", "cusum", "--dispersion", "estimate", "FILE"], "for glr only"),
        (
            ["--method", "cusum", "--alpha", "0.1", "FILE"],
            "counts scatter is --dispersion",
        ),
        (["--method", "glr", "--alpha", "0.1", "FILE"], "--alpha is not an option of glr"),
        (["--method", "cusum", "--dispersion", "0.1", "FILE"], "is for --transform pearson_nb and"),
        (["--method", "bayes", "--dispersion", "0.1", "FILE"], "not an option of bayes; leave it"),
        (["--method", "cdc", "FILE"], "cdc is for weekly counts, and these are daily"),
        (
            ["--method", "cusum", "--mean", "season", "FILE"],
            "with --mean season is for weekly",
        ),
        (["--method", "glr", "FILE"], "glr with a season (--harmonics) is for weekly counts"),
        (["--method", "glr", "--year", "0", "FILE"], "0 rows are no year"),
        (["--method", "c1", "--last", "0", "FILE"], "--last"),
        (["--method", "c1", "--output", "/absent/folder/x.csv", "FILE"], "cannot write"),
        (["--method", "fixed", "--reaches", "FILE"], "--reaches is not an option of fixed"),
        (["--method", "c1", "--alpha", "2", "FILE"], "alpha must lie between 0 and 1"),
        (["--method", "c1", "--alpha", "x", "FILE"], "--alpha"),
        (["--method", "mpm", "--percentile", "nan", "FILE"], "percentile must lie"),
        (["--method", "c1"], "give a file of counts"),
        (["--guard", "2", "--method", "c1", "FILE"], "--guard is not an option of ears-c1"),
        (["--half-life", "0", "FILE"], "half_life must be above 0"),
    ],
)
def test_a_bad_option_gives_one_line(
    file: Path, capsys: Capture, argv: list[str], why: str
) -> None:
    file.write_text(HEAD + daily("a", WEEK))
    assert why in complaint(capsys, *(str(file) if part == "FILE" else part for part in argv))


def test_a_population_is_used_by_the_methods_that_judge_rates(file: Path, capsys: Capture) -> None:
    rng = np.random.default_rng(3)
    counts, people = rng.poisson(8, 300), rng.integers(900, 1100, 300)
    rows = zip(WEEKS, counts, people, strict=True)
    file.write_text(
        "series,date,count,population\n" + "".join(f"a,{d},{c},{n}\n" for d, c, n in rows)
    )

    written = answer(capsys, "--method", "farrington-flexible", "--last", "20", str(file))

    judged = epistat.farrington_flexible(
        [counts], dates=np.array(WEEKS, "datetime64[D]"), population=[people]
    )
    assert [float(row["threshold"]) for row in written] == judged.upper[0, -20:].tolist()
    assert answer(capsys, "--method", "ears-c1", str(file))


def test_without_a_method_the_default_judges(file: Path, capsys: Capture) -> None:
    counts = np.random.default_rng(3).poisson(8, 300)
    file.write_text(HEAD + "".join(f"a,{d},{c}\n" for d, c in zip(WEEKS, counts, strict=True)))

    written = answer(capsys, "--last", "20", str(file))

    judged = epistat.adaptive([counts], dates=np.array(WEEKS, "datetime64[D]"), last=20)
    assert [float(row["threshold"]) for row in written] == judged.upper[0].tolist()
    assert [float(row["p"]) for row in written] == judged.p[0].tolist()


@pytest.mark.parametrize("people", ["-5", "many", "inf"])
def test_a_population_that_is_none_is_pointed_out(file: Path, capsys: Capture, people: str) -> None:
    file.write_text(f"series,date,count,population\na,2020-01-01,1,{people}\n")
    assert "line 2" in complaint(capsys, "--method", "c1", str(file))


def test_parquet_goes_in_and_out_with_the_same_answer(
    file: Path, tmp_path: Path, capsys: Capture
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    counts: list[int | None] = [2, 4, 3, 3, 2, 4, None, 3, 10]
    days = [NEW_YEAR + timedelta(days=i) for i in range(9)]
    file.write_text(HEAD + daily("康定", ["NA" if n is None else n for n in counts]))
    given, made = tmp_path / "given.parquet", tmp_path / "made.parquet"
    parquet.write_table(pa.table({"series": ["康定"] * 9, "date": days, "count": counts}), given)

    rows = answer(capsys, "--method", "ears-c1", str(file))
    assert answer(capsys, "--method", "ears-c1", str(given)) == rows
    assert answer(capsys, "--method", "ears-c1", "-o", str(made), str(given)) == []
    table = parquet.read_table(made)
    assert table.column_names == list(OUTPUT)
    assert table["date"].to_pylist() == days
    assert table["alarm"].to_pylist() == [{"1": True, "0": False}.get(row["alarm"]) for row in rows]
    assert table["threshold"].to_pylist() == [
        float(row["threshold"]) if row["threshold"] else None for row in rows
    ]
    assert table["flag"].to_pylist() == [row["flag"] for row in rows]

    broken = parquet.read_table(given).set_column(2, "count", pa.array([1.0, 1.5] + [0.0] * 7))
    parquet.write_table(broken, given)
    assert "row 2: '1.5' is not a count" in complaint(capsys, "--method", "c1", str(given))
    given.write_bytes(b"PAR1 and nothing more")
    assert "not a good Parquet file" in complaint(capsys, "--method", "c1", str(given))


def test_old_names_of_methods_still_work(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + daily("a", [*WEEK, 10]))
    for old, new in OLD_NAMES.items():
        assert answer(capsys, "--method", old, str(file)) == answer(
            capsys, "--method", new, str(file)
        )


def test_every_option_of_a_method_is_one_of_the_command_and_of_its_function() -> None:
    actions = {action.dest for action in parser()._actions}
    for name, method in METHODS.items():
        assert set(method.options) <= actions, name
        if name == "farrington-flexible":
            continue  # its preset and its bound are put in place by the command
        taken = {"alpha" if option == "dispersion" else option for option in method.options}
        assert taken <= set(inspect.signature(method.judge).parameters), name


def test_help_and_the_list_name_every_method(capsys: Capture) -> None:
    assert detect(["--help"]) == 0
    said = capsys.readouterr().out
    assert "--gaps" in said
    assert "--min-blocks" in said
    assert detect(["--list-methods"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(METHODS)


def run(argv: list[str], given: bytes) -> "subprocess.CompletedProcess[bytes]":
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "epistat", *argv]
    return subprocess.run(command, input=given, capture_output=True, cwd=root, check=False)


def test_the_module_runs_and_reads_standard_input() -> None:
    done = run(["--method", "fixed", "-"], (HEAD + daily("康定", [0, 1])).encode())

    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[1:] == [
        "康定,2020-01-01,0,,1,,0,0,",
        "康定,2020-01-02,1,,1,,1,1,",
    ]
    assert run(["--method", "fixed", "-"], b"").returncode == 2


def test_a_reader_who_leaves_early_causes_no_traceback() -> None:
    root = Path(__file__).parents[2]
    text = (HEAD + daily("a", [1] * 20_000)).encode()
    command = [sys.executable, "-m", "epistat", "--method", "fixed", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(text)
        process.stdin.close()
        assert process.stderr.read() == b""


def five_years(tmp_path: Path) -> tuple[str, np.ndarray]:
    """Two series of weekly counts, the second of which begins 20 weeks later and ends high."""
    counts = np.random.default_rng(2).poisson(6, (2, 300)).astype(np.float64)
    counts[1, -1] = 40
    rows = [
        f"{name},{day},{int(count)}\n"
        for name, series, first in (("a", counts[0], 0), ("b", counts[1], 20))
        for day, count in zip(WEEKS[first:], series[first:], strict=True)
    ]
    path = tmp_path / "years.csv"
    path.write_text("series,date,count\n" + "".join(rows), encoding="utf-8")
    return str(path), counts


@pytest.mark.parametrize(
    ("options", "judge"),
    [
        (["farrington-flexible", "--preset", "noufaily2013", "--compat", "R"],
         lambda y, dates: epistat.farrington_flexible(y, dates=dates, compat="R")),
        (["farrington-flexible", "--preset", "noufaily2013-3y", "--bound", "delta"],
         lambda y, dates: epistat.farrington_flexible(y, dates=dates, years=3, method="delta")),
        (["farrington", "--years", "3"],
         lambda y, dates: epistat.farrington(y, dates=dates, years=3)),
        (["bayes", "--alpha", "0.01"], lambda y, dates: epistat.bayes(y, dates=dates, alpha=0.01)),
        (["moving-percentile", "--years", "5", "--half", "1"],
         lambda y, dates: epistat.moving_percentile(
             y, every="week", dates=dates, years=5, half=1)),
        (["rki"], lambda y, dates: epistat.rki(y, dates=dates)),
        (["cdc", "--years", "3"], lambda y, dates: epistat.cdc(y, dates=dates, years=3)),
        (["cusum"], lambda y, _: epistat.cusum(y)),
        (["cusum", "--mean", "season", "--transform", "anscombe", "-k", "0.9", "--h", "3",
          "--reset", "--training", "240"],
         lambda y, _: epistat.cusum(y, mean="season", transform="anscombe", k=0.9, h=3, reset=True,
                                    training=240)),
        (["cusum", "--transform", "pearson_nb", "--dispersion", "0.3"],
         lambda y, _: epistat.cusum(y, transform="pearson_nb", alpha=0.3)),
        (["glr", "--dispersion", "estimate", "--trend", "--window", "8", "--training", "250",
          "--threshold", "4"],
         lambda y, _: epistat.glr(y, alpha=None, trend=True, window=8, training=250, threshold=4)),
        (["glr", "--theta", "0.5"], lambda y, _: epistat.glr(y, theta=0.5)),
        (["glr", "--theta", "0.5", "--refit"], lambda y, _: epistat.glr(y, theta=0.5, refit=True)),
        (["farrington-flexible", "--no-reweight", "--limit", "3", "2", "--skip", "10"],
         lambda y, dates: epistat.farrington_flexible(
             y, dates=dates, reweight=False, limit=(3, 2), skip=10)),
        (["glr", "--training", "250"], lambda y, _: epistat.glr(y, training=250)),
        (["outbreak-p"], lambda y, _: epistat.outbreak_p(y)),
    ],
)  # fmt: skip
def test_each_method_answers_as_its_function_by_the_calendar_of_each_series(
    capsys, tmp_path, options, judge
) -> None:
    path, counts = five_years(tmp_path)

    assert detect(["--method", *options, path]) == 0

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for name, series, first in (("a", counts[0], 0), ("b", counts[1], 20)):
        answer = judge(series[np.newaxis, first:], np.array(WEEKS[first:], "datetime64[D]"))
        written = [row for row in rows if row["series"] == name]
        upper = [float(row["threshold"] or "nan") for row in written]
        np.testing.assert_array_equal(upper, answer.upper[0])
        assert [row["alarm"] == "1" for row in written] == answer.alarm[0].tolist()
    assert rows[-1]["alarm"] == "1"


def test_weeks_that_are_filled_keep_the_people_of_the_nearest_row(
    file: Path, capsys: Capture
) -> None:
    counts = np.random.default_rng(3).poisson(0.7, 300)
    counts[-6:] = 2
    head = "series,date,count,population\n"
    rows = [(d, c, 900 if i < 200 else 1100) for i, (d, c) in enumerate(
        zip(WEEKS, counts, strict=True))]  # fmt: skip
    asked = ("--method", "farrington-flexible", "--gaps", "zero", "--last", "5", str(file))
    file.write_text(head + "".join(f"a,{d},{c},{n}\n" for d, c, n in rows))
    whole = answer(capsys, *asked)
    # Rows beside the change stay, so that the nearest is known.
    kept = [row for i, row in enumerate(rows) if row[1] or i in (0, 199, 200)]
    file.write_text(head + "".join(f"a,{d},{c},{n}\n" for d, c, n in kept))
    assert len(kept) < 200
    assert answer(capsys, *asked) == whole


def test_with_last_only_the_last_dates_are_judged_and_their_answer_is_the_same(
    file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    parts = {"a": rng.poisson(8, 300), "b": rng.poisson(8, 290), "c": rng.poisson(8, 20)}
    file.write_text(
        HEAD + "".join(daily(name, list(counts), step=7) for name, counts in parts.items())
    )
    judged = []

    def spy(counts: Floats, **options: Any) -> Detection:
        part = METHODS["bayes"].judge(counts, **options)
        judged.append(part.upper.shape)
        return part

    whole = answer(capsys, "--method", "bayes", str(file))
    monkeypatch.setitem(command.METHODS, "rki", replace(METHODS["bayes"], judge=spy))
    rows = answer(capsys, "--method", "rki", "--last", "3", str(file))
    assert rows == whole[297:300] + whole[587:590] + whole[-3:]
    assert sorted(judged) == [(1, 3), (2, 13)]  # a and b lie in one batch


def test_days_are_judged_by_a_method_for_weeks_once_a_year_is_told(
    file: Path, capsys: Capture
) -> None:
    counts = np.random.default_rng(3).poisson(4, 900)
    file.write_text(HEAD + daily("a", [int(n) for n in counts]))
    rows = answer(capsys, "--method", "glr", "--year", "365", "--training", "800", str(file))
    expected = epistat.glr([counts], training=800, year=365)
    assert [float(row["score"] or "nan") for row in rows[800:]] == expected.score[0, 800:].tolist()
    assert answer(capsys, "--method", "cdc", "--year", "365", "--years", "1", str(file))[-1][
        "alarm"
    ]
    for without in (["cusum"], ["glr", "--harmonics", "0"]):  # no season, no year
        assert answer(capsys, "--method", *without, str(file))[-1]["alarm"]
    assert detect(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("weeks, and days in daily data") == 1
    assert said.count("days in daily data) before now") == 1
    assert said.count("in so many rows, weeks or days") == 1


def monthly(counts: list[object], first: int = 2013, day: int = 1) -> str:
    return "".join(
        f"a,{first + i // 12}-{i % 12 + 1:02}-{day:02},{count}\n" for i, count in enumerate(counts)
    )


@pytest.mark.parametrize(
    ("asked", "judge"),
    [
        (["farrington", "--half", "1"], lambda y: epistat.farrington(y, half=1, year=12)),
        (["farrington-flexible", "--half", "1", "--seasons", "4", "--skip", "3"],
         lambda y: epistat.farrington_flexible(y, half=1, seasons=4, skip=3, year=12)),
        (["bayes", "--half", "2"], lambda y: epistat.bayes(y, half=2, year=12)),
        (["rki", "--half", "2"], lambda y: epistat.rki(y, half=2, year=12)),
        (["cdc", "--around", "0"], lambda y: epistat.cdc(y, around=0, year=12)),
        (["moving-percentile", "--half", "1"],
         lambda y: epistat.moving_percentile(y, every="month", half=1)),
        (["glr"], lambda y: epistat.glr(y, year=12)),
        (["cusum", "--mean", "season"], lambda y: epistat.cusum(y, mean="season", year=12)),
        (["ears-c1"], epistat.c1),
        (["moving-percentile", "--half", "1", "--year", "6"],  # every other month, say
         lambda y: epistat.moving_percentile(y, every="month", half=1, year=6)),
    ],
)  # fmt: skip
def test_months_are_judged_by_methods_that_can(
    file: Path, capsys: Capture, asked: list[str], judge: Any
) -> None:
    counts = np.random.default_rng(5).poisson(8, 100)
    counts[-1] = 60
    file.write_text(HEAD + monthly([int(n) for n in counts], day=15))
    rows = answer(capsys, "--every", "month", "--method", *asked, str(file))
    expected = judge(counts[np.newaxis].astype(np.float64))
    upper = [float(row["threshold"] or "nan") for row in rows]
    np.testing.assert_array_equal(upper, expected.upper[0])
    assert [rows[i]["date"] for i in (0, 1, 12, 99)] == [
        "2013-01-15", "2013-02-15", "2014-01-15", "2021-04-15",
    ]  # fmt: skip
    last = answer(capsys, "--every", "month", "--last", "2", "--method", *asked, str(file))
    assert last == rows[-2:]
    assert rows[-1]["alarm"] == "1"


def test_a_month_without_a_row_is_told_like_a_week(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + "a,2020-11-01,1\na,2021-01-01,2\n")
    asked = ("--every", "month", "--method", "fixed", str(file))
    assert "no month between 2020-11-01 and 2021-01-01" in complaint(capsys, *asked)
    filled = answer(capsys, "--gaps", "zero", *asked)
    assert [row["date"] for row in filled] == ["2020-11-01", "2020-12-01", "2021-01-01"]


def test_who_does_not_say_that_dates_are_months_is_told_how(file: Path, capsys: Capture) -> None:
    file.write_text(HEAD + monthly([1, 2, 3, 4]))
    assert "evaluate --every month" in complaint(capsys, "--method", "fixed", str(file))
    file.write_text(HEAD + monthly([1, 2, 3]) + "a,2013-03-03,2\n")
    assert "--every month" not in complaint(capsys, "--method", "fixed", str(file))
    file.write_text(HEAD + "a,2020-02-03,1\na,2020-03-02,2\n")  # weeks, of which some are left out
    assert "(not known)\n" in complaint(capsys, "--method", "fixed", str(file))


@pytest.mark.parametrize(
    ("rows", "asked", "why"),
    [
        ("a,2020-01-01,1\na,2020-02-02,1\n", ["--method", "fixed"], "line 3: 2020-02-02"),
        ("a,2020-01-30,1\n", ["--method", "fixed"], "line 2: 2020-01-30"),
        ("a,2020-01-01,1\n", [], "adaptive does not judge months; its level of late"),
        ("a,2020-01-01,1\n", ["--year", "12"], "--year is not an option of adaptive; its level"),
        ("a,2020-01-01,1\n", ["--method", "ears-c1", "--year", "12"], "leave it out"),
        ("a,2020-01-01,1\n", ["--method", "bayes"], "smaller half"),
        ("a,2020-01-01,1\n", ["--method", "rki", "--year", "12.5"], "whole number for rki"),
    ],
)
def test_months_that_cannot_be_judged_are_one_line(
    file: Path, capsys: Capture, rows: str, asked: list[str], why: str
) -> None:
    file.write_text(HEAD + rows)
    assert why in complaint(capsys, "--every", "month", *asked, str(file))


def test_a_year_that_is_told_is_counted_in_rows_and_not_by_date(
    file: Path, capsys: Capture
) -> None:
    counts = np.random.default_rng(6).poisson(8, 330)
    file.write_text(HEAD + daily("a", [int(n) for n in counts], step=7))
    for method, judge in (("bayes", epistat.bayes), ("farrington", epistat.farrington)):
        rows = answer(capsys, "--method", method, "--year", "52", str(file))
        upper = [float(row["threshold"] or "nan") for row in rows]
        np.testing.assert_array_equal(upper, judge(counts[np.newaxis]).upper[0])
