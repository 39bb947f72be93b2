"""Raising the level of everybody until something binds: the heart of the sharing.

Every limit is a *cut*: packs of some cells, each counted from ``low`` to ``high`` and times a
factor, may together not exceed a cap. What an item has, what expires, what a vehicle carries and
what earmarks leave are all of this form. For limits of this form the plan that is best for the
worst-off, then for the next, and so on (lexicographic max-min) is found by raising all levels
together: the first cut that is full holds its cells where they are, the others go on. Levels are
compared within a stage; the stages are the floors and then the covers, each from the highest
exposure class down.

What is left by rounding to whole packs goes pack by pack to the lowest, among equals to the one
whom it lifts furthest, then by the order of names; in the linear modes to the largest remainder,
then by names.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .ground import Floats, Ground, Ints

FINE, FINER = 1e-7, 1e-13  # how near the level of a full cut is found: by need, in linear modes
SLACK = 1e-7  # of a pack


@dataclass(slots=True)
class Cut:
    """Packs of ``cells`` between ``low`` and ``high``, times ``factor``, are at most ``cap``.

    ``kind`` and ``about`` say which limit it is: "item" and the item, "expiry" and the item,
    "vehicle" and the vehicle, "earmark" and the item. ``day``: of an expiry or a vehicle.
    """

    kind: str
    about: int
    cap: float
    cells: Ints
    factor: Floats
    low: Floats
    high: Floats
    day: int = 0
    can_bind: bool | None = None
    least: float = 0.0  # the smallest factor

    def __post_init__(self) -> None:
        self.least = float(self.factor.min(initial=np.inf))

    def binds(self, most: Floats) -> bool:
        """Whether the most that its cells may get is too much for it; else it never matters."""
        if self.can_bind is None:
            self.can_bind = self.used(most) > self.cap + SLACK
        return self.can_bind

    def used(self, packs: Floats) -> float:
        """How much of the cap so many packs of every cell take."""
        return float((self.factor * self.parts(packs[self.cells])).sum())

    def parts(self, packs: Floats) -> Floats:
        """The packs of its cells that count."""
        return np.minimum(np.maximum(packs, self.low), self.high) - self.low


def cut(
    kind: str, about: int, cap: float, cells: Ints, *, factor: float | Floats = 1.0,
    low: Floats | None = None, high: Floats | None = None, day: int = 0,
) -> Cut:  # fmt: skip
    """A cut, with what is the same for all its cells said once."""
    n = len(cells)
    return Cut(
        kind, about, cap, cells,
        np.full(n, factor) if isinstance(factor, float) else factor,
        np.zeros(n) if low is None else low,
        np.full(n, np.inf) if high is None else high,
        day,
    )  # fmt: skip


@dataclass(slots=True)
class Stage:
    """Cells whose levels are compared with each other, up to ``top`` (each its own)."""

    cells: Ints
    weight: Floats
    top: Floats


@dataclass(slots=True)
class Filled:
    """Packs of each cell, and by what it was held (-1: by nothing) at which common level."""

    packs: Floats
    held: NDArray[np.int64]
    level: Floats
    exact: dict[int, Fraction] = field(default_factory=dict)

    def forget(self, cells: Ints) -> None:
        """Begin anew with some cells."""
        self.packs[cells], self.held[cells], self.level[cells] = 0, -1, 0
        if self.exact:
            for cell in cells.tolist():
                self.exact.pop(cell, None)


def nothing(ground: Ground) -> Filled:
    """Nobody has got anything."""
    n = ground.cells
    return Filled(np.zeros(n), np.full(n, -1, dtype=np.int64), np.zeros(n))


def stages(ground: Ground) -> list[Stage]:
    """Floors before covers, the highest exposure class first; one stage in the linear modes."""
    every = np.arange(ground.cells)
    if ground.linear:
        end = np.maximum(ground.knots[:, -1], 1)
        inside = (ground.most > 0) & (ground.rate > 0)
        cells = every[inside]
        return [Stage(cells, ground.rate[cells] / end[cells], np.ones(len(cells)))]
    found = []
    wanting = ground.most > 0
    classes = sorted({int(one) for one in ground.exposure}, reverse=True)
    for exposure in classes:
        cells = every[wanting & (ground.exposure == exposure) & (ground.floor > 0)]
        if len(cells):
            found.append(Stage(cells, np.ones(len(cells)), ground.floor[cells].astype(np.float64)))
    for exposure in classes:
        cells = every[wanting & (ground.exposure == exposure)]
        if len(cells):
            top = np.full(len(cells), float(ground.levels))
            found.append(Stage(cells, ground.risk[cells].astype(np.float64), top))
    return found


def fill(ground: Ground, cuts: Sequence[Cut], filled: Filled, only: NDArray[np.bool_]) -> None:
    """Give packs to the cells of ``only`` under the cuts, stage by stage."""
    numbers = [n for n, one in enumerate(cuts) if one.binds(ground.most)]
    cuts = [cuts[n] for n in numbers]
    stack = _Stack(ground, cuts)
    for stage in stages(ground):
        inside = only[stage.cells] & (filled.held[stage.cells] < 0)
        if inside.any():
            part = Stage(stage.cells[inside], stage.weight[inside], stage.top[inside])
            _raise(ground, stack, filled, part)
            if ground.linear:
                _hand_out_rest(ground, stack, filled, part)
    mine = only & (filled.held >= 0)
    filled.held[mine] = np.array([*numbers, -1])[filled.held[mine]]


def _aim(ground: Ground, packs: Floats, cells: Ints, level: Floats) -> Floats:
    """Packs that cells have once they are brought to a level, each its own."""
    if ground.linear:
        amount: Floats = ground.knots[cells, 1] * np.minimum(level, 1) / ground.unit[cells]
        return np.minimum(amount, ground.most[cells])
    return np.maximum(packs[cells], ground.packs_at(cells, level))


class _Stack:
    """Many cuts in one row, so that their use is counted at once."""

    def __init__(self, ground: Ground, cuts: Sequence[Cut]) -> None:
        self.cuts = cuts
        self.of_item: dict[int, list[int]] = {}
        for n, one in enumerate(cuts):
            for item in np.unique(ground.item[one.cells]).tolist():
                self.of_item.setdefault(item, []).append(n)
        self.caps = np.array([one.cap for one in cuts])
        some = [one for one in cuts if len(one.cells)]
        self.some = np.array([len(one.cells) > 0 for one in cuts], dtype=bool)
        if some:
            self.cells = np.concatenate([one.cells for one in some])
            self.factor = np.concatenate([one.factor for one in some])
            self.low = np.concatenate([one.low for one in some])
            self.high = np.concatenate([one.high for one in some])
            self.starts = np.cumsum([0, *(len(one.cells) for one in some)])[:-1]
            numbers = np.repeat(np.arange(len(cuts)), [len(one.cells) for one in cuts])
            order = np.argsort(self.cells, kind="stable")
            self.cut_of = numbers[order]
            self.first = np.searchsorted(self.cells[order], np.arange(ground.cells + 1))

    def with_any(self, cells: Ints) -> list[int]:
        """The cuts in which any of these cells takes part."""
        if not len(cells) or not self.some.any():
            return []
        first, many = self.first[cells], self.first[cells + 1] - self.first[cells]
        ends = np.cumsum(many)
        places = np.arange(int(ends[-1])) + np.repeat(first - ends + many, many)
        found: list[int] = np.flatnonzero(np.bincount(self.cut_of[places])).tolist()
        return found

    def used(self, packs: Floats) -> Floats:
        """``Cut.used`` of each."""
        used = np.zeros(len(self.cuts))
        if self.some.any():
            counts = np.minimum(np.maximum(packs[self.cells], self.low), self.high) - self.low
            used[self.some] = np.add.reduceat(counts * self.factor, self.starts)
        return used


def _raise(ground: Ground, stack: _Stack, filled: Filled, stage: Stage) -> None:
    """Bring all cells of a stage up together, each as far as its first full cut lets it."""
    packs, cuts = filled.packs, stack.cuts
    aim = packs.copy()
    aim[stage.cells] = _aim(ground, packs, stage.cells, stage.top)
    weight, top = np.zeros(ground.cells), np.zeros(ground.cells)
    weight[stage.cells], top[stage.cells] = stage.weight, stage.top
    growing = np.zeros(ground.cells, dtype=bool)
    growing[stage.cells] = True
    known = _Known(ground, stack, packs, growing, weight, top)
    binding = np.flatnonzero(stack.used(aim) > stack.caps + SLACK).tolist()
    highest = float((stage.top / stage.weight).max())
    queue, bound = [(0.0, n) for n in binding], set(binding)
    common = 0.0
    while queue:
        level, n = heapq.heappop(queue)
        bears = known.of(n)
        next_one = queue[0][0] if queue else None
        now, exact_level = bears.level(max(common, level), highest, next_one, common)
        if now == np.inf:
            continue
        if not exact_level or (queue and now > queue[0][0]):
            heapq.heappush(queue, (now, n))
            continue
        common, full = now, [n]
        above = common + 4 * FINE
        while (
            not ground.linear and queue and queue[0][0] <= above
        ):  # full at the same level: held together
            other = heapq.heappop(queue)[1]
            bears = known.of(other)
            if bears.use(min(above, highest)) > bears.room:
                full.append(other)
            elif above < highest:
                heapq.heappush(queue, (above + FINE, other))
        held = [_hold(ground, cuts[m], filled, growing, common, weight, top, aim, m) for m in full]
        stops = np.unique(np.concatenate(held))
        if not len(stops):
            continue
        growing[stops] = False
        known.changed(stops)
        again = set(full)
        for m, cells in zip(full, held, strict=True):
            bears = known.of(m)
            if bears.room - bears.use(common) < cuts[m].least:  # no room for a single pack
                stops = np.setdiff1d(stops, cells, assume_unique=True)
        if not ground.linear and len(stops):
            again |= _hand_out(ground, stack, filled, stops, known, common, weight, aim)
        for m in again & bound:
            heapq.heappush(queue, (common, m))
    left = stage.cells[growing[stage.cells]]
    packs[left] = aim[left]
    if ground.linear:
        _whole(ground, filled, stage.cells)


def _hold(
    ground: Ground, one: Cut, filled: Filled, growing: NDArray[np.bool_], common: float,
    weight: Floats, top: Floats, aim: Floats, number: int,
) -> Ints:  # fmt: skip
    """Bring the cells whose next pack counts in a full cut to its level; returns them."""
    mine = np.unique(one.cells[growing[one.cells] & (one.factor > 0)])
    has = filled.packs.copy()
    has[mine] = _aim(ground, filled.packs, mine, np.minimum(common * weight[mine], top[mine]))
    stops = _next_counts(one, has, growing, np.floor if ground.linear else None)
    stops = stops[aim[stops] > has[stops]]
    if not len(stops):  # the rounding of a level hid whose pack is next: hold all that count
        stops = mine[(has[mine] < _ends(one, mine, ground.cells)) & (aim[mine] > has[mine])]
    if ground.linear and len(stops):
        exact = _exactly(ground, one, filled, growing, common)
        for cell in stops.tolist():
            filled.exact.setdefault(cell, exact)
    filled.packs[stops] = has[stops]
    filled.held[stops], filled.level[stops] = number, common
    return stops


def _hand_out(
    ground: Ground, stack: _Stack, filled: Filled, cells: Ints, known: _Known, common: float,
    weight: Floats, aim: Floats,
) -> set[int]:  # fmt: skip
    """What full cuts have left for single packs goes to their lowest cells before others rise.

    Returns the cuts that may be full sooner by it.
    """
    numbers = sorted({n for i in np.unique(ground.item[cells]).tolist() for n in stack.of_item[i]})
    some = [stack.cuts[n] for n in numbers]
    used = np.zeros(len(some))
    for n, one in enumerate(some):
        bears = known.of(numbers[n])
        used[n] = one.cap + SLACK - bears.room + bears.use(common)
    before = filled.packs[cells].copy()
    _give(ground, some, filled, cells, weight[cells], aim[cells], used)
    more = cells[filled.packs[cells] > before]
    known.changed(more)
    return set(numbers) if len(more) else set()


class _Known:
    """What each cut bears, kept until its cells get packs or stop growing."""

    def __init__(
        self, ground: Ground, stack: _Stack, packs: Floats, growing: NDArray[np.bool_],
        weight: Floats, top: Floats,
    ) -> None:  # fmt: skip
        self.stack, self.kept = stack, dict[int, _Bears]()
        self.facts = packs, growing, weight, top
        self.ground = ground

    def of(self, number: int) -> _Bears:
        """By the number of the cut."""
        found = self.kept.get(number)
        if found is None:
            found = _Bears(self.ground, self.stack.cuts[number], *self.facts)
            self.kept[number] = found
        return found

    def changed(self, cells: Ints) -> None:
        """These cells got packs, or stopped."""
        for number in self.stack.with_any(cells):
            self.kept.pop(number, None)


class _Bears:
    """What one cut bears while its growing cells rise together."""

    def __init__(
        self, ground: Ground, one: Cut, packs: Floats, growing: NDArray[np.bool_], weight: Floats,
        top: Floats,
    ) -> None:  # fmt: skip
        moving, still = growing[one.cells], ~growing[one.cells]
        has = np.minimum(np.maximum(packs[one.cells[still]], one.low[still]), one.high[still])
        fixed = float((one.factor[still] * (has - one.low[still])).sum())
        self.ground, self.packs, self.cells = ground, packs, one.cells[moving]
        self.factor, self.low, self.high = one.factor[moving], one.low[moving], one.high[moving]
        self.room = one.cap - fixed + SLACK
        self.pace, self.ceiling = weight[self.cells], top[self.cells]
        self.rows = self.cells * ground.knots.shape[1]
        self.flat, self.last = ground.knots.ravel(), ground.levels - 1
        self.unit, self.most = ground.unit[self.cells], ground.most[self.cells]
        self.has = packs[self.cells]
        self.uses: dict[float, float] = {}

    def aim(self, level: float) -> Floats:
        """``_aim`` of the growing cells, with all that does not change looked up once."""
        to = np.minimum(level * self.pace, self.ceiling)
        if self.ground.linear:
            return _aim(self.ground, self.packs, self.cells, to)
        day = np.minimum(to.astype(np.int64), self.last)
        at = self.rows + day
        low = self.flat.take(at)
        packs = self.flat.take(at + 1)
        packs -= low
        packs *= to - day
        packs += low
        packs /= self.unit
        packs -= 1e-9 * np.maximum(packs, 1)
        whole: Floats = np.ceil(packs)
        return np.maximum(self.has, np.minimum(whole, self.most))

    def use(self, level: float) -> float:
        """What the growing cells take at a common level."""
        found = self.uses.get(level)
        if found is None:
            counts = np.minimum(np.maximum(self.aim(level), self.low), self.high) - self.low
            found = self.uses[level] = float((self.factor * counts).sum())
        return found

    def level(
        self, low: float, high: float, other: float | None, least: float
    ) -> tuple[float, bool]:
        """The highest common level that the cut bears, infinity if it bears them all.

        Where that lies above the level of the next cut (``other``) only some level that it bears
        is told, and that it is not the highest (False).
        """
        if not len(self.cells):
            return np.inf, True
        use_high = self.use(high)
        if use_high <= self.room:
            return np.inf, True
        use_low = self.use(low)
        if use_low > self.room and low > least:  # single packs were handed out meanwhile
            low, high, use_high = least, low, use_low
            use_low, other = self.use(low), None
        if use_low > self.room:
            return low, True
        near, begin = FINER if self.ground.linear else FINE, low
        if other is not None:
            probe = max(other, low + (high - low) / 16)
            if probe < high:
                between = self.use(probe)
                if between <= self.room:
                    return probe, False
                high, use_high = probe, between
        # Between two levels the use is nearly straight: guess by it, and halve where that is slow.
        halve = False
        while high - low > near:
            middle = (low + high) / 2
            if not halve and use_high > use_low:
                guess = low + (high - low) * (self.room - use_low) / (use_high - use_low)
                margin = (high - low) * 1e-3
                middle = min(max(guess, low + margin), high - margin)
            before, used = high - low, self.use(middle)
            if used <= self.room:
                low, use_low = middle, used
            else:
                high, use_high = middle, used
            halve = high - low > before / 2
        # A little below, so that cells whose levels are equal are all before their next pack.
        return (low if self.ground.linear else max(low - 2 * FINE, begin)), True


def _next_counts(
    one: Cut, packs: Floats, growing: NDArray[np.bool_], whole: np.ufunc | None
) -> Ints:
    """The growing cells whose next pack counts in a cut."""
    has = packs[one.cells]
    if whole is not None:
        has = whole(has + 1e-9)
    mine = growing[one.cells] & (one.factor > 0) & (has >= one.low) & (has < one.high)
    return np.unique(one.cells[mine])


def _ends(one: Cut, cells: Ints, most: int) -> Floats:
    """Up to how many packs of each cell a cut counts."""
    ends = np.zeros(most)
    np.maximum.at(ends, one.cells, one.high)
    return ends[cells]


def _exactly(
    ground: Ground, one: Cut, filled: Filled, growing: NDArray[np.bool_], level: float
) -> Fraction:
    """At which amount for each unit of the rate a cut is full, in the linear modes."""
    room, pace = Fraction(one.cap), Fraction(0)
    # ``level`` counts amounts by rate already: the weight of a cell is its rate by its ceiling.
    for cell, factor, low in zip(
        one.cells.tolist(), one.factor.tolist(), one.low.tolist(), strict=True
    ):
        most, unit = int(ground.most[cell]), int(ground.unit[cell])
        if not factor or low >= most:
            continue
        part, rate = Fraction(factor).limit_denominator(10**6), int(ground.rate[cell])
        if growing[cell] and level * rate / unit < most - 1e-9:
            pace += part * Fraction(rate, unit)
        elif growing[cell]:
            room -= part * most
        elif cell in filled.exact:
            room -= part * min(filled.exact[cell] * rate / unit, Fraction(most))
        else:
            room -= part * Fraction(float(filled.packs[cell])).limit_denominator(10**9)
    if not pace:
        return Fraction(level).limit_denominator(10**9)
    return max(room, Fraction(0)) / pace


def _whole(ground: Ground, filled: Filled, cells: Ints) -> None:
    """Whole packs below the exact share."""
    for cell in cells.tolist():
        exact = filled.exact.get(cell)
        if exact is None:
            filled.packs[cell] = ground.most[cell]
        else:
            share = exact * int(ground.rate[cell]) / int(ground.unit[cell])
            filled.packs[cell] = min(float(share.numerator // share.denominator),
                                     float(ground.most[cell]))  # fmt: skip


def remainder(ground: Ground, filled: Filled, cell: int) -> Fraction:
    """What a cell of a linear mode lost by rounding down to whole packs."""
    exact = filled.exact.get(cell, Fraction(0))
    share = exact * int(ground.rate[cell]) / int(ground.unit[cell])
    return share - share.numerator // share.denominator


def _hand_out_rest(ground: Ground, stack: _Stack, filled: Filled, stage: Stage) -> None:
    """What is left by rounding goes to the largest remainders, in the linear modes."""
    held = filled.held[stage.cells] >= 0
    cells = stage.cells[held]
    if len(cells):
        aim = _aim(ground, filled.packs, cells, stage.top[held])
        used = stack.used(filled.packs)
        _give(ground, stack.cuts, filled, cells, stage.weight[held], aim, used)


def _give(
    ground: Ground, cuts: Sequence[Cut], filled: Filled, cells: Ints, weights: Floats, aims: Floats,
    used: Floats,
) -> None:  # fmt: skip
    """Pack by pack to the lowest, as long as the cuts have room for one."""
    limits = limits_of(cells, cuts, used)
    if not limits:
        return
    aim = dict(zip(cells.tolist(), aims.tolist(), strict=True))
    weight = dict(zip(cells.tolist(), weights.tolist(), strict=True))

    def give(cell: int) -> bool:
        has = filled.packs[cell]
        if has + 1 > aim[cell]:
            return False
        takes = [(n, factor) for n, factor, low, high in limits[cell] if low <= has < high]
        if any(used[n] + factor > cuts[n].cap + SLACK for n, factor in takes):
            return False
        for n, factor in takes:
            used[n] += factor
        filled.packs[cell] = has + 1
        return True

    able = [cell for cell in cells.tolist() if cell in limits]
    if ground.linear:
        able.sort(key=lambda cell: (-remainder(ground, filled, cell), cell))
        able = [cell for cell in able if give(cell)] + able
    lowest_first(ground, filled.packs, able, weight, give)


def limits_of(
    cells: Ints, cuts: Sequence[Cut], used: Floats
) -> dict[int, list[tuple[int, float, float, float]]]:
    """The cuts that each cell takes part in, without cells whose every next pack is out of room.

    A cell is left out where a cut that all its packs count in has no room for one more.
    """
    wanted = np.zeros(int(cells.max()) + 1, dtype=bool)
    wanted[cells] = True
    shut = np.zeros(len(wanted), dtype=bool)
    takes: dict[int, list[tuple[int, float, float, float]]] = {}
    for n, one in enumerate(cuts):
        if not len(one.cells):
            continue
        mine = (one.cells < len(wanted)) & (one.factor > 0)
        mine[mine] = wanted[one.cells[mine]]
        full = mine & (one.low == 0) & (one.high == np.inf)
        full &= used[n] + one.factor > one.cap + SLACK
        shut[one.cells[full]] = True
    for n, one in enumerate(cuts):
        mine = (one.cells < len(wanted)) & (one.factor > 0)
        mine[mine] = wanted[one.cells[mine]] & ~shut[one.cells[mine]]
        for cell, factor, low, high in zip(
            one.cells[mine].tolist(), one.factor[mine].tolist(), one.low[mine].tolist(),
            one.high[mine].tolist(), strict=True,
        ):  # fmt: skip
            takes.setdefault(cell, []).append((n, factor, low, high))
    return takes


def lowest_first(
    ground: Ground, packs: Floats, cells: Iterable[int], weight: dict[int, float], give: object
) -> None:
    """Call ``give`` for the lowest cell again and again until none can take a pack more."""
    assert callable(give)

    def key(cell: int) -> tuple[float, float, int]:
        has = packs[cell]
        return (ground.level_of(cell, has) / weight[cell],
                -ground.level_of(cell, has + 1) / weight[cell], cell)  # fmt: skip

    queue = [key(cell) for cell in dict.fromkeys(cells)]
    heapq.heapify(queue)
    while queue:
        cell = heapq.heappop(queue)[2]
        if give(cell):
            heapq.heappush(queue, key(cell))
