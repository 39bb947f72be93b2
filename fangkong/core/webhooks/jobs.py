"""Deliveries are jobs of their own, so that one receiver that hangs holds up no other's record."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core.queue.actions import schedule, when_set_back, work
from fangkong.core.queue.types import Progress
from fangkong.core.retention import nights

from . import actions


@work(actions.DELIVER, title=_("Deliver to a webhook"), outside=True)
def deliver(delivery_id: int, at: datetime, progress: Progress) -> None:
    actions.deliver(delivery_id=delivery_id, at=at)


@schedule("core.webhooks.deliver_due", "* * * * *")
def deliver_due(at: datetime) -> None:
    actions.deliver_due(at)


@schedule("core.webhooks.forget", "25 3 * * *")
def forget(at: datetime) -> None:
    nights.require_plausible(at)
    actions.forget(at=at)


when_set_back(actions.shorten_waits)
