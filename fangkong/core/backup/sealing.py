"""The envelope of a backup: AES-256-GCM in pieces of 1 MiB under a key of its own.

::

    FANGKONG-BACKUP-1\\n | length of the header (4 bytes) | header (JSON, readable) | pieces …

The nonce of a piece is its number and whether it is the last one, and each piece is bound to the
header: a piece that is changed, moved, missing, doubled or taken from another backup does not open,
nor does a file that ends early. The key of the file comes either from a passphrase (scrypt) or from
a fresh X25519 exchange with a public key, so that the server cannot read its own old backups.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .types import BackupProblem

MAGIC = b"FANGKONG-BACKUP-1\n"
PIECE = 1024 * 1024
TAG = 16
MOST_HEADER = 1024 * 1024
PUBLIC = "fangkong-backup-public:"
PRIVATE = "fangkong-backup-private:"
LEAST_PASSPHRASE = 16
COST = 2**16  # scrypt with r=8: 64 MiB; about a fifth of a second
MOST_COST = 2**20

DAMAGED = "the backup is damaged or cut short: use another copy. Nothing was changed."


@dataclass(frozen=True)
class Lock:
    """A key as it was written in its file: a passphrase, a public or a private key."""

    kind: str  # passphrase, public or private
    secret: bytes


def read_lock(path: Path) -> Lock:
    """The key in a file. BackupProblem where the file cannot be read or holds none."""
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise BackupProblem(
            f"the key of the backups cannot be read from {path}. Point FANGKONG_BACKUP_KEY or "
            "--key to it, or make one with `fangkong backup-key FILE`."
        ) from None
    for prefix, kind in ((PUBLIC, "public"), (PRIVATE, "private")):
        if text.startswith(prefix):
            try:
                secret = base64.b64decode(text.removeprefix(prefix), validate=True)
                if len(secret) != 32:
                    raise ValueError
            except ValueError:
                raise BackupProblem(f"the key in {path} is damaged: use another copy.") from None
            return Lock(kind, secret)
    if len(text) < LEAST_PASSPHRASE:
        raise BackupProblem(
            f"the passphrase in {path} is shorter than {LEAST_PASSPHRASE} characters. Write a "
            "longer one, or make a key with `fangkong backup-key FILE`."
        )
    return Lock("passphrase", text.encode())


def new_pair() -> tuple[str, str]:
    """A private and a public key, as the lines of their files."""
    private = X25519PrivateKey.generate()
    raw = private.private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes_raw()
    return PRIVATE + base64.b64encode(raw).decode(), PUBLIC + base64.b64encode(public).decode()


def _lock_up(lock: Lock) -> tuple[dict[str, Any], bytes]:
    """What the header says about the key, and the key of one new file."""
    if lock.kind == "passphrase":
        salt = os.urandom(16)
        said = {"lock": "scrypt", "salt": _text(salt), "n": COST}
        return said, _from_passphrase(lock.secret, salt, COST)
    if lock.kind == "private":
        public = X25519PrivateKey.from_private_bytes(lock.secret).public_key()
    else:
        public = X25519PublicKey.from_public_bytes(lock.secret)
    mine = X25519PrivateKey.generate()
    sent, to = mine.public_key().public_bytes_raw(), public.public_bytes_raw()
    key = _from_shared(mine.exchange(public), sent, to)
    return {"lock": "x25519", "sent": _text(sent), "to": sha256(to).hexdigest()[:16]}, key


def _unlock(header: dict[str, Any], lock: Lock) -> bytes:
    kind = header.get("lock")
    if kind == "scrypt" and lock.kind == "passphrase":
        cost = int(header["n"])
        if not 2 <= cost <= MOST_COST:
            raise ValueError(cost)
        return _from_passphrase(lock.secret, _bytes(header["salt"]), cost)
    if kind == "x25519" and lock.kind == "private":
        private = X25519PrivateKey.from_private_bytes(lock.secret)
        sent = _bytes(header["sent"])
        shared = private.exchange(X25519PublicKey.from_public_bytes(sent))
        return _from_shared(shared, sent, private.public_key().public_bytes_raw())
    wanted = "a passphrase" if kind == "scrypt" else "the private key of its pair"
    raise BackupProblem(f"this backup opens with {wanted}, and another kind of key was given.")


def _from_passphrase(secret: bytes, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(secret)


def _from_shared(shared: bytes, sent: bytes, to: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=sent + to, info=b"fangkong backup 1").derive(shared)


def _check(key: bytes) -> str:
    """What tells a wrong key from a damaged file, and nothing of the key."""
    return hmac.new(key, b"fangkong backup check", sha256).hexdigest()[:32]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


class Sealer:
    """Writes one envelope; ``close`` marks its end."""

    def __init__(self, file: BinaryIO, lock: Lock, said: dict[str, Any]) -> None:
        about, self.key = _lock_up(lock)
        header = json.dumps({**said, **about, "check": _check(self.key)}).encode()
        start = MAGIC + len(header).to_bytes(4, "big") + header
        self._file, self._aead, self._bound = file, AESGCM(self.key), sha256(start).digest()
        self._held, self._number = bytearray(), 0
        file.write(start)

    def write(self, raw: bytes) -> None:
        self._held += raw
        while len(self._held) > PIECE:  # the last piece is never empty unless all is
            self._seal(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]

    def close(self) -> None:
        self._seal(bytes(self._held), last=True)

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._aead.encrypt(_nonce(self._number, last), piece, self._bound))
        self._number += 1


class Opener:
    """Reads one envelope, piece by piece; BackupProblem on the first that does not fit."""

    def __init__(self, file: BinaryIO, key: Lock | bytes) -> None:
        self.header, start = read_header(file)
        try:
            self.key = key if isinstance(key, bytes) else _unlock(self.header, key)
            right = hmac.compare_digest(_check(self.key), str(self.header["check"]))
        except (KeyError, TypeError, ValueError):
            raise BackupProblem(DAMAGED) from None
        if not right:
            raise BackupProblem(
                "this key does not open the backup. Give the key that it was made with (--key). "
                "Nothing was changed."
            )
        self._file, self._aead, self._bound = file, AESGCM(self.key), sha256(start).digest()
        self._number = 0
        self._next = file.read(PIECE + TAG)

    def read(self) -> bytes:
        """The next piece; b"" at the marked end."""
        if self._number < 0:
            return b""
        sealed, self._next = self._next, self._file.read(PIECE + TAG)
        last = not self._next
        try:
            piece = self._aead.decrypt(_nonce(self._number, last), sealed, self._bound)
        except (InvalidTag, ValueError):
            raise BackupProblem(DAMAGED) from None
        self._number = -1 if last else self._number + 1
        return piece


def read_header(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What a backup says before it is opened, and the bytes that said so."""
    start = file.read(len(MAGIC) + 4)
    if not start.startswith(MAGIC):
        raise BackupProblem("this file is no backup of Fangkong. Nothing was changed.")
    length = int.from_bytes(start[len(MAGIC) :], "big")
    raw = file.read(min(length, MOST_HEADER))
    try:
        header = json.loads(raw)
        if len(raw) != length or not isinstance(header, dict):
            raise ValueError
    except ValueError:
        raise BackupProblem(DAMAGED) from None
    return header, start + raw


Progress = Callable[[str, int], None]
