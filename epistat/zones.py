"""The circles that a scan looks through: each place with its nearest, next nearest … neighbours.

Source: Kulldorff M. A spatial scan statistic. Commun Stat Theory Methods 1997;26:1481-1496.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.result import Floats

EARTH = 6371.0  # km, mean radius
SAME = 1e-9  # relative difference of two distances that are one
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Circles around each place, one inside the other.

    ``nearest[i]``: places by distance from place i, which comes first; -1 where there are no more.
    The first j + 1 of them are a zone where ``ends[i, j]``; ``distance[i, j]`` is its radius. All
    three have the shape (places, most places in a zone).
    """

    nearest: Places
    distance: Floats
    ends: NDArray[np.bool_]

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.nearest)

    def __len__(self) -> int:
        """How many different zones there are."""
        return int(self.ends.sum())

    def members(self, centre: int, size: int) -> Places:
        """The places of the zone of so many places around a centre, nearest first."""
        return self.nearest[centre, :size]


def circles(
    where: ArrayLike,
    *,
    earth: bool = False,
    population: ArrayLike | None = None,
    share: float = 0.5,
    radius: float | None = None,
    most: int | None = None,
) -> Zones:
    """All circles around places that hold another set of places.

    ``where``: (places, 2), as x and y in any unit, or with ``earth`` as latitude and longitude in
    degrees, with distances in km along a great circle. Zones grow place by place up to a ``share``
    of the ``population`` (places,) (of the number of places where none is given), to a ``radius``
    and to ``most`` places, whichever comes first, limits included. Places at the same distance
    enter together, so that no order of the rows decides. A set of places that two centres share is
    kept once. A place that alone is above the share is no zone of its own, but others are.

    ValueError where a coordinate is missing or a limit impossible.

    >>> zones = circles([[0, 0], [1, 0], [3, 0], [9, 0]], share=0.5)
    >>> len(zones), zones.members(2, 2)
    (7, array([2, 1]))
    """
    points = np.asarray(where, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("where needs the shape (places, 2)")
    if not np.isfinite(points).all():
        raise ValueError("every place needs two coordinates; leave out places without")
    if earth and ((np.abs(points) > [90, 180]).any()):
        raise ValueError("latitude lies between -90 and 90, longitude between -180 and 180")
    if not 0 < share <= 1:
        raise ValueError("share must be above 0 and at most 1")
    if most is not None and most < 1:
        raise ValueError("most must be at least 1")
    if radius is not None and not radius >= 0:
        raise ValueError("radius must be 0 or more")
    count = len(points)
    people = np.ones(count)
    if population is not None:
        people = np.asarray(population, dtype=np.float64)
        if people.shape != (count,) or not (people >= 0).all() or not people.sum() > 0:
            raise ValueError("population needs a number of 0 or more for each place, some above 0")
    rows = [_circle(points, i, earth, people, share, radius, most) for i in range(count)]
    width = max((len(row[0]) for row in rows), default=0)
    nearest = np.full((count, width), -1, dtype=np.int64)
    distance = np.full((count, width), np.inf)
    ends = np.zeros((count, width), dtype=np.bool_)
    for i, (order, apart, is_end) in enumerate(rows):
        nearest[i, : len(order)] = order
        distance[i, : len(order)] = apart
        ends[i, : len(order)] = is_end
    return Zones(nearest, distance, _first_of_its_kind(nearest, ends))


def _circle(
    points: Floats,
    centre: int,
    earth: bool,
    people: Floats,
    share: float,
    radius: float | None,
    most: int | None,
) -> tuple[Places, Floats, NDArray[np.bool_]]:
    """Order, distance and ends of the zones around one place, no longer than the last end."""
    apart = _great_circle(points, centre) if earth else _plane(points, centre)
    apart[centre] = -1.0  # first even among places at the same point
    order = np.argsort(apart, kind="stable")
    apart[centre] = 0.0
    apart = apart[order]
    last = np.append(apart[1:] - apart[:-1] > SAME * apart[1:], True)
    inside = np.cumsum(people[order]) <= share * people.sum() * (1 + 1e-12)
    if radius is not None:
        inside &= apart <= radius * (1 + SAME)
    if most is not None:
        inside[most:] = False
    last &= inside
    size = int(np.flatnonzero(last)[-1]) + 1 if last.any() else 0
    return order[:size], apart[:size], last[:size]


def _plane(points: Floats, centre: int) -> Floats:
    apart: Floats = np.hypot(*(points - points[centre]).T)
    return apart


def _great_circle(points: Floats, centre: int) -> Floats:
    """By the haversine, which keeps its digits at short distances."""
    latitude, longitude = np.radians(points).T
    half = np.sin((latitude - latitude[centre]) / 2) ** 2
    half += (
        np.cos(latitude)
        * np.cos(latitude[centre])
        * np.sin((longitude - longitude[centre]) / 2) ** 2
    )
    apart: Floats = 2 * EARTH * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return apart


def _first_of_its_kind(nearest: Places, ends: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ends without those whose set of places an earlier centre has already.

    A set is told by the sum of random 64-bit numbers of its places.
    """
    names = np.random.Generator(np.random.Philox(1)).integers(
        2**64, size=len(nearest), dtype=np.uint64
    )
    keys = np.cumsum(np.where(nearest >= 0, names[nearest], np.uint64(0)), axis=1)
    flat = np.flatnonzero(ends)
    _, first = np.unique(keys.ravel()[flat], return_index=True)
    kept = np.zeros(ends.size, dtype=np.bool_)
    kept[flat[first]] = True
    return kept.reshape(ends.shape)
