"""`/api/v1/approvals`: what applications ask the signed-in person elsewhere, and his decision (CIBA).

Sessions alone open it: a token that could approve could give itself whatever its application asks for. A request of
somebody else's is answered like one that never was.
"""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline import backchannel
from app.pipeline.server import server_of
from app.pipeline.waiting import Waiting
from app.protocol.ciba_facts import BackchannelRequestFact
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact, SessionFact
from app.routers.api.approval_models import Approval, ApprovalDecision, ApprovalList, answer_of
from app.routers.api.caller import CALLER_PROBLEMS, CHANGER_PROBLEMS, Changer, Reader
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, Kind, Refused, api_router, problems
from app.routers.pages import permissions
from app.routers.pages.answers import SeeInstead
from app.routers.pages.approvals import PATH, acr_of, waiting_for
from app.routers.pages.visitor import actor_of
from app.services.connections import read_id
from app.store.hot_backchannel import BackchannelQuestion

router = api_router()

ApprovalId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    PATH,
    operation_id="list_approvals",
    summary="List what waits for your decision",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.INVALID_REQUEST),
    },
)
async def list_approvals(request: Request, response: Response, session: Reader, page: AskedPage) -> ApprovalList:
    """The newest first. Each is over after some minutes."""
    server = server_of(request)
    now = server.clock()
    waiting = await server.database.backchannel.waiting_for(session.user_id, now)
    found = [one for one in reversed(waiting) if page.after is None or one.request.id < page.after]
    shown = cut(request, response, page, found, lambda one: one.request.id)
    return ApprovalList(items=[answer_of(one, one.client, server.scopes, now) for one in shown if one.client])


@router.get(
    PATH + "/{id}",
    operation_id="read_approval",
    summary="Read what an application asks you",
    responses={200: {"description": "Also one that is decided."}, **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND)},
)
async def read_approval(request: Request, session: Reader, id: ApprovalId) -> Approval:
    """Who asks for what, from where, and how it ended if it did."""
    question, client = await _found(request, session, id)
    server = server_of(request)
    return answer_of(question, client, server.scopes, server.clock())


@router.post(
    PATH + "/{id}",
    operation_id="decide_approval",
    summary="Allow what an application asks, or refuse it",
    responses={
        200: {"description": "It is decided."},
        **problems(*CHANGER_PROBLEMS, *BODY_PROBLEMS, Kind.LOGIN_TOO_OLD, Kind.NOT_FOUND, Kind.CONFLICT),
    },
)
async def decide_approval(request: Request, session: Changer, id: ApprovalId, body: ApprovalDecision) -> Approval:
    """Once; whoever is too late is told so. Required scopes come with an approval, optional ones when named."""
    question, _ = await _found(request, session, id)
    server, actor = server_of(request), actor_of(request, session)
    known, now = await _waiting(request, session, question), server.clock()
    if body.decision == "deny":
        decided = await backchannel.deny(server, known, session, actor, now)
    else:
        approved = permissions.approved(server, known.client, known.wanted, known.record, tuple(body.scopes))
        acr = _acr(request, session, known)
        decided = await backchannel.approve(server, known, approved, session, acr, actor, now)
    if not decided:
        raise _too_late()
    question, client = await _found(request, session, id)
    return answer_of(question, client, server.scopes, now)


async def _found(request: Request, session: SessionFact, id: str) -> tuple[BackchannelQuestion, ClientFact]:
    known, backchannels = read_id(id), server_of(request).database.backchannel
    question = await backchannels.gather_question(known, session.user_id) if known else None
    if question is None or question.client is None:
        raise Refused(Kind.NOT_FOUND, "it is long over, never was, or is not yours")
    return question, question.client


async def _waiting(
    request: Request, session: SessionFact, question: BackchannelQuestion
) -> Waiting[BackchannelRequestFact]:
    try:
        known = await waiting_for(request, session, question)
    except OAuthError as refused:
        raise Refused(Kind.CONFLICT, f"the application may not have that any more: {refused.description}") from None
    if known is None:
        raise _too_late()
    return known


def _acr(request: Request, session: SessionFact, known: Waiting[BackchannelRequestFact]) -> str:
    try:
        return acr_of(request, session, known)
    except SeeInstead:
        raise Refused(Kind.LOGIN_TOO_OLD, "sign in again at /login?again=1, then repeat the request") from None


def _too_late() -> Refused:
    return Refused(Kind.CONFLICT, "it is decided already, or over")
