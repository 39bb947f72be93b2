"""Files of supplies: the real transactions of 2020 as printed, and what is wrong with a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.queries import rows_of
from fangkong.core.roles import Role
from fangkong.places.tests.factories import area, facility
from fangkong.supplies.models import Entry, Supply
from fangkong.supplies.sources.imports import SUPPLIES
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import queries
from fangkong.web.demo import transactions

pytestmark = pytest.mark.both_databases

LATER = datetime(2020, 3, 1, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
HEAD = "date,type,item,qty,unit,from_party,to_party,channel,note"


@pytest.fixture
def stores(world, monkeypatch):
    """The prefecture's keeper with the catalogue of the pack, on 1 March 2020."""
    monkeypatch.setattr(clock, "now", lambda: LATER)
    world.mask.delete()
    world.suit.delete()
    stock.take_catalogue(items=queries.items_of_pack(LATER.date()), by=world.headquarters, at=LATER)
    area("513338", world.home, level="county", name_zh="得荣县", short_zh="得荣")
    hospital = facility(world.kangding, "甘孜州人民医院", kind="hospital")
    world.wing = stock.open_place(facility=hospital, by=None, at=LATER)
    world.all_keeper = staff(Role.COUNTY_CDC, area=world.home)
    return world


@pytest.fixture
def upload(client, stores):
    def send(content: bytes, *, by=None, place=None, name="supplies.csv") -> ImportRun:
        client.force_login(by or stores.all_keeper)
        client.cookies["django_language"] = "en"
        send.keys = getattr(send, "keys", 0) + 1
        file = SimpleUploadedFile(name, content)
        where = str((place or stores.store).public_id)
        asked = {"_key": f"k{send.keys}", "place": where, "file": file}
        answer = client.post(reverse("supplies:sources:imports"), asked)
        assert answer.status_code == 302, answer.content.decode()
        return ImportRun.objects.latest("pk")

    return send


def entered(run, by):
    run = kit.confirm(run=run, by=by, at=LATER)
    return kit.enter(run=run, at=LATER)


def told(run):
    return [(row.outcome, [one["code"] for one in row.reasons]) for row in rows_of(run)]


def table(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows, ""]).encode()


def row(**said):
    values = {
        "date": "2020-02-02",
        "type": "receipt",
        "item": "医用外科口罩",
        "qty": "100",
        "unit": "只",
        "from": "某公司",
        "to": "",
        "channel": "donation",
        "note": "",
        **said,
    }
    return ",".join(values.values())


def held(place):
    rows = place.balances.filter(quantity__gt=0).select_related("item")
    found = {}
    for one in rows:
        found[one.item.code] = found.get(one.item.code, 0) + one.quantity
    return found


def test_the_transactions_of_2020_go_in_as_printed_and_the_rest_says_why(stores, upload):
    run = upload(transactions.as_csv())
    printed = [one[2] for one in transactions.ROWS]
    outcomes = dict(zip(enumerate(printed), told(run), strict=True))
    ready = [key for key, (outcome, _why) in outcomes.items() if outcome == "ok"]
    refused = {key: why for key, (outcome, why) in outcomes.items() if outcome == "error"}
    assert [name for _n, name in ready] == [
        *("一次性医用口罩", "75%医用酒精"),  # 2 February
        *("医用防护服", "一次性医用口罩", "75%医用酒精", "医用84消毒液"),  # 3 February
        *("疫情防控资金", "消毒液"),  # from Yushu
        *("防护服", "N95口罩"),  # what the prefecture's hospital had left
    ]
    # Silk worms' fungus is no item; 口罩 can be several; others are not of this prefecture.
    assert refused[8, "冬虫夏草"] == ["no_item"]
    assert refused[9, "口罩"] == ["which_item"]
    assert refused[11, "84消毒液"] == ["no_store", "quantity_unknown_unit"]
    assert all("not_ours" in refused[key] for key in refused if key[0] >= 14)
    run = entered(run, stores.all_keeper)
    assert (run.imported, run.errors) == (10, 10)
    assert held(stores.store) == {
        "medical-mask": 7200,
        "coverall": 200,
        "ethanol-75": 300_000,
        "bleach": 150_000,
        "disinfectant-by-weight": 20_000_000,
    }
    assert held(stores.wing) == {"coverall": 13, "medical-respirator": 60}
    assert Supply.objects.get(money__gt=0).money == 600_000_00

    again = upload(transactions.as_csv())
    assert [outcome for outcome, _why in told(again)].count("known") == 10
    assert Entry.objects.count() == 9


def test_a_refused_row_goes_in_once_it_is_corrected(stores, upload):
    wrong = upload(table(row(item="冬虫夏草", qty="60", unit="盒")))
    assert told(wrong) == [("error", ["no_item"])]
    right = upload(table(row(item="other-gift", qty="60", unit="盒", note="冬虫夏草")))
    entered(right, stores.all_keeper)
    assert held(stores.store) == {"other-gift": 60}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"qty": "半箱"}, "quantity_no_number"),
        ({"qty": "0.5"}, "quantity_fraction"),
        ({"qty": "-3"}, "quantity_not_positive"),
        ({"unit": "吨"}, "quantity_unknown_unit"),
        ({"date": "2020-03-02"}, "future"),
        ({"date": "32/13/2020"}, "bad_date"),
        ({"type": "gift"}, "not_one_of"),
        ({"channel": "smuggled"}, "not_one_of"),
        ({"from": ""}, "missing"),
        ({"to": "武汉市第七医院"}, "not_ours"),
        ({"to": "得荣县"}, "no_store"),
        ({"type": "stock", "unit": "元"}, "money_is_no_stock"),
        ({"item": "=cmd|' /C calc'!A0"}, "no_item"),
        ({"item": ""}, "missing"),
    ],
)
def test_each_row_says_why_it_is_not_taken(stores, upload, said, why):
    run = upload(table(row(**said)))
    ((outcome, reasons),) = told(run)
    assert outcome == "error"
    assert why in reasons
    assert all(SUPPLIES.in_words(one.reasons) for one in rows_of(run))
    assert not Entry.objects.exists()


def test_a_keeper_brings_rows_into_own_stores_only(stores, upload):
    run = upload(table(row(to="道孚县人民医院"), row(to="州应急物资储备库")), by=stores.keeper)
    assert told(run) == [("error", ["not_yours"]), ("ok", [])]


def test_a_report_of_stock_is_the_first_count_and_no_second(stores, upload):
    entered(upload(table(row(type="stock", **{"from": ""}))), stores.all_keeper)
    assert held(stores.store) == {"surgical-mask": 100}
    same = upload(table(row(type="stock", note="重发", **{"from": ""})))
    assert told(same) == [("known", ["known"])]
    other = upload(table(row(type="stock", qty="90", **{"from": ""})))
    assert told(other) == [("error", ["counted_otherwise"])]


def test_what_was_sent_to_us_stands_as_an_offer(stores, upload):
    entered(upload(table(row(type="dispatch", to="道孚县"))), stores.all_keeper)
    supply = Supply.objects.get()
    assert (supply.state, supply.place) == ("offered", stores.there)
    assert not Entry.objects.exists()
    assert supply.created_at - LATER < timedelta(minutes=1)
