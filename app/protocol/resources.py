"""Resources: the APIs that tokens are for (RFC 8707), and which scopes count at which.

Scopes asked together with resources are pairs: each scope at each of the resources that understand it (RI-3, AR-2).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from app.protocol import liveness
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.policy import EffectivePolicy
from app.protocol.scopes import ABOUT_PEOPLE, ScopeRegistry, render
from app.protocol.strict_algorithms import STRICT_ALGORITHMS

TokenFormat = Literal["opaque", "jwt"]

DeclaredBy = Literal["server", "settings", "data"]
"""Where a resource comes from: it is this server itself, or stands in its settings, or is data like any other."""

MOST = 20
"""Resources that one request may name."""

LONGEST = 2000

_CHARACTERS = re.compile(r"[!#-;=?-\[\]_a-z~]*")
"""Those of RFC 3986 and some more; none that would end a quoted string or a tag."""


@dataclass(frozen=True, slots=True)
class Resource:
    """An API that accepts tokens.

    `scopes` is what it understands, None: every scope. `access_token` is how long a token for it lives, None: as the
    server says. `introspection_clients` are the client_ids that may ask about its tokens.
    """

    identifier: str
    name: str = ""
    scopes: frozenset[str] | None = None
    token_format: TokenFormat = "opaque"
    access_token: timedelta | None = None
    signing_alg: str = ""
    introspection_clients: frozenset[str] = frozenset()

    def understands(self, scope: str) -> bool:
        """Tell whether the scope means something there."""
        return self.scopes is None or scope in self.scopes


class ResourceRegistry:
    """The resources that operators have defined."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._resources = {resource.identifier: resource for resource in resources}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)

    def get(self, identifier: str) -> Resource | None:
        """Return the resource with exactly this identifier."""
        return self._resources.get(identifier)

    def find(self, sent: str) -> Resource | None:
        """Return the resource that a request means (RI-4, RI-5, MB-10).

        By simple comparison first. Then scheme and host count in any case, and an origin with or without its slash:
        URL classes of clients write them so.
        """
        if (known := self._resources.get(sent)) is not None:
            return known
        try:
            parts = urlsplit(sent)
        except ValueError:
            return None
        if not parts.netloc or not _CHARACTERS.fullmatch(sent):  # else others would read another address in it
            return None
        origin = f"{parts.scheme.lower()}://{parts.netloc.lower()}"
        rest = sent[len(origin) :]
        spellings = (origin, f"{origin}/") if rest in ("", "/") else (origin + rest,)
        return next((self._resources[one] for one in spellings if one in self._resources), None)


NO_RESOURCES = ResourceRegistry()


def offered(resources: Iterable[Resource], features: FeatureSet) -> ResourceRegistry:
    """Return the resources that a server with these features has tokens for.

    An API that reads JWTs could do nothing with another token: without that feature there are none for it.
    """
    if Feature.RESOURCE_INDICATORS not in features:
        return NO_RESOURCES
    jwts = Feature.JWT_ACCESS_TOKENS in features
    return ResourceRegistry(resource for resource in resources if jwts or resource.token_format != "jwt")


def introspecting(resources: Iterable[Resource]) -> tuple[str, ...]:
    """Return the client_ids of the applications that may ask about tokens for these resources."""
    return tuple(sorted({client_id for resource in resources for client_id in resource.introspection_clients}))


def longest_lag(resources: tuple[Resource, ...], policy: EffectivePolicy) -> timedelta:
    """Return how long one of these resources may go on honouring what was taken away: those that check JWTs alone."""
    alone = (shape((one,), policy).lifetime for one in resources if one.token_format == "jwt")
    return max(alone, default=timedelta())


def problem_with(identifier: str) -> str | None:
    """Return why a text cannot name a resource, as half a sentence; None when it can (RFC 8707 §2)."""
    try:
        parts = urlsplit(identifier)
    except ValueError:
        return "is not a URI"
    if not parts.scheme or not (parts.netloc or parts.path) or len(identifier) > LONGEST:
        return "must be an absolute URI, such as https://api.example.com"
    if "#" in identifier:
        return "must not have a fragment; leave out everything from the # on"
    if not _CHARACTERS.fullmatch(identifier):
        return "must be made of the characters that a URI can have; write others as % and two digits"
    if parts.netloc and not identifier.startswith(f"{parts.scheme}://{parts.netloc.lower()}"):
        return "must have its scheme and host in lower case"
    return None


def problems_with(
    resource: Resource, registry: ScopeRegistry, signing: Iterable[str], features: FeatureSet
) -> Iterator[tuple[str, str]]:
    """Yield what a resource cannot be, by member, each as half a sentence; `signing` are the server's algorithms."""
    if problem := problem_with(resource.identifier):
        yield "identifier", problem
    for unknown in registry.unknown(sorted(resource.scopes or ())):
        yield "scopes", f"has {unknown[:100]}, which is not in the scope registry of this server"
    if not offered((resource,), features):
        yield "token_format", f"is {resource.token_format}, of which this server makes no tokens"
    if resource.signing_alg and resource.signing_alg not in signing:
        yield "signing_alg", f"is {resource.signing_alg}, with which this server does not sign"


