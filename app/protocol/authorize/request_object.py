"""Request objects: the parameters of a request as a JWT that its application has signed (RFC 9101, OpenID Connect Core
§6).

There are two ways to read one (RO-3). By RFC 9101 what stands in the object is the request, and nothing else is; by
OpenID Connect Core it has the last word, and parameters beside it count as far as it is silent. An object that nobody
signed (`none`) counts nowhere.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from app.crypto import jose
from app.crypto.jose import JoseError, Jwt
from app.protocol import scopes
from app.protocol.authorize import request as request_rules
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.key_sets import Jwk
from app.protocol.params import REPEATABLE, Parameters
from app.protocol.policy import EffectivePolicy, ServerPolicy, effective
from app.protocol.single_use import SingleUse, single_use
from app.protocol.strict_algorithms import STRICT_ALGORITHMS
from app.protocol.tokens import jwt_rules
from app.protocol.tokens.jwt_rules import LEEWAY, Kind, Rules

Place = Literal["authorize", "par", "ciba"]
"""The endpoints that take request objects."""

ALGORITHMS = jose.SIGNATURES
"""What they may be signed with. No MAC: the secret behind it is known to the server too, and proves nothing to others;
most of them are not even kept here."""

LONGEST = timedelta(minutes=60)
"""How long an object may be valid where it has to say so, and how long ago it may have begun to be (FM-1)."""

_CIBA = (
    *("acr_values", "authorization_details", "binding_message", "claims", "client_notification_token"),
    *("grant_id", "grant_management_action", "id_token_hint", "login_hint", "login_hint_token", "requested_expiry"),
    *("resource", "scope", "user_code"),
)
_KNOWN = frozenset({*request_rules.PARAMETERS, *_CIBA, "registration"})
"""Parameters that mean something here: one that is of a wrong type is an error, and others are passed over (G4)."""

_OF_THE_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_NUMBERS = frozenset({"max_age", "requested_expiry"})
_JSON: Mapping[str, type] = {"claims": dict, "registration": dict, "authorization_details": list}


@dataclass(frozen=True, slots=True)
class Opened:
    """The parameters that count. `signed`: all of them are the application's own word, by its signature."""

    params: Parameters
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded of the object of an application at an endpoint.

    `algorithms` are those that it may be signed with. With `only` nothing counts that stands beside it. `required` are
    the claims that it must have. `window` bounds its validity by `nbf` and `exp`. With `once` its `jti` counts once.
    """

    algorithms: tuple[str, ...]
    only: bool
    required: tuple[str, ...]
    window: bool
    once: bool


def demands(client: ClientFact, server: ServerPolicy, at: Place) -> Demands:
    """Return what is demanded of this application's objects there (RO-4, FM-1, CIBA §7.1.1).

    What is pushed is made for this very request and ends within the hour; so it can count once. At the authorization
    endpoint a browser may load the same object again, and an object without `exp` is no more than OpenID Connect asks.
    """
    policy = effective(server, client.policy, confidential=client.confidential)
    registered = client.requests.ciba_alg if at == "ciba" else client.requests.object_alg
    offered = STRICT_ALGORITHMS if policy.fapi else ALGORITHMS
    required: tuple[str, ...] = ()
    if at == "ciba":
        required = ("iss", "aud", "exp", "iat", "nbf", "jti")
    elif policy.fapi:
        required = ("aud", "exp", "nbf")
    elif at == "par":
        required = ("exp",)
    return Demands(
        algorithms=tuple(name for name in offered if registered in ("", name)),
        only=at != "authorize" or policy.fapi or is_required(client, policy, elsewhere=False),
        required=required,
        window="nbf" in required,
        once=at != "authorize",
    )


def is_required(client: ClientFact, policy: EffectivePolicy, *, elsewhere: bool) -> bool:
    """RO-10: whether an application's requests count only as request objects.

    Those to people `elsewhere` are also signed by whoever has registered an algorithm for them (CIBA §4), and under all
    of FAPI (FAPI-CIBA §5.2.2; CB-4).
    """
    if elsewhere and (client.requests.ciba_alg or policy.fapi):
        return True
    return policy.require_signed_requests or client.requests.object_required


def is_offered(features: FeatureSet) -> bool:
    """Tell whether requests can come as objects here."""
    return Feature.REQUEST_OBJECTS in features


def require_offered(params: Parameters, features: FeatureSet, at: Place) -> None:
    """Return when the server has what the request is made of; raises the errors of RO-1 and RO-2.

    Objects by reference are for the authorization endpoint alone (RFC 9126 §2.1, PAR-4).
    """
    value, reference = params.get("request"), params.get("request_uri")
    if value is not None and reference is not None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "request and request_uri exclude each other; send one of them")
    if value is not None and Feature.REQUEST_OBJECTS not in features:
        raise OAuthError(ErrorCode.REQUEST_NOT_SUPPORTED, "request objects are not supported; send plain parameters")
    if reference is not None and at != "authorize":
        raise OAuthError(ErrorCode.INVALID_REQUEST, "request_uri is not taken here; send the request object itself")
    if reference is not None and Feature.REQUEST_OBJECTS_BY_REFERENCE not in features:
        raise OAuthError(
            ErrorCode.REQUEST_URI_NOT_SUPPORTED, "request objects elsewhere are not fetched; send request, or push it"
        )


def read(text: str) -> Jwt:
    """Return the object, unverified; raises `invalid_request_object` for what is no signed JWT.

    There is no key of this server that an object could be encrypted for.
    """
    if text.count(".") == 4:
        raise _refused("it is encrypted, and this server has no key for that; send it signed alone")
    try:
        return jose.peek(text)
    except JoseError as flaw:
        raise _refused(str(flaw)) from None


def judge(jwt: Jwt, client: ClientFact, issuer: str, demanded: Demands, now: datetime) -> None:
    """Return when the object may count, if its application has signed it; raises `invalid_request_object`.

    It is a request object by its `typ` (RO-8), of this application, for this server and this moment (RO-5, with the
    clocks apart as in CA-8), holds no other object (RO-6), and is no client assertion (RO-7). It may be for other
    servers besides (FAPI 2.0 Message Signing §5.3.1).
    """
    claims = jwt.claims
    judged = {name for name in ("iss", "aud") if name in demanded.required or claims.get(name) is not None}
    rules = Rules(
        Kind.REQUEST_OBJECT,
        issuers=(client.client_id,) if "iss" in judged else None,
        audiences=(issuer,) if "aud" in judged else None,
        required=demanded.required,
        expires="exp" in demanded.required,
        longest=LONGEST if "exp" in demanded.required and not demanded.window else None,
    )
    try:
        jwt_rules.check(jwt, rules, now)
        begins, ends = jwt_rules.moment_of(claims, "nbf"), jwt_rules.moment_of(claims, "exp")
    except JoseError as flaw:
        raise _refused(str(flaw)) from None
    if demanded.window and begins is not None and ends is not None:
        _check_window(begins, ends, now)
    if claims.get("sub") == client.client_id:
        raise _refused("its sub is the application itself, as in a client assertion; leave sub out")
    if inside := next((name for name in ("request", "request_uri") if claims.get(name) is not None), None):
        raise _refused(f"it has {inside} inside; a request object holds no other")


def verify(jwt: Jwt, keys: Sequence[Jwk], demanded: Demands) -> None:
    """Return when a registered key signed it (RO-4, JV-1, JV-2); raises `invalid_request_object`."""
    if not keys:
        raise _refused("the application has registered no keys to check it with; register jwks or jwks_uri")
    try:
        jose.verify(jwt, keys, demanded.algorithms)
    except JoseError as flaw:
        raise _refused(str(flaw)) from None


def use_of(jwt: Jwt, client: ClientFact, demanded: Demands, now: datetime) -> SingleUse | None:
    """Return the marks of an object that counts once; None for one that may come again."""
    expires, jti = jwt_rules.moment_of(jwt.claims, "exp"), jwt.claims.get("jti")
    if not demanded.once or expires is None or not jti:
        return None
    return single_use("request object", client.client_id, jti, now=now, last=max(now, expires + LEEWAY))


def effective_params(jwt: Jwt, params: Parameters, client: ClientFact, demanded: Demands, at: Place) -> Opened:
    """Return the parameters that count (RO-3); raises `invalid_request_object`, and `invalid_request` for what stands
    beside it and must not."""
    inside = tuple(_parameters(jwt.claims))
    found = Parameters.of(inside)
    named = found.get("client_id")
    if named not in (None, client.client_id):
        raise _refused("its client_id is not that of the application that sends it")
    if not demanded.only and _is_core(jwt, params, found):
        return Opened(_merged(params, found))
    if named is None and at != "ciba":
        raise _refused("it lacks client_id, without which nothing says whose request it is")
    if at != "authorize":
        _require_alone(params)
    return Opened(found.replaced("client_id", client.client_id), signed=True)


def _is_core(jwt: Jwt, params: Parameters, found: Parameters) -> bool:
    """Tell whether an object is one of OpenID Connect Core §6: it does not say that it is one of RFC 9101, and the
    request has beside it what OpenID Connect wants there."""
    typed = (jwt.typ or "").lower().removeprefix("application/") == Kind.REQUEST_OBJECT.typ
    if typed or params.get("response_type") is None:
        return False
    return request_rules.is_openid(params) or request_rules.is_openid(found)


def _merged(params: Parameters, found: Parameters) -> Parameters:
    """OpenID Connect Core §6.1: both together, where what both have is what the object has."""
    asked = request_rules.read_response_type(found)
    if asked and asked != request_rules.read_response_type(params):
        raise _refused("its response_type is not the one that stands beside it")
    if not request_rules.is_openid(params):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, f"scope with {scopes.OPENID} must stand beside the request object, too"
        )
    given = {name for name, _ in found.pairs()}
    beside = [pair for pair in params.pairs() if pair[0] not in {*given, "request", "request_uri"}]
    together = Parameters.of([*beside, *found.pairs()])
    return Parameters(together.single, together.repeated, params.duplicated)


def _require_alone(params: Parameters) -> None:
    """PAR-6, CIBA §7.1.1: beside it stands what proves who the application is, and no other parameter."""
    given = (*(name for name, _ in params.pairs()), *params.duplicated)
    if outside := next((name for name in given if name in _KNOWN and name != "client_id"), None):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, f"{outside} stands beside the request object; all parameters belong inside"
        )


def _parameters(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """RO-11, RI-6: what a form would have said; raises `invalid_request_object` for what no form could.

    Text may stand for itself anywhere; numbers and structures where the parameter is one.
    """
    for name, value in claims.items():
        if name in _OF_THE_JWT or value is None:
            continue
        if isinstance(value, str):
            yield name, value
        elif name in REPEATABLE and isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield from ((name, one) for one in value)
        elif name in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
            yield name, str(value)
        elif isinstance(value, _JSON.get(name, ())):
            yield name, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        elif name in _KNOWN:
            raise _refused(f"its {name} is not of the type that this parameter has")


def _check_window(begins: datetime, ends: datetime, now: datetime) -> None:
    minutes = int(LONGEST.total_seconds()) // 60
    if begins < now - LONGEST - LEEWAY:
        raise _refused(f"its nbf is more than {minutes} minutes ago; make a new one")
    if ends - begins > LONGEST:
        raise _refused(f"its exp is more than {minutes} minutes after its nbf")


def _refused(flaw: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_REQUEST_OBJECT, f"the request object is refused: {flaw}")
