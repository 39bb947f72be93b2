"""Figures that the program knows, sorted and filtered by the database."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import BigIntegerField, DateField

from fangkong.accounts.models import User
from fangkong.accounts.tests import factories
from fangkong.core.known import known

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def three():
    return [factories.user(f"user{n}") for n in range(3)]


def told(three, *order, **wanted):
    one, two, _three = three
    rows = User.objects.filter(pk__in=[user.pk for user in three]).annotate(
        n=known({one.pk: 2**40, two.pk: -1, 10**9: 5}, BigIntegerField(), 0),
        day=known({one.pk: date(2020, 2, 7), two.pk: None}, DateField()),
    )
    return [(three.index(row), row.n, row.day) for row in rows.filter(**wanted).order_by(*order)]


def test_each_record_has_its_own_figure_and_others_have_none(three):
    assert told(three, "pk") == [(0, 2**40, date(2020, 2, 7)), (1, -1, None), (2, 0, None)]


def test_the_database_sorts_and_filters_by_it(three):
    assert [row[0] for row in told(three, "n")] == [1, 2, 0]
    assert [row[0] for row in told(three, "-n")] == [0, 2, 1]
    assert [row[0] for row in told(three, "pk", n__gte=0)] == [0, 2]
    assert [row[0] for row in told(three, "pk", day__lt=date(2020, 2, 8))] == [0]
    assert told(three, "pk", day__lt=date(2020, 2, 7)) == []


def test_where_nothing_is_known_all_have_the_other_figure(three):
    rows = User.objects.filter(pk=three[0].pk).annotate(n=known({}, BigIntegerField(), 7))
    assert [row.n for row in rows] == [7]
    assert rows.filter(n=7).count() == 1
