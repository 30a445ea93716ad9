"""The order of checks, as one table: what is judged once the return path stands, and by which section.

A1.2 steps 6, 7.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from app.protocol import claims_parameter, pkce, resources, response_types
from app.protocol import scopes as scope_rules
from app.protocol.authorize import asked_scopes, demands
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.asked_scopes import AskedScopes
from app.protocol.authorize.demands import Demands, Hint
from app.protocol.authorize.request import PROMPTS, AuthorizationRequest
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_parameter import NOTHING, ClaimsParameter
from app.protocol.claims_request import ClaimsRequest
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.resources import NO_RESOURCES, Resource, ResourceRegistry
from app.protocol.scopes import ScopeRegistry
from app.protocol.trace import Trace

Where = Literal["authorize", "par", "device", "ciba"]
"""An endpoint that takes requests for authorization."""

STANDARD_CLAIMS = ClaimsRegistry()
"""The claims of a server whose operator has defined none."""


@dataclass(frozen=True)
class Subject:
    """Everything a check may look at. `prompts` are the values of `prompt` that the server knows. `pushed` tells that
    the client has pushed the request (RFC 9126), `signed` that it came as a signed request object (RFC 9101).

    What several checks look at is read once, which is why this class has no slots.
    """

    client: ClientFact
    policy: EffectivePolicy
    registry: ScopeRegistry
    params: Parameters
    resources: ResourceRegistry = NO_RESOURCES
    claims: ClaimsRegistry = STANDARD_CLAIMS
    hint: Hint = None
    prompts: tuple[str, ...] = PROMPTS
    where: Where = "authorize"
    pushed: bool = False
    signed: bool = False

    @cached_property
    def words(self) -> frozenset[str]:
        """What an answer holds, by the response type."""
        return response_types.words(request_rules.read_response_type(self.params))

    @cached_property
    def asked(self) -> AskedScopes:
        """The scopes that the request asks for; raises `invalid_scope`."""
        renewable = self.where == "device" or response_types.CODE in self.words
        return asked_scopes.read(self.params.get("scope"), self.registry, self.client, renewable=renewable)

    @cached_property
    def asked_claims(self) -> ClaimsParameter:
        """The claims that it asks for one by one, which means something in OpenID requests only (OC-13); raises as
        `asked`, and `invalid_request`."""
        text = self.params.get("claims")
        if text is None or not self.asked.openid:
            return NOTHING
        known = claims_parameter.read(text).known(self.claims)
        return known.only(lambda name: self.claims.may_be_asked(name, self.client.scopes))


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
    """A request to the authorization endpoint that passed every check.

    Its pairs are also those of the claims that it asks for one by one; they come with the approval of `openid`.
    """

    request: AuthorizationRequest
    demands: Demands = field(default_factory=Demands)

    @property
    def claims(self) -> ClaimsRequest:
        """The claims that were asked for one by one."""
        return self.demands.claims

    def pairs_of(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the pairs of the record that approving these scopes makes."""
        claims = self.demands.pairs if scope_rules.OPENID in scopes else ()
        return (*resources.pairs(scopes, self.resources), *claims)


def _unique(subject: Subject) -> None:
    subject.params.require_unique()


def _request_object(subject: Subject) -> None:
    if subject.params.get("request") is not None:
        raise OAuthError(ErrorCode.REQUEST_NOT_SUPPORTED, "request objects are not supported; send plain parameters")
    if subject.params.get("request_uri") is not None:
        raise OAuthError(ErrorCode.REQUEST_URI_NOT_SUPPORTED, "request_uri is not supported; send plain parameters")


def _registration(subject: Subject) -> None:
    """A1.3 registration: for OpenID providers on people's own devices, which this server is not."""
    if subject.params.get("registration") is not None:
        raise OAuthError(
            ErrorCode.REGISTRATION_NOT_SUPPORTED, "registration is not supported; register the application before"
        )


def _lengths(subject: Subject) -> None:
    for name in request_rules.PARAMETERS:
        longest = request_rules.LONGER.get(name, request_rules.MAX_LENGTH)
        if len(subject.params.get(name) or "") > longest:
            raise OAuthError(ErrorCode.INVALID_REQUEST, f"{name} is longer than {longest} characters")
    together = sum(len(value) for _, value in subject.params.only(request_rules.PARAMETERS).pairs())
    if together > request_rules.MOST_TOGETHER:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            f"the parameters together are longer than {request_rules.MOST_TOGETHER} characters; send shorter ones",
        )


def _response_type(subject: Subject) -> None:
    response_types.check(subject.params.get("response_type"), subject.client, subject.policy)


def _pkce(subject: Subject) -> None:
    if response_types.CODE not in subject.words:
        return  # nothing is redeemed, so there is nothing that a verifier could prove
    pkce.check_challenge(
        subject.params.get("code_challenge"),
        subject.params.get("code_challenge_method"),
        required=subject.policy.require_pkce,
    )


