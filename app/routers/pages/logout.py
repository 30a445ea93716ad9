"""`/logout`: the person asks to sign out, or says yes to an application that asked (ASVS 7.4.1)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import logout
from app.routers.pages import forms, interactions, logout_references, signing_out
from app.routers.pages.cookies import browser_of

router = APIRouter(include_in_schema=False)


@router.get("/logout")
async def show_logout(request: Request) -> Response:
    """Ask whether to sign out; a link from elsewhere must not do it by itself."""
    return await signing_out.answer(request, logout.OURS)


@router.post("/logout")
async def take_logout(request: Request) -> Response:
    """End the session that was asked about (LO-3); also when there is none any more."""
    form = await forms.read_form(request)
    server, reference = server_of(request), form.get("request")
    pending = logout_references.pending_behind(server, reference, browser_of(request).secret, server.clock())
    if reference and pending is None:
        raise interactions.out_of_date(request)
    return await signing_out.end_asked(request, pending)
