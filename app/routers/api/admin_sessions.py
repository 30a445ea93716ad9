"""`/api/v1/admin/users/{id}/sessions`: where somebody is signed in, for operators, who can sign him out (SE-4)."""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.api.admin import UserId, person_behind
from app.routers.api.operator import OPERATOR_CHANGE_PROBLEMS, OPERATOR_PROBLEMS, OperatorMaker, OperatorReader
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import Kind, Refused, api_router, problems
from app.routers.api.session_models import SessionSummary, SessionSummaryList
from app.routers.pages.visitor import occasion_of
from app.services import own_sessions
from app.services.administration import Administration
from app.services.connections import read_id

router = api_router()

SessionId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    "/admin/users/{id}/sessions",
    operation_id="list_user_sessions",
    summary="List where a person is signed in",
    responses={200: {"description": "A page of the list.", "headers": NEXT_LINK}, **problems(*OPERATOR_PROBLEMS)},
)
async def list_user_sessions(
    request: Request, response: Response, session: OperatorReader, id: UserId, page: AskedPage
) -> SessionSummaryList:
    """Every session in force, the newest first."""
    person, server = await person_behind(request, id), server_of(request)
    found = await own_sessions.list_page(
        server.database, person.id, server.clock(), after=page.after, limit=page.limit + 1
    )
    shown = cut(request, response, page, found, lambda item: item.id)
    return SessionSummaryList(items=[SessionSummary.of(one, session) for one in shown])


@router.delete(
    "/admin/users/{id}/sessions",
    operation_id="end_user_sessions",
    summary="Sign a person out everywhere",
    status_code=204,
    responses={204: {"description": "None of them is in force."}, **problems(*OPERATOR_CHANGE_PROBLEMS)},
)
async def end_user_sessions(request: Request, session: OperatorMaker, id: UserId) -> Response:
    """Ends every session, but for your own one of this very request. He can sign in again: to prevent that, disable
    him."""
    person = await person_behind(request, id)
    await _acting(request, session).end_sessions(person.id)
    return Response(status_code=204)


@router.delete(
    "/admin/users/{id}/sessions/{session_id}",
    operation_id="end_user_session",
    summary="Sign a person out on one browser",
    status_code=204,
    responses={204: {"description": "The session is over."}, **problems(*OPERATOR_CHANGE_PROBLEMS)},
)
async def end_user_session(request: Request, session: OperatorMaker, id: UserId, session_id: SessionId) -> Response:
    """Ends it at once; the applications that it signed him in to are told."""
    person, known = await person_behind(request, id), read_id(session_id)
    if known is None or not await _acting(request, session).end_session(person.id, known):
        raise Refused(Kind.NOT_FOUND, "it is over, never was, or is not his")
    return Response(status_code=204)


def _acting(request: Request, session: SessionFact) -> Administration:
    return Administration(server_of(request).database, session, occasion_of(request))
