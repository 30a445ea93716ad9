"""`/account/activity`: what happened to the account."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol.facts import SessionFact
from app.routers.pages import answers, log
from app.routers.pages.visitor import person_of, require_signed_in
from app.services import trail
from app.services.trail import Filters, Told
from app.views.pages.audit import Activity, LogFilters, LogRow

router = APIRouter(include_in_schema=False)

PATH = "/account/activity"


@router.get(PATH)
async def show_activity(request: Request) -> Response:
    """Show the person's own history in plain words."""
    session = await require_signed_in(request)
    server = server_of(request)
    selection = await trail.of_person(server.database, session.user_id, Filters())
    shown = await log.show_rows(request, selection, PATH, LogFilters(), lambda told: _row(server, session, told))
    return answers.show(
        request,
        Activity(
            account=person_of(session),
            path=PATH,
            days=shown.days,
            kept_days=log.KEPT_DAYS,
            newer_url=shown.newer_url,
            older_url=shown.older_url,
            lines_url="/api/v1/audit/export",
        ),
    )


def _row(server: Server, session: SessionFact, told: Told) -> LogRow:
    """Return a row that names nobody for what the person did himself, and for what his applications set off."""
    entry = told.entry
    himself = entry.actor_kind == "user" and entry.actor_id == str(session.user_id)
    return LogRow(
        at=entry.at,
        who="" if himself or entry.actor_kind == "application" else log.who_of(server, told),
        what=log.words_of(told),
        event=entry.event,
        address=entry.address if trail.is_own_place(told, session.user_id) else "",
    )
