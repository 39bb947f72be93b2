"""Sources for machines: the whole way, refusals with their place, repeats, other counties."""

from __future__ import annotations

import json

import pytest

from fangkong.core import clock
from fangkong.supplies.models import Entry, Supply
from fangkong.supplies.sources.models import Disclosure

from .factories import AT, DAY

pytestmark = pytest.mark.both_databases

API = "/api/v1/supplies/sources/"


@pytest.fixture
def ask(client):
    def ask(user, path="", key="k", method="post", match="", root=API, **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        send = getattr(client, method)
        return send(f"{root}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


def an_offer(world, **more):
    line = {"item": str(world.mask.public_id), "quantity": 1000, **more.pop("line", {})}
    return {
        "channel": "donation",
        "place": str(world.store.public_id),
        "party": "州商务合作局",
        "lines": [line],
        **more,
    }


def test_a_gift_goes_its_way_by_machine(ask, world, client):
    made = ask(world.buyer, **an_offer(world, earmark="发热门诊"))
    assert made.status_code == 201, made.content
    key = made.json()["id"]
    assert ask(world.headquarters, f"{key}/accept/", key="a").status_code == 428
    accepted = ask(world.headquarters, f"{key}/accept/", key="a", match="*")
    assert accepted.json()["state"] == "promised"
    door = {
        "lines": [
            {"line": 0, "quantity": 600, "lot": {"number": "A"}},
            {"line": 0, "quantity": 300, "lot": {"number": "B"}},
            {"line": 0, "quantity": 100, "verdict": "refused", "why": "受潮"},
        ]
    }
    came = ask(world.keeper, f"{key}/receive/", key="r", **door).json()
    assert came["state"] == "closed"
    assert [one["verdict"] for one in came["deliveries"]] == ["fits", "fits", "refused"]
    assert came["lines"][0]["booked"] == 900
    assert world.held() == {"A": 600, "B": 300}
    client.force_login(world.editor)
    draft = client.get(f"{API}reports/draft/").json()
    assert ask(world.editor, "reports/", key="x", digest="old").status_code == 412
    told = ask(world.editor, "reports/", key="p", digest=draft["digest"])
    assert told.status_code == 201
    assert told.json()["contents"]["sums"][0]["came"] == 900
    client.force_login(world.headquarters)
    assert client.get(f"{API}reports/{told.json()['id']}/").json()["number"] == 1


def test_a_repeat_is_entered_once_and_another_body_with_its_key_is_refused(ask, world):
    first, again = ask(world.buyer, **an_offer(world)), ask(world.buyer, **an_offer(world))
    other = ask(world.buyer, **an_offer(world, note="另一批"))
    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422
    assert Supply.objects.count() == 1


def test_goods_that_come_twice_by_the_same_message_are_booked_once(ask, world):
    supply = world.promised(100)
    body = {"lines": [{"line": 0, "quantity": 100}]}
    path = f"{supply.public_id}/receive/"
    assert ask(world.keeper, path, **body).status_code == 200
    assert ask(world.keeper, path, **body).status_code == 200
    assert Entry.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"party": ""}, "/party"),
        ({"line": {"quantity": 0}}, "/lines/0/quantity"),
        ({"line": {"quantity": 1.5}}, "/lines/0/quantity"),
        ({"line": {"item": "0190a5f3-0000-7000-8000-000000000000"}}, "/lines/0/item"),
        ({"arrives_on": "9999-12-31"}, "/arrives_on"),
        ({"money": -1}, "/money"),
        ({"channel": "bribe"}, "/channel"),
        ({"unknown": 1}, "/unknown"),
        ({"note": "a\x00b"}, "/note"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(ask, world, more, where):
    answer = ask(world.buyer, **an_offer(world, **more))
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["where"] == where
    assert not Supply.objects.exists()


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ({"line": 7, "quantity": 1}, "/lines/0/line"),
        ({"line": 0, "quantity": 1, "verdict": "refused"}, "/lines/0/why"),
        ({"line": 0, "quantity": 1, "lot": {"made_on": "2031-01-01"}}, "/lines/0/lot/made_on"),
    ],
)
def test_the_door_refuses_at_the_place_of_the_fault(ask, world, line, where):
    supply = world.promised(100)
    answer = ask(world.keeper, f"{supply.public_id}/receive/", lines=[line])
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"][0]["where"] == where
    assert not Entry.objects.exists()


def test_another_county_finds_nothing_and_changes_nothing(ask, world, client):
    supply = world.offered()
    client.force_login(world.matron)
    assert client.get(f"{API}{supply.public_id}/").status_code == 404
    assert client.get(f"{API}").json()["rows"] == []
    assert ask(world.matron, f"{supply.public_id}/close/", reason="不要").status_code == 404
    assert ask(world.matron, **an_offer(world)).status_code == 404
    assert client.get(f"{API}offers/{world.mask.public_id}/").json() == []


