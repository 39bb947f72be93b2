"""Results as HL7 v2 (2.3 to 2.8): ORU^R01 in, ACK out. Read with python-hl7.

A tube's number is SPM-2, else OBR-2; the laboratory's own of the result OBR-3. Ct values are OBX
of numbers whose observation names a target; the outcome is the other OBX.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any

import hl7

from . import rules
from .rules import Fault, Sent

if TYPE_CHECKING:
    from fangkong.packs.types import AssayMethod

MOST_SEGMENTS = 10_000
MOST_PARTS = 300_000  # fields, components and repetitions; 500 results have a third of it
# MSH-18 (table 0211) → Python's name.
CHARSETS = {
    "": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "UTF-8": "utf-8",
    "ASCII": "ascii",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
}
FINAL = {"F": False, "C": True, "": False}
CANCELLED = "X"  # OBR-25, table 0123
WITHDRAWN = ("D", "W")  # OBX-11, table 0085: deleted, and posted as wrong
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.\d{1,4})?([+-]\d{4})?", re.ASCII)
_ROUGH = re.compile(r"\d{4}(\d\d){0,3}([+-]\d{4})?", re.ASCII)  # a year, month, day or hour


@dataclass(frozen=True)
class Head:
    """What an answer needs of a message: who sent it, and under which number."""

    message_id: str = ""
    sender: tuple[str, str] = ("", "")
    receiver: tuple[str, str] = ("", "")
    version: str = "2.5"
    processing: str = "P"


@dataclass
class _Group:
    """An OBR with what stands below it."""

    obr: Any
    name: str
    number: str = ""
    obx: list[Any] = field(default_factory=list)


def head(body: bytes) -> Head:
    """The header of a message as far as it can be read: for the answer, so it never refuses."""
    line = re.split(rb"[\r\n]", body.lstrip(b"\x0b").lstrip(), maxsplit=1)[0][:2000]
    if not line.startswith(b"MSH") or len(line) < 9:
        return Head()
    parts = line.decode("ascii", "replace").split(chr(line[3]))
    parts += [""] * (20 - len(parts))
    bare = [re.sub(r"[^ -~]", "?", part)[:60] for part in parts]
    return Head(
        message_id=bare[9],
        sender=(bare[2], bare[3]),
        receiver=(bare[4], bare[5]),
        version=bare[11].split("^")[0] or "2.5",
        processing=bare[10].split("^")[0] or "P",
    )


def read(body: bytes, methods: Sequence[AssayMethod], zone: tzinfo) -> tuple[str, list[Sent]]:
    """The control id of a message and its results; ``Fault`` where it cannot be taken.

    ``zone``: of moments that name none.
    """
    text = _text(body)
    if text.count("\r") > MOST_SEGMENTS or sum(map(text.count, "|^~&")) > MOST_PARTS:
        raise Fault("too_many")
    try:
        message = hl7.parse(text)
    except (hl7.HL7Exception, AssertionError, AttributeError, ValueError, LookupError, TypeError):
        raise Fault("not_hl7") from None
    kind = [_part(message[0], 9, n) for n in (1, 2)]
    if kind != ["ORU", "R01"]:
        raise Fault("other_type", "MSH-9")
    if _part(message[0], 11) not in ("P", ""):
        raise Fault("not_production", "MSH-11")
    message_id = _whole(message[0], 10)
    if not message_id or len(message_id) > 120 or not message_id.isprintable():
        raise Fault("no_message_id", "MSH-10")
    groups = _groups(message)
    if not groups:
        raise Fault("no_reports", "OBR")
    if len(groups) > rules.MOST_RESULTS:
        raise Fault("too_many", "OBR")
    return message_id, [_sent(one, n, methods, zone) for n, one in enumerate(groups, start=1)]


def answer(to: Head, code: str, text: str, at: datetime, place: str = "") -> bytes:
    """An ACK: ``AA`` taken, ``AE`` an error in its content, ``AR`` nothing for this address."""
    mine, theirs = to.receiver, to.sender
    moment = at.strftime("%Y%m%d%H%M%S%z")
    own = re.sub(r"[^0-9]", "", at.strftime("%Y%m%d%H%M%S%f"))
    said = _escaped(text)
    where = _escaped(place)
    lines = [
        f"MSH|^~\\&|{mine[0]}|{mine[1]}|{theirs[0]}|{theirs[1]}|{moment}||ACK^R01^ACK|{own}"
        f"|{to.processing}|{to.version}||||||UNICODE UTF-8",
        f"MSA|{code}|{to.message_id}|{said}",
    ]
    if code != "AA":
        severity = "E"
        lines.append(f"ERR||{where}|207^Application internal error^HL70357|{severity}||||{said}")
    return ("\r".join(lines) + "\r").encode()


# --- The parts of a message -----------------------------------------------------------------------


def _text(body: bytes) -> str:
    """The message as text with one carriage return after each segment."""
    raw = body.strip(b"\x0b\x1c\r\n ")
    if not raw.startswith(b"MSH") or len(raw) < 20:
        raise Fault("not_hl7", "MSH")
    first = re.split(rb"[\r\n]", raw, maxsplit=1)[0].split(raw[3:4])
    named = first[17].split(b"~")[0].decode("ascii", "replace").strip() if len(first) > 17 else ""
    charset = CHARSETS.get(named.upper())
    if charset is None:
        raise Fault("unknown_charset", "MSH-18")
    try:
        text = raw.decode(charset)
    except UnicodeDecodeError:
        raise Fault("encoding", "MSH-18") from None
    if "\x00" in text:
        raise Fault("encoding")
    return re.sub(r"[\r\n]+", "\r", text)


def _groups(message: Any) -> list[_Group]:
    groups: list[_Group] = []
    name = ""
    for segment in message:
        kind = str(segment[0])
        if kind == "PID":
            name = "".join(_part(segment, 5, n) for n in (1, 2, 3))
        elif kind == "OBR":
            groups.append(_Group(segment, name))
        elif kind == "OBX" and groups:
            groups[-1].obx.append(segment)
        elif kind == "SPM" and groups:
            # An entity identifier pair: placer's number & …^filler's number & …
            groups[-1].number = groups[-1].number or _part(segment, 2).split("&")[0]
    return groups


def _sent(group: _Group, n: int, methods: Sequence[AssayMethod], zone: tzinfo) -> Sent:
    where = f"OBR[{n}]"
    status = _whole(group.obr, 25)
    if status not in FINAL and status != CANCELLED:
        raise Fault("not_final", f"{where}-25")
    number = group.number or _part(group.obr, 2)
    if not number:
        raise Fault("no_number", f"{where}-2")
    if not number.isprintable() or not _part(group.obr, 3).isprintable():
        raise Fault("signs", f"{where}-3")
    told = group.obx
    group.obx = [one for one in told if _whole(one, 11) not in WITHDRAWN]
    if status == CANCELLED or (told and not group.obx):
        return Sent(
            number=number,
            sender_number=_part(group.obr, 3)[:80],
            method="",
            outcome="",
            tested_at=_tested_at(told, where, zone),
            withdraws=True,
        )
    codes = [code for one in (*group.obx, group.obr) for code in _coded(one, where_code(one))]
    codes += [code for one in group.obx for code in _coded(one, 17)]
    method = rules.method_of(codes, [one.code for one in methods])
    if not method:
        raise Fault("unknown_method", f"{where}-4")
    targets = next((one.every_target() for one in methods if one.code == method), ())
    ct: dict[str, int] = {}
    outcomes: set[str] = set()
    corrects = FINAL[status] or len(group.obx) < len(told)
    for one in group.obx:
        if _whole(one, 11) not in FINAL:
            raise Fault("not_final", f"{where}/OBX-11")
        corrects = corrects or FINAL[_whole(one, 11)]
        target = rules.target_of(_coded(one, 3), targets)
        if _whole(one, 2) in ("NM", "SN"):
            value = rules.hundredths(_whole(one, 5).replace("^", ""))
            if not target or value is None:
                raise Fault("ct", f"{where}/OBX-5")
            ct[target] = value
        elif not target:
            said = rules.outcome_of([*_coded(one, 5), _whole(one, 8)])
            if not said:
                raise Fault("unknown_outcome", f"{where}/OBX-5")
            outcomes.add(said)
    if len(outcomes) != 1:
        raise Fault("several_outcomes" if outcomes else "unknown_outcome", f"{where}/OBX-5")
    return Sent(
        number=number,
        sender_number=_part(group.obr, 3)[:80],
        method=method,
        outcome=outcomes.pop(),
        ct=ct,
        tested_at=_tested_at(group.obx, where, zone),
        corrects=corrects,
        name=group.name,
    )


def _tested_at(rows: Sequence[Any], where: str, zone: tzinfo) -> datetime | None:
    """The latest moment of a test that the observations name."""
    told = [(f"{where}/OBX-{n}", _whole(one, n)) for one in rows for n in (19, 14)]
    moments = [m for place, text in told if (m := _moment(text, zone, place))]
    return max(moments, default=None)


def where_code(segment: Any) -> int:
    """The field in which a segment says what was tested."""
    return 3 if str(segment[0]) == "OBX" else 4


def _coded(segment: Any, n: int) -> list[str]:
    """Code and text of a coded field, also the alternate ones."""
    return [text for place in (1, 2, 4, 5) if (text := _part(segment, n, place))]


def _whole(segment: Any, n: int) -> str:
    """A field as text, its first repetition; "" where there is none."""
    try:
        return str(segment(n)).split("~")[0].strip()
    except (IndexError, KeyError):
        return ""


def _part(segment: Any, n: int, component: int = 1) -> str:
    parts = _whole(segment, n).split("^")
    return parts[component - 1].strip() if len(parts) >= component else ""


def _moment(text: str, zone: tzinfo, where_: str) -> datetime | None:
    """YYYYMMDDHHMM[SS][.S][+ZZZZ], in the zone of the house where it names none.

    None where nothing is said, or no more than the hour; ``Fault`` for what is no moment.
    """
    found = _TIME.fullmatch(text)
    if not found:
        if text and not _ROUGH.fullmatch(text):
            raise Fault("moment", where_)
        return None
    year, month, day, hour, minute, second, offset = found.groups()
    where: tzinfo = zone
    try:
        if offset:
            minutes = int(offset[1:3]) * 60 + int(offset[3:5])
            where = timezone(timedelta(minutes=minutes if offset[0] == "+" else -minutes))
        y, mo, d, h, mi, s = (int(n) for n in (year, month, day, hour, minute, second or "0"))
        return datetime(y, mo, d, h, mi, s, tzinfo=where).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Fault("moment", where_) from None


def _escaped(text: str) -> str:
    """A text as it stands in a field: separators by their names, no line ends."""
    named = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"}
    return "".join(named.get(sign, " " if sign in "\r\n" else sign) for sign in text)[:400]
