"""Token introspection (RFC 7662): what a caller may know about a token. Pure; no write follows."""

from datetime import datetime
from typing import Any

from app.crypto.hashing import Digest
from app.protocol import details, liveness, scopes, validity
from app.protocol.detail_types import Content
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import (
    AccessTokenFact,
    ClientFact,
    FamilyFact,
    KeyFact,
    MachineTokenFact,
    PersonalTokenFact,
    TokenFact,
)
from app.protocol.resources import ResourceRegistry
from app.protocol.roles import Roles
from app.protocol.token_format import Credential
from app.protocol.tokens.refresh_chain import ServerKeys, genuine
from app.protocol.validity import Fault

Answer = dict[str, Any]

INACTIVE: Answer = {"active": False}
"""IN-3, RFC 7662 §2.2: the whole answer for every token that is not active for this caller."""


def check_caller(caller: ClientFact) -> None:
    """IN-2, RFC 7662 §2.1: the caller must be authorized; a public client proves nothing about itself."""
    if not caller.confidential:
        raise OAuthError(
            ErrorCode.INVALID_CLIENT, "introspection needs client authentication; register a confidential application"
        )


def is_api(caller: ClientFact) -> bool:
    """Tell whether the caller may be one of this deployment's APIs, to which people send tokens of others (DR-13).

    A secret that everybody can get himself by registering makes nobody one, until an operator has checked him.
    """
    return not caller.stranger


def describe(
    caller: ClientFact,
    shown: Digest,
    fact: AccessTokenFact | None,
    *,
    resources: ResourceRegistry,
    issuer: str,
    now: datetime,
) -> Answer:
    """Return the introspection answer for an access token (IN-4); the caller has been checked.

    Tokens without a resource are for every API of this deployment, so each of its confidential clients may ask that can
    be one. Of one with resources, its own application sees everything, and others what is for the resources that they
    answer for (IN-5, IN-6). A token that an application got for itself names no person: neither `username` nor `sub`.
    Where the `sub` is pairwise there is no `username`, which would be the same for everybody (ID-7).
    """
    in_force = validity.access_token(shown, fact, now=now)
    if fact is None or isinstance(in_force, Fault):
        return INACTIVE
    audience = _audience(caller, fact, resources)
    if audience is None:
        return INACTIVE
    answer: Answer = {
        "active": True,
        "client_id": fact.client_id,
        "token_type": "DPoP" if fact.binding.jkt else "Bearer",
        "exp": int(fact.expires_at.timestamp()),
        "iat": int(fact.issued_at.timestamp()),
        "iss": issuer,
        "jti": str(fact.id),
    }
    if audience:
        answer["aud"] = audience[0] if len(audience) == 1 else list(audience)
        in_force = _at(fact, in_force, audience, resources)
    if not isinstance(fact, MachineTokenFact):
        if fact.told_username is not None:
            answer["username"] = fact.told_username
        answer["sub"] = fact.subject
        if fact.auth_time is not None:
            answer["auth_time"] = int(fact.auth_time.timestamp())
        if fact.acr:
            answer["acr"] = fact.acr
    if in_force:
        answer["scope"] = scopes.render(in_force)
    if fact.binding:
        answer["cnf"] = fact.binding.confirmation
    if fact.actor is not None:
        answer["act"] = fact.actor
    if told := _details(caller, fact, audience, resources):
        answer[details.PARAMETER] = told
    return answer


def _audience(caller: ClientFact, fact: AccessTokenFact, resources: ResourceRegistry) -> tuple[str, ...] | None:
    """Return the resources of a token that its answer may name to this caller; None when it is not for him at all."""
    own = fact.origin.resources
    if fact.origin.application_id == caller.id or (not own and is_api(caller)):
        return own
    answered_for = tuple(
        identifier
        for identifier in own
        if (resource := resources.get(identifier)) is not None and caller.client_id in resource.introspection_clients
    )
    return answered_for or None


