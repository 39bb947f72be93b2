"""What stands in a scanned code: GS1 element strings, plain GTINs, GS1 links, labels of the house.

Sources: GS1 General Specifications 3 (application identifiers), 7.8 (FNC1), 7.12 (century). biip
knows the identifiers, their patterns and check digits. No database, no clock.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

GS = "\x1d"  # what stands for FNC1 between two elements
LONGEST = 400  # signs; a GS1 DataMatrix that people scan has at most some 100
_MOST_WAYS = 12  # of reading a text without separators; more is no code of goods
_LONGEST_RUN = 96  # signs of all elements that may run into each other

# As scanners send the separator where it is no sign of a keyboard.
_SEPARATORS = ("\u241d", "<GS>", "{GS}", "[GS]", "^]")
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LABEL = re.compile(rf"/supplies/stock/(lots|places)/({_ID})/?$", re.IGNORECASE)
_BRACKETS = re.compile(r"\(\d{2,4}\)")
_IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")
# Data Matrix (also extended and rectangular), Code 128, QR, DataBar, DotCode with FNC1 in front.
_GS1 = frozenset({"]d2", "]d5", "]d8", "]dB", "]C1", "]Q3", "]Q4", "]e0", "]J1"})
_PLAIN = frozenset({"]E0", "]E3", "]E4", "]I0", "]I1"})  # an EAN, UPC or ITF-14: a GTIN alone

# The identifiers that may follow where a scanner dropped the separators: how long each is, or at
# most is, and what it is made of.
_FOLLOWS = {
    "11": (6, 6, r"\d{6}"),
    "17": (6, 6, r"\d{6}"),
    "10": (1, 20, r"[!-~]{1,20}"),
    "21": (1, 20, r"[!-~]{1,20}"),
    "30": (1, 8, r"\d{1,8}"),
    "37": (1, 8, r"\d{1,8}"),
}


class NotUnderstood(ValueError):
    """A text that is no code of goods; ``code`` says why.

    Codes: ``empty``, ``too_long``, ``not_gs1``, ``check_digit``, ``no_gtin``, ``bad_date``,
    ``twice``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Goods:
    """What the code of a package says. ``gtin``: 14 digits. ``count``: how many a pallet holds.

    ``others``: elements that mean nothing here, as identifier and value.
    """

    gtin: str
    lot: str = ""
    serial: str = ""
    made_on: date | None = None
    expires_on: date | None = None
    count: int | None = None
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Label:
    """A label that the house printed: of a lot or of a place."""

    kind: str  # "lot" or "place"
    public_id: UUID


def read(text: str, today: date) -> list[Goods] | Label:
    """The ways to understand a scanned text, the plainest first; NotUnderstood where there is none.

    There is more than one way only where the scanner dropped the separators, so that a lot number
    and what follows it run into each other.
    """
    plain = _plain(text)
    if not plain:
        raise NotUnderstood("empty")
    if len(plain) > LONGEST:
        raise NotUnderstood("too_long")
    if label := _LABEL.search(plain):
        return Label(label[1].lower().removesuffix("s"), UUID(label[2]))
    identifier = plain[:3] if _IDENTIFIER.match(plain) else ""
    body = plain[len(identifier) :].lstrip(GS)
    if identifier and identifier not in _GS1 | _PLAIN:
        # A Code 128 or a QR code without GS1's mark: many labels still hold what GS1 would.
        identifier = ""
    if body.isdecimal() and len(body) in (8, 12, 13, 14) and identifier not in _GS1:
        return [Goods(_gtin(body))]
    if identifier in _PLAIN:
        raise NotUnderstood("check_digit" if body.isdecimal() else "not_gs1")
    if body.lower().startswith(("http://", "https://")):
        return [_goods(_link(body), today)]
    if _BRACKETS.match(body):
        return [_goods(_bracketed(body), today)]
    found = [] if GS in body or len(body) > _LONGEST_RUN else list(_other_ways(body, today))
    try:
        plainest = _goods(_elements(body), today)
    except NotUnderstood:
        if found:  # without separators the lot number was too long to be one
            return found
        raise
    return [plainest, *(one for one in found if one != plainest)]


def from_two_digits(year: int, today: date) -> int:
    """The year that two digits mean: from 49 years ago to 50 years ahead (GS1 7.12)."""
    century = today.year // 100 * 100
    difference = year - today.year % 100
    if difference >= 51:
        return century - 100 + year
    if difference <= -50:
        return century + 100 + year
    return century + year


