"""Who was erased on request, noted in a file beside the data: the database cannot remember it.

A backup of last month brings back whoever was erased since, and with them the table of requests as
it was then. The file lies outside; after a restore its lines are carried out again. It holds public
ids, moments and in two codes how the request came, nothing else of a person. Copy it elsewhere with
the backups, as ``audit-heads.log``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from .types import Asker, Proof


@dataclass(frozen=True)
class Erased:
    """One erasure: of whom, at which request, when; who had asked, and what proved it.

    ``joined``: the records of the same person that had been joined to it. In an older backup they
    stand by themselves.
    """

    person: UUID
    request: UUID
    at: datetime
    asker: str
    proof: str
    joined: tuple[UUID, ...] = ()


def path() -> Path:
    """The file that every erasure is added to."""
    return Path(settings.FANGKONG_DATA) / "erasures.log"


def note(
    *,
    person: UUID,
    request: UUID,
    asker: str,
    proof: str,
    at: datetime,
    joined: Sequence[UUID] = (),
) -> None:
    """Add a line, on the disk before the erasure is committed: better noted twice than never."""
    line: dict[str, object] = {
        "person": str(person),
        "request": str(request),
        "at": at.astimezone(UTC).isoformat(),
        "asker": asker,
        "proof": proof,
    }
    if joined:
        line["joined"] = [str(one) for one in joined]
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
                one = _read(json.loads(line))
            except (ValueError, KeyError, TypeError) as problem:
                raise Unreadable(f"{path().name}, line {place}: no erasure") from problem
            yield one


def _read(line: dict[str, Any]) -> Erased:
    """What a line says; older ones do not say how the request came."""
    at = datetime.fromisoformat(line["at"])
    if at.tzinfo is None:
        raise ValueError("a moment without its zone")
    asker, proof = line.get("asker", ""), line.get("proof", "")
    if asker not in ("", *Asker.values) or proof not in ("", *Proof.values):
        raise ValueError("neither who asked nor what proved it")
    joined = tuple(UUID(one) for one in line.get("joined", []))
    return Erased(UUID(line["person"]), UUID(line["request"]), at, asker, proof, joined)
