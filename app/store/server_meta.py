"""Named values about the server as a whole."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.models.server_meta import ServerMeta
from app.store.database import Database


async def get(database: Database, key: str) -> str | None:
    """Return a value, None when nobody has set it."""
    async with database.transaction() as transaction:
        statement = select(col(ServerMeta.value)).where(col(ServerMeta.key) == key)
        return (await transaction.execute(statement)).scalar_one_or_none()


async def put_once(database: Database, key: str, value: str) -> str:
    """Set a value unless it is set; returns the one that holds, which of two at once is the same for both."""
    statement = insert(ServerMeta).values(key=key, value=value).on_conflict_do_nothing()
    async with database.transaction() as transaction:
        await transaction.execute(statement)
    held = await get(database, key)
    return value if held is None else held
