"""Units, lots and picking: what is right for stock. No database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol

MOST = 1_000_000_000_000  # smallest units in one line; more is a slip of the hand
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)  # days on labels; others are slips

# Words that count single things; one of the one is one of the other (只 = 个). Pairs, bottles and
# boxes are not among them: how much is in one depends on the item.
_COUNTING = frozenset(
    ["只", "个", "件", "套", "枚", "台", "辆", "支", "张", "顶", "副", "把", "人份", "份", "片"]
)
_COUNTED_IN = {
    "piece": _COUNTING,
    "set": _COUNTING,
    "machine": _COUNTING,
    "vehicle": _COUNTING,
    "test": _COUNTING,
    "tablet": _COUNTING,
    "pair": frozenset({"双", "副", "对"}),
    "bottle": frozenset({"瓶"}),
    "box": frozenset({"盒"}),
}
_MEASURES: Mapping[str, Mapping[str, int]] = {
    "ml": {"毫升": 1, "ml": 1, "升": 1000, "公升": 1000, "l": 1000},
    "g": {"克": 1, "g": 1, "千克": 1000, "公斤": 1000, "kg": 1000, "吨": 1_000_000, "t": 1_000_000},
}
# 桶(10升), 瓶（500毫升）, 盒(50只): a container that says how much is in it.
_CONTAINER = re.compile(r"[^\d()（）]+[(（]\s*(\d+(?:\.\d+)?)\s*([^\d()（）\s]+)\s*[)）]", re.ASCII)
_NUMBER = re.compile(r"\d{1,13}(\.\d{1,9})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3}){1,4}(\.\d{1,9})?", re.ASCII)


class NotExact(ValueError):
    """A quantity that is no whole number of smallest units; ``code`` says why.

    Codes: ``no_number``, ``not_positive``, ``too_much``, ``unknown_unit``, ``fraction``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def number(text: str) -> Decimal:
    """A quantity as people write it (4200, 4,200, 4200.0); NotExact where it is none."""
    plain = text.strip()
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain):
        raise NotExact("not_positive" if plain.startswith("-") else "no_number")
    try:
        return Decimal(plain)
    except InvalidOperation as problem:  # pragma: no cover  # the pattern lets only numbers through
        raise NotExact("no_number") from problem


def holds(unit: str, smallest: str, packs: Mapping[str, int]) -> Decimal:
    """How many smallest units one of a unit is; "" is the smallest unit itself.

    ``smallest``: a code of ``types.Unit``. ``packs``: the item's own packs, by name. NotExact with
    ``unknown_unit`` where nobody said how much of the item is in one.
    """
    said = "".join(unit.split())
    if not said or said == smallest:
        return Decimal(1)
    for name, quantity in packs.items():
        if said == "".join(name.split()):
            return Decimal(quantity)
    measures = _MEASURES.get(smallest)
    container = _CONTAINER.fullmatch(said)
    if measures is None:
        counted = _COUNTED_IN.get(smallest, frozenset())
        if said in counted:
            return Decimal(1)
        if container is not None and container[2] in counted:
            return Decimal(container[1])
        raise NotExact("unknown_unit")
    if said.lower() in measures:
        return Decimal(measures[said.lower()])
    if container is not None and container[2].lower() in measures:
        return Decimal(container[1]) * measures[container[2].lower()]
    raise NotExact("unknown_unit")


def in_smallest(quantity: str, unit: str, smallest: str, packs: Mapping[str, int]) -> int:
    """A quantity in whole smallest units, exactly, or NotExact.

    Half a case of 50 is 25 pieces; half a piece is refused, not rounded. 20 t of what is counted
    in millilitres is refused too: nobody said how heavy a millilitre is.
    """
    found = number(quantity) * holds(unit, smallest, packs)
    if found <= 0:
        raise NotExact("not_positive")
    if found > MOST:
        raise NotExact("too_much")
    if found != found.to_integral_value():
        raise NotExact("fraction")
    return int(found)


