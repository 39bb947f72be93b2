"""One chain in a browser: from a first card to the message that warns, through a pool.

In February 2022, when pools are allowed. The same by machines: ``tests/test_one_chain.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fangkong.surveillance.monitoring.tests import factories as cards
from tests.journeys import test_first_day as first_day
from tests.journeys.conftest import Demonstration, Visit, shot, violations
from tests.journeys.server import Server, serving
from tests.journeys.test_pools import _scan

PATIENT, CONTACT = cards.person(921), cards.person(922)
NOTE = "两例同住一户，不能排除聚集性疫情，已追踪接触者。"


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("chain")
    address = demonstration(data)
    (data / "demo.json").write_text(json.dumps({"day": "2022-02-05"}))
    with serving(data, address) as running:
        yield running


def test_from_a_card_to_the_warning_that_goes_out(visit: Visit, tmp_path: Path) -> None:
    hospital, county, phone = visit("hospital"), visit("daofu"), visit("hospital", width=390)
    first = _reported(hospital)
    signal = _signal(county)
    pool = _pooled(phone)
    observation = _watched(county, first)
    _found_ill(county, observation)
    second = _reported_as_known(county, observation)
    single = _positive_pool(visit("lab"), county, pool)
    _single_positive(phone, visit("lab"), single)

    county.goto(second)
    expect(county.locator("main")).to_contain_text("确诊")
    expect(county.locator("main")).to_contain_text(single)
    county.goto(observation)
    expect(county.locator(".fk-facts").first).to_contain_text("转为病例")
    county.goto(first)
    county.locator("a[href$='/contacts/']").first.click()
    county.locator("a[href$='/chain/']").first.click()
    expect(county.locator("main table tbody tr")).to_have_count(2)
    shot(county, "chain-of-a-pool")

    event = _concluded(county, signal)
    product = _written(county, event)
    _issued(visit("hq"), county, product, tmp_path)


def _reported(page: Page) -> str:
    """The address of the first case, whom the hospital reports with a whole card."""
    page.goto("/surveillance/monitoring/report/")
    for name in ("name", "id_number", "phone"):
        page.fill(f"[name={name}]", getattr(PATIENT, name))
    page.select_option("[name=occupation]", "herder")
    page.fill("[name=address]", "道孚县鲜水镇团结社区1号")
    _judged(page, "confirmed")
    return page.url


def _judged(page: Page, case_class: str) -> None:
    page.select_option("[name=condition]", "covid-19")
    page.select_option("[name=case_class]", case_class)
    page.fill("[name=onset_date]", "2022-02-04")
    page.locator("[data-now-for=id_diagnosed_at]").click()
    page.fill("[name=doctor]", "王医生")
    page.locator("form.fk-page-form button[type=submit]").first.click()
    expect(page.locator("h1")).to_contain_text("513326-2022-")


def _signal(page: Page) -> str:
    """The signal that the worker raises for the card; taken in hand by the county."""
    page.goto("/")
    signals = page.locator("section[aria-labelledby=desk-signals] a")
    found = signals.filter(has_text="新型冠状病毒").first
    expect(found).to_be_visible(timeout=60_000)  # the desk asks again by itself
    found.click()
    expect(page.locator("form[action$='/verify/'] button")).to_be_visible()
    page.locator("form[action$='/verify/'] button").click()
    expect(page.locator("form[action$='/answer/']")).to_be_visible()
    return page.url


def _watched(page: Page, case: str) -> str:
    """Somebody who lived with the patient is entered and watched; the observation."""
    page.goto(case)
    page.locator("a[href$='/contacts/']").first.click()
    page.fill("#id_name", CONTACT.name)
    page.fill("#id_age_years", "52")
    page.select_option("#id_id_kind", "resident_id")
    page.fill("#id_id_number", CONTACT.id_number)
    page.fill("#id_address", "道孚县鲜水镇团结社区1号")
    page.select_option("#id_kind", index=1)
    page.select_option("#id_setting", "home")
    page.fill("#id_first_date", "2022-02-03")
    page.fill("#id_last_date", "2022-02-05")
    page.locator("form.card button.btn-primary[type=submit]").last.click()
    row = page.locator("section[aria-labelledby=contacts] tbody tr").first
    row.locator("td").last.locator("a").click()
    page.wait_for_url(re.compile(r"/surveillance/screening/[0-9a-f-]{36}/$"))
    return page.url


def _found_ill(page: Page, observation: str) -> None:
    page.locator("a[href$='/visit/']").click()
    page.locator("input[name=found][value=yes]").check()
    page.fill("#id_temperature", "38.4")
    page.locator("form.fk-page-form button[type=submit]").click()
    page.wait_for_url(lambda url: not url.startswith(observation))


def _reported_as_known(page: Page, observation: str) -> str:
    """The contact is reported from the observation: who it is, is not asked again."""
    page.goto(observation)
    page.locator("a[href*='/report/?person=']").click()
    expect(page.locator("#id_name")).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text(CONTACT.name)
    assert not violations(page)
    shot(page, "report-of-a-known-person")
    page.select_option("[name=occupation]", "herder")
    facility = page.locator("#id_facility option", has_text="人民医院").first
    page.select_option("[name=facility]", facility.get_attribute("value"))
    _judged(page, "suspected")
    return page.url


def _pooled(phone: Page) -> str:
    """A tube of the screening with two persons, before anybody asks who was with the patient."""
    phone.goto("/surveillance/testing/pools/open/")
    phone.select_option("#id_rule", "ten-in-one")
    phone.select_option("#id_group", "mass-screening")
    phone.select_option("#id_specimen_type", "oropharyngeal-swab")
    labels = phone.locator("#id_laboratory option").all_inner_texts()
    bench = next(n for n, label in enumerate(labels) if "甘孜州疾病预防控制中心" in label)
    phone.select_option("#id_laboratory", index=bench)
    phone.locator("form.fk-page-form button[type=submit]").click()
    expect(phone.locator("#id_number")).to_be_focused()
    phone.keyboard.type(CONTACT.id_number)
    phone.keyboard.press("Enter")
    phone.fill("#id_name", CONTACT.name)
    phone.locator("form:has(#id_name) button[type=submit]").click()
    expect(phone.locator("#filled")).to_have_text("1/10")
    phone.fill("#id_number", "康珠卓玛")
    phone.keyboard.press("Enter")
    phone.fill("#id_phone", "13888880922")
    phone.locator("form:has(#id_name) button[type=submit]").click()
    expect(phone.locator("#filled")).to_have_text("2/10")
    phone.locator("form[action$='/close/'] button").click()
    expect(phone).not_to_have_url(re.compile("/fill/$"))
    pool = phone.locator("h1").inner_text().strip()
    _scan(phone, "shipped", pool)
    return pool


def _positive_pool(lab: Page, county: Page, pool: str) -> str:
    """The tube is positive; the single specimen of the contact that is asked for."""
    _scan(lab, "received", pool)
    lab.get_by_role("link", name=pool).click()
    _positive(lab, "#id_ct_N", "35.1")
    county.goto("/tasks/")
    expect(county.locator("main")).to_contain_text(pool)
    lab.goto("/surveillance/testing/pools/")
    held = lab.locator(".fk-table tbody tr a").first
    held.click()
    members = lab.locator("section[aria-labelledby=members] tbody tr")
    expect(members).to_have_count(2)
    return members.first.locator("a").last.inner_text().strip()


def _positive(lab: Page, field: str, ct: str) -> None:
    lab.locator(".fk-page-head a.btn-primary").click()
    lab.locator("input[name=outcome][value=positive]").check()
    lab.locator(field).fill(ct)
    lab.locator("form.fk-page-form button[type=submit]").click()
    expect(lab.locator("section[aria-labelledby=results]")).to_contain_text(ct)


def _single_positive(phone: Page, lab: Page, single: str) -> None:
    _scan(phone, "collected", single)
    _scan(phone, "shipped", single)
    _scan(lab, "received", single)
    lab.get_by_role("link", name=single).click()
    _positive(lab, "#id_ct_ORF1ab", "24.2")


def _concluded(page: Page, signal: str) -> str:
    """The signal is answered, investigated and found to be an outbreak; the investigation."""
    page.goto(signal)
    first_day.choose(page, "suspected_event")
    page.fill("textarea[name=note]", NOTE)
    page.locator("form[action$='/answer/'] button.btn-primary").click()
    expect(page.locator("form[action$='/answer/']")).to_have_count(0)
    page.locator(".fk-facts a[href*='/investigations/']").click()
    event = page.url
    page.locator("a[href$='/findings/']").click()
    page.fill("input[name=cases_found]", "2")
    page.fill("input[name=at_risk]", "12")
    page.fill("input[name=first_onset]", "2022-02-04")
    page.fill("input[name=last_day]", "2022-02-05")
    page.fill("textarea[name=measures]", "接触者居家观察，住户消毒。")
    page.locator("main form.card button[type=submit]").click()
    page.locator("input[name=conclusion][value=outbreak]").check()
    page.fill("textarea[name=reason]", "同住一户，来源明确。")
    page.locator("form[action$='/conclude/'] button.btn-primary").click()
    expect(page.locator("form[action$='/conclude/']")).to_have_count(0)
    return event


def _written(page: Page, event: str) -> str:
    """A notice for departments, written from the page of the investigation."""
    page.goto(event)
    page.locator("a[href*='/products/new/']").click()
    page.select_option("[name=kind]", "notice")
    page.select_option("[name=level]", "medium")
    page.select_option("[name=certainty]", "observed")
    page.fill("[name=basis]", "一户两例，已隔离。")
    page.fill("[name=title_zh]", "道孚县聚集性疫情警示")
    page.fill("[name=text_zh]", "一户家庭两例病例，请加强发热病人筛查。")
    page.locator("form.fk-page-form button[type=submit]").click()
    page.wait_for_url(re.compile(r"/products/[0-9a-f-]{36}/$"))
    expect(page.locator("form[action$='/approve/']")).to_have_count(0)  # not by who wrote it
    return page.url


def _issued(headquarters: Page, county: Page, product: str, folder: Path) -> None:
    headquarters.goto(product)
    headquarters.locator("form[action$='/approve/'] button").click()
    expect(headquarters.locator("form[action$='/approve/']")).to_have_count(0)
    county.goto(product)
    county.locator("form[action$='/issue/'] button").click()
    county.locator("#fk-confirm [value=yes]").click()
    expect(county.locator("form[action$='/issue/']")).to_have_count(0)
    with county.expect_download() as download:
        county.locator("a[href$='/cap/']").click()
    file = folder / "cap.xml"
    download.value.save_as(file)
    message = file.read_text("utf-8")
    assert "道孚县聚集性疫情警示" in message and "Restricted" in message
    assert CONTACT.name not in message
    shot(county, "product-of-a-chain")
