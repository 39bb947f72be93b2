"""The ledger: what comes and goes, what is refused whole, what is taken back, who holds a lot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import Error, connection, transaction

from fangkong.accounts.tests.factories import staff
from fangkong.core.audit.models import AuditLine
from fangkong.core.free_text import NumberInText
from fangkong.core.refusals import WrongField
from fangkong.core.roles import Role
from fangkong.places.tests.factories import facility
from fangkong.supplies.stock import actions, queries, words
from fangkong.supplies.stock.models import Balance, Entry, Item, Lot, Move
from fangkong.supplies.stock.types import (
    Arriving,
    ItemFacts,
    Leaving,
    LossReason,
    Papers,
    Standing,
)

from .factories import AT, DAY, NEXT_YEAR, TODAY

pytestmark = pytest.mark.both_databases


def test_goods_come_in_lots_and_the_earliest_expiry_leaves_first(world):
    world.bring(100, number="B", expires_on=NEXT_YEAR)
    world.bring(50, number="A", expires_on=TODAY + 30 * DAY)

    entry = world.send(120)

    assert world.held() == {"B": 30}
    assert [(m.lot.number, m.quantity) for m in queries.moves_of(entry)] == [("A", 50), ("B", 70)]
    assert entry.number == "513301-01-2020-00003"
    line = AuditLine.objects.get(action="supplies.stock.issue")
    assert (line.subject_public_id, line.detail["lots"]) == (entry.public_id, 2)


def test_the_same_label_is_the_same_lot_and_another_is_another(world):
    world.bring(10, number="A", expires_on=NEXT_YEAR)
    world.bring(5, number=" A ", expires_on=NEXT_YEAR)
    world.bring(1, number="A", expires_on=NEXT_YEAR, earmark="道孚县")
    world.bring(1, number="A")
    world.bring(2, number="A")

    assert sorted(Balance.objects.values_list("quantity", flat=True)) == [1, 3, 15]
    assert Lot.objects.count() == 3


def test_a_short_store_issues_nothing_at_all_and_says_why(world):
    world.bring(40, number="A", expires_on=NEXT_YEAR)
    world.bring(7, number="B", expires_on=TODAY - DAY)
    world.bring(5, number="C", earmark="道孚县")
    world.bring(9, item=world.suit)
    lines = [Leaving(item=world.suit, quantity=9), Leaving(item=world.mask, quantity=41)]

    with pytest.raises(actions.NotEnough) as refused:
        actions.issue(source=world.store, lines=lines, papers=Papers(), by=world.keeper, at=AT)

    assert "40" in str(refused.value) and "41" in str(refused.value)
    assert "5" in str(refused.value) and "7" in str(refused.value)  # earmarked, expired
    assert Entry.objects.filter(kind="issue").count() == 0
    assert sum(Balance.objects.values_list("quantity", flat=True)) == 61


def test_two_lines_of_one_entry_do_not_take_the_same_box_twice(world):
    world.bring(10, number="A")
    lines = [Leaving(item=world.mask, quantity=6), Leaving(item=world.mask, quantity=5)]

    with pytest.raises(actions.NotEnough):
        actions.issue(source=world.store, lines=lines, papers=Papers(), by=None, at=AT)

    lines = [Leaving(item=world.mask, quantity=6), Leaving(item=world.mask, quantity=4)]
    actions.issue(source=world.store, lines=lines, papers=Papers(), by=None, at=AT)
    assert world.held() == {}


def test_goods_that_move_are_there_and_no_more_here(world):
    world.bring(10, number="A", expires_on=NEXT_YEAR)

    world.send(4, target=world.there)
    world.send(1, source=world.there, target=world.ward)

    assert (world.held(), world.held(world.there), world.held(world.ward)) == (
        {"A": 6}, {"A": 3}, {"A": 1},
    )  # fmt: skip
    with pytest.raises(WrongField, match="已在那里"):
        world.send(1, target=world.store)


def test_an_earmarked_lot_leaves_only_by_its_name(world):
    world.bring(5, number="C", earmark="道孚县")
    with pytest.raises(actions.NotEnough, match="5"):
        world.send(1)

    world.send(1, lot=world.lot("C"), target=world.there)

    assert world.held(world.there) == {"C": 1}


def test_a_lot_of_another_item_and_more_than_a_lot_has_are_refused(world):
    world.bring(5, number="A")
    with pytest.raises(WrongField):
        world.send(1, lot=world.lot("A"), item=world.suit)
    with pytest.raises(actions.NotEnough, match="5"):
        world.send(6, lot=world.lot("A"))
    assert world.held() == {"A": 5}


def test_an_entry_is_taken_back_whole_and_once_and_both_stay(world):
    world.bring(10, number="A")
    entry = world.send(4, target=world.there)

    back = actions.reverse(entry=entry, reason="发错了库", by=world.keeper, at=AT)

    assert (world.held(), world.held(world.there)) == ({"A": 10}, {})
    assert (back.reverses, back.kind) == (entry, "reversal")
    assert Move.objects.filter(entry=entry).get().quantity == 4
    for again in (entry, back):
        with pytest.raises(actions.AlreadyReversed):
            actions.reverse(entry=again, reason="再退", by=world.keeper, at=AT)
    assert Entry.objects.count() == 3


def test_what_moved_on_cannot_be_taken_back_before_what_came_after(world):
    arrival = world.bring(10, number="A")
    used = world.send(8)

    with pytest.raises(actions.NotEnough):
        actions.reverse(entry=arrival, reason="录错", by=world.keeper, at=AT)
    assert world.held() == {"A": 2}

    actions.reverse(entry=used, reason="录错", by=world.keeper, at=AT)
    actions.reverse(entry=arrival, reason="录错", by=world.keeper, at=AT)
    assert world.held() == {}


def test_a_taking_back_says_why(world):
    entry = world.bring(1)
    with pytest.raises(WrongField):
        actions.reverse(entry=entry, reason="  ", by=world.keeper, at=AT)


def test_a_lot_that_is_held_back_leaves_only_as_a_loss_wherever_it_is(world):
    world.bring(10, number="A")
    world.send(4, target=world.there)
    lot = world.lot("A")

    actions.hold(lot=lot, reason="无三证", by=world.keeper, at=AT)

    for place in (world.store, world.there):
        with pytest.raises(actions.NotEnough):
            world.send(1, source=place)
        with pytest.raises(actions.HeldBack, match="无三证"):
            world.send(1, source=place, lot=lot)
    assert [row.quantity for row in queries.holders(lot)] == [6, 4]
    with pytest.raises(actions.Known):
        actions.hold(lot=lot, reason="再封", by=world.keeper, at=AT)
    said = {"place": world.there, "lot": lot, "quantity": 4, "reason": LossReason.UNFIT}
    actions.lose(**said, papers=Papers(note="退回销毁"), by=world.matron, at=AT)
    assert world.held(world.there) == {}
    actions.let_go(lot=lot, reason="补来合格证", by=world.keeper, at=AT)
    world.send(6)
    with pytest.raises(actions.NothingChanged):
        actions.let_go(lot=lot, reason="再解", by=world.keeper, at=AT)


def test_an_expired_lot_is_written_off_with_a_word_on_how_it_came_about(world):
    world.bring(10, number="A", expires_on=TODAY)
    tomorrow = AT + DAY
    lot = world.lot("A")
    with pytest.raises(actions.Expired):
        world.send(1, lot=lot, at=tomorrow)
    said = {"place": world.store, "lot": lot, "quantity": 10, "reason": LossReason.EXPIRED}
    with pytest.raises(WrongField):
        actions.lose(**said, papers=Papers(), by=world.keeper, at=tomorrow)

    entry = actions.lose(**said, papers=Papers(note="未及时调出"), by=world.keeper, at=tomorrow)

    assert (entry.loss, world.held()) == ("expired", {})


@pytest.mark.parametrize("quantity", [0, -1, 10**12 + 1, 10**30])
def test_impossible_quantities_book_nothing(world, quantity):
    world.bring(10)
    lines = [Arriving(item=world.mask, quantity=3), Arriving(item=world.mask, quantity=quantity)]
    with pytest.raises(WrongField) as refused:
        actions.receive(place=world.store, lines=lines, papers=Papers(), by=None, at=AT)
    assert refused.value.field == "lines/1/quantity"
    with pytest.raises(WrongField):
        world.send(quantity)
    assert Entry.objects.count() == 1


def test_impossible_lots_moments_and_texts_are_refused(world):
    with pytest.raises(actions.NotAcceptable) as refused:
        world.bring(1, made_on=TODAY, expires_on=TODAY - DAY)
    assert refused.value.faults[0][0] == "lines/0/lot/expires_on"
    with pytest.raises(WrongField, match="还没有到"):
        world.bring(1, papers=Papers(moved_at=AT + timedelta(minutes=1)))
    with pytest.raises(WrongField, match="一年"):
        world.bring(1, papers=Papers(moved_at=AT - 400 * DAY))
    with pytest.raises(NumberInText):
        world.bring(1, papers=Papers(other="张三 13800000001"))
    with pytest.raises(WrongField):
        actions.receive(place=world.store, lines=[], papers=Papers(), by=None, at=AT)
    assert Entry.objects.count() == 0 and Lot.objects.count() == 0


def test_a_closed_place_takes_and_gives_nothing_and_a_full_one_stays_open(world):
    world.bring(1, place=world.ward, number="A")
    with pytest.raises(actions.NotEmpty):
        actions.close_place(place=world.ward, by=world.matron, at=AT)
    world.send(1, source=world.ward)
    actions.close_place(place=world.ward, by=world.matron, at=AT)

    with pytest.raises(actions.Closed):
        world.bring(1, place=world.ward)
    with pytest.raises(actions.Closed):
        actions.close_place(place=world.ward, by=world.matron, at=AT)
    world.bring(1)
    with pytest.raises(actions.Closed):
        world.send(1, target=world.ward)


def test_nothing_is_taken_back_into_a_closed_place(world):
    world.bring(1, place=world.ward, number="A")
    used = world.send(1, source=world.ward)
    actions.close_place(place=world.ward, by=world.matron, at=AT)

    with pytest.raises(actions.Closed):
        actions.reverse(entry=used, reason="录错", by=world.matron, at=AT)

    assert world.held(world.ward) == {}


def test_what_the_headquarters_holds_back_no_keeper_lets_go(world):
    world.bring(10, number="A")
    other = staff(Role.STORE_KEEPER, facility=world.hospital)
    lot = world.lot("A")
    for holder, others in (
        (world.headquarters, [world.keeper, other]),
        (world.keeper, [other]),
    ):
        lot = actions.hold(lot=lot, reason="召回", by=holder, at=AT)
        for one in others:
            with pytest.raises(actions.HeldByAnother):
                actions.let_go(lot=lot, reason="补证", by=one, at=AT)
        assert queries.lot_now(lot.pk).held_back_why == "召回"
        lot = actions.let_go(lot=lot, reason="补证", by=holder, at=AT)
    lot = actions.hold(lot=lot, reason="存疑", by=world.keeper, at=AT)
    actions.let_go(lot=lot, reason="补证", by=world.headquarters, at=AT)
    assert queries.lot_now(lot.pk).held_back_at is None


def test_a_facility_has_one_store_and_each_place_its_own_mark(world):
    with pytest.raises(actions.Known):
        world.place(world.hospital)
    assert [world.there.mark, world.ward.mark] == ["513326-01", "513326-02"]


def test_nobody_changes_or_removes_a_line_of_the_ledger(world):
    entry = world.bring(10)
    for sql in (
        "UPDATE supplies_move SET quantity = 1",
        "DELETE FROM supplies_move",
        "UPDATE supplies_entry SET note = 'x'",
    ):
        with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    assert Move.objects.get(entry=entry).quantity == 10


def test_the_database_itself_lets_no_balance_fall_below_zero(world):
    world.bring(10)
    with pytest.raises(Error), transaction.atomic():
        Balance.objects.update(quantity=-1)


def test_a_balance_that_is_not_the_sum_of_its_moves_is_found(world):
    world.bring(10, number="A")
    world.send(4, target=world.there)
    assert queries.differences() == []

    Balance.objects.filter(place=world.there).update(quantity=5)

    (found,) = queries.differences()
    assert (found.place, found.kept, found.summed) == (world.there.pk, 5, 4)


def test_the_unit_of_what_was_booked_stays(world):
    facts = {"code": "mask", "name_zh": "口罩", "kind": "protection"}
    world.bring(1)
    said = ItemFacts(**facts, unit="pair")
    with pytest.raises(WrongField):
        actions.change_item(item=world.mask, facts=said, by=None, at=AT)
    said = ItemFacts(**facts, unit="piece", packs={"盒(50只)": 50})
    changed = actions.change_item(item=world.mask, facts=said, by=None, at=AT)
    assert changed.packs == {"盒(50只)": 50}
    with pytest.raises(actions.NothingChanged):
        actions.change_item(item=world.mask, facts=said, by=None, at=AT)


def test_the_catalogue_is_taken_once_and_what_stands_is_left(world):
    rows = [
        ItemFacts(code="mask", name_zh="别名", kind="protection", unit="piece"),
        ItemFacts(code="goggles", name_zh="护目镜", kind="protection", unit="piece"),
    ]
    assert actions.take_catalogue(items=rows, by=None, at=AT) == 1
    assert actions.take_catalogue(items=rows, by=None, at=AT) == 0
    assert queries.item_by_code("mask").name_zh == "医用外科口罩"


# --- What is asked --------------------------------------------------------------------------------


def test_the_curve_is_the_stock_of_each_evening_as_the_goods_moved(world):
    for days, quantity in ((3, 100), (1, 20)):
        world.bring(quantity, papers=Papers(moved_at=AT - days * DAY))
    world.send(30, papers=Papers(moved_at=AT - 2 * DAY))
    world.send(10, target=world.there)

    keys = [world.store.pk]
    found = queries.curve(world.mask, keys, TODAY - 3 * DAY, TODAY)
    assert [(one.came, one.went, one.held) for one in found] == [
        (100, 0, 100), (0, 30, 70), (20, 0, 90), (0, 10, 80),
    ]  # fmt: skip
    (before,) = queries.curve(world.mask, keys, TODAY - 2 * DAY, TODAY - 2 * DAY)
    assert (before.went, before.held) == (30, 70)
    both = queries.curve(world.mask, [*keys, world.there.pk], TODAY, TODAY)
    assert [(one.came, one.went, one.held) for one in both] == [(0, 0, 90)]


def test_use_a_day_leaves_out_what_was_moved_or_taken_back(world):
    world.bring(100)
    world.send(60)
    wrong = world.send(10)
    world.send(5, target=world.there)
    actions.reverse(entry=wrong, reason="录错", by=None, at=AT)

    keys = [world.store.pk, world.ward.pk]
    found = queries.used_a_day(world.mask, keys, TODAY - 9 * DAY, TODAY)
    assert found == {world.store.pk: 6, world.ward.pk: 0}


def test_the_board_tells_what_is_here_spoiled_kept_back_and_soon_to_expire(world):
    world.bring(10, number="A", expires_on=NEXT_YEAR)
    world.bring(20, number="B", expires_on=TODAY + 30 * DAY)
    world.bring(3, number="C", expires_on=TODAY - DAY)
    world.bring(5, number="D")
    world.bring(7, number="E", place=world.there, expires_on=TODAY + 5 * DAY)
    actions.hold(lot=world.lot("D"), reason="存疑", by=None, at=AT)

    def told(user):
        one = queries.board(user, AT).get(pk=world.mask.pk)
        return one.here, one.spoiled, one.kept_back, one.soon, one.first

    assert told(world.keeper) == (38, 3, 5, 20, TODAY + 30 * DAY)
    assert told(world.matron) == (7, 0, 0, 7, TODAY + 5 * DAY)
    assert told(world.headquarters) == (45, 3, 5, 27, TODAY + 5 * DAY)


def test_the_board_begins_with_what_is_most_urgent(world):
    def stands(user=world.keeper):
        return [
            (one.code, Standing(one.standing).name)
            for one in queries.board(user, AT).order_by("standing", "pk")
        ]

    assert {standing for _code, standing in stands()} == {"NOTHING"}
    world.bring(10, number="A", expires_on=NEXT_YEAR)
    assert stands()[0] == ("mask", "HERE")
    world.bring(5, number="B", expires_on=TODAY + 30 * DAY)
    assert stands()[0] == ("mask", "SOON")
    world.bring(3, number="C", expires_on=TODAY - DAY)
    assert stands()[0] == ("mask", "BAD")
    Item.objects.filter(code="mask").update(least=16)
    assert stands()[0] == ("mask", "LOW")  # three of the 18 have expired and help nobody
    Item.objects.filter(code="mask").update(least=15)
    assert stands()[0] == ("mask", "BAD")
    one = queries.board(world.keeper, AT).get(code="mask")
    assert (one.fit, words.reserve(one.fit, one)) == (15, "为储备量15只的100%")
    actions.hold(lot=world.lot("A"), reason="存疑", by=None, at=AT)
    assert stands(world.headquarters)[0] == ("mask", "LOW")


def test_only_the_store_of_the_reserve_is_measured_against_it(world, client):
    Item.objects.filter(code="mask").update(least=1000)
    site = facility(world.daofu, "道孚县集中隔离点", kind="isolation_site")
    world.bring(10, place=world.there, number="A", expires_on=NEXT_YEAR)
    world.bring(2000, place=world.place(site), number="A", expires_on=NEXT_YEAR)
    county = staff(Role.COUNTY_CDC, area=world.daofu)
    for user, standing, fit in (
        (world.matron, Standing.HERE, None),
        (county, Standing.HERE, None),  # an isolation site's own store is no reserve
        (world.keeper, Standing.LOW, 0),
        (world.headquarters, Standing.LOW, 0),  # what lies elsewhere does not fill the store
    ):
        one = queries.board(user, AT).get(code="mask")
        assert (one.standing, one.fit) == (standing, fit)
        client.force_login(user)
        low = client.get("/supplies/stock/", {"state": "low"}).context["rows"]
        assert [row.code for row in low] == ([] if fit is None else ["mask"])
        page = client.get(world.mask.get_absolute_url())
        assert bool(page.context["reserve"]) == page.context["low"] == (fit is not None)
    world.bring(1000, number="A", expires_on=NEXT_YEAR)
    assert queries.board(world.headquarters, AT).get(code="mask").fit == 1000
    assert not client.get("/supplies/stock/", {"state": "low"}).context["rows"]


def test_what_was_promised_for_a_day_that_is_over_is_told_as_due(world, client, monkeypatch):
    def promised(places):
        return [(world.mask.pk, 40, TODAY - DAY), (world.suit.pk, 7, TODAY)]

    monkeypatch.setattr(queries, "promised_to", promised)
    client.force_login(world.keeper)
    page = client.get("/supplies/stock/", headers={"Accept-Language": "en"}).content.decode()
    assert page.count("due 2020-02-04") == 1
    assert "due 2020-02-05" not in page and "2020-02-05" in page


def test_a_place_of_another_facility_is_not_open(world):
    world.bring(1, number="A")
    at = AT
    assert queries.place_open_to(world.matron, at, world.store.public_id) is None
    assert not queries.entries_open_to(world.matron, at).exists()
    assert not queries.lots_open_to(world.matron, at).exists()
    world.send(1, target=world.there)
    assert queries.entries_open_to(world.matron, at).get().kind == "move"
    assert not queries.entries_to_reverse(world.matron, at).exists()  # who sent it takes it back
