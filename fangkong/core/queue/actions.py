"""Ask for work to be done later, do it, and try again when it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_tasks import DEFAULT_TASK_QUEUE_NAME, task
from django_tasks_db.models import DBTaskResult

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit.context import acting
from fangkong.core.refusals import Refused
from fangkong.core.request_id import request_id

from . import rules, workers
from .models import Job, Tick
from .types import OUTSIDE, TITLES, Progress, Schedule, Work

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet

log = logging.getLogger(__name__)

_works: dict[str, Work] = {}
_schedules: dict[str, Schedule] = {}
_set_back: list[Callable[[datetime, timedelta], None]] = []

Call = Callable[[int, datetime, Progress], None]
MOST_AT_ONCE = 5000  # rows that one transaction clears


class NotFailed(Refused):
    """Only a failed job can be tried again."""


def work(
    name: str, *, title: str | Promise, tries: int = 4, outside: bool = False
) -> Callable[[Call], Call]:
    """Declare a job in a part's ``jobs.py``: ``@work("…warning.detect", title=_("Detection"))``.

    ``title`` is what the page of jobs calls it: an office, not its computer, reads it there.
    ``outside``: it waits for other machines, and goes into the queue of its own for that.
    The function gets the id of the record the job is about, the moment, and a ``progress`` to call
    with (done, total). It must be safe to run twice.
    """

    def decorate(call: Call) -> Call:
        _works[name] = Work(name, call, tries, outside)
        TITLES[name] = title
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


def when_set_back(call: Callable[[datetime, timedelta], None]) -> None:
    """Have a part told that the clock was set back, and how far: what waits for a moment would wait
    longer by that. Called with (now, how far), in one transaction with the queue's own."""
    _set_back.append(call)


def enqueue(name: str, subject_id: int, *, by: AbstractBaseUser | None, at: datetime) -> Job:
    """Ask for a job within the caller's transaction: rolled back with it, seen only after it."""
    job = Job.objects.create(
        name=name, subject_id=subject_id, by_id=None if by is None else by.pk, asked_at=at
    )
    _order(job)
    return job


def _order(job: Job, *, run_after: datetime | None = None) -> None:
    """Put a job into its queue."""
    outside = job.name in _works and _works[job.name].outside
    queue_name = OUTSIDE if outside else DEFAULT_TASK_QUEUE_NAME
    run_job.using(queue_name=queue_name, run_after=run_after).enqueue(job.pk)


@task()
def run_job(job_id: int) -> None:
    """Run one job and note how it went; called by the worker.

    Who begins it is noted before anything is done: a job that kills its worker has used up a try.
    """
    at = clock.now()
    job = Job.objects.get(pk=job_id)
    if job.state != Job.State.WAITING:
        return
    taken = Job.objects.filter(pk=job_id, state=Job.State.WAITING).update(
        state=Job.State.RUNNING,
        started_at=at,
        tries=job.tries + 1,
        worker=workers.this_worker(),
        seen_at=timezone.now(),
    )
    if not taken:
        return
    token = request_id.set(f"job:{job.public_id}")
    try:
        with _heard_of(job_id), acting(by_id=job.by_id, at=at):
            _works[job.name].call(job.subject_id, at, _progress_of(job_id))
    except Exception as problem:  # whatever a job does wrong must not stop the worker
        _note_failure(job, job.tries + 1, problem)
    else:
        _still_ours(job).update(state=Job.State.DONE, ended_at=clock.now(), problem="")
    finally:
        request_id.reset(token)


def _still_ours(job: Job) -> QuerySet[Job]:
    """The job as this try began it; nothing where another worker has taken it up meanwhile."""
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, tries=job.tries + 1)


@contextmanager
def _heard_of(job_id: int) -> Iterator[None]:
    """While the job runs, say every few seconds that its worker lives."""
    over = Event()

    def beat() -> None:
        while not over.wait(workers.BEAT_SECONDS):
            try:
                Job.objects.filter(pk=job_id).update(seen_at=timezone.now())
            except DatabaseError:  # locked or away for a moment; the next beat comes
                log.warning("job could not say that it lives", extra={"job_id": job_id})
            finally:
                connection.close()

    thread = Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1)


