"""Sweeps: doors, what one came to, coverage with its denominator, who was found, who sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core import clock, finders
from fangkong.core.refusals import Refused, WrongField
from fangkong.people import queries as people
from fangkong.people.models import Person
from fangkong.places.tests.factories import area
from fangkong.surveillance.sweeps import actions, figures, jobs, joining, queries, rules
from fangkong.surveillance.sweeps.models import DoorVisit, Finding, Household, Sweep
from fangkong.surveillance.sweeps.types import DoorFacts
from fangkong.tasks.models import Task

from .factories import AT, DAY, HOUR, at_door, homes, ill

pytestmark = pytest.mark.both_databases
TODAY = date(2020, 2, 5)


def cover(world, cell=None):
    where = cell or world.cell
    return queries.coverage(world.sweep, [where])[where.pk]


# --- Coverage -------------------------------------------------------------------------------------


def test_coverage_is_doors_done_of_doors_known_as_of_their_last_visit(world):
    first, second, third = homes(world)
    assert cover(world) == rules.Coverage(doors=3)

    at_door(world, first)
    at_door(world, second, "absent")
    assert cover(world) == rules.Coverage(3, 2, 1, 3, 0, TODAY)
    at_door(world, second, "empty", at=AT + DAY)
    at_door(world, third, "refused", at=AT + DAY)
    found = cover(world)
    assert (found.done, found.seen, found.last, found.people) == (2, 3, date(2020, 2, 6), 3)
    at_door(world, first, "absent", at=AT + DAY)
    assert (cover(world).done, cover(world).people) == (1, 0)


def test_a_cell_without_known_doors_is_not_covered_and_says_so(world):
    assert cover(world, world.second).share is None
    assert rules.together([rules.Coverage(), rules.Coverage(doors=2, done=1)]).share == 50


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6))
def test_cells_taken_together_are_their_sums_and_never_more_than_all(pairs):
    cells = [rules.Coverage(doors=a + b, seen=a, done=min(a, b)) for a, b in pairs]
    whole = rules.together(cells)
    assert whole.doors == sum(one.doors for one in cells)
    assert whole.share is None or 0 <= whole.share <= 100


def test_coverage_of_many_cells_takes_as_many_statements_as_of_one(world):
    def statements(cells):
        with CaptureQueriesContext(connection) as made:
            queries.coverage(world.sweep, cells)
        return len(made)

    homes(world, 1)
    assert statements([world.cell]) == statements([world.cell, world.second]) == 3


def test_a_door_that_is_there_no_more_counts_no_more(world):
    first, _second = homes(world, 2)
    at_door(world, first)
    actions.remove_household(household=first, by=world.daofu_cdc, at=AT)
    assert (cover(world).doors, cover(world).done) == (1, 0)
    with pytest.raises(actions.Removed):
        at_door(world, first)
    assert len(homes(world, 2)) == 3  # entered anew, it is another row


def test_what_happens_to_the_doors_after_a_sweep_changes_nothing_of_its_coverage(world):
    first, second, _third = homes(world)
    at_door(world, first)
    actions.remove_household(household=second, by=world.daofu_cdc, at=AT + HOUR)
    found = cover(world)
    assert (found.doors, found.done) == (2, 1)

    def the_next(days):
        more = {"cell": world.cell, "by": world.walker, "at": AT + days * DAY}
        actions.add_households(doors=f"新村{days}号", **more)

    the_next(5)  # on the last day
    assert cover(world) == replace(found, doors=3)
    the_next(6)
    actions.remove_household(household=first, by=world.daofu_cdc, at=AT + 6 * DAY)
    assert cover(world) == replace(found, doors=3)
    Sweep.objects.update(last_date=date(9999, 12, 31))  # as older ones may say
    world.sweep = actions.end(sweep=world.sweep, by=world.daofu_cdc, at=AT + 2 * DAY)
    assert cover(world) == found


# --- Doors ----------------------------------------------------------------------------------------


def test_doors_are_entered_once_however_often_they_are_sent(world):
    said = {"cell": world.cell, "by": world.walker, "at": AT}
    assert actions.add_households(doors="一号\n 二号\n\n一号", **said) == 2
    assert actions.add_households(doors="二号\n三号", **said) == 1
    assert actions.add_households(doors="一号", **{**said, "cell": world.second}) == 1
    home = Household.objects.first()
    assert (home.door, home.county, home.unit) == ("一号", world.daofu, world.centre)
    with connection.cursor() as cursor:
        cursor.execute("SELECT door FROM surveillance_household")
        assert all("号" not in door for (door,) in cursor.fetchall())
    same = "一 号\n　一号\nUnit 3  Room 4\nＵnit 3 Room ４"
    assert actions.add_households(doors=same, **said) == 1
    for wrong in ("", " \n ", "王家 13988880002", "很长" * 60):
        with pytest.raises(Refused):
            actions.add_households(doors=wrong, **said)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"outcome": "nonsense"}, "outcome"),
        ({"outcome": "registered"}, "residents"),
        ({"outcome": "registered", "residents": 100}, "residents"),
        ({"outcome": "absent", "residents": 2}, "residents"),
    ],
)
def test_what_cannot_be_right_at_a_door_is_told_at_its_field(world, said, field):
    (home,) = homes(world, 1)
    with pytest.raises(actions.NotAcceptable) as refused:
        actions.visit(sweep=world.sweep, household=home, facts=DoorFacts(**said), by=None, at=AT)
    assert [name for name, _text in refused.value.faults] == [field]
    assert not DoorVisit.objects.exists()


def test_the_same_visit_again_changes_nothing_and_another_corrects_that_of_the_day(world):
    (home,) = homes(world, 1)
    first = at_door(world, home)
    assert at_door(world, home, at=AT + HOUR).changed_at == first.changed_at
    corrected = at_door(world, home, "refused", at=AT + HOUR)
    assert (corrected.pk, DoorVisit.objects.count()) == (first.pk, 1)


@pytest.mark.parametrize("days", [-2, 6])
def test_outside_its_days_and_after_its_end_a_sweep_takes_no_visits(world, days):
    (home,) = homes(world, 1)
    with pytest.raises(actions.NotRunning):
        at_door(world, home, at=AT + days * DAY)
    actions.end(sweep=world.sweep, by=world.daofu_cdc, at=AT)
    with pytest.raises(actions.NotRunning):
        at_door(world, home)
    with pytest.raises(actions.AlreadyEnded):
        actions.end(sweep=world.sweep, by=world.daofu_cdc, at=AT)


def test_a_sweep_covers_cells_of_one_county_for_days_that_can_be(world):
    days = {"first_date": TODAY, "last_date": TODAY, "by": None, "at": AT}
    for cells, field in (([], "cells"), ([world.cell, world.kangding], "cells")):
        with pytest.raises(WrongField) as refused:
            actions.begin(title="排查", cells=cells, **days)
        assert refused.value.field == field
    for first, last, field in (
        (TODAY, date(2020, 2, 1), "last_date"),
        (date(1900, 2, 5), date(1900, 2, 6), "last_date"),
        (date(2020, 2, 1), date(2020, 2, 4), "last_date"),
        (TODAY, date(2020, 5, 7), "last_date"),
        (date(9999, 12, 30), date(9999, 12, 31), "first_date"),
    ):
        said = {**days, "first_date": first, "last_date": last}
        with pytest.raises(actions.NotAcceptable) as wrong:
            actions.begin(title="排查", cells=[world.cell], **said)
        assert [name for name, _text in wrong.value.faults] == [field]
    assert Sweep.objects.count() == 1


def test_a_village_and_a_cell_within_it_are_not_swept_together(world):
    village = area(
        "513326100201", world.town, level="village", name_zh="团结村", short_en="Tuanjie"
    )
    inner = area("513326-G09", village, level="grid", name_zh="团结村一组", short_en="Tuanjie 1")
    days = {"first_date": TODAY, "last_date": TODAY, "by": world.daofu_cdc, "at": AT}
    for cells in ([village, inner], [inner, world.cell, village]):
        with pytest.raises(WrongField) as refused:
            actions.begin(title="排查", cells=cells, **days)
        assert refused.value.field == "cells"
        assert inner.display_name in str(refused.value)
    made = actions.begin(title="排查", cells=[inner, world.cell, inner], **days)
    assert made.cells.count() == 2


# --- Who was found --------------------------------------------------------------------------------


def test_who_is_ill_is_registered_once_and_the_county_gets_one_task(world):
    (home,) = homes(world, 1)
    said = {"sweep": world.sweep, "household": home, "by": world.walker}
    first = actions.find_ill(**said, facts=ill(), at=AT)
    again = actions.find_ill(**said, facts=ill(symptoms=("cough",), temperature=378), at=AT + HOUR)

    assert (again.pk, again.symptoms, again.temperature) == (first.pk, ["fever", "cough"], 378)
    assert Person.objects.filter(name="罗布次仁").count() == 1
    assert (first.person.area, first.person.full_address) == (world.cell, "团结路1号")
    task = Task.objects.get(kind="surveillance.sweeps.symptoms")
    assert (task.area, task.due_at) == (world.daofu, AT + 2 * HOUR)
    assert cover(world).ill == 1
    other = actions.find_ill(**said, facts=ill(name="德吉", phone=""), at=AT)
    assert other.person != first.person
    for wrong in (ill(symptoms=()), ill(symptoms=("luck",)), ill(temperature=200)):
        with pytest.raises(actions.NotAcceptable):
            actions.find_ill(**said, facts=wrong, at=AT)
    with pytest.raises(WrongField) as refused:
        actions.find_ill(**said, facts=ill(name="央金", phone="123"), at=AT)
    assert refused.value.field == "phone"


def test_a_finding_holds_its_person_and_stands_in_the_way_of_a_joining_of_the_same_day(world):
    (home,) = homes(world, 1)
    said = {"sweep": world.sweep, "household": home, "by": world.walker, "at": AT}
    one = actions.find_ill(**said, facts=ill())
    two = actions.find_ill(**said, facts=ill(name="德吉", phone=""))

    assert set(jobs.found([one.person_id], AT)) == {one.person_id}
    assert set(jobs.found([one.person_id], AT + 70 * DAY)) == set()
    (obstacle,) = joining.stands(one.person_id, two.person_id, AT)
    assert obstacle.url == two.get_absolute_url()
    assert not list(joining.stands(one.person_id, world.case.person_id, AT))


# --- Who sees what --------------------------------------------------------------------------------


def test_each_sees_the_sweeps_doors_and_findings_of_their_places(world):
    first = homes(world, 1)[0]
    homes(world, 1, world.second)
    said = {"sweep": world.sweep, "household": first, "by": world.walker, "at": AT}
    made = actions.find_ill(**said, facts=ill())
    who = (world.daofu_cdc, world.walker, world.doctor, world.kangding_cdc, world.stranger)

    assert [queries.open_to(one, AT).exists() for one in who] == [True] * 3 + [False] * 2
    assert [len(queries.cells_of(world.sweep, one, AT)) for one in who] == [2, 1, 2, 0, 0]
    assert [queries.households_open_to(one, AT).count() for one in who] == [2, 1, 2, 0, 0]
    assert [queries.findings_open_to(one, AT).exists() for one in who] == [True] * 3 + [False] * 2
    assert [queries.open_to_manage(one, AT).exists() for one in who] == [True] + [False] * 4
    assert people.open_to(world.doctor, AT).filter(pk=made.person_id).exists()
    assert not people.open_to(world.clinician, AT).filter(pk=made.person_id).exists()


# --- Pages ----------------------------------------------------------------------------------------


def url(name, *args):
    return reverse(f"surveillance:sweeps:{name}", args=args)


def text(answer):
    return answer.content.decode()


@pytest.fixture
def look(client):
    def look(user):
        client.force_login(user)
        client.cookies["django_language"] = "en"
        return client

    return look


def send(browser, path, key="k", **said):
    return browser.post(path, {"_key": key, **said})


def test_a_walker_goes_from_door_to_door(look, world):
    browser = look(world.walker)
    cell = url("doors", world.sweep.public_id, world.cell.public_id)
    assert "No doors are known" in text(browser.get(cell))
    assert send(browser, cell, doors="团结路1号\n团结路2号").status_code == 302
    one, two = Household.objects.order_by("pk")
    door = url("door", world.sweep.public_id, one.public_id)

    refused = send(browser, door, key="a", outcome="registered")
    assert (refused.status_code, "residents" in refused.context["form"].errors) == (422, True)
    done = send(browser, door, key="b", outcome="registered", residents="4")
    assert done.headers["Location"] == url("door", world.sweep.public_id, two.public_id)
    last = send(browser, done.headers["Location"], key="c", outcome="absent")
    assert last.headers["Location"] == cell
    page = text(browser.get(cell))
    assert "1 of 2 doors (50 %)" in page and "1 door left" in page

    of_door = url("ill", world.sweep.public_id, one.public_id)
    assert f"团结路1号 · {world.cell.display_name}" in text(browser.get(of_door))
    found = send(
        browser, of_door, key="d",
        name="罗布次仁", phone="", symptoms=["fever"], temperature="38.1",
    )  # fmt: skip
    assert found.status_code == 302
    shown = text(browser.get(world.sweep.get_absolute_url()))
    assert Finding.objects.get().get_absolute_url() in shown and "罗布次仁" not in shown
    other = url("doors", world.sweep.public_id, world.second.public_id)
    assert browser.get(other).status_code == 404


def test_the_next_day_a_walker_comes_back_to_the_doors_that_are_left(look, world, monkeypatch):
    absent, refused, empty, done = homes(world, 4)
    for home, outcome in ((absent, "absent"), (refused, "refused"), (empty, "empty")):
        at_door(world, home, outcome)
    monkeypatch.setattr(clock, "now", lambda: AT + DAY)
    browser = look(world.walker)

    way, here = [], str(done.public_id)
    left = {str(absent.public_id): "absent", str(refused.public_id): "refused"}
    for key in "abc":
        door = url("door", world.sweep.public_id, here)
        sent = send(browser, door, key=key, outcome="registered", residents="2")
        here = next((one for one in left if one in sent.headers["Location"]), "")
        way.append(left.get(here, "none left"))

    assert way == ["absent", "refused", "none left"]
    assert cover(world).done == 4


def test_of_a_large_cell_the_doors_that_are_left_are_shown(look, world, monkeypatch):
    monkeypatch.setattr(queries, "MOST_DOORS", 3)
    rows = homes(world, 6)
    for home in rows[:4]:
        at_door(world, home)
    at_door(world, rows[4], "absent")
    page = text(look(world.walker).get(url("doors", world.sweep.public_id, world.cell.public_id)))

    assert "2 doors left" in page and "Only the first 3 are shown" in page
    assert [one.household for one in queries.doors(world.sweep, world.cell, world.walker, AT)] == [
        rows[5], rows[4], rows[0],
    ]  # fmt: skip


def test_the_list_says_which_sweeps_run_today(look, world, monkeypatch):
    browser, said = look(world.daofu_cdc), []
    for days in (-2, 0, 7):
        monkeypatch.setattr(clock, "now", lambda days=days: AT + days * DAY)
        page = text(browser.get(reverse("surveillance:sweeps:index")))
        said += [one for one in ("has not begun", ">running<", "its days are over") if one in page]
    assert said == ["has not begun", ">running<", "its days are over"]
    actions.end(sweep=world.sweep, by=world.daofu_cdc, at=AT)
    browser.cookies["django_language"] = "zh-hans"
    page = text(browser.get(reverse("surveillance:sweeps:index"), {"state": "ended"}))
    assert page.count("已结束") >= 2 and "结束时间" not in page  # the filter and the row


def test_the_page_of_a_sweep_tells_its_denominator_and_draws_a_map(look, world):
    at_door(world, homes(world, 4)[0])
    browser = look(world.inspector)
    page = text(browser.get(world.sweep.get_absolute_url()))
    for said in ("1 of 4 doors (25 %)", "no doors known", "no borders on file", "no population"):
        assert said in page, said
    told = browser.get(url("coverage_map", world.sweep.public_id)).json()
    assert next((one["code"], one["value"]) for one in told["areas"]) == ("513326", 25.0)
    csv = b"".join(browser.get(url("coverage_csv", world.sweep.public_id)).streaming_content)
    assert "513326-G01" in csv.decode() and "团结路" not in csv.decode()
    assert (
        browser.post(url("doors", world.sweep.public_id, world.cell.public_id)).status_code == 405
    )
    assert browser.get(url("new")).status_code == 403
    assert look(world.kangding_cdc).get(world.sweep.get_absolute_url()).status_code == 404


def test_headquarters_sees_the_sweeps_that_run_on_the_map_by_county(look, world):
    first, second, _third = homes(world)
    at_door(world, first)
    at_door(world, second, "absent")
    days = {"first_date": TODAY, "last_date": TODAY, "by": world.daofu_cdc, "at": AT}
    actions.begin(title="又一次", cells=[world.second], **days)  # no door is known there
    over = actions.begin(title="已结束", cells=[world.cell], **days)
    actions.end(sweep=over, by=world.daofu_cdc, at=AT)
    assert queries.by_county(world.headquarters, AT) == {
        world.daofu.pk: (rules.Coverage(doors=3, seen=2, done=1), 2)
    }
    assert queries.by_county(world.kangding_cdc, AT) == {}

    browser = look(world.headquarters)
    page = text(browser.get(url("index")))
    assert "1 of 3 doors (33 %)" in page and "no sweep runs" in page
    told = json.loads(browser.get(url("running_map")).content)
    shares = {one["code"]: one["value"] for one in told["areas"]}
    assert (shares["513326"], shares["513301"]) == (33.3, None)
    assert "又一次" not in text(browser.get(url("index"), {"county": "513301"}))
    counties = "/api/v1/surveillance/sweeps/counties/"
    answer = browser.get(counties)
    assert answer.json() == [
        {"county": "513326", "name_zh": "道孚县", "sweeps": 2}
        | {"doors": 3, "seen": 2, "done": 1, "share": 33.3}
    ]
    known = {"If-None-Match": answer.headers["ETag"]}
    assert browser.get(counties, headers=known).status_code == 304
    browser = look(world.kangding_cdc)
    assert "1 of 3 doors" not in text(browser.get(url("index")))
    told = json.loads(browser.get(url("running_map")).content)
    assert {one["value"] for one in told["areas"]} == {None}
    assert browser.get(counties).json() == []
    assert look(world.stranger).get(counties).status_code == 403


def test_a_county_begins_and_ends_a_sweep_and_takes_a_door_away(look, world):
    browser = look(world.daofu_cdc)
    said = {"title": "第二轮", "first_date": "2020-02-05", "last_date": "2020-02-08"}
    wrong = send(browser, url("new"), **said)
    assert "cells" in wrong.context["form"].errors
    made = send(browser, url("new"), key="b", **said, cells=[str(world.cell.public_id)])
    sweep = Sweep.objects.get(title="第二轮")
    assert made.headers["Location"] == sweep.get_absolute_url()
    (home,) = homes(world, 1)
    assert send(browser, url("remove", sweep.public_id, home.public_id), key="c").status_code == 302
    assert not queries.households_open_to(world.daofu_cdc, AT).exists()
    assert send(browser, url("end", sweep.public_id), key="d").status_code == 302
    assert send(look(world.walker), url("end", world.sweep.public_id), key="e").status_code == 403


# --- For machines ---------------------------------------------------------------------------------


def test_a_machine_enters_doors_visits_and_findings(client, world):
    def ask(user, path, key, **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        where = f"/api/v1/surveillance/sweeps/{path}"
        return client.post(where, json.dumps(body), "application/json", headers=headers)

    def read(user, path):
        client.force_login(user)
        return client.get(f"/api/v1/surveillance/sweeps/{path}")

    here, cell = f"{world.sweep.public_id}/", str(world.cell.public_id)
    assert ask(world.walker, f"{here}doors/", "a", cell=cell, doors="一号\n二号").json() == {
        "new": 2
    }
    rows = read(world.walker, f"{here}cells/{cell}/").json()
    assert [(one["door"], one["outcome"]) for one in rows] == [("一号", ""), ("二号", "")]
    door = f"{here}doors/{rows[0]['id']}/"
    assert ask(world.walker, f"{door}visit/", "b", outcome="registered").status_code == 422
    visit = {"outcome": "registered", "residents": 2}
    assert ask(world.walker, f"{door}visit/", "c", **visit).json()["residents"] == 2
    found = ask(world.walker, f"{door}ill/", "d", name="罗布次仁", symptoms=["fever"])
    assert (found.status_code, "罗布次仁" in found.content.decode()) == (201, False)
    told = read(world.daofu_cdc, here).json()["cells"]
    assert [(one["doors"], one["done"], one["share"]) for one in told] == [
        (2, 1, 50.0),
        (0, 0, None),
    ]
    assert len(read(world.daofu_cdc, f"{here}findings/").json()["rows"]) == 1
    assert read(world.kangding_cdc, here).status_code == 404
    assert ask(world.kangding_cdc, f"{door}visit/", "e", **visit).status_code == 404
    assert ask(world.walker, f"{door}remove/", "f").status_code == 403
    assert ask(world.daofu_cdc, f"{door}remove/", "g").status_code == 204
    assert ask(world.daofu_cdc, f"{here}end/", "h").json()["ended_at"]
    assert ask(world.daofu_cdc, f"{here}end/", "i").status_code == 409
    foreign = {"title": "x", "first_date": "2020-02-05", "last_date": "2020-02-05"}
    assert ask(world.kangding_cdc, "", "j", **foreign, cells=[cell]).status_code == 404
    assert ask(world.daofu_cdc, "", "k", **foreign, cells=[cell]).status_code == 201


def test_the_search_over_everything_finds_a_sweep_by_its_title(world):
    def found(user):
        return {one.url for group in finders.find(user, AT, "返乡") for one in group.found}

    assert found(world.walker) == {world.sweep.get_absolute_url()}
    assert found(world.kangding_cdc) == set()


def test_a_share_is_told_in_words_with_both_numbers():
    assert figures.told(rules.Coverage(doors=4, done=1)).count("4") == 1
    assert figures.tone(rules.Coverage(doors=4, done=4)) == "good"
    assert figures.tone(rules.Coverage()) == "neutral"
