"""Pages of the sources: entering, deciding, the door, what the public reads without signing in."""

from __future__ import annotations

import csv
import io
from datetime import date
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.http import HttpResponse

from fangkong.accounts.tests.factories import AT
from fangkong.core import finders
from fangkong.core.commands.states import version
from fangkong.supplies.models import Delivery, Disclosure, Entry, Supply
from fangkong.supplies.sources import actions, jobs, rules, views
from fangkong.supplies.sources.types import Fund, Verdict
from fangkong.supplies.stock.types import Papers
from fangkong.tasks.models import Task

from .factories import DAY

HOME = "/supplies/sources/"


@pytest.fixture
def visit(client):
    def visit(user, path, **form):
        if user is None:
            client.logout()
        else:
            client.force_login(user)
        headers = {"Accept-Language": "en"}
        if form:
            return client.post(path, {"_key": str(uuid4()), **form}, headers=headers)
        return client.get(path, headers=headers)

    return visit


def offer_form(world, **more):
    return {
        "channel": "emergency",
        "place": str(world.store.public_id),
        "party": "成都某贸易公司",
        "fund": "budget",
        "arrives_on": "2020-02-09",
        "item_0": "医用外科口罩",
        "quantity_0": "2",
        "unit_0": "箱(2000只)",
        "price_0": "9,500",
        **more,
    }


def test_an_order_is_entered_accepted_checked_and_booked_on_the_pages(visit, world):
    done = visit(world.buyer, f"{HOME}new/", **offer_form(world))
    assert done.status_code == 302, done.content
    supply = Supply.objects.get()
    (line,) = supply.lines.all()
    assert (line.quantity, line.price) == (4000, 9500_00)
    page = visit(world.headquarters, done["Location"]).content.decode()
    assert "9,500 yuan" in page
    accept = f"{done['Location']}accept/"
    stale = visit(world.headquarters, accept, arrives_on="", _seen="0")
    assert stale.status_code == 412
    assert (
        visit(world.headquarters, accept, arrives_on="", _seen=version(supply)).status_code == 302
    )
    door = visit(world.keeper, f"{done['Location']}receive/")
    assert 'value="4000"' in door.content.decode()
    supply.refresh_from_db()
    seen = version(supply)
    came = visit(
        world.keeper,
        f"{done['Location']}receive/",
        quantity_0="4000",
        verdict_0="fits",
        number_0="A",
        _seen=seen,
    )
    assert came.status_code == 302, came.context["form"].errors
    assert world.held() == {"A": 4000}
    supply.refresh_from_db()
    assert supply.state == "closed"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"price_0": "one"}, "Write the amount in yuan"),
        ({"fund": "none"}, "Say whose money pays"),
        ({"party": ""}, "Say which firm or office"),
        ({"unit_0": "车"}, "Nobody said how much"),
        ({"item_0": "冬虫夏草"}, "no such item"),
        ({"arrives_on": "2202-02-02"}, "Check the year"),
    ],
)
def test_a_wrong_entry_comes_back_with_the_fault_beside_its_field(visit, world, more, words):
    answer = visit(world.buyer, f"{HOME}new/", **offer_form(world, **more))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Supply.objects.exists()


def test_the_door_tells_the_fault_at_its_line(visit, world):
    supply = world.promised(100)
    path = f"{supply.get_absolute_url()}receive/"
    answer = visit(world.keeper, path, quantity_0="100", verdict_0="refused", _seen=version(supply))
    assert answer.status_code == 422
    assert answer.context["form"].errors["why_0"]
    dated = visit(
        world.keeper,
        path,
        quantity_0="1",
        made_on_0="2020-02-01",
        expires_on_0="2020-01-01",
        _seen=version(supply),
    )
    assert dated.context["form"].errors["expires_on_0"]
    assert not Delivery.objects.exists()


def test_several_lots_of_a_line_come_by_one_sheet(visit, world):
    supply = world.promised(100)
    path = f"{supply.get_absolute_url()}receive/"
    said = {"quantity_0": "60", "number_0": "A", "quantity_0_1": "30", "number_0_1": "B"}
    third = {"quantity_0_2": "10", "verdict_0_2": "refused", "_seen": version(supply)}
    wrong = visit(world.keeper, path, **said, **third)
    assert list(wrong.context["form"].errors) == ["why_0_2"]
    assert "<details" in wrong.content.decode() and " open" in wrong.content.decode()
    done = visit(world.keeper, path, **said, **third, why_0_2="受潮")
    assert done.status_code == 302
    assert world.held() == {"A": 60, "B": 30}
    assert Entry.objects.count() == 1


