"""What the server says about itself: metadata and keys."""

from tests.architecture.spec_lines.line import section

SECTIONS = (
    section(
        "Metadata",
        """
MD-1 | RFC 8414 §3.1, OpenID Connect Discovery §4.1 | MUST | the well-known part stands between host and path of the issuer
MD-2 | RFC 8414 §5 | MUST | each of the three usual addresses is served
MD-3 | RFC 8414 §3 | MUST | a well-known address without a document is 404, neither a page with 200 nor a fault
MD-4 | RFC 8414 §3.2 | MUST | GET, JSON, for every website, cacheable, without empty lists
MD-5 | RFC 8414 §3.3 | MUST | the document names the very issuer that its address was made from
MD-6 | RFC 8414 §2 | MUST | what is required is there
MD-7 | MCP authorization | MUST | PKCE methods stand in the OpenID document too
MD-8 | RFC 8414 §2 | SHOULD | one source for all documents
""",
    ),
    section(
        "Metadata members",
        """
issuer | RFC 8414 §2 | MUST | the configured string
authorization_endpoint | RFC 8414 §2 | MUST | where a front channel is
token_endpoint | RFC 8414 §2 | MUST | where a grant is
jwks_uri | RFC 8414 §2 | MAY | the public keys
scopes_supported | RFC 8414 §2 | SHOULD | the registry
response_types_supported | RFC 8414 §2 | MUST | always there
response_modes_supported | RFC 8414 §2 | MAY | what is really served
grant_types_supported | RFC 8414 §2 | MUST | always there, because silence means code and implicit
token_endpoint_auth_methods_supported | RFC 8414 §2 | MUST | with `none`, for public clients
token_endpoint_auth_signing_alg_values_supported | RFC 8414 §2 | MUST | with the JWT methods; never `none`
revocation_endpoint | RFC 8414 §2 | MAY | where it is on
revocation_endpoint_auth_methods_supported | RFC 8414 §2 | MAY | as at the token endpoint
introspection_endpoint | RFC 8414 §2 | MAY | where it is on
introspection_endpoint_auth_methods_supported | RFC 8414 §2 | MAY | without `none`
code_challenge_methods_supported | RFC 8414 §2 | MUST | S256
request_parameter_supported | OpenID Connect Discovery §3 | MAY | said aloud, also when it is false
request_uri_parameter_supported | OpenID Connect Discovery §3 | MUST | said aloud, because silence means true
require_request_uri_registration | OpenID Connect Discovery §3 | MAY | true where requests come by reference
claims_parameter_supported | OpenID Connect Discovery §3 | MAY | said aloud, also when it is false
claim_types_supported | OpenID Connect Discovery §3 | MAY | normal ones
prompt_values_supported | OpenID Connect Prompt Create §4 | MAY | what is really served
authorization_response_iss_parameter_supported | RFC 9207 §3 | MUST | true where answers name the issuer
pushed_authorization_request_endpoint | RFC 9126 §5 | MAY | where it is on
require_pushed_authorization_requests | RFC 9126 §5 | MAY | false when absent
require_signed_request_object | RFC 9101 §10.5 | MAY | false when absent
authorization_details_types_supported | RFC 9396 §10 | MAY | the types
dpop_signing_alg_values_supported | RFC 9449 §5.1 | MUST | where DPoP is on
tls_client_certificate_bound_access_tokens | RFC 8705 §3.3 | MAY | where certificates are read
mtls_endpoint_aliases | RFC 8705 §5 | MAY | where certificates are asked for on a host of its own
device_authorization_endpoint | RFC 8628 §4 | MAY | where it is on
backchannel_authentication_endpoint | CIBA §4 | MUST | and its companions
end_session_endpoint | OpenID Connect RP-Initiated Logout §2.1 | MUST | where it is on
frontchannel_logout_supported | OpenID Connect Front-Channel Logout §3 | MAY | false when absent
frontchannel_logout_session_supported | OpenID Connect Front-Channel Logout §3 | MAY | false when absent
check_session_iframe | OpenID Connect Session Management §3.3 | MUST | where session management is on
grant_management_endpoint | Grant Management §7.1 | MUST | and its companions
client_id_metadata_document_supported | Client ID Metadata Document §5 | MUST | where such clients are let in
registration_endpoint | RFC 8414 §2 | MAY | where it is on
authorization_signing_alg_values_supported | JARM §4 | MAY | and its companions
introspection_signing_alg_values_supported | RFC 9701 §7 | MAY | where signed answers are on
acr_values_supported | OpenID Connect Discovery §3, RFC 9470 §7 | MAY | the ways to sign in
authorization_grant_profiles_supported | Identity Assertion JWT Authorization Grant | MUST | ID-JAG | later: with ID-JAG
identity_chaining_requested_token_types_supported | Identity chaining draft | MAY | ID-JAG as an issuer | later: with ID-JAG
protected_resources | RFC 9728 §4 | MAY | the resources of the server itself
signed_metadata | RFC 8414 §2.1 | MAY | the members as a JWT | choice: 0044
global_token_revocation_endpoint | Global Token Revocation draft -04 §4 | MAY | where it is on
service_documentation | RFC 8414 §2 | MAY | the page for developers
""",
        kind="member",
        prefix="A7.1 ",
    ),
    section(
        "Protected resource metadata",
        """
PR-1 | RFC 9728 §3.1 | MUST | the well-known part stands between host and path of a resource, and the document names that very resource
PR-2 | RFC 9728 §2 | MUST | it tells the authorization server, the scopes and how tokens are taken
PR-3 | RFC 9728 §5.1 | MUST | challenges name its address, in whatever scheme
PR-4 | RFC 9728 §4 | MAY | the server names its own resources
""",
    ),
    section(
        "Keys",
        """
JW-1 | RFC 7517 §8.5, OpenID Connect Discovery §3 | MUST | a key set in JSON, for every website, cacheable
JW-2 | RFC 7517 §4, OpenID Connect Discovery §3 | MUST | public parts alone, each with its own `kid`, use and algorithm
JW-3 | OpenID Connect Core §10.1.1 | MUST | a key is published before it signs and stays until its last token has ended; every header names it
JW-4 | RFC 7518 §3, RFC 8725 §3.5 | MUST | RSA from 2048 bits, curves from P-256, no shared secrets
JW-5 | RFC 8725 §3.1 | recommended | one key, one algorithm; never `none`
JW-6 | RFC 7591 §2, OpenID Connect Registration §2 | MUST | keys of clients are fetched through the guard, cached, looked for once more when unknown, and refused when private
""",
    ),
)
