"""What every detector answers, and why it sometimes does not."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntFlag
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Cells worked on at once: their temporaries (128 kB each) stay in the processor's cache.
CELLS = 16_384


class Flag(IntFlag):
    """Remarks on one cell. The first four mean that there is no answer; the others explain one."""

    MISSING_NOW = 1  # today's count is not known, or is none: negative or infinite
    SHORT_HISTORY = 2  # the series has not run long enough
    TOO_FEW_POINTS = 4  # long enough, but too much of its history is missing or excluded
    UNDEFINED = 8  # the formula gives no number here (R's C3 after a flat history)
    FLAT_HISTORY = 16  # the history has no spread: the score is 0 or infinite
    BELOW_MINIMUM = 32  # over the threshold, but fewer cases than an alarm needs
    FEW_CASES = 64  # too few cases in the last weeks for an alarm: there is no threshold
    TREND = 128  # the expected number follows a trend

    NO_ANSWER = MISSING_NOW | SHORT_HISTORY | TOO_FEW_POINTS | UNDEFINED


def words(flags: int) -> str:
    """The names of flags, joined: "short_history|few_cases"."""
    return "|".join(
        flag.name.lower() for flag in Flag if flag.name and flag & flags and not flag & (flag - 1)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The answer of a detector. Every array has the shape (series, time) of the counts.

    observed  float64  the number that was judged (for daily moving percentiles: of the last 7 days)
    expected  float64  mean of the history, in cases; NaN where the method has none
    upper     float64  threshold in cases; NaN where there is none. It may be there on a day
                       whose own count is missing
    p         float64  chance of a number as high as this without an outbreak; small is unusual;
                       for ranking
    score     float64  distance above the expected, in standard deviations (see each method)
    alarm     bool     False also where there is no answer: ask ``answered`` to tell them apart
    flags     uint8    :class:`Flag`; 0 is an answer without remarks
    """

    observed: Floats
    expected: Floats
    upper: Floats
    p: Floats
    score: Floats
    alarm: NDArray[np.bool_]
    flags: NDArray[np.uint8]

    @classmethod
    def blank(cls, shape: tuple[int, ...]) -> "Detection":
        """To be filled: without alarms and remarks, every number NaN."""
        observed, expected, upper, p, score = (np.full(shape, np.nan) for _ in range(5))
        alarm, flags = np.zeros(shape, np.bool_), np.zeros(shape, np.uint8)
        return cls(observed, expected, upper, p, score, alarm, flags)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where the method could decide, shape (series, time)."""
        decided: NDArray[np.bool_] = (self.flags & np.uint8(Flag.NO_ANSWER)) == 0
        return decided


def mark(flags: NDArray[np.uint8], where: NDArray[np.bool_] | np.bool_, flag: Flag) -> None:
    """Add a remark to some cells, in place."""
    flags |= np.multiply(where, np.uint8(flag))


def as_counts(counts: ArrayLike) -> Floats:
    """Counts as float64 of shape (series, time); NaN is a missing count.

    What is no count, being negative or infinite, is missing: one bad number must not stop the night
    run of all series. ValueError for another number of dimensions.
    """
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"counts need the shape (series, time), not {array.ndim} dimension(s)")
    bad = (array < 0) | np.isinf(array)
    return np.where(bad, np.nan, array) if bad.any() else array


def in_blocks(
    judge: Callable[..., Detection], counts: Floats, *others: NDArray[np.bool_]
) -> Detection:
    """Call ``judge`` on a few series at a time, so that its temporaries stay in the cache.

    ``others`` are arrays of the shape of ``counts`` that are cut in the same way.
    """
    keep_freed_memory()
    series, time = counts.shape
    dtypes = {"alarm": np.bool_, "flags": np.uint8}
    empty: Any = {
        field.name: np.empty(counts.shape, dtypes.get(field.name, np.float64))
        for field in fields(Detection)
    }
    whole = Detection(**empty)
    step = max(1, CELLS // max(time, 1))
    for start in range(0, series, step):
        rows = slice(start, start + step)
        part = judge(counts[rows], *(other[rows] for other in others))
        for field in fields(Detection):
            getattr(whole, field.name)[rows] = getattr(part, field.name)
    return whole


@cache
def keep_freed_memory() -> None:
    """Ask the allocator to keep the temporaries of large arrays for the next ones.

    glibc hands a freed block back to the kernel unless one at least as large was freed before, and
    fetches it anew page by page: half the time of a regression. So one large block, never touched,
    is freed once. Other allocators do not mind.
    """
    np.empty(31 << 17)
