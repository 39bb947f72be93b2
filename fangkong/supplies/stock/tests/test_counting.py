"""Stocktake: counted lot by lot, moves meanwhile, differences booked by somebody else."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from fangkong.accounts.tests.factories import staff
from fangkong.core.refusals import WrongField
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.supplies.stock import actions, counting, queries, rules, shipping
from fangkong.supplies.stock.models import Count, Entry, Lot
from fangkong.supplies.stock.types import Arrived, Arriving, Counted, Leaving, LotFacts, Papers, Way
from fangkong.tasks.models import Task

from .factories import AT, NEXT_YEAR

pytestmark = pytest.mark.both_databases
HOUR = timedelta(hours=1)
MOMENTS = st.integers(0, 20)


@given(st.lists(st.tuples(MOMENTS, MOMENTS, st.integers(-9, 9))), MOMENTS, st.integers(0, 99))
def test_whatever_is_booked_when_a_count_and_what_moved_after_it_are_what_is_there(
    moves, counted, quantity
):
    """Each move is (moved, booked late by, change): the order of booking plays no part."""
    told = [rules.Moved(AT + moved * HOUR, change) for moved, _late, change in moves]
    balance = 100 + sum(one.change for one in told)

    found = rules.difference(quantity, balance, told, AT + counted * HOUR)

    after = sum(one.change for one in told if one.moved_at > AT + counted * HOUR)
    assert balance + found == quantity + after


@pytest.fixture
def second(world):
    """Another keeper of the prefecture's store."""
    return staff(Role.STORE_KEEPER, facility=world.depot)


def begin(world, **said):
    return counting.open_count(place=world.store, by=world.keeper, at=AT, **said)


def put(world, count, *, at=AT + HOUR, by=None, mark=None, **quantities):
    """What was counted, by the number of the lot; a tuple gives the reason too."""
    lines = {one.line.lot.number: one.line for one in queries.lines_of(count)}
    told = []
    for number, said in quantities.items():
        quantity, reason = said if isinstance(said, tuple) else (said, None)
        told.append(Counted(line=lines[number], quantity=quantity, reason=reason))
    mark = queries.mark_of(world.store) if mark is None else mark
    return counting.enter(count=count, told=told, mark=mark, by=by or world.keeper, at=at)


def test_differences_are_booked_as_lost_and_found_in_one_sheet_by_somebody_else(world, second):
    world.bring(100, number="A", expires_on=NEXT_YEAR)
    world.bring(50, number="B")
    world.bring(20, number="C")
    count = put(world, begin(world), A=(93, "受潮"), B=(52, "上次少点"), C=20)
    assert Entry.objects.count() == 3
    counting.submit(count=count, by=world.keeper, at=AT + HOUR)
    waiting = Task.objects.get(kind="supplies.stock.count_waits")
    assert (waiting.owner_role, waiting.source_id) == (Role.COUNTY_CDC, count.public_id)

    with pytest.raises(counting.OwnCount):
        counting.approve(count=count, by=world.keeper, at=AT + 2 * HOUR)
    done = counting.approve(count=count, by=second, at=AT + 2 * HOUR)

    assert world.held() == {"A": 93, "B": 52, "C": 20}
    moves = queries.moves_of(done.entry)
    assert [(m.lot.number, m.source.kind, m.target.kind, m.quantity) for m in moves] == [
        ("A", "store", "lost", 7),
        ("B", "found", "store", 2),
    ]
    assert [one.line.book for one in queries.lines_of(done)] == [100, 50, 20]
    assert Task.objects.get().state == "done"
    assert queries.differences() == []
    with pytest.raises(counting.NotSubmitted):  # late, or once more
        counting.approve(count=count, by=second, at=AT + 3 * HOUR)
    with pytest.raises(counting.NotBeingCounted):
        put(world, count, A=1)
    assert Entry.objects.count() == 4


