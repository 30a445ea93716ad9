"""Who asks for a page: the signed-in person, and the occasion that audit rows repeat."""

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.audit import Actor
from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.pages.answers import SeeInstead, request_id
from app.routers.pages.cookies import session_of
from app.routers.pages.returning import asked_path, reference_to, sign_in_path
from app.services import sessions
from app.services.occasion import Occasion
from app.views.pages.identity import Account

_USER_AGENT_LENGTH = 300
"""Characters kept of what a browser says about itself."""


async def signed_in(request: Request) -> SessionFact | None:
    """Return the live session behind the request's cookie, noting that it is in use; None when nobody is signed in."""
    server = server_of(request)
    now = server.clock()
    session = await sessions.find(server.database, session_of(request), now)
    if session is not None:
        await sessions.touch(server.database, session, now, server.policy.lifetimes)
    return session


async def require_signed_in(request: Request) -> SessionFact:
    """Return the live session; whoever has none goes to the sign-in page, and then to what he asked for."""
    session = await signed_in(request)
    if session is None:
        back = asked_path(request) if request.method in ("GET", "HEAD") else ""
        raise SeeInstead(sign_in_path(reference_to(request, back)))
    return session


def require_recent(request: Request, session: SessionFact, *, back: str) -> None:
    """Send whoever signed in too long ago to make or change a credential to the sign-in page, and then `back`.

    `back` is the path of one of our own pages, put together by the caller.
    """
    server = server_of(request)
    if server.clock() - session.auth_time > server.policy.lifetimes.recent_login:
        raise SeeInstead(sign_in_path(reference_to(request, back), again=True))


def keep_alive(request: Request, session: SessionFact | None, response: Response) -> Response:
    """Return the response, after which the session is noted as in use: it costs the answer no round trip."""
    if session is not None:
        server = server_of(request)
        response.background = BackgroundTask(
            sessions.touch, server.database, session, server.clock(), server.policy.lifetimes
        )
    return response


def occasion_of(request: Request) -> Occasion:
    """Return who asks from where; the address is that of the connection, as the server's trusted proxies name it."""
    return Occasion(
        now=server_of(request).clock(),
        request_id=request_id(request),
        address=address_of(request),
        user_agent=request.headers.get("user-agent", "")[:_USER_AGENT_LENGTH],
    )


def actor_of(request: Request, session: SessionFact) -> Actor:
    """Return the signed-in person as the audit rows of protocol endpoints name him."""
    return Actor("user", str(session.user_id), address_of(request), request_id(request))


def person_of(session: SessionFact) -> Account:
    """Return the signed-in person as pages show him."""
    return Account(username=session.username, email=session.email, name=session.display_name, operator=session.operator)


def address_of(request: Request) -> str:
    """Return the address of the connection, as the server's trusted proxies name it; empty where there is none."""
    return request.client.host if request.client else ""
