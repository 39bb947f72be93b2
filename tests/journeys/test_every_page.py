"""Every page: answers, fits the screen, breaks no policy, and works with a screen reader (axe).

``make test`` looks at each page once, in one of the eight looks by turns; ``make test-long`` looks
at every page in all of them and keeps the pictures in var/shots/pages.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory
from playwright.sync_api import Browser, Error, Page, Route, expect

from fangkong.accounts.queries import DEMO_PASSWORD
from fangkong.core.shedding import Shed
from fangkong.web import errors
from tests.journeys.conftest import LISTEN, Visit, shot, sign_in, violations
from tests.journeys.pages import Place, pages
from tests.journeys.server import Server

REFLOW = 320  # CSS pixels: WCAG 1.4.10
ZOOMED = 640  # what is left of 1280 pixels at 200 %: WCAG 1.4.4
MOVES = """() => [...document.querySelectorAll("main *, .fk-sidebar *, dialog *")].filter((one) => {
  const style = getComputedStyle(one);
  return [style.transitionDuration, style.animationDuration].join().split(",")
    .some((text) => parseFloat(text) * (text.trim().endsWith("ms") ? 1 : 1000) > 10);
}).length"""


@dataclass(frozen=True)
class Look:
    language: str
    dark: bool
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.width}{'-dark' if self.dark else ''}"


LOOKS = [Look(*look) for look in product(("zh", "en"), (False, True), (360, 1280))]


@pytest.fixture
def seat(browser: Browser, server: Server) -> Iterator[Callable[[str], Page]]:
    """A browser that keeps its language in a cookie, so that one sign-in serves every look."""
    seats: dict[str, Page] = {}

    def sit(username: str) -> Page:
        if username not in seats:
            context = browser.new_context(base_url=server.url, timezone_id="Asia/Shanghai")
            context.set_default_timeout(15_000)
            context.add_init_script(LISTEN)
            seats[username] = context.new_page()
            if username:
                sign_in(seats[username], username)
        return seats[username]

    yield sit
    for page in seats.values():
        page.context.close()


def test_each_page_in_one_look_is_whole(
    seat: Callable[[str], Page], records: dict[str, str], server: Server
) -> None:
    wrong: list[str] = []
    seen = set()
    for number, place in enumerate(pages(records)):
        page = seat(place.username)
        look = LOOKS[number % len(LOOKS)]
        found = _open(page, place, look, server)
        if found is not None:
            seen.add(place.name)
            wrong += [f"{place.name} ({look}): {text}" for text in (*found, *violations(page))]
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 90  # pieces and files are left out; the pages are not


def test_landmarks_that_are_alike_are_seen(visit: Visit) -> None:
    """Or the look at every page would be blind to them."""
    page = visit()
    page.goto("/accounts/login/")
    assert violations(page) == []
    page.evaluate(
        """() => {
          for (const _ of [1, 2]) {
            const part = document.createElement("section");
            part.ariaLabel = "Table";
            document.querySelector("main").append(part);
          }
        }"""
    )
    assert [one.partition(" ")[0] for one in violations(page)] == ["landmark-unique"]


@pytest.mark.long
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("dark", [False, True])
def test_every_page_in_every_look_is_whole(
    seat: Callable[[str], Page],
    records: dict[str, str],
    server: Server,
    language: str,
    dark: bool,
) -> None:
    wrong: list[str] = []
    for place in pages(records):
        page = seat(place.username)
        for width in (1280, 360):
            look = Look(language, dark, width)
            found = _open(page, place, look, server)
            if found is None:
                break
            found += violations(page)
            shot(page, f"pages/{look}/{re.sub('[^a-z0-9_]+', '-', place.name.lower())}")
            wrong += [f"{place.name} ({look}): {text}" for text in found]
        else:
            for narrow in (ZOOMED, REFLOW):
                page.set_viewport_size({"width": narrow, "height": 720})
                wrong += [f"{place.name} ({look}): {text} at {narrow}" for text in _too_wide(page)]
            page.emulate_media(reduced_motion="reduce")
            if moving := page.evaluate(MOVES):
                wrong.append(f"{place.name}: {moving} things move where motion is not wanted")
            page.emulate_media(reduced_motion="no-preference")
    assert not wrong, "\n".join(wrong)


def _open(page: Page, place: Place, look: Look, server: Server) -> list[str] | None:
    """What is wrong with a page by its answer, its size and the policy; None: it is no page."""
    page.set_viewport_size({"width": look.width, "height": 900})
    page.emulate_media(color_scheme="dark" if look.dark else "light")
    code = "zh-hans" if look.language == "zh" else "en"
    page.context.add_cookies([{"name": "django_language", "value": code, "url": server.url}])
    try:
        answer = page.goto(place.path)
    except Error as problem:
        if "Download is starting" in str(problem):
            return None
        raise
    if "reauthenticate" in page.url and "reauthenticate" not in place.path:
        page.fill("[name=password]", DEMO_PASSWORD)
        with page.expect_navigation() as gone_on:
            page.press("[name=password]", "Enter")
        answer = gone_on.value
    assert answer, place
    if "<html" not in answer.text()[:500]:
        return None
    found = [] if answer.status == place.status else [f"answers {answer.status}"]
    if place.press:
        page.locator(place.press).first.click()
        page.wait_for_load_state()
    for figure in page.locator(".fk-chart, .fk-map").all():
        figure.scroll_into_view_if_needed()  # figures are drawn when they come into sight
        expect(figure).to_have_attribute("data-drawn", "yes", timeout=15_000)
    page.evaluate("() => scrollTo(0, 0)")
    breaches = page.evaluate("() => window.breaches")
    return [*found, *_too_wide(page), *(f"breaks the policy: {one}" for one in breaches)]


def _too_wide(page: Page) -> list[str]:
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return [f"{wide} px wider than the screen"] if wide > 0 else []


@pytest.mark.parametrize("dark", [False, True])
def test_pages_for_a_broken_a_busy_and_a_full_server_are_whole(
    visit: Visit, rf: RequestFactory, dark: bool
) -> None:
    """They need no database, so they are made here and shown at the server's address."""
    full = OSError(errno.ENOSPC, "full")
    answers = [_told(rf, fact) for fact in (ValueError(), OperationalError("locked"), full)]
    answers.append(_shed(rf))
    page = visit(width=360, dark=dark)
    page.add_init_script(LISTEN)
    for number, answer in enumerate(answers):
        page.route("**/broken/", lambda route, _request, answer=answer: _fulfil(route, answer))
        page.goto("/broken/")
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("main").evaluate("(one) => getComputedStyle(one).maxWidth") == "512px"
        assert not [*_too_wide(page), *violations(page), *page.evaluate("() => window.breaches")]
        shot(page, f"pages/error-{number}{'-dark' if dark else ''}")
        page.unroute("**/broken/")


def _told(rf: RequestFactory, fact: Exception) -> HttpResponse:
    try:
        raise fact
    except Exception:
        return errors.server_error(rf.get("/broken/"))


def _shed(rf: RequestFactory) -> HttpResponse:
    busy = Shed(lambda request: HttpResponse())
    while busy.places.acquire(blocking=False):
        pass
    return busy(rf.get("/broken/"))


def _fulfil(route: Route, answer: HttpResponse) -> None:
    """With a policy as narrow as that of every page."""
    policy = "default-src 'none'; style-src 'self'"
    headers = {"Content-Security-Policy": policy, "Content-Type": answer["Content-Type"]}
    route.fulfill(status=answer.status_code, headers=headers, body=answer.content)


def test_the_case_list_is_reached_by_keyboard_alone(visit: Visit) -> None:
    page = visit("daofu")
    page.goto("/surveillance/monitoring/")
    page.keyboard.press("Tab")
    expect(page.locator(".fk-skip")).to_be_focused()
    page.keyboard.press("Enter")
    link = page.locator(".fk-table tbody a").first
    for _ in range(80):
        page.keyboard.press("Tab")
        if link.evaluate("(element) => element === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".fk-facts").first).to_be_visible()
