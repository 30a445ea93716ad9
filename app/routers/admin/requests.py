"""`/admin/requests`: why was this request refused, why was the person asked?"""

import re
from difflib import get_close_matches

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.authorize.checklist import CHECKLIST
from app.protocol.facts import SessionFact
from app.protocol.trace import Step, TraceEntry
from app.routers.admin.applications import line_of
from app.routers.admin.entrance import require_operator
from app.routers.pages import answers
from app.routers.pages.visitor import person_of
from app.services import administration
from app.store import traces
from app.store.administration import Listed
from app.views.pages.decision import AdminRequest, AdminRequests, Check, CheckState, Decision

router = APIRouter(include_in_schema=False)

PATH = "/admin/requests"

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_STATES: dict[str, CheckState] = {"refused": "failed", "denied": "failed", "asked": "asked"}


@router.get(PATH)
async def show_search(request: Request) -> Response:
    """Ask for a request id, and go to what is recorded under it."""
    session = await require_operator(request)
    q = request.query_params.get("q", "").strip()
    if _REQUEST_ID.fullmatch(q):
        return answers.see(request, f"{PATH}/{q}")
    return _nothing(request, session, q) if q else answers.show(request, AdminRequests(account=person_of(session)))


@router.get(PATH + "/{request_id}")
async def show_request(request: Request, request_id: str) -> Response:
    """Show what was decided about a request, the latest first."""
    session = await require_operator(request)
    database = server_of(request).database
    found = await traces.find(database, request_id) if _REQUEST_ID.fullmatch(request_id) else []
    if not found:
        return _nothing(request, session, request_id)
    decisions = [
        decision_of(entry, await administration.find_application(database, entry.client_id))
        for entry in reversed(found)
    ]
    page = AdminRequest(account=person_of(session), request_id=request_id, decisions=tuple(decisions))
    return answers.show(request, page)


def decision_of(entry: TraceEntry, application: Listed | None) -> Decision:
    """Return a trace as the page shows it."""
    registered = application.redirect_uris if application else ()
    line = line_of(application) if application else None
    return Decision(
        at=entry.at,
        client_id=entry.client_id,
        outcome=entry.outcome,
        checks=tuple(_check_of(step, registered) for step in entry.steps),
        application=line.shown if line else "",
        application_url=line.url if line else "",
        not_reached=_not_reached(entry),
    )


def _check_of(step: Step, registered: tuple[str, ...]) -> Check:
    closest = get_close_matches(step.received, registered, n=1, cutoff=0.6) if step.received else []
    return Check(
        name=step.check,
        state=_STATES.get(step.outcome, "passed"),
        detail=step.detail,
        section=step.section,
        received=step.received,
        closest=closest[0] if closest else "",
    )


def _not_reached(entry: TraceEntry) -> tuple[str, ...]:
    """Return the checks of the endpoint after the one that ended the request."""
    if not any(step.outcome == "refused" for step in entry.steps):
        return ()
    run = {step.check for step in entry.steps}
    return tuple(name for name, _, _, places in CHECKLIST if entry.endpoint in places and name not in run)


def _nothing(request: Request, session: SessionFact, q: str) -> Response:
    return answers.show(request, AdminRequests(account=person_of(session), q=q[:64], missing=True))
