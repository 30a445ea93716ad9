"""Initial access tokens as operators see them: made, listed, taken back. How one is used is in `registrations`.

One that was taken back is never found here. Each function owns its transaction.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlmodel import col

from app.models import InitialAccessToken
from app.store import audit, idempotency
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.orders import AuditEntry

_SHOWN = (
    col(InitialAccessToken.id),
    col(InitialAccessToken.label),
    col(InitialAccessToken.uses_left),
    col(InitialAccessToken.created_by),
    col(InitialAccessToken.created_at),
    col(InitialAccessToken.expires_at),
    col(InitialAccessToken.last_used_at),
)
"""The columns of an `InitialToken`, in its order."""


@dataclass(frozen=True, slots=True)
class InitialToken:
    """A permission to register; nothing of it is a secret. Times are aware UTC.

    `uses_left` is None when it counts as often as one likes, `expires_at` when it never ends, `last_used_at` until it
    was used. `created_by` is what whoever made it was called then.
    """

    id: UUID
    label: str
    uses_left: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Tell whether somebody may register with it at a moment."""
        return self.uses_left != 0 and (self.expires_at is None or now < self.expires_at)


async def create(
    database: Database, token: InitialToken, digest: bytes, entry: AuditEntry, claim: Claim | None
) -> None:
    """Keep a token; `digest` is that of its secret. Raises `Repeated` for a claim that was spent."""
    async with database.transaction() as transaction:
        await idempotency.spend(transaction, claim, str(token.id), token.created_at)
        await transaction.execute(insert(InitialAccessToken).values(digest=digest, **asdict(token)))
        await audit.record(transaction, entry)


async def page(database: Database, *, after: UUID | None, limit: int) -> list[InitialToken]:
    """Return up to `limit` tokens that nobody took back, the newest first; with `after`, those older than that one."""
    query = select(*_SHOWN).where(col(InitialAccessToken.revoked_at).is_(None))
    if after is not None:
        query = query.where(col(InitialAccessToken.id) < after)
    async with database.transaction() as transaction:
        rows = await transaction.execute(query.order_by(col(InitialAccessToken.id).desc()).limit(limit))
        return [InitialToken(*row) for row in rows]


async def find(database: Database, token_id: UUID) -> InitialToken | None:
    """Return a token that nobody took back."""
    query = select(*_SHOWN).where(col(InitialAccessToken.id) == token_id, col(InitialAccessToken.revoked_at).is_(None))
    async with database.transaction() as transaction:
        row = (await transaction.execute(query)).one_or_none()
    return None if row is None else InitialToken(*row)


async def revoke(database: Database, token_id: UUID, now: datetime, entry: AuditEntry) -> bool:
    """End a token for good; False when it was ended before, or never was."""
    ended = (
        update(InitialAccessToken)
        .where(col(InitialAccessToken.id) == token_id, col(InitialAccessToken.revoked_at).is_(None))
        .values(revoked_at=now)
        .returning(col(InitialAccessToken.id))
    )
    async with database.transaction() as transaction:
        if (await transaction.execute(ended)).first() is None:
            return False
        await audit.record(transaction, entry)
    return True


async def label_of_revoked(database: Database, token_id: UUID) -> str:
    """Return what a token that was taken back was called; empty for anything else."""
    query = select(col(InitialAccessToken.label)).where(
        col(InitialAccessToken.id) == token_id, col(InitialAccessToken.revoked_at).is_not(None)
    )
    async with database.transaction() as transaction:
        return (await transaction.scalars(query)).one_or_none() or ""
