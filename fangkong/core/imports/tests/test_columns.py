"""Which column is which field: by names, however they are written, and remembered by headings."""

from __future__ import annotations

from fangkong.core.imports import columns

NAMES = {"name": ["姓名", "Name", "患者姓名"], "day": ["发病日期", "Onset date"], "sex": ["性别"]}
KNOWN = columns.known_names(NAMES)


def test_columns_that_are_missing_or_stand_twice_are_named():
    fields = columns.matched(["姓名", "患者姓名", "x", "x"], KNOWN)

    assert fields == ["name", "name", "", ""]
    assert columns.twice(fields) == ["name"]
    assert columns.missing(fields, ["name", "day"]) == ["day"]
    assert columns.missing(columns.matched(["Onset date", "Name"], KNOWN), ["name", "day"]) == []


def test_a_fields_own_name_is_a_heading_unless_another_is_called_so():
    assert columns.matched(["day", "Sex", "name"], KNOWN) == ["day", "sex", "name"]

    known = columns.known_names({"name": ["姓名"], "short": ["name"]})
    assert columns.matched(["name"], known) == ["short"]


def test_the_same_headings_in_another_order_are_remembered_together_and_others_are_not():
    one = columns.print_of(["姓名", "发病日期*", "性别"])

    assert columns.print_of(["性别", "发病日期(年月日)", "姓名"]) == one
    assert columns.print_of(["性别", "发病日期"]) != one


def test_a_heading_below_a_group_is_known_with_it_and_without_it_is_a_guess():
    headings = ["联系人 › 姓名", "发病 › 日期", "性别"]

    assert columns.matched(headings, KNOWN) == ["name", "day", "sex"]
    assert columns.guessed(headings, KNOWN)
    assert not columns.guessed(headings[1:], KNOWN)
    assert columns.matched(["姓名 › 称谓"], KNOWN) == [""]
