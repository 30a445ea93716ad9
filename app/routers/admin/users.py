"""`/admin/users`: people of the server, found, shut out and let in again."""

from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.account.sessions import line_of
from app.routers.admin.entrance import absent, require_operator
from app.routers.pages import answers, forms
from app.routers.pages.visitor import occasion_of, person_of, require_recent
from app.services import administration, own_sessions
from app.services.administration import Administration, LastOperator, NoLongerOperator, NotYourself
from app.services.connections import read_id
from app.services.names import MAX_LOGIN_LENGTH
from app.store.administration import Person
from app.views.pages import admin
from app.views.pages.admin import AdminDisableUser, AdminUser, AdminUsers, Done, PersonLine

router = APIRouter(include_in_schema=False)

PATH = admin.USERS
PAGE = 50
SESSIONS = 20
"""Sessions that are shown of one person, the newest."""


@router.get("/admin")
async def show_first(request: Request) -> Response:
    """Begin with the people."""
    await require_operator(request)
    return answers.see(request, PATH)


@router.get(PATH)
async def show_users(request: Request) -> Response:
    """Show people whose names begin as typed, newest first."""
    session = await require_operator(request)
    q = request.query_params.get("q", "")[:MAX_LOGIN_LENGTH].replace("\x00", "")
    after = read_id(request.query_params.get("after", ""))
    found = await administration.list_users(server_of(request).database, q, after=after, limit=PAGE + 1)
    shown = found[:PAGE]
    page = AdminUsers(
        account=person_of(session),
        people=tuple(_line(person, session) for person in shown),
        q=q,
        first_url=f"{PATH}?{urlencode({'q': q})}" if after else "",
        next_url=f"{PATH}?{urlencode({'q': q, 'after': str(shown[-1].id)})}" if len(found) > PAGE else "",
    )
    return answers.show(request, page)


@router.get(PATH + "/{user_id}")
async def show_user(request: Request, user_id: str) -> Response:
    """Show one person, and what has just been done to him."""
    session, server = await require_operator(request), server_of(request)
    person = await find_person(request, session, user_id)
    holdings, now = await _holdings(request, person), server.clock()
    found = await own_sessions.list_page(server.database, person.id, now, limit=SESSIONS)
    others = [one for one in found if one.id != session.id]
    page = AdminUser(
        account=person_of(session),
        person=_line(person, session),
        holdings=holdings,
        sessions=tuple(line_of(server, one, session) for one in found),
        csrf=forms.csrf_token(request),
        now=now,
        done=done_in(
            request, "enabled" if person.disabled_at is None else "disabled", *(() if others else ("signed-out",))
        ),
    )
    return answers.show(request, page)


@router.get(PATH + "/{user_id}/disable")
async def ask_to_disable(request: Request, user_id: str) -> Response:
    """Ask before a person is shut out; whoever signed in long ago confirms first that it is he."""
    session = await require_operator(request)
    person = await find_person(request, session, user_id)
    require_recent(request, session, back=f"{PATH}/{person.id}/disable")
    return await _confirmation(request, session, person)


@router.post(PATH + "/{user_id}/disable")
async def disable(request: Request, user_id: str) -> Response:
    """Shut a person out, at once and everywhere."""
    await forms.read_form(request)
    session = await require_operator(request)
    person = await find_person(request, session, user_id)
    require_recent(request, session, back=f"{PATH}/{person.id}/disable")
    try:
        await Administration(server_of(request).database, session, occasion_of(request)).disable_user(person.id)
    except NoLongerOperator:
        raise absent(request, None) from None
    except (NotYourself, LastOperator):
        return await _confirmation(request, session, person, last=True)
    return answers.see(request, f"{PATH}/{person.id}?done=disabled")


@router.post(PATH + "/{user_id}/enable")
async def enable(request: Request, user_id: str) -> Response:
    """Let a person sign in again."""
    await forms.read_form(request)
    session = await require_operator(request)
    person = await find_person(request, session, user_id)
    require_recent(request, session, back=f"{PATH}/{person.id}")
    await Administration(server_of(request).database, session, occasion_of(request)).enable_user(person.id)
    return answers.see(request, f"{PATH}/{person.id}?done=enabled")


def done_in(request: Request, *possible: Done) -> Done:
    """Return the deed that the link back from a form names, if it can have been done: things are as after it."""
    told = request.query_params.get("done", "")
    return next((done for done in get_args(Done) if done == told and done in possible), "")


async def _confirmation(request: Request, session: SessionFact, person: Person, *, last: bool = False) -> Response:
    page = AdminDisableUser(
        account=person_of(session),
        person=_line(person, session),
        holdings=await _holdings(request, person),
        csrf=forms.csrf_token(request),
        hindrance="yourself" if person.id == session.user_id else "last" if last else "",
    )
    return answers.show(request, page)


async def find_person(request: Request, session: SessionFact, user_id: str) -> Person:
    """Return the person with this id; raises `PageRefused`."""
    known = read_id(user_id)
    person = await administration.find_user(server_of(request).database, known) if known else None
    if person is None:
        raise absent(request, session)
    return person


async def _holdings(request: Request, person: Person) -> admin.Holdings:
    server = server_of(request)
    held = await administration.holdings(server.database, person.id, server.clock())
    return admin.Holdings(
        sessions=held.sessions,
        authorizations=held.authorizations,
        personal_tokens=held.personal_tokens,
        organizations=held.organizations,
        applications=held.applications,
    )


def _line(person: Person, session: SessionFact) -> PersonLine:
    return PersonLine(
        id=str(person.id),
        username=person.username,
        created=person.created_at,
        email=person.email or "",
        name=person.name,
        operator=person.operator,
        disabled=person.disabled_at,
        yourself=person.id == session.user_id,
    )
