"""The history of a record as its audit rows tell it."""

from uuid import UUID

from app.store import trail
from app.store.database import Database
from app.store.trail import Place, Selection, TrailEntry


async def history(database: Database, record_id: UUID) -> list[TrailEntry]:
    """Return everything that happened to a record, newest first."""
    page = await trail.page(database, Selection(authorization_id=record_id), Place(), 10_000)
    return [*page.entries]
