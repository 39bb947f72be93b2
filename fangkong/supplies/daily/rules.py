"""What a day did to the stock of a county. No database, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Literal

from fangkong.supplies.stock.rules import ELSEWHERE, HERE, Flow

Standing = Literal["filed", "nil", "late", "missing", "waits", "running"]


# What a line is made of; ``closing`` follows from them.
PARTS = ("opening", "received", "arrived", "used", "sent", "lost", "found")


@dataclass(frozen=True, kw_only=True)
class Sums:
    """An item (its key) over a day, in smallest units.

    ``received``: from outside. ``arrived``, ``sent``: from and to other counties. What was taken
    back on the day counts below zero. ``found``: more (or, below zero, less) than the book had
    when it was counted.
    """

    item: int
    opening: int = 0
    received: int = 0
    arrived: int = 0
    used: int = 0
    sent: int = 0
    lost: int = 0
    found: int = 0

    @property
    def closing(self) -> int:
        came = self.received + self.arrived + self.found
        return self.opening + came - self.used - self.sent - self.lost

    @property
    def moved(self) -> bool:
        """Did anything come or go?"""
        return any((self.received, self.arrived, self.used, self.sent, self.lost, self.found))


# By where it came from or went to (kinds of places): the column, and its sign for what came.
_COLUMNS = {
    "source": ("received", 1),
    ELSEWHERE: ("arrived", 1),
    "found": ("found", 1),
    "used": ("used", -1),
    "lost": ("lost", -1),
}


def sums(held: Iterable[tuple[int, int]], flows: Iterable[Flow]) -> list[Sums]:
    """The lines of a day, by item.

    ``held``: item and what there is of it now. ``flows``: all that crossed the county's border
    since the day began; ``later`` ones happened after it ended and are taken off what there is.
    Items that were not there and did not move are left out.
    """
    evening: dict[int, int] = {}
    columns: dict[int, dict[str, int]] = {}
    for item, quantity in held:
        evening[item] = evening.get(item, 0) + quantity
    for flow in flows:
        came = flow.target == HERE
        change = flow.quantity if came else -flow.quantity
        if flow.later:
            evening[flow.item] = evening.get(flow.item, 0) - change
            continue
        of_item = columns.setdefault(flow.item, {})
        other = flow.source if came else flow.target
        name, sign = ("sent", -1) if other == ELSEWHERE and not came else _COLUMNS[other]
        of_item[name] = of_item.get(name, 0) + sign * change
    found = []
    for item in sorted(evening.keys() | columns.keys()):
        day = Sums(item=item, **columns.get(item, {}))
        line = Sums(item=item, opening=evening.get(item, 0) - day.closing, **columns.get(item, {}))
        if line.opening or line.moved:
            found.append(line)
    return found


def nil(lines: Sequence[Sums]) -> bool:
    """Did nothing move on the day?"""
    return not any(one.moved for one in lines)


def digest(lines: Sequence[Sums]) -> str:
    """Names figures, so that nobody files what they did not read."""
    plain = repr([astuple(one) for one in sorted(lines, key=lambda one: one.item)])
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


def state(
    *, ended: bool, filed: bool, nil: bool, late: bool, due_at: datetime | None, now: datetime
) -> Standing:
    """How the report of a day stands. Without ``due_at`` no rule wants one, so none is missing."""
    if filed:
        return "late" if late else "nil" if nil else "filed"
    if not ended:
        return "running"
    return "missing" if due_at is not None and now > due_at else "waits"
