"""The workbench: a plan is prepared, changed with a reason, approved by another, frozen."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.queue.models import Job
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.places.tests.factories import area, facility
from fangkong.supplies.allocation import actions, jobs, queries, views
from fangkong.supplies.allocation.models import Plan, Share, Shipment
from fangkong.supplies.allocation.offices import Offered, PlanFacts, Receiver
from fangkong.supplies.allocation.reading import checked
from fangkong.supplies.allocation.rules import allocate
from fangkong.supplies.allocation.words import say_in
from fangkong.supplies.demand import actions as demand
from fangkong.supplies.demand import pipeline
from fangkong.supplies.demand import queries as demands
from fangkong.supplies.demand.models import Need
from fangkong.supplies.demand.types import Span, Wanted
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import queries as stocks
from fangkong.supplies.stock import shipping
from fangkong.supplies.stock.models import Entry, Transfer
from fangkong.supplies.stock.tests.factories import AT, DAY, TODAY
from fangkong.supplies.stock.types import Arrived

pytestmark = pytest.mark.both_databases

API = "/api/v1/supplies/allocation/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def bench(world):
    """Stores of Daofu, Shiqu and Litang; two at the headquarters' supply group."""
    world.deputy = staff(Role.HEADQUARTERS, area=world.home)
    world.places = {"A": world.there}
    for mark, code, name in (("B", "513332", "石渠县"), ("C", "513334", "理塘县")):
        county = area(code, world.home, level="county", name_zh=name, short_zh=name[:2])
        hospital = facility(county, f"{name}人民医院", kind="hospital")
        world.places[mark] = world.place(hospital)
    return world


def need(world, mark, quantity, item=None):
    span = Span(first_day=TODAY, last_day=TODAY + 6 * DAY, reason="一周用量")
    line = Wanted(item=item or world.mask, quantity=quantity)
    return demand.ask(place=world.places[mark], lines=[line], span=span, by=world.matron, at=AT)


def prepare(world, mode="by_need", by=None, keep_back=0, pack=1, days=7, items=None, **said):
    receivers = {one.place: one for one in queries.receivers(world.store, AT)}
    places = [
        Receiver(place=one, exposure=receivers[one].exposure, **said)
        for one in world.places.values()
    ]
    offered = [Offered(item=one, keep_back=keep_back, pack=pack) for one in items or [world.mask]]
    facts = PlanFacts(mode=mode, first_day=TODAY, days=days, items=offered, places=places)
    return actions.prepare(store=world.store, facts=facts, by=by or world.headquarters, at=AT)


def shares(world, plan, what="quantity"):
    found = {one.place: getattr(one, what) for one in queries.shares_of(plan)}
    return tuple(found.get(place, 0) for place in world.places.values())


def share(world, plan, mark):
    return queries.shares_of(plan).get(place=world.places[mark])


def approve(world, plan, by=None):
    return actions.approve(plan=plan, by=by or world.deputy, at=AT)


def receive(world, shipment):
    """All that was sent arrives."""
    shipment.refresh_from_db()
    told = [Arrived(line=one, good=one.sent) for one in stocks.shipment_lines(shipment)]
    shipping.arrive(shipment=shipment, told=told, by=world.matron, at=AT)


def adjust(world, plan, mark, quantity, reason="疫情加重", by=None):
    said = {"plan": plan, "share": share(world, plan, mark), "quantity": quantity}
    return actions.adjust(**said, reason=reason, by=by or world.headquarters, at=AT)


# --- Plans ----------------------------------------------------------------------------------------


def test_a_plan_brings_everybody_to_the_same_days_and_stands_beside_pro_rata(bench):
    bench.bring(100, number="A")
    bench.bring(60, place=bench.places["A"])
    for mark, quantity in (("A", 70), ("B", 70), ("C", 140)):
        need(bench, mark, quantity)

    plan = prepare(bench, keep_back=10)

    assert (plan.number, plan.state) == ("513301-01-DP-2020-001", "ready")
    # 10, 10 and 20 a day; 60 at A: the others come to three days, A stays at six.
    assert shares(bench, plan) == (0, 30, 60)
    assert shares(bench, plan, "cover_after") == (6, 3, 3)
    assert shares(bench, plan, "pro_rata") == (4, 29, 57)
    assert (plan.told["worst"], plan.told["worst_flat"]) == (3, 2.85)
    assert len(plan.needs) == 3


