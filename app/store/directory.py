"""The directory of users, as the operator reads and changes it: by name, in lists, and from declared data.

The functions take part in the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models.user import User
from app.store.users import NameTaken


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A person as the operator sees him. `disabled_at` is None for somebody who may sign in."""

    id: UUID
    sub: str
    username: str
    username_key: str
    email: str | None
    email_key: str | None
    password_hash: str | None = field(repr=False)
    claims: Mapping[str, Any]
    operator: bool
    disabled_at: datetime | None
    created_at: datetime


async def find_by_name(transaction: AsyncSession, username_key: str) -> StoredUser | None:
    """Return the person with this username."""
    found = await transaction.execute(select(User).where(col(User.username_key) == username_key))
    row = found.scalars().one_or_none()
    return _stored(row) if row else None


async def find_any(
    transaction: AsyncSession, *, username_keys: Iterable[str], email_keys: Iterable[str], subs: Iterable[str]
) -> list[StoredUser]:
    """Return everybody who has one of these names, addresses or subjects."""
    statement = select(User).where(
        or_(
            col(User.username_key).in_(list(username_keys)),
            col(User.email_key).in_(list(email_keys)),
            col(User.sub).in_(list(subs)),
        )
    )
    return [_stored(row) for row in (await transaction.execute(statement)).scalars()]


async def usernames(transaction: AsyncSession, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return by id what these people sign in with; whoever is gone is missing."""
    query = select(col(User.id), col(User.username)).where(col(User.id).in_(list(user_ids)))
    return dict((await transaction.execute(query)).all())


async def list_all(transaction: AsyncSession) -> list[StoredUser]:
    """Return everybody, oldest first."""
    return [_stored(row) for row in (await transaction.execute(select(User).order_by(col(User.id)))).scalars()]


async def change(
    transaction: AsyncSession,
    user_id: UUID,
    now: datetime,
    *,
    username: str,
    email: str | None,
    email_key: str | None,
    claims: Mapping[str, Any],
) -> None:
    """Replace the spelling of the name, the address and the claims; raises `NameTaken` for a taken address."""
    statement = (
        update(User)
        .where(col(User.id) == user_id)
        .values(username=username, email=email, email_key=email_key, claims=dict(claims), updated_at=now)
    )
    try:
        await transaction.execute(statement)
    except IntegrityError as refused:
        if "email_key" in str(refused.orig):
            raise NameTaken("email") from None
        raise


async def set_password(transaction: AsyncSession, user_id: UUID, password_hash: str, now: datetime) -> None:
    """Replace the password's hash."""
    await transaction.execute(
        update(User).where(col(User.id) == user_id).values(password_hash=password_hash, updated_at=now)
    )


def _stored(row: User) -> StoredUser:
    return StoredUser(
        id=row.id,
        sub=row.sub,
        username=row.username,
        username_key=row.username_key,
        email=row.email,
        email_key=row.email_key,
        password_hash=row.password_hash,
        claims=row.claims,
        operator=row.operator,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )
