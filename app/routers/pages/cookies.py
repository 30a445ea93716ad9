"""The two cookies: who the browser is, and who is signed in on it (standards SE-1, SE-2, SE-6, SE-7).

`assent_browser` is random and known to nobody else; forms and interactions are bound to it, also before anybody has
signed in. `assent_session` is a credential; the server keeps its digest. Both go away with the browser's own session.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from app.crypto.hashing import Digest, digest
from app.crypto.secrets import SECRET_BYTES, random_bytes
from app.pipeline.server import server_of
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential

BROWSER = "assent_browser"
SESSION = "assent_session"


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser. `known` tells that it sent the cookie itself; a new one must be given it with the answer."""

    secret: bytes = field(repr=False)
    known: bool

    @property
    def digest(self) -> Digest:
        """What an interaction keeps of it."""
        return digest(self.secret)


def cookie_name(name: str, *, https: bool) -> str:
    """Return the name as sent: on https `__Host-` keeps subdomains and plain http from planting it."""
    return f"__Host-{name}" if https else name


def browser_of(request: Request) -> Browser:
    """Return the browser that sent the request, or a new one: the same for the whole request."""
    known = getattr(request.state, "browser", None)
    if isinstance(known, Browser):
        return known
    sent = _read_browser(_sent(request, BROWSER))
    browser = Browser(sent, known=True) if sent is not None else Browser(random_bytes(), known=False)
    request.state.browser = browser
    return browser


def session_of(request: Request) -> Credential | None:
    """Return the session credential that the browser sent; None when there is none that this server can have made."""
    return parse_credential(Prefix.SESSION, _sent(request, SESSION))


def session_in(cookies: str, *, https: bool) -> Credential | None:
    """Return the session credential in the value of a Cookie header; None as `session_of`."""
    return parse_credential(Prefix.SESSION, _value((cookies,), cookie_name(SESSION, https=https)))


def give_browser(request: Request, response: Response) -> None:
    """Set the browser cookie on the answer when the browser has none yet."""
    browser = browser_of(request)
    if not browser.known:
        _set(request, response, BROWSER, urlsafe_b64encode(browser.secret).rstrip(b"=").decode("ascii"))


def give_session(request: Request, response: Response, session: Credential) -> None:
    """Set the session cookie."""
    _set(request, response, SESSION, format_credential(Prefix.SESSION, session))


def take_session(request: Request, response: Response) -> None:
    """Clear the session cookie."""
    _set(request, response, SESSION, "", max_age=0)


def _sent(request: Request, name: str) -> str:
    wanted = cookie_name(name, https=server_of(request).https)
    return _value(request.headers.getlist("cookie"), wanted)


def _value(headers: Iterable[str], wanted: str) -> str:
    """Return the value of a cookie, empty when there is none or more than one: then somebody has planted the other.

    Names are compared byte by byte. Starlette trims them as Python does, and a name that begins with U+00A0, which
    browsers let any subdomain set, would pass for a `__Host-` one.
    """
    pairs = (pair.strip(" \t").partition("=") for sent in headers for pair in sent.split(";"))
    values = [value for found, _, value in pairs if found == wanted]
    return values[0] if len(values) == 1 else ""


def _set(request: Request, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    https = server_of(request).https
    response.set_cookie(
        cookie_name(name, https=https), value, max_age=max_age, path="/", secure=https, httponly=True, samesite="lax"
    )


def _read_browser(text: str) -> bytes | None:
    if len(text) != 43 or not text.isascii():
        return None
    try:
        secret = urlsafe_b64decode(text + "=")
    except Base64Error:
        return None
    return secret if len(secret) == SECRET_BYTES else None
