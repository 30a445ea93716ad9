"""JWT access tokens (RFC 9068): what they say, and how they are read again.

One with a row of its own is found by its `jti` and known by the digest of its whole text. One without (an
application's own) carries all that there is to know, so that its signature has to be checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.crypto import jose
from app.crypto.hashing import Digest, digest
from app.crypto.jose import JoseError, Jwt
from app.protocol import details
from app.protocol import scopes as scope_rules
from app.protocol.facts import Authentication, MachineOrigin, MachineStanding, MachineTokenFact
from app.protocol.granted_details import GrantedDetail
from app.protocol.resources import Resource
from app.protocol.sender import UNBOUND, Binding
from app.protocol.tokens import jwt_rules, login_claims
from app.protocol.tokens.jwt_rules import Kind, Rules

TYP = Kind.ACCESS_TOKEN.typ
CLIENT_EPOCH = "client_epoch"
"""A claim of ours, in tokens that have no row: disabling the application ends them, enabling it revives none."""

Sign = Callable[[str, str, Mapping[str, Any]], str]
"""(algorithm, typ, claims) → a compact JWT; an empty algorithm is the server's own."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a JWT access token says. `client_epoch` is for a token without a row."""

    issuer: str
    id: UUID
    issued_at: datetime
    expires_at: datetime
    client_id: str
    subject: str
    audience: Resource
    scopes: tuple[str, ...]
    authentication: Authentication | None = None
    client_epoch: int | None = None
    binding: Binding = UNBOUND
    actor: Mapping[str, Any] | None = field(default=None)
    details: tuple[GrantedDetail, ...] = ()


def write(content: Content, sign: Sign) -> str:
    """Return the token (AT-2, AT-3, AT-6).

    Its subject is a person, or the application itself: that is told by `sub` being the `client_id` (AT-4). Of the
    person it says who he is and how he signed in, and nothing else (AT-8).
    """
    claims: dict[str, Any] = {
        "iss": content.issuer,
        "exp": int(content.expires_at.timestamp()),
        "aud": content.audience.identifier,
        "sub": content.subject,
        "client_id": content.client_id,
        "iat": int(content.issued_at.timestamp()),
        "jti": str(content.id),
    }
    if content.scopes:
        claims["scope"] = scope_rules.render(content.scopes)
    if content.authentication is not None:
        claims |= login_claims.of(content.authentication)
    if content.client_epoch is not None:
        claims[CLIENT_EPOCH] = content.client_epoch
    if content.binding:
        claims["cnf"] = content.binding.confirmation
    if content.actor is not None:
        claims["act"] = content.actor
    if content.details:
        claims[details.PARAMETER] = details.contents(content.details)  # RA-4, RFC 9396 §9.1
    return sign(content.audience.signing_alg, TYP, claims)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that says it is a JWT access token of ours; nothing of that is proved yet.

    With a row (`own` is false), the digest proves it. Without one, only the signature does: see `check`.
    """

    id: UUID
    digest: Digest
    jwt: Jwt = field(repr=False)

    @property
    def own(self) -> bool:
        """Whether it says that it is an application's own, which has no row."""
        return CLIENT_EPOCH in self.jwt.claims

    @property
    def client_id(self) -> str:
        """The application that it says it was issued to."""
        return str(self.jwt.claims.get("client_id", ""))


def read(text: str, issuer: str) -> Shown | None:
    """Return what a text says of itself; None when it is no JWT, or none of ours."""
    try:
        jwt = jose.peek(text)
        if jwt.claims.get("iss") != issuer or not Kind.ACCESS_TOKEN.is_named_by(jwt.typ):
            return None
        return Shown(UUID(jwt.claims["jti"]), digest(text.encode("ascii")), jwt)
    except (JoseError, KeyError, ValueError, AttributeError, TypeError):
        return None


def check(shown: Shown, issuer: str, now: datetime) -> None:
    """Return when a token that we have signed is what `write` writes, and unexpired (JV-3); raises JoseError."""
    required = ("aud", "sub", "client_id", "iat", "jti")
    jwt_rules.check(shown.jwt, Rules(Kind.ACCESS_TOKEN, issuers=(issuer,), required=required), now)


def fact_of(shown: Shown, standing: MachineStanding) -> MachineTokenFact:
    """Return the fact that an application's own JWT carries itself, once its signature has been checked."""
    claims = shown.jwt.claims
    issued_at, expires_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
    confirmation = claims.get("cnf", {})
    return MachineTokenFact(
        id=shown.id,
        digest=shown.digest,
        origin=MachineOrigin(
            application_id=standing.application_id,
            application_epoch=claims[CLIENT_EPOCH],
            scopes=scope_rules.parse(claims.get("scope", "")),
            resources=(claims["aud"],),
        ),
        client_id=shown.client_id,
        issued_at=issued_at,
        expires_at=expires_at,
        revoked_at=issued_at if standing.revoked else None,
        application_active=standing.application_active,
        application_epoch_now=standing.application_epoch,
        binding=Binding(jkt=confirmation.get("jkt"), x5t=confirmation.get("x5t#S256")),
        actor=claims.get("act"),
    )
