"""A worker that is killed leaves its job to another one; a job that kills workers is parked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from fangkong.core.queue import actions as queue
from fangkong.core.queue import workers
from fangkong.core.queue.models import Job

from .test_queue import AT, run_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def only_our_works(monkeypatch):
    monkeypatch.setattr(queue, "_works", {})
    monkeypatch.setattr(queue, "TITLES", {})
    monkeypatch.setattr(queue, "_schedules", {})


@pytest.fixture
def calls():
    made = []
    queue.work("core.test.long", title="a job", tries=3)(
        lambda subject_id, at, progress: made.append(subject_id)
    )
    return made


@pytest.fixture
def later(monkeypatch):
    """Lets time go by that no clock shows: more than two beats, if nothing is said."""
    gone = [0.0]
    monkeypatch.setattr(queue, "_looked", {})
    monkeypatch.setattr(queue, "monotonic", lambda: gone[0])

    def go_by(time=workers.TWO_BEATS):
        gone[0] += time.total_seconds() + 1

    return go_by


def begun(*, worker: str, seen_at, tries: int = 1) -> Job:
    """A job as a worker leaves it that is killed in the middle."""
    job = queue.enqueue("core.test.long", 7, by=None, at=AT)
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.RUNNING, worker=worker, seen_at=seen_at, tries=tries
    )
    DBTaskResult.objects.update(status="RUNNING", started_at=seen_at, worker_ids=["killed"])
    job.refresh_from_db()
    return job


def dead_worker() -> str:
    """The name of a worker of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    machine = workers.this_worker().split(":")[0]
    name = f"{machine}:{process.pid}:{workers._begun(process.pid)}"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return name


def test_a_job_of_a_killed_worker_on_this_machine_is_taken_up_at_once(calls):
    job = begun(worker=dead_worker(), seen_at=timezone.now())

    assert queue.take_up(timezone.now()) == 1
    run_worker()

    job.refresh_from_db()
    assert calls == [7]
    assert (job.state, job.tries, job.problem) == (Job.State.DONE, 2, "")
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {"FAILED", "SUCCESSFUL"}


def test_a_job_of_a_worker_that_lives_is_left_to_it(calls):
    job = begun(worker=workers.this_worker(), seen_at=timezone.now())

    # Also where the clock was set forward by a day: the process is there.
    assert queue.take_up(timezone.now() + timedelta(days=1)) == 0
    run_worker()

    job.refresh_from_db()
    assert calls == []
    assert job.state == Job.State.RUNNING


@pytest.mark.parametrize("worker", ["this", "elsewhere.boot:12:3456"])
def test_a_clock_that_is_set_forward_takes_no_job_from_a_worker_that_is_heard_of(
    calls, later, worker
):
    job = begun(worker=workers.this_worker() if worker == "this" else worker, seen_at=AT)
    tomorrow = timezone.now() + timedelta(days=1)

    assert queue.take_up(tomorrow) == 0
    Job.objects.filter(pk=job.pk).update(seen_at=tomorrow)  # the next beat, by the new clock
    later()
    assert queue.take_up(tomorrow) == 0


@pytest.mark.parametrize(("heard_again", "taken"), [(False, 1), (True, 0)])
def test_a_clock_that_is_set_back_makes_no_job_of_a_dead_worker_wait_longer(
    calls, later, heard_again, taken
):
    now = timezone.now()
    job = begun(worker="elsewhere.boot:12:3456", seen_at=now + timedelta(days=1))

    assert queue.take_up(now) == 0
    later()
    assert queue.take_up(now) == 0  # the length of the lease is not over by any time
    if heard_again:
        Job.objects.filter(pk=job.pk).update(seen_at=now)
        assert queue.take_up(now) == 0
    later(workers.LEASE - workers.TWO_BEATS)
    assert queue.take_up(now) == taken


def test_a_job_that_its_living_worker_has_forgotten_is_taken_up_when_it_is_silent(calls, later):
    """As where the database was away when the failure of the job was to be noted."""
    begun(worker=workers.this_worker(), seen_at=timezone.now() - workers.LEASE)

    assert queue.take_up(timezone.now()) == 0
    later()
    assert queue.take_up(timezone.now()) == 1


@pytest.mark.parametrize(("silent_for", "taken"), [(89, 0), (91, 1)])
def test_a_worker_of_another_machine_keeps_its_job_for_the_length_of_the_lease(
    calls, later, silent_for, taken
):
    seen = timezone.now()
    begun(worker="elsewhere.boot:12:3456", seen_at=seen)
    now = seen + timedelta(seconds=silent_for)

    assert queue.take_up(now) == 0  # the clock may have been set: look once more
    later()
    assert queue.take_up(now) == taken


def test_a_job_that_has_killed_as_many_workers_as_it_has_tries_is_parked(calls):
    job = begun(worker=dead_worker(), seen_at=timezone.now(), tries=3)

    queue.take_up(timezone.now())
    run_worker()

    job.refresh_from_db()
    assert calls == []
    assert (job.state, job.problem) == (Job.State.FAILED, "WorkerLost")
    assert job.ended_at is not None


def test_two_workers_that_look_at_the_same_moment_take_a_job_up_once(calls):
    begun(worker=dead_worker(), seen_at=timezone.now())
    now = timezone.now()
    first, second = list(Job.objects.all()), list(Job.objects.all())

    queue._take_up_one(first[0], now)
    queue._take_up_one(second[0], now)

    assert DBTaskResult.objects.filter(status="READY").count() == 1


def test_a_worker_lost_between_taking_the_order_and_noting_it_loses_no_job(calls):
    job = queue.enqueue("core.test.long", 7, by=None, at=AT)
    DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now(), worker_ids=["killed"])

    assert queue.take_up(timezone.now()) == 0  # it may have just been taken
    assert queue.take_up(timezone.now() + workers.LEASE + timedelta(seconds=1)) == 1
    run_worker()

    job.refresh_from_db()
    assert (calls, job.state) == ([7], Job.State.DONE)


def test_a_worker_that_wakes_up_too_late_does_not_end_what_another_has_taken_up(later):
    job = queue.enqueue("core.test.late", 7, by=None, at=AT)

    @queue.work("core.test.late", title="a job", tries=3)
    def late(subject_id, at, progress):
        silent = {"seen_at": timezone.now() - workers.LEASE, "worker": "elsewhere.boot:12:3456"}
        Job.objects.filter(pk=job.pk).update(**silent)
        if Job.objects.get(pk=job.pk).tries == 1:
            queue.take_up(timezone.now())
            later()
            queue.take_up(timezone.now())

    queue.run_job.call(job.pk)

    job.refresh_from_db()
    assert job.state == Job.State.WAITING  # not done: the other worker's try decides


def test_a_running_job_says_that_it_lives(monkeypatch):
    monkeypatch.setattr(workers, "BEAT_SECONDS", 0.01)
    seen = []

    @queue.work("core.test.slow", title="a job")
    def slow(subject_id, at, progress):
        first = Job.objects.get().seen_at
        for _look in range(10_000):
            if Job.objects.get().seen_at > first:
                seen.append(True)
                return

    queue.enqueue("core.test.slow", 1, by=None, at=AT)
    run_worker()

    assert seen == [True]
