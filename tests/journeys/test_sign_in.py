"""Signing in with a second factor: an app, a recovery code, a passkey."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fangkong.accounts.queries import DEMO_PASSWORD
from fangkong.accounts.sign_in import rules
from tests.journeys.conftest import Demonstration, Visit, shot, sign_in, violations
from tests.journeys.server import Server, serving

REAL = """
import django; django.setup()
from fangkong.accounts.models import User
assert User.objects.filter(username="daofu").update(synthetic=False) == 1
"""


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    """An installation where Daofu's account is no invented one: nothing is let off."""
    data = tmp_path_factory.mktemp("sign-in")
    with serving(data, demonstration(data)) as running:
        environment = {**running.environment, "DJANGO_SETTINGS_MODULE": "fangkong.config.settings"}
        subprocess.run([sys.executable, "-c", REAL], env=environment, check=True)
        yield running


def password_again(page: Page) -> None:
    """Where the page asks once more who it is, say so."""
    if "reauthenticate" in page.url:
        page.fill("[name=password]", DEMO_PASSWORD)
        page.press("[name=password]", "Enter")
        expect(page).not_to_have_url(re.compile("reauthenticate"))


def sign_out(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")


def look_at(page: Page, name: str) -> None:
    """These pages stand between two steps, where the tour of all pages does not come."""
    shot(page, name)
    assert not violations(page), name


def type_code(page: Page, code: str) -> None:
    page.fill("#id_code", code)
    page.press("#id_code", "Enter")


def test_second_factors_from_setting_up_to_signing_in(visit: Visit) -> None:
    page = visit("daofu", width=390)
    expect(page).to_have_url(re.compile("/2fa/"))
    look_at(page, "second-factor-zh-390")
    page.goto("/people/")
    expect(page).to_have_url(re.compile("/2fa/"))

    page.goto("/accounts/2fa/totp/activate/")
    password_again(page)
    secret = page.locator("code.user-select-all").inner_text()
    expect(page.locator(".fk-qr")).to_be_visible()
    assert page.locator(".fk-qr").evaluate("image => image.naturalWidth") > 100  # really drawn
    look_at(page, "totp-zh-390")
    type_code(page, "000000")
    expect(page.locator("[role=alert]").first).to_be_visible()
    step = int(time.time() // 30)
    type_code(page, rules.totp(secret, step))
    expect(page.locator(".fk-codes li")).to_have_count(10)
    look_at(page, "recovery-codes-zh-390")
    recovery = page.locator(".fk-codes code").first.inner_text()
    page.goto("/people/")
    expect(page).to_have_url(re.compile("/people/"))

    sign_out(page)
    sign_in(page, "daofu")
    expect(page).to_have_url(re.compile("/2fa/authenticate/"))
    look_at(page, "second-step-zh-390")
    type_code(page, rules.totp(secret, step))  # used up by setting up
    expect(page.locator("[role=alert]").first).to_be_visible()
    type_code(page, rules.totp(secret, step + 1))
    expect(page).not_to_have_url(re.compile("2fa"))

    sign_out(page)
    sign_in(page, "daofu")
    type_code(page, recovery)
    expect(page).not_to_have_url(re.compile("2fa"))

    add_a_passkey_and_sign_in_with_it(page)


def add_a_passkey_and_sign_in_with_it(page: Page) -> None:
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    page.goto("/accounts/2fa/webauthn/add/")
    password_again(page)
    page.fill("#id_name", "手机")
    look_at(page, "passkey-zh-390")
    page.click("[data-passkey-start]")
    expect(page).not_to_have_url(re.compile("/add/"))

    sign_out(page)
    page.goto("/accounts/login/")
    page.click("[data-passkey-start]")
    expect(page).not_to_have_url(re.compile("login|2fa"))
    page.goto("/people/")
    expect(page).to_have_url(re.compile("/people/"))
    page.goto("/accounts/sign-in/")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()
    look_at(page, "my-sign-ins-zh-390")
