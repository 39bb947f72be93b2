"""When a failed job is tried again, and when a schedule fires. Pure: no database, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter


def wait_before(next_try: int) -> timedelta:
    """The pause before a try: 10 s before the second, then six times longer each, at most 1 h."""
    return timedelta(seconds=min(3600, 10 * 6 ** max(0, next_try - 2)))


LONGEST_PAUSE = timedelta(hours=1)

# A schedule's newest mark so far ahead of the clock is from before the clock was set back; two
# machines whose clocks differ by some seconds are not meant.
AHEAD = timedelta(minutes=10)


def is_rhythm(cron: str) -> bool:
    """Whether a cron line comes every hour or oftener: it means "again and again", no moment."""
    return cron.split()[1] == "*"


def fires(cron: str, minute: datetime, zone: ZoneInfo) -> bool:
    """Whether a cron line fires in this minute, read in the deployment's zone."""
    return bool(croniter.match(cron, minute.astimezone(zone)))


def due(cron: str, minute: datetime, zone: ZoneInfo) -> datetime:
    """The last minute up to this one, itself included, in which a cron line fires."""
    last: datetime = croniter(cron, minute.astimezone(zone) + timedelta(minutes=1)).get_prev(
        datetime
    )
    return last.astimezone(minute.tzinfo)
