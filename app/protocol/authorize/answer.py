"""What the client gets: the members of an answer, where they go, and how they travel there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlencode

from app.protocol import redirect_uri, response_types, scopes


@dataclass(frozen=True, slots=True)
class ClientAnswer:
    """An authorization answer or an error. `uri` is the redirect URI; `members` may hold credentials.

    In a mode of JARM it cannot be sent as it is: its members have to become a JWT first.
    """

    mode: str
    uri: str
    members: Mapping[str, str] = field(repr=False)

    @property
    def posted(self) -> bool:
        """Whether the browser posts it as a form, instead of being redirected with it (RT-6)."""
        return self._carrier == response_types.FORM_POST

    @property
    def location(self) -> str:
        """SR-1, RT-1: the redirect URI with the members behind it, in the query or as a fragment; its query stays."""
        if self._carrier == response_types.FRAGMENT:
            return f"{self.uri}#{urlencode(self.members)}"
        return redirect_uri.with_query(self.uri, self.members)

    def with_members(self, further: Mapping[str, str]) -> Self:
        """Return the answer with further members at its end."""
        return replace(self, members={**self.members, **further})

    def as_jwt(self, text: str) -> Self:
        """RT-7: return the answer as the one parameter that a JWT of its members is."""
        return replace(self, mode=response_types.carrier(self.mode), members={"response": text})

    @property
    def _carrier(self) -> str:
        if response_types.is_signed(self.mode):
            raise AssertionError("an answer that is to be signed was about to leave as it is")
        return self.mode


@dataclass(frozen=True, slots=True)
class Released:
    """What a granted request gives out through the browser; None for what its response type does not have.

    The access token is valid for `expires_in` seconds and for `scopes`. There is never a refresh token, nor the id of a
    grant (SR-7).
    """

    code: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    expires_in: int = 0
    scopes: tuple[str, ...] = ()

    @property
    def members(self) -> dict[str, str]:
        """RFC 6749 §4.1.2 and §4.2.2, OpenID Connect Core §3.2.2.5 and §3.3.2.5; nothing at all for `none` (RT-2)."""
        members: dict[str, str] = {}
        if self.code is not None:
            members["code"] = self.code
        if self.access_token is not None:
            members |= {
                "access_token": self.access_token,
                "token_type": "Bearer",
                "expires_in": str(self.expires_in),
            }
            if self.scopes:
                members["scope"] = scopes.render(self.scopes)
        if self.id_token is not None:
            members["id_token"] = self.id_token
        return members
