"""From an offer to the store, and what refuses on the way."""

from __future__ import annotations

from datetime import date

import pytest

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.audit.models import AuditLine
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.places.tests.factories import facility
from fangkong.supplies.models import Delivery, Disclosure, Entry, Lot, Supply
from fangkong.supplies.sources import actions, queries, reports
from fangkong.supplies.sources.types import (
    DISCLOSE_TASK,
    LATE_TASK,
    UNDONE_TASK,
    Channel,
    Checked,
    Fund,
    LineFacts,
    SupplyFacts,
    SupplyState,
    Verdict,
)
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import counting, shipping
from fangkong.supplies.stock import queries as stocks
from fangkong.supplies.stock.tests.factories import TODAY
from fangkong.supplies.stock.types import Arrived, Counted, Leaving, LotFacts, Papers, Way
from fangkong.tasks.models import Task

from .factories import DAY

pytestmark = pytest.mark.both_databases


def test_an_offer_counts_as_on_its_way_once_it_is_accepted_and_only_what_is_missing(world):
    supply = world.offered(1000, arrives_on=date(2020, 2, 8))
    assert queries.expected([world.store.pk]) == []
    actions.accept(supply=supply, by=world.headquarters, at=AT)
    (expected,) = queries.expected([world.store.pk])
    assert (expected.item, expected.day, expected.quantity) == (
        world.mask.pk,
        date(2020, 2, 8),
        1000,
    )
    world.arrive(supply, 300)
    (expected,) = queries.expected([world.store.pk])
    assert expected.quantity == 700
    assert queries.expected([world.there.pk]) == []


def test_what_came_stands_in_the_ledger_and_all_of_it_closes_the_source(world):
    supply = world.promised(1000)
    world.arrive(supply, 600, number="A")
    supply.refresh_from_db()
    assert supply.state == SupplyState.PROMISED
    world.arrive(supply, 400, number="B")
    supply.refresh_from_db()
    assert supply.state == SupplyState.CLOSED
    assert world.held() == {"A": 600, "B": 400}


def test_a_receipt_that_is_taken_back_makes_the_goods_missing_again(world):
    supply = world.promised(1000)
    world.arrive(supply, 600)
    entry = Entry.objects.get()
    stock.reverse(entry=entry, reason="数错了", by=world.keeper, at=AT)
    (line,) = queries.lines_of(supply)
    assert queries.missing(line) == 1000
    assert line.booked == 0


def test_a_source_that_closed_by_itself_is_open_again_once_its_receipt_is_taken_back(world):
    supply = world.promised(1000, arrives_on=date(2020, 2, 8))
    world.arrive(supply, 600, number="A")
    world.arrive(supply, 400, number="B")
    assert queries.coming([world.store.pk], TODAY, TODAY + 9 * DAY) == []
    stock.reverse(entry=Entry.objects.latest("pk"), reason="数错了", by=world.keeper, at=AT)

    supply.refresh_from_db()
    assert (supply.state, supply.closed_at) == (SupplyState.PROMISED, None)
    (coming,) = queries.coming([world.store.pk], TODAY, TODAY + 9 * DAY)
    assert (coming.quantity, coming.day) == (400, date(2020, 2, 8))
    line = AuditLine.objects.get(action="supplies.sources.open_again")
    assert line.subject_id == supply.pk and line.by == world.keeper
    assert not Task.objects.filter(kind=UNDONE_TASK.code).exists()
    world.arrive(supply, 400, number="B")  # booked anew, rightly
    supply.refresh_from_db()
    assert supply.state == SupplyState.CLOSED


def test_a_sheet_of_no_source_and_a_surplus_that_is_taken_back_open_nothing(world):
    supply = world.promised(1000)
    world.arrive(supply, 1000)
    world.arrive(supply, 5, why="多送一包")
    stock.reverse(entry=Entry.objects.latest("pk"), reason="数错了", by=world.keeper, at=AT)
    stock.reverse(entry=world.bring(7), reason="数错了", by=world.keeper, at=AT)
    supply.refresh_from_db()
    assert supply.state == SupplyState.CLOSED
    assert not AuditLine.objects.filter(action="supplies.sources.open_again").exists()


