"""The way back after signing in: a reference to one of our own pages that only this server makes (standards SE-11).

The reference is the sealed path. It opens for the very browser that it was made for, so that nobody can hand out links
that lead others somewhere after they signed in; and as it cannot be read, no log keeps the invitation that a path may
hold. One that does not open is as good as none.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from urllib.parse import quote, urlencode

from starlette.requests import Request

from app.crypto.derivation import derive_key
from app.crypto.sealing import seal, unseal
from app.pipeline.server import server_of
from app.routers.pages.cookies import browser_of

DESK = "/account"
"""Where signing in leads when nothing else was asked for."""

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
    server = server_of(request)
    key = _key(server.keys.by_version[server.keys.current])
    sealed = seal(key, path.encode("utf-8"), browser_of(request).secret)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def path_behind(request: Request, reference: str) -> str | None:
    """Return the path that a reference of this browser's stands for; None for any other text."""
    sealed = _decoded(reference)
    if sealed is None:
        return None
    browser = browser_of(request)
    for server_key in server_of(request).keys.by_version.values():
        path = unseal(_key(server_key), sealed, browser.secret)
        if path is not None:
            return path.decode("utf-8")
    return None


def _is_ours(path: str) -> bool:
    """Tell whether a browser reads the text as a path of this very server: `//host` and `/\\host` lead elsewhere."""
    return path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and path.isascii()


def _decoded(reference: str) -> bytes | None:
    if not 0 < len(reference) <= 2 * _MAX_PATH or not reference.isascii():
        return None
    try:
        return urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    except ValueError:  # what base64 raises is one
        return None


@lru_cache(maxsize=16)
def _key(server_key: bytes) -> bytes:
    return derive_key(server_key, "way-back")
