"""The one guard of every form a page POSTs (architecture §6 Pages; standards SE-6, SE-7).

A form counts only when the browser says that it came from our own origin, or says nothing, and when it carries the
token of the very browser that the page was made for: an HMAC of that browser's cookie, which no other site can read.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request

from app.crypto.derivation import derive_key
from app.crypto.hashing import keyed, matches
from app.pipeline.server import Server, server_of
from app.protocol.errors import OAuthError
from app.protocol.origins import origin_of
from app.protocol.params import decode_pairs
from app.routers.pages.answers import PageRefused, reference
from app.routers.pages.bodies import BodyRefused, form_body
from app.routers.pages.cookies import Browser, browser_of
from app.views.pages.consent import Fact
from app.views.pages.error import ErrorPage

TOKEN_FIELD = "csrf"
_REPEATABLE = frozenset({"scope"})


@dataclass(frozen=True, slots=True)
class Form:
    """An accepted form. Fields can hold passwords, hence no repr. An absent field reads as empty."""

    fields: Mapping[str, tuple[str, ...]] = field(repr=False)

    def get(self, name: str) -> str:
        """Return the value of a field that comes once."""
        return self.fields.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field that may come several times, in order."""
        return self.fields.get(name, ())


def csrf_token(request: Request) -> str:
    """Return the token to put into the forms of a page that answers this request."""
    server = server_of(request)
    return _token(server.keys.by_version[server.keys.current], browser_of(request))


def is_token_of(request: Request, sent: str) -> bool:
    """Tell whether a token was made for the browser that sends the request, with any key that still counts."""
    browser, keys = browser_of(request), server_of(request).keys.by_version.values()
    return any(matches(sent.encode("utf-8"), _token(key, browser).encode("ascii")) for key in keys)


async def read_form(request: Request) -> Form:
    """Return the form of a POST, or raise `PageRefused`.

    403 when it comes from elsewhere or lacks the token, 413 above 1 MB, 400 when it is not a well-formed
    urlencoded form with each field once (`scope` may repeat).
    """
    server = server_of(request)
    _require_own_origin(request, server)
    fields = await _read_fields(request)
    browser = browser_of(request)
    if not browser.known:
        host = urlsplit(server.issuer).hostname or ""
        raise PageRefused(replace(ErrorPage.cookie_missing(reference(request), host=host), code=403))
    if not is_token_of(request, fields.get(TOKEN_FIELD, ("",))[0]):
        raise _refused(request, 403, "the form has no token, or one that was made for another browser")
    return Form(fields)


def _require_own_origin(request: Request, server: Server) -> None:
    if any(site not in ("same-origin", "none") for site in request.headers.getlist("sec-fetch-site")):
        raise _refused(request, 403, "the browser says that another site sent the form (Sec-Fetch-Site)")
    if any(origin != origin_of(server.issuer) for origin in request.headers.getlist("origin")):
        raise _refused(request, 403, "the browser says that the form came from another origin (Origin)")


async def _read_fields(request: Request) -> Mapping[str, tuple[str, ...]]:
    try:
        pairs = decode_pairs(await form_body(request))
    except BodyRefused as refused:
        raise _refused(request, refused.status, str(refused)) from None
    except OAuthError as malformed:
        raise _refused(request, 400, malformed.description) from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if name in fields and name not in _REPEATABLE:
            raise _refused(request, 400, f"the field {name[:60]} was sent more than once")
        fields[name] = (*fields.get(name, ()), value)
    return fields


def _refused(request: Request, code: int, description: str) -> PageRefused:
    page = ErrorPage.form_refused(reference(request))
    return PageRefused(replace(page, code=code, facts=(Fact("Error", description),)))


def _token(server_key: bytes, browser: Browser) -> str:
    return urlsafe_b64encode(keyed(_form_key(server_key), browser.secret)).rstrip(b"=").decode("ascii")


@lru_cache(maxsize=16)
def _form_key(server_key: bytes) -> bytes:
    return derive_key(server_key, "form")
