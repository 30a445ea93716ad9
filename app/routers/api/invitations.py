"""`/api/v1/organizations/{slug}/invitations`: links that make whoever follows them a member, once.

The link is a credential: it is told on the POST that makes it and never again. An invitation that was used, revoked or
is too old is answered like one that never was.
"""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from app.pipeline.server import server_of
from app.protocol import permissions
from app.routers.api.acting import ACTING_PROBLEMS, acting_of, claim_by, refusals
from app.routers.api.gate import GATE_PROBLEMS, Granted, at_organization
from app.routers.api.idempotency import IDEMPOTENCY_PROBLEMS, KeyHeader, refuse_repeat
from app.routers.api.location import LOCATION, tell_location
from app.routers.api.organization_models import (
    InvitationAnswer,
    InvitationList,
    MadeInvitation,
    NewInvitation,
    invitation_answer,
    made_invitation,
)
from app.routers.api.organizations import ONE
from app.routers.api.paging import NEXT_LINK, AskedPage, cut
from app.routers.api.problems import BODY_PROBLEMS, Kind, Refused, api_router, problems
from app.services import invitations
from app.services.connections import read_id
from app.services.invitations import MAX_OPEN, TooManyOpen
from app.store.idempotency import Repeated

router = api_router()

ALL = ONE + "/invitations"
INVITATION = ALL + "/{id}"

Here = Annotated[Granted, Depends(at_organization(permissions.INVITATIONS))]
InvitationId = Annotated[
    str, Path(description="The `id` of an item of the list.", json_schema_extra={"format": "uuid"})
]


@router.get(
    ALL,
    operation_id="list_invitations",
    summary="List the open invitations into an organization",
    responses={200: {"description": "A page of the list.", "headers": NEXT_LINK}, **problems(*GATE_PROBLEMS)},
)
async def list_invitations(request: Request, response: Response, granted: Here, page: AskedPage) -> InvitationList:
    """The newest first: those that can be accepted still. Their links are not told again."""
    found = await invitations.list_page(
        server_of(request).database,
        granted.organization.id,
        granted.occasion.now,
        after=page.after,
        limit=page.limit + 1,
    )
    shown = cut(request, response, page, found, lambda item: item.id)
    return InvitationList(items=[invitation_answer(invitation) for invitation in shown])


@router.post(
    ALL,
    operation_id="create_invitation",
    summary="Invite somebody by a link",
    status_code=201,
    responses={
        201: {"description": "The invitation, this once with its link.", "headers": LOCATION},
        **problems(*GATE_PROBLEMS, *BODY_PROBLEMS, *ACTING_PROBLEMS, *IDEMPOTENCY_PROBLEMS, Kind.CONFLICT),
    },
)
async def create_invitation(
    request: Request, response: Response, granted: Here, body: NewInvitation, key: KeyHeader = None
) -> MadeInvitation:
    """For one person, once, with a role that allows no more than you may do. It stops working when you lose that."""
    server = server_of(request)
    claim = await claim_by(request, granted, key)
    try:
        with refusals(request):
            made = await invitations.invite(
                server.database,
                acting_of(request, granted),
                granted.organization.id,
                role=body.role,
                note=body.note,
                lifetime=server.policy.lifetimes.invitation,
                claim=claim,
            )
    except Repeated as repeated:
        raise refuse_repeat(repeated) from None
    except TooManyOpen:
        detail = f"an organization has at most {MAX_OPEN} open invitations; revoke one first"
        raise Refused(Kind.CONFLICT, detail) from None
    tell_location(request, response, made.invitation.id)
    return made_invitation(made.invitation, f"{server.issuer}/invitations/{made.link}")


@router.get(
    INVITATION,
    operation_id="read_invitation",
    summary="Read one open invitation",
    responses={200: {"description": "The invitation, without its link."}, **problems(*GATE_PROBLEMS)},
)
async def read_invitation(request: Request, granted: Here, id: InvitationId) -> InvitationAnswer:
    """Who invited, with which role, and when it ends."""
    known = read_id(id)
    database, now = server_of(request).database, granted.occasion.now
    invitation = await invitations.find(database, granted.organization.id, known, now) if known else None
    if invitation is None:
        raise _unknown()
    return invitation_answer(invitation)


@router.delete(
    INVITATION,
    operation_id="revoke_invitation",
    summary="Revoke an invitation",
    status_code=204,
    responses={204: {"description": "Its link no longer works."}, **problems(*GATE_PROBLEMS, *ACTING_PROBLEMS)},
)
async def revoke_invitation(request: Request, granted: Here, id: InvitationId) -> Response:
    """Whoever has joined by it stays a member."""
    known = read_id(id)
    with refusals(request):
        revoked = known is not None and await invitations.revoke(
            server_of(request).database, acting_of(request, granted), granted.organization.id, known
        )
    if not revoked:
        raise _unknown()
    return Response(status_code=204)


def _unknown() -> Refused:
    return Refused(Kind.NOT_FOUND, "it was used or revoked, is too old, or never was")
