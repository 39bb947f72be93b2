"""One chain by machines alone: from a first card to the warning product, through a pool.

Each step is told to the API of whoever does it, in the order of the work; between them the jobs of
the minute run as the worker runs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from fangkong.core import clock
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.testing.tests.factories import AT, World
from fangkong.surveillance.warning import actions as warning
from fangkong.surveillance.warning.models import DetectionRun

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

HOUR = timedelta(hours=1)
BEGAN = AT.replace(year=2022)  # pools are allowed
Send = Callable[..., Any]


class Day:
    """The clock of the house, which the test sets forward."""

    def __init__(self) -> None:
        self.now = BEGAN

    def on(self, **later: int) -> None:
        self.now += timedelta(**later)


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    found = Day()
    monkeypatch.setattr(clock, "now", lambda: found.now)
    return found


@pytest.fixture
def world(db: None, settings: Any, day: Day) -> World:
    settings.FANGKONG_AREA = "513300"
    cache.clear()
    return World()


@pytest.fixture
def send(client: Any) -> Send:
    """``send(user, path, status, **body)``: POST, or GET without a body; the answer as JSON."""
    keys = iter(range(1000))

    def send(user: Any, path: str, status: int, **body: Any) -> Any:
        client.force_login(user)
        headers = {"Accept-Language": "en", "Idempotency-Key": f"step-{next(keys)}"}
        if (seen := body.pop("seen", None)) is not None:
            headers["If-Match"] = client.get(f"/api/v1/{seen}").headers["ETag"]
        if body.pop("ask", False):
            answer = client.get(f"/api/v1/{path}", headers=headers)
        else:
            data = json.dumps(body)
            answer = client.post(f"/api/v1/{path}", data, "application/json", headers=headers)
        assert answer.status_code == status, (path, answer.status_code, answer.content.decode())
        return answer.json()

    return send


def card(world: World, n: int, at: datetime, **judged: Any) -> dict[str, Any]:
    who = cards.person(n)
    return {
        "patient": {
            "name": who.name,
            "id_number": who.id_number,
            "phone": who.phone,
            "occupation": "herder",
            "address": "道孚县鲜水镇团结社区1号",
        },
        "case": {
            "condition": "covid-19",
            "case_class": "suspected",
            "diagnosed_at": at.isoformat(),
            "onset_date": str(at.date() - timedelta(days=1)),
            "relation": "same-county",
            "doctor": "王医生",
            **judged,
        },
        "facility": str(world.hospital.public_id),
    }


def detected(day: Day) -> None:
    """The worker looks over what has changed."""
    for run in DetectionRun.objects.filter(started_at=None):
        warning.detect(run=run, by=None, at=day.now)


def kinds(send: Send, user: Any) -> set[str]:
    """What waits on a desk."""
    found = send(user, "tasks/?state=open", 200, ask=True)["rows"]
    return {one["kind"].rsplit(".", 1)[1] for one in found}


def test_from_a_card_to_the_product_that_warns_of_the_chain(
    world: World, day: Day, send: Send
) -> None:
    county, doctor, bench = world.daofu_cdc, world.clinician, world.technician
    monitoring, tests = "surveillance/monitoring/cases/", "surveillance/testing/"
    watch, warn = "surveillance/screening/", "surveillance/warning/"

    # A confirmed card: a signal within its minute, and a task of the county.
    first = send(doctor, monitoring, 201, **card(world, 1, day.now, case_class="confirmed"))
    send(county, f"{monitoring}{first['id']}/review/", 200, card=1, accept=True)
    detected(day)
    (signal,) = send(county, f"{warn}signals/", 200, ask=True)["rows"]
    assert (signal["condition"], signal["methods"][-1]) == ("covid-19", "fixed_count")
    assert kinds(send, county) == {"verify"}
    at = f"{warn}signals/{signal['id']}/"
    send(county, f"{at}verify/", 200)
    send(county, f"{at}verify/", 409)
    send(world.kangding_cdc, f"{at}verify/", 404)

    # Who lived with the patient is watched, falls ill, and is reported as suspected.
    who = cards.person(2)
    known = send(
        county,
        "people/",
        200,
        name=who.name,
        area="513326100",
        address_detail="团结社区1号",
        documents=[{"kind": "resident_id", "number": who.id_number}],
    )
    # The town is screened before anybody asks who was with the patient: ten may share a tube.
    said = {"condition": "covid-19", "rule": "ten-in-one", "group": "mass-screening"}
    said |= {"specimen_type": "oropharyngeal-swab", "laboratory": str(world.bench.public_id)}
    pool = send(county, f"{tests}pools/", 201, facility=str(world.hospital.public_id), **said)
    tube = f"{tests}pools/{pool['id']}/"
    for person in (known["id"], str(world.person.public_id)):
        send(county, f"{tube}members/", 201, person=person)
    for step in ("close", "ship"):
        send(county, f"{tube}{step}/", 200)

    days = {"first_date": str(day.now.date() - timedelta(days=1)), "last_date": str(day.now.date())}
    contact = send(
        county,
        f"{watch}contacts/",
        201,
        case=first["id"],
        person=known["id"],
        kind=send(county, f"{watch}choices/", 200, ask=True)["kinds"][0]["code"],
        setting="home",
        **days,
    )
    assert contact["contact_class"] == "close-contact" and contact["observation"]
    day.on(days=2)
    seen = f"{watch}observations/{contact['observation']}/"
    send(county, f"{seen}visits/", 201, temperature=384, symptoms=["cough"])
    assert "symptoms" in kinds(send, county)
    second = send(doctor, monitoring, 201, **card(world, 2, day.now))

    # Whoever is watched shares no further tube. That of the screening diagnoses nobody.
    other = send(county, f"{tests}pools/", 201, facility=str(world.hospital.public_id), **said)
    send(county, f"{tests}pools/{other['id']}/members/", 422, person=known["id"])
    send(bench, f"{tube}receive/", 200)
    send(bench, f"{tube}results/", 201, method="rt-pcr", outcome="positive", ct={"N": 3510})
    inside = send(county, tube, 200, ask=True)["inside"]
    assert [one["state"] for one in inside] == ["held", "held"]
    assert send(doctor, f"{monitoring}{second['id']}/", 200, ask=True)["case_class"] == "suspected"
    assert "recollect" in kinds(send, county)

    # One by one: positive is the contact, by the definition of the rules; the other is let go.
    day.on(hours=2)
    for one, outcome in zip(inside, ("positive", "negative"), strict=True):
        single = f"{tests}specimens/{one['repeat']}/"
        for user, step in ((county, "collect"), (county, "ship"), (bench, "receive")):
            send(user, f"{single}{step}/", 200)
        send(bench, f"{single}results/", 201, method="rt-pcr", outcome=outcome)
    raised = send(doctor, f"{monitoring}{second['id']}/", 200, ask=True)
    assert (raised["case_class"], raised["definition"]) == ("confirmed", "cn-2020-01")
    assert "recollect" not in kinds(send, county)

    # The contact became a case of the same chain, in the moment of the result.
    assert send(county, seen, 200, ask=True)["ending"] == "case"
    chain = send(county, f"{watch}cases/{first['id']}/chain/", 200, ask=True)["cases"]
    assert [(one["number"], one["generation"]) for one in chain] == [
        (first["number"], 1),
        (second["number"], 2),
    ]

    # The signal is answered, investigated and concluded.
    detected(day)
    note = "Both met at home; a cluster cannot be excluded."
    told = send(county, f"{at}answer/", 200, outcome="suspected_event", note=note)
    event = f"{warn}investigations/{told['investigation']}/"
    found = {"cases_found": 2, "at_risk": 12, "measures": "Contacts are observed at home."}
    found |= {"first_onset": str(BEGAN.date() - timedelta(days=1)), "last_day": days["last_date"]}
    send(county, f"{event}findings/", 428, **found)
    send(county, f"{event}findings/", 200, seen=event, **found)
    done = {"conclusion": "outbreak", "reason": "One household, one source, two cases."}
    send(county, f"{event}conclude/", 200, **done)
    assert "verify" not in kinds(send, county)

    # The county writes to the departments, the headquarters approve, the county issues.
    product = send(
        county,
        f"{warn}products/",
        201,
        kind="notice",
        area="513326",
        condition="covid-19",
        investigation=told["investigation"],
        level="medium",
        certainty="observed",
        expires_at=(day.now + timedelta(days=14)).isoformat(),
        basis="Two cases in one household.",
        title_zh="道孚县新冠病毒感染聚集性疫情警示",
        text_zh="一户家庭出现两例病例，请各医疗机构加强发热病人筛查。",
        title_en="Cluster of COVID-19 in Daofu",
        text_en="Two cases in one household. Please screen patients with fever.",
    )
    own = f"{warn}products/{product['id']}/"
    send(county, f"{own}approve/", 404, seen=own)  # the headquarters approve a notice
    send(county, f"{own}issue/", 409, seen=own)
    send(world.headquarters, f"{own}approve/", 200, seen=own)
    assert send(county, f"{own}issue/", 200, seen=own)["state"] == "issued"
    message = send(world.kangding_cdc, f"{own}cap/", 200, ask=True)["cap"]
    assert "<alert xmlns=" in message and "<identifier>" in message
    assert "道孚县新冠病毒感染聚集性疫情警示" in message and "<language>en" in message
    assert who.name not in message

    # What the outcomes page counts.
    span = f"first={BEGAN:%Y-%m-%d}&last={day.now:%Y-%m-%d}"
    total = send(county, f"{warn}response/?{span}", 200, ask=True)["total"]
    assert (total["answered"], total["decided"], total["events"]) == (1, 1, 1)
