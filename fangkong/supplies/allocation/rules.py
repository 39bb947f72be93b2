"""Sharing out what is scarce: a problem goes in, a plan comes out. Same problem, same plan.

``allocate`` brings the parts together: lay the problem out (``ground``), find its limits
(``limits``), raise the levels under them (``levels``), find the way of the goods (``routes``), put
them on the vehicles (``loading``), and say of every line what bound it.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from .ground import Ground, ground
from .levels import Cut, Filled, fill, nothing
from .limits import Group, Limits, limits
from .loading import Loads, loads
from .routes import NoWay, Ways, plain, search, top_up
from .types import Bound, FromLot, ItemSum, Plan, Problem, Share

MOST_ROUNDS = 400  # each finds a limit that was not known; a handful are usual

Facts = dict[str, str | int | float]
Say = Callable[[str, Facts], str]


@dataclass(slots=True)
class Answer:
    """A plan before it is put into words."""

    ground: Ground
    limits: Limits
    filled: Filled
    ways: Ways
    loads: Loads
    lost: set[int]
    rounds: int


def allocate(problem: Problem, say: Say) -> Plan:
    """The plan of a valid problem. ``say`` puts a code and its facts into a sentence."""
    with _undisturbed():
        return told(solved(problem), say)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Millions of small things are made and kept: the collector would look at them all in vain."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def solved(problem: Problem) -> Answer:
    """Who gets what from where."""
    land = ground(problem)
    bounds = limits(land)
    filled = nothing(land)
    searched = [group for group in bounds.groups if not group.plain]
    # What earmarks and substitutes limit is found without vehicles, group by group, and then again
    # with them, where few limits are still unknown.
    mixed = np.isin(land.item, [i for group in searched for i in group.items])
    rounds = _known(land, bounds, filled, searched, mixed, vehicles=False)[1]
    filled.forget(np.arange(land.cells))
    fill(land, bounds.cuts, filled, np.ones(land.cells, dtype=bool))
    ways, more = _known(land, bounds, filled, searched, None, vehicles=True)
    rounds += more
    for group in bounds.groups:
        if group.plain:
            plain(land, group, filled.packs, ways)
        elif not group.whole:
            top_up(land, group, filled.packs, ways, land.risk)
    loaded, lost = loads(land, ways)
    return Answer(land, bounds, filled, ways, loaded, lost, rounds)


def _known(
    land: Ground, bounds: Limits, filled: Filled, searched: list[Group],
    begin: NDArray[np.bool_] | None, *, vehicles: bool,
) -> tuple[Ways, int]:  # fmt: skip
    """Find ways for groups; where there is none, raise the levels anew under one limit more.

    ``begin``: cells that have to be filled first. Returns the ways and how many rounds it took.
    """
    joined = _joined(land, bounds) if vehicles else _alone(bounds)
    ways: dict[tuple[int, ...], Ways] = {}
    to_do, rounds, only = searched, 0, begin
    while to_do:
        rounds += 1
        if rounds > MOST_ROUNDS:
            raise NoWay("no end of limits")
        if only is not None:
            filled.forget(np.flatnonzero(only))
            known = [
                n for n, one in enumerate(bounds.cuts)
                if (vehicles or one.kind != "vehicle") and len(one.cells) and only[one.cells].any()
            ]  # fmt: skip
            fill(land, [bounds.cuts[n] for n in known], filled, only)
            held = filled.held[only]
            filled.held[only] = np.where(held >= 0, np.array([*known, -1])[held], -1)
        broken: set[int] = set()
        for group in to_do:
            mine = Ways(left=np.array([float(pool.packs) for pool in land.pools]))
            found = search(land, group, filled.packs, mine)
            if found:
                bounds.cuts += found
                broken.add(joined[group.items[0]])
            else:
                ways[group.items] = mine
        only = np.isin(land.item, sorted(i for i, root in joined.items() if root in broken))
        to_do = [group for group in searched if joined[group.items[0]] in broken]
    together = Ways(left=np.array([float(pool.packs) for pool in land.pools]))
    for one in ways.values():
        together.of.update(one.of)
        together.left = np.minimum(together.left, one.left)
    return together, rounds


def _alone(bounds: Limits) -> dict[int, int]:
    return {i: group.items[0] for group in bounds.groups for i in group.items}


def _joined(land: Ground, bounds: Limits) -> dict[int, int]:
    """By item, the first item of those whose levels hang together: by a group or by a vehicle."""
    root = _alone(bounds)

    def top(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for one in bounds.cuts:
        if one.kind == "vehicle" and one.binds(land.most):
            members = [top(int(i)) for i in np.unique(land.item[one.cells])]
            for i in members:
                root[i] = min(members)
    return {i: top(i) for i in root}


# --- What is said ---------------------------------------------------------------------------------


def told(answer: Answer, say: Say) -> Plan:
    """The plan with its reasons."""
    land = answer.ground
    pack = [item.pack for item in land.items]
    has = np.zeros(land.cells)
    sent = [0] * len(land.items)
    lots = _Lots(land)
    goods: dict[int, dict[int, list[FromLot]]] = {}
    for cell in range(land.cells):
        by_item: dict[int, list[FromLot]] = {}
        together: dict[tuple[int, int, int], float] = {}
        for pool, packs, gain, day in answer.loads.get(cell, ()):
            key = (day, land.pools[pool].expires, pool)
            together[key] = together.get(key, 0.0) + packs
            has[cell] += packs * gain
        for (day, _expires, pool), packs in sorted(together.items()):
            item = land.pools[pool].item
            pieces = round(packs) * pack[item]
            by_item.setdefault(item, []).extend(lots.take(pool, pieces, day))
            sent[item] += pieces
        goods[cell] = by_item
    by_need = not land.linear
    before = land.levels_of(np.zeros(land.cells)) if by_need else np.zeros(land.cells)
    after = land.levels_of(np.minimum(has, land.most)) if by_need else np.zeros(land.cells)
    judge = _Judge(answer, has, after)
    shares: list[Share] = []
    for cell in np.lexsort((land.item, land.place)).tolist():
        item, place = int(land.item[cell]), land.places[int(land.place[cell])].id
        own = goods[cell].get(item, [])
        bound, facts = judge.bound(cell)
        quantity = sum(one.quantity for one in own)
        code = facts.pop("code", bound)
        facts |= {"quantity": quantity, "wanted": int(land.wanted[cell])}
        others = sorted(other for other in goods[cell] if other != item)
        reason = say(str(code), facts)
        shares.append(Share(
            place, land.items[item].id, quantity, reason, bound, int(land.wanted[cell]), None,
            _days(before[cell]) if by_need else None, _days(after[cell]) if by_need else None,
            tuple(own), facts,
        ))  # fmt: skip
        for other in others:
            some = goods[cell][other]
            amount = sum(one.quantity for one in some)
            about: Facts = {"quantity": amount, "item": land.items[item].id}
            shares.append(Share(
                place, land.items[other].id, amount, say("substitute", about), "substitute", 0,
                land.items[item].id, None, None, tuple(some), about,
            ))  # fmt: skip
    items = []
    for i, one in enumerate(land.items):
        stock = one.stock if one.stock is not None else sum(lot.quantity for lot in one.lots)
        left = land.usable[i] - land.kept[i] - sent[i]
        code = "all_sent"
        if left:
            code = "left_over" if judge.all_met(i) else "left_bound"
        reason = say(code, {"sent": sent[i], "left": left})
        if land.kept[i] < one.keep_back:
            reason += " " + say("kept_less", {"kept": land.kept[i], "asked": one.keep_back})
        elif land.kept[i]:
            reason += " " + say("kept", {"kept": land.kept[i]})
        if stock > land.usable[i]:
            reason += " " + say("past", {"past": stock - land.usable[i]})
        items.append(ItemSum(one.id, stock, land.usable[i], land.kept[i], sent[i], left, reason))
    worst = float(after.min()) if by_need and land.cells else None
    return Plan(
        land.problem.mode, land.problem.days, land.problem.first_day, tuple(shares), tuple(items),
        None if worst is None else _days(worst),
    )  # fmt: skip


def _days(level: float) -> float:
    """Days of cover, rounded down to hundredths: never more than there are."""
    return floor(float(level) * 100 + 1e-6) / 100


class _Lots:
    """Takes pieces out of the lots of a pool, one lot after the other."""

    def __init__(self, land: Ground) -> None:
        self.sources = [[[lot, pieces] for lot, pieces in pool.sources] for pool in land.pools]

    def take(self, pool: int, pieces: int, day: int) -> list[FromLot]:
        found = []
        sources = self.sources[pool]
        while pieces > 0:
            lot, there = sources[0]
            assert isinstance(lot, str) and isinstance(there, int)
            takes = min(pieces, there)
            found.append(FromLot(lot, takes, day))
            pieces -= takes
            if takes == there:
                sources.pop(0)
            else:
                sources[0][1] = there - takes
        return found


class _Judge:
    """Says of a cell what kept it from more."""

    def __init__(self, answer: Answer, has: np.ndarray, after: np.ndarray) -> None:
        self.answer, self.land, self.has, self.after = answer, answer.ground, has, after
        land = answer.ground
        self.there = [land.usable[i] - land.kept[i] for i in range(len(land.items))]
        totals = np.zeros(len(land.items), dtype=np.int64)
        np.add.at(totals, land.item, land.wanted)
        self.wanted = totals.tolist()
        self.served: dict[int, int] = defaultdict(int)
        for cell in np.flatnonzero(has > 0).tolist():
            item = int(land.item[cell])
            self.served[item] = max(self.served[item], int(land.exposure[cell]))
        self.vehicles = sorted(one.id for one in land.problem.vehicles)
        short = has < land.most - 1e-6
        self.short = set(np.unique(land.item[short]).tolist())

    def all_met(self, item: int) -> bool:
        """Whether nobody lacks any of an item."""
        return item not in self.short

    def bound(self, cell: int) -> tuple[Bound, Facts]:
        """The bound of a cell and the numbers of its sentence; ``code`` where it differs."""
        land, filled = self.land, self.answer.filled
        item = int(land.item[cell])
        facts: Facts = {
            "there": self.there[item], "asked": self.wanted[item], "kept": land.kept[item],
        }  # fmt: skip
        if not land.linear:
            facts |= {"days": land.problem.days, "cover": _days(self.after[cell]),
                      "class": int(land.exposure[cell]), "risk": int(land.risk[cell])}  # fmt: skip
        if land.linear and land.problem.mode == "by_consumption" and not land.rate[cell]:
            return "no_consumption", facts
        if land.most[cell] == 0:
            if land.linear and land.wanted[cell]:
                facts["pack"] = land.items[item].pack
                return "pack", facts
            return "enough", {**facts, "code": "nothing_asked" if land.linear else "enough"}
        if self.has[cell] >= land.most[cell] - 1e-6:
            code = "met_asked" if land.linear else "met"
            if land.linear and self.has[cell] * land.items[item].pack < land.wanted[cell]:
                code, facts["pack"] = "met_packs", land.items[item].pack
            return "met", {**facts, "code": code}
        if cell in self.answer.lost:
            name = land.places[int(land.place[cell])].vehicle or ""
            return "vehicle", {**facts, "vehicle": name, "code": "vehicle_full"}
        held = int(filled.held[cell])
        one = self.answer.limits.cuts[held] if held >= 0 else None
        if one is None:
            return "pack", {**facts, "pack": land.items[item].pack, "code": "rounding"}
        return self._held(cell, item, one, facts)

    def _held(self, cell: int, item: int, one: Cut, facts: Facts) -> tuple[Bound, Facts]:
        land, filled = self.land, self.answer.filled
        if one.kind == "vehicle":
            facts["vehicle"] = self.vehicles[one.about]
            facts["day"] = one.day + 1
            return "vehicle", {**facts, "code": "vehicle" if one.cap else "vehicle_never"}
        if one.kind == "expiry":
            return "expiry", {**facts, "day": one.day + 1, "code": "expiry"}
        if one.kind == "item" and one.cap == 0:
            return "no_stock", {**facts, "code": "no_stock" if self.there[item] == 0 else "no_pack",
                                "pack": land.items[item].pack}  # fmt: skip
        if one.kind == "earmark":
            return "earmark", {**facts, "code": "earmark_none" if one.cap == 0 else "earmark"}
        if land.linear:
            exact = filled.exact.get(cell)
            percent = 0.0
            if exact is not None and land.wanted[cell]:
                percent = float(exact) * int(land.rate[cell]) / int(land.wanted[cell]) * 100
            facts["percent"] = round(percent, 1)
            if land.problem.mode == "by_consumption":
                facts["rate"] = int(land.rate[cell])
                facts["months"] = round(float(exact or 0), 3)
            down = self.has[cell] * land.unit[cell] < float(exact or 0) * int(land.rate[cell])
            code = f"{land.problem.mode}_{'down' if down else 'up'}"
            return "share", {**facts, "code": code}
        served = self.served[item]
        if self.has[cell] == 0 and served > land.exposure[cell]:
            return "higher", {**facts, "higher": served}
        facts["level"] = _days(filled.level[cell] * land.risk[cell])
        code = "share_group" if one.kind == "group" else "share"
        if one.kind == "item" and self.has[cell] == 0:
            code = "share_none"
        return "share", {**facts, "code": code}
