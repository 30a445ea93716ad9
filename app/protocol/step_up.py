"""Step-up (RFC 9470, UA-1): what of a token counts only after another sign-in, and how its client is told.

A scope of the registry may need an assurance level. A token has it only from a sign-in of that level, and it counts at
our own APIs as long as that sign-in is recent enough: neither its class nor its moment moves when tokens are refreshed
(AT-5). Tokens without a person are not asked for what no person can do. What such a scope tells about the person is
told by no other way without such a sign-in.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from app.protocol.acr import Assurance
from app.protocol.authorization_header import Challenged, Scheme
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import ClaimsRequest
from app.protocol.errors import ErrorCode
from app.protocol.facts import Authentication, TokenFact
from app.protocol.scopes import ScopeRegistry


def guards(
    names: Iterable[str], held: Collection[str], claims: ClaimsRegistry, registry: ScopeRegistry
) -> tuple[str, ...]:
    """Return the scopes whose levels are needed for claims that are asked for one by one (UA-2, OC-13).

    A claim comes by those of its scopes that are `held` beside it, or else stands for itself. It needs a level where
    each scope needs one that it could come by.
    """
    found: dict[str, None] = {}
    for name in names:
        behind = claims.scopes_of(name)
        ways = [scope for scope in behind if scope in held] or behind
        if all(map(registry.level, ways)):
            found |= dict.fromkeys(ways)
    return tuple(found)


def still_told(
    asked: ClaimsRequest,
    held: Collection[str],
    how: Authentication,
    claims: ClaimsRegistry,
    registry: ScopeRegistry,
    assurance: Assurance,
    now: datetime,
) -> ClaimsRequest:
    """Return what was asked without the claims for ID tokens that this sign-in is not, or no longer, enough for: a new
    ID token has no challenge to send (AT-5)."""

    def is_open(name: str) -> bool:
        levels = registry.levels(guards((name,), held, claims, registry))
        return all(assurance.is_met(level, how.acr, how.auth_time, now) for level in levels)

    return replace(asked, id_token=tuple(filter(is_open, asked.id_token)))


def waiting(
    token: TokenFact, scopes: Iterable[str], registry: ScopeRegistry, assurance: Assurance, now: datetime
) -> tuple[str, ...]:
    """Return those of a token's scopes that its sign-in is not, or no longer, enough for."""
    return tuple(
        scope
        for scope in scopes
        if (level := registry.level(scope)) and not assurance.is_met(level, token.acr, token.auth_time, now)
    )


def challenge(
    scope: str, registry: ScopeRegistry, assurance: Assurance, scheme: Scheme = "Bearer", *, detail: str = ""
) -> Challenged:
    """Return the refusal of a token whose sign-in is not enough for one of its scopes (RFC 9470 §3): the client sends
    `acr_values` and `max_age` of it in its next authorization request."""
    level = assurance.get(registry.level(scope))
    members = {} if level is None else {"acr_values": level.name}
    if level is not None and level.max_age is not None:
        members["max_age"] = str(int(level.max_age.total_seconds()))
    return Challenged(
        ErrorCode.INSUFFICIENT_USER_AUTHENTICATION,
        f"the scope {scope} needs another sign-in, or a recent one",
        scheme=scheme,
        detail=detail,
        members=members,
    )
