"""Files of people who mean no good: each refused clearly, soon, and in little memory."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
import xlsxwriter
from django.utils import translation

from fangkong.core.imports import columns, limited, reading, words
from fangkong.core.imports.reading import Caps, NotReadable

KNOWN = columns.known_names({"name": ["姓名", "Name"], "number": ["证件号", "Number"]})
HEAD = "姓名,证件号,备注"
ROOT = Path(__file__).resolve().parents[4]


def workbook(*rows: list[object]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet()
    for n, row in enumerate(rows):
        sheet.write_row(n, 0, row)
    book.close()
    return file.getvalue()


PLAIN = workbook(["姓名", "证件号"], ["扎西", "1"])


def rewritten(change, *, data: bytes = PLAIN, more: dict[str, bytes] | None = None) -> bytes:
    """A workbook with its sheet changed and files added."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as before,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for entry in before.infolist():
            content = before.read(entry)
            after.writestr(entry, change(content) if "sheet1.xml" in entry.filename else content)
        for name, content in (more or {}).items():
            after.writestr(name, content)
    return file.getvalue()


def with_rows(xml: bytes) -> bytes:
    return rewritten(lambda sheet: sheet.replace(b"</sheetData>", xml + b"</sheetData>"))


def bomb() -> bytes:
    """0.3 MB that unpack to 300 MB."""
    return rewritten(lambda sheet: sheet, more={"xl/media/image1.xml": b" " * (300 << 20)})


def rows_without_places() -> bytes:
    """A few kilobytes with 1,048,576 empty rows."""
    return with_rows(b"<row/>" * 1_048_576)


def entity(kind: str) -> bytes:
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    what = {
        "xxe": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        "laughs": b'<!DOCTYPE x [<!ENTITY l0 "ha">' + laughs + b"]>",
    }[kind]
    return rewritten(lambda sheet: sheet.replace(b"?>", b"?>" + what, 1))


def ods(rows: int, cells: int) -> bytes:
    """A table whose one filled cell says that it is repeated."""
    xml = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table><table:table-row table:number-rows-repeated="{rows}">'
        f'<table:table-cell office:value-type="string" table:number-columns-repeated="{cells}">'
        "<text:p>x</text:p></table:table-cell></table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", xml)
    return file.getvalue()


HOSTILE = {
    "zip bomb": (bomb, {"bomb"}),
    "a million empty rows": (rows_without_places, {"too_many_rows", "bomb"}),
    "a cell in the last row": (
        lambda: with_rows(b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>'),
        {"too_many_rows"},
    ),
    "a cell in the last column": (
        lambda: with_rows(b'<row r="2"><c r="XFD2"><v>1</v></c></row>'),
        {"too_many_columns"},
    ),
    "a cell far out within the limits": (
        lambda: with_rows(b'<row r="199000"><c r="GR199000"><v>1</v></c></row>'),
        {"too_much"},
    ),
    "two million merged ranges": (
        lambda: rewritten(
            lambda sheet: sheet.replace(
                b"</sheetData>",
                b"</sheetData><mergeCells>"
                + b'<mergeCell ref="A2:A9"/>' * 2_000_000
                + b"</mergeCells>",
            )
        ),
        {"too_many_merged", "bomb"},
    ),
    "merged over every row there can be": (
        lambda: rewritten(
            lambda sheet: sheet.replace(
                b"</sheetData>",
                b'</sheetData><mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>'
                + b" " * 200,
            ).replace(
                b"</sheetData>", b'<row r="199000"><c r="GR199000"><v>1</v></c></row></sheetData>'
            )
        ),
        {"too_much"},
    ),
    "a tag of 700 kB and 20,000 formulas": (
        lambda: with_rows(
            b'<row r="3"><c '
            + b'r="A3" ' * 100_000
            + b"><f>1</f></c></row>"
            + b'<row r="4">'
            + b'<c r="A4"><f>' * 20_000
            + b"</row>"
        ),
        {"broken_workbook", "too_much"},
    ),
    "external entity": (lambda: entity("xxe"), {"broken_workbook"}),
    "billion laughs": (lambda: entity("laughs"), {"broken_workbook"}),
    "a table repeated without end": (
        lambda: ods(1_000_000, 16_000),
        {"too_much", "too_many_rows", "too_many_columns", "broken_workbook"},
    ),
    "a million columns": (lambda: b",".join([b"c"] * 1_000_000), {"one_long_line"}),
    "a million columns below a title": (
        lambda: b"a,b\n" + b",".join([b"c"] * 1_000_000),
        {"too_many_columns"},
    ),
    "one line of 10 MB": (lambda: b"x" * 10_000_000, {"one_long_line"}),
    "a quotation mark that is never closed": (
        lambda: HEAD.encode() + b'\n"' + b"x,y\n" * 2_000_000,
        {"long_cell"},
    ),
    "NUL": (lambda: HEAD.encode() + b"\n\0,1,\n", {"not_text"}),
    "NUL in UTF-16": (lambda: f"{HEAD}\n\0,1,\n".encode("utf-16"), {"not_text"}),
    "lone surrogates": (
        lambda: f"{HEAD}\n{'扎西' * 10},1,\n".encode() + b"\xed\xa0\x80,2,\n",
        {"broken_text"},
    ),
    "lone surrogates in UTF-16": (
        lambda: HEAD.encode("utf-16") + b"\n\0\x00\xd8\n\0",
        {"wrong_encoding"},
    ),
    "a picture called cards.csv": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 99, {"wrong_type"}),
    "a program": (lambda: b"MZ\x90\0\x03\0\0\0", {"not_text"}),
    "an archive of anything": (lambda: zipped({"a.txt": b"x"}), {"wrong_type"}),
    "an old workbook cut off": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9,
        {"broken_workbook"},
    ),
    "ten thousand parts": (
        lambda: rewritten(lambda s: s, more={f"xl/x{n}.xml": b"" for n in range(2_001)}),
        {"bomb"},
    ),
    "empty": (lambda: b"", {"empty"}),
    "blank": (lambda: b"\xef\xbb\xbf \r\n\r\n", {"empty"}),
    "headings only": (lambda: HEAD.encode(), {"no_rows"}),
    "the same heading twice": (lambda: "姓名,证件号,姓名\n1,2,3\n".encode(), {"column_twice"}),
    "broken quotes": (lambda: f'{HEAD}\n"a"b,1,2\n'.encode(), {"broken_line"}),
}


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def refused(data: bytes) -> NotReadable:
    with pytest.raises(NotReadable) as problem:
        limited.read(data, KNOWN, 2, Caps())
    return problem.value


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_in_less_than_a_second_of_work_and_256_mb(what):
    make, codes = HOSTILE[what]
    data = make()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    problem = refused(data)

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Work, not waiting: the machine may be busy with other tests.
    assert used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime < 1
    assert problem.code in codes
    for language in ("zh-hans", "en"):
        with translation.override(language):
            assert "%(" not in words.problem(problem)


