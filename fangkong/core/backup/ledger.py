"""Which backups were made and which of them were proven: a small file in the data folder.

A file and not a table: it must be readable while the database is away, and a restored database must
not believe what its backup believed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from django.conf import settings

KEPT = 60


@dataclass(frozen=True)
class Made:
    """One backup. ``proven_at`` is empty until it was restored elsewhere and compared."""

    file: str
    made_at: str
    seconds: float = 0.0
    size: int = 0
    rows: int = 0
    proven_at: str = ""
    proof_seconds: float = 0.0
    problem: str = ""

    @property
    def made(self) -> datetime:
        return datetime.fromisoformat(self.made_at)

    @property
    def proven(self) -> datetime | None:
        return datetime.fromisoformat(self.proven_at) if self.proven_at else None


def place() -> Path:
    """Where the list lies."""
    return Path(settings.FANGKONG_DATA) / "backups.json"


def made() -> list[Made]:
    """The backups of this installation, newest first; none where the list is missing or damaged."""
    try:
        return [Made(**one) for one in json.loads(place().read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def note(one: Made) -> None:
    """Add a backup to the list, or say something new of it."""
    others = [other for other in made() if other.file != one.file]
    kept = sorted([one, *others], key=lambda each: each.made_at, reverse=True)[:KEPT]
    new = place().with_suffix(".new")
    new.write_text(json.dumps([asdict(each) for each in kept], indent=1), "utf-8")
    new.replace(place())


def note_proof(file: str, at: datetime, seconds: float) -> None:
    """A backup was restored and compared."""
    for one in made():
        if one.file == file:
            note(replace(one, proven_at=at.isoformat(), proof_seconds=seconds, problem=""))


def note_problem(file: str, at: datetime, problem: str) -> None:
    """A backup could not be made (it is then new to the list) or not be proven."""
    known = [one for one in made() if one.file == file]
    note(replace(known[0] if known else Made(file, at.isoformat()), problem=problem))


def last_proven() -> Made | None:
    """The newest backup that was restored and compared."""
    return next((one for one in made() if one.proven_at), None)


def last() -> Made | None:
    """The newest backup or the newest attempt at one."""
    return next(iter(made()), None)
