"""`/account/applications`: what the person has allowed, and how to take it back (AR-14, CS-6).

A record of somebody else is answered like one that never was.
"""

from urllib.parse import urlencode
from uuid import UUID

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
from app.views.pages.account import (
    ConnectedApplicationPage,
    ConnectedApplications,
    Disconnect,
    EndedApplication,
    EndedApplicationPage,
)
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Application

router = APIRouter(include_in_schema=False)

PATH = "/account/applications"

_HISTORY, _PLACES, _ENDED = 100, 50, 20
"""How much of each list one page shows."""


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show everything that is connected, and what has just been disconnected."""
    session = await require_signed_in(request)
    server = server_of(request)
    now = server.clock()
    found = await connections.list_all(server.database, session.user_id)
    before = connections.read_id(request.query_params.get("ended_before", ""))
    ended, onwards = await connections.list_ended(server.database, session.user_id, before=before, limit=_ENDED)
    return answers.show(
        request,
        ConnectedApplications(
            account=person_of(session),
            applications=tuple(desk.line_of(server, connection, now) for connection in found),
            now=now,
            disconnected=await _just_disconnected(request, session),
            ended=tuple(desk.ended_of(one) for one in ended),
            more_ended_url=f"{PATH}?ended_before={onwards}#h-ended" if onwards else "",
        ),
    )


@router.get(PATH + "/{record_id}")
async def show_one(request: Request, record_id: str) -> Response:
    """Show one application: its permissions, how long they last, where it is signed in, and what happened.

    Of one that is over the history is left, also when the application itself is gone.
    """
    session = await require_signed_in(request)
    server = server_of(request)
    known = connections.read_id(record_id)
    connection = await connections.find(server.database, session.user_id, known) if known else None
    if known is None or connection is None:
        return await _show_ended(request, session, known)
    now = server.clock()
    told = await connections.history(server.database, known, limit=_HISTORY)
    places = await connections.families(server.database, connection, now, limit=_PLACES)
    count = await connections.live_families(server.database, connection, now) if len(places) == _PLACES else len(places)
    return answers.show(
        request,
        ConnectedApplicationPage(
            account=person_of(session),
            entry=desk.line_of(server, connection, now),
            groups=desk.groups_of(server, connection.record),
            lifetime=await desk.lifetime_of(server, connection.record),
            history=desk.timeline_of(server.vocabulary, told.entries, session.user_id),
            csrf=forms.csrf_token(request),
            now=now,
            removed=desk.removed_words(server.vocabulary, told.entries, request.query_params.get("removed", "")),
            places=tuple(desk.place_of(family) for family in places),
            more_places=count - len(places),
            sign_in_ended=desk.has_just_ended(told.entries, request.query_params.get("ended", "")),
            older_url=_older_url(known, told.onwards),
        ),
    )


@router.get(PATH + "/{record_id}/history")
async def show_history(request: Request, record_id: str) -> Response:
    """Show an older part of the history."""
    session = await require_signed_in(request)
    server = server_of(request)
    known = connections.read_id(record_id)
    connection = await connections.find(server.database, session.user_id, known) if known else None
    if known is None or connection is None:
        return await _show_ended(request, session, known)
    entry = EndedApplication(str(known), desk.application_of(connection.record, server.client_documents.rules), None)
    return await _show_history(request, session, known, entry, live=True)


@router.post(PATH + "/{record_id}/remove")
async def remove(request: Request, record_id: str) -> Response:
    """Take one permission away; it works at once, on every token."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    connection = await _own(request, session, record_id)
    pair = liveness.pair(form.get("scope"), form.get("resource"))
    await connections.remove(server_of(request).database, connection, pair, occasion_of(request))
    return answers.see(request, f"{PATH}/{connection.record.id}?{urlencode({'removed': pair})}")


@router.post(PATH + "/{record_id}/end")
async def end_sign_in(request: Request, record_id: str) -> Response:
    """End one sign-in of the application; it works at once, on every token of it."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    connection = await _own(request, session, record_id)
    family = connections.read_id(form.get("family"))
    if family is not None:
        await connections.end_family(server_of(request).database, connection, family, occasion_of(request))
    query = f"?{urlencode({'ended': str(family)})}" if family else ""
    return answers.see(request, f"{PATH}/{connection.record.id}{query}")


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
    server = server_of(request)
    shown = desk.application_of(connection.record, server.client_documents.rules)
    await connections.disconnect(
        server.database,
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


async def _show_ended(request: Request, session: SessionFact, record_id: UUID | None) -> Response:
    database = server_of(request).database
    ended = await connections.find_ended(database, session.user_id, record_id) if record_id else None
    if ended is None:
        raise PageRefused(ErrorPage.not_found(answers.reference(request), account=person_of(session)))
    return await _show_history(request, session, ended.record_id, desk.ended_of(ended), live=False)


async def _show_history(
    request: Request, session: SessionFact, record_id: UUID, entry: EndedApplication, *, live: bool
) -> Response:
    server = server_of(request)
    before = connections.read_id(request.query_params.get("before", ""))
    told = await connections.history(server.database, record_id, before=before, limit=_HISTORY)
    return answers.show(
        request,
        EndedApplicationPage(
            account=person_of(session),
            entry=entry,
            history=desk.timeline_of(server.vocabulary, told.entries, session.user_id),
            live=live,
            older_url=_older_url(record_id, told.onwards),
        ),
    )


def _older_url(record_id: UUID, onwards: UUID | None) -> str:
    return f"{PATH}/{record_id}/history?before={onwards}" if onwards else ""


async def _just_disconnected(request: Request, session: SessionFact) -> Application | None:
    known = connections.read_id(request.query_params.get("disconnected", ""))
    if known is None:
        return None
    gone = await connections.just_disconnected(server_of(request).database, session.user_id, known)
    return desk.ended_of(gone).application if gone else None
