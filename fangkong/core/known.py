"""Figures that the program knows of records by their keys: told by each row, and sorted by.

For figures that one statement over another table gives at once: a subquery for each record and
figure costs several times as much, and so does a WHEN for each record. Made for some thousands of
records, for a list that sorts by one looks each of them up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar, cast

from django.db.models import BigIntegerField, DateField, F, Func, IntegerField, QuerySet, Value
from django.db.models import Model as AnyModel
from django.db.models.functions import Coalesce
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=AnyModel)
Kind = BigIntegerField[Any, Any] | IntegerField[Any, Any] | DateField[Any, Any]


@dataclass(frozen=True)
class Figure:
    """What is known, by primary key, and what is told of all others.

    Whole numbers or days, as ``kind`` says.
    """

    known: Mapping[int, int | date | None]
    kind: Kind
    otherwise: int | None = None


def telling(rows: QuerySet[M], figures: Mapping[str, Figure]) -> QuerySet[M]:
    """The rows, each with its figures as attributes, to be sorted and filtered by their names.

    The database is told of a figure where a list sorts or filters by it, and of no other.
    """
    told: Any = _Telling(model=rows.model, query=rows.query.chain(), using=rows.db)
    told.figures = dict(figures)
    columns = {name: _column(figure) for name, figure in figures.items()}
    return cast("QuerySet[M]", told.alias(**columns))


class _WithFigures(ModelIterable):  # type: ignore[type-arg]  # Django's is not generic
    def __iter__(self) -> Iterator[Any]:
        told: Mapping[str, Figure] = cast(Any, self.queryset).figures
        figures = [(name, one.known, one.otherwise) for name, one in told.items()]
        for row in super().__iter__():
            for name, known, otherwise in figures:
                row.__dict__[name] = known.get(row.pk, otherwise)
            yield row


class _Telling(QuerySet[Any]):
    figures: Mapping[str, Figure]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._iterable_class = _WithFigures
        self.figures = {}

    def _clone(self) -> Any:
        made = cast(Any, super())._clone()
        made.figures = self.figures
        return made


def _column(figure: Figure) -> Any:
    told = {str(key): _plain(value) for key, value in figure.known.items() if value is not None}
    found = _Known(json.dumps(told), output_field=figure.kind)
    if figure.otherwise is None:
        return found
    return Coalesce(found, Value(figure.otherwise, figure.kind))


def _plain(value: int | date) -> int | str:
    return value.isoformat() if isinstance(value, date) else int(value)


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
