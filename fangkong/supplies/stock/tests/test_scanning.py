"""Scanning: codes are taught once, goods in and out package by package, labels of the house."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from importlib import import_module
from uuid import uuid4

import pytest
import zxingcpp
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from PIL import Image
from pypdf import PdfReader

from fangkong.accounts.tests.factories import staff
from fangkong.core.audit.models import AuditLine
from fangkong.core.refusals import WrongField
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.places.tests.factories import facility
from fangkong.supplies.stock import (
    actions,
    drafts,
    labels,
    queries,
    scanning,
    scans,
    ship_forms,
    shipping,
    sight,
)
from fangkong.supplies.stock.codes import Goods
from fangkong.supplies.stock.jobs import clear_drafts
from fangkong.supplies.stock.models import (
    Entry,
    ItemCode,
    Lot,
    ScanDraft,
    Serial,
    SerialMove,
)
from fangkong.supplies.stock.types import (
    Arrived,
    Arriving,
    ItemFacts,
    Leaving,
    LotFacts,
    Package,
    Papers,
    PlaceKind,
    Settled,
    Way,
)

from .factories import AT, DAY, NEXT_YEAR, TODAY
from .symbols import photo

pytestmark = pytest.mark.both_databases
GTIN, OTHER = "09506000134352", "09506000134369"
GS = "\x1d"
BOX = f"]d201{GTIN}17211231" + "10L-1"  # one package of lot L-1


@pytest.fixture
def code(world):
    """A package of 50 masks."""
    named = {name: getattr(world.mask, name) for name in ("code", "name_zh", "kind", "unit")}
    facts = ItemFacts(**named, packs={"箱(2000只)": 2000, "盒(50只)": 50})
    world.mask = actions.change_item(item=world.mask, facts=facts, by=None, at=AT)
    return scanning.teach(gtin=GTIN, item=world.mask, unit="盒(50只)", by=world.keeper, at=AT)


def received(world, code, *serials, at=AT, place=None):
    line = Arriving(
        item=code.item,
        quantity=50 * max(1, len(serials)),
        lot=LotFacts(number="L-1"),
        code=code,
        serials=serials,
    )
    where = place or world.store
    return actions.receive(place=where, lines=[line], papers=Papers(), by=world.keeper, at=at)


# --- Codes are taught -----------------------------------------------------------------------------


def test_a_code_is_taught_once_and_is_of_one_item(world, code):
    assert (code.item, code.pack, code.holds) == (world.mask, "盒(50只)", 50)
    with pytest.raises(scanning.TaughtAlready, match="医用外科口罩"):
        scanning.teach(gtin=GTIN, item=world.suit, by=world.keeper, at=AT)
    with pytest.raises(WrongField) as refused:
        scanning.teach(gtin=OTHER, item=world.suit, unit="车", by=world.keeper, at=AT)
    assert refused.value.field == "unit"
    assert ItemCode.objects.count() == 1


def test_a_code_that_was_taught_wrongly_is_corrected_with_a_reason(world, code):
    said = {"code": code, "item": world.suit, "unit": "", "by": world.keeper, "at": AT}
    with pytest.raises(scanning.NothingNew):
        scanning.correct_code(**{**said, "item": world.mask, "unit": "盒(50只)"}, reason="扫错了")
    done = scanning.correct_code(**said, reason="扫错了箱子")
    assert (done.item, done.holds) == (world.suit, 1)
    line = AuditLine.objects.get(action="supplies.stock.correct_code")
    assert (line.reason, line.detail["from"]) == ("扫错了箱子", {"item": "mask", "holds": 50})


@pytest.mark.django_db(transaction=True)
def test_of_two_who_teach_a_code_at_once_one_does(world):
    items = (world.mask, world.suit)

    found = at_once(lambda n: scanning.teach(gtin=GTIN, item=items[n], by=world.keeper, at=AT))

    refused = [one for one in found if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [scanning.TaughtAlready]


# --- Serials --------------------------------------------------------------------------------------


def test_a_serial_is_received_once_anywhere(world, code):
    received(world, code, "S1", "S2")
    for place in (world.store, world.there):
        with pytest.raises(WrongField, match="S2") as refused:
            received(world, code, "S3", "S2", place=place)
        assert refused.value.field == "lines/0/serials"
    assert Entry.objects.count() == 1 and world.held() == {"L-1": 100}
    received(world, code, "S3")


def test_a_serial_whose_receipt_was_taken_back_comes_in_again(world, code):
    entry = received(world, code, "S1")
    actions.reverse(entry=entry, reason="扫错", by=world.keeper, at=AT)
    received(world, code, "S1")
    assert Serial.objects.filter(serial="S1").count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_receive_a_serial_at_once_one_does(world, code):
    places = (world.store, world.there)

    found = at_once(lambda n: received(world, code, "S1", place=places[n]))

    assert [type(one) for one in found if isinstance(one, Exception)] == [WrongField]
    assert Serial.objects.count() == 1


def left(world, code, *serials, lot="L-1", source=None, target=None, quantity=None, by=None):
    line = Leaving(
        item=code.item,
        quantity=quantity or 50 * len(serials),
        lot=None if lot is None else world.lot(lot),
        code=code,
        serials=serials,
    )
    said = {"source": source or world.store, "target": target, "lines": [line]}
    return actions.issue(**said, papers=Papers(), by=by or world.keeper, at=AT)


def where(world, code, serial, user=None):
    """At which place a package was seen last, and whether it must still be there."""
    one = queries.serial_like(user or world.keeper, AT, code, serial)
    found = queries.whereabouts(one)
    return found.place, found.sure


def test_a_package_with_a_serial_is_followed_through_every_move_that_is_scanned(world, code):
    room = world.place(world.depot, kind=PlaceKind.WARD, name="二库")
    received(world, code, "S1", "S2", "S3")
    moved = left(world, code, "S1", "S2", target=room)
    assert where(world, code, "S1") == (room, True)
    assert where(world, code, "S3") == (world.store, True)
    used = left(world, code, "S1", source=room)
    place, sure = where(world, code, "S1")
    assert (place.kind, sure) == (PlaceKind.USED, True)

    # The nearest "no": not from where it is not, not twice, not under another lot.
    for serial, source in (("S1", room), ("S2", world.store), ("S3", room)):
        with pytest.raises(WrongField, match=serial) as refused:
            left(world, code, serial, source=source)
        assert refused.value.field == "lines/0/serials"
    world.bring(100, number="L-2")
    with pytest.raises(WrongField, match="L-1"):
        left(world, code, "S3", lot="L-2")
    with pytest.raises(WrongField, match=r"S3|twice|两次"):
        left(world, code, "S3", "S3")

    seen = queries.seen_of(queries.serial_like(world.keeper, AT, code, "S1"))
    assert [one.entry.kind for one in seen] == ["receipt", "move", "issue"]
    actions.reverse(entry=used, reason="扫错", by=world.keeper, at=AT)
    assert where(world, code, "S1") == (room, True)
    actions.reverse(entry=moved, reason="扫错", by=world.keeper, at=AT)
    assert where(world, code, "S1") == (world.store, True)
    assert [one.back for one in queries.seen_of(Serial.objects.get(serial="S1"))] == [
        False, True, True,
    ]  # fmt: skip
    left(world, code, "S1")  # it may leave again


def test_a_serial_without_a_lot_in_its_code_leaves_with_the_lot_it_came_with(world, code):
    world.bring(500, number="OLD", expires_on=TODAY + DAY)
    received(world, code, "S1")
    left(world, code, "S1", lot=None)
    assert world.held() == {"OLD": 500}
    # One that was never scanned in is not followed; it leaves by earliest expiry.
    left(world, code, "X9", lot=None)
    assert world.held() == {"OLD": 450} and SerialMove.objects.count() == 1


def test_where_goods_moved_unscanned_the_books_do_not_know_which_package_went(world, code):
    room = world.place(world.depot, kind=PlaceKind.WARD, name="二库")
    received(world, code, "S1", "S2")
    world.send(50, target=room, lot=world.lot("L-1"))
    assert where(world, code, "S1") == (world.store, False)
    left(world, code, "S1", source=room)  # who holds it in their hands is right
    assert where(world, code, "S1")[0].kind == PlaceKind.USED
    assert where(world, code, "S2") == (world.store, True)


def test_of_a_lot_that_was_scanned_in_part_any_package_may_have_gone_unscanned(world, code):
    received(world, code, "S1", "S2")
    world.bring(500, number="L-1")  # the rest of the delivery, by the form
    assert where(world, code, "S1") == (world.store, True)
    world.send(100, target=world.there)
    # The store holds more of the lot than the two packages, and yet they may be the ones that went.
    assert where(world, code, "S1") == (world.store, False)
    left(world, code, "S1", source=world.there)
    assert where(world, code, "S1")[0].kind == PlaceKind.USED
    # What is taken back has not gone; what was scanned as it left does not hide another.
    received(world, code, "S3")
    back = world.send(50, target=world.there)
    assert where(world, code, "S3") == (world.store, False)
    actions.reverse(entry=back, reason="数错", by=world.keeper, at=AT)
    assert where(world, code, "S3") == (world.store, True)
    left(world, code, "S3", quantity=100)  # one of the two was scanned
    received(world, code, "S4")
    assert where(world, code, "S4") == (world.store, True)


def test_a_code_that_is_corrected_makes_no_package_surer_than_it_was(world, code):
    rooms = [world.place(world.depot, kind=PlaceKind.WARD, name=name) for name in ("二库", "三库")]
    received(world, code, "S1", "S2", "S3", "S4")
    left(world, code, "S4", target=rooms[0])
    left(world, code, "S1")
    world.send(50, target=rooms[1], lot=world.lot("L-1"))  # S2 or S3, unscanned
    assert where(world, code, "S2") == (world.store, False)
    said = {"item": world.mask, "unit": "箱(2000只)", "reason": "扫错了箱子"}
    code = scanning.correct_code(code=code, **said, by=world.keeper, at=AT + DAY)
    assert where(world, code, "S2") == (world.store, False)
    assert where(world, code, "S4") == (rooms[0], True)  # nothing left there
    with pytest.raises(WrongField, match="S4"):
        left(world, code, "S4", source=rooms[1])
    left(world, code, "S2", source=rooms[1])  # who holds it in their hands is right


def test_packages_that_came_in_before_the_upgrade_hold_what_their_code_says(world, code):
    received(world, code, "S1")
    Serial.objects.update(holds=7)
    import_module("fangkong.supplies.migrations.0011_serial_holds").fill(apps, connection)
    assert Serial.objects.get().holds == 50


def test_a_refusal_names_no_place_and_no_lot_of_others(world, code):
    received(world, code, "S1")
    world.bring(100, place=world.there, number="L-2")
    for lot in ("L-2", None):
        with pytest.raises(WrongField, match="S1") as refused:
            left(world, code, "S1", lot=lot, source=world.there, by=world.matron)
        assert world.store.display_name not in str(refused.value)
        assert "L-1" not in str(refused.value)
        assert Entry.objects.earliest("pk").number not in str(refused.value)
    with pytest.raises(WrongField, match=world.store.display_name):
        left(world, code, "S1", lot=None, source=world.there, by=world.headquarters)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_issue_a_package_at_once_one_does(world, code):
    received(world, code, "S1", "S2")

    found = at_once(lambda n: left(world, code, "S1"))

    assert [type(one) for one in found if isinstance(one, Exception)] == [WrongField]
    assert SerialMove.objects.count() == 1 and world.held() == {"L-1": 50}


def test_a_package_is_found_by_scan_page_list_file_and_machine(world, code, client):
    sheet = Sheet(client, world.keeper, "scan_in", place=str(world.store.public_id))
    sheet.scan(f"{BOX}{GS}21S1")
    sheet.scan(f"{BOX}{GS}21S2")
    assert sheet.press("book").status_code == 302
    sheet = Sheet(client, world.keeper, "scan_out", place=str(world.store.public_id))
    sheet.scan(f"{BOX}{GS}21S1")
    assert sheet.press("book").status_code == 302
    sheet = Sheet(client, world.keeper, "scan_out", place=str(world.store.public_id))
    sheet.scan(f"{BOX}{GS}21S1")
    again = sheet.press("book")
    assert again.status_code == 422 and "S1" in str(again.context["form"].errors["count_0"])
    assert world.held() == {"L-1": 50}

    one = Serial.objects.get(serial="S1")
    look = {"code": f"{BOX}{GS}21S1"}
    assert client.post(reverse("supplies:stock:scan"), look)["Location"] == one.get_absolute_url()
    shown = client.get(one.get_absolute_url())
    assert [row["entry"].kind for row in shown.context["rows"]] == ["receipt", "issue"]
    assert not shown.context["held"] and shown.context["sure"]
    item = client.get(world.mask.get_absolute_url()).content.decode()
    listed = f"{reverse('supplies:stock:serials')}?q=mask"
    assert listed in item
    rows = client.get(f"{listed}&serial=S2").context["rows"]
    assert [(row.serial, row.where) for row in rows] == [("S2", world.store.display_name)]
    file = client.get(one.get_absolute_url(), {"export": "csv"})
    assert b"S1" in b"".join(file.streaming_content)
    assert client.get(listed, {"export": "xlsx"}).status_code == 200

    api = "/api/v1/supplies/stock/serials/"
    (told,) = client.get(api, {"gtin": GTIN, "serial": "S1"}).json()["rows"]
    whole = client.get(f"{api}{told['id']}/")
    assert (whole.json()["place"], whole.json()["place_kind"]) == (None, "used")
    assert [each["taken_back"] for each in whole.json()["moves"]] == [False, False]
    assert (
        client.get(f"{api}{told['id']}/", headers={"If-None-Match": whole["ETag"]}).status_code
        == 304
    )
    # Another county's user, whose places never held the lot, knows of none of it.
    client.force_login(world.matron)
    assert client.get(one.get_absolute_url()).status_code == 404
    assert client.get(f"{api}{told['id']}/").status_code == 404
    assert not client.get(api).json()["rows"]
    assert client.post(reverse("supplies:stock:scan"), look)["Location"] != one.get_absolute_url()
    nobody = staff(Role.EDITOR, area=world.home, username="nobody")
    client.force_login(nobody)
    assert client.get(one.get_absolute_url()).status_code == 403


# --- Packages of a shipment -----------------------------------------------------------------------


def shipped(world, code, quantity, *serials, lot="L-1"):
    line = Leaving(item=code.item, quantity=quantity, lot=world.lot(lot))
    ends = {"source": world.store, "target": world.there}
    one = shipping.prepare(**ends, lines=[line], way=Way(), by=world.keeper, at=AT)
    packages = [Package(code, serial) for serial in serials]
    return shipping.dispatch(shipment=one, packages=packages, by=world.keeper, at=AT)


def arrived(world, shipment, good, broken=0):
    told = [Arrived(line=one, good=good, broken=broken) for one in queries.shipment_lines(shipment)]
    return shipping.arrive(shipment=shipment, told=told, by=world.matron, at=AT)


def along(shipment):
    return {one.serial: became.value for one, became in queries.packages_along(shipment)}


def test_packages_go_along_with_a_shipment_and_arrive_with_it(world, code):
    received(world, code, "S1", "S2", "S3")
    one = shipped(world, code, 100, "S1", "S2")
    assert along(one) == {"S1": "underway", "S2": "underway"}
    assert AuditLine.objects.get(action="supplies.stock.dispatch").detail["packages"] == 2
    assert where(world, code, "S1") == (one.transit, True)
    with pytest.raises(WrongField, match="S1"):
        left(world, code, "S1")  # it is on the way, not here
    one = arrived(world, one, 100)
    assert along(one) == {"S1": "arrived", "S2": "arrived"}
    assert where(world, code, "S1", world.matron) == (world.there, True)
    left(world, code, "S1", source=world.there, by=world.matron)
    assert along(one)["S1"] == "arrived"
    assert where(world, code, "S3") == (world.store, True)


def test_of_a_shipment_that_arrived_in_part_nobody_knows_which_packages_did(world, code):
    received(world, code, "S1", "S2", "S3")
    one = arrived(world, shipped(world, code, 150, "S1", "S2", "S3"), 50)
    assert set(along(one).values()) == {"unseen"}
    left(world, code, "S2", source=world.there, by=world.matron)  # who holds it is right
    assert along(one) == {"S1": "unseen", "S2": "arrived", "S3": "unseen"}
    (line,) = queries.shipment_lines(one)
    told = [Settled(line=line, back=100, lost=0)]
    shipping.settle(shipment=one, told=told, reason="退回", by=world.keeper, at=AT)
    assert where(world, code, "S1")[1] is False
    # The sender finds one among what came back and sends it again: it had not arrived.
    again = shipped(world, code, 50, "S1")
    assert along(one) == {"S1": "returned", "S2": "arrived", "S3": "unseen"}
    arrived(world, again, 50)
    left(world, code, "S1", source=world.there, by=world.matron)
    assert along(one)["S1"] == "returned" and along(again) == {"S1": "arrived"}
    left(world, code, "S3")  # and issues the other
    assert along(one)["S3"] == "returned"


def test_a_package_that_turns_up_at_a_third_place_neither_arrived_nor_came_back(world, code):
    clinic = world.place(facility(world.daofu, "道孚县中藏医院", kind="hospital"))
    received(world, code, "S1", "S2")
    one = arrived(world, shipped(world, code, 100, "S1", "S2"), 50)
    (line,) = queries.shipment_lines(one)
    told = [Settled(line=line, back=50, lost=0)]
    one = shipping.settle(shipment=one, told=told, reason="退回", by=world.keeper, at=AT)
    world.send(50, target=clinic, lot=world.lot("L-1"))
    left(world, code, "S1", source=clinic)
    assert along(one) == {"S1": "unseen", "S2": "unseen"}


def test_the_sheet_of_a_shipment_and_the_packages_of_a_sheet_are_found_by_an_index(world, code):
    entry = received(world, code, "S1", "S2")
    one = shipped(world, code, 100, "S1", "S2")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # else so few rows are read whole
        with CaptureQueriesContext(connection) as asked:
            sheet = queries.sheet_of(one)
            packages = [queries.packages_on(each) for each in (entry, sheet)]
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        plans = []
        for each in asked.captured_queries:
            cursor.execute(f"{explain} {each['sql']}")
            plans.append(" ".join(str(row) for row in cursor.fetchall()))
    assert [[each.serial for each in rows] for rows in packages] == [["S1", "S2"]] * 2
    assert "entry_by_moment" in plans[0]
    for plan in plans[1:]:
        assert "entry_id" in plan and "SubPlan" not in plan, plan  # else every package is looked at


def test_fifty_packages_ask_no_more_of_the_database_than_one(world, code):
    serials = [f"S{n}" for n in range(51)]
    received(world, code, *serials)
    lot = world.lot("L-1")
    world.send(50 * 51, target=world.there, lot=lot)  # unscanned: each is asked where it must be

    def asked(*some, between):
        texts = "\n".join(f"{BOX}{between}21{one}" for one in some)
        with CaptureQueriesContext(connection) as statements:
            form = ship_forms.DispatchForm({"packages": texts}, at=AT)
            assert form.is_valid(), form.errors
            said = (form.cleaned_data["packages"], {lot.pk: 50 * len(some)}, world.keeper, AT)
            found = scanning.to_go_along(world.there, *said)
        assert [one.serial for one in found] == list(some)
        return len(statements)

    for between in (GS, ""):  # some scanners drop the separator
        assert asked(*serials[:50], between=between) == asked("S50", between=between)


def test_packages_come_back_with_the_shipment_that_is_brought_back(world, code):
    received(world, code, "S1")
    one = shipped(world, code, 50, "S1")
    one = shipping.bring_back(shipment=one, reason="封路", by=world.keeper, at=AT)
    assert along(one) == {"S1": "returned"}
    assert where(world, code, "S1") == (world.store, True)
    # Or once the receiver says that nothing arrived and the sender that all came back.
    one = arrived(world, shipped(world, code, 50, "S1"), 0)
    (line,) = queries.shipment_lines(one)
    told = [Settled(line=line, back=50, lost=0)]
    one = shipping.settle(shipment=one, told=told, reason="退回", by=world.keeper, at=AT)
    assert along(one) == {"S1": "returned"} and where(world, code, "S1") == (world.store, True)


def test_no_package_goes_along_that_does_not_leave(world, code):
    received(world, code, "S1", "S2")
    world.bring(100, number="L-2")
    for quantity, lot, serials, field in (
        (50, "L-1", ["S1", "S2"], "packages/1"),  # one leaves, two were scanned
        (100, "L-1", ["S1", "S1"], "packages/1"),
        (100, "L-1", ["S1", "X9"], "packages/1"),  # never scanned in
        (50, "L-2", ["S1"], "packages/0"),
    ):
        with pytest.raises(WrongField) as refused:
            shipped(world, code, quantity, *serials, lot=lot)
        assert refused.value.field == field
    assert world.held() == {"L-1": 100, "L-2": 100} and not SerialMove.objects.exists()
    # The number of one package may be that of another kind too; it does not stand there twice.
    other = scanning.teach(gtin=OTHER, item=world.mask, by=world.keeper, at=AT)
    leaving = {world.lot("L-1").pk: 100}
    both = [Package(code, "S1"), Package(other, "S1")]
    with translation.override("en"), pytest.raises(WrongField, match="never scanned in"):
        scanning.to_go_along(world.store, both, leaving, world.keeper, AT)
    with translation.override("en"), pytest.raises(WrongField, match="twice"):
        scanning.to_go_along(world.store, [both[0]] * 2, leaving, world.keeper, AT)
    left(world, code, "S1")
    with pytest.raises(WrongField, match="S1"):
        shipped(world, code, 50, "S1")


def test_the_pages_and_machines_of_a_shipment_and_a_sheet_tell_their_packages(world, code, client):
    entry = received(world, code, "S1", "S2")
    line = Leaving(item=code.item, quantity=100, lot=world.lot("L-1"))
    ends = {"source": world.store, "target": world.there}
    one = shipping.prepare(**ends, lines=[line], way=Way(), by=world.keeper, at=AT)
    client.force_login(world.keeper)
    page = one.get_absolute_url()
    assert 'form="send"' in client.get(page).content.decode()
    send = f"{page}dispatch/"
    bad = [f"hello-{n}" for n in range(12)]  # a box full of another maker's labels
    gone = {"packages": "\n".join([f"{BOX}{GS}21S1", *bad]), "_key": str(uuid4())}
    wrong = client.post(send, gone)
    faults = wrong.context["step"].errors["packages"]
    assert wrong.status_code == 422 and len(faults) == 11 and "2" in faults[10]
    assert all(text in said for text, said in zip(bad[:10], faults, strict=False))
    wrong = client.post(send, {"packages": f"{BOX}{GS}21X9", "_key": str(uuid4())})
    assert wrong.status_code == 422 and "X9" in str(wrong.context["step"].errors["packages"])
    scanned = f"{BOX}{GS}21S1\r\n\r\n{BOX}{GS}21S2\r\n"
    assert client.post(send, {"packages": scanned, "_key": str(uuid4())}).status_code == 302
    one.refresh_from_db()
    assert along(one) == {"S1": "underway", "S2": "underway"}
    serial = Serial.objects.get(serial="S1").get_absolute_url()
    for address in (page, entry.get_absolute_url(), queries.sheet_of(one).get_absolute_url()):
        assert serial in client.get(address).content.decode(), address
        _head, line, *packages = file_of(client, address)
        assert "100" in line and "S1" not in line
        assert [GTIN in row and "100" not in row for row in packages] == [True, True]
        assert [[one for one in row if one in ("S1", "S2")] for row in packages] == [["S1"], ["S2"]]
    api = "/api/v1/supplies/stock/"
    told = client.get(f"{api}shipments/{one.public_id}/").json()["packages"]
    assert [(each["serial"], each["became"]) for each in told] == [
        ("S1", "underway"),
        ("S2", "underway"),
    ]
    told = client.get(f"{api}entries/{entry.public_id}/").json()["packages"]
    assert [(each["gtin"], each["serial"]) for each in told] == [(GTIN, "S1"), (GTIN, "S2")]
    said = client.get(page, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "预计到达" in said and "预期值" not in said and "受理时间" not in said
    # The receiver reads which packages come; the pages of these open when they are there.
    client.force_login(world.matron)
    shown = client.get(page).content.decode()
    assert "S1" in shown and serial not in shown
    arrived(world, one, 100)
    assert serial in client.get(page).content.decode()


def file_of(client, address):
    """The rows of the file of a page, its head first, without the line that says who took it."""
    sent = b"".join(client.get(address, {"export": "csv"}).streaming_content)
    return list(csv.reader(io.StringIO(sent.decode("utf-8-sig"))))[:-1]


def test_the_file_of_a_sheet_tells_every_package_once_however_many_there_are(world, code, client):
    serials = [f"LONG-SERIAL-{n:08}" for n in range(1_700)]  # 35,000 signs: a cell takes 32,767
    others = [f"X{n:03}" for n in range(101)]

    def line(number, *serials):
        said = {"code": code, "serials": serials} if serials else {}
        quantity = 50 * max(1, len(serials))
        return Arriving(item=code.item, quantity=quantity, lot=LotFacts(number=number), **said)

    lines = [line("L-1", *serials), line("L-1"), line("L-2", *others)]  # one lot on two lines
    entry = actions.receive(place=world.store, lines=lines, papers=Papers(), by=world.keeper, at=AT)
    client.force_login(world.keeper)
    address = entry.get_absolute_url()
    _head, *rows = file_of(client, address)
    assert [row[-1] for row in rows if row[-1]] == serials + others
    assert [row[10] for row in rows if row[10]] == ["85000", "50", "5050"]
    assert {(row[5], row[-2]) for row in rows if row[-1] in others} == {("L-2", GTIN)}
    page = client.get(address).content.decode()
    assert page.count(serials[99]) == 1 and serials[100] not in page
    assert page.count("card-footer small") == 1  # said once, of both lots


def test_machines_say_which_packages_go_along(world, code, client):
    received(world, code, "S1")
    line = Leaving(item=code.item, quantity=50, lot=world.lot("L-1"))
    ends = {"source": world.store, "target": world.there}
    one = shipping.prepare(**ends, lines=[line], way=Way(), by=world.keeper, at=AT)
    address = f"/api/v1/supplies/stock/shipments/{one.public_id}/dispatch/"

    def ask(user, **package):
        client.force_login(user)
        headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": "en"}
        body = json.dumps({"packages": [package]})
        return client.post(address, body, "application/json", headers=headers)

    good = {"code": str(code.public_id), "serial": "S1"}
    assert ask(world.matron, **good).status_code == 404
    for wrong, place in (
        ({"code": str(uuid4())}, "/packages/0/code"),
        ({"serial": "X9"}, "/packages/0"),
        ({"serial": "a\x00b"}, "/packages/0/serial"),
        ({"serial": "S" * 21}, "/packages/0/serial"),
    ):
        refused = ask(world.keeper, **{**good, **wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["where"] == place
    done = ask(world.keeper, **good).json()
    assert [each["became"] for each in done["packages"]] == ["underway"]
    # The body may be left out, or be empty.
    for body in ("", "{}"):
        world.bring(50, number="L-9")
        line = Leaving(item=code.item, quantity=50, lot=world.lot("L-9"))
        one = shipping.prepare(**ends, lines=[line], way=Way(), by=world.keeper, at=AT)
        address = f"/api/v1/supplies/stock/shipments/{one.public_id}/dispatch/"
        headers = {"Idempotency-Key": str(uuid4())}
        sent = client.post(address, body, "application/json", headers=headers)
        assert (sent.status_code, sent.json()["packages"]) == (200, []), body


# --- The pages ------------------------------------------------------------------------------------


class Sheet:
    """A page of scanning as a hand scanner uses it: the fields that it carries go back with it."""

    def __init__(self, client, user, name, **said):
        self.client, self.user, self.address = client, user, reverse(f"supplies:stock:{name}")
        client.force_login(user)
        self.answer = client.get(self.address, said)

    @property
    def page(self):
        return self.answer.content.decode()

    def carried(self):
        form = self.answer.context["form"]
        fields = {name: form[name].value() or "" for name in form.fields if name != "photo"}
        for n, line, _fields in self.answer.context["rows"]:
            fields |= {f"line_{n}": line.carried, f"serials_{n}": " ".join(line.serials)}
        asked = self.answer.context["asked"]
        return {**fields, "code": "", "text": asked.text, "kept": asked.kept}

    def press(self, act, **said):
        sent = {"_key": str(uuid4()), **self.carried(), **said, "act": act}
        self.answer = self.client.post(self.address, sent)
        return self.answer

    def scan(self, text):
        return self.press("add", code=text)


def test_packages_are_scanned_in_and_booked_as_one_sheet(world, code, client):
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(f"{BOX}{GS}21S1")
    sheet.scan(f"{BOX}{GS}21S2\r")
    again = sheet.scan(f"{BOX}{GS}21S2")
    assert again.status_code == 422 and "S2" in again.context["asked"].fault
    sheet.scan(GTIN)  # of the same item, a package that says no lot
    sheet.press("add", code=GTIN, count_1="3")

    assert [(line.count, line.serials) for line in sheet.answer.context["form"].lines] == [
        ("2", ("S1", "S2")),
        ("4", ()),
    ]
    wrong = sheet.press("book", count_1="1.5")
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["count_1"])
    done = sheet.press("book", count_1="1", number_1="无码", expires_on_1="2021-02-05")
    assert done.status_code == 302
    assert world.held() == {"L-1": 100, "无码": 50}
    assert world.lot("L-1").expires_on == date(2021, 12, 31)
    assert Serial.objects.count() == 2
    sheet = Sheet(client, world.keeper, "scan_in")
    known = sheet.scan(f"{BOX}{GS}21S1")
    assert known.status_code == 422 and not known.context["form"].lines


def test_a_code_that_nobody_taught_is_asked_for_once(world, client):
    sheet = Sheet(client, world.keeper, "scan_in")
    asked = sheet.scan(BOX)
    assert asked.status_code == 200 and GTIN in sheet.page and not asked.context["form"].lines
    wrong = sheet.press("teach", **{"teach-item": "没有", "teach-unit": ""})
    assert wrong.status_code == 422 and "item" in wrong.context["asked"].teach.errors
    sheet.press("teach", **{"teach-item": "医用外科口罩", "teach-unit": "箱(2000只)"})
    (line,) = sheet.answer.context["form"].lines
    assert (line.holds, line.number) == (2000, "L-1")
    assert sheet.press("book").status_code == 302
    assert world.held() == {"L-1": 2000}
    sheet = Sheet(client, world.keeper, "scan_in")
    assert sheet.scan(BOX).context["form"].lines


def test_exactly_the_scanned_lot_leaves_and_an_earlier_one_is_told(world, code, client):
    last = date(2021, 12, 31)
    world.bring(500, number="L-1", expires_on=last)
    world.bring(500, number="L-0", expires_on=TODAY + 30 * DAY)
    sheet = Sheet(client, world.keeper, "scan_out")
    sheet.scan(BOX)
    assert "L-0" in sheet.answer.context["form"].lines[0].note
    sheet.scan(BOX)
    assert sheet.press("book").status_code == 302
    assert world.held() == {"L-1": 400, "L-0": 500}
    # More than lies there: nothing leaves, and the line says so.
    sheet = Sheet(client, world.keeper, "scan_out")
    sheet.scan(BOX)
    short = sheet.press("book", count_0="9")
    assert short.status_code == 422 and "L-1" in sheet.page
    assert world.held() == {"L-1": 400, "L-0": 500}
    # A package that says no lot: the earliest leaves.
    sheet.press("drop-0")
    assert not sheet.answer.context["form"].lines
    sheet.scan(GTIN)
    assert sheet.press("book").status_code == 302
    assert world.held() == {"L-1": 400, "L-0": 450}


def test_a_held_back_expired_or_absent_lot_is_refused_with_its_reason(world, code, client):
    world.bring(100, number="L-1", expires_on=date(2021, 12, 31))
    actions.hold(lot=world.lot("L-1"), reason="抽检不合格", by=world.keeper, at=AT)
    world.bring(100, number="OLD", expires_on=TODAY - DAY)
    sheet = Sheet(client, world.keeper, "scan_out")
    for text, why in (
        (BOX, "抽检不合格"),
        (f"(01){GTIN}(17)200204(10)OLD", "2020-02-04"),
        (f"(01){GTIN}(10)NONE", "NONE"),
        ("9506000134353", "校验"),
    ):
        refused = sheet.scan(text)
        assert refused.status_code == 422 and why in refused.context["asked"].fault
        assert not refused.context["form"].lines
    # Held back after it was scanned: booking refuses it.
    actions.let_go(lot=world.lot("L-1"), reason="复检合格", by=world.keeper, at=AT)
    sheet.scan(BOX)
    actions.hold(lot=world.lot("L-1"), reason="再次封存", by=world.keeper, at=AT)
    refused = sheet.press("book")
    assert refused.status_code == 422 and "再次封存" in sheet.page
    assert world.held()["L-1"] == 100


def test_no_other_lot_leaves_for_one_that_was_scanned(world, code, client):
    for number in ("L-1", "L-2"):
        world.bring(100, number=number, expires_on=date(2021, 12, 31))
    world.bring(100, number="L-2", place=world.there, expires_on=date(2021, 12, 31))
    county = staff(Role.COUNTY_CDC, area=world.home)
    label = f"https://fk.example.org{world.lot('L-1').get_absolute_url()}"
    for text in (BOX, label):
        sheet = Sheet(client, county, "scan_out", place=str(world.store.public_id))
        sheet.press("clear")  # the sheet of the first round is kept
        sheet.scan(text)
        # At the place that is chosen afterwards there is none of it, but another lot.
        gone = sheet.press("book", place=str(world.there.public_id))
        assert gone.status_code == 422 and list(gone.context["form"].errors) == ["count_0"]
        actions.hold(lot=world.lot("L-1"), reason="召回批次", by=world.keeper, at=AT)
        held = sheet.press("book", place=str(world.store.public_id))
        assert held.status_code == 422 and "召回批次" in sheet.page
        actions.let_go(lot=world.lot("L-1"), reason="可以使用", by=world.keeper, at=AT)
    assert world.held() == {"L-1": 100, "L-2": 100} and world.held(world.there) == {"L-2": 100}


def test_enter_in_any_field_does_what_was_meant(world, client):
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(BOX)
    sheet.press("add", **{"teach-item": "医用外科口罩", "teach-unit": ""})
    assert ItemCode.objects.get().item == world.mask
    assert [line.count for line in sheet.answer.context["form"].lines] == ["1"]
    counted = sheet.press("add", count_0="7")
    assert counted.status_code == 200 and not counted.context["asked"].fault
    sheet.scan(BOX)
    assert [line.count for line in sheet.answer.context["form"].lines] == ["8"]
    # The next scan goes into the field also after a fault, which is told there.
    refused = sheet.scan("9506000134353")
    assert refused.status_code == 422 and "data-first-focus" not in sheet.page
    assert 'aria-describedby="scan-fault"' in sheet.page


def test_what_comes_in_expired_or_contradicts_itself_is_told_when_it_is_scanned(
    world, code, client
):
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(f"(01){GTIN}(17)211231(10)GOOD")
    sheet.scan(f"(01){GTIN}(17)200204(10)OLD")
    sheet.scan(f"(01){GTIN}(11)200201(17)190201(10)ODD")
    good, old, odd = sheet.answer.context["form"].lines
    assert not good.note and "2020-02-04" in old.note and odd.note
    refused = sheet.press("book")
    assert refused.status_code == 422 and list(refused.context["form"].errors) == ["expires_on_2"]


def test_where_a_scanner_drops_separators_the_known_lot_is_taken_or_somebody_chooses(
    world, code, client
):
    dropped = f"01{GTIN}" + "10A21B"
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(dropped)
    assert [way.lot for way in sheet.answer.context["asked"].ways] == ["A21B", "A"]
    assert not sheet.answer.context["form"].lines
    sheet.press("way-1")
    (line,) = sheet.answer.context["form"].lines
    assert (line.number, line.serials) == ("A", ("B",))
    assert sheet.press("book").status_code == 302
    sheet = Sheet(client, world.keeper, "scan_out")
    sheet.scan(dropped)
    assert [line.number for line in sheet.answer.context["form"].lines] == ["A"]


def test_lots_of_one_number_are_told_apart_by_hand(world, code, client):
    world.bring(100, number="L-1", earmark="道孚县")
    world.bring(100, number="L-1")
    sheet = Sheet(client, world.keeper, "scan_out")
    sheet.scan(f"(01){GTIN}(10)L-1")
    blind = sheet.press("book")
    assert blind.status_code == 422 and list(blind.context["form"].errors) == ["lot_0"]
    free = Lot.objects.get(earmark="")
    assert sheet.press("book", lot_0=str(free.public_id)).status_code == 302
    assert world.held(lot=free) == 50


def test_nothing_is_scanned_into_the_lot_of_a_gift(world, client, monkeypatch):
    world.bring(10, number="G", owner="某商会")
    lot = world.lot("G")
    monkeypatch.setattr("fangkong.supplies.stock.rules.names_a_gift", lambda owner: owner != "")
    sheet = Sheet(client, world.keeper, "scan_in")
    refused = sheet.scan(f"https://fk.example.org{lot.get_absolute_url()}")
    assert refused.status_code == 422 and not refused.context["form"].lines
    said = {"line_0": json.dumps({"lot": str(lot.public_id)}), "count_0": "5"}
    refused = sheet.press("book", place=str(world.store.public_id), **said)
    assert refused.status_code == 422 and "code" in refused.context["form"].errors
    assert world.held() == {"G": 10}


@pytest.mark.parametrize("way", ["", "in/", "out/"])
def test_the_camera_is_closed_without_sending_the_sheet(world, client, way):
    """A form within a form is none: its button would send the outer one."""
    client.force_login(world.keeper)
    page = client.get(f"/supplies/stock/scan/{way}").content.decode()
    before, _mark, after = page.partition("data-camera-view")
    view = after.partition("</dialog>")[0]
    assert view and "<form" not in view and "data-camera " in before
    assert re.findall(r'<button [^>]*type="(\w+)"', view) == ["button"]


def test_what_was_tampered_with_is_left_out(world, code, client):
    client.force_login(world.keeper)
    for line in ("{", "[]", '{"gtin": 5}', '{"gtin": "00000000000000"}', '{"lot": "x"}'):
        said = {"_key": str(uuid4()), "act": "book", "line_0": line, "count_0": "5"}
        said["place"] = str(world.store.public_id)
        answer = client.post(reverse("supplies:stock:scan_in"), said)
        assert answer.status_code == 422 and not answer.context["form"].lines
    assert not Entry.objects.exists()


@pytest.mark.parametrize("act", ["drop-" + "9" * 5000, "drop-x", "way-" + "9" * 5000, "drop-"])
def test_a_press_that_names_no_line_changes_nothing(world, code, client, act):
    client.force_login(world.keeper)
    line = json.dumps({"gtin": code.gtin, "lot": "A", "made_on": "", "expires_on": ""})
    said = {"_key": str(uuid4()), "act": act, "line_0": line, "count_0": "5", "text": ""}
    page = client.post("/supplies/stock/scan/in/", said)
    assert page.status_code in (200, 422)
    assert b'name="count_0"' in page.content


def test_one_code_leads_to_the_page_of_what_it_is_of(world, code, client):
    world.bring(100, number="L-1", expires_on=date(2021, 12, 31))
    lot = world.lot("L-1")
    client.force_login(world.keeper)

    def look(text="", **more):
        return client.post(reverse("supplies:stock:scan"), {"code": text, **more})

    root = "https://fk.example.org"
    for text, there in (
        (BOX, lot),
        (f"(01){GTIN}(10)L-1", lot),
        (GTIN, world.mask),
        (f"(01){GTIN}(10)NEW", world.mask),
        (root + lot.get_absolute_url(), lot),
        (root + world.store.get_absolute_url(), world.store),
    ):
        assert look(text)["Location"] == there.get_absolute_url()
    assert look(OTHER).status_code == 200  # nobody taught it: the page says so
    for text in ("hello", root + world.there.get_absolute_url()):
        assert look(text).status_code == 422
    client.force_login(world.matron)
    assert look(root + lot.get_absolute_url()).status_code == 422
    assert look(BOX)["Location"] == world.mask.get_absolute_url()


def test_a_photo_of_a_code_is_read_on_the_server(world, code, client):
    sheet = Sheet(client, world.keeper, "scan_in")
    seen = SimpleUploadedFile("a.jpg", photo(f"(01){GTIN}(17)211231(10)L-1"), "image/jpeg")
    sheet.press("add", photo=seen)
    assert [line.number for line in sheet.answer.context["form"].lines] == ["L-1"]
    empty = io.BytesIO()
    Image.new("L", (300, 300), 200).save(empty, "PNG")
    for content in (empty.getvalue(), b"GIF89a", b""):
        refused = sheet.press("add", photo=SimpleUploadedFile("a.png", content, "image/png"))
        assert refused.status_code == 422 and refused.context["asked"].fault


def test_a_photo_that_unfolds_to_gigabytes_takes_its_reader_along_and_nothing_else():
    big = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(big, "PNG")
    assert sight.texts(big.getvalue()) == []


# --- Codes and labels -----------------------------------------------------------------------------


def test_codes_are_listed_shown_and_corrected(world, code, client):
    client.force_login(world.keeper)
    listed = client.get(reverse("supplies:stock:codes"), {"gtin": "134352"}).content.decode()
    assert GTIN in listed and "盒(50只)" in listed
    address = reverse("supplies:stock:correct_code", args=[code.public_id])
    seen = client.get(address).context["form"].editing.carried
    said = {"_key": str(uuid4()), "_seen": seen, "item": "医用一次性防护服", "unit": ""}
    assert client.post(address, {**said, "reason": ""}).status_code == 422
    assert client.post(address, {**said, "reason": "扫错"}).status_code == 302
    code.refresh_from_db()
    assert code.item == world.suit
    client.force_login(world.headquarters)
    assert client.get(code.get_absolute_url()).status_code == 200
    assert client.get(address).status_code == 403


def test_a_scanner_reads_the_printed_labels_and_they_lead_to_their_pages(world, client):
    world.bring(10, number="L-1", expires_on=NEXT_YEAR)
    lot = world.lot("L-1")
    client.force_login(world.keeper)
    for name, record, words in (
        ("lot_labels", lot, ("医用外科口罩", "L-1", "2021-02-05")),
        ("place_labels", world.store, ("州应急物资储备库", world.store.mark)),
    ):
        address = reverse(f"supplies:stock:{name}", args=[record.public_id])
        for size, pages in (("sheet", 1), ("roll", 3)):
            answer = client.get(address, {"size": size, "copies": "3"})
            read = PdfReader(io.BytesIO(answer.content)).pages
            text = "".join("".join(page.extract_text() for page in read).split())
            assert (answer["Content-Type"], len(read)) == ("application/pdf", pages)
            assert all(text.count(word) == 3 for word in words)
        line = AuditLine.objects.filter(action="core.printing.print").latest("pk")
        assert (line.subject_id, line.detail) == (record.pk, {"labels": 3})
        drawn = labels.qr(f"https://fk.example.org{record.get_absolute_url()}")
        assert scanned(drawn) == f"https://fk.example.org{record.get_absolute_url()}"
    everything = client.get(
        reverse("supplies:stock:place_labels", args=[world.store.public_id]), {"lots": "1"}
    )
    assert "L-1" in PdfReader(io.BytesIO(everything.content)).pages[0].extract_text()
    client.force_login(world.matron)
    for name, record in (("lot_labels", lot), ("place_labels", world.store)):
        address = reverse(f"supplies:stock:{name}", args=[record.public_id])
        assert client.get(address).status_code == 404


LONG_ZH = "医用一次性无菌隔离防护服（连体带帽带鞋套、胶条型、重点场所使用、加大号）"
LONG_EN = "Disposable sterile medical protective coverall with hood, boots and taped seams, large"


@pytest.mark.parametrize("size", ["roll", "sheet"])
@pytest.mark.parametrize("name", [LONG_ZH, LONG_EN])
def test_lot_and_last_good_day_stand_on_a_label_however_long_the_name(world, size, name):
    facts = {"code": "long", "name_zh": name[:60], "kind": "protection", "unit": "set"}
    item = actions.add_item(facts=ItemFacts(**facts), by=None, at=AT)
    number = "A2020-0205-00000000000000000017"
    world.bring(1, item=item, number=number, expires_on=NEXT_YEAR)
    lot = world.lot(number)
    pdf = labels.printed([lot], "https://fk.example.org", size, 1, world.keeper, AT)

    below = {}
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    page.extract_text(
        visitor_text=lambda text, page, line, *_more: below.update(
            dict.fromkeys(text.split(), page[5] + page[3] * line[5])
        )
    )
    bottom = float(page.mediabox.height) - (30 if size == "roll" else 37.125) * 72 / 25.4
    assert below[NEXT_YEAR.isoformat()] > bottom + 2
    parts = [where for text, where in below.items() if len(text) > 1 and text in number]
    assert parts and min(parts) > bottom + 2


def scanned(drawing: str) -> str:
    """What a scanner reads from the drawing of a QR code."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', drawing)[1])
    picture = Image.new("L", (side, side), 255)
    x = y = 0.0
    for command, numbers in re.findall(
        r"([Mmh])([-\d. ]+)", re.search(r' d="([^"]+)"', drawing)[1]
    ):
        values = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            for n in range(int(values[0])):
                picture.putpixel((int(x) + n, int(y)), 0)
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    (read,) = zxingcpp.read_barcodes(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    return str(read.text)


# --- Machines -------------------------------------------------------------------------------------


def test_machines_ask_what_a_code_is_teach_it_and_receive_serials(world, code, client):
    world.bring(100, number="L-1", expires_on=date(2021, 12, 31))

    def ask(user, path, match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        address = f"/api/v1/supplies/stock/{path}"
        return client.post(address, json.dumps(body), "application/json", headers=headers)

    place = str(world.store.public_id)
    said = ask(world.keeper, "scan/", text=BOX, place=place).json()
    assert said["code"]["holds"] == 50
    (way,) = said["ways"]
    assert (way["lot_number"], way["expires_on"], way["received"]) == ("L-1", "2021-12-31", False)
    assert way["lots"] == [{"lot": str(world.lot("L-1").public_id), "quantity": 100, "refused": ""}]
    actions.hold(lot=world.lot("L-1"), reason="抽检", by=world.keeper, at=AT)
    said = ask(world.keeper, "scan/", text=BOX, place=place).json()
    assert "抽检" in said["ways"][0]["lots"][0]["refused"]
    assert ask(world.matron, "scan/", text=BOX, place=place).status_code == 404
    wrong = ask(world.keeper, "scan/", text="hello")
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "/text")
    assert not AuditLine.objects.filter(action__contains="scan").exists()

    new = {"gtin": OTHER[1:], "item": str(world.suit.public_id)}
    assert ask(world.headquarters, "codes/", **new).status_code == 403
    assert ask(world.keeper, "codes/", **{**new, "gtin": OTHER[:-1] + "1"}).status_code == 422
    made = ask(world.keeper, "codes/", **new)
    assert (made.status_code, made.json()["gtin"]) == (201, OTHER)
    assert ask(world.keeper, "codes/", **new).status_code == 409
    path = f"codes/{made.json()['id']}/correct/"
    said = {"item": str(world.mask.public_id), "reason": "wrong box"}
    assert ask(world.keeper, path, **said).status_code == 428
    assert ask(world.keeper, path, "*", **said).json()["item"] == str(world.mask.public_id)
    line = {"item": str(world.mask.public_id), "quantity": 100, "lot": {"number": "N"}}
    line |= {"code": str(code.public_id), "serials": ["A", "B"]}
    sheet = {"place": place, "lines": [line]}
    assert ask(world.keeper, "receipts/", **sheet).status_code == 201
    again = ask(world.keeper, "receipts/", **sheet)
    assert (again.status_code, again.json()["errors"][0]["where"]) == (422, "/lines/0/serials")
    bare = {**line, "serials": ["C"], "code": None}
    refused = ask(world.keeper, "receipts/", place=place, lines=[bare])
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "/lines/0/code")
    assert queries.serials_in(code, ["A", "B", "C"]) == ["A", "B"]


