"""What is printed can be read: the right signs, on every sheet who printed it and when."""

from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace

import pypdf
import pytest
from django.test import RequestFactory
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.core.printing import child, sheets
from fangkong.tasks.tests.factories import AT

NAMES = ["扎西卓玛", "格桑旺堆", "多吉次仁", "仁青拉姆", "阿旺洛桑"]
SIGNS = (
    "甘孜藏族自治州疫情防控应急指挥部 道孚县鲜水镇 理塘 色达 稻城 隔离 镬 囍 㐂 龘 〇 "
    "N95 口罩，“督办”（第1号）"
)


def read(made: bytes) -> tuple[pypdf.PdfReader, str]:
    reader = pypdf.PdfReader(io.BytesIO(made))
    return reader, "\n".join(page.extract_text() for page in reader.pages)


def flat(text: str) -> str:
    return "".join(text.split())


def request():
    user = SimpleNamespace(display_name="道孚县疾控中心", get_username=lambda: "daofu")
    asked = RequestFactory().get("/")
    asked.__dict__.update(user=user, now=AT)
    return asked


def fonts(reader: pypdf.PdfReader) -> dict[str, bool]:
    """Name of each font -> whether its shapes travel with the file."""
    found = {}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            for inner in font.get_object()["/DescendantFonts"]:
                facts = inner.get_object()
                description = facts["/FontDescriptor"]
                kept = any(f"/FontFile{n}" in description for n in ("", 2, 3))
                found[str(facts["/BaseFont"])] = kept
    return found


@pytest.fixture(scope="module")
def printed() -> bytes:
    from fangkong.core.printing.sheets import table

    rows = [[str(n), name, SIGNS] for n in range(24) for name in NAMES]
    return table(request(), ["序号", "姓名", "说明"], rows, title="防控任务", name="x").content


def test_every_sign_can_be_read_back_as_it_was_written(printed):
    _reader, text = read(printed)

    assert flat(text).count(flat(SIGNS)) == 120 or all(sign in text for sign in SIGNS.split())
    for name in NAMES:
        assert flat(text).count(name) >= 24, name
    assert "防控任务" in text and "韦" not in text


def test_the_fonts_travel_with_the_file(printed):
    reader, _text = read(printed)
    found = fonts(reader)

    assert found and all(found.values())
    assert any("Noto-Sans-CJK" in name or "NotoSansCJK" in name for name in found), found


def test_every_sheet_says_who_printed_it_when_and_which_it_is(printed):
    reader, _text = read(printed)

    assert len(reader.pages) > 2
    for number, page in enumerate(reader.pages, start=1):
        text = flat(page.extract_text())
        assert "道孚县疾控中心" in text and "2020-02-0510:00" in text
        assert f"{number}/{len(reader.pages)}" in text
        assert "daofu2020-02-05" in text  # the watermark
        assert "防控任务" in text
        width, height = page.mediabox.width, page.mediabox.height
        assert (round(width), round(height)) == (595, 842)  # A4 in points


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "http://127.0.0.1:9/x.png", "https://example.org/x.png"],
)
def test_a_printed_page_reads_no_file_and_no_address(address):
    made = sheets.pdf(
        f'<link rel=stylesheet href="{address}"><img src="{address}"><p>甲</p>'
        f'<object data="{address}"></object><a rel=attachment href="{address}">乙</a>'
        f"<style>@import url({address}); p {{ background: url({address}) }}</style>"
    )
    reader, text = read(made)
    assert "甲" in text and "root:" not in made.decode("latin-1")
    assert not reader.attachments
    assert not list(reader.pages[0].images)


def test_markup_in_a_cell_stays_text():
    made = sheets.table(
        request(), ["甲"], [["<b>粗</b><img src=x>"]], title="<i>题</i>", name="x"
    ).content
    assert "<b>粗</b><imgsrc=x>" in flat(read(made)[1])


def test_too_many_rows_and_too_many_sheets_are_refused():
    rows = [["甲"]] * (sheets.MOST_ROWS + 1)
    with pytest.raises(sheets.NotPrinted):
        sheets.table(request(), ["甲"], rows, title="题", name="x")
    with pytest.raises(sheets.NotPrinted):
        sheets.pdf("<p style='break-after: page'>甲</p>" * (child.MOST_PAGES + 1))


def test_what_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(sheets, "SECONDS", 0.01)
    with pytest.raises(sheets.NotPrinted):
        sheets.pdf("<p>甲</p>")


@pytest.mark.parametrize("code", [child.NO_PANGO, child.NO_FONT])
def test_where_something_is_missing_the_refusal_says_what_to_install(monkeypatch, code):
    done = SimpleNamespace(returncode=code, stdout=b"")
    monkeypatch.setattr(sheets.subprocess, "run", lambda *a, **k: done)
    with pytest.raises(sheets.CannotPrint, match="fonts-noto-cjk"):
        sheets.pdf("<p>甲</p>")


def test_without_the_font_nothing_is_printed(tmp_path):
    """A printed page with wrong signs is worse than none."""
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig><cachedir>/nonexistent</cachedir></fontconfig>")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from fangkong.core.printing import child; print(child.has_chinese())",
        ],
        env={
            "FONTCONFIG_FILE": str(empty),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ":".join(sys.path),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


@pytest.mark.django_db
def test_a_list_and_a_task_are_printed_and_leave_their_line(client, monkeypatch):
    from django.core.cache import cache

    from fangkong.core import clock
    from fangkong.core.roles import Role
    from fangkong.tasks.tests.factories import assigned, staff, world

    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: AT)
    areas = world()
    task = assigned(areas["513326"], params={"text": "核实扎西卓玛的行程"})
    client.force_login(staff("daofu-cdc", Role.COUNTY_CDC, areas["513326"]))

    one = client.get(reverse("tasks:index") + "?export=pdf")
    other = client.get(task.get_absolute_url() + "?print")

    for answer in (one, other):
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer["Cache-Control"] == "private, no-store"
        assert "核实扎西卓玛的行程" in flat(read(answer.content)[1])
    lines = AuditLine.objects.filter(action__in=["core.pages.export", "core.printing.print"])
    assert [line.action for line in lines.order_by("pk")] == [
        "core.pages.export",
        "core.printing.print",
    ]
    client.force_login(staff("kangding-cdc", Role.COUNTY_CDC, areas["513301"]))
    assert client.get(task.get_absolute_url() + "?print").status_code == 404
