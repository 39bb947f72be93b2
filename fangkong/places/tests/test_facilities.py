import pytest

from fangkong.core.audit.models import AuditLine
from fangkong.core.permissions import NOWHERE, Scope
from fangkong.places import actions, queries
from fangkong.places.forms import FacilityFilter
from fangkong.places.models import Facility
from fangkong.places.tests.factories import AT, Staff, facility
from fangkong.places.types import EDIT_FACILITIES, FacilityFacts


def facts(where, **said):
    return FacilityFacts(
        **{"area_id": where.pk, "name_zh": "道孚县人民医院", "kind": "hospital", **said}
    )


def test_a_new_facility_stands_in_the_directory_with_one_line(areas):
    lines = AuditLine.objects.count()

    made = facility(areas["513326"])

    assert made.county == areas["513326"]
    assert AuditLine.objects.count() == lines + 1
    assert AuditLine.objects.latest("pk").action == "places.add_facility"


def test_two_facilities_of_one_area_cannot_have_one_name(areas):
    facility(areas["513326"])

    with pytest.raises(actions.SameName):
        facility(areas["513326"])
    facility(areas["513301"])
    assert Facility.objects.count() == 2


@pytest.mark.parametrize("name", ["", " ", "\u3164\u200b"])
def test_a_facility_without_a_name_is_refused(areas, name):
    with pytest.raises(actions.NameMissing):
        facility(areas["513326"], name)


def test_a_wrong_organisation_code_is_refused(areas):
    with pytest.raises(actions.WrongOrgCode):
        facility(areas["513326"], org_code="914403001922038217")
    assert facility(areas["513326"], org_code="914403001922038216").org_code


def test_a_change_is_recorded_with_old_and_new_and_nothing_else(areas):
    one = facility(areas["513326"])

    actions.change_facility(
        facility=one, facts=facts(areas["513326"], capacity_beds=40), by=None, at=AT
    )
    actions.change_facility(
        facility=one, facts=facts(areas["513326"], capacity_beds=40), by=None, at=AT
    )

    lines = AuditLine.objects.filter(action="places.change_facility")
    assert [line.detail for line in lines] == [{"capacity_beds": [None, 40]}]


def test_a_renamed_facility_is_found_by_its_new_name(areas):
    one = facility(areas["513326"])
    actions.change_facility(
        facility=one, facts=facts(areas["513326"], name_zh="康复医院"), by=None, at=AT
    )

    assert Facility.objects.filter(search_text__contains="kfyy").exists()
    assert not Facility.objects.filter(search_text__contains="dfxrm").exists()


def test_a_contact_is_an_office_number_once(areas):
    one = facility(areas["513326"])
    add = {"facility": one, "role_title": "值班室", "by": None, "at": AT}

    assert actions.add_contact(phone="0836 7122345", **add).phone == "0836-7122345"
    with pytest.raises(actions.SameContact):
        actions.add_contact(phone="0836-7122345", **add)
    with pytest.raises(actions.WrongPhone):
        actions.add_contact(phone="7122345", **add)
    assert "0836" not in str(AuditLine.objects.latest("pk").detail)


def test_a_removed_contact_leaves_a_line(areas):
    one = facility(areas["513326"])
    contact = actions.add_contact(
        facility=one, role_title="值班室", phone="0836-7122345", by=None, at=AT
    )

    actions.remove_contact(contact=contact, by=None, at=AT)

    assert not one.contacts.exists()
    assert AuditLine.objects.latest("pk").action == "places.remove_contact"


def test_all_staff_of_home_see_its_facilities_and_only_the_headquarters_see_others(areas):
    ours, theirs = facility(areas["513326"]), facility(areas["513221"], "汶川县人民医院")

    county = Staff(areas["513301"].reach())
    assert list(queries.facilities_open_to(county, AT)) == [ours]
    whole = Staff(areas["513300"].reach())
    assert set(queries.facilities_open_to(whole, AT)) == {ours, theirs}
    assert not queries.facilities_open_to(Staff(NOWHERE), AT)


def test_a_county_edits_its_own_facilities_only(areas):
    ours, theirs = facility(areas["513326"]), facility(areas["513301"])
    office = facility(areas["513300"], "甘孜州疾病预防控制中心", kind="prefecture_cdc")
    county = Staff(areas["513326"].reach())

    assert list(queries.facilities_to_edit(county, AT)) == [ours]
    assert queries.may(county, EDIT_FACILITIES, ours, AT)
    assert not queries.may(county, EDIT_FACILITIES, theirs, AT)
    assert not queries.may(county, EDIT_FACILITIES, office, AT)
    assert queries.may(Staff(Scope(everywhere=True)), EDIT_FACILITIES, office, AT)


def test_a_county_builds_in_its_own_areas_only(areas):
    found = queries.areas_to_build_in(Staff(areas["513326"].reach()), AT)

    assert [area.code for area in found] == ["513326", "513326100", "513326-G01"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "dfxrm"}, 1),
        ({"q": "道孚"}, 1),
        ({"q": "renmin"}, 2),
        ({"q": "zzz"}, 0),
        ({"county": "513326"}, 1),
        ({"county": "513328"}, 0),
        ({"kind": "hospital"}, 2),
        ({"kind": "checkpoint"}, 0),
        ({"county": "999999"}, 2),
        ({}, 2),
    ],
)
def test_the_filters_narrow_the_list(areas, asked, found):
    facility(areas["513326"])
    facility(areas["513301"], "康定市人民医院")
    counties = [areas["513326"], areas["513301"], areas["513328"]]

    rows = FacilityFilter(asked, counties=counties).narrow(Facility.objects.all())

    assert rows.count() == found
