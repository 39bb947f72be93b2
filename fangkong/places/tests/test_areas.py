from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.utils.translation import override

from fangkong.core.audit.models import AuditLine
from fangkong.core.permissions import NOWHERE, Scope
from fangkong.places import actions, queries
from fangkong.places.models import Area
from fangkong.places.tests.factories import AT, DAY, Staff, area
from fangkong.places.types import AreaFacts


def test_the_home_area_and_what_it_lies_in_reach_everything(areas, django_assert_num_queries):
    with django_assert_num_queries(0):
        for code in ("000000", "510000", "513300"):
            assert areas[code].reach() == Scope(everywhere=True)


def test_a_county_reaches_itself_and_no_other(areas, django_assert_num_queries):
    with django_assert_num_queries(0):
        scope = areas["513326"].reach()

    assert scope.holds(county_id=areas["513326"].pk)
    assert not scope.holds(county_id=areas["513301"].pk)


def test_a_prefecture_elsewhere_reaches_its_counties(areas, django_assert_num_queries):
    with django_assert_num_queries(1):
        scope = areas["513200"].reach()
        assert areas["513200"].reach() is scope

    assert scope == Scope(county_ids=frozenset({areas["513221"].pk}))


def test_a_township_reaches_itself_and_its_cells(areas, django_assert_num_queries):
    with django_assert_num_queries(1):
        scope = areas["513326100"].reach()

    assert scope.area_ids == {areas["513326100"].pk, areas["513326-G01"].pk}
    assert not scope.county_ids


def test_a_deployment_for_one_county_gives_its_prefecture_everything(areas, settings):
    settings.FANGKONG_AREA = "513326"

    assert areas["513326"].reach().everywhere
    assert areas["513300"].reach().everywhere
    assert not areas["513301"].reach().everywhere


def test_every_area_knows_its_county(areas):
    assert areas["513326-G01"].county == areas["513326"]
    assert areas["513326"].county == areas["513326"]
    assert areas["513300"].county is None


def test_a_moved_area_takes_its_own_along(areas):
    old = areas["513326100"]
    moved = area("513326100", areas["513301"])

    assert moved.pk == old.pk
    cell = Area.objects.get(code="513326-G01")
    assert cell.county == areas["513301"]
    assert cell.path.startswith(moved.path)
    assert list(areas["513326"].descendants()) == []


def test_the_same_facts_again_write_nothing(areas):
    lines = AuditLine.objects.count()

    area("513326", areas["513300"])

    assert AuditLine.objects.count() == lines
    assert Area.objects.filter(code="513326").count() == 1


def test_new_facts_are_written_with_what_they_change(areas):
    area("513326", areas["513300"], area_km2=6921)

    line = AuditLine.objects.latest("pk")
    assert line.action == "places.change_area"
    assert line.detail == {"area_km2": [None, 6921]}


def test_a_code_that_does_not_fit_its_level_is_refused(areas):
    facts = AreaFacts(code="51332", level="county", name_zh="某县", valid_from=DAY)

    with pytest.raises(actions.WrongCode, match="51332"):
        actions.put_area(facts=facts, by=None, at=AT)
    assert not Area.objects.filter(name_zh="某县").exists()


