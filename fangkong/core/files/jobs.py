"""What files do by the clock."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.queue.actions import schedule

from . import actions


@schedule("core.files.orphans", "20 * * * *")
def orphans(at: datetime) -> None:
    """Every hour forgotten uploads go."""
    actions.remove_orphans(at=at)


@schedule("core.files.sweep", "40 3 * * *")
def sweep(at: datetime) -> None:
    """Every night contents that no row names go."""
    actions.sweep(at)
