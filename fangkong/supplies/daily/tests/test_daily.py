"""Daily stock reports: what the ledger says of a day, filing, correcting, asking."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction

from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.free_text import NumberInText
from fangkong.core.refusals import WrongField
from fangkong.places.tests.factories import facility
from fangkong.supplies.daily import actions, jobs, queries
from fangkong.supplies.daily.models import DailyLine, DailyReport
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import shipping
from fangkong.supplies.stock.types import Arrived, Leaving, LossReason, Way
from fangkong.tasks.models import Task

from .factories import AT, DAY, YESTERDAY, moved

pytestmark = pytest.mark.both_databases


def shipped(world, quantity, *, at=AT - DAY):
    """Goods go from the prefecture's store in Kangding to Daofu."""
    line = Leaving(item=world.mask, quantity=quantity)
    said = {"source": world.store, "target": world.there, "lines": [line], "way": Way()}
    made = shipping.prepare(**said, by=world.keeper, at=at)
    return shipping.dispatch(shipment=made, by=world.keeper, at=at)


def test_a_day_is_what_moved_on_it_whenever_it_was_booked(world):
    world.bring(500, place=world.there, papers=moved(3))
    world.bring(100, place=world.there, papers=moved())
    world.send(40, source=world.there, papers=moved())
    world.send(10, source=world.there)  # today
    line = world.figures()["mask"]
    assert (line.opening, line.received, line.used, line.closing) == (500, 100, 40, 560)
    before = world.figures(day=YESTERDAY - DAY)["mask"]
    assert (before.opening, before.received, before.closing) == (500, 0, 500)
    assert "mask" not in world.figures(day=YESTERDAY - 3 * DAY)
    assert world.figures(world.kangding) == {}


def test_goods_that_move_within_a_county_neither_come_nor_go(world):
    world.bring(500, place=world.there, papers=moved(3))
    world.send(200, source=world.there, target=world.ward, papers=moved())
    line = world.figures()["mask"]
    assert (line.opening, line.closing, line.moved) == (500, 500, False)


def test_goods_on_the_way_are_with_the_county_that_sent_them_until_they_arrive(world):
    world.bring(500, at=AT - 3 * DAY)
    shipment = shipped(world, 120)
    assert world.figures(world.kangding)["mask"].closing == 500
    assert not world.figures(world.kangding)["mask"].moved
    (line,) = shipment.lines.all()
    shipping.arrive(
        shipment=shipment,
        told=[Arrived(line=line, good=120)],
        by=world.matron,
        at=AT - DAY + timedelta(hours=1),
    )
    sent, came = world.figures(world.kangding)["mask"], world.figures()["mask"]
    assert (sent.opening, sent.sent, sent.closing) == (500, 120, 380)
    assert (came.opening, came.arrived, came.closing) == (0, 120, 120)


def test_losses_and_what_was_taken_back_are_told_apart(world):
    world.bring(500, place=world.there, papers=moved(3))
    wrong = world.send(50, source=world.there, papers=moved())
    lot = wrong.moves.get().lot
    stock.lose(
        place=world.there,
        lot=lot,
        quantity=5,
        reason=LossReason.BROKEN,
        papers=replace(moved(), note="纸箱受潮"),
        by=world.matron,
        at=AT,
    )
    assert (world.figures()["mask"].used, world.figures()["mask"].lost) == (50, 5)
    stock.reverse(entry=wrong, reason="记错", by=world.matron, at=AT)
    assert world.figures()["mask"].closing == 445
    today = world.figures(day=clock.day_of(AT))["mask"]
    assert (today.opening, today.used, today.closing) == (445, -50, 495)


def test_a_report_keeps_what_was_read_and_says_who_filed_it(world):
    world.bring(500, place=world.there, papers=moved())
    report = world.filed()
    assert (report.version, report.nil, report.late) == (1, False, False)
    assert report.lines.get().closing == 500
    assert AuditLine.objects.filter(action="supplies.daily.file").get().by == world.cdc
    world.send(80, source=world.there)
    assert report.lines.get().closing == 500


def test_where_nothing_moved_the_report_is_nil_and_is_filed_all_the_same(world):
    world.bring(500, place=world.there, papers=moved(3))
    report = world.filed()
    assert report.nil
    assert report.lines.get().opening == 500
    assert world.filed(world.kangding, by=world.other).lines.count() == 0


def test_nobody_files_what_they_did_not_read(world):
    world.bring(500, place=world.there, papers=moved())
    read = world.figures()
    assert read
    with pytest.raises(actions.MovedOn):
        actions.file(county=world.daofu, day=YESTERDAY, read="0" * 32, by=world.cdc, at=AT)
    assert not DailyReport.objects.exists()


def test_a_day_is_filed_once_not_before_its_end_and_not_after_a_month(world):
    world.filed()
    with pytest.raises(actions.FiledBefore):
        world.filed()
    for day in (clock.day_of(AT), YESTERDAY + 30 * DAY, YESTERDAY - 31 * DAY):
        with pytest.raises(WrongField) as refused:
            world.filed(day=day)
        assert refused.value.field == "day"
    assert world.filed(day=YESTERDAY - 30 * DAY).nil


def test_numbers_of_persons_stay_out_of_remarks(world):
    with pytest.raises(NumberInText) as refused:
        actions.file(
            county=world.daofu, day=YESTERDAY, read=None, remark="电话13800138000", by=None, at=AT
        )
    assert refused.value.field == "remark"


