"""Emergency access finds a patient by the number of a card, and only by the whole of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from fangkong.accounts.emergency import actions, types
from fangkong.accounts.emergency.models import EmergencyAccess
from fangkong.accounts.tests.factories import staff
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role
from fangkong.people.models import Person
from fangkong.surveillance.monitoring import queries

from .factories import AT, case

WHY = "病人昏迷，无人陪同，需要联系方式"


@pytest.fixture
def ward(world):
    """Staff of a hospital of another county, who know nobody here."""
    return staff(Role.WARD_STAFF, facility=world.other_hospital)


def open_(by, number: str):
    return actions.open_(kind="card", number=number, reason=WHY, by=by, at=AT)


def test_the_number_of_a_card_opens_its_patient_and_the_auditor_reads_of_it(world, ward, client):
    one, other = case(world, 1), case(world, 2)
    client.force_login(ward)
    page = reverse("people:detail", args=[one.person.public_id])
    assert client.get(page).status_code == 404

    access = open_(ward, f" {one.number} ")

    assert (access.person_key, access.found_by) == (one.person.public_id, "card")
    assert client.get(page).status_code == 200
    assert client.get(reverse("people:detail", args=[other.person.public_id])).status_code == 404
    assert AuditLine.objects.get(action="accounts.emergency.open").by_id == ward.pk
    finder = next(one for one in types.finders() if one.name == "card")
    assert finder.url(access.person_key) == page


def test_full_width_signs_of_a_chinese_keyboard_are_understood(world):
    one = case(world)
    wide = one.number.translate({ord(str(n)): 0xFF10 + n for n in range(10)} | {ord("-"): "－"})

    assert wide != one.number
    assert queries.patient_by_card(wide, AT) == one.person.public_id


@pytest.mark.parametrize("change", [lambda n: n[:-1], lambda n: n + "0", lambda n: n[7:]])
def test_a_part_of_a_number_finds_nobody_and_the_try_is_kept(world, ward, change):
    number = change(case(world).number)

    assert open_(ward, number) is None

    assert not EmergencyAccess.objects.exists()
    assert AuditLine.objects.get(action=types.MISS).detail == {"by": "card"}


@pytest.mark.parametrize("number", ["", "%", "513326-2020-*", "513326-2020-00001\x00", "' OR 1=1"])
def test_what_is_no_number_of_a_card_finds_nobody(world, number):
    case(world)

    assert queries.patient_by_card(number, AT) is None


def test_a_merged_patient_is_found_no_more_as_with_a_document(world):
    first, second = case(world, 1), case(world, 2)
    Person.objects.filter(pk=second.person_id).update(merged_into=first.person)

    assert queries.patient_by_card(second.number, AT) is None
    assert queries.patient_by_card(first.number, AT) == first.person.public_id


def test_the_page_offers_the_number_of_a_card(world, ward, client):
    client.force_login(ward)

    page = client.get(reverse("accounts:emergency:index")).content.decode()

    assert "报告卡编号" in page and "证件号码" in page
