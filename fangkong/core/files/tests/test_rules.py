from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.files import kinds, rules

from . import samples

PRINTER = "xl/printerSettings/printerSettings1.bin"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (samples.photo("JPEG"), kinds.JPEG),
        (samples.photo("PNG"), kinds.PNG),
        (samples.photo("WEBP"), kinds.WEBP),
        (samples.PDF, kinds.PDF),
        (samples.DOCX, kinds.DOCX),
        (samples.XLSX, kinds.XLSX),
        # Excel writes down how the sheet was printed last; a program beside it is refused still.
        (samples.office("xl/workbook.xml", PRINTER), kinds.XLSX),
        (samples.office("xl/workbook.xml", PRINTER, "xl/vbaProject.bin"), None),
        (samples.office("xl/workbook.xml", f"{PRINTER}.exe"), None),
        (b"", None),
        (b"%PDF-1.7\n nothing", None),
        (samples.PDF[:-6], None),  # cut off on its way
        (b"\xff\xd8", None),
        (b"RIFF....AVI ", None),
        (b"PK\x03\x04", None),
        *((samples.HOSTILE[name], None) for name in ("page.html", "drawing.svg", "macro.docx")),
    ],
)
def test_a_file_is_what_its_content_shows(content, kind):
    assert rules.sniff(content) == kind


@given(st.binary(max_size=300))
def test_any_content_has_a_kind_or_none(content):
    for start in (b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n"):
        assert rules.sniff(start + content) in (None, *kinds.KINDS.values())


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("消毒记录 2月5日.JPG", "消毒记录 2月5日.jpg"),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\temp\\照片.jpeg", "照片.jpg"),
        ("..jpg", "file.jpg"),
        (".jpg", "file.jpg"),
        ("a\x00b\r\nc.jpg", "abc.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe.jpg"),
        ('a"; filename="b.html', "a_; filename=_b.html.jpg"),
        ("a.jpg.", "a.jpg.jpg"),
        ("con.jpg", "con_.jpg"),
        ("a" * 500 + ".jpg", "a" * 120 + ".jpg"),
        ("扎西卓玛\u200b.jpg", "扎西卓玛.jpg"),
    ],
)
def test_a_name_is_cleaned_and_keeps_its_chinese(name, clean):
    assert rules.clean_name(name, kinds.JPEG) == clean


@given(st.text(max_size=200))
def test_a_cleaned_name_is_a_name_and_nothing_else(name):
    clean = rules.clean_name(name, kinds.PDF)

    assert clean.endswith(".pdf") and len(clean) <= rules.LONGEST_NAME + 5
    assert not set(clean) & set('/\\<>:"|?*%')
    assert not clean.startswith(".")
    assert all(unicodedata.category(sign)[0] != "C" for sign in clean)
    assert rules.clean_name(clean, kinds.PDF) == clean
