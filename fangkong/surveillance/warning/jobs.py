"""When detection runs: every night, when asked for, and when counts have changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.queue.actions import schedule, work
from fangkong.core.queue.types import Progress
from fangkong.surveillance.monitoring.types import on_counts_changed

from . import actions, queries
from .models import DetectionRun
from .types import Trigger

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@work(queries.JOB, title=_("Search the counts for signals"), tries=4)
def detect(run_id: int, at: datetime, progress: Progress) -> None:
    """Carry out one run. Whoever asked for it, it is the system that raises signals."""
    run = DetectionRun.objects.get(pk=run_id)
    actions.detect(run=run, by=None, at=at, progress=progress)


@schedule("surveillance.warning.nightly", "30 1 * * *")
def nightly(at: datetime) -> None:
    """At half past one the day that has just ended is judged whole."""
    yesterday = clock.day_of(at) - timedelta(days=1)
    actions.request_run(day=yesterday, trigger=Trigger.NIGHTLY, by=None, at=at)


def look_again(
    county_ids: Collection[int], conditions: Collection[str], at: datetime, by: User | None
) -> None:
    """Counts have changed: the day is judged anew. A run that waits already is enough."""
    actions.look_again(day=clock.day_of(at), at=at)


def connect() -> None:
    """Listen to the counts; done once when this module is found."""
    on_counts_changed(look_again)


connect()
