"""What happened to something, as the audit rows tell it."""

from uuid import UUID

from app.store import trail
from app.store.database import Database
from app.store.trail import Place, Selection, TrailEntry


async def history(database: Database, record_id: UUID) -> list[TrailEntry]:
    """Return everything that happened to a record, newest first."""
    page = await trail.page(database, Selection(authorization_id=record_id), Place(), 10_000)
    return [*page.entries]


async def entries_about(database: Database, subject_id: str) -> list[TrailEntry]:
    """Return what happened to one thing, oldest first."""
    page = await trail.page(database, Selection(subject=subject_id), Place(), 10_000)
    return [*reversed(page.entries)]
