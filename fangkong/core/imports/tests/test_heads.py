"""Headings over two lines: a group above the headings that it holds."""

from __future__ import annotations

import io

import pytest
import xlsxwriter

from fangkong.core.imports import columns, limited, reading
from fangkong.core.imports.reading import Caps

from .old_books import ods
from .test_hostile import rows_in

KNOWN = columns.known_names(
    {"name": ["姓名"], "number": ["证件号"], "onset": ["发病日期"], "diagnosed": ["诊断日期"]}
)
UPPER = ["姓名", "证件号", "日期", "", "备注"]
LOWER = ["", "", "发病日期", "诊断日期", ""]
ROW = ["扎西", "1", "2020-02-01", "2020-02-05", "无"]
JOINED = ["姓名", "证件号", "日期 › 发病日期", "日期 › 诊断日期", "备注"]


def csv(*rows: list[str]) -> bytes:
    return "\n".join(",".join(row) for row in rows).encode()


def book(*ranges: str, lower: list[str] = LOWER, title: bool = False) -> bytes:
    """A workbook whose cells are merged over these ranges, counted from its line of headings."""
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = made.add_worksheet()
    top = 0
    if title:
        sheet.merge_range("A1:E1", "发病情况一览表")
        top = 1
    for n, row in enumerate([UPPER, lower, ROW], start=top):
        for m, text in enumerate(row):
            if text:
                sheet.write(n, m, text)
    for one in ranges:
        first, last = (xlsxwriter.utility.xl_cell_to_rowcol(cell) for cell in one.split(":"))
        text = UPPER[first[1]]
        sheet.merge_range(first[0] + top, first[1], last[0] + top, last[1], text)
    made.close()
    return file.getvalue()


MERGED = ("A1:A2", "B1:B2", "C1:D1", "E1:E2")


def read(data: bytes) -> limited.Table:
    return limited.read(data, KNOWN, 3, Caps())


@pytest.mark.parametrize(
    "data",
    [
        book(*MERGED),
        book(*MERGED, title=True),
        book(),
        csv(UPPER, LOWER, ROW),
        ods([UPPER, LOWER, ROW]),
    ],
    ids=["merged", "below a title", "not merged", "csv", "ods"],
)
def test_a_group_and_what_stands_below_it_are_one_line_of_headings(data):
    table = read(data)

    assert table.headings == JOINED
    assert [cells for _line, cells in rows_in(table)] == [ROW]
    assert columns.matched(table.headings, KNOWN) == ["name", "number", "onset", "diagnosed", ""]


def test_merged_cells_tell_a_second_line_also_where_its_words_are_not_known():
    table = read(book(*MERGED, lower=["", "", "始", "终", ""]))

    assert table.headings == ["姓名", "证件号", "日期 › 始", "日期 › 终", "备注"]
    assert [cells for _line, cells in rows_in(table)] == [ROW]


def test_without_merged_cells_words_that_are_not_known_are_a_row():
    table = reading.read(
        csv(["姓名", "证件号", "发病日期", "备注"], ["扎西", "1", "", "x"]), KNOWN, 3, Caps()
    )

    assert table.headings == ["姓名", "证件号", "发病日期", "备注"]
    assert list(table.rows) == [(2, ["扎西", "1", "", "x"])]


def test_a_group_ends_where_its_merged_cell_ends():
    upper = ["姓名", "证件号", "日期", "", "发病日期"]
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = made.add_worksheet()
    sheet.merge_range("A1:A2", "姓名")
    sheet.merge_range("B1:B2", "证件号")
    sheet.merge_range("C1:D1", "诊断")
    sheet.merge_range("E1:E2", upper[4])
    sheet.write_row("C2", ["日期", "医生"])
    sheet.write_row("A3", ROW)
    made.close()

    table = read(file.getvalue())

    assert table.headings == ["姓名", "证件号", "诊断 › 日期", "诊断 › 医生", "发病日期"]
    assert columns.matched(table.headings, KNOWN) == ["name", "number", "diagnosed", "", "onset"]


def test_headings_may_stand_in_three_lines_and_not_in_four():
    lines = [
        ["姓名", "证件号", "病程", "", ""],
        ["", "", "发病日期", "诊断", ""],
        ["", "", "", "日期", "医生"],
    ]
    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = made.add_worksheet()
    for n, line in enumerate(lines):
        for m, text in enumerate(line):
            if text:
                sheet.write(n, m, text)
    for where in ("A1:A3", "B1:B3", "C2:C3"):
        row, column = xlsxwriter.utility.xl_cell_to_rowcol(where[:2])
        sheet.merge_range(where, lines[row][column])
    sheet.merge_range("C1:E1", "病程")
    sheet.merge_range("D2:E2", "诊断")
    sheet.write_row("A4", ROW)
    made.close()

    table = read(file.getvalue())

    assert table.headings == [
        *("姓名", "证件号", "病程 › 发病日期", "病程 › 诊断 › 日期", "病程 › 诊断 › 医生")
    ]
    assert [line for line, _cells in rows_in(table)] == [4]


@pytest.mark.parametrize(
    "above",
    [["填报单位：道孚县医院", "", "", "日期：2020-02-05", ""], ["发病情况一览表", "", "", "", ""]],
)
def test_a_line_that_says_who_reports_is_no_group(above):
    table = read(csv(above, ["姓名", "证件号", "发病日期", "诊断日期", "备注"], ROW))

    assert table.headings == ["姓名", "证件号", "发病日期", "诊断日期", "备注"]
    assert [line for line, _cells in rows_in(table)] == [3]
