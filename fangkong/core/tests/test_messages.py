"""Statements in one message, and those that PostgreSQL keeps prepared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.apps import apps
from django.db import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    models,
    transaction,
)

from fangkong.core import messages, problems
from fangkong.core.audit import context
from fangkong.core.messages import Statement, send
from fangkong.core.queue.models import Tick

AT = datetime(2020, 1, 30, 9, tzinfo=UTC)
TICK = "INSERT INTO core_tick (schedule, minute) VALUES (%s, %s) RETURNING schedule"

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def on_postgresql(db):
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL keeps statements")


def tick(name, at=AT):
    return Statement(TICK, [name, connection.ops.adapt_datetimefield_value(at)], "tick")


def kept():
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements")
        return {sql.partition(" AS ")[2]: uses for sql, uses in cursor.fetchall()}


def test_each_statement_of_a_message_gives_its_own_answer():
    one, none, other = send(tick("a"), Statement("DELETE FROM core_tick WHERE 1 = 0"), tick("b"))

    assert ([*map(tuple, one)], none, [*map(tuple, other)]) == ([("a",)], [], [("b",)])
    assert send() == []


def test_a_kept_statement_is_read_by_postgresql_once(on_postgresql):
    own = Statement(f"{TICK} -- read once", [], "tick")
    for n in range(3):
        send(Statement(own.sql, tick(f"t{n}").values, own.name))

    assert [uses for sql, uses in kept().items() if "read once" in sql] == [3]
    assert Tick.objects.count() == 3


def test_what_a_kept_statement_writes_is_told_to_the_trail_like_any_other(on_postgresql):
    with context.acting(by_id=4711, at=AT):
        send(tick("a"))
        ((said,),) = send(Statement(f"SELECT current_setting('{context.SETTING}', true)"))[0:1]

    assert said[0].startswith(f"4711|{AT.isoformat()}")


def test_a_kept_statement_outlives_the_rollback_of_its_first_use(on_postgresql):
    with pytest.raises(IntegrityError), transaction.atomic():
        send(tick("a"), tick("a"))
    with transaction.atomic():
        send(tick("a"))

    assert Tick.objects.count() == 1


@pytest.fixture
def numbers(on_postgresql):
    """A table of our own, and the statement that PostgreSQL keeps about it."""
    messages._prepared.clear()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE numbers AS SELECT 1 AS n")
    yield Statement("SELECT n FROM numbers WHERE n > %s", [0], "numbers")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE numbers")


def is_altered():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE numbers ALTER n TYPE bigint")


def is_forgotten():
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def is_kept_unknown_to_us():
    messages._prepared[connection.connection].clear()
    messages._prepared[connection.connection]["SELECT 1"] = "EXECUTE one"


NOT_AS_KEPT = [is_altered, is_forgotten, is_kept_unknown_to_us]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("happens", NOT_AS_KEPT)
def test_a_statement_that_is_not_kept_as_we_think_is_kept_anew(numbers, happens):
    assert send(numbers) == [[(1,)]]
    happens()

    assert send(numbers, tick("a")) == [[(1,)], [("a",)]]
    assert Tick.objects.count() == 1
    assert len([sql for sql in kept() if "numbers" in sql]) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("happens", NOT_AS_KEPT)
def test_a_transaction_that_meets_such_a_statement_is_told_to_try_again_and_the_next_one_works(
    numbers, happens
):
    assert send(numbers) == [[(1,)]]
    happens()

    @transaction.atomic
    def write():
        send(tick("a"))
        send(numbers)

    with pytest.raises(OperationalError) as raised:
        write()
    assert problems.out_of_service(raised.value) == 503  # with Retry-After, not a fault of ours
    with transaction.atomic():
        assert send(numbers, tick("b")) == [[(1,)], [("b",)]]
    assert [*Tick.objects.values_list("schedule", flat=True)] == ["b"]


def test_what_postgresql_cannot_prepare_is_told_as_every_other_error(on_postgresql):
    with pytest.raises(ProgrammingError), transaction.atomic():
        send(Statement("SELECT n FROM nowhere", [], "nowhere"))


def test_behind_a_pool_between_transactions_nothing_is_kept(on_postgresql, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    send(Statement(f"{TICK} -- not kept", tick("a").values, "tick"))

    assert not [sql for sql in kept() if "not kept" in sql]
    assert Tick.objects.count() == 1


def test_a_connection_keeps_only_so_many(on_postgresql, monkeypatch):
    monkeypatch.setattr(messages, "MOST_KEPT", 0)
    send(Statement(f"{TICK} -- one too many", tick("a").values, "tick"))

    assert not [sql for sql in kept() if "one too many" in sql]
    assert Tick.objects.count() == 1


def columns_of_every_model():
    for model in apps.get_models():
        if model._meta.managed and model._meta.app_config.name.startswith("fangkong."):
            for column in messages._columns(model, "postgresql")[1]:
                yield model, column


EXAMPLES = {
    str: ["", "扎西 o'Brien %s", "x" * 3000],
    int: [0, -1, 2**31],
    bool: [True, False],
    date: [date(1970, 1, 1), date.max],
    datetime: [AT, AT + timedelta(microseconds=1)],
    UUID: [UUID(int=7)],
    type(None): [None],
}


def test_what_goes_unprepared_is_what_django_would_have_made_of_it(on_postgresql):
    seen = 0
    for model, column in columns_of_every_model():
        for kind in column.plain:
            for value in EXAMPLES[kind]:
                row = model.__new__(model)
                row.__dict__.update({column.attname: value, "_state": models.base.ModelState()})
                theirs = column.field.get_db_prep_save(column.field.pre_save(row, True), connection)
                assert isinstance(theirs, kind), (model, column.name)
                assert theirs == column.value_of(row) == value
                seen += 1
    assert seen > 500


def test_no_sealed_or_derived_column_goes_unprepared():
    ours = [
        (model.__name__, column.name, column.plain)
        for model, column in columns_of_every_model()
        if type(column.field).__module__.startswith("fangkong.")
    ]

    assert len(ours) >= 5, ours
    assert not [one for one in ours if one[2]]