def chosen(sent: Iterable[str], registry: ResourceRegistry) -> tuple[Resource, ...]:
    """Return the resources that a request names, in its order; raises `invalid_target` (RI-1)."""
    found: dict[str, Resource] = {}
    for text in sent:
        resource = registry.find(text)
        if resource is None:
            raise _refused(_why_not(text))
        found.setdefault(resource.identifier, resource)
    if len(found) > MOST:
        raise _refused(f"a request can name {MOST} resources at most")
    return tuple(found.values())


def granted(identifiers: Iterable[str], registry: ResourceRegistry) -> tuple[Resource, ...]:
    """Return the resources of a grant or family; raises `invalid_target` for one that there is no longer."""
    found = []
    for identifier in identifiers:
        resource = registry.get(identifier)
        if resource is None:
            raise _refused("a resource of this grant is no longer known to this server; ask for authorization again")
        found.append(resource)
    return tuple(found)


def narrowed(sent: tuple[str, ...], held: tuple[Resource, ...], registry: ResourceRegistry) -> tuple[Resource, ...]:
    """Return what a token request chooses of the resources of its grant: all of them when it names none (RI-2)."""
    if not sent:
        return held
    wanted = chosen(sent, registry)
    if any(resource not in held for resource in wanted):
        raise _refused("resource names what the authorization request did not; it can only choose among those")
    return wanted


def is_understood(scope: str, resources: tuple[Resource, ...]) -> bool:
    """Tell whether a scope means something at one of the resources of a request; without any, it is for every API."""
    return bool(_understanding(scope, resources))


def pairs(scopes: tuple[str, ...], resources: tuple[Resource, ...]) -> tuple[str, ...]:
    """Return the pairs that scopes and resources of one request make; raises `invalid_scope`.

    A scope that none of the resources understands would be asked of the person and mean nothing. Those about people are
    for this server, which tells what they stand for.
    """
    there = {scope: _understanding(scope, resources) for scope in scopes}
    if lost := [scope for scope, places in there.items() if not places]:
        raise OAuthError(
            ErrorCode.INVALID_SCOPE,
            f"no resource of this request understands {render(lost[:5])}; leave it out, or name its resource",
        )
    return tuple(liveness.pair(scope, place) for scope, places in there.items() for place in places)


def _understanding(scope: str, resources: tuple[Resource, ...]) -> tuple[str, ...]:
    if not resources or scope in ABOUT_PEOPLE:
        return ("",)
    return tuple(resource.identifier for resource in resources if resource.understands(scope))


def require_one_format(resources: tuple[Resource, ...]) -> Resource | None:
    """Return the resource whose own format a token has, None for an opaque token; raises `invalid_target`.

    A token is opaque unless its resource reads JWTs (AT-1). One that an API reads by itself has one audience (AT-3),
    and names it, whichever key signs for all of them (AT-9): else each of them could use it at the others.
    """
    if len(resources) == 1 and resources[0].token_format == "jwt":
        return resources[0]
    if any(resource.token_format == "jwt" for resource in resources):
        raise _refused("several resources were granted; send resource to choose the one that this token is for")
    return None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a token is to be: the resource whose format it has (None: opaque), and how long it lives."""

    audience: Resource | None
    lifetime: timedelta


def shape(resources: tuple[Resource, ...], policy: EffectivePolicy) -> Shape:
    """Return the shape of a token for these resources: the strictest decides (AT-7); raises `invalid_target`."""
    audience = _strong(require_one_format(resources), policy)
    server = policy.access_token if audience is None else min(policy.access_token, policy.jwt_access_token)
    own = (resource.access_token for resource in resources if resource.access_token is not None)
    return Shape(audience, min((server, *own)))


def _strong(audience: Resource | None, policy: EffectivePolicy) -> Resource | None:
    """F-22: what an application gets that is held to FAPI 2.0 is signed strongly, whoever it is for."""
    if audience is None or not policy.fapi or audience.signing_alg in STRICT_ALGORITHMS:
        return audience
    if audience.signing_alg or not policy.strict_alg:
        raise _refused("tokens for this resource are signed too weakly for this application (FAPI 2.0)")
    return replace(audience, signing_alg=policy.strict_alg)


def _why_not(text: str) -> str:
    """RI-1: an absolute URI without a fragment, and one of ours."""
    problem = problem_with(text)
    known = f"is not known to this server: {text[:100]}"
    return f"resource {known if problem is None or 'lower case' in problem else problem}"


def _refused(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_TARGET, description)
