"""The Authorization header of the server's own API: `Bearer` (RFC 6750 §2.1), and `Basic` for keys (RFC 7617).

Whoever sends the header is judged by it alone. A credential that does not count is refused; the request never falls
back to the session that may have come along with it.
"""

from base64 import b64decode
from binascii import Error as Base64Error

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.token_format import Prefix

_TOKENS = (f"{Prefix.ACCESS_TOKEN}_", f"{Prefix.PERSONAL_TOKEN}_")


class Challenged(OAuthError):
    """A refusal that carries a `WWW-Authenticate: Bearer` challenge. `bare` when no credentials were sent (BR-3)."""

    def __init__(
        self, code: ErrorCode, description: str, *, bare: bool = False, scope: str = "", detail: str = ""
    ) -> None:
        super().__init__(code, description, detail=detail)
        self.bare = bare
        self.scope = scope

    def challenge_for(self, realm: str) -> str:
        """Return the challenge (RFC 6750 §3). Also for `Basic`, whose own makes browsers ask for a password."""
        attributes = [f'realm="{realm}"']
        if not self.bare:
            attributes += [f'error="{self.code.wire}"', f'error_description="{self.description}"']
        if self.scope:
            attributes.append(f'scope="{self.scope}"')
        return f"Bearer {', '.join(attributes)}"


def read(authorization: str) -> str:
    """Return the credential of the header; raises `Challenged`.

    `Basic` holds a key as the user name, with an empty password or without the colon.
    """
    scheme, _, rest = authorization.partition(" ")
    shown = rest.strip(" ")
    match scheme.lower():
        case "bearer":
            if not shown:
                raise Challenged(ErrorCode.INVALID_REQUEST, "the header has no token; send Bearer, a space, the token")
            if " " in shown:
                raise Challenged(ErrorCode.INVALID_REQUEST, "the header has more than one word after Bearer")
            return shown
        case "basic":
            return _key_of(shown)
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
