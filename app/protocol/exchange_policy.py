"""Who may exchange whose tokens for what (RFC 8693 §2.1, §5): what operators write down, and what goes without it.

Without a word an application may make its own tokens narrower (TX-6), and nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.resources import Resource, ResourceRegistry, chosen

Mode = Literal["delegation", "impersonation"]


@dataclass(frozen=True, slots=True)
class ExchangeRule:
    """One entry of the operator's.

    `clients` may exchange the tokens of `subject_clients` and the JWTs of `subject_issuers` for tokens for `resources`
    (none: for the subject token's own). Tokens of others must be for one of `subject_resources` (none: for a resource
    that the application stands behind), or for no resource at all. `scopes` are those that are carried over, None: all.
    `maps` are scopes that turn into others. `mode`: whether the new token names who acts. `rebind`: a token that is
    bound to a key may be exchanged without that key, for one that is bound to another.
    """

    name: str
    clients: frozenset[str]
    subject_clients: frozenset[str] = frozenset()
    subject_issuers: frozenset[str] = frozenset()
    subject_resources: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    maps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: Mode = "delegation"
    rebind: bool = False

    def covers(self, client_id: str, source: "Source", registry: ResourceRegistry) -> bool:
        """Tell whether this entry is about this application and a subject token from there (TX-6).

        A token that was meant for somebody else's API is none that this application should have come by.
        """
        sources = self.subject_clients if source.client_id else self.subject_issuers
        if client_id not in self.clients or (source.client_id or source.issuer) not in sources:
            return False
        if not source.resources or source.client_id == client_id:
            return True
        return not (self.subject_resources or _behind(client_id, registry)).isdisjoint(source.resources)

    def reaches(self, targets: tuple[Resource, ...]) -> bool:
        """Tell whether this entry is about these targets; one without resources is about those of the subject token."""
        if not self.resources:
            return True
        return bool(targets) and all(target.identifier in self.resources for target in targets)

    def turned(self, scopes: Iterable[str]) -> dict[str, str]:
        """Return the scopes that a new token may have, each with the one that it comes from."""
        turned: dict[str, str] = {}
        for scope in scopes:
            if self.scopes is None or scope in self.scopes:
                turned.setdefault(scope, scope)
            for other in self.maps.get(scope, ()):
                turned.setdefault(other, scope)
        return turned


@dataclass(frozen=True, slots=True)
class Source:
    """Where a subject token is from, one of our applications or a trusted issuer, and which resources it is for."""

    client_id: str = ""
    issuer: str = ""
    resources: tuple[str, ...] = ()


def choose(
    rules: Iterable[ExchangeRule],
    client_id: str,
    source: Source,
    targets: tuple[Resource, ...],
    registry: ResourceRegistry,
) -> ExchangeRule | None:
    """Return the first entry for an exchange, None when it is one of an application's own tokens and needs none.

    Raises `invalid_request` for a token of somebody else's that the application may not exchange at all, and
    `invalid_target` when it may, but not for these targets (TX-4, TX-6).
    """
    covering = [rule for rule in rules if rule.covers(client_id, source, registry)]
    for rule in covering:
        if rule.reaches(targets):
            return rule
    if source.client_id == client_id:
        return None
    if covering and not targets:
        raise OAuthError(ErrorCode.INVALID_TARGET, "name the target of the new token with resource or audience")
    if covering:
        raise OAuthError(ErrorCode.INVALID_TARGET, "this application may not get such a token for this target")
    raise OAuthError(ErrorCode.INVALID_REQUEST, "this application may not exchange this token, which is not its own")


def targets(resources: tuple[str, ...], audiences: tuple[str, ...], registry: ResourceRegistry) -> tuple[Resource, ...]:
    """Return the targets that a request names; raises `invalid_target` (RFC 8693 §2.1).

    An audience is a resource's identifier, or the client_id of the application that stands behind exactly one.
    """
    return chosen((*resources, *(_named(audience, registry) for audience in audiences)), registry)


def _behind(client_id: str, registry: ResourceRegistry) -> frozenset[str]:
    return frozenset(resource.identifier for resource in registry if client_id in resource.introspection_clients)


def _named(audience: str, registry: ResourceRegistry) -> str:
    if registry.find(audience) is not None:
        return audience
    behind = _behind(audience, registry)
    if len(behind) != 1:
        raise OAuthError(
            ErrorCode.INVALID_TARGET,
            "audience is not known to this server"
            if not behind
            else "the application that audience names has several resources; choose one with resource",
        )
    return next(iter(behind))
