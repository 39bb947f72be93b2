"""Screening for machines: the whole way, repeats, refusals with their place, and lists."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.tests import factories as cases
from fangkong.surveillance.screening.models import Exposure, Observation, Visit

from .factories import AT, HOUR, contact, somebody, visited, watched

pytestmark = pytest.mark.both_databases

API = "/api/v1/surveillance/screening/"


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", match="", how="post", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        call = getattr(client, how)
        return call(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


@pytest.fixture
def read(client):
    def read(user, path):
        client.force_login(user)
        return client.get(f"{API}{path}")

    return read


def body(world, person, **changes):
    said = {
        "case": str(world.case.public_id),
        "person": str(person.public_id),
        "kind": "lived-or-worked",
        "setting": "home",
        "first_date": "2020-02-01",
        "last_date": "2020-02-04",
    }
    return {**said, **changes}


def test_a_contact_is_entered_visited_and_handed_over_by_machine(ask, read, world):
    person = somebody(world)
    made = ask(world.daofu_cdc, "contacts/", **body(world, person))
    assert made.status_code == 201
    assert [one.how for one in audit.sights_of(person)] == ["api"]  # who is entered is noted
    told = made.json()
    assert (told["contact_class"], told["window_first"]) == ("close-contact", "2020-02-01")
    watch = f"observations/{told['observation']}/"

    visit = ask(world.doctor, f"{watch}visits/", key="v", temperature=366)
    assert (visit.status_code, visit.json()["met"]) == (201, "well")
    shown = read(world.doctor, watch).json()
    assert (shown["last_date"], len(shown["visits"])) == ("2020-02-18", 1)
    assert person.name not in json.dumps(shown, ensure_ascii=False)
    assert read(world.doctor, "today/").json()["watched"] == 1

    nowhere = ask(world.daofu_cdc, f"{watch}hand-over/", key="n", county="999999", reason="返回")
    (fault,) = nowhere.json()["errors"]
    assert (nowhere.status_code, fault["in"], fault["where"]) == (422, "body", "/county")
    over = {"county": "513301", "reason": "返回康定"}
    there = ask(world.daofu_cdc, f"{watch}hand-over/", key="h", **over).json()
    assert (there["county"], there["ending"]) == ("513301", "")
    assert read(world.daofu_cdc, f"observations/{there['id']}/").status_code == 404
    assert read(world.kangding_cdc, f"observations/{there['id']}/").status_code == 200


def test_the_same_again_gets_the_first_answer_and_another_key_a_refusal(ask, world):
    person = somebody(world)
    first = ask(world.daofu_cdc, "contacts/", **body(world, person))
    again = ask(world.daofu_cdc, "contacts/", **body(world, person))
    other = ask(world.daofu_cdc, "contacts/", key="o", **body(world, person))

    assert first.json() == again.json()
    assert (other.status_code, Exposure.objects.count()) == (409, 1)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"kind": "no-such"}, "/kind"),
        ({"last_date": "2020-03-04"}, "/last_date"),
        ({"last_date": "2020-01-04"}, "/last_date"),
        ({"setting": "moon"}, "/setting"),
        ({"place": "13988887777的家里"}, "/place"),
    ],
)
def test_a_refusal_names_its_place(ask, world, changes, where):
    told = ask(world.daofu_cdc, "contacts/", **body(world, somebody(world), **changes))

    assert told.status_code == 422
    assert where in [one["where"] for one in told.json()["errors"]]
    assert not Exposure.objects.exists()


def test_strangers_and_other_counties_find_nothing(ask, read, world):
    made = contact(world)
    watch = f"observations/{made.observation.public_id}/"
    asked = body(world, somebody(world, 2))

    assert ask(world.kangding_cdc, "contacts/", **asked).status_code == 404
    assert ask(world.clinician, "contacts/", **asked).status_code == 403
    assert read(world.kangding_cdc, f"contacts/{made.public_id}/").status_code == 404
    assert read(world.kangding_cdc, "contacts/").json()["rows"] == []
    assert ask(world.clinician, f"{watch}visits/").status_code == 404
    assert ask(world.doctor, f"{watch}release/", key="r").status_code == 403
    assert ask(world.inspector, f"{watch}visits/", key="i").status_code == 403


def test_a_class_and_a_visit_change_on_the_state_that_was_seen(ask, read, world, monkeypatch):
    made = contact(world)
    path = f"contacts/{made.public_id}/"
    said = {"contact_class": "", "reason": "有防护"}
    assert ask(world.daofu_cdc, f"{path}judge/", key="a", **said).status_code == 428
    tag = read(world.daofu_cdc, path).headers["ETag"]

    watch = Observation.objects.get()
    visit = visited(watch, world, temperature=366)
    at = f"observations/{watch.public_id}/visits/{visit.public_id}/"
    seen = read(world.doctor, at).headers["ETag"]
    monkeypatch.setattr(clock, "now", lambda: AT + HOUR)  # a later state is another one
    right = {"temperature": 367, "done_at": "2020-02-05T10:00:00+08:00"}
    put = {"how": "put", **right}
    assert ask(world.doctor, at, key="b", match=seen, **put).json()["temperature"] == 367
    assert (
        ask(world.doctor, at, key="c", match=seen, **{**put, "temperature": 370}).status_code == 412
    )

    assert ask(world.daofu_cdc, f"{path}judge/", key="d", match=tag, **said).status_code == 200
    assert ask(world.daofu_cdc, f"{path}judge/", key="e", match=tag, **said).status_code == 412


def test_visits_in_one_go_tell_who_could_not_be_visited(ask, world):
    first, second = watched(world, 1), watched(world, 2)
    visited(first, world)
    keys = [str(one.public_id) for one in (first, second)]

    told = ask(world.doctor, "visits/", observations=keys).json()

    assert told["entered"] == 1
    assert [one["id"] for one in told["refused"]] == [str(first.public_id)]
    assert Visit.objects.count() == 2
    other = ask(world.clinician, "visits/", key="o", observations=keys)
    assert other.status_code == 404


def test_a_case_of_another_county_is_not_named(read, world):
    made = contact(world, person=somebody(world, area=world.kangding))

    here = read(world.daofu_cdc, f"contacts/{made.public_id}/").json()
    there = read(world.kangding_cdc, f"contacts/{made.public_id}/").json()

    assert (here["case"], here["observation"]) == (str(world.case.public_id), None)
    assert there["case"] is None
    assert there["observation"] == str(Observation.objects.get().public_id)


def test_the_choices_are_those_of_the_rules_of_the_day(read, world):
    told = read(world.daofu_cdc, "choices/").json()
    assert "lived-or-worked" in [one["code"] for one in told["kinds"]]
    ended = read(world.daofu_cdc, "choices/?on=2023-02-01").json()
    assert ended["kinds"] == []
    unknown = read(world.daofu_cdc, "choices/?condition=no-such").json()
    assert unknown["kinds"] == []
    assert read(world.stranger, "choices/").status_code == 403


def test_lists_send_as_many_statements_for_one_row_as_for_three(read, world):
    def statements(path):
        with CaptureQueriesContext(connection) as made:
            assert read(world.daofu_cdc, path).status_code == 200
        return len([one for one in made if "session" not in one["sql"]])

    paths = ("contacts/", f"contacts/?case={world.case.public_id}", "observations/?state=open")
    watched(world, 1)
    for path in paths:
        statements(path)
    one = [statements(path) for path in paths]
    for n in (2, 3):
        watched(world, n)

    assert [statements(path) for path in paths] == one


def test_a_machine_judges_anew_after_the_onset_was_revised(ask, world):
    person = contact(world).person
    path = f"cases/{world.case.public_id}/contacts/judge-anew/"
    assert ask(world.daofu_cdc, path).status_code == 422
    said = cases.facts(onset_date=date(2020, 1, 28))
    monitoring.revise(case=world.case, facts=said, reason="更正", by=world.clinician, at=AT + HOUR)

    told = ask(world.daofu_cdc, path, key="anew")

    assert told.status_code == 200 and len(told.json()) == 1
    assert [one.how for one in audit.sights_of(person)] == ["api"]  # who is told of is noted
    assert ask(world.kangding_cdc, path, key="other").status_code == 404
