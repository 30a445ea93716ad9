"""Browser sessions: begun by signing in, kept alive by use, ended by signing out, by time or with the account.

The cookie holds a credential, the database its digest (standards SE-2). Signing in, also again, always begins a new
session. It ends the one before it of the same person on that browser, and goes on under its `sid` (SE-8); that of
another person stays, and becomes one of the browser's other accounts. None begins but by a form that a person has sent:
with his password, or with what makes his account (SE-9).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from app.crypto.hashing import digest, matches
from app.crypto.secrets import new_id, random_bytes
from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential
from app.services.occasion import Occasion
from app.store import audit, session_ends, sessions
from app.store.database import Database
from app.store.orders import AuditEntry
from app.store.session_ends import EndedSession
from app.store.sessions import HeldSession, NewSession
from app.store.transaction import Transaction

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


async def settle_in(
    transaction: Transaction, begun: Begun, held: Sequence[Credential], occasion: Occasion
) -> tuple[Credential, ...] | None:
    """Begin a session on a browser that holds others, the present one first; None: its user was disabled meanwhile.

    Return the credentials that the browser keeps besides it: those of other people, the live ones first.
    """
    rows = await sessions.lock_held(transaction, {credential.id for credential in held}, occasion.now) if held else {}
    genuine = [
        (credential, row)
        for credential in held
        if (row := rows.get(credential.id)) is not None and matches(digest(credential.secret), row.digest)
    ]
    new = begun.row
    own = next((row for _, row in genuine if (row.user_id, row.user_epoch) == (new.user_id, new.user_epoch)), None)
    replaced = await sessions.end_for_next(transaction, own.user_id, own.sid, occasion.now) if own else []
    if own is not None and replaced:
        new = replace(new, sid=own.sid)
    if not await sessions.insert_session(transaction, new):
        return None
    for session_id in replaced:
        ended = EndedSession(session_id, new.user_id, new.sid or new.id)
        await audit.record(transaction, audit_of_end(occasion, "replaced", ended))
    others = [(credential, row) for credential, row in genuine if row.user_id != new.user_id]
    others.sort(key=lambda other: not other[1].live)
    return tuple(credential for credential, _ in others)


async def find(database: Database, credential: Credential | None, now: datetime) -> SessionFact | None:
    """Return the live session of a credential: not ended, neither idle nor absolute time over, its user active."""
    if credential is None:
        return None
    session = await sessions.find_live(database, credential.id, now)
    return session if session is not None and matches(digest(credential.secret), session.digest) else None


async def find_held(database: Database, credentials: Iterable[Credential], now: datetime) -> list[HeldSession]:
    """Return the sessions of these credentials, over or not, the latest used first; a wrong secret finds nothing."""
    digests = {credential.id: digest(credential.secret) for credential in credentials}
    held = await sessions.find_several(database, digests, now)
    return [one for one in held if matches(digests[one.session.id], one.session.digest)]


async def ran_idle(database: Database, credential: Credential, now: datetime) -> bool:
    """Tell whether the session of this credential is over because nobody used it, and for no other reason."""
    return await sessions.ran_idle(database, credential.id, digest(credential.secret), now)


async def touch(database: Database, session: SessionFact, now: datetime, lifetimes: Lifetimes) -> None:
    """Note that the session is in use, at most once a minute; the absolute end does not move."""
    if now - session.last_used_at >= TOUCH_EVERY:
        idle_expires_at = min(now + lifetimes.session_idle, session.expires_at)
        await sessions.touch(database, session.id, now, idle_expires_at)


async def end(database: Database, session: SessionFact, occasion: Occasion, *, asked_by: str = "") -> None:
    """End the session on the server: its credential is worth nothing from now on, and its applications are told.

    `asked_by` is the client_id of the application that asked for it, empty when the person did by himself.
    """
    shown = session_ends.by_credentials([(session.id, session.digest)])
    told = partial(audit_of_end, occasion, "signed out", asked_by=asked_by)
    async with database.transaction() as transaction:
        await session_ends.end_sessions(transaction, shown, occasion.now, told)


def audit_of_end(occasion: Occasion, reason: str, ended: EndedSession, *, asked_by: str = "") -> AuditEntry:
    """Return the audit row of a session that ended; `reason` says how, `asked_by` which application wanted it."""
    about = partial(occasion.entry, Event.SESSION_ENDED, user_id=ended.user_id, subject_id=str(ended.id), reason=reason)
    return about(asked_by=asked_by) if asked_by else about()