def take_up(now: datetime) -> int:
    """Put the jobs of workers that are gone back into the queue; gives how many.

    A job whose tries are used up is parked instead, so that one that kills every worker does not go
    round for ever. ``now`` is the real time, not that of a demonstration.
    """
    running = list(Job.objects.filter(state=Job.State.RUNNING))
    _looked.update({job.pk: (job.seen_at, monotonic()) for job in running if _heard_anew(job)})
    for pk in _looked.keys() - {job.pk for job in running}:
        del _looked[pk]
    lost = [
        job
        for job in running
        if workers.is_dead(job.worker) or workers.is_silent(job.seen_at, now, _unheard(job))
    ]
    for job in lost:
        _take_up_one(job, now)
    return len(lost) + _forgotten(now)


# When each running job was last heard of, and by which time that does not jump this was seen first.
_looked: dict[int, tuple[datetime | None, float]] = {}


def _heard_anew(job: Job) -> bool:
    return _looked.get(job.pk, (None, 0.0))[0] != job.seen_at or job.pk not in _looked


def _unheard(job: Job) -> timedelta:
    """How long nothing new was heard of a running job, by this process' own time."""
    return timedelta(seconds=monotonic() - _looked[job.pk][1])


def _take_up_one(job: Job, now: datetime) -> None:
    again = job.name in _works and job.tries < _works[job.name].tries
    with transaction.atomic():
        mine = Job.objects.filter(
            pk=job.pk, state=Job.State.RUNNING, worker=job.worker, seen_at=job.seen_at
        ).update(
            state=Job.State.WAITING if again else Job.State.FAILED,
            problem="WorkerLost",
            worker="",
            ended_at=None if again else clock.now(),
        )
        if not mine:  # another worker was quicker, or the job's own lives after all
            return
        _orders().filter(args_kwargs=_arguments(job.pk)).update(
            status="FAILED", finished_at=now, exception_class_path="WorkerLost", traceback=""
        )
        if again:
            _order(job)
    log.error("job taken up" if again else "job parked", extra={"job": str(job)})


def _forgotten(now: datetime) -> int:
    """Jobs whose worker was lost between taking the order and noting so."""
    found = 0
    for order in _orders().filter(started_at__lt=now - workers.LEASE):
        job = Job.objects.filter(pk=order.args_kwargs["args"][0]).first()
        if job is not None and job.state == Job.State.RUNNING:
            continue  # it takes long, and its worker lives
        with transaction.atomic():
            mine = _orders().filter(pk=order.pk).update(status="FAILED", finished_at=now)
            if mine and job is not None and job.state == Job.State.WAITING:
                _order(job)
                found += 1
    return found


def _orders() -> QuerySet[DBTaskResult[..., None]]:
    """The orders to run a job that some worker has taken."""
    return DBTaskResult.objects.filter(status="RUNNING", task_path=run_job.module_path)


def _arguments(job_id: int) -> dict[str, object]:
    return {"args": [job_id], "kwargs": {}}


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
        ours = _still_ours(job).update(
            state=Job.State.WAITING if again else Job.State.FAILED,
            problem=text,
            ended_at=None if again else clock.now(),
        )
        if again and ours:
            later = datetime.now().astimezone() + rules.wait_before(tries + 1)
            _order(job, run_after=later)


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
    _order(job)
    audit.record("core.queue.repeat", job, by=by, at=at)
    return job


