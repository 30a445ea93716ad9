"""Password hashing with argon2id (OWASP ASVS 5 appendix C: 19 MiB, t=2, p=1).

Slow on purpose: never call it on the event loop.
"""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

DECOY = "$argon2id$v=19$m=19456,t=2,p=1$xShAE+C4fkmCpn93N930ng$vOFF6LhquZ3+zM9nflYknGKIeJQbBntF300JZ/zQme0"
"""A hash to verify against when the account does not exist, so that both cases take the same time.

Written down, because making one at import would take 19 MiB in every worker.
"""


def normalise(password: str) -> bytes:
    """Return the bytes to hash: NFC, UTF-8, nothing truncated (NIST SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def hash_password(password: str) -> str:
    """Return the encoded argon2id hash (PHC string) of a password."""
    return _hasher.hash(normalise(password))


def verify_password(encoded: str, password: str) -> bool:
    """Tell whether the password belongs to the encoded hash; a hash that cannot be read matches nothing."""
    try:
        return _hasher.verify(encoded, normalise(password))
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(encoded: str) -> bool:
    """Tell whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(encoded)
