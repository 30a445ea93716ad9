"""What counts once, marked by its name instead of its content: assertions with a `jti` (RFC 7523 §3, CA-7, JB-2).

DPoP proofs are named alike, but live for minutes after their own moment alone: one mark does (`sender.Proof`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.crypto.hashing import digest

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SingleUse:
    """The marks of something that was used, whatever else a second one with its name says.

    One for each of the `hours` in which it could be shown: any other that is valid meanwhile meets one of them.
    """

    hours: tuple[datetime, ...]
    digest: bytes = field(repr=False)


def single_use(*name: str, now: datetime, last: datetime) -> SingleUse:
    """Return the marks of what has this name among all that counts once, and could be shown from `now` to `last`."""
    begin, end = hour_of(now), hour_of(last)
    hours = tuple(begin + step * _HOUR for step in range((end - begin) // _HOUR + 1))
    return SingleUse(hours, digest_of(*name))


def hour_of(moment: datetime) -> datetime:
    """Return the hour under which something is marked: the marks of one hour lie, and go, together."""
    return moment.replace(minute=0, second=0, microsecond=0)


def digest_of(*name: str) -> bytes:
    """Return what a name is marked by; no two names have the same, however their parts are cut."""
    return digest(b"".join(digest(part.encode("utf-8")) for part in name))
