import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.core.commands.states import version
from fangkong.core.roles import Role
from fangkong.places import actions
from fangkong.places.models import Facility, FacilityContact
from fangkong.places.tests.factories import AT, area, facility, member


@pytest.fixture(autouse=True)
def english(settings):
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def as_(client):
    def sign_in(role, where=None, at=None):
        client.force_login(member(role, where, at))
        return client

    return sign_in


@pytest.fixture
def daofu_cdc(as_, areas):
    return as_(Role.COUNTY_CDC, areas["513326"])


def text_of(response):
    return response.content.decode()


def form(where, **said):
    given = {
        "_key": str(uuid.uuid4()),
        "name_zh": "八美镇卫生院",
        "kind": "health_centre",
        "area": str(where.public_id),
    }
    return {**given, **said}


def addresses(areas, one):
    return [
        reverse("places:index"),
        reverse("places:detail", args=[areas["513326"].public_id]),
        reverse("places:density", args=[areas["513300"].public_id]),
        reverse("places:people", args=[areas["513326"].public_id]),
        reverse("places:facilities"),
        reverse("places:facility", args=[one.public_id]),
        reverse("places:add_facility"),
        reverse("places:change_facility", args=[one.public_id]),
        reverse("places:add_contact", args=[one.public_id]),
    ]


def test_nobody_reads_any_page_without_signing_in(client, areas):
    for address in addresses(areas, facility(areas["513326"])):
        response = client.get(address)
        assert response.status_code == 302, address
        assert reverse("account_login") in response.url


def test_the_home_area_shows_its_counties_with_people_and_density(daofu_cdc, areas):
    area("513326", areas["513300"], area_km2=6921)
    actions.put_population(
        area=areas["513326"], year=2017, count=60_600, kind="estimate", by=None, at=AT
    )

    page = text_of(daofu_cdc.get(reverse("places:index")))

    assert "道孚县" in page
    assert "8.8" in page
    assert "2017" in page
    assert "汶川县" not in page


@pytest.mark.parametrize(("text", "there"), [("Dawu", True), ("道孚", True), ("Nowhere", False)])
def test_a_search_finds_areas_by_any_name(daofu_cdc, areas, text, there):
    actions.put_alias(
        area=areas["513326"], text="Dawu", language="en", kind="romanisation", by=None, at=AT
    )

    page = text_of(daofu_cdc.get(reverse("places:index"), {"q": text}))

    assert (areas["513326"].get_absolute_url() in page) is there
    assert ("No area has such a name" in page) is not there


def test_a_house_without_areas_says_how_to_load_them(as_, db):
    outside = area("999901", name_zh="某县")

    page = text_of(as_(Role.ADMINISTRATOR, outside).get(reverse("places:index")))

    assert "fangkong places" in page


def test_an_area_shows_names_codes_figures_and_facilities(daofu_cdc, areas):
    facility(areas["513326"])
    actions.put_population(
        area=areas["513326"], year=2010, count=55_396, kind="census", by=None, at=AT
    )

    page = text_of(daofu_cdc.get(areas["513326"].get_absolute_url()))

    for text in ("道孚县", "513326", "鲜水镇", "道孚县人民医院", "2010", "Area added"):
        assert text in page, text


def test_the_chart_and_the_map_give_the_figures_of_the_tables(daofu_cdc, areas):
    actions.put_population(
        area=areas["513326"], year=2010, count=55_396, kind="census", by=None, at=AT
    )

    chart = daofu_cdc.get(reverse("places:people", args=[areas["513326"].public_id])).json()

    assert chart["x"] == ["2010"]
    assert chart["series"][0]["values"] == [55_396]


def test_a_map_without_borders_is_not_there(daofu_cdc, areas):
    address = reverse("places:density", args=[areas["513326"].public_id])

    assert daofu_cdc.get(address).status_code == 404


@pytest.fixture
def borders(monkeypatch):
    monkeypatch.setattr("fangkong.places.views.finders.find", lambda path: path)


def test_a_map_has_an_entry_for_every_county_known_or_not(daofu_cdc, areas, borders):
    area("513326", areas["513300"], area_km2=6921)
    actions.put_population(
        area=areas["513326"], year=2017, count=60_600, kind="estimate", by=None, at=AT
    )

    found = daofu_cdc.get(reverse("places:density", args=[areas["513300"].public_id])).json()

    assert [(part["code"], part["value"]) for part in found["areas"]] == [
        ("513301", None),
        ("513326", 8.8),
        ("513328", None),
    ]
    assert [band["label"] for band in found["legend"]] == ["5 and more"]


