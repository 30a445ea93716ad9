"""The liveness rule: a token lives while its family, its record, its user and its application do.

A token that an application got for itself has nothing but the application behind it.

One row to revoke, whatever hangs below it. What was taken away stays away from old tokens: a pair counts only if it
has been granted without a break since before the token's authorization event.
"""

from dataclasses import replace

from app.protocol.facts import MachineTokenFact, Origin, Standing


def stands(origin: Origin, standing: Standing | None) -> bool:
    """Tell whether user, application and record behind a grant, family or token are all still in force."""
    return (
        standing is not None
        and standing.record_id == origin.record_id
        and not standing.record_revoked
        and standing.user_active
        and standing.user_epoch == origin.user_epoch
        and standing.application_active
        and standing.application_epoch == origin.application_epoch
    )


def stands_alone(fact: MachineTokenFact) -> bool:
    """Tell whether the application behind a token of its own is in force, and was ever since the token was made."""
    return fact.application_active and fact.application_epoch_now == fact.origin.application_epoch


def living_scopes(origin: Origin, standing: Standing | None) -> tuple[str, ...] | None:
    """Return the scopes that a grant, family or token still carries, or None when it is dead.

    Dead is what nobody stands behind any more, and what has lost its every permission; what never had any lives on.
    """
    if standing is None or not stands(origin, standing):
        return None
    in_force = scopes_in_force(origin, standing)
    return None if origin.scopes and not in_force else in_force


def scopes_in_force(origin: Origin, standing: Standing) -> tuple[str, ...]:
    """Return the scopes of the token's own list that its record still grants, in the token's order.

    A pair is in force iff it stands in the token's own list and has been in the record since the version that the
    token's authorization event left, or longer (architecture §1).
    """
    since = dict(zip(standing.pairs, standing.since, strict=True))
    never = origin.record_version + 1
    pairs = origin.resources or ("",)
    return tuple(
        scope
        for scope in origin.scopes
        if any(since.get(pair(scope, resource), never) <= origin.record_version for resource in pairs)
    )


def narrowed(origin: Origin, scopes: tuple[str, ...]) -> Origin:
    """Return the same origin with another scope list; everything else is copied."""
    return origin if scopes == origin.scopes else replace(origin, scopes=scopes)


def pair(scope: str, resource: str = "") -> str:
    """Return the record's name for a scope at a resource; scopes and resources have no spaces."""
    return f"{scope} {resource}" if resource else scope


def split_pair(text: str) -> tuple[str, str]:
    """Return (scope, resource) of a pair; the resource is empty for scopes without one."""
    scope, _, resource = text.partition(" ")
    return scope, resource