def tick(at: datetime) -> list[str]:
    """Fire every schedule that is due in this minute and has not fired yet; returns their names.

    What comes once a day, or seldomer, and whose moment no worker lived to see, is made up for: the
    last moment alone, and told the present one. Where the clock was set back, what has fired at a
    moment does not fire there again; only what comes every hour or oftener goes on at once.
    """
    minute = at.replace(second=0, microsecond=0)
    _go_on_after_set_back(minute)
    missed = _missed(minute)
    fired = []
    for name, plan in _schedules.items():
        due = missed.get(name, minute)
        if (name in missed or rules.fires(plan.cron, minute, clock.zone())) and _first(name, due):
            if due < minute:
                log.warning("schedule made up for", extra={"schedule": name})
            try:
                plan.call(minute)
            except Exception:  # one bad schedule must not stop the others
                log.exception("schedule failed", extra={"schedule": name})
            fired.append(name)
    Tick.objects.filter(minute__lt=minute - timedelta(days=40)).delete()
    return fired


def _missed(minute: datetime) -> dict[str, datetime]:
    """The schedules of single moments whose last one has gone by unseen, with that moment.

    One that never fired has missed nothing: its last moment is noted as the beginning.
    """
    due = {
        name: rules.due(plan.cron, minute, clock.zone())
        for name, plan in _schedules.items()
        if not rules.is_rhythm(plan.cron)
    }
    marks = Tick.objects.filter(schedule__in=due).values("schedule").annotate(newest=Max("minute"))
    newest = dict(marks.order_by().values_list("schedule", "newest"))
    for name, moment in due.items():
        if name not in newest and moment < minute:
            _first(name, moment)
    return {
        name: moment
        for name, moment in due.items()
        if name in newest and newest[name] < moment < minute
    }


def _go_on_after_set_back(minute: datetime) -> None:
    """Where marks lie far ahead the clock was set back: rhythms begin anew, waits are shortened."""
    rhythms = [name for name, plan in _schedules.items() if rules.is_rhythm(plan.cron)]
    marks = Tick.objects.filter(schedule__in=rhythms, minute__gt=minute)
    newest = marks.order_by("-minute").values_list("minute", flat=True).first()
    if newest is None or newest - minute <= rules.AHEAD:
        return
    far = newest - minute
    with transaction.atomic():
        gone, _kinds = marks.delete()
        if not gone:  # another worker was quicker
            return
        # Tries are planned by the clock that was: none is planned further ahead than the longest.
        latest = datetime.now().astimezone() + rules.LONGEST_PAUSE
        planned = DBTaskResult.objects.filter(status="READY", run_after__gt=latest)
        planned.update(run_after=F("run_after") - far)
        for call in _set_back:
            call(minute, far)
    log.error("clock was set back", extra={"minutes": int(far.total_seconds() // 60)})


@transaction.atomic
def forget(*, at: datetime, kept_for: timedelta) -> int:
    """Clear jobs that were done longer ago, and the orders of such jobs; how many jobs.

    What failed stays until somebody has seen to it.
    """
    old = Job.objects.filter(state=Job.State.DONE, ended_at__lt=at - kept_for).order_by("-pk")
    keys = list(old.values_list("pk", flat=True)[:MOST_AT_ONCE])
    if keys:
        audit.record(
            "core.queue.forget", Job(pk=keys[0]), by=None, at=at, detail={"jobs": len(keys)}
        )
        Job.objects.filter(pk__in=keys).delete()
    # By the real clock, as the queue itself keeps them.
    over = DBTaskResult.objects.filter(
        status__in=["SUCCESSFUL", "FAILED"], finished_at__lt=timezone.now() - kept_for
    )
    some = list(over.values_list("pk", flat=True)[:MOST_AT_ONCE])
    DBTaskResult.objects.filter(pk__in=some).delete()
    return len(keys)


def forget_ticks(name: str, *, before: datetime | None = None) -> None:
    """Remove the marks of a schedule whose past says nothing; all of them without ``before``."""
    ticks = Tick.objects.filter(schedule=name)
    (ticks if before is None else ticks.filter(minute__lt=before)).delete()


def _first(name: str, minute: datetime) -> bool:
    try:
        with transaction.atomic():
            Tick.objects.create(schedule=name, minute=minute)
    except IntegrityError:
        return False
    return True
