"""The authorization endpoint (RFC 6749 §3.1): GET decides or sends to a page, POST is saved and becomes a GET.

No CORS, never 307 (G6, A1-3). Within the budget of two round trips: gather, then save or settle.
"""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import authorization
from app.pipeline.audit import Actor
from app.pipeline.server import Server, server_of
from app.pipeline.trace import trace_of
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, check, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import OAuthError
from app.protocol.params import MAX_BODY, Parameters, parse_form
from app.protocol.trace import Trace
from app.routers.pages.answers import PageRefused, reference, request_id, see, show
from app.routers.pages.client_answers import answer_back, refusal_page, to_client
from app.routers.pages.cookies import browser_of, session_of
from app.routers.pages.visitor import keep_alive
from app.views.pages.error import ErrorPage

router = APIRouter(include_in_schema=False)

PATH = "/oauth/authorize"


@router.get(PATH)
async def authorize(request: Request) -> Response:
    """gather (trip 1) → decide → save and ask, or settle (trip 2) → respond."""
    server = server_of(request)
    params = _read(request, request.scope["query_string"])
    now = server.clock()
    session = session_of(request)
    saved = (params.get("request_uri") or "").removeprefix(authorization.OWN_REQUEST_URI)
    if saved and saved != params.get("request_uri"):
        return await _saved_request(request, server, saved, params.get("client_id"))
    known = await authorization.gather_request(server, params, session, now)
    return keep_alive(request, known.session, await _answer(request, server, known))


@router.post(PATH)
async def authorize_by_post(request: Request) -> Response:
    """Save the request, bound to no session, and send the browser to GET with our own one-time reference (§4.10)."""
    server = server_of(request)
    body = await _body(request)
    params = _read(request, body)
    known = await authorization.gather_request(server, params, None, server.clock())
    trace = Trace()
    try:
        checked = check(known, trace)
    except NoReturnPath as refused:
        return await _no_return_path(request, server, known, trace, refused)
    if isinstance(checked, Back):
        return await _back(request, server, known, trace, checked)
    saved = await authorization.save_interaction(
        server, params, checked.client, None, actor_of(request, checked.client.client_id), known.now
    )
    reference_uri = authorization.OWN_REQUEST_URI + saved
    return see(request, f"{PATH}?{urlencode({'client_id': checked.client.client_id, 'request_uri': reference_uri})}")


@router.get(PATH + "/resume")
async def resume(request: Request) -> Response:
    """Go on with a request after the person has signed in."""
    server = server_of(request)
    gathered = await authorization.gather_interaction(
        server,
        request.query_params.get("interaction", ""),
        session_of(request),
        browser_of(request).digest,
        server.clock(),
    )
    if gathered is None or gathered.interaction is None:
        raise PageRefused(ErrorPage.page_expired(reference(request)))
    return await _answer(request, server, gathered.known, request.query_params["interaction"], gathered)


async def _saved_request(request: Request, server: Server, saved: str, client_id: str | None) -> Response:
    """Take up a request that came by POST; its reference works once and for its client only."""
    gathered = await authorization.gather_interaction(server, saved, session_of(request), None, server.clock())
    if gathered is None or gathered.interaction is None or gathered.interaction.client_id != client_id:
        raise PageRefused(ErrorPage.page_expired(reference(request)))
    if not await authorization.spend_reference(server, gathered.interaction, gathered.known.now):
        raise PageRefused(ErrorPage.page_expired(reference(request)))
    return await _answer(request, server, gathered.known)


async def _answer(
    request: Request,
    server: Server,
    known: Known,
    interaction: str | None = None,
    gathered: authorization.Gathered | None = None,
) -> Response:
    trace = Trace()
    try:
        verdict = decide(known, trace)
    except NoReturnPath as refused:
        return await _no_return_path(request, server, known, trace, refused)
    match verdict:
        case Back():
            return await _back(request, server, known, trace, verdict)
        case Ask(client=client, asked=asked):
            server.traces.add(trace_of(request_id(request), known, f"asked for {asked.prompt}", trace))
            if interaction is None:
                actor = actor_of(request, client.client_id)
                browser = browser_of(request).digest
                interaction = await authorization.save_interaction(
                    server, known.params, client, browser, actor, known.now
                )
            return see(request, f"/{asked.prompt}?{urlencode({'interaction': interaction})}")
        case Grantable():
            server.traces.add(trace_of(request_id(request), known, "granted", trace))
            return await _grant(request, server, known, verdict, gathered)


async def _no_return_path(
    request: Request, server: Server, known: Known, trace: Trace, refused: NoReturnPath
) -> Response:
    server.traces.add(trace_of(request_id(request), known, "page", trace))
    return show(request, refusal_page(request, known, refused))


async def _back(request: Request, server: Server, known: Known, trace: Trace, verdict: Back) -> Response:
    server.traces.add(trace_of(request_id(request), known, f"refused: {verdict.error.code.wire}", trace))
    return answer_back(request, known, verdict)


async def _grant(
    request: Request,
    server: Server,
    known: Known,
    verdict: Grantable,
    gathered: authorization.Gathered | None,
) -> Response:
    location = await authorization.issue_code(
        server,
        verdict.client,
        verdict.session,
        verdict.path,
        verdict.accepted,
        verdict.accepted.scopes,
        actor_of(request, verdict.client.client_id),
        known.now,
        interaction_id=gathered.interaction.id if gathered and gathered.interaction else None,
    )
    if location is None:
        raise PageRefused(ErrorPage.page_expired(reference(request)))
    return to_client(location)


def actor_of(request: Request, client_id: str) -> Actor:
    """Return who acts for the audit trail: the application, from the browser's address."""
    address = request.client.host if request.client else ""
    return Actor("application", client_id, address, request_id(request))


def _read(request: Request, raw: bytes) -> Parameters:
    """Read the parameters; bytes that mean nothing get a page, for nobody can be answered."""
    try:
        params = parse_form(raw)
    except OAuthError as malformed:
        raise _wrong(request, 400, malformed.description) from None
    request.state.client_id = (params.get("client_id") or "")[:100]
    return params


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _wrong(request, 413, f"the request is larger than {MAX_BODY} bytes")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise _wrong(request, 400, "send the parameters as application/x-www-form-urlencoded")
    return bytes(body)


def _wrong(request: Request, status: int, description: str) -> PageRefused:
    page = ErrorPage.request_wrong(reference(request), error="invalid_request", description=description)
    return PageRefused(replace(page, code=status))
