"""Insert many rows of one table with little work for each: an import writes nine for each card.

Django's constructor walks all fields of a model through its descriptors, ``bulk_create`` prepares
every value through five calls, and a statement with its values in it is parsed for longer than it
is executed. Here a row is made in one step (``fresh``), the columns of all rows are prepared one
after the other (``insert``), and they go to PostgreSQL as an array for each column (COPY refuses
tables behind walls) and to SQLite by statements of many rows. Constraints, triggers and walls watch
these rows as any others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from time import sleep
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.base import ModelState

from fangkong.core.sealing.fields import BlindIndexField, Sealed, SealedTextField

M = TypeVar("M", bound=models.Model)
Column = Sequence[Any]
GAP_SECONDS = 0.11

VALUES = 30_000  # to a statement: SQLite takes 32,766
_NULL = "NULL"  # within an array of PostgreSQL's; every text there is quoted


# --- Rows ----------------------------------------------------------------------------------------


def fresh(model: type[M], **values: Any) -> M:
    """A new row of a model, not saved: ``model(**values)`` without its detours.

    Values are named as the columns are (``area_id``), or a key by the saved or unsaved row that it
    leads to. They are taken as they are, and a field that is not named has its default.
    """
    plain, made, relations = _blank(model)
    row = model.__new__(model)
    state = ModelState()
    held = {"_state": state, **plain, **values}
    for name, default in made:
        if name not in values:
            held[name] = default()
    for name, attname in relations:
        if name in values:
            other = state.fields_cache[name] = held.pop(name)
            held[attname] = None if other is None else other.pk
    row.__dict__ = held
    return row


@lru_cache(maxsize=64)
def _blank(
    model: type[models.Model],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]], list[tuple[str, str]]]:
    """The defaults that are plain values, those that are made anew for each row, and the keys."""
    plain: dict[str, Any] = {}
    made: list[tuple[str, Callable[[], Any]]] = []
    relations = []
    for field in model._meta.concrete_fields:
        if field.has_default() and callable(field.default):
            made.append((field.attname, field.default))
        else:
            plain[field.attname] = field.get_default()
        if field.is_relation:
            relations.append((field.name, field.attname))
    return plain, made, relations


def insert(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model and give each its key; as ``bulk_create``, and within the caller's
    transaction. Objects that a row points to must be saved."""
    insert_each(rows)


def insert_each(*tables: Sequence[models.Model]) -> None:
    """``insert`` for rows of several models, in this order. All get their keys first, so that a
    row may point to one of an earlier list, and no list waits until the one before is written."""
    filled = [rows for rows in tables if rows]
    for rows in filled:
        pk = rows[0]._meta.pk
        assert pk is not None
        for row, key in zip(rows, reserve(type(rows[0]), len(rows)), strict=True):
            row.__dict__[pk.attname] = key
    for rows in filled:
        fields = rows[0]._meta.concrete_fields
        _send(rows[0]._meta.db_table, fields, [_column(field, rows) for field in fields])
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias


def insert_columns(model: type[models.Model], count: int, values: Mapping[str, Any]) -> None:
    """Insert ``count`` rows of which nothing is wanted afterwards.

    ``values``: for each column a list with the value of each row, or one value that all share.
    """
    if not count:
        return
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = []
    for field in fields:
        value = values.get(field.attname, _SAME)
        if value is _SAME:
            value = field.get_default()
        if isinstance(value, list):
            columns.append(_prepared(field, value))
        else:
            columns.append(_prepared(field, [value]) * count)
    _send(model._meta.db_table, fields, columns)


_SAME = object()


@dataclass(frozen=True)
class Columns:
    """Rows of a model as the driver takes them, but for what is known only when they are written.

    Plain values: another process may have made them. ``columns``: a list with the value of each
    row, or a value that all share, in a tuple.
    """

    count: int
    columns: Mapping[str, list[Any] | tuple[Any]]

    def column(self, name: str) -> list[Any]:
        """The value of each row."""
        held = self.columns[name]
        return held if isinstance(held, list) else [*held] * self.count

    def of(self, places: Sequence[int]) -> Columns:
        """Rows by their places, each as often as it is named."""
        if len(places) == self.count and list(places) == list(range(self.count)):
            return self
        return Columns(
            len(places),
            {
                name: [held[place] for place in places] if isinstance(held, list) else held
                for name, held in self.columns.items()
            },
        )


def ready(model: type[models.Model], count: int, values: Mapping[str, Any]) -> Columns:
    """``count`` rows for ``insert_ready``: a list for each column, or one value that all share.

    Asks no database. Sealed fields take sealed texts. A field that is not named has its default.
    """
    columns: dict[str, list[Any] | tuple[Any]] = {}
    for field in model._meta.concrete_fields:
        value = values.get(field.attname, _SAME)
        if value is _SAME:
            if field.primary_key:
                continue
            value = field.get_default()
        if not isinstance(value, list):
            columns[field.attname] = (_prepared(field, [value])[0],) if count else (None,)
            continue
        held = list(_prepared(field, value))
        alike = bool(held) and held.count(held[0]) == count
        columns[field.attname] = (held[0],) if alike else held
    return Columns(count, columns)


