"""Where something is that a POST has made (RFC 9110 §15.3.2): below the address that it was sent to."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.pages.returning import asked_path

LOCATION = {"Location": {"description": "Where it can be read.", "schema": {"type": "string"}}}
"""How the API document describes the header."""


def tell_location(request: Request, response: Response, name: UUID | str) -> None:
    """Tell where the thing with this name, the last part of its path, is."""
    response.headers["Location"] = f"{server_of(request).issuer}{asked_path(request)}/{name}"
