from __future__ import annotations

import json

import pytest
from django.urls import reverse

from fangkong.core.commands.states import version
from fangkong.tasks import actions
from fangkong.tasks.models import Task

from .factories import AT, assigned, key

pytestmark = pytest.mark.usefixtures("at_ten")


def url(name, task):
    return reverse(f"tasks:{name}", args=[task.public_id])


def test_the_board_shows_my_tasks_and_others_only_on_demand(client, daofu, kangding, headquarters):
    assigned(daofu, params={"text": "Visit Daofu"})
    client.force_login(headquarters)

    assert "Visit Daofu" not in client.get(reverse("tasks:index")).content.decode()
    assert "Visit Daofu" in client.get(reverse("tasks:index") + "?whose=all").content.decode()


def test_a_board_of_three_costs_as_many_queries_as_a_board_of_one(
    client, daofu, daofu_cdc, django_assert_max_num_queries
):
    client.force_login(daofu_cdc)
    page = reverse("tasks:index")
    assigned(daofu)
    client.get(page)
    with django_assert_max_num_queries(30) as one:
        client.get(page)
    assigned(daofu)
    assigned(daofu)
    with django_assert_max_num_queries(len(one)):
        assert client.get(page).status_code == 200


def test_a_task_is_finished_on_its_page_and_shows_its_proof(client, daofu, daofu_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)

    response = client.post(url("finish", task), {"proof": "已电话核实", "_key": key()}, follow=True)

    assert response.status_code == 200
    assert "已电话核实" in response.content.decode()


def test_a_proof_of_one_word_comes_back_with_the_form(client, daofu, daofu_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)
    response = client.post(url("finish", task), {"proof": "ok", "_key": key()})
    assert response.status_code == 422
    assert Task.objects.get().state == "open"


def test_a_form_sent_twice_finishes_once(client, daofu, daofu_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)
    sent = {"proof": "Called the hospital", "_key": key()}
    assert client.post(url("finish", task), sent).status_code == 302
    assert client.post(url("finish", task), sent).status_code == 302
    with_new_key = client.post(url("finish", task), {**sent, "_key": key()})
    assert with_new_key.status_code == 422


@pytest.mark.parametrize("name", ["detail", "accept", "finish", "cancel"])
def test_another_county_s_task_is_not_there(name, client, daofu, kangding_cdc):
    task = assigned(daofu)
    client.force_login(kangding_cdc)
    ask = client.get if name == "detail" else client.post
    assert ask(url(name, task), {"_key": key()}).status_code == 404


def test_the_auditor_reads_but_does_nothing(client, daofu, auditor):
    task = assigned(daofu)
    client.force_login(auditor)
    page = client.get(url("detail", task))
    assert page.status_code == 200
    assert url("finish", task) not in page.content.decode()
    assert client.post(url("finish", task), {"proof": "Called them"}).status_code == 403


def test_the_headquarters_gives_a_task_in_own_words(client, daofu, headquarters):
    client.force_login(headquarters)
    form = {
        "text": "Report the masks in stock",
        "area": str(daofu.public_id),
        "role": "county_cdc",
        "due_at": "2020-02-05T18:00",
        "priority": "3",
        "_key": key(),
    }
    assert client.get(reverse("tasks:new")).status_code == 200
    assert client.post(reverse("tasks:new"), form).status_code == 302
    task = Task.objects.get()
    assert (task.title, task.area, task.due_at.hour) == ("Report the masks in stock", daofu, 10)


def test_a_task_due_in_the_past_is_refused_beside_the_field(client, daofu, headquarters):
    client.force_login(headquarters)
    form = {
        "text": "Report the masks in stock",
        "area": str(daofu.public_id),
        "role": "county_cdc",
        "due_at": "2020-02-05T09:00",
        "priority": "3",
        "_key": key(),
    }
    assert client.post(reverse("tasks:new"), form).status_code == 422
    assert not Task.objects.exists()


def test_the_headquarters_gives_a_task_to_another_county(client, daofu, kangding, headquarters):
    task = assigned(daofu)
    client.force_login(headquarters)
    assert client.get(url("reassign", task)).status_code == 200
    form = {"area": str(kangding.public_id), "role": "county_cdc", "reason": "It lies there"}
    form["_seen"] = version(task)
    assert client.post(url("reassign", task), {**form, "_key": key()}).status_code == 302
    assert Task.objects.get().area == kangding


def test_machines_list_accept_and_finish(client, daofu, daofu_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)
    (row,) = client.get("/api/v1/tasks/").json()["rows"]
    assert (row["id"], row["due_state"]) == (str(task.public_id), "ok")

    done = client.post(
        f"/api/v1/tasks/{task.public_id}/finish/",
        {"proof": "Called the hospital"},
        content_type="application/json",
        headers={"Idempotency-Key": key()},
    )

    assert done.status_code == 200
    assert done.json()["state"] == "done"
    assert client.get("/api/v1/tasks/").json()["rows"] == []


def test_machines_of_another_county_get_404_and_nothing_without_a_key(
    client, daofu, daofu_cdc, kangding_cdc
):
    task = assigned(daofu)
    address = f"/api/v1/tasks/{task.public_id}/accept/"
    client.force_login(kangding_cdc)
    assert client.post(address, headers={"Idempotency-Key": key()}).status_code == 404
    client.force_login(daofu_cdc)
    assert client.post(address).status_code == 400


def test_a_late_task_shows_that_it_is_late_and_where_it_climbed(client, daofu, headquarters):
    task = assigned(daofu)
    actions.escalate_overdue(AT.replace(hour=12))
    client.force_login(headquarters)
    assert "甘孜" in client.get(url("detail", task)).content.decode()


@pytest.mark.parametrize("proof", ["called them \ud800", "called them \x00", "called them " * 200])
def test_a_proof_that_the_page_would_refuse_is_refused_to_machines(client, daofu, daofu_cdc, proof):
    task = assigned(daofu)
    client.force_login(daofu_cdc)
    response = client.post(
        f"/api/v1/tasks/{task.public_id}/finish/",
        json.dumps({"proof": proof}),
        "application/json",
        headers={"Idempotency-Key": key()},
    )
    assert response.status_code == 422
    assert Task.objects.get().state == "open"


def test_who_finishes_after_a_colleague_reads_that_the_task_is_closed(client, daofu, daofu_cdc):
    task = assigned(daofu)
    actions.finish(task=task, proof="已电话核实", by=daofu_cdc, at=AT)
    client.force_login(daofu_cdc)

    late = client.post(
        url("finish", task),
        {"proof": "也电话核实了", "_key": key()},
        headers={"Accept-Language": "en"},
    )

    assert late.status_code == 422
    assert "This task is already closed" in late.content.decode()
