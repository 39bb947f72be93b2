"""``nowcast``: from a line list to the cases that there will be, once all are reported."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from epistat import output
from epistat.nowcast import Nowcast, dirichlet, generalised_dirichlet, lawless
from epistat.output import DATE, NUMBER, TEXT, Parser
from epistat.result import words
from epistat.table import BadInput, CaseTable, day, read_cases
from epistat.triangle import Triangle, triangle_of_dates

AT_ONCE = 50  # series
LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)
QUANTILES = tuple("median" if level == 0.5 else f"q{level:g}" for level in LEVELS)
COLUMNS = (
    ("series", TEXT), ("date", DATE), ("reported", NUMBER), ("share", NUMBER), ("mean", NUMBER),
    ("sd", NUMBER), *((name, NUMBER) for name in QUANTILES), ("flag", TEXT),
)  # fmt: skip

ABOUT = """\
How many cases will each of the last days have, once all of them are reported?

CASES has the columns series, event (day of onset, or whichever day is counted), report (day on
which the case was reported) and, if a row stands for several, count. CSV (UTF-8 or GB18030) or
Parquet. Dates are written 2020-02-05."""

ANSWER = """\
methods: corrected  delays by a generalised Dirichlet, corrected for what cannot be known yet (Höhle
                    and an der Heiden 2014); --weekday: offices report less on some days
         lawless    Lawless 1994: what is reported over the share that is expected so far
         dirichlet  without that correction, for comparison: too low where reporting is slow

The answer has the columns series,date,reported,share,mean,sd,q0.025,q0.25,median,q0.75,q0.975,flag
for the days from the first event to --now. share: of the day's cases that is expected to be
reported. flag few_cases: it is below a fifth, the answer is mostly guessed. Delays longer than
--max-delay count as that: choose it so that nearly all reports come sooner.

example: %(prog)s cases.csv --max-delay 14 --now 2020-02-20 --last 14"""


def nowcast(argv: Sequence[str], prog: str = "nowcast") -> int:
    """Run ``nowcast`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    return output.run(_parser(prog), argv, _nowcast)


def _nowcast(asked: argparse.Namespace) -> int:
    if asked.last is not None and asked.last < 1:
        raise BadInput("--last must be at least 1")
    if asked.weekday and asked.method != "corrected":
        raise BadInput(f"--weekday is not an option of {asked.method}; leave it out")
    table = read_cases(asked.cases)
    return output.write(asked.output, COLUMNS, output.started(_blocks(asked, table)))


def triangles(asked: argparse.Namespace, table: CaseTable) -> Iterator[tuple[int, Triangle]]:
    """The first of some series, and their triangle; all have the same days."""
    now = day(asked.now) if asked.now else int(table.reports.max())
    first = int(table.events.min())
    if now < first:
        raise BadInput(f"--now {asked.now} lies before the first event; give a later day")
    for start in range(0, len(table.names), AT_ONCE):
        some = (table.series >= start) & (table.series < start + AT_ONCE)
        triangle = triangle_of_dates(
            output.dates(table.events[some]),
            output.dates(table.reports[some]),
            max_delay=asked.max_delay,
            now=output.dates([now])[0],
            first=output.dates([first])[0],
            series=table.series[some] - start,
            cases=table.counts[some],
            rows=min(AT_ONCE, len(table.names) - start),
        )
        yield start, triangle


def dates_of(triangle: Triangle) -> Any:
    assert triangle.first is not None
    return triangle.first + np.arange(triangle.counts.shape[1])


def answer_of(asked: argparse.Namespace, triangle: Triangle, levels: Sequence[float]) -> Nowcast:
    if asked.method == "lawless":
        return lawless(triangle, window=asked.window, levels=levels)
    if asked.method == "dirichlet":
        return dirichlet(triangle, window=asked.window, levels=levels)
    return generalised_dirichlet(
        triangle, window=asked.window, weekday=asked.weekday, levels=levels
    )


def _blocks(asked: argparse.Namespace, table: CaseTable) -> Iterator[list[Any]]:
    tell = output.progress("nowcast")
    for start, triangle in triangles(asked, table):
        answer = answer_of(asked, triangle, LEVELS)
        series, days = answer.mean.shape
        last = slice(max(days - (asked.last or days), 0), days)
        dates = dates_of(triangle)[last]
        quantiles = answer.quantiles[:, last].reshape(-1, len(LEVELS))
        yield [
            [name for name in table.names[start : start + series] for _ in dates],
            np.tile(dates, series),
            *(
                getattr(answer, name)[:, last].ravel()
                for name in ("reported", "share", "mean", "sd")
            ),
            *quantiles.T,
            [words(flag) for flag in answer.flags[:, last].ravel().tolist()],
        ]
        tell(start + series, len(table.names))


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """The options that say how reports came in."""
    add: Callable[..., Any] = parser.add_argument
    add("--method", choices=("corrected", "lawless", "dirichlet"), default="corrected",
        help="how delays are told (corrected)")  # fmt: skip
    add("--max-delay", type=int, default=14, metavar="DAYS", help="the longest delay (14)")
    add("--now", default=None, metavar="DATE", help="the last day; later reports are left out (the"
        " last report)")  # fmt: skip
    add("--delay-window", dest="window", type=int, default=None, metavar="DAYS",
        help="days from which delays are learnt (all); at least --max-delay")  # fmt: skip
    add("--weekday", action="store_true", help="reporting differs by the day of the week")


def _parser(prog: str) -> Parser:
    parser = Parser(prog=prog, description=ABOUT, epilog=ANSWER)
    parser.add_argument("cases", metavar="CASES", help="the line list; - for standard input")
    add_reporting(parser)
    parser.add_argument("--last", type=int, default=None, metavar="N", help="only the last N days")
    output.add_output(parser)
    return parser
