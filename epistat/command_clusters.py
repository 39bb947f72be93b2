"""``clusters``: a scan over a table of counts by place, CSV or Parquet in and out."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epistat import output
from epistat.clusters import Scan, scan
from epistat.output import DATE, NUMBER, TEXT, Parser
from epistat.result import Floats
from epistat.table import BadInput, Grid, carried, fill, read, read_places
from epistat.zones import circles

COLUMNS = (
    ("cluster", NUMBER), ("centre", TEXT), ("places", TEXT), ("radius", NUMBER), ("start", DATE),
    ("end", DATE), ("observed", NUMBER), ("expected", NUMBER), ("relative_risk", NUMBER),
    ("score", NUMBER), ("p", NUMBER), ("p_gumbel", NUMBER), ("recurrence", NUMBER),
)  # fmt: skip

ABOUT = """\
Where, and since when, are there more cases than chance would put together? Kulldorff's scan over
circles of places and the last days or weeks (one date: over circles alone).

COUNTS has the columns series (the place), date, count and, if known, population or expected.
PLACES has series and latitude and longitude, or x and y, and population if known. Both are CSV
(UTF-8 or GB18030) or Parquet."""

ANSWER = """\
models: poisson     cases in proportion to the population, or alike everywhere without one
        bernoulli   population: cases and controls, whole numbers
        permutation no population: is it local, or everywhere at the time?
        expectation expected: by a model, such as the column of detect

The answer lists clusters, strongest first, that share no place. p accounts for all that was looked
at; p_gumbel tells small ones. recurrence: one as strong comes by chance once in so many dates, if
each date is analysed once. radius is in km for latitude and longitude.

example:
  %(prog)s cases.csv --places villages.csv --model permutation --longest 14 --seed 1"""


def clusters(argv: Sequence[str], prog: str = "clusters") -> int:
    """Run ``clusters`` with these arguments; the exit code is 0, or 2 where something is wrong."""
    return output.run(_parser(prog), argv, _clusters)


def _clusters(asked: argparse.Namespace) -> int:
    table = read(asked.counts, optional=("population", "expected"), sort=asked.sort)
    names, where, earth, people = read_places(asked.places)
    if asked.model != "expectation":
        table.extra.pop("expected", None)  # a hole in it does not matter
    grid = fill(table, every=asked.every, gaps=asked.gaps)
    missing = 0.0 if asked.gaps == "zero" else np.nan
    counts, first = _laid(grid, grid.counts, names, missing, asked.places)
    base = _base(asked, grid, names, people, counts)
    zones = circles(
        where, earth=earth, population=people, share=asked.share, radius=asked.radius,
        most=asked.most_places,
    )  # fmt: skip
    found = scan(
        counts,
        zones,
        model=asked.model,
        base=base,
        ratio=asked.ratio,
        longest=asked.longest,
        shortest=asked.shortest,
        least=asked.least,
        earlier=asked.earlier,
        most=asked.most,
        replicates=asked.replicates,
        seed=asked.seed,
        threads=asked.threads,
        progress=output.progress("clusters"),
    )
    block = _block(found, names, first + grid.step * np.arange(counts.shape[1]))
    return output.write(asked.output, COLUMNS, [block])


def _laid(
    grid: Grid, values: Floats, names: list[str], missing: float, path: str
) -> tuple[Floats, int]:
    """Places by dates, over the whole time that any place has; and the first day."""
    known = {name: row for row, name in enumerate(names)}
    for name in grid.names:
        if name not in known:
            raise BadInput(f"{Path(path).name}: {name!r} is missing; give a row for each place")
    lengths = np.diff(grid.starts)
    first = int(grid.first_days.min())
    offsets = grid.first_days - first
    if (offsets % grid.step).any():
        raise BadInput("the weeks of the places begin on different days; use --every day")
    offsets //= grid.step
    laid = np.full((len(names), int((offsets + lengths).max())), missing)
    for i, name in enumerate(grid.names):
        part = values[grid.starts[i] : grid.starts[i + 1]]
        laid[known[name], offsets[i] : offsets[i] + lengths[i]] = part
    return laid, first


def _base(
    asked: argparse.Namespace,
    grid: Grid,
    names: list[str],
    people: Floats | None,
    counts: Floats,
) -> Floats | None:
    """What the model takes for a base: of the dates where it is known, else of the places."""
    column = "expected" if asked.model == "expectation" else "population"
    if asked.model == "permutation":
        return None
    if column in grid.extra:
        base, first = _laid(grid, grid.extra[column], names, np.nan, asked.places)
        if asked.gaps == "zero":
            # A date without a row has no case, but its people, and is counted all the same.
            there, _ = _laid(grid, np.ones(len(grid.counts)), names, np.nan, asked.places)
            holes = np.isnan(there)  # before the first row of a place, or after its last
            if column == "expected" and holes.any():
                place, date = np.argwhere(holes)[0]
                day = output.dates(first + grid.step * date)
                raise BadInput(
                    f"{Path(asked.counts).name}: {names[place]!r} has no row for {day}, and what is"
                    " expected there is not known; add the row, or say --gaps missing"
                )
            starts = np.arange(len(base) + 1) * base.shape[1]
            base = carried(base.ravel(), holes.ravel(), starts).reshape(base.shape)
        if column == "population" and people is not None:
            return np.where(np.isnan(base), people[:, np.newaxis], base)
        if (unknown := np.isnan(base).all(axis=1)).any():
            raise BadInput(
                f"{Path(asked.counts).name}: nothing tells the {column} of"
                f" {names[int(unknown.argmax())]!r}, which has no row; add rows with it and a count"
                " of 0, or leave the place out"
            )
        return base
    if column == "population" and people is not None:
        return people
    if asked.model == "poisson":
        return np.ones(counts.shape)
    raise BadInput(f"{asked.model} needs the column {column}")


def _block(found: Scan, names: list[str], days: NDArray[np.int64]) -> list[Any]:
    of = found.clusters
    numbers = ("observed", "expected", "relative_risk", "score", "p", "p_gumbel", "recurrence")
    return [
        np.arange(1.0, len(of) + 1),
        [names[one.places[0]] for one in of],
        [";".join(names[place] for place in one.places) for one in of],
        np.array([one.radius for one in of]),
        output.dates(np.array([days[one.start] for one in of], np.int64)),
        output.dates(np.array([days[-1] for one in of], np.int64)),
        *(np.array([getattr(one, name) for one in of], np.float64) for name in numbers),
    ]


def _parser(prog: str) -> Parser:
    parser = Parser(prog=prog, description=ABOUT, epilog=ANSWER)
    add = parser.add_argument
    add("counts", metavar="COUNTS", help="counts by place and date; - for standard input")
    add("--places", required=True, metavar="PLACES", help="where the places are")
    add("--model", choices=("poisson", "bernoulli", "permutation", "expectation"),
        default="poisson", help="what chance does (poisson)")  # fmt: skip
    add("--every", choices=("auto", "day", "week"), default="auto", help="what a date stands for")
    add("--gaps", choices=("error", "zero", "missing"), default="zero",
        help="dates of a place without a row: no case (zero), not known, an error")  # fmt: skip
    add("--sort", action="store_true", help="put the dates in order first")
    add("--share", type=float, default=0.5, metavar="P", help="largest circle: of the people (0.5)")
    add("--radius", type=float, default=None, metavar="R", help="largest circle: km, or units of x")
    add("--most-places", type=int, default=None, metavar="N", help="largest circle: places")
    add("--longest", type=int, default=None, metavar="N", help="dates that a cluster may last"
        " (half of them)")  # fmt: skip
    add("--shortest", type=int, default=1, metavar="N", help="dates that it must last (1)")
    add("--least", type=int, default=2, metavar="CASES", help="cases that it must have (2)")
    add("--earlier", type=int, default=0, metavar="N", help="analyses that were made on earlier"
        " dates, for which p accounts too (0)")  # fmt: skip
    add("--ratio", type=float, default=1.0, metavar="R", help="expectation: variance over mean (1)")
    add("--most", type=int, default=10, metavar="N", help="clusters to be told (10)")
    add("--replicates", type=int, default=999, metavar="N", help="data sets by chance (999)")
    add("--seed", type=int, default=0, metavar="N", help="of the random numbers (0)")
    add("--threads", type=int, default=1, metavar="N", help="processors to use; changes no number")
    output.add_output(parser)
    return parser
