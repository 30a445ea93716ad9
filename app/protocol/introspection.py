"""Token introspection (RFC 7662): what a caller may know about a token. Pure; no write follows."""

from datetime import datetime

from app.crypto.hashing import digest, matches
from app.protocol import liveness, scopes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, FamilyFact, TokenFact
from app.protocol.token_format import Credential
from app.protocol.tokens.refresh_chain import ServerKeys, genuine

Answer = dict[str, str | int | bool]

INACTIVE: Answer = {"active": False}
"""RFC 7662 §2.2: the whole answer for every token that is not active for this caller."""


def check_caller(caller: ClientFact) -> None:
    """IN-2, RFC 7662 §2.1: the caller must be authorized; a public client proves nothing about itself."""
    if not caller.confidential:
        raise OAuthError(
            ErrorCode.INVALID_CLIENT, "introspection needs client authentication; register a confidential application"
        )


def alive(credential: Credential, fact: TokenFact | None, *, now: datetime) -> tuple[str, ...] | None:
    """Return the scopes that an access token still carries, or None when it is not alive.

    Alive: issued here, unexpired, itself and its family unrevoked, its record, user and application in force
    (IN-5). A token whose every permission was withdrawn is dead; one that never had any lives with none.
    """
    if (
        fact is None
        or not matches(digest(credential.secret), fact.digest)
        or fact.expires_at <= now
        or fact.revoked_at is not None
        or fact.family_revoked
        or fact.standing is None
        or not liveness.stands(fact.origin, fact.standing)
    ):
        return None
    in_force = liveness.scopes_in_force(fact.origin, fact.standing)
    return None if fact.origin.scopes and not in_force else in_force


def describe(credential: Credential, fact: TokenFact | None, *, issuer: str, now: datetime) -> Answer:
    """Return the introspection answer for an access token; the caller has been checked.

    Tokens without a resource are for every API of this deployment, so each of its confidential clients may ask.
    """
    in_force = alive(credential, fact, now=now)
    if fact is None or in_force is None:
        return INACTIVE
    answer: Answer = {
        "active": True,
        "client_id": fact.client_id,
        "username": fact.username,
        "token_type": "Bearer",
        "exp": int(fact.expires_at.timestamp()),
        "iat": int(fact.issued_at.timestamp()),
        "sub": fact.subject,
        "iss": issuer,
        "jti": str(fact.id),
    }
    if in_force:
        answer["scope"] = scopes.render(in_force)
    return answer


def describe_refresh(
    caller: ClientFact, credential: Credential, fact: FamilyFact | None, *, keys: ServerKeys, issuer: str, now: datetime
) -> Answer:
    """Return the answer for a refresh token: only to its own client, so that no API takes it for access (IN-7)."""
    if (
        fact is None
        or fact.digest is None
        or fact.origin.application_id != caller.id
        or fact.revoked_at is not None
        or fact.expires_at <= now
        or fact.idle_expires_at <= now
        or credential.generation != fact.generation
        or fact.standing is None
        or not liveness.stands(fact.origin, fact.standing)
        or not genuine(
            keys,
            family_id=fact.id,
            presented_generation=credential.generation,
            presented_secret=credential.secret,
            current_generation=fact.generation,
            current_digest=fact.digest,
            key_since=fact.key_since,
        )
    ):
        return INACTIVE
    in_force = liveness.scopes_in_force(fact.origin, fact.standing)
    if fact.origin.scopes and not in_force:
        return INACTIVE
    answer: Answer = {
        "active": True,
        "client_id": caller.client_id,
        "token_type": "refresh_token",
        "exp": int(min(fact.idle_expires_at, fact.expires_at).timestamp()),
        "iss": issuer,
    }
    if in_force:
        answer["scope"] = scopes.render(in_force)
    return answer
