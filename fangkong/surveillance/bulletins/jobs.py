"""What bulletins do by the clock. Each record by itself: one that cannot be done stops no other."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from fangkong.core import clock
from fangkong.core.queue.actions import schedule

from . import actions, queries

log = logging.getLogger(__name__)


@schedule("surveillance.bulletins.prepare", "10 * * * *")
def prepare(at: datetime) -> None:
    """Ten minutes after 24:00 the drafts of the day that has ended lie ready; later, where nobody
    worked then."""
    day = clock.day_of(at) - queries.DAY
    for area, condition in queries.series_due(day):
        try:
            with suppress(actions.NotCounted):
                actions.prepare_by_itself(area=area, condition=condition, day=day, at=at)
        except Exception:
            log.exception("bulletin not prepared", extra={"area": area.code, "day": str(day)})


@schedule("surveillance.bulletins.remind", "1 * * * *")
def remind(at: datetime) -> None:
    """Each hour: where the hour of an order has come, counties read once who has said nothing."""
    for order, area, day in queries.due_now(at):
        try:
            actions.remind(order=order, area=area, day=day, at=at)
        except Exception:
            log.exception("county not reminded", extra={"area": area.code, "day": str(day)})
