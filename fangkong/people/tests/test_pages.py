from __future__ import annotations

import logging
import re

import pytest
from django.urls import reverse

from fangkong.core import slots
from fangkong.core.commands.states import version
from fangkong.core.roles import Role

from .factories import NAME, NUMBER, PHONE, person, resident_id, staff

pytestmark = pytest.mark.django_db
INDEX = "/people/"


def page_of(one):
    return reverse("people:detail", args=[one.public_id])


def test_the_list_shows_masks_only(client, patient, daofu):
    client.force_login(daofu)

    response = client.get(INDEX)

    page = response.content.decode()
    assert response.status_code == 200
    assert "扎某某" in page and page_of(patient) in page
    assert NAME not in page and NUMBER not in page and PHONE not in page
    assert "no-store" in response["Cache-Control"]


def test_the_list_of_another_county_is_empty(client, patient, kangding):
    client.force_login(kangding)
    assert "扎某某" not in client.get(INDEX).content.decode()


def test_the_list_is_filtered_by_county_and_sex(client, patient, areas):
    client.force_login(staff(Role.HEADQUARTERS, areas["513300"]))

    assert "扎某某" in client.get(INDEX, {"county": "513326", "sex": "2"}).content.decode()
    assert "扎某某" not in client.get(INDEX, {"county": "513301"}).content.decode()
    assert "扎某某" not in client.get(INDEX, {"sex": "1"}).content.decode()


def test_an_export_is_masked_too(client, patient, daofu):
    client.force_login(daofu)
    response = client.get(INDEX, {"export": "csv"})
    text = b"".join(response).decode()

    assert "扎某某" in text and NAME not in text and NUMBER not in text
    assert "no-store" in response["Cache-Control"]


def test_the_list_asks_as_often_for_three_persons_as_for_one(
    client, patient, daofu, areas, django_assert_num_queries
):
    client.force_login(daofu)
    client.get(INDEX)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as one:
        client.get(INDEX)
    for order in (1, 3):
        person(areas["513326"], name="李明", documents=[resident_id(order=order)], phones=[])
    with django_assert_num_queries(len(one)):
        client.get(INDEX)


@pytest.mark.parametrize("number", [NUMBER, PHONE, NUMBER.lower()[:-1] + "x"])
def test_a_number_in_the_address_is_refused(client, patient, daofu, number):
    client.force_login(daofu)
    response = client.get(INDEX, {"q": number})

    assert response.status_code == 400
    assert "扎某某" not in response.content.decode()


def test_the_search_takes_no_text_from_the_address(client, patient, daofu):
    client.force_login(daofu)
    assert client.get(reverse("people:search"), {"text": NAME}).status_code == 405


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
@pytest.mark.parametrize("text", [NAME, "zxdj", NUMBER, PHONE])
def test_the_search_finds_by_name_and_number(client, patient, daofu, text, headers):
    client.force_login(daofu)

    response = client.post(reverse("people:search"), {"text": text}, headers=headers)

    page = response.content.decode()
    assert "扎某某" in page and ("<html" in page) == (not headers)
    assert "no-store" in response["Cache-Control"]


def test_the_search_of_another_county_finds_nobody(client, patient, kangding):
    client.force_login(kangding)
    response = client.post(reverse("people:search"), {"text": NUMBER})
    assert "扎某某" not in response.content.decode()


def test_an_empty_search_says_so(client, daofu):
    client.force_login(daofu)
    assert client.post(reverse("people:search"), {"text": ""}).status_code == 422


def test_a_persons_page_is_masked_and_has_no_name_in_title_or_address(client, patient, daofu):
    client.force_login(daofu)

    response = client.get(page_of(patient))

    page = response.content.decode()
    title = re.search("<title>(.*?)</title>", page, re.DOTALL)
    assert title and "扎" not in title[1]
    assert "扎某某" in page and "138****1111" in page and "513***********0029" in page
    assert NAME not in page and NUMBER not in page and PHONE not in page
    assert "no-store" in response["Cache-Control"]


def test_a_persons_page_has_room_for_the_rooms_above(client, patient, daofu, monkeypatch):
    monkeypatch.setitem(slots._fillers, "people.detail", [lambda request, one: f"<p>{one.pk}!</p>"])
    client.force_login(daofu)
    assert f"<p>{patient.pk}!</p>" in client.get(page_of(patient)).content.decode()


@pytest.mark.parametrize("name", ["detail", "correct"])
def test_another_county_is_told_that_there_is_no_such_person(client, patient, kangding, name):
    client.force_login(kangding)
    assert client.get(reverse(f"people:{name}", args=[patient.public_id])).status_code == 404


@pytest.mark.parametrize("name", ["detail", "correct", "reveal"])
def test_a_stranger_is_sent_to_sign_in(client, patient, name):
    response = client.get(reverse(f"people:{name}", args=[patient.public_id]))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_a_role_without_the_permission_is_refused(client, patient, areas):
    client.force_login(staff(Role.STORE_KEEPER, areas["513326"]))
    assert client.get(INDEX).status_code == 403
    assert client.get(page_of(patient)).status_code == 403


def test_who_may_only_look_is_offered_neither_correction_nor_full_data(client, patient, areas):
    client.force_login(staff(Role.LABORATORY, areas["513326"]))
    page = client.get(page_of(patient)).content.decode()

    assert reverse("people:correct", args=[patient.public_id]) not in page
    assert reverse("people:reveal", args=[patient.public_id]) not in page


def correction(one, **data):
    return {
        "_key": "k",
        "_seen": version(one),
        "sex": one.sex,
        "occupation": one.occupation,
        "area": "513326",
        **data,
    }


def test_a_correction_is_saved(client, patient, daofu):
    client.force_login(daofu)
    url = reverse("people:correct", args=[patient.public_id])
    assert NAME not in client.get(url).content.decode()

    response = client.post(url, correction(patient, workplace="道孚县小学", occupation="teacher"))

    assert response.status_code == 302
    patient.refresh_from_db()
    assert (patient.workplace, patient.occupation) == ("道孚县小学", "teacher")
    assert patient.name == NAME


def test_a_correction_against_the_card_is_explained_at_its_field(client, patient, daofu):
    client.force_login(daofu)
    url = reverse("people:correct", args=[patient.public_id])

    response = client.post(url, correction(patient, sex="1"))

    assert response.status_code == 422
    assert response.context["form"].errors["sex"]
    patient.refresh_from_db()
    assert patient.sex == "2"


def test_who_moves_a_person_to_another_county_comes_back_to_the_list(client, patient, daofu, areas):
    client.force_login(daofu)
    url = reverse("people:correct", args=[patient.public_id])

    response = client.post(url, correction(patient, area="513301"))

    assert response["Location"] == INDEX


def test_no_log_line_of_a_visit_holds_a_name_or_number(client, patient, daofu, caplog):
    client.force_login(daofu)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("django.db.backends").setLevel(logging.INFO)
        client.get(page_of(patient))
        client.post(reverse("people:search"), {"text": NUMBER})
        client.get(INDEX, {"q": "zhaxi"})

    assert not any(word in caplog.text for word in (NAME, NUMBER, PHONE))


def test_every_element_that_asks_the_server_carries_the_nonce(client, patient, daofu):
    client.force_login(daofu)
    for url in (INDEX, page_of(patient)):
        tags = re.findall(r"<[^>]*\shx-(?:get|post)=[^>]*>", client.get(url).content.decode())
        assert tags
        assert all('hx-nonce="' in tag for tag in tags)