def test_where_somebody_had_closed_it_whoever_keeps_the_store_is_asked_once(world):
    supply = world.promised(1000)
    world.arrive(supply, 300, number="A")
    world.arrive(supply, 300, number="B")
    actions.close(supply=supply, reason="厂家停产", by=world.buyer, at=AT)
    for entry in Entry.objects.order_by("pk")[:2]:
        stock.reverse(entry=entry, reason="数错了", by=world.keeper, at=AT)
    supply.refresh_from_db()
    assert supply.state == SupplyState.CLOSED
    task = Task.objects.get(kind=UNDONE_TASK.code)
    assert (task.owner_role, task.facility) == (Role.STORE_KEEPER, world.depot)
    with pytest.raises(WrongField) as refused:
        actions.reopen(
            supply=supply, reason="还会送", arrives_on=TODAY - DAY, by=world.buyer, at=AT
        )
    assert refused.value.field == "arrives_on"
    done = actions.reopen(
        supply=supply, reason="还会送", arrives_on=TODAY + DAY, by=world.buyer, at=AT
    )
    assert (done.state, done.why, done.arrives_on) == (SupplyState.PROMISED, "", TODAY + DAY)
    task.refresh_from_db()
    assert task.state == "done"
    with pytest.raises(actions.NotOpen):
        actions.reopen(supply=supply, reason="还会送", by=world.buyer, at=AT)


def test_what_has_wholly_come_is_not_awaited_again(world):
    supply = world.promised(10)
    world.arrive(supply, 10)
    with pytest.raises(actions.NotOpen, match=r"receipt|冲销|收货"):
        actions.reopen(supply=supply, reason="还会送", by=world.buyer, at=AT)


@pytest.mark.django_db(transaction=True)
def test_a_receipt_and_its_taking_back_at_once_never_wait_for_each_other(world):
    supply = world.promised(1000)
    world.arrive(supply, 600, number="A")
    entry = Entry.objects.get()
    found = at_once(
        lambda n: (
            stock.reverse(entry=entry, reason="数错了", by=world.keeper, at=AT)
            if n
            else world.arrive(supply, 400, number="B")
        )
    )
    assert [one for one in found if isinstance(one, Exception)] == []
    supply.refresh_from_db()
    assert supply.state == SupplyState.PROMISED
    assert queries.missing(queries.lines_of(supply)[0]) == 600


def test_money_that_did_not_come_is_taken_back_by_a_second_person_and_told_once(world):
    supply = world.paid(world.gift(0, money=600_000_00))
    first = world.published(at=AT + DAY)
    assert first.contents["money"]["came"] == 600_000_00
    said = {"supply": supply, "reason": "银行退票", "at": AT + 2 * DAY}
    with pytest.raises(actions.SamePerson):
        actions.take_money_back(**said, by=world.keeper)
    with pytest.raises(WrongField):
        actions.take_money_back(**{**said, "reason": " "}, by=world.headquarters)
    done = actions.take_money_back(**said, by=world.headquarters)
    assert (done.state, done.money_came_at, done.money_back_at) == (
        SupplyState.PROMISED, None, AT + 2 * DAY,
    )  # fmt: skip
    line = AuditLine.objects.get(action="supplies.sources.take_money_back")
    assert (line.reason, line.detail["money"]) == ("银行退票", 600_000_00)
    with pytest.raises(actions.NotOpen):
        actions.take_money_back(**said, by=world.headquarters)

    assert queries.first_untold(AT + 3 * DAY, first) == TODAY + 2 * DAY
    second = world.published(at=AT + 3 * DAY)
    assert second.contents["money"]["came"] == -600_000_00
    assert [one["money"] for one in second.contents["gifts"]] == [-600_000_00]
    # What a report told is told by its correction too: then it stood in the books.
    assert reports.told(None, first.as_of).contents["money"]["came"] == 600_000_00
    assert not reports.told(queries.last_report(), AT + 4 * DAY).anything
    world.paid(supply, at=AT + 4 * DAY)
    third = world.published(at=AT + 5 * DAY)
    assert third.contents["money"]["came"] == 600_000_00


