"""For which facilities one may report: decided from memory for machines, by the database for pages.

The two must never differ, whatever the office, the token, the facility and the day.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import chain, combinations

import pytest
from django.http import Http404

from fangkong.accounts.models import User
from fangkong.accounts.tests.factories import appointment, staff, user
from fangkong.core.roles import Role
from fangkong.places import actions as places
from fangkong.places.models import Facility
from fangkong.places.tests.factories import facility
from fangkong.places.tests.factories import world as areas
from fangkong.places.types import VIEW, FacilityFacts
from fangkong.surveillance.monitoring import queries
from fangkong.surveillance.monitoring.types import REPORT

from .factories import AT

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
OF_FACILITIES = {Role.HOSPITAL, Role.WARD_STAFF, Role.LABORATORY, Role.STORE_KEEPER,
                 Role.FIELD_WORKER}  # fmt: skip
WHERE = ["510000", "513200", "513300", "513221", "513326", "513328", "513326100", "513326-G01"]


@pytest.fixture
def there(settings):
    """Areas in and beside the home area, each with a facility."""
    settings.FANGKONG_AREA = "513300"
    made = areas()
    for code in WHERE:
        facility(made[code], f"{code}卫生院")
    return made


def by_memory(member, at=AT):
    found = set()
    for one in Facility.objects.order_by("pk"):
        try:
            found.add(queries.facility_to_report_for(member, at, one.public_id).name_zh)
        except Http404:
            continue
    return found


def by_database(member, at=AT):
    return {one.name_zh for one in queries.facilities_to_report_for(member, at)}


def fresh(member: User, *limits: frozenset[str] | None) -> list[User]:
    """The same user as each of some tokens finds them."""
    found = []
    for limit in limits:
        again = User.objects.get(pk=member.pk)
        again.limited_to = limit
        found.append(again)
    return found


LIMITS = (None, frozenset({REPORT.name}), frozenset({REPORT.name, VIEW.name}),
          frozenset({VIEW.name}), frozenset())  # fmt: skip


@pytest.mark.parametrize("role", [role for role in Role if role not in OF_FACILITIES])
def test_an_office_of_an_area_reports_for_the_same_facilities_by_both_ways(there, role):
    for code in WHERE:
        for member in fresh(staff(role, area=there[code], username=f"{role}-{code}"), *LIMITS):
            assert by_memory(member) == by_database(member), (code, member.limited_to)


@pytest.mark.parametrize("role", sorted(OF_FACILITIES))
def test_an_office_of_a_facility_reports_for_the_same_facilities_by_both_ways(there, role):
    for one in Facility.objects.order_by("pk"):
        for member in fresh(staff(role, facility=one, username=f"{role}-{one.pk}"), *LIMITS):
            assert by_memory(member) == by_database(member), (one, member.limited_to)


def test_several_offices_at_once_and_none(there):
    of_facility = Facility.objects.get(name_zh="513221卫生院")
    offices = [
        (Role.HOSPITAL, {"facility": of_facility}),
        (Role.COUNTY_CDC, {"area": there["513326"]}),
        (Role.COUNTY_CDC, {"area": there["513221"], "valid_to": AT.date() - timedelta(days=1)}),
        (Role.EDITOR, {"area": there["513300"]}),
    ]
    held = chain.from_iterable(combinations(offices, n) for n in range(len(offices) + 1))
    sizes = set()
    for n, chosen in enumerate(held):
        member = user(f"member-{n}")
        for role, place in chosen:
            appointment(member, role, **place)
        again = User.objects.get(pk=member.pk)
        assert by_memory(again) == by_database(again), chosen
        sizes.add(len(by_database(again)))
    assert len(sizes) > 2  # not the same for all


def test_a_facility_that_moves_and_one_that_is_new_count_at_once(there):
    member = staff(Role.COUNTY_CDC, area=there["513326"])
    before = by_memory(member)
    moves = Facility.objects.get(name_zh="513326卫生院")

    facts = FacilityFacts(area_id=there["513328"].pk, name_zh=moves.name_zh, kind="hospital")
    places.change_facility(facility=moves, facts=facts, by=None, at=AT)
    facility(there["513326"], "新建卫生院")

    (again,) = fresh(member, None)
    assert by_memory(again) == by_database(again) == before - {moves.name_zh} | {"新建卫生院"}


def test_the_two_ways_are_told_apart_where_one_forgets_something(there, monkeypatch):
    member = staff(Role.COUNTY_CDC, area=there["513326"])
    monkeypatch.setattr(queries.places, "may", lambda *facts: True)

    assert by_memory(member) != by_database(member)


def test_nobody_reports_for_a_checkpoint_a_school_or_a_store(there):
    member = staff(Role.COUNTY_CDC, area=there["513326"])
    for kind in ("checkpoint", "school", "emergency_store", "headquarters", "laboratory"):
        facility(there["513326"], f"道孚{kind}", kind=kind)

    names = by_database(member)

    assert names == by_memory(member)
    assert {"513326卫生院", "道孚laboratory"} <= names
    assert not any(kind in name for name in names for kind in ("checkpoint", "school", "store"))
    assert not {one.name_zh for one in queries.facilities_to_import_for(member, AT)} - names
