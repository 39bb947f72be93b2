"""Ask for work to be done later, do it, and try again when it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from django_tasks import task

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.refusals import Refused
from fangkong.core.request_id import request_id

from . import rules
from .models import Job, Tick
from .types import Progress, Schedule, Work

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

log = logging.getLogger(__name__)

_works: dict[str, Work] = {}
_schedules: dict[str, Schedule] = {}

Call = Callable[[int, datetime, Progress], None]


class NotFailed(Refused):
    """Only a failed job can be tried again."""


def work(name: str, *, tries: int = 4) -> Callable[[Call], Call]:
    """Declare a job in a part's ``jobs.py``: ``@work("surveillance.warning.detect")``.

    The function gets the id of the record the job is about, the moment, and a ``progress`` to call
    with (done, total). It must be safe to run twice.
    """

    def decorate(call: Call) -> Call:
        _works[name] = Work(name, call, tries)
        return call

    return decorate


def schedule(
    name: str, cron: str
) -> Callable[[Callable[[datetime], None]], Callable[[datetime], None]]:
    """Declare something that happens by the clock: ``@schedule("…nightly", "30 1 * * *")``."""

    def decorate(call: Callable[[datetime], None]) -> Callable[[datetime], None]:
        _schedules[name] = Schedule(name, cron, call)
        return call

    return decorate


def enqueue(name: str, subject_id: int, *, by: AbstractBaseUser | None, at: datetime) -> Job:
    """Ask for a job within the caller's transaction: rolled back with it, seen only after it."""
    job = Job.objects.create(
        name=name, subject_id=subject_id, by_id=None if by is None else by.pk, asked_at=at
    )
    run_job.enqueue(job.pk)
    return job


@task()
def run_job(job_id: int) -> None:
    """Run one job and note how it went; called by the worker."""
    at = clock.now()
    job = Job.objects.get(pk=job_id)
    if job.state in (Job.State.DONE, Job.State.FAILED):
        return
    Job.objects.filter(pk=job_id).update(
        state=Job.State.RUNNING, started_at=at, tries=job.tries + 1
    )
    token = request_id.set(f"job:{job.public_id}")
    try:
        _works[job.name].call(job.subject_id, at, _progress_of(job_id))
    except Exception as problem:  # whatever a job does wrong must not stop the worker
        _note_failure(job, job.tries + 1, problem)
    else:
        Job.objects.filter(pk=job_id).update(state=Job.State.DONE, ended_at=clock.now(), problem="")
    finally:
        request_id.reset(token)


def _progress_of(job_id: int) -> Progress:
    def progress(done: int, total: int) -> None:
        Job.objects.filter(pk=job_id).update(done=done, total=total)

    return progress


def _note_failure(job: Job, tries: int, problem: Exception) -> None:
    """Plan the next try or park the job. The text keeps the kind of error, not its data."""
    log.error(
        "job failed", extra={"job": str(job), "tries": tries, "error": type(problem).__name__}
    )
    where = problem.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" ({where.tb_frame.f_code.co_filename}:{where.tb_lineno})" if where else ""
    text = f"{type(problem).__name__}{place}"[-300:]
    known = job.name in _works
    again = known and tries < _works[job.name].tries
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(
            state=Job.State.WAITING if again else Job.State.FAILED,
            problem=text,
            ended_at=None if again else clock.now(),
        )
        if again:
            later = datetime.now().astimezone() + rules.wait_before(tries + 1)
            run_job.using(run_after=later).enqueue(job.pk)


@transaction.atomic
def repeat(*, job: Job, by: AbstractBaseUser, at: datetime) -> Job:
    """Put a failed job back into the queue."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state != Job.State.FAILED:
        raise NotFailed(_("Only a failed job can be tried again."))
    job.state = Job.State.WAITING
    job.tries = 0
    job.ended_at = None
    job.save(update_fields=["state", "tries", "ended_at"])
    run_job.enqueue(job.pk)
    audit.record("core.queue.repeat", job, by=by, at=at)
    return job


def tick(at: datetime) -> list[str]:
    """Fire every schedule that is due in this minute and has not fired yet; returns their names."""
    minute = at.replace(second=0, microsecond=0)
    fired = []
    for name, plan in _schedules.items():
        if rules.fires(plan.cron, minute, clock.zone()) and _first(name, minute):
            try:
                plan.call(minute)
            except Exception:  # one bad schedule must not stop the others
                log.exception("schedule failed", extra={"schedule": name})
            fired.append(name)
    Tick.objects.filter(minute__lt=minute - timedelta(days=40)).delete()
    return fired


def _first(name: str, minute: datetime) -> bool:
    try:
        with transaction.atomic():
            Tick.objects.create(schedule=name, minute=minute)
    except IntegrityError:
        return False
    return True
