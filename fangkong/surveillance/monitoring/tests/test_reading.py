"""Files as they come: encodings, delimiters, and what is no table at all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime

import pytest
import xlsxwriter
from django.utils import translation

from fangkong.core.imports import reading, words
from fangkong.core.imports.columns import bare
from fangkong.surveillance.monitoring import columns
from fangkong.surveillance.monitoring.imports import CARDS

from .factories import line, table
from .factories import workbook as whole_book

HEAD = "姓名,疾病名称,病例分类,诊断时间"
TEXT = f"{HEAD}\n扎西,新冠肺炎,确诊病例,2020-02-05\n"


class Whole:
    """A sheet with all its rows."""

    def __init__(self, sheet: reading.Sheet) -> None:
        self.encoding, self.headings = sheet.encoding, sheet.headings
        self.rows = list(sheet.rows)


def read(data: bytes, **caps: int) -> Whole:
    return Whole(reading.read(data, CARDS.known(), 3, reading.Caps(**caps)))


def refused(data: bytes, **caps: int) -> reading.NotReadable:
    with pytest.raises(reading.NotReadable) as problem:
        read(data, **caps)
    return problem.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_is_read_in_every_encoding_that_spreadsheets_save(encoding):
    sheet = read(TEXT.encode(encoding))
    assert sheet.encoding == encoding
    assert sheet.rows == [(2, ["扎西", "新冠肺炎", "确诊病例", "2020-02-05"])]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found_by_the_headings(delimiter):
    sheet = read(TEXT.replace(",", delimiter).encode())
    assert sheet.headings == ["姓名", "疾病名称", "病例分类", "诊断时间"]


def test_a_title_above_the_headings_and_blank_lines_keep_the_numbers_of_lines():
    sheet = read(f"传染病报告卡\n\n{TEXT}\n李四,麻疹,疑似,2020-02-04\n".encode())
    assert [line for line, _cells in sheet.rows] == [4, 6]


def test_a_cell_over_two_lines_is_one_row_of_its_first_line():
    text = f'{HEAD},备注\n扎西,新冠,确诊,2020-02-05,"一\n二"\n李四,新冠,确诊,2020-02-05,\n'
    assert [line for line, _cells in read(text.encode()).rows] == [2, 4]


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    for n, row in enumerate(rows):
        sheet.write_row(n, 0, row)
    book.close()
    return file.getvalue()


def test_a_workbook_gives_numbers_as_a_person_types_them():
    phone = 13800001111
    rows = [[*HEAD.split(","), "联系电话"], ["扎西", "新冠", "确诊", "2020-02-05", phone]]
    assert read(workbook(rows)).rows == [(2, ["扎西", "新冠", "确诊", "2020-02-05", "13800001111"])]


def archive(**files: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"%PDF-1.7 ...", "wrong_type"),
        (b"\x89PNG\r\n\x1a\n", "wrong_type"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "broken_workbook"),
        (b"<html><table>", "wrong_type"),
        (b"ab\0cd", "not_text"),
        (archive(a="not a workbook"), "wrong_type"),
        (archive(**{"xl/workbook.xml": "<broken"}), "broken_workbook"),
        (b"PK\x03\x04 cut off", "broken_workbook"),
        (b"\xff\xff\xff\xff", "wrong_encoding"),
        (b"one\n1\n2\n", "no_headings"),
        (HEAD.encode(), "no_rows"),
        (f"{HEAD},姓名\n扎西,新冠,确诊,2020-02-05,x".encode(), "column_twice"),
    ],
)
def test_what_is_no_table_of_cards_is_refused_in_words_of_both_languages(data, code):
    problem = refused(data)
    assert problem.code == code
    for language in ("zh-hans", "en"):
        with translation.override(language):
            assert "%(" not in words.problem(problem)


def test_a_file_over_its_size_is_refused_before_it_is_read():
    assert refused(TEXT.encode(), bytes=10).code == "too_big"


def test_rows_beyond_the_limit_are_refused_and_the_limit_itself_is_not():
    assert len(read(TEXT.encode(), rows=1).rows) == 1
    more = (TEXT + "李四,麻疹,疑似,2020-02-04\n").encode()
    assert refused(more, rows=1).code == "too_many_rows"


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked():
    assert refused(workbook([HEAD.split(","), ["x"] * 4]), unpacked=100).code == "too_big"


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("发病日期*", "onset_date"),
        ("发病日期(年月日)", "onset_date"),
        (" 现 住 址(详填) ", "address"),
        ("Date of Birth", "birth_date"),
        ("ID_Number", "id_number"),
        ("病例分类（1）", "case_class"),
        ("星座", ""),
    ],
)
def test_headings_are_known_however_they_are_written(heading, field):
    assert CARDS.known().get(bare(heading), "") == field


def test_no_two_fields_share_a_heading():
    for field, names in columns.HEADINGS.items():
        assert {CARDS.known()[bare(name)] for name in names} == {field}


# --- Whole cards, as our template has them ---

LINES = (line(1), line(2))
CARDS_FILE = table(*LINES)
VALUES = [list(each.values()) for each in LINES]


def code_of(data: bytes, **caps: int) -> str:
    return refused(data, **caps).code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("language", [0, 1])
def test_every_encoding_separator_and_language_gives_the_same_rows(encoding, delimiter, language):
    text = table(*LINES, delimiter=delimiter, language=language)

    sheet = read(text.encode(encoding))

    assert sheet.encoding == encoding
    assert sheet.rows == [(2, VALUES[0]), (3, VALUES[1])]


def test_cells_of_a_workbook_read_as_a_person_would_type_them():
    cells = {
        **line(1),
        "onset_date": datetime(2020, 2, 1),  # noqa: DTZ001  # a cell has no zone
        "diagnosed_at": datetime(2020, 2, 5, 9, 30),  # noqa: DTZ001
        "phone": 13888880001.0,
    }
    found = dict(zip(cells, read(whole_book(cells)).rows[0][1], strict=True))
    assert found["onset_date"] == "2020-02-01"
    assert found["diagnosed_at"] == "2020-02-05 09:30"
    assert found["phone"] == "13888880001"


def test_the_apostrophe_of_our_own_files_is_taken_off_again_and_others_are_kept():
    rows = read(table(line(1, remark="'=1+1"), line(2, remark="'quoted'")).encode()).rows
    found = [cells[list(line(remark="")).index("remark")] for _line, cells in rows]
    assert found == ["=1+1", "'quoted'"]


def test_a_line_with_too_many_cells_keeps_them_so_that_the_row_can_be_refused():
    text = CARDS_FILE.rstrip("\r\n") + ",too,many"
    assert len(read(text.encode()).rows[1][1]) == len(VALUES[1]) + 2


def test_a_file_over_the_limit_is_refused_and_one_of_its_size_is_read():
    data = CARDS_FILE.encode()
    assert len(read(data, bytes=len(data)).rows) == 2
    assert code_of(data + b" ", bytes=len(data)) == "too_big"


def test_too_many_columns_are_refused():
    fewer = len(VALUES[0]) - 1
    assert code_of(CARDS_FILE.encode(), columns=fewer) == "too_many_columns"
    assert code_of(whole_book(*LINES), columns=fewer) == "too_many_columns"


@pytest.mark.parametrize("cut", [4, 100, -30])
def test_a_damaged_workbook_is_refused(cut):
    assert code_of(whole_book(*LINES)[:cut]) == "broken_workbook"


def test_a_workbook_damaged_inside_is_refused():
    whole = zipfile.ZipFile(io.BytesIO(whole_book(*LINES)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, b"<broken" if "sheet1" in name else whole.read(name))
    assert code_of(file.getvalue()) == "broken_workbook"
