"""Who needs a second factor can do nothing without it, and signs in with it in two steps."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.db.models import F
from django.test import Client
from django.urls import reverse

from fangkong.accounts.models import SignIn
from fangkong.accounts.sign_in import actions, queries, rules
from fangkong.accounts.sign_in.types import Outcome
from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role
from fangkong.core.tokens import actions as tokens
from fangkong.core.tokens.models import Token
from fangkong.places.tests.factories import world

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
pytestmark = pytest.mark.django_db


@pytest.fixture
def areas(db):
    return world()


@pytest.fixture
def zhaxi(areas):
    """Of the county's CDC, whose role sees personal data."""
    return factories.staff(
        Role.COUNTY_CDC, area=areas["513326"], username="zhaxi", password=factories.PASSWORD
    )


def sign_in(client, username="zhaxi", password=factories.PASSWORD):
    client.cookies["django_language"] = "en"
    return client.post(reverse("account_login"), {"login": username, "password": password})


def code(away=0):
    return rules.totp(SECRET, int(time.time() // 30) + away)


def test_a_password_alone_leads_to_setting_up_and_nowhere_else(client, zhaxi):
    sign_in(client)

    assert client.get(reverse("people:index")).url == reverse("mfa_index")
    assert client.get("/").url == reverse("mfa_index")
    assert client.get("/api/v1/places/areas/").status_code == 403
    assert client.get(reverse("mfa_index")).status_code == 200


def test_a_role_without_personal_data_needs_none(client, areas):
    factories.staff(
        Role.STORE_KEEPER, area=areas["513326"], username="keeper", password=factories.PASSWORD
    )
    sign_in(client, "keeper")

    assert client.get(reverse("accounts:roles")).status_code == 200


def test_invented_accounts_are_let_off_in_a_demonstration_and_never_elsewhere(
    client, zhaxi, settings
):
    zhaxi.synthetic = True
    zhaxi.save()
    sign_in(client)

    settings.FANGKONG_DEMO = False
    assert client.get(reverse("people:index")).status_code == 302
    settings.FANGKONG_DEMO = True
    assert client.get(reverse("people:index")).status_code == 200
    zhaxi.synthetic = False
    zhaxi.save()
    assert client.get(reverse("people:index")).status_code == 302


def test_with_an_app_the_second_step_opens_the_house_and_a_code_works_once(client, zhaxi):
    TOTP.activate(zhaxi, SECRET)
    assert SECRET not in str(Authenticator.objects.get().data)

    assert sign_in(client).url == reverse("mfa_authenticate")
    assert client.get(reverse("people:index")).status_code == 302
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert wrong.status_code == 200
    text = wrong.content.decode()
    assert "This code is wrong or was used already." in text or "验证码有误或已用过。" in text
    used = code()
    assert client.post(reverse("mfa_authenticate"), {"code": used}).url == "/"
    assert client.get(reverse("people:index")).status_code == 200
    assert SignIn.objects.get(outcome=Outcome.IN).factor == "totp"

    client.post(reverse("account_logout"))
    sign_in(client)
    assert client.post(reverse("mfa_authenticate"), {"code": used}).status_code == 200


def test_a_code_of_another_time_is_refused(client, zhaxi):
    TOTP.activate(zhaxi, SECRET)
    sign_in(client)

    assert client.post(reverse("mfa_authenticate"), {"code": code(-3)}).status_code == 200
    assert client.post(reverse("mfa_authenticate"), {"code": code(3)}).status_code == 200


@pytest.mark.long
def test_a_thousand_guesses_are_refused_and_at_most_fifteen_looked_at(client, zhaxi, monkeypatch):
    looked_at = []

    def never(self, raw):
        looked_at.append(raw)
        return False

    monkeypatch.setattr(type(zhaxi), "check_password", never)
    for number in range(1000):
        sign_in(client, password=f"guess-{number}")

    assert len(looked_at) == 15
    assert not SignIn.objects.filter(outcome=Outcome.IN).exists()
    assert SignIn.objects.count() == 16  # the flood leaves one line, not a thousand


def locked_out(client):
    for number in range(rules.TRIES_PER_ACCOUNT):
        sign_in(client, password=f"guess-{number}")
    assert b"Too many tries" in sign_in(client).content  # the right one, and yet


def test_an_administrator_lets_somebody_locked_out_try_again(client, zhaxi, areas):
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    at = clock.now()
    with pytest.raises(actions.NotLocked):
        actions.unlock(user=zhaxi, by=admin, at=at)
    client.cookies["django_language"] = "en"
    locked_out(client)
    at = clock.now()
    assert queries.locked_until(zhaxi, at) > at

    with pytest.raises(actions.NotYourself):
        actions.unlock(user=zhaxi, by=zhaxi, at=at)
    actions.unlock(user=zhaxi, by=admin, at=at)

    assert queries.locked_until(zhaxi, at) is None
    assert sign_in(client).status_code == 302
    assert AuditLine.objects.filter(action="accounts.sign_in.unlock", by=admin).count() == 1
    assert SignIn.objects.filter(outcome=Outcome.WRONG).count() == rules.TRIES_PER_ACCOUNT


def test_an_account_opens_by_itself_when_an_hour_is_over(client, zhaxi):
    client.cookies["django_language"] = "en"
    locked_out(client)
    until = queries.locked_until(zhaxi, clock.now())

    SignIn.objects.update(at=F("at") - rules.WINDOW)

    assert until is not None
    assert queries.locked_until(zhaxi, clock.now()) is None
    assert sign_in(client).status_code == 302


def test_a_reset_takes_the_factor_and_the_sessions_and_leaves_a_line(client, zhaxi, areas):
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    TOTP.activate(zhaxi, SECRET)
    client.force_login(zhaxi)
    assert client.get(reverse("people:index")).status_code == 200

    with pytest.raises(actions.ReasonMissing):
        actions.reset_factors(user=zhaxi, reason=" \u200b" * 5, by=admin, at=factories.AT)
    with pytest.raises(actions.NotYourself):
        actions.reset_factors(user=zhaxi, reason="lost my phone", by=zhaxi, at=factories.AT)
    actions.reset_factors(user=zhaxi, reason="seen in person", by=admin, at=factories.AT)

    assert queries.factors(zhaxi) == []
    assert client.get(reverse("people:index")).url.startswith(reverse("account_login"))
    assert AuditLine.objects.filter(action="accounts.sign_in.reset_factors").count() == 1


# --- Tokens ---------------------------------------------------------------------------------------


def ask_for_a_token(client, user, **more):
    facts = {
        "label": "医院信息系统",
        "user": str(user.public_id),
        "permissions": ["people.view"],
        "last_day": clock.day_of(clock.now() + timedelta(days=30)).isoformat(),
        "_key": str(uuid4()),
    }
    return client.post(reverse("token_new"), {**facts, **more})


def with_code(client, name, away=0):
    return client.post(reverse(name), {"code": code(away)})


def factor_passed(client, *, minutes_ago):
    """Let the session's clock stand as if it was opened, and confirmed by password, earlier."""
    session = client.session
    then = time.time() - 60 * minutes_ago
    session["sign_in"] = {**session["sign_in"], "at": then}
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [
        {**one, "at": then} if one["method"] == "mfa" else one for one in records
    ] + [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session.save()


def signed_in(client, *, minutes_ago):
    """Let the sign-in of this session have been earlier."""
    session = client.session
    session["account_authentication_methods"] = [
        {**one, "at": time.time() - 60 * minutes_ago}
        for one in session["account_authentication_methods"]
    ]
    session.save()


def test_who_signed_in_a_moment_ago_is_not_asked_for_the_password_again(client, zhaxi):
    sign_in(client)
    signed_in(client, minutes_ago=4)

    assert client.get(reverse("mfa_activate_totp")).status_code == 200


@pytest.mark.parametrize("minutes", [6, -6])  # longer ago, or by a clock that was set back since
def test_who_signed_in_longer_ago_is_asked_again(client, zhaxi, minutes):
    sign_in(client)
    signed_in(client, minutes_ago=minutes)

    asked = client.get(reverse("mfa_activate_totp"))
    assert asked.status_code == 302
    assert asked.url.startswith(reverse("account_reauthenticate"))
    client.post(asked.url, {"password": factories.PASSWORD})
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_a_token_is_made_only_right_after_the_second_factor(client, zhaxi):
    TOTP.activate(zhaxi, SECRET)
    sign_in(client)
    with_code(client, "mfa_authenticate")
    factor_passed(client, minutes_ago=6)  # the password was asked a moment ago, the factor was not

    refused = ask_for_a_token(client, zhaxi)

    assert refused.status_code == 302 and refused.url.startswith(reverse("mfa_reauthenticate"))
    by_machine = client.post(
        "/api/v1/core/tokens/",
        {"name": "x", "permissions": ["people.view"], "expires_at": "2030-01-01T00:00+08:00"},
        content_type="application/json",
        headers={"idempotency-key": "k"},
    )
    assert by_machine.status_code == 403
    assert by_machine.json()["title"] == "ConditionUnmet"
    assert not Token.objects.exists()

    with_code(client, "mfa_reauthenticate", away=1)
    assert ask_for_a_token(client, zhaxi).status_code == 200
    assert Token.objects.get().user == zhaxi


def test_a_role_without_personal_data_makes_a_token_by_password(client, areas):
    keeper = factories.staff(
        Role.STORE_KEEPER, area=areas["513326"], username="keeper", password=factories.PASSWORD
    )
    sign_in(client, "keeper")
    signed_in(client, minutes_ago=6)
    assert ask_for_a_token(client, keeper, permissions=["places.view"]).status_code == 302
    client.post(reverse("account_reauthenticate"), {"password": factories.PASSWORD})

    assert ask_for_a_token(client, keeper, permissions=["places.view"]).status_code == 200


def token_of(user, *names):
    return tokens.make(
        user=user,
        label="x",
        permissions=names,
        may_write=False,
        expires_at=clock.now() + timedelta(days=30),
        by=user,
        at=clock.now(),
    )


def machine(token):
    return Client(headers={"authorization": f"Bearer {token.secret}"})


def test_the_tokens_of_a_lost_factor_stop_to_work_and_others_go_on(zhaxi, areas):
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    TOTP.activate(zhaxi, SECRET)
    lost, others = token_of(zhaxi, "places.view"), token_of(admin, "places.view")
    address = "/api/v1/places/areas/"
    assert machine(lost).get(address).status_code == 200

    actions.reset_factors(user=zhaxi, reason="手机丢失,当面核实", by=admin, at=clock.now())

    assert machine(lost).get(address).status_code == 401
    assert machine(others).get(address).status_code == 200
    line = AuditLine.objects.get(action="core.tokens.revoke")
    assert line.detail["why"] == "second factor removed" and line.by == admin


def test_whose_role_needs_no_factor_keeps_the_tokens_without_one(client, areas):
    keeper = factories.staff(
        Role.STORE_KEEPER, area=areas["513326"], username="keeper", password=factories.PASSWORD
    )
    TOTP.activate(keeper, SECRET)
    token = token_of(keeper, "places.view")
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])

    actions.reset_factors(user=keeper, reason="换手机,当面核实", by=admin, at=clock.now())

    assert machine(token).get("/api/v1/places/areas/").status_code == 200


def test_unlinking_single_sign_on_leaves_no_factor_and_no_token(zhaxi, areas):
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    actions.link(user=zhaxi, provider="oidc", subject="z1", by=admin, at=clock.now())
    token = token_of(zhaxi, "places.view")

    actions.unlink(user=zhaxi, provider="oidc", by=admin, at=clock.now())

    assert machine(token).get("/api/v1/places/areas/").status_code == 401
