"""What was imported from a system of the bitmask era, written in the importer's transaction.

`legacy_credential` leads from the digest of a whole old string to its row; the door reads it (`Hot.find_legacy`). What
both digests of a credential are made of says `app.protocol.legacy`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import SQLModel, col

from app.models import (
    ApiKey,
    Application,
    Authorization,
    AuthorizationScope,
    LegacyCredential,
    LegacyImport,
    LegacyToken,
    OrganizationMember,
    PersonalToken,
    TokenFamily,
    User,
)
from app.protocol.facts import Origin
from app.protocol.legacy import CredentialKind
from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Person:
    """A user as imported rows need him."""

    id: UUID
    username: str
    epoch: int
    active: bool


@dataclass(frozen=True, slots=True)
class Client:
    """An application as imported rows need it."""

    id: UUID
    client_id: str
    epoch: int
    active: bool


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """A live authorization record: its version and what it holds."""

    id: UUID
    version: int
    pairs: tuple[str, ...]


class RecordThere(Exception):
    """The two have a live record: the person consented at this very moment."""


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


async def imported(transaction: Transaction, kind: str, sources: Iterable[str]) -> dict[str, UUID]:
    """Return what has been imported among these, by source."""
    query = select(col(LegacyImport.source), col(LegacyImport.target_id)).where(
        col(LegacyImport.kind) == kind, col(LegacyImport.source).in_(list(sources))
    )
    return dict((await transaction.execute(query)).all())


async def note_imported(transaction: Transaction, kind: str, done: Mapping[str, UUID], now: datetime) -> None:
    """Remember what things of a kind became, by source, so that a repeated import passes them over."""
    rows = [{"kind": kind, "source": source, "target_id": target_id, "at": now} for source, target_id in done.items()]
    await _insert(transaction, LegacyImport, rows)


async def people_by_name(transaction: Transaction, username_keys: Iterable[str]) -> dict[str, Person]:
    """Return the users who exist among these, by the folded name."""
    is_active = col(User.disabled_at).is_(None)
    query = select(col(User.username_key), col(User.id), col(User.username), col(User.epoch), is_active).where(
        col(User.username_key).in_(list(username_keys))
    )
    rows = (await transaction.execute(query)).all()
    return {key: Person(user_id, username, epoch, active) for key, user_id, username, epoch, active in rows}


async def person_by_id(transaction: Transaction, user_id: UUID) -> Person | None:
    """Return a user by id."""
    is_active = col(User.disabled_at).is_(None)
    query = select(col(User.username), col(User.epoch), is_active).where(col(User.id) == user_id)
    row = (await transaction.execute(query)).first()
    return None if row is None else Person(user_id, row[0], row[1], row[2])


async def clients_by_id(transaction: Transaction, client_ids: Iterable[str]) -> dict[str, Client]:
    """Return the applications that exist among these."""
    query = select(
        col(Application.client_id), col(Application.id), col(Application.epoch), col(Application.status) == "active"
    ).where(col(Application.client_id).in_(list(client_ids)))
    rows = (await transaction.execute(query)).all()
    return {client_id: Client(key, client_id, epoch, active) for client_id, key, epoch, active in rows}


async def add_member(transaction: Transaction, organization_id: UUID, user_id: UUID, role: str, now: datetime) -> bool:
    """Make somebody a member; False when he is one already, with whichever role."""
    added = await transaction.execute(
        insert_or(OrganizationMember)
        .values(organization_id=organization_id, user_id=user_id, role=role, version=1, joined_at=now)
        .on_conflict_do_nothing()
        .returning(col(OrganizationMember.user_id))
    )
    return added.first() is not None


async def live_record(transaction: Transaction, user_id: UUID, application_id: UUID) -> LiveRecord | None:
    """Return the live record of two and keep it from changing until the transaction ends."""
    query = (
        select(col(Authorization.id), col(Authorization.version), col(Authorization.pairs))
        .where(
            col(Authorization.user_id) == user_id,
            col(Authorization.application_id) == application_id,
            col(Authorization.revoked_at).is_(None),
        )
        .with_for_update()
    )
    row = (await transaction.execute(query)).one_or_none()
    return None if row is None else LiveRecord(row.id, row.version, tuple(row.pairs))


async def insert_record(
    transaction: Transaction,
    record_id: UUID,
    user_id: UUID,
    application_id: UUID,
    pairs: Sequence[str],
    *,
    granted_at: datetime,
    last_change: UUID,
) -> None:
    """Make a record that has held these pairs since the moment they were granted over there.

    Raises `RecordThere`, after which the transaction must end.
    """
    made = await transaction.execute(
        insert_or(Authorization)
        .values(
            id=record_id,
            user_id=user_id,
            application_id=application_id,
            pairs=list(pairs),
            since=[1] * len(pairs),
            version=1,
            last_change=last_change,
            created_at=granted_at,
            updated_at=granted_at,
        )
        .on_conflict_do_nothing()
        .returning(col(Authorization.id))
    )
    if made.first() is None:
        raise RecordThere
    await _note_pairs(transaction, record_id, pairs, granted_at)


async def add_pairs(
    transaction: Transaction, record: LiveRecord, pairs: Sequence[str], now: datetime, last_change: UUID
) -> None:
    """Merge pairs that a locked record does not hold yet."""
    columns = Authorization.__table__.c  # type: ignore[attr-defined]
    await transaction.execute(
        update(Authorization)
        .where(col(Authorization.id) == record.id)
        .values(
            pairs=func.array_cat(columns.pairs, list(pairs)),
            since=func.array_cat(columns.since, [record.version + 1] * len(pairs)),
            version=record.version + 1,
            last_change=last_change,
            updated_at=now,
        )
    )
    await _note_pairs(transaction, record.id, pairs, now)


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


async def _note_pairs(transaction: Transaction, record_id: UUID, pairs: Sequence[str], moment: datetime) -> None:
    if pairs:
        rows = [
            {"authorization_id": record_id, "pair": pair, "first_granted": moment, "last_granted": moment}
            for pair in pairs
        ]
        statement = insert_or(AuthorizationScope).values(rows)
        await transaction.execute(
            statement.on_conflict_do_update(
                index_elements=["authorization_id", "pair"], set_={"last_granted": statement.excluded.last_granted}
            )
        )


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
