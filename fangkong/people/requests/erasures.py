"""Who was erased on request, noted in a file beside the data: the database cannot remember it.

A backup of last month brings back whoever was erased since, and with them the table of requests as
it was then. The file lies outside; after a restore its lines are carried out again. It holds public
ids and moments, nothing of a person. Copy it elsewhere with the backups, as ``audit-heads.log``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings


@dataclass(frozen=True)
class Erased:
    """One erasure: of whom, at which request, when."""

    person: str
    request: str
    at: str


def path() -> Path:
    """The file that every erasure is added to."""
    return Path(settings.FANGKONG_DATA) / "erasures.log"


def note(*, person: UUID, request: UUID, at: datetime) -> None:
    """Add a line, on the disk before the erasure is committed: better noted twice than never."""
    line = asdict(Erased(str(person), str(request), at.astimezone(UTC).isoformat()))
    path().parent.mkdir(parents=True, exist_ok=True)
    with path().open("a", encoding="ascii") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


class Unreadable(Exception):
    """A line of the file is none; the text says which."""


def noted() -> Iterator[Erased]:
    """The lines of the file, in its order; none where there is no file yet."""
    if not path().is_file():
        return
    with path().open(encoding="ascii") as lines:
        for place, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
                ids = str(UUID(found["person"])), str(UUID(found["request"]))
                one = Erased(*ids, str(found["at"]))
            except (ValueError, KeyError, TypeError) as problem:
                raise Unreadable(f"{path().name}, line {place}: no erasure") from problem
            yield one
