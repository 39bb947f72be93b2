"""Which limits a problem has: what there is of each item, who may have it, until when, and how far.

Items that stand in for each other are a *group*. In a group without restrictions the limits are
known beforehand: for each expiry, what is used after it must come from lots that last longer. With
earmarks or substitutes it takes a search who may draw on what: ``routes`` finds the limit that a
plan breaks, or the way of the goods.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from .ground import FOREVER, Floats, Ground, Ints, may
from .levels import Cut, cut
from .types import Substitution

FULL = 10**6  # a trip, in millionths


@dataclass(frozen=True, slots=True)
class Node:
    """Packs of one item that the same pools may serve: of each cell those from low to high.

    ``reach``: the pools with what one of their packs is worth in packs of the item, own ones first.
    """

    item: int
    cells: Ints
    low: Floats
    high: Floats
    reach: tuple[tuple[int, float], ...]

    def demand(self, packs: Floats) -> Floats:
        return np.clip(packs[self.cells], self.low, self.high) - self.low


@dataclass(frozen=True, slots=True)
class Group:
    """Items that share pools. ``plain``: who may have what needs no search."""

    items: tuple[int, ...]
    nodes: tuple[Node, ...]
    plain: bool
    whole: bool  # every pack is worth whole packs: what is routed stays whole


@dataclass(slots=True)
class Limits:
    groups: list[Group]
    cuts: list[Cut]


def limits(ground: Ground) -> Limits:
    """The groups and the limits that are known beforehand."""
    problem = ground.problem
    number = {item.id: n for n, item in enumerate(ground.items)}
    by_need = () if ground.linear else problem.substitutions
    stands_in: dict[int, list[tuple[int, Substitution]]] = {}
    for one in sorted(by_need, key=lambda s: (s.item, s.by)):
        stands_in.setdefault(number[one.item], []).append((number[one.by], one))
    pools_of: dict[int, list[int]] = {}
    for n, pool in enumerate(ground.pools):
        pools_of.setdefault(pool.item, []).append(n)
    starts = np.searchsorted(ground.item, np.arange(len(ground.items) + 1))
    cells_of = [np.arange(starts[i], starts[i + 1]) for i in range(len(ground.items))]
    cuts: list[Cut] = []
    groups = []
    for items in _groups(len(ground.items), stands_in):
        nodes: list[Node] = []
        plain = True
        for i in items:
            if not len(cells_of[i]):
                continue
            found = _item(ground, i, cells_of[i], pools_of, stands_in.get(i, []), cuts)
            plain = plain and found[1] and not stands_in.get(i)
            nodes += found[0]
        whole = all(gain == 1 for node in nodes for _pool, gain in node.reach)
        groups.append(Group(items, tuple(nodes), plain, whole))
    cuts += _vehicles(ground, stands_in)
    return Limits(groups, cuts)


def _groups(
    items: int, stands_in: dict[int, list[tuple[int, Substitution]]]
) -> list[tuple[int, ...]]:
    """Items joined by substitution, in order."""
    root = list(range(items))

    def top(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, others in stands_in.items():
        for other, _one in others:
            a, b = sorted((top(i), top(other)))
            root[b] = a
    found: dict[int, list[int]] = {}
    for i in range(items):
        found.setdefault(top(i), []).append(i)
    return [tuple(members) for members in found.values()]


def _item(
    ground: Ground,
    item: int,
    cells: Ints,
    pools_of: dict[int, list[int]],
    others: list[tuple[int, Substitution]],
    cuts: list[Cut],
) -> tuple[list[Node], bool]:
    """The nodes of an item, and whether everybody may have all of it; adds its known cuts."""
    pack = ground.items[item].pack
    worth: list[tuple[int, float, NDArray[np.bool_] | None]] = [
        (n, 1.0, ground.pools[n].allowed) for n in pools_of.get(item, [])
    ]
    for other, one in others:
        gain = ground.items[other].pack * one.replaces / (one.pieces * pack)
        fit = _fits(ground, one)
        for n in pools_of.get(other, []):
            allowed = ground.pools[n].allowed
            worth.append((n, gain, fit if allowed is None else fit & allowed))
    ends = sorted({ground.pools[n].expires for n, _gain, _who in worth} - {FOREVER})
    lows = [np.zeros(len(cells))]
    lows += [ground.used_by(cells, end - ground.lead[cells] + 1) for end in ends]
    for n, low in enumerate(lows):
        after = ends[n - 1] if n else -1
        there = sum(ground.pools[p].packs * gain for p, gain, _who in worth
                    if ground.pools[p].expires > after)  # fmt: skip
        counts = low < ground.most[cells]
        if counts.any():
            cuts.append(cut("expiry" if n else "item", item, float(there), cells[counts],
                            low=low[counts], day=after))  # fmt: skip
    nodes = []
    highs = [*lows[1:], np.full(len(cells), np.inf)]
    for signature, mine in _signatures(ground, cells, worth):
        for n, (low, high) in enumerate(zip(lows, highs, strict=True)):
            after = ends[n - 1] if n else -1
            counts = np.minimum(high[mine], ground.most[cells[mine]]) > low[mine]
            if not counts.any():
                continue
            here = mine[counts]
            reach = tuple((p, gain) for (p, gain, _who), ok in zip(worth, signature, strict=True)
                          if ok and ground.pools[p].expires > after)  # fmt: skip
            order = np.lexsort((cells[here], -ground.exposure[cells[here]]))
            here = here[order]
            nodes.append(Node(item, cells[here], low[here], high[here], reach))
    return nodes, all(who is None for _n, _gain, who in worth)


def _signatures(
    ground: Ground, cells: Ints, worth: list[tuple[int, float, NDArray[np.bool_] | None]]
) -> list[tuple[tuple[bool, ...], Ints]]:
    """Cells put together by the pools that their place may have."""
    place = ground.place[cells]
    if all(who is None for _n, _gain, who in worth):
        return [((True,) * len(worth), np.arange(len(cells)))]
    table = np.column_stack([
        np.ones(len(cells), dtype=bool) if who is None else who[place] for _n, _gain, who in worth
    ])  # fmt: skip
    rows, inverse = np.unique(table, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    return [(tuple(row.tolist()), np.flatnonzero(inverse == n)) for n, row in enumerate(rows)]


def _fits(ground: Ground, one: Substitution) -> NDArray[np.bool_]:
    """At which places a substitute will do."""
    known = ground.fits.get(one)
    if known is None:
        known = ground.fits[one] = np.array([may(one, place) for place in ground.places])
    return known


def _vehicles(ground: Ground, stands_in: dict[int, list[tuple[int, Substitution]]]) -> list[Cut]:
    """What leaves fits on the trips of all days of the plan; ``loading`` says on which.

    Where a substitute may come instead, the bulkier of the two is counted.
    """
    cuts: list[Cut] = []
    problem = ground.problem
    vehicles = sorted(problem.vehicles, key=lambda one: one.id)
    served = {one.id: n for n, one in enumerate(vehicles)}
    by_place = np.array([served.get(p.vehicle or "", -1) for p in ground.places], dtype=np.int64)
    cell_vehicle = by_place[ground.place]
    for n, vehicle in enumerate(vehicles):
        cells = np.flatnonzero((cell_vehicle == n) & (ground.most > 0))
        if not len(cells):
            continue
        load = np.zeros(len(ground.items))
        for i, item in enumerate(ground.items):
            load[i] = item_load(item.pack_volume_cm3, item.pack_weight_g,
                                vehicle.volume_cm3, vehicle.weight_g)  # fmt: skip
        factor = load[ground.item[cells]]
        for i, others in stands_in.items():
            for other, one in others:
                gain = ground.items[other].pack * one.replaces / (one.pieces * ground.items[i].pack)
                fit = _fits(ground, one)
                here = (ground.item[cells] == i) & fit[ground.place[cells]]
                factor[here] = np.maximum(factor[here], load[other] / gain)
        a_day = float(vehicle.trips_per_day * FULL)
        never = cells[factor > FULL]
        if len(never):
            cuts.append(cut("vehicle", n, 0.0, never))
        some = (factor > 0) & (factor <= FULL)
        cells, factor = cells[some], factor[some]
        if len(cells):
            # A day is left with less room than its next pack takes; where packs are small beside a
            # day, that much is kept free, and every pack finds its day.
            loss = float(factor.max())
            total = a_day * problem.days
            if loss == float(factor.min()):  # packs of one size: so many a day, no more
                total = (a_day // loss) * loss * problem.days
            elif loss <= a_day / 20:
                total -= loss * (problem.days - 1)
            cuts.append(cut("vehicle", n, total, cells, factor=factor))
        if not vehicle.trips_per_day:
            rest = np.flatnonzero((cell_vehicle == n) & (ground.most > 0))
            cuts.append(cut("vehicle", n, 0.0, rest))
    return cuts


def item_load(volume: int, weight: int, room: int | None, bears: int | None) -> int:
    """What a pack takes of a trip, in millionths: of its room or of its weight, the larger."""
    share = max(volume / room if room else 0.0, weight / bears if bears else 0.0)
    return ceil(share * FULL - 1e-9)
