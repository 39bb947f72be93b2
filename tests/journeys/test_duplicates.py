"""A person entered twice: two records side by side, joined, found by the old address, undone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.conftest import Visit, shot

WHY = "电话核实为同一人"


def test_two_records_are_joined_and_the_joining_is_undone(
    visit: Visit, records: dict[str, str]
) -> None:
    page = visit("daofu")
    page.goto("/people/duplicates/")
    page.locator(f"a[href$='{records['pair']}/']").first.click()
    table = page.locator(".fk-pair")
    expect(table.locator("tbody tr", has_text="不同").first).to_be_visible()
    expect(table).to_contain_text("某")
    old = table.locator("thead a").nth(1).get_attribute("href")
    shot(page, "duplicates/side-by-side")

    join = page.locator("form[action$='/merge/']")
    join.locator("button[type=submit]").click()  # without a reason
    expect(join.locator("[role=alert]").first).to_be_visible()
    join.locator("textarea").fill(WHY)
    join.locator("button[type=submit]").click()
    expect(page).to_have_url(re.compile("/merges/"))
    expect(page.locator(".fk-history")).to_contain_text(WHY)
    merge = page.url
    shot(page, "duplicates/joined")

    assert old
    page.goto(old)
    page.locator("main a.btn-primary").click()
    expect(page.locator("main")).to_contain_text("并入本登记")

    page.goto(merge)
    undo = page.locator("form[action$='/undo/']")
    undo.locator("textarea").fill("是姐妹两人")
    undo.locator("button[type=submit]").click()
    expect(page.locator(".fk-history")).to_contain_text("是姐妹两人")
    page.goto(old)
    expect(page.locator("main")).to_contain_text("可能被重复登记")
    shot(page, "duplicates/undone")
