"""`/apps/{application}`: one application, and everything about it that takes effect with one press of a button.

Every form carries the version that it was made for. Whoever has seen another one changes nothing: he is shown what
the application is now. An application of somebody else is answered like one that never was.
"""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.pages import answers, forms
from app.routers.pages.forms import Form
from app.routers.pages.visitor import occasion_of, require_recent, require_signed_in
from app.routers.portal import authentication, desk, requests, signing_in
from app.services import own_applications
from app.services.application_settings import read_settings
from app.services.own_applications import (
    Conflicting,
    Holder,
    NoSuchApplication,
    OwnApplication,
    Unacceptable,
)
from app.store.versions import VersionChanged
from app.views.pages.forms import Trouble
from app.views.pages.portal import PORTAL
from app.views.pages.portal_application import Details

router = APIRouter(include_in_schema=False)

PATH = PORTAL + "/{segment}"
_MAX_SHOWN = 2000
"""Characters of what was typed that are shown again."""


@router.get(PATH)
async def show(request: Request, segment: str) -> Response:
    """Show one application."""
    session = await require_signed_in(request)
    holder = await desk.holder_of(request, session)
    application = await desk.own(request, session, holder, segment)
    return answers.show(request, await desk.page_of(request, session, holder, application))


@router.post(PATH + "/redirect-uris")
async def add_redirect_uri(request: Request, segment: str) -> Response:
    """Add an address to send people back to."""
    form, session, holder, application = await _received(request, segment)
    typed = form.get("uri").strip()
    uris = application.stored.description.redirect_uris
    problem = _problem_with_entry(typed, uris, empty="Give the address", repeated="It is in the list already")
    if problem:
        return await _wrong(request, session, holder, application, (Trouble("uri", problem),), typed_uri=typed)
    document = {"redirect_uris": [*uris, typed]}
    return await _change(request, session, holder, form, application, document, "uri-added", typed_uri=typed)


@router.post(PATH + "/redirect-uris/remove")
async def remove_redirect_uri(request: Request, segment: str) -> Response:
    """Take an address away; it works at once."""
    form, session, holder, application = await _received(request, segment)
    kept = [uri for uri in application.stored.description.redirect_uris if uri != form.get("uri")]
    return await _change(request, session, holder, form, application, {"redirect_uris": kept}, "uri-removed")


@router.post(PATH + "/origins")
async def add_origin(request: Request, segment: str) -> Response:
    """Let the scripts of a website use the application's tokens here."""
    form, session, holder, application = await _received(request, segment)
    typed = form.get("origin").strip()
    allowed = application.stored.description.allowed_origins
    problem = _problem_with_entry(typed, allowed, empty="Give the origin", repeated="It is in the list already")
    if problem:
        return await _wrong(request, session, holder, application, (Trouble("origin", problem),), typed_origin=typed)
    document = {"allowed_origins": [*allowed, typed]}
    return await _change(request, session, holder, form, application, document, "origin-added", typed_origin=typed)


@router.post(PATH + "/origins/remove")
async def remove_origin(request: Request, segment: str) -> Response:
    """Take a website away."""
    form, session, holder, application = await _received(request, segment)
    kept = [origin for origin in application.stored.description.allowed_origins if origin != form.get("origin")]
    return await _change(request, session, holder, form, application, {"allowed_origins": kept}, "origin-removed")


@router.post(PATH + "/permissions")
async def change_permissions(request: Request, segment: str) -> Response:
    """Set the most that it may ever ask for."""
    form, session, holder, application = await _received(request, segment)
    if form.get("ask") not in ("everything", "chosen"):
        trouble = (Trouble("scopes", "Choose everything, or only what is ticked"),)
        return await _wrong(request, session, holder, application, trouble)
    chosen = None if form.get("ask") == "everything" else list(form.all("scope"))
    optional = application.stored.description.optional_scopes
    # What it may not ask for any more, nobody can untick either.
    kept = [scope for scope in optional if chosen is None or scope in chosen]
    document = {"scopes": chosen, "optional_scopes": kept}
    return await _change(request, session, holder, form, application, document, "permissions")


