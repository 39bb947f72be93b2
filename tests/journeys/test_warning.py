"""From a signal to its closed outcome in a real browser, on a phone where people stand on site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import test_first_day as first_day
from tests.journeys.conftest import Demonstration, Visit, shot
from tests.journeys.server import Server, serving

NOTE = "Both are close contacts of a known case; a cluster cannot be excluded."
MEASURES = "Contacts observed at home, gatherings suspended, households visited."
REASON = "All cases met at gatherings or at home; nobody else is known to have brought it."


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    """A day of its own: the journey changes it."""
    data = tmp_path_factory.mktemp("warning")
    with serving(data, demonstration(data)) as running:
        yield running


def test_from_the_signal_to_the_closed_outcome(visit: Visit, tmp_path: Path) -> None:
    desk = visit("daofu", language="en")
    first_day._import_the_cards_of_the_day(desk, tmp_path, "en")
    signal = first_day._find_the_warning(desk, "en")
    expect(desk.locator(".fk-facts")).to_contain_text("One case fewer:")
    first_day._answer(desk, signal, NOTE, "en")

    # The signal has joined the investigation of its county and disease; the team reports by phone.
    link = desk.locator(".fk-facts a[href*='/investigations/']")
    event = link.get_attribute("href")
    assert event
    phone = visit("daofu", language="en", width=390)
    _report(phone, event)
    _conclude(phone, event)

    stranger = visit("kangding", language="en")
    answer = stranger.goto(event)
    assert answer and answer.status == 404

    headquarters = visit("hq", language="en")
    headquarters.goto("/surveillance/warning/response/")
    first_day.drawn(headquarters)
    daofu = headquarters.locator("section[aria-labelledby=part-3] tr", has_text="Daofu")
    expect(daofu).to_contain_text("2 of 4")  # events among the decided: two were answered as watch
    shot(headquarters, "warning-response")


def _report(page: Page, event: str) -> None:
    """The findings on site; a number that cannot be is refused beside its field."""
    page.goto(event)
    page.locator("a[href$='/findings/']").click()
    page.fill("input[name=cases_found]", "7")
    page.fill("input[name=deaths]", "8")
    page.fill("input[name=at_risk]", "140")
    page.fill("input[name=last_day]", "2020-02-05")
    page.fill("textarea[name=measures]", MEASURES)
    page.locator("main form.card button[type=submit]").click()
    expect(page.locator(".invalid-feedback, [role=alert]").first).to_be_visible()
    page.fill("input[name=deaths]", "0")
    page.locator("main form.card button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("7 of 140 (5 %)")
    shot(page, "warning-findings")


def _conclude(page: Page, event: str) -> None:
    page.goto(event)
    form = page.locator("form[action$='/conclude/']")
    form.locator("button.btn-primary").click()  # without a conclusion: refused
    expect(page.locator("[role=alert]").first).to_be_visible()
    page.locator("input[name=conclusion][value=outbreak]").check()
    page.fill("textarea[name=reason]", REASON)
    page.locator("form[action$='/conclude/'] button.btn-primary").click()
    expect(page.locator("form[action$='/conclude/']")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("are left out of what later days are compared")
    shot(page, "warning-concluded")
