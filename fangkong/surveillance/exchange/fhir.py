"""Results as a Bundle of FHIR R4: DiagnosticReports with their Observations and Specimens (JSON).

The resources are checked by fhir.resources, which takes seconds to load and so is loaded when the
first message comes. What a profile would fix we read generously, and refuse what is not clear.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import rules
from .rules import Fault, Sent

if TYPE_CHECKING:
    from fangkong.packs.types import AssayMethod

MOST_ENTRIES = 5000
FINAL = {"final": False, "amended": True, "corrected": True, "appended": True}
WITHDRAWN = ("entered-in-error", "cancelled")
READ = ("DiagnosticReport", "Observation", "Specimen", "Patient")

Plain = Mapping[str, Any]


def read(body: bytes, methods: Sequence[AssayMethod]) -> tuple[str, list[Sent]]:
    """The id of a message and its results; ``Fault`` where it cannot be taken."""
    bundle = _json(body)
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise Fault("no_bundle")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise Fault("structure", "Bundle.entry")
    if len(entries) > MOST_ENTRIES:
        raise Fault("too_many", "Bundle.entry")
    found = _resources(entries)
    reports = [
        (where, one) for where, one in found.all if one["resourceType"] == "DiagnosticReport"
    ]
    if not reports:
        raise Fault("no_reports", "Bundle.entry")
    if len(reports) > rules.MOST_RESULTS:
        raise Fault("too_many", "Bundle.entry")
    return _message_id(bundle), [_sent(where, one, found, methods) for where, one in reports]


def outcome(severity: str, issues: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """An OperationOutcome: (code of the issue, words, place) of each."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": severity,
                "code": code,
                "details": {"text": text},
                **({"expression": [where]} if where else {}),
            }
            for code, text, where in issues
        ],
    }


# --- The parts of a bundle ------------------------------------------------------------------------


