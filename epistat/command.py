"""``detect``: judge a table of counts on the command line, CSV or Parquet in and out."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epistat import output
from epistat.charts import cusum, glr, outbreak_p
from epistat.ears import c1, c2, c3
from epistat.output import DATE, NUMBER, TEXT, YES, Parser
from epistat.percentile import fixed_threshold, moving_percentile
from epistat.regression import adaptive
from epistat.result import ARRAYS, Detection, Floats, words
from epistat.seasonal import PRESETS, farrington, farrington_flexible
from epistat.table import BadInput, Grid, fill, read
from epistat.windows import bayes, cdc, rki

OUTPUT = (
    "series", "date", "observed", "expected", "threshold", "p", "score", "alarm", "flag",
)  # fmt: skip
KINDS = (TEXT, DATE, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, YES, TEXT)
WRITTEN_AT_ONCE = 100_000
JUDGED_AT_ONCE = 2_048  # series, between two words about progress

ABOUT = """\
Judge counts of cases by day, week or month: which are unusually high?

COUNTS has a header and the columns series, date, count and, if it is known, population, in any
order: CSV (UTF-8 or GB18030) or Parquet. A date is written 2020-02-05 and stands below the one
before it. A count is a whole number; empty or NA means not known. The population is used by
adaptive, farrington and farrington-flexible, which then judge rates."""

ANSWER = """\
The answer has the columns series,date,observed,expected,threshold,p,score,alarm,flag, by series as
they came and by date; CSV (UTF-8) on standard output, or --output. What has no answer is empty and
"flag" says why: missing_now, short_history, too_few_points, undefined. Other flags explain one.
alarm is 0, 1 or empty. In daily data adaptive and moving-percentile judge the last 7 days, and cdc
the last 4 weeks: "observed" is their sum. Wrong input gives one line on standard error and exit
code 2.

