"""Lists as files: no cell starts a formula, and Chinese comes back as it went."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from fangkong.accounts.tests import factories
from fangkong.core.audit.models import AuditLine
from fangkong.core.pages import export
from fangkong.core.privacy import is_mark

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x.example","click")',
    "+8613908360000",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    " =1+1",
    "\u3000=1+1",
    "\ufeff=1+1",
    "=cmd|' /C calc'!A0",
]
HARMLESS = ["扎西", "1-2", "a=b", "", "'quoted", "N95 口罩", "a\nb", "道孚县 · 鲜水镇", 'say "yes"']


def csv_of(rows, head=("x",)):
    body = b"".join(export.csv_response("t", head, rows).streaming_content)
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def xlsx_of(rows, head=("x",)):
    response = export.xlsx_response("t", head, rows)
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response.streaming_content)))
    return book.get_sheet_by_index(0).to_python()


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_start_a_formula_is_only_text_in_csv(text):
    assert csv_of([[text]])[1] == [f"'{text}"]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays_as_it_is_in_csv(text):
    assert csv_of([[text, "end"]])[1] == [text, "end"]


@pytest.mark.parametrize("text", [text for text in FORMULAS if not text.startswith("\r")])
def test_text_in_excel_is_a_string_whatever_it_starts_with(text):
    assert xlsx_of([[text, "end"]])[1] == [text, "end"]


def test_an_excel_file_holds_no_formula_at_all():
    import zipfile

    response = export.xlsx_response("t", ["=1+1"], [[text] for text in FORMULAS])
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_the_head_of_a_column_is_made_safe_too():
    assert csv_of([], head=["=1+1", "病例"])[0] == ["'=1+1", "病例"]


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_no_text_at_all_starts_a_formula(text):
    cell = export.safe_text(text)

    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert cell in (text, f"'{text}")


def test_negative_numbers_stay_numbers():
    row = [-3, -2.5, Decimal("-1.25"), 0]

    assert csv_of([row])[1] == ["-3", "-2.5", "-1.25", "0"]
    assert xlsx_of([row])[1] == [-3, -2.5, -1.25, 0]


def test_figures_that_are_no_numbers_do_not_stop_the_file():
    assert xlsx_of([[float("nan"), float("inf"), "end"]])[1] == ["nan", "inf", "end"]


def test_chinese_and_tibetan_come_back_as_they_went():
    row = ["甘孜藏族自治州", "དཀར་མཛེས་", "𠮷野", "确诊病例"]

    assert csv_of([row], head=row) == [row, row]
    assert xlsx_of([row], head=row) == [row, row]


def test_moments_are_in_local_time_and_days_in_iso():
    row = [datetime(2020, 2, 4, 16, 30, tzinfo=UTC), date(2020, 2, 5), None, "end"]
    shown = ["2020-02-05 00:30", "2020-02-05", "", "end"]

    assert csv_of([row])[1] == shown
    assert xlsx_of([row])[1] == shown


def test_text_too_long_for_excel_is_shortened_and_never_lost():
    found = xlsx_of([["长" * 40_000, "长" * 32_767]])[1]

    assert found == ["长" * 32_766 + "…", "长" * 32_767]


def test_files_are_downloads_with_their_name():
    as_csv, as_xlsx = export.csv_response("cases", ["x"], []), export.xlsx_response("c", ["x"], [])

    assert as_csv["Content-Disposition"] == 'attachment; filename="cases.csv"'
    assert as_csv["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="c.xlsx"' in as_xlsx["Content-Disposition"]


MARKED = "exported by daofu & co at 2020-02-05 10:00, no. 7"


def test_a_csv_says_in_its_last_line_who_took_it():
    body = b"".join(export.csv_response("t", ["x"], [["1"]], MARKED).streaming_content)

    last = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))[-1]
    assert last == [f"# Fangkong {MARKED}"]
    assert is_mark(last) and not is_mark(["# another remark"]) and not is_mark([])


def test_an_excel_file_says_it_in_footer_sheet_and_properties():
    response = export.xlsx_response("t", ["x"], [["1"]], MARKED)
    data = b"".join(response.streaming_content)

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    assert book.sheet_names[1] == "Fangkong"
    assert book.get_sheet_by_index(0).to_python() == [["x"], ["1"]]  # the list itself is as it was
    assert is_mark(book.get_sheet_by_index(1).to_python()[0])
    with zipfile.ZipFile(io.BytesIO(data)) as inner:
        sheet = inner.read("xl/worksheets/sheet1.xml").decode()
        assert "exported by daofu &amp;&amp; co" in sheet[sheet.index("<oddFooter>") :]
        assert "no. 7" in inner.read("docProps/custom.xml").decode()
        assert "no. 7" in inner.read("docProps/core.xml").decode()


def test_the_mark_names_the_user_the_moment_and_the_line_of_the_trail(db):
    keeper = factories.user()
    at = datetime(2020, 2, 5, 2, tzinfo=UTC)

    mark = export.note("cases", keeper, by=keeper, at=at, rows=12)

    line = AuditLine.objects.get()
    assert line.detail == {"list": "cases", "kind": "csv", "rows": 12}
    assert keeper.username in mark and "2020-02-05 10:00" in mark and str(line.pk) in mark
