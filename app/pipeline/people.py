"""The people of an authorization request: whom it names, who else is there, what the application calls them."""

from dataclasses import replace
from uuid import UUID

from app.pipeline import grants, hints
from app.pipeline.server import Server
from app.pipeline.subjects import subject_for
from app.protocol.accounts import Others
from app.protocol.authorize.decide import Known, meant
from app.protocol.authorize.demands import Hint
from app.protocol.errors import OAuthError


async def completed(server: Server, known: Known, others: Others) -> Known:
    """Return what is known with its people, and with the record that it goes into. No round trip, unless it names a
    grant, or the application knows people by subjects of its own and the request names somebody: one for each of them
    then whom it has no record of."""
    known = await grants.aimed(server, known)
    hint = await _hint(server, known)
    if hint is None and not others.sessions and known.params.get("claims") is None:
        return known
    return replace(known, hint=hint, others=others, subjects=await _subjects(server, known, others))


async def as_meant(server: Server, known: Known) -> Known | None:
    """Return the request as it looks to the account of this browser that it names, when that is not the present one;
    None when there is no such account. One round trip where there is."""
    other = meant(known)
    if other is None or known.client is None:
        return None
    _, session, record = await server.database.hot.gather_authorize(known.client.client_id, other.id, known.now)
    return None if session is None else await grants.aimed(server, known.seen_by(session, record))


async def _hint(server: Server, known: Known) -> Hint:
    text = known.params.get("id_token_hint")
    if text is None:
        return None
    try:
        return await hints.read(server, text, known.now)
    except OAuthError as refused:
        return refused


async def _subjects(server: Server, known: Known, others: Others) -> dict[UUID, str]:
    client, session = known.client, known.session
    names_nobody = known.params.get("id_token_hint") is None and known.params.get("claims") is None
    if client is None or not client.openid.sector or names_nobody:
        return {}
    people = {one.user_id: None for one in others.sessions}
    records = {**people, session.user_id: known.record} if session is not None else people
    found = {
        user_id: await subject_for(server, client, user_id, known.now, record) for user_id, record in records.items()
    }
    return {user_id: subject for user_id, subject in found.items() if subject is not None}
