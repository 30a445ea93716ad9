"""Introspection answers as JWTs (RFC 9701): when one is asked for, and what it says."""

import re
from datetime import datetime
from typing import Any

from app.crypto import jose
from app.protocol.client_keys import KeyMaterial
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.introspection import Answer
from app.protocol.params import Parameters
from app.protocol.policy import EffectivePolicy
from app.protocol.tokens.jwt_rules import Kind

MEDIA_TYPE = "application/token-introspection+jwt"
TYP = Kind.INTROSPECTION_ANSWER.typ
ENCRYPTION_ALGORITHMS = jose.KEY_MANAGEMENT_ALGORITHMS
CONTENT_ENCRYPTION = jose.CONTENT_ENCRYPTION_ALGORITHMS
DEFAULT_ALG = "RS256"
DEFAULT_ENC = "A128CBC-HS256"
_CREDENTIALS = ("client_secret", "client_assertion", "client_assertion_type")
_JSON = "application/json"
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)


def is_offered(features: FeatureSet) -> bool:
    """Tell whether there are such answers here."""
    return Feature.SIGNED_INTROSPECTION in features


def is_asked_for(accept: str | None) -> bool:
    """Tell whether a request wants a JWT (IN-9): its media type is named, and JSON is not liked better.

    Preferences are those of RFC 9110 §12.5.1: a weight for each media type, and the most specific entry counts.
    """
    if accept is None or MEDIA_TYPE not in accept.lower():
        return False
    weights = _weights(accept)
    wanted = weights.get(MEDIA_TYPE, 0.0)
    plain = next((weights[name] for name in (_JSON, "application/*", "*/*") if name in weights), 0.0)
    return wanted > 0 and wanted >= plain


def _weights(accept: str) -> dict[str, float]:
    """Return the media types of the header and how much each is liked; a weight that is none counts as not given."""
    weights: dict[str, float] = {}
    for entry in accept.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        told = next((weight for one in parameters if (weight := _WEIGHT.fullmatch(one))), None)
        weights[name.lower()] = 1.0 if told is None else float(told[1])
    return weights


def require_credentials(authorization: str | None, params: Parameters, *, certificate: bool) -> None:
    """IN-10, RFC 9701 §5: whoever asks for a JWT and shows nothing that could prove who he is, is refused as such.

    A client_id alone is nothing. What is shown and proves nothing is `invalid_client`, as everywhere.
    """
    if authorization is None and not certificate and not any(params.get(name) for name in _CREDENTIALS):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "a signed answer needs client authentication; without it there is no answer"
        )


def claims(answer: Answer, *, issuer: str, audience: str, now: datetime) -> dict[str, Any]:
    """Return what the JWT says: the answer as a member, so that nobody takes the JWT for the token (IN-9)."""
    return {"iss": issuer, "aud": audience, "iat": int(now.timestamp()), "token_introspection": answer}


def signing_alg(material: KeyMaterial, policy: EffectivePolicy) -> str:
    """Return the algorithm that a caller registered, or the specification's own (IN-11, IN-12); under FAPI 2.0, for
    which that is too weak, the server's strongest (F-22)."""
    return material.introspection_signing_alg or (policy.fapi and policy.strict_alg) or DEFAULT_ALG


def encryption(material: KeyMaterial) -> tuple[str, str] | None:
    """Return (alg, enc) for a caller who registered that it wants answers encrypted (IN-11); None: it did not."""
    if not material.introspection_encryption_alg:
        return None
    return material.introspection_encryption_alg, material.introspection_encryption_enc or DEFAULT_ENC
