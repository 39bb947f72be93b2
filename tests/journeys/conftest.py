"""Journeys: a real browser against the real server with its worker and database."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from fangkong.accounts.queries import DEMO_PASSWORD
from tests.journeys.server import Server, load_demo, serving
from tools.browser import CHROMIUM_FLAGS, find_browser

# States are waited for and come at once on a free machine; five seconds fail a loaded one.
expect.set_options(timeout=20_000)

SHOTS = Path("var/shots")
# Keeps what the content security policy forbade on a page.
LISTEN = """
window.breaches = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.breaches.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {
        "executable_path": str(find_browser()),
        "chromium_sandbox": False,
        "args": list(CHROMIUM_FLAGS),
    }


Demonstration = Callable[[Path], str]


@pytest.fixture(scope="session")
def demonstration(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., str]
) -> Demonstration:
    """Lays the demonstration into a folder, and says where its database is.

    It is loaded from nothing once: the processes of a run share it on SQLite, where it is files.
    """
    on_server = bool(os.environ.get("DATABASE_URL"))
    alone = tmp_path_factory.mktemp("first") if on_server else Path(os.environ["FANGKONG_DATA"])
    first = alone / "demonstration"
    address = new_database() if on_server else _within(first)
    with (alone / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the others wait until the first is through
        if not first.exists():
            begun = alone / "demonstration.begun"
            load_demo(begun, address if on_server else _within(begun))
            begun.rename(first)

    def lay(data: Path) -> str:
        shutil.copytree(first, data, dirs_exist_ok=True)
        return new_database(urlsplit(address).path[1:]) if on_server else _within(data)

    return lay


def _within(data: Path) -> str:
    return f"sqlite:///{data / 'fangkong.sqlite3'}"


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, demonstration: Demonstration
) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("journey")
    with serving(data, demonstration(data)) as running:
        yield running


@pytest.fixture(scope="session")
def records(server: Server) -> dict[str, str]:
    """A record of each kind in the installation that the journeys share."""
    environment = {
        **server.environment,
        "FANGKONG_OUTBOUND_ALLOW": "192.0.2.1",  # the address of an invented robot
    }
    made = subprocess.run(
        [sys.executable, "-m", "tests.journeys.furnish"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    found: dict[str, str] = json.loads(made.stdout)
    return found


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Open the product as somebody: ``visit("daofu", language="en", width=390)``.

    Any script error, breach of the content security policy, or header that the browser does not
    understand fails the journey.
    """
    opened: list[tuple[Page, list[str]]] = []

    def open_as(
        username: str = "", *, language: str = "zh", width: int = 1440, dark: bool = False
    ) -> Page:
        context = browser.new_context(
            base_url=server.url,
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Asia/Shanghai",
            viewport={"width": width, "height": 900 if width > 600 else 844},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: _note(message, problems))
        opened.append((page, problems))
        if username:
            sign_in(page, username)
        return page

    yield open_as
    for page, problems in opened:
        page.context.close()
        assert not problems, problems


def _note(message: ConsoleMessage, problems: list[str]) -> None:
    faults = ("Content Security Policy", "Refused to", "Permissions-Policy")
    if any(fault in message.text for fault in faults):
        problems.append(message.text)


def sign_in(page: Page, username: str) -> None:
    """Sign in with the demonstration's password."""
    page.goto("/accounts/login/")
    page.fill("#id_login", username)
    page.fill("#id_password", DEMO_PASSWORD)
    page.press("#id_password", "Enter")
    expect(page).not_to_have_url(re.compile("login"))


# Not of WCAG, but who walks a page by its landmarks has to tell them apart.
_LANDMARKS = [
    *("landmark-unique", "landmark-one-main", "landmark-no-duplicate-main"),
    *("landmark-no-duplicate-banner", "landmark-no-duplicate-contentinfo"),
    *("landmark-main-is-top-level", "landmark-banner-is-top-level"),
    *("landmark-contentinfo-is-top-level", "landmark-complementary-is-top-level"),
]


def violations(page: Page) -> list[str]:
    """What stands in the way of a screen reader or weak eyes, by axe's rules for WCAG 2.2 AA and
    for landmarks."""
    options = {
        "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"],
        "rules": {rule: {"enabled": True} for rule in _LANDMARKS},
        # Else axe describes also every element that keeps the rules.
        "resultTypes": ["violations"],
    }
    with _whole_form(page):  # axe takes what the bar of buttons half covers for a smaller target
        found = Axe().run(page, options=options)
    return [
        f"{rule['id']} ({len(rule['nodes'])}): {rule['nodes'][0]['target']}"
        for rule in found.response["violations"]
    ]


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page for people to look at."""
    path = SHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with _whole_form(page):
        page.screenshot(path=path, full_page=True)


@contextmanager
def _whole_form(page: Page) -> Iterator[None]:
    """The buttons that stay in sight go to the end of their form, and cover nothing of it."""
    foot = "document.querySelector('.fk-page-form > .card-footer')?.style"
    page.evaluate(f"() => {foot}?.setProperty('position', 'static')")
    yield
    page.evaluate(f"() => {foot}?.removeProperty('position')")
