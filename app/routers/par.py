"""POST /oauth/par (RFC 9126): a client sends its authorization request ahead, and gets a reference for the browser."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from app.pipeline import client_documents, pushed, request_objects
from app.pipeline.client import authenticate, identify
from app.pipeline.http import FORM, JSON, NOSNIFF, NOT_KEPT, Request, Response
from app.pipeline.pushed import Pushing
from app.pipeline.request_objects import Opened
from app.pipeline.sender import sender_of
from app.pipeline.server import Server
from app.pipeline.traced import traced
from app.protocol.authorize import pushed as rules
from app.protocol.authorize.decide import Known
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters
from app.routers.error_answers import error_answers

PATH = "/oauth/par"

OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "operationId": "push_authorization_request",
    "summary": "Send an authorization request ahead",
    "description": "RFC 9126. Takes every parameter of the authorization endpoint, or a request object with them. "
    "Send the browser to that endpoint with `client_id` and the `request_uri` of the answer; nothing else counts. "
    "Client authentication as registered.",
    "security": [{"client": []}, {}],
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "client_id": {
                            "type": "string",
                            "description": "Always; only a request object has it inside.",
                        },
                        "request": {
                            "type": "string",
                            "description": "All of it as a signed request object (RFC 9101).",
                        },
                        "dpop_jkt": {
                            "type": "string",
                            "description": "The key that the code is bound to, unless a proof (`DPoP`) tells.",
                        },
                    },
                    "additionalProperties": {"type": "string"},
                }
            }
        },
    },
    "responses": {
        "201": {
            "description": "The reference to the request.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["request_uri", "expires_in"],
                        "properties": {
                            "request_uri": {"type": "string", "description": "For this application, and for one use."},
                            "expires_in": {"type": "integer", "description": "Seconds until the browser has to come."},
                        },
                    },
                    "example": {"request_uri": f"{rules.REQUEST_URI}aspr_…", "expires_in": 90},
                }
            },
        },
        **error_answers(
            status_400=(
                "`invalid_request`, and those of the authorization endpoint that need no person; "
                "`invalid_dpop_proof`; `use_dpop_nonce`"
            ),
            status_401="`invalid_client`",
            status_429="`temporarily_unavailable`",
            status_503="`temporarily_unavailable`",
        ),
    },
}
"""Its entry in the OpenAPI document."""

ATTEMPTS = 3
"""An application that has changed since it was read is read again; more changes mean trouble."""


async def push(server: Server, request: Request) -> Response:
    """parse → gather → authenticate → decide → settle → respond (PAR-1, PAR-2).

    Its errors are those of the token endpoint in form, and of the authorization endpoint in code (PAR-5).
    """
    params = request.form()
    presented = await identify(server, request, params)
    now = server.clock()
    sender = await sender_of(server, request)
    opened: Opened | None = None
    for _ in range(ATTEMPTS):
        row = await server.database.hot.find_client(presented.client_id)
        row = await client_documents.asking(server, presented.client_id, row, now, request.address)
        pushing = Pushing(await authenticate(server, presented, row), sender, request.address)
        known, opened = await _judge(server, request, pushing, params, opened, now)
        request_uri = await pushed.keep(server, pushing, known)
        if request_uri is not None:
            return _respond(server, request_uri)
        sender, presented = replace(sender, proof=None), replace(presented, noted=True)  # both are noted by now
    raise OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "the application is being changed; try again")


async def _judge(
    server: Server, request: Request, pushing: Pushing, params: Parameters, opened: Opened | None, now: datetime
) -> tuple[Known, Opened]:
    """Judge what is pushed, and leave a trace. A request object is opened once: it may count only once."""
    client = pushing.client
    with traced(server, request, client, at="par", outcome="pushed", section="RFC 9126 §2.1") as trace:
        if opened is None:
            rules.check_form(params)
            opened = await request_objects.opened(server, client, params, now, at="par")
        return await pushed.judge(server, pushing, opened, now, trace), opened


def _respond(server: Server, request_uri: str) -> Response:
    """PAR-7: 201, and nothing may keep it. PAR-9: it does not live long."""
    expires_in = int(server.policy.lifetimes.pushed_request.total_seconds())
    content = orjson.dumps({"request_uri": request_uri, "expires_in": expires_in})
    return Response(201, content, (JSON, NOT_KEPT, NOSNIFF))
