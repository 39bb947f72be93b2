"""Statements that took long: their text without values, on which page, how often and how long.

Each process keeps its own short list and writes it to a file now and then; the page reads the files
of all. Nothing is written while everything is quick.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

from django.conf import settings

MOST = 100  # different statements a process remembers
WRITE_EVERY = 5.0  # seconds
KEPT_DAYS = 7
LONGEST_TEXT = 2000

_QUOTED = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w\"$])\d+(?:\.\d+)?(?![\w\"])")
_MANY = re.compile(r"\((?:\s*(?:\?|%s)\s*,)+\s*(?:\?|%s)\s*\)")
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.S)


@dataclass
class Slow:
    """One statement on one page."""

    text: str
    view: str
    count: int = 0
    total_ms: int = 0
    worst_ms: int = 0
    last: float = 0.0

    @property
    def mean_ms(self) -> int:
        return self.total_ms // max(1, self.count)


_found: dict[tuple[str, str], Slow] = {}
_lock = Lock()
_written = 0.0


def normalised(sql: str) -> str:
    """A statement without its values: texts and numbers become ?, lists of them one (…)."""
    plain = _QUOTED.sub("?", _COMMENT.sub(" ", sql))
    plain = _MANY.sub("(…)", _NUMBER.sub("?", plain))
    return " ".join(plain.split())[:LONGEST_TEXT]


def note(sql: str, view: str, took: float) -> None:
    """A statement took longer than it should."""
    key = (normalised(sql), view)
    milliseconds = round(took * 1000)
    with _lock:
        one = _found.get(key)
        if one is None:
            if len(_found) >= MOST:  # the least bad one makes room
                del _found[min(_found, key=lambda each: _found[each].total_ms)]
            one = _found[key] = Slow(*key)
        one.count += 1
        one.total_ms += milliseconds
        one.worst_ms = max(one.worst_ms, milliseconds)
        one.last = time.time()
        _write()


def _folder() -> Path:
    return Path(settings.FANGKONG_DATA) / "watch"


def _write(force: bool = False) -> None:
    global _written
    if not force and time.monotonic() - _written < WRITE_EVERY:
        return
    _written = time.monotonic()
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        new = _folder() / f"slow-{os.getpid()}.new"
        new.write_text(json.dumps([asdict(one) for one in _found.values()]), "utf-8")
        new.replace(_folder() / f"slow-{os.getpid()}.json")
    except OSError:
        return  # a full disk has its own alarm


def everywhere() -> list[Slow]:
    """The slow statements of all processes of the last days, those that cost most first."""
    with _lock:
        if _found:
            _write(force=True)
    together: dict[tuple[str, str], Slow] = {}
    oldest = time.time() - KEPT_DAYS * 86400
    for path in _folder().glob("slow-*.json"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                continue
            rows = [Slow(**plain) for plain in json.loads(path.read_text("utf-8"))]
        except (OSError, ValueError, TypeError):  # another process is writing or has ended
            continue
        for row in rows:
            one = together.setdefault((row.text, row.view), Slow(row.text, row.view))
            one.count += row.count
            one.total_ms += row.total_ms
            one.worst_ms = max(one.worst_ms, row.worst_ms)
            one.last = max(one.last, row.last)
    return sorted(together.values(), key=lambda each: -each.total_ms)
