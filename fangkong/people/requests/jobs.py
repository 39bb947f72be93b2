"""After a restore: what was erased on request since the backup is erased again."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.backup import hooks

from . import actions


@hooks.after_restore("people.requests")
def again(at: datetime) -> None:
    """Before the restored database serves anybody."""
    actions.erase_again(at=at)
