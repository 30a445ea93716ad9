"""GET /.well-known/oauth-authorization-server (RFC 8414) and /.well-known/openid-configuration (OpenID Connect
Discovery): the computed truth about this server, one document for both (MD-8)."""

from typing import Any

from app.pipeline.http import JSON, Request, Response
from app.pipeline.server import Server
from app.routers.published import answer

SECONDS = 300
"""How long others may keep it."""

_OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "responses": {
        "200": {
            "description": "The metadata.",
            "content": {"application/json": {"schema": {"type": "object", "required": ["issuer"]}}},
        },
        "304": {"description": "They are those whose `ETag` was sent in `If-None-Match`."},
    },
}
OPERATION: dict[str, Any] = {
    **_OPERATION,
    "operationId": "metadata",
    "summary": "Authorization server metadata",
    "description": "RFC 8414: where the endpoints are and what they support.",
}
OPENID_OPERATION: dict[str, Any] = {
    **_OPERATION,
    "operationId": "openid_configuration",
    "summary": "OpenID provider metadata",
    "description": "OpenID Connect Discovery 1.0: the same document, where clients of OpenID Connect look for it.",
}


async def metadata_document(server: Server, request: Request) -> Response:
    """The document, for clients on any origin; it is made when the server starts."""
    return answer(request, server.discovery, media_type=JSON[1], seconds=SECONDS)