@router.post(PATH + "/details")
async def change_details(request: Request, segment: str) -> Response:
    """Change what people read about it."""
    form, session, holder, application = await _received(request, segment)
    typed = Details(*(form.get(name).strip() for name in ("name", "home_page", "privacy", "terms")))
    document = {
        "client_name": typed.name,
        "client_uri": typed.home_page or None,
        "policy_uri": typed.privacy or None,
        "tos_uri": typed.terms or None,
    }
    return await _change(request, session, holder, form, application, document, "details", details=typed)


@router.post(PATH + "/authentication")
async def change_authentication(request: Request, segment: str) -> Response:
    """Change how it proves who it is; whoever does it has signed in a short while ago."""
    form, session, holder, application = await _received(request, segment)
    require_recent(request, session, back=desk.url_of(application))
    read = authentication.read(server_of(request), application, form)
    if read.problems:
        return await _wrong(request, session, holder, application, read.problems, authentication=read.typed)
    return await _change(
        request, session, holder, form, application, read.document, "authentication", authentication=read.typed
    )


@router.post(PATH + "/signing-in")
async def change_signing_in(request: Request, segment: str) -> Response:
    """Change how it signs people in and out."""
    form, session, holder, application = await _received(request, segment)
    now = signing_in.shown(server_of(request), application)
    if now is None:
        return answers.see(request, desk.url_of(application))
    read = signing_in.read(now, form)
    return await _change(
        request, session, holder, form, application, read.document, "signing-in", signing_in=read.typed
    )


@router.post(PATH + "/requests")
async def change_requests(request: Request, segment: str) -> Response:
    """Change how it asks, and how it is answered."""
    form, session, holder, application = await _received(request, segment)
    server = server_of(request)
    now = requests.shown(server, application)
    if now is None:
        return answers.see(request, desk.url_of(application))
    read = requests.read(server, now, form)
    return await _change(request, session, holder, form, application, read.document, "requests", requests=read.typed)


async def _received(request: Request, segment: str) -> tuple[Form, SessionFact, Holder, OwnApplication]:
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    holder = await desk.holder_of(request, session)
    return form, session, holder, await desk.own(request, session, holder, segment)


async def _change(
    request: Request,
    session: SessionFact,
    holder: Holder,
    form: Form,
    application: OwnApplication,
    document: Mapping[str, object],
    done: str,
    **typed: object,
) -> Response:
    """Change some members and say so; or show the page with what is wrong, or with what others did meanwhile."""
    server = server_of(request)
    client_id = application.stored.client_id
    try:
        changed = await own_applications.change(
            server.database,
            holder,
            client_id,
            read_settings(document),
            occasion_of(request),
            scopes=server.scopes,
            signing=server.keyring.plan.algorithms,
            outbound=server.outbound,
            version=desk.version_in(form),
        )
    except Unacceptable as refused:
        return await _wrong(request, session, holder, application, desk.troubles_of(refused.problems), **typed)
    except NoSuchApplication:
        raise desk.unknown(request, session) from None
    except (VersionChanged, Conflicting):
        # A change conflicts with a deletion alone, which the page tells of by itself.
        current = await desk.as_it_is(request, session, holder, client_id)
        return answers.show(request, await desk.page_of(request, session, holder, current, stale=True))
    if changed.stored.version == application.stored.version:
        return answers.see(request, desk.url_of(changed))
    return desk.back(request, changed, done)


async def _wrong(
    request: Request,
    session: SessionFact,
    holder: Holder,
    application: OwnApplication,
    problems: tuple[Trouble, ...],
    **typed: object,
) -> Response:
    shown = {name: value[:_MAX_SHOWN] if isinstance(value, str) else value for name, value in typed.items()}
    page = await desk.page_of(request, session, holder, application, problems=problems, **shown)
    return answers.show(request, page)


def _problem_with_entry(typed: str, entries: tuple[str, ...], *, empty: str, repeated: str) -> str:
    """Return what is wrong with an addition to a list, before anybody looks at what it says."""
    if not typed:
        return empty
    return repeated if typed in entries else ""
