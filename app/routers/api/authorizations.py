"""`/api/v1/authorizations`: what the signed-in person has allowed which application, and how to take it back.

What is taken is gone at once, for codes, refresh tokens and access tokens alike. A record of somebody else is answered
like one that never was.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import claims_request, liveness
from app.protocol.facts import SessionFact
from app.protocol.granted_details import PAIR_PREFIX
from app.routers.account import desk
from app.routers.api.authorization_models import (
    AuthorizationAnswer,
    AuthorizationList,
    EndedAuthorization,
    EndedAuthorizationList,
    TokenFamilyList,
    answer_of,
    ended_of,
    family_of,
    summary_of,
)
from app.routers.api.caller import CALLER_PROBLEMS, CHANGER_PROBLEMS, Changer, Reader
from app.routers.api.history_models import ChangeList, change_of
from app.routers.api.paging import NEXT_LINK, AskedPage, Page, cut, link_next
from app.routers.api.problems import Kind, Refused, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, changed, etag, expected_version
from app.routers.pages.visitor import occasion_of
from app.services import connections
from app.services.connections import Connection, Ended
from app.store.versions import VersionChanged

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
    server = server_of(request)
    found = await connections.list_page(server.database, session.user_id, after=page.after, limit=page.limit + 1)
    shown = cut(request, response, page, found, lambda item: item.record.id)
    return AuthorizationList(items=[summary_of(connection, server.client_documents.rules) for connection in shown])


@router.get(
    "/authorizations/ended",
    operation_id="list_ended_authorizations",
    summary="List what was connected earlier",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.INVALID_REQUEST),
    },
)
async def list_ended_authorizations(
    request: Request, response: Response, session: Reader, page: AskedPage
) -> EndedAuthorizationList:
    """The latest end first, as far back as the audit log reaches. The application itself may be gone by now."""
    database = server_of(request).database
    found, onwards = await connections.list_ended(database, session.user_id, before=page.after, limit=page.limit)
    if onwards is not None:
        link_next(request, response, page, onwards)
    return EndedAuthorizationList(items=[ended_of(one) for one in found])


@router.get(
    "/authorizations/ended/{id}",
    operation_id="read_ended_authorization",
    summary="Read what became of one that was connected earlier",
    responses={
        200: {"description": "The application as it was called then."},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def read_ended_authorization(request: Request, session: Reader, id: RecordId) -> EndedAuthorization:
    """Not found while it is connected."""
    return ended_of(await _ended(request, session, id))


@router.get(
    "/authorizations/ended/{id}/history",
    operation_id="read_ended_history",
    summary="Read the history of one that was connected earlier",
    responses={
        200: {"description": "A page of the history.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND, Kind.INVALID_REQUEST),
    },
)
async def read_ended_history(
    request: Request, response: Response, session: Reader, id: RecordId, page: AskedPage
) -> ChangeList:
    """Who changed what, when, in which request, with what was allowed before and after. It outlives the connection."""
    ended = await _ended(request, session, id)
    return await _history(request, response, session, ended.record_id, page)


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
    told = await connections.history(server.database, connection.record.id)
    families = await connections.live_families(server.database, connection, server.clock())
    response.headers["ETag"] = etag(connection.record.version)
    documents = server.client_documents.rules
    return answer_of(connection, documents, server.vocabulary, told.entries, families, session)


@router.get(
    "/authorizations/{id}/history",
    operation_id="read_history",
    summary="Read how it came about that an application may do what it may",
    responses={
        200: {"description": "A page of the history.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND, Kind.INVALID_REQUEST),
    },
)
async def read_history(
    request: Request, response: Response, session: Reader, id: RecordId, page: AskedPage
) -> ChangeList:
    """Who changed what, when, in which request, with what was allowed before and after; the newest first."""
    connection = await _own(request, session, id)
    return await _history(request, response, session, connection.record.id, page)


@router.get(
    "/authorizations/{id}/families",
    operation_id="list_families",
    summary="List where an application is signed in",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND, Kind.INVALID_REQUEST),
    },
)
async def list_families(
    request: Request, response: Response, session: Reader, id: RecordId, page: AskedPage
) -> TokenFamilyList:
    """Each is all that descends from one sign-in of yours: an access token, and the refresh tokens that renew it."""
    server = server_of(request)
    connection = await _own(request, session, id)
    found = await connections.families(
        server.database, connection, server.clock(), after=page.after, limit=page.limit + 1
    )
    shown = cut(request, response, page, found, lambda item: item.id)
    return TokenFamilyList(items=[family_of(family) for family in shown])


@router.delete(
    "/authorizations/{id}/families/{family}",
    operation_id="end_family",
    summary="Sign an application out in one place",
    status_code=204,
    responses={
        204: {"description": "Every token of that place is dead."},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def end_family(
    request: Request,
    session: Changer,
    id: RecordId,
    family: Annotated[str, Path(description="The `id` of a place.", json_schema_extra={"format": "uuid"})],
) -> Response:
    """Ends its tokens there at once; what you have allowed it stays, and so do its other places."""
    connection = await _own(request, session, id)
    known = connections.read_id(family)
    database = server_of(request).database
    if known is None or not await connections.end_family(database, connection, known, occasion_of(request)):
        raise _unknown()
    return Response(status_code=204)


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
    server = server_of(request)
    shown = desk.application_of(connection.record, server.client_documents.rules)
    try:
        ended = await connections.disconnect(
            server.database,
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
    wanted = liveness.pair(scope, resource) if liveness.is_scope(scope) else ""
    return await _remove(request, await _own(request, session, id), wanted, if_match)


@router.delete(
    "/authorizations/{id}/claims/{claim:path}",
    operation_id="remove_claim",
    summary="Take one claim about you from an application",
    status_code=204,
    responses={
        204: {"description": "The application is told it no longer, whichever token it asks with."},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def remove_claim(
    request: Request, session: Changer, id: RecordId, claim: str, if_match: IfMatch = None
) -> Response:
    """For claims that it was given one by one; those that a scope delivers end with that scope."""
    return await _remove(request, await _own(request, session, id), claims_request.pair(claim), if_match)


@router.delete(
    "/authorizations/{id}/details/{detail:path}",
    operation_id="remove_details",
    summary="Take authorization details from an application",
    status_code=204,
    responses={
        204: {"description": "They are gone, from every token too."},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def remove_details(
    request: Request, session: Changer, id: RecordId, detail: str, if_match: IfMatch = None
) -> Response:
    """`detail` is the `id` of an item of `granted_details`, percent-encoded (RFC 9396)."""
    return await _remove(request, await _own(request, session, id), PAIR_PREFIX + detail, if_match)


async def _remove(request: Request, connection: Connection, wanted: str, if_match: IfMatch) -> Response:
    held = next((one.pair for one in connection.record.pairs if one.pair == wanted), None)
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


async def _ended(request: Request, session: SessionFact, record_id: str) -> Ended:
    known = connections.read_id(record_id)
    ended = await connections.find_ended(server_of(request).database, session.user_id, known) if known else None
    if ended is None:
        raise _unknown()
    return ended


async def _history(
    request: Request, response: Response, session: SessionFact, record_id: UUID, page: Page
) -> ChangeList:
    database = server_of(request).database
    told = await connections.history(database, record_id, before=page.after, limit=page.limit)
    if told.onwards is not None:
        link_next(request, response, page, told.onwards)
    return ChangeList(items=[change_of(entry, session) for entry in told.entries])


def _unknown() -> Refused:
    return Refused(Kind.NOT_FOUND, "it is over, never was, or is not yours")