def test_who_may_enter_may_not_decide_and_who_publishes_needs_the_office(ask, world):
    supply = world.offered()
    assert ask(world.keeper, f"{supply.public_id}/accept/", match="*").status_code == 403
    world.brought(10)
    assert ask(world.keeper, "reports/", digest="x").status_code == 403
    assert not Disclosure.objects.exists()


def test_somebody_who_acts_on_an_old_state_is_told_so(client, world, monkeypatch):
    supply = world.offered()
    client.force_login(world.headquarters)
    seen = client.get(f"{API}{supply.public_id}/")["ETag"]
    monkeypatch.setattr(clock, "now", lambda: AT + DAY)
    path = f"{API}{supply.public_id}/accept/"
    headers = {"If-Match": seen, "Idempotency-Key": "a"}
    good = client.post(path, "{}", "application/json", headers=headers)
    assert good.status_code == 200
    late = client.post(
        f"{API}{supply.public_id}/close/",
        json.dumps({"reason": "不再到货"}),
        "application/json",
        headers={"If-Match": seen, "Idempotency-Key": "b"},
    )
    assert late.status_code == 412
    assert Supply.objects.get(pk=supply.pk).state == "promised"


@pytest.mark.parametrize("wrong", [True, 1.0, "5", 0, 10**13])
def test_what_is_no_whole_number_is_no_quantity_and_no_money(ask, world, wrong):
    refused = ask(world.buyer, **an_offer(world, line={"quantity": wrong}))
    assert (refused.status_code, Supply.objects.count()) == (422, 0)
    assert refused.json()["errors"][0]["where"] == "/lines/0/quantity"
    if wrong not in (0, 10**13):
        assert ask(world.buyer, **an_offer(world, money=wrong)).status_code == 422


def test_the_door_names_the_line_of_the_fault_also_after_a_refused_one(ask, world):
    supply = world.promised(100)
    lines = [
        {"line": 0, "quantity": 5, "verdict": "refused", "why": "受潮"},
        {"line": 0, "quantity": 5},
        {"line": 0, "quantity": 5, "lot": {"made_on": "2031-01-01", "expires_on": "2030-01-01"}},
    ]
    answer = ask(world.keeper, f"{supply.public_id}/receive/", lines=lines)
    assert answer.status_code == 422
    assert {one["where"] for one in answer.json()["errors"]} <= {
        "/lines/2/lot/made_on", "/lines/2/lot/expires_on",
    }  # fmt: skip
    receipt = [
        {"item": str(world.mask.public_id), "quantity": 1},
        {"item": str(world.mask.public_id), "quantity": 1, "lot": {"made_on": "2031-01-01"}},
    ]
    said = {"place": str(world.store.public_id), "lines": receipt}
    answer = ask(world.keeper, key="l", root="/api/v1/supplies/stock/receipts/", **said)
    assert [one["where"] for one in answer.json()["errors"]] == ["/lines/1/lot/made_on"]
    assert not Entry.objects.exists()


def test_machines_reopen_take_money_back_and_read_a_correction_first(ask, world, client):
    supply = world.promised(100)
    path = f"{supply.public_id}/"
    assert ask(world.buyer, f"{path}reopen/", key="a", reason="还会送").status_code == 409
    assert ask(world.buyer, f"{path}close/", key="b", reason="停产").status_code == 200
    past = ask(world.buyer, f"{path}reopen/", key="c", reason="还会送", arrives_on="2020-02-01")
    assert (past.status_code, past.json()["errors"][0]["where"]) == (422, "/arrives_on")
    assert ask(world.matron, f"{path}reopen/", key="d", reason="还会送").status_code == 404
    again = ask(world.buyer, f"{path}reopen/", key="e", reason="还会送")
    assert again.json()["state"] == "promised"

    money = world.paid(world.gift(0, money=5_00, at=AT - 2 * DAY), at=AT - 2 * DAY)
    path = f"{money.public_id}/money-back/"
    assert ask(world.keeper, path, key="f", match="*", reason="退票").status_code == 403
    assert ask(world.headquarters, path, key="g", reason="退票").status_code == 428
    report = world.published(at=AT - DAY)
    back = ask(world.headquarters, path, key="h", match="*", reason="退票").json()
    assert (back["money_came_at"], back["state"]) == (None, "promised")
    assert back["money_back_at"] is not None

    path = f"reports/{report.public_id}/"
    client.force_login(world.editor)
    draft = client.get(f"{API}{path}correction/").json()
    assert (draft["corrects"], draft["changes"]) == (str(report.public_id), [])
    said = {"reason": "名称有误", "digest": "other"}
    assert ask(world.editor, f"{path}correct/", key="i", **said).status_code == 412
    said["digest"] = draft["digest"]
    assert ask(world.keeper, f"{path}correct/", key="j", **said).status_code == 403
    assert ask(world.editor, f"{path}correct/", key="k", **said).status_code == 201
    client.force_login(world.keeper)
    assert client.get(f"{API}{path}correction/").status_code == 403
