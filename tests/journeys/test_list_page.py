"""A list on a phone and on a wide screen: folded filters, chips, and a table that fits."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Visit, shot, sign_in, violations
from tests.journeys.server import Server

CASES = "/surveillance/monitoring/"
PHONE = 390
LONG_ZH = "人感染高致病性禽流感（含疑似病例及医学观察病例）"
LONG_EN = "Severe acute respiratory syndrome (clinically diagnosed)"


def test_a_phone_shows_the_first_case_at_once_and_opens_the_filters_by_keyboard(
    visit: Visit,
) -> None:
    page = visit("daofu", width=PHONE)
    page.goto(CASES)
    summary, field = page.locator(".fk-filter-fold summary"), page.locator("#id_case_class")
    expect(page.locator("[type=search]")).to_be_in_viewport()
    expect(page.locator(".fk-table tbody a").first).to_be_in_viewport()
    expect(field).to_be_hidden()

    summary.focus()
    page.keyboard.press("Enter")
    expect(field).to_be_visible()
    field.select_option("confirmed")
    expect(summary).to_have_text(re.compile(r"^\s*筛选\s*· 1 个\s*$"))
    expect(field).to_be_visible()
    expect(page.locator(".fk-topbar")).to_have_count(1)  # the list alone was drawn anew
    assert not violations(page)
    shot(page, "list/phone-open")

    page.reload()
    expect(field).to_be_visible()  # and the next page is as this one was left
    page.goto("/people/")
    expect(page.locator("#id_sex")).to_be_hidden()
    page.goto(f"{CASES}?case_class=confirmed")
    summary.click()
    expect(field).to_be_hidden()
    page.reload()
    expect(field).to_be_hidden()
    chip = page.locator(".fk-chips a.fk-chip")
    expect(chip).to_contain_text("病例分类：确诊病例")
    shot(page, "list/phone-chip")
    chip.click()
    expect(chip).to_have_count(0)
    expect(page).to_have_url(re.compile(f"{CASES}$"))


def test_a_phone_without_scripts_opens_the_filters_and_sends_them(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(
        base_url=server.url, locale="en-GB", java_script_enabled=False,
        viewport={"width": PHONE, "height": 844},
    )  # fmt: skip
    page = context.new_page()
    sign_in(page, "daofu")
    page.goto(CASES)
    field = page.locator("#id_case_class")
    expect(field).to_be_hidden()

    page.locator(".fk-filter-fold summary").click()
    field.select_option("confirmed")
    page.locator(".fk-filter-bar[method=get] button[type=submit]").click()

    expect(page).to_have_url(re.compile("case_class=confirmed"))
    expect(page.locator(".fk-filter-fold summary")).to_have_text(re.compile("Filters · 1"))
    expect(page.locator("a.fk-chip")).to_contain_text("Case class: Confirmed")
    context.close()


def test_a_wide_screen_has_nothing_to_open(visit: Visit) -> None:
    page = visit("daofu", width=1280)
    page.goto(CASES)

    expect(page.locator(".fk-filter-fold")).to_be_hidden()
    expect(page.locator("#id_case_class")).to_be_visible()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_case_list_fits_a_screen_of_1280_pixels(visit: Visit, language: str) -> None:
    page = visit("daofu", language=language, width=1280)
    page.goto(CASES)

    assert page.locator(".fk-table thead th").count() == 10
    assert _hidden_pixels(page) == 0
    shot(page, f"list/1280-{language}")


@pytest.mark.parametrize(("language", "long"), [("zh", LONG_ZH), ("en", LONG_EN)])
def test_the_case_list_fits_a_screen_of_1440_pixels(visit: Visit, language: str, long: str) -> None:
    page = visit("daofu", language=language, width=1440)
    page.goto(CASES)
    assert _hidden_pixels(page) == 0

    page.locator("tbody td:nth-child(2)").first.evaluate("(one, t) => one.textContent = t", long)
    badge = page.locator("tbody td:nth-child(3) .fk-badge").first
    badge.evaluate("(one, t) => one.textContent = t", long)
    assert _hidden_pixels(page) == 0
    shot(page, f"list/1440-{language}")

    # Or the measure would see nothing: words that may not break do make the table too wide.
    badge.evaluate("(one, t) => one.textContent = t", "x" * 60)
    assert _hidden_pixels(page) > 0


def _hidden_pixels(page: Page) -> int:
    wide = "(one) => one.scrollWidth - one.clientWidth"
    return int(page.locator(".fk-table-wrap").evaluate(wide))
