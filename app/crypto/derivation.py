"""Keys derived from the root secret by label: each purpose has its own, and none tells of another."""


def derive_key(root: bytes, label: str) -> bytes:
    """Return the 32-byte key for one purpose (HKDF-SHA256, RFC 5869); no two labels share a key."""
    # Loaded by whoever derives: 6 MiB that a worker without pages never needs (see `sealing`).
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"assent/" + label.encode("ascii")).derive(root)
