"""Which earlier weeks a week is compared with, and the season each of them belongs to.

Shared by the seasonal methods. Sources: Farrington 1996 (windows around the same week of earlier
years) and Noufaily 2013 (all weeks of those years, in seasons); the rules of the calendar are those
of the R package surveillance, so that both choose the same weeks.

Without dates a year is so many steps (52 weeks, 12 months): simple, but after a year with an ISO
week 53 the season slips by a week. With dates the same day of an earlier year is taken (of 29
February 1 March), and from it the nearest day with the same day of the week.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Columns = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a baseline is cut: ``years`` back, ``half`` steps either side, ``seasons``, ``skip``.

    One season means the windows alone; more mean all weeks of the years. The last ``skip`` steps
    before now are left out, as an outbreak may be going on in them. ``now``: the steps just before
    now are such a window too; of more seasons they always are.
    """

    years: int
    half: int
    seasons: int
    skip: int
    year: int = 52
    now: bool = False

    def __post_init__(self) -> None:
        problems = {
            "years must be at least 1": self.years < 1,
            "half must be 0 or more": self.half < 0,
            "seasons must be at least 1": self.seasons < 1,
            "skip must be 0 or more": self.skip < 0,
            "year must be at least 2 steps": self.year < 2,
            "the windows of two years meet; take a smaller half or fewer seasons": self.year
            < 2 * self.half + self.seasons,
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The earlier columns of one column, told by their distance from it (negative), by season.

    ``seasons`` are slices into ``lags``; the last one is the season of now.
    """

    lags: Columns
    seasons: tuple[slice, ...]


def baselines(
    shape: Shape, time: int, first: int = 0, dates: ArrayLike | None = None
) -> Iterator[tuple[Baseline, Columns]]:
    """The columns from ``first`` on that can be judged, with those of one baseline together.

    A column can be judged when the same week of each of the years lies inside the series. Weeks of
    its oldest window that lie before the series are left out. ``dates``: (time,), evenly spaced by
    days or weeks. ValueError if they are not.

    >>> [(base, columns)] = baselines(Shape(years=2, half=1, seasons=1, skip=1), 107, first=105)
    >>> base.lags, columns
    (array([-105, -104, -103,  -53,  -52,  -51]), array([105, 106]))
    """
    columns = np.arange(first, time, dtype=np.int64)
    if dates is None:
        back = shape.year * np.arange(1, shape.years + 1, dtype=np.int64)
        references = np.broadcast_to(back, (len(columns), shape.years))
    else:
        references = columns[:, np.newaxis] - same_days(dates, time, columns, shape.years)
    inside = references[:, -1] <= columns
    columns, references = columns[inside], references[inside]
    before = np.minimum(columns - references[:, -1], shape.half)  # of the oldest window
    keys, kinds = np.unique(np.column_stack([before, references]), axis=0, return_inverse=True)
    for kind, key in enumerate(keys.tolist()):
        base = _baseline(shape, key[0], tuple(key[1:]))
        if base.lags.size:
            yield base, columns[kinds.ravel() == kind]


def same_days(dates: ArrayLike, time: int, columns: Columns, years: int) -> Columns:
    """The column of the same week 1, 2 … years ago, (columns, years); negative before the first."""
    days = np.asarray(dates, dtype="datetime64[D]")
    if days.shape != (time,):
        raise ValueError(f"dates need the shape ({time},), one for each column of the counts")
    known = time > 1 and not np.isnat(days).any()
    step = int((days[1] - days[0]).astype(np.int64)) if known else 7
    whole = np.arange(time) * np.timedelta64(step, "D")
    if step not in (1, 7) or (time and (days != days[0] + whole).any()):
        raise ValueError("dates must be one day or one week apart; leave them out for months")
    if not columns.size:
        return np.empty((0, years), np.int64)
    now = days[columns, np.newaxis]
    months = now.astype("datetime64[M]")
    day = now - months.astype("datetime64[D]")  # of the month; 29 February runs into 1 March
    earlier = months - 12 * np.arange(1, years + 1)
    then = earlier.astype("datetime64[D]") + day
    apart = (now - then).astype(np.int64) % 7
    then = then + np.where(apart > 3, apart - 7, apart).astype("timedelta64[D]")
    found: Columns = (then - days[0]).astype(np.int64) // step
    return found


def side_by_side(columns: Columns) -> slice | Columns:
    """As a slice where they are next to each other."""
    first, last = int(columns[0]), int(columns[-1])
    return slice(first, last + 1) if last - first + 1 == len(columns) else columns


@lru_cache(maxsize=1024)
def _baseline(shape: Shape, before: int, back: tuple[int, ...]) -> Baseline:
    """``back``: how many steps ago the reference weeks are, newest first."""
    half, last = shape.half, shape.seasons - 1
    oldest = -back[-1] - before
    season: dict[int, int] = {}
    for ago in (0, *back):
        for lag in range(max(-ago - half, oldest), min(-ago + half, 0) + 1):
            season[lag] = last
    if shape.seasons > 1:
        for newer, older in zip((0, *back), back, strict=False):
            gap = np.arange(-older + half + 1, -newer - half)
            for number, part in enumerate(np.array_split(gap, last)):
                season.update(dict.fromkeys(part.tolist(), number))
    else:
        season = {lag: 0 for lag in season if shape.now or lag <= -back[0] + half}
    kept = sorted((number, lag) for lag, number in season.items() if lag < -shape.skip)
    lags = np.array([lag for _, lag in kept], dtype=np.int64)
    ends = np.searchsorted([number for number, _ in kept], np.arange(shape.seasons + 1))
    seasons = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
    return Baseline(lags, seasons)
