"""Step-up (RFC 9470, UA-1): what of a token counts only after its person has signed in again, and how its client is told.

A scope of the registry may need an assurance level. A token has it only from a sign-in of that level, and it counts at
our own APIs as long as that sign-in is recent enough: neither its class nor its moment moves when tokens are refreshed
(AT-5). Tokens without a person are not asked for what no person can do.
"""

from collections.abc import Iterable
from datetime import datetime

from app.protocol.acr import Assurance
from app.protocol.authorization_header import Challenged, Scheme
from app.protocol.errors import ErrorCode
from app.protocol.facts import TokenFact
from app.protocol.scopes import ScopeRegistry


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
