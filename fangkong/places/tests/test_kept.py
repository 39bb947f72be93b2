"""Places kept in memory belong to all requests: nobody can write to one."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.db.models import prefetch_related_objects

from fangkong.core.editions import queries as editions
from fangkong.core.shared import SharedByAll
from fangkong.places import kept, queries
from fangkong.places.models import Area, Facility
from fangkong.places.tests.factories import DAY, facility, world

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def daofu():
    return world()["513326"]


@pytest.fixture
def one(daofu):
    """The area as every request is given it."""
    return kept.areas()[daofu.pk]


@pytest.mark.parametrize(
    "write",
    [
        lambda area: setattr(area, "name_zh", "新县"),
        lambda area: setattr(area, "open_tasks", 7),  # what a page would like to note on it
        lambda area: setattr(area, "county", None),
        lambda area: delattr(area, "code"),
        lambda area: area.refresh_from_db(),
        lambda area: area.save(),
        lambda area: area.delete(),
        lambda area: setattr(area.county, "name_zh", "新县"),
        lambda area: prefetch_related_objects([area], "aliases"),  # which notes them on it
    ],
    ids=["field", "note", "relation", "away", "anew", "save", "delete", "county", "prefetch"],
)
def test_a_write_to_a_shared_place_is_an_error_and_changes_nothing(one, write):
    before = {**one.__dict__}
    with pytest.raises(SharedByAll, match=r"copy\.copy"):
        write(one)

    assert kept.areas()[one.pk] is one
    assert one.__dict__ == before
    assert Area.objects.get(pk=one.pk).name_zh == "道孚县"


def test_whatever_hands_out_shared_places_hands_out_such(daofu):
    hospital = facility(daofu, "道孚县人民医院")
    with editions.noting():
        kept.areas()  # the mark is known from here on
        found = [
            queries.area_of(daofu.pk),
            queries.match("道孚县", DAY).area,
            *queries.counties_of_home(DAY),
            kept.facilities()[hospital.public_id],
            kept.facilities()[hospital.public_id].area,
        ]
    for each in found:
        with pytest.raises(SharedByAll):
            each.name_zh = "新"
    for every in (kept.areas(), kept.facilities()):
        with pytest.raises(TypeError):
            every["another"] = None


@pytest.mark.parametrize("own", [copy.copy, lambda area: pickle.loads(pickle.dumps(area))])  # ours
def test_a_copy_and_a_row_read_anew_are_ones_own(one, own):
    mine = own(one)
    mine.name_zh = "新县"
    anew = Area.objects.get(pk=one.pk)
    anew.short_zh = "新"
    anew.save()

    assert one.name_zh == "道孚县"
    assert kept.areas()[one.pk].short_zh == "新"
    assert mine == one


def test_lists_of_the_database_are_written_as_ever(daofu):
    hospital = facility(daofu, "道孚县人民医院")
    row = Facility.objects.get(pk=hospital.pk)
    row.capacity_beds = 80
    row.save()
    assert kept.facilities()[hospital.public_id].capacity_beds == 80
