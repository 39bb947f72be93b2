"""The stock for machines: whole smallest units, refusals with their place, repeats."""

from __future__ import annotations

import json

import pytest

from fangkong.supplies.stock import actions
from fangkong.supplies.stock.models import Entry, Item
from fangkong.supplies.stock.types import ItemFacts

from .factories import AT, DAY, NEXT_YEAR

pytestmark = pytest.mark.both_databases

API = "/api/v1/supplies/stock/"


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", method="post", match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        send = getattr(client, method)
        return send(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


def receipt(world, *quantities, **more):
    lines = [{"item": str(world.mask.public_id), "quantity": n, **more} for n in quantities]
    return {"place": str(world.store.public_id), "lines": lines}


def test_goods_go_their_way_by_machine(ask, world, client):
    label = {"number": "A", "expires_on": str(NEXT_YEAR)}
    came = ask(world.keeper, "receipts/", **receipt(world, 100, lot=label), other="州商务合作局")
    assert came.status_code == 201, came.content
    line = {"item": str(world.mask.public_id), "quantity": 30}
    said = {"source": str(world.store.public_id), "lines": [line]}
    abroad = ask(world.keeper, "issues/", key="x", **said, target=str(world.there.public_id))
    assert abroad.status_code == 422 and "shipment" in abroad.json()["detail"]
    sent = ask(world.keeper, "issues/", key="i", **said).json()

    (move,) = sent["moves"]
    assert (move["quantity"], move["target"], move["target_kind"]) == (30, None, "used")
    rows = client.get(f"{API}holdings/").json()["rows"]
    assert [(row["number"], row["quantity"]) for row in rows] == [("A", 70)]
    client.force_login(world.headquarters)
    (here,) = [one for one in client.get(f"{API}items/").json()["rows"] if one["code"] == "mask"]
    assert (here["here"], here["first_expiry"]) == (70, str(NEXT_YEAR))
    lot = client.get(f"{API}lots/{move['lot']}/").json()
    assert [one["quantity"] for one in lot["holders"]] == [70]


def test_a_repeat_is_booked_once_and_another_body_with_its_key_is_refused(ask, world):
    first = ask(world.keeper, "receipts/", **receipt(world, 5))
    again = ask(world.keeper, "receipts/", **receipt(world, 5))
    other = ask(world.keeper, "receipts/", **receipt(world, 6))

    assert first.json()["number"] == again.json()["number"]
    assert other.status_code == 422
    assert Entry.objects.count() == 1


@pytest.mark.parametrize(
    "quantity", [0, -3, 2.5, "2.5", 10**13, 10**30, None, True, "NaN", [], "1' OR 1=1"]
)
def test_a_quantity_that_is_none_is_refused_at_its_place(ask, world, quantity):
    answer = ask(world.keeper, "receipts/", **receipt(world, 3, quantity))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "/lines/1/quantity"
    assert Entry.objects.count() == 0


def test_too_much_is_a_conflict_that_says_how_much_there_is(ask, world):
    world.bring(40)
    said = {"source": str(world.store.public_id)}
    line = {"item": str(world.mask.public_id), "quantity": 41}

    answer = ask(world.keeper, "issues/", **said, lines=[line])

    assert (answer.status_code, answer.json()["title"]) == (409, "NotEnough")
    assert "40" in answer.json()["detail"] and "41" in answer.json()["detail"]


def test_a_lot_that_expired_before_it_was_made_is_refused_at_its_place(ask, world):
    label = {"made_on": "2020-02-01", "expires_on": "2020-01-01"}
    answer = ask(world.keeper, "receipts/", **receipt(world, 3, lot=label))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"].endswith("expires_on")


@pytest.mark.parametrize("moment", ["2020-02-05T09:00:00", "9999-12-31T23:59:59Z", "gestern", 7])
def test_a_moment_without_its_zone_or_out_of_reach_is_refused(ask, world, moment):
    answer = ask(world.keeper, "receipts/", **receipt(world, 3), moved_at=moment)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "/moved_at"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_label_of_an_impossible_year_is_refused(ask, world, day):
    answer = ask(world.keeper, "receipts/", **receipt(world, 3, lot={"made_on": day}))

    assert answer.status_code == 422
    assert Entry.objects.count() == 0


def test_nobody_books_into_or_out_of_another_countys_store(ask, world):
    assert ask(world.matron, "receipts/", **receipt(world, 5)).status_code == 404
    world.bring(10)
    line = {"item": str(world.mask.public_id), "quantity": 1}
    said = {"source": str(world.store.public_id), "lines": [line]}
    assert ask(world.matron, "issues/", key="b", **said).status_code == 404
    assert ask(world.headquarters, "receipts/", key="c", **receipt(world, 5)).status_code == 403
    assert world.held() == {"": 10}


def test_an_entry_is_taken_back_by_whoever_keeps_its_place(ask, world):
    entry = world.bring(10)
    path = f"entries/{entry.public_id}/reverse/"

    assert ask(world.matron, path, reason="错").status_code == 404
    done = ask(world.keeper, path, key="r", reason="录错")
    again = ask(world.keeper, path, key="s", reason="录错")

    assert (done.status_code, done.json()["reverses"]) == (201, str(entry.public_id))
    assert (again.status_code, again.json()["title"]) == (409, "AlreadyReversed")


def test_a_recall_reaches_every_holder_and_stops_them(ask, world):
    world.bring(10, number="A")
    world.send(4, target=world.there)
    lot = world.lot("A")

    assert ask(world.matron, f"lots/{lot.public_id}/hold/", reason="x").status_code == 403
    done = ask(world.keeper, f"lots/{lot.public_id}/hold/", key="h", reason="国家召回")

    assert done.json()["held_back_why"] == "国家召回"
    line = {"item": str(world.mask.public_id), "quantity": 1}
    said = {"source": str(world.there.public_id), "lines": [line]}
    assert ask(world.matron, "issues/", key="m", **said).json()["title"] == "NotEnough"


def test_the_catalogue_is_changed_on_the_state_that_was_seen(ask, world, client):
    path = f"items/{world.mask.public_id}/"
    client.force_login(world.headquarters)
    seen = client.get(f"{API}{path}")["ETag"]
    body = {"code": "mask", "name_zh": "外科口罩", "kind": "protection", "unit": "piece"}

    assert ask(world.headquarters, path, method="put", **body).status_code == 428
    done = ask(world.headquarters, path, key="p", method="put", match=seen, **body)
    assert (done.status_code, done.json()["name_zh"]) == (200, "外科口罩")
    facts = ItemFacts(**{**body, "name_zh": "医用口罩"})
    actions.change_item(item=world.mask, facts=facts, by=None, at=AT + DAY)
    late = ask(world.headquarters, path, key="q", method="put", match=seen, **body)
    assert late.status_code == 412


def test_the_pack_fills_the_catalogue_once(ask, world):
    first = ask(world.headquarters, "catalogue/take/").json()
    again = ask(world.headquarters, "catalogue/take/", key="b").json()

    assert first["new"] == 30 and again["new"] == 0  # "coverall" stands there already
    assert Item.objects.get(code="respirator-kn95").standard == "GB 2626-2006"


def test_all_balances_come_in_one_answer_in_the_same_number_of_statements(
    world, client, django_assert_max_num_queries
):
    client.force_login(world.headquarters)
    client.get(f"{API}balances/")
    world.bring(5, number="A")
    world.bring(7, number="B")
    world.bring(2, item=world.suit, place=world.there)

    with django_assert_max_num_queries(6):
        rows = client.get(f"{API}balances/").json()

    assert sorted(row["quantity"] for row in rows) == [2, 12]
    client.force_login(world.matron)
    assert [row["quantity"] for row in client.get(f"{API}balances/").json()] == [2]


def test_the_same_number_of_statements_for_one_row_and_for_many(
    world, client, django_assert_max_num_queries
):
    client.force_login(world.headquarters)
    most = {"items/": 9, "holdings/": 5, "entries/": 5}  # the board also asks what is coming
    for path in most:
        client.get(f"{API}{path}")
    for n in range(4):
        world.bring(1, number=f"L{n}", place=[world.store, world.there][n % 2])
    for path, statements in most.items():
        with django_assert_max_num_queries(statements):
            assert client.get(f"{API}{path}").status_code == 200


def test_nobody_adds_to_a_gift_beside_its_source(ask, world):
    label = {"number": "A", "owner": "州商务合作局 · 7KQF2-M9DTA"}
    line = {"item": str(world.mask.public_id), "quantity": 1000, "lot": label}
    said = {"place": str(world.store.public_id), "lines": [line]}
    refused = ask(world.keeper, "receipts/", **said)
    assert refused.json()["errors"][0]["where"] == "/lines/0/lot/owner"
    assert world.held() == {}
    label["owner"] = "州商务合作局"  # goods that somebody left here
    assert ask(world.keeper, "receipts/", **said).status_code == 201
