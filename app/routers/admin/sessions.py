"""`/admin/users/{id}/sign-out`: an operator ends sessions of somebody, one or all (SE-4; ASVS 7.4.5)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.admin.entrance import require_operator
from app.routers.admin.users import PATH, find_person
from app.routers.pages import answers, forms
from app.routers.pages.visitor import occasion_of, require_recent
from app.services.administration import Administration
from app.services.connections import read_id

router = APIRouter(include_in_schema=False)


@router.post(PATH + "/{user_id}/sign-out")
async def sign_out(request: Request, user_id: str) -> Response:
    """End the session that the form names, or all when it names none; an operator never ends the one that he is in."""
    form = await forms.read_form(request)
    session = await require_operator(request)
    person = await find_person(request, session, user_id)
    require_recent(request, session, back=f"{PATH}/{person.id}")
    acting = Administration(server_of(request).database, session, occasion_of(request))
    known = read_id(form.get("session"))
    if known is not None:
        await acting.end_session(person.id, known)
        return answers.see(request, f"{PATH}/{person.id}#h-sessions")
    if form.get("session") == "":
        await acting.end_sessions(person.id)
    return answers.see(request, f"{PATH}/{person.id}?done=signed-out")
