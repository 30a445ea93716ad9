"""Idempotency keys: spent in the transaction of the deed, so that a repeat finds the deed or does it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.models import SpentKey
from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Claim:
    """One `Idempotency-Key` as the store knows it: hashed together with whose it is, and what it asks for."""

    digest: bytes = field(repr=False)
    request_digest: bytes = field(repr=False)


class Repeated(Exception):
    """The key has been spent: `resource_id` is what came of it. `same` tells whether it asked for the same thing."""

    def __init__(self, resource_id: str, *, same: bool) -> None:
        self.resource_id = resource_id
        self.same = same
        super().__init__("the idempotency key has been spent")


async def spend(transaction: Transaction, claim: Claim | None, resource_id: str, now: datetime) -> None:
    """Spend the key on what the transaction makes; nothing happens without a key.

    Raises `Repeated`, after which the transaction must end, when it was spent before. Two at once: the second waits
    for the first, and then knows.
    """
    if claim is None:
        return
    spending = (
        insert(SpentKey)
        .values(digest=claim.digest, request_digest=claim.request_digest, resource_id=resource_id, created_at=now)
        .on_conflict_do_nothing()
        .returning(col(SpentKey.digest))
    )
    before = select(col(SpentKey.resource_id), col(SpentKey.request_digest)).where(col(SpentKey.digest) == claim.digest)
    while (await transaction.execute(spending)).first() is None:
        spent = (await transaction.execute(before)).one_or_none()
        if spent is not None:  # otherwise it was just forgotten, and can be spent
            raise Repeated(spent.resource_id, same=spent.request_digest == claim.request_digest)


async def forget(database: Database, *, spent_before: datetime) -> int:
    """Remove keys spent before a moment; return how many."""
    async with database.transaction() as transaction:
        removed: Sequence[object] = (
            await transaction.execute(
                delete(SpentKey).where(col(SpentKey.created_at) < spent_before).returning(col(SpentKey.digest))
            )
        ).all()
    return len(removed)
