"""Client authentication methods (RFC 6749 §2.3, T-9; CA-1): one file each, and what holds for all of them.

A request shows something of its client (`identify`); whether that proves it (`authenticate`) depends on what the
client registered, and on keys that the caller has looked up.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from app.crypto.hashing import Digest, digest, matches
from app.protocol import client_assertion
from app.protocol.client_assertion import Audience, ClientAssertion
from app.protocol.client_auth import (
    client_secret_basic,
    client_secret_jwt,
    client_secret_post,
    none,
    private_key_jwt,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.key_sets import Jwk
from app.protocol.mtls import ClientCertificate
from app.protocol.params import Parameters


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of its client: the client it claims to be, by which method, and the proof.

    `method` is `none` for a client_id alone: a `certificate` may prove it, if the client registered for that. `noted`:
    the assertion has been found unused, and this is the same request once more. `address` is where the request comes
    from, for whoever counts failures.
    """

    method: str
    client_id: str
    secret: str = field(default="", repr=False)
    assertion: ClientAssertion | None = None
    certificate: ClientCertificate | None = None
    noted: bool = False
    address: str = ""

    @property
    def digest(self) -> Digest:
        """The digest of the secret: of the client's secrets it has proved to know the one with this digest."""
        return digest(self.secret.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class Means:
    """What was looked up to judge a client with: its public keys, its secrets as they are. `offered` are the methods
    that the server has switched on."""

    offered: Collection[str]
    keys: tuple[Jwk, ...] = ()
    secrets: tuple[bytes, ...] = field(default=(), repr=False)


SECRET_METHODS = frozenset({client_secret_basic.NAME, client_secret_post.NAME, client_secret_jwt.NAME})
"""Methods that need a client secret."""

SHOWING_METHODS = frozenset({client_secret_basic.NAME, client_secret_post.NAME})
"""Methods that show it, so that its digest is enough to judge them."""

KEY_METHODS = frozenset({private_key_jwt.NAME, self_signed_tls_client_auth.NAME})
"""Methods that need registered public keys."""

CERTIFICATE_METHODS = frozenset({tls_client_auth.NAME, self_signed_tls_client_auth.NAME})
"""Methods that need a client certificate."""

STRICT_METHODS = (private_key_jwt.NAME, *sorted(CERTIFICATE_METHODS))
"""Methods that FAPI 2.0 accepts (F-6)."""

ASSERTION_ALGORITHMS = (*private_key_jwt.ALGORITHMS, *client_secret_jwt.ALGORITHMS)
"""Values of `token_endpoint_auth_signing_alg`."""

_FEATURES: dict[str, Feature | None] = {
    client_secret_basic.NAME: None,
    client_secret_post.NAME: None,
    client_secret_jwt.NAME: Feature.CLIENT_ASSERTIONS,
    private_key_jwt.NAME: Feature.CLIENT_ASSERTIONS,
    tls_client_auth.NAME: Feature.MUTUAL_TLS,
    self_signed_tls_client_auth.NAME: Feature.MUTUAL_TLS,
    none.NAME: None,
}

METHODS: tuple[str, ...] = tuple(_FEATURES)
"""Values of `token_endpoint_auth_method` that can be registered."""

_DECOY_DIGESTS = (digest(b"no application has this secret"),)

FAILED = "client authentication failed: unknown client, wrong secret or key, or another method than the registered one"


@cache
def offered(features: FeatureSet) -> tuple[str, ...]:
    """Return the methods that a server with these features accepts, for its metadata and at its endpoints."""
    return tuple(name for name, feature in _FEATURES.items() if feature is None or feature in features)


def hindrances(method: str, features: FeatureSet, *, dpop_bound: bool, tls_bound: bool) -> dict[str, str]:
    """Return why an application gets no token from a server with these features: what it does, half a sentence, and
    the name of the feature which that needs."""
    needed = {
        f"proves itself by {method}": _FEATURES[method],
        "demands tokens bound to a DPoP key": Feature.DPOP if dpop_bound else None,
        "demands tokens bound to a certificate": Feature.MUTUAL_TLS if tls_bound else None,
    }
    return {does: feature.key for does, feature in needed.items() if feature is not None and feature not in features}


def identify(
    authorization: str | None,
    params: Parameters,
    audience: Audience,
    now: datetime,
    certificate: ClientCertificate | None = None,
    address: str = "",
) -> Presented:
    """Find the one method that the request uses (T-4: two are `invalid_request`, none at all is `invalid_client`).

    A certificate is no method by itself: it may be there to bind tokens to it (MT-2). `audience` and `now` are what the
    form of an assertion is judged by, `address` is where the request comes from.
    """
    basic = client_secret_basic.find(authorization, params)
    posted = client_secret_post.find(authorization, params)
    assertion = client_assertion.find(params)
    if (basic is not None) + (posted is not None) + (assertion is not None) > 1:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            "the client authenticated twice; use the Authorization header, client_secret or client_assertion alone",
        )
    if assertion is not None:
        judged = client_assertion.check(assertion, params.get("client_id"), audience, now)
        by_secret = client_secret_jwt.is_used_by(assertion)
        method = client_secret_jwt.NAME if by_secret else private_key_jwt.NAME
        return Presented(method, judged.client_id, assertion=judged, certificate=certificate, address=address)
    if basic is not None:
        client_id, secret = basic
        if params.get("client_id") not in (None, client_id):
            raise OAuthError(
                ErrorCode.INVALID_REQUEST, "client_id in the body differs from the one in the Authorization header"
            )
        return Presented(client_secret_basic.NAME, client_id, secret, certificate=certificate, address=address)
    if posted is not None:
        return Presented(client_secret_post.NAME, *posted, certificate=certificate, address=address)
    alone = none.find(authorization, params)
    if alone is None:
        raise OAuthError(
            ErrorCode.INVALID_CLIENT,
            "the client did not say who it is; send client_id, with the Authorization header if it has a secret",
        )
    return Presented(none.NAME, *alone, certificate=certificate, address=address)


