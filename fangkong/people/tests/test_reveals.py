"""The auditor sees who has had how many persons' full data shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from fangkong.core.roles import Role
from fangkong.people import actions, queries

from .factories import AT, NAME, person, staff

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def auditor(areas):
    return staff(Role.AUDITOR, areas["513300"])


@pytest.fixture
def shown(patient, areas, daofu):
    other = person(areas["513326"], name="王五", documents=[], phones=[])
    asked = {"reason": "密接追踪", "fields": ["name"], "by": daofu}
    for one, days in ((patient, 0), (patient, 0), (other, 3), (other, 20), (patient, 40)):
        actions.reveal(person=one, at=AT - timedelta(days=days), **asked)


def test_persons_are_counted_once_in_a_day_a_week_and_thirty_days(shown, auditor, daofu):
    (row,) = queries.revealers(auditor, AT)

    assert (row.user, row.day, row.week, row.month, row.last_at) == (daofu, 1, 2, 2, AT)


def test_the_page_names_staff_and_no_person(client, shown, auditor):
    client.force_login(auditor)

    page = client.get(reverse("people:reveals"))

    assert page.status_code == 200
    assert "513326" in page.content.decode() and NAME not in page.content.decode()


def test_who_is_no_auditor_does_not_see_it(client, shown, daofu):
    client.force_login(daofu)

    assert client.get(reverse("people:reveals")).status_code == 403
    assert queries.revealers(daofu, AT) == []


def test_it_takes_as_many_statements_for_one_as_for_three(
    shown, auditor, patient, areas, django_assert_num_queries
):
    queries.revealers(auditor, AT)  # appointments are fetched once
    with django_assert_num_queries(2):
        queries.revealers(auditor, AT)
    for n in range(2):
        more = staff(Role.COUNTY_CDC, areas["513326"], name=f"more{n}")
        actions.reveal(person=patient, reason="密接追踪", fields=["name"], by=more, at=AT)
    with django_assert_num_queries(2):
        assert len(queries.revealers(auditor, AT)) == 3
