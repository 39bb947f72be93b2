"""A file as rows of text: size, then type, then caps, then parsing. No Django.

CSV with any delimiter in UTF-8, UTF-16 with a mark or GB18030; XLSX, XLS and ODS. Runs in
a process of its own with little memory and time (``reader.py``): whatever is wrong with a file,
``NotReadable`` says so, and the pages go on.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from fangkong.core.privacy import is_mark

from . import columns

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

DELIMITERS = ",\t;|"
RARE = 40  # other signs that are tried where none of these parts the headings
HEADINGS_WITHIN = 10  # lines: files often begin with a title
HEADING_LINES = 3  # at most: a group above the headings that it holds
MAX_MEMBERS = 2_000
MAX_RATIO = 200  # of a part of an archive to its packed size; sheets reach some 20 to 60
SMALL = 1 << 20  # a part below this size may be packed as tightly as it likes
MAX_DENSITY = 40  # cells laid out per byte of a sheet; more means a cell far out
MAX_MERGED = 100_000  # merged ranges of a sheet
MAX_NAMED = 20  # sheets that are named as not read
NO_RESULT = "=?"  # the text of a cell that holds a formula whose result was not saved

_STARTS_FORMULA = "=+-@＝＋－＠"
_BLANKS = " \t\r\n\u00a0\u3000\u200b\ufeff"

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
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s")
# A cell with a formula and nothing or an empty number behind it. An empty text (t="str") is a
# result. What is repeated has a bound, so that no sheet can make the search slow.
_NO_RESULT = re.compile(
    rb"""<(?:\w+:)?c\s(?![^<>]{0,200}\bt=["']str["'])[^<>]{0,100}?\br=["']([A-Z]{1,3})(\d{1,7})["']"""
    rb"""[^<>]{0,100}>\s{0,9}<(?:\w+:)?f(?:\s[^<>]{0,200})?(?:/>|>[^<]{0,8192}</(?:\w+:)?f>)"""
    rb"""\s{0,9}(?:<(?:\w+:)?v\s?/>|<(?:\w+:)?v>\s{0,9}</(?:\w+:)?v>)?\s{0,9}</(?:\w+:)?c>"""
)
_SHEET = re.compile(rb"""<(?:\w+:)?sheet\s[^<>]*?\w+:id=["']([^"'<>]+)["']""")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*>")
_ODS_SPAN = re.compile(rb"""number-rows-spanned=["'](?!1["'])\d""")
_ODS_NO_RESULT = re.compile(
    rb"<table:table-cell\s(?=[^<>]{0,9000}table:formula=)(?![^<>]{0,9000}value-type=)[^<>]*>"
)


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
    filled: dict[
        int, int
    ]  # column to rows that a merged cell has given their value, as far as read
    unread_sheets: Sequence[str] = ()  # other sheets that hold something and are not hidden


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
        kind, no_result = _archive_kind(data, caps)
        return _of_book(kind, _pages(data, caps, no_result), known, enough, caps)
    if data.startswith(_OLE):
        return _of_book("xls", _pages(data, caps), known, enough, caps)
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
        raise NotReadable("not_text")
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
            raise NotReadable("not_text")
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
    """The one that parts the most known headings in the first lines, or else the most cells.

    Any sign may be one where it parts known headings; a day parts at its dashes, so that without
    known headings only the usual ones are.
    """
    lines = [line[:20_000].strip("\r") for line in text[:200_000].split("\n", HEADINGS_WITHIN)]
    lines = [line for line in lines[:HEADINGS_WITHIN] if line]

    def worth(delimiter: str) -> tuple[int, int]:
        parted = [line.split(delimiter) for line in lines]
        names = max((len(set(columns.matched(cells, known)) - {""}) for cells in parted), default=0)
        return names, min((len(cells) for cells in parted if len(cells) > 1), default=0)

    usual = max(DELIMITERS, key=worth)
    if worth(usual)[0] > 1:
        return usual
    signs = {sign for line in lines for sign in line if _may_part(sign)} - set(DELIMITERS)
    rare = sorted(signs)[:RARE]
    found = max(rare, key=worth, default=usual)
    return found if worth(found)[0] > 1 else usual


def _may_part(sign: str) -> bool:
    return sign not in "\"'\r\0" and unicodedata.category(sign)[0] in "PSC"


# --- Workbooks -----------------------------------------------------------------------------------


def unpacked_size(data: bytes) -> int:
    """What an archive says that it unpacks to; the size itself for what is none."""
    try:
        return sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return len(data)


Spot = tuple[int, int]  # row and column of a cell, from 0


def _archive_kind(data: bytes, caps: Caps) -> tuple[str, Mapping[int, Collection[Spot]]]:
    """xlsx or ods; what an archive says of itself is read before anything in it is unpacked.

    With the cells of each sheet, by its place, that hold a formula without its result.
    """
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
    parts = _look_through(archive, entries, kind, caps)
    if not any(part.no_result for part in parts.values()):
        return kind, {}
    sheets = enumerate(_sheet_parts(archive))
    return kind, {n: parts[name].no_result for n, name in sheets if name in parts}


def _sheet_parts(archive: zipfile.ZipFile) -> list[str]:
    """The parts of a workbook that hold its sheets, in its order."""
    try:
        book = archive.read("xl/workbook.xml")
        relations = archive.read("xl/_rels/workbook.xml.rels")
    except (KeyError, zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, EOFError):
        raise NotReadable("broken_workbook") from None
    targets = {}
    for tag in _RELATION.findall(relations):
        said = dict(re.findall(rb"""\s(Id|Target)=["']([^"'<>]*)["']""", tag))
        target = said.get(b"Target", b"").decode("utf-8", "replace")
        name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        targets[said.get(b"Id", b"")] = name
    return [targets.get(key, "") for key in _SHEET.findall(book)]


def _look_through(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], kind: str, caps: Caps
) -> dict[str, _Part]:
    """Real sizes and the places of cells, before the reader sees them.

    One cell far out makes the reader lay out every cell before it, which no memory holds, whatever
    a sheet says of its size.
    """
    left = caps.unpacked
    parts = {}
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
        if is_sheet:
            parts[entry.filename] = part
    return parts


