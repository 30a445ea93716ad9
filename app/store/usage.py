"""How records are used: read for the pages, from the token families that are still in force, and from the records."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, select, true, union
from sqlmodel import col

from app.crypto.secrets import id_time
from app.models import Application, Authorization, BrowserSession, TokenFamily
from app.store.database import Database
from app.store.live_records import beside

MOST_COUNTED = 10_000
"""More people than that are not counted: it would take as long as they are many."""


async def last_used(database: Database, user_id: UUID) -> dict[UUID, datetime]:
    """Return by record when one of its live families last got a token; records without such a family are missing."""
    query = (
        select(col(TokenFamily.authorization_id), func.max(col(TokenFamily.rotated_at)))
        .where(col(TokenFamily.user_id) == user_id, col(TokenFamily.revoked_at).is_(None))
        .group_by(col(TokenFamily.authorization_id))
    )
    async with database.transaction() as transaction:
        return dict((await transaction.execute(query)).all())


async def live_families(database: Database, user_id: UUID, record_id: UUID, now: datetime) -> int:
    """Return how many of the record's token families are neither revoked nor run out at the aware moment `now`."""
    query = select(func.count()).where(*_live(user_id, record_id, now))
    async with database.transaction() as transaction:
        return (await transaction.execute(query)).scalar_one()


@dataclass(frozen=True, slots=True)
class LiveFamily:
    """A place where an application is signed in: a token family in force, and the sign-in that it came from.

    `address` and `user_agent` are those of the browser's session as it was begun, `signed_in` is when the person signed
    in there for this. None and empty when that is gone from the database. Times are aware UTC.
    """

    id: UUID
    begun: datetime
    last_used: datetime
    signed_in: datetime | None
    address: str
    user_agent: str


async def families(
    database: Database, user_id: UUID, record_id: UUID, now: datetime, *, after: UUID | None = None, limit: int
) -> list[LiveFamily]:
    """Return up to `limit` of a record's families in force, the newest first; with `after`, those older than it."""
    query = (
        select(
            col(TokenFamily.id),
            col(TokenFamily.rotated_at),
            case((col(BrowserSession.id).is_not(None), col(TokenFamily.auth_time))).label("auth_time"),
            col(BrowserSession.address),
            col(BrowserSession.user_agent),
        )
        .outerjoin(BrowserSession, col(BrowserSession.id) == col(TokenFamily.sid))
        .where(*_live(user_id, record_id, now))
        .order_by(col(TokenFamily.id).desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(col(TokenFamily.id) < after)
    async with database.transaction() as transaction:
        rows = (await transaction.execute(query)).all()
    return [
        LiveFamily(row.id, id_time(row.id), row.rotated_at, row.auth_time, row.address or "", row.user_agent or "")
        for row in rows
    ]


async def is_live(database: Database, user_id: UUID, record_id: UUID, family_id: UUID, now: datetime) -> bool:
    """Tell whether a family is one of the record's, and in force."""
    query = select(col(TokenFamily.id)).where(*_live(user_id, record_id, now), col(TokenFamily.id) == family_id)
    async with database.transaction() as transaction:
        return (await transaction.execute(query)).first() is not None


async def people(database: Database, application_ids: Iterable[UUID], *, most: int = MOST_COUNTED) -> dict[UUID, int]:
    """Return by application how many people have it connected; more than `most` stands for any number above.

    Everybody is counted once, whatever stands beside his implicit record.
    """
    of_application = col(Authorization.application_id) == col(Application.id)
    each = union(
        *(
            select(col(Authorization.user_id)).where(of_application, kind).limit(most + 1).correlate(Application)
            for kind in (col(Authorization.revoked_at).is_(None), beside())
        )
    ).lateral()
    query = (
        select(col(Application.id), func.count(each.c.user_id))
        .join(each, true())
        .where(col(Application.id).in_(list(application_ids)))
        .group_by(col(Application.id))
    )
    async with database.transaction() as transaction:
        return dict((await transaction.execute(query)).all())


def _live(user_id: UUID, record_id: UUID, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(TokenFamily.user_id) == user_id,
        col(TokenFamily.authorization_id) == record_id,
        col(TokenFamily.revoked_at).is_(None),
        col(TokenFamily.idle_expires_at) > now,
        col(TokenFamily.expires_at) > now,
        # The record was not merged into or replaced by name since: that leaves nothing to refresh with (GM-4, GM-5).
        exists().where(
            col(Authorization.id) == record_id,
            col(Authorization.refresh_since) <= col(TokenFamily.record_version),
        ),
    )
