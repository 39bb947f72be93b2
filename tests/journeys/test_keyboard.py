"""The main tasks of this floor without a mouse (WCAG 2.1.1): Tab, arrows, Enter, and the keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from fangkong.accounts.queries import DEMO_PASSWORD
from fangkong.surveillance.monitoring.tests import factories as cards
from tests.journeys.conftest import Visit

MOST_TABS = 150


class Keyboard:
    """Hands on the keyboard; nothing here clicks, fills or chooses."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def to(self, target: Locator) -> None:
        """Tab until the target has the focus; it must be seen there."""
        expect(target).to_be_attached()
        for _ in range(MOST_TABS):
            if target.evaluate("(one) => one === document.activeElement"):
                expect(target).to_be_in_viewport()
                return
            self.press("Tab")
        raise AssertionError(f"{target} is not reached by Tab")

    def type(self, target: Locator, text: str) -> None:
        self.to(target)
        self.page.keyboard.type(text)

    def choose(self, target: Locator, value: str) -> None:
        """Arrow down in a list until the value is chosen."""
        self.to(target)
        self.press("Home")
        for _ in range(MOST_TABS):
            if target.input_value() == value:
                return
            self.press("ArrowDown")
        raise AssertionError(f"{target} offers no {value}")

    def enter(self, target: Locator) -> None:
        self.to(target)
        self.press("Enter")

    def day(self, target: Locator, text: str) -> None:
        """A date field takes its digits in the order of the browser's language, US English."""
        self.to(target)
        year, month, day = text[:10].split("-")
        self.page.keyboard.type(month + day + year)
        if len(text) > 10:
            self.press("Tab")
            self.page.keyboard.type(text[11:13] + text[14:16] + "AM")
        expect(target).to_have_value(text)


@pytest.fixture
def keys(visit: Visit) -> Keyboard:
    return Keyboard(visit("daofu"))


def test_signing_in_changing_language_and_theme_and_signing_out(visit: Visit) -> None:
    keys = Keyboard(visit())
    page = keys.page
    page.goto("/tasks/")
    keys.type(page.locator("#id_login"), "daofu")
    keys.type(page.locator("#id_password"), DEMO_PASSWORD)
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("任务")

    keys.enter(page.locator(".fk-languages button[value=en]"))
    expect(page.locator("h1")).to_have_text("Tasks")
    before = page.locator("html").get_attribute("data-theme-choice")
    keys.enter(page.locator("[data-theme-toggle]"))
    expect(page.locator("html")).not_to_have_attribute("data-theme-choice", before or "")
    expect(page.locator("html")).to_have_attribute("data-theme-choice", re.compile("light|dark"))

    keys.enter(page.locator(".fk-menu summary[aria-label^=Account]"))
    keys.enter(page.get_by_role("button", name="Sign out"))
    expect(page.locator(".fk-nav")).to_have_count(0)
    page.goto("/tasks/")
    expect(page).to_have_url(re.compile("login"))


def test_reporting_a_card(keys: Keyboard) -> None:
    page = keys.page
    keys.press("g", "n")
    expect(page).to_have_url(re.compile("/report/"))
    person = cards.person(811)
    keys.type(page.locator("[name=name]"), person.name)
    keys.type(page.locator("[name=id_number]"), person.id_number)
    keys.type(page.locator("[name=phone]"), person.phone)
    keys.choose(page.locator("[name=occupation]"), "herder")
    keys.type(page.locator("[name=address]"), "道孚县鲜水镇团结社区1号")
    keys.choose(page.locator("[name=condition]"), "covid-19")
    keys.choose(page.locator("[name=case_class]"), "confirmed")
    keys.choose(page.locator("[name=severity]"), "mild")
    keys.day(page.locator("[name=onset_date]"), "2020-02-01")
    expect(page.locator("[name=diagnosed_at]")).to_have_value("")
    keys.enter(page.locator("[data-now-for=id_diagnosed_at]"))
    expect(page.locator("[name=diagnosed_at]")).to_have_value(re.compile("^2020-02-"))
    keys.type(page.locator("[name=doctor]"), "王医生")
    keys.press("Enter")
    expect(page).not_to_have_url(re.compile("/report/"))
    expect(page.locator("h1")).to_contain_text("513326-2020-")


