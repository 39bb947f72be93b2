"""Add staff, appoint them, end, close and reset: each with its nearest refusal."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils.translation import override

from fangkong.accounts import actions
from fangkong.accounts.models import Appointment, User
from fangkong.accounts.tests import factories
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once

AT = factories.AT
DAY = AT.date()
PASSWORD = factories.PASSWORD


def add(username="zhuoma", password=PASSWORD, **facts):
    return actions.add_staff(
        **{
            "username": username,
            "name": "卓玛",
            "password": password,
            "by": None,
            "at": AT,
            **facts,
        }
    )


def appoint(user, by, **facts):
    said = {
        "role": Role.HOSPITAL,
        "area": None,
        "facility": None,
        "valid_from": DAY,
        "valid_to": None,
    }
    return actions.appoint(user=user, by=by, at=AT, **{**said, **facts})


def lines():
    return list(AuditLine.objects.order_by("id").values_list("action", flat=True))


# --- Add ------------------------------------------------------------------------------------------


def test_a_new_account_can_sign_in_but_sees_nothing_yet(administrator):
    made = add(by=administrator)

    assert made.check_password(PASSWORD)
    assert made.is_active
    assert made.roles(AT) == frozenset()
    line = AuditLine.objects.get(action="accounts.add_staff")
    assert (line.subject_id, line.by_id, line.detail) == (made.pk, administrator.pk, {})


def test_a_taken_user_name_is_refused(administrator):
    add("zhuoma")

    with pytest.raises(actions.NameTaken) as refusal:
        add("zhuoma")

    assert refusal.value.status == 409
    assert User.objects.filter(username="zhuoma").count() == 1
    assert add("zhuoma2").pk


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_name_at_the_same_moment_one_is_refused_in_words():
    results = at_once(lambda _n: add("zhuoma"))

    assert sorted(type(result).__name__ for result in results) == ["NameTaken", "User"]
    assert User.objects.count() == 1
    assert lines() == ["accounts.add_staff"]


@pytest.mark.parametrize(
    "password",
    ["", "short-one", "password1234", "zhuoma-zhuoma", "1" * 11, "202002051000"],
)
def test_a_weak_password_is_refused_with_what_is_missing(db, password):
    with pytest.raises(actions.WeakPassword) as refusal:
        add("zhuoma-zhuoma", password=password)

    assert refusal.value.status == 422
    assert str(refusal.value)
    assert not User.objects.exists()
    assert lines() == []


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short-one", "密码太短，至少需要 12 个字符。"),
        ("202002051000", "密码只包含数字。"),
        ("password1234", "这个密码太常见了。"),
    ],
)
def test_what_is_wrong_with_a_password_is_said_in_chinese_too(db, password, said):
    with override("zh-hans"), pytest.raises(actions.WeakPassword) as refusal:
        add(password=password)

    assert str(refusal.value) == said


def test_the_password_is_nowhere_but_in_its_hash(db):
    made = add()

    assert PASSWORD not in str(list(AuditLine.objects.values()))
    assert PASSWORD not in made.password
    assert made.password.startswith("argon2")


# --- Appoint --------------------------------------------------------------------------------------


def test_an_appointment_gives_its_role_from_its_first_day(administrator, member, areas):
    appoint(member, administrator, area=areas["513326"], valid_from=DAY)

    fresh = User.objects.get(pk=member.pk)
    assert Role.HOSPITAL in fresh.roles(AT)
    assert Role.HOSPITAL not in fresh.roles(AT - timedelta(days=1))
    line = AuditLine.objects.get(action="accounts.appoint")
    assert (line.subject_id, line.by_id) == (member.pk, administrator.pk)
    assert line.detail["role"] == "hospital"


def test_nobody_appoints_themselves(administrator, areas):
    count = Appointment.objects.count()

    with pytest.raises(actions.NotYourself) as refusal:
        appoint(administrator, administrator, area=areas["513300"])

    assert refusal.value.status == 403
    assert Appointment.objects.count() == count


@pytest.mark.parametrize("which", ["neither", "both"])
def test_an_appointment_is_for_an_area_or_for_a_facility(administrator, member, areas, which):
    from fangkong.places.tests.factories import facility

    places = {"area": areas["513326"], "facility": facility(areas["513326"])}
    with pytest.raises(actions.PlaceMissing):
        appoint(member, administrator, **(places if which == "both" else {}))

    for name, place in places.items():
        assert appoint(member, administrator, **{name: place}).pk


def test_an_appointment_that_ends_before_it_starts_is_refused(administrator, member, areas):
    ask = {"area": areas["513326"], "valid_from": DAY}

    with pytest.raises(actions.EndsTooEarly):
        appoint(member, administrator, valid_to=DAY - timedelta(days=1), **ask)

    assert appoint(member, administrator, valid_to=DAY, **ask).valid_to == DAY


# --- End ------------------------------------------------------------------------------------------


@pytest.fixture
def appointment(member):
    return member.appointments.get()


def end(appointment, by, last_day=DAY):
    return actions.end_appointment(appointment=appointment, last_day=last_day, by=by, at=AT)


def test_an_ended_role_holds_through_its_last_day(administrator, member, appointment):
    end(appointment, administrator)

    fresh = User.objects.get(pk=member.pk)
    assert Role.COUNTY_CDC in fresh.roles(AT)
    assert Role.COUNTY_CDC not in fresh.roles(AT + timedelta(days=1))
    appointment.refresh_from_db()
    assert appointment.changed_by_id == administrator.pk
    line = AuditLine.objects.get(action="accounts.end_appointment")
    assert line.detail == {"role": "county_cdc", "to": DAY.isoformat()}


def test_nobody_ends_a_role_of_their_own(administrator):
    with pytest.raises(actions.NotYourself):
        end(administrator.appointments.get(), administrator)


def test_a_role_does_not_end_before_it_began(administrator, appointment):
    with pytest.raises(actions.EndsTooEarly):
        end(appointment, administrator, last_day=factories.LONG_AGO - timedelta(days=1))

    assert end(appointment, administrator, last_day=factories.LONG_AGO)


def test_an_ended_role_is_not_ended_again_or_made_longer(administrator, appointment):
    end(appointment, administrator)

    for later in (DAY, DAY + timedelta(days=5)):
        with pytest.raises(actions.AlreadyEnded):
            end(appointment, administrator, last_day=later)
    assert end(appointment, administrator, last_day=DAY - timedelta(days=1))


# --- Close, open, reset ---------------------------------------------------------------------------


def test_a_closed_account_keeps_its_past_and_may_be_opened_again(administrator, member):
    ask = {"user": member, "by": administrator, "at": AT}

    assert not actions.set_active(active=False, **ask).is_active
    assert member.appointments.count() == 1
    assert actions.set_active(active=True, **ask).is_active

    assert lines()[-2:] == ["accounts.close", "accounts.open"]


def test_nobody_closes_their_own_account(administrator):
    with pytest.raises(actions.NotYourself):
        actions.set_active(user=administrator, active=False, by=administrator, at=AT)

    administrator.refresh_from_db()
    assert administrator.is_active


def test_a_reset_password_takes_the_place_of_the_old_one(administrator):
    member = factories.user(password="the-old-one-of-2019")

    actions.reset_password(user=member, password=PASSWORD, by=administrator, at=AT)

    member.refresh_from_db()
    assert member.check_password(PASSWORD)
    assert not member.check_password("the-old-one-of-2019")
    assert lines()[-1] == "accounts.reset_password"


def test_a_reset_to_a_weak_password_leaves_the_old_one(administrator):
    member = factories.user(password=PASSWORD)

    with pytest.raises(actions.WeakPassword):
        actions.reset_password(user=member, password="12345", by=administrator, at=AT)

    member.refresh_from_db()
    assert member.check_password(PASSWORD)


def test_nobody_resets_their_own_password_this_way(administrator):
    with pytest.raises(actions.NotYourself):
        actions.reset_password(user=administrator, password=PASSWORD, by=administrator, at=AT)


def test_the_database_refuses_an_appointment_without_a_place_or_with_its_days_turned_round(member):
    from django.db import IntegrityError, transaction

    for wrong in ({}, {"area": member.appointments.get().area, "valid_to": date(2000, 1, 1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            factories.appointment(member, Role.EDITOR, **wrong)
