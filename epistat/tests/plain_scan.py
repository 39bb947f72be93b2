"""The plain twin of the scans: every set of places and every duration, one after the other."""

from itertools import product
from math import dist, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cylinder = tuple[frozenset[int], int]


def sets_of_places(where: Floats, people: Floats, share: float) -> set[frozenset[int]]:
    """Circles around each place up to a share of the people; places at one distance together."""
    found = set()
    for centre in range(len(where)):
        apart = [round(dist(where[centre], other), 9) for other in where]
        for radius in set(apart):
            places = frozenset(i for i, far in enumerate(apart) if far <= radius)
            if sum(people[i] for i in places) <= share * people.sum() * (1 + 1e-12):
                found.add(places)
    return found


def x_log(x: float, y: float) -> float:
    return x * log(x / y) if x > 0 else 0.0


def score(model: str, c: float, e: float, cases: float, people: float) -> float:
    """Log of the likelihood ratio of c cases; ``e`` expected, or for "bernoulli" people inside."""
    if model == "bernoulli":
        if c / e <= cases / people:
            return 0.0
        one = x_log(cases, people) + x_log(people - cases, people)
        inside = x_log(c, e) + x_log(e - c, e)
        outside = x_log(cases - c, people - e) + x_log(people - e - cases + c, people - e)
        return inside + outside - one
    if c <= e:
        return 0.0
    if model == "expectation":
        return x_log(c, e) + e - c
    return x_log(c, e) + x_log(cases - c, cases - e)


def scores(
    model: str,
    counts: Floats,
    base: Floats,
    zones: set[frozenset[int]],
    durations: range,
    least: int,
    end: int,
) -> dict[Cylinder, float]:
    """The score of every cylinder that ends before ``end``."""
    total = float(counts.sum())
    expected = base
    if model == "permutation":
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    if model == "poisson":
        expected = base * total / base.sum()
    found = {}
    for places, duration in product(zones, durations):
        inside = np.ix_(sorted(places), range(end - duration, end))
        c, e = float(counts[inside].sum()), float(expected[inside].sum())
        found[places, duration] = (
            score(model, c, e, total, float(base.sum())) if c >= least else 0.0
        )
    return found


def greedy(found: dict[Cylinder, float], most: int) -> list[tuple[Cylinder, float]]:
    """The best cylinder, the best of those that share no place with it …"""
    chosen: list[tuple[Cylinder, float]] = []
    for cylinder, value in sorted(found.items(), key=lambda item: -item[1]):
        taken = {place for (places, _), _ in chosen for place in places}
        if value > 0 and not taken & cylinder[0] and len(chosen) < most:
            chosen.append((cylinder, value))
    return chosen
