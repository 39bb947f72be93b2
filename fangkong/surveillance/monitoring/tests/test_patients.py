"""Whom a hospital knows: the persons of the cases that it reported, and nobody else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from fangkong.accounts.tests.factories import appointment, staff
from fangkong.core.roles import Role
from fangkong.people import queries as people
from fangkong.people.forms import OTHER
from fangkong.people.types import REVEAL
from fangkong.people.types import VIEW as SEE_PERSONS
from fangkong.places.tests.factories import facility

from .factories import AT, case

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
REASON = "ring the family about the test"


@pytest.fixture
def patient(world):
    return case(world).person


def page(name, person):
    return reverse(f"people:{name}", args=[person.public_id])


def test_a_doctor_lists_opens_and_searches_the_patients_of_the_hospital(client, world, patient):
    client.force_login(world.clinician)

    assert patient.get_absolute_url() in client.get(reverse("people:index")).content.decode()
    assert client.get(patient.get_absolute_url()).status_code == 200
    found = client.post(reverse("people:search"), {"text": patient.name}).content.decode()
    assert patient.get_absolute_url() in found
    assert client.get(f"/api/v1/people/{patient.public_id}/").status_code == 200


def test_a_doctor_has_full_data_shown_for_a_reason(client, world, patient):
    client.force_login(world.clinician)
    asked = {"why": OTHER, "more": REASON, "fields_wanted": ["phones"], "_key": "k"}

    assert (
        patient.phones.get().number in client.post(page("reveal", patient), asked).content.decode()
    )


@pytest.mark.parametrize("who", ["next door", "ward", "laboratory", "other county"])
def test_others_find_nobody(client, world, patient, who):
    next_door = facility(world.daofu, "道孚县中藏医院")
    asker = {
        "next door": lambda: staff(Role.HOSPITAL, facility=next_door),
        "ward": lambda: staff(Role.WARD_STAFF, facility=world.hospital),
        "laboratory": lambda: world.laboratory,
        "other county": lambda: staff(Role.HOSPITAL, facility=world.other_hospital),
    }[who]()
    client.force_login(asker)

    assert str(patient.public_id) not in client.get(reverse("people:index")).content.decode()
    assert client.get(patient.get_absolute_url()).status_code == 404
    assert client.get(f"/api/v1/people/{patient.public_id}/").status_code == 404
    assert not people.search(asker, AT, patient.name)
    assert not people.open_to(asker, AT, REVEAL)


def test_a_ward_at_one_hospital_and_an_office_at_another_do_not_add_up(world, patient):
    """Cases are seen by the office at the other hospital, so nothing of this one is known."""
    asker = staff(Role.WARD_STAFF, facility=world.hospital)
    appointment(asker, Role.HOSPITAL, facility=world.other_hospital)

    assert not people.open_to(asker, AT, SEE_PERSONS)


def test_a_doctor_does_not_correct_whom_the_hospital_knows(client, world, patient):
    client.force_login(world.clinician)

    assert client.get(page("correct", patient)).status_code == 403


def test_headquarters_opens_whom_the_hospital_knows(client, world, patient):
    client.force_login(world.headquarters)

    assert client.get(patient.get_absolute_url()).status_code == 200
