"""Cells that a person fills in another way than row by row: merged ones, and formulas."""

from __future__ import annotations

import io
import struct

import pytest
import xlsxwriter

from fangkong.core.imports import limited, reading
from fangkong.core.imports.reading import Caps

from .old_books import ods, record, xls
from .test_hostile import KNOWN, refused, rewritten, rows_in

HEAD = ["姓名", "证件号", "填卡医生", "诊断时间"]


def book(fill, *, more_sheets=()) -> bytes:
    """A workbook with three persons below the headings, and what ``fill`` does to its sheet."""
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = made.add_worksheet()
    sheet.write_row(0, 0, HEAD)
    for n, name in enumerate(["扎西", "卓玛", "王芳"], start=1):
        sheet.write_row(n, 0, [name, str(n)])
    fill(sheet)
    for fill_other in more_sheets:
        fill_other(made.add_worksheet())
    made.close()
    return file.getvalue()


def read(data: bytes) -> limited.Table:
    return limited.read(data, KNOWN, 2, Caps())


def column(table: limited.Table, n: int) -> list[str]:
    return [cells[n] for _line, cells in rows_in(table)]


def test_each_row_that_a_merged_cell_spans_has_its_value_and_it_is_counted():
    table = read(book(lambda sheet: sheet.merge_range("C2:C4", "王医生")))

    assert column(table, 2) == ["王医生", "王医生", "王医生"]
    assert table.filled == {2: 2}


def test_a_merged_cell_ends_where_it_ends():
    table = read(book(lambda sheet: sheet.merge_range("C2:C3", "王医生")))

    assert column(table, 2) == ["王医生", "王医生", ""]
    assert table.filled == {2: 1}


def test_a_table_that_begins_elsewhere_in_the_sheet_is_filled_alike():
    def fill(sheet):
        sheet.write_row("F8", HEAD)
        sheet.write_row("F9", ["扎西", "1"])
        sheet.write_row("F10", ["卓玛", "2"])
        sheet.merge_range("H9:H10", "王医生")

    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    fill(made.add_worksheet())
    made.close()

    assert rows_in(read(file.getvalue())) == [
        [9, ["扎西", "1", "王医生", ""]],
        [10, ["卓玛", "2", "王医生", ""]],
    ]


def test_an_old_workbook_is_filled_as_a_new_one():
    rows = [HEAD, ["扎西", "1", "王医生", ""], ["卓玛", "2", None, ""], ["王芳", "3", None, ""]]
    merged = record(0x00E5, struct.pack("<HHHHH", 1, 1, 2, 2, 2))  # rows 1 to 2 of column 2

    table = read(xls(rows, sheet_more=merged))

    assert column(table, 2) == ["王医生", "王医生", ""]


def test_an_ods_with_merged_rows_is_refused_because_its_reader_does_not_tell_them():
    def of(spanned: int) -> bytes:
        cell = f'<table:table-cell table:number-rows-spanned="{spanned}"/>'
        return ods([HEAD, ["扎西", "1"]], more=f"<table:table-row>{cell}</table:table-row>")

    assert refused(of(3)).code == "merged_ods"
    assert refused(of(10)).code == "merged_ods"
    assert read(of(1)).total == 1


def test_headings_and_titles_are_carried_into_no_row():
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = made.add_worksheet()
    sheet.merge_range("A1:D1", "报告卡一览表")
    sheet.write_row("A2", HEAD)
    sheet.merge_range("D2:D4", "诊断时间")
    sheet.write_row("A3", ["扎西", "1", "王医生"])
    sheet.write_row("A4", ["卓玛", "2", "王医生"])
    made.close()

    table = read(file.getvalue())

    assert table.headings == HEAD
    assert rows_in(table) == [[3, ["扎西", "1", "王医生", ""]], [4, ["卓玛", "2", "王医生", ""]]]


def test_a_cell_merged_over_columns_stands_in_the_first_of_them():
    table = read(book(lambda sheet: sheet.merge_range("C2:D3", "王医生")))

    assert column(table, 2) == ["王医生", "王医生", ""]
    assert column(table, 3) == ["", "", ""]


