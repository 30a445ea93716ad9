"""Grants as Grant Management names them: one method is one round trip."""

from uuid import UUID

import orjson

from app.protocol.events import Event
from app.protocol.facts import RecordFact
from app.protocol.grant_management import GrantFact
from app.store import grant_sql, hot_rows
from app.store.hot_pool import HotPool


class Grants:
    """The live records of people, beside the implicit ones or not, by their ids."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def find(self, record_id: UUID, application_id: UUID, user_id: UUID) -> RecordFact | None:
        """Return a live record of this person for this application; None for every other id, whoever has it."""
        row = await self._pool.read(grant_sql.FIND_GRANT, record_id, application_id, user_id)
        return None if row is None else hot_rows.record(row, 0)

    async def is_there(self, record_id: UUID, application_id: UUID) -> bool:
        """Tell whether an application has such a grant of anybody."""
        row = await self._pool.read(grant_sql.IS_THERE, record_id, application_id)
        return row is not None and bool(row[0])

    async def has_room(self, application_id: UUID, user_id: UUID) -> bool:
        """Tell whether a person can have one more grant of an application beside the implicit one."""
        row = await self._pool.read(grant_sql.HAS_ROOM, application_id, user_id)
        return row is not None and bool(row[0])

    async def read(self, record_id: UUID, application_id: UUID) -> GrantFact | None:
        """Return what a grant of the application holds; None for every other id, whoever has it."""
        row = await self._pool.read(grant_sql.READ_GRANT, record_id, application_id)
        if row is None:
            return None
        pairs, details, created_at, updated_at, event = row
        by_client = None if not event else event == Event.AUTHORIZATION_GRANTED
        return GrantFact(tuple(pairs), orjson.loads(details), created_at, updated_at, by_client)
