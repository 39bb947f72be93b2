"""What the commands have in common: their parser, their messages, and CSV or Parquet out."""

import argparse
import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from epistat.table import BadInput

EPOCH = 719_163  # ordinal of 1970-01-01, the day 0 of NumPy's dates
TEXT, DATE, NUMBER, YES = "text", "date", "number", "yes or no"
Columns = Sequence[tuple[str, str]]  # name and kind
Block = Sequence[Any]  # for each column a list or an array of its values


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the long usage that argparse prints before it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.name}: {message}; see {self.prog} --help\n")

    @property
    def name(self) -> str:
        """The command without the program that it belongs to."""
        return self.prog.split()[-1]


def run(parser: Parser, argv: Sequence[str], work: Callable[[argparse.Namespace], int]) -> int:
    """Parse and work; the exit code is 0, or 2 with one line where something is wrong."""
    try:
        asked = parser.parse_args(argv)
    except SystemExit as end:  # argparse has printed its line, or the help
        return int(end.code or 0)
    try:
        return work(asked)
    except (BadInput, ValueError) as problem:
        text = " ".join(str(problem).split())
        print(f"{parser.name}: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def progress(name: str) -> Callable[[int, int], None]:
    """Tell how far the work is, on a terminal only; a file or a pipe gets no such lines."""

    def tell(done: int, whole: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done >= whole else ""
            print(
                f"\r{name}: {100 * done // max(whole, 1)} %", end=end, file=sys.stderr, flush=True
            )

    return tell


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=None,
        help="write to this file, as Parquet if its name ends in .parquet (CSV on standard output)",
    )  # fmt: skip


def started(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks, the first worked out: what is wrong is told before a line is written."""
    first = next(blocks)
    return chain([first], blocks)


def write(output: str | None, columns: Columns, blocks: Iterable[Block]) -> int:
    """Write blocks of columns; NaN is empty. Quiet if the reader goes away (``| head``)."""
    try:
        if output is None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")
            _csv(sys.stdout, columns, blocks)
            sys.stdout.flush()
        elif output.lower().endswith(".parquet"):
            _parquet(output, columns, blocks)
        else:
            with Path(output).open("w", encoding="utf-8", newline="") as file:
                _csv(file, columns, blocks)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as problem:
        raise BadInput(f"cannot write the answer: {problem.strerror or problem}") from None
    return 0


def _csv(file: Any, columns: Columns, blocks: Iterable[Block]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    for block in blocks:
        writer.writerows(zip(*map(_plain, block), strict=True))


def _plain(column: Any) -> Any:
    """NaN as nothing, whole numbers without a point, others with all their digits."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return [
            "" if number != number else int(number) if number.is_integer() else number
            for number in column.tolist()
        ]
    return column


def _parquet(path: str, columns: Columns, blocks: Iterable[Block]) -> None:
    try:
        import pyarrow as pa  # only where it is asked for
        from pyarrow import parquet
    except ImportError:
        raise BadInput(
            "Parquet is written by pyarrow, which is not installed; install it, or write CSV"
        ) from None
    kinds = {TEXT: pa.string(), DATE: pa.date32(), NUMBER: pa.float64(), YES: pa.bool_()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in blocks:
            arrays = [
                _arrow(pa, values, kind, kinds[kind])
                for values, (_, kind) in zip(block, columns, strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=schema))


def _arrow(pa: Any, values: Any, kind: str, of: Any) -> Any:
    if kind == YES:
        yes = np.asarray(values, np.float64)
        return pa.array(np.nan_to_num(yes).astype(np.bool_), of, mask=np.isnan(yes))
    if kind == NUMBER:
        return pa.array(np.asarray(values, np.float64), of, from_pandas=True)
    if kind == DATE:
        return pa.array(np.asarray(values, dtype="datetime64[D]"), of)
    return pa.array(list(values), of)


def dates(days: Any) -> Any:
    """Ordinals as NumPy's dates."""
    return (np.asarray(days) - EPOCH).astype("datetime64[D]")
