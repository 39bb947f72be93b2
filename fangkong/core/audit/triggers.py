"""Triggers that write down every change of a row, whoever makes it and however (decision 0014).

Made anew after each migration and taken away before it: SQLite drops them when it remakes a table,
and its ALTER TABLE fails on them. ``problems`` says what is missing, changed or switched off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from fangkong.core import append_only
from fangkong.core.append_only import Trigger
from fangkong.core.editions import triggers as editions

from . import tables, triggers_postgresql, triggers_sqlite
from .models import RowChange


def expected(vendor: str) -> list[Trigger]:
    """Every trigger that a database of this kind must have."""
    module = triggers_sqlite if vendor == "sqlite" else triggers_postgresql
    watching = [trigger for table in tables.watched() for trigger in module.watching(table)]
    refusing = [
        trigger for name in tables.append_only() for trigger in append_only.triggers(vendor, name)
    ]
    more = [trigger for make in _more for trigger in make(vendor)]
    return watching + refusing + editions.expected(vendor) + more


_more: list[Callable[[str], list[Trigger]]] = []


def also(make: Callable[[str], list[Trigger]]) -> None:
    """A room's own triggers, by kind of database: they stand and fall with those of the trail.

    Their names begin with ``fk_kept_``: they keep a table in step with another.
    """
    if make not in _more:
        _more.append(make)


def problems(using: str = "default") -> list[str]:
    """The names of triggers that are missing, switched off or not as they should be."""
    connection = connections[using]
    standing = _standing(connection)
    wanted = expected(connection.vendor)
    return sorted(one.name for one in wanted if standing.get(one.name, ("", ""))[1] != one.kept)


def install(using: str = "default") -> bool:
    """Make them all where one is missing or wrong; returns whether that was so."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    if RowChange._meta.db_table not in there:
        return False
    if not problems(using):
        return False
    with transaction.atomic(using=using), connection.cursor() as cursor:
        remove(using)
        for trigger in expected(connection.vendor):
            if trigger.table in there:  # a migration may lead back to before a table
                for statement in trigger.statements:
                    cursor.execute(statement)
    return True


def remove(using: str = "default") -> None:
    """Take all our triggers away, for a migration."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name, (table, _text) in _standing(connection).items():
            on = "" if connection.vendor == "sqlite" else f" ON {table}"
            cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{on}')


def _standing(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, str]]:
    """Our triggers as they are: name -> (table, what the database keeps of it)."""
    rows: list[tuple[Any, ...]]
    with connection.cursor() as cursor:
        cursor.execute(_STANDING[connection.vendor])
        rows = cursor.fetchall()
    return {
        name: (table, text)
        for name, table, text in rows
        if name.startswith(("fk_audit_", "fk_kept_", editions.START)) or append_only.is_name(name)
    }


_STANDING = {
    "sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    # Where a trigger stands, whether it is on, when it fires, and what it does then.
    "postgresql": "SELECT t.tgname, c.relname, c.relname || ' ' || t.tgenabled::text || ' ' "
    "|| t.tgtype::text || ' ' || p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal "
    "AND pg_table_is_visible(t.tgrelid)",
}
