"""Days, halves of days, visits and chains."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import queries as packs
from fangkong.surveillance.screening import rules
from fangkong.surveillance.screening.rules import Link
from fangkong.surveillance.screening.types import Symptom

DAY = timedelta(days=1)
TODAY = date(2020, 2, 5)
CHINA = packs.pack("cn-2020-01")


@pytest.mark.parametrize(
    ("first", "last", "faults"),
    [
        (TODAY - DAY, TODAY, []),
        (TODAY, TODAY - DAY, [("last_date", "days_reversed")]),
        (TODAY, TODAY + DAY, [("last_date", "day_to_come")]),
        (TODAY - 400 * DAY, TODAY, [("first_date", "too_long")]),
        (TODAY - 365 * DAY, TODAY, []),
    ],
)
def test_days_of_an_exposure_have_been_and_are_in_order(first, last, faults):
    assert list(rules.exposure_faults(first, last, TODAY)) == faults


days = st.integers(0, 60).map(lambda n: TODAY + n * DAY)


@given(days, days, st.sets(days), days)
def test_every_day_of_an_observation_has_one_state(one, other, visited, today):
    first, last = min(one, other), max(one, other)
    found = rules.days(first, last, visited, today)

    assert [day for day, _ in found] == [first + n * DAY for n in range((last - first).days + 1)]
    for day, state in found:
        assert (state == "visited") == (day in visited)
        assert (state == "missed") == (day not in visited and day < today)
        assert (state == "due") == (day not in visited and day == today)


@pytest.mark.parametrize(("hour", "part"), [(0, "morning"), (11, "morning"), (12, "afternoon")])
def test_noon_parts_the_day(hour, part):
    assert rules.part_of(hour) == part


@pytest.mark.parametrize(
    ("found", "temperature", "symptoms", "met"),
    [
        (True, None, (), "well"),
        (True, 372, (), "well"),
        (True, 373, (), "ill"),
        (True, 365, ("cough",), "ill"),
        (False, None, (), "not_found"),
    ],
)
def test_fever_or_a_symptom_makes_ill(found, temperature, symptoms, met):
    assert rules.met(found, temperature, symptoms) == met


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"temperature": 339}, [("temperature", "no_temperature")]),
        ({"temperature": 430}, []),
        ({"symptoms": ["plague"]}, [("symptoms", "no_symptom")]),
        ({"found": False, "temperature": 370}, [("found", "nothing_to_measure")]),
        ({"day": TODAY - 2 * DAY}, [("done_at", "outside_the_days")]),
        ({"day": TODAY + 15 * DAY}, [("done_at", "outside_the_days")]),
    ],
)
def test_a_visit_lies_on_a_day_of_watching_and_measures_what_can_be(changes, faults):
    at = datetime(2020, 2, 5, 10, tzinfo=UTC)
    said = {
        "found": True,
        "temperature": 365,
        "symptoms": [],
        "known": Symptom.values,
        "done_at": at,
        "day": TODAY,
        "first": TODAY - DAY,
        "last": TODAY + 14 * DAY,
        "at": at,
    }
    assert list(rules.visit_faults(**{**said, **changes})) == faults
    ahead = {**said, "done_at": at + rules.SKEW}
    assert list(rules.visit_faults(**ahead)) == []
    ahead["done_at"] += timedelta(seconds=1)
    assert list(rules.visit_faults(**ahead)) == [("done_at", "moment_to_come")]


@pytest.mark.parametrize(
    ("today", "visited", "fault"),
    [
        (TODAY - DAY, False, "before_the_end"),
        (TODAY, False, "before_the_end"),
        (TODAY, True, ""),
        (TODAY + DAY, True, ""),
        (TODAY + DAY, False, "last_day_unvisited"),
    ],
)
def test_nobody_is_released_before_the_last_day_was_looked_at(today, visited, fault):
    assert rules.release_fault(TODAY, today, visited) == fault


def term(last, begun=None, on=date(2022, 7, 5)):
    found = packs.term(CHINA, "covid-19", "close-contact", last_exposure=last, on=on, begun=begun)
    return rules.phases_of(found)


@given(st.integers(0, 9), st.integers(0, 9))
def test_a_later_exposure_keeps_the_days_that_were_and_leaves_no_day_out(n, begun):
    first = date(2022, 7, 5)
    old = term(first, begun=first + begun * DAY)
    new = term(first + n * DAY, begun=first + max(n, begun) * DAY)

    found = rules.prolonged(old, new)

    assert found[-1] == new[-1]
    for before, after in pairwise(found):
        eve = date.fromisoformat(after["first"]) - DAY
        assert before["first"] <= before["last"]
        assert date.fromisoformat(before["last"]) == eve
    for part in found:
        assert all(part["first"] <= day <= part["last"] for day in part["tests"])


def test_the_stretch_of_a_day_and_the_days_in_a_facility_are_read_off_the_term():
    phases = term(date(2022, 7, 5))
    assert rules.central_days(phases) == (date(2022, 7, 6), date(2022, 7, 12))
    assert rules.phase_on(phases, date(2022, 7, 12))["place"] == "central"
    assert rules.phase_on(phases, date(2022, 7, 13))["place"] == "monitoring"
    assert rules.phase_on(phases, date(2022, 7, 5)) is None
    assert (rules.visits_a_day(phases), rules.central_days([])) == (2, (None, None))


# --- Chains ---


def link(source, target, first, last=None, **more):
    begin = TODAY + first * DAY
    end = begin if last is None else TODAY + last * DAY
    return Link(source, target, begin, end, **more)


def test_the_source_is_the_last_exposure_within_the_incubation_unless_one_is_named():
    early, late, beyond = link("a", "x", -10), link("b", "x", -3), link("c", "x", -15)

    assert rules.likeliest([beyond, early, late], TODAY, 14) == late
    assert rules.likeliest([beyond, early], TODAY, 14) == early
    assert rules.likeliest([beyond], TODAY, 14) is None
    assert rules.likeliest([beyond], TODAY, None) == beyond
    named = link("c", "x", -15, named=True)
    assert rules.likeliest([early, late, named], TODAY, 14) == named


def test_an_exposure_after_the_onset_infected_nobody_and_one_across_it_counts_to_it():
    after, across = link("a", "x", 1), link("b", "x", -20, 5)

    assert rules.likeliest([after], TODAY, 14) is None
    assert rules.likeliest([after, across], TODAY, 14) == across
    assert rules.likeliest([after, across], None, 14) == across


def test_generations_count_from_the_first_cases():
    onsets = {key: TODAY + n * 5 * DAY for n, key in enumerate("abcde")}
    links = [link("a", "b", 3), link("a", "c", 4), link("c", "d", 12), link("z", "e", 15)]

    found = rules.chain(onsets, links, 14)

    assert [list(row) for row in found.generations] == [["a", "e"], ["b", "c"], ["d"]]
    assert found.children("a") == ["b", "c"]
    assert not found.cut


def test_a_loop_is_cut_before_its_earliest_case_and_told():
    onsets = {"a": TODAY + 5 * DAY, "b": TODAY, "c": TODAY + 9 * DAY}
    loop = [link("a", "b", -1), link("b", "a", 3), link("a", "c", 6)]

    found = rules.chain(onsets, loop, 14)

    assert [one.target for one in found.cut] == ["b"]
    assert [list(row) for row in found.generations] == [["b"], ["a"], ["c"]]


keys = st.integers(0, 7)
some_links = st.lists(
    st.builds(
        lambda s, t, day, span, n: Link(s, t, TODAY + day * DAY, TODAY + (day + span) * DAY, key=n),
        keys,
        keys,
        st.integers(-20, 20),
        st.integers(0, 5),
        st.integers(0, 99),
    ),
    max_size=20,
)


@given(st.dictionaries(keys, st.one_of(st.none(), st.integers(-20, 20)), min_size=1), some_links)
def test_a_chain_has_every_case_once_and_no_loop(shifts, links):
    onsets = {key: None if n is None else TODAY + n * DAY for key, n in shifts.items()}

    found = rules.chain(onsets, links, 14)

    placed = [key for row in found.generations for key in row]
    assert sorted(placed) == sorted(onsets)
    depth = {key: n for n, row in enumerate(found.generations) for key in row}
    for key in onsets:
        source = found.sources.get(key)
        assert depth[key] == (0 if source is None else depth[source.source] + 1)
    assert not {one.target for one in found.cut} & set(found.sources)


def test_an_exposure_leads_to_the_first_case_that_began_with_it_or_later():
    cases = [("old", TODAY - 40 * DAY), ("new", TODAY + 3 * DAY), ("newest", TODAY + 60 * DAY)]
    assert rules.case_of_exposure(TODAY, cases) == "new"
    assert rules.case_of_exposure(TODAY + 3 * DAY, cases) == "new"
    assert rules.case_of_exposure(TODAY + 61 * DAY, cases) is None
