"""The liveness rule: a token lives while its family, its record, its user and its application do (RF-8, AR-9).

A token that an application got for itself has nothing but the application behind it.

One row to revoke, whatever hangs below it. What was taken away stays away from old tokens: a pair counts only if it
has been granted without a break since before the token's authorization event.
"""

from dataclasses import replace

from app.protocol import details as detail_rules
from app.protocol.claims_request import claim_of
from app.protocol.facts import MachineTokenFact, Origin, Standing
from app.protocol.granted_details import GrantedDetail, is_pair
from app.protocol.scopes import ABOUT_PEOPLE


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
    had = bool(origin.scopes or origin.details)
    return None if had and not in_force and not details_in_force(origin, standing) else in_force


def may_refresh(origin: Origin, standing: Standing) -> bool:
    """Tell whether refresh tokens of an authorization event still count: the record was not merged into or replaced by
    name since then (GM-4, GM-5, AR-5)."""
    return standing.refresh_since <= origin.record_version


def scopes_in_force(origin: Origin, standing: Standing) -> tuple[str, ...]:
    """Return the scopes of the token's own list that its record still grants, in the token's order.

    Without a record nobody was asked, and what was given stays in force. With one, a pair is in force iff it stands in
    the token's own list and has been in the record since the version that the token's authorization event left, or
    longer (architecture §1). The pairs of an exchanged token stand and fall with those that they rest on.
    """
    if origin.record_id is None:
        return origin.scopes
    since = dict(zip(standing.pairs, standing.since, strict=True))
    never = origin.record_version + 1
    return tuple(
        scope
        for scope in origin.scopes
        if any(
            since.get(rests_on(origin, pair(scope, place)), never) <= origin.record_version
            for place in places(scope, origin.resources)
        )
    )


def details_in_force(origin: Origin, standing: Standing) -> tuple[GrantedDetail, ...]:
    """Return the details of the token's own list whose pairs its record still has: the rule of scopes (RA-4)."""
    if origin.record_id is None or not origin.details:
        return origin.details
    since = dict(zip(standing.pairs, standing.since, strict=True))
    never = origin.record_version + 1
    return tuple(detail for detail in origin.details if since.get(detail.pair, never) <= origin.record_version)


def at(origin: Origin, standing: Standing, resources: tuple[str, ...]) -> Origin:
    """Return the origin of a token for some of its resources, with the scopes and the details that are in force there
    (RI-2, RA-4)."""
    chosen = narrowed(origin, origin.scopes, resources)
    details = detail_rules.reaching(details_in_force(origin, standing), resources)
    return narrowed(chosen, scopes_in_force(chosen, standing), details=details)


def narrowed(
    origin: Origin,
    scopes: tuple[str, ...],
    resources: tuple[str, ...] | None = None,
    details: tuple[GrantedDetail, ...] | None = None,
) -> Origin:
    """Return the same origin with other scopes, and other resources and details if given; everything else is copied."""
    resources = origin.resources if resources is None else resources
    details = origin.details if details is None else details
    if scopes == origin.scopes and resources == origin.resources and details == origin.details:
        return origin
    return replace(origin, scopes=scopes, resources=resources, details=details)


def rests_on(origin: Origin, own: str) -> str:
    """Return the pair of the record that a pair of the token's rests on: itself, unless the token was exchanged for
    another application's; empty when there is none."""
    return own if origin.basis is None else origin.basis.pairs.get(own, "")


def places(scope: str, resources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the resources at which a scope of a request or token counts; the empty one stands for none.

    What is told about people is told here, whatever resources are named beside it (UI-9).
    """
    return ("",) if not resources or scope in ABOUT_PEOPLE else resources


def pair(scope: str, resource: str = "") -> str:
    """Return the record's name for a scope at a resource (AR-2); scopes and resources have no spaces."""
    return f"{scope} {resource}" if resource else scope


def is_scope(pair: str) -> bool:
    """Tell whether a pair of a record is a scope, and neither a claim nor authorization details."""
    return claim_of(pair) is None and not is_pair(pair)


def split_pair(text: str) -> tuple[str, str]:
    """Return (scope, resource) of a pair; the resource is empty for scopes without one."""
    scope, _, resource = text.partition(" ")
    return scope, resource
