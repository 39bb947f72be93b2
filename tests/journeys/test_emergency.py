"""A nurse opens a person of another county in an emergency; the auditor is told and checks it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.conftest import Visit, shot

REASON = "患者昏迷送医，需立即联系家属并核对既往病史。"


def test_emergency_access_opens_one_person_and_the_auditor_is_told_and_checks(
    visit: Visit, records: dict[str, str]
) -> None:
    ward = visit("ward")
    person = f"/people/{records['person of a card']}/"
    refused = ward.goto(person)
    assert refused
    assert refused.status == 404

    ward.goto("/accounts/emergency/")
    ward.fill("[name=number]", records["number of a card"])
    ward.fill("[name=reason]", "急")
    ward.click("form.card .btn-danger")
    expect(ward.locator("[role=alert]").first).to_be_visible()
    expect(ward).to_have_url(re.compile("/emergency/$"))
    shot(ward, "emergency/refused")
    ward.fill("[name=number]", records["number of a card"])
    ward.fill("[name=reason]", REASON)
    ward.click("form.card .btn-danger")
    expect(ward).to_have_url(re.compile(person))
    expect(ward.locator(".fk-facts").first).to_contain_text("某")  # masked, as for everybody
    expect(ward.locator(".fk-toast")).to_be_visible()
    shot(ward, "emergency/opened")

    auditor = visit("auditor")
    auditor.goto("/core/notices/")
    shot(auditor, "notices/unread")
    before = int(auditor.locator(".fk-bell-count").inner_text())
    auditor.locator(".fk-table tbody button.fw-bold", has_text="紧急").first.click()
    expect(auditor).to_have_url(re.compile("/accounts/emergency/"))
    expect(auditor.locator(".fk-bell-count")).to_have_text(str(before - 1))
    expect(auditor.locator("main")).to_contain_text(REASON)
    auditor.select_option("main select", index=1)
    auditor.locator("main form.card textarea").fill("与护士长核对，情况属实。")
    auditor.click("main form.card .btn-primary")
    expect(auditor).to_have_url(re.compile("/uses/"))
    row = auditor.locator(".fk-table tbody tr", has_text=REASON)
    expect(row.locator(".fk-badge")).not_to_have_text("待核查")
    shot(auditor, "emergency/checked")

    ward.goto("/accounts/emergency/")
    shot(ward, "emergency/open-now")
    mine = ward.locator(".fk-line-of-buttons", has_text=REASON)
    mine.get_by_role("button").click()
    expect(mine).to_have_count(0)
    gone = ward.goto(person)
    assert gone
    assert gone.status == 404


def test_notices_are_read_one_by_one_and_all_at_once(visit: Visit, records: dict[str, str]) -> None:
    page = visit("daofu")
    page.goto("/core/notices/")
    unread = page.locator(".fk-table tbody button.fw-bold")
    before = unread.count()
    assert before >= 2
    unread.first.click()
    expect(page).to_have_url(re.compile("/tasks/"))  # a notice leads to what it tells of
    page.goto("/core/notices/")
    expect(unread).to_have_count(before - 1)
    page.locator("form[action$='/core/notices/read/'] button").click()
    expect(unread).to_have_count(0)
    expect(page.locator(".fk-bell-count")).to_be_hidden()
    shot(page, "notices/read")
