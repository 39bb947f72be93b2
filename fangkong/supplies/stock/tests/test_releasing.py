"""Emergency release: goods leave on a call, the papers are owed until they are there."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core.free_text import NumberInText
from fangkong.core.refusals import WrongField
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.supplies.stock import actions, owing, queries, releasing, shipping
from fangkong.supplies.stock.models import Entry, Release, Transfer
from fangkong.supplies.stock.types import Arrived, PaperKind, Settled
from fangkong.tasks import actions as tasks
from fangkong.tasks.models import Task

from .factories import AT, DAY, NEXT_YEAR, TODAY

pytestmark = pytest.mark.both_databases
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "606060000000050001a5f645400000000049454e44ae426082"
)


def let_go(world, quantity, *, at=AT, to="城关镇防疫组", **said):
    facts = {"source": world.store, "item": world.mask, "to": to, "called_by": "州指挥部"}
    return releasing.release(**{**facts, **said}, quantity=quantity, by=world.keeper, at=at)


def file(world, release, kind, *, at=AT, reference="甘卫函1号"):
    said = {"release": release, "kind": PaperKind(kind), "reference": reference}
    return releasing.file_paper(**said, by=world.keeper, at=at)


def test_goods_leave_at_once_by_earliest_expiry_and_the_papers_are_owed(world):
    world.bring(100, number="B", expires_on=NEXT_YEAR)
    world.bring(50, number="A", expires_on=TODAY + 30 * DAY)

    one = let_go(world, 60)

    assert world.held() == {"B": 90}
    assert (one.entry.kind, one.entry.other, one.entry.note) == (
        "release",
        "城关镇防疫组",
        "州指挥部",
    )
    assert one.due_at == AT + 3 * DAY
    assert [(p.kind, p.due_at, p.filed_at) for p in queries.papers_of(one)] == [
        (kind, AT + 3 * DAY, None) for kind in ("request", "approval", "signature")
    ]
    task = Task.objects.get(kind="supplies.stock.papers_missing")
    assert (task.facility, task.owner_role, task.due_at) == (
        world.depot,
        "store_keeper",
        AT + 3 * DAY,
    )
    for kind in ("request", "signature"):
        one = file(world, one, kind)
        with pytest.raises(releasing.FiledAlready):
            file(world, one, kind)
        assert one.settled_at is None
    for nothing in (" ", ".", "——"):
        with pytest.raises(WrongField):
            file(world, one, "approval", reference=nothing)
    one = file(world, one, "approval", at=AT + DAY)
    task.refresh_from_db()
    assert (one.settled_at, task.state) == (AT + DAY, "done")
    with pytest.raises(releasing.DebtSettled):
        file(world, one, "approval")


def test_which_papers_and_until_when_the_pack_says(world, monkeypatch):
    world.bring(10)
    monkeypatch.setattr(queries, "papers_owed", lambda at: {"signature": 1, "request": 5})
    one = let_go(world, 5)

    assert one.due_at == AT + DAY
    with pytest.raises(releasing.NotOwed):
        file(world, one, "approval")
    one = file(world, one, "signature")
    assert (one.due_at, one.settled_at) == (AT + 5 * DAY, None)
    assert file(world, one, "request").settled_at == AT


def test_papers_that_do_not_come_climb_from_the_store_to_the_headquarters(world):
    world.bring(10)
    one = let_go(world, 5)
    task = Task.objects.get()
    assert not tasks.escalate_overdue(one.due_at - timedelta(minutes=1)).climbed

    assert tasks.escalate_overdue(one.due_at + DAY).climbed == 1
    task.refresh_from_db()
    assert (task.escalation_level, task.escalated_to) == (1, world.home)


def test_too_much_and_what_does_not_say_for_whom_leaves_nothing(world):
    world.bring(10)
    with pytest.raises(actions.NotEnough):
        let_go(world, 11)
    for field, said in (("to", {"to": " "}), ("called_by", {"called_by": ""})):
        with pytest.raises(WrongField) as refused:
            let_go(world, 1, **said)
        assert refused.value.field == field
    with pytest.raises(WrongField) as refused:
        let_go(world, 0)
    assert refused.value.field == "quantity"
    with pytest.raises(WrongField):
        let_go(world, 1, target=world.store)
    for said in ({"called_by": "13800000001"}, {"to": "张三 13800000001"}):
        with pytest.raises(NumberInText):
            let_go(world, 1, **said)
    assert world.held() == {"": 10}
    assert not Release.objects.exists() and not Transfer.objects.exists()


def test_what_is_taken_back_is_owed_no_papers(world):
    world.bring(10)
    one = let_go(world, 5)
    soon = AT + timedelta(hours=1)
    actions.reverse(entry=one.entry, reason="未发出", by=world.keeper, at=soon)
    one.refresh_from_db()
    assert (one.settled_at, world.held()) == (soon, {"": 10})
    assert Task.objects.get().state == "cancelled"


def test_whoever_let_goods_go_does_not_end_the_debt_alone(world, client):
    world.bring(20)
    used, sent = let_go(world, 5), let_go(world, 5, target=world.there)
    later = AT + timedelta(minutes=61)
    for by, refused in ((world.keeper, True), (staff(Role.COUNTY_CDC, area=world.home), False)):
        steps = (
            lambda by=by: actions.reverse(entry=used.entry, reason="退回", by=by, at=later),
            lambda by=by: shipping.bring_back(
                shipment=sent.shipment, reason="退回", by=by, at=later
            ),
        )
        for step in steps:
            if refused:
                with pytest.raises(owing.OwnRelease):
                    step()
                assert world.held() == {"": 10}
            else:
                step()
    assert world.held() == {"": 20}
    # That they came back is not told as if the papers were there.
    client.force_login(world.keeper)
    listed = client.get(reverse("supplies:stock:releases"), {"state": "complete"})
    assert used.entry.number not in listed.content.decode()
    listed = client.get(reverse("supplies:stock:releases"), {"state": "back"}).content.decode()
    assert used.entry.number in listed and sent.entry.number in listed
    assert 'data-tone="neutral"' in client.get(used.get_absolute_url()).content.decode()


def test_where_nothing_came_nobody_signed_and_what_came_back_is_owed_nothing(world):
    world.bring(10)
    one = let_go(world, 6, target=world.there)
    (line,) = queries.shipment_lines(one.shipment)
    told = [Arrived(line=line, good=0)]
    shipping.arrive(shipment=one.shipment, told=told, by=world.matron, at=AT)
    assert all(paper.filed_at is None for paper in queries.papers_of(one))
    county = staff(Role.COUNTY_CDC, area=world.home)
    back = [Settled(line=line, back=6)]
    shipping.settle(shipment=one.shipment, told=back, reason="已退回", by=county, at=AT + DAY)
    one.refresh_from_db()
    assert (one.settled_at, world.held()) == (AT + DAY, {"": 10})
    assert not Task.objects.filter(kind="supplies.stock.papers_missing", state="open").exists()


def test_goods_for_a_ward_of_the_house_lie_there(world):
    world.bring(10, place=world.there)
    one = let_go(world, 4, source=world.there, target=world.ward)
    assert (world.held(world.there), world.held(world.ward)) == ({"": 6}, {"": 4})
    assert (one.to, one.shipment) == ("道孚县人民医院 · 发热门诊", None)


def test_goods_for_another_store_are_on_the_way_and_their_arrival_is_the_signature(world):
    world.bring(10)
    one = let_go(world, 6, target=world.there)

    shipment = one.shipment
    assert (shipment.state, shipment.note, one.entry.kind) == ("sent", "州指挥部", "dispatch")
    assert (world.held(), world.held(world.there)) == ({"": 4}, {})
    assert one.to == "道孚县人民医院"
    with pytest.raises(actions.BelongsToAShipment):
        actions.reverse(entry=one.entry, reason="未发出", by=world.keeper, at=AT)
    (line,) = queries.shipment_lines(shipment)
    told = [Arrived(line=line, good=6)]
    shipping.arrive(shipment=shipment, told=told, by=world.matron, at=AT + DAY)
    papers = {one.kind: one for one in queries.papers_of(one)}
    assert (papers["signature"].filed_at, papers["signature"].reference) == (
        AT + DAY,
        shipment.number,
    )
    assert papers["request"].filed_at is None
    assert world.held(world.there) == {"": 6}


def test_goods_that_come_back_from_the_way_are_owed_no_papers(world):
    world.bring(10)
    one = let_go(world, 6, target=world.there)
    county = staff(Role.COUNTY_CDC, area=world.home)
    shipping.bring_back(shipment=one.shipment, reason="道路中断", by=county, at=AT + DAY)
    one.refresh_from_db()
    assert (one.settled_at, world.held()) == (AT + DAY, {"": 10})


@pytest.mark.django_db(transaction=True)
def test_of_two_who_file_the_last_paper_at_once_one_does(world):
    world.bring(10)
    one = let_go(world, 5)
    for kind in ("request", "approval"):
        one = file(world, one, kind)

    found = at_once(lambda n: file(world, one, "signature"))

    assert [type(x) for x in found if isinstance(x, Exception)] == [releasing.DebtSettled]


@pytest.mark.django_db(transaction=True)
def test_of_two_calls_for_the_last_box_one_is_answered(world):
    world.bring(10)
    ways = ({"target": world.there}, {})

    found = at_once(lambda n: let_go(world, 10, **ways[n]))

    assert [type(x) for x in found if isinstance(x, Exception)] == [actions.NotEnough]
    assert world.held() == {} and Release.objects.count() == 1


def send(client, user, name, *args, **said):
    client.force_login(user)
    address = reverse(f"supplies:stock:{name}", args=args)
    return client.post(address, {"_key": str(uuid4()), **said})


def test_a_call_is_answered_on_one_short_form(world, client):
    world.bring(6000, number="A")
    call = {"item": "医用外科口罩", "quantity": "1", "unit": "箱(2000只)", "to": "德格县医院"}
    call |= {"called_by": "州指挥部", "source": str(world.store.public_id)}
    for field, wrong in (
        ("quantity", {"quantity": "1.5", "unit": ""}),
        ("quantity", {"quantity": ""}),
        ("unit", {"unit": "车"}),
        ("to", {"to": ""}),
        ("called_by", {"called_by": ""}),
        ("item", {"item": "没有"}),
        ("source", {"source": str(world.there.public_id)}),
    ):
        answer = send(client, world.keeper, "release", **{**call, **wrong})
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [field]
    assert send(client, world.keeper, "release", **call).status_code == 302
    assert world.held() == {"A": 4000}
    one = Release.objects.get()
    key = one.public_id
    for person, status in ((world.keeper, 200), (world.headquarters, 200), (world.matron, 404)):
        client.force_login(person)
        assert client.get(one.get_absolute_url()).status_code == status
    assert send(client, world.matron, "file_paper", key, kind="request").status_code == 404
    assert send(client, world.headquarters, "file_paper", key, kind="request").status_code == 403
    assert send(client, world.keeper, "file_paper", key, kind="request").status_code == 422
    photo = SimpleUploadedFile("sign.png", PNG, "image/png")
    said = {"kind": "signature", "attachments": photo}
    assert send(client, world.keeper, "file_paper", key, **said).status_code == 302
    page = client.get(one.get_absolute_url()).content.decode()
    assert "sign.png" in page
    # A store of the list gets a shipment; the office that called before is offered.
    form = client.get(reverse("supplies:stock:release")).content.decode()
    assert '<option value="州指挥部">' in form and '<option value="道孚县人民医院">' in form
    call |= {"to": "道孚县人民医院", "unit": "", "quantity": "2000"}
    assert send(client, world.keeper, "release", **call).status_code == 302
    sent = Transfer.objects.get()
    assert (sent.target, sent.release.to) == (world.there, "道孚县人民医院")
    client.force_login(world.keeper)
    listed = client.get(reverse("supplies:stock:releases"), {"state": "owed"}).content.decode()
    assert all(one.number in listed for one in Entry.objects.filter(release__isnull=False))
    listed = client.get(reverse("supplies:stock:releases"), {"state": "complete"})
    assert one.entry.number not in listed.content.decode()


def test_a_call_names_places_and_items_as_people_say_them(world, client):
    world.bring(100)
    world.item("n95", "医用防护口罩", name_en="Respirator N95")
    call = {"quantity": "1", "called_by": "州指挥部", "source": str(world.store.public_id)}
    several = send(client, world.keeper, "release", **call, item="口罩", to="德格县医院")
    assert several.status_code == 422
    assert "医用防护口罩" in str(several.context["form"].errors["item"])
    assert not Release.objects.exists()
    world.hospital.name_en = "Daofu County Hospital"
    world.hospital.save()
    for name in ("医用外科", "ykwkkz", "YYWKKZ", "mask"):
        for to in ("道孚县人民医院 ", "daofu county hospital", "Ｄａｏｆｕ County Hospital"):
            answer = send(client, world.keeper, "release", **call, item=name, to=to)
            if name == "ykwkkz":
                assert answer.status_code == 422
            else:
                assert answer.status_code == 302, (name, to)
                assert Release.objects.latest("pk").shipment.target == world.there
    assert Transfer.objects.count() == 9


def test_machines_let_goods_leave_and_file_papers(world, client):
    world.bring(100)

    def ask(user, path, **body):
        client.force_login(user)
        headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": "en"}
        address = f"/api/v1/supplies/stock/releases/{path}"
        return client.post(address, json.dumps(body), "application/json", headers=headers)

    said: dict[str, object] = {"source": str(world.store.public_id)}
    said |= {
        "item": str(world.mask.public_id),
        "quantity": 5,
        "to": "Dege",
        "called_by": "headquarters",
    }
    assert ask(world.matron, "", **said).status_code == 404
    assert ask(world.headquarters, "", **said).status_code == 403
    for wrong, where in (
        ({"quantity": True}, "/quantity"),
        ({"to": ""}, "/to"),
        ({"item": str(uuid4())}, "/item"),
        ({"target": str(uuid4())}, "/target"),
    ):
        refused = ask(world.keeper, "", **{**said, **wrong})
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, where)
    made = ask(world.keeper, "", **said).json()
    assert [one["owed_by"] for one in made["papers"]] == ["Dege", "headquarters", "Dege"]
    path = f"{made['id']}/papers/"
    none = ask(world.keeper, path, kind="request")
    assert (none.status_code, none.json()["errors"][0]["where"]) == (422, "/reference")
    filed = ask(world.keeper, path, kind="request", reference="7").json()
    assert (filed["settled_at"], filed["state"]) == (None, "owed")
    assert ask(world.keeper, path, kind="request", reference="7").status_code == 409
    for kind in ("approval", "signature"):
        filed = ask(world.keeper, path, kind=kind, reference="7").json()
    assert filed["state"] == "complete"
    back = ask(world.keeper, "", **said).json()
    entry = Entry.objects.get(public_id=back["entry"])
    actions.reverse(entry=entry, reason="没有送出", by=world.headquarters, at=AT)
    address = "/api/v1/supplies/stock/releases/"
    rows = {one["id"]: one["state"] for one in client.get(address).json()["rows"]}
    assert rows == {made["id"]: "complete", back["id"]: "taken_back"}
    assert client.get(f"{address}{back['id']}/").json()["state"] == "taken_back"
    shipped = ask(world.keeper, "", **{**said, "target": str(world.there.public_id)}).json()
    assert shipped["shipment"] == str(Transfer.objects.get().public_id)
