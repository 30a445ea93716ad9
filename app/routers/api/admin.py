"""`/api/v1/admin`: people and applications of the whole server, and why requests were answered as they were.

For operators in their own session. To everybody else nothing is served here.
"""

from typing import Annotated, Literal

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.api.admin_models import (
    ApplicationList,
    ApplicationSummary,
    Check,
    Decision,
    RequestAnswer,
    UserAnswer,
    UserList,
    UserSummary,
)
from app.routers.api.operator import OPERATOR_CHANGE_PROBLEMS, OPERATOR_PROBLEMS, OperatorMaker, OperatorReader
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, Kind, Refused, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, changed, etag, expected_version
from app.routers.pages.visitor import occasion_of
from app.services import administration
from app.services.administration import (
    Administration,
    ApplicationChanged,
    LastOperator,
    NoLongerOperator,
    NotYourself,
)
from app.services.connections import read_id
from app.services.names import MAX_LOGIN_LENGTH
from app.store import traces
from app.store.administration import Listed, Person, Wanted
from app.views.addresses import identifier_at

router = api_router()

UserId = Annotated[str, Path(description="The `id` of a person of the list.", json_schema_extra={"format": "uuid"})]
ClientId = Annotated[
    str,
    Path(
        description="The `client_id` of an application of the list. One that is an address does not fit into a path: "
        "write `=` and its base64url form without padding."
    ),
]


@router.get(
    "/admin/users",
    operation_id="list_users",
    summary="List the people of the server",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*OPERATOR_PROBLEMS),
    },
)
async def list_users(
    request: Request,
    response: Response,
    session: OperatorReader,
    page: AskedPage,
    q: Annotated[
        str,
        Query(max_length=MAX_LOGIN_LENGTH, description="Only those whose username or email address begins with this."),
    ] = "",
) -> UserList:
    """The newest first."""
    found = await administration.list_users(server_of(request).database, q, after=page.after, limit=page.limit + 1)
    shown = cut(request, response, page, found, lambda item: item.id)
    return UserList(items=[UserSummary.of(person) for person in shown])


@router.get(
    "/admin/users/{id}",
    operation_id="read_user",
    summary="Read one person",
    responses={200: {"description": "The person, and how much he has."}, **problems(*OPERATOR_PROBLEMS)},
)
async def read_user(request: Request, session: OperatorReader, id: UserId) -> UserAnswer:
    """With how many sessions, connections and tokens end when he is disabled."""
    return await _told(request, await person_behind(request, id))


@router.post(
    "/admin/users/{id}/disable",
    operation_id="disable_user",
    summary="Disable a person",
    responses={
        200: {"description": "The person, disabled now or before."},
        **problems(*OPERATOR_CHANGE_PROBLEMS, Kind.CONFLICT),
    },
)
async def disable_user(request: Request, session: OperatorMaker, id: UserId) -> UserAnswer:
    """Ends his sessions and tokens at once and for ever. Not yourself, and not the last operator."""
    person = await person_behind(request, id)
    try:
        await _acting(request, session).disable_user(person.id)
    except NotYourself:
        raise Refused(Kind.CONFLICT, "you cannot disable yourself") from None
    except LastOperator:
        raise Refused(Kind.CONFLICT, "nobody would be left who may operate the server") from None
    except NoLongerOperator:
        raise Refused(Kind.NOT_FOUND, "nothing is served at this path") from None
    return await _told(request, await person_behind(request, id))


@router.post(
    "/admin/users/{id}/enable",
    operation_id="enable_user",
    summary="Enable a person",
    responses={
        200: {"description": "The person, who may sign in."},
        **problems(*OPERATOR_CHANGE_PROBLEMS),
    },
)
async def enable_user(request: Request, session: OperatorMaker, id: UserId) -> UserAnswer:
    """Lets him sign in again. What ended stays ended."""
    person = await person_behind(request, id)
    await _acting(request, session).enable_user(person.id)
    return await _told(request, await person_behind(request, id))


@router.get(
    "/admin/applications",
    operation_id="list_all_applications",
    summary="List the applications of the server",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*OPERATOR_PROBLEMS),
    },
)
async def list_applications(
    request: Request,
    response: Response,
    session: OperatorReader,
    page: AskedPage,
    q: Annotated[
        str, Query(max_length=MAX_LOGIN_LENGTH, description="Only those whose name or `client_id` begins with this.")
    ] = "",
    status: Annotated[
        Literal["active", "inactive", "pending_deletion", "deletion_in_progress"] | None,
        Query(description="Only those in this state."),
    ] = None,
    unchecked: Annotated[bool, Query(description="Only those of others that no operator has checked.")] = False,
    self_registered: Annotated[bool, Query(description="Only those that registered themselves.")] = False,
) -> ApplicationList:
    """The newest first, without those that are deleted."""
    found = await administration.list_applications(
        server_of(request).database,
        Wanted(q, status, unchecked, self_registered),
        after=page.after,
        limit=page.limit + 1,
    )
    shown = cut(request, response, page, found, lambda item: item.id)
    return ApplicationList(items=[ApplicationSummary.of(listed) for listed in shown])


