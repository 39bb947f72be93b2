"""Made-up messages of a laboratory's system, as files: an HL7 v2 ORU^R01 and a FHIR Bundle.

They are about the made-up tubes that wait on the bench of whoever asks, and about one that nobody
knows, so that both can be seen: results that are entered, and one that waits for its tube.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fangkong.core import clock
from fangkong.packs.types import Text
from fangkong.surveillance.testing import queries as testing
from fangkong.surveillance.testing.types import State

from .files import DemoFile

if TYPE_CHECKING:
    from fangkong.accounts.models import User

NOBODYS = "SYNTHETIC-0042"  # a tube that was never sent
LOINC = "94500-6^SARS-CoV-2 RNA^LN"
DETECTED, NOT_DETECTED = "260373001", "260415000"  # SNOMED CT


def of_bench(user: User, at: datetime) -> list[DemoFile]:
    """Both messages, about tubes that this laboratory has received; the same while they wait."""
    waiting = testing.open_to_test(user, at).filter(state=State.RECEIVED, pool__isnull=True)
    tubes = list(waiting.filter(synthetic=True).order_by("pk"))
    known = [(one.number, one.state_at) for one in tubes]
    first, last = known[:-1][:2], known[-1:]  # what one enters leaves the other as it is
    unknown = (NOBODYS, known[-1][1] if known else at.replace(minute=0, second=0, microsecond=0))
    told = Text(
        zh=f"虚构的HL7 v2 ORU^R01消息：{len(first) + 1}支管，其中1支无人认识，将等待人工匹配",
        en=f"synthetic HL7 v2 ORU^R01: {len(first) + 1} tubes, one of them known to nobody: it"
        " waits to be matched",
    )
    bundled = Text(
        zh="虚构的FHIR R4 Bundle：1份诊断报告", en="synthetic FHIR R4 Bundle with one report"
    )
    return [
        DemoFile(
            "synthetic-oru-r01.hl7",
            told,
            "application/octet-stream",
            oru([*first, unknown]).encode(),
        ),
        DemoFile(
            "synthetic-fhir-bundle.json",
            bundled,
            "application/fhir+json",
            bundle(*(last or [unknown])[0]).encode(),
        ),
    ]


def oru(tubes: list[tuple[str, datetime]]) -> str:
    """One ORU^R01 with a negative result for each tube, Ct values of an internal control left out.

    Its number follows from its tubes: downloaded again it is the same message.
    """
    sent = _stamp(max(moment for _number, moment in tubes))
    lines = [
        f"MSH|^~\\&|LIS|SYNTHETIC|FANGKONG|513300|{sent}||ORU^R01|SYN-{tubes[0][0]}|P|2.5.1"
        "||||||UNICODE UTF-8"
    ]
    for n, (number, moment) in enumerate(tubes, start=1):
        lines += [
            f"OBR|{n}|{number}|SYN-{number}|{LOINC}|||||||||||||||||||||F",
            f"OBX|1|CWE|{LOINC}||NEG^^||||||F|||{_stamp(moment)}",
        ]
    return "\r".join(lines) + "\r"


def bundle(number: str, moment: datetime) -> str:
    """A Bundle with one report: positive, with the Ct values of two targets."""
    issued = moment.astimezone(clock.zone()).isoformat(timespec="seconds")
    code = {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]}
    detected = {"coding": [{"system": "http://snomed.info/sct", "code": DETECTED}]}
    found: list[dict[str, Any]] = [
        {"id": "found", "code": code, "issued": issued, "valueCodeableConcept": detected},
        *(
            {
                "id": f"ct-{target.lower()}",
                "code": {"text": f"Ct {target}"},
                "valueQuantity": {"value": value, "unit": "cycles"},
            }
            for target, value in (("ORF1ab", 27.4), ("N", 25.9))
        ),
    ]
    seen = [{"resourceType": "Observation", "status": "final", **one} for one in found]
    report = {
        "resourceType": "DiagnosticReport",
        "id": "report",
        "status": "final",
        "identifier": [{"value": f"SYN-F-{number}"}],
        "code": code,
        "specimen": [{"reference": "Specimen/tube"}],
        "result": [{"reference": f"Observation/{one['id']}"} for one in seen],
    }
    tube = {"resourceType": "Specimen", "id": "tube", "accessionIdentifier": {"value": number}}
    whole = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"value": f"SYN-F-{number}"},
        "entry": [{"resource": one} for one in (report, tube, *seen)],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(clock.zone()).strftime("%Y%m%d%H%M%S%z")
