"""The long card: its buttons are always in sight and never over what has the focus."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Visit, shot, violations

CARD = "/surveillance/monitoring/report/"
BUTTONS = ".fk-page-form > .card-footer"
# The names of what has the focus and lies partly under the bar above or the buttons below.
COVERED = """() => {
  const one = document.activeElement, foot = document.querySelector("BUTTONS");
  if (!document.querySelector("main").contains(one) || foot.contains(one)) return [];
  const box = one.getBoundingClientRect();
  const above = document.querySelector(".fk-topbar").getBoundingClientRect().bottom;
  const below = foot.getBoundingClientRect().top;
  return box.top < above - 1 || box.bottom > below + 1 ? [one.name || one.tagName] : [];
}""".replace("BUTTONS", BUTTONS)


def covered(page: Page, key: str) -> list[str]:
    """Press a key until the focus has gone through the whole form."""
    found: list[str] = []
    for _ in range(100):
        page.keyboard.press(key)
        found += page.evaluate(COVERED)
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_with_the_focus_lies_under_the_buttons(visit: Visit, width: int) -> None:
    page = visit("daofu", width=width)
    page.goto(CARD)
    expect(page.locator(f"{BUTTONS} .btn-primary")).to_be_in_viewport(ratio=1)
    page.locator("[name=name]").focus()

    assert covered(page, "Tab") == []
    assert covered(page, "Shift+Tab") == []


def test_the_check_sees_a_field_under_the_buttons(visit: Visit) -> None:
    """Or the silence above would mean nothing."""
    page = visit("daofu", width=390)
    page.goto(CARD)
    page.evaluate("() => document.documentElement.style.scrollPadding = '0'")
    page.locator("[name=name]").focus()

    assert covered(page, "Tab")


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_refused_stands_above_the_buttons_and_leads_to_its_field(
    visit: Visit, width: int
) -> None:
    page = visit("daofu", language="en", width=width)
    page.goto(CARD)
    page.evaluate("() => scrollTo(0, 900)")
    page.locator(f"{BUTTONS} .btn-primary").click()

    summary = page.locator(".alert-danger")
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport(ratio=1)
    assert page.evaluate(COVERED) == []
    shot(page, f"form/refused-{width}")
    assert not violations(page)

    summary.get_by_role("link", name="Reporting doctor").click()
    expect(page.locator("[name=doctor]")).to_be_focused()
    assert page.evaluate(COVERED) == []
    expect(page.locator("label[for=id_doctor]")).to_be_in_viewport(ratio=1)


def test_on_a_screen_too_low_for_both_the_buttons_stand_at_the_end(visit: Visit) -> None:
    page = visit("daofu", width=844)
    page.set_viewport_size({"width": 844, "height": 390})
    page.goto(CARD)

    expect(page.locator(BUTTONS)).not_to_be_in_viewport()
