"""How rows lie in the database: a thousand to a record, packed and sealed to their place."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from fangkong.core.sealing import keys


def kept(packed: bytes, bound_to: str) -> bytes:
    """Packed rows as they are stored; they open for the same ``bound_to`` only."""
    return keys.seal(packed.decode("latin-1"), bound_to.encode()).encode("ascii")


def opened(stored: bytes | memoryview, bound_to: str) -> bytes:
    """What ``kept`` has stored."""
    return keys.unseal(bytes(stored).decode("ascii"), bound_to.encode()).encode("latin-1")


def pack(value: Sequence[Any], bound_to: str) -> bytes:
    """Plain values, ready to be stored."""
    text = json.dumps(value, separators=(",", ":"))
    return kept(zlib.compress(text.encode(), 1), bound_to)


def unpack(stored: bytes | memoryview, bound_to: str) -> Any:
    """The values of ``pack``; an empty list for nothing."""
    return json.loads(zlib.decompress(opened(stored, bound_to))) if stored else []