def test_money_that_came_and_went_between_two_reports_is_told_in_none(world):
    supply = world.paid(world.gift(0, money=100))
    actions.take_money_back(supply=supply, reason="退票", by=world.headquarters, at=AT + DAY)
    assert not reports.told(None, AT + 2 * DAY).anything
    bare = world.gift(10)
    with pytest.raises(actions.NotOpen):
        actions.take_money_back(supply=bare, reason="退票", by=world.headquarters, at=AT)


def test_a_correction_is_published_as_it_was_read_and_says_what_it_changes(world):
    world.brought(1000)
    first = world.published(at=AT + DAY)
    with pytest.raises(actions.MovedOn):
        actions.correct_report(
            report=first, reason="名称有误", read="old", by=world.editor, at=AT + DAY
        )
    assert Disclosure.objects.count() == 1
    told = reports.told(None, first.as_of).contents
    assert reports.changes(first.contents, told) == []
    world.mask.name_zh = "医用外科口罩（灭菌）"
    world.mask.save()
    told = reports.told(None, first.as_of).contents
    (change,) = reports.changes(first.contents, told)
    assert (change.field, change.before[0], change.after[0]) == (
        "item", "医用外科口罩", "医用外科口罩（灭菌）",
    )  # fmt: skip
    assert world.corrected(first, at=AT + 2 * DAY).contents == told


def test_what_costs_money_is_accepted_by_somebody_else_than_entered_it(world):
    supply = world.offered(100, price=500_00)
    with pytest.raises(actions.SamePerson):
        actions.accept(supply=supply, by=world.buyer, at=AT)
    assert actions.accept(supply=supply, by=world.headquarters, at=AT).accepted_at == AT
    free = world.offered(100, channel=Channel.ABOVE, party="省卫健委")
    assert actions.accept(supply=free, by=world.buyer, at=AT).state == SupplyState.PROMISED


def test_a_step_is_taken_once(world):
    supply = world.promised()
    with pytest.raises(actions.NotOpen):
        actions.accept(supply=supply, by=world.headquarters, at=AT)
    with pytest.raises(actions.NotOpen):
        actions.decline(supply=supply, reason="不要了", by=world.headquarters, at=AT)
    actions.close(supply=supply, reason="厂家停产", by=world.buyer, at=AT)
    with pytest.raises(actions.NotOpen):
        actions.close(supply=supply, reason="厂家停产", by=world.buyer, at=AT)
    declined = actions.decline(
        supply=world.offered(), reason="不合标准", by=world.headquarters, at=AT
    )
    with pytest.raises(actions.NotOpen):
        world.arrive(declined, 1)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"party": ""}, "party"),
        ({"private": True, "party": ""}, "private"),
        ({"private": True, "channel": Channel.DONATION}, "party"),
        ({"money": 100}, "money"),
        ({"arrives_on": date(2200, 1, 1)}, "arrives_on"),
        ({"price": 100, "fund": Fund.NONE}, "fund"),
        ({"price": 100, "channel": Channel.DONATION}, "channel"),
        ({"quantity": 0}, "lines"),
    ],
)
def test_what_contradicts_itself_is_refused_beside_its_field(world, said, field):
    with pytest.raises(WrongField) as refused:
        world.offered(**said)
    assert refused.value.field == field
    assert not Supply.objects.exists()


def test_numbers_of_persons_are_refused(world):
    with pytest.raises(Refused):
        world.offered(party="李某 13800138000")


def test_a_gift_keeps_its_giver_and_its_earmark_wherever_it_goes(world):
    supply = world.gift(1000, earmark="发热门诊")
    world.arrive(supply, 1000, number="A", earmark="别的")
    lot = Lot.objects.get()
    assert lot.earmark == "发热门诊"
    assert "州商务合作局" in lot.owner
    with pytest.raises(stock.NotEnough):  # an earmarked lot leaves by its name only
        world.send(10)
    world.send(10, lot=lot, target=world.there)
    assert world.held(world.there, lot) == 10


def test_two_gifts_of_the_same_label_stay_apart(world):
    world.brought(100)
    world.brought(50)
    assert Lot.objects.count() == 2


