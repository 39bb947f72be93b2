"""Closing of a month: in turn, without debts; opened again by two persons."""

from __future__ import annotations

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.refusals import WrongField
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import closing, rules
from fangkong.supplies.stock.ledger import MonthClosed
from fangkong.supplies.stock.models import Entry, MonthClosing
from fangkong.supplies.stock.types import Papers
from fangkong.tasks.models import Task

from .factories import AT, DAY
from .test_releasing import file, let_go

pytestmark = pytest.mark.both_databases
JANUARY, DECEMBER = date(2020, 1, 1), date(2019, 12, 1)
LATE = Papers(moved_at=AT - 10 * DAY)  # on 26 January


@pytest.fixture
def closed(world):
    return closing.close_month(place=world.store, month=JANUARY, by=world.keeper, at=AT)


@pytest.fixture
def second(world):
    """Another keeper of the same store."""
    return staff(Role.STORE_KEEPER, facility=world.depot)


def asked(world, one, by=None):
    return closing.ask_to_open(closing=one, reason="漏记一张", by=by or world.keeper, at=AT)


def test_a_month_is_closed_when_it_is_over_in_turn_and_without_debts(world):
    world.bring(100)
    old = let_go(world, 5, at=AT - 10 * DAY)
    said = {"place": world.store, "by": world.keeper, "at": AT}
    with pytest.raises(closing.PapersMissing, match=old.entry.number):
        closing.close_month(**said, month=JANUARY)
    for kind in ("request", "approval", "signature"):
        file(world, old, kind)
    let_go(world, 5)  # of February: no business of January
    closing.close_month(**said, month=JANUARY)

    for month in (JANUARY, date(2020, 2, 1), date(2020, 4, 1)):
        with pytest.raises(closing.NotYet):
            closing.close_month(**said, month=month)
    with pytest.raises(closing.NotYet):  # February is between
        closing.close_month(**{**said, "at": AT + 90 * DAY}, month=date(2020, 3, 1))


def test_a_sheet_that_came_before_midnight_does_not_slip_into_a_month_that_was_closed_after(world):
    midnight = clock.start_of(date(2020, 2, 1))  # in Shanghai; in London it is still January
    second = timedelta(seconds=1)
    world.bring(10, at=midnight - second)
    closing.close_month(place=world.store, month=JANUARY, by=world.keeper, at=midnight)
    for step in (
        lambda: world.bring(1, at=midnight - second),
        lambda: world.send(1, at=midnight - second),
        lambda: let_go(world, 1, at=midnight - second),
        lambda: let_go(world, 1, at=midnight - second, target=world.there),
    ):
        with pytest.raises(MonthClosed):
            step()
    assert world.held() == {"": 10}
    world.bring(1, at=midnight + second)


def test_two_who_press_the_same_button_close_one_month(world, client, second):
    closing.close_month(place=world.store, month=date(2019, 11, 1), by=world.keeper, at=AT)
    for person in (world.keeper, second):
        client.force_login(person)
        page = client.get(world.store.get_absolute_url()).content.decode()
        if person == world.keeper:
            assert 'name="month" value="2019-12-01"' in page
        address = reverse("supplies:stock:close_month", args=[world.store.public_id])
        client.post(address, {"_key": str(uuid4()), "month": "2019-12-01"})
    assert [one.month for one in MonthClosing.objects.order_by("month")] == [
        date(2019, 11, 1),
        date(2019, 12, 1),
    ]


def test_the_first_month_is_one_in_which_a_sheet_can_be_dated(world):
    said = {"place": world.store, "by": world.keeper, "at": AT}
    for month in (date(1, 1, 1), date(2019, 1, 1)):
        with pytest.raises(WrongField) as refused:
            closing.close_month(**said, month=month)
        assert refused.value.field == "month"
    assert closing.close_month(**said, month=date(2019, 2, 1)).month == date(2019, 2, 1)


