"""The audit trail: a row is added in the transaction of its deed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Audit
from app.store.database import PREPARE_PARTITION, Database, PreparePartition
from app.store.orders import AuditEntry


async def record(transaction: AsyncSession, entry: AuditEntry, *, authorization_id: UUID | None = None) -> None:
    """Add one row in the caller's transaction; `authorization_id` names the record that the deed changed."""
    await record_all(transaction, [(entry, authorization_id)])


async def record_all(transaction: AsyncSession, entries: Sequence[tuple[AuditEntry, UUID | None]]) -> None:
    """Add rows in the caller's transaction, in one statement; with each the record that its deed changed, if any."""
    prepare: PreparePartition = transaction.info[PREPARE_PARTITION]
    for moment in {entry.at for entry, _ in entries}:
        await prepare("audit", moment)
    rows = [
        {
            "id": entry.id,
            "at": entry.at,
            "event": entry.event,
            "request_id": entry.request_id,
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id,
            "user_id": entry.user_id,
            "application_id": entry.application_id,
            "authorization_id": authorization_id,
            "subject_id": entry.subject_id,
            "address": entry.address,
            "user_agent": entry.user_agent,
            "organization_id": entry.organization_id,
            "actor_label": entry.actor_label,
            "data": dict(entry.data),
        }
        for entry, authorization_id in entries
    ]
    if rows:
        await transaction.execute(insert(Audit), rows)


async def save(database: Database, entries: Sequence[AuditEntry]) -> None:
    """Add rows in a transaction of their own: those of deeds that write nothing else."""
    async with database.transaction() as transaction:
        await record_all(transaction, [(entry, None) for entry in entries])
