"""``evaluate``: how good are detectors, on simulated outbreaks or on labelled real series?"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from epistat import output
from epistat.command import METHODS, OLD_NAMES, Method, choice, refuse_days, told
from epistat.command import parser as detect_parser
from epistat.evaluate import COLUMNS as MEASURES
from epistat.evaluate import JUDGED, Measures, Series, as_table, inject, labelled, simulate
from epistat.evaluate import evaluate as measured
from epistat.output import NUMBER, TEXT, Parser
from epistat.result import Detection, Floats
from epistat.table import BadInput, fill, read

DEFAULT = (
    "adaptive", "farrington-flexible", "farrington-flexible:alpha=0.01", "farrington", "bayes",
    "rki", "cdc", "ears-c1", "ears-c2", "ears-c3:min-sigma=0.5",
    "moving-percentile:percentile=80,minimum=3", "moving-percentile:percentile=90",
)  # fmt: skip

ABOUT = """\
How often do detectors find an outbreak, how soon, and how often do they alarm without one?

Without a file: on the 42 simulated scenarios of Noufaily 2013 (624 weeks, the last 49 judged).
With SERIES (series,date,count and outbreak, 1 where there is one; population if known): on these.
With --inject K: on the counts of SERIES, an outbreak of K standard deviations put into each."""

ANSWER = """\
A method is named as in detect, with its options behind a colon: ears-c2:min-sigma=0.5,alpha=0.01.

FPR: alarms among the weeks without an outbreak (mean, median, largest of the scenarios). POD:
outbreaks with an alarm before their last case, POD1 in their first week, k=…: by size. sens, spec,
PPV, NPV, F1: by week. delay: weeks to the first alarm, d=…: by size. answered: weeks with an
answer; FPR, spec and NPV are of these. All but the delays in percent.

