"""`/approvals`: what applications ask a person who is not in front of them, and his decision (CIBA; CB-11).

A request of somebody else's is answered like one that never was. Nobody is asked less because he was asked before.
"""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import backchannel
from app.pipeline.server import server_of
from app.pipeline.waiting import Waiting
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, SessionFact
from app.routers.pages import answers, forms, levels, permissions
from app.routers.pages.answers import PageRefused, reference, request_id
from app.routers.pages.client_answers import application_of, home_of
from app.routers.pages.introduced import introduced
from app.routers.pages.returning import reference_to
from app.routers.pages.visitor import actor_of, person_of, require_signed_in
from app.services.connections import read_id
from app.store import records
from app.store.hot_backchannel import BackchannelQuestion
from app.views.pages.approvals import (
    APPROVALS,
    ApprovalConsent,
    ApprovalDone,
    ApprovalOutcome,
    Approvals,
    WaitingApproval,
    nothing_waits,
)
from app.views.pages.error import ErrorPage
from app.views.pages.identity import Application

router = APIRouter(include_in_schema=False)

PATH = APPROVALS


@router.get(PATH)
async def show_list(request: Request) -> Response:
    """Show everything that waits for the person, the newest first."""
    session = await require_signed_in(request)
    server = server_of(request)
    now = server.clock()
    found = await server.database.backchannel.waiting_for(session.user_id, now)
    entries = tuple(_entry(one) for one in reversed(found))
    page = Approvals(account=person_of(session), approvals=entries, now=now, waiting=len(entries))
    return answers.show(request, page)


@router.get(PATH + "/{approval_id}")
async def show_one(request: Request, approval_id: str) -> Response:
    """Ask who waits for a decision; what is decided, or over, says how it ended."""
    session = await require_signed_in(request)
    question = await _question(request, session, approval_id)
    known = await _waiting(request, session, question)
    if known is None:
        return answers.show(request, _done(session, question, _client_of(request, session, question)))
    acr_of(request, session, known)
    return answers.show(request, await _page(request, session, known))


@router.post(PATH + "/{approval_id}")
async def decide(request: Request, approval_id: str) -> Response:
    """Carry out the click: approve or deny, once; 303 to how it ended, whoever was first."""
    form = await forms.read_form(request)
    session = await require_signed_in(request)
    server = server_of(request)
    question = await _question(request, session, approval_id)
    known = await _waiting(request, session, question)
    ended = answers.see(request, _path(question.request.id))
    if known is None:
        return ended
    actor, now = actor_of(request, session), server.clock()
    match form.get("decision"):
        case "deny":
            await backchannel.deny(server, known, session, actor, now)
        case "approve":
            acr = acr_of(request, session, known)
            approved = permissions.approved(server, known.client, known.wanted, known.record, form.all("scope"))
            await backchannel.approve(server, known, approved, session, acr, actor, now)
        case _:
            wrong = "decision must be approve or deny"
            refusal = ErrorPage.request_wrong(reference(request), error="invalid_request", description=wrong)
            raise PageRefused(refusal)
    return ended


def shown(client: ClientFact) -> Application:
    """Return the application as these pages introduce it."""
    return application_of(client, home_of(client))


def acr_of(request: Request, session: SessionFact, known: Waiting[BackchannelRequestFact]) -> str:
    """Return what the sign-in is worth. Raises `SeeInstead` where that is less than the application asks for, and
    another sign-in would be worth more."""
    asked = known.asked
    return levels.acr_of(request, session, known.wanted.scopes, back=_path(asked.id), preferred=asked.acr_values)


async def _question(request: Request, session: SessionFact, approval_id: str) -> BackchannelQuestion:
    """Return what the person is asked; raises `PageRefused` for what is not his, or never was."""
    known, backchannels = read_id(approval_id), server_of(request).database.backchannel
    question = await backchannels.gather_question(known, session.user_id) if known else None
    if question is None:
        raise _nothing(request, session)
    return question


async def waiting_for(
    request: Request, session: SessionFact, question: BackchannelQuestion
) -> Waiting[BackchannelRequestFact] | None:
    """Return the request if it waits for the person as he is now: what he was asked before his account was off is over.
    Raises `OAuthError` when the application may not have that any more."""
    server = server_of(request)
    if question.request.user_epoch != session.user_epoch:
        return None
    return await backchannel.judged(server, question, server.clock())


async def _waiting(
    request: Request, session: SessionFact, question: BackchannelQuestion
) -> Waiting[BackchannelRequestFact] | None:
    """Return the request if it waits. Raises `PageRefused` when the application may not have that any more."""
    try:
        return await waiting_for(request, session, question)
    except OAuthError as refused:
        raise PageRefused(
            ErrorPage.request_wrong(
                reference(request),
                error=refused.code.wire,
                description=refused.description,
                application=shown(question.client) if question.client else None,
            )
        ) from refused


def _client_of(request: Request, session: SessionFact, question: BackchannelQuestion) -> ClientFact:
    if question.client is None:
        raise _nothing(request, session)
    return question.client


async def _page(request: Request, session: SessionFact, known: Waiting[BackchannelRequestFact]) -> ApprovalConsent:
    server = server_of(request)
    client, wanted, record, asked = known.client, known.wanted, known.record, known.asked
    since = await records.first_granted(server.database, record.id) if record else {}
    return ApprovalConsent(
        account=person_of(session),
        csrf=forms.csrf_token(request),
        id=str(asked.id),
        application=await introduced(request, client, home_of(client)),
        groups=permissions.groups(
            server, client, wanted.scopes, wanted.resources, record, since, details=wanted.details
        ),
        grant=permissions.grant_of(server, wanted, known.taken),
        ticked=permissions.held_of(known.taken, wanted),
        lifetime=permissions.lifetime_of(client, known.policy, wanted),
        binding_message=asked.binding_message,
        address=asked.address,
        asked_at=asked.created_at,
        ends_at=asked.expires_at,
        now=server.clock(),
        details=permissions.facts_of(client, wanted, request_id(request)),
        switch_account_url=_switch_account(request, _path(asked.id)),
    )


def _done(session: SessionFact, question: BackchannelQuestion, client: ClientFact) -> ApprovalDone:
    asked = question.request
    outcomes: dict[str, ApprovalOutcome] = {"denied": "refused", "pending": "over"}
    return ApprovalDone(
        account=person_of(session),
        application=shown(client),
        outcome=outcomes.get(asked.status, "approved"),
        record_url=f"/account/applications/{asked.record_id}" if asked.record_id else "",
    )


def _entry(question: BackchannelQuestion) -> WaitingApproval:
    """Return one line of the list; what waits has an active application."""
    asked, client = question.request, question.client
    return WaitingApproval(
        id=str(asked.id),
        application=shown(client) if client else Application("", ""),
        asked_at=asked.created_at,
        ends_at=asked.expires_at,
        binding_message=asked.binding_message,
    )


def _nothing(request: Request, session: SessionFact) -> PageRefused:
    switch = _switch_account(request, request.scope["path"])
    return PageRefused(nothing_waits(reference(request), person_of(session), switch_account_url=switch))


def _switch_account(request: Request, path: str) -> str:
    return f"/select-account?{urlencode({'to': reference_to(request, path)})}"


def _path(request: UUID) -> str:
    return f"{PATH}/{request}"
