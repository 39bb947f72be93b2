"""The end of a task on a day on which offices rest: said, never refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.urls import reverse
from django.utils import translation

from fangkong.core import clock
from fangkong.tasks import queries
from fangkong.tasks.models import Task

from .factories import assigned, key

pytestmark = pytest.mark.usefixtures("at_ten")


@pytest.fixture(autouse=True)
def _language_of_others() -> Iterator[None]:
    """What a page is asked in here, the tests after these do not inherit."""
    yield
    translation.deactivate()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.zone())


@pytest.mark.parametrize(
    ("due", "name", "instead"),
    [
        ("2020-02-08T16:00", "", "2020-02-10T16:00"),  # a weekend
        ("2020-04-04T09:30", "Qingming", "2020-04-07T09:30"),
        ("2020-05-02T00:00", "Labour Day", "2020-05-06T00:00"),
        ("2020-10-08T23:59", "National Day and Mid-Autumn", "2020-10-09T23:59"),
    ],
)
def test_a_day_off_is_named_with_the_next_working_day_at_the_same_hour(daofu, due, name, instead):
    with translation.override("en"):
        found = queries.day_off(assigned(daofu, due_at=moment(due)))

    assert found is not None
    assert (found.name, found.instead) == (name, moment(instead))


@pytest.mark.parametrize("due", ["2020-02-06T16:00", "2020-04-26T16:00"])  # a Sunday made up for
def test_a_working_day_is_nothing_to_speak_of(daofu, due):
    assert queries.day_off(assigned(daofu, due_at=moment(due))) is None


def test_the_clocks_of_the_law_run_on_holidays(daofu):
    task = assigned(daofu, due_at=moment("2020-05-02T12:00"))
    task.kind = "surveillance.monitoring.report"  # no office gives it by hand

    assert queries.day_off(task) is None


@pytest.mark.parametrize(
    ("language", "warned", "hint", "link"),
    [
        ("en", "falls on a day off", "A day off (Labour Day).", "Move the end there"),
        ("zh-hans", "完成时限落在休息日", "休息日（劳动节）。", "改到该日"),
    ],
)
def test_a_task_for_a_holiday_is_given_and_the_end_can_be_moved(
    client, headquarters, daofu, language, warned, hint, link
):
    client.force_login(headquarters)
    client.cookies["django_language"] = language
    sent = {
        "text": "Visit the ward",
        "area": str(daofu.public_id),
        "role": "county_cdc",
        "due_at": "2020-05-02T16:00",
        "priority": "1",
        "_key": key(),
    }

    page = client.post(reverse("tasks:new"), sent, follow=True).content.decode()

    task = Task.objects.get()
    assert task.due_at == moment("2020-05-02T16:00")  # kept as it was said
    assert warned in page and hint in page and link in page
    address = reverse("tasks:reassign", args=[task.public_id])
    offered = client.get(f"{address}?next_working_day").content.decode()
    assert 'value="2020-05-06T16:00"' in offered
    assert 'value="2020-05-06' not in client.get(address).content.decode()


def test_whoever_may_not_move_it_reads_the_day_only(client, daofu, daofu_cdc):
    task = assigned(daofu, due_at=moment("2020-05-02T16:00"))
    client.force_login(daofu_cdc)
    client.cookies["django_language"] = "en"

    page = client.get(task.get_absolute_url()).content.decode()

    assert "A day off (Labour Day)." in page and "Move the end there" not in page
