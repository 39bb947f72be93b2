"""Several statements in one message to the database: what costs a write is mostly the way there.

PostgreSQL takes them together and answers each in turn; within a transaction each sees what those
before it did. SQLite, which has no way to go, takes them one after another. What needs no answer
before the end of a command waits for its last message (``at_end``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Generic, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error, OperationalError, connection, models
from django.db.models.expressions import Col

M = TypeVar("M", bound=models.Model)

Row = tuple[Any, ...]
Then = Callable[[list[Row]], None]


@dataclass(frozen=True)
class Statement:
    """SQL with ``%s`` for each value; tables and columns are our own names.

    One with a ``name`` comes often and in few forms: PostgreSQL keeps it prepared, so that it is
    read and planned once for a connection. A value that only the statement around it gives a kind
    (a VALUES list, a SELECT) then has to name it: ``%s::bigint``.
    """

    sql: str
    values: Sequence[Any] = ()
    name: str = ""


def send(*statements: Statement) -> list[list[Row]]:
    """Send statements as one message; the rows that each gives back."""
    if not statements:
        return []
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            return [_alone(cursor, statement) for statement in statements]
        try:
            return _together(cursor, statements)
        except Error as problem:
            if not _is_of_what_is_kept(problem):
                raise
            _prepared.clear()
            if connection.in_atomic_block:
                # It is rolled back; whoever tries again finds all in order, and is told to.
                raise OperationalError("what was kept is not as it was") from problem
            return _together(cursor, statements)


def _together(cursor: Any, statements: Sequence[Statement]) -> list[list[Row]]:
    texts = _texts(cursor, statements)
    cursor.execute("; ".join(texts), [v for s in statements for v in s.values])
    # The driver's own cursor: Django's asks three things before each answer.
    plain = cursor.cursor
    answers = [_answered(plain)]
    while len(answers) < len(statements) and plain.nextset():
        answers.append(_answered(plain))
    return answers


def _alone(cursor: Any, statement: Statement) -> list[Row]:
    cursor.execute(statement.sql, statement.values)
    return cursor.fetchall() if cursor.description else []


def _answered(plain: Any) -> list[Row]:
    # Not ``description``, which makes an object of every column.
    return plain.fetchall() if plain.pgresult.nfields else []


# --- Statements that PostgreSQL keeps -------------------------------------------------------------

MOST_KEPT = 100  # of a connection; further ones are planned each time

# What each connection of the driver keeps, by the statement's SQL. PREPARE outlives a rollback.
_prepared: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()

# Errors that say: the server does not keep what we think it keeps. A column has another type since
# (0A000), it has forgotten the statement (26000), or has one of this name already (42P05).
_NOT_AS_KEPT = {"0A000", "26000", "42P05"}


def _is_of_what_is_kept(problem: Error) -> bool:
    return getattr(problem.__cause__, "sqlstate", None) in _NOT_AS_KEPT


def _texts(cursor: Any, statements: Sequence[Statement]) -> list[str]:
    """What is sent for each statement: its SQL, or the short text that asks for a kept one.

    Not through a pool between transactions (PgBouncer), which gives the next one another server:
    ``FANGKONG_POOLED`` says so.
    """
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return [one.sql for one in statements]
    known = _prepared.setdefault(cursor.cursor.connection, {})
    return [_kept(cursor, known, one) if one.name else one.sql for one in statements]


def _kept(cursor: Any, known: dict[str, str], statement: Statement) -> str:
    """The text that asks for a kept statement; made where the connection lacks it."""
    text = known.get(statement.sql)
    if text is None:
        if len(known) >= MOST_KEPT:
            return statement.sql
        name, marks = _name(statement), statement.sql.split("%s")
        numbered = "".join(f"{part}${n}" for n, part in enumerate(marks[:-1], 1)) + marks[-1]
        # The first one clears away what was kept before we forgot it.
        anew = "" if known else "DEALLOCATE ALL; "
        cursor.execute(f"{anew}PREPARE {name} AS {numbered}")
        values = ", ".join(["%s"] * (len(marks) - 1))
        text = known[statement.sql] = f"EXECUTE {name}" + (f"({values})" if values else "")
    return text


def _name(statement: Statement) -> str:
    """For the database's log and the page of slow statements."""
    return f"fk_{statement.name}_{sha256(statement.sql.encode()).hexdigest()[:12]}"


# --- The last message of a command ----------------------------------------------------------------


@dataclass
class _End:
    """What waits for the end of a command, and how deep in savepoints the command began."""

    depth: int
    waiting: list[tuple[Statement, Then | None]] = field(default_factory=list)


_end: ContextVar[_End | None] = ContextVar("end", default=None)


@contextmanager
def ending() -> Iterator[None]:
    """Around a command, within its transaction: what waits is sent when it has come to its end."""
    end = _End(_depth())
    token = _end.set(end)
    try:
        yield
        _send_waiting(end)
    finally:
        _end.reset(token)


def at_end(statement: Statement, then: Then | None = None) -> None:
    """Send a statement with the last message of the command at hand, where there is one.

    ``then`` gets its rows, and may ask for more. Below a savepoint, which alone could be rolled
    back, and where there is no command, the statement is sent at once.
    """
    end = _end.get()
    if end is not None and _depth() == end.depth:
        end.waiting.append((statement, then))
        return
    (rows,) = send(statement)
    if then:
        then(rows)