class _Part:
    """One sheet as it is looked through: how many rows it has, and how far its cells lie."""

    def __init__(self, caps: Caps, *, ods: bool) -> None:
        self.caps, self.ods = caps, ods
        self.before = self.cell_before = b""
        self.rows = self.merged = 0
        self.no_result: set[Spot] = set()

    def look(self, chunk: bytes) -> None:
        text = self.before + chunk
        cut = text.rfind(b"<")  # a tag cut in two is looked at with the next chunk
        text, self.before = (text[:cut], text[cut:][-4096:]) if cut > 0 else (text, b"")
        if self.ods:  # its reader drops empty repeats; filled ones meet the limits of the process
            if _ODS_SPAN.search(text):  # and it tells nothing of merged cells and formulas
                raise NotReadable("merged_ods")
            if _ODS_NO_RESULT.search(text):
                raise NotReadable("formulas_ods")
            return
        self.rows += len(_ROWS.findall(text))
        if self.rows > self.caps.rows + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=self.caps.rows)
        for column, row in _PLACE.findall(text):
            self._refuse_far(column, int(row))
        self.merged += len(_MERGED.findall(text))
        if self.merged > MAX_MERGED:
            raise NotReadable("too_many_merged", limit=MAX_MERGED)
        self._note_formulas(text)

    def _note_formulas(self, text: bytes) -> None:
        text = self.cell_before + text
        end = max(text.rfind(b"</c>") + 4, text.rfind(b":c>") + 3)
        self.cell_before = text[end:][-20_000:]  # a cell cut in two is looked at with the next
        for column, row in _NO_RESULT.findall(text, 0, end):
            self.no_result.add((int(row) - 1, _number(column) - 1))

    def _refuse_far(self, column: bytes, row: int) -> None:
        if row > self.caps.rows + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=self.caps.rows)
        if _number(column) > self.caps.columns:
            raise NotReadable("too_many_columns", limit=self.caps.columns)


def _number(column: bytes) -> int:
    """A column's letters as its number, from 1."""
    number = 0
    for letter in column:
        number = number * 26 + letter - ord("A") + 1
    return number


@dataclass
class _Merged:
    """Cells that span several rows: only the first holds the value, and all mean it.

    Down only: what is merged over columns stands in the first of them. Not from the headings or
    above, and not into a row that says nothing of its own.
    """

    starts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # line: column, last
    across: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # last line: columns
    filled: dict[int, int] = field(default_factory=dict)
    _open: dict[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, ranges: Iterable[tuple[Spot, Spot]], first_column: int, columns: int) -> _Merged:
        starts: dict[int, list[tuple[int, int]]] = {}
        across: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, right) in ranges:
            if not 0 <= left - first_column < columns:
                continue
            if bottom > top:
                starts.setdefault(top + 1, []).append((left - first_column, bottom + 1))
            if right > left:
                last = min(right - first_column, columns - 1)
                across.setdefault(bottom + 1, []).append((left - first_column, last))
        return cls(starts, across)

    def carry(self, line: int, cells: list[str]) -> None:
        """Give a row below the headings the values that span it."""
        for column, (last, text) in list(self._open.items()):
            if line > last:
                del self._open[column]
            elif column < len(cells) and not cells[column]:
                cells[column] = text
                self.filled[column] = self.filled.get(column, 0) + 1
        for column, last in self.starts.get(line, ()):
            if column < len(cells) and cells[column]:
                self._open[column] = (last, cells[column])


