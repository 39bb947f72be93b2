"""Each message is a job of its own, so that a receiver that hangs holds up no other's record."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core.queue.actions import schedule, when_set_back, work
from fangkong.core.queue.types import Progress
from fangkong.core.retention import nights

from . import actions


@work(actions.SEND, title=_("Send a notice"), outside=True)
def send(message_id: int, at: datetime, progress: Progress) -> None:
    actions.send(message_id=message_id, at=at)


@schedule("core.notices.send_due", "* * * * *")
def send_due(at: datetime) -> None:
    actions.send_due(at)


@schedule("core.notices.forget", "30 3 * * *")
def forget(at: datetime) -> None:
    nights.require_plausible(at)
    actions.forget(at=at)


when_set_back(actions.shorten_waits)
