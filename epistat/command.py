"""``detect``: judge a table of counts on the command line, in CSV and out CSV."""

import argparse
import csv
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from epistat.charts import cusum, glr, outbreak_p
from epistat.ears import c1, c2, c3
from epistat.percentile import fixed_threshold, moving_percentile
from epistat.result import Detection, Floats
from epistat.seasonal import PRESETS, farrington, farrington_flexible
from epistat.table import BadInput, Grid, fill, read
from epistat.windows import bayes, cdc, rki

OUTPUT = ("series", "date", "observed", "expected", "threshold", "score", "alarm")
PRINTED_AT_ONCE = 100_000
EPOCH = 719_163  # ordinal of 1970-01-01, the day 0 of NumPy's dates

ABOUT = """\
Judge counts of cases by day or week: which are unusually high?

COUNTS.csv has a header and the columns series, date and count in any order (UTF-8 or GB18030).
A date is written 2020-02-05. A count is a whole number; empty or NA means not known."""

ANSWER = """\
The answer is CSV (UTF-8) on standard output: series,date,observed,expected,threshold,score,alarm,
by series as they came and by date. What has no answer (too little history, a count not known) is
empty; alarm is 0, 1 or empty. In daily data mpm judges the last 7 days: "observed" is their sum.
Wrong input gives one line on standard error, nothing on standard output, and exit code 2.

example: %(prog)s --method c2 --min-sigma 0.5 counts.csv > alarms.csv"""


@dataclass(frozen=True, slots=True)
class Method:
    """One choice of ``--method``: its title, its options, and what is called."""

    title: str
    options: tuple[str, ...]
    judge: Callable[..., Detection]
    seasonal: bool = False  # needs to know whether a column is a day or a week
    whole: bool = False  # splits the series itself: only series of one length go together
    dated: bool = False  # takes the dates of the columns, for the same week of earlier years


EARS = ("baseline", "alpha", "min_sigma", "compat")
PERCENTILE = (
    "percentile", "years", "half", "year_days", "strict", "minimum", "min_blocks", "definition",
)  # fmt: skip
YEARS = ("alpha", "years", "half", "compat")
METHODS = {
    "c1": Method("EARS C1: against the days or weeks just before", EARS, c1),
    "c2": Method("EARS C2: as c1, leaving two days or weeks between", EARS, c2),
    "c3": Method("EARS C3: three scores of c2 together", EARS, c3),
    "mpm": Method(
        "CIDARS moving percentile: against the same season of earlier years",
        PERCENTILE,
        moving_percentile,
        seasonal=True,
    ),
    "farrington": Method(
        "Farrington 1996: against the season of earlier years, with a trend",
        YEARS,
        farrington,
        dated=True,
    ),
    "farrington-flexible": Method(
        "Farrington as improved by Noufaily 2013",
        ("preset", *YEARS, "bound"),
        lambda counts, *, preset="noufaily2013", **options: _flexible(counts, preset, options),
        dated=True,
    ),
    "bayes": Method("Bayes: against a handful of earlier weeks", YEARS, bayes, dated=True),
    "rki": Method(
        "RKI: the same, by mean and spread", ("years", "half", "compat"), rki, dated=True
    ),
    "cdc": Method(
        "CDC: four weeks against the same of earlier years",
        ("alpha", "years", "compat"),
        cdc,
        dated=True,
    ),
    "cusum": Method("CUSUM: does a small excess last?", ("training", "compat"), cusum, whole=True),
    "glr": Method("GLR: since when does a higher mean fit better?", ("training",), glr, whole=True),
    "outbreak-p": Method("OutbreakP: is there a rise of any shape?", (), outbreak_p),
    "fixed": Method("CIDARS fixed threshold: so many cases", ("threshold",), fixed_threshold),
}


def _flexible(counts: Floats, preset: str, options: dict[str, Any]) -> Detection:
    """The settings of a preset, and over them what is given besides."""
    if "bound" in options:
        options["method"] = options.pop("bound")
    return farrington_flexible(counts, **{**PRESETS[preset], **options})


