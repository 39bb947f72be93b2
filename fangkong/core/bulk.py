"""Insert many rows of one table with little work for each.

Django's ``bulk_create`` prepares every value through five calls and sends few rows at a time to
SQLite. An import writes nine rows for each card; here the columns are looked at once per call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models

ROWS = 500  # to a statement
VALUES = 30_000  # to a statement: SQLite takes 32,766

_AS_IT_IS = (models.IntegerField, models.BooleanField)
_TEXT = (models.CharField, models.TextField)


def insert(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model and give each its key; as ``bulk_create``, and within the caller's
    transaction. Objects that a row points to must be saved."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    read = [_reader(field) for field in fields]
    quote = connection.ops.quote_name
    head = (
        f"INSERT INTO {quote(meta.db_table)}"  # noqa: S608  # our own names, values bound
        f" ({', '.join(quote(str(field.column)) for field in fields)}) VALUES "
    )
    one = f"({', '.join(['%s'] * len(fields))})"
    size = min(ROWS, VALUES // len(fields))
    assert meta.pk is not None
    tail = f" RETURNING {quote(str(meta.pk.column))}"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            values = [each(row) for row in some for each in read]
            cursor.execute(head + ", ".join([one] * len(some)) + tail, values)
            for row, (key,) in zip(some, cursor.fetchall(), strict=True):
                row.pk = key
                row._state.adding, row._state.db = False, connection.alias


def _reader(field: models.Field[Any, Any]) -> Callable[[models.Model], Any]:
    """How a column's value is taken from a row, ready for the driver."""
    name = field.attname
    sqlite = connection.vendor == "sqlite"
    if isinstance(field, models.ForeignKey) and isinstance(field.target_field, models.AutoField):
        return lambda row: _key(row, field)
    kind = type(field)
    moves = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    if kind.__module__.startswith("django.") and not moves:
        if isinstance(field, _AS_IT_IS) or (
            not sqlite and isinstance(field, (models.DateField, models.UUIDField))
        ):
            return lambda row: getattr(row, name)
        if isinstance(field, _TEXT):
            return lambda row: _text(getattr(row, name))
    if sqlite and kind is models.DateTimeField:
        return _remembered(name, connection.ops.adapt_datetimefield_value)
    if sqlite and kind is models.DateField:
        return lambda row: _day(getattr(row, name))
    if sqlite and kind is models.UUIDField:
        return lambda row: None if (value := getattr(row, name)) is None else value.hex
    return lambda row: field.get_db_prep_save(field.pre_save(row, True), connection)


def _key(row: models.Model, field: models.ForeignKey[Any, Any]) -> Any:
    key = getattr(row, field.attname)
    if key is None and field.is_cached(row) and (other := field.get_cached_value(row)) is not None:
        key = other.pk  # saved after it was set
        setattr(row, field.attname, key)
    return key


def _text(value: Any) -> Any:
    return value if type(value) is str or value is None else str(value)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _remembered(name: str, adapt: Callable[[Any], Any]) -> Callable[[models.Model], Any]:
    """Most rows of an import carry the same few moments."""
    known: dict[datetime | None, Any] = {None: None}

    def read(row: models.Model) -> Any:
        value = getattr(row, name)
        if value not in known:
            known[value] = adapt(value)
        return known[value]

    return read
