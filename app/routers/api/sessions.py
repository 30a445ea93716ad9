"""`/api/v1/sessions`: where the person is signed in, and how he signs out there (SE-4).

A session of somebody else is answered like one that never was.
"""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.api.caller import CALLER_PROBLEMS, MAKER_PROBLEMS, Maker, Reader
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import Kind, Refused, api_router, problems
from app.routers.api.session_models import SessionSummary, SessionSummaryList
from app.routers.pages.visitor import occasion_of
from app.services import own_sessions
from app.services.connections import read_id
from app.services.own_sessions import ELSEWHERE

router = api_router()

SessionId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    "/sessions",
    operation_id="list_sessions",
    summary="List where you are signed in",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.INVALID_REQUEST),
    },
)
async def list_sessions(request: Request, response: Response, session: Reader, page: AskedPage) -> SessionSummaryList:
    """Every session in force, the newest first; one of them is that of the request itself."""
    server = server_of(request)
    found = await own_sessions.list_page(
        server.database, session.user_id, server.clock(), after=page.after, limit=page.limit + 1
    )
    shown = cut(request, response, page, found, lambda item: item.id)
    return SessionSummaryList(items=[SessionSummary.of(one, session) for one in shown])


@router.delete(
    "/sessions",
    operation_id="end_other_sessions",
    summary="Sign out everywhere else",
    status_code=204,
    responses={204: {"description": "No other session is in force."}, **problems(*MAKER_PROBLEMS)},
)
async def end_other_sessions(request: Request, session: Maker) -> Response:
    """Ends every session but that of the request itself; the applications that they signed you in to are told."""
    await own_sessions.end_all(
        server_of(request).database, session.user_id, occasion_of(request), ELSEWHERE, but=session.id
    )
    return Response(status_code=204)


@router.delete(
    "/sessions/{id}",
    operation_id="end_session",
    summary="Sign out on one browser",
    status_code=204,
    responses={
        204: {"description": "The session is over."},
        **problems(*MAKER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def end_session(request: Request, session: Maker, id: SessionId) -> Response:
    """Ends it at once; the applications that it signed you in to are told."""
    known, database = read_id(id), server_of(request).database
    if known is None or not await own_sessions.end_one(
        database, session.user_id, known, occasion_of(request), ELSEWHERE
    ):
        raise Refused(Kind.NOT_FOUND, "it is over, never was, or is not yours")
    return Response(status_code=204)
