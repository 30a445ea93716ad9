"""`/admin/registration-tokens`: operators let programs register applications (RFC 7591 §3)."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import registration
from app.protocol.facts import SessionFact
from app.routers.admin.entrance import absent, occasion_of_operator, require_operator
from app.routers.pages import answers, forms, once
from app.routers.pages.forms import Form
from app.routers.pages.visitor import person_of, require_recent
from app.services import initial_tokens, names
from app.services.connections import read_id
from app.services.initial_tokens import Made, Wanted
from app.store.idempotency import Repeated
from app.store.initial_tokens import InitialToken
from app.views.pages.forms import Trouble
from app.views.pages.registration_tokens import REGISTRATION_TOKENS as PATH
from app.views.pages.registration_tokens import (
    USES,
    Mode,
    RegistrationTokenForm,
    RegistrationTokenLine,
    RegistrationTokens,
    RegistrationTokenSeen,
    RevokeRegistrationToken,
    ShownRegistrationToken,
)
from app.views.pages.tokens import End

router = APIRouter(include_in_schema=False)

NEW = f"{PATH}/new"
_PAGE = 50
_DAYS = (1, 7, 30, 90, 365)
_USUAL, _NEVER = "7", "never"


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show what there is, and the form for a new one to whoever has signed in a short while ago."""
    session = await require_operator(request)
    return answers.show(request, await _list(request, session, revoked=await _just_revoked(request)))


@router.get(NEW)
async def confirm_and_create(request: Request) -> Response:
    """Have the operator confirm that it is he, and then show the form."""
    session = await require_operator(request)
    require_recent(request, session, back=NEW)
    return answers.see(request, f"{PATH}#new")


@router.post(PATH)
async def create(request: Request) -> Response:
    """Make a token and show it, this once; 422 with the form again when something is wrong with it."""
    form = await forms.read_form(request)
    session = await require_operator(request)
    require_recent(request, session, back=NEW)
    server, occasion = server_of(request), occasion_of_operator(request, session)
    label = names.tidy(form.get("label"))
    end = next((end for end in _ends(occasion.now) if end.value == form.get("ends")), None)
    problems = _problems(form, label, end)
    if problems or end is None:
        again = _form(request, form)
        return answers.show(request, await _list(request, session, form=again, problems=problems))
    wanted = Wanted(label, USES[form.get("uses")], end.at)
    try:
        made = await initial_tokens.make(server.database, wanted, occasion, once.claim_of(request, session, form))
    except Repeated:
        return answers.show(request, RegistrationTokenSeen(account=person_of(session)))
    return answers.show(request, await _list(request, session, made=made))


@router.get(PATH + "/{token_id}/revoke")
async def ask_to_revoke(request: Request, token_id: str) -> Response:
    """Ask before it ends."""
    session, now = await require_operator(request), server_of(request).clock()
    token = await _find(request, session, token_id)
    require_recent(request, session, back=f"{PATH}/{token.id}/revoke")
    page = RevokeRegistrationToken(
        account=person_of(session), line=line_of(token, now), csrf=forms.csrf_token(request), now=now
    )
    return answers.show(request, page)


@router.post(PATH + "/{token_id}/revoke")
async def revoke(request: Request, token_id: str) -> Response:
    """End it at once."""
    await forms.read_form(request)
    session = await require_operator(request)
    token = await _find(request, session, token_id)
    require_recent(request, session, back=f"{PATH}/{token.id}/revoke")
    occasion = occasion_of_operator(request, session)
    if await initial_tokens.revoke(server_of(request).database, token.id, occasion) is None:
        raise absent(request, session)
    return answers.see(request, f"{PATH}?{urlencode({'revoked': str(token.id)})}")


def line_of(token: InitialToken, now: datetime) -> RegistrationTokenLine:
    """Return a token as pages show it."""
    return RegistrationTokenLine(
        id=str(token.id),
        label=token.label,
        made_by=token.created_by,
        created=token.created_at,
        good=token.is_good(now),
        uses_left=token.uses_left,
        ends=token.expires_at,
        last_used=token.last_used_at,
    )


async def _list(
    request: Request,
    session: SessionFact,
    *,
    form: RegistrationTokenForm | None = None,
    made: Made | None = None,
    revoked: str = "",
    problems: tuple[Trouble, ...] = (),
) -> RegistrationTokens:
    """Return the page; with a token that was made just now it has no form, lest the first thing be done twice."""
    server = server_of(request)
    now, after = server.clock(), read_id(request.query_params.get("after", ""))
    found = await initial_tokens.list_page(server.database, after=after, limit=_PAGE + 1)
    shown = found[:_PAGE]
    if form is None and made is None and now - session.auth_time <= server.policy.lifetimes.recent_login:
        form = _form(request)
    return RegistrationTokens(
        account=person_of(session),
        tokens=tuple(line_of(token, now) for token in shown),
        mode=_mode(request),
        form=form,
        now=now,
        made=ShownRegistrationToken(line_of(made.token, now), made.text) if made else None,
        revoked=revoked,
        first_url=PATH if after else "",
        next_url=f"{PATH}?{urlencode({'after': str(shown[-1].id)})}" if len(found) > _PAGE else "",
        problems=problems,
    )


def _mode(request: Request) -> Mode:
    server = server_of(request)
    if not registration.is_offered(server.features):
        return "closed"
    return "token" if server.registration.by_token else "open"


def _form(request: Request, sent: Form | None = None) -> RegistrationTokenForm:
    """Return the form, empty or as it was sent."""
    return RegistrationTokenForm(
        csrf=forms.csrf_token(request),
        once=once.new_key(),
        ends=tuple(_ends(server_of(request).clock())),
        end=sent.get("ends") if sent else _USUAL,
        uses=sent.get("uses") if sent else "1",
        label=sent.get("label") if sent else "",
    )


def _ends(now: datetime) -> tuple[End, ...]:
    """Return how a new token can end."""
    limited = (End(str(days), now + timedelta(days=days), days * 86_400) for days in _DAYS)
    return (*limited, End(_NEVER, None))


def _problems(form: Form, label: str, end: End | None) -> tuple[Trouble, ...]:
    found = {
        "label": initial_tokens.problem_with_label(label),
        "uses": "" if form.get("uses") in USES else "Choose how often the token counts",
        "ends": "" if end else "Choose when the token ends",
    }
    return tuple(Trouble(field, problem) for field, problem in found.items() if problem)


async def _find(request: Request, session: SessionFact, token_id: str) -> InitialToken:
    known = read_id(token_id)
    token = await initial_tokens.find(server_of(request).database, known) if known else None
    if token is None:
        raise absent(request, session)
    return token


async def _just_revoked(request: Request) -> str:
    known = read_id(request.query_params.get("revoked", ""))
    return "" if known is None else await initial_tokens.label_of_revoked(server_of(request).database, known)