def _depth() -> int:
    """How many savepoints are open; an ``atomic`` without one leaves None in Django's list."""
    return sum(name is not None for name in connection.savepoint_ids)


def whole() -> bool:
    """Whether a command is under way that is rolled back as a whole by whatever is raised in it.

    An action within it needs no savepoint of its own.
    """
    return _end.get() is not None


def _send_waiting(end: _End) -> None:
    while end.waiting:
        now, end.waiting = end.waiting, []
        answers = send(*(statement for statement, _then in now))
        for (_statement, then), rows in zip(now, answers, strict=True):
            if then:
                then(rows)


# --- Rows of several tables in one statement ------------------------------------------------------


class Reader(Generic[M]):
    """Makes records of one model out of the columns of a statement of our own."""

    def __init__(self, model: type[M], alias: str) -> None:
        self.model = model
        self.fields = list(model._meta.concrete_fields)
        self.names = [one.attname for one in self.fields]
        quote = connection.ops.quote_name
        self.columns = ", ".join(f"{alias}.{quote(str(one.column))}" for one in self.fields)
        self._convert = {
            place: converters
            for place, one in enumerate(self.fields)
            if (converters := _converters(Col(alias, one)))
        }

    def read(self, row: Row, start: int = 0) -> M:
        """The record whose columns begin at a place of the row."""
        values = list(row[start : start + len(self.fields)])
        for place, converters in self._convert.items():
            for converter, expression in converters:
                values[place] = converter(values[place], expression, connection)
        return self.model.from_db(connection.alias, self.names, values)


def _converters(column: Any) -> list[tuple[Any, Any]]:
    every = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
    return [(one, column) for one in every]


@dataclass(frozen=True, slots=True)
class _Column:
    """A field on its way into a statement."""

    field: models.Field[Any, Any]
    name: str
    attname: str
    mark: str  # within a SELECT
    plain: frozenset[type]  # values of these classes go to the database as they are

    def value_of(self, row: models.Model) -> Any:
        value = row.__dict__.get(self.attname, row)
        if type(value) in self.plain:
            return value
        return self.field.get_db_prep_save(self.field.pre_save(row, True), connection)


@lru_cache(maxsize=64)
def _columns(model: type[models.Model], vendor: str) -> tuple[str, list[_Column]]:
    fields = [one for one in model._meta.concrete_fields if not one.primary_key]
    quote = connection.ops.quote_name
    columns = [
        _Column(one, str(one.column), one.attname, _mark(one), _plain_for(one, vendor))
        for one in fields
    ]
    return ", ".join(quote(str(one.column)) for one in fields), columns


_PLAIN: dict[type[models.Field[Any, Any]], type] = {
    models.CharField: str,
    models.TextField: str,
    models.BooleanField: bool,
    models.DateField: date,
    models.DateTimeField: datetime,
    models.UUIDField: UUID,
    **dict.fromkeys(
        (
            models.BigIntegerField,
            models.IntegerField,
            models.PositiveIntegerField,
            models.PositiveSmallIntegerField,
            models.SmallIntegerField,
        ),
        int,
    ),
}


def _plain_for(one: models.Field[Any, Any], vendor: str) -> frozenset[type]:
    """The classes of values that a field would hand to PostgreSQL unchanged.

    Only where the field is Django's own: one of ours seals, sorts or fills in.
    """
    key = one.target_field if isinstance(one, models.ForeignKey) else one
    kind = int if isinstance(key, models.BigAutoField) else _PLAIN.get(type(key))
    if vendor != "postgresql" or kind is None or getattr(one, "auto_now", False):
        return frozenset()
    return frozenset({kind, type(None)})


def insert(row: models.Model, source: str = "", **taken: str) -> Statement:
    """The statement that inserts a record, for a ``WITH`` or a message.

    ``taken`` names columns whose value is an SQL expression over ``source`` (tables of a FROM)
    instead of the record's own; a key is given only so.
    """
    sql, columns = _inserting(type(row), connection.vendor, source, tuple(taken.items()))
    return Statement(sql, [one.value_of(row) for one in columns])


@lru_cache(maxsize=64)
def _inserting(
    model: type[models.Model], vendor: str, source: str, taken: tuple[tuple[str, str], ...]
) -> tuple[str, list[_Column]]:
    """The SQL of ``insert``, and the columns whose values it takes from the record."""
    given = dict(taken)
    names, columns = _columns(model, vendor)
    marks = []
    if key := given.get("id"):
        names, marks = f"id, {names}", [key]
    marks += [given.get(one.name, one.mark if source else "%s") for one in columns]
    head = f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({names}) "
    row_of = ", ".join(marks)
    tail = f"SELECT {row_of} FROM {source}" if source else f"VALUES ({row_of})"  # noqa: S608  # our names, values bound
    return head + tail, [one for one in columns if one.name not in given]


def together(parts: Sequence[tuple[str, Statement]], last: str, name: str = "") -> Statement:
    """One statement of PostgreSQL out of several that name and use each other's rows (WITH)."""
    named = ", ".join(f"{alias} AS ({part.sql})" for alias, part in parts)
    return Statement(f"WITH {named} {last}", [v for _, part in parts for v in part.values], name)


def _mark(one: models.Field[Any, Any]) -> str:
    """In a SELECT PostgreSQL must be told what kind a NULL or a text is.

    As plain text, since a text that is told its length is cut to it, not refused.
    """
    if isinstance(one, models.CharField):
        return "%s::text"
    return f"%s::{one.db_type(connection)}"
