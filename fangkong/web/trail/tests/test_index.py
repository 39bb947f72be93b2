"""The audit trail for its reader."""

from __future__ import annotations

import pytest

from fangkong.accounts import actions
from fangkong.accounts.tests.factories import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(administrator):
    return actions.add_staff(
        username="new-one", name="新人", password="a-long-enough-password", by=administrator, at=AT
    )


def test_the_auditor_reads_who_did_what(look, auditor, administrator, member):
    text = look(auditor, "/trail/?who=the-administrator&col=verb&col=id").content.decode()

    assert "accounts.add_staff" in text
    assert str(member.public_id) in text


def test_the_trail_is_narrowed_by_record_verb_and_day(look, auditor, member):
    def count(query: str) -> int:
        rows = look(auditor, f"/trail/?{query}").context["rows"]
        return sum(line.action == "accounts.add_staff" for line in rows)

    assert count(f"record={member.public_id}") == 1
    assert count("verb=accounts.add") == 1
    assert count("verb=tasks.") == 0
    assert count("on=2020-02-05") == 1
    assert count("on=2020-02-04") == 0


def test_an_administrator_who_gives_roles_does_not_read_the_trail(look, administrator):
    assert look(administrator, "/trail/").status_code == 403


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_at_the_edge_of_the_calendar_is_an_error_in_the_bar(look, auditor, day):
    response = look(auditor, f"/trail/?on={day}")
    assert response.status_code == 200
    assert "on" in response.context["filters"].errors
