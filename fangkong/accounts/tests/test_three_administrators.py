"""Three administrators (三员分立): nobody holds two, nor helps themselves; the last one stays."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from fangkong.accounts import actions, rules
from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.roles import Role

THREE = (Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR)
PAIRS = list(permutations(THREE, 2))


@given(st.sampled_from(list(Role)), st.sets(st.sampled_from(list(Role))))
def test_only_the_three_clash_and_each_with_both_others(role, held):
    clash = rules.clashing(role.value, {one.value for one in held})

    expected = {one.value for one in held if one in THREE and one != role}
    assert clash == (expected if role in THREE else set())


@pytest.fixture
def office(client, administrator):
    client.force_login(administrator)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def today(areas):
    return clock.day_of(clock.now())


def give(client, member, role, area, **days):
    address = reverse("accounts:appoint", args=[member.public_id])
    asked = {
        "role": role.value,
        "area": str(area.public_id),
        "valid_from": str(clock.day_of(clock.now())),
    }
    return client.post(address, {"_key": str(uuid4()), **asked, **days})


@pytest.mark.django_db
@pytest.mark.parametrize(("held", "asked"), PAIRS)
def test_the_page_gives_nobody_a_second_of_the_three(office, areas, held, asked):
    member = factories.staff(held, area=areas["513300"])

    answer = give(office, member, asked, areas["513300"])

    assert answer.status_code == 422
    assert "Give the role to somebody else" in answer.content.decode()
    assert member.appointments.count() == 1
    assert give(office, member, Role.INSPECTOR, areas["513300"]).status_code == 302


@pytest.mark.django_db
def test_one_after_the_other_is_no_clash_but_a_shared_day_is(office, areas, today):
    member = factories.user("zhuoma")
    factories.appointment(member, Role.SECURITY, area=areas["513300"], valid_to=today)

    shared = give(office, member, Role.AUDITOR, areas["513300"])
    after = give(
        office, member, Role.AUDITOR, areas["513300"], valid_from=str(today + timedelta(days=1))
    )

    assert (shared.status_code, after.status_code) == (422, 302)


@pytest.mark.django_db
def test_a_house_that_is_too_small_may_say_so(office, areas, settings):
    settings.FANGKONG_SEPARATE_ADMINISTRATORS = False
    member = factories.staff(Role.SECURITY, area=areas["513300"])

    assert give(office, member, Role.AUDITOR, areas["513300"]).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("role", THREE)
def test_an_administrator_gives_nothing_to_themselves(office, administrator, areas, role):
    assert give(office, administrator, role, areas["513300"]).status_code == 422
    assert administrator.appointments.count() == 1


@pytest.mark.django_db
def test_the_last_administrator_stays(administrator, areas, today):
    other = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    at = clock.now()
    mine, theirs = administrator.appointments.get(), other.appointments.get()

    # Each lets the other's office end today: tomorrow there would be nobody.
    actions.end_appointment(appointment=theirs, last_day=today, by=administrator, at=at)
    with pytest.raises(actions.LastAdministrator):
        actions.end_appointment(appointment=mine, last_day=today, by=other, at=at)
    with pytest.raises(actions.LastAdministrator):
        actions.set_active(user=administrator, active=False, by=other, at=at)

    factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    actions.end_appointment(appointment=mine, last_day=today, by=other, at=at)


@pytest.mark.django_db
def test_an_office_that_is_closed_or_ends_itself_is_no_successor(administrator, areas, today):
    other = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    factories.staff(Role.ADMINISTRATOR, area=areas["513300"], is_active=False)
    at = clock.now()
    later = today + timedelta(days=9)
    actions.end_appointment(appointment=other.appointments.get(), last_day=later, by=administrator,
                            at=at)  # fmt: skip

    with pytest.raises(actions.LastAdministrator):
        actions.end_appointment(
            appointment=administrator.appointments.get(), last_day=today, by=other, at=at
        )

    factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    actions.end_appointment(
        appointment=administrator.appointments.get(), last_day=today, by=other, at=at
    )
