"""GET /.well-known/oauth-authorization-server (RFC 8414): the computed truth about this server."""

import orjson

from app.pipeline.http import JSON, NOSNIFF, Request, Response
from app.pipeline.server import Server
from app.protocol import metadata

CACHE = (b"cache-control", b"public, max-age=300")


async def authorization_server_metadata(server: Server, request: Request) -> Response:
    """The metadata document, for clients on any origin."""
    document = metadata.document(
        server.issuer,
        server.features,
        server.scopes,
        signing=server.keyring.plan.algorithms,
        mtls_url=server.mtls.url,
    )
    return Response(200, orjson.dumps(document), (JSON, CACHE, NOSNIFF))
