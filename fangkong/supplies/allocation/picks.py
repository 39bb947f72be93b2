"""Which lots a line takes when its quantity was changed by hand. The hard limits hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

Taken = list[tuple[str, int]]  # lot and pieces


@dataclass(frozen=True)
class LotThere:
    """Goods of an item in the store; ``only_for``: places that alone may have them."""

    id: str
    quantity: int
    expires: date | None = None
    only_for: frozenset[str] | None = None

    def may_go_to(self, place: str, arrives: date) -> bool:
        """Is it for this place, and still good there?"""
        mine = self.only_for is None or place in self.only_for
        return mine and (self.expires is None or self.expires >= arrives)


@dataclass(frozen=True)
class Line:
    """What a place is to get of an item, when it arrives, and the lots that it had so far."""

    key: str
    place: str
    quantity: int
    arrives: date
    had: Sequence[tuple[str, int]] = ()


class NotThere(ValueError):
    """The line cannot have so much; ``most``: what it could have."""

    def __init__(self, key: str, most: int) -> None:
        super().__init__(f"{key}: at most {most}")
        self.key, self.most = key, most


def assign(
    lots: Sequence[LotThere], keep_back: int, lines: Sequence[Line], changed: str
) -> Mapping[str, Taken]:
    """Lots for every line; ``changed`` is the one whose quantity is new. NotThere for too much.

    The others keep what they had. The changed line gives back what it has too much, the last to
    expire first, or takes more: first what is earmarked for its place, then the earliest expiry.
    What is for everybody never falls below the reserve.
    """
    known = {one.id: one for one in lots}
    free = {one.id: one.quantity for one in lots}
    spare = sum(one.quantity for one in lots if one.only_for is None) - keep_back
    found: dict[str, Taken] = {}
    for line in lines:
        if line.key == changed:
            continue
        found[line.key] = list(line.had)
        for lot, quantity in line.had:
            free[lot] -= quantity
            spare -= quantity if known[lot].only_for is None else 0
    line = next(one for one in lines if one.key == changed)
    before = dict(line.had)
    order = sorted(
        (one for one in lots if one.may_go_to(line.place, line.arrives)),
        key=lambda one: (
            one.only_for is None,
            one.id not in before,
            one.expires or date.max,
            one.id,
        ),
    )
    took: Taken = []
    left = line.quantity
    for one in order:
        most = free[one.id] if one.only_for is not None else min(free[one.id], max(0, spare))
        part = min(left, most)
        if part > 0:
            took.append((one.id, part))
            left -= part
            spare -= part if one.only_for is None else 0
    if left:
        raise NotThere(changed, line.quantity - left)
    found[changed] = took
    return found
