"""The order of checks, as one table: what is judged once the return path stands, and by which section.

A1.2 steps 6, 7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.protocol import pkce, resources, response_types
from app.protocol import scopes as scope_rules
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.request import AuthorizationRequest
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.resources import NO_RESOURCES, Resource, ResourceRegistry
from app.protocol.scopes import ScopeRegistry
from app.protocol.trace import Trace

Where = Literal["authorize", "device"]
"""An endpoint that takes requests for authorization."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything a check may look at."""

    client: ClientFact
    policy: EffectivePolicy
    registry: ScopeRegistry
    params: Parameters
    resources: ResourceRegistry = NO_RESOURCES


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks, as scopes, as resources, and as pairs of the record."""

    scopes: tuple[str, ...]
    resources: tuple[Resource, ...]
    pairs: tuple[str, ...]

    def pairs_of(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the pairs that some of its scopes make at its resources."""
        return resources.pairs(scopes, self.resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Wanted):
    """A request to the authorization endpoint that passed every check."""

    request: AuthorizationRequest


def _unique(subject: Subject) -> None:
    subject.params.require_unique()


def _request_object(subject: Subject) -> None:
    if subject.params.get("request") is not None:
        raise OAuthError(ErrorCode.REQUEST_NOT_SUPPORTED, "request objects are not supported; send plain parameters")
    if subject.params.get("request_uri") is not None:
        raise OAuthError(ErrorCode.REQUEST_URI_NOT_SUPPORTED, "request_uri is not supported; send plain parameters")


def _lengths(subject: Subject) -> None:
    for name in request_rules.PARAMETERS:
        if len(subject.params.get(name) or "") > request_rules.MAX_LENGTH:
            raise OAuthError(ErrorCode.INVALID_REQUEST, f"{name} is longer than {request_rules.MAX_LENGTH} characters")


def _response_type(subject: Subject) -> None:
    response_types.check(subject.params.get("response_type"), subject.client, subject.policy)


def _pkce(subject: Subject) -> None:
    if request_rules.read_response_type(subject.params) == response_types.TOKEN:
        return  # nothing is redeemed, so there is nothing that a verifier could prove
    pkce.check_challenge(
        subject.params.get("code_challenge"),
        subject.params.get("code_challenge_method"),
        required=subject.policy.require_pkce,
    )


def _scope(subject: Subject) -> None:
    """A1.3 scope: it may be left out; what is asked must be known, and allowed to this application."""
    scopes = scope_rules.parse(subject.params.get("scope") or "")
    scope_rules.require_known(scopes, subject.registry)
    scope_rules.require_allowed(scopes, subject.client.scopes)


def _resource(subject: Subject) -> None:
    chosen = resources.chosen(subject.params.all("resource"), subject.resources)
    resources.pairs(scope_rules.parse(subject.params.get("scope") or ""), chosen)


def _dpop_jkt(subject: Subject) -> None:
    request_rules.read_dpop_jkt(subject.params.get("dpop_jkt"))


def _prompt(subject: Subject) -> None:
    request_rules.read_prompt(subject.params.get("prompt"))


def _max_age(subject: Subject) -> None:
    request_rules.read_max_age(subject.params.get("max_age"))


AUTHORIZE: frozenset[Where] = frozenset({"authorize"})
EVERYWHERE: frozenset[Where] = frozenset({"authorize", "device"})

CHECKLIST: tuple[tuple[str, Callable[[Subject], None], str, frozenset[Where]], ...] = (
    ("parameters once", _unique, "RFC 6749 §3.1", EVERYWHERE),
    ("request object", _request_object, "OpenID Connect Core §3.1.2.6", AUTHORIZE),
    ("lengths", _lengths, "RFC 6749 §4.1.1", EVERYWHERE),
    ("response type", _response_type, "RFC 6749 §3.1.1", AUTHORIZE),
    ("code challenge", _pkce, "RFC 7636 §4.4.1", AUTHORIZE),
    ("scope", _scope, "RFC 6749 §3.3", EVERYWHERE),
    ("resource", _resource, "RFC 8707 §2", EVERYWHERE),
    ("dpop_jkt", _dpop_jkt, "RFC 9449 §10", AUTHORIZE),
    ("prompt", _prompt, "OpenID Connect Core §3.1.2.1", AUTHORIZE),
    ("max_age", _max_age, "OpenID Connect Core §3.1.2.1", AUTHORIZE),
)
"""Check, section, and the endpoints that run it."""


def run(subject: Subject, trace: Trace) -> Accepted:
    """Run the checks of the authorization endpoint in their order; the first that refuses ends it."""
    wanted = run_at("authorize", subject, trace)
    return Accepted(
        request=request_rules.read(subject.params),
        scopes=wanted.scopes,
        resources=wanted.resources,
        pairs=wanted.pairs,
    )


def run_at(where: Where, subject: Subject, trace: Trace) -> Wanted:
    """Run the checks of an endpoint in their order; the first that refuses ends it. Every step is traced."""
    for name, check, section, places in CHECKLIST:
        if where not in places:
            continue
        try:
            check(subject)
        except OAuthError as refused:
            trace.add(name, "refused", f"{refused.code.wire}: {refused.description}", section)
            raise
        trace.add(name, "passed", "", section)
    scopes = scope_rules.parse(subject.params.get("scope") or "")
    chosen = resources.chosen(subject.params.all("resource"), subject.resources)
    return Wanted(scopes=scopes, resources=chosen, pairs=resources.pairs(scopes, chosen))
