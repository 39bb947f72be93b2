"""A card for somebody the register knows: nothing is asked that is known, and nothing is shown."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from fangkong.core.audit import queries as audit
from fangkong.people.models import Person
from fangkong.people.tests import factories as people
from fangkong.surveillance.monitoring.models import Case

from .factories import id_number

pytestmark = pytest.mark.both_databases

SAID = {
    "occupation": "herder",
    "relation": "same-county",
    "condition": "covid-19",
    "case_class": "confirmed",
    "severity": "mild",
    "onset_date": "2020-02-04",
    "diagnosed_at": "2020-02-05T09:00",
    "doctor": "王医生",
}


@pytest.fixture
def known(world):
    facts = {"documents": [people.resident_id("513326", order=801)], "name": "泽仁央金"}
    return people.person(world.town, address_detail="团结社区9号", **facts)


@pytest.fixture
def desk(client, world):
    client.force_login(world.daofu_cdc)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def address(person) -> str:
    return f"{reverse('surveillance:monitoring:report')}?person={person.public_id}"


def test_a_card_for_a_known_person_asks_only_what_is_not_known(desk, world, known):
    page = desk.get(address(known))
    text = page.content.decode()
    asked = set(page.context["form"].fields)
    assert not asked & {"name", "id_kind", "id_number", "sex", "birth_date", "age", "address"}
    assert {"occupation", "condition", "diagnosed_at", "doctor"} <= asked
    number = known.documents.get().full_number
    for secret in (known.name, number, "团结社区9号"):
        assert secret not in text

    said = {**SAID, "facility": str(world.hospital.public_id), "_key": "k"}
    done = desk.post(address(known), said)

    assert done.status_code == 302, done.context["form"].errors
    case = Case.objects.get()
    assert done.url == case.get_absolute_url()
    assert (case.person, case.area) == (known, world.town)
    known.refresh_from_db()
    assert known.occupation == "herder"  # the gap is filled
    assert Person.objects.count() == 1
    shown = desk.get(known.get_absolute_url()).content.decode()
    assert case.number in shown and address(known).replace("&", "&amp;") in shown


def test_whom_the_register_cannot_tell_from_others_is_not_taken_for_somebody_else(desk, world):
    vague = people.person(world.town, name="扎西", documents=[], birth_date=None)
    said = {**SAID, "facility": str(world.hospital.public_id), "_key": "k"}

    refused = desk.post(address(vague), {**said, "age": "40", "age_unit": "years", "sex": "1"})

    assert refused.status_code == 422
    assert not Case.objects.exists() and Person.objects.count() == 1
    number = {"id_kind": "resident_id", "id_number": id_number(5), "_key": "k2"}
    again = desk.post(address(vague), {**said, **number})
    assert again.status_code == 422 and "Add a document" in again.content.decode()
    assert Person.objects.count() == 1


def test_a_person_of_another_county_and_an_unknown_one_are_not_there(client, world, known):
    client.force_login(world.kangding_cdc)
    assert client.get(address(known)).status_code == 404
    client.force_login(world.daofu_cdc)
    report = reverse("surveillance:monitoring:report")
    assert client.get(f"{report}?person=nobody").status_code == 404
    client.force_login(world.auditor)
    assert client.get(address(known)).status_code == 403
    assert address(known) not in client.get(known.get_absolute_url()).content.decode()


# --- The same for machines ------------------------------------------------------------------------

API = "/api/v1/surveillance/monitoring/cases/"
JUDGED = {
    "condition": "covid-19",
    "case_class": "confirmed",
    "severity": "mild",
    "onset_date": "2020-02-04",
    "diagnosed_at": "2020-02-05T09:00:00+08:00",
    "relation": "same-county",
    "doctor": "王医生",
}


def send(client, world, person, key="k", **patient):
    body = {"case": JUDGED, "facility": str(world.hospital.public_id)}
    body |= {"person": person if isinstance(person, str) else str(person.public_id)}
    body |= {"patient": patient} if patient else {}
    headers = {"Idempotency-Key": key, "Accept-Language": "en"}
    return client.post(API, json.dumps(body), "application/json", headers=headers)


def test_a_machine_names_a_known_person_and_says_only_what_is_not_known(desk, world, known):
    asked = send(desk, world, known)  # nobody knows the group of people
    assert asked.status_code == 422, asked.json()
    assert [one["where"] for one in asked.json()["errors"]] == ["/patient/occupation"]
    assert not Case.objects.exists()

    made = send(desk, world, known, "k2", occupation="herder", phone="13900000001")
    assert made.status_code == 201, made.content
    case = Case.objects.get()
    assert (case.person, case.area) == (known, world.town)
    assert made.json()["person"] == str(known.public_id)
    assert Person.objects.count() == 1
    known.refresh_from_db()
    assert known.occupation == "herder"
    assert "13900000001" in {phone.full_number for phone in known.phones.all()}
    again = send(desk, world, known, "k2", occupation="herder", phone="13900000001")
    assert again.json() == made.json() and Case.objects.count() == 1
    line = audit.history_of(known)
    assert any(one.action == "people.complete" for one in line)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"name": "次仁罗布"}, "/patient/name"),
        ({"birth_date": "1991-01-01"}, "/patient/birth_date"),
        ({"age_years": 3}, "/patient/age_years"),
        ({"id_number": id_number(5)}, "/patient/id_number"),
        ({"id_kind": "passport", "id_number": "E12345678"}, "/patient/id_number"),
        ({"address": "康定市炉城镇"}, "/patient/address"),
    ],
)
def test_a_machine_that_contradicts_the_register_is_told_where_and_not_what(
    desk, world, known, said, where
):
    refused = send(desk, world, known, occupation="herder", **said)

    assert refused.status_code == 409, refused.content
    answer = refused.json()
    assert [one["where"] for one in answer["errors"]] == [where]
    assert "The register says otherwise" in answer["detail"]
    text = refused.content.decode()
    for secret in (known.name, known.documents.get().full_number, "团结社区9号"):
        assert secret not in text
    assert not Case.objects.exists() and Person.objects.count() == 1


def test_what_a_machine_says_again_of_a_known_person_is_no_contradiction(desk, world, known):
    number = known.documents.get().full_number
    again = {"name": "泽仁 央金", "id_number": number, "birth_date": str(known.birth_date)}
    made = send(desk, world, known, occupation="herder", address="团结社区 9号", **again)
    assert made.status_code == 201, made.content
    assert Case.objects.get().person == known


def test_a_machine_is_told_of_no_person_of_another_county(client, world, known):
    client.force_login(world.kangding_cdc)
    body = {"case": JUDGED, "facility": str(world.other_hospital.public_id)}
    body |= {"patient": {"occupation": "herder"}}
    there, nowhere = (
        client.post(
            API,
            json.dumps({**body, "person": key}),
            "application/json",
            headers={"Idempotency-Key": key},
        )
        for key in (str(known.public_id), "0190c8b0-0000-7000-8000-000000000000")
    )
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["detail"] == nowhere.json()["detail"]
    assert not Case.objects.exists()
    client.force_login(world.auditor)
    assert send(client, world, known, "a", occupation="herder").status_code in (403, 404)


def test_a_machine_that_names_nobody_says_everything(desk, world):
    body = {"case": JUDGED, "facility": str(world.hospital.public_id)}
    refused = desk.post(API, json.dumps(body), "application/json", headers={"Idempotency-Key": "n"})
    where = {one["where"] for one in refused.json()["errors"]}
    assert refused.status_code == 422
    assert {"/patient/name", "/patient/occupation", "/patient/address"} <= where
