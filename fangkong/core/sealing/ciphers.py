"""The algorithms, each behind one small interface, so that others (SM4, SM3) can stand beside them.

A key in the ring names its algorithm; what was sealed with one stays readable after another has
become the current one.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class NotAuthentic(Exception):
    """The ciphertext was changed, belongs to another row or column, or to another key."""


class Cipher(Protocol):
    """Authenticated encryption with one key."""

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """The ciphertext; ``bound_to`` is not in it, but must be the same when it is opened."""

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The plain bytes; NotAuthentic where anything differs."""


class AesGcm:
    """AES-256-GCM with a random 96-bit nonce in front (NIST SP 800-38D, section 8.2.2).

    With one key at most 2**32 values should be sealed; a prefecture has some millions.
    """

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        try:
            return self._aead.decrypt(sealed[:12], sealed[12:], bound_to)
        except (InvalidTag, ValueError) as problem:
            raise NotAuthentic from problem


def _hmac_sha256(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


KEY_BYTES = 32
CIPHERS: dict[str, Callable[[bytes], Cipher]] = {"aes-256-gcm": AesGcm}
DIGESTS: dict[str, Callable[[bytes, bytes], bytes]] = {"hmac-sha256": _hmac_sha256}
CIPHER, DIGEST = "aes-256-gcm", "hmac-sha256"  # of new keys
