"""Every address of the house, asked by every role from inside and outside the county."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4
from zlib import crc32

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse

from fangkong.accounts.tests.factories import user
from fangkong.core.audit import queries as audit
from fangkong.core.audit import sights
from fangkong.core.printing import sheets
from fangkong.core.roles import Role
from fangkong.people import queries as people
from fangkong.people import views as person_pages
from fangkong.people.models import Person
from fangkong.surveillance.monitoring import api as case_machines
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.models import Case
from fangkong.web import errors as error_pages

from .addresses import Address, addresses
from .counties import AT, DAY, Actor, Counties
from .page import PAGE, PARTS, SHORT, page
from .table import EVERYBODY, STAFF, TABLE, Row

pytestmark = pytest.mark.spread

# Statements that change rows, and the tables that a question may leave a trace in.
WRITES = re.compile(
    r'^\s*(?:SET LOCAL [^;]*;\s*)*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE
)
TRACES = {
    "django_session": "what the browser was told last",
    "core_auditline": "a file of records leaves its line",
    "core_sight": "whoever opens a person's record is noted",
}
REFUSED = {403, 405}
UNDERSTOOD = {200, 201, 202, 204, 302, 303, 400, 409, 412, 413, 415, 422, 428}


class Scan(logging.Handler):
    """Looks into each record of any level for what must never stand in a log; prints nothing.

    Into the record as it is, not only as our lines are written: another formatter may come.
    """

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.canaries: list[tuple[str, str]] = []
        self.found: set[str] = set()
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        facts = {name: value for name, value in vars(record).items() if name != "request"}
        text = f"{record.getMessage()} {facts} {record.exc_info and record.exc_info[1]!r}"
        self.found |= {f"{kind} in {record.name}" for kind, one in self.canaries if one in text}


# Django's own logs of statements and of missing values in templates hold what stands in them; the
# settings let neither say it, in debugging either.
KEPT_SHORT = ("django.db.backends", "django.template")


@pytest.fixture(autouse=True)
def scan(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scan]:
    """Every log of the house and of what it stands on, down to the last word, during a test."""
    scan, root = Scan(), logging.getLogger()
    for log in [root, *map(logging.getLogger, [*root.manager.loggerDict, "fangkong.people"])]:
        lowest = logging.INFO if log.name in KEPT_SHORT else logging.DEBUG
        monkeypatch.setattr(log, "level", lowest)
        monkeypatch.setattr(log, "handlers", [scan] if log is root else [])
        monkeypatch.setattr(log, "propagate", True)
        monkeypatch.setattr(log, "_cache", {})
    yield scan
    assert scan.found == set()


OF_THE_DEMO = {"FANGKONG_DEMO": True, "FANGKONG_TODAY": DAY}  # its page is there too


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[Counties]:
    """The two counties, made once: each test undoes what it does to them, and this one them."""
    with django_db_blocker.unblock(), override_settings(**OF_THE_DEMO), transaction.atomic():
        yield Counties()
        transaction.set_rollback(True)


@pytest.fixture
def counties(world, db, settings, scan) -> Counties:
    for name, value in OF_THE_DEMO.items():
        setattr(settings, name, value)
    found = deepcopy(world)  # rows that a test has changed are its own
    scan.canaries = [pair for one in (found.daofu, found.kangding) for pair in one.numbers.items()]
    return found


def test_every_address_stands_in_the_table_and_no_other():
    assert {address.key for address in addresses()} == set(TABLE)


def test_the_addresses_are_read_from_the_configuration():
    found = {address.key: address for address in addresses()}

    assert len(found) > 100
    assert found["people:detail"].route == "/people/<uuid:public_id>/"
    assert found["PUT /places/facilities/<public_id>/"].methods == ("PUT",)


def test_the_page_about_access_says_what_the_table_says():
    assert PAGE.read_text("utf-8") == page(), "make access"


def test_the_page_knows_every_role_and_every_row():
    assert set(SHORT) == set(Role)
    assert {key for rows in PARTS.values() for key in rows} == set(TABLE)


def ask(
    client: Client, address: Address, method: str, counties: Counties, query: str = ""
) -> tuple[HttpResponseBase, str, list[str]]:
    """The answer, its text without the asked id, and the tables that were written to."""
    row, daofu = TABLE[address.key], counties.daofu
    values = {
        "contact_id": str(daofu.records["contact"].public_id),
        "appointment_id": str(daofu.records["appointment"].public_id),
        **row.values,
    }
    asked_id = ""
    if row.record:
        asked_id = str(daofu.records[row.record].public_id)
        values.setdefault("public_id", asked_id)
    values.setdefault("public_id", str(uuid4()))
    path = f"{address.path(values)}?{query or row.query}"
    said = row.sends(daofu) if callable(row.sends) else row.sends
    sent: Any = dict(said)
    more: dict[str, Any] = {}
    if method != "GET":
        if "file" in sent:
            sent["file"] = SimpleUploadedFile("cards.csv", str(sent["file"]).encode())
        elif address.is_api:
            sent, more = json.dumps(sent), {"content_type": "application/json"}
        more["headers"] = {"Idempotency-Key": str(uuid4())}
        more["data"] = sent
    written: list[str] = []

    def note(execute: Any, sql: str, params: object, many: bool, context: object) -> Any:
        if found := WRITES.match(sql):
            written.append(found[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note), transaction.atomic():
        # What the request does is undone, so that every actor finds the same world.
        answer = getattr(client, method.lower())(path, **more)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    text = body.decode("utf-8", "replace") + answer.get("Location", "")
    return answer, without(text, [asked_id, *map(str, said.values())]), written


def without(text: str, known: list[str]) -> str:
    """The text without what the asker said, which a form may say again."""
    for one in known:
        if len(one) > 3:
            text = text.replace(one, "")
    return text


def passes(row: Row, actor: Actor) -> bool:
    """Whether this actor reaches what the row leads to."""
    if row.who == EVERYBODY:
        return True
    if row.who == STAFF:
        reaches = not row.record or row.house or actor.within
        return actor.user is not None and reaches and (row.mine is None or actor.role in row.mine)
    if actor.role not in row.who:
        return False
    if (row.record or row.foreign) and not row.house and not actor.within:
        return False
    if row.whole and not actor.within:
        return False
    return not row.record or row.mine is None or actor.role in row.mine


def refusal(row: Row, actor: Actor) -> int:
    """The status that tells this actor no."""
    if row.whole and not actor.within:
        return 403
    return 404 if row.who == STAFF or actor.role in row.who else 403


class Asker:
    """Signs an actor in once; each question comes from the browser as it was after that."""

    def __init__(self, actor: Actor) -> None:
        self._client = Client()
        if actor.user is not None:
            self._client.force_login(actor.user)
        self._cookies = self._client.cookies.output(header="", sep=";")

    def client(self) -> Client:
        """The client without what an answer has left in it; its session is that of the sign-in."""
        self._client.cookies = SimpleCookie(self._cookies)
        return self._client


def faults(
    asker: Asker, row: Row, actor: Actor, method: str, address: Address, counties: Counties
) -> list[str]:
    """What is wrong with the answer to one request."""
    answer, text, written = ask(asker.client(), address, method, counties)
    status, wrong = answer.status_code, []
    passed = passes(row, actor)
    if method == "GET" and not row.gets:
        if status not in REFUSED and actor.user is not None:
            wrong.append(f"{status} where only POST is answered")
    elif passed and row.who == EVERYBODY:
        if status >= 500:
            wrong.append(f"{status}")
    elif passed:
        good = {200, 302} if row.who == STAFF or row.confirms else {200}
        good = good if method == "GET" else UNDERSTOOD | {405} | ({403} if row.forbids else set())
        good |= {404} if row.lacks else set()
        if status not in good:
            wrong.append(f"{status} for those whose work it is")
    elif actor.user is None:
        away = status == 302 and answer.get("Location", "").startswith(reverse("account_login"))
        if not away and status not in (401, 403, 405):
            wrong.append(f"{status} without signing in")
    elif status != refusal(row, actor) and not (method == "POST" and status == 405):
        wrong.append(f"{status} instead of {refusal(row, actor)}")
    if method == "GET" or not passed:
        wrong += [f"writes {table}" for table in written if table not in TRACES]
    wrong += [f"shows {kind} of Daofu" for kind in leaks(row, actor, passed, text, counties)]
    if method == "GET" and passed and actor.within and (row.mine is None or actor.role in row.mine):
        ids = {kind: str(counties.daofu.records[kind].public_id) for kind in row.shows}
        wrong += [f"lacks the {kind}" for kind, one in ids.items() if one not in text]
    return wrong


def leaks(row: Row, actor: Actor, passed: bool, text: str, counties: Counties) -> list[str]:
    """The kinds of secrets of Daofu in a text that this actor must not see there."""
    inside = actor.within and passed
    return [
        kind
        for kind, secret in counties.daofu.secrets()
        if secret in text
        # Records are open to those who answer for the county; full names and numbers to nobody
        # who did not ask for them.
        and not (inside and (kind in counties.daofu.records or kind in row.full))
        and not (row.house and passed and kind in counties.daofu.records)
    ]


def asked_by(
    actor: Actor, counties: Counties, part: str = "", turn: int | None = None
) -> list[str]:
    """All that is wrong with what the house answers to one actor.

    ``turn``: the number of the actor among many; the page that says no to a role is then drawn in
    full for about one address in ``TURNS``, scattered, so that at each address some actors see it.
    """
    asker, found = Asker(actor), []
    for address in addresses():
        if part not in address.key:
            continue
        with no_to_a_role(in_full=turn is None or is_drawn(turn, address.key)):
            found += [
                f"{method} {address.key}: {fault}"
                for method in address.methods
                for fault in faults(asker, TABLE[address.key], actor, method, address, counties)
            ]
    return found


TURNS = 4


def is_drawn(turn: int, key: str) -> bool:
    """Also for those inside and those outside a county, who have numbers by turns."""
    return (crc32(key.encode()) + turn + turn // 2) % TURNS == 0


@contextmanager
def no_to_a_role(*, in_full: bool) -> Iterator[None]:
    """The page of a 403 says the same at each address, and to draw it took a quarter of all time.

    It is drawn in full wherever somebody without a role, or a former one, asks; here as
    ``asked_by`` says.
    """

    drawn = error_pages._page

    def short(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
        if status != 403:
            return drawn(request, status, title, text)
        return HttpResponse(f"{title} {text}", status=status)

    with pytest.MonkeyPatch.context() as patch:
        if not in_full:
            patch.setattr(error_pages, "_page", short)
        yield


# --- Files ---------------------------------------------------------------------------------------


def test_lists_as_files_hold_no_more_than_the_lists(counties):
    wrong = []
    for actor in counties.actors():
        client = Client()
        client.force_login(actor.user)
        for address in addresses():
            row = TABLE[address.key]
            if address.is_api or not row.shows or not passes(row, actor):
                continue
            answer, text, _ = ask(client, address, "GET", counties, query="export=csv")
            if answer.status_code != 200 or not answer["Content-Type"].startswith("text/csv"):
                wrong.append(f"{actor.label} {address.key} {answer.status_code}")
            found = leaks(row, actor, True, text, counties)
            wrong += [f"{actor.label} {address.key}: {kind}" for kind in found]

    assert wrong == []


# --- Views leave a sight -------------------------------------------------------------------------


def of_persons(counties: Counties) -> set[str]:
    """The kinds of records that are a person or lead to one."""
    records = counties.daofu.records
    return {kind for kind, record in records.items() if audit.person_keys(type(record))}


def unseen(counties: Counties, part: str = "") -> list[str]:
    """What shows persons to somebody entitled and notes nothing of it."""
    kinds, actors = of_persons(counties), list(counties.actors())
    wrong = []
    for address in addresses():
        row = TABLE[address.key]
        entitled = [a for a in actors if a.within and passes(row, a)]
        if part not in address.key or not entitled or not isinstance(row.who, frozenset):
            continue
        client = Client()
        client.force_login(entitled[0].user)
        asked: list[tuple[str, str]] = []
        if row.record in kinds:
            asked = [(method, "") for method in address.methods] + [("GET", "print")]
        elif kinds & set(row.shows):
            files = ("export=csv", "export=xlsx", "export=pdf")
            asked = [("GET", q) for q in (("",) if address.is_api else files)]
        elif set(row.sends if isinstance(row.sends, dict) else ()) == {"text"}:
            asked = [("POST", "")]
        for method, query in asked:
            answer, _, written = ask(client, address, method, counties, query=query)
            if answer.status_code in (200, 201) and "core_sight" not in written:
                wrong.append(f"{method} {address.key} {query}".strip())
    return wrong


@pytest.fixture
def paper(monkeypatch):
    """Printing without the printer: what is noted does not hang on it."""
    monkeypatch.setattr(sheets, "pdf", lambda html: b"%PDF-1.4")


def test_whoever_sees_a_person_is_noted(counties, paper):
    assert {"person", "case"} <= of_persons(counties)
    assert unseen(counties) == []


def test_a_page_or_an_answer_that_notes_nothing_is_found(counties, paper, monkeypatch):
    addresses()  # every page is loaded before: else it would keep what is planted here
    monkeypatch.setattr(person_pages, "opened", lambda *said, **more: 0)
    monkeypatch.setattr(case_machines, "opened", lambda *said, **more: 0)
    monkeypatch.setattr(sights, "listed", lambda *said, **more: 0)
    monkeypatch.setattr(sights, "opened", lambda *said, **more: 0)

    assert {
        "GET people:detail",
        "POST people:search",
        "GET people:index export=csv",
        "GET people:index export=pdf",
        "GET GET /people/",
        "GET GET /surveillance/monitoring/cases/<public_id>/",
    } <= set(unseen(counties))


@pytest.mark.parametrize(
    ("path", "ways"),
    [
        ("/surveillance/monitoring/{case}/?print", {"opened", "printed"}),
        ("/people/?export=csv", {"exported"}),
        ("/people/?export=pdf", {"printed"}),
        ("/api/v1/people/", {"api"}),
        ("/api/v1/surveillance/monitoring/cases/", {"api"}),
    ],
)
def test_a_sight_says_in_which_way(counties, paper, path, ways):
    case = counties.daofu.records["case"]
    client = Client()
    client.force_login(counties.daofu.cdc)
    answer = client.get(path.format(case=case.public_id))

    assert answer.status_code == 200
    seen = audit.all_sights().filter(by=counties.daofu.cdc)
    pair = counties.daofu.records["pair"]  # of the patient and of somebody else
    more = {counties.daofu.records[one].person_id for one in ("arrival", "finding of a sweep")}
    listed = {pair.one_id, pair.other_id, *more} if "people" in path else {case.person_id}
    assert {(s.subject_id, s.how) for s in seen} == {(one, way) for one in listed for way in ways}


def test_the_search_over_everything_notes_whom_it_found(counties):
    client = Client()
    client.force_login(counties.daofu.cdc)
    client.post(reverse("find"), {"text": counties.daofu.numbers["name"]})

    seen = audit.all_sights().filter(by=counties.daofu.cdc)
    assert {(s.subject_id, s.how) for s in seen} == {(counties.daofu.records["person"].pk, "found")}


# --- Restricted data name nobody -----------------------------------------------------------------

RARE = "魑"  # begins the name of everybody, and no other text of the house


def naming(counties: Counties, within: str = "") -> set[str]:
    """The pages, answers and files that name a person by the first sign of the name."""
    wrong = set()
    for actor in counties.actors():
        if not actor.within or actor.role not in NAMING:
            continue
        client = Client()
        client.force_login(actor.user)
        for address in addresses():
            row = TABLE[address.key]
            if within not in address.key or not passes(row, actor):
                continue
            asked = [("GET", "")] if "GET" in address.methods and row.gets else []
            if row.shows and not address.is_api:
                asked += [("GET", "export=csv")]
            if isinstance(row.sends, dict) and set(row.sends) == {"text"}:
                asked += [("POST", "")]
            for method, query in asked:
                _answer, text, _ = ask(client, address, method, counties, query=query)
                if RARE in text:
                    wrong.add(f"{method} {address.key} {query}".strip())
    return wrong


NAMING = {Role.HEADQUARTERS, Role.LABORATORY, Role.FIELD_WORKER}


def test_restricted_persons_are_named_nowhere(counties):
    Person.objects.update(name=RARE + "魅")
    assert {
        "GET surveillance:monitoring:index",
        "GET surveillance:monitoring:index export=csv",
        "GET GET /surveillance/monitoring/cases/",
        "GET surveillance:monitoring:detail",
    } <= naming(counties, "monitoring")

    Person.objects.update(restricted_at=AT)

    assert naming(counties) == set()


# --- Forged requests -----------------------------------------------------------------------------


def test_nothing_is_accepted_that_another_site_sends(counties):
    """Without the token of our own page every change is refused, whoever is signed in."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(next(counties.actors()).user)
    accepted = {
        f"{method} {address.key}"
        for address in addresses()
        for method in set(address.methods) - {"GET"}
        if ask(client, address, method, counties)[0].status_code not in (403, 404, 405)
    }

    assert accepted <= HARMLESS


