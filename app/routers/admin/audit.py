"""`/admin/audit`: the whole audit log, for operators."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.admin.entrance import require_operator
from app.routers.pages import answers, log
from app.routers.pages.visitor import person_of
from app.services import trail
from app.views.event_words import GROUPS
from app.views.pages.audit import AdminAudit

router = APIRouter(include_in_schema=False)

PATH = "/admin/audit"
_EXPORT = "/api/v1/admin/audit/export"


@router.get(PATH)
async def show_audit(request: Request) -> Response:
    """Show a page of the log; whoever is no operator gets the page for what does not exist."""
    session = await require_operator(request)
    server = server_of(request)
    typed = log.filters_of(request)
    selection = await trail.of_everybody(server.database, log.asked_of(typed))
    shown = await log.show_rows(
        request, selection, PATH, typed, lambda told: log.row_of(server, told, address=True, traced=True)
    )
    return answers.show(
        request,
        AdminAudit(
            account=person_of(session),
            path=PATH,
            days=shown.days,
            kept_days=log.KEPT_DAYS,
            newer_url=shown.newer_url,
            older_url=shown.older_url,
            filters=typed,
            choices=log.choices(GROUPS, typed.event),
            lines_url=log.export_url(_EXPORT, typed),
            table_url=log.export_url(_EXPORT, typed, format="csv"),
        ),
    )
