"""Everything that a person has ends at once: sessions, refresh and access tokens, personal tokens (GT-3, GT-5).

His record of what applications may do stays: whoever signs in again goes on where he was. The applications that his
sessions signed him in to are told.
"""

from dataclasses import replace
from functools import partial

from app.protocol.events import Event
from app.protocol.names import name_key
from app.protocol.subject_identifiers import ByEmail, SubjectIdentifier
from app.services import accounts, sessions
from app.services.occasion import Occasion
from app.services.operator import Operator
from app.store import audit, session_ends, users
from app.store.database import Database
from app.store.orders import Actor

_REASON = "tokens revoked"
"""Why the sessions ended, in the trail."""


async def revoke(database: Database, who: SubjectIdentifier, occasion: Occasion, actor: Actor) -> bool:
    """End what the person has whom an identifier of ours means; False: nobody is it."""
    person = users.by_email(name_key(who.email)) if isinstance(who, ByEmail) else users.by_subject(who.subject)
    acting = replace(occasion, actor=actor)
    async with database.transaction() as transaction:
        user_id = await users.revoke_tokens(transaction, person, occasion.now)
        if user_id is not None:
            entry = acting.entry(Event.USER_TOKENS_REVOKED, user_id=user_id, subject_id=str(user_id))
            await audit.record(transaction, entry)
            every = session_ends.by_user(user_id)
            audit_of = partial(sessions.audit_of_end, acting, _REASON)
            await session_ends.end_sessions(transaction, every, occasion.now, audit_of)
    return user_id is not None


async def revoke_by_name(database: Database, operator: Operator, username: str) -> None:
    """End what the person with this username has, as the operator of the machine. Raises `accounts.Refused`."""
    found = await accounts.find(database, username)
    async with database.transaction() as transaction:
        await users.revoke_tokens(transaction, users.by_id(found.id), operator.now)
        entry = operator.entry(Event.USER_TOKENS_REVOKED, subject_id=str(found.id), user_id=found.id)
        await audit.record(transaction, entry)
        await accounts.end_all_sessions(transaction, operator, found.id, _REASON)
