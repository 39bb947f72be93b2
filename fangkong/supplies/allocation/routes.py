"""Which lot goes where: the way of the goods, or the limit that stands against a plan.

Where everybody may have everything, lots are taken in the order of their expiry. Else HiGHS looks
for a way: packs from pools to nodes. Where there is none, the prices of its answer are a limit that
every plan has to keep and this one does not (a cut of Farkas); the levels are then raised anew
under it. Without substitutes the limits are whole numbers, and so are the ways.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .ground import FOREVER, Floats, Ground, Ints
from .levels import Cut
from .limits import Group, Node

Way = list[tuple[int, float, float]]  # pool, its packs, what one is worth in packs of the item


@dataclass(slots=True)
class Ways:
    """What each cell gets of which pool, first to be used first; what is left in the pools."""

    of: dict[int, Way] = field(default_factory=lambda: defaultdict(list))
    left: Floats = field(default_factory=lambda: np.zeros(0))


def plain(ground: Ground, group: Group, packs: Floats, ways: Ways) -> None:
    """Lots in the order of their expiry, cells in the order of use, class and name."""
    for node in group.nodes:  # of one item after the other, by day of use
        queue = [n for n, _gain in node.reach if ways.left[n] > 0]
        queue.sort(key=lambda n: (ground.pools[n].expires, n))
        position = 0
        demand = node.demand(packs)
        for at in np.flatnonzero(demand > 0).tolist():
            cell, wants = int(node.cells[at]), float(demand[at])
            while wants > 0 and position < len(queue):
                pool = queue[position]
                takes = min(wants, float(ways.left[pool]))
                ways.of[cell].append((pool, takes, 1.0))
                ways.left[pool] -= takes
                wants -= takes
                if ways.left[pool] <= 0:
                    position += 1


def search(ground: Ground, group: Group, packs: Floats, ways: Ways | None) -> list[Cut]:
    """Find the way of a group's goods; where there is none, the limit that is broken.

    Without ``ways`` it is only asked whether there is one.
    """
    wanting = [(node, float(node.demand(packs).sum())) for node in group.nodes]
    wanting = [(node, total) for node, total in wanting if total > 0]
    if not wanting:
        return []
    model = _Model(ground, [node for node, _total in wanting], [total for _node, total in wanting])
    lack, prices = model.shortage()
    # Whole packs lack a whole pack or none; with fractions a trace of the total is rounding.
    trace = 0.5 if group.whole else 1e-6 * max(1.0, sum(model.totals))
    if lack.sum() > trace:
        return [_broken(ground, group, model, prices)]
    if ways is None:
        return []
    flows = model.cheapest(np.zeros(len(lack)) if group.whole else lack)
    for node, flow in zip(model.nodes, flows, strict=True):
        _divide(node, flow, packs, ways)
    return []


class _Model:
    """The transport of a group: what the pools have, what the nodes want."""

    def __init__(self, ground: Ground, nodes: list[Node], totals: list[float]) -> None:
        self.ground, self.nodes, self.totals = ground, nodes, totals
        self.pools = sorted({pool for node in nodes for pool, _gain in node.reach})
        row = {pool: n for n, pool in enumerate(self.pools)}
        self.arcs = [(n, row[pool], gain, place) for n, node in enumerate(nodes)
                     for place, (pool, gain) in enumerate(node.reach)]  # fmt: skip
        self.have = [float(ground.pools[pool].packs) for pool in self.pools]

    def shortage(self) -> tuple[Floats, Floats]:
        """What each node lacks where least is lacking in all, and the price of each."""
        n = len(self.nodes)
        cost = np.concatenate([np.zeros(len(self.arcs)), np.ones(n)])
        columns, duals = self._solve(cost, np.array(self.totals))
        return np.clip(columns[len(self.arcs) :], 0, None), np.clip(duals[:n], 0, None)

    def cheapest(self, lack: Floats) -> list[list[tuple[int, float, float]]]:
        """Own goods before substitutes, narrow restrictions and early expiries first."""
        rank = {pool: n for n, pool in enumerate(self.pools)}
        many = len(self.pools) + 1.0
        cost = np.array([
            rank[self.pools[pool]] + (many if self.ground.pools[self.pools[pool]].item
                                      != self.nodes[n].item else 0.0)
            for n, pool, _gain, _place in self.arcs
        ])  # fmt: skip
        columns, _duals = self._solve(cost / many, np.array(self.totals) - lack)
        flows: list[list[tuple[int, float, float]]] = [[] for _node in self.nodes]
        for (n, pool, gain, _place), value in zip(self.arcs, columns.tolist(), strict=True):
            whole = round(value)
            amount = float(whole) if abs(value - whole) < 1e-5 else value
            if amount > 0:
                flows[n].append((self.pools[pool], amount, gain))
        return flows

    def _solve(self, cost: Floats, wanted: Floats) -> tuple[Floats, Floats]:
        import highspy  # costs a fifth of a second, so only where a search is needed

        n, arcs = len(self.nodes), self.arcs
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(cost), n + len(self.pools)
        lp.col_cost_ = cost
        lp.col_lower_ = np.zeros(len(cost))
        lp.col_upper_ = np.full(len(cost), np.inf)
        lp.row_lower_ = np.concatenate([wanted, np.full(len(self.pools), -np.inf)])
        lp.row_upper_ = np.concatenate([np.full(n, np.inf), self.have])
        starts, index, value = [0], [], []
        for node, pool, gain, _place in arcs:
            index += [node, n + pool]
            value += [gain, 1.0]
            starts.append(len(index))
        if len(cost) > len(arcs):  # what each node lacks
            for node in range(n):
                index.append(node)
                value.append(1.0)
                starts.append(len(index))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.array(starts, dtype=np.int32)
        lp.a_matrix_.index_ = np.array(index, dtype=np.int32)
        lp.a_matrix_.value_ = np.array(value)
        highs = _quiet()
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("solver", "simplex")  # a corner: whole numbers where the data are
        highs.passModel(lp)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise NoWay(f"HiGHS: {highs.getModelStatus()}")
        solution = highs.getSolution()
        return np.array(solution.col_value), np.array(solution.row_dual)


def _quiet() -> Any:
    """A solver that prints nothing: its constructor would greet on standard output."""
    import highspy

    solver: Any = highspy.Highs  # its methods tell no types

    class Quiet(solver):  # type: ignore[misc]
        def enableCallbacks(self) -> None:  # noqa: N802
            self.silent()
            super().enableCallbacks()

    made: Any = Quiet
    return made()


class NoWay(RuntimeError):
    """HiGHS found no optimum of a model that has one: a defect, never a property of a problem."""


def _broken(ground: Ground, group: Group, model: _Model, prices: Floats) -> Cut:
    """The limit behind the prices: what the priced nodes want is more than their pools have.

    It holds for every plan: a pack of a pool brings priced nodes at most its worth times the price.
    """
    prices = np.round(prices, 9)
    dearest: dict[int, float] = defaultdict(float)
    priced = [(node, float(price)) for node, price in zip(model.nodes, prices, strict=True)
              if price > 0]  # fmt: skip
    for node, price in priced:
        for pool, gain in node.reach:
            dearest[pool] = max(dearest[pool], price * gain)
    cap = sum(ground.pools[pool].packs * price for pool, price in sorted(dearest.items()))
    cells = np.concatenate([node.cells for node, _price in priced])
    factor = np.concatenate([np.full(len(node.cells), price) for node, price in priced])
    low = np.concatenate([node.low for node, _price in priced])
    high = np.concatenate([node.high for node, _price in priced])
    mixed = len({node.item for node, _price in priced}) > 1 or len(group.items) > 1
    return Cut("group" if mixed else "earmark", priced[0][0].item, cap, cells, factor, low, high)


def _divide(node: Node, flow: Way, packs: Floats, ways: Ways) -> None:
    """The flow of a node among its cells: in order, whole packs only.

    What rounding leaves with a cell is looked after by ``top_up``.
    """
    demand = node.demand(packs)
    queue = [[pool, float(np.floor(amount + 1e-6)), gain] for pool, amount, gain in flow]
    queue.sort(key=lambda one: one[2] != 1.0)
    for at in np.flatnonzero(demand > 0).tolist():
        cell, wants = int(node.cells[at]), float(demand[at])
        for one in queue:
            pool, amount, gain = int(one[0]), one[1], one[2]
            takes = min(float(np.floor(wants / gain + 1e-9)), amount, float(ways.left[pool]))
            if takes > 0:
                ways.of[cell].append((pool, takes, gain))
                ways.left[pool] -= takes
                one[1] -= takes
                wants -= takes * gain
            if wants <= 1e-9:
                break


def worth(ways: Ways, cell: int) -> float:
    """What a cell gets, in packs of its own item."""
    return sum(packs * gain for _pool, packs, gain in ways.of.get(cell, ()))


def top_up(ground: Ground, group: Group, packs: Floats, ways: Ways, weight: Ints) -> None:
    """Pack by pack to the lowest, where substitutes were rounded down to whole packs.

    ``packs``: what the cells were to get; nobody gets more than that, rounded up to a whole pack of
    the substitute. Own goods are tried first. ``packs`` becomes what they have.
    """
    import heapq

    reach: dict[int, list[tuple[float, tuple[tuple[int, float], ...]]]] = defaultdict(list)
    short = []
    for node in group.nodes:
        for at in np.flatnonzero(node.demand(packs) > 0).tolist():
            reach[int(node.cells[at])].append((float(node.low[at]), node.reach))
    aims = {cell: float(packs[cell]) for cell in reach}
    for cell in sorted(reach):
        packs[cell] = worth(ways, cell)
        if packs[cell] < aims[cell] - 1e-6:
            level = ground.level_of(cell, packs[cell]) / weight[cell]
            short.append((-int(ground.exposure[cell]), level, cell))
    heapq.heapify(short)
    while short:
        _class, _level, cell = heapq.heappop(short)
        has = float(packs[cell])
        taken = None
        for pool, gain in reach[cell][-1][1] + tuple(p for _low, some in reach[cell] for p in some):
            after = min(has + gain, float(ground.most[cell]))
            days = np.ceil(ground.level_of(cell, after) - 1e-9)
            lasts = ground.pools[pool].expires - ground.lead[cell] + 1
            lasts_enough = ground.pools[pool].expires == FOREVER or days <= lasts
            if ways.left[pool] >= 1 and lasts_enough:
                taken = (pool, gain)
                break
        if taken is None:
            continue
        pool, gain = taken
        ways.of[cell].append((pool, 1.0, gain))
        ways.left[pool] -= 1
        packs[cell] = has + gain
        if packs[cell] < aims[cell] - 1e-6:
            level = ground.level_of(cell, packs[cell]) / weight[cell]
            heapq.heappush(short, (-int(ground.exposure[cell]), level, cell))