def test_the_memory_of_hostile_files_stays_small(tmp_path):
    """The largest of them, each in a process of its own that tells what it took."""
    asked = {"known": KNOWN, "enough": 2, "caps": asdict(Caps()), "chunk": 1_000}
    for what in ("zip bomb", "a cell far out within the limits", "one line of 10 MB"):
        file = tmp_path / "file"
        file.write_bytes(json.dumps(asked).encode() + b"\n" + HOSTILE[what][0]())
        code = (
            "import resource, subprocess, sys\n"
            "subprocess.run([sys.executable, '-m', 'fangkong.core.imports.reader'],"
            " stdin=open(sys.argv[1], 'rb'), stdout=subprocess.DEVNULL,"
            " stderr=subprocess.DEVNULL)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        told = subprocess.run(
            [sys.executable, "-c", code, str(file)], cwd=ROOT, capture_output=True, check=True
        )
        assert int(told.stdout) < 256 * 1024, what  # kilobytes


def test_the_limits_are_what_stops_it():
    """Without them the same file is read on: the test above can fail."""
    data = with_rows(b'<row r="9000"><c r="GR9000"><v>1</v></c></row>')
    sheet = reading.read(data, KNOWN, 2, Caps())
    assert sum(1 for _row in sheet.rows) == 2


def test_cells_that_look_like_formulas_are_text():
    table = limited.read(f"{HEAD}\n=1+1,'=cmd|x,@SUM(A1)\n".encode(), KNOWN, 2, Caps())

    assert table.total == 1
    ((_line, cells),) = rows_in(table)
    assert cells == ["=1+1", "=cmd|x", "@SUM(A1)"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "\x1f", "；", "¦", "#"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_honest_files_of_every_kind_are_read(delimiter, encoding):
    text = f"{HEAD}\n扎西,1,\n卓玛,2,x\n".replace(",", delimiter)

    sheet = reading.read(text.encode(encoding), KNOWN, 2, Caps())

    assert sheet.encoding == encoding
    assert list(sheet.rows) == [(2, ["扎西", "1", ""]), (3, ["卓玛", "2", "x"])]


def test_a_workbook_is_read_by_the_process_with_limits():
    table = limited.read(PLAIN, KNOWN, 2, Caps())

    assert (table.encoding, table.headings, table.total) == ("xlsx", ["姓名", "证件号"], 1)
    assert rows_in(table) == [[2, ["扎西", "1"]]]


def test_a_file_with_unknown_headings_is_read_for_its_columns_to_be_matched_by_hand():
    table = limited.read(b"who;what\nA;1\n", KNOWN, 2, Caps())
    assert (table.headings, table.total) == (["who", "what"], 1)


def rows_in(table: limited.Table) -> list[list[object]]:
    import zlib

    return [row for piece in table.pieces for row in json.loads(zlib.decompress(piece.body))]
