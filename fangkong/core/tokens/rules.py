"""What a token is made of, and how long it may live. Pure: no database, no clock."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

START = "fk_"
BYTES = 32  # of randomness: 256 bits
SHOWN = len(START) + 8  # characters by which people recognise a token
LONGEST = timedelta(days=366)
USED_EVERY = timedelta(hours=1)


def new_secret() -> str:
    """A secret that nobody can guess; shown to its user once."""
    return START + secrets.token_urlsafe(BYTES)


def digest(secret: str) -> str:
    """What is kept of a secret. No salt: 256 random bits are in no table."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def looks_like_one(secret: str) -> bool:
    """Whether a text may be a token at all; others are refused without asking the database."""
    return secret.startswith(START) and 40 <= len(secret) <= 80 and secret.isascii()


def note_use(last_used_at: datetime | None, at: datetime) -> bool:
    """Whether a use is worth a write: once an hour is enough to see that a token is in use."""
    return last_used_at is None or not timedelta(0) <= at - last_used_at < USED_EVERY