@router.get(
    "/admin/applications/{client_id}",
    operation_id="read_any_application",
    summary="Read one application",
    responses={200: {"description": "The application.", "headers": ETAG}, **problems(*OPERATOR_PROBLEMS)},
)
async def read_application(
    request: Request, response: Response, session: OperatorReader, client_id: ClientId
) -> ApplicationSummary:
    """Whoever owns it."""
    listed = await _application(request, client_id)
    response.headers["ETag"] = etag(listed.version)
    return ApplicationSummary.of(listed)


@router.post(
    "/admin/applications/{client_id}/disable",
    operation_id="disable_any_application",
    summary="Disable an application",
    responses={
        200: {"description": "The application, disabled now or before."},
        **problems(*OPERATOR_CHANGE_PROBLEMS),
    },
)
async def disable_application(request: Request, session: OperatorMaker, client_id: ClientId) -> ApplicationSummary:
    """Ends everything it holds at once, and its owner cannot undo that."""
    listed = await _application(request, client_id)
    await _acting(request, session).disable_application(listed.client_id)
    return ApplicationSummary.of(await _application(request, client_id))


@router.post(
    "/admin/applications/{client_id}/enable",
    operation_id="enable_any_application",
    summary="Enable an application",
    responses={
        200: {"description": "The application, which is let in, whoever turned it off."},
        **problems(*OPERATOR_CHANGE_PROBLEMS),
    },
)
async def enable_application(request: Request, session: OperatorMaker, client_id: ClientId) -> ApplicationSummary:
    """Lets it in again. What it held before stays ended."""
    listed = await _application(request, client_id)
    await _acting(request, session).enable_application(listed.client_id)
    return ApplicationSummary.of(await _application(request, client_id))


@router.put(
    "/admin/applications/{client_id}/check",
    operation_id="check_application",
    summary="Mark an application as checked, or take that back",
    responses={
        200: {"description": "The application as it is now."},
        **problems(*OPERATOR_CHANGE_PROBLEMS, *BODY_PROBLEMS, Kind.VERSION_CHANGED),
    },
)
async def check_application(
    request: Request, session: OperatorMaker, client_id: ClientId, body: Check, if_match: IfMatch = None
) -> ApplicationSummary:
    """Consent pages say whether somebody has checked who is behind it. Send the `ETag` of what you have looked at."""
    listed = await _application(request, client_id)
    acting = _acting(request, session)
    version = expected_version(listed.version, if_match)
    if body.checked:
        try:
            await acting.check_application(listed.client_id, body.note, version)
        except ApplicationChanged:
            raise changed() from None
    else:
        await acting.uncheck_application(listed.client_id, body.note)
    return ApplicationSummary.of(await _application(request, client_id))


@router.get(
    "/admin/requests/{request_id}",
    operation_id="read_request",
    summary="Read why a request was answered as it was",
    responses={200: {"description": "Its decisions."}, **problems(*OPERATOR_PROBLEMS)},
)
async def read_request(
    request: Request,
    session: OperatorReader,
    request_id: Annotated[str, Path(description="The reference of an error page, or an `X-Request-Id`.")],
) -> RequestAnswer:
    """Authorization requests leave their checks under their request id; they can be read a second later."""
    found = await traces.find(server_of(request).database, request_id)
    if not found:
        raise Refused(Kind.NOT_FOUND, "nothing is recorded under this id")
    return RequestAnswer(request_id=request_id, decisions=[Decision.of(entry) for entry in found])


def _acting(request: Request, session: SessionFact) -> Administration:
    return Administration(server_of(request).database, session, occasion_of(request))


async def person_behind(request: Request, user_id: str) -> Person:
    """Return the person with this id; raises `Refused`."""
    known = read_id(user_id)
    person = await administration.find_user(server_of(request).database, known) if known else None
    if person is None:
        raise Refused(Kind.NOT_FOUND, "there is no such person")
    return person


async def _told(request: Request, person: Person) -> UserAnswer:
    server = server_of(request)
    return UserAnswer.with_holdings(person, await administration.holdings(server.database, person.id, server.clock()))


async def _application(request: Request, client_id: str) -> Listed:
    listed = await administration.find_application(server_of(request).database, identifier_at(client_id))
    if listed is None:
        raise Refused(Kind.NOT_FOUND, "there is no such application")
    return listed