def method_of(presented: Presented, client: ClientFact | None) -> str:
    """Return the method that a request uses: with a client_id alone, a client's certificate is it where it registered
    for that."""
    if presented.method == none.NAME and client is not None and client.auth_method in CERTIFICATE_METHODS:
        return client.auth_method
    return presented.method


def authenticate(presented: Presented, client: ClientFact | None, means: Means) -> ClientFact:
    """Return the client when the registered method was used and its proof is right; else raise `invalid_client`.

    The answer and the work are the same for an unknown client, an inactive one, another method, a wrong secret and a
    wrong key (CA-1, CA-10, TE-2): nobody learns here which client_id exists. A proof is judged whether it was needed or
    not, and a secret that is shown for a public application is refused (T-3, T-5, CA-12). Only who has proved to be a
    strict application is told what it may not do (CA-5, F-8).
    """
    registered = client if client is not None and client.auth_method == method_of(presented, client) else None
    objection = _objection(presented, registered, means) or _refusal(presented, client, means)
    if objection or registered is None:
        raise OAuthError(
            ErrorCode.INVALID_CLIENT,
            FAILED,
            detail=objection,
            challenge="Basic" if presented.method == client_secret_basic.NAME else "",
        )
    strict = registered.policy.strict_assertions or registered.policy.fapi
    if strict and presented.assertion is not None and presented.assertion.laxity:
        raise OAuthError(ErrorCode.INVALID_CLIENT, presented.assertion.laxity)
    return registered


def _refusal(presented: Presented, client: ClientFact | None, means: Means) -> str:
    """Return what no proof can make good."""
    if client is None:
        return "no active application has this client_id"
    if client.auth_method != method_of(presented, client):
        return f"registered for {client.auth_method}, used {presented.method}"
    if client.auth_method not in means.offered:
        return f"{client.auth_method} is switched off"
    if client.policy.fapi and client.auth_method not in STRICT_METHODS:
        return f"{client.auth_method} is none of the methods of the profile that it is held to"
    if client.unmet:
        return f"the application demands what this version does not have: {', '.join(client.unmet)}"
    return ""


def _objection(presented: Presented, client: ClientFact | None, means: Means) -> str:
    """Return what is wrong with the proof. Of a client that is none of this method's there is nothing to compare with:
    then a decoy is."""
    algorithm = client.key_material.signing_alg if client is not None else ""
    match method_of(presented, client):
        case client_secret_basic.NAME | client_secret_post.NAME:
            digests = client.secret_digests if client is not None and client.secret_digests else _DECOY_DIGESTS
            shown = presented.digest
            return "" if sum(matches(shown, known) for known in digests) > 0 else "no valid secret matches"
        case client_secret_jwt.NAME if presented.assertion is not None:
            return client_secret_jwt.objection(presented.assertion.jwt, means.secrets, algorithm)
        case private_key_jwt.NAME if presented.assertion is not None:
            return private_key_jwt.objection(presented.assertion.jwt, means.keys, algorithm)
        case tls_client_auth.NAME:
            subject = client.key_material.tls_subject if client is not None else None
            return tls_client_auth.objection(presented.certificate, subject)
        case self_signed_tls_client_auth.NAME:
            return self_signed_tls_client_auth.objection(presented.certificate, means.keys)
        case _:
            return ""
