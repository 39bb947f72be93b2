import json
import uuid
from datetime import date

import pytest

from fangkong.core.roles import Role
from fangkong.places import queries
from fangkong.places.models import Facility
from fangkong.places.tests.factories import facility, member

ROOT = "/api/v1/places"


@pytest.fixture
def daofu_cdc(client, areas):
    client.force_login(member(Role.COUNTY_CDC, areas["513326"]))
    return client


def send(client, verb, path, key=None, **data):
    said = {"name_zh": "八美镇卫生院", "kind": "health_centre", "area": "513326", **data}
    seen = {"If-Match": "*"} if verb == "put" else {}
    return getattr(client, verb)(
        f"{ROOT}{path}",
        json.dumps(said),
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid.uuid4()), **seen},
    )


def test_a_machine_must_sign_in_too(client, areas):
    one = facility(areas["513326"])
    for path in ("/areas/", "/areas/513326/", "/facilities/", f"/facilities/{one.public_id}/"):
        assert client.get(f"{ROOT}{path}").status_code == 401


def test_areas_are_listed_by_code_and_narrowed(daofu_cdc, areas):
    rows = daofu_cdc.get(f"{ROOT}/areas/", {"level": "county"}).json()["rows"]

    assert [row["code"] for row in rows] == ["513221", "513301", "513326", "513328"]
    assert rows[2]["parent"] == "513300"
    early = daofu_cdc.get(f"{ROOT}/areas/", {"level": "county", "on": "2010-01-01"}).json()
    assert "513301" not in [row["code"] for row in early["rows"]]


def test_a_code_gives_its_area_or_nothing(daofu_cdc, areas):
    assert daofu_cdc.get(f"{ROOT}/areas/513326/").json()["name_zh"] == "道孚县"
    assert daofu_cdc.get(f"{ROOT}/areas/513399/").status_code == 404


def test_facilities_are_listed_and_narrowed_by_county(daofu_cdc, areas):
    facility(areas["513326"])
    facility(areas["513301"], "康定市人民医院")
    facility(areas["513221"], "汶川县人民医院")

    every = daofu_cdc.get(f"{ROOT}/facilities/").json()["rows"]
    ours = daofu_cdc.get(f"{ROOT}/facilities/", {"county": "513326"}).json()["rows"]

    assert {row["area"] for row in every} == {"513326", "513301"}
    assert [row["name_zh"] for row in ours] == ["道孚县人民医院"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_costs_the_same_for_one_and_three(
    daofu_cdc, areas, count, django_assert_num_queries
):
    for number in range(count):
        facility(areas["513326"], f"第{number}医院")
    daofu_cdc.get(f"{ROOT}/facilities/")

    with django_assert_num_queries(5):
        daofu_cdc.get(f"{ROOT}/facilities/")


def test_a_county_adds_and_corrects_its_own(daofu_cdc, areas):
    key = str(uuid.uuid4())
    made = send(daofu_cdc, "post", "/facilities/", key)
    again = send(daofu_cdc, "post", "/facilities/", key)

    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    path = f"/facilities/{made.json()['id']}/"
    assert send(daofu_cdc, "put", path, capacity_beds=12).json()["capacity_beds"] == 12
    assert daofu_cdc.get(f"{ROOT}{path}").json()["capacity_beds"] == 12


def test_a_county_writes_nothing_elsewhere(daofu_cdc, areas):
    theirs = facility(areas["513301"])

    assert send(daofu_cdc, "post", "/facilities/", area="513301").status_code == 404
    assert send(daofu_cdc, "put", f"/facilities/{theirs.public_id}/").status_code == 404
    assert Facility.objects.get() == theirs


def test_a_hospital_reads_and_does_not_write(client, areas):
    client.force_login(member(Role.HOSPITAL, areas["513326"]))

    assert client.get(f"{ROOT}/facilities/").status_code == 200
    assert send(client, "post", "/facilities/").status_code == 403


def test_wrong_facts_are_refused_as_problems(daofu_cdc, areas):
    wrong = send(daofu_cdc, "post", "/facilities/", org_code="914403001922038217")
    assert wrong.status_code == 422
    assert wrong.json()["title"] == "WrongOrgCode"
    assert send(daofu_cdc, "post", "/facilities/", kind="castle").status_code == 422
    assert send(daofu_cdc, "post", "/facilities/", capacity_beds=-1).status_code == 422
    assert not Facility.objects.exists()


@pytest.mark.parametrize("name", ["   ", "医\x00院", "医\ud800院", "医\u202e院", "两\n行"])
def test_a_name_that_cannot_be_read_is_refused(daofu_cdc, areas, name):
    assert send(daofu_cdc, "post", "/facilities/", name_zh=name).status_code == 422
    assert not Facility.objects.exists()


def test_blanks_around_a_name_are_dropped(daofu_cdc, areas):
    made = send(daofu_cdc, "post", "/facilities/", name_zh=" 道孚县藏医院 ", name_en=" ")
    assert (made.json()["name_zh"], made.json()["name_en"]) == ("道孚县藏医院", "")


@pytest.mark.parametrize("code", ["5133\x00", "5133\ud800", ""])
def test_a_code_of_broken_signs_names_no_area(areas, code):
    assert queries.area(code, date(2020, 2, 5)) is None
    assert queries.area("513326", date(2020, 2, 5)) == areas["513326"]


def test_a_write_without_a_key_is_refused(daofu_cdc, areas):
    response = daofu_cdc.post(
        f"{ROOT}/facilities/",
        json.dumps({"name_zh": "某院", "kind": "hospital", "area": "513326"}),
        content_type="application/json",
    )

    assert response.status_code == 400
    assert not Facility.objects.exists()