# What a page of another site may ask for: nothing is changed by it.
HARMLESS = {
    "POST alive",
    "POST ready",
    "POST core:violations:index",  # the browser's own reports; a line in the log at most
}


# --- The checks find what they are for -----------------------------------------------------------


def of_kangding(counties: Counties) -> Actor:
    return next(a for a in counties.actors() if a.role == Role.COUNTY_CDC and not a.within)


PLANTED = [
    ("listed", {"GET surveillance:monitoring:index: shows case of Daofu"}),
    (
        "open_to",
        {
            "GET surveillance:monitoring:detail: 200 instead of 404",
            "GET GET /surveillance/monitoring/cases/: shows case of Daofu",
        },
    ),
    (
        "open_to_review",
        {
            "POST surveillance:monitoring:accept: 302 instead of 404",
            "POST surveillance:monitoring:accept: writes surveillance_case",
        },
    ),
]


@pytest.mark.parametrize(("query", "faulty"), PLANTED)
def test_a_query_that_forgets_the_scope_is_found(counties, monkeypatch, query, faulty):
    assert asked_by(of_kangding(counties), counties, "monitoring") == []

    monkeypatch.setattr(monitoring, query, lambda user, at: Case.objects.select_related("person"))

    found = set(asked_by(of_kangding(counties), counties, "monitoring"))
    if connection.vendor == "postgresql":
        # The second wall stands: nothing of Daofu comes through, and nothing of it is changed.
        assert not {one for one in found if "of Daofu" in one or "surveillance_case" in one}
    else:
        assert faulty <= found


