"""Who calls the JSON API for himself: the person of the browser's session, and nobody that another site sent.

A cookie goes along with requests that its owner did not make. Hence it counts only in requests of our own origin, by
the browser's own word, and for changes together with the token that our pages hold (architecture §6 Pages). Credentials
are managed by sessions alone: a token that could manage tokens would outlive every attempt to take it back.
"""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Header, Security
from fastapi.security import APIKeyCookie
from starlette.requests import Request

from app.pipeline import guard
from app.pipeline.server import server_of
from app.protocol.acr import Required
from app.protocol.facts import SessionFact
from app.protocol.origins import origin_of
from app.routers.api.problems import Kind, Refused
from app.routers.pages import cookies, forms
from app.routers.pages.visitor import signed_in

CALLER_PROBLEMS = (Kind.NOT_SIGNED_IN, Kind.SESSION_ONLY, Kind.OTHER_SITE)
"""How a request for reading may be refused before anything is looked at."""

CHANGER_PROBLEMS = (*CALLER_PROBLEMS, Kind.CSRF_TOKEN)
"""How a request for a change may be refused before anything is looked at."""

MAKER_PROBLEMS = (*CHANGER_PROBLEMS, Kind.LOGIN_TOO_OLD)
"""How a request that makes or changes a credential may be refused before anything is looked at."""

SESSION_COOKIE = APIKeyCookie(
    name=cookies.SESSION,
    scheme_name="session",
    description="The cookie of the sign-in page; on https its name begins with `__Host-`. Same-origin requests only.",
    auto_error=False,
)


async def require_reader(request: Request, _: Annotated[str | None, Security(SESSION_COOKIE)]) -> SessionFact:
    """Return the live session of a request that only reads; raises `Refused`.

    A browser that tells where the request comes from must name our own origin.
    """
    refuse_credentials(request)
    return await reading(request)


async def require_changer(
    request: Request,
    _: Annotated[str | None, Security(SESSION_COOKIE)],
    x_csrf_token: Annotated[
        str | None, Header(description="The `csrf` of `/api/v1/session`, or of any form of our pages.")
    ] = None,
) -> SessionFact:
    """Return the live session of a request that changes something; raises `Refused`.

    The browser must say that the request comes from our own origin, and the page must know the browser's token.
    """
    refuse_credentials(request)
    return await changing(request, x_csrf_token or "")


Reader = Annotated[SessionFact, Depends(require_reader)]
Changer = Annotated[SessionFact, Depends(require_changer)]


async def require_maker(request: Request, session: Changer) -> SessionFact:
    """Return the live session of a request that makes or changes a credential; raises `Refused`.

    Its person signed in a short while ago: a browser left open shall not become a token that lasts for months.
    """
    refuse_old_login(request, session)
    return session


Maker = Annotated[SessionFact, Depends(require_maker)]


async def reading(request: Request) -> SessionFact:
    """Return the live session of a request that only reads, whatever else it carries; raises `Refused`."""
    if not _from_here(request, unknown=True):
        raise Refused(Kind.OTHER_SITE, "the browser says that the request comes from elsewhere")
    return await _require_session(request)


async def changing(request: Request, csrf_token: str) -> SessionFact:
    """Return the live session of a request that changes something, whatever else it carries; raises `Refused`."""
    if not _from_here(request, unknown=False):
        raise Refused(Kind.OTHER_SITE, "changes need Sec-Fetch-Site: same-origin, or the issuer’s own Origin")
    session = await _require_session(request)
    if not forms.is_token_of(request, csrf_token):
        raise Refused(Kind.CSRF_TOKEN, "send the token of this very browser as X-CSRF-Token")
    return session


def refuse_old_login(request: Request, session: SessionFact) -> None:
    """Raise `Refused` when the person signed in too long ago to make or change a credential."""
    server = server_of(request)
    if server.clock() - session.auth_time > server.policy.lifetimes.recent_login:
        raise _login_too_old()


def refuse_low_sign_in(request: Request, session: SessionFact, scopes: Iterable[str]) -> None:
    """Raise `Refused` when the sign-in is not, or no longer, enough for what is given away with these scopes (UA-2)."""
    server = server_of(request)
    required = Required(of_scopes=server.scopes.levels(scopes))
    if server.policy.assurance.reached(session.amr, server.clock() - session.auth_time, required) is None:
        raise _login_too_old()


def _login_too_old() -> Refused:
    return Refused(Kind.LOGIN_TOO_OLD, "sign in again at /login?again=1, then repeat the request")


async def _require_session(request: Request) -> SessionFact:
    session = await signed_in(request)
    if session is None:
        server = server_of(request)
        challenge = guard.nobody().challenge_for(server.issuer, server.own_documents.api)
        raise Refused(Kind.NOT_SIGNED_IN, "sign in at /login first", headers={"WWW-Authenticate": challenge})
    return session


def refuse_credentials(request: Request) -> None:
    """Raise `Refused` when the request carries an Authorization header, whatever is in it."""
    if "authorization" in request.headers:
        raise Refused(Kind.SESSION_ONLY, "tokens and keys do not open this; call it without an Authorization header")


def _from_here(request: Request, *, unknown: bool) -> bool:
    """Tell whether the request comes from our own origin; `unknown` is the answer for browsers that do not tell."""
    own = origin_of(server_of(request).issuer)
    told = [site == "same-origin" for site in request.headers.getlist("sec-fetch-site")]
    told += [origin == own for origin in request.headers.getlist("origin")]
    return all(told) if told else unknown
