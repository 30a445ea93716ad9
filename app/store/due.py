"""When recurring work is due next: one named value per job."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.models.server_meta import ServerMeta
from app.store.database import Database

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""Of one width, so that the text orders as the moments do."""


async def take(database: Database, job: str, now: datetime, next_due: datetime) -> bool:
    """Move the job's due moment from the past to `next_due`; False when it is not due, or somebody else was first."""
    statement = insert(ServerMeta).values(key=f"job.{job}", value=next_due.strftime(_FORMAT))
    statement = statement.on_conflict_do_update(
        index_elements=[col(ServerMeta.key)],
        set_={"value": statement.excluded.value},
        where=col(ServerMeta.value) <= now.strftime(_FORMAT),
    )
    async with database.transaction() as transaction:
        return (await transaction.execute(statement.returning(col(ServerMeta.key)))).first() is not None