def test_staff_who_may_only_look_cannot_scan_goods_in(world, code, client):
    nurse = staff(Role.WARD_STAFF, facility=world.hospital)
    client.force_login(nurse)
    assert client.get(reverse("supplies:stock:scan")).status_code == 200
    for name in ("scan_in", "scan_out"):
        assert client.get(reverse(f"supplies:stock:{name}")).status_code == 403


def test_a_sheet_outlives_its_page_for_its_user_until_it_is_booked(world, code, client):
    other = staff(Role.STORE_KEEPER, facility=world.depot, username="other")
    sheet = Sheet(client, world.keeper, "scan_in", place=str(world.store.public_id))
    sheet.scan(f"{BOX}{GS}21S1")
    sheet.press("add", code=GTIN, count_0="7", number_0="L-9", other="省红十字会")

    # The battery died: the same user finds what was scanned and what was written, nobody else.
    again = Sheet(client, world.keeper, "scan_in")
    assert "没有入账" in again.page or "Nothing of it is booked" in again.page
    assert [(one.count, one.number, one.serials) for one in again.answer.context["form"].lines] == [
        ("7", "L-9", ("S1",)),
        ("1", "", ()),
    ]
    assert again.answer.context["form"]["other"].value() == "省红十字会"
    assert not Sheet(client, other, "scan_in").answer.context["form"].lines
    assert not Sheet(client, world.keeper, "scan_out").answer.context["form"].lines

    again = Sheet(client, world.keeper, "scan_in")
    assert again.press("book", count_0="none").status_code == 422
    assert ScanDraft.objects.get().fields["count_0"] == "none"  # what was refused is kept too
    assert again.press("book", count_0="1").status_code == 302
    assert world.held() == {"L-9": 50, "": 50} and not ScanDraft.objects.exists()
    assert not Sheet(client, world.keeper, "scan_in").answer.context["form"].lines


