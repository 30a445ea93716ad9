"""Applications that register themselves: the tokens that let them (RFC 7591 §3), and those that let them change it.

The functions take part in the caller's transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlmodel import col

from app.models import Application, InitialAccessToken
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class StoredPermission:
    """An initial access token that is good for a registration at this moment."""

    id: UUID
    digest: bytes = field(repr=False)


async def find_permission(transaction: Transaction, token_id: UUID, now: datetime) -> StoredPermission | None:
    """Return the initial access token as long as it is good for one more registration."""
    columns = (col(InitialAccessToken.id), col(InitialAccessToken.digest))
    row = (await transaction.execute(select(*columns).where(_is_good(token_id, now)))).first()
    return None if row is None else StoredPermission(*row)


async def use_permission(transaction: Transaction, token_id: UUID, now: datetime) -> bool:
    """Use the token for what the transaction registers; False when it is not good any more.

    Whoever comes at the same time waits here until the transaction ends, and finds what is left then.
    """
    used = (
        update(InitialAccessToken)
        .where(_is_good(token_id, now))
        .values(uses_left=col(InitialAccessToken.uses_left) - 1, last_used_at=now)
        .returning(col(InitialAccessToken.id))
    )
    return (await transaction.execute(used)).first() is not None


async def forget_management(transaction: Transaction, application_id: UUID) -> None:
    """End the token by which an application manages its registration."""
    await transaction.execute(
        update(Application).where(col(Application.id) == application_id).values(registration_digest=None)
    )


def _is_good(token_id: UUID, now: datetime) -> ColumnElement[bool]:
    return and_(
        col(InitialAccessToken.id) == token_id,
        col(InitialAccessToken.revoked_at).is_(None),
        or_(col(InitialAccessToken.expires_at).is_(None), col(InitialAccessToken.expires_at) > now),
        or_(col(InitialAccessToken.uses_left).is_(None), col(InitialAccessToken.uses_left) > 0),
    )
