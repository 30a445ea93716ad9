"""Who may open the pages of the administration: operators. To everybody else there are no such pages."""

from starlette.requests import Request

from app.protocol.facts import SessionFact
from app.routers.pages import answers
from app.routers.pages.answers import PageRefused
from app.routers.pages.client_answers import account_of
from app.routers.pages.visitor import signed_in
from app.views.pages.error import ErrorPage


async def require_operator(request: Request) -> SessionFact:
    """Return the live session of an operator; raises `PageRefused` with the page of a path that leads nowhere."""
    session = await signed_in(request)
    if session is None or not session.operator:
        raise absent(request, None)
    return session


def absent(request: Request, session: SessionFact | None) -> PageRefused:
    """Return the refusal of what is not there."""
    return PageRefused(ErrorPage.not_found(answers.reference(request), account=account_of(session)))
