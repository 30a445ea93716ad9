"""What an application that introduced itself said besides its registration proper: what pages show of it, and where it
was read (RFC 7591, Client ID Metadata Documents)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.protocol import redirect_uri

SCHEME = "https://"
"""With what a client_id begins that is the address of a metadata document."""


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
_SAID = ("logo_uri", "policy_uri", "tos_uri")


def of(members: Mapping[str, Any]) -> Introduction:
    """Return what pages show of an application with these members of RFC 7591, besides its name and home page."""
    logo, policy, terms = (str(members.get(name) or "") for name in _SAID)
    return Introduction(logo_uri=logo, policy_uri=policy, tos_uri=terms)


def is_by_document(client_id: str, *, self_registered: bool) -> bool:
    """Tell whether an application is known by a metadata document at the address that is its client_id. One that the
    operator has registered under an address is like any other (CI-2)."""
    return self_registered and client_id.startswith(SCHEME)


def described_at(client_id: str, *, self_registered: bool) -> str:
    """Return the host of the metadata document that an application is known by; empty for every other one (CI-12)."""
    if not is_by_document(client_id, self_registered=self_registered):
        return ""
    return redirect_uri.display_host(client_id)


def read(stored: Mapping[str, Any]) -> Introduction:
    """Return what was stored; members of newer servers are passed over."""
    if not stored:
        return NONE
    known: dict[str, Any] = {name: stored[name] for name in Introduction.__slots__ if name in stored}
    moments = {name: datetime.fromtimestamp(known[name], UTC) for name in _MOMENTS if name in known}
    return Introduction(**(known | moments))


def _plain(value: str | datetime) -> str | float:
    return value.timestamp() if isinstance(value, datetime) else value
