"""The OpenAPI document of the protocol endpoints, computed from grant types, methods, errors, features and scopes."""

from collections.abc import Mapping
from typing import Any

from app import __version__
from app.pipeline.server import Server
from app.protocol import (
    ciba,
    client_assertion,
    client_auth,
    grant_management,
    introspection_jwt,
    own_api,
    registration,
    resource_metadata,
    userinfo,
)
from app.protocol.errors import ErrorCode
from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import offered
from app.routers import (
    bc_authorize,
    device_authorization,
    discovery,
    end_session,
    global_token_revocation,
    grants,
    jwks,
    par,
    register,
)
from app.routers import userinfo as answer_userinfo
from app.routers.api import index, me
from app.routers.openapi_schemas import schemas

_FORM = "application/x-www-form-urlencoded"
_TOKEN_ERRORS = (
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_CLIENT,
    ErrorCode.INVALID_GRANT,
    ErrorCode.UNAUTHORIZED_CLIENT,
    ErrorCode.UNSUPPORTED_GRANT_TYPE,
    ErrorCode.INVALID_SCOPE,
    ErrorCode.INVALID_TARGET,
    ErrorCode.INVALID_AUTHORIZATION_DETAILS,
    ErrorCode.INVALID_DPOP_PROOF,
    ErrorCode.USE_DPOP_NONCE,
    ErrorCode.TOO_MANY_FAILURES,
    ErrorCode.TEMPORARILY_UNAVAILABLE,
)
_AUTHORIZE_ERRORS = (
    ErrorCode.INVALID_REQUEST,
    ErrorCode.UNAUTHORIZED_CLIENT,
    ErrorCode.ACCESS_DENIED,
    ErrorCode.UNSUPPORTED_RESPONSE_TYPE,
    ErrorCode.INVALID_SCOPE,
    ErrorCode.INVALID_TARGET,
    ErrorCode.INVALID_AUTHORIZATION_DETAILS,
    ErrorCode.LOGIN_REQUIRED,
    ErrorCode.CONSENT_REQUIRED,
    ErrorCode.INVALID_REQUEST_OBJECT,
    ErrorCode.INVALID_REQUEST_URI,
    ErrorCode.REQUEST_NOT_SUPPORTED,
    ErrorCode.REQUEST_URI_NOT_SUPPORTED,
    ErrorCode.REGISTRATION_NOT_SUPPORTED,
    ErrorCode.INVALID_GRANT_ID,
)
_SIGN_IN_ERRORS = (
    ErrorCode.INTERACTION_REQUIRED,
    ErrorCode.ACCOUNT_SELECTION_REQUIRED,
    ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS,
)
"""Those that only requests of OpenID Connect meet."""

_CALLER_ERRORS = (
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_CLIENT,
    ErrorCode.TOO_MANY_FAILURES,
    ErrorCode.TEMPORARILY_UNAVAILABLE,
)

_AUTHORIZE_PARAMETERS: tuple[tuple[str, bool, str], ...] = (
    (
        "response_type",
        True,
        "`code`; or, as registered, `code id_token`, `id_token`, `none`, and the legacy ones with `token`.",
    ),
    (
        "response_mode",
        False,
        "`query`, `fragment` or `form_post`; by default `query`, and `fragment` for what has `id_token` or `token`. As "
        "one signed JWT (JARM): `jwt`, or one of these three with `.jwt` behind it.",
    ),
    ("client_id", True, "The application’s identifier."),
    ("request", False, "All of it as a request object (RFC 9101), beside which `client_id` stands."),
    ("request_uri", False, "What a pushed request got (RFC 9126). Nothing but `client_id` counts beside it."),
    (
        "redirect_uri",
        False,
        "One of the registered URIs, character by character; may be absent when exactly one is, unless `scope` has "
        "`openid`.",
    ),
    ("scope", False, "Scopes with spaces between them. What is asked is what the token can carry at most."),
    ("resource", False, "An API that the tokens are for (RFC 8707); may be repeated."),
    (
        "authorization_details",
        False,
        "A JSON list of objects, each with a `type`: permissions that say more than a scope (RFC 9396).",
    ),
    ("state", False, "Comes back byte by byte; up to 4096 characters."),
    ("code_challenge", True, "BASE64URL(SHA256(code_verifier)), RFC 7636. Required unless the application is exempt."),
    ("code_challenge_method", True, "`S256`"),
    ("dpop_jkt", False, "Thumbprint of the key that the code is bound to (RFC 9449 §10)."),
    ("prompt", False, "`none`, or any of `login`, `consent`, `select_account` and, where people sign up, `create`."),
    ("max_age", False, "Seconds since the person’s login after which he must sign in again."),
    ("nonce", False, "Comes back in the ID token."),
    (
        "grant_management_action",
        False,
        "`create`, `merge` or `replace`: what becomes of a grant of the application’s own (Grant Management).",
    ),
    ("grant_id", False, "The grant that it goes into, with `merge` and `replace`."),
    ("login_hint", False, "The username to fill in on the login page."),
    ("id_token_hint", False, "An ID token of the person whom the answer has to be for; it may have expired."),
    ("acr_values", False, "Levels of sign-in, the dearest first; without the scope openid one of them is required."),
    ("claims", False, "Single claims for the ID token and for userinfo (OpenID Connect Core §5.5), as JSON."),
    ("claims_locales", False, "Preferred languages of claims."),
    ("ui_locales", False, "Accepted; the pages are in one language."),
    ("display", False, "Accepted; the pages fit every screen."),
    ("force_prompt", False, "The original system’s way to ask for the consent page: any text."),
)