def _scope(subject: Subject) -> str:
    """Tell the words that were ignored, too."""
    ignored = subject.asked.ignored
    return f"ignored: {scope_rules.render(ignored)[:200]}" if ignored else ""


def _front_channel_id_token(subject: Subject) -> None:
    """RT-5: an ID token through the browser is for a sign-in, and bound to the request by its nonce."""
    if response_types.ID_TOKEN not in subject.words:
        return
    if not subject.asked.openid:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "a response type with id_token needs the scope openid; add it")
    if subject.params.get("nonce") is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "a response type with id_token needs a nonce; send a random one")


def _resource(subject: Subject) -> None:
    chosen = resources.chosen(subject.params.all("resource"), subject.resources)
    resources.pairs(subject.asked.scopes, chosen)


def _dpop_jkt(subject: Subject) -> None:
    request_rules.read_dpop_jkt(subject.params.get("dpop_jkt"))


def _prompt(subject: Subject) -> None:
    request_rules.read_prompt(subject.params.get("prompt"), subject.prompts)


def _max_age(subject: Subject) -> None:
    request_rules.read_max_age(subject.params.get("max_age"))


def _claims(subject: Subject) -> None:
    _ = subject.asked_claims


def _acr(subject: Subject) -> None:
    demands.check_acr(subject.asked_claims.acr)


def _id_token_hint(subject: Subject) -> None:
    demands.subjects_of(subject.hint, subject.asked_claims.subjects, subject.client.client_id)


AUTHORIZE: frozenset[Where] = frozenset({"authorize"})
EVERYWHERE: frozenset[Where] = frozenset({"authorize", "device"})

CHECKLIST: tuple[tuple[str, Callable[[Subject], str | None], str, frozenset[Where]], ...] = (
    ("parameters once", _unique, "RFC 6749 §3.1", EVERYWHERE),
    ("request object", _request_object, "OpenID Connect Core §3.1.2.6", AUTHORIZE),
    ("registration", _registration, "OpenID Connect Core §3.1.2.6", AUTHORIZE),
    ("lengths", _lengths, "RFC 6749 §4.1.1", EVERYWHERE),
    ("response type", _response_type, "RFC 6749 §3.1.1", AUTHORIZE),
    ("code challenge", _pkce, "RFC 7636 §4.4.1", AUTHORIZE),
    ("scope", _scope, "RFC 6749 §3.3", EVERYWHERE),
    ("ID token", _front_channel_id_token, "OpenID Connect Core §3.2.2.1", AUTHORIZE),
    ("resource", _resource, "RFC 8707 §2", EVERYWHERE),
    ("dpop_jkt", _dpop_jkt, "RFC 9449 §10", AUTHORIZE),
    ("prompt", _prompt, "OpenID Connect Core §3.1.2.1", AUTHORIZE),
    ("max_age", _max_age, "OpenID Connect Core §3.1.2.1", AUTHORIZE),
    ("claims", _claims, "OpenID Connect Core §5.5", AUTHORIZE),
    ("acr", _acr, "OpenID Connect Core §5.5.1.1", AUTHORIZE),
    ("id_token_hint", _id_token_hint, "OpenID Connect Core §3.1.2.2", AUTHORIZE),
)
"""Check, section, and the endpoints that run it. A check that passes may tell something for the trace."""


def run(subject: Subject, trace: Trace) -> Accepted:
    """Run the checks of the authorization endpoint in their order; the first that refuses ends it."""
    wanted = run_at("authorize", subject, trace)
    demanded = demands.of(
        *(subject.asked, subject.asked_claims, subject.claims, subject.hint, subject.client.client_id),
        locales=subject.params.get("claims_locales"),
    )
    return Accepted(
        request=request_rules.read(subject.params, subject.client.openid, prompts_known=subject.prompts),
        demands=demanded,
        scopes=wanted.scopes,
        resources=wanted.resources,
        pairs=(*wanted.pairs, *demanded.pairs),
    )


def run_at(where: Where, subject: Subject, trace: Trace) -> Wanted:
    """Run the checks of an endpoint in their order; the first that refuses ends it. Every step is traced."""
    subject = replace(subject, where=where)
    for name, check, section, places in CHECKLIST:
        if where not in places:
            continue
        try:
            told = check(subject)
        except OAuthError as refused:
            trace.add(name, "refused", f"{refused.code.wire}: {refused.description}", section)
            raise
        trace.add(name, "passed", told or "", section)
    scopes = subject.asked.scopes
    chosen = resources.chosen(subject.params.all("resource"), subject.resources)
    return Wanted(scopes=scopes, resources=chosen, pairs=resources.pairs(scopes, chosen))
