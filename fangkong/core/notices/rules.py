"""When a message goes out, when it is tried again, and how chat robots sign. Pure: no clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

TRIES = 7
# The same thing for the same reader within this time is one notice.
SAME = timedelta(minutes=10)
# A message that stands in the queue is not due again before this time is over.
TAKEN = timedelta(minutes=15)

# A way out where a try ended so has cost the sender seconds; it is left alone for a while, so that
# one that is dead holds up no other.
SILENT = frozenset({"TooSlow", "TimeoutError"})
REST = timedelta(seconds=50)


def is_one_line(text: str) -> bool:
    """Whether a text holds no line break and no other control sign (ASVS 1.3.11)."""
    return not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in text)


def wait_after(tries: int) -> timedelta | None:
    """The pause after so many failed tries: 1 min, then three times longer each, at most 6 h.

    None: it is parked, and a person may send it again.
    """
    if tries >= TRIES:
        return None
    return timedelta(seconds=min(6 * 3600, 60 * 3 ** (tries - 1)))


def goes_at(at: datetime, zone: ZoneInfo, first: time | None, last: time | None) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls into.

    Quiet from ``first`` (included) to ``last`` (not included), over midnight where ``first`` is
    later. None, or both the same: there are no quiet hours.
    """
    if first is None or last is None or first == last:
        return at
    here = at.astimezone(zone)
    clock = here.time()
    over_midnight = first > last
    quiet = clock >= first or clock < last if over_midnight else first <= clock < last
    if not quiet:
        return at
    day = here.date() + timedelta(days=1 if over_midnight and clock >= first else 0)
    return datetime.combine(day, last, tzinfo=zone)


def dingtalk_sign(secret: str, milliseconds: int) -> str:
    """The ``sign`` of a DingTalk robot: the secret signs the time and itself, in base64."""
    signed = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def feishu_sign(secret: str, seconds: int) -> str:
    """The ``sign`` of a Feishu robot: time and secret are the key, and nothing is signed."""
    key = f"{seconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def gateway_sign(secret: str, seconds: int, body: bytes) -> str:
    """HMAC-SHA256 over ``seconds.body``, in hexadecimal, as our webhooks sign."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
