"""Jumps of the clock, as the worker notices them: the clock has moved otherwise than time has gone.

Noted in a small file of the data folder, so that the doctor tells of them though the clock is right
again: what was done between two jumps bears wrong times.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

LEAST = 30.0  # seconds; what a time server puts right in one step after a start is less
KEPT = 20


@dataclass(frozen=True)
class Jump:
    """How far the clock was set, forward or (less than 0) back, and what it said afterwards."""

    seconds: int
    at: datetime


class Hands:
    """Compares the clock with the time that has gone since the last look."""

    def __init__(self) -> None:
        self.clock, self.gone = time.time(), time.monotonic()

    def look(self) -> Jump | None:
        """The jump since the last look, noted; None where there was none."""
        clock, gone = time.time(), time.monotonic()
        far = (clock - self.clock) - (gone - self.gone)
        self.clock, self.gone = clock, gone
        if abs(far) < LEAST:
            return None
        jump = Jump(round(far), datetime.fromtimestamp(clock, UTC))
        log.error("clock jumped", extra={"seconds": jump.seconds})
        note(jump)
        return jump


def place() -> Path:
    """Where the jumps are noted."""
    return Path(settings.FANGKONG_DATA) / "clock.json"


def noted() -> list[Jump]:
    """The jumps of the past, the latest first; none where the file is missing or damaged."""
    try:
        rows = json.loads(place().read_text("utf-8"))
        return [Jump(int(row["seconds"]), datetime.fromisoformat(row["at"])) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def note(jump: Jump) -> None:
    """Add a jump to those of the past."""
    kept = [jump, *noted()][:KEPT]
    new = place().with_suffix(".new")
    rows = [{"seconds": one.seconds, "at": one.at.isoformat()} for one in kept]
    new.write_text(json.dumps(rows, indent=1), "utf-8")
    new.replace(place())
