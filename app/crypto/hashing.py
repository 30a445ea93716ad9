"""Digests, keyed hashes and comparisons in constant time."""

import hashlib
import hmac
from typing import NewType

Digest = NewType("Digest", bytes)
"""SHA-256 of a secret: what the database keeps instead of the secret."""


def digest(secret: bytes) -> Digest:
    """Return the SHA-256 digest of a high-entropy secret; unsalted, because 256 random bits need no salt."""
    return Digest(hashlib.sha256(secret).digest())


def keyed(key: bytes, *parts: bytes) -> bytes:
    """Return HMAC-SHA256 over the concatenated parts; callers keep all but the last part of fixed length."""
    return hmac.digest(key, b"".join(parts), "sha256")


def matches(left: bytes, right: bytes) -> bool:
    """Compare two byte strings in a time that does not depend on where they differ."""
    return hmac.compare_digest(left, right)
