"""`/api/v1/organizations/{slug}/api-keys`: the machine credentials of an organization.

Only a member's own session manages them, never a token or a key. A secret is told in the answer that made it and never
again. A key of another organization is answered like one that never was.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.api.acting import ACTING_PROBLEMS, acting_of, refusals
from app.routers.api.api_key_models import (
    ApiKeyAnswer,
    ApiKeyChanges,
    ApiKeyList,
    NewApiKey,
    ShownApiKeyAnswer,
    answer_of,
    shown_answer_of,
)
from app.routers.api.caller import CALLER_PROBLEMS, CHANGER_PROBLEMS, MAKER_PROBLEMS
from app.routers.api.gate import Granted, at_organization
from app.routers.api.idempotency import IDEMPOTENCY_PROBLEMS, IdempotencyKey, refuse_repeat
from app.routers.api.label_paging import AskedLabelPage, cut
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.paging import NEXT_LINK
from app.routers.api.problems import BODY_PROBLEMS, FieldError, Kind, Refused, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, changed, etag, expected_version
from app.services import api_keys
from app.services.api_keys import (
    MAX_KEYS,
    BeyondReach,
    NoSuchKey,
    NotAccepted,
    NothingRetires,
    Problem,
    StillRetiring,
    TooManyKeys,
)
from app.services.connections import read_id
from app.store.api_keys import Place
from app.store.idempotency import Repeated
from app.store.versions import VersionChanged

router = api_router()

PATH = "/organizations/{slug}/api-keys"
ONE = PATH + "/{id}"

Reading = Annotated[Granted, Depends(at_organization(permissions.API_KEYS, session_only=True))]
Removing = Annotated[Granted, Depends(at_organization(permissions.API_KEYS, session_only=True))]
Making = Annotated[Granted, Depends(at_organization(permissions.API_KEYS, session_only=True, recent=True))]
KeyId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]

_DOOR = (Kind.INSUFFICIENT_SCOPE, *ACTING_PROBLEMS)


@router.get(
    PATH,
    operation_id="list_api_keys",
    summary="List the API keys of an organization",
    responses={
        200: {"description": "A page of the list.", "headers": NEXT_LINK},
        **problems(*CALLER_PROBLEMS, *_DOOR, Kind.INVALID_REQUEST),
    },
)
async def list_api_keys(request: Request, response: Response, granted: Reading, page: AskedLabelPage) -> ApiKeyList:
    """By label. A page begins where the one before ended, also when keys come, go or are renamed meanwhile."""
    found = await api_keys.list_page(
        server_of(request).database, granted.organization.id, after=page.after, limit=page.limit + 1
    )
    shown = cut(request, response, page, found, lambda key: Place(key.description.label, key.id))
    return ApiKeyList(items=[answer_of(key) for key in shown])


@router.post(
    PATH,
    operation_id="create_api_key",
    summary="Make an API key",
    status_code=201,
    responses={
        201: {"description": "The key with its secret, told this once.", "headers": ETAG | LOCATION},
        **problems(*MAKER_PROBLEMS, *_DOOR, *BODY_PROBLEMS, *IDEMPOTENCY_PROBLEMS, Kind.CONFLICT),
    },
)
async def create_api_key(
    request: Request, response: Response, granted: Making, body: NewApiKey, claim: IdempotencyKey
) -> ShownApiKeyAnswer:
    """The key sees this organization and nothing else. It can do no more than you can do here yourself."""
    server = server_of(request)
    with _refusals(request):
        shown = await api_keys.create(
            server.database, acting_of(request, granted), granted.organization.id, body.wanted(), claim
        )
    tell_location(request, response, shown.key.id)
    response.headers["ETag"] = etag(shown.key.version)
    return shown_answer_of(shown)


@router.get(
    ONE,
    operation_id="read_api_key",
    summary="Read one API key",
    responses={
        200: {"description": "The key, without its secret.", "headers": ETAG},
        **problems(*CALLER_PROBLEMS, *_DOOR),
    },
)
async def read_api_key(request: Request, response: Response, granted: Reading, id: KeyId) -> ApiKeyAnswer:
    """Label, permissions, origins, state and use."""
    with _refusals(request):
        found = await api_keys.find(server_of(request).database, granted.organization.id, _read(id))
    response.headers["ETag"] = etag(found.version)
    return answer_of(found)


@router.patch(
    ONE,
    operation_id="change_api_key",
    summary="Change an API key",
    responses={
        200: {"description": "The key as it is now.", "headers": ETAG},
        **problems(*MAKER_PROBLEMS, *_DOOR, *BODY_PROBLEMS, Kind.VERSION_CHANGED),
    },
)
async def change_api_key(
    request: Request,
    response: Response,
    granted: Making,
    id: KeyId,
    body: ApiKeyChanges,
    if_match: IfMatch = None,
) -> ApiKeyAnswer:
    """What you change holds from the next request with the key on. Its secret stays."""
    with _refusals(request):
        after = await api_keys.change(
            server_of(request).database,
            acting_of(request, granted),
            granted.organization.id,
            _read(id),
            body.wanted(),
            version=await _expected(request, granted, id, if_match),
        )
    response.headers["ETag"] = etag(after.version)
    return answer_of(after)


@router.delete(
    ONE,
    operation_id="remove_api_key",
    summary="Remove an API key",
    status_code=204,
    responses={
        204: {"description": "It is gone, with all its secrets; its history stays."},
        **problems(*CHANGER_PROBLEMS, *_DOOR, Kind.VERSION_CHANGED),
    },
)
async def remove_api_key(request: Request, granted: Removing, id: KeyId, if_match: IfMatch = None) -> Response:
    """Ends it at once and for good."""
    with _refusals(request):
        await api_keys.remove(
            server_of(request).database,
            acting_of(request, granted),
            granted.organization.id,
            _read(id),
            version=await _expected(request, granted, id, if_match),
        )
    return Response(status_code=204)


@router.post(
    ONE + "/rotate",
    operation_id="rotate_api_key",
    summary="Give an API key another secret",
    responses={
        200: {"description": "The key with its new secret, told this once.", "headers": ETAG},
        **problems(*MAKER_PROBLEMS, *_DOOR, *BODY_PROBLEMS, *IDEMPOTENCY_PROBLEMS, Kind.CONFLICT),
    },
)
async def rotate_api_key(
    request: Request, response: Response, granted: Making, id: KeyId, claim: IdempotencyKey
) -> ShownApiKeyAnswer:
    """The secret before stays good until you retire it, so that nothing stands still. There are never more than two."""
    with _refusals(request):
        shown = await api_keys.rotate(
            server_of(request).database, acting_of(request, granted), granted.organization.id, _read(id), claim
        )
    response.headers["ETag"] = etag(shown.key.version)
    return shown_answer_of(shown)


@router.post(
    ONE + "/retire",
    operation_id="retire_api_key_secret",
    summary="End the secret before",
    responses={
        200: {"description": "The key, whose new secret alone is good now.", "headers": ETAG},
        **problems(*MAKER_PROBLEMS, *_DOOR, *BODY_PROBLEMS, Kind.CONFLICT),
    },
)
async def retire_api_key_secret(request: Request, response: Response, granted: Making, id: KeyId) -> ApiKeyAnswer:
    """The last step of a rotation: whatever still uses the secret before is refused from now on."""
    with _refusals(request):
        after = await api_keys.retire(
            server_of(request).database, acting_of(request, granted), granted.organization.id, _read(id)
        )
    response.headers["ETag"] = etag(after.version)
    return answer_of(after)


async def _expected(request: Request, granted: Granted, key_id: str, if_match: Sequence[str] | None) -> int | None:
    """Return the version that the change has to meet; raises `Refused` and `NoSuchKey`."""
    if if_match is None:
        return None
    found = await api_keys.find(server_of(request).database, granted.organization.id, _read(key_id))
    return expected_version(found.version, if_match)


def _read(key_id: str) -> UUID:
    known = read_id(key_id)
    if known is None:
        raise NoSuchKey
    return known


@contextmanager
def _refusals(request: Request) -> Iterator[None]:
    """Raise `Refused` for what the services refuse."""
    try:
        with refusals(request):
            yield
    except NoSuchKey:
        raise Refused(Kind.NOT_FOUND, "it was removed, never was, or is not here") from None
    except NotAccepted as refused:
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=map(_field_error, refused.problems)) from None
    except TooManyKeys:
        raise Refused(Kind.CONFLICT, f"an organization has at most {MAX_KEYS} keys; remove one first") from None
    except BeyondReach as refused:
        raise Refused(Kind.NOT_ALLOWED, f"{refused}, which you lack here; take it from the key first") from None
    except StillRetiring:
        raise Refused(Kind.CONFLICT, "its secret before is still good; retire that one first") from None
    except NothingRetires:
        raise Refused(Kind.CONFLICT, "it has one secret, and no other to retire") from None
    except VersionChanged:
        raise changed() from None
    except Repeated as repeated:
        raise refuse_repeat(repeated) from None


def _field_error(problem: Problem) -> FieldError:
    return FieldError(field=problem.field, detail=f"{problem.entry} {problem.message}".strip())