def detect(argv: Sequence[str]) -> int:
    """Run ``detect`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    try:
        asked = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed its line, or the help
        return int(end.code or 0)
    if asked.list_methods:
        print("\n".join(f"{name:20} {method.title}" for name, method in METHODS.items()))
        return 0
    try:
        method, options = _choice(asked)
        grid = fill(read(asked.counts), every=asked.every, gaps=asked.gaps)
        answer = _judge(grid, method, options)
    except BadInput as problem:
        print(f"detect: {problem}", file=sys.stderr)
        return 2
    return _print(grid, answer)


def _choice(asked: argparse.Namespace) -> tuple[Method, dict[str, Any]]:
    """The method and the options given for it. BadInput if one belongs to another method."""
    if asked.method is None or asked.counts is None:
        raise BadInput("give --method and a file of counts, or see --help")
    method = METHODS[asked.method]
    known = {name for other in METHODS.values() for name in other.options}
    options = {name: value for name, value in vars(asked).items() if name in known}
    for name in options:
        if name not in method.options:
            written = "--reaches" if name == "strict" else f"--{name.replace('_', '-')}"
            raise BadInput(f"{written} is not an option of {asked.method}; leave it out")
    return method, options


def _judge(grid: Grid, method: Method, options: dict[str, Any]) -> Detection:
    """Judge all series; the arrays of the answer are flat, like the counts of the grid.

    Series of like length (less than twice as long) go together, so that little is padded.
    """
    if method.seasonal:
        options = {**options, "every": grid.every}
    lengths = np.diff(grid.starts)
    flat = Detection.blank(grid.counts.shape)
    classes = np.frexp(lengths.astype(np.float64))[1].astype(np.int64)
    if method.whole:
        classes = lengths
    if method.dated:  # one calendar at a time
        classes = grid.first_days * 64 + classes
    for kind in np.unique(classes):
        rows = np.flatnonzero(classes == kind)
        columns = np.arange(lengths[rows].max())
        inside = columns < lengths[rows, np.newaxis]
        cells = (grid.starts[rows, np.newaxis] + columns)[inside]
        counts = np.full(inside.shape, np.nan)
        counts[inside] = grid.counts[cells]
        if method.dated:
            days = grid.first_days[rows[0]] + grid.step * columns - EPOCH
            options = {**options, "dates": days.astype("datetime64[D]")}
        try:
            part = method.judge(counts, **options)
        except ValueError as problem:
            raise BadInput(str(problem)) from None
        for name in Detection.__slots__:
            getattr(flat, name)[cells] = getattr(part, name)[inside]
    return flat


def _print(grid: Grid, answer: Detection) -> int:
    """Write the answer to standard output, quietly if the reader goes away (``| head``)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    try:
        writer.writerow(OUTPUT)
        for start in range(0, len(grid.counts), PRINTED_AT_ONCE):
            writer.writerows(_rows(grid, answer, slice(start, start + PRINTED_AT_ONCE)))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as problem:
        print(f"detect: cannot write the answer: {problem.strerror}", file=sys.stderr)
        return 2
    return 0


def _rows(grid: Grid, answer: Detection, part: slice) -> Iterator[tuple[object, ...]]:
    cells = np.arange(len(grid.counts))[part]
    series = np.searchsorted(grid.starts, cells, side="right") - 1
    days = grid.first_days[series] + grid.step * (cells - grid.starts[series]) - EPOCH
    alarm = np.where(answer.answered[part], answer.alarm[part].astype(np.float64), np.nan)
    return zip(
        [grid.names[code] for code in series.tolist()],
        days.astype("datetime64[D]").astype(np.str_).tolist(),
        *(_written(column[part]) for column in _columns(answer)),
        _written(alarm),
        strict=True,
    )


def _columns(answer: Detection) -> tuple[Floats, ...]:
    return answer.observed, answer.expected, answer.upper, answer.score


def _written(numbers: Floats) -> list[object]:
    """NaN as nothing, whole numbers without a point, others with all their digits."""
    return [
        "" if number != number else int(number) if number.is_integer() else number
        for number in numbers.tolist()
    ]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the long usage that argparse prints before it."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="detect",
        description=ABOUT,
        epilog=ANSWER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add(
        "counts",
        nargs="?",
        default=None,
        metavar="COUNTS.csv",
        help="the file; - for standard input",
    )
    add("--method", choices=METHODS, default=None, help="how to judge (see --list-methods)")
    add("--list-methods", action="store_true", default=False, help="print the methods and stop")
    add(
        "--every",
        choices=("auto", "day", "week"),
        default="auto",
        help="what a date stands for (auto: week, if the dates of each series are weeks apart)",
    )
    add(
        "--gaps",
        choices=("zero", "missing"),
        default="zero",
        help="dates without a row between the first and last of a series: no case (zero, if not"
        " told), or not known (missing)",
    )

    add = parser.add_argument_group("options of farrington-flexible and charts").add_argument
    add("--preset", choices=PRESETS, help="settings of a paper (noufaily2013)")
    add("--bound", choices=("nb_plugin", "delta", "muan"), help="way to the threshold")
    add("--training", type=int, metavar="N", help="weeks that tell what is normal (all but a year)")

    add = parser.add_argument_group("options of c1, c2, c3").add_argument
    add("--baseline", type=int, metavar="N", help="days or weeks of the past (7)")
    add("--alpha", type=float, metavar="P", help="share of false alarms (0.001; c3: 0.025)")
    add(
        "--min-sigma", type=float, metavar="CASES", help="least spread; 0.5 suits rare diseases (0)"
    )
    add("--compat", choices=("R",), help="answer as the R package surveillance, with its defects")

    add = parser.add_argument_group("options of mpm").add_argument
    add("--percentile", type=float, metavar="X", help="of the earlier blocks, 0 to 100 (80)")
    add("--years", type=int, metavar="N", help="years of history (3)")
    add("--half", type=int, metavar="N", help="weeks before and after the same week (2)")
    add("--year-days", type=int, choices=(364, 365), help="a year in daily data (364)")
    add(
        "--reaches",
        dest="strict",
        action="store_false",
        help="alarm where the count reaches the threshold, not only above it",
    )
    add("--minimum", type=float, metavar="CASES", help="no alarm below this count (1; try 3)")
    add(
        "--min-blocks",
        type=int,
        metavar="N",
        help="judge with so few blocks of history (all years)",
    )
    add(
        "--definition",
        choices=("linear", "weibull", "inverted_cdf"),
        help="of a percentile (linear)",
    )

    add = parser.add_argument_group("options of fixed").add_argument
    add("--threshold", type=float, metavar="CASES", help="alarm from this count on (1)")
    return parser
