"""Lists as files. A cell never starts a formula in the reader's spreadsheet.

Every file of records says who took it and when: as the last line of a CSV, which spreadsheets
keep and our imports pass over; in an Excel file in the footer of each printed page, on a second
sheet and in the properties of the file. The number in it is the line of the audit trail.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from math import isfinite
from typing import IO, TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.privacy import MARK

if TYPE_CHECKING:
    import xlsxwriter

# Full-width forms are read as formulas too by spreadsheets with an East Asian input method.
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BLANKS = " \u00a0\u3000\u200b\ufeff"
_NUMBERS = (int, float, Decimal)
_CELL_LIMIT = 32_767  # characters; Excel takes no more, and the writer would leave the cell empty


def note(
    name: str,
    subject: Model,
    *,
    by: AbstractBaseUser,
    at: datetime,
    kind: str = "csv",
    rows: int | None = None,
    to: str = "",
) -> str:
    """Leave the line in the audit trail that every file of records needs; gives its watermark.

    ``to``: for whom and for what a file with pseudonyms is.
    """
    detail: dict[str, object] = {"list": name, "kind": kind}
    if rows is not None:
        detail["rows"] = rows
    if to:
        detail["pseudonyms_for"] = to
    line = audit.record("core.pages.export", subject, by=by, at=at, detail=detail)
    return _("exported by %(who)s at %(at)s, no. %(line)d") % {
        "who": by.get_username(),
        "at": plain(at),
        "line": line.pk,
    }


def signed(by: AbstractBaseUser, at: datetime) -> str:
    """The watermark of a file whose line in the trail the caller leaves."""
    return _("exported by %(who)s at %(at)s") % {"who": by.get_username(), "at": plain(at)}


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


def wanted(request: HttpRequest) -> str:
    """As which file a page is asked for by its address: csv, xlsx, or "" for a page."""
    kind = request.GET.get("export", "")
    return kind if kind in ("csv", "xlsx") else ""


def table(
    request: HttpRequest,
    name: str,
    subject: Model,
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> HttpResponseBase:
    """A table of a page as the file that its address asks for, with its line in the trail."""
    asking: Any = request
    kind = wanted(request) or "csv"
    mark = note(name, subject, by=asking.user, at=asking.now, kind=kind, rows=len(rows))
    write = csv_response if kind == "csv" else xlsx_response
    return write(f"fangkong-{name}", head, rows, mark)


class _Echo(io.StringIO):
    """A file that hands each written line back, so that a response can stream it."""

    def write(self, line: str) -> int:  # csv wants a number; the line is what we are after
        self.line = line
        return len(line)


def csv_response(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]], mark: str = ""
) -> StreamingHttpResponse:
    """A CSV file in UTF-8 with a byte order mark (spreadsheets then show Chinese), streamed.

    ``mark`` is what ``note`` gave.
    """
    last = [[f"{MARK}{mark}"]] if mark else []

    def lines() -> Iterator[bytes]:
        echo = _Echo()
        writer = csv.writer(echo)
        yield b"\xef\xbb\xbf"
        for row in chain([head], rows, last):
            writer.writerow([safe_text(cell) for cell in row])
            yield echo.line.encode()

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]], mark: str = ""
) -> HttpResponseBase:
    """An Excel file; texts are written as texts, numbers as numbers. ``mark`` as for CSV."""
    import xlsxwriter  # 15 MB: only where an Excel file is written

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
    if mark:
        _put_mark(book, sheet, mark)
    book.close()
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")


def _put_mark(book: xlsxwriter.Workbook, sheet: Any, mark: str) -> None:
    text = f"Fangkong {mark}".replace("&", "&&")  # & begins a code there
    sheet.set_footer(f"&L&8{text[:200]}&R&8&P / &N")
    about = book.add_worksheet("Fangkong")
    about.set_column(0, 0, 80)
    about.write_string(0, 0, f"{MARK}{mark}")
    book.set_properties({"comments": f"Fangkong {mark}"})
    book.set_custom_property("Fangkong", mark)


def _shortened(text: str) -> str:
    return text if len(text) <= _CELL_LIMIT else f"{text[: _CELL_LIMIT - 1]}…"
