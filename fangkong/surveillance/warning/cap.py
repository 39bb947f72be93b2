"""A warning product as a message of CAP 1.2 (Common Alerting Protocol, OASIS 2010).

Elements stand in the order of the standard's schema; whatever may not stand in XML is left out.
No library on the registry that is kept up writes it; it is one short tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree as ET

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
# Level of risk (风险等级) to severity, urgency and what to do, in the words of CAP.
_LEVELS = {
    "low": ("Minor", "Future", "Monitor"),
    "medium": ("Moderate", "Expected", "Prepare"),
    "high": ("Severe", "Immediate", "Execute"),
}
_CERTAINTY = {"observed": "Observed", "likely": "Likely", "possible": "Possible"}
# C0 signs but tab and line breaks, lone surrogates, and what Unicode says is no character.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

MsgType = Literal["Alert", "Update", "Cancel"]


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language of a message; ``language`` as RFC 3066 says, such as ``zh-CN``."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    area: str
    sender: str
    audience: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An earlier message that this one updates or cancels."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, kw_only=True)
class Message:
    """All that a message says. Moments carry their zone. ``exercise``: nothing of it is true.

    ``kind`` of a product says to whom it goes: a tip to everybody, a notice to those who are named
    as its ``restriction``, advice to its ``addresses`` only.
    """

    identifier: str
    sender: str
    sent: datetime
    exercise: bool
    draft: bool
    msg_type: MsgType
    kind: str  # tip, notice or advice
    restriction: str
    addresses: str
    references: tuple[Reference, ...]
    note: str
    level: str
    certainty: str
    condition: str
    effective: datetime
    expires: datetime
    area_code: str
    words: tuple[Words, ...]


def document(message: Message) -> bytes:
    """The message as XML in UTF-8."""
    ET.register_namespace("", NAMESPACE)
    alert = ET.Element(_tag("alert"))
    _add(alert, "identifier", message.identifier)
    _add(alert, "sender", message.sender)
    _add(alert, "sent", _moment(message.sent))
    _add(alert, "status", _status(message))
    _add(alert, "msgType", message.msg_type)
    scope = {"tip": "Public", "notice": "Restricted", "advice": "Private"}[message.kind]
    _add(alert, "scope", scope)
    if scope == "Restricted":
        _add(alert, "restriction", message.restriction)
    if scope == "Private":
        _add(alert, "addresses", _quoted(message.addresses))
    if message.note:
        _add(alert, "note", message.note)
    if message.references:
        told = [f"{one.sender},{one.identifier},{_moment(one.sent)}" for one in message.references]
        _add(alert, "references", " ".join(told))
    for words in message.words:
        _info(alert, message, words)
    body: bytes = ET.tostring(alert, encoding="UTF-8", xml_declaration=True)
    return body


def _info(alert: ET.Element, message: Message, words: Words) -> None:
    severity, urgency, response = _LEVELS[message.level]
    over = message.msg_type == "Cancel"
    info = ET.SubElement(alert, _tag("info"))
    _add(info, "language", words.language)
    _add(info, "category", "Health")
    _add(info, "event", words.event)
    _add(info, "responseType", "AllClear" if over else response)
    _add(info, "urgency", "Past" if over else urgency)
    _add(info, "severity", severity)
    _add(info, "certainty", _CERTAINTY[message.certainty])
    _add(info, "audience", words.audience)
    _named(info, "eventCode", "fangkong:condition", message.condition)
    _add(info, "effective", _moment(message.effective))
    _add(info, "expires", _moment(message.expires))
    _add(info, "senderName", words.sender)
    _add(info, "headline", words.headline)
    _add(info, "description", words.description)
    if words.instruction:
        _add(info, "instruction", words.instruction)
    _named(info, "parameter", "fangkong:risk-level", message.level)
    _named(info, "parameter", "fangkong:product", message.kind)
    area = ET.SubElement(info, _tag("area"))
    _add(area, "areaDesc", words.area)
    _named(area, "geocode", "GB/T 2260", message.area_code)


def _status(message: Message) -> str:
    if message.draft:
        return "Draft"
    return "Exercise" if message.exercise else "Actual"


def _named(parent: ET.Element, tag: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, _tag(tag))
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, _tag(tag)).text = _NOT_IN_XML.sub("", text)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _moment(moment: datetime) -> str:
    """As CAP writes it: to the second, with the offset in hours and minutes, never "Z"."""
    return moment.isoformat(timespec="seconds")


def _quoted(address: str) -> str:
    """An address with blanks stands in quotation marks."""
    plain = address.replace('"', "'")
    return f'"{plain}"' if any(sign.isspace() for sign in plain) else plain
