"""A sweep from door to door on a screen the size of a phone, up to the county's task."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import Visit, shot, violations

SWEEP = "返乡人员入户排查（演示）"
ILL = "泽仁措（虚构）"


def test_a_sweep_goes_from_door_to_door_and_what_is_found_reaches_the_county(visit: Visit) -> None:
    phone = visit("daofu", width=390)
    phone.goto("/surveillance/sweeps/")
    phone.get_by_role("link", name=SWEEP).click()
    cells = phone.locator("section[aria-labelledby=cells]")
    expect(cells).to_contain_text("尚无已知住户")  # of the last cell nothing can be told
    second = cells.locator("a.fk-figure-card", has_text="演示第2网格")
    before = _done(second.inner_text())
    _fits(phone)
    second.click()
    doors = phone.locator("section[aria-labelledby=doors]")
    left = doors.locator("li", has_text="未走访")
    waiting = left.count()
    assert waiting >= 2
    assert violations(phone) == []
    shot(phone, "sweep-doors-390")

    # Who is not at home leaves the door for later; the next one comes by itself.
    left.first.locator("a").press("Enter")
    first = phone.locator("h1").inner_text()
    phone.get_by_role("button", name="保存，下一户").press("Enter")
    expect(phone.locator("input[name=outcome]").first).to_have_attribute("aria-invalid", "true")
    phone.locator("input[name=outcome][value=absent]").check()
    phone.get_by_role("button", name="保存，下一户").press("Enter")
    expect(phone.locator("h1")).not_to_have_text(first)
    second_door = phone.locator("h1").inner_text()

    # Behind the next door somebody is ill: registered, told, and back at the door.
    phone.get_by_role("link", name="有症状人员").click()
    assert violations(phone) == []
    phone.locator("#id_name").fill(ILL)
    phone.locator("input[name=symptoms][value=fever]").check()
    phone.locator("#id_temperature").fill("38.2")
    _fits(phone)
    phone.locator("form button[type=submit]").last.press("Enter")
    expect(phone.locator("h1")).to_have_text(second_door)
    assert ILL not in phone.content()
    phone.locator("input[name=outcome][value=registered]").check()
    phone.locator("#id_residents").fill("4")
    phone.get_by_role("button", name="保存，下一户").press("Enter")
    expect(phone.locator("h1")).not_to_have_text(second_door)
    _fits(phone)
    shot(phone, "sweep-door-390")

    phone.locator("nav a[href*='/cells/']").click()
    expect(doors.locator("li", has_text="未走访")).to_have_count(waiting - 2)
    phone.goto("/surveillance/sweeps/")
    phone.get_by_role("link", name=SWEEP).click()
    assert _done(second.inner_text()) == before + 1
    found = phone.locator("section[aria-labelledby=findings] a").first
    assert ILL not in phone.content()
    found.click()
    expect(phone.locator("h1")).to_be_visible()

    county = visit("daofu")
    county.goto("/tasks/")
    expect(county.locator("main")).to_contain_text("网格排查在演示第2网格发现有症状人员")


def _done(text: str) -> int:
    """Doors done, as a tile tells it."""
    found = re.search(r"完成(\d+)户", text)
    assert found, text
    return int(found[1])


def _fits(page: Page) -> None:
    """Nothing stands beyond the edge of the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