def test_by_consumption_is_the_worked_example(bench):
    """Requests 25, 35, 40, stock 50, monthly consumption 10, 20, 50: 6, 13, 31."""
    bench.bring(50)
    for mark, asked, used in (("A", 25, 1), ("B", 35, 2), ("C", 40, 5)):
        place = bench.places[mark]
        bench.bring(used, place=place, at=AT - 2 * DAY)
        bench.send(used, source=place, at=AT)
        need(bench, mark, asked)

    assert shares(bench, prepare(bench, "by_consumption")) == (6, 13, 31)
    assert shares(bench, prepare(bench, "by_request")) == (13, 17, 20)


def test_what_is_asked_for_later_than_the_plan_looks_stops_no_plan(bench):
    bench.bring(100)
    need(bench, "A", 70)
    later = Span(first_day=TODAY + 50 * DAY, last_day=TODAY + 56 * DAY, reason="开学用量")
    line = Wanted(item=bench.mask, quantity=70)
    demand.ask(place=bench.places["B"], lines=[line], span=later, by=bench.matron, at=AT)

    assert shares(bench, prepare(bench)) == (70, 0, 0)


def test_wards_speak_through_the_store_of_their_house(bench):
    bench.bring(500)
    bench.bring(21, place=bench.ward)
    bench.send(7, source=bench.ward)
    plan = prepare(bench, days=5)
    told = next(p for p in plan.problem["places"] if p["id"] == bench.there.mark)
    assert (told["stock"]["mask"], told["need"]["mask"][0]) == (14, 7)
    assert share(bench, plan, "A").quantity == 21


def test_an_earmark_goes_to_its_county_or_stays(bench):
    bench.bring(40, number="A", earmark="石渠县")
    bench.bring(30, number="B", earmark="某某中学")
    for mark in "ABC":
        need(bench, mark, 70)

    plan = prepare(bench)

    assert shares(bench, plan) == (0, 40, 0)
    assert plan.told["unread"] == ["B: 某某中学"]
    assert share(bench, plan, "A").bound_by == "earmark"
    with pytest.raises(actions.AboveTheLimit):
        adjust(bench, plan, "A", 1)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"items": ["none"]}, "items"),
        ({"first_day": TODAY - DAY}, "first_day"),
        ({"first_day": TODAY + 61 * DAY}, "first_day"),
        ({"places": []}, "places"),
        ({"pack": 7}, "items"),
    ],
)
def test_what_cannot_be_planned_is_refused(bench, said, field):
    bench.bring(10)
    need(bench, "A", 70)
    offered = [Offered(item=bench.mask, pack=said.get("pack", 1))]
    facts = PlanFacts(
        mode="by_need",
        first_day=said.get("first_day", TODAY),
        days=7,
        items=[] if "items" in said else offered,
        places=said.get("places", [Receiver(place=bench.there)]),
    )
    with pytest.raises(Refused) as refused:
        actions.prepare(store=bench.store, facts=facts, by=bench.headquarters, at=AT)
    assert refused.value.field == field


def test_where_nobody_needs_anything_there_is_no_plan(bench):
    bench.bring(10)
    with pytest.raises(actions.CannotBePlanned):
        prepare(bench)
    assert not Plan.objects.exists()


def test_a_large_plan_is_reckoned_by_a_job_that_may_run_twice(bench, monkeypatch):
    monkeypatch.setattr(queries, "AT_ONCE", 0)
    bench.bring(100)
    need(bench, "A", 70)
    plan = prepare(bench)
    assert plan.state == "solving" and Job.objects.get().name == queries.JOB
    with pytest.raises(actions.NotReady):
        approve(bench, plan)
    for _time in range(2):
        jobs.solve(plan.pk, AT, lambda done, total: None)
    plan.refresh_from_db()
    assert (plan.state, Share.objects.count()) == ("ready", 1)


# --- Changed by hand ------------------------------------------------------------------------------


