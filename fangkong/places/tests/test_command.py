from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from fangkong.core.audit.models import AuditLine
from fangkong.places import actions, queries
from fangkong.places.management.commands import places
from fangkong.places.models import Area, Facility, Population
from fangkong.places.tests.factories import DAY
from fangkong.places.types import FacilityFacts


def test_the_files_of_the_product_are_right():
    assert list(places.faults(places.read())) == []


def test_the_counties_of_2010_sum_to_the_official_total():
    rows = [row for row in places.read().populations if row["year"] == "2010"]
    counties = sum(int(row["people"]) for row in rows if row["code"] != "513300")

    assert (
        counties == 1_091_872 == int(next(row["people"] for row in rows if row["code"] == "513300"))
    )


def test_every_fault_of_a_file_is_named():
    tables = places.read()
    tables.areas[5]["code"] = "5103"
    tables.areas[9]["parent"] = "990000"
    tables.populations[0]["code"] = "999999"
    tables.aliases[0]["kind"] = "nickname"
    tables.facilities[0]["sources"] = "hearsay"

    found = "\n".join(places.faults(tables))

    for text in ("5103 is no code", "parent 990000", "no area 999999", "nickname", "[hearsay]"):
        assert text in found


def test_the_directory_loads_and_a_second_time_changes_nothing(db):
    cache.clear()
    out = StringIO()
    call_command("places", stdout=out)
    lines = AuditLine.objects.count()
    call_command("places", stdout=out)

    assert "42 areas" in out.getvalue()
    assert AuditLine.objects.count() == lines
    assert len(queries.counties_of_home(DAY)) == 18
    assert queries.match("四川省甘孜州道孚县…", DAY).area.code == "513326"
    assert queries.match("Dawu", DAY).area.code == "513326"
    assert queries.match("康定县", DAY).area.code == "513301"
    assert {a.code for a in queries.match("甘孜", DAY).candidates} == {"513300", "513328"}
    assert queries.area("513321", DAY).code == "513301"
    assert not Population.objects.filter(source_zh="").exists()


def test_a_second_load_leaves_alone_what_staff_corrected(db):
    call_command("places", stdout=StringIO())
    one = Facility.objects.get(name_zh="道孚县人民医院")
    facts = FacilityFacts(name_zh=one.name_zh, kind=one.kind, area_id=one.area_id, capacity_beds=40)
    actions.change_facility(facility=one, facts=facts, by=None, at=one.created_at)
    call_command("places", stdout=StringIO())

    assert Facility.objects.get(pk=one.pk).capacity_beds == 40


@pytest.mark.parametrize(
    ("served", "facilities"),
    [("513300", 42), ("513326", 42), ("510000", 42), ("513200", 0), ("990100", 0)],
)
def test_facilities_come_for_the_district_that_is_served_and_for_no_other(served, facilities):
    assert len(places.of_district(places.read(), served)) == facilities


def test_a_foreign_prefecture_gets_areas_but_no_facility(db, settings):
    settings.FANGKONG_AREA = "513200"
    out = StringIO()
    call_command("places", stdout=out)

    assert "42 areas, 0 facilities" in out.getvalue()
    assert not Facility.objects.exists()


def test_before_a_prefecture_is_chosen_no_facility_comes(db):
    call_command("places", areas_only=True, stdout=StringIO())

    assert Area.objects.exists()
    assert not Facility.objects.exists()


def test_a_check_writes_nothing(db):
    out = StringIO()

    call_command("places", "--check", stdout=out)

    assert "right" in out.getvalue()
    assert not Area.objects.exists()


def test_wrong_files_are_said_and_nothing_is_loaded(db, monkeypatch):
    tables = places.read()
    tables.areas[5]["code"] = "5103"
    monkeypatch.setattr(places, "read", lambda: tables)

    with pytest.raises(CommandError, match="5103"):
        call_command("places")
    assert not Area.objects.exists()
