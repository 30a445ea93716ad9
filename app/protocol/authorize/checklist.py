"""The order of checks, as one table: what is judged once the return path stands, and by which section."""

from collections.abc import Callable
from dataclasses import dataclass

from app.protocol import liveness, pkce, response_types
from app.protocol import scopes as scope_rules
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.request import AuthorizationRequest
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.scopes import ScopeRegistry
from app.protocol.trace import Trace


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything a check may look at."""

    client: ClientFact
    policy: EffectivePolicy
    registry: ScopeRegistry
    params: Parameters


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that passed every check: what it asks, as scopes and as pairs of the record."""

    request: AuthorizationRequest
    scopes: tuple[str, ...]
    pairs: tuple[str, ...]


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
    scopes = scope_rules.parse(subject.params.get("scope") or "")
    scope_rules.require_known(scopes, subject.registry)
    scope_rules.require_allowed(scopes, subject.client.scopes)


def _resource(subject: Subject) -> None:
    if subject.params.all("resource"):
        raise OAuthError(ErrorCode.INVALID_TARGET, "resource is not known to this server; leave it out")


def _prompt(subject: Subject) -> None:
    request_rules.read_prompt(subject.params.get("prompt"))


def _max_age(subject: Subject) -> None:
    request_rules.read_max_age(subject.params.get("max_age"))


CHECKLIST: tuple[tuple[str, Callable[[Subject], None], str], ...] = (
    ("parameters once", _unique, "RFC 6749 §3.1"),
    ("request object", _request_object, "OpenID Connect Core §3.1.2.6"),
    ("lengths", _lengths, "RFC 6749 §4.1.1"),
    ("response type", _response_type, "RFC 6749 §3.1.1"),
    ("code challenge", _pkce, "RFC 7636 §4.4.1"),
    ("scope", _scope, "RFC 6749 §3.3"),
    ("resource", _resource, "RFC 8707 §2"),
    ("prompt", _prompt, "OpenID Connect Core §3.1.2.1"),
    ("max_age", _max_age, "OpenID Connect Core §3.1.2.1"),
)


def run(subject: Subject, trace: Trace) -> Accepted:
    """Run the checks in their order; the first that refuses ends it. Every step is traced."""
    for name, check, section in CHECKLIST:
        try:
            check(subject)
        except OAuthError as refused:
            trace.add(name, "refused", f"{refused.code.wire}: {refused.description}", section)
            raise
        trace.add(name, "passed", "", section)
    scopes = scope_rules.parse(subject.params.get("scope") or "")
    return Accepted(
        request=request_rules.read(subject.params),
        scopes=scopes,
        pairs=tuple(liveness.pair(scope) for scope in scopes),
    )
