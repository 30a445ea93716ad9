"""`/api/v1/organizations/{slug}/members`: who belongs to an organization, and with which role.

Nobody gives, changes or takes away a role that allows more than he may do there himself. Somebody who is no member is
answered like somebody who never was.
"""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.api.acting import ACTING_PROBLEMS, acting_of, claim_by, refusals
from app.routers.api.gate import GATE_PROBLEMS, Granted, at_organization
from app.routers.api.idempotency import REPLAYED, KeyHeader, replayed
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.organization_models import MemberAnswer, MemberChanges, MemberList, NewMember, member_answer
from app.routers.api.organizations import ONE
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, FieldError, Kind, Refused, api_router, problems
from app.routers.api.versions import ETAG, IfMatch, etag, expected_version
from app.services import members
from app.services.connections import read_id
from app.services.members import AlreadyMember, Member, NobodyThere
from app.store.idempotency import Repeated

router = api_router()

ALL = ONE + "/members"
MEMBER = ALL + "/{id}"

OfAll = Annotated[Granted, Depends(at_organization(permissions.MEMBERS))]
OfOne = Annotated[Granted, Depends(at_organization(permissions.MEMBER))]
PersonId = Annotated[str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})]


@router.get(
    ALL,
    operation_id="list_members",
    summary="List the members of an organization",
    responses={200: {"description": "A page of the list.", "headers": NEXT_LINK}, **problems(*GATE_PROBLEMS)},
)
async def list_members(request: Request, response: Response, granted: OfAll, page: AskedPage) -> MemberList:
    """By username."""
    found = await members.list_page(
        server_of(request).database, granted.organization.id, after=page.after, limit=page.limit + 1
    )
    shown = cut(request, response, page, found, lambda item: item.user_id)
    return MemberList(items=[member_answer(member) for member in shown])


@router.post(
    ALL,
    operation_id="add_member",
    summary="Make a person a member without asking him",
    status_code=201,
    responses={
        201: {"description": "The member.", "headers": LOCATION | ETAG | REPLAYED},
        **problems(*GATE_PROBLEMS, *BODY_PROBLEMS, *ACTING_PROBLEMS, Kind.CONFLICT, Kind.KEY_REUSED),
    },
)
async def add_member(
    request: Request, response: Response, granted: OfAll, body: NewMember, key: KeyHeader = None
) -> MemberAnswer:
    """For operators in their session, and the system key. Everybody else sends an invitation."""
    database, organization = server_of(request).database, granted.organization
    claim = await claim_by(request, granted, key)
    try:
        with refusals(request):
            member = await members.add(
                database, acting_of(request, granted), organization.id, body.username, body.role, claim
            )
    except NobodyThere:
        error = FieldError(field="username", detail="Nobody who can sign in has this username")
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=[error]) from None
    except AlreadyMember:
        raise Refused(Kind.CONFLICT, "this person is a member already; change the role instead") from None
    except Repeated as repeated:
        member = await _member(request, granted, replayed(response, repeated))
    tell_location(request, response, member.user_id)
    response.headers["ETag"] = etag(member.version)
    return member_answer(member)


@router.get(
    MEMBER,
    operation_id="read_member",
    summary="Read one member",
    responses={200: {"description": "The member.", "headers": ETAG}, **problems(*GATE_PROBLEMS)},
)
async def read_member(request: Request, response: Response, granted: OfOne, id: PersonId) -> MemberAnswer:
    """Who it is, and with which role."""
    member = await _member(request, granted, id)
    response.headers["ETag"] = etag(member.version)
    return member_answer(member)


@router.patch(
    MEMBER,
    operation_id="change_role",
    summary="Give a member another role",
    responses={
        200: {"description": "The member with the new role.", "headers": ETAG},
        **problems(*GATE_PROBLEMS, *BODY_PROBLEMS, *ACTING_PROBLEMS, Kind.CONFLICT, Kind.VERSION_CHANGED),
    },
)
async def change_role(
    request: Request, response: Response, granted: OfOne, id: PersonId, body: MemberChanges, if_match: IfMatch = None
) -> MemberAnswer:
    """Neither the old nor the new role may allow more than you may do. One member with the top role always stays."""
    member = await _member(request, granted, id)
    with refusals(request):
        after = await members.set_role(
            server_of(request).database,
            acting_of(request, granted),
            granted.organization.id,
            member.user_id,
            body.role,
            expected_version(member.version, if_match),
        )
    if after is None:
        raise _unknown()
    response.headers["ETag"] = etag(after.version)
    return member_answer(after)


@router.delete(
    MEMBER,
    operation_id="remove_member",
    summary="Remove a member, or leave",
    status_code=204,
    responses={
        204: {"description": "This person is a member no longer, and no token of his reaches the organization."},
        **problems(*GATE_PROBLEMS, *ACTING_PROBLEMS, Kind.CONFLICT, Kind.VERSION_CHANGED),
    },
)
async def remove_member(request: Request, granted: OfOne, id: PersonId, if_match: IfMatch = None) -> Response:
    """Everybody may leave, but for the last one with the top role. Removing others needs `member:admin`."""
    member = await _member(request, granted, id)
    with refusals(request):
        removed = await members.remove(
            server_of(request).database,
            acting_of(request, granted),
            granted.organization.id,
            member.user_id,
            expected_version(member.version, if_match),
        )
    if not removed:
        raise _unknown()
    return Response(status_code=204)


async def _member(request: Request, granted: Granted, person_id: str) -> Member:
    known = read_id(person_id)
    member = await members.find(server_of(request).database, granted.organization.id, known) if known else None
    if member is None:
        raise _unknown()
    return member


def _unknown() -> Refused:
    return Refused(Kind.NOT_FOUND, "nobody with this id is a member here")
