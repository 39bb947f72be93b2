"""The head of the chain, published: a line in a file beside the data, and in the log.

Copies of it elsewhere (a collector, a printed report) show that the trail was cut short or wholly
rewritten, which the database alone cannot.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path

from django.conf import settings

from . import seal_keys
from .models import Seal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """A seal as it was published."""

    number: int
    digest: str
    at: str
    signature: str
    public_key: str


def head_of(seal: Seal) -> Head:
    """What is published of a seal."""
    at = seal.at.astimezone(UTC).isoformat()
    return Head(seal.number, seal.digest, at, seal.signature, seal_keys.public_key())


def path() -> Path:
    """The file that every head is added to."""
    return Path(settings.FANGKONG_DATA) / "audit-heads.log"


def publish(seal: Seal) -> None:
    """Add a head to the file and to the log. A full disk must not stop the sealing."""
    head = asdict(head_of(seal))
    log.info("audit head", extra={"number": seal.number, "digest": seal.digest})
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        with path().open("a", encoding="ascii") as file:
            file.write(json.dumps(head, separators=(",", ":")) + "\n")
    except OSError as problem:
        log.error("audit head not written", extra={"error": problem.strerror or ""})


class Unreadable(Exception):
    """A line of a file of heads is none; the text says which."""


def read(lines: Iterable[str]) -> Iterator[Head]:
    """The heads of a file, in its order."""
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            yield Head(**{name: found[name] for name in Head.__dataclass_fields__})
        except (ValueError, KeyError, TypeError) as problem:
            raise Unreadable(f"line {place} is no head of a chain") from problem
