"""The order of checks, as one table: what is judged once the return path stands, and by which section.

A1.2 steps 6, 7.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Literal, Self

from app.protocol import claims_parameter, details, grant_management, pkce, resources, response_types, step_up
from app.protocol import scopes as scope_rules
from app.protocol.acr import Required
from app.protocol.authorize import asked_scopes, demands, request_object
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.asked_scopes import AskedScopes
from app.protocol.authorize.demands import Demands, Hint
from app.protocol.authorize.request import PROMPTS, AuthorizationRequest
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_parameter import NOTHING, ClaimsParameter
from app.protocol.claims_request import ClaimsRequest
from app.protocol.details import NO_DETAILS, DetailTypes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.grant_management import GrantTarget
from app.protocol.granted_details import GrantedDetail
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
    detail_types: DetailTypes = NO_DETAILS

    @cached_property
    def words(self) -> frozenset[str]:
        """What an answer holds, by the response type."""
        return response_types.words(request_rules.read_response_type(self.params))

    @cached_property
    def asked(self) -> AskedScopes:
        """The scopes that the request asks for; raises `invalid_scope`."""
        renewable = self.where in ("device", "ciba") or response_types.CODE in self.words
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

    @cached_property
    def chosen(self) -> tuple[Resource, ...]:
        """The resources that it names; raises `invalid_target`."""
        return resources.chosen(self.params.all("resource"), self.resources)

    @cached_property
    def asked_details(self) -> tuple[GrantedDetail, ...]:
        """The objects of its `authorization_details`, with pairs of their own; raises the error of that name (RA-2)."""
        text = self.params.get(details.PARAMETER)
        if text is None or not self.detail_types.offered:
            return ()
        return details.read(text, self.detail_types, self.client.requests.details_types)

    @cached_property
    def required(self) -> Required:
        """What the sign-in has to be worth; raises as `asked_claims`.

        In an OpenID request `acr_values` are preferences (OC-10). In any other they are what an API has demanded of the
        client's next token, which hence has to have one of them (RFC 9470 §5, UA-2; OC-11).
        """
        one_of = self.asked_claims.acr
        if self.where in ("authorize", "par") and not self.asked.openid:
            one_of = tuple((self.params.get("acr_values") or "").split())
        named = (*self.asked_claims.id_token, *self.asked_claims.userinfo)
        guarding = step_up.guards(named, self.asked.scopes, self.claims, self.registry)
        return Required(one_of, self.registry.levels((*self.asked.scopes, *guarding)))

    @cached_property
    def target(self) -> GrantTarget | None:
        """The record that it goes into, None: the implicit one; raises as `grant_management.check`."""
        return grant_management.check(self.params, self.client, required=self.policy.require_grant_action)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks, as scopes, as resources, and as pairs of the record. `target` is the record that it goes
    into, None: the implicit one. `details` are approved whole, whichever of the scopes are (RFC 9396)."""

    scopes: tuple[str, ...]
    resources: tuple[Resource, ...]
    pairs: tuple[str, ...]
    target: GrantTarget | None = None
    details: tuple[GrantedDetail, ...] = ()

    def pairs_of(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the pairs that approving some of its scopes makes, at its resources."""
        return (*resources.pairs(scopes, self.resources), *details.pairs(self.details))

    def resting(self, record: RecordFact | None, types: DetailTypes) -> Self:
        """Return the same request laid beside the record that it goes into: what is within the details there rests on
        them and need not be approved again. Whoever decides about a request lays it there first."""
        if not self.details:
            return self
        laid = replace(self, details=details.resting(self.details, record, types))
        return replace(laid, pairs=laid.pairs_of(laid.scopes))


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
        return (*resources.pairs(scopes, self.resources), *claims, *details.pairs(self.details))


def _unique(subject: Subject) -> None:
    subject.params.require_unique()


def _pushed(subject: Subject) -> None:
    """PAR-13, F-20 (3): where the server, the application or its profile says so, only what was pushed counts."""
    required = subject.policy.require_pushed_requests or subject.client.requests.push_required
    if required and not subject.pushed:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "this application has to push its requests first; send the request_uri it gets"
        )


def _request_object(subject: Subject) -> str:
    """RO-10, CB-4: where the server, the application or its profile says so, only what the application has signed
    counts."""
    elsewhere = subject.where in ELSEWHERE
    if not subject.signed and request_object.is_required(subject.client, subject.policy, elsewhere=elsewhere):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "this application has to sign its requests; send them as a request object"
        )
    return "signed by the application" if subject.signed else ""


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


def _openid(subject: Subject) -> None:
    """CB-3: who is asked elsewhere is asked to sign in."""
    if not subject.asked.openid:
        raise OAuthError(ErrorCode.INVALID_SCOPE, "scope lacks openid, which a request to a person needs; add it")


def _front_channel_id_token(subject: Subject) -> None:
    """RT-5: an ID token through the browser is for a sign-in, and bound to the request by its nonce."""
    if response_types.ID_TOKEN not in subject.words:
        return
    if not subject.asked.openid:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "a response type with id_token needs the scope openid; add it")
    if subject.params.get("nonce") is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "a response type with id_token needs a nonce; send a random one")


def _resource(subject: Subject) -> None:
    resources.pairs(subject.asked.scopes, subject.chosen)


def _details(subject: Subject) -> str:
    """RA-2, RA-5. They are for tokens that come from the token endpoint: in a browser's history nobody wants them."""
    asked = subject.asked_details
    if asked and subject.where in AUTHORIZE and response_types.TOKEN in subject.words:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "authorization_details come with no token through the browser; ask for a code"
        )
    details.check_places(asked, tuple(resource.identifier for resource in subject.chosen))
    return ", ".join(dict.fromkeys(detail.type for detail in asked))[:200]


