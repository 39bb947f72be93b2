"""No personal data in logs, addresses, titles, jobs, the trail, kept commands or sessions.

Canary persons are entered, searched, opened, revealed, exported, imported, mistyped, and the server
is made to fail with them in hand; then everything that is kept or logged is searched for them.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fangkong.core import clock
from fangkong.core.commands.states import version
from fangkong.core.logs import JsonLines
from fangkong.people import queries as people
from fangkong.people.models import Person
from fangkong.surveillance.monitoring.tests import factories
from fangkong.surveillance.monitoring.tests.factories import AT, World

from .kept import holds, in_files, in_tables

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

NAME, OTHER = "金丝雀卓玛", "金丝雀多吉"
NUMBER = factories.id_number(7)
PHONE = "13877770007"
ADDRESS = "金丝雀巷七号"
CANARIES = [NAME, OTHER, NUMBER, PHONE, ADDRESS, "jinsique"]

# Where personal data belong: sealed, masked on the way out, and destroyed in time.
REGISTER = {
    "people_namepart": {"part"},
    "people_person": {"name", "name_pinyin", "name_initials", "workplace", "guardian_name"},
    "core_importchunk": {"body", "said"},
}


@pytest.fixture
def world(settings, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"
    settings.DEBUG = False
    cache.clear()
    return World()


@pytest.fixture
def lines():
    """What would be written to the log, as it would be written."""
    kept: list[str] = []

    class Keeps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    handler = Keeps(logging.INFO)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in ("", "django", "django.request", "fangkong")]
    for logger in loggers:
        logger.addHandler(handler)
    yield kept
    for logger in loggers:
        logger.removeHandler(handler)


class Browser:
    """A browser that remembers each address it was sent to and each title it was shown."""

    def __init__(self, client, user):
        client.force_login(user)
        client.raise_request_exception = False
        self.client, self.addresses, self.titles, self.statuses = client, [], [], []

    def get(self, path, **asked):
        return self._keep(self.client.get(path, asked))

    def post(self, path, **sent):
        return self._keep(self.client.post(path, sent))

    def machine(self, path, sent, key):
        return self._keep(
            self.client.post(
                path,
                json.dumps(sent),
                content_type="application/json",
                headers={"Idempotency-Key": key},
            )
        )

    def _keep(self, answer):
        self.statuses.append(answer.status_code)
        self.addresses += [answer.get("Location", ""), answer.get("HX-Redirect", ""),
                           answer.get("HX-Push-Url", "")]  # fmt: skip
        if not answer.streaming:
            found = re.findall(r"<title>(.*?)</title>", answer.content.decode(), re.DOTALL)
            self.titles += found
        return answer


def everything_kept():
    """Every text of every table but those that are made for it, and every file."""
    yield from in_tables(REGISTER)
    yield from in_files()


def go_everywhere(browser, world, monkeypatch):
    case = factories.case(world)
    person = Person.objects.get(pk=case.person_id)
    made = browser.machine(
        "/api/v1/people/",
        {
            "name": NAME,
            "documents": [{"kind": "resident_id", "number": NUMBER}],
            "phones": [{"number": PHONE}],
            "area": "513326",
            "address_detail": ADDRESS,
        },
        "k-register",
    )
    assert made.status_code in (200, 201), made.content
    person = Person.objects.get(name=NAME)
    page = reverse("people:detail", args=[person.public_id])
    for text in (NAME, NUMBER, PHONE, "jinsique"):
        browser.post(reverse("people:search"), text=text)
        browser.machine("/api/v1/people/search/", {"text": text}, f"k-{text.encode().hex()[:20]}")
        for name in ("people:index", "surveillance:monitoring:index", "tasks:index"):
            browser.get(reverse(name), export="csv")
        for name in ("people:index", "surveillance:monitoring:index"):
            browser.get(reverse(name), q=text) if text in (NUMBER, PHONE) else None
    browser.get(page)
    revealed = browser.post(
        reverse("people:reveal", args=[person.public_id]),
        _key="k-reveal", fields_wanted=["name", "documents", "phones", "address_detail"],
        why="tracing", more="",
    )  # fmt: skip
    assert PHONE in revealed.content.decode()
    browser.post(
        reverse("people:reveal", args=[person.public_id]),
        _key="k-reveal-2", fields_wanted=["name"], why="other", more=f"call {PHONE}",
    )  # fmt: skip
    browser.post(reverse("people:correct", args=[person.public_id]), _key="k-correct", name=OTHER,
                 _seen=version(person), sex="2", workplace="",
                 address_detail=ADDRESS + "甲")  # fmt: skip
    browser.post(reverse("people:add_phone", args=[person.public_id]), _key="k-phone",
                 number="1387777000", kind="own")  # fmt: skip
    browser.post(reverse("people:add_document", args=[person.public_id]), _key="k-document",
                 kind="resident_id", number=NUMBER[:-1] + "0")  # fmt: skip
    browser.post(reverse("tasks:new"), _key="k-task", text=f"联系{PHONE}", note=NUMBER)
    rows = [factories.line(7, name=NAME, id_number=NUMBER, phone=PHONE, address=ADDRESS)]
    browser.post(
        reverse("surveillance:monitoring:imports"),
        _key="k-import",
        file=SimpleUploadedFile("cards.csv", factories.table(*rows).encode()),
    )

    def fails(*args, **kwargs):
        raise RuntimeError(f"{NAME} {NUMBER} {PHONE} {ADDRESS}")

    with monkeypatch.context() as broken:
        broken.setattr(people, "masked", fails)
        broken.setattr(people, "search", fails)
        broken.setattr(people, "in_full", fails)
        assert browser.get(page).status_code == 500
        assert browser.post(reverse("people:search"), text=NAME).status_code == 500
        answer = browser.machine("/api/v1/people/search/", {"text": NUMBER}, "k-fails")
        assert answer.status_code == 500
        for canary in (NAME, NUMBER, PHONE, ADDRESS):
            assert canary not in answer.content.decode()


def test_no_canary_is_found_anywhere(client, world, lines, monkeypatch, capfd):
    browser = Browser(client, world.daofu_cdc)

    go_everywhere(browser, world, monkeypatch)

    seen = [("log", line) for line in lines] + [("output", text) for text in capfd.readouterr()]
    seen += [("address", text) for text in browser.addresses]
    seen += [("title", text) for text in browser.titles]
    seen += everything_kept()
    found = {(place, canary) for place, text in seen for canary in CANARIES if holds(text, canary)}
    assert found == set()
    assert {200, 302, 400, 422, 500} <= set(browser.statuses)
    assert len(lines) > 5 and len(browser.titles) > 10 and len(browser.statuses) > 30


WIDE = NUMBER.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
TYPED = {
    "number": (NUMBER, 400),
    "number in wide digits": (WIDE, 400),
    "number in groups": (f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}", 400),
    "phone": (PHONE, 400),
    "phone with country": (f"+86 {PHONE}", 400),
    "name": (NAME, 404),
    "address": (ADDRESS, 404),
}
PLACES = [
    "/{}", "/{}/", "/people/{}/", "/people/{}", "/places/{}/", "/surveillance/monitoring/{}/",
    "/accounts/{}/", "/api/v1/people/{}/", "/api/v1/places/areas/{}/", "/api/{}", "/static/{}",
    "/core/{}/x.pdf",
]  # fmt: skip
QUERIES = ["/people/?{}", "/?{}=1", "/people/?q={}", "/api/v1/people/?after={}"]  # of numbers alone


@pytest.mark.parametrize("kind", TYPED)
def test_what_is_typed_into_an_address_is_neither_said_again_nor_logged(
    client, world, lines, capfd, kind
):
    typed, status = TYPED[kind]
    path = quote(typed)
    for user in (None, world.daofu_cdc):
        if user is not None:
            client.force_login(user)
        for place in [*PLACES, *(QUERIES if status == 400 else [])]:
            for ask in (client.get, client.post):
                answer = ask(place.format(path))
                text = answer.content.decode() + str(answer.headers)
                said = {one for one in (typed, path, NUMBER, PHONE) if one in text}
                # A visitor is sent to sign in, and from there to where they wanted.
                home = answer.status_code == 302 and status == 404
                assert home or not said, (place, said, answer.status_code)
                if status == 400:
                    assert answer.status_code == 400, (place, answer.status_code)
    told = [*lines, *capfd.readouterr()]
    assert [one for one in told if any(word in one for word in (typed, path))] == []
    assert any("Bad Request" in one or "Not Found" in one for one in lines)


@pytest.mark.parametrize(
    "path",
    ["/people/01900000-0000-7000-8000-138000011110/", "/places/513326100/", "/?on=2020-02-05"],
)
def test_an_id_a_code_and_a_day_are_no_number_of_a_person(client, world, path):
    client.force_login(world.daofu_cdc)
    assert client.get(path).status_code in (200, 404)


def test_the_search_finds_a_canary_where_one_is_planted(world, lines):
    """The same search with a leak in each place: it must not be blind."""
    from fangkong.core.audit.models import AuditLine

    logging.getLogger("fangkong").error("person %s", NAME)
    AuditLine.objects.create(
        at=AT, by=world.daofu_cdc, action="x", subject_type="x", subject_id=1, detail={"n": OTHER}
    )

    assert any(holds(line, NAME) for line in lines)
    places = [place for place, text in everything_kept() if holds(text, OTHER)]
    assert places == ["core_auditline.detail"]


def test_the_tables_that_hold_persons_are_those_that_say_so():
    declared = {model._meta.db_table for model in apps.get_models() if vars(model).get("pii", {})}

    assert set(REGISTER) <= declared
    assert Path(__file__).is_file()
