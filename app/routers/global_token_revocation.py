"""POST /oauth/global-token-revocation (draft-parecki-oauth-global-token-revocation-04): all that a person has ends.

An identity provider that hears of a taken account, or of a person who has left, tells it here.
"""

from dataclasses import replace
from typing import Any

import orjson

from app.pipeline import guard, system_key
from app.pipeline.guard import CredentialCaller, OriginRefused
from app.pipeline.http import NO_STORE, Refused, Request, Response, error_response, json_response
from app.pipeline.server import Server
from app.protocol import global_revocation as rules
from app.protocol import subject_identifiers
from app.protocol.authorization_header import Challenged
from app.protocol.callers import MachineCaller
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.subject_identifiers import BySubject, SubjectIdentifier
from app.services import global_revocation
from app.services.occasion import Occasion
from app.store.orders import Actor

DONE = Response(204, b"", (NO_STORE,))

OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "operationId": "globalTokenRevocation",
    "summary": "End everything that a person has",
    "description": "draft-parecki-oauth-global-token-revocation-04: every session and token of the person is dead "
    f"at once. For an application with a token that it got for itself with the scope `{rules.SCOPE}`, and for the "
    "system key. What the person has allowed stays; he has to sign in again.",
    "security": [{"bearer": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["sub_id"],
                    "properties": {
                        "sub_id": {
                            "type": "object",
                            "description": "A subject identifier (RFC 9493): the formats `email`, `opaque` with our "
                            "`sub` as `id`, and `iss_sub` with our issuer.",
                            "required": ["format"],
                            "properties": {
                                "format": {"type": "string", "enum": ["email", "opaque", "iss_sub"]},
                                **{name: {"type": "string"} for name in ("email", "id", "iss", "sub")},
                            },
                        }
                    },
                },
                "example": {"sub_id": {"format": "email", "email": "ada@example.com"}},
            }
        },
    },
    "responses": {
        "204": {"description": "Nothing of the person’s lives any more."},
        "400": {"description": "The body or the format of `sub_id` is not what it can be."},
        "401": {"description": "No token, or one that does not count here."},
        "403": {"description": f"A token without the scope `{rules.SCOPE}`, or one that somebody allowed."},
        "404": {"description": "Nobody is it."},
        "422": {"description": "`iss` is another issuer, for whose people this server cannot speak."},
    },
}


async def global_token_revocation(server: Server, request: Request) -> Response:
    """authenticate → parse → carry out → respond (GT-4): nobody learns who there is who may not end what they have."""
    if b"authorization" not in request.headers:
        raise guard.nobody()
    caller = await guard.identify(server, request)
    rules.check_caller(caller)
    who = _read(request)
    if isinstance(who, BySubject) and who.issuer not in (None, server.issuer):
        raise OAuthError(ErrorCode.FOREIGN_SUBJECT, "iss of sub_id is not this server; it cannot speak for that issuer")
    occasion = Occasion(server.clock(), request.request_id, request.address)
    if not await global_revocation.revoke(server.database, who, occasion, _actor(caller)):
        raise OAuthError(ErrorCode.UNKNOWN_SUBJECT, "nobody here is the subject of sub_id")
    return DONE


def refusal(error: OAuthError, around: Refused) -> Response:
    """Return a refusal in JSON; one of the credential with its challenge (RFC 6750 §3, RFC 9449 §7.1)."""
    if isinstance(error, OriginRefused):
        around = replace(around, status=ErrorCode.INSUFFICIENT_SCOPE.status)
    if not isinstance(error, Challenged):
        return error_response(error, around)
    proof = error.code in (ErrorCode.INVALID_DPOP_PROOF, ErrorCode.USE_DPOP_NONCE)
    return json_response(
        {"error": error.code.wire, "error_description": error.description},
        status=ErrorCode.INVALID_TOKEN.status if proof else around.status,
        headers=((b"www-authenticate", error.challenge_for(around.issuer).encode("latin-1")),),
    )


def _read(request: Request) -> SubjectIdentifier:
    """Return whom the body names (GT-1); raises `invalid_request`."""
    media_type = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise OAuthError(ErrorCode.INVALID_REQUEST, "send the request as application/json")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "the body is no JSON") from None
    try:
        return subject_identifiers.read(body.get("sub_id") if isinstance(body, dict) else None)
    except ValueError as wrong:
        raise OAuthError(ErrorCode.INVALID_REQUEST, str(wrong)) from None


def _actor(caller: CredentialCaller) -> Actor:
    """Return how the audit trail names whoever did it: `check_caller` has let in no others."""
    return Actor("application", caller.token.client_id) if isinstance(caller, MachineCaller) else system_key.ACTOR
