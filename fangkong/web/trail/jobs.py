"""What the trail does by the clock: it is sealed every minute."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.audit import seals
from fangkong.core.queue.actions import schedule


@schedule("web.trail.seal", "* * * * *")
def seal(at: datetime) -> None:
    """Seal what was written since the last minute, and publish the head."""
    seals.seal(at)
