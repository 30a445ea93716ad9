"""`/api/v1/admin/resources`: the APIs that this server has tokens for, for operators in their own session.

What is changed counts in this worker with the answer, and in the others as soon as they hear of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol import resource_metadata
from app.protocol.facts import SessionFact
from app.protocol.resources import Resource
from app.routers.admin.entrance import occasion_of_operator
from app.routers.api.idempotency import REPLAYED, IdempotencyKey, replayed
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.operator import OPERATOR_CHANGE_PROBLEMS, OPERATOR_PROBLEMS, OperatorMaker, OperatorReader
from app.routers.api.problems import BODY_PROBLEMS, FieldError, Kind, Refused, api_router, problems
from app.routers.api.resource_models import NewResource, ResourceAnswer, ResourceChanges, ResourceList
from app.routers.api.versions import ETAG, IfMatch, changed, etag, expected_version
from app.services.resources import (
    Declaring,
    NoSuchResource,
    ResourceChanged,
    ResourceTaken,
    UnacceptableResource,
)
from app.store import resources as rows
from app.store.idempotency import Repeated
from app.views.addresses import identifier_at

router = api_router()

PATH = "/admin/resources"
ONE = PATH + "/{id}"

ResourceId = Annotated[str, Path(description="The `id` of a resource of the list.")]


@router.get(
    PATH,
    operation_id="list_resources",
    summary="List the resources of the server",
    responses={200: {"description": "All of them."}, **problems(*OPERATOR_PROBLEMS)},
)
async def list_resources(request: Request, session: OperatorReader) -> ResourceList:
    """The server's own, those of its settings and those that were declared, by identifier, each with the metadata that
    its API is to publish (RFC 9728)."""
    server = server_of(request)
    await server.resources.refresh()
    return ResourceList(items=[_answer(server, resource) for resource in server.resources.known])


@router.post(
    PATH,
    operation_id="create_resource",
    summary="Declare a resource",
    status_code=201,
    responses={
        201: {"description": "The resource.", "headers": LOCATION | ETAG | REPLAYED},
        **problems(*OPERATOR_CHANGE_PROBLEMS, *BODY_PROBLEMS, Kind.CONFLICT, Kind.KEY_REUSED),
    },
)
async def create_resource(
    request: Request, response: Response, session: OperatorMaker, claim: IdempotencyKey, body: NewResource
) -> ResourceAnswer:
    """Clients can ask for tokens for it from now on."""
    server, resource = server_of(request), body.resource()
    if server.resources.declared_by(resource.identifier) != "data":
        raise _taken()
    identifier = resource.identifier
    try:
        with _refusals():
            await _declaring(request, session).add(resource, claim)
    except Repeated as repeated:
        identifier = replayed(response, repeated)
    told = await _told(server, identifier, response)
    tell_location(request, response, told.id)
    return told


@router.get(
    ONE,
    operation_id="read_resource",
    summary="Read one resource",
    responses={
        200: {"description": "The resource; what can be changed here has an `ETag`.", "headers": ETAG},
        **problems(*OPERATOR_PROBLEMS),
    },
)
async def read_resource(
    request: Request, response: Response, session: OperatorReader, id: ResourceId
) -> ResourceAnswer:
    """With the metadata that its API is to publish (RFC 9728)."""
    return await _told(server_of(request), identifier_at(id), response)


@router.patch(
    ONE,
    operation_id="change_resource",
    summary="Change a resource",
    responses={
        200: {"description": "The resource as it is now.", "headers": ETAG},
        **problems(*OPERATOR_CHANGE_PROBLEMS, *BODY_PROBLEMS, Kind.CONFLICT, Kind.VERSION_CHANGED),
    },
)
async def change_resource(
    request: Request,
    response: Response,
    session: OperatorMaker,
    id: ResourceId,
    body: ResourceChanges,
    if_match: IfMatch = None,
) -> ResourceAnswer:
    """Which scopes it understands, which tokens it gets, for how long, and who may introspect them."""
    server, identifier = server_of(request), identifier_at(id)
    version = await _meant(server, identifier, if_match)
    with _refusals():
        await _declaring(request, session).change(identifier, body.applied_to, version)
    return await _told(server, identifier, response)


@router.delete(
    ONE,
    operation_id="delete_resource",
    summary="Remove a resource",
    status_code=204,
    responses={
        204: {"description": "There are no tokens for it any more."},
        **problems(*OPERATOR_CHANGE_PROBLEMS, Kind.CONFLICT, Kind.VERSION_CHANGED),
    },
)
async def delete_resource(
    request: Request, session: OperatorMaker, id: ResourceId, if_match: IfMatch = None
) -> Response:
    """Opaque tokens for it are dead for its API, and grants for it can't be renewed; a JWT lives on until it ends.
    Declared again, what people allowed there counts again."""
    server, identifier = server_of(request), identifier_at(id)
    version = await _meant(server, identifier, if_match)
    with _refusals():
        await _declaring(request, session).remove(identifier, version)
    await server.resources.refresh()
    return Response(status_code=204)


def _answer(server: Server, resource: Resource) -> ResourceAnswer:
    return ResourceAnswer.of(
        resource,
        server.resources.declared_by(resource.identifier),
        resource_metadata.address_of(resource.identifier),
        resource_metadata.document(resource, server.issuer, server.features, server.scopes),
    )


async def _told(server: Server, identifier: str, response: Response) -> ResourceAnswer:
    """Return a resource as it is now, in force in this worker, with its version if it can be changed here."""
    await server.resources.refresh()
    resource = server.resources.current.get(identifier)
    if resource is None:  # never declared, removed meanwhile, or of a format that is switched off
        raise _absent()
    if server.resources.declared_by(identifier) == "data":
        resource, version = await _declared(server, identifier)
        response.headers["ETag"] = etag(version)
    return _answer(server, resource)


def _declaring(request: Request, session: SessionFact) -> Declaring:
    server = server_of(request)
    occasion = occasion_of_operator(request, session)
    return Declaring(server.database, occasion, server.scopes, server.keyring.plan.algorithms, server.features)


async def _meant(server: Server, identifier: str, if_match: list[str] | None) -> int | None:
    """Return the version that a change has to meet; raises `Refused`, also for what was not declared as data."""
    if server.resources.declared_by(identifier) != "data":
        raise Refused(Kind.CONFLICT, "it stands in the settings of this server, where alone it can be changed")
    _, version = await _declared(server, identifier)
    return expected_version(version, if_match)


async def _declared(server: Server, identifier: str) -> tuple[Resource, int]:
    found = await rows.read(server.database, identifier)
    if found is None:
        raise _absent()
    return found


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell in the words of the API why it cannot be."""
    try:
        yield
    except UnacceptableResource as wrong:
        errors = [FieldError(field=member, detail=rule) for member, rule in wrong.problems]
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=errors) from None
    except ResourceTaken:
        raise _taken() from None
    except NoSuchResource:
        raise _absent() from None
    except ResourceChanged:
        raise changed() from None


def _taken() -> Refused:
    return Refused(Kind.CONFLICT, "there is a resource with this identifier; change that one")


def _absent() -> Refused:
    return Refused(Kind.NOT_FOUND, "there is no such resource")