_PARAMETERS_OF: Mapping[str, Feature] = {
    **dict.fromkeys(("nonce", "id_token_hint", "claims", "claims_locales"), Feature.OPENID),
    **dict.fromkeys(("grant_management_action", "grant_id"), Feature.GRANT_MANAGEMENT),
    "authorization_details": Feature.AUTHORIZATION_DETAILS,
}
"""Those that come with a feature."""

_PROOF: dict[str, Any] = {
    "name": "DPoP",
    "in": "header",
    "description": "A proof of the key that the tokens are bound to (RFC 9449).",
    "schema": {"type": "string"},
}


def document(server: Server) -> dict[str, Any]:
    """Return the document; what a switched-off feature would serve is not in it."""
    features, paths = server.features, {}
    if Feature.AUTHORIZATION_CODE in features:
        paths["/oauth/authorize"] = {
            "get": _authorize(features, in_body=False),
            "post": _authorize(features, in_body=True),
        }
    if offered(features):
        paths["/oauth/token"] = {"post": _token(server)}
    if Feature.PUSHED_REQUESTS in features:
        paths[par.PATH] = {"post": {**par.OPERATION, "parameters": [_PROOF] if Feature.DPOP in features else []}}
    if Feature.DEVICE_AUTHORIZATION in features:
        paths["/oauth/device_authorization"] = {"post": device_authorization.OPERATION}
    if Feature.BACKCHANNEL_AUTHENTICATION in features:
        paths[ciba.PATH] = {"post": bc_authorize.OPERATION}
    if Feature.DYNAMIC_REGISTRATION in features:
        paths[registration.PATH] = {"post": register.OPERATION}
        paths[f"{registration.PATH}/{{client_id}}"] = register.MANAGEMENT_OPERATIONS
    if Feature.INTROSPECTION in features:
        paths["/oauth/introspect"] = {"post": _introspect()}
    if Feature.REVOCATION in features:
        paths["/oauth/revoke"] = {"post": _revoke()}
    if Feature.GLOBAL_REVOCATION in features:
        paths["/oauth/global-token-revocation"] = {"post": global_token_revocation.OPERATION}
    if Feature.GRANT_MANAGEMENT in features:
        paths[f"{grant_management.PATH}/{{grant_id}}"] = grants.OPERATIONS
    if Feature.OPENID in features:
        paths[userinfo.PATH] = answer_userinfo.OPERATIONS
    if Feature.RP_INITIATED_LOGOUT in features:
        paths[end_session.PATH] = {
            "get": end_session.operation(in_body=False),
            "post": end_session.operation(in_body=True),
        }
    if Feature.METADATA in features:
        paths["/.well-known/oauth-authorization-server"] = {"get": discovery.OPERATION}
    if {Feature.METADATA, Feature.OPENID} <= features:
        paths["/.well-known/openid-configuration"] = {"get": discovery.OPENID_OPERATION}
    if Feature.PROTECTED_RESOURCE_METADATA in features:
        at = f"{resource_metadata.PATH}{own_api.PATH}"
        paths[at] = {"get": {**discovery.RESOURCE_OPERATION, "operationId": "api_metadata"}}
    if {Feature.PROTECTED_RESOURCE_METADATA, Feature.OPENID} <= features:
        at = f"{resource_metadata.PATH}{userinfo.PATH}"
        paths[at] = {"get": {**discovery.RESOURCE_OPERATION, "operationId": "userinfo_metadata"}}
    if Feature.PUBLISHED_KEYS in features:
        paths["/oauth/jwks"] = {"get": jwks.OPERATION}
    paths["/api/v1/"] = {"get": index.OPERATION}
    paths["/api/v1/me"] = {"get": me.OPERATION}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": server.views.service_name,
            "version": __version__,
            "description": "Press **Authorize** to sign in and try the API with a token of your own.",
        },
        "servers": [{"url": server.issuer}],
        "paths": paths,
        "components": {"schemas": schemas(), "securitySchemes": _security(server)},
        "tags": [
            {"name": "protocol", "description": "OAuth 2.1 endpoints for clients and resource servers."},
            {"name": "api", "description": "The server’s own API."},
        ],
    }


