"""What tasks do by the clock."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.queue.actions import schedule

from . import actions


@schedule("tasks.escalate", "*/5 * * * *")
def escalate(at: datetime) -> None:
    """Every five minutes overdue tasks climb a step."""
    actions.escalate_overdue(at)
