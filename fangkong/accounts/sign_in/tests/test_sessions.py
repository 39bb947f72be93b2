"""Open sessions: which there are, who ends them, and when they end by themselves."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import hashers
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fangkong.accounts import actions as staff
from fangkong.accounts.models import SignIn
from fangkong.accounts.sign_in import actions
from fangkong.accounts.sign_in.types import End, Outcome
from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role
from fangkong.places.tests.factories import world

PASSWORD = factories.PASSWORD
MINE = "/accounts/sign-in/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def areas(db):
    return world()


@pytest.fixture
def zhaxi(areas):
    """Whose role sees no personal data, so that a password is enough."""
    return factories.staff(
        Role.STORE_KEEPER, area=areas["513326"], username="zhaxi", password=PASSWORD
    )


def browser(username="zhaxi", agent="Mozilla/5.0 (Windows NT 10.0) Chrome/120") -> Client:
    """A browser in which somebody has signed in by the page."""
    found = Client(headers={"user-agent": agent, "accept-language": "en"})
    found.cookies["django_language"] = "en"
    found.post(reverse("account_login"), {"login": username, "password": PASSWORD})
    return found


def is_in(client):
    return client.get(reverse("accounts:roles")).status_code == 200


def press(client, path):
    return client.post(f"{MINE}{path}", {"_key": str(uuid4())})


def test_all_open_sessions_are_listed_and_each_other_one_has_its_button(zhaxi):
    here, phone = browser(), browser(agent="Mozilla/5.0 (Linux; Android 9) Chrome/120")

    text = here.get(MINE).content.decode()

    assert "Chrome · Windows" in text and "Chrome · Android" in text
    of_phone = SignIn.objects.get(session_key=phone.session.session_key)
    of_here = SignIn.objects.get(session_key=here.session.session_key)
    assert f"{MINE}end/{of_phone.public_id}/" in text
    assert f"{MINE}end/{of_here.public_id}/" not in text


def test_the_last_sign_in_stands_by_the_clock_of_the_house(zhaxi, monkeypatch):
    evening = clock.now().replace(year=2020, month=2, day=5, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: evening)
    browser()

    zhaxi.refresh_from_db()
    assert zhaxi.last_login == evening


def test_one_session_is_ended_from_another_and_no_other_is(zhaxi):
    here, phone, desk = browser(), browser(), browser()
    row = SignIn.objects.get(session_key=phone.session.session_key)

    assert press(here, f"end/{row.public_id}/").status_code == 302

    assert [is_in(one) for one in (here, phone, desk)] == [True, False, True]
    row.refresh_from_db()
    assert row.end == End.BY_OWNER


def test_a_session_that_has_ended_is_ended_no_second_time(zhaxi):
    here, there = browser(), browser()
    row = SignIn.objects.get(session_key=there.session.session_key)
    press(here, f"end/{row.public_id}/")
    row.refresh_from_db()

    late = press(here, f"end/{row.public_id}/")

    assert late.status_code == 409
    assert "has ended already" in late.content.decode()
    ended = row.ended_at
    row.refresh_from_db()
    assert row.ended_at == ended
    assert AuditLine.objects.filter(action="accounts.sign_in.end_session").count() == 1


def test_nobody_ends_the_session_of_somebody_else(zhaxi, areas):
    factories.staff(Role.EDITOR, area=areas["513326"], username="zhuoma", password=PASSWORD)
    mine, other = browser(), browser("zhuoma")
    row = SignIn.objects.get(session_key=mine.session.session_key)

    assert press(other, f"end/{row.public_id}/").status_code == 404
    assert is_in(mine)


def test_all_others_are_ended_and_this_one_stays(zhaxi):
    here, phone, desk = browser(), browser(), browser()

    assert press(here, "end-others/").status_code == 302

    assert [is_in(one) for one in (here, phone, desk)] == [True, False, False]
    assert SignIn.objects.filter(end=End.BY_OWNER).count() == 2


@pytest.mark.parametrize("how", ["closed", "all ended", "password reset"])
def test_an_administrator_ends_every_session_with_the_next_request(zhaxi, areas, how):
    admin = factories.staff(Role.ADMINISTRATOR, area=areas["513300"], username="admin")
    sessions = [browser() for _one in range(3)]
    machine = sessions[2]
    at = clock.now()
    if how == "closed":
        staff.set_active(user=zhaxi, active=False, by=admin, at=at)
    elif how == "password reset":
        staff.reset_password(user=zhaxi, password="barley-and-yak-butter", by=admin, at=at)
    else:
        office = Client()
        office.force_login(admin)
        address = f"{MINE}of/{zhaxi.public_id}/end-all/"
        assert office.post(address, {"_key": str(uuid4())}).status_code == 302

    assert [is_in(one) for one in sessions[:2]] == [False, False]
    assert machine.get("/api/v1/places/areas/").status_code == 401


def test_signing_out_tells_the_browser_to_forget_its_pages(zhaxi):
    here = browser()

    answer = here.post(reverse("account_logout"))

    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_in(here)
    assert "Clear-Site-Data" not in here.get(reverse("account_login"))


@pytest.mark.parametrize(
    ("mark", "minutes", "end"),
    [("seen", 29, None), ("seen", 30, End.IDLE), ("at", 12 * 60 - 1, None),
     ("at", 12 * 60, End.LIFETIME)],
)  # fmt: skip
def test_a_session_ends_by_itself_and_the_page_says_so(zhaxi, mark, minutes, end):
    here = browser()
    key = here.session.session_key
    session = here.session
    session["sign_in"] = {**session["sign_in"], mark: time.time() - 60 * minutes + 5 * (not end)}
    session.save()

    answer = here.get(reverse("accounts:roles"), follow=True)

    ended = end is not None
    assert ("Your session has ended" in answer.content.decode()) is ended
    assert is_in(here) is not ended
    assert SignIn.objects.get(at__isnull=False, outcome=Outcome.IN).end == (end or "")
    if ended:
        thief = Client()
        thief.cookies["sessionid"] = str(key)
        assert not is_in(thief)


def test_a_session_that_is_over_does_not_come_alive_when_the_clock_is_set_back(zhaxi):
    here, other = browser(), browser(agent="Mozilla/5.0 (Linux; Android 9) Chrome/120")
    now = timezone.now()
    Session.objects.filter(pk=here.session.session_key).update(expire_date=now)

    assert actions.end_expired(real_now=now, at=clock.now()) == 1
    assert actions.end_expired(real_now=now, at=clock.now()) == 0
    Session.objects.update(expire_date=now + timedelta(days=1))  # as by a clock a day behind

    assert not is_in(here)
    assert is_in(other)
    assert sorted(SignIn.objects.values_list("end", flat=True)) == ["", End.LIFETIME]


def test_a_ward_may_rest_longer_than_others(areas):
    factories.staff(Role.WARD_STAFF, area=areas["513326"], username="ward", password=PASSWORD)
    here = Client()
    here.force_login(SignIn._meta.get_field("user").related_model.objects.get(username="ward"))
    session = here.session
    for minutes, inside in [(119, True), (120, False)]:
        session["sign_in"] = {**session["sign_in"], "seen": time.time() - 60 * minutes + 5 * inside}
        session.save()
        assert is_in(here) is inside


def test_a_page_that_asks_by_itself_keeps_no_session_alive(zhaxi):
    here = browser()
    session = here.session
    before = time.time() - 60 * 20
    session["sign_in"] = {**session["sign_in"], "seen": before}
    session.save()

    here.get(reverse("accounts:roles"), headers={"x-fangkong-live": "1"})
    assert here.session["sign_in"]["seen"] == before
    here.get(reverse("accounts:roles"))
    assert here.session["sign_in"]["seen"] > before


# --- What a guesser learns ------------------------------------------------------------------------


def guess(username, number=0):
    client = Client(headers={"accept-language": "en"})
    sent = {"login": username, "password": f"guess-{number}"}
    with CaptureQueriesContext(connection) as statements:
        answer = client.post(reverse("account_login"), sent)
    text = answer.content.decode().replace(username, "NAME")
    said = [line for line in text.splitlines() if 'role="alert"' in line]
    return answer.status_code, said, len(statements)


def test_a_known_and_an_unknown_name_cost_the_same_and_say_the_same(zhaxi, monkeypatch):
    hashed: list[str] = []
    for name in ("encode", "verify"):
        real = getattr(hashers.Argon2PasswordHasher, name)

        def counted(self, *more, real=real):
            hashed.append("hash")
            return real(self, *more)

        monkeypatch.setattr(hashers.Argon2PasswordHasher, name, counted)
    learnt: dict[str, list[Any]] = {}
    for name in ("zhaxi", "nobody"):
        hashed.clear()
        answer = guess(name)
        learnt[name] = [answer, len(hashed)]
        for number in range(1, 15):
            guess(name, number)
        hashed.clear()
        learnt[name] += [guess(name, 15), len(hashed)]  # the sixteenth is not looked at

    assert learnt["zhaxi"] == learnt["nobody"]
    assert learnt["zhaxi"][1] == 1  # one slow hash, also for a name that nobody has
    assert "Too many" in str(learnt["zhaxi"][2]) and learnt["zhaxi"][3] == 0
