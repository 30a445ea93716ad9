"""Keys derived from the root secret by label: each purpose has its own, and none tells of another."""

import hmac

_NO_SALT = bytes(32)
_FIRST_BLOCK = b"\x01"


def derive_key(root: bytes, label: str) -> bytes:
    """Return the 32-byte key for one purpose (HKDF-SHA256, RFC 5869); no two labels share a key.

    32 bytes are one block, so that extract and expand are one HMAC each. The library that has HKDF would cost every
    process 6 MiB and a twentieth of a second at its start.
    """
    extracted = hmac.digest(_NO_SALT, root, "sha256")
    return hmac.digest(extracted, b"assent/" + label.encode("ascii") + _FIRST_BLOCK, "sha256")
