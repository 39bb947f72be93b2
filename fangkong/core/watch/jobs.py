"""What the worker says of itself, and what is read of the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.utils import timezone

from fangkong.core import clock
from fangkong.core.backup import hooks, ledger
from fangkong.core.queue import queries as queue
from fangkong.core.queue.actions import forget, forget_ticks, schedule
from fangkong.core.retention import nights

from . import figures, health, probes, trail

_ = probes, trail  # declare what the doctor looks at


@schedule("core.watch.heartbeat", "* * * * *")
def heartbeat(at: datetime) -> None:
    """A tick each minute says that a worker lives; old ones are of no use."""
    forget_ticks("core.watch.heartbeat", before=at)


@schedule("core.queue.forget", "35 3 * * *")
def forget_jobs(at: datetime) -> None:
    """Jobs that are done, after the term of the outbox; some thousands a night."""
    nights.require_plausible(at)
    forget(at=at, kept_for=timedelta(days=settings.FANGKONG_OUTBOX_DAYS))


@hooks.after_restore("core.watch.heartbeat")
def no_worker_yet(at: datetime) -> None:
    """A sign of life that came with a backup is that of another place's worker."""
    forget_ticks("core.watch.heartbeat")


def _refused(sender: Any, **facts: Any) -> None:
    figures.refused_sign_ins.inc()


user_login_failed.connect(_refused, dispatch_uid="fangkong.watch")


@figures.figure("jobs_waiting", "Background jobs that wait")
def _waiting() -> float:
    return queue.waiting_count()


@figures.figure("jobs_failed", "Background jobs that wait for a person")
def _failed() -> float:
    return queue.failed_count()


@figures.figure("job_oldest_seconds", "Age of the oldest waiting job")
def _oldest() -> float:
    asked = queue.oldest_waiting()
    return round((clock.now() - asked).total_seconds()) if asked else 0


@figures.figure("worker_silent_seconds", "Since when no worker has been heard of")
def _silent() -> float:
    return max(0, round(health.worker_silent_for().total_seconds()))


@figures.figure("backup_proven_age_seconds", "Age of the last backup that was proven")
def _proven() -> float:
    one = ledger.last_proven()
    if one is None:
        return inf  # no backup is older than any, so the alarm for old ones goes off
    return round((timezone.now() - datetime.fromisoformat(one.made_at)).total_seconds())
