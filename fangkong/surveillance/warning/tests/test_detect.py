from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import date, timedelta
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import IntegrityError, transaction

from fangkong.core.audit import queries as audit
from fangkong.core.queue import actions as queue
from fangkong.core.queue.models import Job
from fangkong.core.tests.together import at_once
from fangkong.packs import queries as packs
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.models import DailyCount
from fangkong.surveillance.monitoring.types import counts_changed
from fangkong.surveillance.warning import actions, queries, rules
from fangkong.surveillance.warning.models import DetectionRun, Signal
from fangkong.surveillance.warning.types import Trigger
from fangkong.tasks import queries as tasks

from .factories import COVID, FLU, detected, listed, moment, outbreak, raised, reported

FIRST = date(2020, 2, 2)
DAY = date(2020, 2, 5)
NOW = moment(date(2020, 2, 13))


def test_the_first_case_of_daofu_raises_a_signal_with_a_task_of_two_hours(daofu):
    signal = raised(daofu, FIRST)

    assert (signal.state, signal.observed, signal.methods) == ("new", 1, ["fixed_count"])
    assert signal.due_at == listed(signal) + timedelta(hours=2)
    (task,) = tasks.for_source(signal)
    assert (task.area, task.owner_role, task.due_at) == (daofu, "county_cdc", signal.due_at)
    assert task.source_url == signal.get_absolute_url()


def test_a_day_without_cases_raises_nothing(daofu):
    run = detected(FIRST)
    assert not Signal.objects.exists()
    assert (run.signal_count, run.pack) == (0, "cn-2020-01")
    assert run.series_count > 0 and run.ended_at is not None


def test_discarded_cases_raise_nothing(daofu):
    reported(daofu, {FIRST: 3}, case_class="discarded")
    detected(FIRST)
    assert not Signal.objects.exists()


def test_the_open_signal_is_carried_on_from_day_to_day_and_never_doubled(daofu):
    first = raised(daofu, FIRST)
    outbreak(daofu)
    for day in (3, 4, 5):
        detected(date(2020, 2, day))

    signal = Signal.objects.get()
    assert signal.pk == first.pk
    assert (signal.day, signal.observed) == (DAY, 7)
    assert (signal.listed_at, signal.due_at) == (first.listed_at, first.due_at)
    assert tasks.for_source(signal).count() == 1
    by_day: dict[date, set[str]] = defaultdict(set)
    for alarm in signal.alarms.all():
        by_day[alarm.day].add(alarm.method)
    assert by_day[FIRST] == {"fixed_count"}
    assert by_day[DAY] == {"adaptive", "fixed_count", "c2", "c3"}


def test_a_second_run_of_the_same_day_changes_nothing(daofu):
    signal = raised(daofu)
    alarms = signal.alarms.count()
    detected(DAY)
    assert Signal.objects.get().alarms.count() == alarms
    assert "surveillance.warning.renew" not in [a.action for a in audit.history_of(signal)]


def test_the_database_itself_refuses_a_second_open_signal(daofu):
    signal = raised(daofu)
    signal.pk, signal.public_id, signal._state.adding = None, "0" * 32, True
    with pytest.raises(IntegrityError), transaction.atomic():
        signal.save(force_insert=True)


def answered(signal, by, at=None):
    return actions.answer(
        signal=signal,
        outcome="watch",
        note="Called the hospital",
        by=by,
        at=at or moment(signal.day),
    )


def test_after_an_answer_the_same_count_raises_nothing_and_one_more_case_does(daofu, daofu_cdc):
    first = answered(raised(daofu), daofu_cdc)
    assert first.observed_at_answer == 7
    detected(DAY)
    assert Signal.objects.count() == 1

    reported(daofu, {DAY: 3})
    detected(DAY)

    again = Signal.objects.latest("pk")
    assert again.pk != first.pk
    assert (again.state, again.observed) == ("new", 8)