def _at(
    fact: AccessTokenFact, in_force: tuple[str, ...], audience: tuple[str, ...], resources: ResourceRegistry
) -> tuple[str, ...]:
    """Return the scopes that are in force at some of the token's resources."""
    if isinstance(fact, TokenFact) and fact.standing is not None and fact.origin.record_id is not None:
        return liveness.at(fact.origin, fact.standing, audience).scopes
    there = [resource for identifier in audience if (resource := resources.get(identifier)) is not None]
    return tuple(scope for scope in in_force if any(resource.understands(scope) for resource in there))


def _details(
    caller: ClientFact, fact: AccessTokenFact, audience: tuple[str, ...], resources: ResourceRegistry
) -> list[Content]:
    """RA-4, RFC 9396 §9.2: return the objects that are in force and that this caller may see.

    Those of a token without resources are for every API, but for those whose locations others answer for.
    """
    if isinstance(fact, MachineTokenFact) or fact.standing is None:
        return []
    in_force = details.reaching(liveness.details_in_force(fact.origin, fact.standing), audience)
    if not audience and fact.origin.application_id != caller.id:
        in_force = tuple(one for one in in_force if _is_answered_for(caller, one.content, resources))
    return details.contents(in_force)


def _is_answered_for(caller: ClientFact, content: Content, resources: ResourceRegistry) -> bool:
    locations = content.get("locations") or ()
    places = [one for one in resources if any(details.is_at(location, one.identifier) for location in locations)]
    return not places or any(caller.client_id in one.introspection_clients for one in places)


def describe_personal(
    credential: Credential, fact: PersonalTokenFact | None, *, roles: Roles, issuer: str, now: datetime
) -> Answer:
    """Return the introspection answer for a personal token; it has no client. `exp` is absent when it never ends."""
    in_force = validity.personal_token(credential, fact, roles=roles, now=now)
    if fact is None or isinstance(in_force, Fault):
        return INACTIVE
    answer: Answer = {
        "active": True,
        "username": fact.username,
        "token_type": "Bearer",
        "iat": int(fact.issued_at.timestamp()),
        "sub": fact.subject,
        "iss": issuer,
        "jti": str(fact.id),
    }
    if fact.expires_at is not None:
        answer["exp"] = int(fact.expires_at.timestamp())
    if in_force:
        answer["scope"] = scopes.render(in_force)
    return answer


def describe_key(credential: Credential, fact: KeyFact | None, *, issuer: str) -> Answer:
    """Return the introspection answer for an API key: nobody's, but an organization's, named by its slug."""
    in_force = validity.api_key(credential, fact)
    if fact is None or isinstance(in_force, Fault):
        return INACTIVE
    answer: Answer = {
        "active": True,
        "token_type": "Bearer",
        "iat": int(fact.issued_at.timestamp()),
        "iss": issuer,
        "jti": str(fact.id),
        "organization": fact.organization_slug,
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
        or fact.origin.application_id != caller.id
        or fact.revoked_at is not None
        or fact.expires_at <= now
        or fact.idle_expires_at <= now
        or credential.generation != fact.generation
        or not genuine(keys, credential, fact)
    ):
        return INACTIVE
    in_force = liveness.living_scopes(fact.origin, fact.standing)
    if in_force is None or fact.standing is None or not liveness.may_refresh(fact.origin, fact.standing):
        return INACTIVE
    answer: Answer = {
        "active": True,
        "client_id": caller.client_id,
        "token_type": "refresh_token",
        "exp": int(min(fact.idle_expires_at, fact.expires_at).timestamp()),
        "iss": issuer,
    }
    if fact.binding:
        answer["cnf"] = fact.binding.confirmation
    if in_force:
        answer["scope"] = scopes.render(in_force)
    if told := details.contents(liveness.details_in_force(fact.origin, fact.standing)):
        answer[details.PARAMETER] = told
    return answer