def counted(quantity: str, unit: str, smallest: str, packs: Mapping[str, int]) -> int:
    """``in_smallest`` of what was counted, which may be nothing."""
    if number(quantity) == 0:
        return 0
    return in_smallest(quantity, unit, smallest, packs)


def in_packs(quantity: int, packs: Mapping[str, int]) -> list[tuple[int, str]]:
    """A quantity in whole packs, the largest first, the rest with "" as its name."""
    said, rest = [], quantity
    for name, size in sorted(packs.items(), key=lambda one: (-one[1], one[0])):
        if size > 1 and rest >= size:
            said.append((rest // size, name))
            rest %= size
    if rest or not said:
        said.append((rest, ""))
    return said


# --- Lots -----------------------------------------------------------------------------------------


def lot_faults(
    made_on: date | None, expires_on: date | None, today: date
) -> Iterable[tuple[str, str]]:
    """What cannot be true of a lot, as field and code."""
    for field, day in (("made_on", made_on), ("expires_on", expires_on)):
        if day is not None and not EARLIEST <= day <= LATEST:
            yield field, "impossible_year"
    if made_on is not None and made_on > today:
        yield "made_on", "made_later"
    if made_on is not None and expires_on is not None and expires_on <= made_on:
        yield "expires_on", "expired_before_made"


# How the owner of a gift's lots ends: its code. What is told of gifts is drawn from these lots.
_OF_A_GIFT = re.compile(r"·\s*[2-9A-HJKMNP-TV-Z]{5}-[2-9A-HJKMNP-TV-Z]{5}\s*", re.ASCII)


def names_a_gift(owner: str) -> bool:
    """Is this owner one of a gift that was checked at the door of its source?"""
    return _OF_A_GIFT.search(owner) is not None


@dataclass(frozen=True)
class Holding:
    """What a place holds of one lot; ``expires_on`` is its last good day."""

    lot: int
    quantity: int
    expires_on: date | None = None
    held_back: bool = False
    earmarked: bool = False

    def good_on(self, day: date) -> bool:
        """May it be used on a day?"""
        return not self.held_back and (self.expires_on is None or self.expires_on >= day)


def first_out(holdings: Iterable[Holding]) -> list[Holding]:
    """The order in which lots leave (先到期先出): earliest expiry, then the older lot.

    Lots that never expire, or do not say, come last.
    """
    return sorted(holdings, key=lambda one: (one.expires_on or date.max, one.lot))


def pick(holdings: Iterable[Holding], quantity: int, day: date) -> list[tuple[int, int]] | None:
    """Which lots give how much, earliest expiry first; None where the good ones do not suffice.

    Held back, expired and earmarked lots are never picked: an earmarked one is named by hand.
    """
    left, picked = quantity, []
    for one in first_out(holdings):
        if left and one.good_on(day) and not one.earmarked and one.quantity > 0:
            part = min(left, one.quantity)
            picked.append((one.lot, part))
            left -= part
    return None if left else picked


@dataclass(frozen=True)
class Wasting:
    """So much of a lot will not be used before it expires."""

    lot: int
    quantity: int
    expires_on: date


def wasting(holdings: Sequence[Holding], a_day: float, today: date) -> list[Wasting]:
    """What expires before it is used, if so many a day leave by earliest expiry.

    ``a_day``: smallest units; 0 uses nothing. A lot counts on its last good day too. What already
    expired is not in it.
    """
    found: list[Wasting] = []
    used = 0.0  # smallest units of earlier lots
    for one in first_out(one for one in holdings if one.good_on(today) and one.quantity > 0):
        if one.expires_on is None:
            break
        can_be_used = a_day * ((one.expires_on - today).days + 1) - used
        spoiled = max(0, one.quantity - max(0, int(can_be_used)))
        if spoiled:
            found.append(Wasting(one.lot, spoiled, one.expires_on))
        used += one.quantity - spoiled
    return found


def days_of_cover(quantity: int, a_day: float) -> float | None:
    """For how many days a quantity lasts; None where nothing is used."""
    return quantity / a_day if a_day > 0 else None


# --- Stocktake ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """A change of a balance, by when the goods moved as told."""

    moved_at: datetime
    change: int


def book_at(balance: int, moves: Iterable[Moved], moment: datetime) -> int:
    """What the book held at a moment: what it holds now, less what moved after it.

    Whether a move was booked before or after the moment does not matter: a sheet that is entered
    late tells of goods that were already gone when they were counted.
    """
    return balance - sum(one.change for one in moves if one.moved_at > moment)


def difference(counted: int, balance: int, moves: Iterable[Moved], counted_at: datetime) -> int:
    """How much more (or, below zero, less) was there than the book said at that moment."""
    return counted - book_at(balance, moves, counted_at)


class Label(Protocol):
    """What a lot's label says, whosever it is."""

    item_id: int
    number: str
    made_on: date | None
    expires_on: date | None


def same_goods(one: Label, other: Label) -> bool:
    """Do two lots differ in nothing but whose they are, or what they are for?"""
    return (one.item_id, one.number, one.made_on, one.expires_on) == (
        other.item_id,
        other.number,
        other.made_on,
        other.expires_on,
    )


def count_number(mark: str, year: int, n: int) -> str:
    """The n-th stocktake of a place in a year: 513301-01-PD-2020-003."""
    return f"{mark}-PD-{year}-{n:03d}"


# --- Shipments ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrival:
    """What became of what was sent of a lot: the first three sum up to it; ``extra`` is beyond."""

    received: int
    broken: int
    missing: int
    extra: int


def arrival(sent: int, good: int, broken: int) -> Arrival:
    """What arrived against what was sent. ``broken`` is at most ``sent``, both counted."""
    received = min(good, sent - broken)
    return Arrival(received, broken, sent - broken - received, good - received)


def shipment_number(mark: str, year: int, n: int) -> str:
    """The n-th shipment of a place in a year: 513301-01-DB-2020-003."""
    return f"{mark}-DB-{year}-{n:03d}"


# What is owed for an emergency release where the pack says nothing: each paper with its days.
PAPERS_OWED: Mapping[str, int] = {"request": 3, "approval": 3, "signature": 3}


# --- Months ---------------------------------------------------------------------------------------


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def next_month(closed_through: date | None, today: date) -> date:
    """The first day of the month to close next: after the closed ones, or the one before today."""
    if closed_through is not None:
        return closed_through + timedelta(days=1)
    return month_of(today.replace(day=1) - timedelta(days=1))[0]


# --- The ledger -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """So much of a lot from one place to another; places that are not held have no balance."""

    lot: int
    source: int
    target: int
    quantity: int


def changes(lines: Iterable[Line], held: frozenset[int]) -> dict[tuple[int, int], int]:
    """What lines of one entry do to the balances: (place, lot) → sum, in the order of locking."""
    sums: dict[tuple[int, int], int] = {}
    for line in lines:
        for place, sign in ((line.source, -1), (line.target, 1)):
            if place in held:
                key = place, line.lot
                sums[key] = sums.get(key, 0) + sign * line.quantity
    return {key: sums[key] for key in sorted(sums) if sums[key]}


HERE, ELSEWHERE = "here", "elsewhere"  # held within a county, and in another


class Flow(NamedTuple):
    """So much of an item (its key) over the border of a county.

    ``source``, ``target``: HERE, ELSEWHERE, or the kind of place outside. ``later``: after the day
    that was asked for.
    """

    item: int
    source: str
    target: str
    later: bool
    quantity: int


def entry_number(mark: str, year: int, n: int) -> str:
    """The n-th entry of a place in a year: 513301-01-2020-00012."""
    return f"{mark}-{year}-{n:05d}"


def place_mark(area_code: str, n: int) -> str:
    """What numbers of the n-th place of an area begin with."""
    return f"{area_code}-{n:02d}"


# What the list under a field for units offers.
UNIT_WORDS = ("只", "个", "件", "套", "双", "瓶", "盒", "人份", "毫升", "升", "克", "千克", "吨")
