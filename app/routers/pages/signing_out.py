"""Signing out, whoever asked for it: the person is asked, the session ends, its applications hear of it, and then only
does the browser go on (LO-4)."""

from collections.abc import Iterable, Mapping
from itertools import islice
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.logout import application
from app.pipeline.server import Server, server_of
from app.protocol import client_documents, frontchannel, introductions, logout, logout_delivery
from app.protocol.facts import ClientFact, SessionFact
from app.protocol.logout import Order
from app.protocol.redirect_uri import display_host, known_host
from app.protocol.sid import sid_of
from app.routers.pages import accounts, answers, cookies, forms, logout_references
from app.routers.pages.client_answers import application_of
from app.routers.pages.logout_references import Pending
from app.routers.pages.visitor import occasion_of, person_of
from app.services import sessions
from app.store import session_applications
from app.store.session_applications import SignedInto
from app.views.pages.error import Link
from app.views.pages.identity import Application
from app.views.pages.sign_out import SignedOut, SignOut


async def answer(request: Request, order: Order) -> Response:
    """Do what an order comes to for this browser: ask, end the session at once, or go on where there is none."""
    live = await accounts.signed_in_on(request)
    into = await session_applications.of_sessions(server_of(request).database, {one.sid for one in live})
    subjects: Mapping[UUID, str] = {one.sid: one.subject for one in into if one.client_id == order.client_id}
    verdict = logout.judge(order, live, subjects)
    if verdict.session is None:
        return _go_on(request, order, (), others=0, confirmed=False)
    if verdict.act == "end":
        return await end(request, order, verdict.session, live, into)
    return await _ask(request, order, verdict.session, into)


async def end_asked(request: Request, pending: Pending | None) -> Response:
    """End the session that the person was asked about, the present one if the form does not say; then go on."""
    live = await accounts.signed_in_on(request)
    order = logout.OURS if pending is None else pending.order
    about = None if pending is None else pending.session
    session = next((one for one in live if about in (None, one.sid)), None)
    if session is None:
        response = _go_on(request, order, (), others=len(live), confirmed=True)
        _keep(request, response, live)
        return response
    into = await session_applications.of_sessions(server_of(request).database, [session.sid])
    return await end(request, order, session, live, into)


async def end(
    request: Request, order: Order, session: SessionFact, live: Iterable[SessionFact], into: Iterable[SignedInto]
) -> Response:
    """End a session of the browser, and go on. The person wanted it: he said so, or the ID token proved it."""
    await sessions.end(server_of(request).database, session, occasion_of(request), asked_by=order.client_id)
    own = tuple(one for one in into if one.sid == session.sid)
    left = [one for one in live if one.id != session.id]
    response = _go_on(request, order, own, others=len(left), confirmed=True)
    _keep(request, response, left)
    return response


async def _ask(request: Request, order: Order, session: SessionFact, into: Iterable[SignedInto]) -> Response:
    server = server_of(request)
    own = [one for one in into if one.sid == session.sid]
    framed = _framed(server, own)
    asking = await application(server, order.client_id)
    pending = Pending(order, server.clock(), session.sid)
    page = SignOut(
        account=person_of(session),
        csrf=forms.csrf_token(request),
        request=logout_references.reference_to(server, pending, cookies.browser_of(request).secret),
        application=None if asking is None else _asking(asking, order),
        told=tuple(
            shown(server, one) for one in own if one.client_id != order.client_id and _is_told(server, one, framed)
        ),
    )
    return answers.show(request, page)


def _go_on(request: Request, order: Order, own: tuple[SignedInto, ...], *, others: int, confirmed: bool) -> Response:
    """Say that the person is signed out, or send him on: at once, or when the frames of his applications are open."""
    server = server_of(request)
    framed = _framed(server, own)
    frames = tuple(framed.values())
    by_itself = logout.may_return(order, confirmed=confirmed)
    if by_itself and not frames:
        return answers.leave(order.return_uri)
    onward = Link(f"Go on to {display_host(order.return_uri)}", order.return_uri, outside=True)
    page = SignedOut(
        told=tuple(shown(server, one) for one in own if _is_told(server, one, framed)),
        untold=tuple(shown(server, one) for one in own if not _is_told(server, one, framed)),
        frames=frames,
        others=others,
        onward=onward if order.return_uri else None,
        goes_on=by_itself,
    )
    return answers.show(request, page)


def _is_told(server: Server, into: SignedInto, framed: Mapping[str, str]) -> bool:
    told_behind = logout_delivery.is_offered(server.features) and into.openid.backchannel_logout_uri
    return bool(told_behind or into.client_id in framed)


def _framed(server: Server, own: Iterable[SignedInto]) -> dict[str, str]:
    """Return the address of the frame of each application that has one, by client_id; of very many the first."""
    framed = {one.client_id: url for one in own if (url := _frame(server, one))}
    return dict(islice(framed.items(), frontchannel.MOST_FRAMES))


def _frame(server: Server, into: SignedInto) -> str:
    """Return the address of the frame that signs the browser out there; empty without one.

    Only the application's own pages are opened (LF-1), whatever an old row says.
    """
    uri = into.openid.frontchannel_logout_uri
    if not uri or not frontchannel.is_offered(server.features):
        return ""
    if frontchannel.problem_with(uri, into.redirect_uris) is not None:
        return ""
    return frontchannel.frame_url(uri, server.issuer, sid_of(into.sid, into.client_id))


def _keep(request: Request, response: Response, left: Iterable[SessionFact]) -> None:
    """Take the credentials from the browser that are worth nothing any more."""
    held = {credential.id for credential in accounts.held_by(request)}
    cookies.drop(request, response, held - {one.id for one in left})


def _asking(client: ClientFact, order: Order) -> Application:
    return application_of(client, order.return_uri or next(iter(client.redirect_uris), ""))


def shown(server: Server, into: SignedInto) -> Application:
    """Return an application that somebody is signed in to, as pages show it."""
    documents = server.client_documents.rules
    by_host = client_documents.is_vouched(into.client_id, documents, self_registered=into.self_registered)
    vouched = into.vouched_for or by_host
    return Application(
        name=into.name,
        host=known_host(into.redirect_uris, vouched=vouched),
        owner=into.owner_name,
        verified=vouched,
        self_registered=into.self_registered,
        described_at=introductions.described_at(into.client_id, self_registered=into.self_registered),
    )
