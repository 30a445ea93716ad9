"""Credentials imported from a system of the bitmask era: their rows, and when they end.

`legacy_credential` leads from the digest of a whole old string to its row; the door reads it (`Hot.find_legacy`). What
both digests of a credential are made of says `app.protocol.legacy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, or_, select
from sqlmodel import SQLModel, col

from app.models import (
    ApiKey,
    LegacyCredential,
    LegacyToken,
    PersonalToken,
    TokenFamily,
)
from app.protocol.facts import Origin
from app.protocol.legacy import CredentialKind
from app.store.database import Database
from app.store.legacy import Person
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Digests:
    """What is kept of an old string: by which digest it is found, and which one its row has."""

    lookup: bytes = field(repr=False)
    row: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewLegacyToken:
    """An access token to be imported."""

    id: UUID
    digests: Digests
    family_id: UUID | None
    origin: Origin
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLegacyFamily:
    """A refresh token to be imported, as generation 0 of a family made with the server key of `key_version`."""

    id: UUID
    digests: Digests
    key_version: int
    origin: Origin
    auth_time: datetime
    now: datetime
    idle_expires_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLegacyPersonalToken:
    """A personal token to be imported."""

    id: UUID
    digests: Digests
    last_four: str
    person: Person
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewLegacyKey:
    """An API key to be imported."""

    id: UUID
    digests: Digests
    last_four: str
    organization_id: UUID
    label: str
    scopes: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    active: bool
    created_at: datetime
    now: datetime


async def insert_tokens(transaction: Transaction, tokens: Sequence[NewLegacyToken]) -> None:
    """Add access tokens."""
    rows = [
        {
            **_origin(token.origin),
            "id": token.id,
            "digest": token.digests.row,
            "family_id": token.family_id,
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
        }
        for token in tokens
    ]
    await _insert(transaction, LegacyToken, rows)
    await _lead_to(transaction, "access_token", tokens)


async def insert_families(transaction: Transaction, families: Sequence[NewLegacyFamily]) -> None:
    """Add refresh tokens, each as the first of a family."""
    rows = [
        {
            **_origin(family.origin),
            "id": family.id,
            "digest": family.digests.row,
            "generation": 0,
            "key_since": [family.key_version, 0],
            "rotated_at": family.now,
            "idle_expires_at": family.idle_expires_at,
            "expires_at": family.expires_at,
            "auth_time": family.auth_time,
            "acr": "",
            "amr": [],
        }
        for family in families
    ]
    await _insert(transaction, TokenFamily, rows)
    await _lead_to(transaction, "refresh_token", families)


async def insert_personal_tokens(transaction: Transaction, tokens: Sequence[NewLegacyPersonalToken]) -> None:
    """Add personal tokens."""
    rows = [
        {
            "id": token.id,
            "digest": token.digests.row,
            "last_four": token.last_four,
            "user_id": token.person.id,
            "user_epoch": token.person.epoch,
            "name": token.name,
            "scopes": list(token.scopes),
            "expires_at": token.expires_at,
            "created_at": token.created_at,
        }
        for token in tokens
    ]
    await _insert(transaction, PersonalToken, rows)
    await _lead_to(transaction, "personal_token", tokens)


async def insert_keys(transaction: Transaction, keys: Sequence[NewLegacyKey]) -> None:
    """Add API keys."""
    rows = [
        {
            "id": key.id,
            "digest": key.digests.row,
            "last_four": key.last_four,
            "organization_id": key.organization_id,
            "label": key.label,
            "scopes": list(key.scopes),
            "allowed_origins": list(key.allowed_origins),
            "status": "active" if key.active else "inactive",
            "version": 1,
            "created_at": key.created_at,
            "updated_at": key.now,
        }
        for key in keys
    ]
    await _insert(transaction, ApiKey, rows)
    await _lead_to(transaction, "api_key", keys)


async def remove_expired(database: Database, *, expired_before: datetime, limit: int) -> int:
    """Remove imported access tokens that ended before a moment, at most `limit`, and what leads to them."""
    ended = select(col(LegacyToken.id)).where(col(LegacyToken.expires_at) < expired_before).limit(limit)
    async with database.transaction() as transaction:
        removed = (
            await transaction.execute(
                delete(LegacyToken).where(col(LegacyToken.id).in_(ended)).returning(col(LegacyToken.id))
            )
        ).all()
        ids = [row[0] for row in removed]
        await transaction.execute(delete(LegacyCredential).where(col(LegacyCredential.target_id).in_(ids)))
    return len(ids)


async def count_credentials(database: Database) -> Mapping[str, int]:
    """Return how many imported strings could still open something, by kind: not revoked, removed or replaced."""
    here, now = col(LegacyCredential.target_id), func.now()
    alive = or_(
        exists().where(here == LegacyToken.id, col(LegacyToken.revoked_at).is_(None), now < LegacyToken.expires_at),
        exists().where(here == TokenFamily.id, col(TokenFamily.revoked_at).is_(None), col(TokenFamily.generation) == 0),
        exists().where(here == PersonalToken.id, col(PersonalToken.revoked_at).is_(None)),
        exists().where(here == ApiKey.id),
    )
    query = (
        select(col(LegacyCredential.kind), func.count())
        .where(alive)
        .group_by(col(LegacyCredential.kind))
        .order_by(col(LegacyCredential.kind))
    )
    async with database.transaction() as transaction:
        return dict((await transaction.execute(query)).all())


async def _lead_to(
    transaction: Transaction,
    kind: CredentialKind,
    added: Sequence[NewLegacyToken | NewLegacyFamily | NewLegacyPersonalToken | NewLegacyKey],
) -> None:
    rows = [{"digest": one.digests.lookup, "kind": kind, "target_id": one.id} for one in added]
    await _insert(transaction, LegacyCredential, rows)


async def _insert(transaction: Transaction, table: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        await transaction.execute(insert(table), list(rows))


def _origin(origin: Origin) -> dict[str, object]:
    return {
        "authorization_id": origin.record_id,
        "user_id": origin.user_id,
        "application_id": origin.application_id,
        "record_version": origin.record_version,
        "user_epoch": origin.user_epoch,
        "application_epoch": origin.application_epoch,
        "scopes": list(origin.scopes),
        "resources": list(origin.resources),
    }