def test_unsuitable_goods_are_booked_as_what_they_are_or_refused(world):
    cloth = world.item("cloth-mask", "普通口罩")
    supply = world.gift(1000)
    world.arrive(supply, 200, verdict=Verdict.OTHER, as_item=cloth, why="非医用")
    world.arrive(supply, 300, verdict=Verdict.REFUSED, why="受潮")
    world.arrive(supply, 500)
    supply.refresh_from_db()
    assert supply.state == SupplyState.CLOSED
    held = {row.item.code: row.quantity for row in world.store.balances.select_related("item")}
    assert held == {"cloth-mask": 200, "mask": 500}
    refused = Delivery.objects.get(verdict=Verdict.REFUSED)
    assert refused.entry is None


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"verdict": Verdict.REFUSED}, "lines/0/why"),
        ({"verdict": Verdict.OTHER, "why": "非医用"}, "lines/0/as_item"),
        ({"quantity": 0}, "lines/0/quantity"),
        ({"standard": "GB 2626-2006"}, "lines/0/why"),
        ({"standard": "GB 2626-2006", "why": "经批准代用"}, ""),
    ],
)
def test_the_door_says_why_it_takes_or_refuses(world, said, field):
    world.mask.standard = "YY 0469-2011"
    world.mask.save()
    supply = world.promised(10)
    said = {"quantity": 10, **said}
    if not field:
        assert world.arrive(supply, **said).state == SupplyState.CLOSED
        return
    with pytest.raises(WrongField) as refused:
        world.arrive(supply, **said)
    assert refused.value.field == field
    assert not Entry.objects.exists()


def test_unsuitable_goods_are_not_booked_as_something_counted_otherwise(world):
    supply = world.promised(10)
    with pytest.raises(WrongField):
        world.arrive(supply, 10, verdict=Verdict.OTHER, as_item=world.suit, why="其实是防护服")


def test_one_bad_line_books_nothing(world):
    supply = world.promised(100)
    (line,) = queries.lines_of(supply)
    good = Checked(line=line, quantity=50, verdict=Verdict.FITS)
    bad = Checked(line=line, quantity=50, verdict=Verdict.REFUSED)
    with pytest.raises(WrongField):
        actions.receive(supply=supply, checked=[good, bad], papers=Papers(), by=world.keeper, at=AT)
    assert not Entry.objects.exists()
    assert not Delivery.objects.exists()


def test_a_line_of_another_source_is_refused(world):
    mine, other = world.promised(10), world.promised(10)
    (line,) = queries.lines_of(other)
    with pytest.raises(WrongField):
        actions.receive(
            supply=mine,
            checked=[Checked(line=line, quantity=1, verdict=Verdict.FITS)],
            papers=Papers(),
            by=world.keeper,
            at=AT,
        )


def test_money_comes_once(world):
    supply = world.gift(0, money=600_000_00)
    actions.receive(supply=supply, checked=[], papers=Papers(), money=True, by=world.keeper, at=AT)
    supply.refresh_from_db()
    assert (supply.state, supply.money_came_at) == (SupplyState.CLOSED, AT)
    with pytest.raises(WrongField):
        actions.receive(
            supply=supply, checked=[], papers=Papers(), money=True, by=world.keeper, at=AT
        )


def test_the_keeper_is_asked_once_for_what_is_late_and_a_new_day_settles_it(world):
    supply = world.promised(arrives_on=date(2020, 2, 4))
    assert list(queries.late(AT)) == [supply]
    assert actions.remind_of_late(supply=supply, at=AT)
    assert not actions.remind_of_late(supply=supply, at=AT)
    (task,) = Task.objects.filter(kind=LATE_TASK.code)
    assert task.facility == world.depot
    actions.put_off(
        supply=supply, arrives_on=date(2020, 2, 9), reason="下雪", by=world.buyer, at=AT
    )
    task.refresh_from_db()
    assert task.state == "done"
    assert list(queries.late(AT)) == []


