"""`/organizations/{slug}/applications`: what an organization owns, for those who may manage it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.organizations import entrance
from app.routers.pages import answers
from app.routers.pages.visitor import person_of
from app.routers.portal import desk
from app.routers.portal.applications import is_worth_filtering, look_through, narrowed_by, next_url
from app.services.own_applications import holder_at
from app.views.pages.portal import OrganizationApplications

router = APIRouter(include_in_schema=False)


@router.get("/organizations/{slug}/applications")
async def show_list(request: Request, slug: str) -> Response:
    """Show the applications of an organization, by name."""
    entered = await entrance.enter(request, slug, permissions.APPLICATIONS)
    server = server_of(request)
    organization = entered.organization
    holder = holder_at(organization, server.roles, entered.session)
    narrowed = narrowed_by(request)
    found, onwards = await look_through(request, holder, narrowed, owner=organization.slug)
    path = f"{entered.tab.url}/applications"
    page = OrganizationApplications(
        account=person_of(entered.session),
        organization=entered.tab,
        applications=await desk.lines_of(server, found),
        now=server.clock(),
        narrowed=narrowed,
        filterable=is_worth_filtering(request, found),
        manages=permissions.APPLICATIONS.allows("PUT", server.roles.scopes_of(entered.role)),
        previous_url=path if "after" in request.query_params else "",
        next_url=next_url(path, narrowed, onwards),
    )
    return answers.show(request, page)
