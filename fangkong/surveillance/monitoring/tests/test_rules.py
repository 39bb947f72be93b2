"""Clocks, days and counts, without a database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from fangkong.packs import queries as packs
from fangkong.surveillance.monitoring import rules

from .factories import AT, ZONE, facts

PACK = packs.pack("cn-2020-01")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 2, 5, hour, minute, tzinfo=ZONE)


def codes(faults):
    return [fault.code for fault in faults]


def test_covid_19_is_reported_within_two_hours_of_its_diagnosis():
    assert rules.report_due(PACK, facts(diagnosed_at=at(9))) == at(11)


def test_another_class_b_disease_has_a_day():
    measles = facts(condition="measles", severity="", diagnosed_at=at(9))
    assert rules.report_due(PACK, measles) == at(9) + timedelta(hours=24)


def test_a_discarded_case_has_no_clock():
    assert rules.report_due(PACK, facts(case_class="discarded")) is None


def test_the_review_of_covid_19_is_due_two_hours_after_the_card_came_in():
    assert rules.review_due(PACK, "covid-19", "confirmed", at(10)) == at(12)


def test_a_disease_that_is_managed_no_longer_has_no_review_clock():
    unmanaged = packs.pack("cn-2020-01")
    long_ago = datetime(1950, 1, 1, tzinfo=ZONE)
    assert rules.review_due(unmanaged, "covid-19", "confirmed", long_ago) is None


@pytest.mark.parametrize(
    ("now", "done", "state"),
    [
        (at(10), None, "on_time"),
        (at(10, 1), None, "due_soon"),
        (at(11), None, "due_soon"),
        (at(11, 1), None, "overdue"),
        (at(15), at(11), "on_time"),
        (at(15), at(11, 1), "late"),
    ],
)
def test_a_duty_is_overdue_one_minute_after_its_time_and_not_on_it(now, done, state):
    if now == at(10):
        now -= timedelta(minutes=1)
    assert rules.clock_state(at(11), now, done) == state


def test_without_a_time_there_is_no_state():
    assert rules.clock_state(None, AT, None) == "none"


def test_a_card_that_agrees_with_itself_has_no_fault():
    assert rules.date_faults(facts(), date(1970, 1, 1), now=AT, zone=ZONE) == []


def test_every_contradiction_of_days_is_said():
    wrong = facts(
        diagnosed_at=AT + timedelta(hours=1), onset_date=date(2020, 2, 6), died_on=date(2020, 2, 4)
    )
    assert codes(rules.date_faults(wrong, date(2020, 2, 7), now=AT, zone=ZONE)) == [
        "diagnosis_in_future",
        "onset_after_diagnosis",
        "death_before_onset",
        "birth_in_future",
    ]


def test_a_clock_ten_minutes_ahead_is_forgiven_and_eleven_are_not():
    ahead = facts(diagnosed_at=AT + timedelta(minutes=10))
    further = facts(diagnosed_at=AT + timedelta(minutes=11))
    assert rules.date_faults(ahead, None, now=AT, zone=ZONE) == []
    assert codes(rules.date_faults(further, None, now=AT, zone=ZONE)) == ["diagnosis_in_future"]


def test_a_class_that_the_disease_does_not_have_is_refused_with_those_it_has():
    (fault,) = rules.judgement_faults(PACK, facts(case_class="probable"), AT.date())
    assert fault.code == "not_one_of"
    assert "确诊病例" in fault.params["choices"]


def test_an_unknown_disease_comes_with_the_names_next_to_it():
    fault = rules.unknown_condition(PACK, "新冠肺")
    assert "新型冠状病毒感染" in fault.params["suggestions"]
    assert rules.unknown_condition(PACK, "xyzzy").params["suggestions"] == []


def case(**changes: object) -> SimpleNamespace:
    values = {
        "county_id": 7,
        "condition": "covid-19",
        "definition": "cn-2020-01",
        "case_class": "confirmed",
        "onset_date": date(2020, 2, 1),
        "diagnosed_at": at(1),
        "reported_at": at(10),
    }
    return SimpleNamespace(**{**values, **changes})


def test_a_case_counts_once_by_each_basis_on_the_days_of_its_zone():
    days = {key.basis: key.day for key in rules.contributions(case(), ZONE)}
    assert days == {
        "onset": date(2020, 2, 1),
        "diagnosed": date(2020, 2, 5),
        "reported": date(2020, 2, 5),
    }


def test_somebody_without_symptoms_counts_by_no_onset():
    bases = {key.basis for key in rules.contributions(case(onset_date=None), ZONE)}
    assert bases == {"diagnosed", "reported"}


def test_a_revision_moves_only_the_cells_that_differ():
    before = rules.contributions(case(), ZONE)
    after = rules.contributions(case(onset_date=date(2020, 2, 2)), ZONE)
    changes = rules.difference(before, after)
    assert [(key.basis, key.day.day, delta) for key, delta in changes] == [
        ("onset", 1, -1),
        ("onset", 2, 1),
    ]
    assert rules.difference(before, before) == []
