"""What an application that introduced itself said besides its registration proper: what pages show of it, and where it
was read (RFC 7591, Client ID Metadata Documents)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Introduction:
    """`stored` and `read` are inverses; without any of it there is nothing to store.

    `logo_uri`, `policy_uri` and `tos_uri` are what it registered under these names. Of a metadata document: `identity`
    stands for what people judged it by, so that they are asked again when it changes (CI-11), `fetched_at` is when it
    was last read at its address, and `fresh_until` when it is to be read again (CI-10).
    """

    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    identity: str = ""
    fetched_at: datetime | None = None
    fresh_until: datetime | None = None

    @property
    def stored(self) -> dict[str, Any]:
        """The form of the column: the members that are there, moments in seconds."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {name: _plain(value) for name, value in members.items() if value != getattr(NONE, name)}


NONE = Introduction()

_MOMENTS = ("fetched_at", "fresh_until")


def read(stored: Mapping[str, Any]) -> Introduction:
    """Return what was stored; members of newer servers are passed over."""
    if not stored:
        return NONE
    known: dict[str, Any] = {name: stored[name] for name in Introduction.__slots__ if name in stored}
    moments = {name: datetime.fromtimestamp(known[name], UTC) for name in _MOMENTS if name in known}
    return Introduction(**(known | moments))


def _plain(value: str | datetime) -> str | float:
    return value.timestamp() if isinstance(value, datetime) else value
