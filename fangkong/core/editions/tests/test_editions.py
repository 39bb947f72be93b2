"""What is kept in memory is current: a change counts at once, whoever makes it."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from fangkong.core.editions import queries as editions
from fangkong.core.tests.together import at_once
from fangkong.places import queries as places
from fangkong.places.models import Area, Facility
from fangkong.places.tests.factories import DAY, facility
from fangkong.places.tests.factories import world as areas

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def daofu():
    return areas()["513326"]


def named(text):
    return places.matcher(DAY).match(text).area


def test_what_is_kept_is_not_read_again(daofu, django_assert_num_queries):
    assert named("道孚县") == daofu

    with django_assert_num_queries(1):  # the mark
        assert named("道孚县") == daofu
    with editions.noting():
        named("道孚县")
        with django_assert_num_queries(0):
            assert named("道孚县") == daofu


def save(one):
    one.name_zh = "新县"
    one.save()


def update(one):
    Area.objects.filter(pk=one.pk).update(name_zh="新县")


def write_sql(one):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE places_area SET name_zh = '新县' WHERE id = %s", [one.pk])


@pytest.mark.parametrize("change", [save, update, write_sql])
def test_a_change_counts_at_once_however_it_is_made(daofu, change):
    assert named("新县") is None

    change(daofu)

    assert named("新县") == daofu


def test_within_a_request_its_own_change_counts(daofu):
    with editions.noting():
        assert named("新县") is None
        daofu.name_zh = "新县"
        daofu.save()
        assert named("新县") == daofu


def test_a_change_that_is_rolled_back_leaves_nothing(daofu):
    with transaction.atomic():
        Area.objects.filter(pk=daofu.pk).update(name_zh="新县")
        assert named("新县") == daofu
        transaction.set_rollback(True)

    assert named("新县") is None
    Area.objects.filter(pk=daofu.pk).update(name_zh="别县")
    assert named("新县") is None and named("别县") == daofu


def test_new_and_deleted_rows_count_too(daofu):
    made = facility(daofu, "道孚县人民医院")
    from fangkong.places import kept

    assert made.public_id in kept.facilities()
    Facility.objects.filter(pk=made.pk).delete()
    assert made.public_id not in kept.facilities()


@pytest.mark.django_db(transaction=True)
def test_a_change_by_another_connection_counts_in_this_one():
    daofu = areas()["513326"]
    assert named("新县") is None

    at_once(lambda _n: Area.objects.filter(pk=daofu.pk).update(name_zh="新县"), callers=1)

    assert named("新县") == daofu


def test_without_a_mark_nothing_is_kept(daofu):
    from fangkong.core.editions.models import Edition

    Edition.objects.all().delete()
    made = []
    for _ in range(2):
        editions.kept("places", "test", lambda: made.append(1))

    assert made == [1, 1]


def test_what_is_kept_does_not_pile_up(daofu):
    for number in range(3 * editions.MOST):
        editions.kept("places", ("test", number), lambda: None)

    assert len(editions._kept["places"]) == editions.MOST
