"""`/login`: sign in, for an application that waits or for oneself, or confirm that it is still you.

Whoever is signed in already can sign in as somebody else besides: his own session stays, as one of the browser's other
accounts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.authorize.request import prompts_of
from app.protocol.facts import SessionFact
from app.routers.pages import accounts, answers, cookies, errands, forms
from app.routers.pages.client_answers import account_of
from app.routers.pages.errands import Errand
from app.routers.pages.visitor import occasion_of, signed_in
from app.services import login, sessions
from app.services.login import Attempt, Failed, SignInService, SlowedDown
from app.services.names import MAX_LOGIN_LENGTH
from app.services.passwords import PasswordQueueFull
from app.views.pages.error import ErrorPage
from app.views.pages.sign_in import SignIn, SignInSlowedDown, SignInState

router = APIRouter(include_in_schema=False)

PATH = "/login"
ANOTHER = "another"
"""What a link or a form calls an account that is not one of the browser's."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a login is for, and who may do it.

    `session` is the live one, if there is one; with `must_confirm` its person, and nobody else, has to sign in again,
    unless he has said which other `account` it is to be: `ANOTHER`, or the id of a session of this browser that is
    over. `demanded` tells that the errand cannot go on without a login.
    """

    errand: Errand
    session: SessionFact | None
    demanded: bool
    must_confirm: bool
    account: str

    @property
    def confirming(self) -> SessionFact | None:
        """The session whose person must confirm that it is he: nobody else is accepted then."""
        return self.session if self.must_confirm and not self.account else None

    @property
    def is_due(self) -> bool:
        """Whether anybody has to sign in, or wants to."""
        return self.demanded or self.account != ""

    def at(self, page: str) -> str:
        """Return the path of a page that serves the same purpose; this one asks the same again."""
        again = "1" if self.must_confirm and self.errand.waiting is None else ""
        return self.errand.at(page, **({"account": self.account, "again": again} if page == PATH else {}))


@router.get("/login")
async def show_login(request: Request) -> Response:
    """Show the form; whoever is signed in already goes on, unless a login is demanded or wanted."""
    asked = await _login(request, lambda name: request.query_params.get(name, ""))
    if not asked.is_due:
        return answers.see(request, asked.errand.onwards)
    waiting = asked.errand.waiting
    name = await _name_of(request, asked.account) or (waiting.login_hint[:MAX_LOGIN_LENGTH] if waiting else "")
    return await _page(request, asked, username=name)


@router.post("/login")
async def take_login(request: Request) -> Response:
    """Judge one try: 303 onwards with a new session, 422 with the form again, 429, or 503 when too many sign in."""
    form = await forms.read_form(request)
    asked = await _login(request, form.get)
    occasion = occasion_of(request)
    confirming = asked.confirming
    attempt = Attempt(
        name=confirming.username if confirming else form.get("username"),
        password=form.get("password"),
        occasion=occasion,
        only_user_id=confirming.user_id if confirming else None,
        held=accounts.held_by(request),
        interaction_id=asked.errand.waiting.id if asked.errand.waiting else None,
    )
    try:
        outcome = await login.sign_in(_service(request), attempt)
    except PasswordQueueFull as full:
        return answers.show(
            request, ErrorPage.password_queue_full(answers.reference(request), retry_after=full.retry_after)
        )
    if isinstance(outcome, Failed):
        return await _page(request, asked, state="failed", username=form.get("username"))
    if isinstance(outcome, SlowedDown):
        return answers.show(
            request, SignInSlowedDown(retry_after=outcome.retry_after, now=occasion.now, again_url=asked.at(PATH))
        )
    response = answers.see(request, asked.errand.onwards)
    accounts.enter(request, response, outcome.session, outcome.others)
    return response


async def _login(request: Request, told: Callable[[str], str]) -> Login:
    """Return what the fields of a link or a form ask for; raises `PageRefused` for a request that is over."""
    errand = await errands.errand_of(request, told)
    account = told("account") if _is_account(told("account")) else ""
    if (waiting := errand.waiting) is not None:
        return Login(errand, waiting.session, waiting.must_sign_in, waiting.must_confirm, account)
    session, again = await signed_in(request), told("again") == "1"
    return Login(errand, session, again or session is None, again, account)


async def _name_of(request: Request, account: str) -> str:
    """Return the username of a session of this browser, over as it may be; empty when it has none with this id."""
    if account in ("", ANOTHER):
        return ""
    held = await accounts.accounts_on(request)
    return next((one.session.username for one in held if str(one.session.id) == account), "")


async def _page(request: Request, asked: Login, *, state: SignInState = "plain", username: str = "") -> Response:
    server = server_of(request)
    session, errand = asked.confirming, asked.errand
    idle_seconds = 0
    held = cookies.session_of(request)
    if state == "plain" and asked.session is None and not asked.account and held is not None:
        state = "ended"
        if await sessions.ran_idle(server.database, held, server.clock()):
            idle_seconds = int(server.policy.lifetimes.session_idle.total_seconds())
    return answers.show(
        request,
        SignIn(
            csrf=forms.csrf_token(request),
            interaction=errand.interaction,
            to=errand.to,
            chosen=asked.account,
            application=errand.waiting.application if errand.waiting else None,
            account=account_of(session),
            state=state,
            username=username,
            idle_seconds=idle_seconds,
            another_url=errand.at(PATH, account=ANOTHER) if session is not None and errand.waiting else "",
            choose_url=errand.at("/select-account") if cookies.others_in(request) else "",
            sign_up_url=errand.at("/sign-up") if session is None and "create" in prompts_of(server.features) else "",
        ),
    )


def _is_account(text: str) -> bool:
    try:
        return text == ANOTHER or str(UUID(text)) == text
    except ValueError:
        return False


def _service(request: Request) -> SignInService:
    server = server_of(request)
    return SignInService(
        database=server.database,
        passwords=request.app.state.passwords,
        lifetimes=server.policy.lifetimes,
        key=server.key_for("sign-in-limits"),
        limits=request.app.state.sign_in_limits,
    )