def day_of(value: str, today: date, *, first: bool = False) -> date:
    """A day as YYMMDD. Day 00 is the last of the month, or with ``first`` the first."""
    if not (len(value) == 6 and value.isascii() and value.isdigit()):
        raise NotUnderstood("bad_date")
    year, month, day = from_two_digits(int(value[:2]), today), int(value[2:4]), int(value[4:])
    if not 1 <= month <= 12:
        raise NotUnderstood("bad_date")
    last = monthrange(year, month)[1]
    if day > last:
        raise NotUnderstood("bad_date")
    return date(year, month, day or (1 if first else last))


def _plain(text: str) -> str:
    """The text as a scanner means it: separators as GS, signs of an input method made plain."""
    for sign in _SEPARATORS:
        text = text.replace(sign, GS)
    text = unicodedata.normalize("NFKC", text)  # （01） and ０ of a keyboard set to Chinese
    kept = "".join(sign for sign in text if sign == GS or sign.isprintable())
    return kept.strip(" ").rstrip(GS)


def _gtin(value: str) -> str:
    from biip import ParseError
    from biip.gtin import Gtin

    try:
        return Gtin.parse(value).as_gtin_14()
    except ParseError:
        raise NotUnderstood("check_digit") from None


def _elements(body: str) -> list[tuple[str, str]]:
    """Identifier and value of each element of a plain element string."""
    from biip import ParseConfig, ParseError
    from biip.gs1_messages import GS1Message

    # Days are read by our own clock; biip asks the machine's.
    config = ParseConfig(gs1_element_strings_verify_date=False)
    try:
        message = GS1Message.parse(body, config=config)
    except ParseError:
        raise NotUnderstood("not_gs1") from None
    return [(one.ai.ai, one.value) for one in message.element_strings]


def _bracketed(body: str) -> list[tuple[str, str]]:
    """As printed for people: (01)…(17)…(10)…"""
    from biip import ParseConfig, ParseError
    from biip.gs1_messages import GS1Message

    config = ParseConfig(gs1_element_strings_verify_date=False)
    try:
        message = GS1Message.parse_hri(body.replace(GS, ""), config=config)
    except ParseError:
        raise NotUnderstood("not_gs1") from None
    return [(one.ai.ai, one.value) for one in message.element_strings]


def _link(body: str) -> list[tuple[str, str]]:
    """A GS1 Digital Link: https://…/01/09506000134352/10/ABC?17=201225"""
    from biip import ParseConfig, ParseError
    from biip.gs1_digital_link_uris import GS1DigitalLinkURI

    config = ParseConfig(gs1_element_strings_verify_date=False)
    try:
        link = GS1DigitalLinkURI.parse(body, config=config)
    except ParseError:
        raise NotUnderstood("not_gs1") from None
    return [(one.ai.ai, one.value) for one in link.element_strings]


def _goods(elements: Sequence[tuple[str, str]], today: date) -> Goods:
    """What the elements say; the same identifier twice with another value is refused."""
    said: dict[str, str] = {}
    for identifier, value in elements:
        if said.setdefault(identifier, value) != value:
            raise NotUnderstood("twice")
    within = said.get("02", "")
    gtin = said.pop("01", "") or said.pop("02", "")
    if not gtin:
        raise NotUnderstood("no_gtin")
    goods = Goods(_gtin(gtin), lot=said.pop("10", ""), serial=said.pop("21", ""))
    if made := said.pop("11", ""):
        goods = replace(goods, made_on=day_of(made, today, first=True))
    if expires := said.pop("17", ""):
        goods = replace(goods, expires_on=day_of(expires, today))
    if gtin == within and (count := int(said.get("37", 0))):
        said.pop("37")
        goods = replace(goods, count=count)
    return replace(goods, others=tuple(sorted(said.items())))


def _other_ways(body: str, today: date) -> Iterator[Goods]:
    """Ways to part a text that has lost its separators, other than the longest first element."""
    found = 0
    for elements in _parted(body, frozenset()):
        try:
            yield _goods(elements, today)
        except NotUnderstood:
            continue
        found += 1
        if found == _MOST_WAYS:
            return


def _parted(rest: str, used: frozenset[str]) -> Iterator[list[tuple[str, str]]]:
    if not rest:
        yield []
        return
    if not used and rest.startswith(("01", "02")) and len(rest) >= 16:
        for more in _parted(rest[16:], frozenset({rest[:2]})):
            yield [(rest[:2], rest[2:16]), *more]
        return
    identifier = rest[:2]
    if not used or identifier in used or identifier not in _FOLLOWS:
        return
    least, most, pattern = _FOLLOWS[identifier]
    for n in range(min(most, len(rest) - 2), least - 1, -1):  # the longest value first
        value = rest[2 : 2 + n]
        if re.fullmatch(pattern, value):
            for more in _parted(rest[2 + n :], used | {identifier}):
                yield [(identifier, value), *more]
