"""How records are used: read for the pages, from the token families that are still in force."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.models import TokenFamily
from app.store.database import Database


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
    query = select(func.count()).where(
        col(TokenFamily.user_id) == user_id,
        col(TokenFamily.authorization_id) == record_id,
        col(TokenFamily.revoked_at).is_(None),
        col(TokenFamily.idle_expires_at) > now,
        col(TokenFamily.expires_at) > now,
    )
    async with database.transaction() as transaction:
        return (await transaction.execute(query)).scalar_one()