def _grant_management(subject: Subject) -> str:
    """GM-8: the id of the grant comes with the answer to a code, so that there has to be one."""
    target = subject.target
    if target is not None and subject.where in AUTHORIZE and response_types.CODE not in subject.words:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "grant management needs a response type with code")
    return "the implicit record" if target is None else target.action


def _dpop_jkt(subject: Subject) -> None:
    request_rules.read_dpop_jkt(subject.params.get("dpop_jkt"))


def _prompt(subject: Subject) -> None:
    request_rules.read_prompt(subject.params.get("prompt"), subject.prompts)


def _max_age(subject: Subject) -> None:
    request_rules.read_max_age(subject.params.get("max_age"))


def _claims(subject: Subject) -> None:
    _ = subject.asked_claims


def _acr(subject: Subject) -> None:
    subject.policy.assurance.require_possible(subject.required)


def _id_token_hint(subject: Subject) -> None:
    demands.subjects_of(subject.hint, subject.asked_claims.subjects, subject.client.client_id)


FRONT: frozenset[Where] = frozenset({"authorize"})
AUTHORIZE: frozenset[Where] = frozenset({"authorize", "par"})
EVERYWHERE: frozenset[Where] = frozenset({"authorize", "par", "device", "ciba"})
ELSEWHERE: frozenset[Where] = frozenset({"ciba"})

CHECKLIST: tuple[tuple[str, Callable[[Subject], str | None], str, frozenset[Where]], ...] = (
    ("parameters once", _unique, "RFC 6749 §3.1", EVERYWHERE),
    ("pushed request", _pushed, "RFC 9126 §5", FRONT),
    ("request object", _request_object, "RFC 9101 §10.5, CIBA §7.1.1", AUTHORIZE | ELSEWHERE),
    ("registration", _registration, "OpenID Connect Core §3.1.2.6", AUTHORIZE),
    ("lengths", _lengths, "RFC 6749 §4.1.1", EVERYWHERE),
    ("response type", _response_type, "RFC 6749 §3.1.1", AUTHORIZE),
    ("code challenge", _pkce, "RFC 7636 §4.4.1", AUTHORIZE),
    ("scope", _scope, "RFC 6749 §3.3", EVERYWHERE),
    ("openid", _openid, "CIBA §7.1", ELSEWHERE),
    ("ID token", _front_channel_id_token, "OpenID Connect Core §3.2.2.1", AUTHORIZE),
    ("resource", _resource, "RFC 8707 §2", EVERYWHERE),
    ("authorization_details", _details, "RFC 9396 §5", EVERYWHERE),
    ("grant management", _grant_management, "Grant Management draft -03 §5.4", EVERYWHERE),
    ("dpop_jkt", _dpop_jkt, "RFC 9449 §10", AUTHORIZE),
    ("prompt", _prompt, "OpenID Connect Core §3.1.2.1", AUTHORIZE),
    ("max_age", _max_age, "OpenID Connect Core §3.1.2.1", AUTHORIZE),
    ("claims", _claims, "OpenID Connect Core §5.5", AUTHORIZE),
    ("acr", _acr, "OpenID Connect Core §5.5.1.1, RFC 9470 §5", EVERYWHERE),
    ("id_token_hint", _id_token_hint, "OpenID Connect Core §3.1.2.2", AUTHORIZE),
)
"""Check, section, and the endpoints that run it. A check that passes may tell something for the trace."""


def run(subject: Subject, trace: Trace, where: Where = "authorize") -> Accepted:
    """Run the checks of the authorization endpoint, or of those for requests that are pushed to it, in their order; the
    first that refuses ends it."""
    wanted = run_at(where, subject, trace)
    demanded = demands.of(
        *(subject.asked, subject.asked_claims, subject.claims, subject.hint, subject.client.client_id),
        locales=subject.params.get("claims_locales"),
        required=subject.required,
    )
    return Accepted(
        request=request_rules.read(subject.params, subject.client.openid, prompts_known=subject.prompts),
        demands=demanded,
        scopes=wanted.scopes,
        resources=wanted.resources,
        pairs=(*wanted.pairs, *demanded.pairs),
        details=wanted.details,
        target=wanted.target,
    )


def run_at(where: Where, subject: Subject, trace: Trace) -> Wanted:
    """Run the checks of an endpoint in their order; the first that refuses ends it. Every step is traced."""
    subject = replace(subject, where=where)
    for name, check, section, places in CHECKLIST:
        if where in places:
            trace.run(name, section, partial(check, subject))
    return Wanted(
        scopes=subject.asked.scopes,
        resources=subject.chosen,
        pairs=(*resources.pairs(subject.asked.scopes, subject.chosen), *details.pairs(subject.asked_details)),
        target=subject.target,
        details=subject.asked_details,
    )
