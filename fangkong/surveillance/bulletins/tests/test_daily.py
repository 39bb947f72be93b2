"""Each facility reports each day; no case is a report too."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangkong.core.audit import queries as audit
from fangkong.core.permissions import NotYours
from fangkong.places.tests.factories import facility
from fangkong.surveillance.bulletins import actions, jobs, queries
from fangkong.surveillance.bulletins.models import DailyReporting, NilReport
from fangkong.surveillance.bulletins.types import MISSING_TASK, Standing
from fangkong.surveillance.monitoring.tests.factories import AT, case
from fangkong.tasks.models import Task

pytestmark = pytest.mark.both_databases

TODAY = AT.date()
EVENING = AT.replace(hour=18)


@pytest.fixture
def order(world):
    return ordered(world)


def ordered(world, **changes):
    asked = {
        "condition": "covid-19",
        "first_day": date(2020, 2, 1),
        "due_hour": 9,
        "basis": "指挥部通知第3号",
        "by": world.headquarters,
        "at": AT,
        **changes,
    }
    return actions.order(**asked)


def nil(world, day=TODAY, by=None, where=None, at=EVENING, condition="covid-19"):
    return actions.report_nil(
        facility=where or world.hospital,
        condition=condition,
        day=day,
        by=by or world.clinician,
        at=at,
    )


def standing(world, order, user=None, day=TODAY, at=EVENING):
    found = queries.daily(user or world.headquarters, at, order, day)
    return {line.facility: line for county in found.counties for line in county.lines}


def test_a_nil_report_counts_as_a_report_and_is_sent_once(world, order):
    one, again = nil(world), nil(world)

    assert one == again and NilReport.objects.count() == 1
    assert not one.late and [line.action for line in audit.history_of(one)] == [
        "surveillance.bulletins.report_nil"
    ]
    found = queries.daily(world.headquarters, EVENING, order, TODAY)
    assert (found.reported, found.whole, found.nil, found.missing) == (1, 2, 1, 1)
    assert standing(world, order)[world.hospital].standing == Standing.NIL
    assert standing(world, order)[world.other_hospital].standing == Standing.MISSING
    tomorrow = AT + timedelta(days=1)  # the hour has passed
    late = standing(world, order, at=tomorrow)
    assert late[world.other_hospital].standing == Standing.OVERDUE
    assert nil(world, by=world.kangding_cdc, where=world.other_hospital, at=tomorrow).late


def test_who_reported_a_case_had_one_and_a_card_overtakes_a_nil_report(world, order):
    nil(world)
    case(world, 1)

    line = standing(world, order)[world.hospital]
    assert (line.standing, line.cards, line.overtaken) == (Standing.CARDS, 1, True)
    case(world, 2, at=AT - timedelta(days=1), diagnosed_at=AT - timedelta(days=2))
    with pytest.raises(actions.CasesReported):
        nil(world, day=TODAY - timedelta(days=1))


def test_only_for_the_own_facilities_on_days_that_are_asked_for(world, order):
    checkpoint = facility(world.daofu, "八美检查点", kind="checkpoint")
    for by, where in (
        (world.clinician, world.other_hospital),
        (world.daofu_cdc, world.other_hospital),
        (world.headquarters, checkpoint),
        (world.auditor, world.hospital),
        (world.laboratory, world.hospital),
    ):
        with pytest.raises(actions.NotOfThese):
            nil(world, by=by, where=where)
    with pytest.raises(actions.NotOver):
        nil(world, day=TODAY + timedelta(days=1))
    with pytest.raises(actions.NotOrdered):
        nil(world, day=date(2020, 1, 31))
    with pytest.raises(actions.NotOrdered):
        nil(world, condition="influenza")
    with pytest.raises(actions.NotOver, match="17:00"):
        nil(world, at=AT)  # the day has just begun
    assert nil(world, by=world.daofu_cdc).facility == world.hospital


def test_each_sees_who_has_reported_in_their_own_places(world, order):
    assert set(standing(world, order, world.daofu_cdc)) == {world.hospital}
    assert set(standing(world, order, world.clinician)) == {world.hospital}
    assert set(standing(world, order, world.auditor)) == {world.hospital, world.other_hospital}
    assert [one.may_report for one in standing(world, order, world.clinician).values()] == [True]
    assert not any(one.may_report for one in standing(world, order, world.auditor).values())


def test_the_facilities_are_read_once_for_who_sees_and_for_who_may_report(world, order):
    with CaptureQueriesContext(connection) as asked:
        found = standing(world, order, world.clinician)

    assert [line.may_report for line in found.values()] == [True]
    assert sum('FROM "places_facility"' in one["sql"] for one in asked) == 1


def test_at_the_hour_each_county_reads_once_how_many_are_missing(world, order):
    yesterday = TODAY - timedelta(days=1)
    nil(world, day=yesterday)
    jobs.remind(AT.replace(hour=8, minute=1))
    assert not Task.objects.exists()

    jobs.remind(AT.replace(hour=9, minute=1))

    task = Task.objects.get()
    assert (task.kind, task.area, task.params["count"]) == (MISSING_TASK.code, world.kangding, 1)
    jobs.remind(AT.replace(hour=10, minute=1))
    assert Task.objects.count() == 1


def test_a_worker_that_slept_at_the_hour_reminds_later_and_prepares_later(world, order):
    jobs.remind(AT.replace(hour=11, minute=1))
    jobs.prepare(AT.replace(hour=8, minute=10))

    assert Task.objects.filter(kind=MISSING_TASK.code).count() == 2
    assert len(queries.drafts_of(TODAY - timedelta(days=1))) == 1


def test_an_order_that_has_not_begun_is_ended_with_its_first_day(world):
    with pytest.raises(actions.WrongField):
        ordered(world, first_day=TODAY + timedelta(days=8))
    found = ordered(world, first_day=TODAY + timedelta(days=5))

    actions.end(order=found, last_day=TODAY + timedelta(days=5), by=world.headquarters, at=AT)

    assert ordered(world, first_day=TODAY + timedelta(days=6)) != found


def test_the_page_opens_on_the_day_whose_report_is_due_next(order):
    assert queries.day_to_report(order, AT.replace(hour=8)) == TODAY - timedelta(days=1)
    assert queries.day_to_report(order, AT) == TODAY


def test_the_headquarters_orders_once_and_ends_with_a_day(world, order):
    with pytest.raises(actions.OrderedAlready):
        ordered(world)
    for wrong in (
        {"condition": "dragon-pox"},
        {"due_hour": 24, "condition": "influenza"},
        {"basis": " ", "condition": "influenza"},
        {"first_day": date(1990, 1, 1), "condition": "influenza"},
        {"first_day": date(2029, 2, 1), "condition": "influenza"},
    ):
        with pytest.raises(actions.WrongField):
            ordered(world, **wrong)
    for by in (world.daofu_cdc, world.clinician, world.auditor):
        with pytest.raises(NotYours):
            ordered(world, by=by, condition="influenza")
        with pytest.raises(NotYours):
            actions.end(order=order, last_day=TODAY, by=by, at=AT)
    for day in (date(2020, 1, 31), TODAY + timedelta(days=1)):
        with pytest.raises(actions.WrongField):
            actions.end(order=order, last_day=day, by=world.headquarters, at=AT)

    actions.end(order=order, last_day=TODAY, by=world.headquarters, at=AT)

    assert queries.order_for("covid-19", TODAY) == order
    assert queries.order_for("covid-19", TODAY + timedelta(days=1)) is None
    with pytest.raises(actions.NothingChanged):
        actions.end(order=order, last_day=TODAY, by=world.headquarters, at=AT)
    with pytest.raises(actions.WrongField):
        ordered(world)  # the days overlap
    ordered(world, first_day=TODAY + timedelta(days=1))
    assert DailyReporting.objects.count() == 2


def test_a_bulletin_keeps_who_had_reported_when_it_was_issued(world, order):
    yesterday = TODAY - timedelta(days=1)
    nil(world, day=yesterday)
    jobs.prepare(queries.end_of(yesterday) + timedelta(minutes=10))
    (draft,) = queries.drafts_of(yesterday)

    found = actions.issue(bulletin=draft, by=world.headquarters, at=AT)

    assert found.reporting == {"facilities": 2, "reported": 1, "nil": 1}
