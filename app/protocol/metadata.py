"""Authorization server metadata (RFC 8414, RV-8, F-1): computed from features and registries, never written down."""

from app.protocol import (
    ciba,
    client_auth,
    dpop,
    global_revocation,
    grant_management,
    introspection_jwt,
    mtls,
    openid_metadata,
    pkce,
    request_metadata,
    resource_metadata,
    response_types,
)
from app.protocol.acr import STANDARD
from app.protocol.authorize import request_object
from app.protocol.authorize.request import prompts_of
from app.protocol.claims import ClaimsRegistry
from app.protocol.client_auth import none
from app.protocol.configuration import Configuration
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import offered
from app.protocol.scopes import ScopeRegistry

_NEVER_ABSENT = frozenset({"response_types_supported", "grant_types_supported"})
"""The one is required; without the other, clients assume authorization code and implicit (RFC 8414 §2)."""

Document = dict[str, str | bool | list[str] | dict[str, str]]


def of(configuration: Configuration) -> Document:
    """Return the metadata of a configured server."""
    return document(
        configuration.policy.issuer,
        configuration.features,
        configuration.scopes,
        signing=configuration.signing.algorithms,
        mtls_url=configuration.mtls.url,
        claims=ClaimsRegistry(configuration.claims),
        acr=configuration.policy.assurance.names,
        grant_action=configuration.policy.require_grant_action,
        details=tuple(kind.name for kind in configuration.details),
        require_pushed=configuration.policy.require_pushed_requests,
        require_signed=configuration.policy.require_signed_requests,
        resources=resource_metadata.own_resources(configuration.policy.issuer, configuration.features),
    )


def document(
    issuer: str,
    features: FeatureSet,
    scopes: ScopeRegistry,
    *,
    signing: tuple[str, ...] = (),
    mtls_url: str | None = None,
    claims: ClaimsRegistry | None = None,
    acr: tuple[str, ...] = STANDARD.names,
    grant_action: bool = False,
    details: tuple[str, ...] = (),
    require_pushed: bool = False,
    require_signed: bool = False,
    resources: tuple[str, ...] = (),
) -> Document:
    """Return the metadata of a server with these features; members with nothing in them are left out (MD-4).

    It names the configured issuer, whatever address it was asked at (MD-5, MC-10), what is required (MD-6), what suites
    for MCP look at (MB-11), and that there is PKCE (P-8).

    `signing` are the algorithms that the server signs with. `mtls_url` is its address for clients that show a
    certificate. `claims` are those about people, None: the standard ones. `acr` are the assurance levels, for requests
    that are told to ask for one (RFC 9470 §7, UA-4). `details` are the types of authorization details.
    `require_pushed`: requests count only when they were pushed (PAR-13), `require_signed`: only when they are signed.
    `resources` are the APIs that everybody may know of (PR-4).
    """
    grants, answers = list(offered(features)), response_types.offered(features)
    methods = list(client_auth.offered(features))
    assertions = Feature.CLIENT_ASSERTIONS in features
    algorithms = list(client_auth.ASSERTION_ALGORITHMS) if assertions else []
    members: Document = {
        "issuer": issuer,
        "scopes_supported": [definition.name for definition in scopes],
        "response_types_supported": [],
        "grant_types_supported": grants,
        "service_documentation": f"{issuer}/docs",
        "protected_resources": list(resources),
        **request_metadata.members(features, signing, require_signed=require_signed),
    }
    if Feature.AUTHORIZATION_CODE in features:
        members |= {
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "response_types_supported": list(answers),
            "response_modes_supported": list(response_types.modes(features)),
            "code_challenge_methods_supported": list(pkce.METHODS),
            "prompt_values_supported": list(prompts_of(features)),
            "acr_values_supported": list(acr),
        }
    if grants:
        members |= {
            "token_endpoint": f"{issuer}/oauth/token",
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
        }
    if Feature.AUTHORIZATION_DETAILS in features:
        members["authorization_details_types_supported"] = list(details)  # RA-7, RFC 9396 §10
    if Feature.PUSHED_REQUESTS in features:
        members |= {
            "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
            "require_pushed_authorization_requests": require_pushed,
        }
    if Feature.DEVICE_AUTHORIZATION in features:
        members["device_authorization_endpoint"] = f"{issuer}/oauth/device_authorization"
    if Feature.BACKCHANNEL_AUTHENTICATION in features:
        members |= _asking_elsewhere(issuer, features)
    if Feature.CLIENT_DOCUMENTS in features:
        members["client_id_metadata_document_supported"] = True  # CI-13
    if Feature.DYNAMIC_REGISTRATION in features:
        members["registration_endpoint"] = f"{issuer}/oauth/register"  # MC-4, RFC 8414 §2
    if any(response_types.IMPLICIT in response_types.grants_of(answer) for answer in answers):
        members["grant_types_supported"] = [*grants, response_types.IMPLICIT]
    if Feature.ISSUER_IDENTIFICATION in features:
        members["authorization_response_iss_parameter_supported"] = True
    if Feature.PUBLISHED_KEYS in features:
        members["jwks_uri"] = f"{issuer}/oauth/jwks"
    members |= openid_metadata.members(issuer, features, signing, claims or ClaimsRegistry())
    members |= _about_tokens(issuer, features, signing, methods, algorithms)
    members |= grant_management.metadata(issuer, features, required=grant_action)
    members |= _logout(issuer, features)
    if Feature.DPOP in features:
        members["dpop_signing_alg_values_supported"] = list(dpop.ALGORITHMS)
    if Feature.MUTUAL_TLS in features:
        members["tls_client_certificate_bound_access_tokens"] = True  # MT-4
        members["mtls_endpoint_aliases"] = mtls.aliases(members, issuer, mtls_url)
    return {name: value for name, value in members.items() if value not in ([], {}) or name in _NEVER_ABSENT}


def _about_tokens(
    issuer: str, features: FeatureSet, signing: tuple[str, ...], methods: list[str], algorithms: list[str]
) -> Document:
    """Where tokens are revoked and asked about; by which methods and algorithms clients authenticate there."""
    members: Document = {}
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
    return members


def _asking_elsewhere(issuer: str, features: FeatureSet) -> Document:
    """CB-10: how clients ask people elsewhere, and get their answer. There are no user codes."""
    signed = request_object.ALGORITHMS if Feature.REQUEST_OBJECTS in features else ()
    return {
        "backchannel_authentication_endpoint": f"{issuer}{ciba.PATH}",
        "backchannel_token_delivery_modes_supported": list(ciba.MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(signed),
        "backchannel_user_code_parameter_supported": False,
    }


def _logout(issuer: str, features: FeatureSet) -> Document:
    """LO-1, LF-2, LS-2, LB-6: how sessions end, and who hears of it. A logout that is off is left out, which is false.

    Every session has a name for each of its applications, so that the ones with sessions go with the others.
    """
    members: Document = {}
    if Feature.RP_INITIATED_LOGOUT in features:
        members["end_session_endpoint"] = f"{issuer}/oauth/logout"
    if Feature.BACKCHANNEL_LOGOUT in features:
        members |= {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}
    if Feature.FRONTCHANNEL_LOGOUT in features:
        members |= {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}
    if Feature.SESSION_MANAGEMENT in features:
        members["check_session_iframe"] = f"{issuer}/oauth/check-session"
    return members
