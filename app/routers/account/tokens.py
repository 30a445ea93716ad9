"""`/account/tokens`: a person’s own tokens: made, looked at, renamed, deleted.

A new token is shown on the answer to its form and never again. Whoever makes, renames or deletes one has signed in a
short while ago, and makes none for more than that sign-in is worth. A token of somebody else is answered like one that
never was.
"""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.account import token_desk
from app.routers.cursors import cursor_of, read_cursor
from app.routers.pages import answers, forms, levels, once
from app.routers.pages.answers import PageRefused, SeeInstead
from app.routers.pages.forms import Form
from app.routers.pages.visitor import occasion_of, person_of, require_recent, require_signed_in
from app.services import names, personal_tokens
from app.services.connections import read_id
from app.services.personal_tokens import Made, Reach, Wanted
from app.store.idempotency import Repeated
from app.store.personal_tokens import OwnToken, PersonGone, TooManyTokens
from app.views.pages.error import ErrorPage
from app.views.pages.forms import Trouble
from app.views.pages.tokens import TOKENS as PATH
from app.views.pages.tokens import DeleteToken, End, PersonalTokens, TokenForm, TokenPage, TokenSeen

router = APIRouter(include_in_schema=False)

NEW = f"{PATH}/new"
_PAGE = 50
"""Tokens on one page of the list."""


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show what there is, and the form for a new one to whoever has signed in a short while ago."""
    session = await require_signed_in(request)
    return answers.show(request, await _list(request, session, deleted=await _just_deleted(request, session)))


@router.get(NEW)
async def confirm_and_create(request: Request) -> Response:
    """Have the person confirm that it is he, and then show the form."""
    session = await require_signed_in(request)
    require_recent(request, session, back=NEW)
    return answers.see(request, f"{PATH}#new")


@router.post(PATH)
async def create(request: Request) -> Response:
    """Make a token and show it, this once; 422 with the form again when something is wrong with it."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    require_recent(request, session, back=NEW)
    server, occasion = server_of(request), occasion_of(request)
    reach = await _reach(request, session)
    end = _end_of(request, form)
    name = names.tidy(form.get("name"))
    problems = _problems(form, name, end, reach)
    if problems or end is None:
        return await _again(request, session, form, problems)
    wanted = Wanted(name, form.all("scope"), end.at)
    levels.acr_of(request, session, wanted.scopes, back=NEW)
    try:
        made = await personal_tokens.make(
            server.database, session, wanted, reach, occasion, once.claim_of(request, session, form)
        )
    except Repeated:
        return answers.show(request, TokenSeen(account=person_of(session)))
    except TooManyTokens:
        limit = f"Delete a token first: you have {personal_tokens.MAX_LIVE} that work, which is the limit"
        return await _again(request, session, form, (Trouble("name", limit),))
    except PersonGone:
        raise SeeInstead("/login") from None
    return answers.show(request, await _list(request, session, made=made))


@router.get(PATH + "/{token_id}")
async def show_one(request: Request, token_id: str) -> Response:
    """Show one token: what it may do, until when, and its last use."""
    session = await require_signed_in(request)
    token = await _own(request, session, token_id)
    return answers.show(request, _page(request, session, token, renamed="renamed" in request.query_params))


