"""Browser sessions: begun by signing in, kept alive by use, ended by signing out, by time or with the account.

The cookie holds a credential, the database its digest (standards SE-2). Signing in, also again, always begins a new
session and ends the one before it on that browser.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.crypto.hashing import digest, matches
from app.crypto.secrets import new_id, random_bytes
from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential
from app.services.occasion import Occasion
from app.store import audit, sessions
from app.store.database import Database
from app.store.sessions import NewSession

TOUCH_EVERY = timedelta(minutes=1)
"""The last use of a session is written down at most this often."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session about to begin: the credential for the browser and the row for the store."""

    credential: Credential
    row: NewSession


def begin(user_id: UUID, user_epoch: int, amr: tuple[str, ...], occasion: Occasion, lifetimes: Lifetimes) -> Begun:
    """Make a new session of a person who has just proved who he is."""
    now = occasion.now
    credential = Credential(new_id(now), random_bytes())
    row = NewSession(
        id=credential.id,
        digest=digest(credential.secret),
        user_id=user_id,
        user_epoch=user_epoch,
        amr=amr,
        auth_time=now,
        idle_expires_at=now + min(lifetimes.session_idle, lifetimes.session_absolute),
        expires_at=now + lifetimes.session_absolute,
        address=occasion.address,
        user_agent=occasion.user_agent,
    )
    return Begun(credential, row)


async def find(database: Database, credential: Credential | None, now: datetime) -> SessionFact | None:
    """Return the live session of a credential: not ended, neither idle nor absolute time over, its user active."""
    if credential is None:
        return None
    session = await sessions.find_live(database, credential.id, now)
    return session if session is not None and matches(digest(credential.secret), session.digest) else None


async def ran_idle(database: Database, credential: Credential, now: datetime) -> bool:
    """Tell whether the session of this credential is over because nobody used it, and for no other reason."""
    return await sessions.ran_idle(database, credential.id, digest(credential.secret), now)


async def touch(database: Database, session: SessionFact, now: datetime, lifetimes: Lifetimes) -> None:
    """Note that the session is in use, at most once a minute; the absolute end does not move."""
    if now - session.last_used_at >= TOUCH_EVERY:
        idle_expires_at = min(now + lifetimes.session_idle, session.expires_at)
        await sessions.touch(database, session.id, now, idle_expires_at)


async def end(database: Database, session: SessionFact, occasion: Occasion) -> None:
    """End the session on the server: its credential is worth nothing from now on."""
    async with database.transaction() as transaction:
        if await sessions.end(transaction, session.id, session.digest, occasion.now):
            entry = occasion.entry(
                Event.SESSION_ENDED, user_id=session.user_id, subject_id=str(session.id), reason="signed out"
            )
            await audit.record(transaction, entry)
