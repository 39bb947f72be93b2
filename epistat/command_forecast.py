"""``forecast``: the cases of the next days, from the nowcast of a line list or from counts."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from epistat import output
from epistat.command_interval import HELP, add_interval, interval_of
from epistat.command_nowcast import add_reporting, answer_of, dates_of, triangles
from epistat.intervals import UncertainInterval
from epistat.nowcast import draw
from epistat.output import DATE, NUMBER, TEXT, Parser
from epistat.renewal import Forecast, forecast
from epistat.result import Floats, words
from epistat.scores import HUB_LEVELS
from epistat.table import BadInput, fill_days, read, read_cases

COLUMNS = (
    ("series", TEXT), ("date", DATE), ("horizon", NUMBER), ("quantile", NUMBER), ("cases", NUMBER),
    ("flag", TEXT),
)  # fmt: skip

ABOUT = """\
How many cases will the next days have, if things go on as they are?

CASES is a line list with the columns series, event and report (see nowcast): the forecast starts
from what the last days will come to. With --complete it holds counts by day, all of them reported:
series, date, count. CSV (UTF-8 or GB18030) or Parquet."""

ANSWER = f"""\
{HELP}

Each of many futures draws a history from the nowcast, R from the last --window days of it, and goes
on by the renewal equation with cases that scatter as they did. The answer has the columns
series,date,horizon,quantile,cases,flag: for each day the 23 quantiles of the forecast hubs, in
whole cases. A series without a forecast has one row that says why: short_history, too_few_points,
undefined. The same --seed gives the same answer, whatever other series the file holds.

example: %(prog)s cases.csv --interval-mean 4.7 --interval-sd 2.9 --horizon 7 > forecast.csv"""


def forecast_command(argv: Sequence[str], prog: str = "forecast") -> int:
    """Run ``forecast`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    return output.run(_parser(prog), argv, _forecast)


def _forecast(asked: argparse.Namespace) -> int:
    interval_of(asked, 2)
    if asked.seed < 0:
        raise BadInput("--seed must be 0 or more")
    if asked.weekday and asked.method != "corrected":
        raise BadInput(f"--weekday is not an option of {asked.method}; leave it out")
    blocks = _from_counts(asked) if asked.complete else _from_cases(asked)
    return output.write(asked.output, COLUMNS, output.started(blocks))


def _from_cases(asked: argparse.Namespace) -> Iterator[list[Any]]:
    table = read_cases(asked.cases)
    tell = output.progress("forecast")
    for start, triangle in triangles(asked, table):
        answer = answer_of(asked, triangle, HUB_LEVELS)
        names = table.names[start : start + len(answer.mean)]
        histories = draw(answer, asked.paths, seed=asked.seed, keys=_keys(names))
        last = dates_of(triangle)[-1]
        yield _block(names, [last] * len(names), _futures(asked, histories, names))
        tell(start + len(names), len(table.names))


def _from_counts(asked: argparse.Namespace) -> Iterator[list[Any]]:
    grid = fill_days(read(asked.cases, sort=asked.sort), "forecast", gaps=asked.gaps)
    tell = output.progress("forecast")
    for i, name in enumerate(grid.names):
        counts = grid.counts[grid.starts[i] : grid.starts[i + 1]][np.newaxis]
        last = output.dates([grid.first_days[i] + counts.shape[1] - 1])
        yield _block([name], last, _futures(asked, counts, [name]))
        tell(i + 1, len(grid.names))


def _futures(asked: argparse.Namespace, counts: Floats, names: list[str]) -> Forecast:
    interval = interval_of(asked, counts.shape[-1] + asked.horizon)
    assert not isinstance(interval, UncertainInterval)
    return forecast(
        counts,
        interval,
        horizon=asked.horizon,
        window=asked.window_of_r,
        drift=asked.drift,
        paths=asked.paths,
        seed=asked.seed,
        keys=_keys(names),
    )


def _keys(names: list[str]) -> Any:
    """Random numbers of a series hang on its name, not on its neighbours."""
    return np.array([crc32(name.encode()) for name in names], dtype=np.int64)


def _block(names: list[str], last: Sequence[Any], answer: Forecast) -> list[Any]:
    rows: list[tuple[Any, ...]] = []
    horizon = answer.mean.shape[1]
    for i, name in enumerate(names):
        flag = words(int(answer.flags[i]))
        if not answer.answered[i]:
            rows.append((name, last[i] + np.int64(1), np.nan, np.nan, np.nan, flag))
            continue
        for day in range(horizon):
            date = last[i] + np.int64(day + 1)
            values = answer.quantiles[i, day].tolist()
            rows += [
                (name, date, day + 1.0, level, value, flag)
                for level, value in zip(HUB_LEVELS, values, strict=True)
            ]
    series, dates, *numbers, flags = zip(*rows, strict=True)
    return [
        series,
        np.array(dates, dtype="datetime64[D]"),
        *(np.array(each, dtype=np.float64) for each in numbers),
        flags,
    ]


def _parser(prog: str) -> Parser:
    parser = Parser(prog=prog, description=ABOUT, epilog=ANSWER)
    add: Callable[..., Any] = parser.add_argument
    add("cases", metavar="CASES", help="line list or counts; - for standard input")
    add("--horizon", type=int, default=14, metavar="DAYS", help="days ahead, at most 14 (14)")
    add("--window", dest="window_of_r", type=int, default=7, metavar="DAYS",
        help="days that tell R (7)")  # fmt: skip
    add("--drift", type=float, default=0.0, metavar="SD", help="daily step of log R (0: R stays)")
    add("--paths", type=int, default=2000, metavar="N", help="futures of each series (2000)")
    add("--seed", type=int, default=0, metavar="N", help="of the random numbers (0)")
    add("--complete", action="store_true", help="CASES holds counts by day, all reported")
    add("--gaps", choices=("error", "zero", "missing"), default="error",
        help="counts: days without a row")  # fmt: skip
    add("--sort", action="store_true", help="counts: put the dates in order first")
    add_interval(parser, uncertain=False)
    add_reporting(parser.add_argument_group("line list"))  # type: ignore[arg-type]  # a group adds
    output.add_output(parser)
    return parser
