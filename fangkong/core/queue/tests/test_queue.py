"""Work for later: asked for with its transaction, tried again, parked and seen when it fails."""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.logs import JsonLines
from fangkong.core.management.commands.worker import Sender
from fangkong.core.queue import actions as queue
from fangkong.core.queue import queries
from fangkong.core.queue.actions import NotFailed
from fangkong.core.queue.models import Job, Tick
from fangkong.core.request_id import request_id
from fangkong.core.tests.together import at_once

AT = factories.AT
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def only_our_works(monkeypatch):
    """Jobs and schedules of the rooms stay out of these tests."""
    monkeypatch.setattr(queue, "_works", {})
    monkeypatch.setattr(queue, "TITLES", {})
    monkeypatch.setattr(queue, "_schedules", {})
    monkeypatch.setattr(queue, "_set_back", [])


@pytest.fixture
def done():
    """The calls of the job ``core.test.write``: (subject, request id)."""
    calls = []

    @queue.work("core.test.write", title="a job")
    def write(subject_id, at, progress):
        calls.append((subject_id, request_id.get()))

    return calls


@pytest.fixture
def tries():
    """The subjects that the job ``core.test.fail`` was called with; it always fails."""
    calls = []

    @queue.work("core.test.fail", title="a job", tries=3)
    def fail(subject_id, at, progress):
        calls.append(subject_id)
        raise ValueError("扎西 13908360000 cannot be written")

    return calls


def run_worker():
    """What ``fangkong worker`` does, until nothing is due."""
    Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="test",
        excluded_queue_names=[],
    ).run()


def pause_is_over():
    DBTaskResult.objects.ready().model.objects.filter(status="READY").update(
        run_after=timezone.now() - timedelta(seconds=1)
    )


def test_a_job_is_carried_out_once_with_its_subject(done):
    job = queue.enqueue("core.test.write", 42, by=None, at=AT)

    run_worker()
    run_worker()

    job.refresh_from_db()
    assert done == [(42, f"job:{job.public_id}")]
    assert (job.state, job.tries, job.percent, job.problem) == (Job.State.DONE, 1, 100, "")
    assert job.ended_at >= job.started_at


def test_a_job_is_rolled_back_with_the_work_that_asked_for_it(done):
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012  # both belong in it
        queue.enqueue("core.test.write", 42, by=None, at=AT)
        raise ZeroDivisionError

    run_worker()

    assert done == []
    assert not Job.objects.exists()


def test_a_job_is_not_seen_by_a_worker_before_its_transaction_ends(done):
    with transaction.atomic():
        queue.enqueue("core.test.write", 42, by=None, at=AT)
        waiting = at_once(lambda _n: DBTaskResult.objects.ready().count(), callers=1)

    assert waiting == [0]
    assert DBTaskResult.objects.ready().count() == 1


def test_a_failing_job_waits_longer_before_each_try(tries):
    job = queue.enqueue("core.test.fail", 1, by=None, at=AT)
    pauses = []
    for _ in range(2):
        run_worker()
        begin = timezone.now()
        pauses.append(round((DBTaskResult.objects.get(status="READY").run_after - begin).seconds))
        pause_is_over()

    job.refresh_from_db()
    assert 5 <= pauses[0] <= 10
    assert 50 <= pauses[1] <= 60
    assert (job.state, job.tries) == (Job.State.WAITING, 2)


def test_a_failing_job_is_not_tried_before_its_pause_is_over(tries):
    queue.enqueue("core.test.fail", 1, by=None, at=AT)

    run_worker()
    run_worker()

    assert tries == [1]


def test_after_its_last_try_a_job_is_parked_where_a_person_sees_it(tries):
    job = queue.enqueue("core.test.fail", 1, by=None, at=AT)
    for _ in range(6):
        run_worker()
        pause_is_over()

    job.refresh_from_db()
    assert tries == [1, 1, 1]
    assert job.state == Job.State.FAILED
    assert queries.failed_count() == 1
    assert queries.latest_about("core.test.fail", 1) == job


