"""A file as rows of text: size, then type, then caps, then parsing. No Django.

CSV with any of four delimiters in UTF-8, UTF-16 with a mark or GB18030; XLSX, XLS and ODS. Runs in
a process of its own with little memory and time (``reader.py``): whatever is wrong with a file,
``NotReadable`` says so, and the pages go on.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from typing import Any

from fangkong.core.privacy import is_mark

from . import columns

DELIMITERS = ",\t;|"
HEADINGS_WITHIN = 10  # lines: files often begin with a title
MAX_MEMBERS = 2_000
MAX_RATIO = 200  # of a part of an archive to its packed size; sheets reach some 20 to 60
SMALL = 1 << 20  # a part below this size may be packed as tightly as it likes
MAX_DENSITY = 40  # cells laid out per byte of a sheet; more means a cell far out

_SIGNATURES = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
    b"{\\rtf": "RTF",
    b"<?xml": "XML",
    b"<!DOC": "HTML",
    b"<html": "HTML",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PLACE = re.compile(rb"""<(?:\w+:)?(?:c|row)\s(?:[^<>]*?\s)?r=["']([A-Z]{0,3})(\d{1,9})["']""")
_CELLS = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROWS = re.compile(rb"<(?:\w+:)?row[\s/>]")
_REPEAT = re.compile(rb"""number-(rows|columns)-repeated=["'](\d+)["']""")


class NotReadable(Exception):
    """The file cannot be taken; ``code`` and ``params`` are put into words by ``words.problem``."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Caps:
    """What a file may have at most."""

    bytes: int = 30 * 1024 * 1024
    unpacked: int = 400 * 1024 * 1024
    rows: int = 200_000
    columns: int = 200
    cell: int = 4_000  # characters


@dataclass(frozen=True)
class Sheet:
    """The headings, and below them the rows, each with its line; blank lines are left out."""

    encoding: str  # utf-8, utf-8-sig, utf-16, gb18030, xlsx, xls or ods
    headings: list[str]
    rows: Iterator[tuple[int, list[str]]]


def read(data: bytes, known: Mapping[str, str], enough: int, caps: Caps) -> Sheet:
    """The table in a file; NotReadable where there is none that can be taken.

    ``known``: bare headings that tell the line of headings, of which it has at least ``enough``.
    ``rows`` is read on as it is asked for, and may raise NotReadable then.
    """
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise NotReadable("empty")
    if len(data) > caps.bytes:
        raise NotReadable("too_big", limit=caps.bytes // 1024 // 1024)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        kind = _archive_kind(data, caps)
        return _sheet(kind, _book_lines(data, caps), known, enough, caps)
    if data.startswith(_OLE):
        return _sheet("xls", _book_lines(data, caps), known, enough, caps)
    for signature, kind in _SIGNATURES.items():
        if data[: len(signature)].lower() == signature.lower():
            raise NotReadable("wrong_type", kind=kind)
    encoding, text = _decoded(data)
    return _sheet(encoding, _csv_lines(text, known, caps), known, enough, caps)


# --- Text ----------------------------------------------------------------------------------------


def _decoded(data: bytes) -> tuple[str, str]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\0" in data:
        raise NotReadable("wrong_type", kind="binary")
    elif data.startswith(b"\xef\xbb\xbf"):
        encodings = ("utf-8-sig",)
    else:
        encodings = ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as fault:
            if encoding.startswith("utf-8") and _is_utf8_so_far(data[: fault.start]):
                line = data.count(b"\n", 0, fault.start) + 1
                raise NotReadable("broken_text", line=line) from None
            continue
        if "\0" in text:
            raise NotReadable("wrong_type", kind="binary")
        return encoding, text
    raise NotReadable("wrong_encoding")


def _is_utf8_so_far(begin: bytes) -> bool:
    """Whether so much of a text is UTF-8 that it cannot be another encoding by chance."""
    text = begin.decode("utf-8", "ignore")
    return sum(1 for sign in text[:100_000] if sign >= "\u2e80") >= 8


def _csv_lines(text: str, known: Mapping[str, str], caps: Caps) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(caps.cell * 4)
    if text.find("\n") < 0 and text.find("\r") < 0 and len(text) > caps.columns * caps.cell:
        raise NotReadable("one_long_line")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_delimiter(text, known), strict=True
    )
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as fault:
        code = "long_cell" if "field larger" in str(fault) else "broken_line"
        raise NotReadable(code, line=line, limit=caps.cell) from None


def _delimiter(text: str, known: Mapping[str, str]) -> str:
    """The one that parts the most known headings in the first lines, or else the most cells."""
    lines = [line[:20_000].strip("\r") for line in text[:200_000].split("\n", HEADINGS_WITHIN)]
    lines = [line for line in lines[:HEADINGS_WITHIN] if line]

    def worth(delimiter: str) -> tuple[int, int]:
        parted = [line.split(delimiter) for line in lines]
        names = max((len(set(columns.matched(cells, known)) - {""}) for cells in parted), default=0)
        return names, min((len(cells) for cells in parted if len(cells) > 1), default=0)

    return max(DELIMITERS, key=worth)


# --- Workbooks -----------------------------------------------------------------------------------


def unpacked_size(data: bytes) -> int:
    """What an archive says that it unpacks to; the size itself for what is none."""
    try:
        return sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return len(data)


def _archive_kind(data: bytes, caps: Caps) -> str:
    """xlsx or ods; what an archive says of itself is read before anything in it is unpacked."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise NotReadable("broken_workbook") from None
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" in names:
        kind = "xlsx"
    elif "content.xml" in names and "mimetype" in names:
        kind = "ods"
    else:
        raise NotReadable("wrong_type", kind="ZIP")
    too_tight = [
        entry
        for entry in entries
        if entry.file_size > SMALL and entry.file_size > MAX_RATIO * max(1, entry.compress_size)
    ]
    if too_tight or len(entries) > MAX_MEMBERS:
        raise NotReadable("bomb")
    if sum(entry.file_size for entry in entries) > caps.unpacked:
        raise NotReadable("too_big", limit=caps.bytes // 1024 // 1024)
    _look_through(archive, entries, kind, caps)
    return kind


def _look_through(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], kind: str, caps: Caps
) -> None:
    """Real sizes and the places of cells, before the reader sees them.

    One cell far out makes the reader lay out every cell before it, which no memory holds, whatever
    a sheet says of its size.
    """
    left = caps.unpacked
    for entry in entries:
        if not entry.filename.endswith((".xml", ".rels")):
            continue
        part = _Part(caps, ods=kind == "ods")
        is_sheet = "worksheets/" in entry.filename or entry.filename == "content.xml"
        try:
            with archive.open(entry) as file:
                while chunk := file.read(1 << 20):
                    left -= len(chunk)
                    if left < 0:  # it unpacks to more than it says
                        raise NotReadable("bomb")
                    if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
                        raise NotReadable("broken_workbook")
                    if is_sheet:
                        part.look(chunk)
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, EOFError):
            raise NotReadable("broken_workbook") from None


