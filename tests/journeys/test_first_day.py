"""The whole first day in a real browser, in both languages: from a file of cards to the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demonstration, Visit, shot
from tests.journeys.server import Server, serving

WORDS = {
    "zh": {
        "imported": "已导入",
        "cdc": "道孚县疾病预防控制中心",
        "county": "道孚",
        "condition": "新型冠状病毒",
        "reason": "2020-02-05",
        "note": "两例均为已知病例的密切接触者,已隔离,正在追踪其他接触者。",
    },
    "en": {
        "imported": "imported",
        "cdc": "Daofu County Center for Disease Control and Prevention",
        "county": "Daofu",
        "condition": "coronavirus",
        "reason": "2020-02-05",
        "note": "Both are close contacts of a known case; isolated, contacts are being traced.",
    },
}


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    """A first day of its own: the journey changes it."""
    data = tmp_path_factory.mktemp("first-day")
    with serving(data, demonstration(data)) as running:
        yield running


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_first_day_from_a_file_of_cards_to_the_answered_warning(
    visit: Visit, tmp_path: Path, language: str
) -> None:
    words = WORDS[language]
    headquarters = visit("hq", language=language)
    headquarters.goto("/command/")
    expect(headquarters.locator(".fk-area-figures .fk-figure-value").first).to_have_text("10")

    daofu = visit("daofu", language=language)
    expect(daofu.locator("h1")).to_be_visible()
    shot(daofu, f"desk-{language}")
    _import_the_cards_of_the_day(daofu, tmp_path, language)
    _see_them_listed_counted_and_drawn(daofu, language)
    signal = _find_the_warning(daofu, language)

    expect(headquarters.locator(".fk-area-figures .fk-figure-value").first).to_have_text("12")
    expect(headquarters.locator(".fk-area-signals")).to_contain_text(words["county"])

    _answer(daofu, signal, words["note"], language)

    expect(headquarters.locator(".fk-area-signals .fk-badge").first).to_be_visible()
    drawn(headquarters)
    shot(headquarters, f"command-screen-{language}")
    headquarters.goto("/")
    expect(headquarters.locator(".fk-lines", has_text=words["county"]).first).to_be_visible()


def _import_the_cards_of_the_day(page: Page, folder: Path, language: str) -> None:
    page.goto("/demo/")
    with page.expect_download() as download:
        page.get_by_role("link", name="daofu-2020-02-05.csv", exact=True).click()
    file = folder / "cards.csv"
    download.value.save_as(file)
    page.goto("/surveillance/monitoring/import/")
    page.set_input_files("#id_file", file)
    expect(page.locator("#id_facility option:checked")).to_have_text(WORDS[language]["cdc"])
    page.locator("main button[type=submit]").first.click()
    report = page.locator("form[action$='/confirm/'] button")
    expect(report).to_be_visible()
    shot(page, f"import-preview-{language}")
    report.click()
    page.locator("dialog[open] [data-confirm-yes], dialog[open] button.btn-primary").first.click()
    expect(page.locator(".fk-figure-card[data-tone=good] .fk-figure-value")).to_have_text("4")
    expect(page.locator("main")).to_contain_text(WORDS[language]["imported"])
    shot(page, f"import-done-{language}")


def _see_them_listed_counted_and_drawn(page: Page, language: str) -> None:
    page.goto("/surveillance/monitoring/")
    expect(page.locator(".fk-table tbody tr").first).to_contain_text(WORDS[language]["condition"])
    shot(page, f"cases-{language}")
    page.locator(".fk-table tbody tr a").first.click()
    expect(page.locator(".fk-clock").first).to_be_visible()
    shot(page, f"case-{language}")
    page.goto("/surveillance/monitoring/counts/?condition=covid-19")
    drawn(page)
    shot(page, f"counts-{language}")


def _find_the_warning(page: Page, language: str) -> str:
    """The address of the new signal of Daofu; the worker raises it after the import."""
    page.goto("/")
    link = page.locator("section[aria-labelledby=desk-signals] a").first
    expect(link).to_contain_text(WORDS[language]["condition"], timeout=60_000)
    link.click()
    expect(page.locator(".fk-page-head")).to_contain_text(WORDS[language]["reason"])
    drawn(page)
    shot(page, f"signal-{language}")
    return page.url


def _answer(page: Page, signal: str, note: str, language: str) -> None:
    page.goto(signal)
    page.locator("form[action$='/verify/'] button").click()
    form = page.locator("form[action$='/answer/']")
    expect(form).to_be_visible()
    form.locator("button.btn-primary").click()  # without an outcome and a note: refused
    expect(page.locator("[role=alert]").first).to_be_visible()
    choose(page, "suspected_event")
    page.fill("textarea[name=note]", note)
    page.locator("form[action$='/answer/'] button.btn-primary").click()
    expect(page.locator("form[action$='/answer/']")).to_have_count(0)
    expect(page.locator("main")).to_contain_text(note)
    shot(page, f"signal-answered-{language}")


def choose(page: Page, outcome: str) -> None:
    """Choose an outcome, whether it is drawn as a select or as radio buttons."""
    radio = page.locator(f"input[name=outcome][value={outcome}]")
    if radio.count():
        radio.check()
    else:
        page.select_option("select[name=outcome]", outcome)


def drawn(page: Page) -> None:
    """Wait until every figure of the page is drawn."""
    for figure in page.locator(".fk-chart, .fk-map").all():
        expect(figure).to_have_attribute("data-drawn", "yes")


def test_another_county_sees_nothing_of_daofu_and_a_stranger_nothing_at_all(visit: Visit) -> None:
    daofu = visit("daofu")
    daofu.goto("/surveillance/monitoring/")
    link = daofu.locator(".fk-table tbody tr a").first
    case = link.get_attribute("href")
    assert case

    kangding = visit("kangding")
    answer = kangding.goto(case)
    assert answer
    assert answer.status == 404
    kangding.goto("/surveillance/monitoring/")
    expect(kangding.locator(".fk-table")).not_to_contain_text("道孚")

    stranger = visit()
    stranger.goto(case)
    expect(stranger).to_have_url(re.compile("/accounts/login/"))
