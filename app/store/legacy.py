"""What an import from a system of the bitmask era finds here and remembers, in its own transaction: people, clients,
records. The credentials are in `legacy_credentials`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col

from app.models import (
    Application,
    Authorization,
    AuthorizationScope,
    LegacyImport,
    OrganizationMember,
    User,
)
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


async def imported(transaction: Transaction, kind: str, sources: Iterable[str]) -> dict[str, UUID]:
    """Return what has been imported among these, by source."""
    query = select(col(LegacyImport.source), col(LegacyImport.target_id)).where(
        col(LegacyImport.kind) == kind, col(LegacyImport.source).in_(list(sources))
    )
    return dict((await transaction.execute(query)).all())


async def note_imported(transaction: Transaction, kind: str, done: Mapping[str, UUID], now: datetime) -> None:
    """Remember what things of a kind became, by source, so that a repeated import passes them over."""
    rows = [{"kind": kind, "source": source, "target_id": target_id, "at": now} for source, target_id in done.items()]
    if rows:
        await transaction.execute(insert(LegacyImport), rows)


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
