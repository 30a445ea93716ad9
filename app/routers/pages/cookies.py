"""The cookies: who the browser is, and who is signed in on it (standards SE-1, SE-2, SE-6, SE-7).

`assent_browser` is random and known to nobody else; forms and interactions are bound to it, also before anybody has
signed in. `assent_session` is the credential of the present session, `assent_accounts` those of the other people who
are signed in on the browser; the server keeps their digests. All go away with the browser's own session.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.crypto.hashing import Digest, digest
from app.crypto.secrets import SECRET_BYTES, random_bytes
from app.pipeline import session_states
from app.pipeline.server import server_of
from app.protocol import session_state
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential

BROWSER = "assent_browser"
SESSION = "assent_session"
ACCOUNTS = "assent_accounts"
STATE = "assent_state"
"""For scripts of ours in frames of others (LS-2): the one cookie that they read, and that goes along everywhere."""

MOST_OTHERS = 5
"""Sessions that a browser holds besides the present one."""

_BETWEEN = "."
"""Stands between credentials, whose alphabet does not have it."""


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


def others_in(request: Request) -> tuple[Credential, ...]:
    """Return the credentials of the other sessions that the browser sent, the latest used first.

    Those that this server cannot have made are not among them, nor is the present one, nor one sent twice.
    """
    present = session_of(request)
    found: dict[UUID, Credential] = {}
    for text in _sent(request, ACCOUNTS).split(_BETWEEN, MOST_OTHERS)[:MOST_OTHERS]:
        credential = parse_credential(Prefix.SESSION, text)
        if credential is not None and (present is None or credential.id != present.id):
            found.setdefault(credential.id, credential)
    return tuple(found.values())


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
    tell_state(request, response, session.id)


def take_session(request: Request, response: Response) -> None:
    """Clear the session cookie. The other accounts of the browser stay."""
    _set(request, response, SESSION, "", max_age=0)
    tell_state(request, response, None)


def tell_state(request: Request, response: Response, session: UUID | None) -> None:
    """Set the cookie by which applications learn of a change to what this session makes of it, None: nobody is signed
    in. It holds nothing about anybody (LS-2), and is left alone while nothing has changed (LS-3)."""
    server = server_of(request)
    if not session_state.is_offered(server.features):
        return
    state = session_states.browser_state_of(server, session)
    if state != _sent(request, STATE):
        response.set_cookie(
            cookie_name(STATE, https=server.https),
            state,
            max_age=None if state else 0,
            path="/",
            secure=True,  # browsers let it pass in frames of other sites only so (SE-1)
            httponly=False,
            samesite="none",
        )


def give_others(request: Request, response: Response, others: Iterable[Credential]) -> None:
    """Set the cookie of the other accounts; without any it is cleared, if the browser has it."""
    kept = [format_credential(Prefix.SESSION, credential) for credential in others][:MOST_OTHERS]
    if kept:
        _set(request, response, ACCOUNTS, _BETWEEN.join(kept))
    elif _sent(request, ACCOUNTS):
        _set(request, response, ACCOUNTS, "", max_age=0)


def drop(request: Request, response: Response, session_ids: Container[UUID]) -> None:
    """Take sessions that are over away from the browser, the present one or others; all the rest stays."""
    present = session_of(request)
    if present is not None and present.id in session_ids:
        take_session(request, response)
    others = others_in(request)
    kept = [credential for credential in others if credential.id not in session_ids]
    if len(kept) < len(others):
        give_others(request, response, kept)


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