def test_a_line_is_changed_with_a_reason_within_the_hard_limits(bench):
    bench.bring(100)
    for mark in "AB":
        need(bench, mark, 70)
    plan = prepare(bench, keep_back=20, pack=1)
    assert shares(bench, plan) == (40, 40, 0)
    with pytest.raises(actions.AboveTheLimit, match="40"):
        adjust(bench, plan, "A", 41)
    with pytest.raises(Refused):
        adjust(bench, plan, "B", 30, reason="")
    adjust(bench, plan, "B", 30)
    adjust(bench, plan, "A", 50)
    one = share(bench, plan, "A")
    assert (one.quantity, one.proposed, one.cover_after) == (50, 40, 5)
    assert one.adjusted_by == bench.headquarters and one.adjusted
    with pytest.raises(Refused):
        adjust(bench, plan, "A", 50)  # says nothing new
    line = AuditLine.objects.filter(action="supplies.allocation.adjust").latest("pk")
    assert (line.detail["before"], line.detail["now"]) == (40, 50)


def test_only_whole_packs_leave(bench):
    bench.bring(9000)
    need(bench, "A", 3000)
    need(bench, "B", 3000)
    plan = prepare(bench, pack=2000)
    assert shares(bench, plan)[:2] == (4000, 4000)
    with pytest.raises(Refused, match="2000"):
        adjust(bench, plan, "A", 3000)
    adjust(bench, plan, "A", 2000)
    assert shares(bench, plan)[:2] == (2000, 4000)


# --- Approved -------------------------------------------------------------------------------------


def test_approval_moves_the_goods_answers_the_needs_and_freezes_the_plan(bench):
    bench.bring(30, number="SOON", expires_on=TODAY + 20 * DAY)
    bench.bring(70, number="LATE", expires_on=TODAY + 300 * DAY)
    for mark in "AB":
        need(bench, mark, 70)
    plan = prepare(bench)
    other = prepare(bench)

    with pytest.raises(actions.SamePerson):
        approve(bench, plan, by=bench.headquarters)
    approve(bench, plan)

    assert bench.held() == {}
    assert bench.held(bench.places["A"]) == {}  # until it says what arrived
    sent = list(Transfer.objects.order_by("pk"))
    assert {one.state for one in sent} == {"sent"}
    assert {one.expected_at for one in sent} == {AT.replace(hour=23, minute=59)}
    assert all(plan.number in one.note for one in sent)
    for one in sent:
        receive(bench, one)
    there = sum(bench.held(bench.places[mark]).get("SOON", 0) for mark in "AB")
    assert there == 30 and sum(bench.held(bench.places["A"]).values()) == 50
    assert {one.state for one in Need.objects.all()} == {"answered"}
    assert {one.ended_why for one in Need.objects.all()} == {plan.number}
    assert Shipment.objects.count() == 2
    assert Shipment.objects.first().entry.kind == "dispatch"
    other.refresh_from_db()
    assert other.state == "overtaken"
    for refused in (
        lambda: approve(bench, plan),
        lambda: adjust(bench, plan, "A", 1),
        lambda: actions.drop(plan=plan, reason="作废", by=bench.headquarters, at=AT),
        lambda: approve(bench, other),
    ):
        with pytest.raises(actions.NotReady):
            refused()
    bench.bring(10)
    need(bench, "C", 70)
    newer = prepare(bench)
    assert newer.last == plan


def test_what_a_plan_sent_is_on_its_way_where_cover_is_counted_and_not_given_twice(bench):
    bench.bring(100, number="A")
    for mark in "AB":
        need(bench, mark, 70)
    approve(bench, prepare(bench))

    (one,) = pipeline.coming([bench.there.pk], TODAY, TODAY + 6 * DAY)
    assert (one.quantity, one.day, one.sure) == (50, TODAY, True)
    assert demands.cover(bench.there, bench.mask, AT).days == 5
    bench.bring(20, number="B")
    assert shares(bench, prepare(bench)) == (10, 10, 0)

    shipment = Transfer.objects.get(target=bench.there)
    Transfer.objects.filter(pk=shipment.pk).update(expected_at=AT - DAY)
    (late,) = pipeline.coming([bench.there.pk], TODAY, TODAY + 6 * DAY)
    assert late.counts_on(TODAY)  # it has left, late or not
    Transfer.objects.filter(pk=shipment.pk).update(expected_at=None)
    assert pipeline.coming([bench.there.pk], TODAY, TODAY + 6 * DAY) == []
    receive(bench, shipment)
    assert demands.cover(bench.there, bench.mask, AT).days == 5


