"""Chains: read from contacts and cases, by generation; of cases elsewhere no more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.tests import factories as cases
from fangkong.surveillance.screening import drawing, queries, rules

from .factories import AT, DAY, TODAY, contact, facts, somebody

pytestmark = pytest.mark.both_databases
LATER = AT + 12 * DAY


def ill(world, person, *, onset, n, area=None, facility=None, by=None, at=LATER):
    """The person gets a card of their own."""
    who = replace(
        cases.person(n),
        name=person.name,
        id_number=person.documents.get().full_number,
        birth_date=None,
        sex="9",
    )
    return monitoring.report(
        person=who,
        case=cases.facts(onset_date=onset, diagnosed_at=at),
        facility=facility or world.hospital,
        area=area or world.town,
        by=by or world.clinician,
        at=at,
    )


@pytest.fixture
def chained(world):
    """A case infected a second, which infected a third in Kangding."""
    second_person = somebody(world, 1)
    contact(world, person=second_person)
    second = ill(world, second_person, onset=TODAY + 2 * DAY, n=8)
    third_person = somebody(world, 2, area=world.kangding)
    met = facts(kind="lived-or-worked", first_date=TODAY + 3 * DAY, last_date=TODAY + 4 * DAY)
    contact(world, case=second, person=third_person, facts=met, at=AT + 5 * DAY)
    third = ill(
        world,
        third_person,
        onset=TODAY + 8 * DAY,
        n=9,
        area=world.kangding,
        facility=world.other_hospital,
        by=None,
    )
    return world, second, third


def told(user, case):
    joined = queries.joined(case, user, LATER)
    chain = rules.chain(joined.begun, joined.links, 14)
    return joined, chain, drawing.stories(joined, chain)


def test_a_chain_is_the_same_from_each_of_its_cases(chained):
    world, second, third = chained
    for start in (world.case, second, third):
        _joined, chain, rows = told(world.headquarters, start)
        assert [row.number for row in rows] == [world.case.number, second.number, third.number]
        assert [row.generation for row in rows] == [1, 2, 3]
        assert [row.source for row in rows] == ["", world.case.number, second.number]
        assert not chain.cut
    assert [row.contacts for row in rows] == [1, 1, 0]


def test_a_county_sees_that_there_is_a_further_case_and_not_who(chained, client):
    world, second, third = chained
    joined, _chain, rows = told(world.daofu_cdc, world.case)

    assert set(joined.cases) == {world.case.pk, second.pk}
    assert joined.elsewhere == {third.pk}
    hidden = rows[-1]
    assert (hidden.case, hidden.url, hidden.onset, hidden.diagnosed) == (None, "", None, None)

    client.force_login(world.daofu_cdc)
    for name in ("chain", "chain_csv", "chain_svg"):
        address = reverse(f"surveillance:screening:{name}", args=[world.case.public_id])
        answer = client.get(address)
        body = b"".join(answer).decode() if answer.streaming else answer.content.decode()
        assert second.number in body
        assert third.number not in body and str(third.public_id) not in body
        assert third.person.masked_name not in body


def test_a_machine_reads_the_same_chain(chained, client):
    world, second, third = chained

    def read(user):
        client.force_login(user)
        path = f"/api/v1/surveillance/screening/cases/{world.case.public_id}/chain/"
        return client.get(path)

    whole, own = read(world.headquarters).json(), read(world.daofu_cdc).json()
    assert [(row["number"], row["source"]) for row in whole["cases"]] == [
        (world.case.number, None),
        (second.number, 1),
        (third.number, 2),
    ]
    assert (whole["cut"], whole["incubation"], whole["whole"]) == ([], 14, True)
    hidden = own["cases"][2]
    assert (hidden["case"], hidden["number"], hidden["onset_date"]) == (None, "", None)
    assert read(world.kangding_cdc).status_code == 404


def test_the_other_county_sees_its_own_end_of_the_chain(chained):
    world, second, third = chained
    joined, _chain, rows = told(world.kangding_cdc, third)

    assert set(joined.cases) == {third.pk}
    assert [row.generation for row in rows] == [1, 2]
    assert (rows[0].case, rows[1].case) == (None, third)
    assert second.number not in [row.number for row in rows] + [row.source for row in rows]


def test_strangers_find_no_chain(chained, client):
    world, second, _third = chained
    address = reverse("surveillance:screening:chain", args=[second.public_id])
    for who, status in ((world.kangding_cdc, 404), (world.clinician, 403), (world.doctor, 403)):
        client.force_login(who)
        assert client.get(address).status_code == status


def test_files_are_noted_in_the_trail_with_their_rows(chained, client):
    world, _second, _third = chained
    client.force_login(world.headquarters)
    for name, kind in (("chain_csv", "text/csv"), ("chain_svg", "image/svg+xml")):
        address = reverse(f"surveillance:screening:{name}", args=[world.case.public_id])
        answer = client.get(address)
        assert answer.headers["Content-Type"].startswith(kind)
        assert "attachment" in answer.headers["Content-Disposition"]
        body = b"".join(answer).decode() if answer.streaming else answer.content.decode()
        assert world.headquarters.username in body
    lines = AuditLine.objects.filter(action__contains="export")
    assert sorted(line.detail["rows"] for line in lines) == [3, 3]


def test_a_circle_is_cut_and_told_on_the_page(world, client):
    other = ill(world, somebody(world, 3), onset=date(2020, 2, 3), n=8, at=AT)
    contact(world, person=other.person, facts=facts(last_date=date(2020, 2, 2)))
    before = facts(first_date=date(2020, 1, 30), last_date=date(2020, 2, 1))
    contact(world, case=other, person=world.case.person, facts=before)

    client.force_login(world.daofu_cdc)
    address = reverse("surveillance:screening:chain", args=[world.case.public_id])
    page = client.get(address)

    assert page.context["cut"] == [(other.number, world.case.number)]
    assert [row.generation for row, _cells in page.context["rows"]] == [1, 2]


def test_texts_of_a_drawing_are_escaped_and_a_long_chain_stays_narrow():
    rows = [
        drawing.Story(1, None, 1, "<b>", False, TODAY, TODAY + 900 * DAY, TODAY, TODAY, 0, None)
    ]
    drawn = drawing.both(rows, "<script>", "&mark")
    assert "<script>" not in drawn and "<b>" not in drawn and "&amp;mark" in drawn
    width = int(drawing.timeline(rows, "x").partition('width="')[2].partition('"')[0])
    assert width < drawing.WIDEST + drawing.LABEL + 100
    without = replace(rows[0], first=None, last=None, onset=None, diagnosed=None)
    assert drawing.timeline([without], "x") == ""