def test_after_fourteen_quiet_days_the_same_count_is_news(daofu, daofu_cdc):
    answered(raised(daofu, FIRST), daofu_cdc)
    # One case stays in the seven days until 8 February: the last day that alarms.
    for day in range(3, 9):
        detected(date(2020, 2, day))
    last = date(2020, 2, 8)
    assert Signal.objects.get().last_alarm_day == last

    soon, later = last + timedelta(days=14), last + timedelta(days=15)
    reported(daofu, {soon: 1})
    detected(soon)
    assert Signal.objects.count() == 1
    reported(daofu, {soon: 0, later: 1})
    Signal.objects.update(last_alarm_day=last)
    detected(later)
    assert Signal.objects.count() == 2


def test_a_signal_falls_with_the_cards_that_raised_it_and_takes_its_task_along(daofu):
    signal = raised(daofu, FIRST)
    reported(daofu, {FIRST: 0})

    detected(FIRST)

    signal.refresh_from_db()
    assert signal.state == "superseded"
    assert tasks.for_source(signal).get().state == "cancelled"


def test_a_signal_in_hand_does_not_fall(daofu, daofu_cdc):
    signal = actions.verify(signal=raised(daofu, FIRST), by=daofu_cdc, at=moment(FIRST))
    reported(daofu, {FIRST: 0})
    detected(FIRST)
    signal.refresh_from_db()
    assert signal.state == "verifying"


def test_beyond_the_weekly_load_signals_are_kept_but_folded_and_give_no_task(areas):
    """Three counties may have one statistical signal a week: the most unusual is listed."""
    counties = [areas[code] for code in ("513301", "513326", "513328")]
    for county, n in zip(counties, (4, 9, 6), strict=True):
        reported(county, {DAY: n}, condition=FLU)

    detected(DAY)

    shown = Signal.objects.get(listed_at__isnull=False)
    assert shown.observed == 9
    assert shown.due_at == listed(shown) + timedelta(hours=24)
    folded = list(queries.unlisted())
    assert [signal.observed for signal in folded] == [6, 4]
    assert all(signal.due_at is None for signal in folded)
    assert not any(tasks.for_source(signal) for signal in folded)

    detected(DAY + timedelta(days=1))
    assert queries.unlisted().count() == 2
    detected(DAY + timedelta(days=7))
    assert queries.unlisted().count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_two_workers_at_once_fill_the_weekly_load_together_and_not_each(request, monkeypatch):
    areas = request.getfixturevalue("areas")
    days = (DAY, DAY + timedelta(days=7))  # each sees but the cases of its own week
    for code, day in zip(("513301", "513326"), days, strict=True):
        reported(areas[code], {day: 9}, condition=FLU)
    runs = [actions.request_run(day=day, trigger="nightly", by=None, at=NOW) for day in days]
    gate, ask = Barrier(2), queries.listed_since

    def both_have_asked(moment):
        found = ask(moment)
        with suppress(BrokenBarrierError):
            gate.wait(1)
        return found

    monkeypatch.setattr(queries, "listed_since", both_have_asked)
    done = at_once(lambda n: actions.detect(run=runs[n], by=None, at=NOW))

    assert [one.signal_count for one in done] == [1, 1]
    assert Signal.objects.filter(listed_at__isnull=False).count() == 1


def test_single_cases_are_listed_whatever_the_load(areas):
    for code in ("513301", "513326", "513328"):
        reported(areas[code], {DAY: 1})
    detected(DAY)
    assert Signal.objects.filter(listed_at__isnull=False).count() == 3


def test_signals_carry_the_name_of_the_disease_in_both_languages(daofu):
    signal = raised(daofu)
    name = packs.name(packs.pack("cn-2020-01"), COVID, DAY)
    assert (signal.condition_zh, signal.condition_en) == (name.zh, name.en)


