"""What a scanned code means in this house: which item, lot and place, and whether it may leave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from unicodedata import category
from uuid import UUID

from fangkong.core import clock

from . import codes, queries, rules, words
from .codes import Goods, Label, NotUnderstood
from .models import Balance, Item, ItemCode, Lot, Place
from .types import Package

if TYPE_CHECKING:
    from fangkong.accounts.models import User

MOST_LINES = 40
MOST_COUNT = 1_000_000  # packages of one line that are counted by scanning or by hand


@dataclass(frozen=True)
class Scan:
    """A label of the house (``lot`` or ``place``), or goods: the ways to understand the code.

    ``code``: what the GTIN means; None where nobody taught it yet.
    """

    ways: tuple[Goods, ...] = ()
    code: ItemCode | None = None
    lot: Lot | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Line:
    """Goods on a sheet that is being scanned; texts are as they stand in the fields.

    ``code``: what the GTIN means; None on the line of a label of a lot. ``lots``: which lots at the
    place the line may mean, where goods leave.
    """

    item: Item
    code: ItemCode | None = None
    goods: Goods | None = None
    lot: Lot | None = None
    count: str = "1"
    number: str = ""
    expires_on: str = ""
    chosen: str = ""
    serials: tuple[str, ...] = ()
    lots: tuple[Balance, ...] = field(default=(), compare=False)
    note: str = field(default="", compare=False)

    @property
    def holds(self) -> int:
        """How many smallest units one counted package is."""
        return 1 if self.code is None else self.code.holds

    @property
    def names_a_lot(self) -> bool:
        """Does it say which lot, so that no other one is meant?"""
        return self.lot is not None or (self.goods is not None and bool(self.goods.lot))

    @property
    def of_a_gift(self) -> bool:
        """Is it the label of a gift's lot, to which nothing is added but at its source?"""
        return self.lot is not None and rules.names_a_gift(self.lot.owner)

    @property
    def unit(self) -> str:
        """What is counted."""
        if self.code is not None and self.code.pack:
            return self.code.pack
        return str(self.item.get_unit_display())

    @property
    def carried(self) -> str:
        """What the page carries of the line besides its fields."""
        if self.goods is None:
            assert self.lot is not None
            return json.dumps({"lot": str(self.lot.public_id)})
        said = {"gtin": self.goods.gtin, "lot": self.goods.lot}
        for name in ("made_on", "expires_on"):
            day = getattr(self.goods, name)
            said[name] = "" if day is None else day.isoformat()
        return json.dumps(said, ensure_ascii=False)

    def is_of(self, other: Line) -> bool:
        """Would a second scan count up this line?"""
        return self.carried == other.carried


def understood(text: str, user: User, at: datetime) -> Scan:
    """What a text means to a user; NotUnderstood where it is no code, or names nothing of theirs.

    Where the scanner dropped the separators, lot numbers that the item has are preferred.
    """
    read = codes.read(text, clock.day_of(at))
    if isinstance(read, Label):
        return _labelled(read, user, at)
    code = queries.code_of(read[0].gtin)
    if len(read) > 1 and code is not None:
        known = queries.lots_numbered(code.item, [one.lot for one in read])
        read = [one for one in read if one.lot in known] or read
    return Scan(ways=tuple(read), code=code)


def _labelled(label: Label, user: User, at: datetime) -> Scan:
    if label.kind == "lot":
        lot = queries.lots_open_to(user, at).filter(public_id=label.public_id).first()
        if lot is not None:
            return Scan(lot=lot)
    else:
        place = queries.place_open_to(user, at, label.public_id)
        if place is not None:
            return Scan(place=place)
    raise NotUnderstood("not_here")


def packages(texts: Sequence[str], at: datetime) -> list[Package | NotUnderstood]:
    """The package that each text is the code of, or why it is none ("no_serial": it names none).

    Where the scanner dropped the separators, a lot that the item has and a serial that came in are
    meant. All texts together ask a few statements for each GTIN.
    """
    read = [_goods_in(text, clock.day_of(at)) for text in texts]
    known = queries.codes_of(ways[0].gtin for ways in read if isinstance(ways, list))
    unclear: dict[str, list[Goods]] = {}
    for ways in read:
        if isinstance(ways, list) and len(ways) > 1 and ways[0].gtin in known:
            unclear.setdefault(ways[0].gtin, []).extend(ways)
    lots, came = {}, {}
    for gtin, ways in unclear.items():
        lots[gtin] = queries.lots_numbered(known[gtin].item, [one.lot for one in ways])
        serials = [one.serial for one in ways if one.serial]
        came[gtin] = set(queries.serials_in(known[gtin], serials))
    found: list[Package | NotUnderstood] = []
    for ways in read:
        if isinstance(ways, NotUnderstood):
            found.append(ways)
            continue
        gtin = ways[0].gtin
        likely = [one for one in ways if one.lot in lots.get(gtin, ())] or ways
        named = {one.serial for one in likely if one.serial}
        if len(named) > 1:
            named &= came.get(gtin, set())
        whole = gtin in known and len(named) == 1
        found.append(Package(known[gtin], named.pop()) if whole else NotUnderstood("no_serial"))
    return found


def _goods_in(text: str, day: date) -> list[Goods] | NotUnderstood:
    try:
        read = codes.read(text, day)
    except NotUnderstood as problem:
        return problem
    return NotUnderstood("no_serial") if isinstance(read, Label) else read


