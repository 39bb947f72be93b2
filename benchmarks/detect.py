"""How many series-weeks a second the detectors judge, against their plain twins, in one run.

Run as ``python benchmarks/detect.py`` (or ``make bench``). Both sides are timed by turns on the
same counts, the twin on a few of the series because it is slow; medians of the rounds are printed.
A series-week counts only where there is an answer. Exits with 1 if a method is less than 200 times
as fast as its twin.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without installation

from epistat import Detection, c1, c2, c3, moving_percentile
from epistat.result import Floats
from epistat.tests import plain

SERIES, WEEKS = 2_400, 520  # 20 counties x 40 diseases x 3 strata, ten years
OF_TWIN = 3  # series given to the twin in each round
ROUNDS = 7
TARGET = 200

Fast = Callable[[Floats], Detection]
Slow = Callable[[Floats], list[plain.Day]]

METHODS: dict[str, tuple[Fast, Slow]] = {
    "EARS C1": (c1, lambda y: plain.shewhart(y, guard=0)),
    "EARS C2": (c2, lambda y: plain.shewhart(y, guard=2)),
    "EARS C3": (c3, plain.c3),
    "moving percentile": (
        lambda counts: moving_percentile(counts, every="week"),
        lambda y: plain.moving_percentile(y, every="week"),
    ),
}


def counts_like_surveillance() -> Floats:
    """Weekly counts from rare to common, overdispersed, with a season; nothing missing."""
    rng = np.random.default_rng(2020)
    level = 10 ** rng.uniform(-1, 1.5, (SERIES, 1))
    season = 1 + 0.6 * np.sin(2 * np.pi * np.arange(WEEKS) / 52)
    return rng.poisson(rng.gamma(3, level * season / 3)).astype(np.float64)


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def compare(fast: Fast, slow: Slow, counts: Floats) -> tuple[float, float]:
    """Series-weeks per second of the batched function and of its twin: medians of the rounds."""
    answered = int(fast(counts).answered.sum())  # also warms both up
    of_twin = sum(day is not None for row in counts[:OF_TWIN] for day in slow(row))
    times = [
        (seconds(lambda: fast(counts)), seconds(lambda: [slow(row) for row in counts[:OF_TWIN]]))
        for _ in range(ROUNDS)
    ]
    return answered / median(t for t, _ in times), of_twin / median(t for _, t in times)


def main() -> int:
    counts = counts_like_surveillance()
    print(f"{SERIES:,} series x {WEEKS} weeks, median of {ROUNDS} rounds, series-weeks per second")
    print(f"{'':20}{'batched':>14}{'plain twin':>14}{'ratio':>10}")
    worst = np.inf
    for name, (fast, slow) in METHODS.items():
        batched, twin = compare(fast, slow, counts)
        worst = min(worst, batched / twin)
        print(f"{name:20}{batched:>14,.0f}{twin:>14,.0f}{batched / twin:>9,.0f}x")
    print(f"target: at least {TARGET}x: {'met' if worst >= TARGET else 'MISSED'}")
    return 0 if worst >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
