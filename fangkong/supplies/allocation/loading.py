"""On which day what leaves: what is needed first leaves first, no trip is overfull."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from .ground import FOREVER, Floats, Ground, Ints
from .limits import FULL, item_load
from .routes import Ways
from .types import Vehicle

Loads = dict[int, list[tuple[int, float, float, int]]]  # cell: pool, packs, worth, day
Runs = tuple[Ints, Ints, Floats]  # last day to leave, entry, packs; in the order of leaving


def loads(ground: Ground, ways: Ways) -> tuple[Loads, set[int]]:
    """Each cell's goods with the day on which they leave, and the cells that lost some.

    Places without a vehicle of the problem are served at once. What does not fit on the trips until
    the day of its use leaves as soon as it can; a lot that expires is not sent after that day.
    """
    found: Loads = {}
    vehicles = {one.id: one for one in ground.problem.vehicles}
    of_vehicle: dict[str, list[int]] = defaultdict(list)
    for cell in sorted(ways.of):
        name = ground.places[int(ground.place[cell])].vehicle
        if name is None:
            found[cell] = [(pool, packs, gain, 0) for pool, packs, gain in ways.of[cell]]
        else:
            of_vehicle[name].append(cell)
    lost: set[int] = set()
    for name in sorted(of_vehicle):
        _load(ground, ways, vehicles[name], of_vehicle[name], found, lost)
    return found, lost


def _load(
    ground: Ground, ways: Ways, vehicle: Vehicle, cells: list[int], found: Loads, lost: set[int]
) -> None:
    """Fill the days of one vehicle."""
    pack = [item_load(item.pack_volume_cm3, item.pack_weight_g,
                      vehicle.volume_cm3, vehicle.weight_g) for item in ground.items]  # fmt: skip
    load_of = [pack[pool.item] for pool in ground.pools]
    a_day = float(vehicle.trips_per_day * FULL)
    total = sum(packs * load_of[pool] for cell in cells for pool, packs, _gain in ways.of[cell])
    heaviest = max((load_of[pool] for cell in cells for pool, _packs, _gain in ways.of[cell]),
                   default=0)  # fmt: skip
    if total <= a_day and a_day and heaviest <= FULL:  # all on the first day
        for cell in cells:
            found[cell] = [(pool, packs, gain, 0) for pool, packs, gain in ways.of[cell]]
        return
    entries, runs = _runs(ground, ways, cells)
    load = np.array(load_of, dtype=np.float64)[[pool for _cell, pool, _packs, _gain in entries]]
    if not a_day:
        load[:] = np.inf
    parts = _days(runs, load, a_day, ground.problem.days)
    for (number, day), packs in sorted(parts.items()):
        cell, pool, _all, gain = entries[number]
        if day < 0:
            ways.left[pool] += packs
            lost.add(cell)
        else:
            found.setdefault(cell, []).append((pool, packs, gain, day))


def _days(runs: Runs, load: Floats, a_day: float, days: int) -> dict[tuple[int, int], float]:
    """By entry and day the packs that leave; day -1 for those that find no trip in time.

    ``load``: of a pack, by entry.
    """
    until, entry, packs = runs
    heavy = load[entry]
    packs = packs.copy()
    found: dict[tuple[int, int], float] = {}

    def send(chosen: Ints, day: int, amounts: Floats) -> None:
        for number, amount in zip(entry[chosen].tolist(), amounts.tolist(), strict=True):
            if amount:
                found[number, day] = found.get((number, day), 0.0) + amount

    never = np.flatnonzero(heavy > FULL)
    send(never, -1, packs[never])
    rows = np.flatnonzero(heavy <= FULL)
    for day in range(days):
        late = rows[until[rows] < day]
        send(late, -1, packs[late])
        rows = rows[until[rows] >= day]
        size = np.cumsum(packs[rows] * heavy[rows])
        whole = int(np.searchsorted(size, a_day + 1e-6, side="right"))
        send(rows[:whole], day, packs[rows[:whole]])
        used = float(size[whole - 1]) if whole else 0.0
        rows = rows[whole:]
        if len(rows):
            part = float((a_day - used + 1e-6) // heavy[rows[0]])
            send(rows[:1], day, np.array([part]))
            packs[rows[0]] -= part
    send(rows, -1, packs[rows])
    return found


def _runs(
    ground: Ground, ways: Ways, cells: list[int]
) -> tuple[list[tuple[int, int, float, float]], Runs]:
    """The entries of cells (cell, pool, packs, worth), cut by the day on which a pack is opened.

    Sorted by that day. What expires leaves by then; the rest may leave on any day of the plan.
    """
    entries = [(cell, *way) for cell in cells for way in ways.of[cell]]
    cell = np.array([one[0] for one in entries], dtype=np.int64)
    packs = np.array([one[2] for one in entries])
    gain = np.array([one[3] for one in entries])
    expires = np.array([ground.pools[one[1]].expires for one in entries], dtype=np.int64)
    days = ground.problem.days
    if ground.linear:
        # A request has no day of use: it leaves before its lot expires there.
        until = np.minimum(days - 1, expires - ground.lead[cell])
        order = np.argsort(until, kind="stable")
        return entries, (until[order], order, packs[order])
    begins = np.cumsum(packs * gain)
    begins = np.concatenate([[0.0], begins[:-1]])
    first = np.concatenate([[True], cell[1:] != cell[:-1]])
    begins -= np.maximum.accumulate(np.where(first, begins, 0.0))
    soon = expires != FOREVER  # used before what the place has
    ends = np.column_stack([ground.begun_by(cell, day + 1, soon) for day in range(days)])
    opened = np.clip(np.ceil((ends - begins[:, None]) / gain[:, None] - 1e-9), 0, packs[:, None])
    opened[:, -1] = packs
    counts = np.diff(np.maximum.accumulate(opened, axis=1), axis=1, prepend=0)
    # What lasts is ordered by days 0, 1-2, 3-6, 7-14 …: not a drive for each day of use.
    starts = [2**n - 1 for n in range(7) if 2**n - 1 < days]
    lasts = expires == FOREVER
    together = np.zeros((int(lasts.sum()), days))
    together[:, starts] = np.add.reduceat(counts[lasts], starts, axis=1)
    counts[lasts] = together
    day, entry = np.nonzero(counts.T)
    until = np.where(expires[entry] == FOREVER, days - 1, day)
    return entries, (until, entry, counts.T[day, entry])
