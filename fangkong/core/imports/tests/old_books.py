"""Workbooks of the older kinds, written by hand: no well-kept library writes them.

XLS is BIFF8 in an OLE2 file ([MS-XLS], [MS-CFB]), ODS a zip of XML (OASIS OpenDocument 1.2).
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[object]]

# --- XLS -----------------------------------------------------------------------------------------

_DAY, _MOMENT = 1, 2  # cell formats beside the usual one, 0
_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def xls(rows: Rows, *, more: bytes = b"", sheet_more: bytes = b"") -> bytes:
    """A workbook as Excel 97 to 2003 saves it; ``more`` are further records of the whole book,
    ``sheet_more`` of its sheet."""
    return ole({"Workbook": biff(rows, more=more, sheet_more=sheet_more)})


def biff(rows: Rows, *, more: bytes = b"", sheet_more: bytes = b"") -> bytes:
    texts: list[str] = []
    cells = b"".join(
        _cell(n, m, value, texts) for n, row in enumerate(rows) for m, value in enumerate(row)
    )
    width = max(map(len, rows))
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6))
    sheet += record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    sheet += cells + sheet_more + record(0x000A, b"")
    start = len(_book(texts, 0, more))
    return _book(texts, start, more) + sheet


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def number(row: int, column: int, value: float, look: int = 0) -> bytes:
    return record(0x0203, struct.pack("<HHHd", row, column, look, value))


def _book(texts: list[str], sheet_at: int, more: bytes) -> bytes:
    book = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6))
    book += more
    book += record(0x0042, struct.pack("<H", 1200)) + record(0x0022, b"\0\0")
    for key, look in ((164, "yyyy\\-mm\\-dd"), (165, "yyyy\\-mm\\-dd hh:mm")):
        book += record(0x041E, struct.pack("<HHB", key, len(look), 0) + look.encode("latin-1"))
    for form in (0, 164, 165):
        book += record(0x00E0, struct.pack("<HHH", 0, form, 0) + bytes(14))
    name = "报告卡"
    book += record(
        0x0085, struct.pack("<IHBB", sheet_at, 0, len(name), 1) + name.encode("utf-16-le")
    )
    strings = struct.pack("<II", len(texts), len(texts))
    for text in texts:
        coded = text.encode("utf-16-le")
        strings += struct.pack("<HB", len(coded) // 2, 1) + coded
    return book + record(0x00FC, strings) + record(0x000A, b"")


def _cell(row: int, column: int, value: object, texts: list[str]) -> bytes:
    if value is None or value == "":
        return b""
    if isinstance(value, datetime):
        passed = value - datetime(1899, 12, 30)  # noqa: DTZ001  # a cell has no zone
        return number(row, column, passed.days + passed.seconds / 86_400, _MOMENT)
    if isinstance(value, date):
        return number(row, column, (value - date(1899, 12, 30)).days, _DAY)
    if isinstance(value, (int, float)):
        return number(row, column, value)
    if value not in texts:
        texts.append(str(value))
    return record(0x00FD, struct.pack("<HHHI", row, column, 0, texts.index(str(value))))


def ole(streams: dict[str, bytes]) -> bytes:
    """An OLE2 file with these streams; each is made long enough to lie in sectors of its own."""
    sectors, fat, entries = b"", [_FAT, _END], []
    for name, stream in streams.items():
        stream = stream.ljust(4096, b"\0")
        stream += bytes(-len(stream) % _SECTOR)
        first, count = len(fat), len(stream) // _SECTOR
        fat += [*range(first + 1, first + count), _END]
        sectors += stream
        entries.append(_entry(name, 2, first, len(stream)))
    assert len(fat) <= _SECTOR // 4 and len(entries) < 4  # one sector holds each list
    fat += [_FREE] * (_SECTOR // 4 - len(fat))
    folder = _entry("Root Entry", 5, _END, 0, child=1) + b"".join(entries)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    head += struct.pack("<109I", 0, *[_FREE] * 108)
    return head + struct.pack("<128I", *fat) + folder.ljust(_SECTOR, b"\0") + sectors


def _entry(name: str, kind: int, first: int, size: int, child: int = _FREE) -> bytes:
    coded = (name + "\0").encode("utf-16-le")
    entry = coded.ljust(64, b"\0") + struct.pack("<HBB", len(coded), kind, 1)
    entry += struct.pack("<III", _FREE, _FREE, child) + bytes(36)
    return entry + struct.pack("<IQ", first, size)


# --- ODS -----------------------------------------------------------------------------------------

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_KIND = "application/vnd.oasis.opendocument.spreadsheet"


def ods(rows: Rows, *, more: str = "", before: str = "", entry: str = "") -> bytes:
    """A workbook as LibreOffice saves it; ``more`` are further rows, ``before`` stands in front of
    the document, ``entry`` within what the manifest says of it."""
    return ods_book({"报告卡": rows}, more=more, before=before, entry=entry)


def ods_book(
    sheets: Mapping[str, Rows],
    *,
    hidden: Collection[str] = (),
    more: str = "",
    before: str = "",
    entry: str = "",
) -> bytes:
    """The same with several sheets; ``more`` belongs to the last."""
    tables = [
        f'<table:table table:name="{escape(name)}" table:style-name="{_look(name in hidden)}">'
        + "".join(
            f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows
        )
        for name, rows in sheets.items()
    ]
    looks = "".join(
        f'<style:style style:name="{_look(is_hidden)}" style:family="table"><style:table-properties'
        f' table:display="{str(not is_hidden).lower()}"/></style:style>'
        for is_hidden in (False, True)
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<office:document-content xmlns:office="{_OFFICE}" xmlns:table="{_TABLE}" '
        f'xmlns:text="{_TEXT}" xmlns:style="{_STYLE}" office:version="1.2">'
        f"<office:automatic-styles>{looks}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{'</table:table>'.join(tables)}{more}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        f'<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="{_MANIFEST}">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_KIND}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">'
        f"{entry}</manifest:file-entry></manifest:manifest>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _KIND, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return file.getvalue()


def _look(is_hidden: bool) -> str:
    return "ta2" if is_hidden else "ta1"


def _ods_cell(value: object) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, (date, datetime)):
        kind, said = "date", f'office:date-value="{value.isoformat()}"'
    elif isinstance(value, (int, float)):
        kind, said = "float", f'office:value="{value}"'
    else:
        kind, said = "string", ""
    shown = escape(str(value))
    return (
        f'<table:table-cell office:value-type="{kind}" {said}><text:p>{shown}</text:p>'
        "</table:table-cell>"
    )
