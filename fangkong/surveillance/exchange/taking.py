"""Take a message, however it came: over the API, or as a file that somebody chose on the page."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.core.walls.reach import everything
from fangkong.packs.types import NoPackInForce
from fangkong.surveillance.testing.types import Channel

from . import actions, fhir, hl7v2, queries, rules
from .rules import Fault

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import AssayMethod
    from fangkong.places.models import Facility

    from .models import Message


def take(*, body: bytes, channel: str, laboratory: Facility, by: User, at: datetime) -> Message:
    """Read a message of one of the two formats and take what it holds, once by its number.

    Fault where it cannot be read; WrongContent where the rules refuse a result; Refused where the
    number was used for another message.
    """
    if len(body) > rules.MOST_BYTES:
        raise Fault("too_big")
    methods = _methods(at)
    if channel == Channel.HL7:
        message_id, results = hl7v2.read(body, methods, clock.zone())
    else:
        message_id, results = fhir.read(body, methods)
    with everything():  # as every command: the tubes are found by their laboratory
        return actions.take(
            channel=channel,
            message_id=message_id,
            digest=hashlib.sha256(body).hexdigest(),
            results=results,
            laboratory=laboratory,
            by=by,
            at=at,
        )


def channel_of(body: bytes) -> str:
    """Which of the formats a file has by its first sign: JSON is FHIR, all else HL7 v2."""
    first = body.lstrip(b"\xef\xbb\xbf\x0b \t\r\n")[:1]
    return Channel.FHIR.value if first in (b"{", b"[") else Channel.HL7.value


def _methods(at: datetime) -> tuple[AssayMethod, ...]:
    try:
        return queries.methods(at)
    except NoPackInForce:
        return ()