def test_two_keepers_do_not_book_the_same_delivery_twice(visit, world):
    supply = world.promised(100)
    path, seen = f"{supply.get_absolute_url()}receive/", version(supply)
    world.arrive(supply, 100, at=AT + DAY)
    late = visit(world.keeper, path, quantity_0="100", verdict_0="fits", _seen=seen)
    assert late.status_code == 412
    assert world.held() == {"": 100}


def test_the_list_says_what_is_late_and_is_narrowed(visit, world):
    world.promised(arrives_on=date(2020, 2, 4))
    world.gift()
    page = visit(world.headquarters, HOME).content.decode()
    assert "overdue" in page
    only = visit(world.headquarters, f"{HOME}?channel=donation").content.decode()
    assert "州商务合作局" in only
    assert "成都某贸易公司" not in only
    found = visit(world.headquarters, f"{HOME}?q=商务").content.decode()
    assert "州商务合作局" in found


def test_offers_are_compared_with_the_lowest_price_marked(visit, world):
    world.bring(100)
    world.send(70)
    world.offered(50, price=100_00, arrives_on=date(2020, 2, 6))
    world.offered(500, price=500_00, arrives_on=date(2020, 2, 20))
    page = visit(world.headquarters, f"{HOME}compare/{world.mask.public_id}/").content.decode()
    assert "comes in time" in page
    assert "9 days without until it comes" in page
    assert page.count("lowest") == 1
    chart = visit(world.headquarters, f"{HOME}compare/{world.mask.public_id}/chart/").json()
    assert chart["series"][0]["values"] == [0, 9]


def test_the_public_reads_reports_without_signing_in_and_nothing_else(visit, world, client):
    world.brought(1000)
    report = world.published(at=AT + DAY)
    page = visit(None, report.get_absolute_url())
    assert page.status_code == 200
    assert "州商务合作局" in page.content.decode()
    assert "Correct it" not in page.content.decode()
    table = b"".join(visit(None, f"{report.get_absolute_url()}csv/").streaming_content).decode()
    assert "州商务合作局" in table
    for path in (HOME, f"{HOME}reports/new/", Supply.objects.get().get_absolute_url()):
        assert visit(None, path).status_code == 302


def test_a_report_is_looked_at_published_and_corrected(visit, world):
    world.brought(1000)
    shown = visit(world.editor, f"{HOME}reports/new/").content.decode()
    assert "州商务合作局" in shown
    seen = visit(world.editor, f"{HOME}reports/new/").context["form"]["read"].value()
    world.brought(5)
    moved = visit(world.editor, f"{HOME}reports/new/", read=seen)
    assert "Goods moved since you read this" in moved.content.decode()
    seen = moved.context["form"]["read"].value()
    done = visit(world.editor, f"{HOME}reports/new/", read=seen)
    assert done.status_code == 302
    again = visit(world.editor, f"{HOME}reports/new/", read=seen)
    assert "No gift came" in again.content.decode()
    path = done["Location"].replace("/open/", "/reports/") + "correct/"
    told = Disclosure.objects.get()
    world.mask.name_en = "Surgical mask, sterile"
    world.mask.save()
    before = visit(world.editor, path)
    assert {one["after"] for one in before.context["changes"]} == {"Surgical mask, sterile"}
    assert "What would be told otherwise" in before.content.decode()
    said = {"reason": "名称有误", "_seen": version(told)}
    stale = visit(world.editor, path, read="0" * 32, **said)
    assert stale.status_code == 422 and Disclosure.objects.count() == 1
    read = stale.context["form"]["read"].value()
    fixed = visit(world.editor, path, read=read, **said)
    assert fixed.status_code == 302
    again = visit(world.editor, path, read=read, **said)
    assert again.status_code == 422 and "was corrected already" in again.content.decode()
    assert "corrected by no. 2" in visit(None, done["Location"]).content.decode()


