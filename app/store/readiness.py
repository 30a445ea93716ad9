"""Whether requests can be served: the database answers, its schema serves this code, and new rows have a place."""

from datetime import datetime

import sqlalchemy as sa

from app.store import partitions, schema
from app.store.database import Database, StoreUnavailable
from app.store.schema import SchemaPending, SchemaState, SchemaTooNew

_SCHEMA = sa.text(
    """
    select (select version_num from alembic_version)                                as revision,
           (select value from server_meta where key = 'oldest_code')                as oldest_code
    """
)


async def problems(database: Database, now: datetime) -> tuple[str, ...]:
    """Return why requests cannot be served now, each in a few words; empty when they can."""
    try:
        await database.ping()
        schema_problems = await _of_schema(database)
        if schema_problems:
            return schema_problems
        return tuple(
            f"no partition: {table}" for table, left in (await partitions.left(database, now)).items() if not left
        )
    except StoreUnavailable:
        return ("database away",)


async def _of_schema(database: Database) -> tuple[str, ...]:
    async with database.transaction() as transaction:
        row = (await transaction.execute(_SCHEMA)).one()
    try:
        schema.require_servable(SchemaState(int(row.revision or 0), int(row.oldest_code or 0)))
    except SchemaPending:
        return ("migrations pending",)
    except SchemaTooNew:
        return ("schema too new",)
    return ()
