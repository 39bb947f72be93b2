"""A PostgreSQL database: every table by COPY within one REPEATABLE READ snapshot.

The tables are those that the migrations of the same program make again, so neither pg_dump nor its
version matters, and the digest of a table is that of its COPY text in the order of its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from django.db import connection
from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier, Literal

from fangkong.core.walls.policies import POLICY
from fangkong.core.walls.reach import EVERYTHING, told
from fangkong.core.walls.reach import SETTING as REACH

from .types import BackupProblem, Table

# The text of a value must not depend on the server's settings. All end with the transaction: behind
# a pool (FANGKONG_POOLED) somebody else has the connection after it.
_PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
SETTINGS = (
    "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; "
    "SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 3; "
    f"SET LOCAL bytea_output = 'hex'; SET LOCAL lock_timeout = '10s'; {_PATIENT}; "
    # A backup sees every row behind the walls between counties.
    f"SET LOCAL {REACH} = '{told(EVERYTHING)}'"
)


@dataclass(frozen=True)
class Shape:
    """A table: its columns that hold values of their own, and what puts its rows in order."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]


def connect(*, autocommit: bool = False) -> Connection[Any]:
    """A connection past the pool, to the database of the settings."""
    parameters = {
        "connect_timeout": 10,
        **connection.get_connection_params(),
        "autocommit": autocommit,
    }
    for name in ("pool", "cursor_factory", "context"):
        parameters.pop(name, None)
    with connection.wrap_database_errors:
        return cast("Connection[Any]", cast(Any, connection).Database.connect(**parameters))


@contextmanager
def snapshot() -> Iterator[Connection[Any]]:
    """A connection that sees one moment and changes nothing."""
    there = connect(autocommit=True)
    try:
        there.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {SETTINGS}")
        yield there
    except errors.InsufficientPrivilege:
        raise BackupProblem(
            "the database's role may not read every row of every table. Let the backup run "
            "with the role that owns the tables (DATABASE_URL), or give it BYPASSRLS."
        ) from None
    finally:
        there.close()


def is_empty() -> bool:
    """Whether no table is there yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() "
            "AND tablename NOT LIKE 'pg\\_%'"
        )
        return not cursor.fetchone()[0]


def size() -> int:
    """The bytes of the whole database on its disk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def shapes(there: Connection[Any]) -> list[Shape]:
    """Every table of the schema with its columns."""
    rows = there.execute(
        """
        SELECT c.relname,
          array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
          coalesce((SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey, k.attnum))
            FROM pg_index i JOIN pg_attribute k
              ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey)
            WHERE i.indrelid = c.oid AND i.indisprimary), '{}')
        FROM pg_class c JOIN pg_attribute a
          ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace
          AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        GROUP BY c.oid, c.relname ORDER BY c.relname
        """
    ).fetchall()
    # Without a key the text of the whole row puts it in order.
    return [Shape(name, tuple(columns), tuple(key or columns)) for name, columns, key in rows]


def dump(there: Connection[Any], shape: Shape) -> Iterator[bytes]:
    """The rows of a table as COPY text."""
    with there.cursor() as cursor, cursor.copy(_out(shape)) as parts:
        held = bytearray()
        for part in parts:
            held += part
            if len(held) > 256 * 1024:
                yield bytes(held)
                held.clear()
        yield bytes(held)


def _out(shape: Shape) -> Any:
    return SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        SQL(", ").join(map(Identifier, shape.columns)),
        Identifier(shape.name),
        SQL(", ").join(
            # Text in the order of its bytes: collations differ between machines.
            SQL('{}::text COLLATE "C"').format(Identifier(one))
            for one in shape.order
        )
        if shape.order != ("id",)
        else Identifier("id"),
    )


