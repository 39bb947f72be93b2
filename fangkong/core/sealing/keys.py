"""The key ring: a file apart from the database and from backups, readable by its owner only.

It holds every key that sealed data may still need, names the one that seals from now on, and the
key of the blind indexes. A server that meets a key it does not know reads the file again, so that a
new key is taken up while serving.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from .ciphers import CIPHER, CIPHERS, DIGEST, DIGESTS, KEY_BYTES, Cipher, NotAuthentic

KEY_ID = re.compile(r"k[0-9a-f]{8}")
LOOK_AGAIN_SECONDS = 2.0
INDEX_BYTES = 18  # 144 bits of the digest: 24 characters of text


class KeyRingProblem(Exception):
    """The key ring cannot be used; the text says in one line what to do."""


@dataclass(frozen=True)
class Key:
    """One key that seals."""

    id: str
    made: str
    cipher: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Ring:
    """All keys. ``current`` seals; ``index_secret`` makes blind indexes."""

    current: str
    keys: Mapping[str, Key]
    digest: str
    index_secret: bytes = field(repr=False)
    _ciphers: dict[str, Cipher] = field(default_factory=dict, repr=False, compare=False)

    def cipher(self, key_id: str) -> Cipher:
        """The cipher of a key; KeyError where the ring does not hold it."""
        known = self._ciphers.get(key_id)
        if known is None:
            key = self.keys[key_id]
            known = self._ciphers[key_id] = CIPHERS[key.cipher](key.secret)
        return known

    def with_key(self, key: Key) -> Ring:
        """The same ring in which this key seals from now on."""
        return replace(self, current=key.id, keys={**self.keys, key.id: key}, _ciphers={})


def new_key(at: datetime) -> Key:
    """A key of random bytes with a random name, so that no two installations share one."""
    return Key(
        f"k{secrets.token_hex(4)}", at.date().isoformat(), CIPHER, secrets.token_bytes(KEY_BYTES)
    )


def path() -> Path:
    """Where the ring lies."""
    return _path(str(settings.FANGKONG_KEYS))


_path = lru_cache(maxsize=4)(Path)  # asked for with every value


# --- The ring of this process ---------------------------------------------------------------------

_held: dict[Path, tuple[Ring, int, float]] = {}  # ring, its file's time of change, last looked at


def ring(*, fresh: bool = False) -> Ring:
    """The ring, read again a moment after its file has changed, or at once where ``fresh``."""
    place = path()
    held = _held.get(place)
    now = time.monotonic()
    if held is not None and not fresh and now - held[2] < LOOK_AGAIN_SECONDS:
        return held[0]
    try:
        changed = place.stat().st_mtime_ns
    except OSError:
        if held is not None:  # a server does not stop because somebody moved the file meanwhile
            return held[0]
        raise KeyRingProblem(_missing(place)) from None
    current = held[0] if held is not None and held[1] == changed else read(place)
    _held[place] = (current, changed, now)
    return current


def _missing(place: Path) -> str:
    return (
        f"the key ring {place} is missing, and without it no identity number, phone or address can "
        "be read. Put back the copy that was kept apart, or set FANGKONG_KEYS to its path "
        "(docs/running.md, Keys)."
    )


def missing() -> KeyRingProblem:
    """The line for a ring that should be there."""
    return KeyRingProblem(_missing(path()))


# --- Sealing --------------------------------------------------------------------------------------


def seal(text: str, bound_to: bytes) -> str:
    """``key id.ciphertext``, which opens for the same ``bound_to`` only."""
    return sealing()(text, bound_to)


def sealing() -> Callable[[str, bytes], str]:
    """``seal`` by the ring of this moment: for a column, which asks for the ring once."""
    keys = ring()
    key_id, cipher = keys.current, keys.cipher(keys.current)

    def seal_one(text: str, bound_to: bytes) -> str:
        sealed = cipher.seal(text.encode(), bound_to)
        return f"{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"

    return seal_one


def unseal(sealed: str, bound_to: bytes) -> str:
    """The plain text. NotAuthentic where it was changed or moved; KeyRingProblem for no key."""
    key_id, _dot, body = sealed.partition(".")
    if not KEY_ID.fullmatch(key_id):
        raise NotAuthentic("not sealed here")
    try:
        cipher = ring().cipher(key_id)
    except KeyError:
        try:
            cipher = ring(fresh=True).cipher(key_id)
        except KeyError:
            raise unknown(key_id) from None
    try:
        raw = base64.b64decode(body, altchars=b"-_", validate=True)
    except ValueError as problem:
        raise NotAuthentic from problem
    return cipher.open(raw, bound_to).decode()


def unknown(key_id: str) -> KeyRingProblem:
    """The line for data sealed with a key that the ring does not hold."""
    return KeyRingProblem(
        f"personal data are sealed with the key {key_id}, which the key ring {path()} does not "
        "hold. Put back the ring that belongs to this database (docs/running.md, Keys)."
    )


def key_of(sealed: str) -> str:
    """The id of the key that sealed a text, or "" where it is no sealed text."""
    key_id, dot, _body = sealed.partition(".")
    return key_id if dot and KEY_ID.fullmatch(key_id) else ""


def blind(text: str, column: bytes) -> str:
    """What a value is found by: equal within a column, unlike in every other column."""
    return blinding(column)(text)


def blinding(column: bytes) -> Callable[[str], str]:
    """``blind`` by the ring of this moment, for many values of a column."""
    keys, begin = ring(), column + b"\0"
    digest, secret = DIGESTS[keys.digest], keys.index_secret

    def blind_one(text: str) -> str:
        found = digest(secret, begin + text.encode())[:INDEX_BYTES]
        return base64.urlsafe_b64encode(found).decode()

    return blind_one


# --- The file -------------------------------------------------------------------------------------


def read(place: Path) -> Ring:
    """The ring from its file; KeyRingProblem with what to do where it cannot be used."""
    try:
        found = json.loads(place.read_text("utf-8"))
        keys = {
            key["id"]: Key(key["id"], key["made"], key["cipher"], _bytes(key["key"]))
            for key in found["keys"]
        }
        index = found["index"]
        made = Ring(found["current"], keys, index["digest"], _bytes(index["key"]))
        fit = (
            made.current in keys
            and made.digest in DIGESTS
            and all(KEY_ID.fullmatch(k.id) and k.cipher in CIPHERS for k in keys.values())
        )
    except FileNotFoundError:
        raise KeyRingProblem(_missing(place)) from None
    except OSError as problem:
        raise KeyRingProblem(
            f"the key ring {place} cannot be read ({problem.strerror}). Give the file to the user "
            "that runs Fangkong, with mode 600."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        fit = False
    if not fit:
        raise KeyRingProblem(
            f"the key ring {place} is damaged. Put back the copy that was kept apart "
            "(docs/running.md, Keys). Nothing was changed."
        )
    return made


def make(at: datetime) -> Ring:
    """A new ring with one key. Where another process makes one at the same moment, that one."""
    key = new_key(at)
    made = Ring(key.id, {key.id: key}, DIGEST, secrets.token_bytes(KEY_BYTES))
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = _written_beside(place, made)
    try:
        os.link(beside, place)  # never over a ring that is there
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return ring(fresh=True)


def add(at: datetime) -> Key:
    """A new key in the ring of this installation, which seals from now on."""
    key = new_key(at)
    place = path()
    _written_beside(place, read(place).with_key(key)).replace(place)
    ring(fresh=True)
    return key


def _written_beside(place: Path, made: Ring) -> Path:
    """The ring in a file of its own, safely on the disk, to be put in place as a whole."""
    text = json.dumps(
        {
            "about": "Key ring of Fangkong. Keep a copy apart from the database and its backups: "
            "whoever loses this file loses every sealed number and address.",
            "current": made.current,
            "keys": [
                {"id": key.id, "made": key.made, "cipher": key.cipher, "key": _text(key.secret)}
                for key in made.keys.values()
            ],
            "index": {"digest": made.digest, "key": _text(made.index_secret)},
        },
        indent=1,
    )
    beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return beside


def _text(secret: bytes) -> str:
    return base64.b64encode(secret).decode()


def _bytes(text: str) -> bytes:
    secret = base64.b64decode(text, validate=True)
    if len(secret) != KEY_BYTES:
        raise ValueError("wrong length")
    return secret
