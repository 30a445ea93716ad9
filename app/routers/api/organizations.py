"""`/api/v1/organizations`: those of the caller, and one of them with what he may do in it."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol import permissions
from app.protocol.callers import KeyCaller, PersonCaller
from app.routers.api.acting import ACTING_PROBLEMS, acting_of, refusals
from app.routers.api.caller import CHANGER_PROBLEMS, Changer
from app.routers.api.gate import GATE_PROBLEMS, Granted, Known, actor_of, at_organization, identified_with
from app.routers.api.idempotency import REPLAYED, IdempotencyKey, replayed
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.organization_models import (
    NewOrganization,
    OrganizationAnswer,
    OrganizationChanges,
    OrganizationList,
    OrganizationSummary,
    answer_with,
    organization_answer,
    summary_of,
)
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, FieldError, Kind, Refused, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, etag, expected_version
from app.routers.pages.visitor import occasion_of
from app.services import organizations
from app.services.organizations import MAX_MEMBERSHIPS, OwnsApplications, SlugTaken, TooManyOrganizations
from app.store import organizations as rows
from app.store.idempotency import Repeated
from app.store.organizations import Membership

router = api_router()

PATH = "/organizations"
ONE = PATH + "/{slug}"

Listing = Annotated[Known, Depends(identified_with(permissions.ORGANIZATION))]
Here = Annotated[Granted, Depends(at_organization(permissions.ORGANIZATION))]


@router.get(
    PATH,
    operation_id="list_organizations",
    summary="List your organizations",
    responses={200: {"description": "A page of the list.", "headers": NEXT_LINK}, **problems(*GATE_PROBLEMS)},
)
async def list_organizations(request: Request, response: Response, known: Listing, page: AskedPage) -> OrganizationList:
    """Those that the caller’s person belongs to and that the credential reaches; an API key sees its own one."""
    server = server_of(request)
    if known.user_id is None:
        return OrganizationList(items=await _of_key(server, known))
    found = await rows.page_for_user(server.database, known.user_id, after=page.after, limit=page.limit + 1)
    shown = cut(request, response, page, found, lambda item: item.organization.id)
    reached = [membership for membership in shown if _reaches(server, known, membership)]
    return OrganizationList(items=[summary_of(membership.organization, membership) for membership in reached])


@router.post(
    PATH,
    operation_id="found_organization",
    summary="Found an organization",
    status_code=201,
    responses={
        201: {"description": "The organization, with you as its first member.", "headers": LOCATION | ETAG | REPLAYED},
        **problems(*CHANGER_PROBLEMS, *BODY_PROBLEMS, Kind.NOT_ALLOWED, Kind.CONFLICT, Kind.KEY_REUSED),
    },
)
async def found_organization(
    request: Request, response: Response, session: Changer, claim: IdempotencyKey, body: NewOrganization
) -> OrganizationAnswer:
    """You get the role that holds every scope. The server’s settings say whether everybody may, or operators alone."""
    server = server_of(request)
    if not server.everyone_founds and not session.operator:
        raise Refused(Kind.NOT_ALLOWED, "operators alone found organizations here")
    caller = PersonCaller(session)
    occasion = replace(occasion_of(request), actor=actor_of(caller))
    acting = acting_of(request, Known(caller, session.user_id, occasion))
    try:
        organization = await organizations.found(
            server.database, acting, session.user_id, slug=body.slug, name=body.name, claim=claim
        )
        role = server.roles.top.name
    except TooManyOrganizations:
        detail = f"whoever belongs to {MAX_MEMBERSHIPS} organizations founds no further one; leave or delete one first"
        raise Refused(Kind.CONFLICT, detail) from None
    except SlugTaken:
        error = FieldError(field="slug", detail="is that of another organization, or was")
        raise Refused(Kind.CONFLICT, "the slug is taken", errors=[error]) from None
    except Repeated as repeated:
        made = replayed(response, repeated)
        memberships = await rows.list_for_user(server.database, session.user_id)
        membership = next((one for one in memberships if str(one.organization.id) == made), None)
        if membership is None:
            raise Refused(Kind.NOT_FOUND, "it was founded, and is over or not yours any more") from None
        organization, role = membership.organization, membership.role
    tell_location(request, response, organization.slug)
    response.headers["ETag"] = etag(organization.version)
    return answer_with(organization, role, server.roles.scopes_of(role), server.scopes)


@router.get(
    ONE,
    operation_id="read_organization",
    summary="Read an organization, and what you may do in it",
    responses={
        200: {"description": "The organization with the caller’s access.", "headers": ETAG},
        **problems(*GATE_PROBLEMS),
    },
)
async def read_organization(request: Request, response: Response, granted: Here) -> OrganizationAnswer:
    """`access` holds the caller’s effective scopes there, so that a resource server can ask with a caller’s token."""
    response.headers["ETag"] = etag(granted.organization.version)
    return organization_answer(granted.organization, granted, server_of(request).scopes)


@router.patch(
    ONE,
    operation_id="rename_organization",
    summary="Rename an organization",
    responses={
        200: {"description": "The organization with its new name.", "headers": ETAG},
        **problems(*GATE_PROBLEMS, *BODY_PROBLEMS, *ACTING_PROBLEMS, Kind.VERSION_CHANGED),
    },
)
async def rename_organization(
    request: Request, response: Response, granted: Here, body: OrganizationChanges, if_match: IfMatch = None
) -> OrganizationAnswer:
    """The slug stays: addresses and keys go on working."""
    server = server_of(request)
    version = expected_version(granted.organization.version, if_match)
    with refusals(request):
        renamed = await organizations.rename(
            server.database, acting_of(request, granted), granted.organization.id, body.name, version
        )
    response.headers["ETag"] = etag(renamed.version)
    return organization_answer(renamed, granted, server.scopes)


@router.delete(
    ONE,
    operation_id="delete_organization",
    summary="Delete an organization",
    status_code=204,
    responses={
        204: {"description": "It is gone for everybody, and its keys with it."},
        **problems(*GATE_PROBLEMS, *ACTING_PROBLEMS, Kind.CONFLICT, Kind.VERSION_CHANGED),
    },
)
async def delete_organization(request: Request, granted: Here, if_match: IfMatch = None) -> Response:
    """For good; its slug is never given out again. First delete its applications, or hand them over."""
    version = expected_version(granted.organization.version, if_match)
    try:
        with refusals(request):
            await organizations.close(
                server_of(request).database, acting_of(request, granted), granted.organization.id, version
            )
    except OwnsApplications:
        raise Refused(Kind.CONFLICT, "it owns applications; delete them or hand them over first") from None
    return Response(status_code=204)


def _reaches(server: Server, known: Known, membership: Membership) -> bool:
    """Tell whether the caller may read an organization of his person; in his session he sees all of them."""
    held = permissions.scopes_at(
        known.caller, membership.organization.id, membership.role, roles=server.roles, registry=server.scopes
    )
    return isinstance(known.caller, PersonCaller) or permissions.ORGANIZATION.allows("GET", held or frozenset())


async def _of_key(server: Server, known: Known) -> list[OrganizationSummary]:
    """The one organization of an API key; the system key belongs to none, nor does an application."""
    if not isinstance(known.caller, KeyCaller):
        return []
    found = await rows.find_with_role(server.database, known.caller.key.organization_slug, None)
    return [] if found is None else [summary_of(found[0], None)]
