"""Locked out after wrong passwords; a session that ends while nobody works."""

from __future__ import annotations

import re
import subprocess
import sys

from playwright.sync_api import Page, Route, expect

from fangkong.accounts.queries import DEMO_PASSWORD
from fangkong.accounts.sign_in.rules import TRIES_PER_ACCOUNT
from tests.journeys.conftest import Visit, shot, sign_in
from tests.journeys.server import Server

# What time does to the sessions of Kangding, done at once: so long ago was the last thing done.
IDLE = """
minutes = {minutes}
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from fangkong.accounts.models import SignIn, User
user = User.objects.get(username="kangding")
for key in SignIn.objects.filter(user=user, ended_at=None).values_list("session_key", flat=True):
    if key and Session.objects.filter(session_key=key).exists():
        store = SessionStore(key)
        store["sign_in"] = {{**store["sign_in"], "seen": store["sign_in"]["seen"] - minutes * 60}}
        store.save()
"""


GUESSES = """async (number) => {
  const form = document.querySelector("form[action='/accounts/login/']");
  let refused = 0;
  for (let n = 0; n < number; n++) {
    const body = new FormData(form);
    body.set("login", "inspector");
    body.set("password", `wrong-${n}`);
    const answer = await fetch(form.action, { method: "POST", body });
    refused += Number(answer.url.includes("/login/"));
  }
  return refused;
}"""


def within(server: Server, script: str) -> None:
    """Run a few lines against the server's database."""
    environment = {**server.environment, "DJANGO_SETTINGS_MODULE": "fangkong.config.settings"}
    start = "import django; django.setup()\n"
    subprocess.run([sys.executable, "-c", start + script], env=environment, check=True)


def try_with(page: Page, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("#id_login", "inspector")
    page.fill("#id_password", password)
    with page.expect_navigation():
        page.press("#id_password", "Enter")


def lock(page: Page) -> None:
    try_with(page, "wrong")
    expect(page.locator("[role=alert]").first).to_be_visible()
    # The rest goes without drawing the page each time.
    assert page.evaluate(GUESSES, TRIES_PER_ACCOUNT - 1) == TRIES_PER_ACCOUNT - 1
    try_with(page, DEMO_PASSWORD)  # the right one, and yet
    expect(page.locator("[role=alert]").first).to_contain_text("请一小时后再试")
    expect(page).to_have_url(re.compile("login"))


def test_whoever_is_locked_out_is_told_so_and_let_in_by_an_administrator(visit: Visit) -> None:
    """That an hour lets them in as well: accounts/sign_in/tests."""
    page = visit()
    lock(page)
    shot(page, "session/locked")

    admin = visit("admin")
    admin.goto("/accounts/staff/?q=inspector")
    admin.get_by_role("link", name="inspector", exact=True).click()
    admin.locator("a[href*='/sign-in/of/']").click()
    note = admin.locator(".fk-note[data-tone=warn]")
    expect(note).to_be_visible()
    shot(admin, "session/locked-for-the-administrator")
    note.get_by_role("button").click()
    expect(admin.locator(".fk-toast")).to_be_visible()
    expect(note).to_have_count(0)
    sign_in(page, "inspector")


def test_an_idle_session_ends_with_a_warning_and_keeps_what_was_typed(
    visit: Visit, server: Server
) -> None:
    page = visit("kangding")
    page.clock.install()
    page.goto("/tasks/new/")
    within(server, IDLE.format(minutes=29))
    with page.expect_response("**/session/"):
        page.clock.run_for(29 * 60_000)
    warning = page.locator("#fk-idle")
    expect(warning).to_be_visible()
    shot(page, "session/soon")
    warning.get_by_role("button").click()
    expect(warning).to_be_hidden()

    page.fill("#id_text", "核对发热门诊的值班表")
    within(server, IDLE.format(minutes=31))
    with page.expect_response("**/session/"):
        page.clock.run_for(5 * 60_000)  # what was typed counts as work, and the server is told
    with page.expect_response("**/session/"):
        page.clock.run_for(20_000)
    ended = page.locator("#fk-ended")
    expect(ended).to_be_visible()
    shot(page, "session/ended")
    expect(page.locator("#id_text")).to_have_value("核对发热门诊的值班表")

    late: list[Route] = []  # the page asks once more, and is answered when all is well again

    def hold_one(route: Route) -> None:
        if late:
            route.continue_()
        else:
            late.append(route)

    page.route("**/session/", hold_one)
    with page.expect_request("**/session/"):
        page.clock.run_for(20_000)
    with page.context.expect_page() as opened:
        ended.get_by_role("link").click()
    again = opened.value
    again.fill("#id_login", "kangding")
    again.fill("#id_password", DEMO_PASSWORD)
    again.press("#id_password", "Enter")
    expect(again).not_to_have_url(re.compile("login"))
    ended.locator("[data-session-again]").click()
    expect(ended).to_be_hidden()
    with page.expect_response("**/session/"):
        late[0].fulfill(json={"left": 0, "lifetime": False, "token": ""})
    page.evaluate("() => new Promise(requestAnimationFrame)")
    expect(ended).to_be_hidden()
    page.select_option("#id_role", "county_cdc")
    page.click("form.card button[type=submit]")
    expect(page.locator("h1")).to_contain_text("核对发热门诊的值班表")


def test_whoever_comes_back_late_signs_in_again_and_is_where_they_were(
    visit: Visit, server: Server
) -> None:
    page = visit("kangding")
    page.goto("/places/facilities/?q=康定")
    within(server, IDLE.format(minutes=31))
    page.reload()

    expect(page).to_have_url(re.compile("/accounts/login/"))
    expect(page.locator("body")).to_contain_text("会话已结束")
    shot(page, "session/sign-in-again")
    page.fill("#id_login", "kangding")
    page.fill("#id_password", DEMO_PASSWORD)
    page.press("#id_password", "Enter")
    expect(page).to_have_url(re.compile("/places/facilities/"))
    assert page.locator("[name=q]").first.input_value() == "康定"
