"""Figures sum before they are told."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from fangkong.surveillance.bulletins import rules
from fangkong.surveillance.bulletins.facts import Counted, Figures
from fangkong.surveillance.bulletins.rules import Fault

DAY = date(2020, 2, 4)
COUNTIES = ["513301", "513326"]

a_case = st.builds(
    Counted,
    case=st.integers(1, 10_000),
    county=st.sampled_from(COUNTIES),
    sex=st.sampled_from(["0", "1", "2", "9"]),
    age=st.none() | st.integers(0, 120),
    source=st.sampled_from(["", "local", "import"]),
    severity=st.sampled_from(["", "mild", "severe"]),
    died_on=st.none() | st.dates(date(2020, 1, 20), date(2020, 2, 10)),
)
cases = st.lists(a_case, max_size=40, unique_by=lambda one: one.case)


def counted(now, before=(), observed=None):
    return rules.count(
        now, set(before), day=DAY, counties=COUNTIES, sources=["local", "import"], observed=observed
    )


@given(cases, st.sets(st.integers(1, 10_000), max_size=40))
def test_what_the_house_counts_always_sums_and_follows_from_the_day_before(now, before):
    told = counted(now, before)

    previous = Figures(total=len(before))
    assert rules.faults(told, previous, remark="") == []
    assert all(sum(sums.values()) == len(now) for sums in told.splits.values())
    assert told.died == sum(one.died_on is not None and one.died_on <= DAY for one in now)


@given(cases.filter(bool), st.data())
def test_one_figure_stated_otherwise_is_told_wherever_it_stands(now, data):
    told = counted(now)
    keys = [key for key in rules.flat(told) if ":" in key and not key.startswith("apart")]
    key = data.draw(st.sampled_from(keys))
    more = (rules.flat(told)[key] or 0) + 1

    wrong = rules.restated(told, {key: more})

    assert [one.key for one in rules.changes(told, wrong)] == [key]
    assert {one.code for one in rules.faults(wrong, None, remark="")} & {"split", "new_by_county"}


def test_every_fault_is_told_at_once():
    told = counted([])
    wrong = rules.restated(
        told, {"total": 3, "new": 5, "died": 2, "cured": 2, "county:513326": 3, "new:513326": 4}
    )

    found = rules.faults(wrong, Figures(total=1), remark="")

    assert [one.code for one in found] == [
        "split", "split", "split", "split",
        "new_by_county", "new_above_total", "ended_above_total", "county_new_above",
        "does_not_follow",
    ]  # fmt: skip
    assert Fault("split", {"split": "sex", "sum": 0, "total": 3}) in found
    assert Fault("county_new_above", {"county": "513326", "new": 4, "total": 3}) in found


def test_a_total_that_does_not_follow_needs_a_remark_and_no_more():
    told = counted([])

    assert [one.code for one in rules.faults(told, Figures(total=2), remark="")] == [
        "does_not_follow"
    ]
    assert rules.faults(told, Figures(total=2), remark="省级核减2例") == []
    assert rules.faults(told, None, remark="") == []


def test_impossible_ages_and_more_taken_back_than_there_were_are_told():
    told = rules.restated(counted([]), {"youngest": 90, "oldest": 3, "removed": 5})

    assert [one.code for one in rules.faults(told, Figures(total=2), remark="x")] == [
        "ages_reversed", "removed_above",
    ]  # fmt: skip
    assert rules.number_faults({"oldest": 131}, {"oldest"}) == [("oldest", "bad_age")]


def test_a_gap_before_the_bulletin_needs_a_remark():
    told = counted([])

    assert [one.code for one in rules.faults(told, Figures(), remark="", gap="2020-02-01")] == [
        "gap"
    ]
    assert rules.faults(told, Figures(), remark="told", gap="2020-02-01") == []


def test_bands_of_ages_have_no_gap():
    assert [rules.band(age) for age in (None, 0, 9, 10, 79, 80, 121)] == [
        "", "0-9", "0-9", "10-19", "70-79", "80+", "80+",
    ]  # fmt: skip


def test_a_number_that_cannot_be_a_figure_is_told_by_its_key():
    known = {"total", "cured"}
    said = {"total": None, "cured": None, "sex:1": 4}

    assert rules.number_faults(said, known) == [("total", "missing"), ("sex:1", "unknown_figure")]
    assert rules.number_faults({"total": -1, "cured": rules.MOST + 1}, known) == [
        ("total", "out_of_range"), ("cured", "out_of_range"),
    ]  # fmt: skip


def test_cards_go_before_a_nil_report_whenever_they_came():
    assert rules.standing(2, True, overdue=True) == "cards"
    assert rules.standing(0, True, overdue=True) == "nil"
    assert rules.standing(0, False, overdue=False) == "missing"
    assert rules.standing(0, False, overdue=True) == "overdue"
