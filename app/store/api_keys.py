"""API keys: made, listed, changed, given another secret, removed.

The functions take part in the caller's transaction. Whoever changes a key has locked it first, so that what he compares
and writes down is what he changes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, tuple_, update
from sqlmodel import col

from app.models import ApiKey
from app.store.transaction import Transaction
from app.store.versions import VersionChanged

KeyStatus = Literal["active", "inactive"]


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What can be said about a key and changed; an inactive one is refused everywhere."""

    label: str
    scopes: tuple[str, ...]
    allowed_origins: tuple[str, ...] = ()
    status: KeyStatus = "active"


@dataclass(frozen=True, slots=True)
class KeySecret:
    """One secret of a key as the store keeps it: its digest, and its last characters for people."""

    digest: bytes = field(repr=False)
    last_four: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as its organization sees it.

    What begins with `retiring` belongs to the secret before, None when there is none. Times are aware UTC; those of
    the last use are None until the secret was used.
    """

    id: UUID
    organization_id: UUID
    description: KeyDescription
    last_four: str
    retiring_last_four: str | None
    version: int
    last_used_at: datetime | None
    retiring_last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the list by label, also when it is there no more."""

    label: str
    id: UUID


async def find(transaction: Transaction, organization_id: UUID, key_id: UUID) -> StoredKey | None:
    """Return a key of this organization."""
    row = (await transaction.scalars(select(ApiKey).where(*_is(organization_id, key_id)))).one_or_none()
    return None if row is None else _stored(row)


async def find_any(transaction: Transaction, key_id: UUID) -> tuple[StoredKey, tuple[bytes, ...]] | None:
    """Return a key of whichever organization, with the digests of the secrets that are good."""
    row = (await transaction.scalars(select(ApiKey).where(col(ApiKey.id) == key_id))).one_or_none()
    if row is None:
        return None
    return _stored(row), tuple(digest for digest in (row.digest, row.retiring_digest) if digest is not None)


async def find_by_label(transaction: Transaction, organization_id: UUID, label: str) -> list[StoredKey]:
    """Return the keys of an organization that have this label, oldest first."""
    query = (
        select(ApiKey)
        .where(col(ApiKey.organization_id) == organization_id, col(ApiKey.label) == label)
        .order_by(col(ApiKey.id))
    )
    return [_stored(row) for row in await transaction.scalars(query)]


async def list_page(
    transaction: Transaction, organization_id: UUID, *, after: Place | None = None, limit: int
) -> list[StoredKey]:
    """Return up to `limit` keys of an organization by label, capitals or not, equal ones oldest first.

    With `after`, those behind that place.
    """
    label = func.lower(col(ApiKey.label))
    query = (
        select(ApiKey)
        .where(col(ApiKey.organization_id) == organization_id)
        .order_by(label, col(ApiKey.id))
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(label, col(ApiKey.id)) > tuple_(func.lower(after.label), literal(after.id)))
    return [_stored(row) for row in await transaction.scalars(query)]


async def count(transaction: Transaction, organization_id: UUID) -> int:
    """Return how many keys an organization has."""
    query = select(func.count()).select_from(ApiKey).where(col(ApiKey.organization_id) == organization_id)
    return (await transaction.execute(query)).scalar_one()


async def insert_key(
    transaction: Transaction,
    key_id: UUID,
    organization_id: UUID,
    description: KeyDescription,
    secret: KeySecret,
    created_by: UUID | None,
    now: datetime,
) -> StoredKey:
    """Add a key to an organization and return it; `created_by` is None for the operator at the command line."""
    statement = (
        insert(ApiKey)
        .values(
            id=key_id,
            organization_id=organization_id,
            digest=secret.digest,
            last_four=secret.last_four,
            version=1,
            created_by=created_by,
            created_at=now,
            updated_at=now,
            **_columns(description),
        )
        .returning(ApiKey)
    )
    return _stored((await transaction.scalars(statement)).one())


async def lock(
    transaction: Transaction, organization_id: UUID, key_id: UUID, version: int | None = None
) -> StoredKey | None:
    """Return a key of this organization as of now, and keep everybody else from changing it until the end.

    With a `version`, raises `VersionChanged` when the key is at another one.
    """
    query = select(ApiKey).where(*_is(organization_id, key_id)).with_for_update()
    row = (await transaction.scalars(query)).one_or_none()
    if row is not None and version is not None and row.version != version:
        raise VersionChanged
    return None if row is None else _stored(row)


async def describe(transaction: Transaction, key: StoredKey, description: KeyDescription, now: datetime) -> StoredKey:
    """Change what is said about a locked key; it holds from the next request on. Return the key as it is then."""
    return await _change(transaction, key, now, **_columns(description))


async def rotate(transaction: Transaction, key: StoredKey, secret: KeySecret, now: datetime) -> StoredKey:
    """Give a locked key another secret; the one it had stays good until it is retired. Return the key."""
    return await _change(
        transaction,
        key,
        now,
        digest=secret.digest,
        last_four=secret.last_four,
        retiring_digest=col(ApiKey.digest),
        retiring_last_four=col(ApiKey.last_four),
        last_used_at=None,
        retiring_last_used_at=col(ApiKey.last_used_at),
    )


async def retire(transaction: Transaction, key: StoredKey, now: datetime) -> StoredKey:
    """End the secret before that of a locked key. Return the key."""
    return await _change(
        transaction, key, now, retiring_digest=None, retiring_last_four=None, retiring_last_used_at=None
    )


async def remove(transaction: Transaction, key: StoredKey) -> None:
    """Remove a locked key. What it did stays in the audit trail, which names it by its id."""
    await transaction.execute(delete(ApiKey).where(*_is(key.organization_id, key.id)))


async def _change(transaction: Transaction, key: StoredKey, now: datetime, **values: Any) -> StoredKey:
    statement = (
        update(ApiKey)
        .where(*_is(key.organization_id, key.id))
        .values(version=col(ApiKey.version) + 1, updated_at=max(now, key.updated_at), **values)
        .returning(ApiKey)
        .execution_options(populate_existing=True)
    )
    return _stored((await transaction.scalars(statement)).one())


def _is(organization_id: UUID, key_id: UUID) -> tuple[Any, Any]:
    return col(ApiKey.id) == key_id, col(ApiKey.organization_id) == organization_id


def _columns(description: KeyDescription) -> dict[str, Any]:
    return {
        "label": description.label,
        "scopes": list(description.scopes),
        "allowed_origins": list(description.allowed_origins),
        "status": description.status,
    }


def _stored(row: ApiKey) -> StoredKey:
    return StoredKey(
        id=row.id,
        organization_id=row.organization_id,
        description=KeyDescription(
            label=row.label,
            scopes=tuple(row.scopes),
            allowed_origins=tuple(row.allowed_origins),
            status=row.status,  # type: ignore[arg-type]
        ),
        last_four=row.last_four,
        retiring_last_four=row.retiring_last_four,
        version=row.version,
        last_used_at=row.last_used_at,
        retiring_last_used_at=row.retiring_last_used_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
