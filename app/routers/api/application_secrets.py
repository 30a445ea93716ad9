"""`/api/v1/applications/{client_id}/secrets`: how a secret is changed without an outage.

Two are valid until one of them is retired. A secret is told once, when it is made.
"""

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.routers.api.application_door import ONE, ClientId, holder_of, refusals
from app.routers.api.application_models import MadeSecretAnswer, SecretList, made_secret_answer_of, secrets_of
from app.routers.api.caller import CALLER_PROBLEMS, MAKER_PROBLEMS, Maker, Reader
from app.routers.api.idempotency import IDEMPOTENCY_PROBLEMS, IdempotencyKey
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.problems import BODY_PROBLEMS, Kind, api_router, problems
from app.routers.api.versions import ETAG, etag
from app.routers.pages.visitor import occasion_of
from app.services import own_applications
from app.services.connections import read_id
from app.services.own_applications import NoSuchSecret

router = api_router()

SecretId = Annotated[str, Path(description="The `id` of one of its secrets.", json_schema_extra={"format": "uuid"})]


@router.get(
    ONE + "/secrets",
    operation_id="list_application_secrets",
    summary="List the secrets of an application",
    responses={
        200: {"description": "The valid secrets, as their last four characters."},
        **problems(*CALLER_PROBLEMS, Kind.NOT_FOUND),
    },
)
async def list_secrets(request: Request, session: Reader, client_id: ClientId) -> SecretList:
    """When each was made, by whom, and when it was last used: so that you know which one is still in use."""
    with refusals():
        own = await own_applications.find(server_of(request).database, await holder_of(request, session), client_id)
    return SecretList(items=secrets_of(own.secrets))


@router.post(
    ONE + "/secrets",
    operation_id="add_application_secret",
    summary="Add a secret to an application",
    status_code=201,
    responses={
        201: {"description": "The secret, this once in full.", "headers": LOCATION | ETAG},
        **problems(*MAKER_PROBLEMS, *BODY_PROBLEMS, *IDEMPOTENCY_PROBLEMS, Kind.NOT_FOUND, Kind.CONFLICT),
    },
)
async def add_secret(
    request: Request, response: Response, session: Maker, claim: IdempotencyKey, client_id: ClientId
) -> MadeSecretAnswer:
    """Both secrets work until you retire one, so that it can be changed without an outage. Needs a recent sign-in."""
    server = server_of(request)
    holder = await holder_of(request, session)
    with refusals():
        made = await own_applications.add_secret(
            server.database, holder, client_id, occasion_of(request), claim=claim, vault=server.vault
        )
    tell_location(request, response, made.id)
    response.headers["ETag"] = etag(made.application.stored.version)
    return made_secret_answer_of(made)


@router.delete(
    ONE + "/secrets/{id}",
    operation_id="retire_application_secret",
    summary="Retire a secret of an application",
    status_code=204,
    responses={
        204: {"description": "It is worth nothing any more."},
        **problems(*MAKER_PROBLEMS, Kind.NOT_FOUND, Kind.CONFLICT),
    },
)
async def retire_secret(request: Request, session: Maker, client_id: ClientId, id: SecretId) -> Response:
    """The last one cannot be retired: switch the application off instead. Needs a recent sign-in."""
    holder = await holder_of(request, session)
    known = read_id(id)
    with refusals():
        if known is None:
            raise NoSuchSecret
        await own_applications.retire_secret(
            server_of(request).database, holder, client_id, known, occasion_of(request)
        )
    return Response(status_code=204)
