"""The Authorization header of the server's own API (F-24): `Bearer` (RFC 6750 §2.1), `DPoP` for tokens that are bound
to a key (RFC 9449 §7.1), and `Basic` for keys (RFC 7617).

Whoever sends the header is judged by it alone. A credential that does not count is refused; the request never falls
back to the session that may have come along with it.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from app.protocol import dpop
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.sender import Binding
from app.protocol.token_format import Prefix

_TOKENS = (f"{Prefix.ACCESS_TOKEN}_", f"{Prefix.PERSONAL_TOKEN}_")


Scheme = Literal["Bearer", "DPoP"]


class Challenged(OAuthError):
    """A refusal that carries a `WWW-Authenticate` challenge. `bare` when no credentials were sent (BR-3); `scheme` is
    how the token should have been sent, and `members` are further attributes of the challenge."""

    def __init__(
        self,
        code: ErrorCode,
        description: str,
        *,
        bare: bool = False,
        scope: str = "",
        detail: str = "",
        scheme: Scheme = "Bearer",
        members: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(code, description, detail=detail)
        self.bare = bare
        self.scope = scope
        self.scheme = scheme
        self.members = dict(members)

    def challenge_for(self, realm: str, described_at: str = "") -> str:
        """Return the challenge (RFC 6750 §3; RFC 9449 §7.1: with the algorithms for proofs, DP-1, HD-6).

        `described_at` is where the metadata of the API stands, if anywhere (PR-3, RFC 9728 §5.1). Also for `Basic`,
        whose own makes browsers ask for a password.
        """
        attributes = [f'realm="{realm}"']
        if not self.bare:
            attributes += [f'error="{self.code.wire}"', f'error_description="{self.description}"']
        if described_at:
            attributes.append(f'resource_metadata="{described_at}"')
        if self.scope:
            attributes.append(f'scope="{self.scope}"')
        attributes += [f'{name}="{value}"' for name, value in self.members.items()]
        if self.scheme == "DPoP":
            attributes.append(f'algs="{" ".join(dpop.ALGORITHMS)}"')
        return f"{self.scheme} {', '.join(attributes)}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the header holds. `by_proof`: sent as `DPoP`, which says that a proof comes along."""

    text: str = field(repr=False)
    by_proof: bool = False

    @property
    def scheme(self) -> Scheme:
        """The scheme to answer in."""
        return "DPoP" if self.by_proof else "Bearer"


def check_scheme(shown: Credentials, binding: Binding) -> None:
    """Raise `Challenged` for a token that was sent in another scheme than its binding asks for (DP-14).

    A token that is bound to a key and comes as `Bearer` was stolen from somebody, or sent by a client that would let it
    be. One that is not bound gains nothing by a proof, whatever its sender believes.
    """
    if binding.jkt is not None and not shown.by_proof:
        raise Challenged(
            ErrorCode.INVALID_TOKEN,
            "the token is bound to a key; send it as Authorization: DPoP <token>, with a proof in the header DPoP",
            scheme="DPoP",
        )
    if binding.jkt is None and shown.by_proof:
        raise Challenged(
            ErrorCode.INVALID_TOKEN, "it is not bound to the key of a proof; send it as Authorization: Bearer <token>"
        )


def read(authorization: str) -> Credentials:
    """Return the credential of the header; raises `Challenged` (BR-1, BR-4).

    `Basic` holds a key as the user name, with an empty password or without the colon.
    """
    scheme, _, rest = authorization.partition(" ")
    shown = rest.strip(" ")
    match scheme.lower():
        case "bearer" | "dpop":
            if not shown:
                raise Challenged(
                    ErrorCode.INVALID_REQUEST, f"the header has no token; send {scheme}, a space, the token"
                )
            if " " in shown:
                raise Challenged(ErrorCode.INVALID_REQUEST, f"the header has more than one word after {scheme}")
            return Credentials(shown, by_proof=scheme.lower() == "dpop")
        case "basic":
            return Credentials(_key_of(shown))
        case _:
            raise Challenged(ErrorCode.INVALID_REQUEST, "send a token or key as Authorization: Bearer <token>")


def _key_of(encoded: str) -> str:
    try:
        key, _, password = b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (Base64Error, ValueError):
        raise Challenged(ErrorCode.INVALID_TOKEN, "the Basic header is not base64 of the key and a colon") from None
    if password:
        raise Challenged(ErrorCode.INVALID_TOKEN, "send the key as the user name, and no password")
    if key.startswith(_TOKENS):
        raise Challenged(ErrorCode.INVALID_TOKEN, "Basic is for keys; send a token as Authorization: Bearer <token>")
    return key
