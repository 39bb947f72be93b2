"""A tube from the request to its result, in a browser: asked for, scanned, sent, tested."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import Visit


def test_a_tube_goes_from_the_request_to_its_result(visit: Visit) -> None:
    hospital = visit("hospital")
    number = _request_of_a_case(hospital)
    _scan(hospital, "collected", number.lower())
    _scan(hospital, "shipped", number)

    lab = visit("lab")
    lab.goto("/surveillance/testing/scan/")
    lab.locator("#id_number").fill(_mistyped(number))
    lab.keyboard.press("Enter")
    expect(lab.locator("#id_number")).to_have_attribute("aria-invalid", "true")
    _scan(lab, "received", number)
    lab.get_by_role("link", name=number).click()
    lab.locator(".fk-page-head a.btn-primary").click()
    lab.locator("input[name=outcome][value=positive]").check()
    lab.locator("#id_ct_N").fill("21.5")
    lab.locator("form.fk-page-form button[type=submit]").click()

    expect(lab.locator("#results ~ *, section[aria-labelledby=results]").first).to_contain_text(
        "N 21.50"
    )
    expect(lab.locator("section[aria-labelledby=way] li")).to_have_count(6)
    lab.goto("/surveillance/testing/board/")
    expect(lab.locator(".fk-chart")).to_have_attribute("data-drawn", "yes")


def test_another_county_finds_no_tube_of_daofu(visit: Visit) -> None:
    hospital = visit("hospital")
    hospital.goto("/surveillance/testing/")
    tube = hospital.locator(".fk-table tbody tr a").first.get_attribute("href")
    assert tube

    kangding = visit("kangding")
    answer = kangding.goto(tube)

    assert answer and answer.status == 404


def _request_of_a_case(page: Page) -> str:
    """The number of a specimen that is asked for on the page of a case."""
    page.goto("/surveillance/monitoring/")
    page.locator(".fk-table tbody tr a").first.click()
    page.locator("a[href*='/surveillance/testing/request/']").click()
    page.select_option("#id_specimen_type", "blood")
    page.select_option("#id_laboratory", index=_index_of(page, "甘孜州疾病预防控制中心"))
    page.locator("form.fk-page-form button[type=submit]").click()
    expect(page).to_have_url(re.compile(r"/surveillance/testing/[0-9a-f-]{36}/$"))
    return page.locator("h1").inner_text().strip()


def _index_of(page: Page, name: str) -> int:
    labels = page.locator("#id_laboratory option").all_inner_texts()
    return next(n for n, label in enumerate(labels) if name in label)


def _scan(page: Page, step: str, number: str) -> None:
    page.goto(f"/surveillance/testing/scan/?step={step}")
    expect(page.locator("#id_number")).to_be_focused()
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.locator("section[aria-labelledby=scanned] li a").first).to_have_text(number.upper())


def _mistyped(number: str) -> str:
    """The same number with its last digit wrong."""
    return number[:-2] + str((int(number[-2]) + 1) % 10) + number[-1]