class _Page:
    """One sheet of a workbook that holds something."""

    def __init__(self, sheet: CalamineSheet, caps: Caps, no_result: Collection[Spot]) -> None:
        self.sheet, self.name, self.no_result = sheet, sheet.name, no_result
        assert sheet.start is not None  # it is not empty
        self.first = sheet.start[1]
        if sheet.height > caps.rows + HEADINGS_WITHIN:
            raise NotReadable("too_many_rows", limit=caps.rows)
        if sheet.width > caps.columns:
            raise NotReadable("too_many_columns", limit=caps.columns)
        ranges = sheet.merged_cell_ranges or []
        if len(ranges) > MAX_MERGED:
            raise NotReadable("too_many_merged", limit=MAX_MERGED)
        self.merged = _Merged.of(ranges, self.first, caps.columns)

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        with _broken_is_told():
            for line, row in enumerate(self.sheet.iter_rows(), start=1):
                cells = [_text(cell) for cell in row]
                if self.no_result:
                    for n, text in enumerate(cells):
                        if not text and (line - 1, self.first + n) in self.no_result:
                            cells[n] = NO_RESULT
                yield line, cells


def _pages(
    data: bytes, caps: Caps, no_result: Mapping[int, Collection[Spot]] | None = None
) -> list[_Page]:
    """The sheets of a workbook that are shown and hold something, in its order."""
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    with _broken_is_told():
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        shown = [
            n
            for n, sheet in enumerate(book.sheets_metadata)
            if sheet.visible == SheetVisibleEnum.Visible
        ]
        pages = []
        for n in shown:
            sheet = book.get_sheet_by_index(n)
            if sheet.start is not None:
                pages.append(_Page(sheet, caps, (no_result or {}).get(n, ())))
    return pages


def _of_book(
    kind: str, pages: Sequence[_Page], known: Mapping[str, str], enough: int, caps: Caps
) -> Sheet:
    """The one table of a workbook. Sheets that only explain are passed over; of two tables neither
    is read, for the other would be lost."""
    found = [
        (page, head)
        for page in pages
        if (head := _head(page.lines(), known, enough, caps, page.merged))
    ]
    tables = _tables(found)
    if len(tables) > 1:
        names = [page.name[:50] for page in tables]
        raise NotReadable("several_tables", sheets=names[:5] + ["…"] * (len(names) > 5))
    page = next(iter([*tables, *(page for page, head in found if head.known), *pages]), None)
    if page is None:
        raise NotReadable("no_headings")
    sheet = _sheet(kind, page.lines(), known, enough, caps, page.merged)
    others = [other.name[:50] for other in pages if other is not page]
    return replace(sheet, unread_sheets=others[:MAX_NAMED])


def _tables(found: Sequence[tuple[_Page, _Head]]) -> list[_Page]:
    """The sheets with headings and rows: all whose headings are known, and of the others those
    that are about as wide, for lists of words and explanations are narrow."""
    by_name = [head for _page, head in found if head.known]
    widest = max((head.width for head in by_name or [head for _page, head in found]), default=0)
    narrow = 2 if by_name else 1
    return [
        page
        for page, head in found
        if (head.known or (head.width > narrow and 3 * head.width > 2 * widest))
        and any(_says_something(cells) for _line, cells in head.below)
    ]


