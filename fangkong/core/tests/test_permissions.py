"""Scopes: what a query keeps and what one record's check allows are the same."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangkong.core import permissions
from fangkong.core.permissions import NOWHERE, Scope
from fangkong.core.roles import Role
from fangkong.places.models import Area, Facility
from fangkong.places.tests import factories as places


@pytest.fixture
def facilities(db):
    """Three facilities: in a county's seat, in another county, and at the prefecture itself."""
    cache.clear()
    world = places.world()
    return [
        places.facility(world["513326"]),
        places.facility(world["513328"], "甘孜县人民医院"),
        places.facility(world["513300"], "甘孜州疾控中心"),
    ]


def kept(scope: Scope) -> set[int]:
    q = scope.q(county="area__county_id", area="area_id", facility="pk")
    return set(Facility.objects.filter(q).values_list("pk", flat=True))


def held(scope: Scope) -> set[int]:
    return {
        one.pk
        for one in Facility.objects.select_related("area")
        if scope.holds(county_id=one.area.county_id, area_id=one.area_id, facility_id=one.pk)
    }


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_query_and_the_check_of_one_record_always_agree(facilities, data):
    areas = st.frozensets(st.sampled_from(list(Area.objects.values_list("pk", flat=True))))
    houses = st.frozensets(st.sampled_from([one.pk for one in facilities]))
    scope = Scope(
        everywhere=data.draw(st.integers(0, 5)) == 5,
        county_ids=data.draw(areas),
        area_ids=data.draw(areas),
        facility_ids=data.draw(houses),
    )

    assert kept(scope) == held(scope)


def test_an_empty_scope_shows_nothing_and_counts_as_no(facilities):
    assert kept(NOWHERE) == held(NOWHERE) == set()
    assert not NOWHERE


def test_everywhere_shows_all(facilities):
    assert kept(Scope(everywhere=True)) == {one.pk for one in facilities}


def test_a_county_shows_what_lies_in_it_and_not_its_neighbour(facilities):
    daofu = Area.objects.get(code="513326")

    assert kept(Scope(county_ids=frozenset({daofu.pk}))) == {facilities[0].pk}


def test_a_place_without_a_county_lies_in_no_county(facilities):
    counties = frozenset(Area.objects.filter(level="county").values_list("pk", flat=True))

    assert facilities[2].pk not in kept(Scope(county_ids=counties))
    assert not Scope(county_ids=counties).holds(county_id=None)


def test_a_table_without_facilities_lets_a_facility_scope_see_nothing(facilities):
    scope = Scope(facility_ids=frozenset({facilities[0].pk}))

    assert not Facility.objects.filter(scope.q(county="area__county_id", area="area_id")).exists()
    assert Facility.objects.filter(scope.q(facility="pk")).get() == facilities[0]


def test_a_permission_is_declared_once_only():
    name = "core.test.declared_twice"
    permissions.declare(name, "Test", roles=[Role.EDITOR])
    try:
        with pytest.raises(ValueError, match="twice"):
            permissions.declare(name, "Test", roles=[Role.AUDITOR])
    finally:
        del permissions._declared[name]


def test_every_permission_is_held_by_roles_that_exist_and_named_after_its_place():
    known = {str(role.value) for role in Role}

    for permission in permissions.declared():
        assert permission.roles, permission.name
        assert {str(role) for role in permission.roles} <= known, permission.name
        assert str(permission.label), permission.name
        assert all(part.isidentifier() for part in permission.name.split(".")), permission.name


def test_the_last_day_of_an_area_is_no_matter_of_scope(facilities):
    daofu = Area.objects.get(code="513326")
    Area.objects.filter(pk=daofu.pk).update(valid_to=date(2020, 1, 1))

    assert kept(Scope(county_ids=frozenset({daofu.pk}))) == {facilities[0].pk}