def test_what_is_kept_of_a_failure_names_the_error_and_the_place_but_no_data(tries):
    job = queue.enqueue("core.test.fail", 1, by=None, at=AT)
    run_worker()

    job.refresh_from_db()
    assert job.problem.startswith("ValueError (")
    assert "test_queue.py" in job.problem
    for kept in (job.problem, *DBTaskResult.objects.values_list("traceback", flat=True)):
        assert "扎西" not in kept
        assert "13908360000" not in kept


def test_a_crashing_job_does_not_stop_the_next_one(done, tries):
    queue.enqueue("core.test.fail", 1, by=None, at=AT)
    queue.enqueue("core.test.write", 2, by=None, at=AT)

    run_worker()

    assert [subject for subject, _request in done] == [2]


def test_a_job_that_dies_inside_its_transaction_is_still_noted():
    @queue.work("core.test.half", title="a job", tries=1)
    def half(subject_id, at, progress):
        with transaction.atomic():
            Tick.objects.create(schedule="half", minute=at)
            raise ZeroDivisionError

    job = queue.enqueue("core.test.half", 1, by=None, at=AT)
    run_worker()

    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert not Tick.objects.exists()


def test_a_job_that_nobody_knows_is_parked_at_once():
    job = queue.enqueue("core.test.unknown", 1, by=None, at=AT)

    run_worker()

    job.refresh_from_db()
    assert (job.state, job.tries) == (Job.State.FAILED, 1)
    assert job.problem.startswith("KeyError")


def test_a_parked_job_is_tried_again_when_a_person_says_so(tries, done):
    keeper = factories.user()
    job = queue.enqueue("core.test.fail", 1, by=None, at=AT)
    for _ in range(3):
        run_worker()
        pause_is_over()
    queue.work("core.test.fail", title="a job", tries=3)(
        lambda subject_id, at, progress: done.append(subject_id)
    )

    queue.repeat(job=job, by=keeper, at=AT)
    run_worker()

    job.refresh_from_db()
    assert done == [1]
    assert (job.state, job.tries) == (Job.State.DONE, 1)
    line = AuditLine.objects.get(action="core.queue.repeat")
    assert (line.subject_id, line.by_id) == (job.pk, keeper.pk)


@pytest.mark.parametrize("state", [Job.State.WAITING, Job.State.RUNNING, Job.State.DONE])
def test_a_job_that_has_not_failed_is_not_repeated(state):
    job = Job.objects.create(name="core.test.write", subject_id=1, asked_at=AT, state=state)

    with pytest.raises(NotFailed):
        queue.repeat(job=job, by=factories.user(), at=AT)

    assert not DBTaskResult.objects.exists()
    assert not AuditLine.objects.exists()


def test_of_two_people_who_repeat_a_job_at_the_same_moment_one_is_refused():
    keeper = factories.user()
    job = Job.objects.create(name="x", subject_id=1, asked_at=AT, state=Job.State.FAILED)

    results = at_once(lambda _n: queue.repeat(job=job, by=keeper, at=AT))

    assert sorted(type(result).__name__ for result in results) == ["Job", "NotFailed"]
    assert DBTaskResult.objects.count() == 1
    assert AuditLine.objects.count() == 1


def test_a_job_says_how_far_it_has_come():
    seen = []

    @queue.work("core.test.count", title="a job")
    def count(subject_id, at, progress):
        progress(0, 8)
        progress(3, 8)
        seen.append(Job.objects.get().percent)

    job = queue.enqueue("core.test.count", 1, by=None, at=AT)
    assert job.percent == 0
    run_worker()

    job.refresh_from_db()
    assert seen == [37]
    assert (job.done, job.total, job.percent) == (3, 8, 100)


def test_a_failed_job_keeps_how_far_it_came():
    @queue.work("core.test.count", title="a job", tries=1)
    def count(subject_id, at, progress):
        progress(3, 8)
        raise ZeroDivisionError

    job = queue.enqueue("core.test.count", 1, by=None, at=AT)
    run_worker()

    job.refresh_from_db()
    assert job.percent == 37


def test_the_page_of_jobs_needs_one_statement(django_assert_num_queries):
    keeper = factories.user()
    for number in range(3):
        queue.enqueue("core.test.write", number, by=keeper, at=AT)

    with django_assert_num_queries(1):
        assert [job.by.username for job in queries.jobs()] == [keeper.username] * 3


