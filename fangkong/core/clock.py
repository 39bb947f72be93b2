"""What time it is. Actions and queries never ask: views, jobs and commands ask here and pass it on.

A demonstration may live on another day ("today is 2020-02-05"): the clock then shows that day with
the real time of day, and says so on every page.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def zone() -> ZoneInfo:
    """The zone that days are counted in."""
    return ZoneInfo(settings.TIME_ZONE)


def now() -> datetime:
    """The present moment, in UTC, moved to the demonstration's day where there is one."""
    return timezone.now() + _offset(settings.FANGKONG_TODAY)


def day_of(moment: datetime) -> date:
    """The calendar day of a moment in the deployment's zone."""
    return moment.astimezone(zone()).date()


def start_of(day: date) -> datetime:
    """Midnight at which a day begins in the deployment's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone())


@cache
def _offset(today: date | None) -> timedelta:
    """How far the demonstration's day lies from the real one; fixed when the process starts."""
    if today is None:
        return timedelta(0)
    return today - timezone.now().astimezone(zone()).date()


def next_day(midnight: datetime) -> datetime:
    """The midnight after a midnight, also where the clocks change."""
    return start_of(day_of(midnight) + timedelta(days=1))
