"""GET /logos/…: the logo of an application, from here (CI-12).

The address says sealed which one it is, and for how long: nobody can have anything else fetched through us.
"""

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol import logos as rules
from app.protocol.facts import ClientFact
from app.protocol.redirect_uri import MAX_LENGTH
from app.routers.pages import sealed_references
from app.routers.pages.answers import PageRefused, reference
from app.views.pages.error import ErrorPage

router = APIRouter(include_in_schema=False)

PREFIX = "/logos/"

WAIT_SECONDS = 0.7
"""How long a page waits for a logo that this worker does not know yet; it shows letters instead."""

_SHOWN = timedelta(hours=1)
_PURPOSE, _ANYBODY = "logo", b"whoever was shown the page"
_MOMENT_BYTES = 5
_LONGEST = 2 * MAX_LENGTH

_HEADERS = {
    "Cache-Control": f"private, max-age={int(_SHOWN.total_seconds())}",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


async def address_of(server: Server, client: ClientFact) -> str:
    """Return where a page that is shown now finds the logo of an application; empty when it shows none."""
    uri = rules.logo_of(client)
    if not uri or await server.logos.get(uri, within=WAIT_SECONDS) is None:
        return ""
    until = int((server.clock() + _SHOWN).timestamp()).to_bytes(_MOMENT_BYTES)
    return PREFIX + sealed_references.make(server, _PURPOSE, until + uri.encode("ascii"), _ANYBODY)


@router.get(PREFIX + "{sealed}")
async def logo(request: Request, sealed: str) -> Response:
    """Return the picture that an address of ours stands for."""
    server = server_of(request)
    content = sealed_references.read(server, _PURPOSE, sealed, _ANYBODY, longest=_LONGEST)
    if content is None or int.from_bytes(content[:_MOMENT_BYTES]) < server.clock().timestamp():
        raise PageRefused(ErrorPage.not_found(reference(request)))
    picture = await server.logos.get(content[_MOMENT_BYTES:].decode("ascii"))
    if picture is None:
        raise PageRefused(ErrorPage.not_found(reference(request)))
    return Response(picture.body, media_type=picture.media_type, headers=_HEADERS)
