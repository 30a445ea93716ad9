"""Userinfo (OpenID Connect Core §5.3): who may ask about a person, and what he is told.

It is an API like others: a token opens it that is for every API here, or for this one (UI-9). A token that was asked
for another API alone stays there: whoever runs that one could otherwise read with it what was meant for the
application (docs/decisions/0029).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.crypto.hashing import Digest
from app.protocol import liveness, openid_tokens, step_up, validity
from app.protocol.authorization_header import Challenged, Credentials
from app.protocol.authorization_header import read as read_header
from app.protocol.claim_values import Claim
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import ClaimsRequest
from app.protocol.errors import ErrorCode
from app.protocol.facts import AccessTokenFact, PersonFact, TokenFact
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.policy import ApplicationPolicy
from app.protocol.resources import Resource
from app.protocol.scopes import ABOUT_PEOPLE, OPENID, ScopeRegistry
from app.protocol.validity import Fault

PATH = "/oauth/userinfo"
"""Below the issuer. Both of them name this API as a resource (RFC 8707)."""

MEDIA_TYPE = "application/jwt"
IN_BODY = "access_token"

_SCHEMES = ("bearer", "dpop")


@dataclass(frozen=True, slots=True)
class LoginFact:
    """An access token, with what was asked for by name when the person agreed (`claims`), who he is, and what the
    application registered and is held to. A token that speaks for nobody has no `person`."""

    token: AccessTokenFact
    claims: ClaimsRequest
    person: PersonFact | None
    openid: OpenIdSettings
    policy: ApplicationPolicy = field(default_factory=ApplicationPolicy)


def resource(issuer: str, own: Iterable[Claim]) -> Resource:
    """Return this API as a resource that requests can name beside others; `own` are the operator's claims."""
    scopes = ABOUT_PEOPLE.union(*(claim.scopes for claim in own))
    return Resource(issuer + PATH, "Who has signed in", scopes)


def presented(authorization: str | None, in_body: str | None, *, in_url: bool) -> Credentials:
    """Return the token of a request; raises `Challenged` (UI-1, BR-1, BR-2).

    `in_url`: the URL has one too, or alone, which nobody reads: it stands in logs and histories.
    """
    if in_url or (authorization is not None and in_body is not None):
        raise Challenged(
            ErrorCode.INVALID_REQUEST,
            "send the token once, as Authorization: Bearer <token> or as access_token in a form, never in the URL",
        )
    if in_body is not None:
        return Credentials(in_body)
    if authorization is None:
        raise Challenged(ErrorCode.INVALID_TOKEN, "an access token is needed", bare=True)
    if authorization.partition(" ")[0].lower() not in _SCHEMES:
        raise Challenged(ErrorCode.INVALID_REQUEST, "send the token as Authorization: Bearer <token>")
    return read_header(authorization)


def require_header(policy: ApplicationPolicy, *, in_body: bool) -> None:
    """F-24: what is held to FAPI 2.0 sends its tokens in the header alone; raises `Challenged`."""
    if policy.fapi and in_body:
        raise Challenged(
            ErrorCode.INVALID_REQUEST, "tokens of this application are taken from the Authorization header alone"
        )


def judge(shown: Digest, token: AccessTokenFact | None, issuer: str, now: datetime) -> tuple[str, ...] | Fault:
    """Return the scopes that a token carries here; `Fault` when it does not count, or is for other APIs (UI-9, UI-10).

    `shown` is the digest of its secret, or of a JWT's text.
    """
    in_force = validity.access_token(shown, token, now=now)
    if isinstance(in_force, Fault) or token is None or not token.origin.resources:
        return in_force
    here = tuple(name for name in token.origin.resources if name in (issuer, issuer + PATH))
    if not here:
        return Fault.ELSEWHERE
    if isinstance(token, TokenFact) and token.standing is not None:
        return liveness.at(token.origin, token.standing, here).scopes
    return in_force


def require_login(token: AccessTokenFact, scopes: tuple[str, ...]) -> TokenFact:
    """Return the token of somebody who signed in; raises `Challenged` for any other one (UI-2).

    `scopes` are those in force. Nobody signed in where an assertion or another application's token paid.
    """
    if (
        not isinstance(token, TokenFact)
        or token.origin.record_id is None
        or token.origin.basis is not None
        or OPENID not in scopes
    ):
        raise Challenged(
            ErrorCode.INSUFFICIENT_SCOPE,
            "the token does not come from signing in with the scope openid, or that was taken away",
            scope=OPENID,
        )
    return token


def answer(found: LoginFact, token: TokenFact, scopes: tuple[str, ...], registry: ClaimsRegistry) -> dict[str, Any]:
    """Return what is said of the person: the claims of the scopes in force, those asked for by name that still count,
    and always who he is for this application (UI-3, UI-5, UI-6)."""
    said: dict[str, Any] = {"sub": token.subject}
    if found.person is None:
        return said
    names, asked = registry.of_scopes(scopes), found.claims
    if asked.userinfo and token.standing is not None:
        origin = liveness.narrowed(token.origin, scopes)
        names = (*names, *openid_tokens.claims_in_force(registry, asked.userinfo, origin, token.standing))
    return said | registry.of_person(found.person, names, asked.locales) if names else said


def telling(
    found: LoginFact, token: TokenFact, scopes: tuple[str, ...], claims: ClaimsRegistry, registry: ScopeRegistry
) -> tuple[str, ...]:
    """Return the scopes whose levels the answer needs: those in force that tell something, and those behind the claims
    that were asked for by name and still count (RFC 9470 §3)."""
    by_scope = tuple(scope for scope in scopes if claims.of_scopes((scope,)))
    if not found.claims.userinfo or token.standing is None:
        return by_scope
    origin = liveness.narrowed(token.origin, scopes)
    named = openid_tokens.claims_in_force(claims, found.claims.userinfo, origin, token.standing)
    return (*by_scope, *step_up.guards(named, scopes, claims, registry))


def as_jwt(said: dict[str, Any], issuer: str, client_id: str) -> dict[str, Any]:
    """Return what a signed answer says: also who says it, and to whom (UI-7)."""
    return {"iss": issuer, "aud": client_id, **said}
