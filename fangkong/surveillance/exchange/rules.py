"""What laboratories send, whatever the format: results, and the codes they say them in. No Django.

Codes of SNOMED CT, HL7 (table 0078, ObservationInterpretation) and LOINC are from memory; the
house's own codes (the pack's methods, our outcomes) are understood beside them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

MOST_RESULTS = 500  # of one message
PORTION = 10  # results in one transaction, for which another writer waits on SQLite
MOST_BYTES = 2 * 1024 * 1024  # of one message; 500 results take a tenth of it
MOST_DIGITS = 6  # before the point of a number; no Ct value comes near

OUTCOMES: Mapping[str, str] = {
    **dict.fromkeys(
        ("negative", "260385009", "260415000", "NEG", "ND", "NOT DETECTED", "阴性", "未检出", "-"),
        "negative",
    ),
    **dict.fromkeys(
        ("positive", "10828004", "260373001", "POS", "DET", "DETECTED", "阳性", "检出", "+"),
        "positive",
    ),
    **dict.fromkeys(
        (
            *("grey", "419984006", "82334004", "42425007", "IND", "E"),
            *("INDETERMINATE", "INCONCLUSIVE", "EQUIVOCAL", "灰区", "可疑"),
        ),
        "grey",
    ),
    **dict.fromkeys(("invalid", "455371000124106", "INVALID", "无效"), "invalid"),
}
METHODS: Mapping[str, str] = {
    "94500-6": "rt-pcr",  # SARS-CoV-2 RNA, respiratory specimen
    "94309-2": "rt-pcr",  # SARS-CoV-2 RNA, any specimen
    "94558-4": "antigen",  # SARS-CoV-2 antigen, rapid
    "核酸检测": "rt-pcr",
    "核酸": "rt-pcr",
    "抗原": "antigen",
    "抗原检测": "antigen",
}
_BARE_OUTCOMES = {key.casefold(): value for key, value in OUTCOMES.items()}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One result as a laboratory sent it.

    ``number``: of the tube; ``sender_number``: the laboratory's own of the result. ``ct``:
    hundredths of a cycle by target. ``name``: whose result it says it is, to be compared and never
    kept. ``corrects``: it says that it takes the place of an earlier one. ``withdraws``: it takes
    that one back and puts nothing in its place; method and outcome may then be "".
    """

    number: str
    sender_number: str
    method: str
    outcome: str
    ct: Mapping[str, int] = field(default_factory=dict)
    tested_at: datetime | None = None
    corrects: bool = False
    withdraws: bool = False
    name: str = field(default="", repr=False)


class Fault(Exception):
    """A message that cannot be taken: ``code`` says why, ``where`` the place in it."""

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(code, where)
        self.code, self.where = code, where


def outcome_of(codes: Iterable[str]) -> str:
    """The outcome that codes or words say; "" where none of them says one."""
    for code in codes:
        if found := _BARE_OUTCOMES.get(plain(code).casefold()):
            return found
    return ""


def method_of(codes: Iterable[str], known: Iterable[str]) -> str:
    """The method of the pack that codes or words say; "" where none of them says one."""
    own = {code.casefold(): code for code in known}
    for code in codes:
        bare = plain(code)
        if found := own.get(bare.casefold()) or METHODS.get(bare):
            return found
    return ""


def target_of(codes: Iterable[str], known: Iterable[str]) -> str:
    """The target whose Ct value is told; "" for what is none."""
    own = {_sign(code): code for code in known}
    for code in codes:
        if found := own.get(_sign(code)):
            return found
    return ""


def hundredths(text: str | Decimal) -> int | None:
    """A Ct value in hundredths of a cycle; None for what is no number with two decimals."""
    try:
        value = Decimal(str(text).strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or not -2 <= value.adjusted() <= MOST_DIGITS:
        return None  # 1E999999 is a number too, and too long to be reckoned with
    value *= 100
    return int(value) if value == value.to_integral_value() else None


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _sign(text: str) -> str:
    """A target without what is written around it: "Ct ORF1ab gene" → orf1ab."""
    bare = re.sub(r"\b(ct|gene|value|cycle threshold|基因|值)\b", "", plain(text).casefold())
    return re.sub(r"[^0-9a-z]", "", bare.removeprefix("ct"))


def same_name(sent: str, known: str) -> bool:
    """Whether a name in Chinese can be the one that is known; other writing is not compared."""
    bare = [re.sub(r"[\s·.]", "", plain(one)) for one in (sent, known)]
    if not all(re.search(r"[㐀-鿿]", one) for one in bare):
        return True
    return bare[0] == bare[1]


def is_same(sent: Sent, *, method: str, outcome: str, ct: Mapping[str, int]) -> bool:
    """Whether a result says nothing that is not known."""
    return (sent.method, sent.outcome, dict(sent.ct)) == (method, outcome, dict(ct))
