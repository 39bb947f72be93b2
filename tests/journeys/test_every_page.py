"""Every page of the menu: answers, fits the screen, and is usable with a screen reader (axe)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Visit, shot

PAGES = {
    "hq": [
        "/",
        "/command/",
        "/tasks/",
        "/surveillance/monitoring/",
        "/surveillance/monitoring/counts/",
        "/surveillance/warning/",
        "/surveillance/warning/runs/",
        "/places/",
        "/places/facilities/",
        "/packs/",
        "/packs/differences/",
        "/packs/cn-2020-01/",
        "/demo/",
    ],
    "daofu": [
        "/surveillance/monitoring/report/",
        "/surveillance/monitoring/import/",
        "/people/",
        "/people/requests/",
        "/tasks/new/",
    ],
    "auditor": ["/trail/", "/trail/sights/", "/privacy/", "/privacy/terms/", "/accounts/roles/"],
    "admin": ["/accounts/staff/", "/accounts/staff/new/", "/jobs/", "/core/webhooks/"],
}
LOOKS = [
    ("zh", 1440, False),
    ("en", 390, True),
    ("zh", 390, False),
    ("en", 1920, True),
]


@pytest.mark.parametrize(("language", "width", "dark"), LOOKS)
def test_every_page_fits_and_has_no_axe_violation(
    visit: Visit, language: str, width: int, dark: bool
) -> None:
    wrong: list[str] = []
    for username, addresses in PAGES.items():
        page = visit(username, language=language, width=width, dark=dark)
        for address in addresses:
            answer = page.goto(address)
            assert answer, address
            if answer.status != 200:
                wrong.append(f"{address}: {answer.status}")
                continue
            for figure in page.locator(".fk-chart, .fk-map").all():
                figure.scroll_into_view_if_needed()  # figures are drawn when they come into sight
                expect(figure).to_have_attribute("data-drawn", "yes")
            wrong += [f"{address}: {text}" for text in (*_too_wide(page), *_violations(page))]
            look = f"{language}-{width}{'-dark' if dark else ''}"
            shot(page, f"pages/{look}/{username}{address.strip('/').replace('/', '-') or '-desk'}")
    assert not wrong, "\n".join(wrong)


def _too_wide(page: Page) -> list[str]:
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return [f"{wide} px wider than the screen"] if wide > 0 else []


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    return [
        f"{rule['id']} ({len(rule['nodes'])}): {rule['nodes'][0]['target']}"
        for rule in found.response["violations"]
    ]


def test_the_sign_in_page_works_without_a_session_in_both_languages(visit: Visit) -> None:
    for language, word in (("zh", "登录"), ("en", "Sign in")):
        page = visit(language=language, width=390)
        page.goto("/")
        expect(page.locator("h1")).to_have_text(word)
        assert not _violations(page)
        shot(page, f"sign-in-{language}")


def test_the_case_list_is_reached_by_keyboard_alone(visit: Visit) -> None:
    page = visit("daofu")
    page.goto("/surveillance/monitoring/")
    page.keyboard.press("Tab")
    expect(page.locator(".fk-skip")).to_be_focused()
    page.keyboard.press("Enter")
    link = page.locator(".fk-table tbody a").first
    for _ in range(80):
        page.keyboard.press("Tab")
        if link.evaluate("(element) => element === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".fk-facts").first).to_be_visible()
