"""`/organizations/{slug}/audit`: who did what."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.organizations.entrance import enter
from app.routers.pages import answers, log
from app.routers.pages.visitor import person_of
from app.services import trail
from app.views.pages.audit import OrganizationAudit

router = APIRouter(include_in_schema=False)

_EVENTS = ("organization.", "member.", "invitation.", "api_key.", "application.")
"""What happens in an organization."""


@router.get("/organizations/{slug}/audit")
async def show_audit(request: Request, slug: str) -> Response:
    """Show a page of the log; from where something was done is told to administrators alone."""
    entrance = await enter(request, slug, permissions.AUDIT_LOG)
    server = server_of(request)
    operator, addresses = entrance.session.operator, permissions.ADDRESSES.allows("GET", entrance.scopes)
    path = f"{entrance.tab.url}/audit"
    exports = f"/api/v1/organizations/{quote(entrance.organization.slug, safe='')}/audit/export"
    typed = log.filters_of(request)
    selection = await trail.of_organization(server.database, entrance.organization.id, log.asked_of(typed))
    shown = await log.show_rows(
        request, selection, path, typed, lambda told: log.row_of(server, told, address=addresses, traced=operator)
    )
    return answers.show(
        request,
        OrganizationAudit(
            account=person_of(entrance.session),
            organization=entrance.tab,
            path=path,
            days=shown.days,
            kept_days=log.KEPT_DAYS,
            newer_url=shown.newer_url,
            older_url=shown.older_url,
            filters=typed,
            choices=log.choices(_EVENTS, typed.event),
            lines_url=log.export_url(exports, typed),
            table_url=log.export_url(exports, typed, format="csv"),
            addresses=addresses,
            whose=entrance.tab.name,
        ),
    )
