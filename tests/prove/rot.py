"""Look at damaged copies of a database or a backup; ``test_rot.py`` talks with this program.

Each request is a line of JSON, {"what": "database" or "backup", "path"}, and so is each answer: who
found what. A child carries it out, so that a damaged database can harm no later look.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import django
from django.db import connection, connections


def database(path: str) -> dict[str, bool]:
    """Who of those that look finds something: SQLite itself, the seals, what must fit together."""
    connections.databases["default"]["NAME"] = path
    connection.settings_dict["NAME"] = path
    return {
        "sqlite": finds(lambda: integrity(path)),
        "seals": finds(seals),
        "fit": finds(fit),
    }


def finds(look: Callable[[], bool]) -> bool:
    """Whether it finds something; a database that cannot be read is found as well."""
    try:
        return look()
    except Exception:  # whatever damage does
        return True


def integrity(path: str) -> bool:
    with closing(sqlite3.connect(path)) as db:
        whole = db.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
        return not whole or bool(db.execute("PRAGMA foreign_key_check").fetchall())


def seals() -> bool:
    from fangkong.core.audit.verifying import verify

    return bool(verify().problems)


def fit() -> bool:
    from fangkong.core.backup import hooks

    return bool(hooks.what_is_wrong())


def backup(path: str) -> dict[str, bool]:
    """Whether the restore refuses it before anything is written."""
    from fangkong.core.backup import restoring
    from fangkong.core.backup.sealing import read_lock
    from fangkong.core.backup.types import BackupProblem

    try:
        restoring.check(Path(path), read_lock(Path(os.environ["ROT_KEY"])))
    except BackupProblem:
        return {"refused": True}
    return {"refused": False}


def main() -> None:
    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        here, there = os.pipe()
        if not os.fork():
            found = (database if asked["what"] == "database" else backup)(asked["path"])
            os.write(there, json.dumps(found).encode())
            os._exit(0)
        os.close(there)
        with os.fdopen(here, "rb") as answer:
            print(answer.read().decode() or '{"died": true}', flush=True)
        os.wait()


if __name__ == "__main__":
    main()
