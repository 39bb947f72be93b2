"""Tokens whose time is over are ended each minute."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.queue.actions import schedule

from . import actions


@schedule("core.tokens.end_expired", "* * * * *")
def end_expired(at: datetime) -> None:
    actions.end_expired(at)