class _Found:
    """The resources of a bundle, by whatever they are referred to."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Plain]] = []
        self.by_name: dict[str, Plain] = {}

    def behind(self, reference: Any, within: Plain, kind: str) -> Plain | None:
        """The resource that a reference names; None for one that lies elsewhere."""
        name = _text(reference, "reference") if isinstance(reference, dict) else ""
        if name.startswith("#"):
            inside = [one for one in _list(within, "contained") if one.get("id") == name[1:]]
            one = inside[0] if inside else None
        else:
            one = self.by_name.get(name)
        return one if one is not None and one.get("resourceType") == kind else None


def _resources(entries: Sequence[Plain]) -> _Found:
    found = _Found()
    for n, entry in enumerate(entries):
        resource, where = entry.get("resource"), f"Bundle.entry[{n}].resource"
        if not isinstance(resource, dict):
            raise Fault("structure", where)
        kind = resource.get("resourceType")
        if kind not in READ:
            continue
        _checked(kind, resource, where)
        found.all.append((where, resource))
        names = [entry.get("fullUrl"), f"{kind}/{resource['id']}" if "id" in resource else None]
        for name in names:
            # One name for two would enter the result of one tube for another (bdl-7 of R4).
            if isinstance(name, str) and found.by_name.setdefault(name, resource) != resource:
                raise Fault("twice", where)
    return found


def _checked(kind: str, resource: Plain, where: str) -> None:
    """Refuse what is no resource of FHIR R4; what it holds is not repeated in the refusal."""
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_context=False, include_url=False)[0]
        told = first["loc"][:-1] if first["type"].startswith("extra") else first["loc"]
        place = ".".join(str(part) for part in told)  # a name that is not FHIR's is the sender's
        raise Fault("structure", f"{where}.{place}"[:200]) from None
    except (ValueError, TypeError, RecursionError, KeyError, AttributeError):
        raise Fault("structure", where) from None


def _sent(where: str, report: Plain, found: _Found, methods: Sequence[AssayMethod]) -> Sent:
    status = report.get("status", "")
    if status not in FINAL and status not in WITHDRAWN:
        raise Fault("not_final", f"{where}.status")
    told = [
        one
        for each in _list(report, "result")
        if (one := found.behind(each, report, "Observation")) is not None
    ]
    seen = [one for one in told if one.get("status") not in WITHDRAWN]
    if status in WITHDRAWN or (told and not seen and not report.get("conclusionCode")):
        return _withdrawn(where, report, told, found)
    for one in seen:
        if one.get("status") not in FINAL:
            raise Fault("not_final", f"{where}.result")
    if not seen and not report.get("conclusionCode"):
        raise Fault("no_observation", f"{where}.result")
    said = [
        code
        for one in [*seen, report]
        for name in ("method", "code")
        for code in _codes(one.get(name))
    ]
    method = rules.method_of(said, [one.code for one in methods])
    if not method:
        raise Fault("unknown_method", f"{where}.code")
    targets = next((one.every_target() for one in methods if one.code == method), ())
    ct, values = _values(seen, targets, where)
    concluded = [code for each in _list(report, "conclusionCode") for code in _codes(each)]
    said_whole = rules.outcome_of(concluded)
    outcomes = {said_whole} if said_whole else values
    if len(outcomes) != 1:
        raise Fault("several_outcomes" if outcomes else "unknown_outcome", f"{where}.result")
    corrects = FINAL[status] or any(FINAL[str(one["status"])] for one in seen)
    return Sent(
        number=_tube(report, seen, found, where),
        sender_number=_identifier(report)[:80],
        method=method,
        outcome=outcomes.pop(),
        ct=ct,
        tested_at=_tested_at([*seen, report], where),
        corrects=corrects or len(seen) < len(told),
        name=_name(report, found),
    )


def _withdrawn(where: str, report: Plain, told: Sequence[Plain], found: _Found) -> Sent:
    """A result that its sender takes back; what it says of the result itself does not count."""
    return Sent(
        number=_tube(report, told, found, where),
        sender_number=_identifier(report)[:80],
        method="",
        outcome="",
        tested_at=_tested_at(told, where),
        withdraws=True,
    )


def _tested_at(rows: Sequence[Plain], where: str) -> datetime | None:
    return max((m for one in rows if (m := _moment(one.get("issued"), where))), default=None)


def _values(
    seen: Sequence[Plain], targets: Sequence[str], where: str
) -> tuple[dict[str, int], set[str]]:
    """Ct values by target, and the outcomes that are said of no single target."""
    ct: dict[str, int] = {}
    outcomes: set[str] = set()
    for one in seen:
        for part in [one, *_list(one, "component")]:
            target = rules.target_of(_codes(part.get("code")), targets)
            if "valueQuantity" in part:
                value = rules.hundredths(str(part["valueQuantity"].get("value", "")))
                if not target or value is None:
                    raise Fault("ct", f"{where}.result")
                ct[target] = value
                continue
            codes = [
                *_codes(part.get("valueCodeableConcept")),
                *([part["valueString"]] if "valueString" in part else []),
                *(c for each in _list(part, "interpretation") for c in _codes(each)),
            ]
            if codes and not target:
                outcomes.add(rules.outcome_of(codes))
    if "" in outcomes:
        raise Fault("unknown_outcome", f"{where}.result")
    return ct, outcomes


def _tube(report: Plain, seen: Sequence[Plain], found: _Found, where: str) -> str:
    """The number on the tube: the accession identifier of its Specimen, else an identifier."""
    references = [*_list(report, "specimen"), *(one.get("specimen") for one in seen)]
    for reference in references:
        specimen = found.behind(reference, report, "Specimen")
        named = [reference] if specimen is None else [specimen]
        for one in named:
            if number := _identifier(one or {}, "accessionIdentifier"):
                return number
    raise Fault("no_number", f"{where}.specimen")


def _identifier(one: Plain, first: str = "") -> str:
    """The value of an identifier, whether there may be one or several."""
    told = one.get(first) if first else None
    several = one.get("identifier")
    for each in [told, *(several if isinstance(several, list) else [several])]:
        if isinstance(each, dict) and (value := _text(each, "value").strip()):
            if not value.isprintable():
                raise Fault("signs", "identifier")
            return value
    return ""


def _name(report: Plain, found: _Found) -> str:
    patient = found.behind(report.get("subject"), report, "Patient") or {}
    for one in _list(patient, "name"):
        given = one.get("given")
        parts = [one.get("family"), *(given if isinstance(given, list) else [])]
        whole = "".join(part for part in parts if isinstance(part, str))
        if text := _text(one, "text") or whole:
            return text
    return ""


def _message_id(bundle: Plain) -> str:
    told = _identifier(bundle) or _text(bundle, "id")
    if not told.strip() or len(told) > 120 or not told.isprintable():
        raise Fault("no_message_id", "Bundle.identifier")
    return told.strip()


def _codes(concept: Any) -> Iterator[str]:
    """The codes, displays and text of a CodeableConcept."""
    if not isinstance(concept, dict):
        return
    for coding in _list(concept, "coding"):
        for name in ("code", "display"):
            if isinstance(coding.get(name), str):
                yield coding[name]
    if isinstance(concept.get("text"), str):
        yield concept["text"]


def _list(one: Plain, name: str) -> list[Any]:
    found = one.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(one: Plain, name: str) -> str:
    found = one.get(name)
    return found if isinstance(found, str) else ""


def _moment(text: Any, where: str) -> datetime | None:
    """An instant; FHIR's own check has seen its shape, not whether it can be reckoned with."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Fault("moment", f"{where}.issued") from None


def _json(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_said)
    except UnicodeDecodeError:
        raise Fault("encoding") from None
    except (ValueError, RecursionError):
        raise Fault("not_json") from None


def _said(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What is null is not said."""
    return {name: value for name, value in pairs if value is not None}


def _no_number(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON
