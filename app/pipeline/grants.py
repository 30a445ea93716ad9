"""The grants that requests name (Grant Management): found once it is known who and which application is meant."""

from uuid import UUID

from app.pipeline.server import Server
from app.protocol import grant_management
from app.protocol.authorize.decide import Known
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact, RecordFact
from app.protocol.grant_management import GrantTarget


async def aimed(server: Server, known: Known) -> Known:
    """Return what is known of a request with the record that it goes into. One round trip where it names one that has
    to be there, or begins one; none otherwise.

    A grant that never was is looked for like one of somebody else, and both are found by nobody (GM-7).
    """
    target = grant_management.aim(known.params)
    if target is None:
        return known
    user_id = None if known.session is None else known.session.user_id
    found = await find(server, target, known.client, user_id)
    return known.aimed_at(found, room=await has_room(server, target, known.client, user_id))


async def find(
    server: Server, target: GrantTarget, client: ClientFact | None, user_id: UUID | None
) -> RecordFact | None:
    """Return the live record that a request names, when it is this person's for this application; None otherwise, and
    where there is none to be named."""
    if target.record_id is None or client is None or user_id is None:
        return None
    return await server.database.grants.find(target.record_id, client.id, user_id)


async def has_room(server: Server, target: GrantTarget, client: ClientFact | None, user_id: UUID | None) -> bool:
    """Tell whether the person can have the grant that a request begins; one that is there needs no room."""
    if target.names_record or client is None or user_id is None:
        return True
    return await server.database.grants.has_room(client.id, user_id)


def told(target: GrantTarget | None) -> dict[str, str]:
    """Return what the audit trail says of a request that names its grant, or begins one."""
    return {} if target is None else {"grant_management_action": target.action}


async def require_kept(server: Server, target: GrantTarget | None, client: ClientFact, user_id: UUID) -> None:
    """Raise `invalid_grant_id` when a settlement was lost because the record that it aimed at is there no longer."""
    if target is not None:
        grant_management.require(target, await find(server, target, client, user_id))


async def require_known(server: Server, target: GrantTarget | None, client: ClientFact) -> None:
    """Raise `invalid_grant_id` when the grant that a request names is no live one of its client, whoever the person may
    turn out to be: he is not known yet (GM-7)."""
    if target is None or not target.names_record:
        return
    if target.record_id is None or not await server.database.grants.is_there(target.record_id, client.id):
        raise OAuthError(ErrorCode.INVALID_GRANT_ID, grant_management.NO_SUCH_GRANT)
