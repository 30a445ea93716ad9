"""Profiles: sets of rules that the operator holds an application to, above those that hold for everybody.

`fapi2` is the FAPI 2.0 Security Profile (standards B13.1, B13.2), `fapi2-message-signing` that one and FAPI 2.0 Message
Signing (B13.3): signed requests, signed authorization answers, signed introspection answers.

What they demand of a registration is judged here, each time that one is written. What they demand of a request is
judged where requests are, by `EffectivePolicy.fapi` and `signs_messages`, whatever is registered.
"""

from collections.abc import Iterator

from app.protocol import redirect_uri, response_types, unmet
from app.protocol.client_auth import STRICT_METHODS
from app.protocol.client_metadata import REDIRECTING, ClientMetadata
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import ciba, device_code
from app.protocol.openid_settings import DEFAULT_ALG
from app.protocol.policy import ApplicationPolicy
from app.protocol.strict_algorithms import STRICT_ALGORITHMS

DEFAULT, FAPI, FAPI_SIGNED = unmet.DEFAULT, unmet.FAPI, unmet.FAPI_SIGNED

KNOWN = (DEFAULT, FAPI, FAPI_SIGNED)
"""The profiles that an application can be held to."""

_NEEDED = (Feature.METADATA, Feature.PUSHED_REQUESTS, Feature.ISSUER_IDENTIFICATION)
_NEEDED_TO_SIGN = (Feature.REQUEST_OBJECTS, Feature.SIGNED_ANSWERS, Feature.SIGNED_INTROSPECTION)

_SIGNS_IN = frozenset({*REDIRECTING, device_code.NAME, ciba.NAME})
"""Grant types that lead to ID tokens."""

_NEVER = frozenset({"password", "implicit"})


def is_fapi(profile: str) -> bool:
    """Tell whether it is one of both profiles of FAPI 2.0."""
    return profile in (FAPI, FAPI_SIGNED)


def lacking(features: FeatureSet, *, signs: bool) -> tuple[str, ...]:
    """Return the names of the features that applications under FAPI 2.0 need and a server does not have; with `signs`
    also those of Message Signing."""
    needed = (*_NEEDED, *(_NEEDED_TO_SIGN if signs else ()))
    return tuple(feature.key for feature in needed if feature not in features)


def problem_with(profile: str, metadata: ClientMetadata) -> str | None:
    """Return which member contradicts the profile and how, beginning with its name; None when all is well."""
    found = next(_problems(profile, metadata), None) if is_fapi(profile) else None
    return found and f"{found}, because of the profile {profile}"


def problem_with_policy(profile: str, policy: ApplicationPolicy) -> str | None:
    """Return which exemption contradicts the profile: nobody is exempt from it, and whoever asks for that shall know.

    Lifetimes only shorten, and that refresh tokens stay is what it demands itself (F-9).
    """
    if not is_fapi(profile):
        return None
    if not policy.require_pkce:
        return f"require_pkce must not be false, because of the profile {profile}"
    return f"allow_implicit must not be true, because of the profile {profile}" if policy.allow_implicit else None


def _problems(profile: str, metadata: ClientMetadata) -> Iterator[str]:
    if metadata.token_endpoint_auth_method not in STRICT_METHODS:  # F-3, F-6
        yield f"token_endpoint_auth_method must be one of: {', '.join(STRICT_METHODS)}"
    if not {response_types.CODE}.issuperset(metadata.response_types):  # F-20 (1)
        yield "response_types must be code alone"
    if unfit := sorted(_NEVER.intersection(metadata.grant_types)):  # F-2
        yield f"grant_types must not have {unfit[0]}"
    yield from _addresses(metadata)
    yield from _weak_signatures(metadata)
    if profile == FAPI_SIGNED:
        yield from _unsigned_messages(metadata)


def _addresses(metadata: ClientMetadata) -> Iterator[str]:
    """F-20 (8): https, or the loopback of a native application."""
    for place, uri in enumerate(metadata.redirect_uris):
        parts = redirect_uri.parse(uri)
        native = metadata.application_type == "native" and parts is not None and parts.loopback
        if not native and not uri.startswith("https://"):
            yield f"redirect_uris.{place} must use https, or the loopback of an application_type native"


def _weak_signatures(metadata: ClientMetadata) -> Iterator[str]:
    """F-22, FM-4, JW-4: what it signs and what is signed for it: PS256, ES256 or Ed25519. What it did not register has
    the default of its specification, which is weaker."""
    signs_in = not _SIGNS_IN.isdisjoint(metadata.grant_types)
    for member, alg in (
        ("token_endpoint_auth_signing_alg", metadata.token_endpoint_auth_signing_alg),
        ("id_token_signed_response_alg", metadata.id_token_signed_response_alg or (DEFAULT_ALG if signs_in else None)),
        ("userinfo_signed_response_alg", metadata.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", metadata.introspection_signed_response_alg),
        ("request_object_signing_alg", metadata.request_object_signing_alg),
        ("authorization_signed_response_alg", metadata.authorization_signed_response_alg),
        (
            "backchannel_authentication_request_signing_alg",
            metadata.backchannel_authentication_request_signing_alg,
        ),
    ):
        if alg not in (None, *STRICT_ALGORITHMS):
            yield f"{member} must be one of: {', '.join(STRICT_ALGORITHMS)}"


def _unsigned_messages(metadata: ClientMetadata) -> Iterator[str]:
    """FM-1, FM-2: keys that its requests are checked with, and answers that are signed, strongly."""
    if REDIRECTING.isdisjoint(metadata.grant_types):
        return
    if metadata.jwks is None and metadata.jwks_uri is None:
        yield "jwks or jwks_uri must have the keys that it signs its requests with"
    if metadata.authorization_signed_response_alg is None:
        yield f"authorization_signed_response_alg must be one of: {', '.join(STRICT_ALGORITHMS)}"
    if plain := [mode for mode in metadata.response_modes if not response_types.is_signed(mode)]:
        yield f"response_modes must not have {plain[0]}, whose answers are not signed"


def bindings(profile: str, metadata: ClientMetadata) -> dict[str, bool]:
    """Return what the tokens of an application have to be bound to, by member of its policy.

    With `fapi2` to a certificate if it says so, to the key of a DPoP proof otherwise (F-4, F-5).
    """
    by_certificate = metadata.tls_client_certificate_bound_access_tokens
    by_proof = metadata.dpop_bound_access_tokens or (is_fapi(profile) and not by_certificate)
    return {"dpop_bound": by_proof, "tls_bound": by_certificate}


def is_relaxing(profile: str) -> bool:
    """Tell whether a profile would permit more than this version does, so that doing without it harms nobody."""
    return profile.startswith("legacy")


def is_unmet(profile: str) -> bool:
    """Tell whether a profile demands what this version does not have, as one that nobody knows may well do."""
    return profile not in KNOWN and not is_relaxing(profile)
