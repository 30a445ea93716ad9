"""Random bytes and time-ordered identifiers: the only source of chance in the product."""

import os
from datetime import UTC, datetime
from uuid import UUID

SECRET_BYTES = 32
"""256 random bits: above the 160 that RFC 6749 §10.10 asks for."""


def random_bytes(count: int = SECRET_BYTES) -> bytes:
    """Return `count` bytes from the operating system's generator."""
    return os.urandom(count)


def new_id(now: datetime) -> UUID:
    """Return a UUIDv7 (RFC 9562 §5.7) for the aware moment `now`: rows of one time lie together in an index."""
    milliseconds = int(now.timestamp() * 1000)
    rest = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | 0x7 << 76 | (rest >> 68) << 64 | 0b10 << 62 | (rest & (1 << 62) - 1)
    return UUID(int=value)


def id_time(identifier: UUID) -> datetime:
    """Return the moment (UTC, milliseconds) that a UUIDv7 carries."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
