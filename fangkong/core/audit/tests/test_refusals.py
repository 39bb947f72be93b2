"""What is refused leaves a line; what a line says of area, address, program and result."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit import fhir, refusals
from fangkong.core.audit.models import AuditLine, Sight
from fangkong.core.audit.types import How
from fangkong.core.commands.states import version
from fangkong.core.roles import Role
from fangkong.core.tokens import actions as tokens
from fangkong.people.tests import factories as people
from fangkong.places.tests.factories import world

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def areas(db, monkeypatch, settings):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"
    cache.clear()
    return world()


@pytest.fixture
def officer(areas):
    return staff(Role.COUNTY_CDC, area=areas["513326"], username="daofu-cdc")


@pytest.fixture
def foreign(areas):
    return people.person(areas["513301"])


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def refused():
    return list(AuditLine.objects.filter(result="refused").order_by("pk"))


def page_of(person) -> str:
    return reverse("people:detail", args=[person.public_id])


def test_a_foreign_record_asked_for_leaves_a_line_without_anything_personal(officer, foreign):
    answer = signed_in(officer).get(page_of(foreign), REMOTE_ADDR="203.0.113.9")

    assert answer.status_code == 404
    (line,) = refused()
    assert (line.action, line.by_id, line.subject_public_id, line.ip) == (
        "core.audit.refuse", officer.pk, foreign.public_id, "203.0.113.9",
    )  # fmt: skip
    assert line.detail == {"page": "people.detail", "status": 404}
    assert (line.subject_type, line.subject_id, line.area_key) == ("", 0, None)
    assert foreign.name not in json.dumps(line.detail) + line.reason
    assert not Sight.objects.exists()


def test_a_record_that_is_none_leaves_the_same_line_as_a_foreign_one(officer, foreign):
    client = signed_in(officer)
    client.get(page_of(foreign))
    client.get(reverse("people:detail", args=[uuid4()]))

    one, other = refused()
    assert (one.detail, one.subject_id) == (other.detail, other.subject_id)


def test_a_page_that_the_roles_do_not_open_leaves_a_line(officer):
    assert signed_in(officer).get(reverse("audit")).status_code == 403

    assert [(x.detail["page"], x.detail["status"]) for x in refused()] == [("audit", 403)]


def test_what_is_open_and_what_is_mistyped_leaves_none(officer, areas):
    own = people.person(areas["513326"])
    client = signed_in(officer)

    assert client.get(page_of(own)).status_code == 200
    assert client.get("/people/nobody/here/").status_code == 404
    assert Client().get(page_of(own)).status_code == 302
    assert refused() == []


def test_a_program_that_asks_for_what_is_not_its_users_is_named(officer, foreign):
    made = tokens.make(
        user=officer, label="lis", permissions=["people.view"], may_write=False,
        expires_at=AT + timedelta(days=1), by=officer, at=AT,
    )  # fmt: skip
    program = Client(headers={"authorization": f"Bearer {made.secret}"})

    assert program.get(f"/api/v1/people/{foreign.public_id}/").status_code == 404

    (line,) = refused()
    assert (line.by_id, line.token_id, line.subject_public_id) == (
        officer.pk, made.pk, foreign.public_id,
    )  # fmt: skip
    (event,) = [x for x in fhir.events(AT, AT + timedelta(days=1)) if x["outcome"] != "0"]
    assert event["outcome"] == "4" and event["outcomeDesc"] == "refused with 404"
    assert [agent["requestor"] for agent in event["agent"]] == [False, True]
    assert str(foreign.public_id) in json.dumps(event["entity"])


def test_a_flood_of_refusals_fills_no_disk_and_the_last_line_says_so(officer, monkeypatch):
    monkeypatch.setattr(refusals, "PER_USER", 5)
    client = signed_in(officer)
    for _n in range(20):
        client.get(reverse("people:detail", args=[uuid4()]))

    assert len(refused()) == 5
    assert [bool(line.detail.get("more")) for line in refused()] == [False] * 4 + [True]


def test_the_floods_of_many_together_are_bounded_too(areas, monkeypatch):
    monkeypatch.setattr(refusals, "OF_ALL", 7)
    for n in range(4):
        client = signed_in(staff(Role.COUNTY_CDC, area=areas["513326"], username=f"u{n}"))
        for _n in range(5):
            client.get(reverse("people:detail", args=[uuid4()]))

    assert len(refused()) == 7 and refused()[-1].detail["more"]


def test_a_line_that_cannot_be_written_changes_nothing_of_the_answer(officer, foreign, monkeypatch):
    def full(*said, **more):
        raise DatabaseError("no space left")

    monkeypatch.setattr(audit, "refused", full)

    assert signed_in(officer).get(page_of(foreign)).status_code == 404


def sight_of(person, by) -> None:
    refusals.stands(audit.seen, person, by=by, at=AT, how=How.FOUND, place="people.clash")


def test_what_stands_is_written_once_however_often_its_action_was_tried(officer, areas):
    one, other = (
        people.person(areas["513301"]),
        people.person(areas["513301"], name="卓玛", documents=[]),
    )
    with refusals.standing():
        for _try in range(2):
            sight_of(one, officer)
        sight_of(other, officer)
        assert not Sight.objects.exists()

    assert [x.subject_id for x in Sight.objects.order_by("pk")] == [one.pk, other.pk]


@pytest.mark.parametrize("fault", [DatabaseError("no space left"), ValueError("an error of ours")])
def test_what_cannot_be_written_keeps_nothing_else_from_it_and_is_told(officer, foreign, fault):
    def full() -> None:
        raise fault

    def begin() -> None:
        with refusals.standing():
            refusals.stands(full)
            sight_of(foreign, officer)

    with pytest.raises(type(fault)):
        begin()
    assert [x.subject_id for x in Sight.objects.all()] == [foreign.pk]


def test_a_line_says_in_which_area_and_from_where(officer, areas):
    own = people.person(areas["513326"])
    sent = {"_key": "k", "name": "卓玛", "sex": "2", "workplace": "县医院", "_seen": version(own)}
    client = signed_in(officer)

    answer = client.post(
        reverse("people:correct", args=[own.public_id]), sent, REMOTE_ADDR="2001:db8::7"
    )

    assert answer.status_code == 302
    line = AuditLine.objects.get(action="people.correct")
    assert (line.ip, line.result, line.token_id) == ("2001:db8::7", "done", None)
    assert line.area_key in {own.area_id, own.county_id} - {None}
    client.get(page_of(own), REMOTE_ADDR="2001:db8::7")
    assert set(Sight.objects.values_list("ip", flat=True)) == {"2001:db8::7"}


def test_a_line_of_a_job_comes_from_no_address(officer, foreign):
    line = audit.record("core.retention.destroy", foreign, by=None, at=AT)

    assert (line.ip, line.token_id, line.result) == ("", None, "done")


def test_circumstances_cost_no_statement(officer, areas, django_assert_num_queries):
    own = people.person(areas["513326"])

    with django_assert_num_queries(1):
        audit.record("people.correct", own, by=officer, at=AT)


def test_the_purpose_is_that_of_the_register(officer, foreign):
    audit.record("people.correct", foreign, by=officer, at=AT)
    audit.record("accounts.close", officer, by=officer, at=AT)

    person, account = list(fhir.events(AT, AT + timedelta(days=1)))[-2:]
    assert person["purposeOfEvent"][0]["coding"][0]["code"] == "PUBHLTH"
    assert person["purposeOfEvent"][0]["text"]
    assert account["entity"][0]["what"]["identifier"]["system"] == "urn:fangkong:accounts.user"
