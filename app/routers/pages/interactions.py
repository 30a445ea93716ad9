"""The authorization request that waits behind a page: found by its reference, open, and this browser's own."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from app.pipeline import authorization, people
from app.pipeline.authorization import Gathered
from app.pipeline.server import server_of
from app.protocol.authorize.decide import Ask, Known, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.facts import SessionFact
from app.protocol.trace import Trace
from app.routers.pages.accounts import others_of
from app.routers.pages.answers import PageRefused, reference
from app.routers.pages.client_answers import application_of
from app.routers.pages.cookies import browser_of, session_of
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Application


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request of this browser.

    `must_sign_in` is the authorization endpoint's own verdict, so that both never send a person to and fro. `session`
    is the live one, if there is one; `must_confirm` tells that its person, and nobody else, has to sign in again. A
    request for somebody else has nothing to confirm.
    `login_hint` is the name that the client expects: it fills in the form, whoever has that name or nobody (OC-14).
    `account_at` is when an account was chosen for it, if that was done.
    """

    id: UUID
    application_id: UUID
    application: Application
    must_sign_in: bool
    must_confirm: bool
    session: SessionFact | None
    login_hint: str
    account_at: datetime | None


async def gather(request: Request, text: str) -> Gathered:
    """Return what is known about the request that `text` refers to; raises `PageRefused`: the page is out of date.

    One trip, and one more on a browser with several accounts. Somebody else's reference, a closed one, an old one and
    an invented one are all answered alike.
    """
    server = server_of(request)
    gathered = await authorization.gather_interaction(
        server, text, session_of(request), browser_of(request).digest, server.clock()
    )
    if gathered is None:
        raise out_of_date(request)
    return replace(gathered, known=await with_people(request, gathered.known))


async def with_people(request: Request, known: Known) -> Known:
    """Return what is known of a request with the people that it names, and those who are signed in on the browser."""
    server = server_of(request)
    return await people.completed(server, known, await others_of(server, request, known.client))


async def load(request: Request, text: str) -> Waiting:
    """Return the request that `text` refers to as a sign-in page needs it; raises as `gather` does."""
    gathered = await gather(request, text)
    try:
        verdict = decide(gathered.known, Trace())
    except NoReturnPath:  # the application was turned off, or has changed its addresses since
        raise out_of_date(request) from None
    return Waiting(
        id=gathered.interaction.id,
        application_id=gathered.interaction.application_id,
        application=application_of(verdict.client, verdict.path.uri),
        must_sign_in=isinstance(verdict, Ask) and verdict.asked.prompt == "login",
        must_confirm=isinstance(verdict, Ask) and verdict.asked.confirms,
        session=gathered.known.session,
        login_hint=gathered.known.params.get("login_hint") or "",
        account_at=gathered.interaction.account_at,
    )


def out_of_date(request: Request) -> PageRefused:
    """Return the refusal of a page whose request is over: too old, already decided, or decided in another tab."""
    kept = int(server_of(request).policy.lifetimes.interaction.total_seconds())
    return PageRefused(ErrorPage.page_expired(reference(request), kept_seconds=kept))
