"""When personal tokens, API keys and application secrets were last used, and when applications that introduced
themselves were last given tokens that no record stands behind: written down in batches, never backwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from app.store.database import Database
from app.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Uses:
    """The last use of each credential, as an aware UTC moment.

    Keys and applications have two secrets at times: a secret is named by whose it is, and its digest.
    """

    personal_tokens: dict[UUID, datetime] = field(default_factory=dict)
    api_keys: dict[tuple[UUID, bytes], datetime] = field(default_factory=dict, repr=False)
    secrets: dict[tuple[UUID, bytes], datetime] = field(default_factory=dict, repr=False)
    applications: dict[UUID, datetime] = field(default_factory=dict)


# The rows are locked in one order: two servers that write about the same ones wait for each other, and never cross.
_PERSONAL_TOKENS = text("""
with used as (
    select row.id, use.at from unnest(cast(:ids as uuid[]), cast(:moments as timestamptz[])) use (id, at)
    join personal_token row on row.id = use.id order by row.id for no key update of row)
update personal_token row set last_used_at = greatest(row.last_used_at, used.at) from used where row.id = used.id""")
_API_KEYS = text("""
with use as (
    select id, digest, at
    from unnest(cast(:ids as uuid[]), cast(:digests as bytea[]), cast(:moments as timestamptz[])) use (id, digest, at)),
used as (
    select id, digest, retiring_digest from api_key where id in (select id from use) order by id for no key update)
update api_key row set
    last_used_at = greatest(row.last_used_at,
        (select max(use.at) from use where use.id = used.id and use.digest = used.digest)),
    retiring_last_used_at = greatest(row.retiring_last_used_at,
        (select max(use.at) from use where use.id = used.id and use.digest = used.retiring_digest))
from used where row.id = used.id""")
_SECRETS = text("""
with used as (
    select row.id, use.at
    from unnest(cast(:ids as uuid[]), cast(:digests as bytea[]), cast(:moments as timestamptz[])) use (id, digest, at)
    join application_secret row on row.application_id = use.id and row.digest = use.digest
    order by row.id for no key update of row)
update application_secret row set last_used_at = greatest(row.last_used_at, used.at) from used
where row.id = used.id""")
# Whoever is about to remove such an application has to wait, or has removed it: no row is left of one that is gone.
_APPLICATIONS = text("""
with used as (
    select row.id, use.at from unnest(cast(:ids as uuid[]), cast(:moments as timestamptz[])) use (id, at)
    join application row on row.id = use.id and row.self_registered order by row.id for key share of row)
insert into application_use as row (application_id, last_at) select id, at from used order by id
on conflict (application_id) do update set last_at = greatest(row.last_at, excluded.last_at)""")


async def save(database: Database, uses: Uses) -> None:
    """Write down a batch, one statement for each kind; what is not there any more is left out."""
    async with database.transaction() as transaction:
        # First, as whoever removes one locks the application before its secrets.
        if uses.applications:
            given = uses.applications
            await transaction.execute(_APPLICATIONS, {"ids": [*given], "moments": [*given.values()]})
        if uses.personal_tokens:
            used = uses.personal_tokens
            await transaction.execute(_PERSONAL_TOKENS, {"ids": [*used], "moments": [*used.values()]})
        await _save_secrets(transaction, _API_KEYS, uses.api_keys)
        await _save_secrets(transaction, _SECRETS, uses.secrets)


async def _save_secrets(
    transaction: Transaction, statement: TextClause, used: Mapping[tuple[UUID, bytes], datetime]
) -> None:
    if used:
        columns = {
            "ids": [owner for owner, _ in used],
            "digests": [digest for _, digest in used],
            "moments": [*used.values()],
        }
        await transaction.execute(statement, columns)
