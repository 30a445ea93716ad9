"""GET and DELETE /oauth/grants/{grant_id} (Grant Management draft -03 §6): what an application's own grant holds, and
its end."""

from typing import Any
from uuid import UUID

import orjson

from app.pipeline import guard
from app.pipeline.http import JSON, NOSNIFF, NOT_KEPT, Request, Response
from app.pipeline.server import Server
from app.protocol import grant_management as rules
from app.protocol import redirect_uri
from app.protocol.callers import MachineCaller
from app.protocol.errors import ErrorCode, OAuthError
from app.services import connections
from app.services.connections import Connection
from app.services.occasion import Occasion
from app.store import records
from app.store.orders import Actor

DONE = Response(204, b"", (NOT_KEPT,))

_GRANT_ID: dict[str, Any] = {
    "name": "grant_id",
    "in": "path",
    "required": True,
    "description": "What the token endpoint answered to a request with `grant_management_action`.",
    "schema": {"type": "string", "format": "uuid"},
}
_REFUSED: dict[str, Any] = {
    "401": {"description": "No token, or one that does not count here."},
    "404": {"description": "The application has no such grant."},
    "503": {"description": "The database does not answer; `Retry-After` says when to try again."},
}
OPERATIONS: dict[str, dict[str, Any]] = {
    "get": {
        "tags": ["protocol"],
        "operationId": "read_grant",
        "summary": "Look at a grant",
        "description": "Grant Management draft -03 §6.4. For the application that has the grant, with a token that it "
        f"got for itself with the scope `{rules.QUERY_SCOPE}`.",
        "security": [{"bearer": []}],
        "parameters": [_GRANT_ID],
        "responses": {
            "200": {
                "description": "What the grant allows.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "scopes": {"type": "array", "items": {"type": "object"}},
                                "claims": {"type": "array", "items": {"type": "string"}},
                                "authorization_details": {"type": "array", "items": {"type": "object"}},
                                "created_at": {"type": "integer"},
                                "last_updated": {"type": "integer"},
                                "last_updated_at": {"type": "integer"},
                                "updated_by": {"type": "string", "enum": ["client", "authorization_server"]},
                            },
                        },
                        "example": {
                            "scopes": [{"scope": "project:read", "resource": ["https://api.example"]}],
                            "claims": ["email"],
                            "created_at": 1772442900,
                            "last_updated": 1779298812,
                            "last_updated_at": 1779298812,
                            "updated_by": "client",
                        },
                    }
                },
            },
            **_REFUSED,
            "403": {"description": f"A token without the scope `{rules.QUERY_SCOPE}`, or one that somebody allowed."},
        },
    },
    "delete": {
        "tags": ["protocol"],
        "operationId": "end_grant",
        "summary": "End a grant",
        "description": "Grant Management draft -03 §6.5: every token of the grant is dead at once. For the application "
        f"that has it, with a token that it got for itself with the scope `{rules.REVOKE_SCOPE}`.",
        "security": [{"bearer": []}],
        "parameters": [_GRANT_ID],
        "responses": {
            "204": {"description": "It is over, with everything that came of it."},
            **_REFUSED,
            "403": {"description": f"A token without the scope `{rules.REVOKE_SCOPE}`, or one that somebody allowed."},
        },
    },
}


async def grant(server: Server, request: Request) -> Response:
    """authenticate → find → carry out → respond (GA-1).

    What is not the application's does not exist (GA-4). While the database is away it is told when to ask again (GA-5).
    """
    if b"authorization" not in request.headers:
        raise guard.nobody()
    identified = await guard.identify(server, request)
    ends = request.method == "DELETE"
    caller = rules.check_caller(identified, rules.REVOKE_SCOPE if ends else rules.QUERY_SCOPE)
    grant_id = rules.read_id(request.path.rpartition("/")[2])
    if grant_id is None:
        raise _unknown()
    return await (_end if ends else _show)(server, request, caller, grant_id)


async def _show(server: Server, request: Request, caller: MachineCaller, grant_id: UUID) -> Response:
    """GA-2: nobody may keep it, for it changes as soon as the person changes his mind."""
    found = await server.database.grants.read(grant_id, caller.token.origin.application_id)
    if found is None:
        raise _unknown()
    return Response(200, orjson.dumps(rules.describe(found)), (JSON, NOT_KEPT, NOSNIFF))


async def _end(server: Server, request: Request, caller: MachineCaller, grant_id: UUID) -> Response:
    """GA-3: one record ends, and with it every refresh and access token, code and family that came of it."""
    record = await records.get(server.database, grant_id)
    if record is None or record.application_id != caller.token.origin.application_id:
        raise _unknown()
    actor = Actor("application", caller.token.client_id, record.application_name)
    ended = await connections.disconnect(
        server.database,
        Connection(record, None),
        Occasion(server.clock(), request.request_id, request.address, actor=actor),
        host=redirect_uri.known_host(record.redirect_uris, vouched=record.vouched_for),
        checked=record.vouched_for,
    )
    if not ended:
        raise _unknown()
    return DONE


def _unknown() -> OAuthError:
    """GA-4: of a grant that is over, never was, or is somebody else's."""
    return OAuthError(ErrorCode.UNKNOWN_GRANT, "the application has no such grant")
