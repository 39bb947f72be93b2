"""Results from the systems of laboratories: FHIR R4 and HL7 v2, each answered in its own way.

Both are their own protocols: they carry the number of a message instead of an Idempotency-Key, and
are answered by an OperationOutcome or an ACK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.refusals import Refused
from fangkong.surveillance.testing.types import TEST, Channel

from . import actions, fhir, hl7v2, queries, rules, taking, words
from .rules import Fault
from .types import Fate

if TYPE_CHECKING:
    from .models import Message

router = Router(tags=["exchange"])


def _takes(media_type: str, kind: str) -> dict[str, Any]:
    body = {"content": {media_type: {"schema": {"type": kind}}}, "required": True}
    return {"requestBody": body}


FHIR_TYPES = ("application/fhir+json", "application/json", "")
HL7_TYPES = (
    "application/hl7-v2",
    "x-application/hl7-v2+er7",
    "application/hl7-v2+er7",
    "text/plain",
)


@router.post("/fhir/", openapi_extra=_takes("application/fhir+json", "object"))
@api.speaks("application/fhir+json")
def take_bundle(request: HttpRequest, laboratory: UUID | None = None) -> HttpResponse:
    """A Bundle with DiagnosticReports; answered by an OperationOutcome."""
    staff = cast(StaffRequest, request)
    api.require(request, TEST)
    if (request.content_type or "").lower() not in FHIR_TYPES:
        text = _("Send JSON as application/fhir+json. XML is not read here.")
        return _outcome(415, "error", [("not-supported", text, "")])
    try:
        message = _taken(staff, laboratory, Channel.FHIR.value)
    except Fault as problem:
        status = 413 if problem.code == "too_big" else 422
        found = [(words.issue(problem), words.fault(problem), problem.where)]
        return _outcome(status, "error", found)
    except actions.WrongContent as problem:
        place = f"DiagnosticReport[{problem.place}]"
        return _outcome(422, "error", [("business-rule", str(problem), place)])
    except Refused as problem:
        return _outcome(problem.status, "error", [("duplicate", str(problem), "")])
    told = [
        ("informational", _line(one.sequence, one.get_fate_display(), one.why), one.number)
        for one in queries.results_of(message)
    ]
    return _outcome(200, "information", [(code, text, "") for code, text, _number in told])


@router.post("/hl7/", openapi_extra=_takes("text/plain", "string"))
@api.speaks("x-application/hl7-v2+er7")
def take_message(request: HttpRequest, laboratory: UUID | None = None) -> HttpResponse:
    """An ORU^R01; answered by an ACK, which says in MSA-1 whether it was taken."""
    staff = cast(StaffRequest, request)
    api.require(request, TEST)
    to = hl7v2.Head()
    try:
        if (request.content_type or "").lower() not in HL7_TYPES:
            raise Fault("not_hl7")
        to = hl7v2.head(_body(request))
        message = _taken(staff, laboratory, Channel.HL7.value)
    except Fault as problem:
        code = "AR" if problem.code in ("other_type", "not_production") else "AE"
        return _ack(staff, to, code, words.fault(problem), problem.where)
    except actions.WrongContent as problem:
        return _ack(staff, to, "AE", str(problem), f"OBR[{problem.place}]")
    except Refused as problem:
        return _ack(staff, to, "AE", str(problem), "MSH-10")
    waits = sum(one.fate == Fate.WAITING for one in queries.results_of(message))
    text = (
        "" if not waits else _("%(count)d results wait to be matched by hand.") % {"count": waits}
    )
    return _ack(staff, to, "AA", text)


def _taken(staff: StaffRequest, named: UUID | None, channel: str) -> Message:
    """Read the body and take what it holds, in the name of the sender's laboratory."""
    laboratory = queries.laboratory_of(staff.user, staff.now, named)
    if laboratory is None:
        raise Fault("no_laboratory")
    return taking.take(
        body=_body(staff), channel=channel, laboratory=laboratory, by=staff.user, at=staff.now
    )


def _body(request: HttpRequest) -> bytes:
    try:
        body = request.body
    except RequestDataTooBig:
        raise Fault("too_big") from None
    if len(body) > rules.MOST_BYTES:
        raise Fault("too_big")
    return body


def _line(n: int, fate: str, why: str) -> str:
    told = _("Result %(n)d: %(fate)s") % {"n": n, "fate": fate}
    return f"{told} ({words.why(why)})" if why else told


def _outcome(status: int, severity: str, issues: list[tuple[str, str, str]]) -> HttpResponse:
    body = api.dumped(fhir.outcome(severity, issues))
    return HttpResponse(body, status=status, content_type="application/fhir+json")


def _ack(
    staff: StaffRequest, to: hl7v2.Head, code: str, text: str, place: str = ""
) -> HttpResponse:
    at = staff.now.astimezone(clock.zone())
    kind = "x-application/hl7-v2+er7; charset=utf-8"
    return HttpResponse(hl7v2.answer(to, code, text, at, place), content_type=kind)
