"""Who may open the pages of the administration: operators. To everybody else there are no such pages."""

from dataclasses import replace

from starlette.requests import Request

from app.protocol.facts import SessionFact
from app.routers.pages import answers
from app.routers.pages.answers import PageRefused
from app.routers.pages.client_answers import account_of
from app.routers.pages.visitor import occasion_of, signed_in
from app.services.occasion import Occasion
from app.store.orders import Actor
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


def occasion_of_operator(request: Request, session: SessionFact) -> Occasion:
    """Return the request as that of an operator, whose deeds concern the server and nobody else."""
    return replace(occasion_of(request), actor=Actor("user", str(session.user_id), session.username))
