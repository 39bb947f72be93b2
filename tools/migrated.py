"""A migrated SQLite database without anything in it, kept for the next run of the tests.

The migrations of all rooms take longer than most tests. What they make depends on the sources named
in ``SOURCES`` alone: where one of these changed, or none was kept, the run migrates from nothing
and keeps what came out, as it does on a fresh machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / ".databases"
KEPT = 3
# What migrations run, and what is written after them: triggers, walls, guards.
SOURCES = (
    "fangkong/*/migrations/*.py",
    "fangkong/*/models.py",
    "fangkong/*/*/models.py",
    "fangkong/core/**/*.py",
    "fangkong/people/name_parts.py",
    "requirements/*.txt",
)


def template(root: Path = ROOT, folder: Path = FOLDER) -> Path:
    """Where the database of these sources is, or would be."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            if "tests" not in path.parts:
                digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return folder / f"{digest.hexdigest()[:24]}.sqlite3"


def take(kept: Path, to: Path) -> bool:
    """Lay a copy of the kept database there; False where there is none."""
    try:
        shutil.copyfile(kept, to)
        to.chmod(0o600)  # as the product makes one
    except FileNotFoundError:
        return False
    os.utime(kept)  # it is of use: others are forgotten first
    return True


def keep(database: Path, as_: Path) -> None:
    """Keep a copy of a migrated database, whole or not at all; the oldest others are forgotten."""
    as_.parent.mkdir(parents=True, exist_ok=True)
    new = as_.with_suffix(f".{os.getpid()}")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as source:
        source.execute("VACUUM INTO ?", [str(new)])
    new.replace(as_)
    by_age = sorted(as_.parent.glob("*.sqlite3"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in by_age[KEPT:]:
        old.unlink(missing_ok=True)
