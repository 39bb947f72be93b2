"""The reporting triangle: how many cases of each day became known after how many days?

``counts[i, t, d]`` are the cases of series i and day t that were reported d days later; on the last
day T only the cells with t + d <= T are known, the others are NaN. The last delay D holds the
longer ones too: cases of day t with delays above D come into it when they come, so a day counts as
complete D days later, a little early.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epistat.result import MOST_CASES, Floats, counts_alone

Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Triangle:
    """Cases by day and delay.

    counts  float64  (series, days, delays 0 … D)  NaN is not known yet, or not at all
    first   the date of day 0, or None where days are only numbered
    """

    counts: Floats
    first: np.datetime64 | None = None

    @property
    def delays(self) -> int:
        """D, the longest delay told apart."""
        return int(self.counts.shape[2]) - 1

    @property
    def reported(self) -> Floats:
        """Cases of each day known so far, (series, days); NaN where a cell is missing."""
        due = due_cells(*self.counts.shape[1:])
        reported: Floats = np.where(due, self.counts, 0.0).sum(axis=2)
        return reported


def due_cells(days: int, delays: int) -> NDArray[np.bool_]:
    """Which cells can be known on the last day, shape (days, delays)."""
    return np.add.outer(np.arange(days), np.arange(delays)) < days


def triangle_of_matrix(matrix: ArrayLike, *, first: np.datetime64 | None = None) -> Triangle:
    """A triangle from counts by day and delay, shape (series, days, delays) or (days, delays).

    What lies in the future of the last day is taken out, whatever stands there (0, often). What is
    no count, being negative or above 1e15, is missing. ValueError for another number of dimensions.

    >>> triangle_of_matrix([[3, 2], [4, 0]]).counts
    array([[[ 3.,  2.],
            [ 4., nan]]])
    """
    counts = np.array(matrix, dtype=np.float64)
    if counts.ndim == 2:
        counts = counts[np.newaxis]
    if counts.ndim != 3 or counts.shape[2] < 2:
        raise ValueError("a triangle needs the shape (series, days, delays), two delays or more")
    counts = counts_alone(counts)
    counts[:, ~due_cells(*counts.shape[1:])] = np.nan
    return Triangle(counts, first)


def triangle_of_dates(
    events: ArrayLike,
    reports: ArrayLike,
    *,
    max_delay: int,
    now: np.datetime64 | str | None = None,
    first: np.datetime64 | str | None = None,
    series: ArrayLike | None = None,
    cases: ArrayLike | None = None,
    rows: int | None = None,
) -> Triangle:
    """A triangle from a line list: the day of each case and the day of its report.

    ``events``, ``reports``: dates, one a case (``datetime64[D]`` or text as 2020-02-05).
    ``now``: the last day (the latest report); what was reported later is not known yet and left
    out. ``first``: day 0 (the earliest event); earlier events are left out. ``series``: 0, 1 … for
    each case; ``rows``: how many series (as many as are named). ``cases``: how many cases stand
    there (1). Delays above ``max_delay`` count as that.

    ValueError where a report lies before its event, where arrays differ in length, and where a
    number of cases or of a series cannot be.

    >>> triangle_of_dates(
    ...     ["2020-02-01", "2020-02-01", "2020-02-02"],
    ...     ["2020-02-01", "2020-02-03", "2020-02-03"], max_delay=1,
    ... ).counts[0]
    array([[ 1.,  1.],
           [ 0.,  1.],
           [ 0., nan]])
    """
    if max_delay < 1:
        raise ValueError(f"max_delay must be at least 1 day, not {max_delay}")
    day, report = (np.atleast_1d(np.asarray(part, "datetime64[D]")) for part in (events, reports))
    which = np.zeros(len(day), np.int64) if series is None else np.asarray(series, np.int64)
    many = np.ones(len(day)) if cases is None else np.asarray(cases, np.float64)
    if not day.shape == report.shape == which.shape == many.shape or day.ndim != 1:
        raise ValueError("events, reports, series and cases need one number for each case")
    if np.isnat(day).any() or np.isnat(report).any():
        raise ValueError("events and reports need a date for each case")
    if (early := np.flatnonzero(report < day)).size:
        raise ValueError(
            f"{early.size} report(s) before the event, the first at {early[0]}; correct the dates"
        )
    if not (np.isfinite(many) & (many >= 0) & (many <= MOST_CASES)).all():
        raise ValueError("cases must be numbers of 0 or more")
    if (which < 0).any() or (rows is not None and (which >= rows).any()):
        raise ValueError("series must be 0 or more" + ("" if rows is None else f", below {rows}"))
    if not len(day) and (now is None or first is None):
        raise ValueError("without cases give now and first")
    last = report.max() if now is None else _day(now)
    start = day.min() if first is None else _day(first)
    if last < start:
        raise ValueError(f"now ({last}) lies before the first day ({start})")
    number = int(which.max(initial=0)) + 1 if rows is None else rows
    days = int((last - start).astype(np.int64)) + 1
    counts = np.zeros((number, days, max_delay + 1))
    inside = (report <= last) & (day >= start)
    at = (day - start).astype(np.int64)[inside]
    delay = np.minimum((report - day).astype(np.int64)[inside], max_delay)
    np.add.at(counts, (which[inside], at, delay), many[inside])
    counts[:, ~due_cells(days, max_delay + 1)] = np.nan
    return Triangle(counts, start)


def _day(date: np.datetime64 | str) -> np.datetime64:
    day: np.datetime64 = np.array([date], "datetime64[D]")[0]
    return day
