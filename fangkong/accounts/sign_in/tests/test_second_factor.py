"""Who needs a second factor can do nothing without it, and signs in with it in two steps."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.urls import reverse

from fangkong.accounts.models import SignIn
from fangkong.accounts.sign_in import actions, queries, rules
from fangkong.accounts.sign_in.types import Outcome
from fangkong.accounts.tests import factories
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role
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


def test_a_reset_takes_the_factor_and_the_sessions_and_leaves_a_line(client, zhaxi, areas):
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    TOTP.activate(zhaxi, SECRET)
    client.force_login(zhaxi)
    assert client.get(reverse("people:index")).status_code == 200

    with pytest.raises(actions.ReasonMissing):
        actions.reset_factors(user=zhaxi, reason=" ", by=admin, at=factories.AT)
    with pytest.raises(actions.NotYourself):
        actions.reset_factors(user=zhaxi, reason="lost my phone", by=zhaxi, at=factories.AT)
    actions.reset_factors(user=zhaxi, reason="seen in person", by=admin, at=factories.AT)

    assert queries.factors(zhaxi) == []
    assert client.get(reverse("people:index")).url.startswith(reverse("account_login"))
    assert AuditLine.objects.filter(action="accounts.sign_in.reset_factors").count() == 1
