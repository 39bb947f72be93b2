"""Tables that are only ever added to: the database itself refuses to change or delete a row.

A model of such a table says ``append_only = True``; its triggers are then made anew after every
migration (``core.audit.triggers``). The step ``append_only`` makes them within a migration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_ENDS = ("_no_update", "_no_delete", "_no_replace", "_append_only", "_no_truncate")


@dataclass(frozen=True)
class Trigger:
    """A trigger: the statements that make it, and what the database then keeps of it."""

    name: str
    statements: tuple[str, ...]
    kept: str

    @property
    def table(self) -> str:
        """The table that it stands on."""
        found = re.search(r' ON "?(\w+)', self.statements[-1])
        assert found is not None, self.statements[-1]
        return found[1]


def is_name(trigger: str) -> bool:
    """Whether a trigger of this name was made here."""
    return trigger.endswith(_ENDS)


def triggers(vendor: str, table: str) -> list[Trigger]:
    """What makes a table append-only on a kind of database."""
    return _sqlite(table) if vendor == "sqlite" else _postgresql(table)


def _sqlite(table: str) -> list[Trigger]:
    """SQLite refuses UPDATE, DELETE and REPLACE on a table with an ``id``."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
    made = {
        f"{table}_no_update": f"BEFORE UPDATE ON {table} {refuse}",
        f"{table}_no_delete": f"BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes the old row without firing the trigger on DELETE.
        f"{table}_no_replace": f"BEFORE INSERT ON {table} "  # noqa: S608  # our name
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {refuse}",
    }
    texts = {name: f"CREATE TRIGGER {name} {text}" for name, text in made.items()}
    return [Trigger(name, (text,), text) for name, text in texts.items()]


def _postgresql(table: str) -> list[Trigger]:
    body = f" BEGIN RAISE EXCEPTION '{table} is only ever added to'; END "
    refuse = f"{table}_refuse"
    function = (
        f"CREATE OR REPLACE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
    )
    rows, emptied = f"{table}_append_only", f"{table}_no_truncate"
    return [
        Trigger(
            rows,
            (
                function,
                f"CREATE TRIGGER {rows} BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {refuse}()",
            ),
            f"{table} O 27 {body}",
        ),
        Trigger(
            emptied,
            (
                function,
                f"CREATE TRIGGER {emptied} BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {refuse}()",
            ),
            f"{table} O 34 {body}",
        ),
    ]


def append_only(table: str) -> migrations.RunPython:
    """A migration step that makes a table append-only on SQLite and on PostgreSQL."""

    def run(editor: BaseDatabaseSchemaEditor, statements: Iterable[str]) -> None:
        for statement in statements:
            editor.execute(statement)

    def forward(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for trigger in triggers(editor.connection.vendor, table):
            run(editor, trigger.statements)

    def backward(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        vendor = editor.connection.vendor
        on = "" if vendor == "sqlite" else f" ON {table}"
        names = [trigger.name for trigger in triggers(vendor, table)]
        run(editor, [f"DROP TRIGGER IF EXISTS {name}{on}" for name in names])
        if vendor == "postgresql":
            run(editor, [f"DROP FUNCTION IF EXISTS {table}_refuse()"])

    return migrations.RunPython(forward, backward)
