"""What appointments add up to: where a user holds a permission at a moment."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.accounts import queries, rules
from fangkong.accounts.models import User
from fangkong.accounts.tests import factories
from fangkong.accounts.types import VIEW_STAFF
from fangkong.core.permissions import NOWHERE, Permission, Scope
from fangkong.core.roles import Role
from fangkong.places.tests.factories import facility

AT = factories.AT
DAY = AT.date()
SEE = Permission("core.test.see", "See", frozenset({Role.COUNTY_CDC, Role.HOSPITAL}))


def scope(user, at=AT) -> Scope:
    return User.objects.get(pk=user.pk).scope(SEE, at)


def test_a_county_role_holds_in_its_county(member, areas):
    assert scope(member) == Scope(county_ids=frozenset({areas["513326"].pk}))


def test_a_role_without_the_permission_holds_nowhere(areas):
    assert scope(factories.staff(Role.EDITOR, area=areas["513300"])) == NOWHERE


def test_an_account_without_a_role_holds_nowhere(db):
    assert scope(factories.user()) == NOWHERE


def test_a_role_for_the_home_area_or_above_it_holds_everywhere(areas):
    for code in ("513300", "510000", "000000"):
        assert scope(factories.staff(Role.COUNTY_CDC, area=areas[code])).everywhere


def test_a_role_for_another_prefecture_holds_in_its_counties_only(areas):
    found = scope(factories.staff(Role.COUNTY_CDC, area=areas["513200"]))

    assert found == Scope(county_ids=frozenset({areas["513221"].pk}))


def test_a_role_for_a_township_holds_in_it_and_what_lies_in_it_but_not_in_its_county(areas):
    found = scope(factories.staff(Role.COUNTY_CDC, area=areas["513326100"]))

    assert found == Scope(area_ids=frozenset({areas["513326100"].pk, areas["513326-G01"].pk}))


def test_a_role_for_a_facility_holds_in_it_alone(areas):
    house = facility(areas["513326"])
    found = scope(factories.staff(Role.HOSPITAL, facility=house))

    assert found == Scope(facility_ids=frozenset({house.pk}))


def test_several_appointments_add_up(member, areas):
    house = facility(areas["513328"])
    factories.appointment(member, Role.HOSPITAL, facility=house)
    factories.appointment(member, Role.COUNTY_CDC, area=areas["513301"])
    factories.appointment(member, Role.EDITOR, area=areas["513328"])

    assert scope(member) == Scope(
        county_ids=frozenset({areas["513326"].pk, areas["513301"].pk}),
        facility_ids=frozenset({house.pk}),
    )


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "holds"),
    [
        (DAY, DAY, True),
        (DAY, None, True),
        (DAY - timedelta(days=9), DAY, True),
        (DAY + timedelta(days=1), None, False),
        (DAY - timedelta(days=9), DAY - timedelta(days=1), False),
    ],
)
def test_only_an_appointment_in_force_today_gives_anything(areas, valid_from, valid_to, holds):
    user = factories.user()
    factories.appointment(
        user, Role.COUNTY_CDC, area=areas["513326"], valid_from=valid_from, valid_to=valid_to
    )

    assert bool(scope(user)) is holds


def test_an_appointment_of_this_day_holds_from_midnight_to_midnight_in_china(areas):
    user = factories.user()
    factories.appointment(user, Role.COUNTY_CDC, area=areas["513326"], valid_from=DAY, valid_to=DAY)
    midnight = AT.replace(hour=0)

    assert scope(user, midnight)
    assert scope(user, midnight + timedelta(hours=24) - timedelta(microseconds=1))
    assert not scope(user, midnight - timedelta(microseconds=1))
    assert not scope(user, midnight + timedelta(hours=24))


def test_a_closed_account_holds_nothing_and_has_no_role(member):
    User.objects.filter(pk=member.pk).update(is_active=False)
    closed = User.objects.get(pk=member.pk)

    assert closed.scope(SEE, AT) == NOWHERE
    assert closed.roles(AT) == frozenset()


def test_a_page_asks_for_the_appointments_once(member, django_assert_num_queries):
    fresh = User.objects.get(pk=member.pk)

    with django_assert_num_queries(1):
        for _ in range(5):
            fresh.scope(SEE, AT)
            fresh.scope(VIEW_STAFF, AT)
            fresh.roles(AT)


def test_the_staff_list_is_open_to_administrators_and_auditors_only(areas, administrator, member):
    auditor = factories.staff(Role.AUDITOR, area=areas["513300"])

    for reader in (administrator, auditor):
        assert member in queries.open_to(reader, AT)
    assert not queries.open_to(member, AT).exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_staff_list_needs_two_statements_whatever_its_length(
    administrator, areas, count, django_assert_num_queries
):
    for _ in range(count):
        factories.staff(Role.HOSPITAL, area=areas["513326"])
    rows = queries.open_to(administrator, AT)
    administrator.scope(VIEW_STAFF, AT)

    with django_assert_num_queries(2):
        assert all(a.place_name for user in rows for a in user.appointments.all())


ids = st.frozensets(st.integers(1, 5))
scopes = st.builds(Scope, everywhere=st.booleans(), county_ids=ids, area_ids=ids, facility_ids=ids)


@given(st.lists(scopes, max_size=4), st.integers(1, 5))
def test_together_scopes_hold_exactly_where_one_of_them_does(several, place):
    whole = rules.united(several)

    for kind in ("county_id", "area_id", "facility_id"):
        assert whole.holds(**{kind: place}) is any(one.holds(**{kind: place}) for one in several)


@given(st.lists(scopes, max_size=4), st.randoms())
def test_the_order_of_appointments_is_no_matter(several, chance):
    shuffled = list(several)
    chance.shuffle(shuffled)

    assert rules.united(shuffled) == rules.united(several)


def test_demonstration_accounts_are_shown_in_a_demonstration_only(settings, areas):
    factories.staff(Role.EDITOR, area=areas["513300"], username="demo1", synthetic=True)
    factories.staff(Role.EDITOR, area=areas["513300"], username="real1")
    factories.staff(
        Role.EDITOR, area=areas["513300"], username="demo2", synthetic=True, is_active=False
    )
    settings.FANGKONG_TODAY = date(2020, 2, 5)

    settings.FANGKONG_DEMO = False
    assert queries.demo_accounts() == []
    settings.FANGKONG_DEMO = True
    assert [username for username, _roles in queries.demo_accounts()] == ["demo1"]
