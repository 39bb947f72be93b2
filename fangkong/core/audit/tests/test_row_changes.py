"""Every change of a row is written down by the database, whichever way it comes."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from fangkong.accounts.models import Appointment
from fangkong.accounts.tests import factories
from fangkong.core.audit import context, tables, triggers, triggers_postgresql, triggers_sqlite
from fangkong.core.audit.models import RowChange
from fangkong.core.queue.models import Job
from fangkong.core.record import stamps
from fangkong.core.request_id import request_id
from fangkong.people.models import IdentityDocument, Person
from fangkong.people.tests import factories as people

AT = factories.AT
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def noted(model, verb=None):
    """Row changes of a model's table so far: [(verb, key, changes)]."""
    rows = RowChange.objects.filter(table_name=model._meta.db_table).order_by("id")
    return [(r.verb, r.row_id, r.changes) for r in rows if verb in (None, r.verb)]


@pytest.fixture
def job():
    return Job.objects.create(name="x", subject_id=7, asked_at=AT)


def test_every_table_is_watched_or_says_why_not():
    every = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
    }

    assert every == {t.name for t in tables.watched()} | (set(tables.UNWATCHED) & every)
    assert all(tables.UNWATCHED.values())
    assert len(tables.watched()) > 20


def test_every_trigger_stands_as_it_should():
    assert triggers.problems() == []
    assert len(triggers.expected(connection.vendor)) > 80


def test_a_trigger_that_is_gone_or_altered_is_named_and_made_again():
    on = "" if connection.vendor == "sqlite" else " ON core_job"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER fk_audit_core_job_update{on}")
        cursor.execute(f"DROP TRIGGER fk_audit_core_job_delete{on}")
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER fk_audit_core_job_delete AFTER DELETE ON core_job "
                "BEGIN SELECT 1; END"
            )
        else:
            cursor.execute("ALTER TABLE core_job DISABLE TRIGGER fk_audit_core_job_insert")

    wrong = triggers.problems()

    assert {"fk_audit_core_job_update", "fk_audit_core_job_delete"} <= set(wrong)
    assert triggers.install() is True
    assert triggers.problems() == []
    assert triggers.install() is False


def _save(job):
    job.tries = 3
    job.save()


def _raw(sql):
    def write(job):
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return write


def _bulk_update(job):
    job.tries = 3
    Job.objects.bulk_update([job], ["tries"])


def _upsert(job):
    job.tries = 3
    Job.objects.bulk_create(
        [job], update_conflicts=True, unique_fields=["id"], update_fields=["tries"]
    )


def _many(job):
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE core_job SET tries = %s WHERE id = %s", [(3, job.pk)])


@pytest.mark.parametrize(
    "write",
    [
        _save,
        lambda job: Job.objects.filter(pk=job.pk).update(tries=3),
        lambda job: Job.objects.filter(pk=job.pk).update(tries=models.F("tries") + 3),
        _bulk_update,
        _upsert,
        lambda job: Job.objects.update_or_create(pk=job.pk, defaults={"tries": 3}),
        _raw("UPDATE core_job SET tries = 3"),
        _raw("WITH three AS (SELECT 3 AS n) UPDATE core_job SET tries = (SELECT n FROM three)"),
        _many,
    ],
    ids=["save", "update", "F", "bulk_update", "upsert", "update_or_create", "raw", "cte", "many"],
)
def test_every_way_to_change_a_row_leaves_what_changed(job, write):
    write(job)

    assert noted(Job, "update") == [("update", job.pk, {"tries": [0, 3]})]


@pytest.mark.parametrize(
    "write",
    [
        lambda job: job.delete(),
        lambda job: Job.objects.all().delete(),
        lambda job: Job.objects.all()._raw_delete("default"),
        _raw("DELETE FROM core_job"),
    ],
    ids=["delete", "queryset", "raw_delete", "raw"],
)
def test_every_way_to_delete_a_row_leaves_its_last_values(job, write):
    key = job.pk
    write(job)

    ((verb, row, values),) = noted(Job, "delete")
    assert (verb, row) == ("delete", key)
    assert (values["name"], values["subject_id"], values["tries"]) == ("x", 7, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda: Job.objects.create(name="x", subject_id=1, asked_at=AT),
        lambda: Job(name="x", subject_id=1, asked_at=AT).save(),
        lambda: Job.objects.get_or_create(name="x", subject_id=1, defaults={"asked_at": AT}),
        lambda: Job.objects.bulk_create([Job(name="x", subject_id=1, asked_at=AT)]),
    ],
    ids=["create", "save", "get_or_create", "bulk_create"],
)
def test_every_way_to_add_a_row_leaves_its_key(write):
    write()

    assert noted(Job) == [("insert", Job.objects.get().pk, {})]