def facts(there: Connection[Any], shape: Shape, size_and_digest: str) -> Table:
    """The rows and the highest id of a table beside its digest."""
    highest = SQL("max(id)") if shape.order == ("id",) and _counts(there, shape) else SQL("NULL")
    found = there.execute(
        SQL("SELECT count(*), {} FROM {}").format(highest, Identifier(shape.name))
    ).fetchone()
    assert found
    return Table(int(found[0]), size_and_digest, found[1])


def _counts(there: Connection[Any], shape: Shape) -> bool:
    kind = there.execute(
        "SELECT data_type FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND table_name = %s AND column_name = 'id'",
        [shape.name],
    ).fetchone()
    return kind is not None and kind[0] in ("smallint", "integer", "bigint")


def tables(there: Connection[Any]) -> dict[str, Table]:
    """Every table with its rows, digest and highest id, as they are now."""
    found = {}
    for shape in shapes(there):
        digest = sha256()
        for part in dump(there, shape):
            digest.update(part)
        found[shape.name] = facts(there, shape, digest.hexdigest())
    return found


def sequences(there: Connection[Any]) -> dict[str, int | None]:
    """How far each sequence has counted. Sequences stand outside snapshots: never too low."""
    rows = there.execute(
        "SELECT sequencename::text, last_value FROM pg_sequences "
        "WHERE schemaname = current_schema() ORDER BY 1"
    ).fetchall()
    return dict(rows)


def empty(there: Connection[Any], names: list[str]) -> None:
    """Take out what the migrations put in, with every trigger and wall of ours at rest."""
    for name in _walled(there):  # COPY fills no table behind a wall
        there.execute(SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(Identifier(name)))
    for name, trigger in _triggers(there):
        there.execute(
            SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(Identifier(name), Identifier(trigger))
        )
    if names:
        there.execute(SQL("TRUNCATE {}").format(SQL(", ").join(map(Identifier, names))))


def wake(there: Connection[Any], triggers: list[tuple[str, str]]) -> None:
    """Let the triggers act again that acted before, and put the walls up."""
    for name in _walled(there):
        there.execute(SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(Identifier(name)))
    there.execute("SET CONSTRAINTS ALL IMMEDIATE")  # keys are compared now; ALTER needs that too
    for name, trigger in triggers:
        there.execute(
            SQL("ALTER TABLE {} ENABLE TRIGGER {}").format(Identifier(name), Identifier(trigger))
        )


def analyze(there: Connection[Any]) -> None:
    """Let the planner know the tables."""
    there.execute(f"BEGIN; {_PATIENT}; ANALYZE; COMMIT")


def active_triggers(there: Connection[Any]) -> list[tuple[str, str]]:
    """Our triggers that act now: their table and name."""
    return _triggers(there)


def _triggers(there: Connection[Any]) -> list[tuple[str, str]]:
    return there.execute(
        "SELECT c.relname::text, t.tgname::text FROM pg_trigger t "
        "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled = 'O' "
        "AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
    ).fetchall()


def _walled(there: Connection[Any]) -> list[str]:
    """The tables with a wall of ours, up or down."""
    rows = there.execute(
        "SELECT tablename::text FROM pg_policies WHERE policyname = %s "
        "AND schemaname = current_schema() ORDER BY 1",
        [POLICY],
    ).fetchall()
    return [name for (name,) in rows]


def load(there: Connection[Any], name: str, columns: list[str], parts: Iterator[bytes]) -> None:
    """Put the rows of a table in."""
    statement = SQL("COPY {} ({}) FROM STDIN").format(
        Identifier(name), SQL(", ").join(map(Identifier, columns))
    )
    with there.cursor() as cursor, cursor.copy(statement) as copy:
        for part in parts:
            copy.write(part)


def count_on(there: Connection[Any], sequences: dict[str, int | None]) -> None:
    """Let every sequence go on where it stood."""
    for name, last in sequences.items():
        there.execute(
            SQL("SELECT setval({}::regclass, {}, {})").format(
                Literal(f'"{name}"'), Literal(last or 1), Literal(last is not None)
            )
        )
