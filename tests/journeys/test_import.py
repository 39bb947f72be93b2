"""A file of an old system, with faults: matched by hand, looked at, entered, mended, sent again."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from fangkong.surveillance.monitoring.tests import factories as cards
from tests.journeys.conftest import Visit, shot

OLD_HEADING = "病名诊断"  # what the old system calls the disease; nobody knows it yet
WRONG_DAY, RIGHT_DAY = "上周三", "2020-02-04 09:00"


def a_line(n: int, **changes: str) -> dict[str, str]:
    return cards.line(n, **{"diagnosed_at": RIGHT_DAY, **changes})


def old_file(folder: Path) -> Path:
    """Five rows in GB18030; two of them cannot be entered as they are."""
    rows = [a_line(n) for n in (701, 702, 703)]
    rows += [a_line(704, diagnosed_at=WRONG_DAY), a_line(705, phone="123", diagnosed_at=WRONG_DAY)]
    path = folder / "旧系统.csv"
    path.write_bytes(cards.table(*rows).replace("疾病名称", OLD_HEADING).encode("gb18030"))
    return path


def send(page: Page, file: Path) -> None:
    page.goto("/surveillance/monitoring/import/")
    page.set_input_files("#id_file", file)
    page.locator("main button[type=submit]").first.click()


def numbers(page: Page) -> list[str]:
    """Rows, ready or imported, already known, to be corrected."""
    return page.locator(".fk-figure-value").all_inner_texts()


def enter(page: Page) -> None:
    page.locator("form[action$='/confirm/'] button").click()
    page.locator("#fk-confirm [value=yes]").click()
    # The page follows the work by itself until it is done.
    expect(page.locator(".fk-note[data-tone=good]")).to_be_visible(timeout=60_000)


def test_a_file_with_faults_is_mended_and_sent_again_until_all_is_in(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit("daofu")
    file = old_file(tmp_path)

    send(page, file)
    expect(page).to_have_url(re.compile("/columns/"))
    expect(page.locator(".fk-note[data-tone=warn]")).to_contain_text("病种")
    expect(page.get_by_role("row", name=OLD_HEADING)).to_contain_text("新冠肺炎")
    page.get_by_label(OLD_HEADING).select_option("condition")
    shot(page, "import/columns")
    page.locator("main form.card button[type=submit]").first.click()

    expect(page.locator("form[action$='/confirm/'] button")).to_be_visible(timeout=60_000)
    assert numbers(page) == ["5", "3", "0", "2"]
    faulty = page.locator(".fk-table tbody tr")
    expect(faulty).to_have_count(2)
    expect(faulty.nth(0)).to_contain_text(WRONG_DAY)
    expect(faulty.nth(1)).to_contain_text("123")
    shot(page, "import/reasons")
    enter(page)
    assert numbers(page) == ["5", "3", "0", "2"]

    with page.expect_download() as download:
        page.locator("a[href$='errors.csv']").click()
    mended = tmp_path / "mended.csv"
    download.value.save_as(mended)
    mend(mended)
    send(page, mended)
    expect(page.locator("form[action$='/confirm/'] button")).to_be_visible(timeout=60_000)
    assert numbers(page) == ["2", "2", "0", "0"]
    enter(page)
    assert numbers(page) == ["2", "2", "0", "0"]

    send(page, mended)
    expect(page.locator("main")).to_contain_text("均已存在")
    assert numbers(page) == ["2", "0", "2", "0"]
    expect(page.locator("form[action$='/confirm/']")).to_have_count(0)
    shot(page, "import/known")


def mend(path: Path) -> None:
    """What a clerk does in the table: read the reasons, put the values right, save."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        heading, *rows, mark = list(csv.reader(text))
    assert len(rows) == 2
    assert mark[0].startswith("#")  # who took the file and when; it is no row when it comes back
    assert all(WRONG_DAY in row[-1] for row in rows)  # the reason stands at the end of its row
    assert "123" in rows[1][-1]
    phone = heading.index("联系电话")
    for row in rows:
        row[heading.index("诊断时间")] = RIGHT_DAY
        row[phone] = row[phone].replace("'", "")
    rows[1][phone] = "13888880705"
    with path.open("w", encoding="utf-8-sig", newline="") as text:
        csv.writer(text).writerows([heading, *rows, mark])
