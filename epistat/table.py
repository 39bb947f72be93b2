"""Counts from a CSV file, as arrays: one row a series, one column a day or week, without holes."""

import csv
import io
import re
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from epistat.result import Floats

COLUMNS = ("series", "date", "count")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
WHOLE = re.compile(r"-?\d{1,15}(\.0*)?", re.ASCII)
NOT_KNOWN = ("", "NA", "NaN")
MOST_CELLS = 50_000_000  # from first to last dates; more is a slip in a date

Every = Literal["auto", "day", "week"]
Gaps = Literal["zero", "missing"]


class BadInput(Exception):
    """What is wrong with the input, in which line, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, sorted by series (as they came) and date; parallel arrays."""

    path: str
    names: list[str]
    series: NDArray[np.int64]  # index into names
    days: NDArray[np.int64]  # ordinal of the date; 1 is 0001-01-01
    counts: Floats  # NaN is not known
    lines: NDArray[np.int64]  # in the file, for messages


@dataclass(frozen=True, slots=True)
class Grid:
    """Every day (or week) from the first to the last date of each series, one after another.

    ``starts[i] : starts[i + 1]`` are the cells of series i.
    """

    names: list[str]
    every: Literal["day", "week"]
    first_days: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: Floats

    @property
    def step(self) -> int:
        return 7 if self.every == "week" else 1


def read(path: str) -> Table:
    """The table of a file, or of standard input for ``-``. BadInput where it is not a good one."""
    shown = "standard input" if path == "-" else path
    rows = _records(_decode(_bytes(path, shown), shown), shown)
    in_order = itemgetter(*_columns(next(rows)[1], shown))
    codes: dict[str, int] = {}
    day_of, count_of = _Days(), _Counts()
    series, days, lines, counts = array("q"), array("q"), array("q"), array("d")
    for line, row in rows:
        try:
            name, day, count = in_order(row)
            days.append(day_of[day])
            counts.append(count_of[count])
        except ValueError as problem:
            raise BadInput(f"{shown}, line {line}: {problem}") from None
        series.append(codes.setdefault(name, len(codes)))
        lines.append(line)
    if not series:
        raise BadInput(f"{shown}, line 2: no rows below the header; give at least one")
    table = Table(
        shown,
        list(codes),
        np.array(series, dtype=np.int64),
        np.array(days, dtype=np.int64),
        np.array(counts, dtype=np.float64),
        np.array(lines, dtype=np.int64),
    )
    return _sorted(table)


def fill(table: Table, *, every: Every = "auto", gaps: Gaps = "zero") -> Grid:
    """Lay the rows on the calendar; dates between that have no row count 0, or are missing.

    "auto" takes weeks if the dates of each series are whole weeks apart. BadInput where weeks are
    asked for and dates are not, and where the dates span so much that one of them must be wrong.
    """
    new = np.flatnonzero(np.diff(table.series, prepend=-1))
    apart = np.diff(table.days, prepend=table.days[0])
    apart[new] = 0
    if every == "auto":
        every = "week" if len(new) < len(apart) and not (apart % 7).any() else "day"
    if every == "week" and (odd := np.flatnonzero(apart % 7)).size:
        row = odd[np.argmin(table.lines[odd])]
        raise BadInput(
            f"{table.path}, line {table.lines[row]}: {_iso(table.days[row])} is not a whole number"
            " of weeks after the date before it; correct the date, or use --every day"
        )
    step = 7 if every == "week" else 1
    first = table.days[new]
    lengths = (table.days[np.append(new[1:], len(apart)) - 1] - first) // step + 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if starts[-1] > MOST_CELLS:
        widest = int(np.argmax(lengths))
        raise BadInput(
            f"{table.path}: {starts[-1]:,} days from first to last dates are too many; check the"
            f" dates: {table.names[widest]!r} begins {_iso(first[widest])} and has"
            f" {lengths[widest]:,}"
        )
    counts = np.full(int(starts[-1]), 0.0 if gaps == "zero" else np.nan)
    counts[starts[table.series] + (table.days - first[table.series]) // step] = table.counts
    return Grid(table.names, "week" if step == 7 else "day", first, starts, counts)


class _Days(dict[str, int]):
    """Ordinals of written dates, each parsed once: a million rows hold few different ones."""

    def __missing__(self, text: str) -> int:
        try:
            if not DAY.fullmatch(text.strip()):
                raise ValueError
            self[text] = date.fromisoformat(text.strip()).toordinal()
        except ValueError:
            raise ValueError(f"{text!r} is not a date; write it as 2020-02-05") from None
        return self[text]


class _Counts(dict[str, float]):
    """Numbers of written counts, each parsed once; NaN is not known."""

    def __missing__(self, text: str) -> float:
        written = text.strip()
        if written in NOT_KNOWN:
            self[text] = np.nan
        elif not WHOLE.fullmatch(written):
            raise ValueError(f"{text!r} is not a count; write a whole number, or NA if not known")
        elif written.startswith("-"):
            raise ValueError(f"the count {written} is negative; write 0 or more, or NA")
        else:
            self[text] = float(written)
        return self[text]


def _bytes(path: str, shown: str) -> bytes:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        reason = getattr(problem, "strerror", None) or problem
        raise BadInput(f"{shown}: {reason}; check the name of the file") from None
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise BadInput(f"{shown}, line 1: the file is empty; begin it with series,date,count")
    return data


def _decode(data: bytes, shown: str) -> str:
    """The text of UTF-8 (with or without mark) or GB18030, as Chinese spreadsheets write it."""
    if not data.startswith((b"PK\x03\x04", b"\xff\xfe", b"\xfe\xff")):
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    raise BadInput(f"{shown}, line 1: this is not CSV in UTF-8 or GB18030; save it as CSV (UTF-8)")


def _records(text: str, shown: str) -> Iterator[tuple[int, list[str]]]:
    """The header and the rows with the line they end in, without blank lines; all of one width."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    width = 0
    try:
        for row in reader:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise BadInput(
                    f"{shown}, line {reader.line_num}: {len(row)} fields where the header has"
                    f" {width}; add what is missing, and put a name with a comma in double quotes"
                )
            yield reader.line_num, row
    except csv.Error as problem:
        raise BadInput(f"{shown}, line {reader.line_num}: {problem}; check the quotes") from None


def _columns(header: list[str], shown: str) -> list[int]:
    """Where series, date and count stand."""
    names = [name.strip().lower() for name in header]
    for name in names:
        if name not in COLUMNS:
            raise BadInput(
                f"{shown}, line 1: unknown column {name!r}; the columns are {', '.join(COLUMNS)}"
            )
    for name in COLUMNS:
        if names.count(name) != 1:
            times = "is missing" if name not in names else "comes twice"
            raise BadInput(
                f"{shown}, line 1: the column {name} {times}; give {', '.join(COLUMNS)} once each"
            )
    return [names.index(name) for name in COLUMNS]


def _sorted(table: Table) -> Table:
    order = np.lexsort((table.days, table.series))
    series, days, lines = table.series[order], table.days[order], table.lines[order]
    twice = np.flatnonzero((np.diff(series) == 0) & (np.diff(days) == 0))
    if twice.size:
        row = twice[np.argmin(lines[twice + 1])]
        raise BadInput(
            f"{table.path}, line {lines[row + 1]}: {table.names[series[row]]!r} has"
            f" {_iso(days[row])} again, first in line {lines[row]}; keep one row for each series"
            " and date"
        )
    return Table(table.path, table.names, series, days, table.counts[order], lines)


def _iso(ordinal: int) -> str:
    return date.fromordinal(int(ordinal)).isoformat()
