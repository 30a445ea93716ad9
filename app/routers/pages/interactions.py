"""The authorization request that waits behind a page: found by its reference, open, and this browser's own."""

from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from app.pipeline import authorization
from app.pipeline.authorization import Gathered
from app.pipeline.server import server_of
from app.protocol.authorize.decide import Ask, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.facts import SessionFact
from app.protocol.trace import Trace
from app.routers.pages.answers import PageRefused, reference
from app.routers.pages.client_answers import application_of
from app.routers.pages.cookies import browser_of, session_of
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Application


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request of this browser.

    `must_sign_in` is the authorization endpoint's own verdict, so that both never send a person to and fro; `session`
    is the live one that has to be confirmed then, if there is one. `login_hint` is the name that the client expects.
    """

    id: UUID
    application: Application
    must_sign_in: bool
    session: SessionFact | None
    login_hint: str


async def gather(request: Request, text: str) -> Gathered:
    """Return what is known about the request that `text` refers to; raises `PageRefused`: the page is out of date.

    One trip. Somebody else's reference, a closed one, an old one and an invented one are all answered alike.
    """
    server = server_of(request)
    gathered = await authorization.gather_interaction(
        server, text, session_of(request), browser_of(request).digest, server.clock()
    )
    if gathered is None:
        raise out_of_date(request)
    return gathered


async def load(request: Request, text: str) -> Waiting:
    """Return the request that `text` refers to as a sign-in page needs it; raises as `gather` does."""
    gathered = await gather(request, text)
    try:
        verdict = decide(gathered.known, Trace())
    except NoReturnPath:  # the application was turned off, or has changed its addresses since
        raise out_of_date(request) from None
    return Waiting(
        id=gathered.interaction.id,
        application=application_of(verdict.client, verdict.path.uri),
        must_sign_in=isinstance(verdict, Ask) and verdict.asked.prompt == "login",
        session=gathered.known.session,
        login_hint=gathered.known.params.get("login_hint") or "",
    )


def out_of_date(request: Request) -> PageRefused:
    """Return the refusal of a page whose request is over: too old, already decided, or decided in another tab."""
    kept = int(server_of(request).policy.lifetimes.interaction.total_seconds())
    return PageRefused(ErrorPage.page_expired(reference(request), kept_seconds=kept))
