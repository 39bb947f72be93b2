"""What a call costs here: time by the clock, and CPU of this process and of PostgreSQL."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter

from benchmarks.imports import cpu_seconds


def spent(
    call: Callable[[], object], postmaster: int, *, rounds: int, times: int
) -> tuple[float, float]:
    """Milliseconds and milliseconds of CPU of one call, medians of rounds of some calls.

    ``postmaster``: process id of PostgreSQL, 0 without one. The clock of CPU has steps of ten
    milliseconds, so a round is of several calls. What is loaded is frozen, as the server does
    before it serves: else the collector walks through the whole of Django now and then.
    """
    call()
    gc.collect()
    gc.freeze()
    took, used = [], []
    for _round in range(rounds):
        before, began = cpu_seconds(postmaster), perf_counter()
        for _time in range(times):
            call()
        took.append((perf_counter() - began) / times * 1e3)
        after = cpu_seconds(postmaster)
        cpu = after[0] - before[0] + (after[1] - before[1] if postmaster else 0)
        used.append(cpu / times * 1e3)
    return median(took), median(used)