@router.post(PATH + "/{token_id}/rename")
async def rename(request: Request, token_id: str) -> Response:
    """Give it another name; 422 with the form again when that is none."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    token = await _own(request, session, token_id)
    require_recent(request, session, back=f"{PATH}/{token.id}")
    name = names.tidy(form.get("name"))
    if problem := personal_tokens.problem_with_name(name):
        return answers.show(request, _page(request, session, token, name=name, problems=(Trouble("name", problem),)))
    database = server_of(request).database
    if await personal_tokens.rename(database, session.user_id, token.id, name, occasion_of(request)) is None:
        raise _unknown(request, session)
    return answers.see(request, f"{PATH}/{token.id}?renamed")


@router.get(PATH + "/{token_id}/delete")
async def ask_to_delete(request: Request, token_id: str) -> Response:
    """Ask before it ends."""
    session = await require_signed_in(request)
    token = await _own(request, session, token_id)
    require_recent(request, session, back=f"{PATH}/{token.id}/delete")
    now = server_of(request).clock()
    page = DeleteToken(
        account=person_of(session),
        line=token_desk.line_of(token, session, now),
        csrf=forms.csrf_token(request),
        now=now,
    )
    return answers.show(request, page)


@router.post(PATH + "/{token_id}/delete")
async def delete(request: Request, token_id: str) -> Response:
    """End it at once."""
    await forms.read_form(request)
    session = await require_signed_in(request)
    token = await _own(request, session, token_id)
    require_recent(request, session, back=f"{PATH}/{token.id}/delete")
    database = server_of(request).database
    if await personal_tokens.revoke(database, session.user_id, token.id, occasion_of(request)) is None:
        raise _unknown(request, session)
    return answers.see(request, f"{PATH}?{urlencode({'deleted': str(token.id)})}")


async def _list(
    request: Request,
    session: SessionFact,
    *,
    form: TokenForm | None = None,
    made: Made | None = None,
    deleted: str = "",
    problems: tuple[Trouble, ...] = (),
) -> PersonalTokens:
    """Return the page; with a token that was made just now it has no form, lest the first thing be done twice."""
    server = server_of(request)
    now = server.clock()
    after = read_cursor(request.query_params.get("after", ""))
    found = await personal_tokens.list_page(server.database, session.user_id, after=after, limit=_PAGE + 1)
    shown = found[:_PAGE]
    if form is None and made is None and now - session.auth_time <= server.policy.lifetimes.recent_login:
        form = _form(request, await _reach(request, session))
    return PersonalTokens(
        account=person_of(session),
        tokens=tuple(token_desk.line_of(token, session, now) for token in shown),
        form=form,
        now=now,
        made=token_desk.shown_once(made, session, server.scopes, now) if made else None,
        deleted=deleted,
        older=cursor_of(shown[-1].id) if len(found) > _PAGE else "",
        first=after is None,
        problems=problems,
    )


async def _again(request: Request, session: SessionFact, sent: Form, problems: tuple[Trouble, ...]) -> Response:
    form = _form(request, await _reach(request, session), sent)
    return answers.show(request, await _list(request, session, form=form, problems=problems))


def _form(request: Request, reach: Reach, sent: Form | None = None) -> TokenForm:
    """Return the form, empty or as it was sent."""
    server = server_of(request)
    lifetimes = server.policy.lifetimes
    return TokenForm(
        csrf=forms.csrf_token(request),
        once=once.new_key(),
        groups=token_desk.offered(reach.scopes),
        ends=token_desk.ends(lifetimes, server.clock()),
        end=sent.get("ends") if sent else token_desk.chosen_by_default(lifetimes),
        name=sent.get("name") if sent else "",
        ticked=frozenset(sent.all("scope")) if sent else frozenset(),
    )


def _problems(form: Form, name: str, end: End | None, reach: Reach) -> tuple[Trouble, ...]:
    found = {"name": personal_tokens.problem_with_name(name), "ends": "" if end else "Choose when the token ends"}
    if not form.all("scope"):
        found["scope"] = "Tick at least one permission"
    elif refused := reach.problems_with(form.all("scope")):
        found["scope"] = "; ".join(f"{scope[:60]} {why}" for scope, why in refused.items())
    return tuple(Trouble(field, problem) for field, problem in found.items() if problem)


def _end_of(request: Request, form: Form) -> End | None:
    server = server_of(request)
    offered = token_desk.ends(server.policy.lifetimes, server.clock())
    return next((end for end in offered if end.value == form.get("ends")), None)


def _page(
    request: Request,
    session: SessionFact,
    token: OwnToken,
    *,
    name: str = "",
    renamed: bool = False,
    problems: tuple[Trouble, ...] = (),
) -> TokenPage:
    server = server_of(request)
    now = server.clock()
    return TokenPage(
        account=person_of(session),
        line=token_desk.line_of(token, session, now),
        groups=token_desk.groups_of(token.scopes, server.scopes),
        csrf=forms.csrf_token(request),
        now=now,
        name=name,
        renamed=renamed,
        problems=problems,
    )


async def _reach(request: Request, session: SessionFact) -> Reach:
    server = server_of(request)
    return await personal_tokens.reach_of(server.database, session.user_id, server.scopes, server.roles)


async def _own(request: Request, session: SessionFact, token_id: str) -> OwnToken:
    known = read_id(token_id)
    token = await personal_tokens.find(server_of(request).database, session.user_id, known) if known else None
    if token is None:
        raise _unknown(request, session)
    return token


async def _just_deleted(request: Request, session: SessionFact) -> str:
    known = read_id(request.query_params.get("deleted", ""))
    if known is None:
        return ""
    return await personal_tokens.name_of_revoked(server_of(request).database, session.user_id, known)


def _unknown(request: Request, session: SessionFact) -> PageRefused:
    return PageRefused(ErrorPage.not_found(answers.reference(request), account=person_of(session)))
