"""Figures that the program knows, sorted and filtered by the database."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import BigIntegerField, DateField

from fangkong.accounts.models import User
from fangkong.accounts.tests import factories
from fangkong.core.known import Figure, telling
from fangkong.core.pages import keyset

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def three():
    return [factories.user(f"user{n}") for n in range(3)]


def telling_of(three):
    one, two, _three = three
    return telling(
        User.objects.filter(pk__in=[user.pk for user in three]),
        {
            "n": Figure({one.pk: 2**40, two.pk: -1, 10**9: 5}, BigIntegerField(), 0),
            "day": Figure({one.pk: date(2020, 2, 7), two.pk: None}, DateField()),
        },
    )


def told(three, *order, **wanted):
    rows = telling_of(three).filter(**wanted).order_by(*order)
    return [(three.index(row), row.n, row.day) for row in rows]


def test_each_record_has_its_own_figure_and_others_have_none(three):
    assert told(three, "pk") == [(0, 2**40, date(2020, 2, 7)), (1, -1, None), (2, 0, None)]


def test_the_database_sorts_and_filters_by_it(three):
    assert [row[0] for row in told(three, "n")] == [1, 2, 0]
    assert [row[0] for row in told(three, "-n")] == [0, 2, 1]
    assert [row[0] for row in told(three, "pk", n__gte=0)] == [0, 2]
    assert [row[0] for row in told(three, "pk", day__lt=date(2020, 2, 8))] == [0]
    assert told(three, "pk", day__lt=date(2020, 2, 7)) == []


def test_where_nothing_is_known_all_have_the_other_figure(three):
    rows = telling(User.objects.filter(pk=three[0].pk), {"n": Figure({}, BigIntegerField(), 7)})
    assert [row.n for row in rows] == [7]
    assert rows.filter(n=7).count() == 1
    assert not rows.exclude(n=7).exists()


def test_figures_are_told_however_rows_are_read(three):
    rows = telling_of(three).order_by("pk")
    assert rows.get(pk=three[0].pk).n == rows.first().n == rows[0].n == 2**40
    assert [row.n for row in rows.iterator()] == [2**40, -1, 0]
    assert keyset.page(rows, path="n", descending=True, size=2).rows == [three[0], three[2]]


def test_the_database_hears_of_a_figure_only_where_it_is_asked_about(three):
    rows = telling_of(three)
    assert "json" not in str(rows.query)
    assert str(rows.order_by("n").query).count("json") == 1
