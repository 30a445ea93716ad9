"""When personal tokens, API keys and application secrets were last used: written down in batches, never backwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Uses:
    """The last use of each credential, as an aware UTC moment. A secret is named by its application and its digest."""

    personal_tokens: dict[UUID, datetime] = field(default_factory=dict)
    api_keys: dict[UUID, datetime] = field(default_factory=dict)
    secrets: dict[tuple[UUID, bytes], datetime] = field(default_factory=dict, repr=False)


# The rows are locked in one order: two servers that write about the same ones wait for each other, and never cross.
_BY_ID = """
with used as (
    select row.id, use.at from unnest(cast(:ids as uuid[]), cast(:moments as timestamptz[])) use (id, at)
    join {table} row on row.id = use.id order by row.id for no key update of row)
update {table} row set last_used_at = greatest(row.last_used_at, used.at) from used where row.id = used.id"""
_PERSONAL_TOKENS = text(_BY_ID.format(table="personal_token"))
_API_KEYS = text(_BY_ID.format(table="api_key"))
_SECRETS = text("""
with used as (
    select row.id, use.at
    from unnest(cast(:ids as uuid[]), cast(:digests as bytea[]), cast(:moments as timestamptz[])) use (id, digest, at)
    join application_secret row on row.application_id = use.id and row.digest = use.digest
    order by row.id for no key update of row)
update application_secret row set last_used_at = greatest(row.last_used_at, used.at) from used
where row.id = used.id""")


async def save(database: Database, uses: Uses) -> None:
    """Write down a batch, one statement for each kind; what is not there any more is left out."""
    async with database.transaction() as transaction:
        await _save_by_id(transaction, _PERSONAL_TOKENS, uses.personal_tokens)
        await _save_by_id(transaction, _API_KEYS, uses.api_keys)
        if uses.secrets:
            columns = {
                "ids": [application_id for application_id, _ in uses.secrets],
                "digests": [digest for _, digest in uses.secrets],
                "moments": [*uses.secrets.values()],
            }
            await transaction.execute(_SECRETS, columns)


async def _save_by_id(transaction: Transaction, statement: TextClause, used: Mapping[UUID, datetime]) -> None:
    if used:
        await transaction.execute(statement, {"ids": [*used], "moments": [*used.values()]})
