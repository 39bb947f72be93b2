"""What bulletins do by the clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from fangkong.core import clock
from fangkong.core.queue.actions import schedule

from . import actions, queries


@schedule("surveillance.bulletins.prepare", "10 0 * * *")
def prepare(at: datetime) -> None:
    """Ten minutes after 24:00 the drafts of the day that has ended lie ready.

    Each by itself: one that cannot be counted stops no other.
    """
    day = clock.day_of(at) - queries.DAY
    for area, condition in queries.series_due(day):
        with suppress(actions.NotCounted):
            actions.prepare_by_itself(area=area, condition=condition, day=day, at=at)


@schedule("surveillance.bulletins.remind", "1 * * * *")
def remind(at: datetime) -> None:
    """Each hour: where the hour of an order has come, counties read who has said nothing."""
    for order, area, day in queries.due_now(at):
        actions.remind(order=order, area=area, day=day, at=at)
