"""The key that signs seals. It is made of the secret key, which lies outside the database.

Whoever has the database alone can count the chain anew, but cannot sign its head. Whoever also has
the secret key can: that is what heads kept elsewhere are for (decision 0014).
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def public_key() -> str:
    """The key by which anybody can check a signature, as 64 hex digits."""
    return _private(settings.SECRET_KEY).public_key().public_bytes_raw().hex()


def key_id(public: str) -> str:
    """A short name of a public key."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def sign(digest: str) -> str:
    """The signature of a digest, as 128 hex digits."""
    return _private(str(settings.SECRET_KEY)).sign(digest.encode()).hex()


def is_signed(digest: str, signature: str) -> bool:
    """Whether one of our keys, also a former one (SECRET_KEY_FALLBACKS), signed a digest."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(_fits(_private(str(secret)).public_key(), digest, signature) for secret in secrets)


def _fits(key: Ed25519PublicKey, digest: str, signature: str) -> bool:
    try:
        key.verify(bytes.fromhex(signature), digest.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(secret: str) -> Ed25519PrivateKey:
    made = HKDF(hashes.SHA256(), 32, salt=None, info=b"fangkong audit seals").derive(
        str(secret).encode()
    )
    return Ed25519PrivateKey.from_private_bytes(made)