def test_a_page_open_to_the_wrong_role_is_found(counties, monkeypatch):
    monkeypatch.setitem(TABLE, "jobs", Row(frozenset({Role.AUDITOR}), house=True))
    auditor = next(a for a in counties.actors() if a.role == Role.AUDITOR)

    assert asked_by(auditor, counties, "jobs") == [
        "GET jobs: 403 for those whose work it is",
        "POST jobs: 403 for those whose work it is",
    ]


def test_a_question_that_writes_is_found(counties, monkeypatch):
    def seen(user, at):
        Case.objects.update(changed_at=at)
        return Case.objects.none()

    monkeypatch.setattr(monitoring, "listed", seen)
    fault = "GET surveillance:monitoring:index: writes surveillance_case"

    assert fault in asked_by(of_kangding(counties), counties, "monitoring:index")


@pytest.mark.parametrize("kind", ["name", "number", "phone", "address"])
def test_a_log_line_that_names_somebody_is_found(counties, scan, monkeypatch, kind):
    """Planted where the page draws a person: at the lowest level, as a value beside the text."""
    masked, secret = people.masked, counties.daofu.numbers[kind]

    def told(person, on=None):
        logging.getLogger("fangkong.people").debug("drawn", extra={"person": secret})
        return masked(person, on)

    monkeypatch.setattr(people, "masked", told)
    officer = next(a for a in counties.actors() if a.role == Role.COUNTY_CDC and a.within)

    assert asked_by(officer, counties, "people:detail") == []
    assert scan.found == {f"{kind} in fangkong.people"}
    scan.found.clear()  # as each test ends with an empty one


