"""Sharing out what is scarce: a problem goes in, a plan comes out. Same problem, same plan.

``allocate`` brings the parts together: lay the problem out (``ground``), find its limits
(``limits``), raise the levels under them (``levels``), find the way of the goods (``routes``), put
them on the vehicles (``loading``), and say of every line what bound it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from .ground import Floats, Ground, ground
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
    rounds = _known(land, bounds, filled, searched, mixed, vehicles=False)
    filled.forget(np.arange(land.cells))
    fill(land, bounds.cuts, filled, np.ones(land.cells, dtype=bool))
    rounds += _known(land, bounds, filled, searched, None, vehicles=True)
    ways = Ways(left=np.array([float(pool.packs) for pool in land.pools]))
    for group in bounds.groups:
        if group.plain:
            plain(land, group, filled.packs, ways)
            continue
        search(land, group, filled.packs, ways)
        if not group.whole:
            top_up(land, group, filled.packs, ways, land.risk)
    loaded, lost = loads(land, ways)
    return Answer(land, bounds, filled, ways, loaded, lost, rounds)


def _known(
    land: Ground, bounds: Limits, filled: Filled, searched: list[Group],
    begin: NDArray[np.bool_] | None, *, vehicles: bool,
) -> int:  # fmt: skip
    """Where a group's goods have no way, raise the levels anew under one limit more.

    ``begin``: cells that have to be filled first. Returns how many rounds it took.
    """
    joined = _joined(land, bounds) if vehicles else _alone(bounds)
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
            found = search(land, group, filled.packs, None)
            if found:
                bounds.cuts += found
                broken.add(joined[group.items[0]])
        only = np.isin(land.item, sorted(i for i, root in joined.items() if root in broken))
        to_do = [group for group in searched if joined[group.items[0]] in broken]
    return rounds


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
    goods, has, sent = _goods(answer)
    by_need = not land.linear
    nobody = np.zeros(land.cells)
    before = (land.levels_of(nobody) if by_need else nobody).tolist()
    after = (land.levels_of(np.minimum(has, land.most)) if by_need else nobody).tolist()
    judge = _Judge(answer, has, after)
    names, items = [place.id for place in land.places], [item.id for item in land.items]
    item_of, place_of, wanted_of = land.item.tolist(), land.place.tolist(), land.wanted.tolist()
    shares: list[Share] = []
    for cell in np.lexsort((land.item, land.place)).tolist():
        item, place, wanted = item_of[cell], names[place_of[cell]], wanted_of[cell]
        own = goods[cell].pop(item, ())
        quantity = sum(one.quantity for one in own)
        bound, code, facts = judge.bound(cell)
        facts["quantity"], facts["wanted"] = quantity, wanted
        shares.append(Share(
            place, items[item], quantity, say(code, facts), bound, wanted, None,
            _days(before[cell]) if by_need else None, _days(after[cell]) if by_need else None,
            tuple(own), facts,
        ))  # fmt: skip
        for other in sorted(goods[cell]):
            some = goods[cell][other]
            amount = sum(one.quantity for one in some)
            about: Facts = {"quantity": amount, "item": items[item]}
            shares.append(Share(
                place, items[other], amount, say("substitute", about), "substitute", 0,
                items[item], None, None, tuple(some), about,
            ))  # fmt: skip
    sums = [_sum(answer, judge, n, sent[n], say) for n in range(len(items))]
    worst = _days(min(after)) if by_need and after else None
    problem = land.problem
    return Plan(
        problem.mode, problem.days, problem.first_day, tuple(shares), tuple(sums), worst
    )  # fmt: skip


def _goods(answer: Answer) -> tuple[list[dict[int, list[FromLot]]], Floats, list[int]]:
    """By cell and item the lots it gets; what each has in packs; what is sent of each item."""
    land = answer.ground
    pack, lots = [item.pack for item in land.items], _Lots(land)
    item_of = [pool.item for pool in land.pools]
    has = [0.0] * land.cells
    sent = [0] * len(land.items)
    goods: list[dict[int, list[FromLot]]] = [{} for _cell in range(land.cells)]
    for cell in sorted(answer.loads):
        together: dict[tuple[int, int, int], float] = {}
        for pool, packs, gain, day in answer.loads[cell]:
            key = (day, land.pools[pool].expires, pool)
            together[key] = together.get(key, 0.0) + packs
            has[cell] += packs * gain
        by_item = goods[cell]
        for (day, _expires, pool), packs in sorted(together.items()):
            item = item_of[pool]
            pieces = round(packs) * pack[item]
            by_item.setdefault(item, []).extend(lots.take(pool, pieces, day))
            sent[item] += pieces
    return goods, np.array(has), sent


def _sum(answer: Answer, judge: _Judge, item: int, sent: int, say: Say) -> ItemSum:
    """What became of an item."""
    land = answer.ground
    one, usable, kept = land.items[item], land.usable[item], land.kept[item]
    stock = one.stock if one.stock is not None else sum(lot.quantity for lot in one.lots)
    left = usable - kept - sent
    code = "all_sent"
    if left:
        code = "left_over" if judge.all_met(item) else "left_bound"
    reason = say(code, {"sent": sent, "left": left})
    if kept < one.keep_back:
        reason += " " + say("kept_less", {"kept": kept, "asked": one.keep_back})
    elif kept:
        reason += " " + say("kept", {"kept": kept})
    if stock > usable:
        reason += " " + say("past", {"past": stock - usable})
    return ItemSum(one.id, stock, usable, kept, sent, left, reason)


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
    """Says of a cell what kept it from more, with the code of its sentence and the facts in it."""

    def __init__(self, answer: Answer, has: Floats, after: list[float]) -> None:
        self.answer, self.land, self.after = answer, answer.ground, after
        land = answer.ground
        self.there = [land.usable[i] - land.kept[i] for i in range(len(land.items))]
        totals = np.zeros(len(land.items), dtype=np.int64)
        np.add.at(totals, land.item, land.wanted)
        self.asked = totals.tolist()
        served = np.zeros(len(land.items), dtype=np.int64)
        some = has > 0
        np.maximum.at(served, land.item[some], land.exposure[some])
        self.served = served.tolist()
        self.vehicles = sorted(one.id for one in land.problem.vehicles)
        self.short = set(np.unique(land.item[has < land.most - 1e-6]).tolist())
        self.has, self.most, self.item = has.tolist(), land.most.tolist(), land.item.tolist()
        self.exposure, self.risk = land.exposure.tolist(), land.risk.tolist()
        self.rate, self.wanted = land.rate.tolist(), land.wanted.tolist()
        self.held, self.level = answer.filled.held.tolist(), answer.filled.level.tolist()

    def all_met(self, item: int) -> bool:
        """Whether nobody lacks any of an item."""
        return item not in self.short

    def bound(self, cell: int) -> tuple[Bound, str, Facts]:
        land, linear = self.land, self.land.linear
        item = self.item[cell]
        pack = land.items[item].pack
        if linear and land.problem.mode == "by_consumption" and not self.rate[cell]:
            return "no_consumption", "no_consumption", {}
        if self.most[cell] == 0:
            if not linear:
                return "enough", "enough", {"days": land.problem.days}
            if self.wanted[cell]:
                return "pack", "pack", {"pack": pack}
            return "enough", "nothing_asked", {}
        if self.has[cell] >= self.most[cell] - 1e-6:
            if not linear:
                return "met", "met", {"days": land.problem.days}
            if self.has[cell] * pack < self.wanted[cell]:
                return "met", "met_packs", {"pack": pack}
            return "met", "met_asked", {}
        if cell in self.answer.lost:
            name = land.places[int(land.place[cell])].vehicle or ""
            return "vehicle", "vehicle_full", {"vehicle": name}
        held = self.held[cell]
        if held < 0:
            return "pack", "rounding", {"pack": pack}
        return self._held(cell, item, self.answer.limits.cuts[held])

    def _held(self, cell: int, item: int, one: Cut) -> tuple[Bound, str, Facts]:
        land = self.land
        if one.kind == "vehicle":
            name = self.vehicles[one.about]
            if not one.cap:
                return "vehicle", "vehicle_never", {"vehicle": name}
            return "vehicle", "vehicle", {"vehicle": name, "day": land.problem.days}
        if one.kind == "expiry":
            return "expiry", "expiry", {"day": one.day + 1}
        if one.kind == "item" and one.cap == 0:
            if self.there[item]:
                return "no_stock", "no_pack", {"pack": land.items[item].pack}
            return "no_stock", "no_stock", {"kept": land.kept[item]}
        if one.kind == "earmark":
            return "earmark", "earmark_none" if one.cap == 0 else "earmark", {}
        if land.linear:
            return self._linear(cell, item)
        facts: Facts = {"cover": _days(self.after[cell]), "class": self.exposure[cell]}
        none = self.has[cell] == 0 and self.level[cell] < 1e-6
        if none and self.served[item] > self.exposure[cell]:
            return "higher", "higher", {**facts, "higher": self.served[item]}
        facts |= {"there": self.there[item], "asked": self.asked[item], "risk": self.risk[cell],
                  "level": _days(self.level[cell] * self.risk[cell] + 1e-5)}  # fmt: skip
        if one.kind == "group":
            return "share", "share_group", facts
        return "share", "share" if self.has[cell] else "share_none", facts

    def _linear(self, cell: int, item: int) -> tuple[Bound, str, Facts]:
        """The share of a request, or of everybody's consumption."""
        mode = self.land.problem.mode
        exact = self.answer.filled.exact.get(cell, Fraction(0))
        down = self.has[cell] * int(self.land.unit[cell]) < exact * self.rate[cell]
        facts: Facts = {"there": self.there[item]}
        if mode == "by_request":
            facts |= {"asked": self.asked[item], "percent": round(float(exact) * 100, 1)}
        else:
            facts |= {"rate": self.rate[cell], "months": round(float(exact), 3)}
        return "share", f"{mode}_{'down' if down else 'up'}", facts
