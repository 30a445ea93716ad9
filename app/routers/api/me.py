"""GET /api/v1/me: the person that an access token speaks for."""

from app.pipeline.guard import require
from app.pipeline.http import Request, Response, json_response
from app.pipeline.server import Server


async def me(server: Server, request: Request) -> Response:
    """Subject and username of the token's user, with the token's application, scopes and expiry (UTC seconds)."""
    caller = await require(server, request)
    return json_response(
        {
            "sub": caller.token.subject,
            "username": caller.token.username,
            "client_id": caller.token.client_id,
            "scopes": list(caller.scopes),
            "exp": int(caller.token.expires_at.timestamp()),
        }
    )
