"""The trail for other systems: lines and views as AuditEvent of HL7 FHIR R4 (4.0.1).

``fangkong audit export`` writes one event a line (NDJSON). Nothing personal of the public goes in:
records stand by kind and public id, staff by user name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any

from django.apps import apps

from fangkong.core.purposes import types as purposes

from . import queries
from .models import AuditLine, Sight
from .types import How, Result, place_words, words

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
REST = "http://hl7.org/fhir/restful-interaction"
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
OBJECTS = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
USES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PUBLIC_HEALTH = {"system": USES, "code": "PUBHLTH", "display": "public health"}
RUNNING = {"system": USES, "code": "HSYSADMIN", "display": "health system administration"}
_OUTCOMES = {Result.DONE: "0", Result.REFUSED: "4"}

# How somebody saw a record -> what the standard calls it.
_SEEN = {
    How.OPENED: ("R", {"system": REST, "code": "read"}),
    How.REVEALED: ("R", {"system": REST, "code": "vread"}),
    How.API: ("R", {"system": REST, "code": "read"}),
    How.FOUND: ("E", {"system": REST, "code": "search"}),
    How.EXPORTED: ("R", {"system": DICOM, "code": "110106", "display": "Export"}),
    How.PRINTED: ("R", {"system": DICOM, "code": "110106", "display": "Export"}),
}
_MAKES = ("register", "report", "add", "receive", "upload", "make", "assign", "enqueue", "open")
_ENDS = ("destroy", "erase", "drop", "discard", "remove", "forget")


def of_line(line: AuditLine) -> dict[str, Any]:
    """One line of the trail: something was done."""
    if line.result == Result.REFUSED:
        return _of_refusal(line)
    verb = line.action.rpartition(".")[2]
    code = "D" if verb.startswith(_ENDS) else "C" if verb.startswith(_MAKES) else "U"
    subtype = {
        "system": "urn:fangkong:verb",
        "code": line.action,
        "display": str(words(line.action)),
    }
    return _event(
        line,
        f"line-{line.pk}",
        action=code,
        subtype=subtype,
        what=_record(line.subject_type, line.subject_public_id or line.subject_id),
    )


def _of_refusal(line: AuditLine) -> dict[str, Any]:
    """Somebody asked for what is not theirs: the page, and the id in its address."""
    page = str(line.detail.get("page", ""))
    event = _event(
        line,
        f"line-{line.pk}",
        action="E",
        subtype={"system": "urn:fangkong:page", "code": page, "display": str(place_words(page))},
        what=_record("asked", line.subject_public_id or page),
    )
    return event | {"outcomeDesc": f"refused with {line.detail.get('status')}"}


def of_sight(sight: Sight, public_id: object) -> dict[str, Any]:
    """One view: somebody saw a person's record. ``public_id`` is the person's."""
    action, subtype = _SEEN[How(sight.how)]
    event = _event(
        sight,
        f"sight-{sight.pk}",
        action=action,
        subtype=subtype,
        what=_record(sight.subject_type, public_id),
    )
    event["entity"][0]["type"] = {"system": OBJECTS, "code": "1", "display": "Person"}
    return event


def _event(
    row: AuditLine | Sight,
    key: str,
    *,
    action: str,
    subtype: dict[str, str],
    what: dict[str, Any],
) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "what": what,
        "type": {"system": OBJECTS, "code": "2", "display": "System Object"},
    }
    page = row.place if isinstance(row, Sight) else ""
    if details := _details(request=row.request_id, reason=row.reason, page=page):
        entity["detail"] = details  # the standard knows no empty list
    return {
        "resourceType": "AuditEvent",
        "id": key,
        "type": {"system": TYPES, "code": "rest", "display": "RESTful Operation"},
        "subtype": [subtype],
        "action": action,
        "recorded": row.at.isoformat(),
        "outcome": _OUTCOMES[Result(getattr(row, "result", Result.DONE))],
        "purposeOfEvent": [_purpose(row.subject_type)],
        "agent": _agents(row),
        "source": {"observer": {"display": "Fangkong"}},
        "entity": [entity],
    }


def _purpose(kind: str) -> dict[str, Any]:
    """For what the data of a record are processed, as the register says; else running the house."""
    label = _purposes().get(kind)
    return {"coding": [RUNNING]} if label is None else {"coding": [PUBLIC_HEALTH], "text": label}


def _purposes() -> dict[str, str]:
    return {table.lower(): str(one.label) for one in purposes.declared() for table in one.tables}


def _agents(row: AuditLine | Sight) -> list[dict[str, Any]]:
    """Who did it and from where; and the program that did it on their behalf."""
    if row.by is None:
        return [{"who": {"display": "the system itself"}, "requestor": False}]
    user = {"identifier": {"system": "urn:fangkong:user", "value": row.by.get_username()}}
    person: dict[str, Any] = {"who": user, "requestor": row.token_id is None}
    program: dict[str, Any] = {"who": _record("token", row.token_id), "requestor": True}
    caller = person if row.token_id is None else program
    if row.ip:
        caller["network"] = {"address": row.ip, "type": "2"}
    return [person] if row.token_id is None else [person, program]


def _record(kind: str, key: object) -> dict[str, Any]:
    return {"identifier": {"system": f"urn:fangkong:{kind}", "value": str(key)}}


def _details(**facts: str) -> list[dict[str, str]]:
    return [{"type": name, "valueString": text} for name, text in facts.items() if text]


def sealed_after(line: int, sight: int, size: int) -> tuple[list[dict[str, Any]], int, int]:
    """The next events after a line and a view, in the order of time; and the last of each.

    Only what is sealed, a minute old at most: of later ids one may still come before another.
    """
    last = queries.sealed_until()
    lines = AuditLine.objects.filter(pk__gt=line, pk__lte=last[AuditLine])
    sights = Sight.objects.filter(pk__gt=sight, pk__lte=last[Sight])
    either: list[Any] = [lines, sights]
    first = [some.select_related("by").order_by("pk")[:size] for some in either]
    rows: list[Any] = list(islice(merge(*first, key=attrgetter("at")), size))
    of_sights = iter(list(_of_sights([row for row in rows if isinstance(row, Sight)])))
    found = [next(of_sights) if isinstance(row, Sight) else of_line(row) for row in rows]
    line = max([line, *(row.pk for row in rows if isinstance(row, AuditLine))])
    sight = max([sight, *(row.pk for row in rows if isinstance(row, Sight))])
    return found, line, sight


def events(first: datetime, last: datetime) -> Iterator[dict[str, Any]]:
    """Every line, then every view, from ``first`` to before ``last``, each oldest first."""
    span = {"at__gte": first, "at__lt": last}
    lines = AuditLine.objects.filter(**span).select_related("by").order_by("at", "pk")
    for line in lines.iterator(chunk_size=1000):
        yield of_line(line)
    sights = Sight.objects.filter(**span).select_related("by").order_by("at", "pk")
    batch: list[Sight] = []
    for sight in sights.iterator(chunk_size=1000):
        batch.append(sight)
        if len(batch) == 1000:
            yield from _of_sights(batch)
            batch = []
    yield from _of_sights(batch)


def _of_sights(sights: list[Sight]) -> Iterator[dict[str, Any]]:
    """The person by public id; by key where the table is gone."""
    known: dict[tuple[str, int], object] = {}
    keys: dict[str, set[int]] = {}
    for sight in sights:
        keys.setdefault(sight.subject_type, set()).add(sight.subject_id)
    for kind, ids in keys.items():
        try:
            rows = apps.get_model(kind)._base_manager.filter(pk__in=ids)
        except (LookupError, ValueError):
            continue
        known |= {(kind, pk): public for pk, public in rows.values_list("pk", "public_id")}
    for sight in sights:
        yield of_sight(sight, known.get((sight.subject_type, sight.subject_id), sight.subject_id))
