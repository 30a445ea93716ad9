"""Everything below /.well-known: `oauth-authorization-server` (RFC 8414) and `openid-configuration` (OpenID Connect
Discovery), the computed truth about this server, one document for both (MD-8); `oauth-protected-resource` (RFC 9728)
for the APIs that stand here; and for whatever else clients try a 404 that they can read (MD-3, MB-2)."""

from typing import Any

from app.pipeline.http import JSON, Request, Response, json_response
from app.pipeline.published import publish
from app.pipeline.server import Server
from app.protocol import resource_metadata
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
RESOURCE_OPERATION: dict[str, Any] = {
    **_OPERATION,
    "responses": {
        "200": {
            "description": "The metadata.",
            "content": {"application/json": {"schema": {"type": "object", "required": ["resource"]}}},
        },
        "304": _OPERATION["responses"]["304"],
    },
    "summary": "Protected resource metadata",
    "description": "RFC 9728: which server has tokens for this API, and how it takes them.",
}


async def metadata_document(server: Server, request: Request) -> Response:
    """The document, for clients on any origin; it is made when the server starts."""
    return answer(request, server.discovery, media_type=JSON[1], seconds=SECONDS)


async def resource_document(server: Server, request: Request) -> Response:
    """The document of a resource that stands on this origin: an API of our own, or one that a proxy has put beside it
    (PR-1, HD-2); 404 for every other path."""
    known = server.resources.current
    query = request.query.decode("latin-1")
    for identifier in resource_metadata.identifiers_at(server.issuer, request.path, query):
        if (resource := known.get(identifier)) is not None:
            members = resource_metadata.document(resource, server.issuer, server.features, server.scopes)
            return answer(request, publish(members), media_type=JSON[1], seconds=SECONDS)
    return await nothing(server, request)


async def nothing(server: Server, request: Request) -> Response:
    """404 in JSON: clients that look for a document try the next address, and a page would be no answer to them."""
    content = {"error": "not_found", "error_description": "no document of this name is published here"}
    return json_response(content, status=404)
