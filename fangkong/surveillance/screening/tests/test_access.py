"""Who sees which contacts and observations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangkong.core.walls.reach import of_request, reaching
from fangkong.people import queries as people
from fangkong.people.models import Person
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.screening import jobs, joining, queries
from fangkong.surveillance.screening.models import Exposure, Observation, Visit

from .factories import AT, DAY, HOUR, contact, somebody, visited, watched

pytestmark = pytest.mark.both_databases


def names(user, rows) -> list[bool]:
    return [rows(who, AT).exists() for who in user]


def everybody(world):
    return (
        world.daofu_cdc,
        world.headquarters,
        world.auditor,
        world.doctor,
        world.clinician,
        world.kangding_cdc,
        world.stranger,
        world.laboratory,
    )


def test_county_and_headquarters_see_contacts_and_the_unit_only_whom_it_visits(world):
    watched(world)
    who = everybody(world)

    assert names(who, queries.open_to) == [True] * 4 + [False] * 4
    assert names(who, queries.open_to_visit) == [True, True, False, True] + [False] * 4
    assert names(who, queries.open_to_manage) == [True, True] + [False] * 6
    assert names(who, queries.contacts_open_to) == [True] * 3 + [False] * 5
    assert names(who, queries.contacts_to_judge) == [True, True] + [False] * 6


def test_a_unit_knows_the_person_it_visits_and_another_one_does_not(world):
    watch = watched(world)

    def knows(user):
        return people.open_to(user, AT).filter(pk=watch.person_id).exists()

    assert [knows(world.doctor), knows(world.clinician)] == [True, False]


def test_a_contact_elsewhere_is_watched_there_and_both_counties_see_the_contact(world):
    made = contact(world, person=somebody(world, area=world.kangding))

    for who in (world.daofu_cdc, world.kangding_cdc):
        assert list(queries.contacts_open_to(who, AT)) == [made]
    assert not queries.open_to(world.daofu_cdc, AT).exists()
    assert queries.open_to(world.kangding_cdc, AT).exists()
    assert queries.observations_of([made], world.daofu_cdc, AT) == {}
    assert queries.cases_of([made], world.kangding_cdc, AT) == {}
    assert list(queries.cases_of([made], world.daofu_cdc, AT)) == [world.case.pk]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such wall")
def test_the_second_wall_keeps_rows_apart_where_a_query_forgets(world):
    watch = watched(world)
    visited(watch, world)
    contact(world, 2, person=somebody(world, 2, area=world.kangding))

    def seen_by(user):
        class Asked:
            now = AT

        Asked.user = user
        with reaching(of_request(Asked)):
            models = (Exposure, Observation, Visit, Case)
            return [model.objects.count() for model in models]

    assert seen_by(world.daofu_cdc) == [2, 1, 1, 1]
    assert seen_by(world.doctor) == [0, 1, 1, 0]
    assert seen_by(world.kangding_cdc) == [1, 1, 0, 0]
    assert seen_by(world.clinician) == [0, 0, 0, 1]


def test_the_day_of_a_team_is_one_statement(world):
    first, second, third = (watched(world, n) for n in (1, 2, 3))
    visited(first, world)
    with CaptureQueriesContext(connection) as made:
        found = queries.today(world.doctor, AT)
    assert len([one for one in made if "surveillance_observation" in one["sql"]]) == 1
    assert (found.watched, found.to_visit, found.missed) == (3, 2, 0)

    later = AT + 4 * HOUR  # two visits a day: the afternoon has its own
    assert queries.today(world.doctor, later).to_visit == 3
    assert queries.rounds(world.doctor, AT) == [second, third]
    assert queries.today(world.doctor, AT + DAY).missed == 2
    assert queries.today(world.clinician, AT) == queries.Today(0, 0, 0, 0, 0)


def test_to_be_released_is_whose_last_day_is_over_or_was_looked_at(world):
    watch = watched(world)
    last = AT + timedelta(days=13)

    def waiting(at):
        return list(queries.to_release(queries.open_to(world.daofu_cdc, at), at))

    assert waiting(last) == []
    assert waiting(last + DAY) == [watch]
    visited(watch, world, at=last)
    assert waiting(last) == [watch]


def test_contacts_and_those_who_are_watched_are_kept_and_nobody_else(world):
    watch = watched(world)
    nobody = somebody(world, 5)
    long = AT + 70 * DAY

    for at, kept in ((AT, {watch.person_id}), (long, {watch.person_id})):
        assert set(jobs.watched([watch.person_id, nobody.pk], at)) == kept
    Observation.objects.update(ending="term", ended_date=AT.date())
    assert set(jobs.watched([watch.person_id], long)) == set()
    assert Person.objects.filter(pk=watch.person_id).exists()


def test_two_records_of_a_person_are_joined_only_where_contacts_and_observations_can_stand(world):
    first, second, third = somebody(world, 1), somebody(world, 2), somebody(world, 3)
    contact(world, person=first)
    contact(world, person=second)

    def obstacles(kept, gone):
        said = (joining.contacts_stand, joining.observations_stand)
        return [one.url for stands in said for one in stands(kept.pk, gone.pk, AT)]

    twice = Exposure.objects.get(person=second)
    watch = Observation.objects.get(person=second)
    assert obstacles(first, second) == [twice.get_absolute_url(), watch.get_absolute_url()]
    assert obstacles(first, third) == obstacles(third, first) == []
    own = obstacles(world.case.person, first)
    assert own == obstacles(first, world.case.person)
    assert own == [Exposure.objects.get(person=first).get_absolute_url()]