def test_a_place_that_owes_papers_is_not_closed(world):
    world.bring(10)
    one = let_go(world, 10)
    with pytest.raises(stock.NotEmpty):
        stock.close_place(place=world.store, by=world.keeper, at=AT)
    for kind in ("request", "approval", "signature"):
        file(world, one, kind)
    assert stock.close_place(place=world.store, by=world.keeper, at=AT).closed_at == AT


def test_the_page_of_a_place_says_which_papers_it_owes(world, client):
    world.bring(10)
    one = let_go(world, 10)
    client.force_login(world.keeper)
    said = f'<a href="{one.get_absolute_url()}">'
    assert said in client.get(world.store.get_absolute_url()).content.decode()
    for kind in ("request", "approval", "signature"):
        file(world, one, kind)
    assert said not in client.get(world.store.get_absolute_url()).content.decode()


def test_a_closed_month_takes_no_sheet_wherever_it_comes_from(world, closed):
    world.bring(100)
    world.bring(100, place=world.there)
    entries = Entry.objects.count()
    for act in (
        lambda: world.bring(1, papers=LATE),
        lambda: world.send(1, papers=LATE),
        lambda: world.send(1, source=world.there, target=world.store, papers=LATE),
    ):
        with pytest.raises(WrongField) as refused:
            act()
        assert refused.value.field == "moved_at"
    assert Entry.objects.count() == entries
    world.bring(1, papers=Papers(moved_at=AT - DAY))  # February is open
    world.bring(1, place=world.there, papers=LATE)  # and so is January of another place


def test_a_closed_month_is_opened_again_by_a_second_person(world, closed, second):
    with pytest.raises(closing.NobodyAsked):
        closing.open_again(closing=closed, by=second, at=AT)
    asked(world, closed)
    with pytest.raises(closing.AskedAlready):
        asked(world, closed)
    with pytest.raises(closing.OwnRequest):
        closing.open_again(closing=closed, by=world.keeper, at=AT)
    task = Task.objects.get(kind="supplies.stock.month_to_open")
    assert (task.area, task.owner_role) == (world.kangding, "county_cdc")
    with pytest.raises(WrongField):
        world.bring(1, papers=LATE)

    one = closing.open_again(closing=closed, by=second, at=AT + DAY)

    task.refresh_from_db()
    assert (one.opened_by, task.state) == (second, "done")
    world.bring(1, papers=LATE)
    line = AuditLine.objects.get(action="supplies.stock.open_month")
    assert line.reason == "漏记一张"
    with pytest.raises(closing.NotClosed):
        closing.open_again(closing=closed, by=second, at=AT + DAY)
    anew = closing.close_month(place=world.store, month=JANUARY, by=world.keeper, at=AT + DAY)
    assert anew.pk != closed.pk and MonthClosing.objects.count() == 2


def test_a_month_that_is_declined_stays_closed(world, closed, second):
    asked(world, closed)
    one = closing.leave_closed(closing=closed, reason="单据不全", by=second, at=AT)
    world.store.refresh_from_db()
    assert (one.asked_at, one.why, world.store.closed_through) == (None, "", date(2020, 1, 31))
    assert Task.objects.get().state == "cancelled"
    with pytest.raises(closing.NobodyAsked):
        closing.open_again(closing=closed, by=second, at=AT)


def test_months_are_opened_from_the_last_one_back(world, second):
    said = {"place": world.store, "by": world.keeper, "at": AT}
    old = closing.close_month(**said, month=DECEMBER)
    new = closing.close_month(**said, month=JANUARY)
    with pytest.raises(closing.NotTheLast):
        asked(world, old)
    asked(world, new)
    closing.open_again(closing=new, by=second, at=AT)
    world.store.refresh_from_db()
    assert world.store.closed_through == date(2019, 12, 31)
    asked(world, old)
    closing.open_again(closing=old, by=second, at=AT)
    world.store.refresh_from_db()
    assert world.store.closed_through is None