def test_a_map_without_a_single_figure_is_not_there(daofu_cdc, areas, borders):
    address = reverse("places:density", args=[areas["513300"].public_id])

    assert daofu_cdc.get(address).status_code == 404


def test_what_is_not_known_is_a_dash_in_both_languages(daofu_cdc, areas):
    one = facility(areas["513326"])
    for language in ("en", "zh-hans"):
        daofu_cdc.cookies["django_language"] = language
        for address in (areas["513300"].get_absolute_url(), one.get_absolute_url()):
            page = text_of(daofu_cdc.get(address))
            assert ">None<" not in page
            assert "–" in page


def test_the_list_of_facilities_filters_and_exports(daofu_cdc, areas):
    facility(areas["513326"])
    facility(areas["513301"], "康定市人民医院")

    page = text_of(daofu_cdc.get(reverse("places:facilities"), {"county": "513326"}))
    assert "道孚县人民医院" in page
    assert "康定市人民医院" not in page
    file = daofu_cdc.get(reverse("places:facilities"), {"export": "csv", "q": "kds"})
    lines = b"".join(file.streaming_content).decode()
    assert "康定市人民医院" in lines
    assert "道孚县人民医院" not in lines


def queries_of(client, address):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_the_list_costs_the_same_for_one_and_three_facilities(daofu_cdc, areas):
    address = reverse("places:facilities")
    facility(areas["513326"])
    daofu_cdc.get(address)  # the counties are known then
    one = queries_of(daofu_cdc, address)
    facility(areas["513326"], "第二医院")
    facility(areas["513301"], "第三医院")

    assert queries_of(daofu_cdc, address) == one


def test_an_area_costs_the_same_for_one_and_three_parts(daofu_cdc, areas):
    def add(number):
        part = area(f"51322{number}", areas["513200"])
        actions.put_population(area=part, year=2010, count=9, kind="census", by=None, at=AT)
        facility(areas["513200"], f"第{number}医院")

    add(2)
    address = areas["513200"].get_absolute_url()
    one = queries_of(daofu_cdc, address)
    add(3)
    add(4)

    assert queries_of(daofu_cdc, address) == one


def test_a_facility_of_another_prefecture_is_not_there(daofu_cdc, areas):
    theirs = facility(areas["513221"], "汶川县人民医院")

    assert daofu_cdc.get(theirs.get_absolute_url()).status_code == 404


def test_a_county_adds_a_facility_in_its_own_areas(daofu_cdc, areas):
    response = daofu_cdc.post(reverse("places:add_facility"), form(areas["513326100"]))

    made = Facility.objects.get()
    assert response.status_code == 302
    assert response.url == made.get_absolute_url()
    assert made.county == areas["513326"]
    assert "bmzwsy" in made.search_text


def test_a_form_sent_twice_adds_one_facility(daofu_cdc, areas):
    sent = form(areas["513326"])

    for _ in range(2):
        assert daofu_cdc.post(reverse("places:add_facility"), sent).status_code == 302
    assert Facility.objects.count() == 1


