"""Keys derived from the root secret by label, and encryption at rest."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.crypto.secrets import random_bytes

_NONCE_BYTES = 12


class SealBroken(ValueError):
    """The sealed bytes were changed, or belong to another key or another purpose."""


def derive_key(root: bytes, label: str) -> bytes:
    """Return the 32-byte key for one purpose (HKDF-SHA256, RFC 5869); no two labels share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"assent/" + label.encode("ascii")).derive(root)


def seal(key: bytes, plain: bytes, *, purpose: bytes) -> bytes:
    """Encrypt with AES-256-GCM under a fresh nonce; `purpose` is authenticated, so no value can be moved."""
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, purpose)


def unseal(key: bytes, sealed: bytes, *, purpose: bytes) -> bytes:
    """Decrypt what `seal` made; raises `SealBroken` when key, purpose or bytes differ."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose)
    except InvalidTag as broken:
        raise SealBroken("the sealed value does not belong to this key and purpose") from broken