def line_of(goods: Goods, code: ItemCode) -> Line:
    """A new line for a scanned package."""
    return Line(
        item=code.item,
        code=code,
        goods=replace(goods, serial="", count=None, others=()),
        count=str(goods.count or 1),
        number=goods.lot,
        expires_on="" if goods.expires_on is None else goods.expires_on.isoformat(),
        serials=(goods.serial,) if goods.serial else (),
    )


def line_of_lot(lot: Lot) -> Line:
    """A new line for a label of a lot; what is counted is the smallest unit."""
    return Line(item=lot.item, lot=lot, number=lot.number)


class ScannedTwice(ValueError):
    """The package with this serial stands on the sheet already."""


def added(lines: Sequence[Line], new: Line) -> list[Line]:
    """The sheet with one more package: counted up where its line is there."""
    found = list(lines)
    for n, line in enumerate(found):
        if not line.is_of(new):
            continue
        if set(new.serials) & set(line.serials):
            raise ScannedTwice(new.serials[0])
        count = str(int(line.count) + int(new.count)) if _counts(line.count) else new.count
        found[n] = replace(line, count=count, serials=line.serials + new.serials)
        return found
    return [*found, new]


def _counts(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8


def carried(data: Mapping[str, Any], user: User, at: datetime) -> list[Line]:
    """The lines that a page carried; what was tampered with is left out."""
    said = [_said(str(data.get(f"line_{n}", ""))) for n in range(MOST_LINES)]
    known = queries.codes_of(one["gtin"] for one in said if one and "gtin" in one)
    keys = {one["lot"] for one in said if one and "gtin" not in one}
    lots = {
        str(lot.public_id): lot for lot in queries.lots_open_to(user, at).filter(public_id__in=keys)
    }
    lines = []
    for n, one in enumerate(said):
        if one is None:
            continue
        line = _line(one, known, lots)
        if line is not None:
            lines.append(
                replace(
                    line,
                    count=plain(data.get(f"count_{n}", line.count))[:12],
                    number=plain(data.get(f"number_{n}", line.number))[:40],
                    expires_on=plain(data.get(f"expires_on_{n}", line.expires_on))[:10],
                    chosen=plain(data.get(f"lot_{n}", ""))[:36],
                    serials=tuple(_serials(plain(data.get(f"serials_{n}", "")))),
                )
            )
    return lines


def plain(text: object) -> str:
    """A field without signs that nobody sees, which a database may refuse; each blank is " "."""
    signs = (" " if category(sign) == "Zs" else sign for sign in str(text))
    return "".join(sign for sign in signs if sign.isprintable())


def _said(text: str) -> dict[str, str] | None:
    try:
        said = json.loads(text[:400])
    except ValueError:
        return None
    if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
        return None
    if "gtin" in said:
        return said
    try:
        return {"lot": str(UUID(said.get("lot", "")))}
    except ValueError:
        return None


def _line(
    said: Mapping[str, str], known: Mapping[str, ItemCode], lots: Mapping[str, Lot]
) -> Line | None:
    if "gtin" not in said:
        lot = lots.get(said["lot"])
        return None if lot is None else line_of_lot(lot)
    code = known.get(said["gtin"])
    if code is None:
        return None
    try:
        made_on, expires_on = (_day(said.get(name, "")) for name in ("made_on", "expires_on"))
    except ValueError:
        return None
    number = said.get("lot", "")[:20]
    return line_of(Goods(code.gtin, lot=number, made_on=made_on, expires_on=expires_on), code)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _serials(text: str) -> Iterable[str]:
    return [one for one in text.split(" ") if one and len(one) <= 20][:MOST_COUNT]


# --- Goods that leave -----------------------------------------------------------------------------


def coming(line: Line, at: datetime) -> Line:
    """The line with what speaks against taking it in: its days contradict each other, or it has
    expired, so that it could only be written off."""
    day, goods = clock.day_of(at), line.goods
    if goods is None:
        return line
    last = goods.expires_on
    faults = [code for _field, code in rules.lot_faults(goods.made_on, last, day)]
    if faults:
        return replace(line, note=words.fault(faults[0]))
    if last is not None and last < day:
        return replace(line, note=words.expired_already(last))
    return line


def leaving(line: Line, place: Place, at: datetime) -> Line:
    """The line with the lots at a place that it may mean, and what speaks against taking them.

    NotHere where the place holds none of it; Unfit where all of it is held back or expired.
    """
    day = clock.day_of(at)
    if line.lot is not None:
        found = queries.balance_with(place, line.lot)
        rows = [] if found is None else [found]
    elif line.goods is not None and line.goods.lot:
        last = line.goods.expires_on
        rows = queries.balances_numbered(place, line.item, line.goods.lot, last)
    else:
        return line  # the code names no lot: the earliest expiry leaves
    if not rows:
        raise NotHere(words.not_here(line.number, line.item, place))
    fit = [row for row in rows if not words.unfit(row.lot, day)]
    if not fit:
        raise Unfit(words.unfit(rows[0].lot, day))
    earlier = queries.lots_before(place, fit[0].lot, day)
    note = words.earlier(earlier[0]) if earlier else ""
    return replace(line, lots=tuple(fit), note=note)


class NotHere(ValueError):
    """The place holds nothing of the lot; the text says so."""


class Unfit(ValueError):
    """The lot is held back or expired; the text says why."""