def test_a_need_of_which_nothing_was_given_stays_open(bench):
    bench.bring(60)
    bench.bring(60, place=bench.places["A"])
    for mark in "AB":
        need(bench, mark, 70)
    plan = prepare(bench)
    assert shares(bench, plan)[:2] == (0, 60)

    approve(bench, plan)

    states = {one.place.facility.name_zh[:2]: one.state for one in Need.objects.all()}
    assert states == {"道孚": "open", "石渠": "answered"}
    line = AuditLine.objects.get(action="supplies.allocation.approve")
    assert line.detail["needs"] == 1


def test_a_plan_for_days_that_have_begun_without_it_is_not_approved(bench):
    bench.bring(100)
    need(bench, "A", 70)
    plan = prepare(bench)
    with pytest.raises(actions.NotReady):
        actions.approve(plan=plan, by=bench.deputy, at=AT + 3 * DAY)
    assert bench.held() == {"": 100}
    assert actions.approve(plan=plan, by=bench.deputy, at=AT + 2 * DAY).state == "approved"


def test_nothing_leaves_for_a_place_that_was_closed_meanwhile(bench):
    bench.bring(100)
    for mark in "AB":
        need(bench, mark, 70)
    plan = prepare(bench)
    stock.close_place(place=bench.places["B"], by=None, at=AT)
    with pytest.raises(actions.StockChanged):
        approve(bench, plan)
    assert bench.held() == {"": 100} and not Transfer.objects.exists()


def test_by_request_the_map_counts_lines_below_what_was_wanted(bench, client):
    bench.bring(60)
    bench.bring(100, item=bench.suit)
    need(bench, "A", 40)
    need(bench, "A", 7, item=bench.suit)
    need(bench, "B", 40)
    plan = prepare(bench, "by_request", items=[bench.mask, bench.suit])
    assert page(client, bench.deputy, "detail", plan.public_id).status_code == 200
    told = page(client, bench.deputy, "plan_map", plan.public_id).json()["areas"]
    found = {one["code"]: one["value"] for one in told}
    assert (found["513326"], found["513332"], found["513334"]) == (1, 1, None)


def test_a_large_plan_is_shown_in_part_and_narrowed(bench, client, monkeypatch):
    monkeypatch.setattr(views, "SHOWN", 2)
    bench.bring(100)
    bench.bring(100, item=bench.suit)
    for mark in "ABC":
        need(bench, mark, 70)
        need(bench, mark, 7, item=bench.suit)
    plan = prepare(bench, items=[bench.mask, bench.suit])
    shown = page(client, bench.deputy, "detail", plan.public_id)
    assert (len(shown.context["rows"]), shown.context["count"]) == (2, 6)
    assert "6" in shown.content.decode()
    only = {"item": "coverall", "county": "513332"}
    (row,) = page(client, bench.deputy, "detail", plan.public_id, **only).context["rows"]
    assert (row["one"].item, row["one"].place) == (bench.suit, bench.places["B"])
    short = page(client, bench.deputy, "detail", plan.public_id, short="on").context["count"]
    assert short == 3
    file = page(client, bench.deputy, "detail", plan.public_id, export="csv", **only)
    assert len(b"".join(file.streaming_content).splitlines()) == 8  # head, all lines, who took it


def test_pages_of_a_plan_ask_no_more_with_more_lines(bench, client):
    bench.bring(100)
    items = [bench.mask]
    counts = []
    for n in range(2):
        for mark in "ABC":
            for item in items:
                need(bench, mark, 70, item=item)
        plan = prepare(bench, items=items)
        page(client, bench.deputy, "detail", plan.public_id)
        with CaptureQueriesContext(connection) as asked:
            page(client, bench.deputy, "detail", plan.public_id)
        counts.append(len(asked))
        items += [bench.item(f"thing-{n}-{k}", f"物资{n}{k}") for k in range(5)]
        for item in items[1:]:
            bench.bring(10, item=item)
    assert counts[0] == counts[1]


