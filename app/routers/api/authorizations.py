"""`/api/v1/authorizations`: what the signed-in person has allowed which application, and how to take it back.

What is taken is gone at once, for codes, refresh tokens and access tokens alike. A record of somebody else is answered
like one that never was.
"""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.protocol.liveness import split_pair
from app.routers.account import desk
from app.routers.api.authorization_models import AuthorizationAnswer, AuthorizationList, answer_of, summary_of
from app.routers.api.caller import CALLER_PROBLEMS, CHANGER_PROBLEMS, Changer, Reader
from app.routers.api.paging import NEXT_LINK, AskedPage, link_next
from app.routers.api.problems import Kind, Refused, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, changed, etag, expected_version
from app.routers.pages.visitor import occasion_of
from app.services import connections
from app.services.connections import Connection
from app.store.records import VersionChanged

router = api_router()

RecordId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    "/authorizations",
    operation_id="list_authorizations",
    summary="List the applications that may act for you",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.INVALID_REQUEST),
    },
)
async def list_authorizations(
    request: Request, response: Response, session: Reader, page: AskedPage
) -> AuthorizationList:
    """The newest connection first. The list does not shift when something is connected or disconnected meanwhile."""
    found = await connections.list_page(
        server_of(request).database, session.user_id, after=page.after, limit=page.limit + 1
    )
    shown = found[: page.limit]
    if len(found) > page.limit:
        link_next(request, response, page, shown[-1].record.id)
    return AuthorizationList(items=[summary_of(connection) for connection in shown])


@router.get(
    "/authorizations/{id}",
    operation_id="read_authorization",
    summary="Read what one application may do, and how it came about",
    responses={
        200: {"description": "The application with its permissions and history.", "headers": ETAG},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def read_authorization(
    request: Request, response: Response, session: Reader, id: RecordId
) -> AuthorizationAnswer:
    """Permissions by resource, use, and the history of every change."""
    server = server_of(request)
    connection = await _own(request, session, id)
    history = await connections.history(server.database, connection)
    families = await connections.live_families(server.database, connection, server.clock())
    response.headers["ETag"] = etag(connection.record.version)
    return answer_of(connection, server.scopes, history, families, session)


@router.delete(
    "/authorizations/{id}",
    operation_id="disconnect",
    summary="Disconnect an application",
    status_code=204,
    responses={
        204: {"description": "It has lost everything, on every device."},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def disconnect(request: Request, session: Changer, id: RecordId, if_match: IfMatch = None) -> Response:
    """Ends all access of the application at once; its next request for permission asks you anew."""
    connection = await _own(request, session, id)
    shown = desk.application_of(connection.record)
    try:
        ended = await connections.disconnect(
            server_of(request).database,
            connection,
            occasion_of(request),
            host=shown.host,
            checked=shown.verified,
            version=expected_version(connection.record.version, if_match),
        )
    except VersionChanged:
        raise changed() from None
    if not ended:
        raise _unknown()
    return Response(status_code=204)


@router.delete(
    "/authorizations/{id}/scopes/{scope:path}",
    operation_id="remove_scope",
    summary="Take one permission from an application",
    status_code=204,
    responses={
        204: {"description": "The permission is gone, from every token too."},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def remove_scope(
    request: Request,
    session: Changer,
    id: RecordId,
    scope: str,
    resource: Annotated[str, Query(description="The resource at which it was granted; none for those without.")] = "",
    if_match: IfMatch = None,
) -> Response:
    """Ends one permission at once; the application keeps the others."""
    connection = await _own(request, session, id)
    held = next((one.pair for one in connection.record.pairs if split_pair(one.pair) == (scope, resource)), None)
    if held is None:
        raise _unknown()
    try:
        removed = await connections.remove(
            server_of(request).database,
            connection,
            held,
            occasion_of(request),
            version=expected_version(connection.record.version, if_match),
        )
    except VersionChanged:
        raise changed() from None
    if not removed:
        raise _unknown()
    return Response(status_code=204)


async def _own(request: Request, session: SessionFact, record_id: str) -> Connection:
    known = connections.read_id(record_id)
    connection = await connections.find(server_of(request).database, session.user_id, known) if known else None
    if connection is None:
        raise _unknown()
    return connection


def _unknown() -> Refused:
    return Refused(Kind.NOT_FOUND, "it is over, never was, or is not yours")
