"""A card is asked the same at every door: the form, a file and a machine refuse the same cards."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from fangkong.core.imports.queries import rows_of
from fangkong.surveillance.monitoring import imports
from fangkong.surveillance.monitoring.models import Case

from . import factories
from .factories import AT, table

pytestmark = pytest.mark.django_db

CARD = {**factories.CARD, "diagnosed_at": "2020-02-05 09:00"}
OF_THE_PATIENT = {"name", "id_kind", "id_number", "birth_date"}
OF_THE_PATIENT |= {"address", "occupation", "workplace"}
NO_NUMBER = {"id_number": "", "birth_date": ""}
LEFT_OUT = {"birth_date", "onset_date"}  # no JSON says "" for a day


def by_form(client, world, card: Mapping[str, str]) -> set[str]:
    sent = {**card, "facility": str(world.hospital.public_id), "_key": "k"}
    answer = client.post("/surveillance/monitoring/report/", sent)
    return set(answer.context["form"].errors) if answer.status_code == 422 else set()


def by_file(client, world, card: Mapping[str, str]) -> set[str]:
    batch = imports.upload(
        content=imports.FileContent(table(dict(card)).encode()),
        file_name="cards.csv",
        facility=world.hospital,
        by=world.clinician,
        at=AT,
    )
    (row,) = rows_of(batch)
    return {str(reason["params"]["field"]) for reason in row.reasons}


def by_machine(client, world, card: Mapping[str, str]) -> set[str]:
    said = {name: value for name, value in card.items() if value or name not in LEFT_OUT}
    said["diagnosed_at"] = said["diagnosed_at"].replace(" ", "T") + ":00+08:00"
    body = {
        "patient": {name: value for name, value in said.items() if name in OF_THE_PATIENT},
        "case": {name: value for name, value in said.items() if name not in OF_THE_PATIENT},
        "facility": str(world.hospital.public_id),
    }
    answer = client.post(
        "/api/v1/surveillance/monitoring/cases/",
        json.dumps(body),
        "application/json",
        headers={"Idempotency-Key": "k"},
    )
    if answer.status_code == 201:
        return set()
    assert answer.status_code == 422, answer.content
    return {error["where"].rsplit("/", 1)[1] for error in answer.json()["errors"]}


DOORS = [by_form, by_file, by_machine]


@pytest.fixture
def browser(client, world):
    client.force_login(world.clinician)
    return client


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"relation": ""}, {"relation"}),
        ({"occupation": ""}, {"occupation"}),
        ({"occupation": "student"}, {"workplace"}),
        ({"doctor": ""}, {"doctor"}),
        ({"address": ""}, {"address"}),
        ({"address": "天上人间"}, {"address"}),
        ({"address": "四川省成都市武侯区"}, {"address"}),  # Sichuan is known, no county of it
        (
            {"address": "甘孜藏族自治州", "relation": "same-prefecture"},
            {"address"},
        ),  # of which county?
        ({"address": "康定市炉城街道"}, {"relation"}),
        ({"address": "汶川县威州镇"}, {"relation"}),
        ({"address": "道孚县鲜水镇", "relation": "same-prefecture"}, {"relation"}),
        ({"address": "道孚县鲜水镇", "relation": "other-province"}, {"relation"}),
        ({"address": "四川省成都市", "relation": "other-province"}, {"relation"}),
        ({"severity": "mild", "condition": "measles"}, {"severity"}),
        ({"case_class": "probable"}, {"case_class"}),
        ({"condition": "hepatitis-b"}, {"course"}),
        ({"condition": "measles", "severity": "", "course": "acute"}, {"course"}),
        ({"died_on": "1960-01-01", "onset_date": ""}, {"died_on"}),
        ({"onset_date": "1800-01-01"}, {"birth_date"}),
        (NO_NUMBER, {"birth_date"}),
    ],
)
def test_a_card_that_is_not_right_is_refused_at_every_door_for_the_same_field(
    browser, world, door, changes, fields
):
    assert door(browser, world, {**CARD, **changes}) == fields
    assert not Case.objects.exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"occupation": "student", "workplace": "道孚县城关小学二年级一班"},
        {"address": "甘孜藏族自治州"},  # within the home area, and of this county as is said
        {"address": "康定市炉城街道", "relation": "same-prefecture"},
        {"address": "汶川县威州镇", "relation": "same-province"},
        {"address": "四川省成都市武侯区", "relation": "same-province"},
        {"address": "武汉市江汉区", "relation": "other-province"},
        {"address": "加德满都", "relation": "foreign"},
        {"address": "道孚县鲜水镇", "relation": "foreign"},  # lives here
        {"died_on": "2020-01-20", "onset_date": ""},
        {"died_on": "2019-10-01", "onset_date": ""},  # found late
        {"onset_date": ""},
        {"id_number": "", "birth_date": "1970-01-01"},
    ],
)
def test_a_card_that_is_right_is_taken_at_every_door(browser, world, door, changes):
    assert door(browser, world, {**CARD, **changes}) == set()
