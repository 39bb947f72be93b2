"""The door of the set-up: one code, one browser, one hour, while nobody has an account.

All of it lives in the one process that serves the pages (``config/first_start.py``), so a restart
makes a new code and forgets every browser. Only a digest of the code is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

BYTES = 16  # of randomness: 128 bits
VALID = 3600.0  # seconds until a code that nobody used opens nothing any more
LONGEST = 4 * 3600.0  # seconds that a browser may take for all steps


@dataclass
class Door:
    """One round of setting up."""

    digest: str
    round: str  # what a browser's session carries once it has passed
    until: float
    close: Callable[[], None]


_door: Door | None = None


def open_(now: float, close: Callable[[], None]) -> str:
    """A new code; every earlier one, and every browser that passed, counts no more.

    ``close`` is called when the set-up is done: it ends the serving process.
    """
    global _door
    code = secrets.token_urlsafe(BYTES)
    _door = Door(_digest(code), secrets.token_urlsafe(BYTES), now + VALID, close)
    return code


def exchange(code: str, now: float) -> str | None:
    """What a session carries from now on; None for a code that is wrong, late or used."""
    if _door is None or now >= _door.until:
        return None
    if not hmac.compare_digest(_digest(code), _door.digest):
        return None
    _door.digest = ""  # no text has this digest
    _door.until = now + LONGEST
    return _door.round


def admits(mark: object, now: float) -> bool:
    """Whether a session has passed the door of this round."""
    return (
        _door is not None
        and isinstance(mark, str)
        and now < _door.until
        and hmac.compare_digest(mark, _door.round)
    )


def shut() -> None:
    """For ever: the house is set up."""
    global _door
    if _door is not None:
        close, _door = _door.close, None
        close()


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