def test_a_kept_sheet_is_cleared_by_its_user_or_after_a_week_and_loses_what_is_no_more_theirs(
    world, code, client, monkeypatch
):
    world.bring(100, number="L-1", expires_on=date(2021, 12, 31))
    sheet = Sheet(client, world.keeper, "scan_out")
    sheet.scan(BOX)
    actions.hold(lot=world.lot("L-1"), reason="抽检不合格", by=world.keeper, at=AT)
    kept = Sheet(client, world.keeper, "scan_out")
    assert "抽检不合格" in kept.answer.context["form"].lines[0].note  # as it stands now
    kept.press("clear")
    assert not ScanDraft.objects.exists()

    sheet.scan(f"{BOX}{GS}21S1")
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(BOX)
    draft = ScanDraft.objects.get(way="in")
    draft.fields["line_0"] = json.dumps({"lot": str(uuid4())})  # of no lot of this user
    draft.save()
    assert not Sheet(client, world.keeper, "scan_in").answer.context["form"].lines
    clear_drafts(AT + 6 * DAY)
    assert ScanDraft.objects.exists()
    clear_drafts(AT + 7 * DAY)
    assert not ScanDraft.objects.exists()


def test_a_sheet_that_lies_in_two_windows_is_booked_once_and_loses_no_scan(world, code, client):
    """No serial would tell the second booking from another delivery."""
    phone = Sheet(client, world.keeper, "scan_in")
    desk = Sheet(client, world.keeper, "scan_in")
    phone.scan(BOX)
    desk.scan(GTIN)  # its page was empty: the scan joins what the phone holds
    assert [one.number for one in desk.answer.context["form"].lines] == ["L-1", ""]
    # Nothing but a scan is taken from a window that did not see the sheet as it is.
    seen = phone.answer
    for act in ("drop-0", "count", "clear", "book"):
        phone.answer = seen
        late = phone.press(act, count_0="9")
        assert late.status_code == 409, act
        assert [one.count for one in late.context["form"].lines] == ["1", "1"]
    assert not Entry.objects.exists()
    ready = [Sheet(client, world.keeper, "scan_in") for _window in "ab"]
    assert ready[0].press("book").status_code == 302
    again = ready[1].press("book")
    assert again.status_code == 409 and not again.context["form"].lines
    assert world.held() == {"L-1": 50, "": 50} and Entry.objects.count() == 1
    assert not ScanDraft.objects.exists()
    ready[1].scan(BOX)  # what is scanned now is a new sheet
    assert len(ready[1].answer.context["form"].lines) == 1
    late = phone.scan(BOX)
    assert [one.count for one in late.context["form"].lines] == ["2"]
    assert "窗口" in late.context["asked"].said or "window" in late.context["asked"].said


