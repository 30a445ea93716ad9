"""What OpenID Connect adds to the metadata (OpenID Connect Discovery §3): computed, like all of it.

It adds to the one document that both names lead to, so that PKCE stands in the one of OpenID Connect too (MD-7, MC-3).
"""

from app.crypto import jose
from app.protocol import userinfo
from app.protocol.claims import OF_EVERY_LOGIN, ClaimsRegistry
from app.protocol.features import Feature, FeatureSet

SUBJECT_TYPES = ("public", "pairwise")


def members(
    issuer: str, features: FeatureSet, signing: tuple[str, ...], claims: ClaimsRegistry
) -> dict[str, str | bool | list[str]]:
    """Return the members of a server with OpenID Connect; nothing without it.

    `signing` are the algorithms that the server signs with, RS256 among them (MD-6). What is false or usual when it is
    left out is said all the same: libraries differ in what they take for granted.
    """
    if Feature.OPENID not in features:
        return {}
    encryption = list(jose.KEY_MANAGEMENT_ALGORITHMS), list(jose.CONTENT_ENCRYPTION_ALGORITHMS)
    return {
        "userinfo_endpoint": issuer + userinfo.PATH,
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(signing),
        "id_token_encryption_alg_values_supported": encryption[0],
        "id_token_encryption_enc_values_supported": encryption[1],
        "userinfo_signing_alg_values_supported": list(signing),
        "userinfo_encryption_alg_values_supported": encryption[0],
        "userinfo_encryption_enc_values_supported": encryption[1],
        "claim_types_supported": ["normal"],
        "claims_supported": [*OF_EVERY_LOGIN, *claims.names],
        "claims_parameter_supported": Feature.CLAIMS_PARAMETER in features,
        "display_values_supported": ["page"],
    }
