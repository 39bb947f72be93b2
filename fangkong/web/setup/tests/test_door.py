"""One code, one browser, one hour, and only while nobody has an account."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import get_resolver

from fangkong.accounts.tests import factories
from fangkong.web.setup import door

NOW = 1_580_868_000.0
STEPS = ("places", "columns", "preview", "hospital", "staff")
PAGES = ["/setup/", *(f"/setup/{step}/" for step in STEPS)]


def test_a_code_opens_once_and_only_in_its_hour():
    code = door.open_(NOW, lambda: None)
    assert len(code) >= 22  # 128 bits
    assert door.exchange(("y" if code[0] == "x" else "x") + code[1:], NOW) is None
    assert door.exchange(code, NOW + door.VALID) is None

    mark = door.exchange(code, NOW + door.VALID - 1)

    assert mark and door.admits(mark, NOW + door.VALID)
    assert door.exchange(code, NOW) is None
    assert door.exchange("", NOW) is None
    assert not door.admits(mark, NOW + door.VALID + door.LONGEST)
    for wrong in ("", "x", None, 7):
        assert not door.admits(wrong, NOW)


def test_a_new_start_forgets_the_code_and_the_browser_of_the_last():
    first = door.open_(NOW, lambda: None)
    mark = door.exchange(first, NOW)
    second = door.open_(NOW, lambda: None)

    assert not door.admits(mark, NOW)
    assert door.exchange(first, NOW) is None
    assert door.exchange(second, NOW)


def test_a_door_that_is_shut_stays_shut():
    closed: list[str] = []
    code = door.open_(NOW, lambda: closed.append("yes"))
    door.shut()
    door.shut()

    assert closed == ["yes"]
    assert door.exchange(code, NOW) is None


def test_only_the_browser_with_the_code_sees_the_steps(client, code):
    stranger = Client()
    answer = client.get(f"/setup/enter/{code}/")

    assert (answer.status_code, answer.url) == (302, "/setup/")
    assert client.get("/setup/").status_code == 200
    assert "no-store" in client.get("/setup/")["Cache-Control"]
    assert stranger.get(f"/setup/enter/{code}/").status_code == 404
    assert [stranger.get(page).status_code for page in PAGES] == [404] * len(PAGES)
    assert [stranger.post(page).status_code for page in PAGES] == [404] * len(PAGES)
    assert b"code" not in stranger.get("/").content


def test_the_session_before_the_code_is_not_the_one_after_it(client, code):
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = "1"
    session.save()
    client.cookies["sessionid"] = session.session_key

    client.get(f"/setup/enter/{code}/")

    assert client.session.session_key != session.session_key
    assert "planted" not in client.session


def test_the_first_account_closes_every_step(inside):
    factories.user()

    assert [inside.get(page).status_code for page in PAGES] == [404] * len(PAGES)


def test_an_account_makes_the_code_worthless(client, code):
    factories.user()

    assert client.get(f"/setup/enter/{code}/").status_code == 404


@pytest.mark.parametrize("step", ["", "places/", "staff/"])
def test_another_site_cannot_send_the_forms(code, step):
    browser = Client(enforce_csrf_checks=True)
    browser.get(f"/setup/enter/{code}/")

    assert browser.post(f"/setup/{step}", {"area": "513200"}).status_code == 403


def test_an_installation_that_is_set_up_knows_no_such_address():
    told = {str(one.pattern) for one in get_resolver("fangkong.config.urls").url_patterns}

    assert "setup/" not in told
