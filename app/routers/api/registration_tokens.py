"""`/api/v1/admin/registration-tokens`: with what programs may register applications over the protocol (RFC 7591 §3).

For operators in their own session. The secret is told in the answer that made it and never again.
"""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.admin.entrance import occasion_of_operator
from app.routers.api.idempotency import IDEMPOTENCY_PROBLEMS, IdempotencyKey, refuse_repeat
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.operator import OPERATOR_CHANGE_PROBLEMS, OPERATOR_PROBLEMS, OperatorMaker, OperatorReader
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, Kind, Refused, api_router, problems
from app.routers.api.registration_token_models import (
    MadeRegistrationToken,
    NewRegistrationToken,
    RegistrationTokenAnswer,
    RegistrationTokenList,
)
from app.services import initial_tokens
from app.services.connections import read_id
from app.services.initial_tokens import Wanted
from app.store.idempotency import Repeated

router = api_router()

PATH = "/admin/registration-tokens"

TokenId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    PATH,
    operation_id="list_registration_tokens",
    summary="List the registration tokens",
    responses={200: {"description": "A page of the list.", "headers": NEXT_LINK}, **problems(*OPERATOR_PROBLEMS)},
)
async def list_tokens(
    request: Request, response: Response, session: OperatorReader, page: AskedPage
) -> RegistrationTokenList:
    """The newest first: those that count and those that have ended or are used up, without those that were revoked."""
    server = server_of(request)
    found = await initial_tokens.list_page(server.database, after=page.after, limit=page.limit + 1)
    shown = cut(request, response, page, found, lambda item: item.id)
    return RegistrationTokenList(items=[RegistrationTokenAnswer.of(token, server.clock()) for token in shown])


@router.post(
    PATH,
    operation_id="create_registration_token",
    summary="Make a registration token",
    status_code=201,
    responses={
        201: {"description": "The token, this once with its secret.", "headers": LOCATION},
        **problems(*OPERATOR_CHANGE_PROBLEMS, *BODY_PROBLEMS, *IDEMPOTENCY_PROBLEMS),
    },
)
async def create_token(
    request: Request, response: Response, session: OperatorMaker, claim: IdempotencyKey, body: NewRegistrationToken
) -> MadeRegistrationToken:
    """Whoever shows it registers applications at `/oauth/register`, unless registration is closed."""
    occasion = occasion_of_operator(request, session)
    wanted = Wanted(body.label, body.uses, body.end(occasion.now))
    try:
        made = await initial_tokens.make(server_of(request).database, wanted, occasion, claim)
    except Repeated as repeated:
        raise refuse_repeat(repeated) from None
    tell_location(request, response, made.token.id)
    return MadeRegistrationToken.with_secret(made, occasion.now)


@router.get(
    PATH + "/{id}",
    operation_id="read_registration_token",
    summary="Read one registration token",
    responses={200: {"description": "The token, without its secret."}, **problems(*OPERATOR_PROBLEMS)},
)
async def read_token(request: Request, session: OperatorReader, id: TokenId) -> RegistrationTokenAnswer:
    """Its label, what is left of it, its end, and last use."""
    server, known = server_of(request), read_id(id)
    token = await initial_tokens.find(server.database, known) if known else None
    if token is None:
        raise _unknown()
    return RegistrationTokenAnswer.of(token, server.clock())


@router.delete(
    PATH + "/{id}",
    operation_id="revoke_registration_token",
    summary="Revoke a registration token",
    status_code=204,
    responses={204: {"description": "It counts no more."}, **problems(*OPERATOR_CHANGE_PROBLEMS)},
)
async def revoke_token(request: Request, session: OperatorMaker, id: TokenId) -> Response:
    """Ends it at once. What was registered with it stays."""
    known = read_id(id)
    database = server_of(request).database
    if known is None or await initial_tokens.revoke(database, known, occasion_of_operator(request, session)) is None:
        raise _unknown()
    return Response(status_code=204)


def _unknown() -> Refused:
    return Refused(Kind.NOT_FOUND, "it was revoked, or never was")