def test_the_scan_hears_what_the_house_says(counties, scan):
    before = scan.records
    asked_by(of_kangding(counties), counties, "people:")
    assert scan.records > before + 3


# --- Everybody, everywhere -----------------------------------------------------------------------

ACTORS = 28


@pytest.mark.parametrize("number", range(ACTORS))
def test_each_role_opens_what_is_its_own_and_nothing_else(counties, number):
    actor = list(counties.actors())[number]

    assert asked_by(actor, counties, turn=number) == [], actor.label


def test_a_secret_on_the_page_that_says_no_is_found_at_each_address(counties, monkeypatch):
    said = counties.daofu.numbers["phone"]
    monkeypatch.setattr(error_pages, "_page", lambda *_: HttpResponse(said, status=403))
    auditor = next(a for a in counties.actors() if a.role == Role.AUDITOR)
    fault = "POST tasks:new: shows phone of Daofu"
    one, other = (
        next(n for n in range(ACTORS) if is_drawn(n, "tasks:new") == drawn)
        for drawn in (True, False)
    )

    assert fault in asked_by(auditor, counties, "tasks:new", one)
    assert fault not in asked_by(auditor, counties, "tasks:new", other)
    assert fault in asked_by(Actor("no role", user("no-role")), counties, "tasks:new")


def test_the_page_that_says_no_is_drawn_for_some_actors_at_each_address():
    for first in (0, 1):
        times = [sum(is_drawn(n, one.key) for n in range(first, ACTORS, 2)) for one in addresses()]
        assert min(times) > 0
        assert max(times) <= ACTORS // 2 // TURNS + 1


def test_all_roles_were_asked(counties):
    assert len(list(counties.actors())) == ACTORS


def test_somebody_without_a_role_opens_nothing(counties):
    assert asked_by(Actor("no role", user("no-role", password="x" * 12)), counties) == []


def test_somebody_whose_office_ended_opens_nothing(counties):
    assert asked_by(Actor("dismissed", counties.dismissed()), counties) == []


def test_a_visitor_opens_nothing(counties):
    assert asked_by(Actor("visitor", None), counties) == []


def test_what_is_public_shows_no_menu(counties):
    for address in addresses():
        if TABLE[address.key].who == EVERYBODY:
            answer, text, _ = ask(Client(), address, "GET", counties)
            assert answer.status_code in (200, 302, 404, 405), address.key
            assert "fk-menu-item" not in text, address.key
