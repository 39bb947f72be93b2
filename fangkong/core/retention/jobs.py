"""Every night, and after each restore: what is due is destroyed."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.backup import hooks
from fangkong.core.queue.actions import schedule

from . import actions


@schedule("core.retention.destroy", "40 2 * * *")
def nightly(at: datetime) -> None:
    """A backup from last year brings back what was destroyed since; so it is done again then."""
    actions.destroy_due(at=at)


@hooks.after_restore("core.retention")
def again(at: datetime) -> None:
    """The same, before a restored database serves."""
    actions.destroy_due(at=at)
