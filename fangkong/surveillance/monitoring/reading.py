"""A file of report cards as rows of text: size, then type, then caps, then parsing. No Django.

CSV with commas, tabs or semicolons in UTF-8 (with or without a mark), UTF-16 with a mark or
GB18030, and XLSX. Whatever else it is, ``NotReadable`` says so before any of it is interpreted.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from python_calamine import CalamineError, CalamineWorkbook

from . import columns

MAX_BYTES = 30 * 1024 * 1024
MAX_UNPACKED = 300 * 1024 * 1024
_PLACE = re.compile(rb"""\sr=["']([A-Z]{0,3})(\d{1,9})["']""")
MAX_ROWS = 100_000
MAX_COLUMNS = 100
MAX_CELL = 1_000
HEADINGS_WITHIN = 10  # lines: files often begin with a title
DELIMITERS = ",\t;"

_SIGNATURES = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "XLS",
    b"{\\rtf": "RTF",
    b"<?xml": "XML",
    b"<!DOC": "HTML",
    b"<html": "HTML",
}


class NotReadable(Exception):
    """The file cannot be taken; ``code`` and ``params`` are put into words by ``words.problem``."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Sheet:
    """The rows below the headings, each with its line in the file; blank lines are left out."""

    encoding: str  # utf-8, utf-8-sig, utf-16, gb18030 or xlsx
    headings: list[str]
    rows: list[tuple[int, list[str]]]


def read(data: bytes) -> Sheet:
    """The table in a file; NotReadable where there is none that can be taken."""
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise NotReadable("empty")
    if len(data) > MAX_BYTES:
        raise NotReadable("too_big", limit=MAX_BYTES // 1024 // 1024)
    if data.startswith(b"PK"):
        return _sheet("xlsx", _xlsx_lines(data))
    for signature, kind in _SIGNATURES.items():
        if data[: len(signature)].lower() == signature.lower():
            raise NotReadable("wrong_type", kind=kind)
    encoding, text = _decoded(data)
    return _sheet(encoding, _csv_lines(text))


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
            return encoding, data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotReadable("wrong_encoding")


def _csv_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error:
        raise NotReadable("broken_line", line=line) from None


def _delimiter(text: str) -> str:
    """The one that parts the most known headings in the first lines."""
    lines = text.split("\n", HEADINGS_WITHIN)[:HEADINGS_WITHIN]

    def known(delimiter: str) -> int:
        return max(columns.known(line.strip("\r").split(delimiter)) for line in lines)

    return max(DELIMITERS, key=known)


def _xlsx_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    _refuse_bombs(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = book.get_sheet_by_index(0)
        if sheet.height > MAX_ROWS + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=MAX_ROWS)
        if sheet.width > MAX_COLUMNS:
            raise NotReadable("too_many_columns", limit=MAX_COLUMNS)
        cells = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError):
        raise NotReadable("broken_workbook") from None
    for line, row in enumerate(cells, start=1):
        yield line, [_text(cell) for cell in row]


def _refuse_bombs(data: bytes) -> None:
    """What an archive says of itself is read before anything in it is unpacked."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise NotReadable("broken_workbook") from None
    if not any(entry.filename == "xl/workbook.xml" for entry in entries):
        raise NotReadable("wrong_type", kind="ZIP")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise NotReadable("too_big", limit=MAX_BYTES // 1024 // 1024)
    _refuse_far_cells(data, entries)


def _refuse_far_cells(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """One cell far out makes the reader lay out every cell before it, which no memory holds.

    So the places of cells are looked through before the reader sees them, whatever a sheet says of
    its size. The texts of cells stand in a part of their own.
    """
    archive = zipfile.ZipFile(io.BytesIO(data))
    left = MAX_UNPACKED
    for entry in entries:
        if not entry.filename.endswith(".xml") or entry.filename.endswith("sharedStrings.xml"):
            continue
        before = b""
        try:
            with archive.open(entry) as part:
                while chunk := part.read(1 << 20):
                    left -= len(chunk)
                    if left < 0:  # it unpacks to more than it says
                        raise NotReadable("too_big", limit=MAX_BYTES // 1024 // 1024)
                    for column, row in _PLACE.findall(before + chunk):
                        _refuse_far_cell(column, int(row))
                    before = chunk[-32:]
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError):
            raise NotReadable("broken_workbook") from None


def _refuse_far_cell(column: bytes, row: int) -> None:
    if row > MAX_ROWS + HEADINGS_WITHIN:
        raise NotReadable("too_many_rows", limit=MAX_ROWS)
    number = 0
    for letter in column:
        number = number * 26 + letter - ord("A") + 1
    if number > MAX_COLUMNS:
        raise NotReadable("too_many_columns", limit=MAX_COLUMNS)


def _text(cell: object) -> str:
    """A spreadsheet's cell as a person would type it."""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M" if cell.time() != time(0) else "%Y-%m-%d")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)


def _bare(cell: str) -> str:
    """A cell without blanks at its ends, and without the apostrophe that our own files set before
    what a spreadsheet would take for a formula."""
    text = cell.strip()[:MAX_CELL]
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text


def _sheet(encoding: str, lines: Iterator[tuple[int, list[str]]]) -> Sheet:
    headings: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    seen = 0
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if not headings:
            seen += 1
            if columns.known(cells) >= columns.ENOUGH:
                headings = [cell.strip() for cell in cells]
                while not headings[-1]:
                    headings.pop()
                if len(headings) > MAX_COLUMNS:
                    raise NotReadable("too_many_columns", limit=MAX_COLUMNS)
            elif seen >= HEADINGS_WITHIN:
                break
            continue
        if len(rows) >= MAX_ROWS:
            raise NotReadable("too_many_rows", limit=MAX_ROWS)
        cut = [_bare(cell) for cell in cells]
        while len(cut) > len(headings) and not cut[-1]:
            cut.pop()
        rows.append((line, cut[:MAX_COLUMNS]))
    if not headings:
        raise NotReadable("no_headings")
    if missing := columns.missing(headings):
        raise NotReadable("missing_columns", fields=missing)
    if twice := columns.twice(headings):
        raise NotReadable("column_twice", fields=twice)
    if not rows:
        raise NotReadable("no_rows")
    return Sheet(encoding, headings, rows)
