"""From the contact of a case to a case of its own: looked up, entered, visited, ill, reported."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from fangkong.surveillance.monitoring.tests import factories as cards

from .conftest import Visit, shot
from .server import Server
from .test_import import a_line, enter, send

ILL = 731  # whose card comes later
NUMBER = cards.id_number(ILL)


def test_a_contact_is_watched_falls_ill_and_becomes_a_case_of_the_same_chain(
    visit: Visit, server: Server, tmp_path: Path
) -> None:
    county = visit("daofu")
    source = _first_case(county)
    contacts = _enter_contact(county)
    observation = _observation_of(county)
    _visit_with_fever(county, observation)
    expect(county.locator("section[aria-labelledby=visits] tbody tr")).to_have_count(1)
    county.goto("/tasks/")
    asked = county.locator("main tbody tr").filter(has_text="观察对象出现症状")
    expect(asked).to_have_count(2)  # one lay there before

    send(county, _card_of(tmp_path))
    enter(county)
    _strike(server, "surveillance.screening.convert")

    county.goto(observation)
    expect(county.locator(".fk-facts").first).to_contain_text("转为病例")
    expect(county.locator("a[href*='/visit/']")).to_have_count(0)
    county.goto(contacts)
    county.locator("a[href$='/chain/']").first.click()
    expect(county.locator("main table tbody tr")).not_to_have_count(1)
    expect(county.locator("main")).to_contain_text(source)
    shot(county, "screening/contact-to-case")


def test_staff_of_another_county_find_neither_contact_nor_observation(visit: Visit) -> None:
    county = visit("daofu")
    county.goto("/surveillance/screening/")
    watched = county.locator(".fk-table tbody tr a").first.get_attribute("href")
    assert watched
    kangding = visit("kangding")

    answer = kangding.goto(watched)

    assert answer and answer.status == 404


def _first_case(page: Page) -> str:
    """The page of a case of Daofu; its number."""
    page.goto("/surveillance/monitoring/?condition=covid-19")
    link = page.locator(".fk-table tbody tr a").first
    number = link.inner_text().strip()
    link.click()
    return number


def _enter_contact(page: Page) -> str:
    """A new person who lived with the case; the address of its contacts."""
    page.locator("a[href$='/contacts/']").first.click()
    page.wait_for_url(re.compile(r"/contacts/$"))
    contacts = page.url
    said = cards.line(ILL)
    page.fill("#id_name", said["name"])
    page.select_option("#id_sex", "1" if ILL % 2 else "2")
    page.fill("#id_age_years", "50")
    page.select_option("#id_id_kind", "resident_id")
    page.fill("#id_id_number", NUMBER)
    page.fill("#id_address", "道孚县鲜水镇团结社区1号")
    page.select_option("#id_kind", index=1)
    page.select_option("#id_setting", "home")
    page.fill("#id_first_date", "2020-02-02")
    page.fill("#id_last_date", "2020-02-04")
    page.locator("form.card button.btn-primary[type=submit]").last.click()
    expect(page.locator("section[aria-labelledby=contacts] tbody tr")).not_to_have_count(0)
    return contacts


def _observation_of(page: Page) -> str:
    """The observation of the contact that was entered last."""
    rows = page.locator("section[aria-labelledby=contacts] tbody tr")
    row = rows.filter(has_text="扎").first
    row.locator("td").last.locator("a").click()
    page.wait_for_url(re.compile(r"/surveillance/screening/[0-9a-f-]{36}/$"))
    return page.url


def _visit_with_fever(page: Page, observation: str) -> None:
    page.locator("a[href$='/visit/']").click()
    page.locator("input[name=found][value=yes]").check()
    page.fill("#id_temperature", "38.4")
    page.locator("input[name=symptoms]").first.check()
    page.locator("form.fk-page-form button[type=submit]").click()
    page.wait_for_url(lambda url: not url.startswith(observation))  # on to the next person
    page.goto(observation)


def _card_of(folder: Path) -> Path:
    path = folder / "card.csv"
    path.write_text(cards.table(a_line(ILL, id_number=NUMBER, onset_date="2020-02-04")), "utf-8")
    return path


def _strike(server: Server, schedule: str) -> None:
    struck = subprocess.run(
        [sys.executable, "-m", "tests.journeys.strike", schedule],
        env=server.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert struck.returncode == 0, struck.stderr
