"""R's scans beside ours: what ``test_clusters.py`` and the verification page share.

The data ship in GPL packages and are read from ``../shared/reference`` where it is at hand.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from epistat import Scan, circles, scan
from epistat.clusters import _Data, _Search
from epistat.result import Floats
from epistat.tests.reference import REFERENCE, number, table
from epistat.zones import Zones

FOLDER = REFERENCE / "scan"
NAMES = ("NYleukemia", "NM_pb_poisson_pop", "NM_permutation", "NM_eb_poisson")
needs_reference = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the data of the packages are not beside the repository"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against R's: scores of zones by zone (and duration), and the most likely cluster."""

    scores: int
    worst: float  # greatest relative difference; of a score below 1, the absolute one
    best_is_the_same: bool
    p: float
    p_of_r: float


def compare(name: str) -> Comparison:
    return _leukemia() if name == "NYleukemia" else _new_mexico(name)


def _differences(ours: Floats, theirs: Floats) -> float:
    return float((np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1.0)).max())


def _leukemia() -> Comparison:
    """SpatialEpi: one period, binomial, circles with up to 15 % of the people."""
    rows = table(FOLDER / "NYleukemia.csv")
    where = np.array([[number(row["x"]), number(row["y"])] for row in rows])
    people = np.array([number(row["population"]) for row in rows])
    cases = np.round([[number(row["cases"])] for row in rows])
    file = FOLDER / "NYleukemia_binomial_p15_zone_llr.csv"
    theirs = np.array([number(row["llr"]) for row in table(file)])
    zones = circles(where, population=people, share=0.15)
    every = scores(cases, zones, "bernoulli", people)
    # R keeps a set of places once for each of its centres.
    ours = []
    for centre in range(len(where)):
        order = np.argsort(np.hypot(*(where - where[centre]).T), kind="stable")
        inside = np.cumsum(people[order]) / people.sum() <= 0.15
        sets = (frozenset(order[: size + 1].tolist()) for size in range(int(inside.sum())))
        ours += [every[places, 1] for places in sets]
    (best,) = table(FOLDER / "NYleukemia_binomial_p15_clusters.csv")
    found = scan(cases, zones, model="bernoulli", base=people, replicates=999).clusters[0]
    ids = [row["id"] for row in rows]
    same = {ids[place] for place in found.places} == set(best["members"].split(";"))
    worst = _differences(np.array(ours), theirs)
    return Comparison(len(theirs), worst, same, found.p, number(best["p_value"]))


@cache
def counties() -> tuple[list[str], Floats, Floats, Floats]:
    """Names, coordinates, counts and population (counties, years) of New Mexico."""
    rows = table(FOLDER / "NM_popcas.csv")
    names = sorted({row["county"] for row in rows})
    years = sorted({row["year"] for row in rows})
    counts, people = np.zeros((2, len(names), len(years)))
    for row in rows:
        cell = names.index(row["county"]), years.index(row["year"])
        counts[cell], people[cell] = number(row["count"]), number(row["population"])
    seats = {row["county"]: row for row in table(FOLDER / "NM_geo.csv")}
    where = [[number(seats[n]["center_long"]), number(seats[n]["center_lat"])] for n in names]
    return names, np.array(where), counts, people


def _new_mexico(name: str) -> Comparison:
    """scanstatistics: 19 years, the 15 nearest counties by degrees, the 200 best cylinders.

    It spreads the cases evenly over the years and over people within each of them; our own default
    is by people alone.
    """
    names, where, counts, people = counties()
    zones = circles(where, share=1, most=15)
    base: Floats | None = people / people.sum(axis=0)
    model = {"NM_pb_poisson_pop": "poisson", "NM_eb_poisson": "expectation"}.get(
        name, "permutation"
    )
    if model == "permutation":
        base = None
    elif base is not None:
        base = base * counts.sum() / base.sum()
    every = scores(counts, zones, model, base)
    rows = table(FOLDER / f"{name}.csv")
    keys = [
        (frozenset(names.index(n) for n in row["members"].split(";")), int(row["duration"]))
        for row in rows
    ]
    theirs = np.array([number(row["score"]) for row in rows])
    worst = _differences(np.array([every[key] for key in keys]), theirs)
    (best,) = table(FOLDER / f"{name}_mlc.csv")
    result = _scan(counts, zones, model, base)
    found = result.clusters[0]
    same = sorted(names[place] for place in found.places) == sorted(
        best["mlc_locations"].split(";")
    ) and found.duration == int(best["mlc_duration"])
    return Comparison(len(rows), worst, same, found.p, number(best["mc_pvalue"]))


def _scan(counts: Floats, zones: Zones, model: str, base: Floats | None) -> Scan:
    return scan(
        counts, zones, model=model, base=base, longest=counts.shape[1], least=1, replicates=999
    )


def scores(
    counts: Floats, zones: Zones, model: str, base: Floats | None
) -> dict[tuple[frozenset[int], int], float]:
    """The score of every cylinder."""
    data = _Data.of(counts, zones, model, base, 1.0)
    periods = counts.shape[1]
    search = _Search(data, zones, 1, periods, 1, periods)
    score_of = search.every(data.counts, periods)
    found = {}
    for centre in search.centres:
        values = score_of(centre)
        for zone, end in enumerate(np.flatnonzero(zones.ends[centre])):
            places = frozenset(zones.members(centre, int(end) + 1).tolist())
            for duration in range(periods):
                found[places, duration + 1] = float(values[zone, duration])
    return found
