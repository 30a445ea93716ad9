"""`/admin/applications`: everybody's applications, found, checked, shut out and let in again."""

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import look_alikes
from app.pipeline.server import server_of
from app.protocol import introductions, redirect_uri
from app.protocol.facts import SessionFact
from app.routers.admin.entrance import absent, require_operator
from app.routers.admin.users import done_in
from app.routers.pages import answers, forms
from app.routers.pages.visitor import occasion_of, person_of, require_recent
from app.routers.portal.desk import version_in
from app.services import administration
from app.services.administration import Administration, ApplicationChanged, problem_with_note
from app.services.connections import read_id
from app.services.names import MAX_LOGIN_LENGTH
from app.store.administration import STATUSES, Listed, Wanted
from app.views.addresses import identifier_at
from app.views.pages import admin
from app.views.pages.admin import (
    AdminApplication,
    AdminApplications,
    AdminDisableApplication,
    ApplicationLine,
    CheckMark,
    Done,
)

router = APIRouter(include_in_schema=False)

PATH = admin.APPLICATIONS
PAGE = 50


@router.get(PATH)
async def show_applications(request: Request) -> Response:
    """Show applications whose names begin as typed, newest first."""
    session = await require_operator(request)
    q = request.query_params.get("q", "")[:MAX_LOGIN_LENGTH].replace("\x00", "")
    show = request.query_params.get("show", "")
    after = read_id(request.query_params.get("after", ""))
    wanted = wanted_by(q, show)
    found = await administration.list_applications(server_of(request).database, wanted, after=after, limit=PAGE + 1)
    shown = found[:PAGE]
    show = show if wanted != Wanted(q) else ""
    asked = {"q": q, "show": show}
    page = AdminApplications(
        account=person_of(session),
        applications=tuple(line_of(listed) for listed in shown),
        first_url=f"{PATH}?{urlencode(asked)}" if after else "",
        next_url=f"{PATH}?{urlencode(asked | {'after': str(shown[-1].id)})}" if len(found) > PAGE else "",
        q=q,
        show=show,
    )
    return answers.show(request, page)


@router.get(PATH + "/{segment}")
async def show_application(request: Request, segment: str) -> Response:
    """Show one application, and what has just been done to it."""
    session = await require_operator(request)
    listed = await _find(request, session, segment)
    state: Done = "disabled" if listed.off_by == "operator" else "enabled"
    check: Done = "checked" if listed.verified else "unchecked"
    return await _show(request, session, listed, done=done_in(request, state, check))


@router.get(PATH + "/{segment}/disable")
async def ask_to_disable(request: Request, segment: str) -> Response:
    """Ask before an application is shut out; whoever signed in long ago confirms first that it is he."""
    session = await require_operator(request)
    line = line_of(await _find(request, session, segment))
    require_recent(request, session, back=f"{line.url}/disable")
    page = AdminDisableApplication(account=person_of(session), application=line, csrf=forms.csrf_token(request))
    return answers.show(request, page)


@router.post(PATH + "/{segment}/disable")
async def disable(request: Request, segment: str) -> Response:
    """Shut an application out, with all it holds."""
    await forms.read_form(request)
    session = await require_operator(request)
    listed = await _find(request, session, segment)
    url = line_of(listed).url
    require_recent(request, session, back=f"{url}/disable")
    await _acting(request, session).disable_application(listed.client_id)
    return answers.see(request, f"{url}?done=disabled")


@router.post(PATH + "/{segment}/enable")
async def enable(request: Request, segment: str) -> Response:
    """Let an application in again."""
    await forms.read_form(request)
    session = await require_operator(request)
    listed = await _find(request, session, segment)
    url = line_of(listed).url
    require_recent(request, session, back=url)
    await _acting(request, session).enable_application(listed.client_id)
    return answers.see(request, f"{url}?done=enabled")


@router.post(PATH + "/{segment}/check")
async def check(request: Request, segment: str) -> Response:
    """Mark an application as checked, or take that back; 422 with the form again when the note cannot be kept."""
    form = await forms.read_form(request)
    session = await require_operator(request)
    listed = await _find(request, session, segment)
    url = line_of(listed).url
    require_recent(request, session, back=url)
    note = form.get("note").strip()
    if problem := problem_with_note(note):
        return await _show(request, session, listed, note=note, note_problem=problem)
    acting = _acting(request, session)
    if form.get("checked") == "yes":
        try:
            await acting.check_application(listed.client_id, note, version_in(form))
        except ApplicationChanged:
            changed = "The application has changed since this page was opened: look again, and decide again"
            return await _show(
                request, session, await _find(request, session, segment), note=note, note_problem=changed
            )
        return answers.see(request, f"{url}?done=checked")
    await acting.uncheck_application(listed.client_id, note)
    return answers.see(request, f"{url}?done=unchecked")


def wanted_by(q: str, show: str) -> Wanted:
    """Return what the form of the list asks for; what it cannot ask for narrows nothing."""
    status = next((known for known in STATUSES if known == show), None)
    return Wanted(q, status, unchecked=show == "unchecked", self_registered=show == "self-registered")


def line_of(listed: Listed) -> ApplicationLine:
    """Return an application as pages show it."""
    vouched = listed.verified and (listed.self_registered or listed.owner_name != "")
    return ApplicationLine(
        client_id=listed.client_id,
        name=listed.name,
        kind=listed.kind,
        created=listed.created_at,
        host=redirect_uri.display_host(listed.redirect_uris[0]) if listed.redirect_uris else "",
        status=listed.status,
        off_by=listed.off_by,
        owner=listed.owner_name,
        self_registered=listed.self_registered,
        check=CheckMark(listed.checked_at, listed.checked_by, listed.checked_note) if vouched else None,
        unchecked=listed.unchecked,
        redirect_uris=listed.redirect_uris,
        described_at=introductions.described_at(listed.client_id, self_registered=listed.self_registered),
    )


async def _show(
    request: Request, session: SessionFact, listed: Listed, *, note: str = "", note_problem: str = "", done: Done = ""
) -> Response:
    line = line_of(listed)
    if line.unchecked:
        imitates = await look_alikes.imitated(server_of(request), listed.name, besides=listed.client_id)
        line = replace(line, imitates=imitates or "")
    page = AdminApplication(
        account=person_of(session),
        application=line,
        version=listed.version,
        csrf=forms.csrf_token(request),
        note=note,
        note_problem=note_problem,
        done=done,
    )
    return answers.show(request, page)


def _acting(request: Request, session: SessionFact) -> Administration:
    return Administration(server_of(request).database, session, occasion_of(request))


async def _find(request: Request, session: SessionFact, segment: str) -> Listed:
    found = await administration.find_application(server_of(request).database, identifier_at(segment))
    if found is None:
        raise absent(request, session)
    return found
