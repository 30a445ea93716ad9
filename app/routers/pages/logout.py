"""`/logout`: ask, then end the session here and on the server (ASVS 7.4.1)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.pages import answers, cookies, forms
from app.routers.pages.visitor import occasion_of, person_of, signed_in
from app.services import sessions
from app.views.pages.sign_in import SignedOut, SignOut

router = APIRouter(include_in_schema=False)


@router.get("/logout")
async def show_logout(request: Request) -> Response:
    """Ask whether to sign out; a link from elsewhere must not do it by itself."""
    session = await signed_in(request)
    if session is None:
        return answers.show(request, SignedOut())
    return answers.show(request, SignOut(account=person_of(session), csrf=forms.csrf_token(request)))


@router.post("/logout")
async def take_logout(request: Request) -> Response:
    """End the session and say so; also when there is none any more."""
    await forms.read_form(request)
    server = server_of(request)
    session = await sessions.find(server.database, cookies.session_of(request), server.clock())
    if session is not None:
        await sessions.end(server.database, session, occasion_of(request))
    response = answers.show(request, SignedOut())
    cookies.take_session(request, response)
    return response
