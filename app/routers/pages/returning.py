"""The way back after signing in: a reference to one of our own pages that only this server makes (standards SE-11).

The reference is the sealed path. It opens for the very browser that it was made for, so that nobody can hand out links
that lead others somewhere after they signed in; and as it cannot be read, no log keeps the invitation that a path may
hold. One that does not open is as good as none.
"""

from urllib.parse import quote, urlencode

from starlette.requests import Request

from app.pipeline.server import server_of
from app.routers.pages import sealed_references
from app.routers.pages.cookies import browser_of

DESK = "/account"
"""Where signing in leads when nothing else was asked for."""

_PURPOSE = "way-back"
_MAX_PATH = 1000
"""Longer paths belong to no page of ours."""


def sign_in_path(reference: str = "", *, again: bool = False) -> str:
    """Return the path of the sign-in page; `again` asks a person who is signed in to confirm that it is he."""
    fields = {"again": "1"} if again else {}
    fields |= {"to": reference} if reference else {}
    return f"/login?{urlencode(fields)}" if fields else "/login"


def asked_path(request: Request) -> str:
    """Return the path of the page that was asked for, as it is written in a URL, without a query."""
    return quote(request.scope["path"])


def reference_to(request: Request, path: str) -> str:
    """Return the reference to a path of ours for the browser that sends the request; empty for the desk.

    The browser may be a new one: the answer gives it the cookie that the reference belongs to.
    """
    if path == DESK or len(path) > _MAX_PATH or not _is_ours(path):
        return ""
    return sealed_references.make(server_of(request), _PURPOSE, path.encode("utf-8"), browser_of(request).secret)


def path_behind(request: Request, reference: str) -> str | None:
    """Return the path that a reference of this browser's stands for; None for any other text."""
    secret = browser_of(request).secret
    path = sealed_references.read(server_of(request), _PURPOSE, reference, secret, longest=2 * _MAX_PATH)
    return None if path is None else path.decode("utf-8")


def _is_ours(path: str) -> bool:
    """Tell whether a browser reads the text as a path of this very server: `//host` and `/\\host` lead elsewhere."""
    return path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and path.isascii()
