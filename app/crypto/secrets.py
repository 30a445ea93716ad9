"""Random bytes and time-ordered identifiers: the only source of chance in the product."""

import os
from datetime import UTC, datetime
from threading import Lock
from uuid import UUID

SECRET_BYTES = 32
"""256 random bits: above the 160 that RFC 6749 §10.10 asks for."""

_COUNTER_END = 1 << 12
_REMEMBERED = 1024
"""Milliseconds whose counters are kept: requests take their moment when they begin, and make ids until they end."""

_counters: dict[int, int] = {}
_counting = Lock()


def random_bytes(count: int = SECRET_BYTES) -> bytes:
    """Return `count` bytes from the operating system's generator; what they make cannot be guessed (G5)."""
    return os.urandom(count)


def new_id(now: datetime) -> UUID:
    """Return a UUIDv7 (RFC 9562 §5.7) for the aware moment `now`: rows of one time lie together in an index.

    The ids that a process makes for one millisecond sort in the order of their making: the 12 bits after the moment
    count (§6.2 method 1). The other 62 are random each time.
    """
    milliseconds = int(now.timestamp() * 1000)
    rest = int.from_bytes(os.urandom(10))
    counter = _count(milliseconds, rest >> 69)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | (rest & (1 << 62) - 1))


def id_time(identifier: UUID) -> datetime:
    """Return the moment (UTC, milliseconds) that a UUIDv7 carries."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def _count(milliseconds: int, start: int) -> int:
    """Return the next number of a millisecond: `start` (11 random bits), then one more each time.

    After 2048 ids or more it stands still: uniqueness is the random bits' business, and the moment never lies.
    """
    with _counting:
        counter = min(_counters.get(milliseconds, start - 1) + 1, _COUNTER_END - 1)
        _counters[milliseconds] = counter
        if len(_counters) > _REMEMBERED:
            del _counters[next(iter(_counters))]
    return counter
