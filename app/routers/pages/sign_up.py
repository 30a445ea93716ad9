"""`/sign-up`: somebody makes himself an account, for an application that waits or for himself (Prompt Create 1.0)."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.pages import accounts, answers, forms
from app.routers.pages.errands import Errand, errand_of
from app.routers.pages.login import ANOTHER
from app.routers.pages.login import PATH as LOGIN
from app.routers.pages.visitor import occasion_of
from app.services import newcomers, sign_up
from app.services.login import SlowedDown
from app.services.newcomers import Newcomer, Problem
from app.services.passwords import MIN_LENGTH, PasswordQueueFull
from app.services.sign_up import SignUpService
from app.views.pages.accounts import SignUp, SignUpSlowedDown
from app.views.pages.error import ErrorPage
from app.views.pages.forms import Trouble

router = APIRouter(include_in_schema=False)

PATH = "/sign-up"


@router.get(PATH)
async def show_sign_up(request: Request) -> Response:
    """Show the form; whoever is signed in stays so, and becomes one of the browser's other accounts."""
    errand = await errand_of(request, lambda name: request.query_params.get(name, ""))
    return answers.show(request, _page(request, errand, None, ()))


@router.post(PATH)
async def take_sign_up(request: Request) -> Response:
    """Make the account: 303 onwards with a session, 422 with the form again, 429, or 503 when too many sign in."""
    form = await forms.read_form(request)
    errand = await errand_of(request, form.get)
    server, occasion = server_of(request), occasion_of(request)
    chosen = Newcomer(
        username=form.get("username").strip(),
        email=form.get("email").strip(),
        password=form.get("password"),
        confirmation=form.get("password_confirm"),
    )
    host = urlsplit(server.issuer).hostname or ""
    problems = newcomers.problems_of(chosen, (host, "Assent", server.views.service_name))
    if problems:
        return answers.show(request, _page(request, errand, chosen, problems))
    try:
        outcome = await sign_up.sign_up(
            _service(request),
            chosen,
            occasion,
            held=accounts.held_by(request),
            interaction_id=errand.waiting.id if errand.waiting else None,
        )
    except PasswordQueueFull as full:
        return answers.show(
            request, ErrorPage.password_queue_full(answers.reference(request), retry_after=full.retry_after)
        )
    if isinstance(outcome, Problem):
        return answers.show(request, _page(request, errand, chosen, (outcome,)))
    if isinstance(outcome, SlowedDown):
        return answers.show(
            request, SignUpSlowedDown(retry_after=outcome.retry_after, now=occasion.now, again_url=errand.at(PATH))
        )
    response = answers.see(request, errand.onwards)
    accounts.enter(request, response, outcome.session, outcome.others)
    return response


def _page(request: Request, errand: Errand, chosen: Newcomer | None, problems: tuple[Problem, ...]) -> SignUp:
    return SignUp(
        csrf=forms.csrf_token(request),
        sign_in_url=errand.at(LOGIN, account=ANOTHER),
        interaction=errand.interaction,
        to=errand.to,
        application=errand.waiting.application if errand.waiting else None,
        username=chosen.username if chosen else "",
        email=chosen.email if chosen else "",
        min_password_length=MIN_LENGTH,
        problems=tuple(Trouble(problem.field, problem.message) for problem in problems),
    )


def _service(request: Request) -> SignUpService:
    server = server_of(request)
    return SignUpService(
        database=server.database,
        passwords=request.app.state.passwords,
        lifetimes=server.policy.lifetimes,
        key=server.key_for("registration-limits"),
        limits=request.app.state.registration_limits,
    )
