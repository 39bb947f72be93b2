"""What the trail does by the clock: it is sealed every minute, and searched every night."""

from __future__ import annotations

from datetime import datetime, timedelta

from fangkong.core import clock
from fangkong.core.audit import actions, seals
from fangkong.core.queue.actions import schedule

from . import queries


@schedule("web.trail.seal", "* * * * *")
def seal(at: datetime) -> None:
    """Seal what was written since the last minute, and publish the head."""
    seals.seal(at)


@schedule("web.trail.detect", "10 2 * * *")
def detect(at: datetime) -> None:
    """Look through the views of the day before for what an auditor should see."""
    day = clock.day_of(at - timedelta(days=1))
    actions.report_findings(day=day, found=queries.unusual_views(day), by=None, at=at)
