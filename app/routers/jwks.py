"""GET /oauth/jwks (RFC 7517 §5): the public keys by which everybody can check what this server has signed."""

from typing import Any

from app.pipeline.http import Request, Response
from app.pipeline.server import Server
from app.routers.published import answer

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
    """The key set (JW-1, HD-7), as long as the rotation lets others keep it."""
    published, seconds = server.keyring.published(server.clock()), server.keyring.cache_seconds()
    return answer(request, published, media_type=MEDIA_TYPE.encode(), seconds=seconds)
