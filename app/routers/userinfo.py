"""GET and POST /oauth/userinfo (OpenID Connect Core §5.3): what an application may know about who has signed in.

One round trip, no write: as often as it is asked, nothing is told to the audit trail.
"""

from typing import Any

from app.pipeline import userinfo as pipeline
from app.pipeline.guard import check_key
from app.pipeline.http import FORM, NO_STORE, Refused, Request, Response, error_response, is_form, json_response
from app.pipeline.server import Server
from app.protocol import params, step_up, userinfo
from app.protocol.authorization_header import Challenged, Credentials
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import TokenFact
from app.protocol.userinfo import IN_BODY, LoginFact
from app.protocol.validity import Fault

_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["sub"],
    "properties": {"sub": {"type": "string"}},
    "additionalProperties": True,
}
_RESPONSES: dict[str, Any] = {
    "200": {
        "description": "`sub`, and the claims that the token’s scopes stand for; a JWT for applications that "
        "registered `userinfo_signed_response_alg` or `userinfo_encrypted_response_alg`.",
        "content": {
            "application/json": {
                "schema": _ANSWER,
                "example": {"sub": "8d1f5a6c", "name": "Ada Lovelace", "email": "ada@example.com"},
            },
            userinfo.MEDIA_TYPE: {"schema": {"type": "string"}},
        },
    },
    "400": {"description": "The token was sent twice, or in a way that does not count here."},
    "401": {"description": "No token, one that does not count here, or one whose person has to sign in again."},
    "403": {"description": "A token without the scope `openid`."},
}
_OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "summary": "Learn who has signed in",
    "description": "OpenID Connect Core §5.3. With an access token that was asked for with the scope `openid`, either "
    "without a `resource` or with this address as one.",
    "security": [{"oauth": []}, {"bearer": []}],
    "responses": _RESPONSES,
}
OPERATIONS: dict[str, dict[str, Any]] = {
    "get": {**_OPERATION, "operationId": "userinfo"},
    "post": {
        **_OPERATION,
        "operationId": "userinfo_by_post",
        "security": [*_OPERATION["security"], {}],
        "requestBody": {
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "properties": {IN_BODY: {"type": "string", "description": "The token, if it is in no header."}},
                    }
                }
            }
        },
    },
}


async def answer_userinfo(server: Server, request: Request) -> Response:
    """parse → gather (the token and all behind it in one trip) → judge → describe → respond.

    A token that is bound to a key counts with that key alone (UI-8); that its proof is new is one trip more.
    """
    shown = _presented(request)
    digest, found = await pipeline.find(server, shown.text)
    fact = None if found is None else found.token
    scopes = userinfo.judge(digest, fact, server.issuer, server.clock())
    if found is None or isinstance(scopes, Fault):
        raise pipeline.invalid(scopes if isinstance(scopes, Fault) else Fault.UNKNOWN, shown.scheme)
    request.names_client(found.token.client_id)
    userinfo.require_header(found.policy, in_body=request.header(b"authorization") is None)
    if found.token.binding or shown.by_proof:
        await check_key(server, request, shown, found.token.binding)
    token = userinfo.require_login(found.token, scopes)
    _require_sign_in(server, found, token, scopes, shown)
    return await pipeline.render(server, found, token, userinfo.answer(found, token, scopes, server.claims))


def _require_sign_in(
    server: Server, found: LoginFact, token: TokenFact, scopes: tuple[str, ...], shown: Credentials
) -> None:
    """Raise `Challenged` where what would be told needs another sign-in, or a recent one (RFC 9470 §3)."""
    telling = userinfo.telling(found, token, scopes, server.claims, server.scopes)
    if waiting := step_up.waiting(token, telling, server.scopes, server.policy.assurance, server.clock()):
        raise step_up.challenge(waiting[0], server.scopes, server.policy.assurance, shown.scheme)


def refusal(error: OAuthError, around: Refused) -> Response:
    """Return a refusal with its challenge; without credentials the challenge is all there is (UI-2, BR-3)."""
    if not isinstance(error, Challenged):
        return error_response(error, around)
    told = error.challenge_for(around.issuer, around.own_documents.userinfo)
    challenge = (b"www-authenticate", told.encode("latin-1"))
    if error.bare:
        return Response(error.code.status, b"", (NO_STORE, challenge))
    proof = error.code in (ErrorCode.INVALID_DPOP_PROOF, ErrorCode.USE_DPOP_NONCE)
    return json_response(
        {"error": error.code.wire, "error_description": error.description},
        status=ErrorCode.INVALID_TOKEN.status if proof else around.status,
        headers=(challenge,),
    )


def _presented(request: Request) -> Credentials:
    in_body = None
    if request.body and is_form(request.header(b"content-type")):
        form = params.parse_form(request.body)
        form.require_unique()
        in_body = form.get(IN_BODY)
    in_url = any(name == IN_BODY for name, _ in params.decode_pairs(request.query))
    return userinfo.presented(request.header(b"authorization"), in_body, in_url=in_url)
