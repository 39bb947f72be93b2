"""From a card to a confirmed case through a pool, in a browser: the swabs with a phone.

In February 2022, when pools are allowed; the people and cards of the demonstration stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fangkong.surveillance.monitoring.tests import factories as cards
from tests.journeys.conftest import Demonstration, Visit, shot, violations
from tests.journeys.server import Server, serving

PATIENT = cards.person(911)
# A browser that reads barcodes: what its camera sees is the number that the test gives it.
CAMERA = """
window.BarcodeDetector = class { async detect() { return [{ rawValue: window.seen }]; } };
navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream();
HTMLMediaElement.prototype.play = async () => {};
"""


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("pools")
    address = demonstration(data)
    (data / "demo.json").write_text(json.dumps({"day": "2022-02-05"}))
    with serving(data, address) as running:
        yield running


def test_from_a_card_to_a_confirmed_case_through_a_pool(visit: Visit) -> None:
    hospital = visit("hospital")
    case = _suspected(hospital)
    phone = visit("hospital", width=390)
    pool = _filled(phone)
    _scan(phone, "shipped", pool)

    lab = visit("lab")
    _scan(lab, "received", pool)
    lab.get_by_role("link", name=pool).click()
    lab.locator(".fk-page-head a.btn-primary").click()
    lab.locator("input[name=outcome][value=positive]").check()
    lab.locator("#id_ct_N").fill("35.1")
    lab.locator("form.fk-page-form button[type=submit]").click()
    expect(lab.locator("section[aria-labelledby=members] tbody tr")).to_have_count(2)
    shot(lab, "pool-held")

    # The pool diagnosed nobody: the case stands as it stood, and the person is held.
    hospital.goto(case)
    expect(hospital.locator("main")).to_contain_text("疑似")
    hospital.locator("main a[href*='/people/']").first.click()
    held = hospital.locator("[data-held]")
    expect(held).to_be_visible()
    single = held.locator("a").nth(1).inner_text()
    assert not violations(hospital)

    county = visit("daofu")
    county.goto("/tasks/")
    expect(county.locator("main")).to_contain_text(pool)

    _scan(phone, "collected", single)
    _scan(phone, "shipped", single)
    _scan(lab, "received", single)
    lab.get_by_role("link", name=single).click()
    lab.locator(".fk-page-head a.btn-primary").click()
    lab.locator("input[name=outcome][value=positive]").check()
    lab.locator("#id_ct_ORF1ab").fill("24.2")
    lab.locator("form.fk-page-form button[type=submit]").click()
    expect(lab.locator("section[aria-labelledby=results]")).to_contain_text("ORF1ab 24.20")

    hospital.goto(case)
    expect(hospital.locator("main")).to_contain_text("确诊")
    expect(hospital.locator("main")).to_contain_text(single)
    hospital.locator("main a[href*='/people/']").first.click()
    expect(hospital.locator("h1")).to_be_visible()
    expect(hospital.locator("[data-held]")).to_have_count(0)


def _suspected(page: Page) -> str:
    """The address of a case that the hospital reports as suspected."""
    page.goto("/surveillance/monitoring/report/")
    for name in ("name", "id_number", "phone"):
        page.fill(f"[name={name}]", getattr(PATIENT, name))
    page.select_option("[name=occupation]", "herder")
    page.fill("[name=address]", "道孚县鲜水镇团结社区1号")
    page.select_option("[name=condition]", "covid-19")
    page.select_option("[name=case_class]", "suspected")
    page.fill("[name=onset_date]", "2022-02-04")
    page.locator("[data-now-for=id_diagnosed_at]").click()
    page.fill("[name=doctor]", "王医生")
    page.locator("form.fk-page-form button[type=submit]").first.click()
    expect(page.locator("h1")).to_contain_text("513326-2022-")
    return page.url


def _filled(page: Page, *, known: bool = True) -> str:
    """The number of a pool that is opened, filled and closed on a phone: with the patient of the
    card, where there is one, and with somebody who is registered there."""
    page.goto("/surveillance/testing/pools/open/")
    page.select_option("#id_rule", "ten-in-one")
    page.select_option("#id_group", "mass-screening")
    page.select_option("#id_specimen_type", "oropharyngeal-swab")
    labels = page.locator("#id_laboratory option").all_inner_texts()
    bench = next(n for n, label in enumerate(labels) if "甘孜州疾病预防控制中心" in label)
    page.select_option("#id_laboratory", index=bench)
    page.locator("form.fk-page-form button[type=submit]").click()
    expect(page).to_have_url(re.compile("/fill/$"))
    expect(page.locator("#id_number")).to_be_focused()
    expect(page.locator("[data-camera]")).to_be_hidden()  # this browser reads no barcodes
    if known:
        page.keyboard.type(PATIENT.id_number)
        page.keyboard.press("Enter")
        expect(page.locator("#filled")).to_have_text("1/10")

    page.fill("#id_number", "康珠卓玛")
    page.keyboard.press("Enter")
    page.fill("#id_phone", "13888880912")
    page.locator("form:has(#id_name) button[type=submit]").click()
    expect(page.locator("#filled")).to_have_text("2/10" if known else "1/10")
    assert not violations(page)
    shot(page, "pool-filled-phone")
    page.locator("form[action$='/close/'] button").click()
    expect(page).not_to_have_url(re.compile("/fill/$"))
    return page.locator("h1").inner_text().strip()


def test_a_phone_that_reads_barcodes_scans_with_its_camera(visit: Visit) -> None:
    phone = visit("hospital", width=390)
    pool = _filled(phone, known=False)
    phone.add_init_script(f"window.seen = '{pool}';{CAMERA}")
    phone.goto("/surveillance/testing/scan/?step=shipped")

    phone.locator("[data-camera]").click()

    expect(phone.locator("section[aria-labelledby=scanned] li a").first).to_have_text(pool)


def _scan(page: Page, step: str, number: str) -> None:
    page.goto(f"/surveillance/testing/scan/?step={step}")
    expect(page.locator("#id_number")).to_be_focused()
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.locator("section[aria-labelledby=scanned] li a").first).to_have_text(number)
