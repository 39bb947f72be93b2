"""A monitor in a process of its own, as in life: it shares no interpreter with those who flood.

Run as a program: ``python -m tests.prove.monitor PORT``. It asks until its input is closed, and
then says as JSON how often it asked, how often it was answered soon, and the slowest answer.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

SOON = 3.0  # seconds within which a monitor must be answered
PACE = 0.1  # seconds between two questions


@dataclass
class Watched:
    """What the monitor saw."""

    asked: int = 0
    answered: int = 0
    slowest: float = 0.0

    @property
    def share(self) -> float:
        return round(self.answered / self.asked, 3) if self.asked else 0.0


@contextmanager
def watching(port: int) -> Iterator[Watched]:
    """Have the health page asked all the while; the figures are there at the end."""
    seen = Watched()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.prove.monitor", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield seen
        finally:
            told, _ = process.communicate(timeout=60)
    for name, figure in json.loads(told).items():
        setattr(seen, name, figure)


def alive(port: int) -> bool:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    try:
        link.request("GET", "/alive/")
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def main(port: int) -> None:
    over = Event()

    def listen() -> None:
        os.read(0, 1)  # returns when the other end is closed
        over.set()

    Thread(target=listen, daemon=True).start()
    seen = Watched()
    while not over.is_set():
        begin = monotonic()
        good = alive(port)
        took = monotonic() - begin
        seen.asked += 1
        seen.answered += good and took <= SOON
        seen.slowest = max(seen.slowest, round(took, 3))
        over.wait(PACE)
    print(json.dumps(vars(seen)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
