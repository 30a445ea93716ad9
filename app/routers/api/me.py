"""GET /api/v1/me: the person that a token speaks for."""

from typing import Any

from app.pipeline import guard
from app.pipeline.http import Request, Response, json_response
from app.pipeline.server import Server
from app.protocol.authorization_header import Challenged
from app.protocol.callers import PersonalCaller, TokenCaller
from app.protocol.errors import ErrorCode
from app.routers.api.hot import BY_CREDENTIAL, caller_of, described
from app.routers.api.problems import Kind

OPERATION: dict[str, Any] = {
    "tags": ["api"],
    "operationId": "me",
    "summary": "The person that the token speaks for",
    "description": "For tokens that a person gave. Keys and an application’s own tokens speak for nobody.",
    "security": [*BY_CREDENTIAL],
    "responses": {
        "200": {
            "description": "Who it is.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Me"}}},
        },
        **described(Kind.NOT_SIGNED_IN, Kind.INVALID_CREDENTIAL, Kind.INSUFFICIENT_SCOPE, Kind.ORIGIN_NOT_ALLOWED),
    },
}


async def me(server: Server, request: Request) -> Response:
    """Subject and username of the token's user, with the token's application, scopes and expiry (UTC seconds).

    A personal token has no application, and no expiry when it never ends. Keys speak for nobody, and neither do
    tokens that an application got for itself. An application that knows people by names of its own gets no username.
    """
    caller = await caller_of(server, request)
    if caller is None:
        raise guard.nobody()
    if not isinstance(caller, TokenCaller | PersonalCaller):
        raise Challenged(ErrorCode.INSUFFICIENT_SCOPE, "it speaks for no person; use a token that a person gave")
    ends = caller.token.expires_at
    username = caller.token.told_username if isinstance(caller, TokenCaller) else caller.token.username
    return json_response(
        {
            "sub": caller.token.subject,
            "username": username,
            "client_id": caller.token.client_id if isinstance(caller, TokenCaller) else None,
            "scopes": caller.scopes,
            "exp": None if ends is None else int(ends.timestamp()),
        }
    )
