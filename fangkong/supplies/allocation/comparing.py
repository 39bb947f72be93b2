"""A plan beside others: sharing pro rata, and the days of cover of any way to share out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import floor

import numpy as np

from .ground import ground
from .rules import allocate
from .types import Plan, Problem

Amounts = Mapping[tuple[str, str], int]  # place and item: pieces


def pro_rata(problem: Problem, plan: Plan) -> dict[tuple[str, str], int]:
    """What each would get if everybody got the same part of what the plan says they want.

    Under the same hard limits: stock, reserve, earmarks, packs.
    """
    wanted: dict[str, dict[str, int]] = {}
    for one in plan.shares:
        if one.instead_of is None and one.wanted:
            wanted.setdefault(one.place, {})[one.item] = one.wanted
    if not wanted:
        return {}
    places = tuple(
        replace(one, request=wanted[one.id], floor_days=0)
        for one in problem.places
        if one.id in wanted
    )
    known = {name for one in places for name in (one.id, *one.groups)}
    items = tuple(
        replace(
            one,
            lots=tuple(
                lot
                for lot in one.lots
                if lot.only_for is None or any(name in known for name in lot.only_for)
            ),
        )
        for one in problem.items
    )
    items = tuple(
        one if one.stock is not None or one.lots else replace(one, stock=0) for one in items
    )
    flat = replace(
        problem, mode="by_request", places=places, items=items, substitutions=(), vehicles=()
    )
    shares = allocate(flat, lambda _code, _facts: "").shares
    return {(one.place, one.item): one.quantity for one in shares}


def covers(problem: Problem, amounts: Amounts) -> dict[tuple[str, str], float]:
    """Days of cover from the arrival on, if everybody gets these amounts; {} but by need.

    Rounded down to hundredths, as the plan tells them. Substitutes are not counted.
    """
    land = ground(problem)
    if land.linear:
        return {}
    names = [
        (land.places[place].id, land.items[item].id)
        for place, item in zip(land.place.tolist(), land.item.tolist(), strict=True)
    ]
    packs = np.array(
        [
            amounts.get(name, 0) / land.items[item].pack
            for name, item in zip(names, land.item.tolist(), strict=True)
        ],
        dtype=np.float64,
    )
    levels = land.levels_of(np.minimum(packs, land.most))
    return {
        name: floor(float(level) * 100 + 1e-6) / 100
        for name, level in zip(names, levels, strict=True)
    }
