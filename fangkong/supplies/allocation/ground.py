"""A problem as arrays, in an order that does not depend on how it was written down.

A *cell* is one item at one place. It has a curve: how much of the store's goods brings it to
which level. By need a level is a number of days of cover from the arrival on; by request it is the
part of the request; by consumption, the part of its ceiling. Amounts are counted in packs of the
cell's item.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .types import Item, Lot, Place, Problem, Substitution

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MONTH = 30  # days that a monthly consumption is spread over
FOREVER = 10**6  # day of an expiry that never comes


@dataclass(frozen=True, slots=True)
class Pool:
    """Lots of one item that nothing tells apart: same last day, same restriction.

    ``allowed``: by place, None for everybody. ``sources``: the lots with their pieces.
    """

    item: int
    expires: int
    packs: int
    allowed: NDArray[np.bool_] | None
    sources: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Ground:
    """All that the sharing needs to know.

    ``place``, ``item``, ``lead``, ``exposure``, ``risk``, ``floor``: of each cell. ``knots``:
    (cells, levels + 1), pieces times ``scale`` that level 0, 1, 2 … takes. ``uses``: alike, what is
    used from the arrival on, whatever the place has: what expires is used before that. ``unit``: a
    pack in the same measure; ``most``: packs that a cell may get at all; ``wanted``: pieces, as
    they are told. ``rate``: in the linear modes, what the share is in proportion to.
    """

    problem: Problem
    places: list[Place]
    items: list[Item]
    pools: list[Pool]
    kept: list[int]
    usable: list[int]
    place: Ints
    item: Ints
    lead: Ints
    exposure: Ints
    risk: Ints
    floor: Ints
    knots: Floats
    uses: Floats
    unit: Floats
    most: Floats
    rate: Ints
    scale: int
    levels: int
    linear: bool
    wanted: Ints
    fits: dict[Substitution, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        return len(self.place)

    def packs_at(self, cells: Ints, level: Floats) -> Floats:
        """Whole packs that bring cells to a level (each its own), never more than they may get."""
        level = np.minimum(level, self.levels)
        day = np.minimum(level.astype(np.int64), self.levels - 1)
        low, high = self.knots[cells, day], self.knots[cells, day + 1]
        packs = (low + (level - day) * (high - low)) / self.unit[cells]
        whole: Floats = np.ceil(packs - 1e-9 * np.maximum(packs, 1))
        return np.minimum(whole, self.most[cells])

    def level_of(self, cell: int, packs: float) -> float:
        """The level that a cell has with so many packs."""
        amount = packs * self.unit[cell]
        row = self.knots[cell]
        day = int(row.searchsorted(amount, side="right")) - 1
        if day >= self.levels:
            return float(self.levels)
        step = row[day + 1] - row[day]
        return float((day * step + amount - row[day]) / step)

    def levels_of(self, packs: Floats) -> Floats:
        """``level_of`` for every cell at once."""
        amount = packs * self.unit
        day = (self.knots[:, 1:] <= amount[:, None]).sum(axis=1)
        inside = np.minimum(day, self.levels - 1)
        rows = np.arange(self.cells)
        low, high = self.knots[rows, inside], self.knots[rows, inside + 1]
        step = np.where(high > low, high - low, 1)
        return np.where(day >= self.levels, self.levels, (inside * step + amount - low) / step)

    def used_by(self, cells: Ints, days: Ints) -> Floats:
        """Packs that can be used up within so many days after the arrival.

        What the place has lasts, so it is used afterwards. The pack with the last piece of the
        whole need counts as used up.
        """
        amount = self.uses[cells, np.clip(days, 0, self.levels)]
        packs = np.floor(amount / self.unit[cells] + 1e-9)
        return np.where(amount >= self.knots[cells, -1], self.most[cells], packs)

    def begun_by(self, cells: Ints, days: int, first: NDArray[np.bool_]) -> Floats:
        """Packs whose first piece is used within so many days after the arrival.

        ``first``: of which cells they are used before what the place has.
        """
        day = min(days, self.levels)
        amount = np.where(first, self.uses[cells, day], self.knots[cells, day])
        packs: Floats = np.ceil(amount / self.unit[cells] - 1e-9)
        return np.minimum(packs, self.most[cells])


def ground(problem: Problem) -> Ground:
    """Lay a valid problem out."""
    places = sorted(problem.places, key=lambda place: place.id)
    items = sorted(problem.items, key=lambda item: item.id)
    number = {item.id: n for n, item in enumerate(items)}
    pools, kept, usable = _pools(problem, places, items)
    linear = problem.mode != "by_need"
    make = _shared if linear else _needed
    place, item, knots, uses, rate, scale = make(problem, places, number, usable)
    order = np.lexsort((place, item))
    place, item, knots, rate = place[order], item[order], knots[order], rate[order]
    uses = uses[order]
    pack = np.array([one.pack for one in items], dtype=np.int64)
    unit = (pack[item] * scale).astype(np.float64)
    end = knots[:, -1]
    # A need is rounded up to whole packs; a request is somebody's word and is never exceeded.
    most = np.floor(end / unit) if linear else np.ceil(end / unit - 1e-9)
    of_place: dict[str, Ints] = {
        name: np.array([getattr(one, name) for one in places], dtype=np.int64)[place]
        for name in ("lead_days", "exposure", "risk", "floor_days")
    }
    wanted = (end if linear else most * pack[item]).astype(np.int64)
    return Ground(
        problem=problem, places=places, items=items, pools=pools, kept=kept, usable=usable,
        place=place, item=item, lead=of_place["lead_days"], exposure=of_place["exposure"],
        risk=of_place["risk"], floor=np.minimum(of_place["floor_days"], problem.days),
        knots=knots, uses=uses, unit=unit, most=most, rate=rate, scale=scale,
        levels=knots.shape[1] - 1, linear=linear, wanted=wanted,
    )  # fmt: skip


def everybody(place: Place) -> set[str]:
    """The names under which a place may be meant: its own and those of its groups."""
    return {place.id, *place.groups}


def may(substitution: Substitution, place: Place) -> bool:
    """Whether the substitute will do at a place."""
    names = everybody(place)
    return (
        place.exposure <= substitution.up_to_exposure
        and (substitution.only_for is None or not names.isdisjoint(substitution.only_for))
        and (substitution.not_for is None or names.isdisjoint(substitution.not_for))
    )


def _pools(
    problem: Problem, places: list[Place], items: list[Item]
) -> tuple[list[Pool], list[int], list[int]]:
    """Lots put together, without what is past its day and without what the store keeps."""
    names = [everybody(place) for place in places]
    pools, kept, usable = [], [], []
    masks: dict[tuple[object, object], NDArray[np.bool_] | None] = {}

    def mask(lot: Lot) -> NDArray[np.bool_] | None:
        key = (frozenset(lot.only_for) if lot.only_for is not None else None, lot.owner)
        if key not in masks:
            masks[key] = None
            if key != (None, None):
                masks[key] = np.array([
                    (lot.only_for is None or not all_names.isdisjoint(lot.only_for))
                    and (lot.owner is None or lot.owner == place.owner)
                    for place, all_names in zip(places, names, strict=True)
                ])  # fmt: skip
        return masks[key]

    for n, item in enumerate(items):
        lots = item.lots or ((Lot(id="", quantity=item.stock or 0),) if item.stock else ())
        together: dict[tuple[int, bytes], list[Lot]] = defaultdict(list)
        allowed: dict[bytes, NDArray[np.bool_] | None] = {}
        for lot in lots:
            last = FOREVER
            if lot.expires is not None and problem.first_day is not None:
                last = (lot.expires - problem.first_day).days
            if last < 0:
                continue
            who = mask(lot)
            key = b"" if who is None else who.tobytes()
            allowed[key] = who
            together[last, key].append(lot)
        usable.append(sum(lot.quantity for some in together.values() for lot in some))
        keep = item.keep_back
        for (last, key), some in sorted(
            together.items(), key=lambda entry: (-entry[0][0], entry[0][1])
        ):
            # The last to expire stays, and of lots that are alike the last by name.
            sources = []
            for lot in sorted(some, key=lambda one: one.id, reverse=True):
                stays = min(keep, lot.quantity) if not key else 0
                keep -= stays
                if lot.quantity > stays:
                    sources.append((lot.id, lot.quantity - stays))
            packs = sum(quantity for _lot, quantity in sources) // item.pack
            if packs:
                pools.append(Pool(n, last, packs, allowed[key], tuple(reversed(sources))))
        kept.append(item.keep_back - keep)
    # The narrowest first, then the first to expire: so goods are picked.
    pools.sort(
        key=lambda pool: (
            pool.item,
            len(places) + 1 if pool.allowed is None else int(pool.allowed.sum()),
            pool.expires,
            b"" if pool.allowed is None else pool.allowed.tobytes(),
        )
    )
    return pools, kept, usable


Curves = tuple[Ints, Ints, Floats, Floats, Ints, int]


def _shared(
    problem: Problem, places: list[Place], number: dict[str, int], usable: list[int]
) -> Curves:
    """The cells of the two linear modes: from nothing to the ceiling."""
    rows: list[tuple[int, int, int, int]] = []
    by_request = problem.mode == "by_request"
    for p, place in enumerate(places):
        if by_request:
            rows += [(p, number[i], asked, asked) for i, asked in place.request.items()]
            continue
        for i in {**place.request, **place.monthly_consumption}:
            used = place.monthly_consumption.get(i, 0)
            ceiling = place.request.get(i, usable[number[i]] if used else 0)
            rows.append((p, number[i], ceiling, used))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    knots = np.zeros((len(table), 2))
    knots[:, 1] = table[:, 2]
    return table[:, 0], table[:, 1], knots, knots, table[:, 3], 1


def _needed(
    problem: Problem, places: list[Place], number: dict[str, int], usable: list[int]
) -> Curves:
    """The cells by need: what each day of cover takes beyond what the place has by then.

    What a place has is used from the first day on; what it lacks before the arrival is lost to it.
    """
    days = problem.days
    rows: list[tuple[int, int, int, int, int]] = []  # place, item, daily need, stock, lead
    by_day: dict[int, tuple[int, ...]] = {}
    for p, place in enumerate(places):
        for i in sorted({**place.need, **place.monthly_consumption}):
            need: Any = place.need.get(i)
            if need is None:
                daily = place.monthly_consumption[i]
            elif isinstance(need, tuple):
                daily = 0
                by_day[len(rows)] = tuple(pieces * MONTH for pieces in need)
            else:
                daily = need * MONTH
            rows.append((p, number[i], daily, place.stock.get(i, 0), place.lead_days))
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    place_of, item_of, flat, stock, lead = table.T
    coming = _coming(problem, places, number, place_of, item_of)
    knots = np.zeros((len(table), days + 1))
    uses = np.zeros((len(table), days + 1))
    listed = np.array(sorted(by_day), dtype=np.int64)
    lists = [by_day[n] for n in listed]
    rest = stock * MONTH  # before the arrival
    need_since = np.zeros(len(table), dtype=np.int64)
    have_since = np.zeros(len(table), dtype=np.int64)
    everything = np.arange(len(table))
    for day in range(int(lead.max(initial=0)) + days):
        needed = flat.copy()
        needed[listed] = [one[min(day, len(one) - 1)] for one in lists]
        more = coming.get(day, 0)
        before, since = lead > day, (lead <= day) & (day < lead + days)
        have_since = np.where(lead == day, rest, have_since)
        rest = np.where(before, np.maximum(rest + more - needed, 0), rest)
        need_since += np.where(since, needed, 0)
        have_since += np.where(since, more, 0)
        there = everything[since]
        step = day - lead[there] + 1
        lacks = need_since[there] - have_since[there]
        knots[there, step] = np.maximum(knots[there, step - 1], lacks)
        uses[there, step] = need_since[there]
    return place_of, item_of, knots, uses, flat, MONTH


def _coming(
    problem: Problem, places: list[Place], number: dict[str, int], place_of: Ints, item_of: Ints
) -> dict[int, Ints]:
    """What comes to each cell by other ways, by day, in the measure of the curves."""
    found: dict[int, Ints] = {}
    if problem.first_day is None or not any(place.incoming for place in places):
        return found
    row = {key: n for n, key in enumerate(zip(place_of.tolist(), item_of.tolist(), strict=True))}
    for p, place in enumerate(places):
        for one in place.incoming:
            day = max((one.on - problem.first_day).days, 0)
            cell = row.get((p, number[one.item]))
            if cell is not None:
                amounts = found.setdefault(day, np.zeros(len(place_of), dtype=np.int64))
                amounts[cell] += one.quantity * MONTH
    return found
