"""What a session is worth: where signing in leads, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from fangkong.accounts.models import User
from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.roles import Role

PASSWORD = factories.PASSWORD
pytestmark = pytest.mark.django_db


@pytest.fixture
def zhaxi(areas):
    """Whose role sees no personal data, so that a password is enough."""
    return factories.staff(
        Role.STORE_KEEPER, area=areas["513300"], username="zhaxi", password=PASSWORD
    )


def sign_in(browser, password=PASSWORD, username="zhaxi", **data):
    browser.cookies["django_language"] = "en"
    address = reverse("account_login")
    return browser.post(address, {"login": username, "password": password, **data})


def is_in(browser):
    return browser.get(reverse("accounts:roles")).status_code == 200


# --- Where signing in leads -----------------------------------------------------------------------


def test_signing_in_leads_back_to_the_page_that_was_asked_for(client, zhaxi):
    wanted = reverse("accounts:roles")
    asked = client.get(wanted)

    page = client.get(asked.url)

    assert f'name="next" value="{wanted}"' in page.content.decode()
    assert sign_in(client, next=wanted).url == wanted


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "https:evil.example",
        "http://testserver@evil.example/",
        "javascript:alert(1)",
        "\thttps://evil.example/",
    ],
)
def test_signing_in_never_leads_to_another_host(client, zhaxi, elsewhere):
    page = client.get(reverse("account_login"), {"next": elsewhere})
    answer = sign_in(client, next=elsewhere)

    assert f'href="{elsewhere}' not in page.content.decode()
    assert (answer.status_code, answer.url) == (302, "/")
    assert is_in(client)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/"])
def test_signing_out_and_choosing_a_language_never_lead_there_either(client, zhaxi, elsewhere):
    client.force_login(zhaxi)

    language = client.post(reverse("set_language"), {"language": "en", "next": elsewhere})
    out = client.post(reverse("account_logout"), {"next": elsewhere})

    assert "evil.example" not in language.url
    assert "evil.example" not in out.url
    assert not is_in(client)


# --- Who gets in ----------------------------------------------------------------------------------


def test_a_closed_account_with_a_wrong_password_says_no_more_than_an_unknown_name(client, zhaxi):
    User.objects.update(is_active=False)

    closed = sign_in(client, "not-the-password")
    unknown = sign_in(client, "not-the-password", username="nobody")

    said = 'role="alert"'
    assert closed.status_code == unknown.status_code == 200
    assert [line for line in closed.content.decode().splitlines() if said in line] == [
        line for line in unknown.content.decode().splitlines() if said in line
    ]


def test_a_password_is_taken_to_the_letter(client, zhaxi):
    sign_in(client, PASSWORD.upper())
    assert not is_in(client)

    sign_in(client)
    assert is_in(client)


def test_signing_in_gives_a_new_session_id(client, zhaxi):
    client.get(reverse("account_login"))
    session = client.session
    session["planted"] = "1"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before

    sign_in(client)

    assert is_in(client)
    assert client.session.session_key != before


def test_a_form_of_another_site_signs_nobody_in(zhaxi):
    browser = Client(enforce_csrf_checks=True)

    assert sign_in(browser).status_code == 403
    assert not is_in(browser)


def test_many_wrong_passwords_for_one_name_leave_the_others_alone(client, zhaxi, areas):
    factories.staff(Role.EDITOR, area=areas["513300"], username="zhuoma", password=PASSWORD)
    for number in range(15):
        sign_in(client, f"guess-{number}")

    assert "Too many" in sign_in(client).content.decode()
    assert not is_in(client)
    sign_in(client, username="zhuoma")
    assert is_in(client)


def test_the_right_password_after_a_few_wrong_ones_still_works(client, zhaxi):
    for number in range(3):
        sign_in(client, f"guess-{number}")

    assert sign_in(client).status_code == 302
    assert is_in(client)


# --- What ends a session --------------------------------------------------------------------------


def test_signing_out_ends_this_session_and_no_other(zhaxi):
    here, elsewhere = Client(), Client()
    for browser in (here, elsewhere):
        sign_in(browser)
    old_cookie = here.cookies["sessionid"].value

    here.post(reverse("account_logout"))

    assert not is_in(here)
    assert is_in(elsewhere)
    thief = Client()
    thief.cookies["sessionid"] = old_cookie
    assert not is_in(thief)


def test_a_new_password_ends_the_sessions_that_the_old_one_opened(client, zhaxi, areas):
    thief = Client()
    sign_in(thief)
    client.force_login(factories.staff(Role.ADMINISTRATOR, area=areas["513300"]))
    assert is_in(thief)

    new = "barley-and-yak-butter"
    address = reverse("accounts:password", args=[zhaxi.public_id])
    assert client.post(address, {"_key": str(uuid4()), "password": new}).status_code == 302

    assert not is_in(thief)
    sign_in(thief)
    assert not is_in(thief)
    sign_in(thief, new)
    assert is_in(thief)


def test_the_open_session_of_a_closed_account_is_refused_by_pages_and_machines(client, zhaxi):
    sign_in(client)
    assert client.get("/api/v1/places/areas/").status_code == 200

    User.objects.filter(pk=zhaxi.pk).update(is_active=False)

    assert not is_in(client)
    assert client.get(reverse("accounts:index")).status_code == 302
    assert client.get("/api/v1/places/areas/").status_code == 401


# --- What a role shows when it does not hold today ------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "answer"),
    [(-10, 0, 200), (0, None, 200), (-10, -1, 403), (1, None, 403)],
    ids=["ends today", "begins today", "ended yesterday", "begins tomorrow"],
)
def test_a_role_opens_its_pages_on_its_days_only(client, areas, first, last, answer):
    today = clock.day_of(clock.now())
    member = factories.user("zhuoma")
    factories.appointment(
        member,
        Role.ADMINISTRATOR,
        area=areas["513300"],
        valid_from=today + timedelta(days=first),
        valid_to=None if last is None else today + timedelta(days=last),
    )
    client.force_login(member)

    assert client.get(reverse("accounts:index")).status_code == answer
    assert client.get(reverse("places:index")).status_code == answer
    assert client.get("/api/v1/places/areas/").status_code == answer
