"""One-time links: made, looked at, used up."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.one_time_link import OneTimeLink


async def insert_link(
    transaction: AsyncSession, link_id: UUID, digest: bytes, purpose: str, now: datetime, expires_at: datetime
) -> None:
    """Keep a new link by the digest of its secret."""
    await transaction.execute(
        insert(OneTimeLink).values(
            id=link_id, digest=digest, purpose=purpose, created_at=now, expires_at=expires_at, used_at=None
        )
    )


async def is_open(transaction: AsyncSession, link_id: UUID, digest: bytes, purpose: str, now: datetime) -> bool:
    """Tell whether the link would work now."""
    found = await transaction.execute(select(col(OneTimeLink.id)).where(_open(link_id, digest, purpose, now)))
    return found.first() is not None


async def use(transaction: AsyncSession, link_id: UUID, digest: bytes, purpose: str, now: datetime) -> bool:
    """Use the link up; False when it was used, is too old or never was. Of many at once one succeeds."""
    used = await transaction.execute(
        update(OneTimeLink)
        .where(_open(link_id, digest, purpose, now))
        .values(used_at=now)
        .returning(col(OneTimeLink.id))
    )
    return used.first() is not None


def _open(link_id: UUID, digest: bytes, purpose: str, now: datetime) -> ColumnElement[bool]:
    return and_(
        col(OneTimeLink.id) == link_id,
        col(OneTimeLink.digest) == digest,
        col(OneTimeLink.purpose) == purpose,
        col(OneTimeLink.used_at).is_(None),
        col(OneTimeLink.expires_at) > now,
    )
