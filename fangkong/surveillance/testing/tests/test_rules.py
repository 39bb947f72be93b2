from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import queries as packs
from fangkong.surveillance.testing import rules
from fangkong.surveillance.testing.types import State

from .factories import AT, HOUR, MINUTE

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
numbers = st.builds(
    rules.number,
    st.sampled_from([rules.SPECIMEN, rules.POOL]),
    st.sampled_from(["513326", "513301", "513300"]),
    st.integers(2000, 2099),
    st.integers(1, 999_999),
)


@pytest.mark.parametrize(
    ("body", "sign"), [("A12425GABC1234002", "M"), ("00000000D07A0090", "Q"), ("0", "2")]
)
def test_the_check_character_is_that_of_the_standard(body, sign):
    """ISO 7064, MOD 37,36: the first two are numbers of others (GRid, ISAN)."""
    assert rules.check_character(body) == sign


@given(numbers)
def test_a_number_of_the_house_is_right_however_it_is_typed(number):
    assert rules.number_fault(number) == ""
    assert rules.is_ours(number)
    typed = f" {number[:7].lower()}-{number[7:9]} {number[9:]}\n"
    assert rules.plain_number(typed) == number


@given(numbers, st.data())
def test_one_mistyped_sign_is_told_before_anything_is_looked_up(number, data):
    place = data.draw(st.integers(1, len(number) - 1))
    signs = SIGNS if place == len(number) - 1 else "0123456789"
    sign = data.draw(st.sampled_from([one for one in signs if one != number[place]]))

    assert rules.number_fault(number[:place] + sign + number[place + 1 :]) == "mistyped"


@given(numbers, st.data())
def test_a_sign_too_few_or_too_many_is_told(number, data):
    place = data.draw(st.integers(1, len(number) - 2))

    assert rules.number_fault(number[:place] + number[place + 1 :]) == "mistyped"
    assert rules.number_fault(number[:place] + "7" + number[place:]) == "mistyped"


@pytest.mark.parametrize("text", ["VTM-0042", "6901234567892", "LOT20A/118", "P-77120"])
def test_a_tube_may_bring_its_own_number(text):
    assert rules.number_fault(rules.plain_number(text)) == ""


@pytest.mark.parametrize("text", ["", "12", "标本一号", "A" * 41, "<script>", "-4711", "a;b;c;d"])
def test_what_is_no_number_at_all_is_told(text):
    assert rules.number_fault(rules.plain_number(text)) == "unreadable"


def test_every_state_stands_in_the_table_and_can_be_reached():
    assert set(rules.STEPS) - {""} == set(State.values)
    reached = set().union(*rules.STEPS.values(), *rules.HOLDS.values())
    assert reached == set(State.values)
    assert not {"held", "released"} & set().union(*rules.STEPS.values())  # only of a pool's member


@given(st.lists(st.sampled_from(State.values), max_size=12))
def test_no_way_leads_out_of_an_end_and_each_begins_with_the_request(steps):
    state, way = "", []
    for step in steps:
        if rules.may_follow(state, step):
            state = step
            way.append(step)

    assert way[:1] in ([], ["requested"])
    assert all(one not in rules.ENDED for one in way[:-1])
    assert "reported" not in way or "received" in way
    assert "refused" not in way or {"shipped", "received"} & set(way)


@pytest.mark.parametrize(
    ("done_at", "before", "fault"),
    [
        (AT, None, ""),
        (AT + rules.SKEW, None, ""),
        (AT + rules.SKEW + MINUTE, None, "future"),
        (AT - HOUR, AT - HOUR, ""),
        (AT - HOUR, AT - HOUR + timedelta(seconds=59), ""),
        (AT - HOUR, AT - HOUR + MINUTE, "before"),
    ],
)
def test_a_step_lies_neither_in_the_future_nor_before_the_one_before(done_at, before, fault):
    assert rules.moment_fault(done_at, AT, before) == fault


def test_the_promise_is_that_of_the_group_from_the_collection():
    pack = packs.in_force("513300", AT.date())

    hours = {code: rules.group(pack, code, AT.date()).hours for code in ("fever-clinic", "arrival")}

    assert hours == {"fever-clinic": 6, "arrival": 24}
    assert rules.due(rules.group(pack, "fever-clinic", AT.date()), AT) == AT + 6 * HOUR


SURFACE = {
    "of_person": False,
    "group": "surfaces",
    "specimen_type": "environment",
    "site": "door",
}


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({}, []),
        ({"condition": "no-such"}, ["unknown_condition"]),
        ({"group": "no-such"}, ["unknown_group"]),
        ({"specimen_type": "no-such"}, ["unknown_type"]),
        ({"specimen_type": "environment"}, ["type_of_surface"]),
        ({"site": "door"}, ["site_of_person"]),
        ({"onset_date": AT.date()}, []),
        ({"onset_date": AT.date() + timedelta(days=1)}, ["onset_to_come"]),
        ({"group": "surfaces"}, ["group_of_surface"]),
        ({"of_person": False}, ["group_of_person", "type_of_person", "site_missing"]),
        ({**SURFACE, "group": "arrival"}, ["group_of_person"]),
        (SURFACE, []),
        ({**SURFACE, "onset_date": AT.date()}, ["onset_of_surface"]),
    ],
)
def test_a_request_names_what_the_rules_of_the_day_know(said, faults):
    pack = packs.in_force("513300", AT.date())
    right = {
        "condition": "covid-19",
        "group": "fever-clinic",
        "specimen_type": "oropharyngeal-swab",
        "onset_date": None,
        "site": "",
        "of_person": True,
    }

    found = rules.request_faults(pack, AT.date(), **{**right, **said})

    assert [code for _field, code in found] == faults


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({}, []),
        ({"outcome": "positive", "ct": {"N": 2150, "ORF1ab": 2201}}, []),
        ({"method": "no-such"}, ["unknown_method"]),
        ({"outcome": "invalid", "ct": {"N": 2150}}, ["ct_of_invalid"]),
        ({"method": "sequencing", "ct": {"N": 2150}}, ["ct_not_asked"]),
        ({"ct": {"E": 2150}}, ["unknown_target"]),
        ({"condition": "measles", "ct": {"N": 2150}}, ["ct_not_asked"]),  # its rules name none
        ({"condition": "measles"}, []),
        ({"ct": {"N": 0}}, ["ct_out_of_range"]),
        ({"ct": {"N": 6001}}, ["ct_out_of_range"]),
    ],
)
def test_a_result_says_what_its_method_tells(said, faults):
    pack = packs.in_force("513300", AT.date())
    right = {"condition": "covid-19", "method": "rt-pcr", "outcome": "negative", "ct": {}}

    found = rules.result_faults(pack, AT.date(), **{**right, **said})

    assert [code for _field, code in found] == faults


def test_a_method_for_one_disease_says_nothing_of_another():
    day = date(2023, 2, 1)
    pack = packs.in_force("513300", day)

    def faults(condition: str, method: str) -> list[str]:
        said = {"method": method, "outcome": "negative", "ct": {}}
        return [c for _f, c in rules.result_faults(pack, day, condition=condition, **said)]

    assert faults("covid-19", "antigen") == []
    assert faults("measles", "antigen") == ["method_of_another"]
    assert faults("measles", "rt-pcr") == []