examples:
  %(prog)s --method farrington-flexible --method bayes:alpha=0.01 --replicates 20
  %(prog)s labelled.csv --method ears-c1 --judged 104 -o measures.csv
  %(prog)s monthly.csv --every month --method farrington:half=1 --method glr
  %(prog)s counts.csv --inject 5 --seed 3"""


def evaluate(argv: Sequence[str], prog: str = "evaluate") -> int:
    """Run ``evaluate`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    return output.run(_parser(prog), argv, _evaluate)


def _evaluate(asked: argparse.Namespace) -> int:
    every: str = "week"
    dates: Any = None
    people: Floats | None = None
    if asked.series is None:
        if asked.inject is not None:
            raise BadInput("--inject needs a file of series")
        some = simulate(replicates=asked.replicates, seed=asked.seed, first=asked.first)
    else:
        some, every, dates, people = _series(asked)
        if every == "month" and not asked.method:
            raise BadInput("the usual methods are for days and weeks; say which --method, as in"
                           " --method farrington:half=1")  # fmt: skip
    methods = {
        name: _judge(
            name,
            every=every,
            dates=dates,
            people=people,
            time=some.counts.shape[1],
            judged=some.judged,
        )
        for name in asked.method or DEFAULT
        if asked.method or every == "week" or name != "cdc"  # which is for weeks
    }
    found = measured(methods, some, output.progress("evaluate"))
    if asked.output is None:
        print(as_table(found))
        return 0
    columns = [("method", TEXT), *((name, NUMBER) for _, name in MEASURES), ("outbreaks", NUMBER)]
    return output.write(asked.output, columns, [_block(found, [name for name, _ in columns[1:]])])


def _block(found: dict[str, Measures], names: list[str]) -> list[Any]:
    numbers = [
        np.array([getattr(one, name) for one in found.values()], np.float64) for name in names
    ]
    return [list(found), *numbers]


def _series(asked: argparse.Namespace) -> tuple[Series, str, Any, Floats | None]:
    """Series of one length and calendar with outbreaks; days or weeks; dates; and people."""
    table = read(asked.series, optional=("outbreak", "population"), sort=asked.sort)
    grid = fill(table, every=asked.every, gaps=asked.gaps)
    lengths = np.diff(grid.starts)
    odd = np.flatnonzero((lengths != lengths[0]) | (grid.first_days != grid.first_days[0]))
    if odd.size:
        raise BadInput(
            f"{table.path}: {grid.names[odd[0]]!r} has other dates than {grid.names[0]!r}; evaluate"
            " needs series over the same time"
        )
    shape = len(lengths), int(lengths[0])
    counts = grid.counts.reshape(shape)
    people = grid.extra["population"].reshape(shape) if "population" in grid.extra else None
    judged = min(asked.judged or (JUDGED if asked.inject else shape[1]), shape[1])
    dates = output.dates(grid.days(grid.first_days[:1], np.arange(shape[1])))
    if asked.inject is not None:
        if grid.every == "month":
            raise BadInput("--inject puts outbreaks of weeks in; it needs counts by day or week")
        put = inject(counts, k=asked.inject, judged=judged, every=grid.every, seed=asked.seed)
        return put, grid.every, dates, people
    if "outbreak" not in grid.extra:
        raise BadInput(f"{table.path}: the column outbreak is missing; add it, or use --inject")
    marks = np.nan_to_num(grid.extra["outbreak"]).reshape(shape)
    if not np.isin(marks, (0, 1)).all():
        raise BadInput(f"{table.path}: outbreak must be 0 or 1")
    return labelled(counts, marks, judged), grid.every, dates, people


def _method(text: str) -> tuple[Method, dict[str, Any]]:
    """A method and its options from ``name:option=value,option=value``."""
    name, _, rest = text.partition(":")
    arguments = ["--method", name]
    for part in filter(None, rest.split(",")):
        option, has_value, value = part.partition("=")
        dashes = "-" if len(option) == 1 else "--"
        arguments += [f"{dashes}{option}", *([*value.split("/")] if option == "limit" else
                                            [value] if has_value else [])]  # fmt: skip
    parser = detect_parser("evaluate")
    try:
        return choice(parser.parse_args(arguments))
    except SystemExit:
        raise BadInput(
            f"--method {text} cannot be understood; methods: {', '.join(METHODS)}"
        ) from None


def _judge(
    name: str, *, every: str, dates: Any, people: Floats | None, time: int, judged: int
) -> Callable[[Floats], Detection]:
    """The method as evaluate calls it: it may answer for the last columns alone."""
    method, given = _method(name)
    plain = name.partition(":")[0]
    refuse_days(OLD_NAMES.get(plain, plain), given, every)
    given = told(method, given, every, dates)
    if method.dated:
        given["last"] = judged
    if method.people and people is not None:
        given["population"] = people
    if method.whole:
        given.setdefault("training", time - judged)
        if given["training"] < 1:
            raise BadInput(
                f"{name} learns what is normal from the dates before those that are judged, and all"
                f" {time} are judged; give --judged with a smaller number"
            )
    return lambda counts: method.judge(counts, **given)


def _parser(prog: str) -> Parser:
    parser = Parser(prog=prog, description=ABOUT, epilog=ANSWER)
    add = parser.add_argument
    add("series", nargs="?", default=None, metavar="SERIES", help="series; - for standard input")
    add("--method", action="append", metavar="NAME[:OPTION=VALUE,…]", help="one of the methods of"
        " detect; may be given several times (a choice of twelve)")  # fmt: skip
    add("--replicates", type=int, default=100, metavar="N", help="of each scenario (100)")
    add("--first", type=int, default=0, metavar="N", help="number of the first replicate (0)")
    add("--seed", type=int, default=0, metavar="N", help="of the random numbers (0)")
    add("--inject", type=float, default=None, metavar="K", help="put outbreaks of this size in")
    add("--judged", type=int, default=None, metavar="N", help="judge the last N dates (all; with"
        " --inject 49)")  # fmt: skip
    add("--every", choices=("auto", "day", "week", "month"), default="auto",
        help="what a date stands for; month: one day for all, as the first")  # fmt: skip
    add("--gaps", choices=("error", "zero", "missing"), default="error",
        help="dates without a row: an error (if not told), no case, or not known")  # fmt: skip
    add("--sort", action="store_true", help="put the dates in order first")
    output.add_output(parser)
    return parser