def test_a_county_adds_nothing_in_another_county(daofu_cdc, areas):
    response = daofu_cdc.post(reverse("places:add_facility"), form(areas["513301"]))

    assert response.status_code == 422
    assert not Facility.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name_zh", "", "Please fill this in."),
        ("org_code", "914403001922038217", "does not check"),
        ("closed_on", "2019-01-01", "before the first"),
        ("lon", "101.1", "Give both coordinates"),
        ("capacity_beds", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_field_is_refused_beside_it(daofu_cdc, areas, field, value, said):
    sent = form(areas["513326"], opened_on="2020-01-01", **{field: value})

    response = daofu_cdc.post(reverse("places:add_facility"), sent)

    assert response.status_code == 422
    assert said in text_of(response)
    assert not Facility.objects.exists()


def test_a_name_that_is_there_already_is_refused_on_the_page(daofu_cdc, areas):
    facility(areas["513326"], "八美镇卫生院")

    response = daofu_cdc.post(reverse("places:add_facility"), form(areas["513326"]))

    assert response.status_code == 422
    assert "in the directory of this area already" in text_of(response)


def test_a_county_corrects_its_own_facility(daofu_cdc, areas):
    one = facility(areas["513326"], source_zh="通报", source_en="bulletin")
    address = reverse("places:change_facility", args=[one.public_id])
    assert "道孚县人民医院" in text_of(daofu_cdc.get(address))

    sent = form(
        areas["513326"],
        name_zh=one.name_zh,
        kind="hospital",
        capacity_beds="40",
        source_zh="通报",
        _seen=version(one),
    )
    assert daofu_cdc.post(address, sent).status_code == 302

    one.refresh_from_db()
    assert (one.capacity_beds, one.source_en) == (40, "bulletin")
    assert AuditLine.objects.latest("pk").detail == {"capacity_beds": [None, 40]}


def test_another_county_reads_but_cannot_correct(as_, areas):
    one = facility(areas["513326"])
    kangding = as_(Role.COUNTY_CDC, areas["513301"])

    page = text_of(kangding.get(one.get_absolute_url()))
    assert "道孚县人民医院" in page
    assert reverse("places:change_facility", args=[one.public_id]) not in page
    for name in ("change_facility", "add_contact"):
        address = reverse(f"places:{name}", args=[one.public_id])
        assert kangding.get(address).status_code == 404
        assert kangding.post(address, form(areas["513326"])).status_code == 404


@pytest.mark.parametrize("role", [Role.HOSPITAL, Role.AUDITOR, Role.EDITOR])
def test_other_roles_read_but_add_nothing(as_, areas, role):
    one = facility(areas["513326"])
    client = as_(role, areas["513326"])

    assert client.get(one.get_absolute_url()).status_code == 200
    assert client.get(reverse("places:add_facility")).status_code == 403
    assert client.post(reverse("places:add_facility"), form(areas["513326"])).status_code == 403


@pytest.mark.parametrize("role", [Role.HEADQUARTERS, Role.ADMINISTRATOR])
def test_headquarters_and_administrator_correct_everywhere(as_, areas, role):
    one = facility(areas["513326"])
    client = as_(role, areas["513300"])

    response = client.post(
        reverse("places:change_facility", args=[one.public_id]),
        form(areas["513301"], _seen=version(one)),
    )

    assert response.status_code == 302
    one.refresh_from_db()
    assert one.county == areas["513301"]


def test_a_cdc_that_is_appointed_as_a_facility_corrects_itself_and_stays_there(as_, areas):
    one = facility(areas["513326"], "道孚县疾病预防控制中心", kind="county_cdc")
    client = as_(Role.COUNTY_CDC, at=one)
    address = reverse("places:change_facility", args=[one.public_id])

    sent = form(areas["513326"], kind="county_cdc", _seen=version(one))
    assert client.post(address, sent).status_code == 302
    assert client.post(address, form(areas["513301"], kind="county_cdc")).status_code == 422


def test_a_contact_is_added_and_removed(daofu_cdc, areas):
    one = facility(areas["513326"])
    sent = {"_key": str(uuid.uuid4()), "role_title": "值班室", "phone": "0836 7122345"}

    response = daofu_cdc.post(reverse("places:add_contact", args=[one.public_id]), sent)
    assert response.status_code == 302
    contact = FacilityContact.objects.get()
    assert "0836-7122345" in text_of(daofu_cdc.get(one.get_absolute_url()))
    remove = reverse("places:remove_contact", args=[one.public_id, contact.public_id])
    assert daofu_cdc.get(remove).status_code == 405
    assert daofu_cdc.post(remove, {"_key": str(uuid.uuid4())}).status_code == 302
    assert not FacilityContact.objects.exists()


def test_a_wrong_phone_is_refused_beside_it(daofu_cdc, areas):
    one = facility(areas["513326"])
    sent = {"_key": str(uuid.uuid4()), "role_title": "值班室", "phone": "7122345"}

    response = daofu_cdc.post(reverse("places:add_contact", args=[one.public_id]), sent)

    assert response.status_code == 422
    assert "area code" in text_of(response)
    assert not FacilityContact.objects.exists()


def test_the_pages_speak_chinese_too(daofu_cdc, areas, settings):
    settings.LANGUAGE_CODE = "zh-hans"
    one = facility(areas["513326"])

    for address in [*addresses(areas, one)[:2], one.get_absolute_url()]:
        page = daofu_cdc.get(address, headers={"Accept-Language": "zh-hans"})
        assert page.status_code == 200
        assert page.headers["Content-Language"] == "zh-hans"
