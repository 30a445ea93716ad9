"""GET /api/v1/: anyone may ask which server this is and who he is to it."""

from app import __version__
from app.pipeline.guard import identify
from app.pipeline.http import Request, Response, json_response
from app.pipeline.server import Server


async def index(server: Server, request: Request) -> Response:
    """Version, issuer, and for a caller with a token: its user, its application and its scopes."""
    caller = await identify(server, request)
    content: dict[str, object] = {"version": __version__, "issuer": server.issuer, "user": None, "scopes": []}
    if caller is not None:
        content["user"] = {"sub": caller.token.subject, "username": caller.token.username}
        content["client_id"] = caller.token.client_id
        content["scopes"] = list(caller.scopes)
    return json_response(content)
