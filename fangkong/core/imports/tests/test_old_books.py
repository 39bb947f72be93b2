"""XLS and ODS say the same as XLSX, and their hostile kinds are refused as XLSX's are."""

from __future__ import annotations

import struct
from datetime import date, datetime

import pytest

from fangkong.core.imports import limited, reading
from fangkong.core.imports.reading import Caps

from .old_books import biff, number, ods, ole, record, xls
from .test_hostile import KNOWN, refused, rows_in, workbook

HEAD = ["姓名", "证件号", "发病日期", "诊断时间", "体温", "备注"]
ROWS = [
    HEAD,
    [
        "扎西德吉",
        513326198512,
        date(2020, 2, 1),
        datetime(2020, 2, 5, 9, 30),  # noqa: DTZ001  # a cell has no zone
        36.6,
        "𠮷林 བཀྲ་ཤིས། <&> \"'",
    ],
    ["卓玛", None, date(1949, 10, 1), None, 38, ""],
    ["王芳", 1.5, None, None, None, "末"],
]
READ = [
    [2, ["扎西德吉", "513326198512", "2020-02-01", "2020-02-05 09:30", "36.6", ROWS[1][5]]],
    [3, ["卓玛", "", "1949-10-01", "", "38", ""]],
    [4, ["王芳", "1.5", "", "", "", "末"]],
]


def xlsx(rows):
    import io

    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    looks = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm"}
    formats = {kind: book.add_format({"num_format": look}) for kind, look in looks.items()}
    sheet = book.add_worksheet()
    for n, row in enumerate(rows):
        for m, value in enumerate(row):
            if type(value) in formats:
                sheet.write_datetime(n, m, value, formats[type(value)])
            elif value is not None:
                sheet.write(n, m, value)
    book.close()
    return file.getvalue()


@pytest.mark.parametrize(("make", "kind"), [(xlsx, "xlsx"), (xls, "xls"), (ods, "ods")])
def test_every_kind_of_workbook_says_the_same(make, kind):
    table = limited.read(make(ROWS), KNOWN, 2, Caps())

    assert (table.encoding, table.headings, table.total) == (kind, HEAD, 3)
    assert rows_in(table) == READ


def test_empty_rows_that_a_spreadsheet_repeats_to_its_end_are_no_rows():
    """LibreOffice ends each sheet so."""
    blank = '<table:table-cell table:number-columns-repeated="1024"/>'
    more = f'<table:table-row table:number-rows-repeated="1048574">{blank}</table:table-row>'

    table = limited.read(ods(ROWS, more=more), KNOWN, 2, Caps())

    assert rows_in(table) == READ


def repeated(rows: int, columns: int) -> str:
    """One filled cell that stands for so many."""
    cell = (
        f'<table:table-cell table:number-columns-repeated="{columns}" '
        'office:value-type="string"><text:p>x</text:p></table:table-cell>'
    )
    return f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>'


_ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_LOCKED = '<manifest:encryption-data manifest:checksum="x"/>'
PLAIN = ROWS[:2]
HOSTILE = {
    "XLS cut off": (lambda: xls(ROWS)[:1500], {"broken_workbook"}),
    "XLS whose streams run in a circle": (
        lambda: xls(ROWS)[:516] + struct.pack("<II", _END, 2) + struct.pack("<I", 2) * 120,
        {"broken_workbook"},
    ),
    "XLS with a password": (
        lambda: xls(PLAIN, more=record(0x002F, struct.pack("<HHHH", 1, 1, 1, 2) + bytes(48))),
        {"broken_workbook"},
    ),
    "XLS with a cell in the last column": (
        lambda: xls(PLAIN, sheet_more=number(3, 255, 1)),
        {"too_many_columns"},
    ),
    "Word document": (lambda: ole({"WordDocument": b"text"}), {"broken_workbook"}),
    "ODS with a cell repeated for ever": (
        lambda: ods(PLAIN, more=repeated(1_000_000, 16_000)),
        {"too_much", "too_many_rows", "too_many_columns", "broken_workbook"},
    ),
    "ODS with a row repeated beyond the limit": (
        lambda: ods(PLAIN, more=repeated(300_000, 1)),
        {"too_many_rows", "too_much"},
    ),
    "ODS with entities": (lambda: ods(PLAIN, before=_ENTITY), {"broken_workbook"}),
    "ODS with a password": (lambda: ods(PLAIN, entry=_LOCKED), {"broken_workbook"}),
    "ODS without an end": (
        lambda: ods(PLAIN, more="<table:table-row>"),
        {"broken_workbook"},
    ),
}
_END = 0xFFFFFFFE


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_workbooks_are_refused(what):
    make, codes = HOSTILE[what]

    assert refused(make()).code in codes


def test_a_book_that_says_of_four_milliards_of_texts_takes_no_room_for_them():
    book = biff(PLAIN)
    at = book.index(struct.pack("<H", 0x00FC), 100) + 4
    book = book[:at] + struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF) + book[at + 8 :]

    assert rows_in(limited.read(ole({"Workbook": book}), KNOWN, 2, Caps())) == READ[:1]


# --- Text ----------------------------------------------------------------------------------------

TEXT = "姓名,证件号,备注\n扎西,1,𠮷\n卓玛,2,བོད\n"  # both remarks are four bytes a sign in GB18030


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
    ],
)
def test_signs_of_four_bytes_are_read(data, encoding):
    sheet = reading.read(data, KNOWN, 2, Caps())

    assert sheet.encoding == encoding
    assert [cells[2] for _line, cells in sheet.rows] == ["𠮷", "བོད"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_without_its_mark_is_refused_and_not_guessed(encoding):
    assert refused(TEXT.encode(encoding)).code in ("not_text", "wrong_encoding")


def test_half_a_sign_of_four_bytes_is_refused():
    assert refused(TEXT.encode("gb18030")[:-2] + b"\n").code in ("wrong_encoding", "broken_text")


def test_a_cell_of_xlsx_writer_and_of_ours_are_alike():
    """The plain helper of the other tests reads the same as well."""
    assert rows_in(limited.read(workbook(*[row[:2] for row in ROWS]), KNOWN, 2, Caps()))[0] == [
        2,
        READ[0][1][:2],
    ]