def test_what_is_promised_stands_on_the_board_of_the_store_it_is_promised_to(world):
    supply = world.promised(arrives_on=date(2020, 2, 9))
    (line,) = queries.lines_of(supply)

    def told(user):
        one = stocks.board(user, AT).get(pk=line.item_id)
        return one.coming, one.arrives

    assert told(world.keeper) == (line.quantity, date(2020, 2, 9))
    assert told(world.matron) == (0, None)
    actions.close(supply=supply, reason="停产", by=world.buyer, at=AT)
    assert told(world.keeper) == (0, None)


def test_a_late_promise_ends_with_a_reason_of_two_signs(world):
    supply = world.promised(arrives_on=date(2020, 2, 4))
    actions.remind_of_late(supply=supply, at=AT)
    actions.close(supply=supply, reason="停产", by=world.buyer, at=AT)
    task = Task.objects.get(kind=LATE_TASK.code)
    assert (task.state, "停产" in task.proof) == ("done", True)


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("emergency_store", Role.STORE_KEEPER),
        ("tibetan_hospital", Role.HOSPITAL),
        ("health_centre", Role.HOSPITAL),
        ("county_cdc", Role.COUNTY_CDC),
    ],
)
def test_whoever_keeps_the_store_is_asked_for_what_is_late(world, kind, role):
    place = world.place(facility(world.daofu, "道孚县库", kind=kind))
    supply = world.promised(arrives_on=date(2020, 2, 4), place=place)
    actions.remind_of_late(supply=supply, at=AT)
    assert Task.objects.get(kind=LATE_TASK.code).owner_role == role


def test_a_promise_is_not_put_off_to_the_past_or_to_the_same_day(world):
    supply = world.promised(arrives_on=date(2020, 2, 8))
    for day in (date(2020, 2, 4), date(2020, 2, 8)):
        with pytest.raises(WrongField):
            actions.put_off(supply=supply, arrives_on=day, reason="道路积雪", by=world.buyer, at=AT)


# --- What the public is told ----------------------------------------------------------------------


def test_a_report_tells_what_came_to_whom_it_went_and_what_is_left(world):
    world.brought(1000, earmark="")
    lot = Lot.objects.get()
    world.send(300, lot=lot, target=world.there)
    world.send(100, lot=lot, source=world.there)
    report = world.published(at=AT + DAY)
    (gift,) = report.contents["gifts"]
    (goods,) = gift["goods"]
    assert gift["from"] == "州商务合作局"
    told = {name: goods[name] for name in ("came", "used", "lost", "left")}
    assert told == {"came": 1000, "used": 100, "lost": 0, "left": 900}
    assert goods["given"] == [
        {"to_zh": "道孚县人民医院", "to_en": world.hospital.name_en, "quantity": 300}
    ]
    assert sum(row["quantity"] for row in goods["left_at"]) == 900


def test_bought_goods_are_not_told_of(world):
    world.arrive(world.promised(100), 100)
    with pytest.raises(actions.NothingNew):
        world.published(at=AT + DAY)


def test_each_line_of_the_ledger_stands_in_one_report(world):
    world.brought(1000)
    first = world.published(at=AT + DAY)
    with pytest.raises(actions.NothingNew):
        world.published(at=AT + DAY)
    world.send(50, lot=Lot.objects.get(), at=AT + 2 * DAY)
    second = world.published(at=AT + 3 * DAY)
    assert (first.number, second.number) == (1, 2)
    assert second.since == first.as_of
    (goods,) = second.contents["gifts"][0]["goods"]
    assert (goods["came"], goods["used"], goods["left"]) == (0, 50, 950)


def test_what_was_booked_late_with_an_earlier_moment_stands_in_the_next_report(world):
    world.brought(1000)
    world.published(at=AT + DAY)
    world.brought(70, at=AT)  # a request that began before and was written after
    (gift,) = [
        one for one in world.published(at=AT + 2 * DAY).contents["gifts"] if one["goods"][0]["came"]
    ]
    assert gift["goods"][0]["came"] == 70


