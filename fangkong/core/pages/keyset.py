"""Pages by key: the next page starts after the last row seen, so page 6,000 is as fast as page 1.

No COUNT and no OFFSET. A row that is added or removed meanwhile neither repeats nor hides others.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet

M = TypeVar("M", bound=Model)
T = TypeVar("T")


LONGEST = 8000  # characters of a cursor
# What a made-up cursor can make Django, Python or the database's driver say.
_MISFIT = (ValidationError, ValueError, TypeError, AttributeError, ArithmeticError)


class BadCursor(Exception):
    """The cursor in the URL was not made here; the list then starts from its beginning."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows in order, with cursors to the neighbours (empty where there is none)."""

    rows: list[T]
    next: str
    previous: str


def page(rows: QuerySet[M], *, path: str, descending: bool, size: int, cursor: str = "") -> Page[M]:
    """One page of ``rows`` ordered by a non-null ORM path, then by id.

    ``cursor`` is what an earlier page gave as ``next`` or ``previous``; empty is the first page.
    One statement is sent, whatever the size of the table.
    """
    backward, key = _decode(cursor) if cursor else (False, None)
    down = descending != backward
    return _read(
        _ordered(_beyond(rows, path, down, key), path, down), size, backward, key is not None
    )


def values(
    rows: QuerySet[M],
    fields: Sequence[str],
    *,
    path: str,
    descending: bool,
    size: int,
    cursor: str = "",
) -> Page[dict[str, Any]]:
    """As ``page``, but each row is a dict of these ORM paths (and ``pk``), not a model.

    For answers to machines: making models of wide tables took most of the time of a page.
    """
    backward, key = _decode(cursor) if cursor else (False, None)
    down = descending != backward
    ordered = _ordered(_beyond(rows, path, down, key), path, down)
    return _read(ordered.values("pk", "_order", *fields), size, backward, key is not None)


def _beyond(
    rows: QuerySet[M], path: str, down: bool, key: tuple[object, int] | None
) -> QuerySet[M]:
    if key is None:
        return rows
    try:
        return rows.filter(_after(path, down, *key))
    except _MISFIT as problem:
        raise BadCursor from problem


def _ordered(rows: QuerySet[M], path: str, down: bool) -> QuerySet[M]:
    sign = "-" if down else ""
    ordered = rows.annotate(_order=F(path)).order_by(f"{sign}{path}", f"{sign}pk")
    return cast("QuerySet[M]", ordered)


def _read(ordered: QuerySet[Any, T], size: int, backward: bool, is_after: bool) -> Page[T]:
    try:
        found: list[T] = list(ordered[: size + 1])
    except _MISFIT as problem:
        raise BadCursor from problem
    more, found = len(found) > size, found[:size]
    if backward:
        found.reverse()
    has_next = bool(found) and (more if not backward else True)
    has_previous = bool(found) and (more if backward else is_after)
    return Page(
        rows=found,
        next=_encode(False, *_edge(found[-1])) if has_next else "",
        previous=_encode(True, *_edge(found[0])) if has_previous else "",
    )


def _edge(row: object) -> tuple[object, int]:
    """Where a row stands in the order."""
    if isinstance(row, dict):
        return row["_order"], cast(int, row["pk"])
    return cast(Any, row)._order, cast(Any, row).pk


def _after(path: str, down: bool, value: object, pk: int) -> Q:
    """The rows beyond (value, pk). The first condition lets the database start in its index."""
    edge, beyond = ("lte", "lt") if down else ("gte", "gt")
    return Q(**{f"{path}__{edge}": value}) & (
        Q(**{f"{path}__{beyond}": value}) | Q(**{f"pk__{beyond}": pk})
    )


def _encode(backward: bool, value: object, pk: int) -> str:
    plain = [int(backward), _tagged(value), pk]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[bool, tuple[object, int]]:
    if len(cursor) > LONGEST:
        raise BadCursor
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        backward, (kind, text), pk = json.loads(raw)
        return bool(backward), (_READ[kind](text), _whole(pk))
    except (*_MISFIT, KeyError, RecursionError) as problem:
        raise BadCursor from problem


# Values that a database would choke on are refused here, before it is asked.


def _whole(text: str | int) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise OverflowError(number)
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(text)
    return number


def _real(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _text(text: object) -> str:
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError(text)
    return text


_READ: dict[str, Callable[[str], object]] = {
    "t": _moment,
    "d": date.fromisoformat,
    "n": _decimal,
    "i": _whole,
    "f": _real,
    "u": UUID,
    "s": _text,
}


def _tagged(value: object) -> tuple[str, str]:
    if isinstance(value, datetime):
        return "t", value.isoformat()
    if isinstance(value, date):
        return "d", value.isoformat()
    if isinstance(value, bool):
        return "i", str(int(value))
    tag = {Decimal: "n", int: "i", float: "f", UUID: "u"}.get(type(value), "s")
    return tag, str(value)