def insert_ready(model: type[models.Model], rows: Columns, **keys: Sequence[int | str]) -> None:
    """Insert prepared rows with the values that were not known; ``id=reserve(model, rows.count)``,
    or without ``id`` where nobody needs the keys."""
    if not rows.count:
        return
    fields: list[models.Field[Any, Any]] = []
    columns: list[Column] = []
    for field in model._meta.concrete_fields:
        if field.primary_key and field.attname not in keys:
            continue
        fields.append(field)
        if field.attname in keys:
            columns.append(_prepared(field, list(keys[field.attname])))
            continue
        columns.append(rows.column(field.attname))
    _send(model._meta.db_table, fields, columns)


def reserve(model: type[models.Model], count: int) -> Sequence[int]:
    """The keys of the next rows of a table; nobody else gets them.

    On SQLite only until the transaction ends, which is the only one that writes.
    """
    table, pk = model._meta.db_table, model._meta.pk
    assert isinstance(pk, models.AutoField | models.BigAutoField)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            found = cursor.fetchone()
            last = found[0] if found else 0
            return range(last + 1, last + 1 + count)
        # The name of the sequence is looked up once, not for every key.
        cursor.execute(
            "SELECT array_agg(nextval(of.keys)) FROM"
            " (SELECT pg_get_serial_sequence(%s, %s)::regclass AS keys OFFSET 0) of,"
            " generate_series(1, %s)",
            [f'"{table}"', pk.column, count],
        )
        return cursor.fetchone()[0] or ()


def give_way() -> None:
    """Between two transactions of long work: let others write.

    On SQLite whoever waits looks again after at most a tenth of a second (the delays of its busy
    handler); whoever goes on at once is nearly always first. PostgreSQL wakes them itself.
    """
    if connection.vendor == "sqlite":
        sleep(GAP_SECONDS)