examples:
  %(prog)s --last 1 counts.csv > this_week.csv
  %(prog)s --method ears-c2 --min-sigma 0.5 counts.csv > alarms.csv
  %(prog)s --method farrington-flexible --preset noufaily2013 --last 1 counts.parquet -o now.parquet
  %(prog)s --method farrington --every month --half 1 monthly.csv > months.csv
  %(prog)s --method cusum --mean season --training 260 -k 1.04 counts.csv"""


@dataclass(frozen=True, slots=True)
class Method:
    """One choice of ``--method``: its title, its options, and what is called."""

    title: str
    options: tuple[str, ...]
    judge: Callable[..., Detection]
    seasonal: bool = False  # needs to know whether a column is a day or a week
    whole: bool = False  # splits the series itself: only series of one length go together
    dated: bool = False  # takes the dates of the columns, for the same week of earlier years
    people: bool = False  # takes the population
    months: bool = True  # can judge rows that are neither days nor weeks
    by_week: Callable[[dict[str, Any]], bool] = lambda options: False  # if not told of a --year


def _flexible(counts: Floats, *, preset: str = "noufaily2013", **options: Any) -> Detection:
    """The settings of a preset, and over them what is given besides."""
    if "bound" in options:
        options["method"] = options.pop("bound")
    return farrington_flexible(counts, **{**PRESETS[preset], **options})


EARS = ("baseline", "alpha", "min_sigma", "compat")
PERCENTILE = (
    "percentile", "years", "half", "year", "year_days", "strict", "minimum", "min_blocks",
    "definition",
)  # fmt: skip
YEARS = ("alpha", "years", "half", "year", "compat")
REGRESSION = (*YEARS, "power", "trend", "reweight", "limit")
CUSUM = ("training", "k", "h", "transform", "mean", "dispersion", "year", "reset", "compat")
GLR = (
    "training", "threshold", "theta", "dispersion", "harmonics", "trend", "window", "least",
    "change", "year", "refit",
)  # fmt: skip
DEFAULT = "adaptive"
METHODS = {
    "adaptive": Method(
        "The default: by season, trend and recent level, all shrunken to what the counts show",
        ("alpha", "years", "half_life", "guard", "minimum"),
        adaptive,
        months=False,
        seasonal=True,
        dated=True,
        people=True,
    ),
    "ears-c1": Method("EARS C1: against the days or weeks just before", EARS, c1),
    "ears-c2": Method("EARS C2: as C1, leaving two days or weeks between", EARS, c2),
    "ears-c3": Method("EARS C3: three scores of C2 together", EARS, c3),
    "moving-percentile": Method(
        "CIDARS moving percentile: against the same season of earlier years",
        PERCENTILE,
        moving_percentile,
        seasonal=True,
        dated=True,
    ),
    "farrington": Method(
        "Farrington 1996: against the season of earlier years, with a trend",
        REGRESSION,
        farrington,
        dated=True,
        people=True,
    ),
    "farrington-flexible": Method(
        "Farrington as improved by Noufaily 2013",
        ("preset", *REGRESSION, "bound", "seasons", "skip", "trend_p", "outlier"),
        _flexible,
        dated=True,
        people=True,
    ),
    "bayes": Method(
        "Bayes: against a handful of earlier weeks", (*YEARS, "current"), bayes, dated=True
    ),
    "rki": Method(
        "RKI: the same, by mean and spread",
        ("years", "half", "year", "current", "compat"),
        rki,
        dated=True,
    ),
    "cdc": Method(
        "CDC: four weeks against the same of earlier years",
        ("alpha", "years", "around", "year", "compat"),
        cdc,
        dated=True,
        by_week=lambda options: True,
    ),
    "cusum": Method(
        "CUSUM: does a small excess last?",
        CUSUM,
        cusum,
        whole=True,
        by_week=lambda options: bool(options.get("mean") == "season"),
    ),
    "glr": Method(
        "LR and GLR: since when does a higher mean fit better?",
        GLR,
        glr,
        whole=True,
        by_week=lambda options: bool(options.get("harmonics") != 0),
    ),
    "outbreak-p": Method(
        "OutbreakP: is there a rise of any shape?", ("threshold", "first"), outbreak_p
    ),
    "fixed": Method("CIDARS fixed threshold: so many cases", ("threshold",), fixed_threshold),
}
OLD_NAMES = {"c1": "ears-c1", "c2": "ears-c2", "c3": "ears-c3", "mpm": "moving-percentile"}
KNOWS_DAYS = (
    "its level of late, its season and its alpha are chosen for weeks; take --method farrington"
    " --half 1 (or bayes, or rki, with --half 1), or moving-percentile"
)
SCATTERED = ("pearson_nb", "anscombe_nb")  # transforms of cusum that know a dispersion
SWITCHES = {"strict": "--reaches", "k": "-k"}


def detect(argv: Sequence[str], prog: str = "detect") -> int:
    """Run ``detect`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    return output.run(parser(prog), argv, _detect)


def _detect(asked: argparse.Namespace) -> int:
    if asked.list_methods:
        print("\n".join(f"{name:20} {method.title}" for name, method in METHODS.items()))
        return 0
    method, options = choice(asked)
    if asked.counts is None:
        raise BadInput("give a file of counts, or see --help")
    if asked.last is not None and asked.last < 1:
        raise BadInput("--last must be at least 1")
    table = read(asked.counts, optional=("population", "outbreak"), sort=asked.sort)
    if "outbreak" in table.extra:
        print("detect: the column outbreak is not used; evaluate measures alarms by it",
              file=sys.stderr)  # fmt: skip
    grid = fill(table, every=asked.every, gaps=asked.gaps)
    refuse_days(asked.method, options, grid.every)
    answer = judge(grid, method, options, output.progress("detect"), last=asked.last)
    columns = list(zip(OUTPUT, KINDS, strict=True))
    return output.write(asked.output, columns, _blocks(grid, answer, asked.last))


def choice(asked: argparse.Namespace) -> tuple[Method, dict[str, Any]]:
    """The method and the options given for it. BadInput if one belongs to another method."""
    method = METHODS[asked.method]
    known = {name for other in METHODS.values() for name in other.options}
    options = {name: value for name, value in vars(asked).items() if name in known}
    for name in options:
        if name not in method.options:
            written = SWITCHES.get(name, f"--{name.replace('_', '-')}")
            instead = "leave it out"
            if name == "year" and not method.months:
                instead = KNOWS_DAYS
            if name == "alpha" and "dispersion" in method.options:
                instead = "how much counts scatter is --dispersion"
            raise BadInput(f"{written} is not an option of {asked.method}; {instead}")
    if "dispersion" in options:
        options["alpha"] = options.pop("dispersion")
        if asked.method == "cusum":
            if options["alpha"] is None:
                raise BadInput("--dispersion estimate is for glr only; give a number")
            if options.get("transform") not in SCATTERED:
                raise BadInput(f"--dispersion is for --transform {' and '.join(SCATTERED)}")
    return method, options


def refuse_days(name: str, options: dict[str, Any], every: str) -> None:
    """BadInput where a method does not know the rows: days unless a year is told, or months."""
    if every == "month" and not METHODS[name].months:
        raise BadInput(f"{name} does not judge months; {KNOWS_DAYS}")
    if not float(options.get("year", 52)).is_integer() and not METHODS[name].whole:
        raise BadInput(f"--year must be a whole number for {name}")
    if every == "day" and "year" not in options and METHODS[name].by_week(options):
        season = {"cusum": " with --mean season", "glr": " with a season (--harmonics)"}
        raise BadInput(
            f"{name}{season.get(name, '')} is for weekly counts, and these are daily; add them up"
            " by week, or say --year 365 to count its rows as days"
        )


def told(method: Method, options: dict[str, Any], every: str, dates: Any) -> dict[str, Any]:
    """The options, and what the method must know of the rows besides.

    Months, and what is told of a year, are compared by the number of rows and not by date.
    """
    options = dict(options)
    if method.seasonal:
        options["every"] = every
    if every == "month" and "year" in method.options:
        options.setdefault("year", 12)
    if method.dated and "year" not in options:
        options["dates"] = dates
    return options


def judge(
    grid: Grid,
    method: Method,
    options: dict[str, Any],
    progress: Callable[[int, int], None] = lambda done, whole: None,
    *,
    last: int | None = None,
) -> Detection:
    """Judge all series; the arrays of the answer are flat, like the counts of the grid.

    Series of like length (less than twice as long) go together, so that little is padded. ``last``:
    so many dates of each series are enough; a method that can leaves out what lies before.
    """
    lengths = np.diff(grid.starts)
    flat = Detection.blank(grid.counts.shape)
    classes = np.frexp(lengths.astype(np.float64))[1].astype(np.int64)
    if method.whole:
        classes = lengths
    if method.dated:  # one calendar at a time
        classes = grid.first_days * 64 + classes
    done = 0
    for kind in np.unique(classes):
        alike = np.flatnonzero(classes == kind)
        for start in range(0, len(alike), JUDGED_AT_ONCE):
            rows = alike[start : start + JUDGED_AT_ONCE]
            _judge_some(grid, rows, lengths[rows], method, options, flat, last)
            done += len(rows)
            progress(done, len(lengths))
    return flat


def _judge_some(
    grid: Grid,
    rows: NDArray[np.intp],
    lengths: NDArray[np.int64],
    method: Method,
    options: dict[str, Any],
    flat: Detection,
    last: int | None,
) -> None:
    columns = np.arange(lengths.max())
    inside = columns < lengths[:, np.newaxis]
    cells = (grid.starts[rows, np.newaxis] + columns)[inside]
    counts = np.full(inside.shape, np.nan)
    counts[inside] = grid.counts[cells]
    dates = output.dates(grid.days(grid.first_days[rows[0]], columns))
    options = told(method, options, grid.every, dates)
    if method.people and "population" in grid.extra:
        people = np.full(inside.shape, np.nan)
        people[inside] = grid.extra["population"][cells]
        options = {**options, "population": people}
    first = 0
    if method.dated and last is not None:  # from the last dates of the shortest series on
        first = max(int(lengths.min()) - last, 0)
        options = {**options, "last": len(columns) - first}
    try:
        part = method.judge(counts, **options)
    except ValueError as problem:
        raise BadInput(str(problem)) from None
    judged = inside & (columns >= first)
    for name in ARRAYS:
        getattr(flat, name)[cells[judged[inside]]] = getattr(part, name)[inside[:, first:]]


def _blocks(grid: Grid, answer: Detection, last: int | None) -> Iterator[list[Any]]:
    """The columns of the output, so many rows at a time."""
    lengths = np.diff(grid.starts)
    series = np.repeat(np.arange(len(lengths)), lengths)
    cells = np.arange(len(grid.counts))
    if last is not None:
        cells = cells[cells >= grid.starts[series + 1] - last]
    names = np.array(grid.names, dtype=object)
    alarm = np.where(answer.answered, answer.alarm.astype(np.float64), np.nan)
    said = np.array([words(value) for value in range(256)], dtype=object)
    for start in range(0, len(cells), WRITTEN_AT_ONCE):
        some = cells[start : start + WRITTEN_AT_ONCE]
        of = series[some]
        days = output.dates(grid.days(grid.first_days[of], some - grid.starts[of]))
        yield [
            names[of], days, answer.observed[some], answer.expected[some], answer.upper[some],
            answer.p[some], answer.score[some], alarm[some], said[answer.flags[some]],
        ]  # fmt: skip


def _method(text: str) -> str:
    return OLD_NAMES.get(text, text)


def _dispersion(text: str) -> float | None:
    return None if text == "estimate" else float(text)


def _year(text: str) -> float:
    year = float(text)
    if not 2 <= year < 1000:
        raise argparse.ArgumentTypeError(f"{text} rows are no year; 52 weeks, 365 days")
    return int(year) if year.is_integer() else year


def parser(prog: str = "detect") -> Parser:
    """The parser of ``detect``; options that are not given are not in its answer."""
    whole = Parser(prog=prog, description=ABOUT, epilog=ANSWER, argument_default=argparse.SUPPRESS)
    add = whole.add_argument
    add(
        "counts",
        nargs="?",
        default=None,
        metavar="COUNTS",
        help="the file, CSV or Parquet; - for standard input",
    )
    add(
        "--method",
        type=_method,
        choices=METHODS,
        default=DEFAULT,
        metavar="NAME",
        help=f"how to judge ({DEFAULT}): {', '.join(METHODS)}",
    )
    add("--list-methods", action="store_true", default=False, help="print the methods and stop")
    add(
        "--every",
        choices=("auto", "day", "week", "month"),
        default="auto",
        help="what a date stands for (auto: week, if the dates of each series are weeks apart, else"
        " day); month: one day for all, as the first",
    )
    add(
        "--gaps",
        choices=("error", "zero", "missing"),
        default="error",
        help="dates without a row between the first and last of a series: an error (if not told),"
        " no case (zero), or not known (missing)",
    )
    add("--sort", action="store_true", default=False, help="put the dates in order first")
    add("--last", type=int, metavar="N", default=None, help="print the last N dates only (all)")
    output.add_output(whole)
    _add_options(whole)
    return whole


def _add_options(whole: Parser) -> None:
    add = partial(_add, whole.add_argument_group("options of several methods"))
    add("--alpha", type=float, metavar="P", help="share of false alarms (ears-c1, -c2 0.001;"
        " ears-c3 0.025; farrington 0.01; cdc 0.001; farrington-flexible 0.005;"
        " bayes 0.05; adaptive 0.0065)")  # fmt: skip
    add("--compat", choices=("R",), help="answer as the R package surveillance, with its defects")
    add("--years", type=int, metavar="N", help="years of history")
    add("--half", type=int, metavar="N", help="rows before and after the same one of earlier"
        " years: weeks, and days in daily data; moving-percentile: blocks of seven"
        " days there")  # fmt: skip
    add("--year", type=_year, metavar="N", help="rows of a year, in place of the calendar (52, in"
        " monthly data 12); needed by cdc and for a season of cusum and glr in daily data, as they"
        " are made for weeks: cdc adds up four rows")  # fmt: skip
    add("--current", action=argparse.BooleanOptionalAction, help="bayes, rki: also the weeks just"
        " before (yes)")  # fmt: skip
    add("--around", type=int, metavar="N", help="cdc: blocks of four weeks either side (1)")
    add("--threshold", type=float, metavar="X", help="fixed: cases (1); glr: of the statistic (5);"
        " outbreak-p: of the statistic (100)")  # fmt: skip
    add("--trend", action=argparse.BooleanOptionalAction, help="farrington: look for a trend (yes);"
        " glr: fit one (no)")  # fmt: skip

    add = partial(_add, whole.add_argument_group("options of adaptive"))
    add("--half-life", type=float, metavar="YEARS", help="a week so old weighs half (3)")
    add("--guard", type=int, metavar="N", help="weeks just before that are left out (1)")

    add = partial(_add, whole.add_argument_group("options of ears-c1, -c2, -c3"))
    add("--baseline", type=int, metavar="N", help="days or weeks of the past (7)")
    add("--min-sigma", type=float, metavar="CASES", help="least spread; 0.5 suits rare diseases")

    add = partial(_add, whole.add_argument_group("options of farrington and farrington-flexible"))
    add("--preset", choices=PRESETS, help="settings of a paper (noufaily2013)")
    add("--bound", choices=("nb_plugin", "delta", "muan"), help="way to the threshold")
    add("--power", choices=("2/3", "1/2", "none"), help="scale of the bound delta (2/3)")
    add("--seasons", type=int, metavar="N", help="levels in a year (10)")
    add("--skip", type=int, metavar="N", help="rows (weeks, days in daily data) before now that"
        " are left out (26)")  # fmt: skip
    add("--trend-p", type=float, metavar="P", help="keep a trend below this p (1: always)")
    add("--reweight", action=argparse.BooleanOptionalAction, help="less weight to past outbreaks")
    add("--outlier", type=float, metavar="S", help="residual from which on a week weighs less")
    add("--limit", type=int, nargs=2, metavar=("CASES", "ROWS"), help="no alarm"
        " below so many cases in so many rows, weeks or days (5 4)")  # fmt: skip

    add = partial(_add, whole.add_argument_group("options of moving-percentile"))
    add("--percentile", type=float, metavar="X", help="of the earlier blocks, 0 to 100 (80)")
    add("--year-days", type=int, choices=(364, 365), help="days of a year in daily data (by"
        " the calendar, to the day of the week)")  # fmt: skip
    add("--reaches", dest="strict", action="store_false", help="alarm where the count reaches the"
        " threshold, not only above it")  # fmt: skip
    add("--minimum", type=float, metavar="CASES", help="adaptive too: no alarm below this count"
        " (1; try 3)")  # fmt: skip
    add("--min-blocks", type=int, metavar="N", help="judge with so few blocks (all years)")
    add("--definition", choices=("linear", "weibull", "inverted_cdf"), help="of a percentile")

    add = partial(_add, whole.add_argument_group("options of cusum, glr and outbreak-p"))
    add("--training", type=int, metavar="N", help="weeks that tell what is normal (all but a year)")
    add("-k", type=float, metavar="K", help="cusum: half the shift to be seen (1.04)")
    add("--h", type=float, metavar="H", help="cusum: alarm from this sum on (2.26)")
    add("--transform", choices=("rossi", "standard", "anscombe", "anscombe2nd", "pearson_nb",
        "anscombe_nb", "none"), help="cusum: of counts to normal (rossi)")  # fmt: skip
    add("--mean", choices=("constant", "season"), help="cusum: the normal mean (constant)")
    add("--dispersion", type=_dispersion, metavar="A", help="variance is m + A m²; cusum with"
        " pearson_nb, anscombe_nb (0.1); glr, also estimate (0, Poisson)")  # fmt: skip
    add("--reset", action=argparse.BooleanOptionalAction, help="cusum: begin anew after an alarm")
    add("--theta", type=float, metavar="LOG", help="glr: LR chart for this log of the rate ratio")
    add("--harmonics", type=int, metavar="N", help="glr: of the year (1)")
    add("--window", type=int, metavar="N", help="glr: weeks that are looked back (all)")
    add("--least", type=int, metavar="N", help="glr: weeks that a rise lasts at least (1)")
    add("--change", choices=("intercept", "epidemic"), help="glr: what rises (intercept)")
    add("--refit", action=argparse.BooleanOptionalAction, help="glr: fit the mean anew after an"
        " alarm (no)")  # fmt: skip
    add("--first", type=int, metavar="N", help="outbreak-p: weeks that are not judged (1)")


def _add(group: Any, *names: str, **options: Any) -> None:
    group.add_argument(*names, default=argparse.SUPPRESS, **options)