def test_whoever_changed_a_line_does_not_approve(bench):
    bench.bring(100)
    need(bench, "A", 70)
    plan = prepare(bench)
    adjust(bench, plan, "A", 10, by=bench.deputy)
    with pytest.raises(actions.SamePerson):
        approve(bench, plan)
    assert bench.held() == {"": 100}


def test_a_stock_that_changed_is_refused_and_nothing_leaves(bench):
    bench.bring(100, number="A")
    for mark in "AB":
        need(bench, mark, 70)
    plan = prepare(bench)
    bench.send(60)
    before = Entry.objects.count()

    with pytest.raises(actions.StockChanged):
        approve(bench, plan)

    plan.refresh_from_db()
    assert (plan.state, Entry.objects.count()) == ("ready", before)
    assert bench.held() == {"A": 40}
    assert {one.state for one in Need.objects.all()} == {"open"}


# --- Pages and API --------------------------------------------------------------------------------


@pytest.fixture
def send(client):
    def send(user, name, *args, **said):
        client.force_login(user)
        address = reverse(f"supplies:allocation:{name}", args=args)
        return client.post(address, {"_key": str(uuid4()), **said})

    return send


def page(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"supplies:allocation:{name}", args=args), query)


def test_a_plan_is_prepared_looked_at_changed_and_approved_on_its_pages(
    bench, send, client, monkeypatch
):
    bench.bring(100, number="A")
    for mark in "AB":
        need(bench, mark, 70)
    form = page(client, bench.headquarters, "new").context["form"]
    assert form["keep_mask"].value() == 0
    said = {
        "mode": "by_need",
        "first_day": str(TODAY),
        "days": "7",
        "use_mask": "on",
        "keep_mask": "20",
        "pack_mask": "1",
    }
    empty = send(bench.headquarters, "new", **said)
    assert empty.status_code == 422 and not Plan.objects.exists()
    for mark in "AB":
        key = bench.places[mark].mark
        said |= {f"to_{key}": "on", f"exposure_{key}": "2", f"risk_{key}": "1", f"lead_{key}": "0"}
    answer = send(bench.headquarters, "new", **said)
    plan = Plan.objects.get()
    assert answer["Location"] == plan.get_absolute_url()

    shown = page(client, bench.deputy, "detail", plan.public_id)
    text = shown.content.decode()
    assert [row["quantity"] for row in shown.context["rows"]] == ["40只", "40只"]
    assert "%(" not in text and shown.context["items"][0]["now"] == "100只"
    assert "覆盖4.0天" in text or "4.0" in text
    figures = page(client, bench.deputy, "plan_map", plan.public_id).json()
    assert {one["code"]: one["value"] for one in figures["areas"]}["513326"] == 4
    for kind in ("csv", "xlsx"):
        file = page(client, bench.deputy, "detail", plan.public_id, export=kind)
        assert file.status_code == 200
        store = page(client, bench.deputy, "detail", plan.public_id, export=kind, of="store")
        assert store.status_code == 200
    line = share(bench, plan, "A").pk
    seen = page(client, bench.headquarters, "adjust", plan.public_id, line).context["form"]
    changed = {"_seen": seen.editing.carried, "quantity": "50", "reason": "疫情加重"}
    too_much = send(bench.headquarters, "adjust", plan.public_id, line, **changed)
    assert too_much.status_code == 422 and "quantity" in too_much.context["form"].errors
    changed["quantity"] = "30"
    monkeypatch.setattr(clock, "now", lambda: AT + MINUTE)
    assert send(bench.headquarters, "adjust", plan.public_id, line, **changed).status_code == 302
    stale = send(bench.headquarters, "adjust", plan.public_id, line, **{**changed, "quantity": "9"})
    assert stale.status_code == 412

    step = page(client, bench.deputy, "detail", plan.public_id).context["step"].editing.carried
    asked = send(bench.deputy, "approve", plan.public_id, _seen=step)
    assert "_confirmed" in asked.content.decode()
    own = send(bench.headquarters, "approve", plan.public_id, _seen=step, _confirmed="yes")
    assert own.status_code == 302
    plan.refresh_from_db()
    assert plan.state == "ready"
    send(bench.deputy, "approve", plan.public_id, _seen=step, _confirmed="yes")
    plan.refresh_from_db()
    assert plan.state == "approved"
    shown = page(client, bench.headquarters, "detail", plan.public_id).content.decode()
    assert Shipment.objects.first().entry.number in shown

    mine = page(client, bench.matron, "given").content.decode()
    assert plan.number in mine and "疫情加重" in mine and "石渠" not in mine
    assert page(client, bench.matron, "detail", plan.public_id).status_code == 403
    assert page(client, bench.keeper, "new").status_code == 403


