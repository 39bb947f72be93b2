"""Numbers of persons stand neither in free texts nor in addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from fangkong.accounts.tests import factories
from fangkong.core.audit import actions as audit
from fangkong.core.audit.models import AuditLine
from fangkong.core.free_text import NumberInText, ReasonMissing, refuse_numbers, stated_reason
from fangkong.core.privacy import holds_number

AT = datetime(2020, 2, 5, 2, tzinfo=UTC)
NUMBERS = [
    "513326198512310029",
    "11010519491231002X",
    "11010519491231002x",
    "513326 19851231 0029",
    "５１３３２６１９８５１２３１００２９",
    "13800001111",
    "+86 138-0000-1111",
    "8613800001111",
    "请联系13800001111，谢谢",
    "患者身份证513326198512310029核实",
]
OTHERS = [
    "",
    "513326",
    "2020-02-05 10:00",
    "20200205123",
    "5133261985123100291",
    "0836-2833123",
    "01a20ec0-1469-73da-8b4e-b2143e5fe95a",
    "a13800001111b",
    "1580876400000",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_of_persons_are_noticed_however_they_are_written(text):
    assert holds_number(text)
    with pytest.raises(NumberInText) as refused:
        refuse_numbers(title="ok", note=text)
    assert refused.value.field == "note" and "138" not in str(refused.value)


@pytest.mark.parametrize("text", OTHERS)
def test_other_numbers_pass(text):
    assert not holds_number(text)


@given(st.uuids())
def test_the_id_of_a_record_is_never_taken_for_a_number(value: UUID):
    assert not holds_number(str(value))


@pytest.mark.django_db
@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("name", ["people:index", "surveillance:monitoring:index", "tasks:index"])
def test_an_address_with_a_number_is_refused_and_the_number_not_repeated(client, name, text):
    client.force_login(factories.user())

    answer = client.get(reverse(name), {"q": text, "sort": "x"})

    assert answer.status_code == 400
    assert text not in answer.content.decode()


@pytest.mark.django_db
def test_machines_are_told_so_as_a_problem(client):
    client.force_login(factories.user())

    answer = client.get("/api/v1/people/", {"q": NUMBERS[0]})

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/problem+json")


@pytest.mark.django_db
def test_no_reason_with_a_number_reaches_the_trail():
    keeper = factories.user()
    with pytest.raises(NumberInText):
        audit.record("x.y", keeper, by=keeper, at=AT, reason="call 13800001111")

    assert not AuditLine.objects.exists()


@pytest.mark.parametrize("text", ["", " ", "x", "\u200b\u200b误"])
def test_a_reason_says_something(text):
    with pytest.raises(ReasonMissing, match="Say why") as refused:
        stated_reason(text, "Say why.")
    assert refused.value.field == "reason"


def test_a_reason_is_kept_in_plain_form_and_holds_no_number():
    assert stated_reason("  误报 ", "Say why.") == "误报"
    with pytest.raises(NumberInText):
        stated_reason("call 13800001111", "Say why.")