def test_importing_a_file(keys: Keyboard, tmp_path: Path) -> None:
    page = keys.page
    file = tmp_path / "cards.csv"
    file.write_text(cards.table(cards.line(812, diagnosed_at="2020-02-04 09:00")), "utf-8")
    # From now on the browser tells of choosers: beginning to listen just before the key is a race.
    page.on("filechooser", lambda _chooser: None)
    keys.press("Control+k")
    page.keyboard.type("导入报告卡")
    expect(page.locator("#fk-palette-found [aria-selected=true]")).to_be_visible()
    keys.press("Enter")
    expect(page).to_have_url(re.compile("/monitoring/import/"))
    keys.to(page.locator("#id_file"))
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(file)
    keys.enter(page.locator("main form.card button[type=submit]"))
    keys.enter(page.locator("form[action$='/confirm/'] button"))
    keys.enter(page.locator("#fk-confirm [value=yes]"))
    expect(page.locator(".fk-note[data-tone=good]")).to_be_visible(timeout=60_000)


def test_finding_a_person_and_seeing_full_data(keys: Keyboard, records: dict[str, str]) -> None:
    page = keys.page
    keys.press("g", "p")
    expect(page).to_have_url(re.compile("/people/"))
    keys.press("/")
    expect(page.locator("main [type=search]").first).to_be_focused()
    page.keyboard.type(records["number of a card"])
    keys.press("Enter")
    found = page.locator(f"main a[href='/people/{records['person of a card']}/']")
    keys.enter(found)
    keys.enter(page.locator("[data-dialog=reveal]"))
    dialog = page.locator("dialog#reveal")
    keys.choose(dialog.locator("#id_why"), "care")
    keys.enter(dialog.locator("button[type=submit]"))
    expect(page.locator(".fk-revealed")).to_contain_text(records["phone of a card"])


def test_sorting_filtering_saving_a_view_and_exporting(keys: Keyboard) -> None:
    page = keys.page
    keys.press("g", "c")
    expect(page).to_have_url(re.compile("/surveillance/monitoring/$"))
    keys.enter(page.locator("th a.fk-sort").first)
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    keys.choose(page.locator(".fk-filter-bar [name=case_class]"), "confirmed")
    expect(page).to_have_url(re.compile("case_class=confirmed"))
    views = page.locator("details.fk-tool").first
    keys.enter(views.locator("summary"))
    keys.type(page.locator("#fk-view-name"), "键盘视图")
    keys.press("Enter")
    expect(page.locator(".fk-list-view")).to_have_text("键盘视图")
    keys.to(page.locator("a[href*='csv'][download]").last)
    with page.expect_download() as download:
        keys.press("Enter")
    assert b"513326-" in download.value.path().read_bytes()


def test_the_contents_of_a_long_page_lead_on_and_do_not_cover_where_they_led(
    keys: Keyboard,
) -> None:
    page = keys.page
    page.goto("/packs/cn-2020-01/")
    contents = page.locator("details.fk-contents-fold")
    keys.enter(contents.locator("summary"))
    keys.press("Escape")
    expect(contents).not_to_have_js_property("open", True)
    expect(contents.locator("summary")).to_be_focused()
    keys.press("Enter")
    keys.enter(contents.locator("a[href='#supply-roles']"))
    expect(contents).not_to_have_js_property("open", True)
    title, bar = page.locator("#supply-roles"), contents.locator("summary")
    expect(title).to_be_in_viewport()
    there, above = title.bounding_box(), bar.bounding_box()
    assert there and above and there["y"] >= above["y"] + above["height"]


def test_answering_a_task(keys: Keyboard, records: dict[str, str]) -> None:
    page = keys.page
    keys.press("g", "t")
    expect(page).to_have_url(re.compile("/tasks/"))
    keys.enter(page.locator(f"a[href='/tasks/{records['long task']}/']").first)
    keys.enter(page.locator("form[action$='/accept/'] button"))
    keys.type(page.locator("#id_proof"), "已逐户走访并登记。")
    keys.enter(page.locator("form[action$='/finish/'] .card-footer button"))
    expect(page.locator(".fk-facts").first).to_contain_text("已逐户走访并登记。")