def test_a_correction_tells_the_same_hours_anew_and_only_once(world):
    world.brought(1000)
    first = world.published(at=AT + DAY)
    second = world.corrected(first, at=AT + 2 * DAY)
    assert (second.corrects, second.as_of, second.contents) == (
        first,
        first.as_of,
        first.contents,
    )
    with pytest.raises(actions.NotOpen):
        world.corrected(first, at=AT + 2 * DAY)
    # The next report goes on where the corrected one ended.
    world.send(1, lot=Lot.objects.get(), at=AT + 3 * DAY)
    assert world.published(at=AT + 4 * DAY).since == first.as_of


def test_a_private_giver_is_named_nowhere(world):
    supply = world.gift(10, private=True, party="")
    world.arrive(supply, 10)
    report = world.published(at=AT + DAY)
    (gift,) = report.contents["gifts"]
    assert (gift["from"], gift["private"]) == ("", True)


def test_given_money_is_told_with_what_was_bought_for_it_and_came(world):
    gift = world.gift(0, money=1_000_00)
    actions.receive(supply=gift, checked=[], papers=Papers(), money=True, by=world.keeper, at=AT)
    order = world.promised(100, price=400_00, fund=Fund.GIFTS)
    never = world.promised(50, price=300_00, fund=Fund.GIFTS)
    actions.close(supply=never, reason="厂家停产", by=world.buyer, at=AT)

    def spent(report):
        return [(one["quantity"], one["price"]) for one in report.contents["money"]["spent"]]

    first = world.published(at=AT + DAY)
    assert first.contents["money"]["came"] == 1_000_00
    assert spent(first) == []  # ordered is not bought
    world.arrive(order, 75, at=AT + 2 * DAY)
    assert spent(world.published(at=AT + 2 * DAY)) == [(75, 300_00)]
    world.arrive(order, 25, at=AT + 3 * DAY)
    assert spent(world.published(at=AT + 3 * DAY)) == [(25, 100_00)]
    entry = Entry.objects.latest("pk")
    stock.reverse(entry=entry, reason="数错了", by=world.keeper, at=AT + 4 * DAY)
    assert spent(world.published(at=AT + 5 * DAY)) == [(-25, -100_00)]


def test_what_reports_of_an_older_kind_told_as_bought_is_not_told_again(world):
    world.brought(10)
    order = world.promised(100, price=400_00, fund=Fund.GIFTS)
    (line,) = queries.lines_of(order)
    old = world.published(at=AT + DAY)
    old.totals = {**old.totals, "spent": [line.pk]}  # as it was kept once
    world.arrive(order, 100, at=AT + 2 * DAY)
    told = reports.told(old, AT + 3 * DAY)
    assert told.contents["money"]["spent"] == []
    assert told.totals["spent"] == [line.pk]


def test_what_of_a_gift_is_found_when_counted_or_arrives_beyond_what_was_sent_is_told(world):
    world.brought(100)
    lot = Lot.objects.get()
    second = staff(Role.STORE_KEEPER, facility=world.depot)
    count = counting.open_count(place=world.store, by=world.keeper, at=AT)
    (line,) = (one.line for one in stocks.lines_of(count))
    told = [Counted(line=line, quantity=103, reason="上次少点")]
    mark = stocks.mark_of(world.store)
    counting.enter(count=count, told=told, mark=mark, by=world.keeper, at=AT)
    counting.submit(count=count, by=world.keeper, at=AT)
    counting.approve(count=count, by=second, at=AT)
    shipment = shipping.prepare(
        source=world.store,
        target=world.there,
        lines=[Leaving(item=world.mask, quantity=40, lot=lot)],
        way=Way(),
        by=world.keeper,
        at=AT,
    )
    shipping.dispatch(shipment=shipment, by=world.keeper, at=AT)
    shipment.refresh_from_db()
    came = [Arrived(line=one, good=41) for one in stocks.shipment_lines(shipment)]
    shipping.arrive(shipment=shipment, told=came, by=world.matron, at=AT)

    (gift,) = world.published(at=AT + DAY).contents["gifts"]

    (goods,) = gift["goods"]
    fate = {name: goods[name] for name in ("came", "used", "lost", "left")}
    assert fate == {"came": 100, "used": 0, "lost": -4, "left": 104}


