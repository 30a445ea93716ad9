"""The authorization endpoint (RFC 6749 §3.1): GET decides or sends to a page, POST is saved and becomes a GET.

A1-1, A1-2; no CORS, never 307 (A1-3, G6, NS-3). Within the budget of two round trips: gather, then save or settle.
"""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import authorization, people, pushed
from app.pipeline.authorization import Gathered
from app.pipeline.server import Server, server_of
from app.pipeline.trace import trace_of
from app.protocol.accounts import NOBODY_ELSE
from app.protocol.authorize.decide import Ask, Back, Grantable, Known, Verdict, check, decide
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact
from app.protocol.params import Parameters, parse_form
from app.protocol.scopes import OPENID
from app.protocol.trace import Trace
from app.routers.pages import interactions, prompts
from app.routers.pages.answers import PageRefused, reference, request_id, see, show
from app.routers.pages.bodies import BodyRefused, form_body
from app.routers.pages.client_answers import answer_back, refusal_page, with_state
from app.routers.pages.cookies import browser_of, session_of
from app.routers.pages.visitor import actor_of, address_of, keep_alive
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
    known = await interactions.with_people(
        request, await pushed.gather_request(server, params, session, now, address_of(request))
    )
    return keep_alive(request, known.session, await _answer(request, server, known))


@router.post(PATH)
async def authorize_by_post(request: Request) -> Response:
    """Save the request, bound to no session, and send the browser to GET with our own one-time reference (§4.10)."""
    server = server_of(request)
    try:
        body = await form_body(request)
    except BodyRefused as refused:
        raise _wrong(request, refused.status, str(refused)) from None
    params = _read(request, body)
    gathered = await pushed.gather_request(server, params, None, server.clock(), address_of(request))
    known = await people.completed(server, gathered, NOBODY_ELSE)
    trace = Trace()
    try:
        checked = check(known, trace)
    except NoReturnPath as refused:
        return _no_return_path(request, server, known, trace, refused)
    if isinstance(checked, Back):
        return await _back(request, server, known, trace, checked)
    saved = await authorization.save_interaction(server, known, checked.client, None, request_id(request))
    reference_uri = authorization.OWN_REQUEST_URI + saved
    return see(request, f"{PATH}?{urlencode({'client_id': checked.client.client_id, 'request_uri': reference_uri})}")


@router.get(PATH + "/resume")
async def resume(request: Request) -> Response:
    """Go on with a request after the person has signed in."""
    server = server_of(request)
    gathered = await interactions.gather(request, request.query_params.get("interaction", ""))
    return await _answer(request, server, gathered.known, gathered)


async def _saved_request(request: Request, server: Server, saved: str, client_id: str | None) -> Response:
    """Take up a request that came by POST; its reference works once and for its client only."""
    gathered = await authorization.gather_interaction(server, saved, session_of(request), None, server.clock())
    if gathered is None or gathered.interaction.client_id != client_id:
        raise interactions.out_of_date(request)
    if not await authorization.spend_reference(server, gathered.interaction, gathered.known.now):
        raise interactions.out_of_date(request)
    return await _answer(request, server, await interactions.with_people(request, gathered.known))


async def _answer(request: Request, server: Server, known: Known, waiting: Gathered | None = None) -> Response:
    """Answer a request; `waiting` is its interaction when a page has been shown for it before.

    For whomever it is answered: what pages notice of the browser is its present session, which stays (LS-3).
    """
    trace = Trace()
    present = known.session
    try:
        known, verdict = await _judge(server, known, trace)
    except NoReturnPath as refused:
        return _no_return_path(request, server, known, trace, refused)
    match verdict:
        case Back():
            return await _back(request, server, replace(known, session=present), trace, verdict)
        case Ask(client=client, asked=asked):
            server.traces.add(trace_of(request_id(request), known, f"asked for {asked.prompt}", trace))
            saved = waiting.reference if waiting is not None else await _save(request, server, known, client)
            return see(request, prompts.page_for(asked, known.session, saved))
        case Grantable():
            return await _grant(request, server, replace(known, session=present), verdict, waiting, trace)


async def _judge(server: Server, known: Known, trace: Trace) -> tuple[Known, Verdict]:
    """Decide. When the request names another account of this browser, and nobody has to be asked, it is that account's:
    the present one stays the present one."""
    other = await people.as_meant(server, known)
    if other is not None:
        steps = Trace()
        verdict = decide(other, steps)
        if not isinstance(verdict, Ask):
            trace.steps += steps.steps
            return other, verdict
    return known, decide(known, trace)


async def _save(request: Request, server: Server, known: Known, client: ClientFact) -> str:
    browser = browser_of(request).digest
    return await authorization.save_interaction(server, known, client, browser, request_id(request))


def _no_return_path(request: Request, server: Server, known: Known, trace: Trace, refused: NoReturnPath) -> Response:
    server.traces.add(trace_of(request_id(request), known, "page", trace))
    return show(request, refusal_page(request, known, refused))


async def _back(request: Request, server: Server, known: Known, trace: Trace, verdict: Back) -> Response:
    server.traces.add(trace_of(request_id(request), known, f"refused: {verdict.error.code.wire}", trace))
    return await answer_back(request, known, verdict)


async def _grant(
    request: Request, server: Server, known: Known, verdict: Grantable, waiting: Gathered | None, trace: Trace
) -> Response:
    try:
        answer = await authorization.grant(
            server,
            verdict,
            verdict.accepted.scopes,
            actor_of(request, verdict.session),
            known.now,
            interaction_id=waiting.interaction.id if waiting is not None else None,
        )
    except OAuthError as refused:
        trace.add("answer", "refused", f"{refused.code.wire}: {refused.description}")
        return await _back(request, server, known, trace, Back(verdict.client, verdict.path, refused))
    if answer is None:
        raise interactions.out_of_date(request)
    server.traces.add(trace_of(request_id(request), known, "granted", trace))
    return await with_state(request, answer, verdict.client, known.session, signs_in=OPENID in verdict.accepted.scopes)


def _read(request: Request, raw: bytes) -> Parameters:
    """Read the parameters; bytes that mean nothing get a page, for nobody can be answered."""
    try:
        params = parse_form(raw)
    except OAuthError as malformed:
        raise _wrong(request, 400, malformed.description) from None
    request.state.client_id = (params.get("client_id") or "")[:100]
    return params


def _wrong(request: Request, status: int, description: str) -> PageRefused:
    page = ErrorPage.request_wrong(reference(request), error="invalid_request", description=description)
    return PageRefused(replace(page, code=status))
