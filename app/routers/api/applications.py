"""`/api/v1/applications`: the applications that a person registered for himself and for his organizations.

A token opens none of this. An application of somebody else is answered like one that never was; what is not active is
refused at every endpoint of the protocol like one that nobody knows.
"""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.api.application_door import ONE, PATH, ClientId, holder_of, refusals
from app.routers.api.application_models import (
    ApplicationChanges,
    MadeApplication,
    NewApplication,
    OwnApplicationAnswer,
    OwnApplicationList,
    answer_of,
    made_answer_of,
)
from app.routers.api.caller import (
    CALLER_PROBLEMS,
    CHANGER_PROBLEMS,
    MAKER_PROBLEMS,
    Changer,
    Maker,
    Reader,
    refuse_old_login,
)
from app.routers.api.idempotency import IDEMPOTENCY_PROBLEMS, IdempotencyKey
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, Kind, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, etag, expected_version
from app.routers.pages.visitor import occasion_of
from app.services import own_applications
from app.services.application_settings import CREDENTIALS
from app.services.own_applications import MYSELF, OwnApplication

router = api_router()


@router.get(
    PATH,
    operation_id="list_applications",
    summary="List your applications",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.INVALID_REQUEST),
    },
)
async def list_applications(
    request: Request,
    response: Response,
    session: Reader,
    page: AskedPage,
    owner: Annotated[
        str | None, Query(description="`me`, or the slug of one of your organizations; without it, all.")
    ] = None,
) -> OwnApplicationList:
    """Your own, and those of the organizations whose applications you manage, by name."""
    server = server_of(request)
    holder = await holder_of(request, session)
    with refusals():
        found = await own_applications.list_page(
            server.database, holder, owner=owner, after=page.after, limit=page.limit + 1
        )
    shown = cut(request, response, page, found, lambda item: item.stored.id)
    return OwnApplicationList(items=[answer_of(own) for own in shown])


@router.post(
    PATH,
    operation_id="create_application",
    summary="Register an application",
    status_code=201,
    responses={
        201: {"description": "The application, this once with its secret.", "headers": LOCATION | ETAG},
        **problems(*MAKER_PROBLEMS, *BODY_PROBLEMS, *IDEMPOTENCY_PROBLEMS, Kind.CONFLICT),
    },
)
async def create_application(
    request: Request, response: Response, session: Maker, claim: IdempotencyKey, body: NewApplication | None = None
) -> MadeApplication:
    """Without a body: a confidential web application with two words as its name. Needs a recent sign-in."""
    server = server_of(request)
    settings = body or NewApplication()
    holder = await holder_of(request, session)
    with refusals():
        made = await own_applications.create(
            server.database,
            holder,
            settings,
            occasion_of(request),
            scopes=server.scopes,
            signing=server.keyring.plan.algorithms,
            outbound=server.outbound,
            organization=settings.organization,
            claim=claim,
            vault=server.vault,
        )
    stored = made.application.stored
    tell_location(request, response, stored.client_id)
    response.headers["ETag"] = etag(stored.version)
    return made_answer_of(made)


