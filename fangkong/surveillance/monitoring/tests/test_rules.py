"""Clocks, days and counts, without a database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert "确诊病例" in [choice["zh"] for choice in fault.params["choices"]]


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


def faults(birth=None, **changes):
    return codes(rules.date_faults(facts(**changes), birth, now=AT, zone=ZONE))


def judged(**changes):
    found = rules.judgement_faults(PACK, facts(**changes), AT.date())
    return [(fault.code, fault.field) for fault in found]


days = st.none() | st.dates(date(2020, 1, 1), date(2020, 3, 1))


@pytest.mark.parametrize(
    ("condition", "hours"), [("covid-19", 2), ("plague", 2), ("measles", 24), ("influenza", 24)]
)
def test_covid_and_class_a_have_two_hours_and_every_other_disease_a_day(condition, hours):
    due = rules.report_due(PACK, facts(condition=condition, diagnosed_at=at(9)))
    assert due == at(9) + timedelta(hours=hours)


def test_covid_has_its_clock_from_20_january_and_had_none_the_day_before():
    before = facts(diagnosed_at=datetime(2020, 1, 19, 9, tzinfo=ZONE))
    assert rules.report_due(PACK, before) is None
    assert rules.report_due(PACK, facts(diagnosed_at=datetime(2020, 1, 20, 9, tzinfo=ZONE)))


def test_the_review_has_two_hours_for_covid_and_a_day_for_measles_from_its_receipt():
    assert rules.review_due(PACK, "covid-19", "confirmed", AT) == AT + timedelta(hours=2)
    assert rules.review_due(PACK, "measles", "confirmed", AT) == AT + timedelta(hours=24)


def test_the_number_is_county_year_and_five_digits_and_grows_beyond_them():
    assert rules.number("513326", 2020, 7) == "513326-2020-00007"
    assert rules.number("513326", 2020, 123456) == "513326-2020-123456"


def test_nobody_dies_before_onset_or_tomorrow():
    assert faults(died_on=date(2020, 2, 1)) == []
    assert faults(died_on=date(2020, 1, 31)) == ["death_before_onset"]
    assert faults(died_on=date(2020, 2, 6)) == ["death_in_future"]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"died_on": date(2020, 1, 20)}, []),  # the laboratory was slower
        ({"died_on": AT.date() - timedelta(days=200)}, []),  # found long after, as no law forbids
        ({"died_on": date(1960, 1, 1)}, ["death_before_birth"]),
        (
            {"died_on": date(1960, 1, 1), "onset_date": date(1950, 1, 1)},
            ["birth_after_onset"],
        ),
        ({"onset_date": date(1970, 1, 1)}, []),
        ({"onset_date": date(1969, 12, 31)}, ["birth_after_onset"]),
    ],
)
def test_nobody_dies_before_birth_or_long_before_the_diagnosis(changes, found):
    assert faults(date(1970, 1, 1), **{"onset_date": None, **changes}) == found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"onset_date": date(2014, 2, 5)}, []),
        ({"onset_date": date(2014, 2, 4)}, ["before_birth"]),
        ({"died_on": date(2014, 2, 4)}, ["before_birth"]),
    ],
)
def test_an_age_says_that_nothing_happened_before_birth(changes, found):
    """Five years old on 5 February 2020: not six yet, so born after 5 February 2014."""
    born = rules.earliest_birth(5, None, AT.date())
    said = facts(**{"onset_date": None, **changes})
    assert codes(rules.date_faults(said, None, now=AT, zone=ZONE, earliest=born)) == found


def test_who_was_born_on_a_leap_day_and_whose_age_is_in_months_was_born_too():
    assert rules.earliest_birth(0, None, date(2020, 2, 29)) == date(2019, 3, 1)
    assert rules.earliest_birth(None, 14, date(2020, 2, 5)) == date(2018, 2, 5)
    assert rules.earliest_birth(None, None, date(2020, 2, 5)) is None


def test_without_birth_and_age_nothing_lies_longer_back_than_a_life():
    assert faults(None, onset_date=date(1800, 1, 1)) == ["too_long_ago"]
    assert faults(None, onset_date=date(1900, 1, 1)) == []


@pytest.mark.parametrize(
    ("birth", "found"),
    [
        (date(2020, 2, 1), []),
        (date(2020, 2, 2), ["birth_after_onset"]),
        (date(2020, 2, 6), ["birth_in_future"]),
        (date(1890, 2, 5), []),
        (date(1889, 2, 5), ["birth_too_long_ago"]),
    ],
)
def test_a_patient_is_born_before_onset_and_not_longer_than_130_years_ago(birth, found):
    assert faults(birth) == found


def test_severity_grades_belong_to_covid_and_not_to_measles():
    assert judged(severity="mild") == []
    assert judged(condition="measles", severity="mild") == [("not_asked", "severity")]
    assert judged(severity="slight") == [("not_one_of", "severity")]


def test_hepatitis_b_must_say_acute_or_chronic():
    said = {"condition": "hepatitis-b", "severity": ""}
    assert judged(**said) == [("missing", "course")]
    assert judged(**said, course="acute") == []
    assert judged(condition="measles", severity="", course="acute") == [("not_asked", "course")]


def test_a_disease_is_not_managed_the_day_before_its_law():
    before = date(2020, 1, 19)
    assert [r.code for r in rules.condition_faults(PACK, "covid-19", before)] == ["not_managed"]
    assert rules.condition_faults(PACK, "covid-19", date(2020, 1, 20)) == []


def test_a_case_counts_on_the_day_it_is_in_ganzi_and_not_in_greenwich():
    late = datetime(2020, 2, 4, 17, tzinfo=ZoneInfo("UTC"))  # 01:00 on the 5th in Ganzi
    cells = rules.contributions(case(diagnosed_at=late), ZONE)
    assert [c.day for c in cells if c.basis == "diagnosed"] == [AT.date()]
    in_greenwich = rules.contributions(case(diagnosed_at=late), ZoneInfo("UTC"))
    assert [c.day for c in in_greenwich if c.basis == "diagnosed"] == [date(2020, 2, 4)]


@given(before=days, after=days, first=st.sampled_from("ab"), second=st.sampled_from("ab"))
def test_what_a_revision_takes_away_and_adds_leads_from_the_old_cells_to_the_new(
    before, after, first, second
):
    old = rules.contributions(case(onset_date=before, case_class=first), ZONE)
    new = rules.contributions(case(onset_date=after, case_class=second), ZONE)
    steps = rules.difference(old, new)
    lost = {key for key, delta in steps if delta == -1}
    gained = {key for key, delta in steps if delta == 1}
    assert (old - lost) | gained == new
    assert not lost & gained and len(steps) == len(lost) + len(gained)


def test_a_form_of_hepatitis_counts_for_hepatitis_and_not_the_other_way_round():
    assert "hepatitis-b" in rules.with_subtypes(PACK, "viral-hepatitis")
    assert rules.with_subtypes(PACK, "hepatitis-b") == ["hepatitis-b"]
    assert rules.with_subtypes(PACK, "dancing-plague") == ["dancing-plague"]


def ill(condition: str, day: int):
    return SimpleNamespace(condition=condition, diagnosed_at=at(9) + timedelta(days=day))


@pytest.mark.parametrize("days", [-90, 0, 90])
def test_a_diagnosis_within_ninety_days_is_about_the_same_illness(days):
    one = ill("covid-19", days)
    assert rules.same_illness(PACK, [one], "covid-19", at(9)) is one


@pytest.mark.parametrize("other", [ill("covid-19", -91), ill("covid-19", 91), ill("measles", 0)])
def test_a_later_diagnosis_or_one_of_another_disease_is_another_illness(other):
    assert rules.same_illness(PACK, [other], "covid-19", at(9)) is None


def test_forms_of_a_disease_are_one_illness_with_it_and_with_each_other():
    for form in ("viral-hepatitis", "hepatitis-a"):
        assert rules.same_illness(PACK, [ill("hepatitis-b", 3)], form, at(9)) is not None


def test_of_several_cases_the_nearest_is_meant_and_of_equally_near_ones_the_later():
    early, near, late = ill("covid-19", -60), ill("covid-19", -20), ill("covid-19", 20)
    assert rules.same_illness(PACK, [early, near], "covid-19", at(9)) is near
    assert rules.same_illness(PACK, [near, early, late], "covid-19", at(9)) is late
