"""The audit trail: one line per action, kept by the database itself."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from fangkong.accounts.tests import factories
from fangkong.core.audit import actions as audit
from fangkong.core.audit import queries, types
from fangkong.core.audit.models import AuditLine
from fangkong.core.queue.models import Job
from fangkong.core.request_id import request_id

AT = factories.AT
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def job():
    return Job.objects.create(name="core.queue.repeat", subject_id=7, asked_at=AT)


@pytest.fixture
def line(job):
    return audit.record("core.queue.repeat", job, by=None, at=AT, detail={"tries": 4})


def test_a_line_says_who_did_what_to_which_record_when_and_in_which_request(job):
    keeper = factories.user()
    token = request_id.set("job:1")
    try:
        line = audit.record(
            "core.queue.repeat", job, by=keeper, at=AT, reason="power cut", detail={"tries": 4}
        )
    finally:
        request_id.reset(token)

    line.refresh_from_db()
    assert (line.by_id, line.action, line.at) == (keeper.pk, "core.queue.repeat", AT)
    assert (line.subject_type, line.subject_id) == ("core.job", job.pk)
    assert line.subject_public_id == job.public_id
    assert (line.reason, line.detail, line.request_id) == ("power cut", {"tries": 4}, "job:1")


def test_what_the_system_does_by_itself_names_nobody(line):
    assert line.by_id is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditline SET reason = 'nothing to see'",
        "UPDATE core_auditline SET at = at",
        "DELETE FROM core_auditline",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_a_line(line, statement):
    with (
        pytest.raises(DatabaseError, match="core_auditline is only ever added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AuditLine.objects.get() == line


def test_a_line_cannot_be_put_in_the_place_of_another(line):
    if connection.vendor != "sqlite":
        pytest.skip("REPLACE is a word of SQLite; PostgreSQL's way is UPDATE, refused above")
    with (
        pytest.raises(DatabaseError, match="core_auditline is only ever added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "REPLACE INTO core_auditline (id, at, action, subject_type, subject_id, reason, "
            "detail, request_id, ip, result) SELECT id, at, 'forged', subject_type, subject_id, "
            "reason, detail, request_id, ip, result FROM core_auditline"
        )

    assert AuditLine.objects.get().action == "core.queue.repeat"


def test_changing_a_line_in_python_is_refused_too(line):
    line.reason = "nothing to see"

    with pytest.raises(DatabaseError), transaction.atomic():
        line.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditLine.objects.filter(pk=line.pk).update(reason="nothing to see")
    with pytest.raises(DatabaseError), transaction.atomic():
        line.delete()


def test_the_same_statements_pass_on_a_table_that_may_change(job):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_job SET subject_id = 8")
        cursor.execute("DELETE FROM core_job")

    assert not Job.objects.exists()


def test_a_refused_change_leaves_room_for_the_next_line(job, line):
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditLine.objects.all().delete()

    audit.record("core.queue.repeat", job, by=None, at=AT)

    assert AuditLine.objects.count() == 2


def test_the_history_of_a_record_is_newest_first_and_only_its_own(job):
    other = Job.objects.create(name="x", subject_id=7, asked_at=AT)
    audit.record("core.queue.repeat", other, by=None, at=AT)
    first = audit.record("core.queue.repeat", job, by=None, at=AT)
    second = audit.record("core.queue.repeat", job, by=None, at=AT)

    assert queries.history_of(job) == [second, first]


def test_a_record_of_another_table_with_the_same_id_has_another_history(job):
    member = factories.user()
    member.pk = job.pk
    audit.record("core.queue.repeat", job, by=None, at=AT)

    assert queries.history_of(member) == []


def test_the_history_needs_one_statement_whatever_its_length(job, django_assert_num_queries):
    keeper = factories.user()
    for _ in range(5):
        audit.record("core.queue.repeat", job, by=keeper, at=AT)

    with django_assert_num_queries(1):
        assert {line.by.username for line in queries.history_of(job)} == {keeper.username}


def test_changes_show_old_and_new_of_what_differs_and_nothing_else():
    member = factories.user(name="扎西", synthetic=False)
    role = factories.appointment(
        member, "hospital", facility=None, area=_area(), valid_from=date(2020, 1, 1)
    )

    found = audit.changes(
        role, {"role": "hospital", "valid_to": date(2020, 3, 1), "valid_from": date(2020, 1, 2)}
    )

    assert found == {"valid_to": [None, "2020-03-01"], "valid_from": ["2020-01-01", "2020-01-02"]}


def test_changes_of_personal_fields_tell_only_that_they_changed():
    member = factories.user(name="扎西", phone="13908360000")

    found = audit.changes(member, {"name": "卓玛", "phone": "", "is_active": False})

    assert found == {"name": "changed", "phone": "changed", "is_active": [True, False]}
    assert "扎西" not in str(found)
    assert "13908360000" not in str(found)


def test_a_caller_may_hide_further_fields():
    member = factories.user()

    assert audit.changes(member, {"username": "other"}, personal=frozenset({"username"})) == {
        "username": "changed"
    }


def test_a_verb_has_its_words_and_an_unnamed_one_shows_itself():
    assert str(types.words("core.queue.repeat")) != "core.queue.repeat"
    assert types.words("nobody.named.this") == "nobody.named.this"


def _area():
    from fangkong.places.tests import factories as places

    return places.area("513300")
