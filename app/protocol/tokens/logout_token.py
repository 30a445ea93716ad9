"""Logout tokens (OpenID Connect Back-Channel Logout §2.4): an application is told that a session is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.protocol.tokens.access_token import Sign
from app.protocol.tokens.jwt_rules import Kind

TYP = Kind.LOGOUT_TOKEN.typ
EVENT = "http://schemas.openid.net/event/backchannel-logout"

LIFETIME = timedelta(minutes=2)
"""As short as the specification advises: each attempt at delivery has a token of its own."""


@dataclass(frozen=True, slots=True)
class LogoutContent:
    """Everything that a logout token says. `subject` is what the application knows the person by.

    Without a `sid` all sessions of the person are over (LB-3).
    """

    issuer: str
    client_id: str
    subject: str
    id: UUID
    issued_at: datetime
    sid: str = ""


def write(content: LogoutContent, alg: str, sign: Sign) -> str:
    """Return the logout token, signed with the algorithm of the application's ID tokens (LB-2).

    It has no `nonce`, so that nobody takes it for an ID token, nor an ID token for it.
    """
    claims: dict[str, Any] = {
        "iss": content.issuer,
        "sub": content.subject,
        "aud": content.client_id,
        "iat": int(content.issued_at.timestamp()),
        "exp": int((content.issued_at + LIFETIME).timestamp()),
        "jti": str(content.id),
        "events": {EVENT: {}},
    }
    if content.sid:
        claims["sid"] = content.sid
    return sign(alg, TYP, claims)
