"""The order of checks, as one table: what is judged once the return path stands, and by which section.

A1.2 steps 6, 7.
"""

from collections.abc import Callable
from functools import partial

from app.protocol import details, pkce, response_types
from app.protocol import scopes as scope_rules
from app.protocol.authorize import demands, request_object
from app.protocol.authorize import request as request_rules
from app.protocol.authorize.subject import Subject, Where
from app.protocol.authorize.wanted import Accepted, Wanted
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.trace import Trace


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
    """RI-1: each that is named is known here. What they understand is judged with the scopes."""
    _ = subject.chosen


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
    ("resource", _resource, "RFC 8707 §2", EVERYWHERE),
    ("scope", _scope, "RFC 6749 §3.3", EVERYWHERE),
    ("openid", _openid, "CIBA §7.1", ELSEWHERE),
    ("ID token", _front_channel_id_token, "OpenID Connect Core §3.2.2.1", AUTHORIZE),
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
    subject = subject.at(where)
    wanted = run_at(where, subject, trace)
    return Accepted(
        *(wanted.scopes, wanted.resources, wanted.target, wanted.details),
        request=request_rules.read(subject.params, subject.client.openid, prompts_known=subject.prompts),
        demands=demands.of(
            *(subject.asked, subject.asked_claims, subject.claims, subject.hint, subject.client.client_id),
            locales=subject.params.get("claims_locales"),
            required=subject.required,
        ),
    )


def run_at(where: Where, subject: Subject, trace: Trace) -> Wanted:
    """Run the checks of an endpoint in their order; the first that refuses ends it. Every step is traced."""
    subject = subject.at(where)
    for name, check, section, places in CHECKLIST:
        if where in places:
            trace.run(name, section, partial(check, subject))
    return Wanted(subject.asked.scopes, subject.chosen, subject.target, subject.asked_details)
