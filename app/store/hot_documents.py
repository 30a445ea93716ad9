"""Applications that are known by a metadata document: one method is one round trip (Client ID Metadata Documents)."""

from datetime import datetime
from uuid import UUID

from app.store import document_sql, hot_arguments
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import storable
from app.store.orders import Introduced


class Documents:
    """The rows of such applications."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self._pool = pool
        self._applications = applications

    async def is_taken(self, client_id: str) -> bool:
        """Tell whether an application has this client_id, in whatever state: then no document speaks for it that was
        not allowed anything before."""
        row = await self._pool.read(document_sql.IS_TAKEN, storable(client_id))
        return row is not None and bool(row[0])

    async def refresh(self, application_id: UUID, introduced: Introduced, now: datetime) -> None:
        """Bring the row of an active application up to date, unless it was read later already."""
        row, audit = hot_arguments.json(introduced.row), hot_arguments.audit(introduced.audit)
        await self._pool.write(document_sql.REFRESH, application_id, now, row, *audit)
        self._applications.forget(str(application_id))
