"""A program works on the tasks of its user's office, no more and no less than its user does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from fangkong.core.tokens import actions as tokens

from .factories import AT, assigned, key

TASKS = "/api/v1/tasks/"


def program(user, *permissions, may_write=True):
    made = tokens.make(
        user=user, label="desk", permissions=list(permissions), may_write=may_write,
        expires_at=AT + timedelta(days=1), by=user, at=AT,
    )  # fmt: skip
    return Client(headers={"authorization": f"Bearer {made.secret}"})


def listed(client):
    return [row["id"] for row in client.get(TASKS).json()["rows"]]


def accept(client, task):
    return client.post(f"{TASKS}{task.public_id}/accept/", headers={"Idempotency-Key": key()})


@pytest.mark.usefixtures("at_ten")
def test_a_program_sees_and_accepts_the_tasks_of_its_users_office(daofu, daofu_cdc):
    task = assigned(daofu)
    client = program(daofu_cdc, "tasks.view", "tasks.work")

    assert listed(client) == [str(task.public_id)]
    assert accept(client, task).status_code == 200
    task.refresh_from_db()
    assert task.state == "accepted" and task.owner == daofu_cdc


@pytest.mark.usefixtures("at_ten")
def test_a_program_of_another_county_finds_nothing_to_do(daofu, kangding_cdc):
    task = assigned(daofu)
    client = program(kangding_cdc, "tasks.view", "tasks.work")

    assert listed(client) == []
    told = accept(client, task)  # what the token was made without, whether there is a task or not
    assert told.status_code == 403
    assert "tasks.oversee" in told.json()["detail"]
    client = program(kangding_cdc, "tasks.view", "tasks.work", "tasks.oversee")
    assert accept(client, task).status_code == 404


@pytest.mark.usefixtures("at_ten")
def test_a_program_that_was_given_to_look_does_not_work(daofu, daofu_cdc):
    task = assigned(daofu)
    client = program(daofu_cdc, "tasks.view")

    assert listed(client) == [str(task.public_id)]
    assert accept(client, task).status_code == 403


@pytest.mark.usefixtures("at_ten")
def test_a_program_that_was_given_nothing_of_tasks_sees_none(daofu, daofu_cdc):
    assigned(daofu)
    assert program(daofu_cdc, "places.view").get(TASKS).status_code == 403


@pytest.mark.usefixtures("at_ten")
def test_what_climbed_to_the_headquarters_is_theirs_by_program_too(daofu, headquarters):
    task = assigned(daofu)
    type(task).objects.filter(pk=task.pk).update(escalated_to=headquarters.appointments.get().area)

    assert listed(program(headquarters, "tasks.view")) == [str(task.public_id)]
