from __future__ import annotations

import pytest
from django.utils import translation

from fangkong.core.roles import Role
from fangkong.people import queries
from fangkong.places.tests.factories import facility

from .factories import AT, NUMBER, PHONE, person, resident_id, staff

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_headquarters_sees_everybody_and_a_county_its_own(patient, daofu, kangding, areas):
    headquarters = staff(Role.HEADQUARTERS, areas["513300"])

    assert list(queries.open_to(headquarters, AT)) == [patient]
    assert list(queries.open_to(daofu, AT)) == [patient]
    assert list(queries.open_to(kangding, AT)) == []


def test_a_township_sees_those_who_live_in_it(patient, areas):
    townsman = person(areas["513326100"], name="李明", documents=[resident_id()], phones=[])
    office = staff(Role.COUNTY_CDC, areas["513326100"])

    assert list(queries.open_to(office, AT)) == [townsman]


def test_a_hospital_finds_nobody_but_through_its_own_records(patient, areas):
    hospital = staff(Role.HOSPITAL, name="ward", facility=facility(areas["513326"]))
    assert list(queries.open_to(hospital, AT)) == []


def test_a_role_without_the_permission_sees_nobody(patient, areas):
    keeper = staff(Role.STORE_KEEPER, areas["513326"])
    assert list(queries.open_to(keeper, AT)) == []


@pytest.mark.parametrize(
    "text",
    [
        "扎西德吉",
        "西德",
        "zhaxi",
        "ZhaXi DeJi",
        "zxdj",
        "zx",
        NUMBER,
        "513326 19851231 0029",
        PHONE,
        "138 0000 1111",
    ],
)
def test_a_person_is_found_by_name_pinyin_initials_or_whole_number(patient, daofu, text):
    assert list(queries.search(daofu, AT, text)) == [patient]


@pytest.mark.parametrize(
    "text",
    ["白玛", "xideji", "xdj", NUMBER[:-1], NUMBER[:10], "1380000111", "13800001112", " ", "·"],
)
def test_nobody_is_found_by_part_of_a_number_or_by_another_name(patient, daofu, text):
    assert list(queries.search(daofu, AT, text)) == []


def test_another_county_finds_nobody_even_by_the_whole_number(patient, kangding):
    assert list(queries.search(kangding, AT, NUMBER)) == []
    assert list(queries.search(kangding, AT, PHONE)) == []


def test_a_masked_person_holds_no_full_value(patient):
    with translation.override("en"):
        shown = queries.masked(patient)

    assert (shown.name, shown.sex, shown.age) == ("扎某某", "female", "34 years")
    assert [number for _kind, number in shown.documents] == ["513***********0029"]
    assert [number for _kind, number in shown.phones] == ["138****1111"]
    assert (
        NUMBER not in repr(shown) and PHONE not in repr(shown) and patient.name not in repr(shown)
    )


def test_ages_are_in_words(areas):
    infant = person(documents=[], phones=[], age_months=1)
    unknown = person(name="李明", documents=[], phones=[])
    with translation.override("en"):
        assert queries.age_text(infant, AT.date()) == "1 month"
        assert queries.age_text(unknown, AT.date()) == ""


def test_occupations_come_from_the_rule_pack_in_force():
    assert "herder" in queries.occupations(AT.date())
