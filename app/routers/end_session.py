"""`/oauth/logout`: an application asks to sign the person out (OpenID Connect RP-Initiated Logout §2).

Browsers come here by themselves, so there is no CORS. A POST from another site carries no cookie of ours: it is read,
and becomes a GET, as at the authorization endpoint (LO-1).
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import logout
from app.pipeline.server import server_of
from app.protocol.errors import OAuthError
from app.protocol.logout import Order
from app.protocol.params import parse_form
from app.routers.pages import accounts, interactions, logout_references, signing_out
from app.routers.pages.answers import PageRefused, reference, see
from app.routers.pages.bodies import BodyRefused, form_body
from app.routers.pages.logout_references import ANYBODY, Pending
from app.routers.pages.visitor import person_of
from app.views.pages import sign_out

router = APIRouter(include_in_schema=False)

PATH = "/oauth/logout"

_PARAMETERS = {
    "id_token_hint": "An ID token of the session that is to end; it may have expired. With it nobody has to be asked.",
    "logout_hint": "Name or email address of the account, or the `sid` of its session, where there are several.",
    "client_id": "Who asks; with an `id_token_hint` it has to be the application of that.",
    "post_logout_redirect_uri": "Where the browser goes afterwards: one of those that were registered, exactly.",
    "state": "Comes back with it, as it was sent; up to 4096 characters.",
    "ui_locales": "Accepted; the pages are in one language.",
}
_FORM = "application/x-www-form-urlencoded"


def operation(*, in_body: bool) -> dict[str, Any]:
    """Return what the API document says about it."""
    described = {name: {"type": "string", "description": text} for name, text in _PARAMETERS.items()}
    shown: dict[str, Any] = {
        "parameters": [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in _PARAMETERS.items()
        ]
    }
    if in_body:
        shown = {"requestBody": {"content": {_FORM: {"schema": {"type": "object", "properties": described}}}}}
    return {
        "tags": ["protocol"],
        "operationId": "sign_out_by_post" if in_body else "sign_out",
        "summary": "Sign a person out",
        "description": "For browsers. OpenID Connect RP-Initiated Logout 1.0.",
        **shown,
        "responses": {
            "200": {"description": "A page: the question whether to sign out, or what was signed out."},
            "303": {"description": "To `post_logout_redirect_uri`, or on from a form."},
            "400": {"description": "A page: the request has a mistake in it, and nobody is sent on."},
        },
    }


@router.get(PATH)
async def end_session(request: Request) -> Response:
    """Judge the request, then ask, end the session, or go on where there is none."""
    return await signing_out.answer(request, await _order(request, request.scope["query_string"]))


@router.post(PATH)
async def end_session_by_post(request: Request) -> Response:
    """Judge the request, and send the browser on to GET with what it came to."""
    try:
        body = await form_body(request)
    except BodyRefused as refused:
        page = sign_out.refused(reference(request), description=str(refused))
        raise PageRefused(replace(page, code=refused.status)) from None
    order = await _order(request, body)
    server = server_of(request)
    saved = logout_references.reference_to(server, Pending(order, server.clock()), ANYBODY)
    return see(request, f"{PATH}/resume?{urlencode({'request': saved})}")


@router.get(PATH + "/resume")
async def resume(request: Request) -> Response:
    """Go on with a request that came by POST, now that the browser shows who is signed in."""
    server, saved = server_of(request), request.query_params.get("request", "")
    pending = logout_references.pending_behind(server, saved, ANYBODY, server.clock())
    if pending is None:
        raise interactions.out_of_date(request)
    return await signing_out.answer(request, pending.order)


async def _order(request: Request, raw: bytes) -> Order:
    """Read a request; one with a mistake in it gets a page, and nobody is sent anywhere (LO-6)."""
    server, client_id = server_of(request), ""
    try:
        params = parse_form(raw)
        client_id = request.state.client_id = (params.get("client_id") or "")[:100]
        return await logout.read(server, params, server.clock())
    except OAuthError as refused:
        live = await accounts.signed_in_on(request)
        account = person_of(live[0]) if live else None
        page = sign_out.refused(
            reference(request), description=refused.description, client_id=client_id, account=account
        )
        raise PageRefused(page) from None