def test_many_rows_in_one_statement_leave_one_line_each():
    jobs = Job.objects.bulk_create(
        [Job(name="x", subject_id=n, asked_at=AT) for n in range(250)], batch_size=100
    )
    Job.objects.filter(subject_id__lt=120).update(tries=1)

    assert {row for _verb, row, _ in noted(Job, "insert")} == {job.pk for job in jobs}
    assert len(noted(Job, "update")) == 120


def test_a_change_that_changes_nothing_leaves_nothing(job):
    Job.objects.update(tries=0)

    assert noted(Job, "update") == []


def test_what_is_rolled_back_leaves_nothing(job):
    with transaction.atomic():
        Job.objects.update(tries=9)
        transaction.set_rollback(True)

    assert noted(Job, "update") == []


def test_rows_deleted_along_with_another_and_rows_between_two_tables_are_noted():
    from django.contrib.auth.models import Group, Permission

    group = Group.objects.create(name="g")
    group.permissions.add(Permission.objects.first())
    between = Group.permissions.through
    (added,) = noted(between)
    group.delete()

    assert [verb for verb, _key, _ in noted(between)] == ["insert", "delete"]
    assert [verb for verb, _key, _ in noted(Group)] == ["insert", "delete"]
    assert added[0] == "insert"


def test_personal_values_and_secrets_say_only_that_they_changed():
    person = people.person()
    Person.objects.filter(pk=person.pk).update(name="卓玛", sex="1", synthetic=True)
    member = factories.user()
    member.set_password("a-very-long-secret")
    member.save()
    IdentityDocument.objects.all().delete()

    ((_, _, changed),) = noted(Person, "update")
    assert changed["name"] == changed["sex"] == "changed"
    assert changed["synthetic"] in ([False, True], [0, 1])
    assert noted(type(member), "update")[0][2]["password"] == "changed"
    ((_, _, gone),) = noted(IdentityDocument, "delete")
    assert gone["person_id"] == person.pk and "number" not in gone
    everything = str([row for _v, _k, row in [*noted(Person), *noted(IdentityDocument)]])
    assert people.NUMBER not in everything and "卓玛" not in everything


