"""Decision traces: written in batches, read by request id."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import insert, select
from sqlmodel import col

from app.crypto.secrets import new_id
from app.models.audit import DecisionTrace
from app.protocol.trace import Step, TraceEntry
from app.store.database import Database


async def save(database: Database, entries: Sequence[TraceEntry]) -> None:
    """Write a batch in one transaction."""
    rows = [
        {
            "id": new_id(entry.at),
            "request_id": entry.request_id,
            "at": entry.at,
            "client_id": entry.client_id,
            "endpoint": entry.endpoint,
            "outcome": entry.outcome,
            "steps": [asdict(step) for step in entry.steps],
        }
        for entry in entries
    ]
    for entry in entries:
        await database.prepare_partition("decision_trace", entry.at)
    async with database.transaction() as session:
        await session.execute(insert(DecisionTrace), rows)


async def find(database: Database, request_id: str) -> list[TraceEntry]:
    """Return what was decided under a request id, oldest first."""
    query = select(DecisionTrace).where(col(DecisionTrace.request_id) == request_id).order_by(col(DecisionTrace.id))
    async with database.transaction() as session:
        found = (await session.scalars(query)).all()
    return [
        TraceEntry(
            request_id=row.request_id,
            at=row.at,
            client_id=row.client_id,
            endpoint=row.endpoint,
            outcome=row.outcome,
            steps=tuple(Step(**step) for step in row.steps),
        )
        for row in found
    ]