@pytest.mark.django_db(transaction=True)
def test_of_two_windows_that_book_a_sheet_at_once_one_does(world, code):
    line = scans.Line(item=world.mask, code=code, goods=Goods(GTIN, lot="L-1"), number="L-1")
    said = {"lines": [line], "beside": {}, "by": world.keeper, "at": AT}
    token = drafts.keep(way="in", seen="", **said)
    arriving = Arriving(item=world.mask, quantity=50, lot=LotFacts(number="L-1"))
    told = {"place": world.store, "lines": [arriving], "papers": Papers()}

    def book(n):
        return drafts.book(way="in", token=token, told=told, by=world.keeper, at=AT)

    found = at_once(book)

    assert [type(one) for one in found if isinstance(one, Exception)] == [drafts.GoneOn]
    assert world.held() == {"L-1": 50}


def test_a_sheet_is_kept_only_in_place_of_the_one_that_was_seen(world, code):
    line = scans.Line(item=world.mask, code=code, goods=Goods(GTIN, lot="L-1"), number="L-1")

    def keep(seen, *, at=AT, lines=(line,), **beside):
        said = {"lines": lines, "beside": beside, "by": world.keeper, "at": at}
        return drafts.keep(way="in", seen=seen, **said)

    one = keep("")
    assert keep(one) == one  # nothing changed: no other window is behind
    two = keep(one, other="省红十字会")
    for behind in ("", one):
        with pytest.raises(drafts.GoneOn):
            keep(behind, other="别的")
    with pytest.raises(drafts.GoneOn):
        keep(one, lines=())
    assert keep("", lines=()) == ""  # it held nothing, and takes nothing away
    assert ScanDraft.objects.get().fields["token"] == two != one
    assert keep("", at=AT + 7 * DAY) != two  # what no page shows any more is not in the way
    assert "other" not in ScanDraft.objects.get().fields


