"""The search over everything, with the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Visit, shot


def chosen(page: Page) -> str:
    """The option that Enter would open."""
    return page.locator("#fk-palette-found [aria-selected=true] span").inner_text()


@pytest.mark.parametrize("typed", ["道孚县人民医院", "dfxrmyy", "daofuxianrenminyiyuan"])
def test_a_hospital_is_found_by_its_name_its_pinyin_and_its_initials(
    visit: Visit, typed: str
) -> None:
    page = visit("daofu")
    page.keyboard.press("Control+k")
    expect(page.locator("#fk-palette-text")).to_be_focused()
    page.keyboard.type(typed)
    found = page.locator("#fk-palette-found [role=option]", has_text="道孚县人民医院").first
    expect(found).to_be_visible()
    for _ in range(page.locator("#fk-palette-found [role=option]").count()):
        if found.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    expect(found).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("道孚县人民医院")


def test_arrows_go_round_esc_closes_and_the_focus_is_where_it_was(visit: Visit) -> None:
    page = visit("daofu")
    page.goto("/tasks/")
    first = page.locator(".fk-table tbody a").first
    first.focus()
    page.keyboard.press("Control+k")
    text = page.locator("#fk-palette-text")
    expect(text).to_be_focused()
    page.keyboard.type("kd")
    options = page.locator("#fk-palette-found [role=option]")
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert options.count() > 1
    shot(page, "palette/found")
    start = text.get_attribute("aria-activedescendant")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(text).to_have_attribute("aria-activedescendant", start or "none")

    page.keyboard.press("Escape")
    expect(page.locator("#fk-palette")).to_be_hidden()
    expect(first).to_be_focused()
    expect(page).to_have_url(re.compile("/tasks/$"))
    expect(text).to_have_value("")  # what was typed may be somebody's number


def test_nothing_of_another_county_is_found(visit: Visit, records: dict[str, str]) -> None:
    """A number of a person of Daofu: its own staff find her, those of Kangding do not."""
    for username, count in (("daofu", 1), ("kangding", 0)):
        page = visit(username)
        page.keyboard.press("Control+k")
        page.keyboard.type(records["phone of a card"])
        person = page.locator("#fk-palette-found [role=option][href^='/people/']")
        if count:
            expect(person).to_have_count(count)
        else:
            expect(page.locator(".fk-found-none")).to_be_visible()
            expect(person).to_have_count(0)
