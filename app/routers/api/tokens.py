"""`/api/v1/tokens`: a person’s own tokens, made by nobody but himself in a browser where he signed in just now.

A token opens none of this, so none can make another. A token of somebody else is answered like one that never was, and
so is one that has been revoked.
"""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol.facts import SessionFact
from app.routers.api.caller import CALLER_PROBLEMS, MAKER_PROBLEMS, Maker, Reader, refuse_low_sign_in
from app.routers.api.idempotency import IDEMPOTENCY_PROBLEMS, IdempotencyKey, refuse_repeat
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, FieldError, Kind, Refused, api_router, problems
from app.routers.api.token_models import (
    MadeToken,
    NewToken,
    TokenAnswer,
    TokenChanges,
    TokenList,
    answer_of,
    made_answer_of,
)
from app.routers.api.versions import ETAG, IfMatch, changed, etag, expected_version
from app.routers.pages.visitor import occasion_of
from app.services import personal_tokens
from app.services.connections import read_id
from app.services.personal_tokens import BeyondReach, Wanted
from app.store.idempotency import Repeated
from app.store.personal_tokens import OwnToken, PersonGone, TooManyTokens
from app.store.versions import VersionChanged

router = api_router()

PATH = "/tokens"

TokenId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    PATH,
    operation_id="list_personal_tokens",
    summary="List your personal tokens",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, Kind.INVALID_REQUEST),
    },
)
async def list_tokens(request: Request, response: Response, session: Reader, page: AskedPage) -> TokenList:
    """The newest first: those that work and those that have ended, without those that you revoked."""
    server = server_of(request)
    found = await personal_tokens.list_page(server.database, session.user_id, after=page.after, limit=page.limit + 1)
    shown = cut(request, response, page, found, lambda item: item.id)
    return TokenList(items=[answer_of(token, session, server.clock()) for token in shown])


@router.post(
    PATH,
    operation_id="create_personal_token",
    summary="Make a personal token",
    status_code=201,
    responses={
        201: {"description": "The token, this once with its secret.", "headers": LOCATION | ETAG},
        **problems(*MAKER_PROBLEMS, *BODY_PROBLEMS, *IDEMPOTENCY_PROBLEMS, Kind.CONFLICT),
    },
)
async def create_token(
    request: Request, response: Response, session: Maker, claim: IdempotencyKey, body: NewToken
) -> MadeToken:
    """For your own scripts, which then act as you, within its scopes. Needs a sign-in of a short while ago, and of the
    levels that its scopes need."""
    refuse_low_sign_in(request, session, body.scopes)
    server, occasion = server_of(request), occasion_of(request)
    reach = await personal_tokens.reach_of(server.database, session.user_id, server.scopes, server.roles)
    end = body.end(occasion.now, server.policy.lifetimes.personal_token)
    wanted = Wanted(body.name, tuple(body.scopes), end)
    try:
        made = await personal_tokens.make(server.database, session, wanted, reach, occasion, claim)
    except BeyondReach as beyond:
        raise _refused_scopes(body, beyond) from None
    except Repeated as repeated:
        raise refuse_repeat(repeated) from None
    except TooManyTokens:
        limit = f"you have {personal_tokens.MAX_LIVE} tokens that work, which is the limit; revoke one first"
        raise Refused(Kind.CONFLICT, limit) from None
    except PersonGone:
        raise Refused(Kind.NOT_SIGNED_IN, "the account was disabled meanwhile") from None
    tell_location(request, response, made.token.id)
    response.headers["ETag"] = etag(made.token.version)
    return made_answer_of(made, session, occasion.now)


@router.get(
    PATH + "/{id}",
    operation_id="read_personal_token",
    summary="Read one of your personal tokens",
    responses={
        200: {"description": "The token, without its secret.", "headers": ETAG},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def read_token(request: Request, response: Response, session: Reader, id: TokenId) -> TokenAnswer:
    """Its name, scopes, end, and last use."""
    token = await _own(request, session, id)
    response.headers["ETag"] = etag(token.version)
    return answer_of(token, session, server_of(request).clock())


@router.patch(
    PATH + "/{id}",
    operation_id="rename_personal_token",
    summary="Rename a personal token",
    responses={
        200: {"description": "The token with its new name.", "headers": ETAG},
        **problems(*MAKER_PROBLEMS, *BODY_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def rename_token(
    request: Request, response: Response, session: Maker, id: TokenId, body: TokenChanges, if_match: IfMatch = None
) -> TokenAnswer:
    """Nothing else of a token can be changed: make another one and revoke this one."""
    token = await _own(request, session, id)
    try:
        renamed = await personal_tokens.rename(
            server_of(request).database,
            session.user_id,
            token.id,
            body.name,
            occasion_of(request),
            version=expected_version(token.version, if_match),
        )
    except VersionChanged:
        raise changed() from None
    if renamed is None:
        raise _unknown()
    response.headers["ETag"] = etag(renamed.version)
    return answer_of(renamed, session, server_of(request).clock())


@router.delete(
    PATH + "/{id}",
    operation_id="revoke_personal_token",
    summary="Revoke a personal token",
    status_code=204,
    responses={
        204: {"description": "It opens nothing any more."},
        **problems(*MAKER_PROBLEMS, Kind.NOT_FOUND, Kind.VERSION_CHANGED),
    },
)
async def revoke_token(request: Request, session: Maker, id: TokenId, if_match: IfMatch = None) -> Response:
    """Takes effect at once, everywhere. Needs the id and not the token, which nobody has to look up or send for it."""
    token = await _own(request, session, id)
    try:
        ended = await personal_tokens.revoke(
            server_of(request).database,
            session.user_id,
            token.id,
            occasion_of(request),
            version=expected_version(token.version, if_match),
        )
    except VersionChanged:
        raise changed() from None
    if ended is None:
        raise _unknown()
    return Response(status_code=204)


async def _own(request: Request, session: SessionFact, token_id: str) -> OwnToken:
    known = read_id(token_id)
    token = await personal_tokens.find(server_of(request).database, session.user_id, known) if known else None
    if token is None:
        raise _unknown()
    return token


def _unknown() -> Refused:
    return Refused(Kind.NOT_FOUND, "it was revoked, never was, or is not yours")


def _refused_scopes(body: NewToken, beyond: BeyondReach) -> Refused:
    errors = [
        FieldError(field=f"scopes.{place}", detail=f"{scope}: {beyond.problems[scope]}")
        for place, scope in enumerate(body.scopes)
        if scope in beyond.problems
    ]
    return Refused(Kind.INVALID_REQUEST, "see errors", errors=errors)