def test_no_personal_or_secret_column_is_ever_shown():
    """What a model declares personal, and any column named like a secret, is never written down."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            secret = field.name in getattr(model, "pii", {}) or "password" in field.name
            if secret and not field.primary_key:
                assert not tables.is_shown(model, field), f"{model._meta.label}.{field.name}"


def test_a_line_knows_who_acted_in_which_request_and_when():
    member = factories.user()
    token = request_id.set("job:7")
    try:
        with context.acting(by_id=member.pk, at=AT):
            Job.objects.create(name="x", subject_id=1, asked_at=AT)
    finally:
        request_id.reset(token)
    Job.objects.update(tries=1)

    first, second = RowChange.objects.filter(table_name="core_job").order_by("id")
    assert (first.by_id, first.request_id, first.at, first.role) == (member.pk, "job:7", AT, "")
    assert (second.by_id, second.request_id, second.role) == (None, "", "")


def test_a_line_about_a_row_behind_a_wall_knows_who_acted_too():
    """PostgreSQL is told two things in front of such a statement: who acts, and what they reach."""
    member = factories.user()
    with context.acting(by_id=member.pk, at=AT):
        one = Person.objects.create(name="扎西", **stamps(None, AT))
        Person.objects.filter(pk=one.pk).update(sex="1")
        one.delete()

    lines = RowChange.objects.filter(table_name="people_person").order_by("id")
    assert [(line.verb, line.by_id, line.at) for line in lines] == [
        (verb, member.pk, AT) for verb in ("insert", "update", "delete")
    ]


def test_who_acts_costs_no_statement_more(django_assert_num_queries):
    with django_assert_num_queries(1), context.acting(by_id=7, at=AT):
        Job.objects.create(name="x", subject_id=1, asked_at=AT)


def test_a_hostile_request_id_ends_no_text():
    token = request_id.set("a'; DELETE FROM core_job; --%s|9|")
    try:
        Job.objects.create(name="x", subject_id=1, asked_at=AT)
    finally:
        request_id.reset(token)

    assert Job.objects.count() == 1
    assert RowChange.objects.filter(table_name="core_job").count() == 1


def test_a_writer_who_does_not_say_who_it_is_is_refused_or_noted_with_its_role(job):
    if connection.vendor == "sqlite":
        import sqlite3

        stranger = sqlite3.connect(":memory:")
        for (sql,) in connection.cursor().execute(
            "SELECT sql FROM sqlite_master WHERE name IN ('core_job', 'core_rowchange', "
            "'fk_audit_core_job_insert', 'fk_audit_core_job_delete') ORDER BY type = 'trigger'"
        ):
            stranger.execute(sql)
        with pytest.raises(sqlite3.OperationalError, match="fangkong_"):
            stranger.execute("DELETE FROM core_job")
        return
    with connection.cursor() as cursor:
        cursor.execute("RESET fangkong.facts")
        cursor.execute("/* a foreign program */ UPDATE core_job SET tries = 5")
        cursor.execute("SELECT session_user")
        (role,) = cursor.fetchone()

    line = RowChange.objects.filter(table_name="core_job").latest("id")
    assert (line.by_id, line.role, line.changes) == (None, role, {"tries": [0, 5]})


def test_emptying_a_table_is_refused_or_noted():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE; its DELETE without WHERE is noted row by row, above")
    with (
        pytest.raises(DatabaseError, match="core_rowchange is only ever added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE core_rowchange CASCADE")
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE core_job CASCADE")

    assert noted(Job) == [("truncate", 0, {})]


@pytest.mark.parametrize("table", ["core_rowchange", "core_sight"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = at", "DELETE FROM {}"])
def test_the_trail_of_rows_and_of_views_takes_no_change(job, table, statement):
    from fangkong.core.audit.actions import Ids, seen

    seen(Ids("people.person", [1]), by=factories.user(), at=AT, how="opened")
    with (
        pytest.raises(DatabaseError, match=f"{table} is only ever added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


def test_every_append_only_table_of_a_migration_is_kept_so_after_later_ones():
    """A migration that remakes the table drops its triggers: the model says it needs them again."""
    import re
    from pathlib import Path

    import fangkong

    named = {
        name
        for path in Path(fangkong.__file__).parent.glob("*/migrations/*.py")
        for name in re.findall(r'append_only\("(\w+)"\)', path.read_text("utf-8"))
    }

    assert named <= set(tables.append_only())
    assert len(named) >= 3


def test_an_appointment_is_watched_like_everything_else():
    from fangkong.places.tests import factories as places

    area = places.area("513300")
    role = factories.appointment(factories.user(), "hospital", facility=None, area=area)
    Appointment.objects.filter(pk=role.pk).update(role="auditor")

    assert noted(Appointment, "update")[0][2]["role"] == ["hospital", "auditor"]


@pytest.mark.parametrize("name", ["said", "found", "at", "changes", "o", "n", "row", "verb"])
def test_a_column_may_have_any_name(name):
    """PL/pgSQL confuses a column with a variable of the same name."""
    one = tables.Table("spare", "id", True, (tables.Column(name, True),))
    kind = triggers_sqlite if connection.vendor == "sqlite" else triggers_postgresql
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE spare (id integer PRIMARY KEY, "{name}" integer)')
        for trigger in kind.watching(one):
            for statement in trigger.statements:
                cursor.execute(statement)
        cursor.execute("INSERT INTO spare VALUES (7, 1)")
        cursor.execute(f'UPDATE spare SET "{name}" = 2')
        cursor.execute("DELETE FROM spare")

    rows = RowChange.objects.filter(table_name="spare").order_by("id")
    assert [(row.verb, row.row_id, row.changes) for row in rows] == [
        ("insert", 7, {}),
        ("update", 7, {name: [1, 2]}),
        ("delete", 7, {name: 2}),
    ]


def test_how_far_a_job_has_come_is_no_change_worth_a_line(job):
    Job.objects.update(done=3, total=9, seen_at=AT)
    Job.objects.update(done=4, tries=1)

    assert noted(Job, "update") == [("update", job.pk, {"tries": [0, 1]})]
    assert all(
        reason for columns in tables.UNWATCHED_COLUMNS.values() for reason in columns.values()
    )
