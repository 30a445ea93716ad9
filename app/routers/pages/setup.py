"""`/setup/<token>`: the first operator chooses name and password, once."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.pages import accounts, answers, forms
from app.routers.pages.answers import PageRefused
from app.routers.pages.visitor import occasion_of
from app.services import newcomers, setup
from app.services.newcomers import Newcomer, Problem
from app.services.passwords import MIN_LENGTH, PasswordQueueFull
from app.services.setup import Created, LinkUsed
from app.views.pages.error import ErrorPage
from app.views.pages.forms import Trouble
from app.views.pages.sign_in import Setup

router = APIRouter(include_in_schema=False)


@router.get("/setup/{token}")
async def show_setup(request: Request, token: str) -> Response:
    """Show the form while the link is good."""
    server = server_of(request)
    if not await setup.link_is_good(server.database, token, server.clock()):
        raise _link_used(request)
    return answers.show(request, _page(request, token, None, ()))


@router.post("/setup")
async def take_setup(request: Request) -> Response:
    """Make the operator and sign him in: 303 to his account, 422 with the form again, or the link is used."""
    form = await forms.read_form(request)
    server = server_of(request)
    token = form.get("token")
    chosen = Newcomer(
        username=form.get("username").strip(),
        email=form.get("email").strip(),
        password=form.get("password"),
        confirmation=form.get("password_confirm"),
    )
    if not await setup.link_is_good(server.database, token, server.clock()):
        raise _link_used(request)
    host = urlsplit(server.issuer).hostname or ""
    problems = newcomers.problems_of(chosen, (host, "Assent", server.views.service_name))
    if problems:
        return answers.show(request, _page(request, token, chosen, problems))
    try:
        outcome = await setup.create_operator(
            server.database,
            request.app.state.passwords,
            server.policy.lifetimes,
            token,
            chosen,
            occasion_of(request),
            accounts.held_by(request),
        )
    except PasswordQueueFull as full:
        return answers.show(
            request, ErrorPage.password_queue_full(answers.reference(request), retry_after=full.retry_after)
        )
    match outcome:
        case LinkUsed():
            raise _link_used(request)
        case Problem():
            return answers.show(request, _page(request, token, chosen, (outcome,)))
        case Created():
            response = answers.see(request, "/account")
            accounts.enter(request, response, outcome.session, outcome.others)
            return response


def _page(request: Request, token: str, chosen: Newcomer | None, problems: tuple[Problem, ...]) -> Setup:
    return Setup(
        csrf=forms.csrf_token(request),
        token=token,
        username=chosen.username if chosen else "",
        email=chosen.email if chosen else "",
        min_password_length=MIN_LENGTH,
        problems=tuple(Trouble(problem.field, problem.message) for problem in problems),
    )


def _link_used(request: Request) -> PageRefused:
    return PageRefused(ErrorPage.setup_link_used(answers.reference(request)))
