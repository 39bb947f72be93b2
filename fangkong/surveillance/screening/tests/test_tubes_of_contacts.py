"""Who is watched as a contact has a tube of their own, also where a whole town is screened."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from django.urls import reverse
from django.utils import translation

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.refusals import WrongField
from fangkong.core.roles import Role
from fangkong.places.tests.factories import facility
from fangkong.surveillance.screening import actions
from fangkong.surveillance.screening.models import Observation
from fangkong.surveillance.testing import actions as testing
from fangkong.surveillance.testing import pools, queries
from fangkong.surveillance.testing.models import Specimen
from fangkong.surveillance.testing.tests.pooling import opened
from fangkong.surveillance.testing.types import RequestFacts

from .factories import AT, DAY, watched

SCREENED = datetime(2020, 9, 1, 10, tzinfo=AT.tzinfo)  # five may share a tube by then
API = "/api/v1/surveillance/testing/pools/"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def tube(world):
    """A tube of the screening of a town."""
    world.bench = facility(world.kangding, "甘孜州疾控中心检验所", kind="laboratory")
    world.technician = staff(Role.LABORATORY, facility=world.bench)
    return opened(world, SCREENED)


def put(tube, world, person, at=SCREENED, **said):
    return pools.add_to_pool(pool=tube, person=person, by=world.daofu_cdc, at=at, **said)


def test_a_watched_contact_shares_no_tube_until_the_observation_has_ended(world, tube):
    watch = watched(world)
    with pytest.raises(WrongField, match="under observation as a contact") as refused:
        put(tube, world, watch.person)
    assert refused.value.field == "number"
    assert "close contacts are at high risk" in str(refused.value)  # the clause of the pack
    assert not Specimen.objects.exists() and queries.count_of(tube) == 0

    actions.release(observation=watch, reason="核酸阴性，期满", by=world.daofu_cdc, at=SCREENED)
    put(tube, world, watch.person)
    assert queries.count_of(tube) == 1


def test_a_swab_that_was_asked_for_as_screening_is_refused_too(world, tube):
    watch = watched(world)
    asked = testing.request(
        facts=RequestFacts(
            condition="covid-19", group="mass-screening", specimen_type="oropharyngeal-swab"
        ),
        person=watch.person,
        facility=world.hospital,
        laboratory=world.bench,
        by=world.daofu_cdc,
        at=SCREENED,
    )
    with pytest.raises(WrongField, match="Take a single specimen"):
        pools.add_to_pool(pool=tube, specimen=asked, by=world.daofu_cdc, at=SCREENED)
    alone = testing.collect(specimen=asked, by=world.daofu_cdc, at=SCREENED)  # as it should be
    assert alone.state == "collected" and alone.pool is None


def test_which_contacts_are_tested_singly_and_from_when_is_data_of_the_pack(world, tube):
    watch = watched(world)
    for contact_class, at, refused in (
        ("general-contact", SCREENED, False),
        ("contact-of-contact", datetime(2021, 9, 13, 10, tzinfo=AT.tzinfo), False),
        ("contact-of-contact", datetime(2021, 9, 14, 10, tzinfo=AT.tzinfo), True),
        ("close-contact", SCREENED, True),
    ):
        Observation.objects.update(contact_class=contact_class)
        inside = opened(world, at)
        if refused:
            with pytest.raises(WrongField, match="under observation"):
                put(inside, world, watch.person, at)
        else:
            put(inside, world, watch.person, at)
    Observation.objects.update(contact_class="close-contact", condition="measles")
    put(opened(world, SCREENED), world, watch.person)  # a contact of another disease


def test_the_form_and_the_machine_are_told_the_same_at_the_field(world, tube, client, monkeypatch):
    watch = watched(world)
    monkeypatch.setattr(clock, "now", lambda: SCREENED + DAY / 24)
    client.force_login(world.daofu_cdc)
    page = reverse("surveillance:testing:fill", args=[tube.public_id])
    number = watch.person.documents.get().full_number
    answer = client.post(page, {"number": number, "_key": "a"}, headers={"Accept-Language": "en"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "under observation as a contact" in text
    assert watch.person.name not in text

    said = {"person": str(watch.person.public_id)}
    told = client.post(
        f"{API}{tube.public_id}/members/",
        json.dumps(said),
        "application/json",
        headers={"Idempotency-Key": "b", "Accept-Language": "zh-hans"},
    )
    assert told.status_code == 422, told.content
    (error,) = told.json()["errors"]
    assert error["where"] == "/specimen" and "密切接触者" in error["text"]
    assert not Specimen.objects.filter(pool=tube).exists()
