"""What every detector answers, and why it sometimes does not."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Later = Callable[["Detection"], Floats]

# The arrays of a Detection.
ARRAYS = ("observed", "expected", "upper", "p", "score", "alarm", "flags")
MOST_CASES = (
    1e15  # no count: there are not so many people, and squares of it are still exact enough
)
# Cells worked on at once: their temporaries (128 kB each) stay in the processor's cache.
CELLS = 16_384
ALONE = 200_000  # multiplications that OpenBLAS does in one thread


class Flag(IntFlag):
    """Remarks on one cell. The first four mean that there is no answer; the others explain one."""

    MISSING_NOW = 1  # today's count is not known, or is none: negative, or above 1e15
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
    at_upper  bool     one for all: whether a number equal to ``upper`` alarms already, or only one
                       above it. EARS C3 has ``upper`` 0 where any count alarms, 0 too

    ``p`` and ``score`` may be worked out when they are first asked for: most of a night's cells are
    never ranked. Do not write into the arrays before that.
    """

    observed: Floats
    expected: Floats
    upper: Floats
    p: Floats
    score: Floats
    alarm: NDArray[np.bool_]
    flags: NDArray[np.uint8]
    at_upper: bool = False
    _later: Mapping[str, Later] = field(default_factory=dict, repr=False)  # of p and score

    @classmethod
    def blank(cls, shape: tuple[int, ...], *, at_upper: bool = False) -> "Detection":
        """To be filled: without alarms and remarks, every number NaN."""
        observed, expected, upper, p, score = (np.full(shape, np.nan) for _ in range(5))
        alarm, flags = np.zeros(shape, np.bool_), np.zeros(shape, np.uint8)
        return cls(observed, expected, upper, p, score, alarm, flags, at_upper)

    @classmethod
    def lazy(
        cls,
        *,
        observed: Floats,
        expected: Floats,
        upper: Floats,
        alarm: NDArray[np.bool_],
        flags: NDArray[np.uint8],
        p: Later,
        score: Later,
    ) -> "Detection":
        """Whose ``p`` and ``score`` are worked out from the answer when they are asked for."""
        answer = object.__new__(cls)
        given = {"observed": observed, "expected": expected, "upper": upper, "alarm": alarm,
                 "flags": flags, "at_upper": False, "_later": {"p": p, "score": score}}  # fmt: skip
        for name, value in given.items():
            object.__setattr__(answer, name, value)
        return answer

    if not TYPE_CHECKING:  # else any name would be one

        def __getattr__(self, name: str) -> Floats:
            # Python asks here for a field that is not set yet.
            if name not in ("p", "score"):
                raise AttributeError(name)
            object.__setattr__(self, name, self._later[name](self))
            return getattr(self, name)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled and copied with all arrays worked out."""
        return Detection, (*(getattr(self, name) for name in ARRAYS), self.at_upper)

    def part(self, rows: slice) -> "Detection":
        """Some of the series: views, to be filled."""
        return Detection(
            self.observed[rows], self.expected[rows], self.upper[rows], self.p[rows],
            self.score[rows], self.alarm[rows], self.flags[rows], self.at_upper,
        )  # fmt: skip

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

    What is no count, being negative or above 1e15, is missing: one bad number must not stop the
    night run of all series. Fractions are taken as they stand. ValueError for another number of
    dimensions.
    """
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"counts need the shape (series, time), not {array.ndim} dimension(s)")
    return counts_alone(array)


def counts_alone(array: Floats) -> Floats:
    """The numbers, of any shape, with NaN for those that are no count."""
    # Quick, and False where something is missing.
    if array.size and array.min() >= 0 and array.max() <= MOST_CASES:
        return array
    bad = (array < 0) | (array > MOST_CASES)
    return np.where(bad, np.nan, array) if bad.any() else array


def in_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """A few series at a time, so that the temporaries of their weeks stay in the cache."""
    keep_freed_memory()
    series, time = shape
    step = max(1, CELLS // max(time, 1))
    for start in range(0, series, step):
        yield slice(start, start + step)


def sliding(values: Floats, width: int) -> Floats:
    """Sums of ``width`` columns from each column on, by sums of 2, 4, 8 … of them.

    Of whole numbers they are exact. Three times as quick as the difference of running sums.

    >>> sliding(np.array([[1.0, 2, 3, 4]]), 3)
    array([[6., 9.]])
    """
    return slidings(values, [width])[width]


def slidings(values: Floats, widths: Iterable[int]) -> dict[int, Floats]:
    """:func:`sliding` of several widths, which share what they have in common.

    >>> slidings(np.array([[1.0, 2, 3, 4]]), [3, 2])[2]
    array([[3., 5., 7.]])
    """
    doubled = {1: values}  # sums of 1, 2, 4 … columns
    begun: dict[int, Floats] = {}  # of a width up to one of its binary digits
    sums: dict[int, Floats] = {}
    for width in widths:
        if width > values.shape[1]:
            sums[width] = np.zeros((len(values), 0))
            continue
        done, size, total = 0, 1, None
        while done < width:
            if size not in doubled:
                half = doubled[size // 2]
                doubled[size] = half[:, : -(size // 2)] + half[:, size // 2 :]
            if width & size:
                if total is None:
                    total = doubled[size]
                elif done + size in begun:
                    total = begun[done + size]
                else:
                    columns = values.shape[1] - (done + size) + 1
                    total = total[:, :columns] + doubled[size][:, done : done + columns]
                    begun[done + size] = total
                done += size
            size *= 2
        assert total is not None
        sums[width] = total
    return sums


def product(left: Floats, right: Floats) -> Floats:
    """``left @ right`` of two matrices, in pieces so small that BLAS does not share them out.

    Threads that wait for their share of a small product cost more than they help.

    >>> product(np.ones((2, 3)), np.ones((3, 2)))
    array([[3., 3.],
           [3., 3.]])
    """
    answer = np.empty((left.shape[0], right.shape[1]))
    wide = min(right.shape[1], 1024)
    tall = max(1, ALONE // max(right.shape[0] * wide, 1))
    for column in range(0, right.shape[1], max(wide, 1)):
        columns = slice(column, column + wide)
        for row in range(0, left.shape[0], tall):
            rows = slice(row, row + tall)
            np.matmul(left[rows], right[:, columns], out=answer[rows, columns])
    return answer


def weighted(values: Floats, weights: Floats) -> Floats:
    """``values @ weights`` of a matrix and a vector, which BLAS would share out too.

    >>> weighted(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.5]))
    array([1.5, 3.5])
    """
    sums: Floats = np.einsum("ij,j->i", values, weights)
    return sums


@cache
def keep_freed_memory() -> None:
    """Ask the allocator to keep the temporaries of large arrays for the next ones.

    glibc hands a freed block back to the kernel unless one at least as large was freed before, and
    fetches it anew page by page: half the time of a regression. So one large block, never touched,
    is freed once. Other allocators do not mind.
    """
    np.empty(31 << 17)
