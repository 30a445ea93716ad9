"""Authorization server metadata (RFC 8414): computed from features and registries, never written down."""

from app.protocol import client_auth, pkce, response_types
from app.protocol.authorize.request import PROMPTS
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import offered
from app.protocol.scopes import ScopeRegistry

_NEVER_ABSENT = frozenset({"response_types_supported", "grant_types_supported"})
"""The one is required; without the other, clients assume authorization code and implicit (RFC 8414 §2)."""

Document = dict[str, str | bool | list[str]]


def document(issuer: str, features: FeatureSet, scopes: ScopeRegistry) -> Document:
    """Return the metadata of a server with these features; members with nothing in them are left out (MD-4)."""
    grants = list(offered(features))
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
            "token_endpoint_auth_methods_supported": list(client_auth.METHODS),
        }
    if Feature.IMPLICIT in features:
        members |= {
            "grant_types_supported": [*grants, "implicit"],
            "response_types_supported": [*response_types.SUPPORTED, response_types.TOKEN],
            "response_modes_supported": [response_types.QUERY, response_types.FRAGMENT],
        }
    if Feature.ISSUER_IDENTIFICATION in features:
        members["authorization_response_iss_parameter_supported"] = True
    if Feature.REVOCATION in features:
        members |= {
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "revocation_endpoint_auth_methods_supported": list(client_auth.METHODS),
        }
    if Feature.INTROSPECTION in features:
        members |= {
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "introspection_endpoint_auth_methods_supported": sorted(client_auth.SECRET_METHODS),
        }
    return {name: value for name, value in members.items() if value != [] or name in _NEVER_ABSENT}