def test_a_plan_is_dropped_with_a_reason(bench, send, client, monkeypatch):
    bench.bring(100)
    need(bench, "A", 70)
    monkeypatch.setattr(queries, "AT_ONCE", 0)
    plan = prepare(bench)
    assert "data-" in page(client, bench.deputy, "detail", plan.public_id).content.decode()
    piece = page(client, bench.deputy, "progress", plan.public_id)
    assert piece.status_code == 200 and "HX-Refresh" not in piece
    assert send(bench.headquarters, "drop", plan.public_id, reason="").status_code == 422
    send(bench.headquarters, "drop", plan.public_id, reason="已另行采购")
    plan.refresh_from_db()
    assert plan.state == "dropped"
    assert page(client, bench.deputy, "progress", plan.public_id)["HX-Refresh"] == "true"
    assert "已另行采购" in page(client, bench.deputy, "detail", plan.public_id).content.decode()
    assert plan.number in page(client, bench.deputy, "index").content.decode()


def test_machines_plan_change_and_approve_what_they_read(bench, client, monkeypatch):
    def ask(user, path, key, match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    bench.bring(100)
    for mark in "AB":
        need(bench, mark, 70)
    body = {
        "store": str(bench.store.public_id),
        "first_day": str(TODAY),
        "days": 7,
        "items": [{"item": str(bench.mask.public_id), "keep_back": 20}],
        "places": [{"place": str(bench.places[m].public_id), "lead_days": 0} for m in "AB"],
    }
    made = ask(bench.headquarters, "plans/", "a", **body)
    assert made.status_code == 201, made.content
    assert [one["quantity"] for one in made.json()["lines"]] == [40, 40]
    assert "%(" not in made.json()["lines"][0]["reason"]
    for odd in (True, 1.0, "7"):
        assert (
            ask(bench.headquarters, "plans/", f"odd{odd}", **{**body, "days": odd}).status_code
            == 422
        )
    wrong = {**body, "places": [{"place": str(uuid4())}]}
    refused = ask(bench.headquarters, "plans/", "b", **wrong)
    assert refused.json()["errors"][0]["where"] == "/places/0/place"
    assert ask(bench.matron, "plans/", "c", **body).status_code == 403

    path = f"plans/{made.json()['id']}/"
    client.force_login(bench.deputy)
    told = client.get(f"{API}{path}problem/").json()
    again = allocate(checked(told), say_in("en"))
    assert [one.quantity for one in again.shares] == [40, 40]
    etag = client.get(f"{API}{path}")["ETag"]
    line = made.json()["lines"][0]["line"]
    said = {"line": line, "quantity": 10, "reason": "已有库存"}
    assert ask(bench.headquarters, f"{path}adjust/", "d", **said).status_code == 428
    monkeypatch.setattr(clock, "now", lambda: AT + MINUTE)
    assert ask(bench.headquarters, f"{path}adjust/", "e", etag, **said).status_code == 200
    late = ask(bench.deputy, f"{path}approve/", "f", etag)
    assert late.status_code == 412
    client.force_login(bench.deputy)
    etag = client.get(f"{API}{path}")["ETag"]
    own = ask(bench.headquarters, f"{path}approve/", "g", etag)
    assert (own.status_code, own.json()["title"]) == (409, "SamePerson")
    done = ask(bench.deputy, f"{path}approve/", "h", etag)
    assert done.json()["state"] == "approved"
    again = ask(bench.deputy, f"{path}approve/", "h", etag)
    assert again.json()["state"] == "approved" and Shipment.objects.count() == 2
    client.force_login(bench.matron)
    (row,) = client.get(f"{API}given/").json()["rows"]
    assert (row["quantity"], row["plan"]) == (10, made.json()["number"])
    assert client.get(f"{API}plans/").status_code == 403
    client.force_login(bench.deputy)
    assert len(client.get(f"{API}plans/").json()["rows"]) == 1