def test_what_moves_after_a_line_was_counted_is_no_difference_even_when_booked_late(world, second):
    world.bring(100, number="A")
    count = put(world, begin(world), A=(97, "少了三只"))
    world.send(30, at=AT + 2 * HOUR)  # after the count
    world.send(3, at=AT + 3 * HOUR, papers=Papers(moved_at=AT))  # gone before it, told only now

    (line,) = queries.lines_of(count)
    assert (line.book, line.difference) == (97, 0)
    counting.submit(count=count, by=world.keeper, at=AT + 4 * HOUR)
    done = counting.approve(count=count, by=second, at=AT + 4 * HOUR)

    assert (done.entry, world.held()) == (None, {"A": 67})


def test_a_lot_that_moves_between_opening_the_sheet_and_saving_is_counted_again(world):
    world.bring(100, number="A")
    world.bring(5, number="B")
    count = begin(world)
    mark = queries.mark_of(world.store)
    world.send(10, lot=world.lot("A"), at=AT + HOUR)

    with pytest.raises(WrongField) as refused:
        put(world, count, mark=mark, B=5, A=100)

    assert refused.value.field == "lines/1/quantity"
    put(world, count, mark=mark, B=5)  # what did not move is counted all the same
    put(world, count, A=90)
    assert [one.difference for one in queries.lines_of(count)] == [0, 0]


def test_a_blind_count_tells_the_book_only_once_a_lot_is_counted(world):
    world.bring(100, number="A")
    world.bring(5, number="B")
    count = put(world, begin(world, blind=True), A=99)

    assert [(one.book, one.difference) for one in queries.lines_of(count)] == [
        (100, -1), (None, None),
    ]  # fmt: skip
    put(world, count, A=100)
    assert queries.lines_of(count)[0].line.times == 2  # whoever approves sees it


def test_a_lot_that_is_not_in_the_book_is_found_and_booked(world, second):
    world.bring(10, number="A")
    count = put(world, begin(world), A=10)
    said = {"count": count, "item": world.suit, "by": world.keeper, "at": AT + HOUR}
    line = counting.find(**said, label=LotFacts(number="X"), quantity=4)
    again = counting.find(**said, label=LotFacts(number="X"), quantity=3, reason="上次漏登")
    assert (line.pk, again.found, again.quantity) == (line.pk, True, 3)
    with pytest.raises(WrongField):
        counting.find(**said, label=LotFacts(number="Y"), quantity=0)

    counting.submit(count=count, by=world.keeper, at=AT + HOUR)
    counting.approve(count=count, by=second, at=AT + HOUR)

    assert world.held() == {"A": 10, "X": 3}


def test_what_is_not_complete_is_not_submitted_and_what_is_in_doubt_is_given_back(world, second):
    world.bring(10, number="A")
    world.bring(10, number="B")
    count = begin(world)
    with pytest.raises(counting.CountRunning):
        begin(world)
    for quantities in ({"A": 10}, {"B": 8}):
        count = put(world, count, **quantities)
        with pytest.raises(counting.NotComplete):  # first a lot, then a reason is missing
            counting.submit(count=count, by=world.keeper, at=AT + HOUR)
    put(world, count, B=(None, "破损两只"))
    counting.submit(count=count, by=world.keeper, at=AT + HOUR)
    with pytest.raises(counting.NotBeingCounted):
        counting.submit(count=count, by=world.keeper, at=AT + HOUR)

    counting.give_back(count=count, reason="请复点B", by=second, at=AT + HOUR)
    with pytest.raises(counting.NotSubmitted):
        counting.give_back(count=count, reason="再退", by=second, at=AT + HOUR)
    assert Task.objects.get().state == "cancelled"
    counting.cancel(count=count, reason="改日再盘", by=world.keeper, at=AT + HOUR)
    with pytest.raises(counting.NotBeingCounted):
        counting.cancel(count=count, reason="再弃", by=world.keeper, at=AT + HOUR)
    assert world.held() == {"A": 10, "B": 10}
    assert begin(world).number.endswith("-PD-2020-002")


