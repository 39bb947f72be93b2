"""The search over everything: within the user's scope, persons masked, nothing in an address."""

from __future__ import annotations

import pytest

from fangkong.accounts.tests.factories import AT
from fangkong.core import finders
from fangkong.people.tests import factories as people
from fangkong.places.tests.factories import world  # noqa: F401  # the areas fixture builds it

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(client):
    def post(user, text):
        client.force_login(user)
        return client.post(
            "/find/", {"text": text}, headers={"accept-language": "en", "HX-Request": "true"}
        )

    return post


@pytest.mark.both_databases
@pytest.mark.parametrize("text", ["道孚", "daofu", "dfx", "Daofu"])
def test_a_county_is_found_by_chinese_pinyin_and_initials(ask, daofu, areas, text):
    answer = ask(daofu, text)

    assert areas["513326"].get_absolute_url() in answer.content.decode()


@pytest.mark.parametrize("text", ["审计日志", "Audit trail", "audit"])
def test_a_page_is_found_only_by_whom_it_is_open_to(ask, auditor, daofu, text):
    if text != "审计日志":
        assert "/trail/" in ask(auditor, text).content.decode()
    assert "/trail/" not in ask(daofu, text).content.decode()


@pytest.mark.both_databases
def test_a_search_costs_one_statement_a_room_and_kind(headquarters, django_assert_max_num_queries):
    finders.find(headquarters, AT, "dao")  # the counties and the user's appointments are known
    with django_assert_max_num_queries(12):
        finders.find(headquarters, AT, "dao")
    with django_assert_max_num_queries(15):
        finders.find(headquarters, AT, "S513326200000012")  # of a tube


def test_an_empty_text_or_a_single_letter_asks_no_room(areas, headquarters):
    assert finders.find(headquarters, AT, " ") == []
    assert finders.find(headquarters, AT, "d") == []


def test_what_is_typed_goes_in_the_body_and_an_address_finds_nothing(look, daofu, areas):
    page = look(daofu, "/find/?text=dfx")

    assert page.context["groups"] == []
    assert b'id="fk-palette"' in page.content
    assert b'hx-get="/find/' not in page.content


def test_a_browser_without_scripts_gets_a_page(client, headquarters):
    client.force_login(headquarters)
    text = client.post("/find/", {"text": "道孚"}).content.decode()

    assert "<h1>" in text
    assert 'role="option"' not in text


def test_a_person_is_found_masked_and_only_by_whom_it_is_open_to(ask, daofu, auditor, areas):
    person = people.person(areas["513326"], name="扎西顿珠")

    for text in ("扎西", "zhaxi", "zxdz"):
        found = ask(daofu, text).content.decode()
        assert person.get_absolute_url() in found
        assert "扎西顿珠" not in found
    assert person.get_absolute_url() not in ask(auditor, "扎西").content.decode()


def test_a_person_of_another_county_is_not_found(ask, daofu, areas):
    person = people.person(areas["513301"], name="扎西顿珠")

    assert person.get_absolute_url() not in ask(daofu, "扎西").content.decode()
