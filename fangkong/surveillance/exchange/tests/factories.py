"""Messages as laboratories' systems send them; all made up."""

from __future__ import annotations

import json
from typing import Any


def report(
    number: str,
    outcome: str = "positive",
    *,
    n: int = 1,
    status: str = "final",
    sender: str = "LIS-1",
    ct: dict[str, float | str] | None = None,
    name: str = "",
    issued: str = "2020-02-05T10:00:00+08:00",
) -> list[dict[str, Any]]:
    """A DiagnosticReport with its Specimen and Observations, as entries of a bundle."""
    seen = [
        {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": status,
            "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
            "issued": issued,
            "valueCodeableConcept": {"coding": [{"code": {
                "positive": "260373001", "negative": "260415000", "grey": "419984006",
            }.get(outcome, outcome)}]},
        },
        *(
            {
                "resourceType": "Observation",
                "id": f"o{n}-{target}",
                "status": status,
                "code": {"text": f"Ct {target}"},
                "valueQuantity": {"value": value, "unit": "cycles"},
            }
            for target, value in (ct or {}).items()
        ),
    ]  # fmt: skip
    resources = [
        {
            "resourceType": "DiagnosticReport",
            "id": f"r{n}",
            "status": status,
            "identifier": [{"value": sender}],
            "code": {"coding": [{"code": "94500-6"}]},
            "subject": {"reference": f"Patient/p{n}"},
            "specimen": [{"reference": f"Specimen/s{n}"}],
            "result": [{"reference": f"Observation/{one['id']}"} for one in seen],
        },
        {"resourceType": "Specimen", "id": f"s{n}", "accessionIdentifier": {"value": number}},
        {"resourceType": "Patient", "id": f"p{n}", **({"name": [{"text": name}]} if name else {})},
        *seen,
    ]
    return [{"resource": one} for one in resources]


def bundle(*entries: dict[str, Any], message_id: str = "m-1", **more: Any) -> str:
    whole = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"value": message_id},
        "entry": list(entries),
        **more,
    }
    return json.dumps(whole, ensure_ascii=False)


def oru(
    number: str,
    outcome: str = "POS",
    *,
    message_id: str = "MSG1",
    status: str = "F",
    sender: str = "LIS-1",
    ct: dict[str, float | str] | None = None,
    name: str = "",
    charset: str = "UNICODE UTF-8",
    kind: str = "ORU^R01",
    processing: str = "P",
    tested: str = "20200205100000",
) -> str:
    lines = [
        f"MSH|^~\\&|LIS|LAB|FANGKONG|513300|{tested}||{kind}|{message_id}|{processing}|2.5.1"
        f"||||||{charset}",
        f"PID|1||||{name}",
        f"OBR|1|{number}|{sender}|94500-6^SARS-CoV-2 RNA^LN|||||||||||||||||||||{status}",
        f"OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||{outcome}^^||||||{status}|||{tested}",
    ]
    for n, (target, value) in enumerate((ct or {}).items(), start=2):
        lines.append(f"OBX|{n}|NM|^{target} Ct||{value}|||||||{status}|||{tested}")
    return "\r".join(lines) + "\r"
