"""The page of card quality, the check beside a case, and both for machines."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from html import unescape

import pytest
from django.test.utils import CaptureQueriesContext

from fangkong.core.audit import queries as audit
from fangkong.core.audit.models import AuditLine
from fangkong.people.models import Person
from fangkong.surveillance.monitoring import actions as reporting
from fangkong.surveillance.monitoring.tests.factories import AT, case, facts, person
from fangkong.surveillance.quality import queries

pytestmark = pytest.mark.both_databases

PAGE = "/surveillance/quality/"
API = "/api/v1/surveillance/quality/"
DAYS = {"first": "2020-01-20", "last": "2020-02-05"}


@pytest.fixture
def signed_in(client):
    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


def text(response) -> str:
    return unescape(response.content.decode())


def report(world, n: int, *, judged: dict[str, object] | None = None, **says: object):
    """A card of Daofu's hospital about a herder who gives no phone, or says otherwise."""
    return reporting.report(
        person=person(n, **{"phone": "", **says}),
        case=facts(**{"condition": "influenza", "severity": "", **(judged or {})}),
        facility=world.hospital,
        area=world.town,
        by=world.clinician,
        at=AT,
    )


def found(case, at=AT) -> list[str]:
    card = queries.of_case(case, at)
    return [] if card is None else [finding.code for finding in card.audit.findings]


def test_a_card_of_the_database_is_judged_as_it_stands_there(world):
    assert found(report(world, 1, phone="13888880001")) == []
    assert found(report(world, 2)) == ["no-phone"]
    child = {"id_kind": "", "id_number": "", "birth_date": None, "age_years": 5}
    said = ["no-document", "no-guardian", "no-phone", "no-identity-number", "farmer-too-young"]
    assert found(report(world, 3, **child)) == said
    baby = {**child, "age_years": None, "age_months": 1, "occupation": "child-at-home"}
    assert found(report(world, 4, **baby, guardian="卓玛", phone="13888880004")) == ["no-document"]
    passport = {"id_kind": "passport", "id_number": "E12345678", "phone": "13888880005"}
    assert found(report(world, 5, **passport)) == ["no-identity-number"]
    stranger = report(world, 6, phone="13888880006", judged={"died_on": AT.date()})
    assert found(stranger) == ["alert-death"]


def test_clocks_run_on_while_a_card_waits(world):
    one = report(world, 1, phone="13888880001")
    assert found(one, AT + timedelta(hours=24)) == []
    assert found(one, AT + timedelta(hours=24, minutes=1)) == ["not-reviewed"]
    late = facts(condition="influenza", severity="", diagnosed_at=AT - timedelta(hours=25))
    two = reporting.report(
        person=person(2), case=late, facility=world.hospital, area=world.town,
        by=world.clinician, at=AT,
    )  # fmt: skip
    assert found(two) == ["reported-late"]


def test_discarded_cards_and_restricted_persons_are_not_judged(world, signed_in):
    gone = report(world, 1, judged={"case_class": "discarded"})
    kept = report(world, 2)
    Person.objects.filter(pk=kept.person_id).update(restricted_at=AT)

    assert queries.of_case(gone, AT) is None and queries.of_case(kept, AT) is None
    page = signed_in(world.daofu_cdc).get(PAGE)
    assert "没有报告卡" in text(page)
    assert signed_in(world.daofu_cdc).get(f"{API}cases/{gone.public_id}/").status_code == 404


def test_the_page_shows_rates_by_county_and_the_cards_at_fault(world, signed_in):
    good, bad = report(world, 1, phone="13888880001"), report(world, 2)

    page = signed_in(world.headquarters).get(PAGE)

    shown = text(page)
    assert "50.0\u00a0%" in shown and "2 张中 1 张" in shown
    assert bad.number in shown and good.number not in shown
    assert "没有联系电话" in shown and "扎西" not in shown
    assert "county=513326" in shown


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", True),
        ("county=513326", True),
        ("county=513301", False),
        ("condition=measles", False),
        ("condition=influenza&look=completeness", True),
        ("look=completeness:no-phone", True),
        ("look=completeness:no-school", False),
        ("look=identity", False),
        ("first=2020-02-05&last=2020-02-05", True),
        ("first=2020-01-01&last=2020-02-04", False),
        ("first=tomorrow&county=nowhere&look=colour&facility=none", True),
    ],
)
def test_choices_narrow_the_cards_and_wrong_ones_are_left_out(world, signed_in, query, shown):
    bad = report(world, 2)
    page = text(signed_in(world.headquarters).get(f"{PAGE}?{query}"))
    assert (bad.number in page) == shown


def test_a_county_sees_its_facilities_and_no_card_of_another(world, signed_in):
    bad = report(world, 2)

    ours = text(signed_in(world.daofu_cdc).get(PAGE))
    assert bad.number in ours and "道孚县人民医院" in ours
    facility = f"{PAGE}?facility={world.hospital.public_id}"
    assert bad.number in text(signed_in(world.daofu_cdc).get(facility))

    for query in ("", f"?facility={world.hospital.public_id}", "?county=513326"):
        theirs = signed_in(world.kangding_cdc).get(PAGE + query)
        assert bad.number not in text(theirs)
    assert signed_in(world.kangding_cdc).get(f"{API}cases/{bad.public_id}/").status_code == 404
    assert signed_in(world.laboratory).get(PAGE).status_code == 403
    assert signed_in(world.laboratory).get(API, DAYS).status_code == 403


def test_the_reviewer_reads_the_check_beside_the_card(world, signed_in):
    good, bad = report(world, 1, phone="13888880001"), report(world, 2)

    shown = text(signed_in(world.daofu_cdc).get(bad.get_absolute_url()))
    assert "报告卡核查" in shown and "没有联系电话" in shown
    assert "报告卡核查" not in text(signed_in(world.daofu_cdc).get(good.get_absolute_url()))


def test_the_findings_are_taken_along_with_a_line_in_the_trail(world, signed_in):
    bad = report(world, 2)
    answer = signed_in(world.daofu_cdc).get(f"{PAGE}?export=csv")

    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    head, line, mark = csv.reader(io.StringIO(content))
    assert (line[0], line[4]) == (bad.number, "没有联系电话") and len(head) == 5
    newest = AuditLine.objects.latest("pk")
    assert newest.action == "core.pages.export" and f"{newest.pk}" in mark[0]
    assert newest.detail["list"] == "card-quality"
    seen = audit.sights_of(bad.person)[0]
    assert (seen.by, seen.how) == (world.daofu_cdc, "exported")
    assert "扎西" not in content


def test_too_many_cards_are_refused_with_what_to_do(world, signed_in, monkeypatch):
    report(world, 1)
    report(world, 2)
    monkeypatch.setattr(queries, "MOST_CARDS", 1)

    page = signed_in(world.headquarters).get(PAGE)
    assert page.status_code == 422 and "请缩短日期范围" in text(page)
    answer = signed_in(world.headquarters).get(API, DAYS)
    assert (answer.status_code, answer.json()["title"]) == (422, "TooManyCards")
    assert signed_in(world.headquarters).get(f"{PAGE}?export=csv").status_code == 422


def test_machines_read_the_same_rates_and_findings(world, signed_in):
    bad = report(world, 2)
    report(world, 1, phone="13888880001")

    told = signed_in(world.headquarters).get(API, DAYS).json()

    rates = {rate["dimension"]: (rate["right"], rate["judged"]) for rate in told["rates"]}
    assert rates["completeness"] == (1, 2) and rates["identity"] == (2, 2)
    assert told["findings"] == [{"dimension": "completeness", "code": "no-phone", "cards": 1}]
    assert [(one["county"], one["cards"]) for one in told["counties"]] == [("513326", 2)]
    one = signed_in(world.daofu_cdc).get(f"{API}cases/{bad.public_id}/").json()
    assert one["findings"] == [{"dimension": "completeness", "code": "no-phone"}]
    assert one["texts"] == ["没有联系电话"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"first": "2020-02-06"}, "last"),
        ({"first": "2019-02-04"}, "last"),
        ({"first": "1919-02-04", "last": "1919-02-05"}, "last"),
        ({"county": "513301"}, "county"),
        ({"condition": "dancing-plague"}, "condition"),
    ],
)
def test_machines_are_told_what_cannot_be_asked(world, signed_in, changes, where):
    answer = signed_in(world.daofu_cdc).get(API, {**DAYS, **changes})
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [where]


def test_the_page_asks_the_database_as_often_for_many_cards_as_for_one(
    world, signed_in, django_assert_max_num_queries
):
    client = signed_in(world.daofu_cdc)
    report(world, 1)
    client.get(PAGE)
    from django.db import connection

    with CaptureQueriesContext(connection) as for_one:
        client.get(PAGE)
    for n in range(2, 6):
        report(world, n)
    with django_assert_max_num_queries(len(for_one)):
        client.get(PAGE)


def test_covid_19_stands_among_what_is_looked_at_at_once(world, signed_in):
    one = case(world)
    page = text(signed_in(world.daofu_cdc).get(f"{PAGE}?look=alert"))
    assert one.number in page and "新冠病例" in page
