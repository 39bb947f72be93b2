"""What a list page costs: a handful of statements, whatever it shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.web import menu

pytestmark = pytest.mark.django_db

AT_MOST = 5  # session, user, appointments, rows, and one for what a page has of its own


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "address",
    [
        "/surveillance/monitoring/",
        "/surveillance/warning/",
        "/tasks/",
        "/people/",
        "/places/facilities/",
    ],
)
def test_a_list_page_sends_at_most_five_statements_and_counts_no_rows(
    look, headquarters, address, django_assert_max_num_queries
):
    look(headquarters, address)
    with django_assert_max_num_queries(AT_MOST) as caught:
        assert look(None, address).status_code == 200
    assert not any("COUNT(*)" in query["sql"] for query in caught.captured_queries)


@pytest.mark.both_databases
def test_one_row_and_three_rows_cost_the_same(look, administrator, django_assert_max_num_queries):
    counts = []
    for made in (1, 2):
        for n in range(made):
            Job.objects.create(name="x", subject_id=made * 10 + n, asked_at=AT + timedelta(n))
        look(administrator, "/jobs/")
        with django_assert_max_num_queries(AT_MOST) as caught:
            answer = look(None, "/jobs/")
        counts.append((len(caught.captured_queries), answer.content.count(b"<tr>")))

    assert counts[0][0] == counts[1][0]
    assert [rows for _statements, rows in counts] == [2, 4]  # one of them is the head


@pytest.mark.both_databases
def test_the_list_of_staff_costs_the_same_for_one_appointment_and_for_four(
    look, administrator, areas, django_assert_max_num_queries
):
    counts = []
    for round_, codes in enumerate((["513326"], ["513300", "513200", "513326"])):
        for code in codes:
            staff(Role.COUNTY_CDC, area=areas[code], username=f"cdc-{round_}-{code}")
        look(administrator, "/accounts/staff/")
        with django_assert_max_num_queries(AT_MOST) as caught:
            answer = look(None, "/accounts/staff/")
        assert not any("COUNT(*)" in query["sql"] for query in caught.captured_queries)
        counts.append((len(caught.captured_queries), answer.content.count(b"cdc-")))

    assert counts[0][0] == counts[1][0]
    assert counts[0][1] < counts[1][1]


def test_the_numbers_of_the_menu_are_those_counted_last(look, administrator):
    Job.objects.create(name="x", subject_id=1, asked_at=AT, state=Job.State.FAILED)

    assert menu.counted_badges(administrator) == {}
    assert look(administrator, "/badges.json").json() == {
        "core:notices:index": 0,
        "tasks:index": 0,
        "jobs": 1,
    }
    page = look(administrator, "/").content.decode()
    assert 'data-badge="jobs">1<' in page
    assert 'data-badge="tasks:index" hidden>0<' in page


def test_a_user_gets_no_number_of_pages_that_are_not_open(look, auditor):
    assert "jobs" not in look(auditor, "/badges.json").json()
