"""The trail as AuditEvent of FHIR R4: whole, by the standard's own rules, and naming nobody."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.audit import actions as audit
from fangkong.core.audit import fhir
from fangkong.core.audit.models import AuditLine, Sight
from fangkong.core.roles import Role
from fangkong.people.tests import factories as people
from fangkong.places.tests.factories import world

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

# AuditEvent of R4, written down from its structure definition: name -> (least, most, kind).
MANY = 10**6
CODING = {"system": (0, 1, str), "code": (0, 1, str), "display": (0, 1, str)}
CONCEPT = {"coding": (0, MANY, CODING), "text": (0, 1, str)}
IDENTIFIER = {"system": (0, 1, str), "value": (0, 1, str)}
REFERENCE = {"reference": (0, 1, str), "identifier": (0, 1, IDENTIFIER), "display": (0, 1, str)}
DETAIL = {"type": (1, 1, str), "valueString": (1, 1, str)}
AGENT = {
    "type": (0, 1, CONCEPT),
    "who": (0, 1, REFERENCE),
    "altId": (0, 1, str),
    "name": (0, 1, str),
    "requestor": (1, 1, bool),
    "network": (0, 1, {"address": (0, 1, str), "type": (0, 1, str)}),
    "purposeOfUse": (0, MANY, CONCEPT),
}
ENTITY = {
    "what": (0, 1, REFERENCE),
    "type": (0, 1, CODING),
    "role": (0, 1, CODING),
    "name": (0, 1, str),
    "detail": (0, MANY, DETAIL),
}
EVENT = {
    "resourceType": (1, 1, str),
    "id": (0, 1, str),
    "type": (1, 1, CODING),
    "subtype": (0, MANY, CODING),
    "action": (0, 1, str),
    "recorded": (1, 1, str),
    "outcome": (0, 1, str),
    "outcomeDesc": (0, 1, str),
    "purposeOfEvent": (0, MANY, CONCEPT),
    "agent": (1, MANY, AGENT),
    "source": (1, 1, {"site": (0, 1, str), "observer": (1, 1, REFERENCE)}),
    "entity": (0, MANY, ENTITY),
}


def faults(value, rules, path="AuditEvent"):
    """What the standard would refuse: unknown names, missing ones, wrong kinds, empty texts."""
    if not isinstance(rules, dict):
        wrong = not isinstance(value, rules) or value == ""
        return [path] if wrong else []
    if not isinstance(value, dict) or not value:
        return [path]
    found = [f"{path}.{name}?" for name in value if name not in rules]
    for name, (least, most, kind) in rules.items():
        if name not in value:
            found += [f"{path}.{name} missing"] if least else []
        elif most > 1:
            rows = value[name]
            found += [] if isinstance(rows, list) and rows else [f"{path}.{name}[]"]
            found += [one for row in rows for one in faults(row, kind, f"{path}.{name}")]
        else:
            found += faults(value[name], kind, f"{path}.{name}")
    return found


def is_event(event) -> bool:
    """The structure, and the values that the standard binds."""
    return (
        faults(event, EVENT) == []
        and event["resourceType"] == "AuditEvent"
        and event["action"] in set("CRUDE")
        and event["outcome"] in {"0", "4", "8", "12"}
        and re.fullmatch(r"[A-Za-z0-9.\-]{1,64}", event["id"]) is not None
        and datetime.fromisoformat(event["recorded"]).tzinfo is not None
    )


@pytest.fixture
def officer(db):
    return staff(Role.COUNTY_CDC, area=world()["513326"], username="daofu-cdc")


@pytest.fixture
def patient(officer):
    return people.person()


def test_every_line_and_every_way_of_seeing_is_an_event(officer, patient):
    audit.record("people.correct", patient, by=officer, at=AT, reason="typed wrong")
    audit.record("core.retention.destroy", patient, by=None, at=AT)
    for how, _label in Sight._meta.get_field("how").choices:
        audit.seen(patient, by=officer, at=AT, how=how, place="people.detail", reason="tracing")

    found = list(fhir.events(AT - timedelta(days=1), AT + timedelta(days=1)))

    assert len(found) == AuditLine.objects.count() + 6
    assert [event for event in found if not is_event(event)] == []
    assert {event["action"] for event in found} == {"C", "U", "D", "R", "E"}
    text = json.dumps(found, ensure_ascii=False)
    assert str(patient.public_id) in text and "daofu-cdc" in text
    assert patient.name not in text and people.NUMBER not in text and people.PHONE not in text


def test_the_check_is_not_blind(officer, patient):
    (event, *_rest) = fhir.events(AT - timedelta(days=1), AT + timedelta(days=1))
    assert is_event(event)

    for broken in (
        {**event, "agent": []},
        {**event, "action": "X"},
        {**event, "recorded": "2020-02-05T10:00:00"},
        {**event, "patient": "x"},
        {key: value for key, value in event.items() if key != "source"},
        {**event, "agent": [{"who": {"display": "x"}}]},
    ):
        assert not is_event(broken)


def test_only_the_span_asked_for_is_written(officer, patient):
    assert list(fhir.events(AT + timedelta(seconds=1), AT + timedelta(days=1))) == []


def test_the_command_writes_a_line_for_each_event(officer, patient, tmp_path, capsys):
    file = tmp_path / "events.ndjson"

    call_command("audit", "export", first="2020-02-05", last="2020-02-05", to=str(file))

    lines = file.read_text("utf-8").splitlines()
    assert len(lines) == AuditLine.objects.count() and all(is_event(json.loads(x)) for x in lines)
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("audit", "export", first="2020-02-05", last="2020-02-05", to=str(file))
    with pytest.raises(CommandError, match="YYYY-MM-DD"):
        call_command("audit", "export", first="yesterday", last="2020-02-05", to="x")
