"""Tables that are only ever added to: the database itself refuses to change or delete a row."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def sqlite_triggers(table: str) -> list[str]:
    """Statements that make SQLite refuse UPDATE, DELETE and REPLACE on a table with an ``id``."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        # INSERT OR REPLACE deletes the old row without firing the trigger on DELETE.
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  # our name
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {refuse}",
    ]


def sqlite_untriggers(table: str) -> list[str]:
    """Statements that lift the refusal; for the reverse migration and for emptying test tables."""
    verbs = ("update", "delete", "replace")
    return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in verbs]


def _postgresql_triggers(table: str) -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is only ever added to'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
    ]


def _postgresql_untriggers(table: str) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}",
        f"DROP FUNCTION IF EXISTS {table}_refuse()",
    ]


def append_only(table: str) -> migrations.RunPython:
    """A migration step that makes a table append-only on SQLite and on PostgreSQL."""

    def run(editor: BaseDatabaseSchemaEditor, statements: dict[str, Sequence[str]]) -> None:
        for statement in statements[editor.connection.vendor]:
            editor.execute(statement)

    def forward(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        run(
            editor,
            {"sqlite": sqlite_triggers(table), "postgresql": _postgresql_triggers(table)},
        )

    def backward(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        run(
            editor,
            {"sqlite": sqlite_untriggers(table), "postgresql": _postgresql_untriggers(table)},
        )

    return migrations.RunPython(forward, backward)
