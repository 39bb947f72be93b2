from __future__ import annotations

import json

import pytest

from fangkong.core.audit import queries as audit
from fangkong.people import queries
from fangkong.people.models import Person

from .factories import AT, NAME, NUMBER, PHONE, person

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/people/"


def post(client, path, data, key="k1"):
    return client.post(
        ROOT + path,
        json.dumps(data),
        "application/json",
        headers={"Idempotency-Key": key, "If-Match": "*"},
    )


STATED = {
    "name": NAME,
    "documents": [{"kind": "resident_id", "number": NUMBER}],
    "phones": [{"number": PHONE}],
    "area": "513326",
}


def test_machines_see_masks_as_well(client, patient, daofu):
    client.force_login(daofu)

    response = client.get(ROOT)

    (row,) = response.json()["rows"]
    assert (row["id"], row["name"], row["county"]) == (str(patient.public_id), "扎某某", "513326")
    (document,) = patient.documents.all()
    assert row["documents"] == [
        {
            "id": str(document.public_id),
            "kind": "resident_id",
            "number": "513***********0029",
        }
    ]
    assert NAME not in response.content.decode() and NUMBER not in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_another_county_gets_nobody(client, patient, kangding):
    client.force_login(kangding)
    assert client.get(ROOT).json()["rows"] == []
    assert client.get(f"{ROOT}{patient.public_id}/").status_code == 404
    assert post(client, "search/", {"text": NUMBER}).json() == []


def test_a_stranger_gets_nothing(client, patient):
    assert client.get(ROOT).status_code == 401


def test_a_person_is_registered_once_per_key(client, daofu):
    client.force_login(daofu)

    first, again = post(client, "", STATED), post(client, "", STATED)

    assert first.status_code == 200 and first.json() == again.json()
    assert first.json()["name"] == "扎某某"
    assert Person.objects.count() == 1


def test_a_wrong_number_is_refused_with_a_reason(client, daofu):
    client.force_login(daofu)
    wrong = {**STATED, "documents": [{"kind": "resident_id", "number": NUMBER[:-1] + "8"}]}

    response = post(client, "", wrong)

    assert response.status_code == 422
    assert response.json()["title"] == "WrongField"
    assert [error["where"] for error in response.json()["errors"]] == ["/documents/0/number"]
    assert not Person.objects.exists()


@pytest.mark.parametrize("wrong", [{"area": "999999"}, {"occupation": "wizard"}, {"sex": "7"}])
def test_a_value_that_cannot_be_is_refused_at_its_place(client, daofu, wrong):
    client.force_login(daofu)
    answer = post(client, "", {**STATED, **wrong})
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [f"/{name}" for name in wrong]
    assert not Person.objects.exists()


def test_a_wrong_number_among_others_and_one_that_is_added_are_told_at_their_place(
    client, patient, daofu
):
    client.force_login(daofu)
    good, bad = {"kind": "passport", "number": "E12345678"}, {"kind": "pass", "number": "1"}

    def where(path, data):
        answer = post(client, path, data)
        assert answer.status_code == 422
        return [error["where"] for error in answer.json()["errors"]]

    assert where("", {**STATED, "documents": [good, bad]}) == ["/documents"]
    assert where("", {**STATED, "phones": [{"number": "1"}]}) == ["/phones/0/number"]
    assert where(f"{patient.public_id}/documents/", bad) == ["/kind"]
    assert where(f"{patient.public_id}/phones/", {"number": PHONE, "note": "x" * 500}) == ["/note"]


def test_an_occupation_of_older_rules_may_stay_with_its_person_and_no_other_may_come(
    client, patient, daofu
):
    client.force_login(daofu)
    Person.objects.update(occupation="of-old")
    url = f"{patient.public_id}/correct/"

    def corrected(key, occupation):
        body = {"occupation": occupation}
        return post(client, url, body, key).status_code

    assert corrected("a", "of-old") == 200
    assert corrected("b", "wizard") == 422
    assert corrected("c", "herder") == 200


def test_a_card_of_somebody_else_is_a_conflict(client, patient, daofu):
    client.force_login(daofu)
    assert post(client, "", {**STATED, "name": "白玛曲珍"}).status_code == 409


def test_a_person_is_found_by_number_sent_in_the_body(client, patient, daofu):
    client.force_login(daofu)
    (row,) = post(client, "search/", {"text": NUMBER}).json()
    assert row["id"] == str(patient.public_id)


def test_a_correction_sets_the_given_fields_only(client, patient, daofu):
    client.force_login(daofu)

    response = post(client, f"{patient.public_id}/correct/", {"occupation": "herder"})

    assert response.json()["occupation"] == "herder"
    patient.refresh_from_db()
    assert (patient.occupation, patient.name) == ("herder", NAME)


def test_full_values_come_for_a_reason(client, patient, daofu):
    client.force_login(daofu)
    asked = {"reason": "流调核实", "fields": ["name", "documents"]}

    response = post(client, f"{patient.public_id}/reveal/", asked)

    assert response.json()["name"] == [NAME]
    assert NUMBER in response.json()["documents"][0]
    assert audit.history_of(patient)[0].reason == "流调核实"


def test_without_a_reason_they_do_not(client, patient, daofu):
    client.force_login(daofu)
    asked = {"reason": "abc", "fields": ["name"]}

    response = post(client, f"{patient.public_id}/reveal/", asked)

    assert response.status_code == 422 and NAME not in response.content.decode()
    assert audit.history_of(patient)[0].action == "people.register"