def test_an_area_cannot_end_before_it_starts(areas):
    with pytest.raises(actions.WrongDays):
        area("513327", areas["513300"], valid_to=date(1980, 1, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Area.objects.filter(code="513326").update(valid_to=date(1980, 1, 1))


@pytest.fixture
def kangding(areas):
    old = area("513321", areas["513300"], name_zh="康定县", valid_to=date(2014, 12, 31))
    actions.link_succession(before=old, after=areas["513301"], on=date(2015, 1, 1), by=None, at=AT)
    return old


def test_an_old_code_leads_to_the_area_of_the_day(areas, kangding):
    assert queries.area("513321", DAY) == areas["513301"]
    assert queries.current_code("513321", DAY) == "513301"
    assert queries.area("513321", date(2010, 1, 1)) == kangding
    assert queries.area("513301", date(2010, 1, 1)) == kangding


def test_a_code_that_nobody_gave_leads_nowhere(areas, kangding):
    assert queries.area("513399", DAY) is None
    assert queries.current_code("513399", DAY) == ""


def test_the_name_of_a_former_county_means_its_successor(areas, kangding):
    assert queries.match("四川甘孜康定县", DAY).area == areas["513301"]
    assert queries.match("康定县", date(2010, 1, 1)).area == kangding


def test_an_address_finds_its_county_by_alias_and_full_name(areas):
    daofu = areas["513326"]
    actions.put_alias(area=daofu, text="Dawu", language="en", kind="romanisation", by=None, at=AT)
    actions.put_alias(
        area=areas["513300"], text="甘孜州", language="zh", kind="short", by=None, at=AT
    )

    for text in ("四川省甘孜州道孚县各卡乡", "道孚", "Dawu", "Dawu County, Ganzi Prefecture"):
        assert queries.match(text, DAY).area == daofu, text
    assert queries.match("四川省甘孜州道孚县各卡乡", DAY).rest == "各卡乡"


def test_a_name_of_two_areas_names_both_and_chooses_none(areas):
    found = queries.match("甘孜", DAY)

    assert found.area is None
    assert set(found.candidates) == {areas["513300"], areas["513328"]}


def test_many_addresses_cost_no_more_queries_than_one(areas, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):  # two marks, then areas, aliases, spans and links
        names = queries.matcher(DAY)
        for text in ("道孚", "康定", "甘孜县"):
            assert names.match(text).area


def test_the_counties_of_home_are_those_of_the_day(areas, kangding, django_assert_num_queries):
    codes = [county.code for county in queries.counties_of_home(DAY)]

    assert codes == ["513301", "513326", "513328"]
    with django_assert_num_queries(0):
        earlier = [county.code for county in queries.counties_of_home(date(2010, 1, 1))]
    assert earlier == ["513321", "513326", "513328"]


def test_a_new_county_is_seen_at_once(areas):
    queries.counties_of_home(DAY)
    area("513327", areas["513300"])

    assert "513327" in [county.code for county in queries.counties_of_home(DAY)]


def test_all_staff_may_read_the_directory_and_nobody_else(areas):
    assert queries.areas_open_to(Staff(areas["513326"].reach()), AT).count() == len(areas)
    assert queries.areas_open_to(Staff(NOWHERE), AT).count() == 0


def test_people_of_a_day_come_from_the_newest_earlier_year(areas, django_assert_num_queries):
    daofu, kangding_ = areas["513326"], areas["513301"]
    for year, count in ((2010, 55_396), (2017, 60_600), (2020, 53_400)):
        actions.put_population(area=daofu, year=year, count=count, kind="estimate", by=None, at=AT)

    with django_assert_num_queries(1):
        known = queries.populations([daofu, kangding_], DAY)

    assert known[daofu.pk].year == 2017
    assert kangding_.pk not in known
    assert queries.population(daofu, date(2022, 1, 1)).count == 53_400


def test_a_corrected_figure_leaves_the_old_one_in_the_trail(areas):
    for count in (55_000, 55_396, 55_396):
        actions.put_population(
            area=areas["513326"], year=2010, count=count, kind="census", by=None, at=AT
        )

    lines = AuditLine.objects.filter(action="places.put_population").order_by("pk")
    assert [line.detail["count"] for line in lines] == [[None, 55_000], [55_000, 55_396]]


def test_a_search_looks_at_all_names_and_the_code(areas):
    actions.put_alias(
        area=areas["513326"], text="Dawu", language="en", kind="romanisation", by=None, at=AT
    )
    rows = queries.areas_open_to(Staff(areas["513326"].reach()), AT)

    for text in ("daw", "道孚", "513326"):
        assert areas["513326"] in queries.named_like(rows, text)
    assert not queries.named_like(rows, "色达")


def test_names_follow_the_language_of_the_page(areas):
    daofu = areas["513326"]
    with override("zh-hans"):
        assert (daofu.display_name, daofu.display_short) == ("道孚县", "道孚")
    with override("en"):
        assert (daofu.display_name, daofu.display_short) == ("道孚县", "Daofu")