@router.get(
    ONE,
    operation_id="read_application",
    summary="Read one of your applications",
    responses={
        200: {"description": "The application, without its secrets.", "headers": ETAG},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def read_application(
    request: Request, response: Response, session: Reader, client_id: ClientId
) -> OwnApplicationAnswer:
    """What is registered, whether it is let in, and which secrets are valid."""
    with refusals():
        own = await own_applications.find(server_of(request).database, await holder_of(request, session), client_id)
    return _told(response, own)


@router.patch(
    ONE,
    operation_id="change_application",
    summary="Change an application",
    responses={
        200: {"description": "The application as it is now.", "headers": ETAG},
        **problems(*MAKER_PROBLEMS, *BODY_PROBLEMS, Kind.NOT_FOUND, Kind.CONFLICT, Kind.VERSION_CHANGED),
    },
)
async def change_application(
    request: Request,
    response: Response,
    session: Changer,
    client_id: ClientId,
    body: ApplicationChanges,
    if_match: IfMatch = None,
) -> OwnApplicationAnswer:
    """Changes what is named and keeps the rest. Handing it over with `organization`, and changing how it proves who it
    is, need a recent sign-in. A new `client_secret_jwt` application needs a new secret: it can't use those made before.
    """
    hand_to = None
    if not CREDENTIALS.isdisjoint(body.model_fields_set):
        refuse_old_login(request, session)
    if "organization" in body.model_fields_set:
        refuse_old_login(request, session)
        hand_to = MYSELF if body.organization is None else body.organization
    server = server_of(request)
    holder = await holder_of(request, session)
    with refusals():
        before = await own_applications.find(server.database, holder, client_id)
        own = await own_applications.change(
            server.database,
            holder,
            client_id,
            body,
            occasion_of(request),
            scopes=server.scopes,
            signing=server.keyring.plan.algorithms,
            outbound=server.outbound,
            version=expected_version(before.stored.version, if_match),
            hand_to=hand_to,
        )
    return _told(response, own)


@router.delete(
    ONE,
    operation_id="delete_application",
    summary="Delete an application",
    status_code=204,
    responses={
        204: {"description": "It is refused everywhere, and can be restored for a while."},
        **problems(*MAKER_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def delete_application(
    request: Request, session: Maker, client_id: ClientId, if_match: IfMatch = None
) -> Response:
    """Everything it holds is worth nothing at once; at `deletes_at` it goes for good. Needs a recent sign-in."""
    server = server_of(request)
    holder = await holder_of(request, session)
    with refusals():
        before = await own_applications.find(server.database, holder, client_id)
        await own_applications.delete(
            server.database,
            holder,
            client_id,
            occasion_of(request),
            grace=server.policy.lifetimes.deletion_grace,
            version=expected_version(before.stored.version, if_match),
        )
    return Response(status_code=204)


@router.post(
    ONE + "/restore",
    operation_id="restore_application",
    summary="Restore an application that is being deleted",
    responses={
        200: {"description": "The application as it is now.", "headers": ETAG},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.CONFLICT),
    },
)
async def restore_application(
    request: Request, response: Response, session: Changer, client_id: ClientId
) -> OwnApplicationAnswer:
    """Possible until `deletes_at`. Nothing that it held works again: people have to sign in anew."""
    holder = await holder_of(request, session)
    with refusals():
        own = await own_applications.restore(server_of(request).database, holder, client_id, occasion_of(request))
    return _told(response, own)


@router.post(
    ONE + "/disable",
    operation_id="disable_application",
    summary="Switch an application off",
    responses={
        200: {"description": "The application as it is now.", "headers": ETAG},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.CONFLICT),
    },
)
async def disable_application(
    request: Request, response: Response, session: Changer, client_id: ClientId
) -> OwnApplicationAnswer:
    """It is refused everywhere at once, with all it holds; and so it stays until somebody switches it on."""
    holder = await holder_of(request, session)
    with refusals():
        own = await own_applications.switch_off(server_of(request).database, holder, client_id, occasion_of(request))
    return _told(response, own)


@router.post(
    ONE + "/enable",
    operation_id="enable_application",
    summary="Switch an application on",
    responses={
        200: {"description": "The application as it is now.", "headers": ETAG},
        **problems(*CHANGER_PROBLEMS, Kind.NOT_FOUND, Kind.CONFLICT),
    },
)
async def enable_application(
    request: Request, response: Response, session: Changer, client_id: ClientId
) -> OwnApplicationAnswer:
    """Nothing that it held before works again. What the operator switched off you cannot switch on."""
    holder = await holder_of(request, session)
    with refusals():
        own = await own_applications.switch_on(server_of(request).database, holder, client_id, occasion_of(request))
    return _told(response, own)


def _told(response: Response, own: OwnApplication) -> OwnApplicationAnswer:
    response.headers["ETag"] = etag(own.stored.version)
    return answer_of(own)
