"""Documents and phones are added on their own pages and by the API."""

from __future__ import annotations

import pytest

from fangkong.core.record import new_public_id
from fangkong.people import actions

from .factories import AT, NUMBER, person, resident_id

pytestmark = pytest.mark.django_db

PASSPORT = {"kind": "passport", "number": "E12345678", "issued_by": ""}
PHONE = {"number": "13912345678", "kind": "family", "note": ""}


def send(client, user, one, what, facts):
    client.force_login(user)
    address = f"/people/{one.public_id}/{what}/"
    return client.post(
        address, {"_key": str(new_public_id()), **facts}, headers={"accept-language": "en"}
    )


def test_a_county_adds_a_document_and_a_phone_to_its_person(client, patient, daofu):
    assert send(client, daofu, patient, "document", PASSPORT).status_code == 302
    assert send(client, daofu, patient, "phone", PHONE).status_code == 302

    assert patient.documents.filter(kind="passport").count() == 1
    assert patient.phones.filter(kind="family").count() == 1
    page = client.get(f"/people/{patient.public_id}/").content.decode()
    assert "E12345678" not in page
    assert "13912345678" not in page


def test_another_county_finds_no_such_person_to_add_to(client, patient, kangding):
    assert send(client, kangding, patient, "document", PASSPORT).status_code == 404
    assert send(client, kangding, patient, "phone", PHONE).status_code == 404
    assert not patient.documents.filter(kind="passport").exists()


def test_a_number_of_somebody_else_is_refused_without_telling_whose(client, patient, daofu, areas):
    other = person(area=areas["513326"], documents=[resident_id()])

    answer = send(
        client, daofu, other, "document", {**PASSPORT, "kind": "resident_id", "number": NUMBER}
    )

    assert answer.status_code == 422
    assert patient.name not in answer.content.decode()


def test_a_number_that_cannot_be_is_named_beside_its_field(client, patient, daofu):
    answer = send(client, daofu, patient, "phone", {**PHONE, "number": "12"})

    assert answer.status_code == 422
    assert "is-invalid" in answer.content.decode()
    assert not patient.phones.filter(kind="family").exists()


def test_the_api_adds_them_too_and_answers_masked(client, patient, daofu):
    client.force_login(daofu)
    answer = client.post(
        f"/api/v1/people/{patient.public_id}/phones/",
        PHONE,
        content_type="application/json",
        headers={"idempotency-key": "k1"},
    )

    assert answer.status_code == 200
    assert "13912345678" not in answer.content.decode()
    assert patient.phones.filter(kind="family").count() == 1


def test_adding_the_same_phone_twice_keeps_one(patient, daofu):
    first = actions.add_phone(person=patient, number="13912345678", by=daofu, at=AT)
    again = actions.add_phone(person=patient, number="139 1234 5678", by=daofu, at=AT)

    assert again == first