def test_whoever_has_the_code_finds_the_gift_and_the_code_stands_in_no_address(visit, world):
    supply = world.brought(1000)
    typed = rules.shown_code(supply.code).lower()
    answer = visit(None, f"{HOME}trace/", code=typed)
    assert answer.status_code == 200
    assert "州商务合作局" in answer.content.decode()
    assert visit(None, f"{HOME}trace/?code={supply.code}").context["found"] is None
    bought = world.promised(10)
    for code in (bought.code, "AAAAAAAAAA", "' OR 1=1"):
        wrong = visit(None, f"{HOME}trace/", code=code)
        assert "no gift with this code" in wrong.content.decode()


def test_whoever_tries_codes_one_after_the_other_has_to_wait(visit, world, monkeypatch):
    monkeypatch.setattr(views, "GUESSES", 2)
    supply = world.brought(10)
    for _time in range(3):
        assert visit(None, f"{HOME}trace/", code="2222222222").status_code in (200, 422)
    for code in ("2222222222", supply.code):
        refused = visit(None, f"{HOME}trace/", code=code)
        assert (refused.status_code, "州商务合作局" in refused.content.decode()) == (429, False)
    cache.clear()  # the minute is over
    again = visit(None, f"{HOME}trace/", code=supply.code)
    assert "州商务合作局" in again.content.decode()
    assert "no-store" in again["Cache-Control"]


def test_a_certificate_needs_goods_that_came(visit, world):
    supply = world.gift(10)
    path = f"{supply.get_absolute_url()}certificate/"
    assert visit(world.headquarters, path).status_code == 404
    world.arrive(supply, 10)
    made = visit(world.headquarters, path)
    assert made["Content-Type"] == "application/pdf"
    assert visit(world.matron, path).status_code == 404


def test_a_certificate_names_what_was_booked_not_what_was_promised(visit, world, monkeypatch):
    cloth = world.item("cloth-mask", "普通口罩")
    supply = world.gift(100)
    world.arrive(supply, 30, verdict=Verdict.OTHER, as_item=cloth, why="非医用")
    world.arrive(supply, 50)
    world.arrive(supply, 20, verdict=Verdict.REFUSED, why="受潮")
    told = {}

    def printed(_request, _template, context, **_more):
        told.update(context)
        return HttpResponse()

    monkeypatch.setattr(views.printing, "sheet", printed)
    visit(world.headquarters, f"{supply.get_absolute_url()}certificate/")
    assert [(item.code, amount) for item, amount in told["lines"]] == [
        ("cloth-mask", "30 pcs"), ("mask", "50 pcs"),
    ]  # fmt: skip


