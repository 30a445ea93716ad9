"""Signing keys: public halves for the ring, private ones sealed. Whoever changes the ring does so alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlmodel import col

from app.crypto.envelope import Purpose, Vault
from app.models.signing_key import SigningKey
from app.protocol.tokens.keyring import RingKey
from app.store import audit
from app.store.database import Database
from app.store.orders import AuditEntry
from app.store.transaction import Transaction

_RING_LOCK = 0x6173_6B72
"""The advisory lock under which the ring is read and changed."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of the ring with its private half, sealed."""

    key: RingKey
    sealed: bytes = field(repr=False)

    def opened(self, vault: Vault) -> bytes | None:
        """Return the private JWK; None when it was sealed under another root secret, or is damaged."""
        return vault.unseal(Purpose.SIGNING_KEY, self.sealed, self.key.kid.encode("ascii"))


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that joins the ring."""

    id: UUID
    kid: str
    alg: str
    public_jwk: Mapping[str, Any]
    sealed: bytes = field(repr=False)
    created_at: datetime
    active_from: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of the ring, with the audit rows that tell it; keys are named by `kid`."""

    make: Sequence[NewKey] = ()
    activate: Sequence[str] = ()
    retire: Sequence[str] = ()
    remove: Sequence[str] = ()
    entries: Sequence[AuditEntry] = ()


async def read(database: Database) -> tuple[StoredKey, ...]:
    """Return every key that there is."""
    async with database.transaction() as transaction:
        return await _read(transaction)


async def change(database: Database, now: datetime, decide: Callable[[tuple[RingKey, ...]], Changes]) -> Changes:
    """Let `decide` say what becomes of the keys, and do it, while nobody else changes the ring; returns what was done.

    Whatever `decide` raises leaves everything as it was.
    """
    async with database.transaction() as transaction:
        await transaction.execute(select(func.pg_advisory_xact_lock(_RING_LOCK)))
        changes = decide(tuple(stored.key for stored in await _read(transaction)))
        kid = col(SigningKey.kid)
        if changes.retire:
            await transaction.execute(update(SigningKey).where(kid.in_(changes.retire)).values(retired_at=now))
        if changes.activate:
            await transaction.execute(update(SigningKey).where(kid.in_(changes.activate)).values(active_from=now))
        if changes.remove:
            await transaction.execute(delete(SigningKey).where(kid.in_(changes.remove)))
        if changes.make:
            await transaction.execute(insert(SigningKey), [_row(key) for key in changes.make])
        await audit.record_all(transaction, [(entry, None) for entry in changes.entries])
        return changes


async def _read(transaction: Transaction) -> tuple[StoredKey, ...]:
    rows = await transaction.scalars(select(SigningKey).order_by(col(SigningKey.id)))
    return tuple(
        StoredKey(
            RingKey(
                kid=row.kid,
                alg=row.alg,
                public_jwk=row.public_jwk,
                created_at=row.created_at,
                active_from=row.active_from,
                retired_at=row.retired_at,
            ),
            row.sealed,
        )
        for row in rows
    )


def _row(key: NewKey) -> dict[str, Any]:
    return {
        **{"id": key.id, "kid": key.kid, "alg": key.alg, "public_jwk": dict(key.public_jwk), "sealed": key.sealed},
        **{"created_at": key.created_at, "active_from": key.active_from},
    }
