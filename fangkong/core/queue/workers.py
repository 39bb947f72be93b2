"""Who carries a job out, and whether that process still lives."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

# A worker says every few seconds that it still carries its job out; one that has been silent for
# the length of the lease has lost it.
BEAT_SECONDS = 10
LEASE = timedelta(seconds=90)
TWO_BEATS = timedelta(seconds=2 * BEAT_SECONDS)


def this_worker() -> str:
    """The name of this process: machine, process and when it began, which no other one shares."""
    return f"{_machine()}:{os.getpid()}:{_begun(os.getpid())}"


def is_dead(worker: str) -> bool:
    """Whether a worker of this machine is certainly gone: its process is looked for."""
    machine, _, rest = worker.rpartition(":")[0].rpartition(":")
    begun = worker.rpartition(":")[2]
    if machine != _machine() or not rest.isdigit() or not begun:
        return False
    return _begun(int(rest)) != begun


def is_silent(seen_at: datetime | None, now: datetime, unheard: timedelta) -> bool:
    """Whether the lease of a job is over; ``unheard``: how long this process has seen no beat, by
    the time that no clock shows.

    A clock that is set forward by a day ends every lease at once, and must not have a job begun
    beside itself: whoever works is heard of again within a beat. One that is set back ends none
    for as long, so the length of the lease without a beat is enough by itself.
    """
    over = seen_at is None or now - seen_at >= LEASE
    return unheard >= LEASE or (over and unheard >= TWO_BEATS)


@cache
def _machine() -> str:
    """This host and its present run: after a restart no process of before is alive."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = ""
    return f"{os.uname().nodename[:40]}.{boot}".replace(":", "-")


def _begun(pid: int) -> str:
    """When a process began, in ticks since the machine did; "" where it is not there or unknown.

    A killed child that its parent has not collected yet (a zombie) is not there any more.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if after_name[0] in "ZX" else after_name[19]
