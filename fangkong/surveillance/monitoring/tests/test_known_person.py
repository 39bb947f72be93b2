"""A card for somebody the register knows: nothing is asked that is known, and nothing is shown."""

from __future__ import annotations

import pytest
from django.urls import reverse

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