@contextmanager
def _broken_is_told() -> Iterator[None]:
    from python_calamine import CalamineError

    try:
        yield
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
    what a spreadsheet would take for a formula (``pages.export.safe_text``)."""
    text = cell.strip()
    if text[:1] == "'" and (inner := text[1:].strip(_BLANKS))[:1] in _STARTS_FORMULA and inner:
        return inner
    return text


@dataclass
class _Head:
    """Where a table begins: its headings, whether they are known ones, and what stands below."""

    headings: list[str]
    known: bool
    width: int  # cells that say something, of the fullest of the first lines
    below: Iterator[tuple[int, list[str]]]


def _head(
    lines: Iterator[tuple[int, list[str]]],
    known: Mapping[str, str],
    enough: int,
    caps: Caps,
    merged: _Merged,
) -> _Head | None:
    """The headings: the first with enough known ones, or else the first line with two cells."""
    telling = ((line, cells) for line, cells in lines if _says_something(cells))
    first = list(islice(telling, HEADINGS_WITHIN + HEADING_LINES - 1))
    if any(len(cells) > caps.columns for _line, cells in first):
        raise NotReadable("too_many_columns", limit=caps.columns)
    at_most = range(min(len(first), HEADINGS_WITHIN))
    whole = (_headings_from(first[n:], known, merged) for n in at_most)
    named = (
        (n, *head)
        for n, head in zip(at_most, whole, strict=True)
        if len(set(columns.matched(head[0], known)) - {""}) >= enough
    )
    chosen = next(named, None)
    is_known = chosen is not None
    if chosen is None:
        n = next((n for n in at_most if sum(map(bool, first[n][1])) > 1), None)
        if n is None:
            return None
        chosen = (n, *_headings_from(first[n:], known, merged))
    n, headings, taken = chosen
    while not headings[-1]:
        headings.pop()
    looked_at = n + taken if is_known else HEADINGS_WITHIN
    width = max(sum(map(bool, cells)) for _line, cells in first[:looked_at])
    return _Head(headings, is_known, width, chain(first[n + taken :], telling))


def _headings_from(
    lines: Sequence[tuple[int, list[str]]], known: Mapping[str, str], merged: _Merged
) -> tuple[list[str], int]:
    """The headings that begin with the first of these lines, and how many lines they take."""
    begin, cells = lines[0]
    headings = [cell.strip()[:100] for cell in cells]
    above, taken = begin, 1
    for line, cells in lines[1:HEADING_LINES]:
        below = [cell.strip()[:100] for cell in cells]
        groups = _groups(headings, below, merged.across.get(above, ()))
        joined = [
            columns.grouped(groups[n], text) if text else headings[n]
            for n, text in enumerate(below)
        ]
        spanned = any(last >= line for n in (begin, above) for _c, last in merged.starts.get(n, ()))
        if not _is_second_line(
            headings, below, joined, known, merged.across.get(above, ()) if spanned else ()
        ):
            break
        headings, above, taken = joined, line, taken + 1
    return headings, taken


def _groups(above: list[str], below: list[str], across: Sequence[tuple[int, int]]) -> list[str]:
    """The group that each column belongs to, which stands in the first cell of its columns."""
    width = max(len(above), len(below))
    above += [""] * (width - len(above))
    below += [""] * (width - len(below))
    groups = list(above)
    for left, right in across:
        groups[left : right + 1] = [above[left]] * (min(right + 1, width) - left)
    if not across:  # nothing is told of merged cells, as in CSV
        for n in range(1, width):
            if not above[n] and below[n] and below[n - 1]:
                groups[n] = groups[n - 1]
    return groups


def _is_second_line(
    above: list[str],
    below: list[str],
    joined: list[str],
    known: Mapping[str, str],
    across: Sequence[tuple[int, int]],
) -> bool:
    """Whether a line goes on with the headings above it: some of those reach down beside it, and
    what it says stands under merged groups, or is all known headings, as no row is."""
    said = [n for n, text in enumerate(below) if text]
    reach_down = any(text and not below[n] for n, text in enumerate(above))
    if not said or not reach_down or sum(map(bool, above)) < 2:
        return False
    if all(any(left <= n <= right for left, right in across) for n in said):
        return True
    return len(said) > 1 and all(columns.matched([joined[n] for n in said], known))


def _says_something(cells: Sequence[str]) -> bool:
    return not is_mark(cells) and any(cell and not cell.isspace() for cell in cells)


def _sheet(
    encoding: str,
    lines: Iterator[tuple[int, list[str]]],
    known: Mapping[str, str],
    enough: int,
    caps: Caps,
    merged: _Merged | None = None,
) -> Sheet:
    """The table in lines of cells; NotReadable where there is none."""
    merged = merged or _Merged()
    head = _head(lines, known, enough, caps, merged)
    if head is None:
        raise NotReadable("no_headings")
    if again := _same_twice(head.headings):
        raise NotReadable("column_twice", headings=again)
    rows = _rows(head.below, len(head.headings), caps, merged)
    one = next(rows, None)
    if one is None:
        raise NotReadable("no_rows")
    return Sheet(encoding, head.headings, chain([one], rows), merged.filled)


def _same_twice(headings: list[str]) -> list[str]:
    named = [heading for heading in headings if heading]
    return sorted({heading for heading in named if named.count(heading) > 1})[:5]


def _rows(
    lines: Iterator[tuple[int, list[str]]], width: int, caps: Caps, merged: _Merged
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
        if merged.starts:
            merged.carry(line, cut)
        yield line, cut