# --- By the clock ---------------------------------------------------------------------------------

HALF_PAST_ONE = datetime(2020, 2, 5, 1, 30, 20, tzinfo=AT.tzinfo)


@pytest.fixture
def nights():
    """The minutes at which the schedule ``nightly`` has fired."""
    fired = []
    queue.schedule("nightly", "30 1 * * *")(fired.append)
    return fired


def test_a_schedule_fires_once_however_often_the_clock_is_looked_at(nights):
    for seconds in (0, 15, 30):
        queue.tick(HALF_PAST_ONE + timedelta(seconds=seconds))

    assert nights == [HALF_PAST_ONE.replace(second=0)]


def test_a_schedule_fires_again_the_next_night(nights):
    queue.tick(HALF_PAST_ONE)
    queue.tick(HALF_PAST_ONE + timedelta(days=1))

    assert len(nights) == 2


def test_nothing_fires_in_another_minute(nights):
    assert queue.tick(HALF_PAST_ONE + timedelta(minutes=1)) == []
    assert nights == []


def test_a_tick_fires_once_although_eight_workers_tick_together(nights):
    results = at_once(lambda _n: queue.tick(HALF_PAST_ONE), callers=8)

    assert sorted(results) == [[]] * 7 + [["nightly"]]
    assert len(nights) == 1


def test_a_schedule_that_breaks_does_not_stop_the_others(nights):
    def broken(at):
        raise ZeroDivisionError

    queue.schedule("a-broken-one", "30 1 * * *")(broken)

    assert sorted(queue.tick(HALF_PAST_ONE)) == ["a-broken-one", "nightly"]
    assert len(nights) == 1


def test_a_night_that_no_worker_lived_to_see_is_made_up_for_once(nights):
    morning = HALF_PAST_ONE + timedelta(days=3, hours=6)

    queue.tick(HALF_PAST_ONE)
    results = at_once(lambda _n: queue.tick(morning), callers=4)

    assert sorted(results) == [[]] * 3 + [["nightly"]]  # of three nights the last
    assert nights == [HALF_PAST_ONE.replace(second=0), morning.replace(second=0)]
    assert queue.tick(morning + timedelta(minutes=1)) == []
    assert queue.tick(HALF_PAST_ONE + timedelta(days=4)) == ["nightly"]


def test_what_has_only_begun_has_missed_no_night_but_misses_the_next(nights):
    noon = HALF_PAST_ONE + timedelta(hours=10)
    fired = [queue.tick(noon + timedelta(days=n)) for n in range(3)]

    assert fired == [[], ["nightly"], ["nightly"]]


def test_what_comes_every_hour_is_not_made_up_for():
    queue.schedule("core.test.hourly", "10 * * * *")(lambda at: None)
    ten_past = HALF_PAST_ONE - timedelta(minutes=20)

    assert [len(queue.tick(ten_past + timedelta(minutes=n))) for n in (0, 90, 120)] == [1, 0, 1]


def test_ticks_of_past_months_are_forgotten_and_those_of_last_week_are_not(nights):
    queue.tick(HALF_PAST_ONE - timedelta(days=41))
    queue.tick(HALF_PAST_ONE - timedelta(days=7))
    queue.tick(HALF_PAST_ONE)

    assert Tick.objects.count() == 2


def test_the_log_of_a_failed_job_carries_ids_and_no_data(tries, caplog):
    job = queue.enqueue("core.test.fail", 1, by=None, at=AT)
    with caplog.at_level(logging.ERROR, "fangkong"):
        run_worker()

    line = json.loads(JsonLines().format(caplog.records[-1]))
    assert line["error"] == "ValueError"
    assert line["job"] == f"core.test.fail:{job.subject_id}"
    assert "扎西" not in json.dumps(line, ensure_ascii=False)


# --- The clock is set back ------------------------------------------------------------------------


def fired_at(*moments: datetime) -> list[list[str]]:
    return [queue.tick(moment) for moment in moments]


