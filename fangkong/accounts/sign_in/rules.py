"""What decides about a sign-in. Pure functions."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
import struct
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from fangkong.core.origin import parsed

# ASVS 6.3.1 and our own promise: of a thousand guesses at an account 15 an hour are looked at.
TRIES_PER_ACCOUNT = 15
# A hospital sits behind one address; a whole shift may mistype, a machine may not guess on.
TRIES_PER_ADDRESS = 100
WINDOW = timedelta(hours=1)

PASSWORD_LIFETIME = timedelta(days=90)  # only with PASSWORD_PROFILE=mlps3 (定期更换)
REMEMBERED_PASSWORDS = 5


def locked(account_tries: int, address_tries: int) -> bool:
    """Whether a try is not looked at any more; the numbers include the try itself."""
    return account_tries > TRIES_PER_ACCOUNT or address_tries > TRIES_PER_ADDRESS


def network(address: str) -> str:
    """The part of an address that is kept: /24 of IPv4, /48 of IPv6; "" where it is none."""
    known = parsed(address)
    if known is None:
        return ""
    length = 24 if known.version == 4 else 48
    return str(ipaddress.ip_network(f"{known}/{length}", strict=False))


# Order matters: every browser claims to be others as well.
_BROWSERS = [
    ("MicroMessenger", "WeChat"), ("DingTalk", "DingTalk"), ("Edg", "Edge"), ("OPR/", "Opera"),
    ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
]  # fmt: skip
_SYSTEMS = [
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
]  # fmt: skip


def agent_family(text: str) -> str:
    """Browser and system of a User-Agent without versions, as in "Chrome · Windows"; "" unknown."""
    browser = next((name for sign, name in _BROWSERS if sign in text), "")
    system = next((name for sign, name in _SYSTEMS if sign in text), "")
    return " · ".join(part for part in (browser, system) if part)


def strange(network_: str, agent: str, known: Iterable[tuple[str, str]]) -> bool:
    """Whether a sign-in differs from all earlier ones, in its device or in its network.

    The very first sign-in is not strange: there is nothing to compare it with.
    """
    earlier = list(known)
    return bool(earlier) and (
        network_ not in {net for net, _agent in earlier}
        or agent not in {family for _net, family in earlier}
    )


def over(marks: Mapping[str, Any], now: float, *, idle: timedelta, lifetime: timedelta) -> str:
    """Why a session is over at a moment ("idle", "lifetime"), or "".

    ``marks`` are seconds since 1970 as kept in the session: ``at`` of the sign-in, ``seen`` of the
    last thing done. A mark from the future means that the clock was set back: the session ends.
    """
    at, seen = float(marks["at"]), float(marks["seen"])
    if now - at >= lifetime.total_seconds() or at > now + 60:
        return "lifetime"
    if now - seen >= idle.total_seconds() or seen > now + 60:
        return "idle"
    return ""


def character_classes(password: str) -> int:
    """How many of the four kinds a password has: small, capital, digit, other."""
    kinds = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")
    return sum(bool(re.search(kind, password)) for kind in kinds)


def totp(secret: str, counter: int, *, digits: int = 6) -> str:
    """The code of one time step. Source: RFC 6238 with HMAC-SHA-1, RFC 4226 section 5.3."""
    key = base64.b32decode(secret, casefold=True)
    digest = hmac.digest(key, struct.pack(">Q", counter), "sha1")
    offset = digest[-1] & 0x0F
    value = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(value % 10**digits).zfill(digits)


def matching_step(
    secret: str, code: str, now: float, *, after: int = -1, tolerance: int = 1, period: int = 30
) -> int | None:
    """The time step that a code belongs to, or None where it is refused.

    Accepted are the present step and ``tolerance`` steps around it, but only steps later than
    ``after``, the last one used: a code works once, and an older one never again.
    """
    typed = code.replace(" ", "")
    present = int(now // period)
    for step in range(present - tolerance, present + tolerance + 1):
        if step > after and hmac.compare_digest(totp(secret, step).encode(), typed.encode()):
            return step
    return None
