"""Reviews that are overdue become tasks of the county, climb, and end by the review."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import translation

from fangkong.core import clock
from fangkong.surveillance.monitoring import actions, jobs, queries, reminding
from fangkong.tasks import actions as tasks
from fangkong.tasks import queries as desk
from fangkong.tasks.models import Task

from .factories import AT, ZONE, case, facts, id_number, person

HOUR = timedelta(hours=1)
NOBODY = "01900000-0000-7000-8000-000000000000"
INFLUENZA = {"condition": "influenza", "severity": "", "case_class": "confirmed"}


def given(user, at: datetime) -> list[Task]:
    return list(desk.mine(user, at))


def reviewed(one, world, at, *, accept: bool = True, reason: str = "") -> None:
    actions.review(case=one, card=1, accept=accept, reason=reason, by=world.daofu_cdc, at=at)


def test_an_overdue_review_of_a_dangerous_disease_is_a_task_told_once_that_climbs(world):
    covid = case(world)
    assert covid.review_due_at == AT + 2 * HOUR

    jobs.remind(AT + 2 * HOUR)  # due to the minute is in time
    assert given(world.daofu_cdc, AT + 2 * HOUR) == []

    late = AT + 2 * HOUR + timedelta(minutes=5)
    jobs.remind(late)
    jobs.remind(late + timedelta(minutes=5))  # the same card again is not told again
    (task,) = given(world.daofu_cdc, late)
    assert task.due_at == late + 2 * HOUR  # the hours of the pack
    assert task.get_absolute_url() and task.source_url == covid.get_absolute_url()
    with translation.override("en"):
        assert covid.number in task.title and "COVID" in task.title
    assert given(world.kangding_cdc, late) == []  # it is not theirs
    assert given(world.clinician, late) == [] and given(world.headquarters, late) == []

    later = late + 3 * HOUR
    tasks.escalate_overdue(later)
    assert given(world.headquarters, later) == [task]  # the prefecture sees it now

    reviewed(covid, world, later)
    task.refresh_from_db()
    assert task.state == Task.State.DONE and task.done_by == world.daofu_cdc
    assert given(world.headquarters, later) == []
    jobs.remind(later + HOUR)
    assert Task.objects.count() == 1


def test_other_cards_of_a_county_are_one_task_until_the_last_is_reviewed(world):
    first, second = case(world, 1, **INFLUENZA), case(world, 2, **INFLUENZA)
    late = AT + 25 * HOUR
    jobs.remind(late)

    (task,) = given(world.daofu_cdc, late)
    assert task.due_at == late + 24 * HOUR and task.params["count"] == 2
    assert task.params["since"] == "2020-02-06 10:00"
    assert task.source_url.endswith(f"/overdue/{world.daofu.public_id}/")

    reviewed(first, world, late)
    task.refresh_from_db()
    assert task.state == Task.State.OPEN  # one more waits
    reviewed(
        second, world, late, accept=False, reason="身份证号码与姓名不符"
    )  # a return is a review
    task.refresh_from_db()
    assert task.state == Task.State.DONE
    jobs.remind(late + HOUR)
    kinds = {one.kind for one in given(world.daofu_cdc, late + HOUR)}
    assert "surveillance.monitoring.late_reviews" not in kinds


def test_what_somebody_closed_by_hand_is_told_again_only_for_further_cards(world):
    case(world, 1, **INFLUENZA)
    late = AT + 25 * HOUR
    jobs.remind(late)
    (task,) = given(world.daofu_cdc, late)
    tasks.finish(task=task, proof="已请值班同事今晚处理", by=world.daofu_cdc, at=late)

    jobs.remind(late + HOUR)
    assert given(world.daofu_cdc, late + HOUR) == []

    case(world, 2, at=late + HOUR, **INFLUENZA)
    again = late + 26 * HOUR
    jobs.remind(again)
    (anew,) = given(world.daofu_cdc, again)
    assert anew.params["count"] == 2  # whoever still waits is counted too


def test_a_revised_card_begins_its_review_anew_and_is_late_anew(world):
    covid = case(world)
    late = AT + 3 * HOUR
    jobs.remind(late)
    (task,) = given(world.daofu_cdc, late)

    said = facts(severity="severe")
    actions.revise(case=covid, facts=said, reason="病情加重", by=world.clinician, at=late)
    task.refresh_from_db()
    assert task.state == Task.State.DONE
    jobs.remind(late + HOUR)
    assert given(world.daofu_cdc, late + HOUR) == []

    jobs.remind(late + 3 * HOUR)
    (anew,) = given(world.daofu_cdc, late + 3 * HOUR)
    assert anew.pk != task.pk


def test_reminders_that_nobody_needs_any_more_end_by_themselves(world):
    covid, flu = case(world, 1), case(world, 2, **INFLUENZA)
    late = AT + 25 * HOUR
    jobs.remind(late)
    assert len(given(world.daofu_cdc, late)) == 2
    for one in (covid, flu):  # as two reviews at one moment may leave it
        type(one).objects.filter(pk=one.pk).update(review_state="accepted", reviewed_at=late)

    jobs.remind(late + HOUR)

    assert given(world.daofu_cdc, late + HOUR) == []
    assert set(Task.objects.values_list("state", flat=True)) == {"done"}


def test_a_flood_of_cards_gives_some_tasks_and_one_for_the_rest(world, monkeypatch):
    monkeypatch.setattr(reminding, "EACH_AT_MOST", 2)
    for n in range(1, 5):
        case(world, n)
    late = AT + 3 * HOUR
    jobs.remind(late)
    jobs.remind(late + HOUR)

    kinds = sorted(one.kind for one in given(world.daofu_cdc, late))
    assert kinds == ["surveillance.monitoring.late_review"] * 2 + [
        "surveillance.monitoring.late_reviews"
    ]
    (rest,) = [one for one in given(world.daofu_cdc, late) if one.kind.endswith("reviews")]
    assert rest.params["count"] == 2


def test_one_county_that_cannot_be_told_stops_no_other(world, monkeypatch, caplog):
    case(world)
    actions.report(
        person=person(9),
        case=facts(),
        facility=world.other_hospital,
        area=world.kangding,
        by=world.kangding_cdc,
        at=AT,
    )
    late = AT + 3 * HOUR
    true = queries.late_reviews

    def broken(county, at):
        if county == world.kangding:
            raise RuntimeError
        return true(county, at)

    monkeypatch.setattr(queries, "late_reviews", broken)
    jobs.remind(late)

    assert len(given(world.daofu_cdc, late)) == 1 and given(world.kangding_cdc, late) == []
    assert "county not reminded" in caplog.text
    assert id_number(9) not in caplog.text


def test_the_task_of_a_county_leads_to_its_overdue_cards(world, client, monkeypatch):
    late, fresh = case(world, 1), case(world, 2, at=AT + 2 * HOUR)
    monkeypatch.setattr(clock, "now", lambda: AT + 3 * HOUR)
    address = f"/surveillance/monitoring/overdue/{world.daofu.public_id}/"
    for who in (world.daofu_cdc, world.clinician, world.headquarters):
        client.force_login(who)
        text = client.get(address).content.decode()
        assert late.number in text and fresh.number not in text
    client.force_login(world.kangding_cdc)
    assert client.get(address).status_code == 404
    client.force_login(world.headquarters)
    assert client.get(address.replace(str(world.daofu.public_id), NOBODY)).status_code == 404
    there = client.get(f"/surveillance/monitoring/overdue/{world.kangding.public_id}/")
    assert there.status_code == 200 and late.number not in there.content.decode()


def test_a_laboratory_and_a_stranger_do_not_get_there(world, client):
    address = f"/surveillance/monitoring/overdue/{world.daofu.public_id}/"
    assert client.get(address).status_code == 302  # to the sign-in
    client.force_login(world.laboratory)
    assert client.get(address).status_code == 403


def test_a_machine_asks_for_overdue_reviews_alone(world, client, monkeypatch):
    late, fresh = case(world, 1), case(world, 2, at=AT + 2 * HOUR)
    now = datetime(2020, 2, 5, 13, tzinfo=ZONE)
    monkeypatch.setattr(clock, "now", lambda: now)
    client.force_login(world.daofu_cdc)

    found = client.get("/api/v1/surveillance/monitoring/cases/?clock=overdue").json()
    assert [one["number"] for one in found["rows"]] == [late.number]
    every = client.get("/api/v1/surveillance/monitoring/cases/").json()
    assert {one["number"] for one in every["rows"]} == {late.number, fresh.number}
    wrong = client.get("/api/v1/surveillance/monitoring/cases/?clock=never")
    assert wrong.status_code == 422
