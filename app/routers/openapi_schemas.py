"""What the hot endpoints take and answer, for the OpenAPI document; the FastAPI routes tell theirs by their models."""

from typing import Any

from app.protocol.errors import ErrorCode

_TOKEN = "asat_…"
_SUB = "01890a5d-ac96-774b-bcce-b302099a8057"
_EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "TokenResponse": [
        {
            "access_token": _TOKEN,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": "asrt_…",
            "scope": "project:read",
        }
    ],
    "Introspection": [
        {"active": False},
        {
            "active": True,
            "scope": "project:read",
            "client_id": "deploy-diary",
            "username": "robin",
            "token_type": "Bearer",
            "sub": _SUB,
            "iss": "https://id.example",
            "exp": 1_780_000_000,
            "iat": 1_779_996_400,
        },
    ],
    "Index": [
        {"version": "1.0.0", "issuer": "https://id.example", "user": None, "auth": None},
        {
            "version": "1.0.0",
            "issuer": "https://id.example",
            "user": {"sub": _SUB, "username": "robin"},
            "auth": {"kind": "personal_token", "scopes": ["project:read"], "name": "Nightly export"},
        },
    ],
    "Me": [
        {
            "sub": _SUB,
            "username": "robin",
            "client_id": "deploy-diary",
            "scopes": ["project:read"],
            "exp": 1_780_000_000,
        }
    ],
    "Error": [{"error": "invalid_request", "error_description": "client_id was sent more than once"}],
}


def schemas() -> dict[str, Any]:
    """Return the schemas by name, each with an example."""
    text, number = {"type": "string"}, {"type": "integer"}
    names, objects = {"type": "array", "items": text}, {"type": "array", "items": {"type": "object"}}
    username = {"type": ["string", "null"], "description": "Null for an application that knows people by other names."}
    described: dict[str, dict[str, Any]] = {
        "TokenResponse": {
            "type": "object",
            "required": ["access_token", "token_type", "expires_in"],
            "properties": {
                "access_token": text,
                "token_type": {"type": "string", "const": "Bearer"},
                "expires_in": {"type": "integer", "description": "Seconds."},
                "refresh_token": text,
                "id_token": {"type": "string", "description": "Who signed in; with the scope `openid`."},
                "grant_id": {**text, "description": "The grant, for requests with `grant_management_action`."},
                "scope": {"type": "string", "description": "What the token carries; absent when nothing was asked."},
                "authorization_details": {**objects, "description": "The same, beside scopes (RFC 9396)."},
            },
        },
        "Introspection": {
            "type": "object",
            "required": ["active"],
            "properties": {
                "active": {"type": "boolean"},
                **dict.fromkeys(("scope", "client_id", "token_type", "iss", "jti"), text),
                "authorization_details": {**objects, "description": "Those that are for the caller (RFC 9396)."},
                **{name: {**text, "description": "The person, if there is one."} for name in ("username", "sub")},
                "organization": {**text, "description": "The slug of the organization, for an API key."},
                **{name: {**number, "description": "Seconds since 1970, UTC."} for name in ("exp", "iat")},
            },
        },
        "Index": {
            "type": "object",
            "required": ["version", "issuer", "user", "auth"],
            "properties": {
                "version": text,
                "issuer": text,
                "user": {"type": ["object", "null"], "properties": {"sub": text, "username": username}},
                "auth": {
                    "type": ["object", "null"],
                    "required": ["kind", "scopes"],
                    "properties": {
                        "kind": {
                            "type": "string",
                            "enum": ["access_token", "personal_token", "api_key", "system_key"],
                        },
                        "scopes": names,
                        "client_id": {**text, "description": "The application of an access token."},
                        "name": {**text, "description": "The name of a personal token."},
                        "label": {**text, "description": "The label of an API key."},
                        "organization": {**text, "description": "The slug of an API key’s organization."},
                    },
                },
            },
        },
        "Me": {
            "type": "object",
            "required": ["sub", "username", "client_id", "scopes", "exp"],
            "properties": {
                "sub": text,
                "username": username,
                "client_id": {"type": ["string", "null"], "description": "Null for a personal token."},
                "scopes": names,
                "exp": {"type": ["integer", "null"], "description": "Null when it never ends."},
            },
        },
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {"type": "string", "enum": [code.wire for code in ErrorCode]},
                "error_description": text,
            },
        },
    }
    return {name: {**schema, "examples": _EXAMPLES[name]} for name, schema in described.items()}
