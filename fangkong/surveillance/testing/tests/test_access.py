"""Who sees which tubes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from fangkong.core.walls.reach import of_request, reaching
from fangkong.people import queries as people
from fangkong.people.models import Person
from fangkong.people.tests.factories import person, resident_id
from fangkong.surveillance.testing import actions, queries
from fangkong.surveillance.testing.models import CustodyStep, Result, Specimen

from .factories import AT, collected, received, reported, requested, shipped, surface

pytestmark = pytest.mark.both_databases


def sees(user) -> set[str]:
    return set(queries.open_to(user, AT).values_list("number", flat=True))


def test_hospital_county_and_headquarters_follow_the_tube_from_the_request_on(world):
    own = requested(world)

    for who in (world.clinician, world.daofu_cdc, world.headquarters, world.auditor):
        assert sees(who) == {own.number}
    for who in (world.kangding_cdc, world.other_clinician, world.stranger, world.technician):
        assert sees(who) == set()


def test_the_county_where_the_person_lives_follows_it_too(world):
    number = resident_id("513301", order=5)
    elsewhere = requested(world, person=person(world.kangding, documents=[number]))

    assert sees(world.kangding_cdc) == {elsewhere.number}
    for may in (queries.open_to_send, queries.open_to_lose):
        assert list(may(world.kangding_cdc, AT)) == []
        assert list(may(world.daofu_cdc, AT)) == [elsewhere]


@pytest.mark.parametrize(
    ("make", "seen"), [(requested, 0), (collected, 1), (shipped, 1), (received, 1)]
)
def test_a_laboratory_sees_what_is_on_its_way_to_it_or_with_it(world, make, seen):
    make(world)

    assert len(sees(world.technician)) == seen
    assert sees(world.other_technician) == set()
    assert queries.open_to_test(world.technician, AT).count() == seen
    assert queries.open_to_test(world.clinician, AT).count() == 0


def test_a_laboratory_keeps_nobody_longer_than_its_positivity_is_counted(world):
    made = reported(world).specimen
    last = made.state_at + timedelta(days=14)

    for when, seen in ((last, {made.number}), (last + timedelta(seconds=1), set())):
        assert {one.number for one in queries.open_to(world.technician, when)} == seen
        assert people.open_to(world.technician, when).filter(pk=made.person_id).exists() is bool(
            seen
        )
        assert made in queries.open_to(world.clinician, when)


def test_the_bench_of_a_hospital_sees_nothing_that_goes_to_another_laboratory(world):
    shipped(world)

    assert sees(world.laboratory) == set()


def test_a_laboratory_no_longer_sees_what_was_sent_elsewhere(world):
    specimen = collected(world)
    actions.ship(specimen=specimen, laboratory=world.other_bench, by=world.clinician, at=AT)

    assert sees(world.technician) == set()
    assert sees(world.other_technician) == {specimen.number}


def test_who_waits_for_a_tube_or_has_it_says_that_it_is_lost(world):
    specimen = shipped(world)
    may = {
        name: queries.open_to_lose(getattr(world, name), AT).exists()
        for name in ("clinician", "technician", "daofu_cdc", "other_technician", "auditor")
    }
    assert may == {
        "clinician": True,
        "technician": True,
        "daofu_cdc": True,
        "other_technician": False,
        "auditor": False,
    }

    actions.receive(specimen=specimen, by=world.technician, at=AT)

    assert not queries.open_to_lose(world.clinician, AT).exists()
    assert queries.open_to_lose(world.technician, AT).exists()


def test_those_who_test_a_person_know_the_person(world):
    def knows(user):
        return people.open_to(user, AT).filter(pk=world.person.pk).exists()

    requested(world)
    assert [knows(who) for who in (world.clinician, world.technician)] == [True, False]

    actions.collect(specimen=Specimen.objects.get(), by=world.clinician, at=AT)
    assert [knows(who) for who in (world.technician, world.other_technician)] == [True, False]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such wall")
def test_the_second_wall_keeps_rows_apart_where_a_query_forgets(world):
    result = reported(world)
    surface(world, facility=world.other_hospital, laboratory=world.other_bench)

    def seen_by(user):
        class Asked:
            now = AT

        Asked.user = user
        with reaching(of_request(Asked)):
            models = (Specimen, CustodyStep, Result, Person)
            return [model.objects.count() for model in models]

    assert result.specimen.county == world.daofu
    for who in (world.clinician, world.technician, world.daofu_cdc):
        assert seen_by(who) == [1, 6, 1, 1]
    assert seen_by(world.other_technician) == [1, 1, 0, 0]
    assert seen_by(world.headquarters) == [2, 7, 1, 1]
