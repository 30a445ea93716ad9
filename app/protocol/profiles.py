"""Profiles: sets of rules that the operator holds an application to, above those that hold for everybody.

`fapi2` is the FAPI 2.0 Security Profile, §5.3.2.1 (standards B13.1).
"""

from collections.abc import Iterator

from app.protocol import unmet
from app.protocol.client_assertion import STRICT_ALGORITHMS
from app.protocol.client_auth import CERTIFICATE_METHODS, private_key_jwt
from app.protocol.client_metadata import REDIRECTING, ClientMetadata
from app.protocol.openid_settings import DEFAULT_ALG

DEFAULT, FAPI, FAPI_SIGNED = unmet.DEFAULT, unmet.FAPI, unmet.FAPI_SIGNED

_FAPI_METHODS = (private_key_jwt.NAME, *sorted(CERTIFICATE_METHODS))


def problem_with(profile: str, metadata: ClientMetadata) -> str | None:
    """Return which member contradicts the profile and how, None when all is well (F-3, F-6, F-22)."""
    if profile != FAPI:
        return None
    if metadata.token_endpoint_auth_method not in _FAPI_METHODS:
        return f"token_endpoint_auth_method must be one of: {', '.join(_FAPI_METHODS)}, because of the profile {FAPI}"
    if metadata.token_endpoint_auth_signing_alg not in (None, *STRICT_ALGORITHMS):
        strong = ", ".join(STRICT_ALGORITHMS)
        return f"token_endpoint_auth_signing_alg must be one of: {strong}, because of the profile {FAPI}"
    return next(_weak_signatures(metadata), None)


def _weak_signatures(metadata: ClientMetadata) -> Iterator[str]:
    """JW-4: what the server signs for it is signed as strongly as what it signs itself, ID tokens always."""
    signs_in = not REDIRECTING.isdisjoint(metadata.grant_types)
    for member, alg in (
        ("id_token_signed_response_alg", metadata.id_token_signed_response_alg or (DEFAULT_ALG if signs_in else None)),
        ("userinfo_signed_response_alg", metadata.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", metadata.introspection_signed_response_alg),
    ):
        if alg not in (None, *STRICT_ALGORITHMS):
            yield f"{member} must be one of: {', '.join(STRICT_ALGORITHMS)}, because of the profile {FAPI}"


def bindings(profile: str, metadata: ClientMetadata) -> dict[str, bool]:
    """Return what the tokens of an application have to be bound to, by member of its policy.

    With `fapi2` to a certificate if it says so, to the key of a DPoP proof otherwise (F-4, F-5).
    """
    by_certificate = metadata.tls_client_certificate_bound_access_tokens
    by_proof = metadata.dpop_bound_access_tokens or (profile == FAPI and not by_certificate)
    return {"dpop_bound": by_proof, "tls_bound": by_certificate}


def is_relaxing(profile: str) -> bool:
    """Tell whether a profile would permit more than this version does, so that doing without it harms nobody."""
    return profile.startswith("legacy")


def is_unmet(profile: str) -> bool:
    """Tell whether a profile demands what this version does not have, as one that nobody knows may well do."""
    return profile not in (DEFAULT, FAPI, FAPI_SIGNED) and not is_relaxing(profile)
