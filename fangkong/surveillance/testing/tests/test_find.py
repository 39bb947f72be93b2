"""The search over everything finds tubes by their number, each for those who may see it."""

from __future__ import annotations

import pytest

from fangkong.accounts.tests.factories import staff
from fangkong.core import finders
from fangkong.core.roles import Role

from .factories import AT, facts, requested, shipped
from .pooling import LATER, opened

pytestmark = pytest.mark.both_databases


def found(user, text, at=AT):
    return {one.title: one for group in finders.find(user, at, text) for one in group.found}


def test_a_specimen_is_found_by_the_beginning_of_its_number_and_masked(world):
    tube = requested(world)
    number = tube.number

    for text in (number, number.lower(), f" {number[:7]}-{number[7:9]}-{number[9:]}", number[:9]):
        shown = found(world.clinician, text)[number]
        assert shown.url == tube.get_absolute_url()
        assert shown.record == tube  # whose it is is noted as seen
        assert world.person.name not in shown.note and world.person.masked_name in shown.note
    assert number in found(world.headquarters, number)
    assert found(world.clinician, number[:3]) == found(world.clinician, number[5:]) == {}


def test_nobody_finds_the_tube_of_another_place_or_before_it_comes(world):
    tube = shipped(world)

    assert tube.number in found(world.technician, tube.number)
    for other in (
        world.other_clinician,
        world.other_technician,
        world.stranger,
        world.kangding_cdc,
    ):
        assert found(other, tube.number) == {}
    assert found(staff(Role.EDITOR, area=world.daofu), tube.number) == {}
    asked = requested(world, facts=facts(specimen_type="nasopharyngeal-swab"))
    assert found(world.technician, asked.number) == {}


def test_a_pool_and_a_tube_that_brought_its_own_number_are_found(world):
    pool = opened(world)
    own = opened(world, number="VTM-0042")

    assert found(world.clinician, pool.number, LATER)[pool.number].url == pool.get_absolute_url()
    assert set(found(world.clinician, "vtm-00", LATER)) == {own.number}
    assert found(world.other_clinician, pool.number, LATER) == {}


def test_a_word_asks_no_table_of_tubes_and_a_number_two(world, django_assert_num_queries):
    finders.find(world.headquarters, AT, "dao")
    with django_assert_num_queries(0):
        from fangkong.surveillance.testing.finders import tubes

        assert list(tubes(world.headquarters, AT, "daofu")) == []
        assert list(tubes(world.headquarters, AT, "S51")) == []
    with django_assert_num_queries(2):
        assert list(tubes(world.headquarters, AT, "S513326200000012")) == []
