"""`/apps/{application}/off` and the like: turned off and on, handed over, deleted, brought back.

Whatever loses something is asked first.
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.pages import answers, forms
from app.routers.pages.visitor import occasion_of, person_of, require_recent, require_signed_in
from app.routers.portal import desk
from app.routers.portal.application import PATH
from app.services import own_applications
from app.services.application_settings import read_settings
from app.services.occasion import Occasion
from app.services.own_applications import (
    Conflicting,
    Holder,
    NoSuchApplication,
    Obstacle,
    OwnApplication,
    Unacceptable,
)
from app.store.database import Database
from app.store.versions import VersionChanged
from app.views.names import display_name
from app.views.pages.forms import Trouble
from app.views.pages.portal_application import DeleteApplication, HandOver, TurnOff

router = APIRouter(include_in_schema=False)

_MAX_SHOWN = 200

_NO_OWNER = Trouble("owner", "Choose yourself, or an organization whose applications you manage")

Deed = Callable[[Database, Holder, str, Occasion], Awaitable[OwnApplication]]


@router.get(PATH + "/off")
async def ask_to_turn_off(request: Request, segment: str) -> Response:
    """Ask before sign-in and all tokens stop."""
    session, _, application = await _found(request, segment)
    desk.require_staying(application)
    page = TurnOff(
        account=person_of(session),
        entry=await desk.line_of(server_of(request), application),
        version=application.stored.version,
        csrf=forms.csrf_token(request),
    )
    return answers.show(request, page)


@router.post(PATH + "/off")
async def turn_off(request: Request, segment: str) -> Response:
    """Refuse it everywhere, at once."""
    return await _do(request, segment, own_applications.switch_off, "off")


@router.post(PATH + "/on")
async def turn_on(request: Request, segment: str) -> Response:
    """Let it in again."""
    return await _do(request, segment, own_applications.switch_on, "on")


@router.post(PATH + "/restore")
async def restore(request: Request, segment: str) -> Response:
    """Bring it back while there is time."""
    return await _do(request, segment, own_applications.restore, "restored")


@router.get(PATH + "/hand-over")
async def ask_to_hand_over(request: Request, segment: str) -> Response:
    """Ask who shall own it; whoever signed in long ago confirms first that it is he."""
    session, holder, application = await _found(request, segment)
    desk.require_staying(application)
    require_recent(request, session, back=f"{desk.url_of(application)}/hand-over")
    return answers.show(request, await _hand_over_page(request, session, holder, application))


@router.post(PATH + "/hand-over")
async def hand_over(request: Request, segment: str) -> Response:
    """Give it to an organization of the person's, or to himself."""
    form = await forms.read_form(request)
    session, holder, application = await _found(request, segment)
    require_recent(request, session, back=f"{desk.url_of(application)}/hand-over")
    server, owner = server_of(request), form.get("owner")
    if owner not in {choice.value for choice in desk.other_owners(holder, application)}:
        return await _refused_owner(request, session, holder, application)
    try:
        changed = await own_applications.change(
            server.database,
            holder,
            application.stored.client_id,
            read_settings({}),
            occasion_of(request),
            scopes=server.scopes,
            signing=server.keyring.plan.algorithms,
            outbound=server.outbound,
            version=desk.version_in(form),
            hand_to=owner,
        )
    except NoSuchApplication:
        raise desk.unknown(request, session) from None
    except Conflicting as conflicting:
        if conflicting.obstacle is Obstacle.NO_ROOM:
            return await _refused_owner(request, session, holder, application, desk.no_room(conflicting))
        return await _changed_meanwhile(request, session, holder, application)
    except VersionChanged:
        return await _changed_meanwhile(request, session, holder, application)
    except Unacceptable:
        return await _refused_owner(request, session, holder, application)
    return desk.back(request, changed, "handed-over")


@router.get(PATH + "/delete")
async def ask_to_delete(request: Request, segment: str) -> Response:
    """Ask for the name before everything goes."""
    session, _, application = await _found(request, segment)
    desk.require_staying(application)
    require_recent(request, session, back=f"{desk.url_of(application)}/delete")
    return answers.show(request, await _delete_page(request, session, application))


@router.post(PATH + "/delete")
async def delete(request: Request, segment: str) -> Response:
    """Refuse it everywhere, at once; for a while it can be brought back. 422 when the name is another one."""
    form = await forms.read_form(request)
    session, holder, application = await _found(request, segment)
    url = desk.url_of(application)
    require_recent(request, session, back=f"{url}/delete")
    typed = form.get("name")
    # Compared as it is shown: what cannot be seen cannot be typed either.
    if display_name(typed, fallback="") != display_name(application.stored.description.name):
        page = await _delete_page(
            request,
            session,
            application,
            typed=typed[:_MAX_SHOWN],
            problems=(Trouble("name", "Type the name as it stands above"),),
        )
        return answers.show(request, page)
    server = server_of(request)
    try:
        await own_applications.delete(
            server.database,
            holder,
            application.stored.client_id,
            occasion_of(request),
            grace=server.policy.lifetimes.deletion_grace,
            version=desk.version_in(form),
        )
    except NoSuchApplication:
        raise desk.unknown(request, session) from None
    except VersionChanged:
        return await _changed_meanwhile(request, session, holder, application)
    return answers.see(request, url)


async def _found(request: Request, segment: str) -> tuple[SessionFact, Holder, OwnApplication]:
    session = await require_signed_in(request)
    holder = await desk.holder_of(request, session)
    return session, holder, await desk.own(request, session, holder, segment)


async def _do(request: Request, segment: str, deed: Deed, done: str) -> Response:
    """Do what needs no more than the press of a button; what others did meanwhile is shown instead."""
    await forms.read_form(request)
    session, holder, application = await _found(request, segment)
    try:
        changed = await deed(server_of(request).database, holder, application.stored.client_id, occasion_of(request))
    except NoSuchApplication:
        raise desk.unknown(request, session) from None
    except Conflicting:
        return await _changed_meanwhile(request, session, holder, application)
    return desk.back(request, changed, done)


async def _changed_meanwhile(
    request: Request, session: SessionFact, holder: Holder, application: OwnApplication
) -> Response:
    current = await desk.as_it_is(request, session, holder, application.stored.client_id)
    return answers.show(request, await desk.page_of(request, session, holder, current, stale=True))


async def _hand_over_page(
    request: Request,
    session: SessionFact,
    holder: Holder,
    application: OwnApplication,
    problems: tuple[Trouble, ...] = (),
) -> HandOver:
    return HandOver(
        account=person_of(session),
        entry=await desk.line_of(server_of(request), application),
        version=application.stored.version,
        csrf=forms.csrf_token(request),
        owners=desk.other_owners(holder, application),
        problems=problems,
    )


async def _refused_owner(
    request: Request,
    session: SessionFact,
    holder: Holder,
    application: OwnApplication,
    trouble: Trouble = _NO_OWNER,
) -> Response:
    return answers.show(request, await _hand_over_page(request, session, holder, application, (trouble,)))


async def _delete_page(
    request: Request,
    session: SessionFact,
    application: OwnApplication,
    *,
    typed: str = "",
    problems: tuple[Trouble, ...] = (),
) -> DeleteApplication:
    server = server_of(request)
    return DeleteApplication(
        account=person_of(session),
        entry=await desk.line_of(server, application),
        version=application.stored.version,
        csrf=forms.csrf_token(request),
        grace_seconds=int(server.policy.lifetimes.deletion_grace.total_seconds()),
        secrets=len(application.secrets),
        typed=typed,
        problems=problems,
    )
