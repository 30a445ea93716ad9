"""Sealed text: whoever lacks the key can neither read nor make it, and it opens in its own context alone.

The library is loaded by the first seal: 6 MiB that a process without pages never needs.
"""

from app.crypto.secrets import random_bytes

_NONCE_BYTES = 12  # NIST SP 800-38D §8.2.2: random, and far below 2^32 seals per key


def seal(key: bytes, content: bytes, context: bytes) -> bytes:
    """Return the content sealed with a 32-byte key (AES-256-GCM); `context` has to be known again to open it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = random_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes | None:
    """Return the content; None when it was sealed with another key or for another context, or is no seal at all."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        return None
