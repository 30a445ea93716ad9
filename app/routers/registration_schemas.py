"""What /oauth/register takes and answers, for the OpenAPI document."""

from typing import Any

from app.protocol.client_metadata import ClientMetadata
from app.protocol.registration import MEDIA_TYPE, STATEMENT
from app.routers.error_answers import error_answers

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_METADATA: dict[str, Any] = {
    "redirect_uris": {"type": "array", "items": _TEXT, "description": "Where answers may go, exactly."},
    "client_name": {**_TEXT, "description": "What people read; `client_name#de` for another language."},
    "grant_types": {"type": "array", "items": _TEXT, "description": "`authorization_code` without."},
    "response_types": {"type": "array", "items": _TEXT, "description": "`code` without."},
    "token_endpoint_auth_method": {
        **_TEXT,
        "description": "`client_secret_basic` without; `none` for one that cannot keep a secret.",
    },
    "application_type": {"type": "string", "enum": ["web", "native"]},
    "scope": {**_TEXT, "description": "What it may ask for; the answer tells what became of it."},
    "jwks_uri": {**_TEXT, "description": "Where its public keys stand; or `jwks`, with the keys."},
    STATEMENT: {**_TEXT, "description": "A JWT of somebody whom this server’s operator knows, who says all this."},
}
_EXAMPLE = {
    "client_name": "Deploy Diary",
    "redirect_uris": ["http://127.0.0.1/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "application_type": "native",
}
_TOLD = {
    "client_id": "9f0d4c1e5a7b4d1c8e2f60718293a4b5",
    "client_id_issued_at": 1_780_000_000,
    "registration_client_uri": "https://id.example/oauth/register/9f0d4c1e5a7b4d1c8e2f60718293a4b5",
    "registration_access_token": "asra_…",
    **_EXAMPLE,
    "response_types": ["code"],
}
_ANSWER: dict[str, Any] = {
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["client_id", "registration_client_uri", "registration_access_token"],
                "properties": {
                    "client_id": _TEXT,
                    "client_id_issued_at": _NUMBER,
                    "client_secret": {**_TEXT, "description": "In the answer that made it alone."},
                    "client_secret_expires_at": {**_NUMBER, "description": "0: never."},
                    "registration_client_uri": {**_TEXT, "description": "Where the registration is managed."},
                    "registration_access_token": {**_TEXT, "description": "By what."},
                    **_METADATA,
                },
                "additionalProperties": True,
            },
            "example": _TOLD,
        }
    }
}
_ERRORS = error_answers(
    status_400=(
        "`invalid_redirect_uri`, `invalid_client_metadata`, `invalid_software_statement`, "
        "`unapproved_software_statement`"
    ),
    status_401="`invalid_token`",
    status_415="`invalid_client_metadata`: not JSON",
    status_429="`temporarily_unavailable`",
    status_503="`temporarily_unavailable`",
)
_MANAGED = error_answers(
    status_401="`invalid_token`: also of an application that is not there",
    status_403="`access_denied`: the application is switched off",
    status_503="`temporarily_unavailable`",
)
_CLIENT_ID: dict[str, Any] = {"name": "client_id", "in": "path", "required": True, "schema": _TEXT}


def _body(*required: str, **further: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {**_METADATA, **further},
        "required": [*required],
        "additionalProperties": True,
        "description": "Members of RFC 7591 §2 and OpenID Connect Registration §2; this server acts on: "
        + ", ".join(f"`{name}`" for name in ClientMetadata.model_fields if name != "localized"),
    }
    return {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}}


OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "operationId": "register_client",
    "summary": "Register an application",
    "description": "RFC 7591. By everybody, or by whoever shows an initial access token, as the operator has decided. "
    "What the server puts in the place of what was asked for stands in the answer.",
    "security": [{}, {"bearer": []}],
    "requestBody": {**_body(), "content": {MEDIA_TYPE: {**_body()["content"][MEDIA_TYPE], "example": _EXAMPLE}}},
    "responses": {"201": {"description": "All of the registration.", **_ANSWER}, **_ERRORS},
}

MANAGEMENT_OPERATIONS: dict[str, dict[str, Any]] = {
    "get": {
        "tags": ["protocol"],
        "operationId": "read_registration",
        "summary": "Read one’s registration",
        "description": "RFC 7592 §2.1, with the registration access token.",
        "security": [{"bearer": []}],
        "parameters": [_CLIENT_ID],
        "responses": {"200": {"description": "All of the registration.", **_ANSWER}, **_MANAGED},
    },
    "put": {
        "tags": ["protocol"],
        "operationId": "replace_registration",
        "summary": "Replace one’s registration",
        "description": "RFC 7592 §2.2: what is left out is gone.",
        "security": [{"bearer": []}],
        "parameters": [_CLIENT_ID],
        "requestBody": _body("client_id", client_id=_TEXT),
        "responses": {"200": {"description": "All of the registration.", **_ANSWER}, **_ERRORS, **_MANAGED},
    },
    "delete": {
        "tags": ["protocol"],
        "operationId": "delete_registration",
        "summary": "Delete one’s registration",
        "description": "RFC 7592 §2.3: the application is gone, with every grant and token that it has.",
        "security": [{"bearer": []}],
        "parameters": [_CLIENT_ID],
        "responses": {"204": {"description": "It is gone."}, **_MANAGED},
    },
}
"""Their entries in the OpenAPI document."""