def looked_over(model: type[models.Model]) -> None:
    """Let PostgreSQL see how a table stands after many of its rows changed at once.

    Until its own look a minute later it takes the table for what it was: with a hundred rows where
    there are thousands it reads and sorts all of them for one page. SQLite plans without counts.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def keys_where(model: type[models.Model], **among: Iterable[str | int]) -> list[int]:
    """The keys of the rows one of whose columns has one of the values given for it.

    As ``filter(column__in=values)``, which walks through every single value before it asks.
    """
    asked = {column: wanted for column, values in among.items() if (wanted := list(values))}
    if not asked:
        return []
    quote, pk = connection.ops.quote_name, model._meta.pk
    assert pk is not None
    sqlite = connection.vendor == "sqlite"
    is_one_of = "IN (SELECT value FROM json_each(%s))" if sqlite else "= ANY(%s)"
    one = f"SELECT {quote(str(pk.column))} FROM {quote(model._meta.db_table)} WHERE "  # noqa: S608  # our names, values bound
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ".join(f"{one}{quote(column)} {is_one_of}" for column in asked),
            [json.dumps(wanted) if sqlite else wanted for wanted in asked.values()],
        )
        return [key for (key,) in cursor.fetchall()]


def among(model: type[models.Model], column: str, values: Sequence[str]) -> set[str]:
    """Those of the values that stand in a column of text."""
    if not values:
        return set()
    quote, sqlite = connection.ops.quote_name, connection.vendor == "sqlite"
    is_one_of = "IN (SELECT value FROM json_each(%s))" if sqlite else "= ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quote(column)} FROM {quote(model._meta.db_table)}"  # noqa: S608  # our names, values bound
            f" WHERE {quote(column)} {is_one_of}",
            [json.dumps(values) if sqlite else list(values)],
        )
        return {found for (found,) in cursor.fetchall()}


# --- Columns -------------------------------------------------------------------------------------


def _column(field: models.Field[Any, Any], rows: Sequence[models.Model]) -> Column:
    """The values of one column, ready for the driver."""
    name = field.attname
    if isinstance(field, SealedTextField):
        return _texts([_sealed(field, row) for row in rows])
    if isinstance(field, BlindIndexField):
        return _texts([getattr(row, name) for row in rows])
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return _prepared(field, [field.pre_save(row, True) for row in rows])
    held: list[Any] = list(map(attrgetter(name), rows))
    if isinstance(field, models.ForeignKey) and None in held:
        held = [_key(field, row) for row in rows]
    return _prepared(field, held)


def _sealed(field: SealedTextField, row: models.Model) -> Any:
    value = row.__dict__[field.attname]
    return value if value is None or type(value) is Sealed else field.sealed(row, value)


def _key(field: models.ForeignKey[Any, Any], row: models.Model) -> Any:
    key = getattr(row, field.attname)
    if key is None and field.is_cached(row) and (other := field.get_cached_value(row)) is not None:
        key = other.pk  # saved after it was set
        setattr(row, field.attname, key)
    return key


_AS_IT_IS = (models.IntegerField, models.AutoField)
_TEXT = (models.CharField, models.TextField)


def _prepared(field: models.Field[Any, Any], values: list[Any]) -> list[Any]:
    """Plain values of a field as its database takes them, on PostgreSQL as parts of an array."""
    sqlite = connection.vendor == "sqlite"
    if isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, SealedTextField):
        if not all(type(value) is Sealed for value in values if value):
            raise TypeError(f"{field} takes sealed texts here")
        return _texts(values)
    if isinstance(field, BlindIndexField):
        return _texts(values)
    kind = type(field)
    if kind.__module__.startswith("django."):
        if isinstance(field, _AS_IT_IS):
            return values if sqlite else [_NULL if v is None else str(v) for v in values]
        if isinstance(field, _TEXT):
            return _texts(values)
        if isinstance(field, models.BooleanField):
            return values if sqlite else [_NULL if v is None else "t" if v else "f" for v in values]
        if isinstance(field, models.JSONField):
            return _json(field, values, sqlite)
        if kind is models.UUIDField:
            null = None if sqlite else _NULL
            return [null if v is None else v if type(v) is str else v.hex for v in values]
        if kind is models.DateTimeField and sqlite:
            return _each_once(values, connection.ops.adapt_datetimefield_value)
        if isinstance(field, models.DateField):
            return _each_once(values, lambda v: v.isoformat(), null=None if sqlite else _NULL)
    return [_slowly(field, value, sqlite) for value in values]


def _texts(values: list[Any]) -> list[Any]:
    if connection.vendor == "sqlite":
        return [v if v is None or type(v) is str else str(v) for v in values]
    return [_NULL if v is None else _quoted(v if type(v) is str else str(v)) for v in values]


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _json(field: models.JSONField[Any, Any], values: list[Any], sqlite: bool) -> list[Any]:
    """Mostly one and the same object in every row."""
    known: dict[int, str] = {}
    for value in values:
        if id(value) not in known:
            known[id(value)] = json.dumps(value, cls=field.encoder)
    null = None if sqlite else _NULL
    said = known if sqlite else {key: _quoted(text) for key, text in known.items()}
    return [null if value is None else said[id(value)] for value in values]


def _each_once(values: list[Any], adapt: Callable[[Any], Any], null: Any = None) -> list[Any]:
    """Most rows of an import carry the same few moments and days."""
    known: dict[datetime | None, Any] = {value: adapt(value) for value in {*values} - {None}}
    known[None] = null
    return [known[value] for value in values]


def _slowly(field: models.Field[Any, Any], value: Any, sqlite: bool) -> Any:
    ready = field.get_db_prep_save(value, connection)
    if sqlite:
        return ready
    if isinstance(ready, bytes | memoryview):
        return _quoted(f"\\x{bytes(ready).hex()}")
    return _NULL if ready is None else _quoted(str(ready))


# --- Statements ----------------------------------------------------------------------------------


def send(sql: str, values: Sequence[Any]) -> None:
    """Execute a statement whose answer nobody wants."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _send(table: str, fields: Sequence[models.Field[Any, Any]], columns: Sequence[Column]) -> None:
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    head = f"INSERT INTO {quote(table)} ({names}) "
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor, connection.wrap_database_errors:
            values = list(chain.from_iterable(zip(*columns, strict=True)))
            _send_to_sqlite(cursor.cursor, f"{head}VALUES ", values, len(columns))
        return
    arrays = ", ".join(f"%s::{_array_of(field)}" for field in fields)
    values = [f"{{{','.join(each)}}}" for each in columns]
    send(f"{head}SELECT * FROM unnest({arrays})", values)  # noqa: S608  # values bound


def _array_of(field: models.Field[Any, Any]) -> str:
    """The type of a column's array; without a length, to which a cast would cut in silence."""
    return re.sub(r"\(.*\)", "", str(field.db_type(connection))) + "[]"


def _send_to_sqlite(cursor: Any, head: str, values: list[Any], width: int) -> None:
    """As many rows to a statement as go into it.

    On a table with triggers SQLite takes long over each statement: executemany is ten times slower.
    """
    execute = super(type(cursor), cursor).execute  # ours are question marks already
    size = VALUES // width * width
    one = f"({', '.join('?' * width)})"
    for start in range(0, len(values), size):
        some = values[start : start + size]
        execute(head + ", ".join([one] * (len(some) // width)), some)


@contextmanager
def roomy() -> Iterator[None]:
    """Within, SQLite keeps more of the database in memory and carries its journal over less often:
    an import writes all over its indexes, and the same pages again with every chunk.

    Outside a transaction. PostgreSQL has its memory from whoever runs it.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = {name: _pragma(cursor, name) for name in _ROOMY}
        for name, wanted in _ROOMY.items():
            cursor.execute(f"PRAGMA {name}={wanted}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for name, value in before.items():
                cursor.execute(f"PRAGMA {name}={value}")


_ROOMY = {
    "cache_size": -200_000,  # kibibytes
    "wal_autocheckpoint": 16_000,  # pages: 64 MB
}


def _pragma(cursor: Any, name: str) -> int:
    cursor.execute(f"PRAGMA {name}")
    (value,) = cursor.fetchone()
    return int(value)
