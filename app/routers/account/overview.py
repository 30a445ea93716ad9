"""`/account`: what deserves a look, and what is connected."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import ciba_calls
from app.routers.account import desk
from app.routers.pages import answers
from app.routers.pages.visitor import person_of, require_signed_in
from app.services import connections
from app.views.pages.account import AccountOverview

router = APIRouter(include_in_schema=False)


@router.get("/account")
async def show_account(request: Request) -> Response:
    """Show the desk of whoever is signed in; others sign in first."""
    session = await require_signed_in(request)
    server = server_of(request)
    now = server.clock()
    found = await connections.list_all(server.database, session.user_id)
    offered = ciba_calls.are_offered(server.features)
    waiting = await server.database.backchannel.waiting_for(session.user_id, now) if offered else ()
    return answers.show(
        request,
        AccountOverview(
            account=person_of(session),
            applications=tuple(desk.line_of(server, connection, now) for connection in found),
            signed_in=session.auth_time,
            now=now,
            waiting=len(waiting),
        ),
    )
