"""How an authorization request is answered: to the client by redirect, or to the person by a page."""

from difflib import get_close_matches

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.protocol import redirect_uri
from app.protocol.authorize.decide import Back, Known
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import ErrorCode
from app.protocol.facts import ClientFact, SessionFact
from app.routers.pages.answers import reference, show
from app.routers.pages.visitor import person_of
from app.views.pages.consent import Fact
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Account, Application


def to_client(location: str) -> Response:
    """Return the 303 that carries a code or an error to the client; nothing may keep or leak it (SR-5, HD-3)."""
    response = RedirectResponse("/", 303)
    # Starlette would re-quote the URL; the registered string goes out as it is (RU-9).
    response.headers["Location"] = location
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def answer_back(request: Request, known: Known, verdict: Back) -> Response:
    """Send an error to the client, or, where it may not travel by itself, show it with a link (RFC 9700 §4.11.2)."""
    location = verdict.path.failure(verdict.error)
    if verdict.path.travels:
        return to_client(location)
    application = application_of(verdict.client, verdict.path.uri)
    account = account_of(known.session)
    if verdict.error.code is ErrorCode.ACCESS_DENIED:
        page = ErrorPage.denied(reference(request), application, return_to=location, account=account)
    else:
        page = ErrorPage.refused(
            reference(request),
            application,
            error=verdict.error.code.wire,
            description=verdict.error.description,
            return_to=location,
            account=account,
        )
    return show(request, page)


def refusal_page(request: Request, known: Known, refused: NoReturnPath) -> ErrorPage:
    """Return the page for a request that must not be answered to its sender."""
    client, params = known.client, known.params
    client_id = (params.get("client_id") or "")[:200]
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
    return ErrorPage.request_wrong(
        reference(request),
        error=refused.code.wire,
        description=refused.description,
        application=application,
        facts=(Fact("Client ID", client_id),),
    )


def application_of(client: ClientFact, uri: str) -> Application:
    """Return the application as pages introduce it; the host is that of the URI the answer goes to (CS-1).

    For the name of what the operator registered he answers himself.
    """
    return Application(
        name=client.name,
        host=redirect_uri.display_host(uri),
        owner=client.owner_name,
        verified=client.vouched_for,
        self_registered=client.self_registered,
    )


def account_of(session: SessionFact | None) -> Account | None:
    """Return the signed-in person as pages show him, None when nobody is signed in."""
    return person_of(session) if session is not None else None
