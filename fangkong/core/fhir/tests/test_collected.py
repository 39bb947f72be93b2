"""``GET /api/v1/core/fhir/audit-events/``: another system collects the trail, page by page."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit import seals
from fangkong.core.audit.models import AuditLine, Sight
from fangkong.core.audit.tests.test_fhir import is_event
from fangkong.core.roles import Role
from fangkong.people.tests import factories as people
from fangkong.places.tests.factories import world

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
EVENTS = "/api/v1/core/fhir/audit-events/"


@pytest.fixture
def areas(db, monkeypatch, settings, tmp_path):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA, settings.FANGKONG_DATA = "513300", tmp_path
    cache.clear()
    return world()


@pytest.fixture
def collector(areas):
    client = Client()
    client.force_login(staff(Role.AUDITOR, area=areas["513300"], username="siem"))
    return client


def work(areas, n: int) -> None:
    officer = staff(
        Role.COUNTY_CDC, area=areas["513326"], username=f"cdc{n}-{Sight.objects.count()}"
    )
    for number in range(n):
        person = people.person(areas["513326"], documents=(), phones=())
        audit.record("people.correct", person, by=officer, at=AT, reason=f"r{number}")
        audit.seen(person, by=officer, at=AT, how="opened")


def collected(client, start: str = EVENTS, size: int = 3) -> tuple[list[dict[str, Any]], str]:
    found, url = [], f"{start}?size={size}" if "?" not in start else start
    while True:
        bundle = client.get(url).json()
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
        url = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
        if not bundle["entry"]:
            return found, url
        found += [entry["resource"] for entry in bundle["entry"]]


def test_every_sealed_event_comes_once_whatever_the_size_of_the_page(areas, collector):
    work(areas, 7)
    seals.seal(AT)
    wanted = {f"line-{pk}" for pk in AuditLine.objects.values_list("pk", flat=True)}
    wanted |= {f"sight-{pk}" for pk in Sight.objects.values_list("pk", flat=True)}

    for size in (1, 3, 200):
        found, _url = collected(collector, size=size)
        assert len(found) == len(wanted) and {event["id"] for event in found} == wanted
        assert [event for event in found if not is_event(event)] == []


def test_the_end_goes_on_where_it_stopped(areas, collector):
    work(areas, 2)
    seals.seal(AT)
    before, url = collected(collector)
    assert collected(collector, url)[0] == []

    work(areas, 2)
    assert collected(collector, url)[0] == []  # not sealed: one of a lower number may still come
    seals.seal(AT)
    after, _url = collected(collector, url)

    assert len([e for e in after if e["id"].startswith("sight")]) == 2
    assert not {e["id"] for e in before} & {e["id"] for e in after}


@pytest.mark.parametrize("after", ["x", "1", "1-", "1-2-3", "-1-2", "１-２", "9" * 19 + "-1"])
def test_a_place_that_is_none_is_refused(collector, after):
    assert collector.get(EVENTS, {"after": after}).status_code == 400


def test_only_who_reads_the_trail_collects_it(areas, collector):
    officer, stranger = Client(), Client()
    officer.force_login(staff(Role.COUNTY_CDC, area=areas["513326"], username="cdc"))

    assert collector.get(EVENTS).status_code == 200
    assert officer.get(EVENTS).status_code == 403
    assert stranger.get(EVENTS).status_code == 401


def test_a_page_costs_the_same_statements_however_much_is_on_it(areas, collector):
    costs = []
    for _round in range(2):
        work(areas, 5)
        seals.seal(AT)
        with CaptureQueriesContext(connection) as sent:
            assert collector.get(EVENTS, {"size": 200}).status_code == 200
        costs.append(len(sent))
    assert costs[0] == costs[1]
