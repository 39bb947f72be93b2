"""The policy in a real browser: no page of a menu breaks it, and markup stays text."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import LISTEN, Visit

PAYLOADS = [
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    '"><svg/onload=window.ran=1>',
    "{{7*7}}<iframe srcdoc='<script>parent.ran=1</script>'>",
]


def links(page: Page) -> set[str]:
    found = page.eval_on_selector_all(
        ".fk-sidebar a[href], .fk-table tbody a[href], .fk-actions a[href]",
        "(links) => links.map((link) => link.getAttribute('href'))",
    )
    return {href.split("?")[0].split("#")[0] for href in found if href.startswith("/")}


@pytest.mark.parametrize("username", ["hq", "daofu", "admin"])
def test_no_page_of_the_menu_breaks_the_policy(visit: Visit, username: str) -> None:
    page = visit(username)
    page.add_init_script(LISTEN)
    page.goto("/")
    seen: set[str] = set()
    for address in sorted(links(page)):
        page.goto(address)
        for figure in page.locator(".fk-chart, .fk-map").all():
            figure.scroll_into_view_if_needed()
            expect(figure).to_have_attribute("data-drawn", "yes")
        breaches = page.evaluate("() => window.breaches")
        assert not breaches, (address, breaches)
        seen.add(address)
    assert len(seen) >= 4


def test_the_listener_hears_a_breach(visit: Visit) -> None:
    """Or the silence above would mean nothing."""
    page = visit("auditor")
    page.add_init_script(LISTEN)
    page.goto("/")
    page.evaluate(
        """() => document.dispatchEvent(new SecurityPolicyViolationEvent("securitypolicyviolation",
        { effectiveDirective: "img-src", blockedURI: "inline" }))"""
    )
    assert page.evaluate("() => window.breaches") == ["img-src inline"]


def test_markup_in_a_task_stays_text_wherever_it_is_shown(visit: Visit) -> None:
    page = visit("hq")
    page.add_init_script(LISTEN)
    for number, payload in enumerate(PAYLOADS):
        page.goto("/tasks/new/")
        page.fill("#id_text", f"{number} {payload}"[:160])
        page.fill("#id_note", payload)
        page.select_option("#id_role", "headquarters")
        datetime.fromisoformat(page.input_value("#id_due_at"))  # a moment stands there
        page.click("form.card button[type=submit]")
        expect(page.locator("h1")).to_contain_text(payload)
        if page.locator("#id_proof").count():
            page.fill("#id_proof", f"proof {payload}")
            page.locator("form", has=page.locator("#id_proof")).locator(
                ".card-footer button"
            ).click()
            expect(page.locator(".fk-facts")).to_contain_text(f"proof {payload}")
        for address in ("/", "/tasks/?whose=all&state=any&sort=-given", page.url):
            page.goto(address)
            assert page.evaluate("() => window.ran") is None
            assert page.evaluate("() => window.breaches") == []