def test_a_list_of_reports_reads_no_figures(world, django_assert_num_queries):
    world.brought(10)
    first = world.published(at=AT + DAY)
    world.corrected(first, at=AT + DAY)
    with django_assert_num_queries(1) as asked:
        assert [one.corrects_id for one in queries.reports().order_by("number")] == [
            None, first.pk,
        ]  # fmt: skip
    assert "totals" not in asked.captured_queries[0]["sql"]
    assert "contents" not in asked.captured_queries[0]["sql"]


def test_a_purchase_without_a_price_is_accepted_by_somebody_else_too(world):
    supply = world.offered(100)
    with pytest.raises(actions.SamePerson):
        actions.accept(supply=supply, by=world.buyer, at=AT)
    facts = SupplyFacts(channel=Channel.CONTRACT, place=world.store, party="成都某贸易公司")
    line = LineFacts(item=world.mask, quantity=10)
    with pytest.raises(WrongField) as refused:
        actions.offer(facts=facts, lines=[line], here=True, by=world.buyer, at=AT)
    assert refused.value.field == "here"


def test_more_than_is_still_to_come_is_booked_only_with_a_word(world):
    supply = world.promised(100)
    (line,) = queries.lines_of(supply)
    two = [
        Checked(line=line, quantity=60, verdict=Verdict.FITS, lot=LotFacts(number=number))
        for number in "AB"
    ]
    said = {"supply": supply, "papers": Papers(), "by": world.keeper, "at": AT}
    with pytest.raises(WrongField) as refused:
        actions.receive(**said, checked=two)
    assert refused.value.field == "lines/1/quantity"
    world.arrive(supply, 100)
    with pytest.raises(WrongField):  # a second keeper, who had not seen the first
        world.arrive(supply, 100)
    world.arrive(supply, 5, why="厂家多送5只")
    assert world.held() == {"": 105}


def test_what_is_on_the_way_to_another_house_has_left_and_what_comes_back_has_not(world):
    world.bring(1000)
    said = {"source": world.store, "target": world.there, "way": Way(), "by": world.keeper}
    lines = [Leaving(item=world.mask, quantity=70)]
    one = shipping.prepare(**said, lines=lines, at=AT)
    two = shipping.prepare(**said, lines=lines, at=AT)
    for shipment in (one, two):
        shipping.dispatch(shipment=shipment, by=world.keeper, at=AT)
    two.refresh_from_db()
    shipping.bring_back(shipment=two, reason="道路中断", by=world.keeper, at=AT)

    first = TODAY - 6 * DAY
    assert queries.leaving_a_day(world.mask, [world.store.pk], first, TODAY) == {world.store.pk: 10}


def test_a_report_never_changes(world):
    world.brought(10)
    report = world.published(at=AT + DAY)
    with pytest.raises(Exception, match="only ever added to"):
        Disclosure.objects.filter(pk=report.pk).update(number=7)


def test_the_headquarters_are_reminded_when_the_packs_days_are_over_and_a_report_settles_it(world):
    world.brought(10)
    assert not actions.remind_to_publish(at=AT + 4 * DAY)
    assert actions.remind_to_publish(at=AT + 5 * DAY)
    assert not actions.remind_to_publish(at=AT + 6 * DAY)
    world.published(at=AT + 6 * DAY)
    (task,) = Task.objects.filter(kind=DISCLOSE_TASK.code)
    assert task.state == "done"
    assert not actions.remind_to_publish(at=AT + 20 * DAY)


def test_offers_stand_side_by_side_with_what_they_relieve(world):
    world.bring(100)
    world.send(70)  # 5 a day over 14 days; 30 are left
    soon = world.offered(50, price=100_00, arrives_on=date(2020, 2, 6))
    late = world.offered(500, price=500_00, arrives_on=date(2020, 2, 20), standard="GB 1-1")
    first, second = queries.offers(world.headquarters, AT, world.mask)
    assert (first.line.supply, first.unit_price, first.relief.gap) == (soon, 200.0, 0)
    assert first.relief.days == 10
    assert (second.line.supply, second.relief.gap) == (late, 9)
    assert queries.offers(world.matron, AT, world.mask) == []
