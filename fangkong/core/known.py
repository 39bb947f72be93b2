"""What the program knows of records by their keys, as a column that is sorted and filtered by.

For figures that one statement over another table gives at once: a subquery for each record and
figure costs several times as much, and so does a WHEN for each record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, DateField, F, Func, IntegerField, Value
from django.db.models.functions import Coalesce

Kind = BigIntegerField[Any, Any] | IntegerField[Any, Any] | DateField[Any, Any]


def known(values: Mapping[int, int | date | None], kind: Kind, otherwise: int | None = None) -> Any:
    """The value of each record by its primary key, ``otherwise`` where none is known.

    ``values``: whole numbers or days, as ``kind`` says.
    """
    told = {str(key): _plain(value) for key, value in values.items() if value is not None}
    found = _Known(json.dumps(told), output_field=kind)
    return found if otherwise is None else Coalesce(found, Value(otherwise, kind))


def _plain(value: int | date | None) -> int | str | None:
    return value.isoformat() if isinstance(value, date) else value


class _Known(Func):
    """A value of a JSON object that is sent as one parameter, by the record's key."""

    arity = 1

    def __init__(self, told: str, **extra: Any) -> None:
        super().__init__(F("pk"), **extra)
        self.told = told

    def as_sqlite(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, Any]:
        key, values = compiler.compile(self.get_source_expressions()[0])
        return f"json_extract(%s, '$.\"' || {key} || '\"')", (self.told, *values)

    def as_postgresql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, Any]:
        key, values = compiler.compile(self.get_source_expressions()[0])
        kind = self.output_field.db_type(connection)
        return f"(%s::jsonb ->> ({key})::text)::{kind}", (self.told, *values)
