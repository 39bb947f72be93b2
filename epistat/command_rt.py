"""``rt``: reproduction numbers and growth of a table of daily counts."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from epistat import output
from epistat.command_interval import HELP, add_interval, interval_of
from epistat.growth import Growth, growth_rate
from epistat.intervals import UncertainInterval
from epistat.output import DATE, NUMBER, TEXT, Parser
from epistat.reproduction import LEVELS, Reproduction, cori, wallinga_teunis
from epistat.result import Floats, words
from epistat.table import BadInput, Grid, Table, fill_days, read

AT_ONCE = 200  # series
QUANTILES = tuple("median" if level == 0.5 else f"q{level:g}" for level in LEVELS)
REPRODUCTION = ("cases", "mean", "sd", *QUANTILES)
GROWTH = ("rate", "low", "high", "doubling", "doubling_low", "doubling_high")

ABOUT = """\
How many does one case infect, and how fast do cases grow? For each day, over the days that end
with it.

COUNTS has the columns series, date, count and, if known, imported: how many of the count were
infected elsewhere. Counts by day of onset. CSV (UTF-8 or GB18030) or Parquet."""

ANSWER = f"""\
methods: cori     R of now, of Cori 2013: how many would a case of now infect, as things are?
         cohort   of Wallinga and Teunis 2004: how many did the cases of these days infect in the
                  end? Too low in the last days, whose cases infect others after the last date
         growth   rate a day, and days until cases double (below 0: are halved)

{HELP}

The answer of cori and cohort has the columns series,date, cases (of the window), mean,sd,
{",".join(QUANTILES)},flag; of growth series,date,
{",".join(GROWTH)},flag.
flag says why there is no answer: short_history, too_few_points, undefined. few_cases: the answer of
cori leans on the prior.

example: %(prog)s counts.csv --interval-mean 4.7 --interval-sd 2.9 > rt.csv"""


def rt(argv: Sequence[str], prog: str = "rt") -> int:
    """Run ``rt`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    return output.run(_parser(prog), argv, _rt)


def _rt(asked: argparse.Namespace) -> int:
    if asked.method == "growth":
        if asked.interval is not None or asked.interval_mean is not None:
            raise BadInput("growth asks for no interval; leave it out")
        names: Sequence[str] = GROWTH
    else:
        if asked.model is not None:
            raise BadInput(f"--model is not an option of {asked.method}; leave it out")
        interval_of(asked, 2)  # a wrong one is told before the file is read
        names = REPRODUCTION
    optional = ("imported",) if asked.method == "cori" else ()
    table = read(asked.counts, optional=optional, sort=asked.sort)
    grid = fill_days(table, "rt", gaps=asked.gaps)
    _refuse_imported(table, grid)
    kinds = [("series", TEXT), ("date", DATE), *((name, NUMBER) for name in names), ("flag", TEXT)]
    return output.write(asked.output, kinds, output.started(_blocks(asked, grid)))


def _refuse_imported(table: Table, grid: Grid) -> None:
    """BadInput for the first day that has more imported cases than cases."""
    if "imported" not in grid.extra:
        return
    more = np.flatnonzero(grid.extra["imported"] > grid.counts)  # not where one is not known
    if more.size:
        i = int(np.searchsorted(grid.starts, more[0], side="right")) - 1
        day = output.dates(grid.first_days[i] + more[0] - grid.starts[i])
        raise BadInput(
            f"{table.path}: {grid.names[i]!r} has more imported cases than cases on {day}; the"
            " count holds both"
        )


def _blocks(asked: argparse.Namespace, grid: Grid) -> Iterator[list[Any]]:
    """A few series of one length at a time; series come as in the file as far as these allow."""
    tell = output.progress("rt")
    lengths = np.diff(grid.starts)
    done = 0
    while done < len(lengths):
        last = done
        while last < min(done + AT_ONCE, len(lengths)) and lengths[last] == lengths[done]:
            last += 1
        cells = slice(int(grid.starts[done]), int(grid.starts[last]))
        shape = (last - done, int(lengths[done]))
        counts = grid.counts[cells].reshape(shape)
        imported = grid.extra.get("imported")
        given = None if imported is None else np.nan_to_num(imported[cells].reshape(shape))
        answer = _answer(asked, counts, given)
        days = grid.first_days[done:last, np.newaxis] + np.arange(shape[1])
        names = [name for name in grid.names[done:last] for _ in range(shape[1])]
        flags = [words(flag) for flag in answer.flags.ravel().tolist()]
        yield [names, output.dates(days.ravel()), *_columns(answer), flags]
        done = last
        tell(done, len(lengths))


def _answer(
    asked: argparse.Namespace, counts: Floats, imported: Floats | None
) -> Reproduction | Growth:
    if asked.method == "growth":
        return growth_rate(counts, model=asked.model or "quasipoisson", window=asked.window)
    interval = interval_of(asked, counts.shape[1])
    if asked.method == "cohort":
        if isinstance(interval, UncertainInterval):
            raise BadInput("cohort needs a known interval; leave out --mean-sd and --sd-sd")
        return wallinga_teunis(counts, interval, window=asked.window)
    return cori(
        counts,
        interval,
        imported=imported,
        window=asked.window,
        prior_mean=asked.prior_mean,
        prior_sd=asked.prior_sd,
    )


def _columns(answer: Reproduction | Growth) -> list[Floats]:
    if isinstance(answer, Growth):
        return [getattr(answer, name).ravel() for name in GROWTH]
    quantiles = answer.quantiles.reshape(-1, len(LEVELS))
    return [answer.cases.ravel(), answer.mean.ravel(), answer.sd.ravel(), *quantiles.T]


def _parser(prog: str) -> Parser:
    parser = Parser(prog=prog, description=ABOUT, epilog=ANSWER)
    add: Callable[..., Any] = parser.add_argument
    add("counts", metavar="COUNTS", help="counts by day; - for standard input")
    add("--method", choices=("cori", "cohort", "growth"), default="cori", help="see below (cori)")
    add("--window", type=int, default=7, metavar="DAYS", help="days that are looked at (7)")
    add("--gaps", choices=("error", "zero", "missing"), default="error",
        help="days without a row: an error, no case, or not known")  # fmt: skip
    add("--sort", action="store_true", help="put the dates in order first")
    add("--prior-mean", type=float, default=5.0, metavar="R", help="cori: mean of the prior (5)")
    add("--prior-sd", type=float, default=5.0, metavar="R", help="cori: its sd (5)")
    add("--model", choices=("poisson", "quasipoisson", "negbin", "loglinear"), default=None,
        help="growth: how counts scatter (quasipoisson)")  # fmt: skip
    add_interval(parser, uncertain=True)
    output.add_output(parser)
    return parser
