"""`/login`: sign in, for an application that waits or for oneself, or confirm that it is still you.

Where a login leads is decided by the interaction that the server keeps, or by a reference that only the server makes,
never by a URL in the request (SE-11).
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.crypto.derivation import derive_key
from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.pages import answers, cookies, forms, interactions, returning
from app.routers.pages.client_answers import account_of
from app.routers.pages.interactions import Waiting
from app.routers.pages.visitor import occasion_of, signed_in
from app.services import login, sessions
from app.services.login import Attempt, Failed, SignInService, SlowedDown
from app.services.names import MAX_LOGIN_LENGTH
from app.services.passwords import PasswordQueueFull
from app.views.pages.error import ErrorPage
from app.views.pages.sign_in import SignIn, SignInSlowedDown, SignInState

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Errand:
    """What a login is for: the request of an application that waits, or one of our own pages; `onwards` is its path.

    `to` is the reference to that page, empty unless it is one of ours for this browser. `session` is the live one, if
    there is one; with `must_confirm` its person, and nobody else, has to sign in again.
    """

    interaction: str
    waiting: Waiting | None
    to: str
    onwards: str
    session: SessionFact | None
    must_confirm: bool

    @property
    def confirming(self) -> SessionFact | None:
        """The session whose person must confirm that it is he: nobody else is accepted then."""
        return self.session if self.must_confirm else None

    @property
    def again_url(self) -> str:
        """Where the form for this errand is."""
        if self.waiting is not None:
            return f"/login?interaction={quote(self.interaction, safe='')}"
        return returning.sign_in_path(self.to, again=self.must_confirm)


@router.get("/login")
async def show_login(request: Request) -> Response:
    """Show the form; whoever is signed in already goes on, unless a fresh login is demanded."""
    errand = await _errand(request, lambda name: request.query_params.get(name, ""))
    if errand.waiting is not None:
        if not errand.waiting.must_sign_in:
            return answers.see(request, errand.onwards)
        return await _page(request, errand, username=errand.waiting.login_hint[:MAX_LOGIN_LENGTH])
    if errand.session is not None and not errand.must_confirm:
        return answers.see(request, errand.onwards)
    return await _page(request, errand)


@router.post("/login")
async def take_login(request: Request) -> Response:
    """Judge one try: 303 onwards with a new session, 422 with the form again, 429, or 503 when too many sign in."""
    form = await forms.read_form(request)
    errand = await _errand(request, form.get)
    occasion = occasion_of(request)
    confirming = errand.confirming
    attempt = Attempt(
        name=confirming.username if confirming else form.get("username"),
        password=form.get("password"),
        occasion=occasion,
        only_user_id=confirming.user_id if confirming else None,
        previous=cookies.session_of(request),
        interaction_id=errand.waiting.id if errand.waiting else None,
    )
    try:
        outcome = await login.sign_in(_service(request), attempt)
    except PasswordQueueFull as full:
        return answers.show(
            request, ErrorPage.password_queue_full(answers.reference(request), retry_after=full.retry_after)
        )
    if isinstance(outcome, Failed):
        return await _page(request, errand, state="failed", username=form.get("username"))
    if isinstance(outcome, SlowedDown):
        return answers.show(
            request, SignInSlowedDown(retry_after=outcome.retry_after, now=occasion.now, again_url=errand.again_url)
        )
    response = answers.see(request, errand.onwards)
    cookies.give_session(request, response, outcome.session)
    return response


async def _errand(request: Request, told: Callable[[str], str]) -> Errand:
    """Return the errand that the fields of a link or a form tell; raises `PageRefused` for one that is over."""
    interaction = told("interaction")
    if interaction:
        waiting = await interactions.load(request, interaction)
        onwards = f"/oauth/authorize/resume?interaction={quote(interaction, safe='')}"
        return Errand(interaction, waiting, "", onwards, waiting.session, waiting.must_sign_in)
    path = returning.path_behind(request, told("to"))
    return Errand(
        interaction="",
        waiting=None,
        to=told("to") if path else "",
        onwards=path or returning.DESK,
        session=await signed_in(request),
        must_confirm=told("again") == "1",
    )


async def _page(request: Request, errand: Errand, *, state: SignInState = "plain", username: str = "") -> Response:
    server = server_of(request)
    session = errand.confirming
    idle_seconds = 0
    held = cookies.session_of(request)
    if state == "plain" and session is None and held is not None:
        state = "ended"
        if await sessions.ran_idle(server.database, held, server.clock()):
            idle_seconds = int(server.policy.lifetimes.session_idle.total_seconds())
    return answers.show(
        request,
        SignIn(
            csrf=forms.csrf_token(request),
            interaction=errand.interaction,
            to=errand.to,
            application=errand.waiting.application if errand.waiting else None,
            account=account_of(session),
            state=state,
            username=username,
            idle_seconds=idle_seconds,
        ),
    )


def _service(request: Request) -> SignInService:
    server = server_of(request)
    return SignInService(
        database=server.database,
        passwords=request.app.state.passwords,
        lifetimes=server.policy.lifetimes,
        key=derive_key(server.keys.by_version[server.keys.current], "sign-in-limits"),
        limits=request.app.state.sign_in_limits,
    )