class _Part:
    """One sheet as it is looked through: how many rows it has, and how far its cells lie."""

    def __init__(self, caps: Caps, *, ods: bool) -> None:
        self.caps, self.ods = caps, ods
        self.before = b""
        self.rows = self.cells = self.size = 0

    def look(self, chunk: bytes) -> None:
        text = self.before + chunk
        cut = text.rfind(b"<")  # a tag cut in two is looked at with the next chunk
        text, self.before = (text[:cut], text[cut:][-4096:]) if cut > 0 else (text, b"")
        if self.ods:
            return  # its reader drops empty repeats; filled ones meet the limits of the process
        self.rows += len(_ROWS.findall(text))
        if self.rows > self.caps.rows + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=self.caps.rows)
        for column, row in _PLACE.findall(text):
            self._refuse_far(column, int(row))

    def _refuse_far(self, column: bytes, row: int) -> None:
        if row > self.caps.rows + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=self.caps.rows)
        number = 0
        for letter in column:
            number = number * 26 + letter - ord("A") + 1
        if number > self.caps.columns:
            raise NotReadable("too_many_columns", limit=self.caps.columns)


def _book_lines(data: bytes, caps: Caps) -> Iterator[tuple[int, list[str]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = book.get_sheet_by_index(0)
        start = sheet.start
        if start is None:
            return
        if sheet.height > caps.rows + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=caps.rows)
        if sheet.width > caps.columns:
            raise NotReadable("too_many_columns", limit=caps.columns)
        for line, row in enumerate(sheet.iter_rows(), start=1):
            yield line, [_text(cell) for cell in row]
    except (CalamineError, OSError, ValueError, IndexError):
        raise NotReadable("broken_workbook") from None
    except BaseException as fault:  # a panic of its Rust is no Exception
        if type(fault).__name__ != "PanicException":
            raise
        raise NotReadable("broken_workbook") from None


def _text(cell: Any) -> str:
    """A spreadsheet's cell as a person would type it."""
    if type(cell) is str:
        return cell
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M" if cell.time() != time(0) else "%Y-%m-%d")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)


# --- Rows ----------------------------------------------------------------------------------------


def _bare(cell: str) -> str:
    """A cell without blanks at its ends, and without the apostrophe that our own files set before
    what a spreadsheet would take for a formula."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _sheet(
    encoding: str,
    lines: Iterator[tuple[int, list[str]]],
    known: Mapping[str, str],
    enough: int,
    caps: Caps,
) -> Sheet:
    """The headings: the first line with enough known ones, or else the first with two cells."""
    first: list[tuple[int, list[str]]] = []
    chosen = -1
    for line, cells in lines:
        if is_mark(cells) or not any(cell and not cell.isspace() for cell in cells):
            continue
        if len(cells) > caps.columns:
            raise NotReadable("too_many_columns", limit=caps.columns)
        first.append((line, cells))
        if len(set(columns.matched(cells, known)) - {""}) >= enough:
            chosen = len(first) - 1
            break
        if len(first) >= HEADINGS_WITHIN:
            break
    if chosen < 0:
        chosen = next(
            (n for n, (_line, cells) in enumerate(first) if sum(map(bool, cells)) > 1), -1
        )
    if chosen < 0:
        raise NotReadable("no_headings")
    headings = [cell.strip()[:100] for cell in first[chosen][1]]
    while not headings[-1]:
        headings.pop()
    if again := _same_twice(headings):
        raise NotReadable("column_twice", headings=again)
    rows = _rows(chain(first[chosen + 1 :], lines), len(headings), caps)
    one = next(rows, None)
    if one is None:
        raise NotReadable("no_rows")
    return Sheet(encoding, headings, chain([one], rows))


def _same_twice(headings: list[str]) -> list[str]:
    named = [heading for heading in headings if heading]
    return sorted({heading for heading in named if named.count(heading) > 1})[:5]


def _rows(
    lines: Iterator[tuple[int, list[str]]], width: int, caps: Caps
) -> Iterator[tuple[int, list[str]]]:
    n = 0
    for line, cells in lines:
        if is_mark(cells):
            continue
        cut = [_bare(cell) if cell else "" for cell in cells]
        while cut and not cut[-1]:
            cut.pop()
        if not cut:
            continue
        n += 1
        if n > caps.rows:
            raise NotReadable("too_many_rows", limit=caps.rows)
        if len(cut) > caps.columns:
            raise NotReadable("too_many_columns", limit=caps.columns)
        if sum(map(len, cut)) > caps.cell and any(len(cell) > caps.cell for cell in cut):
            raise NotReadable("long_cell", line=line, limit=caps.cell)
        if len(cut) < width:
            cut += [""] * (width - len(cut))
        yield line, cut
