"""`/admin/resources`: the APIs that the server has tokens for, and what each is to publish so that clients find us."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol import resource_metadata
from app.protocol.origins import origin_of
from app.protocol.resources import Resource
from app.routers.admin.entrance import absent, require_operator
from app.routers.pages import answers
from app.routers.pages.visitor import person_of
from app.views.addresses import identifier_at
from app.views.pages.resources import RESOURCES, AdminResource, AdminResources, ResourceLine

router = APIRouter(include_in_schema=False)

PATH = RESOURCES


@router.get(PATH)
async def show_resources(request: Request) -> Response:
    """Show all of them: the server's own, those of its settings, those that were declared."""
    session = await require_operator(request)
    server = server_of(request)
    await server.resources.refresh()
    lines = tuple(_line_of(server, resource) for resource in server.resources.known)
    return answers.show(request, AdminResources(account=person_of(session), resources=lines))


@router.get(PATH + "/{segment}")
async def show_resource(request: Request, segment: str) -> Response:
    """Show one, with its document, the header line and code to copy."""
    session = await require_operator(request)
    server = server_of(request)
    await server.resources.refresh()
    resource = server.resources.current.get(identifier_at(segment))
    if resource is None:
        raise absent(request, session)
    address = resource_metadata.address_of(resource.identifier)
    page = AdminResource(
        account=person_of(session),
        resource=_line_of(server, resource),
        issuer=server.issuer,
        document=resource_metadata.document(resource, server.issuer, server.features, server.scopes),
        published_at=address,
        header=resource_metadata.challenge(resource) if address else "",
        here=bool(address) and origin_of(address) == origin_of(server.issuer),
    )
    return answers.show(request, page)


def _line_of(server: Server, resource: Resource) -> ResourceLine:
    known = {definition.name: place for place, definition in enumerate(server.scopes)}
    scopes = resource.scopes
    return ResourceLine(
        identifier=resource.identifier,
        name=resource.name,
        declared_by=server.resources.declared_by(resource.identifier),
        token_format=resource.token_format,
        signing_alg=resource.signing_alg,
        scopes=None if scopes is None else tuple(sorted(scopes, key=lambda scope: known.get(scope, len(known)))),
        lifetime=resource.access_token,
        introspection_clients=tuple(sorted(resource.introspection_clients)),
    )