@pytest.mark.django_db(transaction=True)
def test_packages_that_are_scanned_at_once_in_several_windows_all_stand_on_the_sheet(
    world, code, client
):
    sheet = Sheet(client, world.keeper, "scan_in")
    windows = [Client() for _window in range(4)]
    for one in windows:
        one.force_login(world.keeper)
    for round_ in "AB":  # there is no sheet yet; there is one
        seen = Sheet(client, world.keeper, "scan_in").carried()

        def scan(n, seen=seen, round_=round_):
            said = {**seen, "_key": str(uuid4()), "act": "add", "code": f"{BOX}{GS}21{round_}{n}"}
            return windows[n].post(sheet.address, said).status_code

        assert at_once(scan, 4) == [200] * 4
    (line,) = Sheet(client, world.keeper, "scan_in").answer.context["form"].lines
    assert sorted(line.serials) == [f"{round_}{n}" for round_ in "AB" for n in range(4)]
    assert line.count == "8"


def test_a_window_that_is_behind_erases_nothing_beside_the_lines(world, code, client):
    shelf = world.place(world.depot, name="二库")
    world.bring(500, number="L-1", expires_on=date(2021, 12, 31))
    desk = Sheet(client, world.keeper, "scan_out")
    phone = Sheet(client, world.keeper, "scan_out")
    ends = {"place": str(world.store.public_id), "target": str(shelf.public_id)}
    phone.press("add", code=BOX, other="省\u3000红十字会", **ends)
    desk.scan(BOX)  # its page knew of no sheet, so it had nothing beside it
    form = desk.answer.context["form"]
    stood = {"other": "省 红十字会", **ends}
    assert {name: form[name].value() for name in stood} == stood
    assert [one.count for one in form.lines] == ["2"]
    fields = ScanDraft.objects.get().fields
    assert {name: fields[name] for name in stood} == stood
    # A scan that is refused changes nothing, and so leaves the other window as good as it was.
    good = Sheet(client, world.keeper, "scan_out")
    assert desk.scan("hello").status_code == 422
    assert good.press("count", count_0="5").status_code == 200
    assert good.press("book").status_code == 302
    assert world.held(shelf) == {"L-1": 250}
    assert Entry.objects.get(other="省 红十字会").kind == "move"