def test_a_row_that_says_nothing_of_its_own_is_no_row_although_a_merged_cell_spans_it():
    def fill(sheet):
        sheet.merge_range("C2:C9", "王医生")

    assert read(book(fill)).total == 3


def test_more_merged_ranges_than_a_person_makes_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_MERGED", 1)

    def fill(sheet):
        sheet.merge_range("C2:C3", "王医生")
        sheet.merge_range("D2:D3", "x")

    with pytest.raises(reading.NotReadable, match="too_many_merged"):
        reading.read(book(fill), KNOWN, 2, Caps())
    merged = record(0x00E5, struct.pack("<H8H", 2, 1, 2, 2, 2, 1, 2, 3, 3))
    with pytest.raises(reading.NotReadable, match="too_many_merged"):
        reading.read(xls([HEAD, ["扎西", "1"]], sheet_more=merged), KNOWN, 2, Caps())


# --- Formulas -------------------------------------------------------------------------------------


def formula(cell: str, text: bytes) -> bytes:
    """The workbook with this written for a cell of the last column."""

    def change(sheet: bytes) -> bytes:
        row = cell[1:].encode()
        end = sheet.index(b"</row>", sheet.index(b'<row r="' + row))
        return sheet[:end] + text + sheet[end:]

    return rewritten(change, data=book(lambda sheet: None))


@pytest.mark.parametrize(
    "text",
    [
        b'<c r="D2"><f>NOW()</f><v></v></c>',
        b'<c r="D2" s="1"><f>NOW()</f><v/></c>',
        b'<c r="D2"><f>NOW()</f></c>',
        b'<c r="D2"><f t="shared" si="0"/></c>',
        b"<c r='D2'>\n<f>NOW()</f>\n<v />\n</c>",
        b'<c r="D2"><f>IF(A2&lt;&gt;"",NOW(),"")</f><v></v></c>',
    ],
)
def test_a_formula_whose_result_was_not_saved_is_told_from_an_empty_cell(text):
    assert column(read(formula("D2", text)), 3) == [reading.NO_RESULT, "", ""]


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (b'<c r="D2"><f>1+1</f><v>2</v></c>', "2"),
        (b'<c r="D2" t="str"><f>""</f><v></v></c>', ""),  # its result is an empty text
        (b'<c r="D2" t="inlineStr"><is><t>x</t></is></c>', "x"),
        (b'<c r="D2"/>', ""),
    ],
)
def test_a_formula_with_its_result_is_the_result(text, read_as):
    assert column(read(formula("D2", text)), 3) == [read_as, "", ""]


def test_a_formula_of_another_sheet_says_nothing_of_the_first():
    data = book(
        lambda sheet: None,
        more_sheets=[lambda sheet: sheet.write_formula("D2", "=NOW()", None, "")],
    )

    assert b"<f>NOW()</f><v></v>" in _part(data, "xl/worksheets/sheet2.xml")
    assert column(read(data), 3) == ["", "", ""]


def test_a_formula_is_seen_wherever_a_sheet_is_cut_for_reading():
    part = reading._Part(Caps(), ods=False)
    sheet = b'<row r="2"><c r="A2"><v>1</v></c><c r="D2"><f>NOW()</f><v></v></c></row></sheetData>'
    for cut in range(len(sheet)):
        part = reading._Part(Caps(), ods=False)
        part.look(sheet[:cut])
        part.look(sheet[cut:])
        assert part.no_result == {(1, 3)}, cut


def test_an_ods_with_formulas_without_results_is_refused():
    def of(value: str) -> bytes:
        cell = f'<table:table-cell table:formula="of:=NOW()"{value}/>'
        return ods([HEAD, ["扎西", "1"]], more=f"<table:table-row>{cell}</table:table-row>")

    assert refused(of("")).code == "formulas_ods"
    assert read(of(' office:value-type="float" office:value="2"')).total == 2


def _part(data: bytes, name: str) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)