def test_after_the_clock_was_set_back_no_moment_fires_twice_and_rhythms_go_on():
    queue.schedule("core.test.daily", "0 10 * * *")(lambda at: None)
    queue.schedule("core.test.each_minute", "* * * * *")(lambda at: None)
    ten = clock.start_of(AT.date()) + timedelta(hours=10)
    both, rhythm = ["core.test.daily", "core.test.each_minute"], ["core.test.each_minute"]

    assert fired_at(ten, ten + timedelta(days=1)) == [both, both]
    assert fired_at(ten, ten + timedelta(minutes=1)) == [[], rhythm]
    assert fired_at(ten + timedelta(days=1)) == [rhythm]  # the day that was fired before its time


def test_two_workers_whose_clocks_differ_by_minutes_fire_each_minute_once():
    queue.schedule("core.test.each_minute", "* * * * *")(lambda at: None)

    assert [len(one) for one in fired_at(AT + timedelta(minutes=9), AT, AT)] == [1, 1, 0]
    assert fired_at(AT + timedelta(minutes=9)) == [[]]


def test_a_try_that_was_planned_by_a_clock_a_day_ahead_is_not_a_day_late(tries):
    queue.schedule("core.test.each_minute", "* * * * *")(lambda at: None)
    queue.enqueue("core.test.fail", 7, by=None, at=AT)
    run_worker()
    planned = timezone.now() + timedelta(days=1, seconds=10)
    DBTaskResult.objects.filter(status="READY").update(run_after=planned)
    told = []
    queue.when_set_back(lambda at, far: told.append(far))

    fired_at(AT + timedelta(days=1), AT)

    order = DBTaskResult.objects.get(status="READY")
    assert order.run_after == planned - timedelta(days=1)
    assert told == [timedelta(days=1)]


# --- What waits for other machines ----------------------------------------------------------------


def test_a_job_that_waits_for_other_machines_is_done_beside_the_others():
    began, go_on = threading.Event(), threading.Event()

    @queue.work("core.test.send", title="a job", outside=True)
    def send(subject_id, at, progress):
        began.set()
        go_on.wait(20)

    @queue.work("core.test.quick", title="a job")
    def quick(subject_id, at, progress):
        pass

    slow = queue.enqueue("core.test.send", 1, by=None, at=AT)
    other = queue.enqueue("core.test.quick", 1, by=None, at=AT)
    sender = Sender()
    sender.start()
    try:
        assert began.wait(20)
        run_worker()  # the house goes on while the sender waits
        other.refresh_from_db()
        slow.refresh_from_db()
        assert (other.state, slow.state) == ("done", "running")
    finally:
        go_on.set()
        sender.stop()
    slow.refresh_from_db()
    assert slow.state == "done" and not sender.is_alive()


def test_a_failed_try_goes_back_into_the_queue_that_it_came_from():
    @queue.work("core.test.send", title="a job", tries=2, outside=True)
    def send(subject_id, at, progress):
        raise OSError

    job = queue.enqueue("core.test.send", 1, by=None, at=AT)
    queue.run_job.call(job.pk)
    queue.run_job.call(job.pk)
    job.refresh_from_db()
    queue.repeat(job=job, by=factories.user(), at=AT)

    assert list(DBTaskResult.objects.values_list("queue_name", flat=True)) == ["outside"] * 3


def test_jobs_that_are_done_are_cleared_after_their_term_and_failed_ones_stay(done, tries):
    for name in ("core.test.write", "core.test.write", "core.test.fail"):
        queue.enqueue(name, 1, by=None, at=AT)
    run_worker()
    Job.objects.filter(name="core.test.fail").update(state="failed", ended_at=AT)
    Job.objects.filter(name="core.test.write").update(ended_at=AT)
    term = timedelta(days=30)

    assert queue.forget(at=AT + term, kept_for=term) == 0
    assert queue.forget(at=AT + term + timedelta(minutes=1), kept_for=term) == 2
    assert Job.objects.get().name == "core.test.fail"
    line = AuditLine.objects.get(action="core.queue.forget")
    assert line.detail == {"jobs": 2}

    DBTaskResult.objects.filter(status="SUCCESSFUL").update(
        finished_at=timezone.now() - term - timedelta(minutes=1)
    )
    queue.forget(at=AT, kept_for=term)
    assert not DBTaskResult.objects.filter(status="SUCCESSFUL").exists()
    assert DBTaskResult.objects.filter(status="READY").exists()  # the next try of what fails
