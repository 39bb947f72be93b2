"""Small numbers in public tables (PI-8): a cell under five persons is hidden, also from sums.

A table is a tree of counts: each level's parts add up to the whole above it, as townships to a
county and counties to the prefecture. Hiding one part alone hides nothing: the whole less the other
parts gives it away. So further parts are hidden until what remains unknown cannot be reckoned out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SMALLEST = 5


@dataclass(frozen=True)
class Node:
    """A count and the parts it is made of; a leaf has none."""

    n: int
    parts: Mapping[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ValueError("a count is not negative")
        if self.parts and sum(part.n for part in self.parts.values()) != self.n:
            raise ValueError("the parts do not add up to the whole")


@dataclass(frozen=True)
class Shown:
    """What may be published of a node: None is hidden."""

    n: int | None
    parts: Mapping[str, Shown] = field(default_factory=dict)


def suppressed(table: Node, *, smallest: int = SMALLEST) -> Shown:
    """The table with small cells hidden, so that no hidden cell can be reckoned out.

    A nought is no person and may stand, unless it is needed to hide its neighbours. Whatever can be
    reckoned of any group of hidden cells is a sum of at least ``smallest`` persons in at least two
    cells. A whole that is itself small is hidden with all its parts.
    """
    hidden = 0 < table.n < smallest
    return _shown(table, hidden, smallest)


def _shown(node: Node, hidden: bool, smallest: int) -> Shown:
    if not node.parts:
        return Shown(None if hidden else node.n)
    below = set(node.parts) if hidden else _hidden_parts(node, smallest)
    parts = {
        name: _shown(part, name in below, smallest) for name, part in sorted(node.parts.items())
    }
    return Shown(None if hidden else node.n, parts)


def _hidden_parts(node: Node, smallest: int) -> set[str]:
    """Which parts of a whole that is shown are hidden.

    Their sum is the whole less the others, so it must be no small number, of two parts or more.
    Further parts are taken smallest first, by name where equal: the same table, the same answer.
    """
    small = {name for name, part in node.parts.items() if 0 < part.n < smallest}
    if not small:
        return set()
    rest = sorted((part.n, name) for name, part in node.parts.items() if name not in small)
    hidden = set(small)
    while rest and not _safe(node, hidden, smallest):
        # A nought beside a hidden part hides it from whoever does not know that it is one.
        taken = next((one for one in rest if one[0] > 0), rest[0])
        rest.remove(taken)
        hidden.add(taken[1])
    return hidden


def _safe(node: Node, hidden: set[str], smallest: int) -> bool:
    parts = [node.parts[name].n for name in hidden]
    return len(parts) >= 2 and sum(parts) >= smallest
