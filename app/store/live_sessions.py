"""The sessions of a person that are in force, as he and the operators look at them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.models import BrowserSession, User
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session in force; times are aware UTC. `ends_at` is when it ends by itself if nobody uses it any more, `sid` is
    that of `SessionFact`."""

    id: UUID
    sid: UUID
    signed_in_at: datetime
    amr: tuple[str, ...]
    last_used_at: datetime
    ends_at: datetime
    address: str
    user_agent: str


async def of_person(
    database: Database, user_id: UUID, now: datetime, *, after: UUID | None = None, limit: int
) -> list[LiveSession]:
    """Return up to `limit` of a person's sessions, the newest first; with `after`, those older than it."""
    sessions = (
        select(
            col(BrowserSession.id),
            func.coalesce(col(BrowserSession.sid), col(BrowserSession.id)).label("sid"),
            col(BrowserSession.auth_time),
            col(BrowserSession.amr),
            col(BrowserSession.last_used_at),
            func.least(col(BrowserSession.idle_expires_at), col(BrowserSession.expires_at)).label("ends_at"),
            col(BrowserSession.address),
            col(BrowserSession.user_agent),
        )
        .join(User, col(User.id) == col(BrowserSession.user_id))
        .where(
            col(BrowserSession.user_id) == user_id,
            col(BrowserSession.ended_at).is_(None),
            col(BrowserSession.idle_expires_at) > now,
            col(BrowserSession.expires_at) > now,
            col(BrowserSession.user_epoch) == col(User.epoch),
            col(User.disabled_at).is_(None),
        )
        .order_by(col(BrowserSession.id).desc())
        .limit(limit)
    )
    if after is not None:
        sessions = sessions.where(col(BrowserSession.id) < after)
    async with database.transaction() as transaction:
        rows = (await transaction.execute(sessions)).all()
    return [
        LiveSession(
            id=row.id,
            sid=row.sid,
            signed_in_at=row.auth_time,
            amr=tuple(row.amr),
            last_used_at=row.last_used_at,
            ends_at=row.ends_at,
            address=row.address,
            user_agent=row.user_agent,
        )
        for row in rows
    ]


async def has_ended(database: Database, user_id: UUID, session_id: UUID) -> bool:
    """Tell whether this is a session of the person's that somebody ended."""
    statement = select(col(BrowserSession.id)).where(
        col(BrowserSession.id) == session_id,
        col(BrowserSession.user_id) == user_id,
        col(BrowserSession.ended_at).is_not(None),
    )
    async with database.transaction() as transaction:
        return (await transaction.execute(statement)).first() is not None