def test_whoever_lost_the_answer_is_told_what_was_booked(world, code, client):
    """The last of a lot: its place holds none of it any more, so its form is no longer right."""
    world.bring(50, number="L-1", expires_on=date(2021, 12, 31))
    other = staff(Role.STORE_KEEPER, facility=world.depot, username="other")
    sheet = Sheet(client, world.keeper, "scan_out")
    sheet.scan(BOX)
    sent = {"_key": str(uuid4()), **sheet.carried(), "act": "book"}

    def send(**said):
        return client.post(sheet.address, {**sent, **said})

    booked = send()
    assert booked.status_code == 302 and world.held() == {}
    for act in ("book", "count", "drop-0"):
        again = send(act=act)
        assert (again.status_code, again.headers["Location"]) == (302, booked.headers["Location"])
    for key in (str(uuid4()), "", "\x00"):  # it is the key that tells them
        assert send(_key=key).status_code == 409
    client.force_login(other)
    assert send().status_code == 409
    assert Entry.objects.count() == 2 and not ScanDraft.objects.exists()


def test_a_sheet_that_was_kept_before_sheets_had_tokens_goes_on(world, code, client):
    for act, status in (("add", 200), ("book", 302)):
        Sheet(client, world.keeper, "scan_in").scan(BOX)
        draft = ScanDraft.objects.get()
        del draft.fields["token"]
        draft.save()
        sheet = Sheet(client, world.keeper, "scan_in")
        assert sheet.press(act, code=BOX if act == "add" else "").status_code == status
    assert world.held() == {"L-1": 150}


def test_a_refused_booking_leaves_the_sheet_as_it_was_kept(world, code, client):
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(f"{BOX}{GS}21S1")
    received(world, code, "S1", place=world.there)
    assert sheet.press("book").status_code == 422
    assert ScanDraft.objects.get().fields["serials_0"] == "S1"
    assert sheet.press("drop-0").status_code == 200 and not ScanDraft.objects.exists()


def test_signs_that_no_scanner_sends_are_kept_out_of_a_sheet(world, code, client):
    sheet = Sheet(client, world.keeper, "scan_in")
    sheet.scan(BOX)
    hostile = "a\x00b\u202e<b>"
    sent = {"number_0": hostile, "count_0": "\x001", "other": hostile, "serials_0": "S\x001"}
    assert sheet.press("count", **sent).status_code == 200
    (line,) = sheet.answer.context["form"].lines
    assert (line.number, line.count, line.serials) == ("ab<b>", "1", ("S1",))
    assert "\x00" not in str(ScanDraft.objects.get().fields)
    assert "ab&lt;b&gt;" in sheet.page
