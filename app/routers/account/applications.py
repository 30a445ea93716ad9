"""`/account/applications`: what the person has allowed, application by application, and how to take it back.

A record of somebody else is answered like one that never was.
"""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import liveness
from app.protocol.facts import SessionFact
from app.routers.account import desk
from app.routers.pages import answers, forms
from app.routers.pages.answers import PageRefused
from app.routers.pages.visitor import occasion_of, person_of, require_signed_in
from app.services import connections
from app.services.connections import Connection
from app.views.pages.account import ConnectedApplicationPage, ConnectedApplications, Disconnect
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Application

router = APIRouter(include_in_schema=False)

PATH = "/account/applications"


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show everything that is connected, and what has just been disconnected."""
    session = await require_signed_in(request)
    server = server_of(request)
    now = server.clock()
    found = await connections.list_all(server.database, session.user_id)
    return answers.show(
        request,
        ConnectedApplications(
            account=person_of(session),
            applications=tuple(desk.line_of(server, connection, now) for connection in found),
            now=now,
            disconnected=await _just_disconnected(request, session),
        ),
    )


@router.get(PATH + "/{record_id}")
async def show_one(request: Request, record_id: str) -> Response:
    """Show one application: its permissions, how long they last, and what happened."""
    session = await require_signed_in(request)
    server = server_of(request)
    connection = await _own(request, session, record_id)
    history = await connections.history(server.database, connection)
    now = server.clock()
    return answers.show(
        request,
        ConnectedApplicationPage(
            account=person_of(session),
            entry=desk.line_of(server, connection, now),
            groups=desk.groups_of(server, connection.record),
            lifetime=await desk.lifetime_of(server, connection.record),
            history=desk.timeline_of(server.scopes, history),
            csrf=forms.csrf_token(request),
            now=now,
            removed=desk.removed_words(server.scopes, history, request.query_params.get("removed", "")),
        ),
    )


@router.post(PATH + "/{record_id}/remove")
async def remove(request: Request, record_id: str) -> Response:
    """Take one permission away; it works at once, on every token."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    connection = await _own(request, session, record_id)
    pair = liveness.pair(form.get("scope"), form.get("resource"))
    await connections.remove(server_of(request).database, connection, pair, occasion_of(request))
    return answers.see(request, f"{PATH}/{connection.record.id}?{urlencode({'removed': pair})}")


@router.get(PATH + "/{record_id}/disconnect")
async def ask_to_disconnect(request: Request, record_id: str) -> Response:
    """Ask before everything ends."""
    session = await require_signed_in(request)
    server = server_of(request)
    connection = await _own(request, session, record_id)
    entry = desk.line_of(server, connection, server.clock())
    page = Disconnect(account=person_of(session), entry=entry, csrf=forms.csrf_token(request))
    return answers.show(request, page)


@router.post(PATH + "/{record_id}/disconnect")
async def disconnect(request: Request, record_id: str) -> Response:
    """End all access of the application, on every device."""
    await forms.read_form(request)
    session = await require_signed_in(request)
    connection = await _own(request, session, record_id)
    shown = desk.application_of(connection.record)
    await connections.disconnect(
        server_of(request).database,
        connection,
        occasion_of(request),
        host=shown.host,
        checked=shown.verified,
    )
    return answers.see(request, f"{PATH}?{urlencode({'disconnected': str(connection.record.id)})}")


async def _own(request: Request, session: SessionFact, record_id: str) -> Connection:
    known = connections.read_id(record_id)
    database = server_of(request).database
    connection = await connections.find(database, session.user_id, known) if known else None
    if connection is None:
        raise PageRefused(ErrorPage.not_found(answers.reference(request), account=person_of(session)))
    return connection


async def _just_disconnected(request: Request, session: SessionFact) -> Application | None:
    known = connections.read_id(request.query_params.get("disconnected", ""))
    if known is None:
        return None
    gone = await connections.just_disconnected(server_of(request).database, session.user_id, known)
    return Application(name=gone.name, host=gone.host, verified=gone.checked) if gone else None
