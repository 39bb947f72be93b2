"""Two windows on one case: nobody overwrites unseen work, and nobody accepts an unseen card."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Visit, shot, violations

CASES = "/surveillance/monitoring/"


def a_case(page: Page, number: int) -> str:
    """The address of one of the cases that a user sees; each journey takes one of its own."""
    page.goto(CASES)
    link = page.locator(f"main tbody a[href^='{CASES}0']").nth(number)
    address = link.get_attribute("href")
    assert address
    return address


def revise(page: Page, **typed: str) -> None:
    for name, text in typed.items():
        page.fill(f"#id_{name}", text)
    page.fill("#id_reason", "复核后订正")
    with page.expect_navigation():
        page.locator(".fk-form-buttons .btn-primary").click()


@pytest.mark.parametrize(
    ("language", "width", "number"), [("zh", 1440, 0), ("en", 390, 1), ("zh", 390, 2)]
)
def test_the_second_window_is_shown_what_the_first_one_changed(
    visit: Visit, language: str, width: int, number: int
) -> None:
    first = visit("daofu", language=language, width=width)
    address = a_case(first, number)
    second = first.context.new_page()
    for page in (first, second):
        page.goto(f"{address}revise/")

    revise(first, origin_place="康定市", remark="首发病例")
    expect(first).to_have_url(first.url.split("revise")[0])
    revise(second, origin_place="成都市")

    told = second.locator(".fk-stale")
    expect(told).to_contain_text("康定市")
    expect(told).to_contain_text("成都市")
    expect(second.locator("#id_origin_place")).to_have_value("成都市")
    expect(second.locator("#id_remark")).to_have_value("首发病例")
    assert violations(second) == []
    shot(second, f"two-windows-{language}-{width}")

    with second.expect_navigation():
        second.locator(".fk-form-buttons .btn-primary").click()
    expect(second.locator(".fk-facts").first).to_contain_text("成都市")
    expect(second.locator("main")).to_contain_text("首发病例")


@pytest.mark.parametrize(("language", "width", "number"), [("zh", 1440, 3), ("en", 390, 4)])
def test_a_reviewer_is_shown_the_card_that_came_meanwhile(
    visit: Visit, language: str, width: int, number: int
) -> None:
    reviewer = visit("daofu", language=language, width=width)
    other = visit("hospital", language=language, width=width)  # nobody reviews a card of their own
    address = a_case(other, number)  # of the hospital: other journeys report for others
    other.goto(f"{address}revise/")
    revise(other, origin_place="丹巴县")  # so that it waits for its review
    reviewer.goto(f"{CASES}?review=waiting")
    shot(reviewer, f"both-clocks-{language}-{width}")
    reviewer.goto(address)
    other.goto(f"{address}revise/")
    revise(other, origin_place="泸定县")
    button = reviewer.locator("form[action$='/accept/'] button")

    with reviewer.expect_navigation():
        button.click()

    expect(reviewer.locator("main")).to_contain_text("泸定县")
    expect(button).to_contain_text("3")
    shot(reviewer, f"newer-card-{language}-{width}")
    with reviewer.expect_navigation():
        button.click()
    expect(button).to_have_count(0)
