"""Where a person is signed in, and how he, or an operator, signs him out there (SE-4; ASVS 7.5.2, 7.4.5).

It works at once: the session's credential is worth nothing any more, and the applications that it signed him in to are
told.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from app.services.occasion import Occasion
from app.services.sessions import audit_of_end
from app.store import live_sessions, session_applications, session_ends
from app.store.database import Database
from app.store.live_sessions import LiveSession
from app.store.session_applications import SignedInto

ELSEWHERE = "signed out elsewhere"
BY_OPERATOR = "signed out by an operator"
"""Why a session ended, as the trail tells it."""


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session in force, with the applications that it has signed its person in to."""

    session: LiveSession
    into: tuple[SignedInto, ...]

    @property
    def id(self) -> UUID:
        """By which it is ended."""
        return self.session.id


async def list_page(
    database: Database, user_id: UUID, now: datetime, *, after: UUID | None = None, limit: int
) -> list[OwnSession]:
    """Return up to `limit` live sessions of a person, the newest first; with `after`, those older than it."""
    found = await live_sessions.of_person(database, user_id, now, after=after, limit=limit)
    into = await session_applications.of_sessions(database, {session.sid for session in found})
    return [OwnSession(session, tuple(one for one in into if one.sid == session.sid)) for session in found]


async def has_ended(database: Database, user_id: UUID, session_id: UUID) -> bool:
    """Tell whether this is a session of the person's that somebody ended."""
    return await live_sessions.has_ended(database, user_id, session_id)


async def end_one(database: Database, user_id: UUID, session_id: UUID, occasion: Occasion, reason: str) -> bool:
    """End one session of a person; False: he has no such session, or it is over."""
    which = session_ends.by_ids(user_id, [session_id])
    async with database.transaction() as transaction:
        ended = await session_ends.end_sessions(
            transaction, which, occasion.now, partial(audit_of_end, occasion, reason)
        )
    return bool(ended)


async def end_all(
    database: Database, user_id: UUID, occasion: Occasion, reason: str, *, but: UUID | None = None
) -> int:
    """End every session of a person, but for one that goes on; return how many."""
    which = session_ends.by_user(user_id, but=but)
    async with database.transaction() as transaction:
        ended = await session_ends.end_sessions(
            transaction, which, occasion.now, partial(audit_of_end, occasion, reason)
        )
    return len(ended)