def _authorize(features: FeatureSet, *, in_body: bool) -> dict[str, Any]:
    errors = (*_AUTHORIZE_ERRORS, *(_SIGN_IN_ERRORS if Feature.OPENID in features else ()))
    parameters = [one for one in _AUTHORIZE_PARAMETERS if _PARAMETERS_OF.get(one[0]) in (None, *features)]
    operation: dict[str, Any] = {
        "tags": ["protocol"],
        "operationId": "authorize_by_post" if in_body else "authorize",
        "summary": "Ask a person for permission",
        "description": "For browsers. The answer is a redirect to the application with what its response type has, "
        "such as `code`, with `state` and `iss`, or with `error`; a page where no answer may travel. "
        "RFC 6749 §4.1.1. Errors: " + ", ".join(f"`{code.wire}`" for code in errors),
        "responses": {
            "200": {"description": "A page that posts the answer to the application (`form_post`)."},
            "303": {"description": "To the login page, the consent page, or back to the application."},
            "400": {"description": "A page for the person: the client or the redirect URI is not known."},
        },
    }
    if in_body:
        operation["requestBody"] = _form(
            {name: {"type": "string", "description": text} for name, _, text in parameters},
            [name for name, required, _ in parameters if required],
        )
    else:
        operation["parameters"] = [
            {"name": name, "in": "query", "required": required, "description": text, "schema": {"type": "string"}}
            for name, required, text in parameters
        ]
    return operation


def _token(server: Server) -> dict[str, Any]:
    return {
        "tags": ["protocol"],
        "operationId": "token",
        "summary": "Get an access token",
        "description": "RFC 6749 §3.2. Client authentication by "
        + ", ".join(f"`{method}`" for method in client_auth.METHODS)
        + ", as registered.",
        "security": [{"client": []}, {}],
        "parameters": [_PROOF] if Feature.DPOP in server.features else [],
        "requestBody": {
            "required": True,
            "content": {
                _FORM: {
                    "schema": {
                        "oneOf": [_grant_schema(name, grant) for name, grant in offered(server.features).items()]
                    }
                }
            },
        },
        "responses": {"200": _json("The tokens.", "TokenResponse"), **_errors(_TOKEN_ERRORS)},
    }


def _grant_schema(name: str, grant: Any) -> dict[str, Any]:
    schema: dict[str, Any] = grant.Params.model_json_schema()
    return {
        "title": name,
        "description": (grant.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "required": ["grant_type", *schema.get("required", [])],
        "properties": {
            "grant_type": {"type": "string", "const": name},
            **schema["properties"],
            **_client_properties(),
        },
    }


def _client_properties() -> dict[str, Any]:
    return {
        "client_id": {"type": "string", "description": "For public clients and `client_secret_post`."},
        "client_secret": {"type": "string", "description": "For `client_secret_post`."},
        "client_assertion_type": {
            "type": "string",
            "description": f"With a `client_assertion`: `{client_assertion.TYPE}`.",
        },
        "client_assertion": {"type": "string", "description": "For `private_key_jwt` and `client_secret_jwt`."},
    }


def _introspect() -> dict[str, Any]:
    state = _json("The token’s state; signed for whoever asks for that media type (RFC 9701).", "Introspection")
    state["content"][introspection_jwt.MEDIA_TYPE] = {"schema": {"type": "string"}}
    return {
        "tags": ["protocol"],
        "operationId": "introspect",
        "summary": "Ask whether a token is active, and what it allows",
        "description": 'RFC 7662. For confidential applications. Any other token: `{"active": false}`.',
        "security": [{"client": []}],
        "requestBody": _form(_token_properties(), ["token"]),
        "responses": {"200": state, **_errors(_CALLER_ERRORS)},
    }


def _revoke() -> dict[str, Any]:
    return {
        "tags": ["protocol"],
        "operationId": "revoke",
        "summary": "End a token",
        "description": "RFC 7009. A refresh token ends with its whole family. Unknown tokens are answered 200 as well.",
        "security": [{"client": []}, {}],
        "requestBody": _form(_token_properties(), ["token"]),
        "responses": {
            "200": {"description": "The token does not work any more."},
            **_errors((*_CALLER_ERRORS, ErrorCode.INVALID_GRANT, ErrorCode.UNSUPPORTED_TOKEN_TYPE)),
        },
    }


def _token_properties() -> dict[str, Any]:
    return {
        "token": {"type": "string", "description": "A token of any kind, or an API key."},
        "token_type_hint": {"type": "string", "description": "Not needed: the token tells its kind."},
        **_client_properties(),
    }


def _form(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required}
    return {"required": True, "content": {_FORM: {"schema": schema}}}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _errors(codes: tuple[ErrorCode, ...]) -> dict[str, Any]:
    by_status: dict[int, list[ErrorCode]] = {}
    for code in codes:
        by_status.setdefault(code.status, []).append(code)
    return {
        str(status): _json("; ".join(f"`{code.wire}` ({code.section})" for code in group), "Error")
        for status, group in by_status.items()
    }


def _security(server: Server) -> dict[str, Any]:
    return {
        "oauth": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{server.issuer}/oauth/authorize",
                    "tokenUrl": f"{server.issuer}/oauth/token",
                    "refreshUrl": f"{server.issuer}/oauth/token",
                    "scopes": {scope.name: scope.title or scope.name for scope in server.scopes},
                }
            },
        },
        "client": {"type": "http", "scheme": "basic", "description": "client_id and client_secret, form-encoded."},
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token, a personal token or an API key.",
        },
        "key": {"type": "http", "scheme": "basic", "description": "An API key as the user name, without a password."},
    }