def test_the_database_too_wants_two_persons(world, closed):
    said = {"opened_at": AT, "asked_at": AT, "why": "漏记"}
    for one in (world.keeper, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            MonthClosing.objects.update(**said, asked_by=world.keeper, opened_by=one)


def test_the_next_month_to_close_is_the_last_one_or_follows_the_closed_ones():
    assert rules.next_month(None, date(2020, 2, 5)) == date(2020, 1, 1)
    assert rules.next_month(None, date(2020, 1, 1)) == date(2019, 12, 1)
    assert rules.next_month(date(2019, 12, 31), date(2020, 3, 5)) == date(2020, 1, 1)
    assert rules.month_of(date(2020, 2, 17)) == (date(2020, 2, 1), date(2020, 2, 29))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_close_a_month_at_once_one_does(world):
    said = {"place": world.store, "month": JANUARY, "by": world.keeper, "at": AT}

    found = at_once(lambda n: closing.close_month(**said))

    assert [type(one) for one in found if isinstance(one, Exception)] == [closing.NotYet]
    assert MonthClosing.objects.count() == 1


def test_a_month_is_closed_and_opened_on_its_pages(world, client, second):
    def send(user, name, key, **said):
        client.force_login(user)
        address = reverse(f"supplies:stock:{name}", args=[key])
        return client.post(address, {"_key": str(uuid4()), **said})

    place = world.store.public_id
    assert send(world.matron, "close_month", place).status_code == 404
    assert send(world.headquarters, "close_month", place).status_code == 403
    client.force_login(world.keeper)
    assert "2020-01" in client.get(world.store.get_absolute_url()).content.decode()
    send(world.keeper, "close_month", place)  # of which month was not said
    assert not MonthClosing.objects.exists()
    send(world.keeper, "close_month", place, month="2020-01-01")
    one = MonthClosing.objects.get()
    world.bring(10)
    receive = {"place": str(place), "item_0": "医用外科口罩", "quantity_0": "1"}
    receive["moved_at"] = "2020-01-26T10:00"
    client.force_login(world.keeper)
    answer = client.post(reverse("supplies:stock:receive"), {"_key": str(uuid4()), **receive})
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["moved_at"]
    client.force_login(world.matron)
    assert client.get(one.get_absolute_url()).status_code == 404
    assert send(world.keeper, "ask_to_open", one.public_id, reason="").status_code == 422
    assert send(world.keeper, "ask_to_open", one.public_id, reason="漏记").status_code == 302
    client.force_login(world.keeper)
    assert "open/" not in client.get(one.get_absolute_url()).content.decode()
    client.force_login(second)
    page = client.get(one.get_absolute_url())
    assert "漏记" in page.content.decode()
    state = page.context["decision"].editing.carried
    blind = send(second, "open_month", one.public_id)  # without the state that was read
    assert blind.status_code in (412, 422)
    assert send(second, "leave_closed", one.public_id, reason="").status_code == 422
    assert send(second, "open_month", one.public_id, _seen=state).status_code == 302
    one.refresh_from_db()
    assert one.opened_by == second


def test_machines_close_and_open_months(world, client, second):
    def ask(user, path, **body):
        client.force_login(user)
        headers = {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
        address = f"/api/v1/supplies/stock/{path}"
        return client.post(address, json.dumps(body), "application/json", headers=headers)

    path = f"places/{world.store.public_id}/close-month/"
    assert ask(world.matron, path, month="2020-01-17").status_code == 404
    assert ask(world.keeper, path, month="2020-02-01").status_code == 409
    done = ask(world.keeper, path, month="2020-01-17").json()
    assert done["closed_through"] == "2020-01-31"
    client.force_login(world.keeper)
    (one,) = client.get("/api/v1/supplies/stock/months/").json()["rows"]
    path = f"months/{one['id']}/"
    assert ask(world.matron, f"{path}ask/", reason="漏记").status_code == 404
    assert ask(world.keeper, f"{path}open/").status_code == 409
    assert ask(world.keeper, f"{path}ask/", reason="漏记").json()["why"] == "漏记"
    assert ask(world.keeper, f"{path}open/").status_code == 403
    assert ask(second, f"{path}open/").json()["opened_at"]
