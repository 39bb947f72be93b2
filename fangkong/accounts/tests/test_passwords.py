"""Passwords by both profiles: what is refused, what ages, and that they may be pasted."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import override

from fangkong.accounts import actions
from fangkong.accounts.tests import factories
from fangkong.config import sign_in_env
from fangkong.core import clock
from fangkong.core.roles import Role

pytestmark = pytest.mark.django_db
OLD = factories.PASSWORD
NEW = "Barley-and-yak-7"


@pytest.fixture
def mlps3(settings):
    settings.PASSWORD_PROFILE = "mlps3"
    settings.AUTH_PASSWORD_VALIDATORS = sign_in_env.validators("mlps3")


@pytest.fixture
def zhaxi(areas):
    return factories.staff(
        Role.STORE_KEEPER,
        area=areas["513326"],
        username="zhaxi",
        password=OLD,
        password_set_at=clock.now(),
    )


def sign_in(client):
    client.cookies["django_language"] = "en"
    client.post(reverse("account_login"), {"login": "zhaxi", "password": OLD})
    client.post(reverse("account_reauthenticate"), {"password": OLD})
    return client


def change(client, new, old=OLD):
    sent = {"oldpassword": old, "password1": new, "password2": new}
    return client.post(reverse("account_change_password"), sent)


# Such as lead every list of passwords that were stolen, long enough for our length.
@pytest.mark.parametrize(
    "stolen", ["password1234", "qwertyuiop123", "1qaz2wsx3edc", "123456789012"]
)
def test_a_password_of_the_lists_of_stolen_ones_is_refused(client, zhaxi, stolen):
    answer = change(sign_in(client), stolen)

    zhaxi.refresh_from_db()
    assert answer.status_code == 200 and 'role="alert"' in answer.content.decode()
    assert zhaxi.check_password(OLD)


def test_a_long_phrase_of_small_letters_is_enough_for_asvs_and_not_for_mlps3(zhaxi, settings):
    validate_password("barley and yak butter", zhaxi)

    settings.AUTH_PASSWORD_VALIDATORS = sign_in_env.validators("mlps3")
    with override("en"), pytest.raises(ValidationError, match="three of these"):
        validate_password("barley and yak butter", zhaxi)
    validate_password(NEW, zhaxi)


@pytest.mark.parametrize(("days", "leads"), [(89, False), (91, True)])
def test_mlps3_asks_for_a_new_password_after_ninety_days(client, zhaxi, mlps3, days, leads):
    type(zhaxi).objects.update(password_set_at=clock.now() - timedelta(days=days))
    sign_in(client)

    answer = client.get(reverse("accounts:roles"))
    machine = client.get("/api/v1/places/areas/")

    assert (answer.status_code, machine.status_code) == ((302, 403) if leads else (200, 200))
    if leads:
        assert answer.url == reverse("account_change_password")
        assert change(client, OLD + "-A1").status_code == 302
        assert change(client, OLD, OLD + "-A1").status_code == 200  # one of the last five
        assert client.get(reverse("accounts:roles")).status_code == 200


def test_asvs_lets_a_password_grow_old(client, zhaxi):
    type(zhaxi).objects.update(password_set_at=clock.now() - timedelta(days=4000))

    assert sign_in(client).get(reverse("accounts:roles")).status_code == 200


def test_mlps3_takes_none_of_the_last_five_again(zhaxi, administrator, mlps3):
    def reset(password):
        actions.reset_password(user=zhaxi, password=password, by=administrator, at=clock.now())
        zhaxi.refresh_from_db()

    for number in range(5):
        reset(f"Barley-yak-{number}")
    for number in (0, 4):
        with override("en"), pytest.raises(actions.WeakPassword, match="not used before"):
            reset(f"Barley-yak-{number}")
    reset("Barley-yak-5")
    reset("Barley-yak-0")  # six passwords ago


@pytest.mark.parametrize(
    ("name", "kind"), [("account_login", "current"), ("account_change_password", "new")]
)
def test_a_password_may_be_pasted_and_filled_in_by_a_manager(client, zhaxi, name, kind):
    if kind == "new":
        sign_in(client)
    text = client.get(reverse(name)).content.decode()
    fields = re.findall(r"<input[^>]*type=\"password\"[^>]*>", text)

    assert fields and any(f'autocomplete="{kind}-password"' in field for field in fields)
    assert not any(re.search(r'onpaste|readonly|autocomplete="off"', field) for field in fields)
