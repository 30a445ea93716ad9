"""`/login`: sign in, for an application that waits or for oneself, or confirm that it is still you.

Where a login leads is decided by the interaction that the server keeps, never by a URL in the request (SE-11).
"""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.crypto.derivation import derive_key
from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.pages import answers, cookies, forms, interactions
from app.routers.pages.client_answers import account_of
from app.routers.pages.interactions import Waiting
from app.routers.pages.visitor import occasion_of, signed_in
from app.services import login, sessions
from app.services.login import Attempt, Failed, SignInService, SlowedDown
from app.services.names import MAX_NAME_LENGTH
from app.services.passwords import PasswordQueueFull
from app.views.pages.error import ErrorPage
from app.views.pages.sign_in import SignIn, SignInSlowedDown, SignInState

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def show_login(request: Request) -> Response:
    """Show the form; whoever is signed in already goes on, unless the request that waits demands a fresh login."""
    reference = request.query_params.get("interaction", "")
    if reference:
        waiting = await interactions.load(request, reference)
        if not waiting.must_sign_in:
            return answers.see(request, _resume(reference))
        return await _page(request, reference, waiting, username=waiting.login_hint[:MAX_NAME_LENGTH])
    if await signed_in(request) is not None:
        return answers.see(request, "/account")
    return await _page(request, "", None)


@router.post("/login")
async def take_login(request: Request) -> Response:
    """Judge one try: 303 onwards with a new session, 422 with the form again, 429, or 503 when too many sign in."""
    form = await forms.read_form(request)
    reference = form.get("interaction")
    waiting = await interactions.load(request, reference) if reference else None
    occasion = occasion_of(request)
    confirming = _confirming(waiting)
    attempt = Attempt(
        name=confirming.username if confirming else form.get("username"),
        password=form.get("password"),
        occasion=occasion,
        only_user_id=confirming.user_id if confirming else None,
        previous=cookies.session_of(request),
        interaction_id=waiting.id if waiting else None,
    )
    try:
        outcome = await login.sign_in(_service(request), attempt)
    except PasswordQueueFull as full:
        return answers.show(
            request, ErrorPage.password_queue_full(answers.reference(request), retry_after=full.retry_after)
        )
    if isinstance(outcome, Failed):
        return await _page(request, reference, waiting, state="failed", username=form.get("username"))
    if isinstance(outcome, SlowedDown):
        again = f"/login?interaction={quote(reference, safe='')}" if reference else "/login"
        return answers.show(
            request, SignInSlowedDown(retry_after=outcome.retry_after, now=occasion.now, again_url=again)
        )
    response = answers.see(request, _resume(reference) if reference else "/account")
    cookies.give_session(request, response, outcome.session)
    return response


async def _page(
    request: Request, reference: str, waiting: Waiting | None, *, state: SignInState = "plain", username: str = ""
) -> Response:
    server = server_of(request)
    session = _confirming(waiting)
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
            interaction=reference,
            application=waiting.application if waiting else None,
            account=account_of(session),
            state=state,
            username=username,
            idle_seconds=idle_seconds,
        ),
    )


def _confirming(waiting: Waiting | None) -> SessionFact | None:
    """Return the session whose person must confirm that it is he: nobody else is accepted then."""
    return waiting.session if waiting is not None and waiting.must_sign_in else None


def _resume(reference: str) -> str:
    return f"/oauth/authorize/resume?interaction={quote(reference, safe='')}"


def _service(request: Request) -> SignInService:
    server = server_of(request)
    return SignInService(
        database=server.database,
        passwords=request.app.state.passwords,
        lifetimes=server.policy.lifetimes,
        key=derive_key(server.keys.by_version[server.keys.current], "sign-in-limits"),
        limits=request.app.state.sign_in_limits,
    )
