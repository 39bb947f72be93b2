"""Full data of a person: masked, refused without a reason, shown, and read by the auditor."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from fangkong.surveillance.monitoring.tests import factories as cards
from tests.journeys.conftest import Visit, shot


def test_full_data_is_shown_for_a_reason_and_the_auditor_reads_it(
    visit: Visit, records: dict[str, str]
) -> None:
    page = visit("daofu")
    page.goto(f"/people/{records['person of a card']}/")
    masked = page.locator(".fk-facts").first
    expect(masked).to_contain_text("某")
    expect(masked).to_contain_text("138****0005")
    assert "13888880005" not in page.content()

    page.locator("[data-dialog=reveal]").click()
    dialog = page.locator("dialog#reveal")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator("[role=alert]").first).to_be_visible()
    expect(dialog.locator("#id_why_error")).to_be_visible()
    expect(page.locator(".fk-revealed")).to_have_count(0)
    shot(page, "reveal/refused")

    dialog.locator("#id_why").select_option("tracing")
    dialog.locator("#id_more").fill("联系密切接触者")
    dialog.locator("button[type=submit]").click()
    full = page.locator(".fk-revealed")
    expect(full).to_contain_text(cards.person(5).name)
    expect(full).to_contain_text("13888880005")
    shot(page, "reveal/shown")
    full.locator("[data-close]").click()
    expect(page.locator(".fk-revealed")).to_have_count(0)
    assert "13888880005" not in page.content()

    auditor = visit("auditor")
    auditor.goto("/people/reveals/")
    row = auditor.get_by_role("row", name=re.compile("daofu"))
    expect(row.locator("td").first).to_have_text(re.compile("^[1-9]"))
    shot(auditor, "reveal/counted")
    auditor.goto("/trail/")
    line = auditor.locator(".fk-table tbody tr", has_text="联系密切接触者").first
    expect(line).to_contain_text("daofu")
    assert "13888880005" not in auditor.content()


@pytest.mark.parametrize("username", ["auditor", "admin"])
def test_whoever_has_no_part_in_care_is_offered_no_full_data(
    visit: Visit, records: dict[str, str], username: str
) -> None:
    page = visit(username)
    answer = page.goto(f"/people/{records['person of a card']}/")
    assert answer
    assert answer.status == 403
    expect(page.locator("[data-dialog=reveal]")).to_have_count(0)
