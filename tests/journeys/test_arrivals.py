"""An arrival at a checkpoint on a screen the size of a phone, with the keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import Visit, shot, violations

NUMBER = "110101199003074477"
NEW = {
    "full-name": "旺姆措（虚构）",
    "mobile": "15409990001",
    "staying-at": "道孚县演示社区（虚构）99号",
    "came-from": "湖北省武汉市",
    "left-on": "2020-02-01",
}


def test_an_arrival_is_asked_once_and_handed_to_the_county_it_goes_to(visit: Visit) -> None:
    phone = visit("gate", width=390)
    _look_up(phone, NUMBER)
    phone.keyboard.press("Tab")  # from the field to the button
    phone.get_by_role("button", name="新登记一人").press("Enter")
    expect(phone.locator("#id_identity-number")).to_have_value(NUMBER)
    _fits(phone)
    assert violations(phone) == []
    for name, text in NEW.items():
        field = phone.locator(f"#id_{name}")
        expect(field).to_be_visible()
        field.fill(text)
    phone.locator("input[name=symptoms][value=no]").check()
    phone.locator("#id_temperature").fill("36.5")
    phone.keyboard.press("Enter")

    expect(phone).to_have_url(re.compile(r"/surveillance/arrivals/[0-9a-f-]{36}/"))
    expect(phone.locator("section[aria-labelledby=tell]")).to_contain_text("湖北")
    expect(phone.locator("section[aria-labelledby=tell]")).to_contain_text("每日随访2次")
    assert NEW["full-name"] not in phone.content()
    _fits(phone)
    shot(phone, "arrival-told-390")

    # The same person at once more: everything is known, nothing of it stands on the form.
    phone.get_by_role("link", name="下一人").click()
    _look_up(phone, NUMBER)
    phone.locator("section[aria-labelledby=found] a.fk-line-main").click()
    known = phone.locator("section[aria-labelledby=known]")
    expect(known).to_contain_text("湖北省武汉市")
    for name in (*NEW, "identity-number", "symptoms"):
        expect(phone.locator(f"[name='{name}']")).to_have_count(0)
    shot(phone, "arrival-known-390")
    assert violations(phone) == []
    phone.locator("#id_temperature").fill("36.6")
    phone.keyboard.press("Enter")
    expect(phone.locator("section[aria-labelledby=tell]")).to_be_visible()

    phone.goto("/surveillance/arrivals/figures/")
    expect(phone.locator("[data-asked-twice]")).to_have_text("0")
    expect(phone.locator(".fk-chart")).to_have_attribute("data-drawn", "yes")

    county = visit("daofu")
    county.goto("/surveillance/arrivals/?state=waiting&county=513326")
    county.locator(".fk-table tbody tr a").first.click()
    county.get_by_role("button", name="接收").click()
    expect(county.locator(".fk-facts").first).to_contain_text("已接收")
    county.locator("a[href^='/surveillance/screening/']").first.click()
    expect(county.locator("h1")).to_be_visible()


def test_a_checkpoint_finds_by_a_name_only_whom_it_registered(visit: Visit) -> None:
    phone = visit("gate", width=390)
    _look_up(phone, "泽仁")
    found = phone.locator("section[aria-labelledby=found]")
    expect(found).to_be_visible()
    expect(found.locator("a.fk-line-main")).to_have_count(0)
    answer = phone.goto("/people/")
    assert answer and answer.status == 403


def _look_up(page: Page, text: str) -> None:
    if "/register/" not in page.url:
        page.goto("/surveillance/arrivals/register/")
    expect(page.locator("#id_text")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.locator("section[aria-labelledby=found]")).to_be_visible()


def _fits(page: Page) -> None:
    """Nothing stands beyond the edge of the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
