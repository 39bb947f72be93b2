"""Needs and covers: what is asked, reported, withdrawn, replaced, and what it comes to."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.core import finders
from fangkong.core.audit.models import AuditLine
from fangkong.core.refusals import Refused
from fangkong.supplies.demand import actions, pipeline, queries, views
from fangkong.supplies.demand.models import Need, NeedLine
from fangkong.supplies.demand.types import Coming, Forecast, Span, Wanted
from fangkong.supplies.stock.tests.factories import AT, DAY, TODAY

pytestmark = pytest.mark.both_databases

API = "/api/v1/supplies/demand/"
WEEK = Span(first_day=TODAY, last_day=TODAY + 6 * DAY, reason="发热门诊一周用量")


def asked(world, *lines, place=None, span=WEEK, at=AT, **more):
    lines = lines or (Wanted(item=world.mask, quantity=70),)
    said = {"place": place or world.there, "lines": lines, "span": span}
    return actions.ask(**said, **more, by=world.matron, at=at)


def covers(world, user=None, **said):
    found = queries.covers(user or world.matron, AT, **said)
    return {(one.place.pk, one.item.code): one for one in found}


@pytest.fixture
def send(client):
    def send(user, name, *args, **said):
        client.force_login(user)
        address = reverse(f"supplies:demand:{name}", args=args)
        return client.post(address, {"_key": str(uuid4()), **said})

    return send


def page(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"supplies:demand:{name}", args=args), query)


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


# --- Cover ----------------------------------------------------------------------------------------


def test_use_is_counted_over_days_with_stock_and_what_was_taken_back_was_not_used(world):
    world.bring(60, place=world.there, at=AT - 4 * DAY)
    for ago in (3, 2, 1):
        world.send(20, source=world.there, at=AT - ago * DAY)  # empty since yesterday
    one = covers(world)[world.there.pk, "mask"]
    assert (one.burn.a_day, one.burn.days, one.stock, one.days) == (15, 4, 0, 0)

    world.bring(50, place=world.there)
    wrong = world.send(20, source=world.there)
    from fangkong.supplies.stock import actions as stock

    stock.reverse(entry=wrong, reason="录错", by=world.matron, at=AT)
    one = covers(world)[world.there.pk, "mask"]
    assert (one.burn.a_day, one.burn.days, one.stock) == (12, 5, 50)
    assert one.days == pytest.approx(50 / 12)


def test_expired_and_held_back_goods_cover_nothing(world):
    asked(world)
    world.bring(40, place=world.there, number="A", expires_on=TODAY + DAY)
    world.bring(30, place=world.there, number="B")
    assert covers(world)[world.there.pk, "mask"].days == pytest.approx(5)  # 20 of A, 30 of B
    from fangkong.supplies.stock import actions as stock

    stock.hold(lot=world.lot("B"), reason="待核", by=world.keeper, at=AT)
    assert covers(world)[world.there.pk, "mask"].days == 2


def test_what_is_on_its_way_counts_from_its_day(world, monkeypatch):
    asked(world)
    world.bring(20, place=world.there)
    day = TODAY + 2 * DAY
    told = [Coming(world.there.pk, world.mask.pk, day, 35, "订单 7")]
    monkeypatch.setattr(pipeline, "_providers", [])
    pipeline.provider(lambda places, first, last: [o for o in told if first <= o.day <= last])

    one = covers(world)[world.there.pk, "mask"]

    assert (one.alone, one.days) == (2, 5.5)
    assert covers(world, days=2)[world.there.pk, "mask"].coming == []
    told[0] = replace(told[0], day=TODAY - DAY)
    pipeline._providers[:] = [lambda places, first, last: told]
    assert covers(world)[world.there.pk, "mask"].days == 2  # late, and only promised
    told[0] = replace(told[0], sure=True)
    assert covers(world)[world.there.pk, "mask"].days == 5.5


def test_heads_are_reckoned_by_the_norms_and_a_forecast_by_its_quantiles(world):
    asked(world, Wanted(who="ward-staff", heads=10), Wanted(item=world.suit, quantity=14))
    one = covers(world)[world.there.pk, "coverall"]
    assert (one.need[0], one.basis) == (22, "reported")  # 2 a head, and 2 of 14 over seven days
    assert covers(world, strategy="crisis")[world.there.pk, "coverall"].need[0] == 12

    heads = {0.5: [30, 40], 0.95: [60, 80]}
    world.bring(100, place=world.there, item=world.suit)
    told = {world.there.pk: [Forecast("sampler", heads)]}
    one = covers(world, forecasts=told, days=4)[world.there.pk, "coverall"]
    assert (list(one.need), one.basis) == ([60, 80, 80, 80], "foreseen")
    assert list(one.high) == [120, 160, 160, 160]
    assert (one.days, one.days_high) == (1.5, 100 / 120)


def test_the_reserve_is_that_of_the_season(world):
    asked(world)
    assert covers(world)[world.there.pk, "mask"].reserve == 30
    assert queries.norms_on(date(2020, 5, 1)).reserve("hospital") == 10
    assert queries.norms_on(date(2020, 5, 1)).reserve("school") == 0


def test_covers_take_as_many_statements_for_one_place_as_for_many(world):
    asked(world)
    with CaptureQueriesContext(connection) as one:
        covers(world)
    for place in (world.there, world.ward):
        world.bring(9, place=place, item=world.suit)
        asked(world, Wanted(who="sampler", heads=2), place=place)
    with CaptureQueriesContext(connection) as many:
        assert len(covers(world)) == 3
    assert len(many) <= len(one)


def test_a_board_that_shows_few_of_what_lies_still_tells_the_same_first_ones(world):
    asked(world)
    world.bring(20, place=world.there)
    for n in range(6):
        item = world.item(f"still-{n}", f"存放{n}号")
        for place in (world.there, world.ward, world.store):
            world.bring(5 + n, place=place, item=item, at=AT - 60 * DAY)
    whole = queries.covers(world.headquarters, AT)
    for most in (0, 1, 4, 100):
        some = queries.covers(world.headquarters, AT, still=most)
        assert some == whole[: len(some)]
        assert len(some) == min(len(whole), 1 + most)


# --- Needs ----------------------------------------------------------------------------------------


def test_a_need_is_replaced_and_withdrawn_once(world):
    first = asked(world)
    second = asked(world, Wanted(item=world.mask, quantity=140), replaces=first)
    first.refresh_from_db()
    assert (first.state, second.replaces) == ("replaced", first)
    assert covers(world)[world.there.pk, "mask"].need[0] == 20

    with pytest.raises(actions.NotOpen):
        asked(world, replaces=first)
    with pytest.raises(Refused):  # another place's
        asked(world, place=world.ward, replaces=second)
    actions.withdraw(need=second, reason="已到货", by=world.matron, at=AT)
    with pytest.raises(actions.NotOpen):
        actions.withdraw(need=second, reason="已到货", by=world.matron, at=AT)
    assert covers(world) == {}
    verbs = list(AuditLine.objects.order_by("pk").values_list("action", flat=True))
    assert [one for one in verbs if one.startswith("supplies.demand")] == [
        "supplies.demand.ask",
        "supplies.demand.replace",
        "supplies.demand.ask",
        "supplies.demand.withdraw",
    ]


def test_a_room_that_reports_again_counts_once(world):
    def report(heads, ref="ward-3", room="isolation"):
        line = Wanted(who="ward-staff", heads=heads)
        said = {"place": world.there, "lines": [line], "span": WEEK, "room": room, "ref": ref}
        return actions.report_need(**said, by=None, at=AT)

    first = report(10)
    assert report(10) == first
    newer = report(12)
    report(5, ref="ward-4")
    assert newer.replaces == first
    assert covers(world)[world.there.pk, "coverall"].need[0] == 34  # never 54
    with pytest.raises(ValueError, match="reference"):
        report(1, ref="")


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "lines"),
        ([{}], "lines/0/item"),
        ([{"item": "mask"}], "lines/0/quantity"),
        ([{"item": "mask", "quantity": 0}], "lines/0/quantity"),
        ([{"item": "mask", "quantity": 5}, {"item": "mask", "quantity": 6}], "lines/1/item"),
        ([{"item": "mask", "quantity": 5, "heads": 2}], "lines/0/who"),
        ([{"who": "ward-staff"}], "lines/0/heads"),
        ([{"who": "wizard", "heads": 2}], "lines/0/who"),
        ([{"who": "ward-staff", "heads": 2, "quantity": 3}], "lines/0/quantity"),
        ([{"who": "ward-staff", "heads": 2, "item": "mask"}], "lines/0/item"),  # not of the pack
        ([{"item": "mask", "quantity": 1}] * 61, "lines"),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_nothing_is_asked(world, lines, field):
    told = [Wanted(**{**one, "item": world.mask if "item" in one else None}) for one in lines]
    with pytest.raises(Refused) as refused:
        actions.ask(place=world.there, lines=told, span=WEEK, by=world.matron, at=AT)
    assert refused.value.field == field
    assert not Need.objects.exists()


@pytest.mark.parametrize(
    ("first", "last", "reason", "field"),
    [
        (0, -1, "一周用量", "last_day"),
        (-9, -1, "一周用量", "last_day"),
        (0, 92, "一周用量", "last_day"),
        (367, 368, "一周用量", "first_day"),
        (0, 6, "", "reason"),
        (0, 6, "联系张三 13800000001", "reason"),
    ],
)
def test_days_and_reasons_that_cannot_be_are_refused(world, first, last, reason, field):
    span = Span(first_day=TODAY + first * DAY, last_day=TODAY + last * DAY, reason=reason)
    with pytest.raises(Refused) as refused:
        asked(world, span=span)
    assert refused.value.field == field


def test_a_late_need_says_so_and_still_counts(world, client):
    span = Span(first_day=TODAY - 2 * DAY, last_day=TODAY + 4 * DAY, reason="发热门诊用量")
    need = asked(world, span=span)
    assert need.late
    assert covers(world)[world.there.pk, "mask"].need[:6] == [10, 10, 10, 10, 10, 0]
    assert "晚于" in page(client, world.matron, "need", need.public_id).content.decode()


def test_the_database_keeps_lines_as_they_were(world):
    need = asked(world)
    line = NeedLine.objects.get(need=need)
    line.quantity = 7
    with pytest.raises(Exception, match="only ever added to"):
        line.save()


# --- Pages and API --------------------------------------------------------------------------------


def test_goods_are_asked_for_on_the_page_and_shown_there(send, world, client):
    said = {
        "place": str(world.there.public_id),
        "first_day": str(TODAY),
        "last_day": str(TODAY + 6 * DAY),
        "reason": "发热门诊一周用量",
        "item_0": "医用外科口罩",
        "quantity_0": "1",
        "unit_0": "箱(2000只)",
        "who_1": "ward-staff",
        "heads_1": "5",
    }
    assert send(world.keeper, "ask", **said).status_code == 403
    wrong = {"quantity_0": "0.5", "unit_0": "只", "heads_1": "", "last_day": "2020-01-01"}
    answer = send(world.matron, "ask", **{**said, **wrong})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"quantity_0", "heads_1"}
    answer = send(world.matron, "ask", **said)
    need = Need.objects.get()
    assert answer["Location"] == need.get_absolute_url()
    told = list(need.lines.order_by("pk").values_list("quantity", "who", "heads"))
    assert told == [(2000, "", None), (None, "ward-staff", 5)]

    shown = page(client, world.matron, "need", need.public_id).content.decode()
    for text in ("2,000只", "病区医护人员", "更改申领"):
        assert text in shown
    form = page(client, world.matron, "replace", need.public_id)
    assert form.context["form"]["item_0"].value() == "mask"
    alone = {**said, "of_1": "mask"}
    unknown = send(world.matron, "ask", **alone)  # the rule pack has no mask of this code
    assert list(unknown.context["form"].errors) == ["of_1"]
    changed = {**said, "quantity_0": "2"}
    send(world.matron, "replace", need.public_id, **changed)
    newer = Need.objects.latest("pk")
    assert newer.replaces == need
    done = send(world.matron, "withdraw", newer.public_id, reason="已到货")
    assert done.status_code == 302
    assert send(world.matron, "withdraw", newer.public_id, reason="又撤").status_code == 422


def test_the_board_shows_who_runs_out_first_and_goes_out_as_a_file(world, client):
    asked(world)
    world.bring(20, place=world.there)
    world.bring(500, place=world.ward, item=world.suit)
    shown = page(client, world.matron, "index")
    assert [row["days"] for row in shown.context["worst"]] == ["2.0"]
    assert [one.item.code for one in shown.context["unknown"]] == ["coverall"]
    assert [item.code for item in shown.context["heat"].items] == ["mask"]
    file = page(client, world.matron, "index", export="csv")
    text = b"".join(file.streaming_content).decode()
    assert "医用外科口罩" in text and "导出" in text
    assert page(client, world.matron, "index", export="xlsx").status_code == 200
    day = "2020-02-05"
    for name, args, said in (
        ("place", [world.there.public_id], "医用外科口罩"),
        ("item", [world.mask.public_id], "道孚县人民医院"),
        ("cover", [world.there.public_id, "mask"], day),
        ("norms", [], "医用防护口罩"),
    ):
        file = page(client, world.matron, name, *args, export="csv")
        assert said in b"".join(file.streaming_content).decode()
        assert page(client, world.matron, name, *args, export="xlsx").status_code == 200
        foreign = page(client, world.matron, "place", world.store.public_id, export="csv")
        assert foreign.status_code == 404
    for name, args in (
        ("place", [world.there.public_id]),
        ("item", [world.mask.public_id]),
        ("cover", [world.there.public_id, "mask"]),
        ("norms", []),
        ("needs", []),
        ("ahead", []),
    ):
        assert page(client, world.matron, name, *args).status_code == 200
    figures = page(client, world.matron, "cover_chart", world.there.public_id, "mask")
    assert figures.json()["series"][0]["values"][:3] == [10, 0, 0]
    assert page(client, world.matron, "item_chart", world.mask.public_id).json()["x"]
    nothing = page(client, world.matron, "cover", world.ward.public_id, "mask")
    assert nothing.context["one"].days is None
    assert page(client, world.matron, "cover", world.ward.public_id, "none").status_code == 404
    (group,) = [
        one for one in finders.find(world.matron, AT, "wkkz") if "可用天数" in str(one.label)
    ]
    assert group.found


def test_other_counties_see_neither_covers_nor_needs(world, client, send):
    need = asked(world)
    assert page(client, world.keeper, "place", world.there.public_id).status_code == 404
    assert page(client, world.keeper, "need", need.public_id).status_code == 404
    assert page(client, world.keeper, "index").context["worst"] == []
    assert covers(world, world.keeper) == {}
    assert (world.there.pk, "mask") in covers(world, world.headquarters)
    assert send(world.headquarters, "withdraw", need.public_id, reason="不需要").status_code == 403


def test_a_look_ahead_says_what_patients_need(world, client):
    said = {
        "place": str(world.there.public_id),
        "who": "sampler",
        "likely": "30, 40",
        "high": "60，80",
        "days": "14",
        "strategy": "conventional",
    }
    shown = page(client, world.matron, "ahead", **said)
    (row,) = [one for one in shown.context["rows"] if one["one"].item.code == "coverall"]
    assert (row["need"], row["high"]) == ("1,100", "2,200")
    wrong = page(client, world.matron, "ahead", **{**said, "likely": "-3", "high": "1"})
    assert wrong.status_code == 422
    crossing = page(client, world.matron, "ahead", **{**said, "high": "1"})
    assert "likely" in crossing.context["form"].errors
    assert not Need.objects.exists()


def test_machines_ask_read_and_look_ahead(ask, world, client):
    body = {
        "place": str(world.there.public_id),
        "first_day": str(TODAY),
        "last_day": str(TODAY + 6 * DAY),
        "reason": "一周用量",
        "lines": [{"item": str(world.mask.public_id), "quantity": 70}],
    }
    made = ask(world.matron, "needs/", **body)
    assert made.status_code == 201, made.content
    assert ask(world.matron, "needs/", **body).json()["id"] == made.json()["id"]
    assert ask(world.keeper, "needs/", key="x", **body).status_code == 403
    (row,) = client_get(client, world.matron, "cover/?days=7")
    assert (row["code"], row["days_of_cover"], row["need"][0]) == ("mask", 0, 10)
    path = f"needs/{made.json()['id']}/"
    newer = ask(world.matron, f"{path}replace/", key="r", **{**body, "reason": "改量"})
    assert newer.json()["replaces"] == made.json()["id"]
    again = ask(world.matron, f"{path}withdraw/", key="w", reason="已到货")
    assert (again.status_code, again.json()["title"]) == (409, "NotOpen")
    bad = ask(world.matron, "needs/", key="b", **{**body, "lines": [{"who": "x", "heads": 1}]})
    assert (bad.status_code, bad.json()["errors"][0]["where"]) == (422, "/lines/0/who")

    heads = {"0.5": [10, 10], "0.95": [20, 20]}
    told = {"forecasts": [{"who": "sampler", "heads": heads}], "place": body["place"], "days": 2}
    found = ask(world.matron, "projection/", **told).json()
    (suit,) = [one for one in found if one["code"] == "coverall"]
    assert (suit["need"], suit["need_high"]) == ([20, 20], [40, 40])
    heads["0.5"] = [30, 30]
    refused = ask(world.matron, "projection/", **told)
    assert refused.json()["errors"][0]["where"] == "/forecasts/0/heads"
    assert ask(world.keeper, "projection/", **told).status_code == 404
    assert any(one["from_memory"] for one in client_get(client, world.matron, "norms/"))
    assert client_get(client, world.matron, "needs/")["rows"]


def client_get(client, user, path):
    client.force_login(user)
    answer = client.get(f"{API}{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_days_are_counted_where_the_house_stands(world):
    assert timedelta(days=1) == DAY
    assert asked(world).days == 7


def test_every_cell_of_the_board_leads_to_its_page(world, client):
    asked(world)
    world.bring(10, place=world.ward)
    asked(world, Wanted(item=world.suit, quantity=7), place=world.ward)
    text = page(client, world.matron, "index").content.decode()
    links = set(re.findall(r'href="(/supplies/demand/places/[^"]+)"', text))
    assert len(links) >= 4
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_a_board_of_many_places_shows_those_that_run_out_first_and_says_so(
    world, client, monkeypatch
):
    monkeypatch.setattr(views, "ROWS", 1)
    asked(world)
    asked(world, place=world.ward)
    world.bring(70, place=world.there)
    shown = page(client, world.matron, "index")
    assert [place for place, _url, _row in shown.context["heat"].rows] == [world.ward]
    assert shown.context["heat"].places == 2


def test_machines_ask_for_the_cover_of_one_place_or_item(world, client):
    asked(world)
    asked(world, Wanted(item=world.suit, quantity=7), place=world.ward)
    client.force_login(world.matron)

    def told(**query):
        answer = client.get(f"{API}cover/", query)
        return answer.status_code if answer.status_code != 200 else len(answer.json())

    assert told() == 2
    assert told(place=str(world.ward.public_id)) == told(item=str(world.mask.public_id)) == 1
    assert told(place=str(world.store.public_id)) == told(item=str(uuid4())) == 0


@pytest.mark.parametrize("wrong", [True, 1.0, "5"])
def test_what_is_no_whole_number_is_not_asked_for(world, ask, wrong):
    said = {"place": str(world.there.public_id), "first_day": str(TODAY), "last_day": str(TODAY)}
    for line in (
        {"item": str(world.mask.public_id), "quantity": wrong},
        {"who": "ward-staff", "heads": wrong},
    ):
        refused = ask(world.matron, "needs/", **said, reason="发热门诊", lines=[line])
        assert refused.status_code == 422 and not Need.objects.exists()
