"""GET /api/v1/: anyone may ask which server this is and who he is to it (original behaviour §2.10)."""

from typing import Any

from app import __version__
from app.pipeline.http import Request, Response, json_response
from app.pipeline.server import Server
from app.protocol.callers import KeyCaller, MachineCaller, PersonalCaller, SystemCaller, TokenCaller
from app.protocol.origins import origin_of
from app.routers.api.hot import BY_CREDENTIAL, caller_of, described
from app.routers.api.problems import Kind
from app.routers.pages import cookies
from app.services import sessions

Content = dict[str, object]

OPERATION: dict[str, Any] = {
    "tags": ["api"],
    "operationId": "index",
    "summary": "Which server this is, and who you are to it",
    "description": "For everybody. With a session: its person. With a token or key: what it is and what it allows.",
    "security": [{}, *BY_CREDENTIAL, {"session": []}],
    "responses": {
        "200": {
            "description": "Version, issuer, user and credential.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Index"}}},
        },
        **described(Kind.INVALID_CREDENTIAL, Kind.ORIGIN_NOT_ALLOWED),
    },
}


async def index(server: Server, request: Request) -> Response:
    """Version and issuer; the person, if there is one; and for tokens and keys what they are and what they allow."""
    caller = await caller_of(server, request)
    user: Content | None
    auth: Content | None
    match caller:
        case None:
            user, auth = await _signed_in(server, request), None
        case TokenCaller(token=token, scopes=held):
            user = _person(token.subject, token.told_username)
            auth = {"kind": "access_token", "client_id": token.client_id, "scopes": held}
        case MachineCaller(token=token, scopes=held):
            user, auth = None, {"kind": "access_token", "client_id": token.client_id, "scopes": held}
        case PersonalCaller(token=token, scopes=held):
            user = _person(token.subject, token.username)
            auth = {"kind": "personal_token", "name": token.name, "scopes": held}
        case KeyCaller(key=key, scopes=held):
            user = None
            auth = {"kind": "api_key", "organization": key.organization_slug, "label": key.label, "scopes": held}
        case SystemCaller(scopes=held):
            user, auth = None, {"kind": "system_key", "scopes": held}
    return json_response({"version": __version__, "issuer": server.issuer, "user": user, "auth": auth})


async def _signed_in(server: Server, request: Request) -> Content | None:
    """Return the person of the session; the cookie counts in requests of our own origin alone, as everywhere."""
    site, origin = request.header(b"sec-fetch-site"), request.header(b"origin")
    if site not in (None, "same-origin") or origin not in (None, origin_of(server.issuer)):
        return None
    credential = cookies.session_in(request.header(b"cookie") or "", https=server.https)
    session = await sessions.find(server.database, credential, server.clock())
    return None if session is None else _person(session.subject, session.username)


def _person(subject: str, username: str | None) -> Content:
    """`username` is None for an application that knows people by names of its own (ID-7)."""
    return {"sub": subject, "username": username}
