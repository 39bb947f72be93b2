"""Where somebody says they come from, how long an answer stands, and what cannot be right."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import queries as packs
from fangkong.surveillance.arrivals import queries, rules

DAY = date(2020, 2, 5)


def meant(text):
    return [one.code for one in queries.origins().match(text)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("湖北省武汉市武昌区", ["420106"]),
        ("湖北 武汉", ["4201"]),
        ("武汉", ["4201"]),
        ("武昌区珞珈山", ["420106"]),
        ("湖北", ["42"]),
        ("恩施", ["4228"]),
        ("内蒙古", ["15"]),
        ("北京", ["11"]),
        ("北京市朝阳区", ["110105"]),
        ("香港", ["81"]),
        ("甘孜", ["5133"]),
        ("甘孜州道孚县", ["513326"]),
        ("境外", ["abroad"]),
        ("国外（尼泊尔）", ["abroad"]),
        ("Abroad", ["abroad"]),
        ("420100", ["4201"]),
        ("999999", []),
        ("某个地方", []),
        ("", []),
    ],
)
def test_a_text_means_the_area_that_it_names(text, codes):
    assert meant(text) == codes


def test_one_name_of_several_areas_is_told_and_not_guessed():
    assert len(meant("朝阳区")) > 1
    assert len(meant("辽宁省朝阳")) == 1


@given(st.text(max_size=20))
def test_no_text_breaks_the_names(text):
    for one in queries.origins().match(text):
        assert one.code == "abroad" or one.code == rules.plain_code(one.code)


def test_every_area_is_found_by_its_whole_name():
    known = queries.origins()
    for code in ("42", "4201", "420106", "5133", "513326", "65", "6540"):
        assert code in [one.code for one in known.match(known.named(code))]


def test_an_origin_is_too_vague_where_a_part_of_it_has_a_rule_of_its_own():
    assert rules.too_vague("42", ["4201", "11", "42"]) == ["4201"]
    assert rules.too_vague("4201", ["42", "4201"]) == []


@pytest.mark.parametrize(
    ("code", "last"), [("symptoms", DAY), ("left-on", DAY + timedelta(days=2)), ("mobile", None)]
)
def test_an_answer_stands_as_long_as_the_pack_says(code, last):
    question = next(
        row for row in packs.questions(packs.pack("cn-2020-01"), "arrival", DAY) if row.code == code
    )
    until = rules.valid_until(question, DAY)
    assert until == last
    assert rules.stands(until, DAY)
    assert last is None or not rules.stands(until, last + timedelta(days=1))


def test_what_is_known_is_not_asked_and_on_purpose_is_asked_again():
    every = packs.questions(packs.pack("cn-2020-01"), "arrival", DAY)
    known = {"full-name", "mobile"}
    left = [row.code for row in rules.to_ask(every, known)]
    assert not known & set(left)
    assert "mobile" in [row.code for row in rules.to_ask(every, known, ["mobile"])]


def test_days_that_cannot_be_are_told_at_their_question():
    def faults(**changes):
        said = {"left": DAY, "arrived": DAY, "today": DAY, "tested": None, **changes}
        return list(rules.day_faults(**said))

    later = DAY + timedelta(days=1)
    assert faults() == []
    assert faults(left=later) == [("left-on", "left_later")]
    assert faults(left=date(2019, 1, 1)) == [("left-on", "left_long_ago")]
    assert ("arrived_at", "arrives_later") in faults(arrived=later)
    assert faults(tested=later) == [("negative-test", "tested_later")]


a_stay = st.fixed_dictionaries(
    {
        "area": st.sampled_from(["42", "4201", "11", "abroad"]),
        "name": st.sampled_from(["甲", "乙"]),
        "last": st.dates(date(2020, 1, 1), date(2020, 2, 5)).map(str),
    }
)


@given(st.lists(st.lists(a_stay, max_size=3), max_size=4), st.randoms())
def test_the_same_forms_give_the_same_stays_in_whatever_order_they_come(forms, random):
    def together(several):
        stays = []
        for one in several:
            stays = rules.stays_with(stays, one)
        return stays

    mixed = list(forms)
    random.shuffle(mixed)
    assert together(mixed) == together(forms)


@pytest.mark.parametrize(
    ("hours", "wrong"),
    [((None, None), False), ((0, 24), False), ((8, None), True), ((9, 8), True), ((0, 25), True)],
)
def test_hours_come_in_pairs_and_open_before_they_close(hours, wrong):
    assert rules.hours_fault(*hours) is wrong