def test_the_table_of_a_report_tells_of_money_too(visit, world):
    gift = world.gift(0, money=1_000_00)
    actions.receive(supply=gift, checked=[], papers=Papers(), money=True, by=world.keeper, at=AT)
    world.arrive(world.promised(100, price=400_00, fund=Fund.GIFTS), 100)
    report = world.published(at=AT + DAY)
    file = visit(None, f"{report.get_absolute_url()}csv/")
    rows = list(csv.reader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert {len(row) for row in rows} == {10}
    assert [(row[0], row[-1]) for row in rows[1:]] == [
        ("州商务合作局", "1,000 yuan"), ("成都某贸易公司", "400 yuan"),
    ]  # fmt: skip


def test_another_county_sees_and_enters_nothing_here(visit, world):
    supply = world.offered()
    assert visit(world.matron, supply.get_absolute_url()).status_code == 404
    assert "成都某贸易公司" not in visit(world.matron, HOME).content.decode()
    answer = visit(world.matron, f"{HOME}new/", **offer_form(world))
    assert answer.status_code == 422
    assert (
        visit(world.matron, f"{supply.get_absolute_url()}close/", reason="不要").status_code == 404
    )


def test_the_palette_finds_a_source_in_the_users_scope(world):
    world.gift()
    found = finders.find(world.headquarters, AT, "商务合作局")
    assert any("州商务合作局" in one.title for group in found for one in group.found)
    assert not any(
        "州商务合作局" in one.title
        for group in finders.find(world.matron, AT, "商务合作局")
        for one in group.found
    )


def test_a_code_is_found_by_the_palette_and_narrows_no_list(visit, world):
    supply = world.gift()
    code = rules.shown_code(supply.code)
    found = finders.find(world.headquarters, AT, code)
    assert any("州商务合作局" in one.title for group in found for one in group.found)
    assert "州商务合作局" not in visit(world.headquarters, f"{HOME}?q={code}").content.decode()


def test_each_morning_what_is_late_and_what_went_untold_is_asked_for(world):
    world.promised(arrives_on=date(2020, 2, 4))
    world.brought(10)
    jobs.late(AT)
    jobs.late(AT)
    jobs.disclose(AT + 5 * DAY)
    kinds = sorted(Task.objects.values_list("kind", flat=True))
    assert kinds == ["supplies.sources.disclose", "supplies.sources.late"]


def test_a_closed_source_and_money_are_put_right_on_the_pages_by_whoever_may(visit, world):
    supply = world.promised(100)
    actions.close(supply=supply, reason="停产", by=world.buyer, at=AT)
    path = supply.get_absolute_url()
    assert "It still comes" in visit(world.buyer, path).content.decode()
    supply.refresh_from_db()
    said = {"reason": "还会送", "arrives_on": "2020-02-09", "_seen": version(supply)}
    assert visit(world.matron, f"{path}reopen/", **said).status_code == 404
    assert visit(world.buyer, f"{path}reopen/", **{**said, "reason": ""}).status_code == 422
    assert visit(world.buyer, f"{path}reopen/", **said).status_code == 302
    assert "It still comes" not in visit(world.buyer, path).content.decode()

    money = world.paid(world.gift(0, money=5_00))
    path = money.get_absolute_url()
    assert "Take the money back" not in visit(world.keeper, path).content.decode()
    assert "Take the money back" in visit(world.headquarters, path).content.decode()
    money.refresh_from_db()
    said = {"reason": "退票", "_seen": version(money)}
    assert visit(world.keeper, f"{path}money-back/", **said).status_code == 403
    assert visit(world.headquarters, f"{path}money-back/", **said).status_code == 302
    shown = visit(world.headquarters, path).content.decode()
    assert "taken back" in shown and "Take the money back" not in shown
    # The giver is told too.
    traced = visit(None, f"{HOME}trace/", code=money.code).content.decode()
    assert "taken back 2020-02-05" in traced
    # Where somebody had said that nothing more will come, the word stands, and is not hidden.
    ended = world.gift(10, money=5_00)
    actions.close(supply=ended, reason="不再捐赠", by=world.keeper, at=AT)
    ended = world.paid(ended)
    said["_seen"] = version(ended)
    path = ended.get_absolute_url()
    assert visit(world.headquarters, f"{path}money-back/", **said).status_code == 302
    assert "is awaited again" not in (page := visit(world.headquarters, path).content.decode())
    assert "stays closed" in page


def test_tables_of_the_sources_are_taken_as_files_without_formulas(visit, world):
    supply = world.offered(50, price=100_00, party="=HYPERLINK(1)", arrives_on=date(2020, 2, 6))
    actions.accept(supply=supply, by=world.headquarters, at=AT)
    world.arrive(supply, 20, number="@A", why="+1")
    path = supply.get_absolute_url()
    compare = f"{HOME}compare/{world.mask.public_id}/"

    def rows(address):
        file = visit(world.buyer, address)
        text = b"".join(file.streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    head, offer, mark = rows(f"{compare}?export=csv")
    assert (offer[0], offer[head.index("Quantity")], offer[7]) == ("'=HYPERLINK(1)", "30", "2.0")
    assert "buyer" in mark[0]
    _head, line, _mark = rows(f"{path}?export=csv")
    assert line[3:6] == ["50", "20", "30"]
    head, door, _mark = rows(f"{path}?export=csv&of=door")
    assert (door[head.index("Lot")], door[head.index("Reason")]) == ("'@A", "'+1")
    for address in (compare, path, f"{path}?of=door&x=1"):
        sign = "&" if "?" in address else "?"
        assert visit(world.buyer, f"{address}{sign}export=xlsx").status_code == 200
    assert visit(world.matron, f"{path}?export=csv").status_code == 404
    world.brought(5)
    report = world.published(at=AT + DAY)
    assert visit(None, f"{report.get_absolute_url()}xlsx/").status_code == 200
