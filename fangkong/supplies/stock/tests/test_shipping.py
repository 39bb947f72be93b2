"""Shipments: sent, received line by line, settled; nothing vanishes on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import Error, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.files.models import StoredFile
from fangkong.core.free_text import NumberInText
from fangkong.core.refusals import WrongField
from fangkong.core.tests.together import at_once
from fangkong.supplies.stock import actions, jobs, queries, rules, shipping
from fangkong.supplies.stock.models import Balance, Entry, Transfer, TransferLine
from fangkong.supplies.stock.types import Arrived, Leaving, Settled, Standing, Way
from fangkong.tasks.models import Task

from .factories import AT, DAY, NEXT_YEAR, TODAY

pytestmark = pytest.mark.both_databases
HOUR = timedelta(hours=1)
PAPER = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


@given(st.integers(1, 99), st.integers(0, 150), st.data())
def test_what_was_sent_is_received_broken_or_missing_and_the_rest_is_too_much(sent, good, data):
    broken = data.draw(st.integers(0, sent))

    came = rules.arrival(sent, good, broken)

    assert came.received + came.broken + came.missing == sent
    assert came.received + came.extra == good
    assert min(came.received, came.missing, came.extra) >= 0
    assert not (came.missing and came.extra)


def prepared(world, *quantities, way=None, **more):
    lines = [Leaving(item=world.mask, quantity=n, **more) for n in quantities]
    said = {"source": world.store, "target": world.there, "way": way or Way()}
    return shipping.prepare(**said, lines=lines, by=world.keeper, at=AT)


def sent(world, *quantities, **more):
    one = prepared(world, *quantities, **more)
    return shipping.dispatch(shipment=one, by=world.keeper, at=AT + HOUR)


def received(world, shipment, *told, **more):
    lines = queries.shipment_lines(shipment)
    said = [
        Arrived(line=line, good=good, broken=broken)
        for line, (good, broken) in zip(lines, told, strict=False)
    ]
    return shipping.arrive(shipment=shipment, told=said, by=world.matron, at=AT + 5 * HOUR, **more)


def on_the_way(shipment):
    """By the ledger and by the lines, which have to agree."""
    rows = Balance.objects.filter(place=shipment.transit)
    lines = queries.shipment_lines(shipment)
    assert sum(row.quantity for row in rows) == sum(one.outstanding for one in lines)
    assert queries.differences() == []
    return sum(one.outstanding for one in lines)


def test_goods_leave_by_earliest_expiry_are_on_the_way_and_arrive(world):
    world.bring(100, number="B", expires_on=NEXT_YEAR)
    world.bring(50, number="A", expires_on=TODAY + 30 * DAY)
    one = prepared(world, 60, 10, way=Way(carrier="州邮政", expected_at=AT + DAY))
    assert world.held() == {"A": 50, "B": 100}  # nothing has moved yet

    one = shipping.dispatch(shipment=one, by=world.keeper, at=AT + HOUR)

    assert (world.held(), on_the_way(one), world.held(world.there)) == ({"B": 80}, 70, {})
    assert [(x.lot.number, x.sent) for x in queries.shipment_lines(one)] == [("A", 50), ("B", 20)]
    assert queries.on_the_way_to([world.there.pk]) == [
        queries.Underway(world.there.pk, world.mask.pk, AT + DAY, 70, one.number)
    ]
    board = queries.board(world.keeper, AT).get(pk=world.mask.pk)
    assert board.here == 80  # what is on the way does not lie in the store
    there = queries.board(world.matron, AT).get(pk=world.mask.pk)
    assert (there.here, there.coming, there.arrives) == (0, 70, TODAY + DAY)
    assert Standing(there.standing) == Standing.COMING
    assert queries.board(world.keeper, AT).get(pk=world.mask.pk).coming == 0
    done = received(world, one, (50, 0), (20, 0))
    assert (done.state, on_the_way(done)) == ("done", 0)
    assert world.held(world.there) == {"A": 50, "B": 20}
    assert not Task.objects.exists()
    for again in (shipping.dispatch, shipping.cancel, shipping.bring_back):
        said = {} if again is shipping.dispatch else {"reason": "再来"}
        with pytest.raises(shipping.NotInThisState):
            again(shipment=one, by=world.keeper, at=AT + DAY, **said)
    with pytest.raises(shipping.NotInThisState):
        received(world, one, (50, 0), (20, 0))


def test_what_is_missing_stays_on_the_way_until_the_sender_says_what_became_of_it(world):
    world.bring(100, number="A")
    one = received(world, sent(world, 100), (80, 5), remark="外箱破损")

    assert (one.state, on_the_way(one), world.held(world.there)) == ("disputed", 15, {"A": 80})
    task = Task.objects.get(kind="supplies.stock.shipment_differs")
    assert (task.facility, task.owner_role) == (world.depot, "store_keeper")
    (line,) = queries.shipment_lines(one)
    said = {"shipment": one, "by": world.keeper, "at": AT + DAY}
    with pytest.raises(WrongField):
        shipping.settle(**said, told=[Settled(line=line, back=10, lost=6)], reason="查清")
    with pytest.raises(WrongField):
        shipping.settle(**said, told=[Settled(line=line)], reason="查清")

    shipping.settle(**said, told=[Settled(line=line, back=10)], reason="漏装，仍在库")
    assert (world.held(), on_the_way(one)) == ({"A": 10}, 5)
    done = shipping.settle(**said, told=[Settled(line=line, lost=5)], reason="丢了")

    assert (done.state, on_the_way(done)) == ("done", 0)
    task.refresh_from_db()
    assert task.state == "done"
    with pytest.raises(shipping.NotInThisState):
        shipping.settle(**said, told=[Settled(line=line, lost=1)], reason="再记")


def test_too_much_is_taken_in_and_the_sender_is_asked(world):
    world.bring(100, number="A")

    one = received(world, sent(world, 40), (45, 0))

    assert (one.state, world.held(world.there), world.held()) == ("done", {"A": 45}, {"A": 60})
    assert queries.shipment_lines(one)[0].extra == 5
    assert Task.objects.get().kind == "supplies.stock.shipment_differs"
    assert queries.differences() == []


def test_it_comes_back_whole_before_it_arrived_or_is_not_sent_at_all(world):
    world.bring(100, number="A")
    one = sent(world, 30)
    back = shipping.bring_back(shipment=one, reason="道路中断", by=world.keeper, at=AT + DAY)
    assert (back.state, on_the_way(back), world.held()) == ("returned", 0, {"A": 100})
    two = prepared(world, 30)
    shipping.cancel(shipment=two, reason="改发他县", by=world.keeper, at=AT)
    for late in (one, two):
        with pytest.raises(shipping.NotInThisState):
            received(world, late, (30, 0))
        with pytest.raises(shipping.NotInThisState):
            shipping.dispatch(shipment=late, by=world.keeper, at=AT)
    assert world.held(world.there) == {}


def test_who_carries_it_is_told_until_it_has_arrived(world):
    world.bring(40, number="A")
    one = sent(world, 15, way=Way(expected_at=AT + DAY))
    said = {"shipment": one, "by": world.keeper}
    way = Way(carrier="州邮政", plate="川V·12345", expected_at=AT + 2 * DAY)
    told = shipping.tell_way(**said, way=way, at=AT + HOUR)
    assert (told.carrier, told.plate, told.expected_at) == ("州邮政", "川V·12345", AT + 2 * DAY)
    with pytest.raises(actions.NothingChanged):
        shipping.tell_way(**said, way=way, at=AT + HOUR)
    with pytest.raises(NumberInText):
        shipping.tell_way(**said, way=Way(phone="13800000001"), at=AT + HOUR)
    with pytest.raises(WrongField):
        shipping.tell_way(**said, way=Way(expected_at=AT - 9 * DAY), at=AT + HOUR)
    late = replace(way, plate="川V·54321")  # the day that stands is over; it may stay
    assert shipping.tell_way(**said, way=late, at=AT + 9 * DAY).plate == "川V·54321"
    received(world, one, (15, 0))
    with pytest.raises(shipping.NotInThisState):
        shipping.tell_way(**said, way=way, at=AT + 9 * DAY)


def test_who_does_not_say_what_arrived_is_asked_once_until_it_is_said(world):
    world.bring(60, number="A")
    one = sent(world, 15, way=Way(expected_at=AT + DAY))
    two, three, four = sent(world, 10), sent(world, 5), prepared(world, 1)
    jobs.late(AT + DAY)
    assert not Task.objects.exists()  # not late before its moment, nor what no day was named for
    for _morning in range(2):
        jobs.late(AT + 4 * DAY)
    asked = Task.objects.filter(kind="supplies.stock.arrival_late")
    assert {task.source_id for task in asked} == {x.public_id for x in (one, two, three)}
    assert {(task.facility, task.owner_role) for task in asked} == {(world.hospital, "hospital")}
    assert four.public_id not in {task.source_id for task in asked}

    received(world, one, (15, 0))
    back = {"reason": "道路中断", "by": world.keeper, "at": AT + 4 * DAY}
    shipping.bring_back(shipment=two, **back)
    way = Way(expected_at=AT + 6 * DAY)
    shipping.tell_way(shipment=three, way=way, by=world.keeper, at=AT + 4 * DAY)
    states = {task.source_id: task.state for task in asked.all()}
    assert [states[x.public_id] for x in (one, two, three)] == ["done", "cancelled", "cancelled"]
    jobs.late(AT + 5 * DAY)
    assert asked.exclude(state__in=["done", "cancelled"]).count() == 0
    jobs.late(AT + 7 * DAY)
    assert asked.exclude(state__in=["done", "cancelled"]).get().source_id == three.public_id


def test_a_short_store_sends_nothing_and_a_wrong_shipment_is_refused(world):
    world.bring(10, number="A")
    one = prepared(world, 6, 5)
    with pytest.raises(actions.NotEnough):
        shipping.dispatch(shipment=one, by=world.keeper, at=AT)
    assert world.held() == {"A": 10} and not TransferLine.objects.exists()
    house = {"source": world.there, "target": world.ward, "way": Way()}
    lines = [Leaving(item=world.mask, quantity=1)]
    with pytest.raises(shipping.InOneHouse):
        shipping.prepare(**house, lines=lines, by=world.matron, at=AT)
    with pytest.raises(NumberInText):
        prepared(world, 1, way=Way(phone="13800000001"))
    with pytest.raises(WrongField):
        prepared(world, 1, way=Way(expected_at=AT - 3 * DAY))
    with pytest.raises(WrongField):
        prepared(world, 0)
    assert Transfer.objects.count() == 1


def test_a_receipt_says_of_every_line_what_came_and_no_more_broken_than_sent(world):
    world.bring(10, number="A")
    world.bring(10, number="B")
    one = sent(world, 15)
    with pytest.raises(shipping.NotEveryLine):
        received(world, one, (10, 0))
    with pytest.raises(WrongField) as refused:
        received(world, one, (10, 0), (0, 6))
    assert refused.value.field == "lines/1/broken"
    assert on_the_way(one) == 15


def test_a_sheet_of_a_shipment_is_not_taken_back_alone(world):
    world.bring(10, number="A")
    one = sent(world, 5)
    received(world, one, (5, 0))
    for kind in ("dispatch", "arrival"):
        with pytest.raises(actions.BelongsToAShipment):
            actions.reverse(entry=Entry.objects.get(kind=kind), reason="录错", by=None, at=AT)
    assert world.held(world.there) == {"A": 5}


def test_the_database_lets_no_line_account_for_more_than_was_sent(world):
    world.bring(10)
    sent(world, 5)
    with pytest.raises(Error), transaction.atomic():
        TransferLine.objects.update(received=4, lost=2)


@pytest.mark.django_db(transaction=True)
def test_of_two_keepers_who_receive_at_once_one_does(world):
    world.bring(10, number="A")
    one = sent(world, 5)

    found = at_once(lambda n: received(world, one, (5, 0)))

    assert [type(x) for x in found if isinstance(x, Exception)] == [shipping.NotInThisState]
    assert world.held(world.there) == {"A": 5}


# --- Pages and API --------------------------------------------------------------------------------


def test_a_shipment_goes_its_way_on_the_pages_of_both_sides(world, client):
    world.bring(40, number="A")

    def send(user, name, *args, **said):
        client.force_login(user)
        address = reverse(f"supplies:stock:{name}", args=args)
        return client.post(address, {"_key": str(uuid4()), **said})

    said = {"source": str(world.store.public_id), "item_0": "mask", "quantity_0": "15"}
    wrong = send(world.keeper, "prepare_shipment", **said)
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["target"])
    said["target"] = str(world.there.public_id)
    assert send(world.keeper, "prepare_shipment", **said, phone="0836-2822222").status_code == 302
    one = Transfer.objects.get()
    key = one.public_id
    assert send(world.matron, "dispatch", key).status_code == 404
    assert send(world.matron, "cancel_shipment", key, reason="不要").status_code == 404
    assert send(world.keeper, "dispatch", key).status_code == 302
    assert send(world.keeper, "arrive", key).status_code == 404  # the receiver says what came
    assert send(world.matron, "tell_way", key, carrier="州邮政").status_code == 404
    stale = send(world.keeper, "tell_way", key, carrier="州邮政", _seen="0")
    assert stale.status_code == 412
    client.force_login(world.keeper)
    form = client.get(reverse("supplies:stock:tell_way", args=[key])).context["form"]
    assert form["phone"].value() == "0836-2822222"
    way = {"carrier": "州邮政", "phone": "0836-2822222", "_seen": form.editing.carried}
    assert send(world.keeper, "tell_way", key, **way).status_code == 302
    one.refresh_from_db()
    assert (one.carrier, one.phone) == ("州邮政", "0836-2822222")
    client.force_login(world.matron)
    shown = client.get(one.get_absolute_url())
    assert "在途" in shown.content.decode()
    (line,) = queries.shipment_lines(one)
    empty = send(world.matron, "arrive", key)
    assert (empty.status_code, list(empty.context["form"].errors)) == (
        422,
        [f"good-{line.public_id}"],
    )
    told = {f"good-{line.public_id}": "12", f"broken-{line.public_id}": "1", "remark": "少两只"}
    paper = SimpleUploadedFile("签收单.pdf", PAPER, "application/pdf")
    assert send(world.matron, "arrive", key, **told, attachments=paper).status_code == 302
    file = StoredFile.objects.get()
    assert file.subject_id == key
    assert send(world.matron, "settle", key, reason="查清").status_code == 404
    rest = {f"lost-{line.public_id}": "3", "reason": "途中丢失"}
    assert send(world.keeper, "settle", key, **rest).status_code == 422
    assert (
        send(world.keeper, "settle", key, **{**rest, f"lost-{line.public_id}": "2"}).status_code
        == 302
    )
    one.refresh_from_db()
    assert (one.state, world.held(world.there)) == ("done", {"A": 12})


def test_a_shipment_goes_its_way_by_machine_and_only_for_its_two_ends(world, client):
    world.bring(40, number="A")
    other = world.place(world.depot, kind="ward", name="二库")

    def ask(user, path, match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        address = f"/api/v1/supplies/stock/shipments/{path}"
        return client.post(address, json.dumps(body), "application/json", headers=headers)

    line = {"item": str(world.mask.public_id), "quantity": 10}
    said = {"source": str(world.store.public_id), "target": str(world.there.public_id)}
    assert ask(world.matron, "", **said, lines=[line]).status_code == 404
    house = ask(world.keeper, "", **{**said, "target": str(other.public_id)}, lines=[line])
    assert (house.status_code, house.json()["title"]) == (422, "InOneHouse")
    nobody = {**line, "lot": str(uuid4())}
    bad = ask(world.keeper, "", **said, lines=[line, nobody])
    assert bad.json()["errors"][0]["where"] == "/lines/1/lot"
    made = ask(world.keeper, "", **said, lines=[line]).json()
    path = f"{made['id']}/"
    (sent_line,) = ask(world.keeper, f"{path}dispatch/").json()["lines"]
    assert (sent_line["sent"], sent_line["outstanding"]) == (10, 10)
    way = f"{path}way/"
    assert ask(world.keeper, way, carrier="州邮政").status_code == 428
    told = ask(world.keeper, way, match="*", carrier="州邮政").json()
    assert (told["carrier"], told["plate"]) == ("州邮政", "")
    assert ask(world.matron, way, match="*", carrier="-").status_code == 404
    bad = ask(world.keeper, way, match="*", expected_at="2030-01-01T00:00:00Z")
    assert bad.json()["errors"][0]["where"] == "/expected_at"
    told = {"line": sent_line["id"], "good": 9}
    assert ask(world.keeper, f"{path}arrive/", lines=[told]).status_code == 404
    for wrong in (True, -1, 2.5, "9"):
        answer = ask(world.matron, f"{path}arrive/", lines=[{**told, "good": wrong}])
        assert answer.status_code == 422
    came = ask(world.matron, f"{path}arrive/", lines=[told]).json()
    assert (came["state"], came["lines"][0]["outstanding"]) == ("disputed", 1)
    late = ask(world.matron, f"{path}arrive/", lines=[told])
    assert (late.status_code, late.json()["title"]) == (409, "NotInThisState")
    rest = {"line": sent_line["id"], "back": 1}
    done = ask(world.keeper, f"{path}settle/", lines=[rest], reason="found in the store").json()
    assert (done["state"], world.held()) == ("done", {"A": 31})


def test_the_ways_between_stores_stand_in_no_list_of_places(client, world):
    world.bring(100)
    sent(world, 40)
    client.force_login(world.headquarters)

    page = client.get(reverse("supplies:stock:places")).content.decode()
    told = client.get("/api/v1/supplies/stock/places/").json()["rows"]

    assert {one["kind"] for one in told} == {"store", "ward"}
    assert all(one["mark"] for one in told)
    assert page.count("/supplies/stock/places/0") == len(told)
