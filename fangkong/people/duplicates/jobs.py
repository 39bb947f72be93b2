"""Whom the nightly destruction of persons leaves alone, and when the register is searched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core.queue.actions import schedule, work
from fangkong.core.queue.types import Progress
from fangkong.core.retention.queries import hold

from . import actions, finding, queries
from .models import Run
from .types import Trigger


@work(queries.JOB, title=_("Search the register for persons entered twice"), tries=3)
def find(run_id: int, at: datetime, progress: Progress) -> None:
    """Carry out one search. Whoever asked for it, it is the system that finds pairs."""
    actions.find(run=Run.objects.get(pk=run_id), by=None, at=at, progress=progress)


@schedule("people.duplicates.nightly", "15 2 * * *")
def nightly(at: datetime) -> None:
    """At a quarter past two: late rows follow their persons, then the register is searched, which
    is not where what compares is not installed."""
    actions.bring_along(by=None, at=at)
    if finding.available():
        actions.request_run(trigger=Trigger.NIGHTLY, by=None, at=at)


@hold("people.Person")
def signposts(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever leads to another record is kept as long as that one, so that it can be undone."""
    return queries.signposts_kept(ids)
