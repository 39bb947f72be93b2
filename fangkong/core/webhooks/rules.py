"""How a delivery is signed and when it is tried again. Pure: no database, no clock."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

TRIES = 8
WINDOW = timedelta(minutes=5)  # a receiver refuses what was signed longer ago
SLOW = 2.0  # seconds; who answers quicker is asked as often as there is something

OLD_HOLDS = timedelta(hours=24)  # how long a former secret signs beside its successor


def secret(key: str, public_id: str, renewed: int = 0) -> str:
    """The secret of one receiver, drawn from the house's key, so that none is kept.

    ``renewed``: how often it was renewed.
    """
    about = f"fangkong.webhook:{public_id}" + (f":{renewed}" if renewed else "")
    drawn = hmac.new(key.encode(), about.encode(), hashlib.sha256)
    return f"whsec_{drawn.hexdigest()}"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over ``timestamp.body``, in hexadecimal."""
    signed = f"{timestamp}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def rest_after(seconds: float) -> timedelta:
    """How long a receiver is left alone after a try that took so long; none where it was quick.

    So one that does not answer, or answers slowly, takes a tenth of the sender's time at most.
    """
    return timedelta(seconds=10 * seconds) if seconds >= SLOW else timedelta(0)


def wait_after(tries: int) -> timedelta | None:
    """The pause after so many failed tries: 10 s, then four times longer each, at most 6 h.

    None: it is parked, and a person may repeat it.
    """
    if tries >= TRIES:
        return None
    return timedelta(seconds=min(6 * 3600, 10 * 4 ** (tries - 1)))
