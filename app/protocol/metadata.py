"""Authorization server metadata (RFC 8414, RV-8): computed from features and registries, never written down."""

from app.protocol import client_auth, dpop, global_revocation, introspection_jwt, mtls, pkce, response_types
from app.protocol.authorize.request import PROMPTS
from app.protocol.client_auth import none
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import offered
from app.protocol.scopes import ScopeRegistry

_NEVER_ABSENT = frozenset({"response_types_supported", "grant_types_supported"})
"""The one is required; without the other, clients assume authorization code and implicit (RFC 8414 §2)."""

Document = dict[str, str | bool | list[str] | dict[str, str]]


def document(
    issuer: str,
    features: FeatureSet,
    scopes: ScopeRegistry,
    *,
    signing: tuple[str, ...] = (),
    mtls_url: str | None = None,
) -> Document:
    """Return the metadata of a server with these features; members with nothing in them are left out (MD-4).

    It names the configured issuer, whatever address it was asked at (MD-5), what is required (MD-6), and that there is
    PKCE (P-8). `signing` are the algorithms that the server signs with. `mtls_url` is its address for clients that
    show a certificate.
    """
    grants = list(offered(features))
    methods = list(client_auth.offered(features))
    assertions = Feature.CLIENT_ASSERTIONS in features
    algorithms = list(client_auth.ASSERTION_ALGORITHMS) if assertions else []
    members: Document = {
        "issuer": issuer,
        "scopes_supported": [definition.name for definition in scopes],
        "response_types_supported": [],
        "grant_types_supported": grants,
        "service_documentation": f"{issuer}/docs",
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    if Feature.AUTHORIZATION_CODE in features:
        members |= {
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "response_types_supported": list(response_types.SUPPORTED),
            "response_modes_supported": [response_types.QUERY],
            "code_challenge_methods_supported": list(pkce.METHODS),
            "prompt_values_supported": list(PROMPTS),
        }
    if grants:
        members |= {
            "token_endpoint": f"{issuer}/oauth/token",
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
        }
    if Feature.DEVICE_AUTHORIZATION in features:
        members["device_authorization_endpoint"] = f"{issuer}/oauth/device_authorization"
    if Feature.IMPLICIT in features:
        members |= {
            "grant_types_supported": [*grants, "implicit"],
            "response_types_supported": [*response_types.SUPPORTED, response_types.TOKEN],
            "response_modes_supported": [response_types.QUERY, response_types.FRAGMENT],
        }
    if Feature.ISSUER_IDENTIFICATION in features:
        members["authorization_response_iss_parameter_supported"] = True
    if Feature.PUBLISHED_KEYS in features:
        members["jwks_uri"] = f"{issuer}/oauth/jwks"
    if Feature.REVOCATION in features:
        members |= {
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        }
    if Feature.INTROSPECTION in features:
        members |= {
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "introspection_endpoint_auth_methods_supported": [name for name in methods if name != none.NAME],
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        }
    if {Feature.INTROSPECTION, Feature.SIGNED_INTROSPECTION} <= features:
        members |= {
            "introspection_signing_alg_values_supported": list(signing),
            "introspection_encryption_alg_values_supported": list(introspection_jwt.ENCRYPTION_ALGORITHMS),
            "introspection_encryption_enc_values_supported": list(introspection_jwt.CONTENT_ENCRYPTION),
        }
    if Feature.GLOBAL_REVOCATION in features:
        members |= {
            "global_token_revocation_endpoint": f"{issuer}/oauth/global-token-revocation",
            "global_token_revocation_endpoint_auth_methods_supported": [
                name for name in global_revocation.METHODS if name != "DPoP" or Feature.DPOP in features
            ],
        }
    if Feature.DPOP in features:
        members["dpop_signing_alg_values_supported"] = list(dpop.ALGORITHMS)
    if Feature.MUTUAL_TLS in features:
        members["tls_client_certificate_bound_access_tokens"] = True  # MT-4
        members["mtls_endpoint_aliases"] = mtls.aliases(members, issuer, mtls_url)
    return {name: value for name, value in members.items() if value not in ([], {}) or name in _NEVER_ABSENT}