def test_a_run_reports_its_progress_to_the_end(daofu):
    seen = []
    run = detected(DAY, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (run.series_count, run.series_count)


# --- When runs happen ---


def test_a_run_of_a_day_to_come_is_refused(daofu):
    with pytest.raises(actions.DayToCome):
        actions.request_run(
            day=DAY + timedelta(days=1), trigger=Trigger.ON_DEMAND, by=None, at=moment(DAY)
        )


def test_while_a_run_waits_no_second_one_is_asked_for(areas):
    for _ in range(3):
        counts_changed([areas["513326"].pk], [COVID], moment(DAY), None)
    run = DetectionRun.objects.get()
    assert (run.day, run.trigger) == (DAY, "data")
    assert Job.objects.filter(name=queries.JOB).count() == 1

    queue.run_job.func(Job.objects.get().pk)
    counts_changed([areas["513326"].pk], [COVID], moment(DAY), None)
    assert DetectionRun.objects.count() == 2


def test_the_job_carries_out_the_run_it_was_queued_for(daofu):
    outbreak(daofu)
    counts_changed([daofu.pk], [COVID], moment(DAY), None)
    run = DetectionRun.objects.get()

    queue.run_job.func(Job.objects.get().pk)

    run.refresh_from_db()
    assert Job.objects.get().state == "done"
    assert run.signal_count == 1


@pytest.mark.both_databases
def test_the_night_run_is_asked_for_once_although_two_workers_tick(areas):
    half_past_one = moment(DAY, hour=1) + timedelta(minutes=30)
    assert "surveillance.warning.nightly" in queue.tick(half_past_one)
    assert "surveillance.warning.nightly" not in queue.tick(half_past_one)
    run = DetectionRun.objects.get()
    assert (run.day, run.trigger) == (DAY - timedelta(days=1), "nightly")


def test_at_another_minute_no_night_run_is_asked_for(areas):
    queue.tick(moment(DAY, hour=1))
    assert not DetectionRun.objects.exists()


def test_the_budget_stands_with_the_run(daofu):
    assert detected(DAY).options["budget"] == rules.BUDGET


# --- A register that has only begun ---------------------------------------------------------------


def begun(county, since, until):
    """A register whose first case is of ``since``, with a case every other day."""
    DailyCount.objects.all().delete()
    days = range(0, (until - since).days + 1, 2)
    reported(county, {since + timedelta(days=n): 1 for n in days}, FLU)


def test_what_a_new_register_saw_before_its_first_case_is_unknown_not_nothing(kangding):
    begun(kangding, DAY - timedelta(days=20), DAY)

    detected(DAY)

    # With the years before as days without cases, each of these weeks would be a signal.
    assert not Signal.objects.exists()


def test_a_disease_that_is_new_in_an_old_register_is_news(kangding):
    begun(kangding, DAY - timedelta(days=20), DAY)
    reported(kangding, {DAY - timedelta(days=1500): 1}, "measles")

    detected(DAY)

    assert Signal.objects.get().methods[0] == "adaptive"


def test_a_single_case_on_the_first_day_of_a_register_alarms_at_once(daofu, headquarters):
    DailyCount.objects.all().delete()
    signal = raised(daofu, FIRST)

    assert (signal.observed, signal.methods) == (1, ["fixed_count"])
    curve = queries.curve_of(headquarters, signal, moment(FIRST))
    assert curve.weekly[-1 - (curve.days[-1] - FIRST).days] == 1
    assert set(curve.threshold) == {None}


@pytest.mark.parametrize("days_before", [1, 0])
def test_the_adaptive_regression_answers_from_the_day_that_the_page_names(kangding, days_before):
    since = date(2019, 3, 4)
    known = rules.seasons_known(since, rules.plan_for(monitoring.pack_on(DAY), "", DAY))
    day = known - timedelta(days=days_before)
    begun(kangding, since, day)
    reported(kangding, {day: 30}, FLU)

    detected(day)

    alarms = Signal.objects.get().alarms.values_list("method", flat=True)
    assert ("adaptive" in alarms) == (days_before == 0)
