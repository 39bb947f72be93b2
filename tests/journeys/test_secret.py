"""A secret that is shown once: the button copies it, and says what became of that."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from fangkong.accounts.queries import DEMO_PASSWORD
from tests.journeys.conftest import Visit, shot, violations

REFUSED = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no'));"
NONE = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
SELECTED = "(box) => box.value.slice(box.selectionStart, box.selectionEnd)"


def token_made(page: Page) -> str:
    """A new token; its secret stands on the page."""
    page.goto("/tokens/new/")
    if "reauthenticate" in page.url:
        page.fill("[name=password]", DEMO_PASSWORD)
        page.press("[name=password]", "Enter")
    page.fill("[name=label]", "医院信息系统")
    page.locator("[name=permissions]").first.check()
    page.locator("main form button[type=submit]").first.click()
    secret = page.locator("#fk-secret")
    expect(secret).to_have_value(re.compile("^fk_"))
    return secret.input_value()


def test_the_button_copies_the_secret_and_screen_readers_hear_it(visit: Visit) -> None:
    page = visit("daofu")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = token_made(page)
    said = page.locator("#fk-secret-said")
    expect(said).to_have_attribute("role", "status")
    expect(said).to_be_empty()

    page.locator("[data-copy]").click()

    expect(said).to_have_text("已复制。")
    assert page.evaluate("() => navigator.clipboard.readText()") == secret
    assert not violations(page)
    shot(page, "secret/copied")


@pytest.mark.parametrize("clipboard", [REFUSED, NONE], ids=["refused", "none"])
def test_where_the_browser_does_not_copy_the_secret_is_selected(
    visit: Visit, clipboard: str
) -> None:
    page = visit("daofu", language="en", width=390)
    page.add_init_script(clipboard)
    secret = token_made(page)

    page.locator("[data-copy]").click()

    expect(page.locator("#fk-secret-said")).to_contain_text("does not let this page copy")
    expect(page.locator("#fk-secret")).to_be_focused()
    assert page.locator("#fk-secret").evaluate(SELECTED) == secret
    shot(page, "secret/refused")
