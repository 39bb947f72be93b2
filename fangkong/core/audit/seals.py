"""Seal the trail in batches, each chained to the one before, apart from the work (finding 7).

A seal's digest is SHA-256 over the one before, its own facts and its rows as text; it is signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from django.db import IntegrityError, OperationalError, connection, models, transaction

from . import heads, seal_keys
from .models import AuditLine, RowChange, Seal, Sight

BATCH = 5000
ROUND = 40  # batches at most in one go
LOCK_TIMEOUT = "500ms"
SEALED: dict[str, type[models.Model]] = {
    model._meta.db_table: model for model in (AuditLine, RowChange, Sight)
}
Row = Sequence[Any]

# Which columns a seal covers, by its format: what was sealed before a column came stays verifiable.
# A new column needs a new format (a test asks for it), or nothing would seal it.
_FIRST = {
    "core_auditline": (
        "id", "at", "by_id", "action", "subject_type", "subject_id", "subject_public_id", "reason",
        "detail", "request_id",
    ),
    "core_rowchange": (
        "id", "at", "table_name", "row_id", "verb", "by_id", "request_id", "role", "changes",
    ),
    "core_sight": (
        "id", "at", "by_id", "how", "subject_type", "subject_id", "place", "reason", "request_id",
    ),
}  # fmt: skip
FORMATS: dict[int, dict[str, tuple[str, ...]]] = {
    1: _FIRST,
    2: {
        **_FIRST,
        "core_auditline": (*_FIRST["core_auditline"], "area_key", "ip", "token_id", "result"),
        "core_sight": (*_FIRST["core_sight"], "ip", "token_id"),
    },
}
NEWEST = max(FORMATS)


def seal(at: datetime) -> int:
    """Seal what is settled; returns how many seals were made.

    Nothing where another sealer is at work, or a long transaction holds the tables: the next
    round, a minute later, takes it along.
    """
    settled = _settled()
    made = 0
    try:
        for table, last in settled.items():
            while made < ROUND and _seal_batch(table, last, at):
                made += 1
    except IntegrityError:
        pass  # another sealer has taken the number
    if made:
        newest = Seal.objects.order_by("-number")[0]
        heads.publish(newest)
    return made


def _settled() -> dict[str, int]:
    """For each table the id below which nothing can appear any more; 0 where none."""
    if connection.vendor != "postgresql":
        return _last_ids()  # one writer: what a reader sees is in order
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Ids are given out before they are seen. Who writes now is awaited, for a moment.
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            cursor.execute(f"LOCK TABLE {', '.join(SEALED)} IN SHARE MODE")
            # The rest of a caller's transaction waits as it did, also for a vacuum to give way.
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            return _last_ids()
    except OperationalError:
        return {}


def _last_ids() -> dict[str, int]:
    return {
        table: model._default_manager.aggregate(last=models.Max("pk"))["last"] or 0
        for table, model in SEALED.items()
    }


@transaction.atomic
def _seal_batch(table: str, settled: int, at: datetime) -> bool:
    before = Seal.objects.order_by("-number").first()
    first = (Seal.objects.filter(table_name=table).aggregate(n=models.Max("last_id"))["n"] or 0) + 1
    if first > settled:
        return False
    rows = read(table, first, settled, limit=BATCH)
    if not rows:
        return False
    fresh = Seal(
        number=(before.number if before else 0) + 1,
        format=NEWEST,
        table_name=table,
        first_id=first,
        last_id=rows[-1][0],
        count=len(rows),
        previous=before.digest if before else "",
        at=at,
        key_id=seal_keys.key_id(seal_keys.public_key()),
    )
    fresh.digest = digest(fresh, rows)
    fresh.signature = seal_keys.sign(fresh.digest)
    fresh.save(force_insert=True)
    return True


def digest(one: Seal, rows: Sequence[Row]) -> str:
    """The digest that a seal must have over these rows."""
    head: list[Any] = [] if one.format == 1 else [one.format]  # the first named none
    head += [one.number, one.table_name, one.first_id, one.last_id, one.count, one.previous]
    moment = one.at.astimezone(UTC).isoformat()
    text = json.dumps([*head, moment, one.key_id, *rows], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read(table: str, first: int, last: int, *, limit: int = 0, version: int = NEWEST) -> list[Row]:
    """The rows of ids ``first`` to ``last`` as plain values, in order of their ids."""
    sql = f"{_select(table, version, connection.vendor)} WHERE id BETWEEN %s AND %s ORDER BY id"
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {limit}" if limit else sql, [first, last])
        return cast("list[Row]", cursor.fetchall())


def strays(table: str, first: int, last: int, version: int) -> int:
    """Rows with something in a column that came after this format: it was put in later."""
    rows = SEALED[table]._default_manager.filter(pk__gte=first, pk__lte=last)
    filled = models.Q(pk__in=[])
    for field in SEALED[table]._meta.concrete_fields:
        if field.column in FORMATS[version][table]:
            continue
        empty = field.get_default()
        said = {f"{field.attname}__isnull": True} if empty is None else {field.attname: empty}
        filled |= ~models.Q(**said)
    return rows.filter(filled).count() if filled != models.Q(pk__in=[]) else 0


@cache
def _select(table: str, version: int, vendor: str) -> str:
    """Numbers as they are, everything else as text, the id first."""
    fields = {str(field.column): field for field in SEALED[table]._meta.concrete_fields}
    said = ", ".join(_text(fields[name], vendor) for name in FORMATS[version][table])
    return f"SELECT {said} FROM {table}"  # noqa: S608  # names of our models


def _text(field: models.Field[Any, Any], vendor: str) -> str:
    name = f'"{field.column}"'
    if isinstance(field, (models.IntegerField, models.ForeignKey)):
        return name
    if vendor == "sqlite":
        return f"CAST({name} AS TEXT)"
    if isinstance(field, models.DateTimeField):
        return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    return f"{name}::text"
