"""GET /oauth/jwks (RFC 7517 §5): the public keys by which everybody can check what this server has signed."""

from typing import Any

from app.pipeline.http import NOSNIFF, Request, Response
from app.pipeline.server import Server

MEDIA_TYPE = "application/jwk-set+json"
OPERATION: dict[str, Any] = {
    "tags": ["protocol"],
    "operationId": "jwks",
    "summary": "The server’s public keys",
    "description": "RFC 7517: the keys by which everybody can check the signature of a JWT of this server. Keep the "
    "answer for as long as it says, and ask again for a `kid` that is not in it.",
    "responses": {
        "200": {
            "description": "The keys: those that sign, the next ones, and those whose tokens still count.",
            "content": {
                MEDIA_TYPE: {
                    "schema": {
                        "type": "object",
                        "required": ["keys"],
                        "properties": {
                            "keys": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["kty", "kid", "alg", "use"],
                                    "properties": {
                                        name: {"type": "string"}
                                        for name in ("kty", "kid", "alg", "use", "crv", "x", "y", "n", "e")
                                    },
                                },
                            }
                        },
                    }
                }
            },
        },
        "304": {"description": "They are those whose `ETag` was sent in `If-None-Match`."},
    },
}


async def jwks(server: Server, request: Request) -> Response:
    """The key set, for every website and every cache (JW-1); not again for whoever has it (RFC 9110 §13.1.2)."""
    published = server.keyring.published(server.clock())
    seconds = int(server.keyring.plan.cache.total_seconds())
    headers = (
        (b"cache-control", f"public, max-age={seconds}".encode()),
        (b"vary", b"Origin"),  # an answer to a program has no word about websites, and must not be kept for one
        (b"etag", published.etag),
        NOSNIFF,
    )
    known = request.headers.get(b"if-none-match", b"")
    if known == b"*" or published.etag in (tag.strip().removeprefix(b"W/") for tag in known.split(b",")):
        return Response(304, b"", headers)
    return Response(200, published.body, ((b"content-type", MEDIA_TYPE.encode()), *headers))
