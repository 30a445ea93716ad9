"""What an application registered for signing people in (OpenID Connect Registration §2, and the logouts)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_ALG = "RS256"
"""The specification's own choice for ID tokens (ID-2)."""

DEFAULT_ENC = "A128CBC-HS256"
"""The same for what is encrypted."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """The members that the protocol acts on; `stored` and `read` are inverses.

    Encryption is (alg, enc), None: not encrypted. `userinfo_alg` is empty for plain JSON. `sector` is what pairwise
    subjects are for (ID-7), empty: public ones; it was computed when the application registered, and stays. Times are
    in seconds. `response_modes` are those that answers to it are held to (RT-9), empty: to none.
    """

    id_token_alg: str = DEFAULT_ALG
    id_token_encryption: tuple[str, str] | None = None
    userinfo_alg: str = ""
    userinfo_encryption: tuple[str, str] | None = None
    sector: str = ""
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    response_modes: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False

    @property
    def stored(self) -> dict[str, Any]:
        """The form of the column: the members that differ from what is there without them."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in members.items() if value != getattr(PLAIN, name)}


PLAIN = OpenIdSettings()


def read(stored: Mapping[str, Any]) -> OpenIdSettings:
    """Return the settings of their stored form; members of newer servers are passed over."""
    if not stored:
        return PLAIN
    known = {name: stored[name] for name in OpenIdSettings.__slots__ if name in stored}
    members: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in known.items()}
    return OpenIdSettings(**members)
