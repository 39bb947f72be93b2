"""Workbooks of several sheets: one table is read, two are refused, nothing is lost unsaid."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping

import pytest
import xlsxwriter
from django.utils import translation

from fangkong.core.imports import limited, words
from fangkong.core.imports.reading import Caps

from .old_books import Rows, ods_book
from .test_hostile import KNOWN, refused, rows_in

TABLE = [["姓名", "证件号", "填卡医生"], ["扎西", "1", "王医生"]]
OTHER = [["姓名", "证件号", "填卡医生"], ["卓玛", "2", "李医生"]]
HOW_TO = [["填表说明"], ["一行一人，日期写作 2020-02-05。"]]
FIELDS = [["字段", "怎样填写"], ["姓名", "与身份证一致"], ["证件号", "十八位"]]
UNKNOWN = [["谁", "什么", "哪里"], ["扎西", "发热", "道孚"]]


def xlsx_book(sheets: Mapping[str, Rows], *, hidden: Collection[str] = ()) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    made = {name: book.add_worksheet(name) for name in sheets}
    for name, rows in sheets.items():
        for n, row in enumerate(rows):
            made[name].write_row(n, 0, row)
        if name in hidden:
            made[name].hide()
    next(sheet for name, sheet in made.items() if name not in hidden).activate()
    book.close()
    return file.getvalue()


@pytest.fixture(params=[xlsx_book, ods_book], ids=["xlsx", "ods"])
def book(request):
    return request.param


def read(data: bytes) -> limited.Table:
    return limited.read(data, KNOWN, 2, Caps())


def test_two_tables_are_refused_and_named_and_none_is_read_alone(book):
    problem = refused(book({"道孚": TABLE, "说明": HOW_TO, "康定": OTHER}))

    assert (problem.code, problem.params["sheets"]) == ("several_tables", ["道孚", "康定"])
    with translation.override("zh-hans"):
        assert "道孚、康定" in words.problem(problem)
    with translation.override("en"):
        assert "Hide or delete" in words.problem(problem)


@pytest.mark.parametrize(
    "sheets",
    [
        {"卡": TABLE, "说明": HOW_TO},
        {"说明": HOW_TO, "卡": TABLE},
        {"字段": FIELDS, "卡": TABLE},
        {"Sheet1": [], "卡": TABLE, "Sheet3": []},
        {"空表": TABLE[:1], "卡": TABLE},
    ],
    ids=["explained behind", "explained first", "fields first", "empty ones", "headings only"],
)
def test_the_one_table_is_read_wherever_it_stands(book, sheets):
    assert rows_in(read(book(sheets))) == [[2, TABLE[1]]]


def test_what_is_hidden_is_passed_over_and_what_is_shown_is_not(book):
    sheets = {"道孚": TABLE, "康定": OTHER}

    assert rows_in(read(book(sheets, hidden=["道孚"]))) == [[2, OTHER[1]]]
    assert rows_in(read(book(sheets, hidden=["康定"]))) == [[2, TABLE[1]]]
    assert refused(book(sheets)).code == "several_tables"


def test_sheets_that_are_passed_over_are_named_but_for_empty_and_hidden_ones(book):
    sheets = {"说明": HOW_TO, "卡": TABLE, "Sheet3": [], "字典": OTHER, "字段": FIELDS}

    assert read(book(sheets, hidden=["字典"])).unread_sheets == ["说明", "字段"]
    assert read(book({"卡": TABLE})).unread_sheets == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_second_table_counts_also_where_its_headings_are_not_known(book, order):
    sheets = dict([("卡", TABLE), ("Sheet2", UNKNOWN)][::order])

    assert refused(book(sheets)).params["sheets"] == list(sheets)


def test_a_list_of_words_beside_a_far_wider_table_is_no_second_one(book):
    wide = [TABLE[0] + ["性别", "年龄", "现住址"], TABLE[1] + ["女", "30", "道孚县"]]

    table = read(book({"编码": UNKNOWN, "卡": wide}))

    assert (table.total, table.headings, table.unread_sheets) == (1, wide[0], ["编码"])


def test_where_no_headings_are_known_the_one_table_is_matched_by_hand(book):
    assert read(book({"说明": HOW_TO, "表": UNKNOWN})).headings == UNKNOWN[0]


def test_the_fault_told_is_that_of_the_sheet_that_comes_nearest(book):
    assert refused(book({"字段": FIELDS, "卡": TABLE[:1]})).code == "no_rows"
    assert refused(book({"说明": HOW_TO, "更多": HOW_TO})).code == "no_headings"
    assert refused(book({"Sheet1": [], "Sheet2": []})).code == "no_headings"


def test_many_tables_are_named_by_the_first_of_them(book):
    problem = refused(book({f"表{n}": TABLE for n in range(12)}))

    assert problem.params["sheets"] == [*(f"表{n}" for n in range(5)), "…"]
