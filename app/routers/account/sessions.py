"""`/account/sessions`: where the person is signed in, and how he signs out there (SE-4).

Whoever signs out another browser has shown a short while ago that it is he. A session of somebody else is answered like
one that never was, or is over.
"""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import Server, server_of
from app.protocol.facts import SessionFact
from app.routers.cursors import cursor_of, read_cursor
from app.routers.pages import answers, forms
from app.routers.pages.signing_out import shown
from app.routers.pages.visitor import occasion_of, person_of, require_recent, require_signed_in
from app.services import own_sessions
from app.services.connections import read_id
from app.services.own_sessions import ELSEWHERE, OwnSession
from app.views.pages.sessions import SESSIONS as PATH
from app.views.pages.sessions import SessionLine, Sessions, SessionsDone

router = APIRouter(include_in_schema=False)

OTHERS = "others"
_PAGE = 50
"""Sessions on one page of the list."""


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show every session in force, this one first."""
    session = await require_signed_in(request)
    server = server_of(request)
    now, lifetimes = server.clock(), server.policy.lifetimes
    after = read_cursor(request.query_params.get("after", ""))
    found = await own_sessions.list_page(server.database, session.user_id, now, after=after, limit=_PAGE + 1)
    listed = found[:_PAGE]
    lines = sorted((line_of(server, one, session) for one in listed), key=lambda line: not line.present)
    page = Sessions(
        account=person_of(session),
        sessions=tuple(lines),
        csrf=forms.csrf_token(request),
        now=now,
        idle_seconds=int(lifetimes.session_idle.total_seconds()),
        absolute_seconds=int(lifetimes.session_absolute.total_seconds()),
        done=await _done(request, session, alone=after is None and len(found) == 1),
        first_url=PATH if after else "",
        older_url=f"{PATH}?{urlencode({'after': cursor_of(listed[-1].id)})}" if len(found) > _PAGE else "",
    )
    return answers.show(request, page)


@router.post(PATH + "/end")
async def end(request: Request) -> Response:
    """End one session, or all but this one; whoever signed in long ago confirms first that it is he."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    require_recent(request, session, back=PATH)
    database, occasion, which = server_of(request).database, occasion_of(request), form.get("session")
    if which == OTHERS:
        await own_sessions.end_all(database, session.user_id, occasion, ELSEWHERE, but=session.id)
        return answers.see(request, f"{PATH}?done=others")
    known = read_id(which)
    if known is None:
        return answers.see(request, PATH)
    await own_sessions.end_one(database, session.user_id, known, occasion, ELSEWHERE)
    return answers.see(request, f"{PATH}?{urlencode({'done': str(known)})}")


def line_of(server: Server, found: OwnSession, viewer: SessionFact) -> SessionLine:
    """Return one line of the list, as somebody sees it in his own session."""
    session = found.session
    return SessionLine(
        id=str(session.id),
        user_agent=session.user_agent,
        address=session.address,
        signed_in=session.signed_in_at,
        last_used=session.last_used_at,
        amr=session.amr,
        present=session.id == viewer.id,
        applications=tuple(shown(server, one) for one in found.into),
    )


async def _done(request: Request, session: SessionFact, *, alone: bool) -> SessionsDone:
    """Return what the link back from the form says, as far as things are so."""
    told = request.query_params.get("done", "")
    if told == OTHERS:
        return "others" if alone else ""
    known = read_id(told)
    database = server_of(request).database
    return "one" if known and await own_sessions.has_ended(database, session.user_id, known) else ""