def test_more_that_left_than_was_counted_is_not_booked_below_zero(world, second):
    world.bring(10, number="A")
    count = put(world, begin(world), A=(2, "少八只"))
    counting.submit(count=count, by=world.keeper, at=AT + HOUR)
    world.send(9, at=AT + 2 * HOUR)

    with pytest.raises(counting.LessThanCounted):
        counting.approve(count=count, by=second, at=AT + 3 * HOUR)

    assert world.held() == {"A": 1}


def test_a_stocktake_that_two_persons_answer_for_is_taken_back_by_nobody_alone(
    world, second, client
):
    world.bring(10, number="A")
    count = put(world, begin(world), A=(4, "少六只"))
    counting.submit(count=count, by=world.keeper, at=AT + HOUR)
    done = counting.approve(count=count, by=second, at=AT + HOUR)

    with pytest.raises(actions.BelongsToACount):
        actions.reverse(entry=done.entry, reason="点错了", by=world.keeper, at=AT + 2 * HOUR)
    client.force_login(world.keeper)
    assert client.get(done.entry.get_absolute_url()).context["may_reverse"] is False
    assert world.held() == {"A": 4}


def test_of_two_who_count_a_lot_the_later_one_is_told_what_the_other_counted(world, second):
    world.bring(10, number="A")
    count = begin(world)
    (opened,) = queries.lines_of(count)
    put(world, count, A=(8, "少两只"), by=second)

    mark = queries.mark_of(world.store)
    stale = Counted(line=opened.line, quantity=10, times=0)
    with pytest.raises(WrongField, match="8") as refused:
        counting.enter(count=count, told=[stale], mark=mark, by=world.keeper, at=AT + HOUR)
    assert refused.value.field == "lines/0/quantity"
    (now,) = queries.lines_of(count)
    assert (now.line.quantity, now.line.times, now.line.counted_by) == (8, 1, second)
    # A line that was read long ago brings nothing of then back.
    told = [Counted(line=opened.line, quantity=9, times=1)]
    counting.enter(count=count, told=told, mark=mark, by=world.keeper, at=AT + HOUR)
    (now,) = queries.lines_of(count)
    assert (now.line.quantity, now.line.times, now.line.reason) == (9, 2, "少两只")


def test_goods_of_a_gift_are_not_found_again_without_their_giver_and_earmark(world, second):
    world.bring(10, number="A", owner="州商务合作局", earmark="发热门诊")
    count = put(world, begin(world), A=(0, "找不到"))
    said = {"count": count, "item": world.mask, "quantity": 10, "by": world.keeper, "at": AT + HOUR}
    counting.find(**said, label=LotFacts(number="A"), reason="架上")

    with pytest.raises(counting.NotComplete, match="发热门诊"):
        counting.submit(count=count, by=world.keeper, at=AT + HOUR)

    gift, plain = sorted(queries.lines_of(count), key=lambda one: one.line.found)
    mark = queries.mark_of(world.store)
    told = [Counted(line=gift.line, quantity=10), Counted(line=plain.line, quantity=0)]
    counting.enter(count=count, told=told, mark=mark, by=world.keeper, at=AT + HOUR)
    assert counting.submit(count=count, by=world.keeper, at=AT + HOUR).state == "submitted"


def test_a_place_is_not_closed_while_it_is_counted_or_goods_are_on_the_way(world):
    closes = {"by": None, "at": AT}
    count = begin(world)
    with pytest.raises(actions.NotEmpty, match=r"盘点|counted"):
        actions.close_place(place=world.store, **closes)
    counting.cancel(count=count, reason="改日再盘", by=world.keeper, at=AT)
    world.bring(5, number="A")
    one = shipping.prepare(
        source=world.store,
        target=world.there,
        lines=[Leaving(item=world.mask, quantity=5)],
        way=Way(),
        by=world.keeper,
        at=AT,
    )
    shipping.dispatch(shipment=one, by=world.keeper, at=AT)
    one.refresh_from_db()
    for place in (world.store, world.there):
        with pytest.raises(actions.NotEmpty, match=r"途|on the way"):
            actions.close_place(place=place, **closes)
    told = [Arrived(line=line, good=5) for line in queries.shipment_lines(one)]
    shipping.arrive(shipment=one, told=told, by=world.matron, at=AT)
    with pytest.raises(WrongField):  # a way between stores is no store
        actions.close_place(place=one.transit, **closes)
    assert actions.close_place(place=world.store, **closes).closed_at == AT


