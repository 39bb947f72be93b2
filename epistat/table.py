"""Counts from a CSV or Parquet file, as arrays: a row a series, a column a day or week, no holes.

Shared by all commands. What cannot be right is refused with its line: a date that comes twice or
out of order, a date that is left out, a count that is negative or no whole number.
"""

import csv
import io
import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from epistat.result import Floats

COLUMNS = ("series", "date", "count")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
WHOLE = re.compile(r"-?\d{1,15}(\.0*)?", re.ASCII)
NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
PARQUET = b"PAR1"
NOT_KNOWN = ("", "NA", "NaN")
EPOCH = date(1970, 1, 1).toordinal()
MOST_CELLS = 50_000_000  # from first to last dates; more is a slip in a date

Every = Literal["auto", "day", "week", "month"]
Gaps = Literal["error", "zero", "missing"]


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
    extra: dict[str, Floats]  # optional columns that the file has; NaN is not known
    row: str = "line"  # what a line is called


@dataclass(frozen=True, slots=True)
class Grid:
    """Every day (week, month) from the first to the last date of each series, one after another.

    ``starts[i] : starts[i + 1]`` are the cells of series i.
    """

    names: list[str]
    every: Literal["day", "week", "month"]
    first_days: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: Floats
    extra: dict[str, Floats]

    @property
    def step(self) -> int:
        return 7 if self.every == "week" else 1

    def days(self, first: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ordinals so many days, weeks or months after these."""
        if self.every != "month":
            return first + self.step * steps
        begin = (first - EPOCH).astype("datetime64[D]")
        months = begin.astype("datetime64[M]")
        day = begin - months.astype("datetime64[D]")
        later = (months + steps).astype("datetime64[D]") + day
        ordinals: NDArray[np.int64] = later.astype(np.int64) + EPOCH
        return ordinals


def read(path: str, *, optional: Sequence[str] = (), sort: bool = False) -> Table:
    """The table of a file, or of standard input for ``-``. BadInput where it is not a good one.

    ``optional``: columns of numbers that may be there besides, 0 or more. ``sort``: put the dates
    of a series in order; without it a date before that of the row above it is refused.
    """
    shown, row_name, rows = _rows(path)
    header = next(rows)[1]
    there = [name for name in optional if name in _names(header)]
    in_order = itemgetter(*_columns(header, shown, COLUMNS, optional), *_places(header, there))
    codes: dict[str, int] = {}
    day_of, count_of, number_of = _Days(), _Counts(), _Numbers()
    series, days, lines, counts = array("q"), array("q"), array("q"), array("d")
    others = {name: array("d") for name in there}
    for line, row in rows:
        try:
            name, day, count, *more = in_order(row)
            days.append(day_of[day])
            counts.append(count_of[count])
            for column, text in zip(there, more, strict=True):
                others[column].append(number_of[text])
        except ValueError as problem:
            raise BadInput(f"{shown}, {row_name} {line}: {problem}") from None
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
        {name: np.array(values, dtype=np.float64) for name, values in others.items()},
        row_name,
    )
    return _sorted(table, sort)


def read_places(path: str) -> tuple[list[str], Floats, bool, Floats | None]:
    """Names, coordinates (places, 2), whether on the earth, and people, of a file of places.

    Columns: series, then x and y, or latitude and longitude, and population if there is one.
    """
    shown, row_name, rows = _rows(path)
    header = next(rows)[1]
    names = _names(header)
    earth = "latitude" in names or "longitude" in names
    wanted = ("series", "latitude", "longitude") if earth else ("series", "x", "y")
    in_order = itemgetter(
        *_columns(header, shown, wanted, ("population",)),
        *_places(header, [name for name in ("population",) if name in names]),
    )
    number_of = _Numbers(signed=True)
    places: dict[str, list[float]] = {}
    for line, row in rows:
        try:
            name, *numbers = in_order(row)
            values = [number_of[text] for text in numbers]
            if np.isnan(values[:2]).any():
                raise ValueError(f"{name!r} needs two coordinates")
            if name in places:
                raise ValueError(f"{name!r} comes twice; keep one row for each place")
        except ValueError as problem:
            raise BadInput(f"{shown}, {row_name} {line}: {problem}") from None
        places[name] = values
    if not places:
        raise BadInput(f"{shown}, line 2: no rows below the header; give at least one")
    table = np.array(list(places.values()), dtype=np.float64)
    return list(places), table[:, :2], earth, table[:, 2] if table.shape[1] > 2 else None


@dataclass(frozen=True, slots=True)
class CaseTable:
    """A line list: one row a case, or as many as ``counts`` says; parallel arrays."""

    path: str
    names: list[str]
    series: NDArray[np.int64]  # index into names
    events: NDArray[np.int64]  # ordinals of dates
    reports: NDArray[np.int64]
    counts: Floats


def read_cases(path: str) -> CaseTable:
    """A line list with the columns series, event, report and, if rows stand for several, count.

    BadInput for what is no date, for a report before its event, and for a count that is not known.
    """
    shown, row_name, rows = _rows(path)
    header = next(rows)[1]
    there = [name for name in ("count",) if name in _names(header)]
    wanted = ("series", "event", "report")
    in_order = itemgetter(*_columns(header, shown, wanted, ("count",)), *_places(header, there))
    codes: dict[str, int] = {}
    day_of, count_of = _Days(), _Counts()
    series, events, reports, counts = array("q"), array("q"), array("q"), array("d")
    for line, row in rows:
        try:
            name, event, report, *more = in_order(row)
            count = count_of[more[0]] if more else 1.0
            if count != count:
                raise ValueError("the count is not known; write a whole number")
            if day_of[report] < day_of[event]:
                raise ValueError(f"reported on {report}, before the event on {event}; correct one")
            events.append(day_of[event])
            reports.append(day_of[report])
        except ValueError as problem:
            raise BadInput(f"{shown}, {row_name} {line}: {problem}") from None
        series.append(codes.setdefault(name, len(codes)))
        counts.append(count)
    if not series:
        raise BadInput(f"{shown}, line 2: no rows below the header; give at least one")
    return CaseTable(
        shown,
        list(codes),
        np.array(series, dtype=np.int64),
        np.array(events, dtype=np.int64),
        np.array(reports, dtype=np.int64),
        np.array(counts, dtype=np.float64),
    )


def day(text: str) -> int:
    """The ordinal of a date in an option; BadInput where it is none."""
    try:
        return _Days()[text]
    except ValueError as problem:
        raise BadInput(str(problem)) from None


def fill(table: Table, *, every: Every = "auto", gaps: Gaps = "error") -> Grid:
    """Lay the rows on the calendar. Dates between that have no row are refused, or as told.

    "zero": they have no case, and the population of the nearest date of the series; a gap in a file
    with a column expected is refused. "missing": their count is not known. "auto" takes weeks
    if the dates of each series are whole weeks apart, else days; in months all dates name the same
    day. BadInput where weeks are asked for and dates
    are not, and where the dates span so much that one of them must be wrong.
    """
    new = np.flatnonzero(np.diff(table.series, prepend=-1))
    at = _months(table) if every == "month" else table.days
    apart = np.diff(at, prepend=at[0])
    apart[new] = 0
    if every == "auto":
        every = "week" if len(new) < len(apart) and not (apart % 7).any() else "day"
    if every == "week" and (odd := np.flatnonzero(apart % 7)).size:
        row = odd[np.argmin(table.lines[odd])]
        raise BadInput(
            f"{table.path}, {table.row} {table.lines[row]}: {_iso(table.days[row])} is not a whole"
            " number of weeks after the date before it; correct the date, or use --every day"
        )
    step = 7 if every == "week" else 1
    first = table.days[new]
    lengths = (at[np.append(new[1:], len(apart)) - 1] - at[new]) // step + 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if starts[-1] > MOST_CELLS:
        widest = int(np.argmax(lengths))
        raise BadInput(
            f"{table.path}: {starts[-1]:,} {every}s from first to last dates are too many; check"
            f" the dates: {table.names[widest]!r} begins {_iso(first[widest])} and has"
            f" {lengths[widest]:,}"
        )
    wide = np.flatnonzero(apart > step)
    if gaps == "zero" and "expected" in table.extra and wide.size:
        row = wide[np.argmin(table.lines[wide])]
        raise BadInput(
            f"{table.path}, {table.row} {table.lines[row]}: {table.names[table.series[row]]!r} has"
            f" no {every} between {_iso(table.days[row - 1])} and {_iso(table.days[row])}, and what"
            " is expected there is not known; add the missing rows, or say --gaps missing"
        )
    if gaps == "error" and wide.size:
        monthly = every == "day" and np.isin(apart[apart > 0], (28, 29, 30, 31)).all()
        row = wide[np.argmin(table.lines[wide])]
        raise BadInput(
            f"{table.path}, {table.row} {table.lines[row]}: {table.names[table.series[row]]!r} has"
            f" no {every} between {_iso(table.days[row - 1])} and {_iso(table.days[row])}; add the"
            " missing rows, or say --gaps zero (no case) or --gaps missing (not known)"
            + (", or in detect and evaluate --every month" if monthly else "")
        )
    cells = starts[table.series] + (at - at[new][table.series]) // step
    counts = np.full(int(starts[-1]), 0.0 if gaps == "zero" else np.nan)
    counts[cells] = table.counts
    extra = {}
    for name, values in table.extra.items():
        extra[name] = np.full(len(counts), np.nan)
        extra[name][cells] = values
    if gaps == "zero" and "population" in extra:
        holes = np.ones(len(counts), np.bool_)
        holes[cells] = False
        extra["population"] = carried(extra["population"], holes, starts)
    return Grid(table.names, every, first, starts, counts, extra)


def _months(table: Table) -> NDArray[np.int64]:
    """The month of each row, counted from some month. BadInput if it is not told by one day."""
    days = (table.days - EPOCH).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    of_month = (days - months.astype("datetime64[D]")).astype(np.int64)
    odd = np.flatnonzero((of_month != of_month[0]) | (of_month >= 28))
    if odd.size:
        row = odd[np.argmin(table.lines[odd])]
        raise BadInput(
            f"{table.path}, {table.row} {table.lines[row]}: {_iso(table.days[row])} does not name a"
            " month as the others do; write one day for all, as the first"
        )
    return months.astype(np.int64)


def fill_days(table: Table, command: str, *, gaps: Gaps) -> Grid:
    """:func:`fill` by day, for a command that days alone make sense to. BadInput for weekly counts:

    their weeks must not become days between which nobody fell ill.
    """
    apart = np.diff(table.days)[np.diff(table.series) == 0]
    # Two or three rows of one weekday may be days where somebody has said what gaps mean.
    if len(apart) >= (1 if gaps == "error" else 3) and not (apart % 7).any():
        raise BadInput(f"{table.path}: weekly counts; {command} needs days, a row for each")
    return fill(table, every="day", gaps=gaps)


def carried(values: Floats, holes: NDArray[np.bool_], starts: NDArray[np.int64]) -> Floats:
    """``holes`` filled with the nearest known number of their series, the earlier of two.

    ``starts``: of the series, and the end of the last. NaN stays in a series that has no number.
    """
    known, at = np.flatnonzero(~np.isnan(values)), np.flatnonzero(holes)
    answer = values.copy()
    if not known.size:
        return answer
    series = np.searchsorted(starts, at, side="right") - 1
    after = np.searchsorted(known, at)
    left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    never = len(values)
    back = np.where((left <= at) & (left >= starts[series]), at - left, never)
    on = np.where((right >= at) & (right < starts[series + 1]), right - at, never)
    nearest = np.where(back <= on, left, right)
    some = np.minimum(back, on) < never
    answer[at[some]] = values[nearest[some]]
    return answer


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


class _Numbers(dict[str, float]):
    """Numbers that need not be whole, each parsed once; NaN is not known."""

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__()
        self.signed = signed

    def __missing__(self, text: str) -> float:
        written = text.strip()
        if written in NOT_KNOWN:
            self[text] = np.nan
        elif not NUMBER.fullmatch(written):
            raise ValueError(f"{text!r} is not a number; write one, or NA if not known")
        elif written.startswith("-") and not self.signed:
            raise ValueError(f"{written} is negative; write 0 or more, or NA if not known")
        else:
            self[text] = float(written)
        return self[text]


def _rows(path: str) -> tuple[str, str, Iterator[tuple[int, list[str]]]]:
    """What to call the file and its rows; and the rows with their numbers, the header first."""
    shown = "standard input" if path == "-" else path
    data = _bytes(path, shown)
    if data.startswith(PARQUET):
        return shown, "row", _parquet(data, shown)
    return shown, "line", _records(_decode(data, shown), shown)


def _parquet(data: bytes, shown: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a Parquet file, as CSV would have them."""
    try:
        from pyarrow import ArrowException, BufferReader, parquet  # only where it is asked for
    except ImportError:
        raise BadInput(
            f"{shown}: Parquet is read by pyarrow, which is not installed; install it, or give CSV"
        ) from None
    try:
        content = parquet.read_table(BufferReader(data))
    except (ArrowException, OSError) as problem:
        raise BadInput(f"{shown}: this is not a good Parquet file ({problem})") from None
    yield 0, list(content.column_names)
    number = 0
    for batch in content.to_batches(max_chunksize=100_000):
        columns = [map(_text, column.to_pylist()) for column in batch.columns]
        for row in zip(*columns, strict=True):
            number += 1
            yield number, list(row)


def _text(value: object) -> str:
    """A value of Parquet as CSV would have it."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    return str(value)


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


def _names(header: list[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _places(header: list[str], wanted: Sequence[str]) -> list[int]:
    names = _names(header)
    return [names.index(name) for name in wanted]


def _columns(
    header: list[str], shown: str, wanted: Sequence[str], optional: Sequence[str]
) -> list[int]:
    """Where the columns stand that are needed; others than these and the optional are refused."""
    names = _names(header)
    may = "".join(f", and {name} if it is known" for name in optional[:1])
    for name in names:
        if name not in (*wanted, *optional):
            raise BadInput(
                f"{shown}, line 1: unknown column {name!r}; the columns are"
                f" {', '.join(wanted)}{may}"
            )
    for name in (*wanted, *(name for name in optional if name in names)):
        if names.count(name) != 1:
            times = "is missing" if name not in names else "comes twice"
            raise BadInput(
                f"{shown}, line 1: the column {name} {times}; give {', '.join(wanted)} once each"
            )
    return [names.index(name) for name in wanted]


def _sorted(table: Table, sort: bool) -> Table:
    order = np.lexsort((table.days, table.series))
    series, days, lines = table.series[order], table.days[order], table.lines[order]
    twice = np.flatnonzero((np.diff(series) == 0) & (np.diff(days) == 0))
    if twice.size:
        row = twice[np.argmin(lines[twice + 1])]
        raise BadInput(
            f"{table.path}, {table.row} {lines[row + 1]}: {table.names[series[row]]!r} has"
            f" {_iso(days[row])} again, first in {table.row} {lines[row]}; keep one row for each"
            " series and date"
        )
    if not sort:
        _refuse_unsorted(table)
    extra = {name: values[order] for name, values in table.extra.items()}
    return Table(
        table.path, table.names, series, days, table.counts[order], lines, extra, table.row
    )


def _refuse_unsorted(table: Table) -> None:
    order = np.argsort(table.series, kind="stable")
    series, days, lines = table.series[order], table.days[order], table.lines[order]
    back = np.flatnonzero((np.diff(series) == 0) & (np.diff(days) < 0))
    if back.size:
        row = back[np.argmin(lines[back + 1])]
        raise BadInput(
            f"{table.path}, {table.row} {lines[row + 1]}: {_iso(days[row + 1])} of"
            f" {table.names[series[row]]!r} stands after {_iso(days[row])}; put the dates of a"
            " series in order, or say --sort"
        )


def _iso(ordinal: int) -> str:
    return date.fromordinal(int(ordinal)).isoformat()
