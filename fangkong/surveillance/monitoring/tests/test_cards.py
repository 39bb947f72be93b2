"""Rows as cards: what people type, and every fault of a bad row."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import queries as packs
from fangkong.surveillance.monitoring import words
from fangkong.surveillance.monitoring.cards import Desk, Found, parse_moment
from fangkong.surveillance.monitoring.facts import Dwelling

from .factories import AT, LINE, ZONE, id_number

GOOD = {
    "name": "扎西德吉",
    "id_number": id_number(1),
    "address": "道孚县鲜水镇团结社区1号",
    "condition": "新冠肺炎",
    "case_class": "确诊病例",
    "diagnosed_at": "2020-02-05 09:00",
    "onset_date": "2020-02-01",
    "doctor": "王医生",
    "relation": "本县区",
    "occupation": "牧民",
}


class Places:
    """Knows 道孚县 as area 7, 康定市 as 8 and one facility as 3; all facilities stand in 道孚县."""

    def area(self, address: str, code: str) -> Found:
        known = {"道孚县": 7, "康定市": 8}.get(address[:3])
        return Found(None, ("道孚县",)) if known is None else Found(known)

    def facility(self, name: str) -> Found:
        return Found(3 if name == "道孚县人民医院" else None)

    def dwelling(self, area_id: int | None, facility_id: int) -> Dwelling:
        if area_id is None:
            return Dwelling()
        near, zh = ("county", "道孚县") if area_id == 7 else ("prefecture", "康定市")
        return Dwelling(
            distances=frozenset({near}), county=True, names={"zh": zh, "en": "elsewhere"}
        )


def read(**changes: str):
    desk = Desk(
        pack_on=lambda day: packs.in_force("513300", day),
        places=Places(),
        facility_id=1,
        now=AT,
        zone=ZONE,
    )
    return desk.read({**GOOD, **changes})


def faults(**changes: str) -> list[str]:
    card, found = read(**changes)
    assert (card is None) == bool(found)
    return [f"{fault.code} {fault.field}".strip() for fault in found]


def moment(hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2020, 2, 5, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-2-5", moment()),
        ("2020/02/05 14:30", moment(14, 30)),
        ("2020.2.5", moment()),
        ("2020年2月5日", moment()),
        ("2020年2月5日14时", moment(14)),
        ("2020年2月5日 14时30分", moment(14, 30)),
        ("2020-02-05T14:30", moment(14, 30)),
        ("2020-02-05 14:30:15", moment(14, 30)),
        ("２０２０－２－５", moment()),
        ("20200205", moment()),
        ("202002051430", moment(14, 30)),
        ("43866", moment()),
        ("43866.604166666664", moment(14, 30)),
    ],
)
def test_dates_are_read_as_people_type_them(text, expected):
    assert parse_moment(text, ZONE) == expected


@pytest.mark.parametrize("text", ["5/2/2020", "2020-02-30", "2020-13-01", "昨天", "2", "2020-02"])
def test_dates_that_are_none_or_could_be_two_are_not_guessed(text):
    assert parse_moment(text, ZONE) is None


@given(st.integers(10_000 * 1440, 80_000 * 1440))
def test_a_serial_of_a_spreadsheet_is_the_minute_it_stands_for(minutes):
    moment = datetime(1899, 12, 30, tzinfo=ZONE) + timedelta(minutes=minutes)
    assert parse_moment(f"{minutes / 1440:.10f}", ZONE) == moment


def test_a_good_row_is_a_card_with_sex_and_birth_date_from_the_number():
    card, found = read()
    assert found == []
    assert card is not None
    assert (card.person.sex, card.person.birth_date) == ("1", date(1970, 1, 1))
    assert (card.person.area_id, card.facility_id) == (7, 1)
    assert (card.case.condition, card.case.case_class) == ("covid-19", "confirmed")
    assert card.case.diagnosed_at == moment(9)


@pytest.mark.parametrize("said", ["确诊病例", "确诊", "确诊 病例", "confirmed", "Confirmed case"])
def test_a_class_is_known_in_either_language_short_or_long(said):
    card, _ = read(case_class=said)
    assert card is not None
    assert card.case.case_class == "confirmed"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": ""}, "missing name"),
        ({"name": "长" * 61}, "too_long name"),
        ({"condition": ""}, "missing condition"),
        ({"condition": "新冠炎"}, "unknown_condition condition"),
        ({"case_class": ""}, "missing case_class"),
        ({"case_class": "也许"}, "not_one_of case_class"),
        ({"diagnosed_at": ""}, "missing diagnosed_at"),
        ({"diagnosed_at": "昨天"}, "bad_date diagnosed_at"),
        ({"diagnosed_at": "2012-01-05"}, "no_rules diagnosed_at"),
        ({"diagnosed_at": "0020-02-05"}, "no_rules diagnosed_at"),
        ({"diagnosed_at": "2020-02-06"}, "diagnosis_in_future diagnosed_at"),
        ({"onset_date": "2月1日"}, "bad_date onset_date"),
        ({"onset_date": "2020-02-06"}, "onset_after_diagnosis onset_date"),
        ({"died_on": "2020-01-01"}, "death_before_onset died_on"),
        ({"died_on": "2020-02-06"}, "death_in_future died_on"),
        ({"birth_date": "1970-01-02"}, "differs_from_number birth_date"),
        ({"sex": "女"}, "differs_from_number sex"),
        ({"sex": "雄"}, "not_one_of sex"),
        ({"id_number": "513326197001010019"}, "bad_number id_number"),
        ({"id_number": "5.13326E+17", "age": "50"}, "lost_digits id_number"),
        ({"id_number": "", "age": ""}, "age_missing birth_date"),
        ({"id_number": "", "age": "五十"}, "bad_age age"),
        ({"id_number": "", "age": "131"}, "bad_age age"),
        ({"address": ""}, "missing address"),
        ({"doctor": ""}, "missing doctor"),
        ({"doctor": "\u200b\ufeff"}, "missing doctor"),
        ({"name": "\u200b"}, "missing name"),
        ({"name": "\u3164"}, "missing name"),
        ({"name": "王\u202e小明"}, "unreadable name"),
        ({"name": "13800001111"}, "no_name name"),
        ({"guardian": "／"}, "no_name guardian"),
        ({"remark": "密\x07接"}, "unreadable remark"),
        ({"address": "天上人间"}, "address_unknown address"),
        ({"facility": "别家医院"}, "facility_unknown facility"),
        ({"phone": "12345"}, "bad_phone phone"),
        ({"occupation": "宇航员"}, "not_one_of occupation"),
        ({"relation": "本村"}, "not_one_of relation"),
        ({"severity": "极重"}, "not_one_of severity"),
        ({"severity": "轻型", "condition": "麻疹"}, "not_asked severity"),
        ({"relation": ""}, "missing relation"),
        ({"relation": "本市其他县区"}, "lives_elsewhere relation"),
        ({"occupation": ""}, "missing occupation"),
        ({"occupation": "学生"}, "school_missing workplace"),
        ({"died_on": "1969-10-01", "onset_date": ""}, "death_before_birth died_on"),
        ({"course": "缓"}, "not_one_of course"),
        ({"origin": "天外"}, "not_one_of origin"),
        ({"condition": "乙型肝炎"}, "missing course"),
    ],
)
def test_each_fault_of_a_row_is_named_with_its_field(changes, fault):
    assert fault in faults(**changes)


def test_a_unit_without_an_age_says_nothing():
    assert faults(id_number="", age="", age_unit="years") == ["age_missing birth_date"]
    assert faults(age="", age_unit="years") == []


def test_all_faults_of_a_row_are_said_at_once():
    found = faults(name="", case_class="也许", onset_date="x", phone="1", address="天上人间")
    assert sorted(found) == [
        "address_unknown address",
        "bad_date onset_date",
        "bad_phone phone",
        "missing name",
        "not_one_of case_class",
    ]


def test_an_address_elsewhere_is_no_fault_of_a_patient_from_elsewhere():
    assert faults(address="武汉市江汉区", relation="外省") == []
    assert faults(address="武汉市江汉区", relation="本县区") == ["address_unknown address"]


def test_where_the_patient_belongs_and_the_address_agree_or_both_are_named():
    assert faults(address="康定市炉城街道", relation="本市其他县区") == []
    assert faults(address="康定市炉城街道", relation="外籍") == []
    _, found = read(address="康定市炉城街道", relation="本县区")
    assert [fault.field for fault in found] == ["relation"]
    with translation.override("zh-hans"):
        assert "本县区" in words.reasons(found)[0] and "康定市" in words.reasons(found)[0]


def test_faults_stand_in_the_order_of_the_card():
    found = faults(name="", relation="", occupation="", doctor="", phone="1")
    assert [fault.split()[1] for fault in found] == [
        "name",
        "phone",
        "relation",
        "occupation",
        "doctor",
    ]


@pytest.mark.parametrize(
    ("age", "unit", "years", "months"),
    [("56", "", 56, None), ("56岁", "", 56, None), ("14", "月", 1, 14), ("10天", "", 0, 0)],
)
def test_an_age_is_read_with_its_unit(age, unit, years, months):
    card, _ = read(id_number="", age=age, age_unit=unit)
    assert card is not None
    assert (card.person.age_years, card.person.age_months) == (years, months)


def test_every_reason_has_words_in_both_languages():
    _, found = read(
        name="",
        case_class="也许",
        onset_date="x",
        phone="1",
        address="天上人间",
        condition="新冠炎",
    )
    for language in ("zh-hans", "en"):
        with translation.override(language):
            told = words.reasons(found)
        assert len(told) == len(found)
        assert not any("%(" in sentence for sentence in told)


def test_a_row_in_english_is_the_same_card():
    english = {
        "sex": "Male",
        "relation": "This county",
        "occupation": "Herder",
        "case_class": "Confirmed",
        "condition": "COVID-19",
        "severity": "mild",
    }
    assert read(**english) == read(**{field: LINE[field] for field in english} | {"sex": "男"})
    assert read(**english)[0] is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("疑似", "suspected"),
        ("阳性检测（无症状感染者）", "asymptomatic"),
        ("阳性检测", "asymptomatic"),
        ("无症状感染者", "asymptomatic"),
    ],
)
def test_either_half_of_a_long_class_is_known(text, code):
    card, _ = read(case_class=text)
    assert card is not None and card.case.case_class == code


def test_a_facility_is_that_of_the_sender_or_the_named_one_and_never_a_guess():
    assert read(facility="道孚县人民医院")[0].facility_id == 3
    assert faults(facility="道孚医院") == ["facility_unknown facility"]


@pytest.mark.parametrize("end", ["", " 14:60", " 25:00", " about nine"])
def test_a_time_that_does_not_exist_makes_no_date(end):
    assert (parse_moment(f"2020-02-05{end}", ZONE) is None) == bool(end)