@pytest.mark.django_db(transaction=True)
def test_of_two_who_approve_at_once_one_does(world, second):
    world.bring(10, number="A")
    count = put(world, begin(world), A=(9, "少一只"))
    counting.submit(count=count, by=world.keeper, at=AT + HOUR)

    found = at_once(lambda n: counting.approve(count=count, by=second, at=AT + 2 * HOUR))

    assert [type(one) for one in found if isinstance(one, Exception)] == [counting.NotSubmitted]
    assert world.held() == {"A": 9}


# --- Pages and API --------------------------------------------------------------------------------


def test_a_place_is_counted_on_its_pages(world, second, client):
    world.bring(4000, number="A")
    world.bring(7, number="B", item=world.suit)

    def send(user, name, *args, **said):
        client.force_login(user)
        address = reverse(f"supplies:stock:{name}", args=args)
        return client.post(address, {"_key": str(uuid4()), **said})

    said = {"place": str(world.store.public_id), "blind": "on"}
    assert send(world.keeper, "open_count", **said).status_code == 302
    count = Count.objects.get()
    key = count.public_id
    page = client.get(count.get_absolute_url())
    assert "4,000" not in page.content.decode() and "不显示" in page.content.decode()
    a, b = (one.line.public_id for one in sorted(
        queries.lines_of(count), key=lambda one: one.line.lot.number
    ))  # fmt: skip
    mark = {"mark": str(page.context["mark"])}
    wrong = send(world.keeper, "enter_count", key, **mark, **{f"q-{a}": "1.5"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, [f"q-{a}"])
    entered = {f"q-{a}": "1", f"u-{a}": "箱(2000只)", f"q-{b}": "0"}
    assert send(world.keeper, "enter_count", key, **mark, **entered).status_code == 302
    assert send(world.keeper, "submit_count", key).status_code == 422  # without reasons
    reasons = {f"r-{a}": "少一箱", f"r-{b}": "找不到"}
    assert send(world.keeper, "enter_count", key, **mark, **reasons).status_code == 302
    assert send(world.keeper, "submit_count", key).status_code == 302
    assert send(world.matron, "approve_count", key).status_code == 404

    blind = send(second, "approve_count", key)  # without the state that was read
    assert blind.status_code in (412, 422)
    seen = client.get(count.get_absolute_url()).context["decision"].editing.carried
    done = send(second, "approve_count", key, _seen=seen)
    assert done.status_code == 302
    assert world.held() == {"A": 2000}
    assert Lot.objects.count() == 2


def test_two_windows_on_one_sheet_lose_nothing_of_each_other(world, second, client):
    world.bring(10, number="A")
    world.bring(20, number="B")
    count = begin(world)

    def shown(page):
        rows = page.context["rows"]
        return {f.html_name: f.value() for row in rows for f in (row.quantity, row.seen)}

    def opened(user):
        client.force_login(user)
        page = client.get(count.get_absolute_url())
        fields = {
            f.html_name: f.value() for row in page.context["rows"] for f in (row.quantity, row.seen)
        }
        return {"mark": page.context["mark"], **fields}

    def save(user, sheet, **numbers):
        client.force_login(user)
        lines = {one.line.lot.number: one.line.public_id for one in queries.lines_of(count)}
        typed = {f"q-{lines[number]}": str(n) for number, n in numbers.items()}
        address = reverse("supplies:stock:enter_count", args=[count.public_id])
        return client.post(address, {"_key": str(uuid4()), **sheet, **typed})

    assert save(second, opened(second), A=9).status_code == 302
    mine = opened(world.keeper)  # shows nine
    assert save(second, opened(second), A=8).status_code == 302
    assert save(world.keeper, mine, B=20).status_code == 302  # A was not touched here
    found = {one.line.lot.number: one.line for one in queries.lines_of(count)}
    assert (found["A"].quantity, found["A"].counted_by) == (8, second)
    late = save(world.keeper, mine, A=7, B=20)
    assert late.status_code == 422 and "8" in str(late.context["form"].errors)
    again = {
        f.html_name: f.value() for row in late.context["rows"] for f in (row.quantity, row.seen)
    }
    assert save(world.keeper, {**mine, **again}).status_code == 302
    found = {one.line.lot.number: one.line for one in queries.lines_of(count)}
    assert (found["A"].quantity, found["A"].times) == (7, 3)


def test_a_sheet_of_five_hundred_lots_is_saved_at_once(world, client):
    for start in (0, 200, 400):
        lines = [
            Arriving(item=world.mask, quantity=1, lot=LotFacts(number=f"L{start + n}"))
            for n in range(200)
        ]
        actions.receive(place=world.store, lines=lines, papers=Papers(), by=None, at=AT)
    count = begin(world)
    client.force_login(world.keeper)
    page = client.get(count.get_absolute_url())
    sheet = {f"q-{row.told.line.public_id}": "1" for row in page.context["rows"]}
    sheet |= {f.html_name: f.value() for row in page.context["rows"] for f in (row.seen, row.unit)}
    address = reverse("supplies:stock:enter_count", args=[count.public_id])
    said = {"_key": str(uuid4()), "mark": page.context["mark"], **sheet}
    assert client.post(address, {k: v or "" for k, v in said.items()}).status_code == 302
    assert {one.line.quantity for one in queries.lines_of(count)} == {1}


def test_a_place_is_counted_by_machine(world, second, client):
    world.bring(10, number="A")

    def ask(user, path, match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        address = f"/api/v1/supplies/stock/counts/{path}"
        return client.post(address, json.dumps(body), "application/json", headers=headers)

    assert ask(world.matron, "", place=str(world.store.public_id)).status_code == 404
    made = ask(world.keeper, "", place=str(world.store.public_id), blind=True).json()
    (line,) = made["lines"]
    assert (line["book"], line["quantity"]) == (None, None)
    told = {"line": line["id"], "quantity": 9, "reason": "damp"}
    path = f"{made['id']}/"
    for wrong in (True, 2.5, "9", -1):
        bad = ask(
            world.keeper, f"{path}lines/", mark=made["mark"], lines=[{**told, "quantity": wrong}]
        )
        assert bad.status_code == 422
    twice = ask(world.keeper, f"{path}lines/", mark=made["mark"], lines=[told, told])
    assert twice.json()["errors"][0]["where"] == "/lines/1/line"
    done = ask(world.keeper, f"{path}lines/", mark=made["mark"], lines=[told])
    assert done.json()["lines"][0]["difference"] == -1
    lot = {"item": str(world.suit.public_id), "quantity": 2, "lot": {"number": "X"}, "reason": "-"}
    found = ask(world.keeper, f"{path}found/", **lot).json()["lines"]
    assert sorted(one["found"] for one in found) == [False, True]
    assert ask(world.keeper, f"{path}submit/").json()["state"] == "submitted"
    late = ask(world.keeper, f"{path}lines/", mark=made["mark"], lines=[told])
    assert (late.status_code, late.json()["title"]) == (409, "NotBeingCounted")
    assert ask(second, f"{path}approve/").status_code == 428
    own = ask(world.keeper, f"{path}approve/", match="*")
    assert (own.status_code, own.json()["title"]) == (403, "OwnCount")
    assert ask(second, f"{path}approve/", match="*").json()["state"] == "booked"
    assert world.held() == {"A": 9, "X": 2}
