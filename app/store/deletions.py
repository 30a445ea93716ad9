"""Applications that have waited long enough for their deletion: emptied in small steps, then made a tombstone.

Each step is a transaction of its own and asks anew what is left. So a process that dies costs nothing, and several at
once do each piece of work once. Access tokens leave with their partitions and families when they expire: nothing of an
application that is not active is in force.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update
from sqlmodel import col

from app.models import Application, ApplicationSecret, Authorization, AuthorizationScope
from app.store import audit
from app.store.database import Database
from app.store.live_records import live
from app.store.orders import AuditEntry

TOMBSTONE = "Deleted application"
"""What a deleted application is called wherever something still remembers it."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """An application to delete, and whose it is."""

    id: UUID
    client_id: str
    name: str
    owner_user_id: UUID | None
    owner_organization_id: UUID | None


@dataclass(frozen=True, slots=True)
class LostRecord:
    """A live record that goes with its application; `pairs` is what it allowed."""

    id: UUID
    user_id: UUID
    pairs: tuple[str, ...]
    version: int


async def due(database: Database, now: datetime) -> list[Leaving]:
    """Return the applications whose time is over, or whose deletion has begun."""
    waited = col(Application.delete_after) <= now
    query = (
        select(
            col(Application.id),
            col(Application.client_id),
            col(Application.name),
            col(Application.owner_user_id),
            col(Application.owner_organization_id),
        )
        .where(
            or_(
                col(Application.status) == "deletion_in_progress",
                (col(Application.status) == "pending_deletion") & waited,
            ),
            col(Application.deleted_at).is_(None),
        )
        .order_by(col(Application.delete_after), col(Application.id))
    )
    async with database.transaction() as transaction:
        return [Leaving(*row) for row in await transaction.execute(query)]


async def begin(database: Database, application_id: UUID, now: datetime) -> bool:
    """Pass the point of no return; False when the application was restored meanwhile, or is gone."""
    begun = (
        update(Application)
        .where(
            col(Application.id) == application_id,
            col(Application.status).in_(("pending_deletion", "deletion_in_progress")),
            col(Application.delete_after) <= now,
            col(Application.deleted_at).is_(None),
        )
        .values(status="deletion_in_progress", updated_at=now)
        .returning(col(Application.id))
    )
    async with database.transaction() as transaction:
        return (await transaction.execute(begun)).first() is not None


async def remove_authorizations(
    database: Database, application_id: UUID, *, limit: int, entry_of: Callable[[LostRecord], AuditEntry]
) -> int:
    """Delete up to `limit` records of an application whose deletion has begun, with their dates; return how many.

    Zero: there are none left that nobody else is deleting. Those that were live leave an audit row each, by which their
    people find out what became of them.
    """
    async with database.transaction() as transaction:
        batch = (
            select(
                col(Authorization.id),
                col(Authorization.user_id),
                col(Authorization.pairs),
                col(Authorization.version),
                live().label("live"),
            )
            .where(col(Authorization.application_id) == application_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = (await transaction.execute(batch)).all()
        ids = [row.id for row in found]
        lost = [LostRecord(row.id, row.user_id, tuple(row.pairs), row.version) for row in found if row.live]
        if ids:
            await audit.record_all(transaction, [(entry_of(record), record.id) for record in lost])
            await transaction.execute(
                delete(AuthorizationScope).where(col(AuthorizationScope.authorization_id).in_(ids))
            )
            await transaction.execute(delete(Authorization).where(col(Authorization.id).in_(ids)))
    return len(ids)


async def wipe(database: Database, application_id: UUID, now: datetime, entry: AuditEntry) -> bool:
    """Make an emptied application a tombstone: no secret, no word of anybody's, its client_id taken for ever (AR-13).

    False when it still has records, or somebody else has done it.
    """
    records = exists().where(col(Authorization.application_id) == application_id)
    wiped = (
        update(Application)
        .where(
            col(Application.id) == application_id,
            col(Application.status) == "deletion_in_progress",
            col(Application.deleted_at).is_(None),
            ~records,
        )
        .values(
            deleted_at=now,
            updated_at=now,
            version=col(Application.version) + 1,
            name=TOMBSTONE,
            kind="machine",
            auth_method="none",
            **dict.fromkeys(("owner_user_id", "owner_organization_id", "scopes", "checked_at", "checked_by")),
            **dict.fromkeys(("owner_name", "client_uri", "checked_note", "off_by"), ""),
            **{
                name: []
                for name in (
                    *("secret_digests", "redirect_uris", "grant_types", "response_types", "optional_scopes"),
                    *("allowed_origins", "unmet"),
                )
            },
            policy={},
            registration={},
            key_material={},
            openid={},
            requests={},
            introduction={},
            registration_digest=None,
            verified=False,
        )
        .returning(col(Application.id))
    )
    async with database.transaction() as transaction:
        if (await transaction.execute(wiped)).first() is None:
            return False
        await transaction.execute(
            delete(ApplicationSecret).where(col(ApplicationSecret.application_id) == application_id)
        )
        await audit.record(transaction, entry)
    return True