def test_the_list_asks_as_often_for_three_persons_as_for_one(
    client, patient, daofu, areas, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(daofu)
    client.get(ROOT)
    with CaptureQueriesContext(connection) as one:
        client.get(ROOT)
    for name in ("李明", "王芳"):
        person(areas["513326"], name=name, documents=[], sex="1")
    with django_assert_num_queries(len(one)):
        client.get(ROOT)


def test_a_number_of_another_county_tells_only_who_was_named(client, patient, kangding):
    client.force_login(kangding)
    new_phone = [{"number": "13900002222"}]

    told = post(client, "", {**STATED, "phones": new_phone}).json()

    assert (told["id"], told["name"]) == (str(patient.public_id), "扎某某")
    assert not any(told[name] for name in ("sex", "county", "area", "documents", "phones"))
    assert told["age_years"] is None and not told["occupation"]


def test_the_own_county_is_told_what_the_house_knows(client, patient, daofu):
    client.force_login(daofu)
    told = post(client, "", STATED).json()
    assert told["county"] == "513326" and told["documents"] and told["phones"]


@pytest.mark.parametrize("sign", ["\x00", "\ud800", "\u202e"])
@pytest.mark.parametrize("field", ["name", "workplace", "address_detail", "ethnicity"])
def test_signs_that_no_database_keeps_are_refused_in_words(client, patient, daofu, field, sign):
    client.force_login(daofu)

    made = post(client, "", {"name": "洛桑", field: f"洛{sign}桑"}, key="new")
    mended = post(client, f"{patient.public_id}/correct/", {field: f"洛{sign}桑"}, key="mend")

    assert made.status_code == mended.status_code == 422
    assert Person.objects.count() == 1


def test_an_address_of_two_lines_is_kept(client, daofu):
    client.force_login(daofu)
    two_lines = {"name": "洛桑", "area": "513326", "address_detail": "鲜水镇\n团结街"}
    assert post(client, "", two_lines).status_code == 200


@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
def test_a_code_or_reason_of_broken_signs_is_no_server_error(client, patient, daofu, sign):
    client.force_login(daofu)
    page = f"{patient.public_id}/"
    reason = {"reason": f"contact{sign} tracing", "fields": ["name"]}
    document = {"kind": "passport", "number": "E12345678", "issued_by": sign}
    phone = {"number": "13900002222", "note": f"a{sign}"}

    assert post(client, "", {"name": "洛桑", "area": "5133\ud800"}, key="a").status_code == 422
    assert post(client, page + "reveal/", reason, key="b").status_code == 422
    assert post(client, page + "documents/", document, key="c").status_code == 422
    assert post(client, page + "phones/", phone, key="d").status_code == 422


@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
def test_a_search_for_broken_signs_finds_nobody(client, patient, daofu, sign):
    assert list(queries.search(daofu, AT, f"扎{sign}西")) == []
    assert list(queries.search(daofu, AT, "扎西")) == [patient]


@pytest.mark.both_databases
def test_a_number_of_another_county_names_nobody_and_the_person_sees_who_tried(
    client, patient, kangding
):
    client.force_login(kangding)
    stated = {**STATED, "name": "白玛曲珍", "area": "513301"}

    answers = [post(client, "", stated, key=key) for key in ("k1", "k2")]

    for answer in answers:
        assert (answer.status_code, answer.json()["title"]) == (409, "AnotherPerson")
        assert not any(word in answer.content.decode() for word in ("扎", NUMBER, PHONE, "道孚"))
    assert Person.objects.count() == 1  # rolled back, and yet:
    sights = audit.sights_of(patient)
    assert [(s.by, s.how, s.place) for s in sights] == [(kangding, "found", "people.clash")] * 2
    assert all(sight.request_id for sight in sights)


def test_whoever_enters_a_new_number_leaves_no_sight_of_anybody(client, patient, kangding):
    client.force_login(kangding)
    stated = {**STATED, "documents": [], "name": "白玛曲珍", "area": "513301"}

    assert post(client, "", stated).status_code == 200
    assert not audit.sights_of(patient).exists()


@pytest.mark.both_databases
def test_a_clash_met_beside_a_version_leaves_its_sight_too(client, patient, kangding, areas):
    other = person(areas["513301"], name="白玛曲珍", documents=[], phones=[])
    client.force_login(kangding)
    version = client.get(f"{ROOT}{other.public_id}/")["ETag"]
    body = json.dumps({"kind": "resident_id", "number": NUMBER})
    headers = {"Idempotency-Key": "k1", "If-Match": version}

    answer = client.post(
        f"{ROOT}{other.public_id}/documents/", body, "application/json", headers=headers
    )

    assert answer.status_code == 409 and "扎" not in answer.content.decode()
    assert [sight.place for sight in audit.sights_of(patient)] == ["people.clash"]


def test_a_slip_in_the_name_of_a_field_is_told_at_its_place_and_nothing_is_written(client, daofu):
    client.force_login(daofu)
    phone = {"number": "13800000001", "own": True}

    response = post(client, "", {**STATED, "adress": "鲜水镇", "phones": [phone]})

    told = {error["where"] for error in response.json()["errors"]}
    assert response.status_code == 422
    assert told == {"/adress", "/phones/0/own"}
    assert not Person.objects.exists()
