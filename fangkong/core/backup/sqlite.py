"""A SQLite database: copied by its own backup API while others write, compared table by table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from .types import BackupProblem, Table


def copy(source: Path, target: Path) -> None:
    """A whole copy as of one moment; writers go on meanwhile. Never ``cp``: it loses the WAL."""
    target.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, timeout=20)) as live,
        closing(sqlite3.connect(target)) as held,
    ):
        live.backup(held)  # in one step: a backup in several starts anew with each write
        held.execute("PRAGMA journal_mode=DELETE")


def is_empty(path: Path) -> bool:
    """Whether nothing is there yet."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as there:
        try:
            return not there.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError:
            return False


def require_sound(path: Path) -> None:
    """Refuse a copy whose pages or keys do not fit together."""
    with closing(sqlite3.connect(path)) as there:
        said = [row[0] for row in there.execute("PRAGMA integrity_check(3)")]
        torn = there.execute("PRAGMA foreign_key_check").fetchmany(1)
    if said != ["ok"] or torn:
        raise BackupProblem(
            "the database in the backup does not fit together "
            f"({said[0] if said != ['ok'] else f'keys of {torn[0][0]}'}): use another copy."
        )


def tables(path: Path) -> dict[str, Table]:
    """Every table with its rows, digest and highest id."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as there:
        names = [
            (str(name), bool(without_rowid))
            for _schema, name, kind, _columns, without_rowid, _strict in there.execute(
                "SELECT schema, name, type, ncol, wr, strict FROM pragma_table_list ORDER BY name"
            )
            if kind in ("table", "shadow") and name not in ("sqlite_schema", "sqlite_temp_schema")
        ]
        return {name: _table(there, name, without) for name, without in names}


def _table(there: sqlite3.Connection, name: str, without_rowid: bool) -> Table:
    columns = there.execute("SELECT name, pk FROM pragma_table_info(?)", [name]).fetchall()
    quoted = " || '|' || ".join(f'quote("{column}")' for column, _pk in columns)
    key = [f'"{column}"' for column, pk in sorted(columns, key=lambda one: one[1]) if pk]
    order = ", ".join(key) if without_rowid else "rowid"
    rows, digest = 0, sha256()
    for part in _parts(there.execute(f'SELECT {quoted} FROM "{name}" ORDER BY {order}')):  # noqa: S608  # our own names
        rows += len(part)
        digest.update("\n".join(row[0] for row in part).encode("utf-8", "surrogatepass") + b"\n")
    highest = None
    if any(column == "id" and pk for column, pk in columns):
        found = there.execute(f'SELECT max(id) FROM "{name}"').fetchone()[0]  # noqa: S608
        highest = found if isinstance(found, int) else None
    return Table(rows, digest.hexdigest(), highest)


def _parts(cursor: sqlite3.Cursor) -> Iterator[list[tuple[str]]]:
    while part := cursor.fetchmany(2000):
        yield part
