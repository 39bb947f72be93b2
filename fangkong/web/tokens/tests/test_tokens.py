"""The page of tokens: made after signing in anew, shown once, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.utils import timezone

from fangkong.accounts.tests import factories
from fangkong.core.record import new_public_id
from fangkong.core.roles import Role
from fangkong.core.tokens import types
from fangkong.core.tokens.models import Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def fresh(client, daofu):
    """Daofu's county CDC, signed in by password a moment ago."""
    daofu.set_password(factories.PASSWORD)
    daofu.save()
    return signed_in(client, daofu, minutes=0)


def signed_in(client, user, *, minutes):
    client.force_login(user)
    client.cookies["django_language"] = "en"
    session = client.session
    at = (timezone.now() - timedelta(minutes=minutes)).timestamp()
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": at, "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def ask(client, user, key="", **changed):
    facts = {
        "label": "医院信息系统",
        "user": str(user.public_id),
        "permissions": ["places.view"],
        "last_day": (factories.AT + timedelta(days=30)).date().isoformat(),
        "_key": key or str(new_public_id()),
        **changed,
    }
    return client.post("/tokens/new/", facts)


def secrets_in(answer):
    return re.findall(r">(fk_[^<]+)</textarea>", answer.content.decode())


def test_a_token_is_shown_once_and_never_in_the_list(fresh, daofu):
    key = str(new_public_id())
    first, again = ask(fresh, daofu, key), ask(fresh, daofu, key)

    (secret,) = secrets_in(first)
    assert secrets_in(again) == [] and "was shown the first time" in again.content.decode()
    assert Token.objects.get().may_write is False
    shown = fresh.get("/tokens/").content.decode()
    assert secret[:11] in shown and secret not in shown


def test_who_signed_in_long_ago_signs_in_again_first(client, daofu):
    daofu.set_password(factories.PASSWORD)
    daofu.save()
    answer = ask(signed_in(client, daofu, minutes=60 * 24), daofu)

    assert answer.status_code == 302 and "reauthenticate" in answer.url
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"permissions": ["accounts.edit"]},
        {"permissions": []},
        {"last_day": "2000-01-01"},
        {"last_day": "2999-01-01"},
        {"label": " "},
    ],
)
def test_a_wrong_wish_is_said_in_the_form(fresh, daofu, changed):
    assert ask(fresh, daofu, **changed).status_code == 422
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("day", "said"),
    [("2000-01-01", "This day has passed"), ("2999-01-01", "valid for at most a year")],
)
def test_a_day_that_has_passed_and_one_too_far_ahead_are_told_beside_the_day(
    fresh, daofu, day, said
):
    answer = ask(fresh, daofu, last_day=day)

    (told,) = answer.context["form"].errors["last_day"]
    assert said in told


def test_nobody_makes_a_token_that_acts_as_somebody_else(fresh, administrator):
    assert ask(fresh, administrator).status_code == 422
    assert not Token.objects.exists()


def test_a_condition_of_the_house_is_told(fresh, daofu, monkeypatch):
    monkeypatch.setattr(types, "conditions", [lambda request, user: "A second factor first."])

    answer = ask(fresh, daofu)
    assert answer.status_code == 403 and "A second factor first." in answer.content.decode()
    assert not Token.objects.exists()


def test_an_administrator_makes_a_token_for_a_machine(client, administrator, daofu):
    administrator.set_password(factories.PASSWORD)
    administrator.save()
    robot = factories.staff(Role.COUNTY_CDC, area=daofu.appointments.get().area, username="robot")
    answer = ask(signed_in(client, administrator, minutes=0), robot)

    assert len(secrets_in(answer)) == 1
    assert Token.objects.get().user == robot


def test_a_token_is_revoked_by_its_user_and_not_by_others(fresh, daofu, inspector_or_other):
    ask(fresh, daofu)
    token = Token.objects.get()

    def revoke(user):
        fresh.force_login(user)
        return fresh.post(f"/tokens/{token.public_id}/revoke/", {"_key": str(new_public_id())})

    assert revoke(inspector_or_other).status_code == 404
    assert revoke(daofu).status_code == 302
    assert revoke(daofu).status_code == 409
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.fixture
def inspector_or_other(daofu):
    return factories.staff(Role.INSPECTOR, area=daofu.appointments.get().area)