def test_a_report_is_corrected_with_a_reason_once_the_ledger_says_otherwise(world):
    world.bring(500, place=world.there, papers=moved(3))
    report = world.filed()
    with pytest.raises(actions.NothingNew):
        world.corrected(report)
    world.send(60, source=world.there, papers=moved())  # booked late
    with pytest.raises(WrongField):
        actions.correct(report=report, read=None, reason=" ", by=world.cdc, at=AT)
    made = world.corrected(report)
    assert (made.version, made.nil, made.lines.get().used) == (2, False, 60)
    assert queries.last_of(world.daofu, YESTERDAY) == made
    with pytest.raises(actions.FiledBefore):
        world.corrected(report)
    assert report.lines.get().used == 0


@pytest.mark.parametrize("table", [DailyReport, DailyLine])
def test_the_database_refuses_to_change_or_remove_what_was_filed(world, table):
    world.bring(500, place=world.there, papers=moved(3))
    world.filed()
    rows = table.objects.all()
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete() if table is DailyLine else rows._raw_delete(rows.db)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(**({"opening": 0} if table is DailyLine else {"nil": False}))


LATER = AT + 4 * DAY  # 2020-02-09, ten in the morning: the rule holds since the eighth


def after(**hours) -> object:
    return clock.start_of(date(2020, 2, 9)) + timedelta(**hours)


def test_no_rule_asks_before_the_eighth_of_february_2020(world):
    assert queries.due_at(date(2020, 2, 7)) is None
    assert queries.due_at(date(2020, 2, 8)) == after(hours=10)
    jobs.missing(AT)
    assert not Task.objects.exists()


def test_a_county_that_is_late_is_asked_once_and_no_more_when_it_has_filed(world):
    day = date(2020, 2, 8)
    jobs.missing(after(hours=10))
    assert not Task.objects.exists()
    jobs.missing(after(hours=11))
    jobs.missing(after(hours=12))
    asked = Task.objects.order_by("area__code")
    assert [(one.area, one.params["day"]) for one in asked] == [
        (world.kangding, "2020-02-08"),
        (world.daofu, "2020-02-08"),
    ]
    report = world.filed(day=day, at=after(hours=12))
    assert report.late
    (waiting,) = Task.objects.exclude(state="done")
    assert waiting.area == world.kangding
    jobs.missing(after(hours=13))
    assert Task.objects.count() == 2
    rows = queries.board(world.inspector, after(hours=13), day, 3)
    assert [[cell.state for cell in row.cells] for row in rows] == [
        ["missing", "waits", "waits"],
        ["late", "waits", "waits"],
    ]


def test_a_task_stays_while_another_day_is_missing(world):
    jobs.missing(after(hours=11))
    now = after(hours=11) + DAY
    world.filed(day=date(2020, 2, 9), at=now)
    assert Task.objects.filter(area=world.daofu).get().state != "done"
    world.filed(day=date(2020, 2, 8), at=now)
    assert Task.objects.filter(area=world.daofu).get().state == "done"


def test_a_report_that_the_ledger_has_left_behind_is_asked_for_once(world):
    world.bring(500, place=world.there, papers=moved(3))
    report = world.filed()
    jobs.changed(AT)
    assert not Task.objects.exists()
    world.send(60, source=world.there, papers=moved())
    jobs.changed(AT + DAY)
    jobs.changed(AT + DAY)
    task = Task.objects.get()
    assert (task.area, task.owner_role) == (world.daofu, "county_cdc")
    made = world.corrected(report, at=AT + DAY)
    task.refresh_from_db()
    assert task.state == "done"
    jobs.changed(AT + DAY)
    assert Task.objects.count() == 1
    assert made.version == 2


def test_the_sums_of_a_day_are_those_of_its_last_reports(world):
    world.bring(500, papers=moved(3))
    world.bring(300, place=world.there, papers=moved(3))
    first = world.filed()
    world.send(60, source=world.there, papers=moved())
    world.corrected(first)
    world.filed(world.kangding, by=world.other)
    reports = queries.reports_of_day(world.headquarters, AT, YESTERDAY)
    assert [one.version for one in reports] == [1, 2]
    (total,) = queries.totals(reports, queries.lines_of(reports))
    assert (total.opening, total.used, total.closing, total.on_the_way) == (800, 60, 740, 0)
    (own,) = queries.reports_of_day(world.cdc, AT, YESTERDAY)
    assert own.county == world.daofu


def test_the_prefectures_own_stores_are_told_to_whoever_sees_all_counties(world):
    own = world.place(facility(world.home, "甘孜州疾控中心", kind="emergency_store"))
    world.bring(500, place=own, papers=moved(3))
    world.send(30, source=own, papers=moved())
    line = Leaving(item=world.mask, quantity=120)
    said = {"source": own, "target": world.there, "lines": [line], "way": Way()}
    made = shipping.prepare(**said, by=world.keeper, at=AT - DAY)
    sent = shipping.dispatch(shipment=made, by=world.keeper, at=AT - DAY)
    told = [Arrived(line=sent.lines.get(), good=120)]
    shipping.arrive(shipment=sent, told=told, by=world.matron, at=AT - DAY)
    (ours,) = queries.own_figures(world.headquarters, AT, YESTERDAY)
    assert (ours.opening, ours.used, ours.sent, ours.closing) == (500, 30, 120, 350)
    assert queries.own_figures(world.cdc, AT, YESTERDAY) == []
    # With them, what went between is nothing.
    reports = [world.filed(), world.filed(world.kangding, by=world.other)]
    (total,) = queries.totals(reports, queries.lines_of(reports))
    assert total.on_the_way + ours.sent == 0
