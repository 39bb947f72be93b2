"""Lists as files. A cell never starts a formula in the reader's spreadsheet."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from math import isfinite
from typing import IO

import xlsxwriter
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse

from fangkong.core import clock
from fangkong.core.audit import actions as audit

# Full-width forms are read as formulas too by spreadsheets with an East Asian input method.
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BLANKS = " \u00a0\u3000\u200b\ufeff"
_NUMBERS = (int, float, Decimal)
_CELL_LIMIT = 32_767  # characters; Excel takes no more, and the writer would leave the cell empty


def note(
    name: str, subject: Model, *, by: AbstractBaseUser, at: datetime, kind: str = "csv"
) -> None:
    """Leave the line in the audit trail that every file of records needs."""
    audit.record("core.pages.export", subject, by=by, at=at, detail={"list": name, "kind": kind})


def safe_text(value: object) -> str:
    """A cell for CSV: text that would start a formula gets an apostrophe in front."""
    text = plain(value)
    if isinstance(value, _NUMBERS):
        return text
    # Some programs drop the blanks in front before they look for a formula.
    if text.startswith(_STARTS_FORMULA) or text.lstrip(_BLANKS).startswith(_STARTS_FORMULA):
        return f"'{text}"
    return text


def plain(value: object) -> str:
    """A cell's value as text: local time, ISO days, empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(clock.zone()).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


class _Echo(io.StringIO):
    """A file that hands each written line back, so that a response can stream it."""

    def write(self, line: str) -> int:  # csv wants a number; the line is what we are after
        self.line = line
        return len(line)


def csv_response(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A CSV file in UTF-8 with a byte order mark (spreadsheets then show Chinese), streamed."""

    def lines() -> Iterator[bytes]:
        echo = _Echo()
        writer = csv.writer(echo)
        yield b"\xef\xbb\xbf"
        for row in chain([head], rows):
            writer.writerow([safe_text(cell) for cell in row])
            yield echo.line.encode()

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> HttpResponseBase:
    """An Excel file; texts are written as texts, numbers as numbers."""
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    for column, cell in enumerate(head):
        sheet.write_string(0, column, cell, bold)
        sheet.set_column(column, column, max(10, min(40, len(cell) * 2)))
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, _NUMBERS) and not isinstance(value, bool) and isfinite(value):
                sheet.write_number(number, column, value)
            else:
                sheet.write_string(number, column, _shortened(plain(value)))
    sheet.freeze_panes(1, 0)
    book.close()
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")


def _shortened(text: str) -> str:
    return text if len(text) <= _CELL_LIMIT else f"{text[: _CELL_LIMIT - 1]}…"
