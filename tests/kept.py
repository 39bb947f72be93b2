"""Everything that the house keeps, as text: every column of every table, every stored file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from django.conf import settings
from django.db import connection

NOTHING: Mapping[str, Collection[str]] = {}


def in_tables(but: Mapping[str, Collection[str]] = NOTHING) -> Iterator[tuple[str, str]]:
    """(table.column, text) of every value, also of search indexes; ``but`` leaves columns out."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if column not in but.get(table, ()) and value is not None:
                        yield f"{table}.{column}", as_text(value)


def in_files() -> Iterator[tuple[str, str]]:
    """(name, text) of every file that staff uploaded."""
    for path in Path(settings.MEDIA_ROOT).glob("**/*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("utf-8", "replace")


def as_text(value: object) -> str:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def holds(text: str, canary: str) -> bool:
    """Whether a text holds it, also as JSON escapes it."""
    return canary in text or json.dumps(canary)[1:-1] in text


def places_of(
    canaries: Collection[str], but: Mapping[str, Collection[str]] = NOTHING
) -> set[tuple[str, str]]:
    """Where a canary is kept: (place, canary)."""
    return {
        (place, canary)
        for found in (in_tables(but), in_files())
        for place, text in found
        for canary in canaries
        if holds(text, canary)
    }
