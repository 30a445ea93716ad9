"""`/apps/{application}/secrets`: changing the secret of an application without an outage.

Two may be valid at a time: add one, put it in place, remove the other. Whoever does it has signed in a short while ago.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.pages import answers, forms, once
from app.routers.pages.visitor import occasion_of, person_of, require_recent, require_signed_in
from app.routers.portal import desk
from app.routers.portal.application import PATH
from app.services import own_applications
from app.services.own_applications import Conflicting, Holder, NoSuchApplication, NoSuchSecret, OwnApplication
from app.store.idempotency import Repeated
from app.views.pages.portal import SecretSeen, SecretShown
from app.views.pages.portal_application import RemoveSecret

router = APIRouter(include_in_schema=False)


@router.post(PATH + "/secrets")
async def add(request: Request, segment: str) -> Response:
    """Make one more secret valid and show it, this once."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    holder = await desk.holder_of(request, session)
    application = await desk.own(request, session, holder, segment)
    url = desk.url_of(application)
    require_recent(request, session, back=url)
    server = server_of(request)
    try:
        made = await own_applications.add_secret(
            server.database,
            holder,
            application.stored.client_id,
            occasion_of(request),
            claim=once.claim_of(request, session, form),
            vault=server.vault,
        )
    except NoSuchApplication:
        raise desk.unknown(request, session) from None
    except Repeated:
        return answers.show(request, SecretSeen(account=person_of(session), url=url))
    except Conflicting:
        return await _changed_meanwhile(request, session, holder, application)
    page = SecretShown(
        account=person_of(session),
        entry=await desk.line_of(server, made.application),
        secret=made.client_secret,
        issuer=server.issuer,
        created=False,
    )
    return answers.show(request, page)


@router.get(PATH + "/secrets/{secret_id}/remove")
async def ask_to_remove(request: Request, segment: str, secret_id: str) -> Response:
    """Ask before a secret stops working."""
    session = await require_signed_in(request)
    holder = await desk.holder_of(request, session)
    application = await desk.own(request, session, holder, segment)
    desk.require_staying(application)
    server = server_of(request)
    secrets = await desk.secrets_of(server, session, application)
    secret = next((one for one in secrets if one.id == secret_id), None)
    if secret is None:
        raise desk.unknown(request, session)
    require_recent(request, session, back=f"{desk.url_of(application)}/secrets/{secret.id}/remove")
    page = RemoveSecret(
        account=person_of(session),
        entry=await desk.line_of(server, application),
        version=application.stored.version,
        csrf=forms.csrf_token(request),
        secret=secret,
        now=server.clock(),
    )
    return answers.show(request, page)


@router.post(PATH + "/secrets/{secret_id}/remove")
async def remove(request: Request, segment: str, secret_id: str) -> Response:
    """End a secret at once; the last one stays until there is another."""
    await forms.read_form(request)
    session = await require_signed_in(request)
    holder = await desk.holder_of(request, session)
    application = await desk.own(request, session, holder, segment)
    require_recent(request, session, back=desk.url_of(application))
    known = desk.read_id(secret_id)
    if known is None:
        raise desk.unknown(request, session)
    try:
        changed = await own_applications.retire_secret(
            server_of(request).database, holder, application.stored.client_id, known, occasion_of(request)
        )
    except (NoSuchApplication, NoSuchSecret):
        raise desk.unknown(request, session) from None
    except Conflicting:
        return await _changed_meanwhile(request, session, holder, application)
    return desk.back(request, changed, "secret-removed")


async def _changed_meanwhile(
    request: Request, session: SessionFact, holder: Holder, application: OwnApplication
) -> Response:
    """Show the application as it is now: the page that the form came from would not have offered this."""
    current = await desk.as_it_is(request, session, holder, application.stored.client_id)
    return answers.show(request, await desk.page_of(request, session, holder, current, stale=True))
