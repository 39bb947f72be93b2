"""What `fangkong check` looks at beside Django's own checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections


@register(Tags.database)
def triggers_stand(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every table must have its triggers, or changes of rows would leave nothing in the trail."""
    from fangkong.core.audit import triggers

    return [
        Error(
            f"The audit trail misses changes: {len(wrong)} triggers are gone or altered, "
            f"such as {wrong[0]}",
            hint="Find out who did this. `fangkong migrate` makes them anew.",
            id="fangkong.E002",
        )
        for alias in databases or []
        if (wrong := triggers.problems(alias))
    ]


@register(Tags.database)
def sqlite_is_safe(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """SQLite must keep every acknowledged write, and should be free of the WAL-reset bug."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "sqlite":
            continue
        import sqlite3

        if sqlite3.sqlite_version_info < (3, 51, 3):
            found.append(
                Warning(
                    f"SQLite {sqlite3.sqlite_version} can damage a database in rare cases",
                    hint="Install the pysqlite3 package, which brings a newer SQLite.",
                    id="fangkong.W001",
                )
            )
        with connection.cursor() as cursor:
            for pragma, wanted in (("synchronous", 2), ("foreign_keys", 1)):
                value = cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
                if value != wanted:
                    found.append(
                        Error(
                            f"SQLite runs with {pragma}={value}, not {wanted}", id="fangkong.E001"
                        )
                    )
    return found
