"""The audit trail for its reader."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

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


def test_the_lines_of_one_member_are_theirs_alone_newest_first(
    look, auditor, administrator, member
):
    rows = look(auditor, "/trail/?who=the-administrator").context["rows"]

    assert {line.by for line in rows} == {administrator}
    assert [(line.at, line.pk) for line in rows] == sorted(
        ((line.at, line.pk) for line in rows), reverse=True
    )
    assert not look(auditor, "/trail/?who=nobody-of-this-name").context["rows"]


@pytest.mark.parametrize(
    "query", ["", "on=2020-02-05", "verb=tasks.", "who=the-administrator", f"record={UUID(int=4)}"]
)
def test_a_page_of_the_trail_counts_nothing_and_sorts_nothing(look, auditor, member, query):
    """SQLite says how it would go about it; for PostgreSQL benchmarks/trail_pages.py does."""
    look(auditor, "/trail/")
    with CaptureQueriesContext(connection) as sent:
        look(auditor, f"/trail/?{query}")

    texts = [one["sql"] for one in sent]
    (rows,) = (text for text in texts if 'FROM "core_auditline"' in text)
    assert not any("COUNT(" in text for text in texts)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {rows}")
            plan = " ".join(line[-1] for line in cursor.fetchall())
        assert "USING INDEX audit_by" in plan
        assert "TEMP B-TREE" not in plan
