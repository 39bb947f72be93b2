"""Pages of the stock: sheets with lines and units as people write them, what is wrong where."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.core import finders
from fangkong.core.audit.models import AuditLine
from fangkong.supplies.stock import counting, jobs, queries, shipping
from fangkong.supplies.stock.models import Balance, Entry, Lot
from fangkong.supplies.stock.types import Counted, Leaving, Way
from fangkong.tasks.models import Task

from .factories import AT, DAY, NEXT_YEAR, TODAY

pytestmark = pytest.mark.both_databases


@pytest.fixture
def send(client):
    """Send a form, with a key of its own."""

    def send(user, name, *args, **said):
        client.force_login(user)
        address = reverse(f"supplies:stock:{name}", args=args)
        return client.post(address, {"_key": str(uuid4()), **said})

    return send


def page(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"supplies:stock:{name}", args=args), query)


def arriving(world, **changes):
    return {
        "place": str(world.store.public_id),
        "item_0": "医用外科口罩",
        "quantity_0": "2",
        "unit_0": "箱(2000只)",
        **changes,
    }


def test_a_sheet_takes_names_packs_and_lines_and_books_them_as_one(send, world):
    said = arriving(
        world,
        number_0="A",
        expires_on_0="2021-02-05",
        item_5="coverall",
        quantity_5="13",
        unit_5="件",
        other="州商务合作局",
    )
    answer = send(world.keeper, "receive", **said)

    entry = Entry.objects.get()
    assert answer.status_code == 302 and answer["Location"] == entry.get_absolute_url()
    told = [(m.item.code, m.quantity, m.lot.number) for m in queries.moves_of(entry)]
    assert told == [("mask", 4000, "A"), ("coverall", 13, "")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quantity_0": "0.5", "unit_0": "只"}, "quantity_0"),
        ({"quantity_0": "-3"}, "quantity_0"),
        ({"quantity_0": "=1+1"}, "quantity_0"),
        ({"unit_0": "吨"}, "unit_0"),
        ({"item_0": "没有这种"}, "item_0"),
        ({"item_0": ""}, "item_0"),
        ({"made_on_0": "2020-02-01", "expires_on_0": "2020-01-31"}, "expires_on_0"),
        ({"item_3": "coverall", "quantity_3": "1.5"}, "quantity_3"),
        ({"place": str(uuid4())}, "place"),
        ({"other": "张三 13800000001"}, "other"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_booked(send, world, wrong, field):
    answer = send(world.keeper, "receive", **arriving(world, **wrong))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Entry.objects.count() == 0


def test_the_sheet_begins_with_the_item_that_led_to_it(world, client):
    shown = page(client, world.keeper, "issue", item="mask")
    assert shown.context["form"]["item_0"].value() == "医用外科口罩 · mask"
    assert page(client, world.keeper, "issue", item="x").context["form"]["item_0"].value() is None


def test_an_issue_says_how_much_there_is(send, world):
    world.bring(40)
    said = {"source": str(world.store.public_id), "item_0": "mask", "quantity_0": "41"}

    answer = send(world.keeper, "issue", **said)

    assert answer.status_code == 422
    assert "可发40只，申请发41只" in answer.content.decode()
    done = send(world.keeper, "issue", **{**said, "quantity_0": "40"})
    assert done.status_code == 302 and world.held() == {}


def test_goods_move_directly_only_within_one_house(send, world, client):
    world.bring(40, number="A", place=world.there)
    said = {"source": str(world.there.public_id), "item_0": "mask", "quantity_0": "15"}

    done = send(world.matron, "issue", **said, target=str(world.ward.public_id), lot_0="A")
    abroad = send(world.matron, "issue", **said, target=str(world.store.public_id))

    assert (done.status_code, world.held(world.ward)) == (302, {"A": 15})
    assert (abroad.status_code, list(abroad.context["form"].errors)) == (422, ["target"])
    entry = Entry.objects.latest("pk")
    assert page(client, world.keeper, "entry", entry.public_id).status_code == 404
    assert page(client, world.headquarters, "reverse_entry", entry.public_id).status_code == 403


def test_a_sheet_is_taken_back_on_its_page(send, world, client):
    entry = world.bring(40)
    assert "冲销" in page(client, world.keeper, "entry", entry.public_id).content.decode()

    send(world.keeper, "reverse_entry", entry.public_id, reason="录错")

    shown = page(client, world.keeper, "entry", entry.public_id).content.decode()
    assert f"本单已由{Entry.objects.latest('pk').number}冲销" in shown
    again = send(world.keeper, "reverse_entry", entry.public_id, reason="录错")
    assert again.status_code == 422


def test_an_item_tells_where_it_is_and_what_will_spoil(world, client):
    world.bring(1400, number="A", expires_on=TODAY + 3 * DAY)
    world.send(140)

    shown = page(client, world.keeper, "item", world.mask.public_id)

    assert shown.context["a_day"] == 10
    assert shown.context["cover"] == 126
    assert [told for _row, told in shown.context["wasting"]] == ["1,220只"]
    figures = page(client, world.keeper, "item_curve", world.mask.public_id).json()
    assert figures["series"][2]["values"][-1] == 1260


def test_goods_are_written_off_where_one_keeps_them(send, world, client):
    world.bring(10, number="A")
    lot = world.lot("A")
    said = {"place": str(world.store.public_id), "quantity": "4", "reason": "broken"}

    assert send(world.keeper, "lose", lot.public_id, **said).status_code == 422  # no note
    assert send(world.keeper, "lose", lot.public_id, **said, note="进水").status_code == 302
    assert world.held() == {"A": 6}
    assert page(client, world.matron, "lose", lot.public_id).status_code == 404


def test_a_lot_is_held_back_and_let_go_with_a_reason(send, world, client):
    world.bring(10, number="A")
    lot = world.lot("A")
    send(world.keeper, "hold", lot.public_id, reason="无合格证")
    shown = page(client, world.keeper, "lot", lot.public_id).content.decode()
    assert "无合格证" in shown and "解封" in shown
    assert send(world.keeper, "hold", lot.public_id, reason="再封").status_code == 422
    send(world.keeper, "let_go", lot.public_id, reason="补证")
    lot.refresh_from_db()
    assert lot.held_back_at is None
    send(world.headquarters, "hold", lot.public_id, reason="召回")
    assert b"let-go/" not in page(client, world.keeper, "lot", lot.public_id).content
    assert b"let-go/" in page(client, world.headquarters, "lot", lot.public_id).content
    assert send(world.keeper, "let_go", lot.public_id, reason="补证").status_code == 422


def test_lists_are_exported_with_what_the_user_sees(world, client):
    world.bring(10, number="A")
    world.bring(7, number="B", place=world.there)

    def file(user, name):
        answer = page(client, user, name, export="csv")
        if answer.streaming:
            return b"".join(answer.streaming_content).decode()
        return answer.content.decode()

    assert "A" in file(world.keeper, "holdings") and "7只" not in file(world.keeper, "holdings")
    assert "医用外科口罩" in file(world.headquarters, "index")
    assert "513301-01" in file(world.keeper, "places")
    assert "513326-01-2020-00001" in file(world.matron, "entries")


def test_every_table_of_one_record_is_taken_as_a_file(world, client):
    world.bring(10, number="=1+1", expires_on=NEXT_YEAR)
    world.bring(7, number="B", place=world.there)
    lot = Lot.objects.get(number="=1+1")
    line = Leaving(item=world.mask, quantity=4)
    said = {"source": world.store, "target": world.there, "lines": [line], "way": Way()}
    sent = shipping.prepare(**said, by=world.keeper, at=AT)
    sent = shipping.dispatch(shipment=sent, by=world.keeper, at=AT)

    def rows(user, name, record, **more):
        answer = page(client, user, name, record.public_id, export="csv", **more)
        assert answer.status_code == 200
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))[:-1]

    for name, record, held in (("item", world.mask, ["6", "4"]), ("place", world.store, ["6"])):
        told = rows(world.keeper, name, record)[1:]
        assert [(row[3], row[-1]) for row in told] == [("'=1+1", n) for n in held]
    entry = Entry.objects.order_by("pk").first()
    assert rows(world.keeper, "entry", entry)[1][-1] == "10"
    assert {row[-1] for row in rows(world.keeper, "lot", lot)[1:]} == {"10", "4"}
    assert [row[-1] for row in rows(world.keeper, "lot", lot, of="holders")[1:]] == ["6", "4"]
    _head, row = rows(world.matron, "shipment", sent)
    assert row[4:10] == ["4", "0", "0", "0", "0", "4"]
    for name, record in (("place", world.store), ("lot", lot), ("entry", entry)):
        assert page(client, world.matron, name, record.public_id, export="csv").status_code == 404
    noted = AuditLine.objects.filter(action="core.pages.export").latest("pk")
    assert noted.detail["rows"] == 1
    assert page(client, world.keeper, "lot", lot.public_id, export="xlsx").status_code == 200


def test_the_file_of_a_blind_count_hides_the_book_until_a_line_is_counted(world, client):
    world.bring(10, number="A")
    world.bring(20, number="B")
    count = counting.open_count(place=world.store, blind=True, by=world.keeper, at=AT)

    def sheet():
        answer = page(client, world.keeper, "count", count.public_id, export="csv")
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return {row[1]: row[4:7] for row in csv.reader(io.StringIO(text)) if len(row) > 5}

    assert (sheet()["A"], sheet()["B"]) == (["", "", ""], ["", "", ""])
    line = next(one for one in queries.lines_of(count) if one.line.lot.number == "A").line
    told = [Counted(line=line, quantity=8)]
    mark = queries.mark_of(world.store)
    counting.enter(count=count, told=told, mark=mark, by=world.keeper, at=AT)
    assert (sheet()["A"], sheet()["B"]) == (["10", "8", "-2"], ["", "", ""])
    for kind in ("csv", "xlsx"):
        answer = page(client, world.matron, "count", count.public_id, export=kind)
        assert answer.status_code == 404


def test_the_board_filters_and_takes_as_many_statements_for_one_as_for_all(world, client):
    world.bring(10, expires_on=TODAY + DAY)

    def names(**query):
        answer = page(client, world.headquarters, "index", **query)
        return [one.code for one in answer.context["rows"]]

    assert names(state="here") == ["mask"]
    assert names(state="soon") == ["mask"]
    assert names(state="low") == []
    assert names(state="bad") == []
    assert names(q="fhf") == ["coverall"]
    with CaptureQueriesContext(
        connection,
    ) as one:
        names(q="fhf")
    with CaptureQueriesContext(connection) as all_:
        names()
    assert len(one) == len(all_)


def test_items_and_sheets_are_found_by_the_palette(world):
    entry = world.bring(1)

    def found(user, text):
        groups = finders.find(user, AT, text)
        return [one.title for group in groups for one in group.found]

    assert "医用外科口罩" in found(world.keeper, "wkkz")
    assert entry.number in found(world.keeper, entry.number)
    assert entry.number not in found(world.matron, entry.number)


def test_a_ledger_that_does_not_add_up_is_told_each_night_and_by_the_doctor(world):
    assert jobs.ledger_line() is None
    world.bring(10)
    jobs.check(AT)
    assert jobs.ledger_line().tone == "ok" and not Task.objects.exists()

    Balance.objects.update(quantity=9)

    jobs.check(AT)
    assert Task.objects.get().kind == "supplies.stock.differs"
    assert jobs.ledger_line().tone == "bad"
    assert jobs.balances_hold()[0].endswith("kept 9, ledger 10, lowest 10")


def test_a_county_without_a_store_reads_what_to_do(world, client):
    shown = page(client, world.matron, "holdings").content.decode()
    assert "这里没有库存" in shown
