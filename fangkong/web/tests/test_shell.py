"""The shell: each role gets its own menu and desk, visitors get neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from fangkong.web import menu

pytestmark = pytest.mark.django_db


def test_a_visitor_is_sent_to_sign_in_and_back(look):
    answer = look(None, "/command/")

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/command/"


def test_the_desk_of_a_county_offers_cards_and_signals(look, daofu):
    text = look(daofu, "/").content.decode()

    assert "New report card" in text
    assert "Cards waiting for review" in text
    assert "Open signals" in text


def test_the_desk_of_an_auditor_offers_neither_cards_nor_import(look, auditor):
    text = look(auditor, "/").content.decode()

    assert "Audit trail" in text
    assert "Import cards" not in text
    assert "Cards waiting for review" not in text


def test_the_menu_leads_only_to_pages_that_open(look, daofu, auditor, administrator, headquarters):
    for user in (daofu, auditor, administrator, headquarters):
        menu = look(user, "/").context["menu"]
        for item in (item for group in menu for item in group.items):
            assert look(user, item.url).status_code == 200, (user, item.url)


def test_a_page_outside_the_role_says_whom_to_ask(look, daofu):
    answer = look(daofu, "/jobs/")

    assert answer.status_code == 403
    assert "ask the administrator for the role" in answer.content.decode()


def test_an_unknown_address_is_answered_in_the_shell(look, daofu):
    answer = look(daofu, "/no/such/page/")

    assert answer.status_code == 404
    assert "To my desk" in answer.content.decode()


def test_an_expired_form_changes_nothing_and_says_so(daofu):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(daofu)

    answer = strict.post("/tasks/new/", {"text": "x"}, headers={"accept-language": "en"})

    assert answer.status_code == 403
    assert "The form has expired" in answer.content.decode()


def test_a_live_piece_that_did_not_change_is_not_sent_again(look, daofu):
    first = look(daofu, "/desk/_work/")

    again = look(daofu, "/desk/_work/", **{"if-none-match": first["ETag"]})

    assert first.status_code == 200
    assert again.status_code == 304
    assert again.content == b""


def test_the_banner_stands_only_on_a_demonstration(look, daofu, settings):
    settings.FANGKONG_DEMO = True
    assert b"persons are synthetic" in look(daofu, "/").content

    settings.FANGKONG_DEMO = False
    assert b"persons are synthetic" not in look(daofu, "/").content


def test_every_answer_carries_the_policy_that_stops_foreign_scripts(look, daofu):
    policy = look(daofu, "/")["Content-Security-Policy"]

    assert "script-src 'nonce-" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_each_icon_of_the_menu_is_among_those_that_are_drawn():
    drawn = set(Path(menu.__file__).with_name("ui").joinpath("icons.txt").read_text().split())
    named = {one.icon for _name, _icon, entries in menu._MENU for one in entries}
    assert (named | {icon for _name, icon, _entries in menu._MENU}) - drawn == set()
