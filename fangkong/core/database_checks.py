"""Whether the database keeps every acknowledged write, and answers in time (security.md 2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

Apps = Sequence[AppConfig] | None
Databases = Sequence[str] | None

SAFE_SQLITE = (3, 51, 3)  # without the WAL-reset bug
BUSY_MILLISECONDS = 5000

# setting -> values that lose nothing
DURABLE = {
    "synchronous_commit": {"on", "remote_apply", "remote_write", "local"},
    "full_page_writes": {"on"},
    "fsync": {"on"},
}
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def keeps_what_it_acknowledged(
    app_configs: Apps, databases: Databases = None, **kwargs: Any
) -> list[CheckMessage]:
    """What no installation may do without."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        found += _sqlite(connection) if connection.vendor == "sqlite" else _postgresql(connection)
    return found


def is_fit_for_production(
    app_configs: Apps, databases: Databases = None, **kwargs: Any
) -> list[CheckMessage]:
    """What a demonstration may do without, but not the real work (`check --deploy`)."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor == "postgresql":
            found += _postgresql_in_production(connection)
    return found


def _ask(connection: BaseDatabaseWrapper, question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        row = cursor.fetchone()
    return None if row is None else row[0]


def _sqlite(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    version = str(_ask(connection, "SELECT sqlite_version()"))
    if tuple(int(part) for part in version.split(".")[:3]) < SAFE_SQLITE:
        found.append(
            Warning(
                f"SQLite {version} can damage a database in rare cases",
                hint="Install the pysqlite3 package, which brings a newer SQLite.",
                id="fangkong.W001",
            )
        )
    for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        value = _ask(connection, f"PRAGMA {pragma}")
        if value != wanted:
            found.append(
                Error(f"SQLite runs with {pragma}={value}, not {wanted}", id="fangkong.E001")
            )
    if (waits := _ask(connection, "PRAGMA busy_timeout")) < BUSY_MILLISECONDS:
        found.append(Error(f"SQLite gives up after {waits} ms when it is busy", id="fangkong.E003"))
    mode = connection.settings_dict["OPTIONS"].get("transaction_mode")
    if mode != "IMMEDIATE":
        found.append(
            Error(f"SQLite starts transactions as {mode}, not IMMEDIATE", id="fangkong.E004")
        )
    return found


def _postgresql(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, right in DURABLE.items():
        value = _ask(connection, f"SHOW {name}")
        if value not in right:
            found.append(
                Error(
                    f"PostgreSQL runs with {name}={value}: acknowledged work can be lost",
                    hint=f"Set {name}=on in postgresql.conf, or for this role.",
                    id="fangkong.E005",
                )
            )
    for name in ("server_encoding", "client_encoding"):
        value = _ask(connection, f"SHOW {name}")
        if value not in ("UTF8", "UTF-8"):
            found.append(
                Error(
                    f"PostgreSQL runs with {name}={value}, which cannot hold every name",
                    hint="Make the database anew with ENCODING 'UTF8'.",
                    id="fangkong.E006",
                )
            )
    return found


def _postgresql_in_production(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    found += [
        Warning(
            f"PostgreSQL has no {name}: one stuck session can hold up all others",
            hint=f"ALTER ROLE … SET {name} = …; (docs/running.md): behind a pool the role has it."
            if settings.FANGKONG_POOLED
            else "Leave `options` out of DATABASE_URL; Fangkong sets it.",
            id="fangkong.W002",
        )
        for name in TIMEOUTS
        if _ask(connection, f"SHOW {name}") in ("0", "-1")
    ]
    if not connection.settings_dict["CONN_HEALTH_CHECKS"]:
        found.append(
            Warning("Lost connections are not noticed: set CONN_HEALTH_CHECKS", id="fangkong.W003")
        )
    powers = _ask(
        connection,
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    if powers:
        found.append(
            Warning(
                "Fangkong works as a role of PostgreSQL that may do everything",
                hint="Give it a role of its own: CREATE ROLE fangkong LOGIN NOSUPERUSER "
                "NOBYPASSRLS; and name it in DATABASE_URL.",
                id="fangkong.W004",
            )
        )
    if _ask(connection, "SHOW data_checksums") != "on":
        found.append(
            Warning(
                "PostgreSQL does not check its pages, so a failing disk goes unnoticed",
                hint="Stop it and run pg_checksums --enable, or initdb with --data-checksums.",
                id="fangkong.W005",
            )
        )
    return found
