"""How an authorization request is answered: to the client by redirect, or to the person by a page."""

from dataclasses import replace
from difflib import get_close_matches

from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import session_states, signed_answers
from app.pipeline.server import server_of
from app.protocol import introductions, redirect_uri
from app.protocol.authorize.answer import ClientAnswer
from app.protocol.authorize.decide import Back, Known
from app.protocol.authorize.request import is_openid
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, SessionFact
from app.routers.pages.answers import PageRefused, leave, reference, show
from app.routers.pages.cookies import session_of, tell_state
from app.routers.pages.visitor import person_of
from app.views.pages.answer import PostedAnswer
from app.views.pages.consent import Fact
from app.views.pages.error import ErrorPage, HeldBack
from app.views.pages.identity import Account, Application
from app.views.pages.start_again import start_again


def _to_client(request: Request, answer: ClientAnswer) -> Response:
    """Return what takes an answer to the client: a 303 (HD-3), or the page that posts it (RT-6, HD-1). Nothing may keep
    or leak it (SR-5)."""
    if answer.posted:
        response = show(request, PostedAnswer(uri=answer.uri, fields=tuple(answer.members.items())))
        response.headers["Cache-Control"] = "no-cache, no-store"
        return response
    return leave(answer.location)


async def with_state(
    request: Request, answer: ClientAnswer, client: ClientFact, session: SessionFact | None, *, signs_in: bool
) -> Response:
    """Return what takes an answer to the client, with what its page needs to notice when the login changes (LS-1).

    In a mode of JARM all of that is signed. Raises `PageRefused` when it cannot be.

    The browser's own cookie says the same, whatever it was told before: a session may have run out meanwhile. One that
    sent no session, such as a frame of another site, or a form from there, has told nothing about it (LS-3).
    """
    present = session.id if session is not None else None
    told = session_states.told(server_of(request), answer, client.client_id, present, signs_in=signs_in)
    response = _to_client(request, await _sealed(request, client, told))
    if present is not None or session_of(request) is not None:
        tell_state(request, response, present)
    return response


async def answer_back(request: Request, known: Known, verdict: Back) -> Response:
    """Send an error to the client, or, where it may not travel by itself, show it with a link (RFC 9700 §4.11.2).

    Errors are signed like all answers (RT-8). Raises `PageRefused` when they cannot be.
    """
    answer = verdict.path.failure(verdict.error)
    if verdict.path.travels:
        return await with_state(request, answer, verdict.client, known.session, signs_in=is_openid(known.params))
    answer = await _sealed(request, verdict.client, answer)
    application = application_of(verdict.client, verdict.path.uri)
    account = account_of(known.session)
    kind, posted = (HeldBack, tuple(answer.members.items())) if answer.posted else (ErrorPage, ())
    return_to = answer.uri if answer.posted else answer.location
    if verdict.error.code is ErrorCode.ACCESS_DENIED:
        page = kind.denied(reference(request), application, return_to=return_to, posted=posted, account=account)
    else:
        page = kind.refused(
            reference(request),
            application,
            error=verdict.error.code.wire,
            description=verdict.error.description,
            return_to=return_to,
            posted=posted,
            account=account,
        )
    return show(request, page)


async def _sealed(request: Request, client: ClientFact, answer: ClientAnswer) -> ClientAnswer:
    server = server_of(request)
    try:
        return await signed_answers.sealed(server, client, answer, server.clock())
    except OAuthError as refused:
        page = ErrorPage.answer_not_made(
            reference(request),
            application_of(client, answer.uri),
            error=refused.code.wire,
            description=refused.description,
            status=refused.code.status,
        )
        raise PageRefused(page) from refused


def refusal_page(request: Request, known: Known, refused: NoReturnPath) -> ErrorPage:
    """Return the page for a request that must not be answered to its sender."""
    client, params = known.client, known.params
    client_id = (params.get("client_id") or "")[:200]
    if refused.case == "client_document":
        wrong = ErrorPage.request_wrong(
            reference(request),
            error=refused.code.wire,
            description=refused.description,
            facts=(Fact("Client ID", client_id),),
        )
        return replace(wrong, code=429) if refused.code is ErrorCode.TOO_MANY_FAILURES else wrong
    if client is None or refused.case == "client_unknown":
        return ErrorPage.client_unknown(reference(request), client_id=client_id)
    received = params.get("redirect_uri")
    application = application_of(client, client.redirect_uris[0] if client.redirect_uris else "")
    if refused.case == "redirect_uri" and received is not None:
        closest = get_close_matches(received[:500], client.redirect_uris, n=1, cutoff=0.6)
        return ErrorPage.redirect_uri_unknown(
            reference(request),
            application,
            client_id=client_id,
            received=received[:500],
            closest=closest[0] if closest else "",
            account=account_of(known.session),
        )
    page = start_again if refused.case == "pushed_request" else ErrorPage.request_wrong
    return page(
        reference(request),
        error=refused.code.wire,
        description=refused.description,
        application=application,
        facts=(Fact("Client ID", client_id),),
    )


def application_of(client: ClientFact, uri: str) -> Application:
    """Return the application as pages introduce it; the host is that of the URI the answer goes to (CS-1, MC-6), beside
    that of the document it is known by (CI-12).

    For the name of what the operator registered he answers himself.
    """
    return Application(
        name=client.name,
        host=redirect_uri.display_host(uri),
        owner=client.owner_name,
        verified=client.vouched_for,
        self_registered=client.self_registered,
        described_at=introductions.described_at(client.client_id, self_registered=client.self_registered),
        policy_uri=client.introduction.policy_uri,
        tos_uri=client.introduction.tos_uri,
    )


def home_of(client: ClientFact) -> str:
    """Return the address that stands for an application whose answer goes through no browser: its home page, which is
    no more than a claim where nobody here answers for it; then none."""
    return client.client_uri if client.vouched_for else ""


def account_of(session: SessionFact | None) -> Account | None:
    """Return the signed-in person as pages show him, None when nobody is signed in."""
    return person_of(session) if session is not None else None
