"""The old database itself, read in one snapshot while it goes on working."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.store.hot_connection import CONNECT_SECONDS

# ruff: noqa: S608 -- put together from constants and names out of the catalogue


@dataclass(frozen=True, slots=True)
class _Table:
    """A table over there: the columns read, by the names that they get here. Those that it lacks are left out."""

    name: str
    columns: Mapping[str, str]


_SCOPED = {"scopes": "scopes", "scope_list": "scope_list", "date_added": "date_added"}
_TABLES = {
    "users": _Table("auth_user", {"id": "id", "username": "username", "email": "email", "is_active": "is_active"}),
    "organizations": _Table("sentry_organization", {"id": "id", "slug": "slug", "name": "name"}),
    "members": _Table(
        "sentry_organizationmember", {"organization_id": "organization", "user_id": "user", "role": "role"}
    ),
    "applications": _Table(
        "sentry_apiapplication",
        {
            **{"id": "id", "client_id": "client_id", "client_secret": "client_secret", "owner_id": "owner"},
            **{"name": "name", "status": "status", "redirect_uris": "redirect_uris"},
            **{"allowed_origins": "allowed_origins", "homepage_url": "homepage_url", "privacy_url": "privacy_url"},
            **{"terms_url": "terms_url", "date_added": "date_added"},
        },
    ),
    "authorizations": _Table(
        "sentry_apiauthorization", {"application_id": "application", "user_id": "user", **_SCOPED}
    ),
    "tokens": _Table(
        "sentry_apitoken",
        {
            **{"application_id": "application", "user_id": "user", "token": "token"},
            **{"refresh_token": "refresh_token", "expires_at": "expires_at"},
            **_SCOPED,
        },
    ),
    "keys": _Table(
        "sentry_apikey",
        {
            **{"organization_id": "organization", "label": "label", "key": "key", "status": "status"},
            **{"allowed_origins": "allowed_origins"},
            **_SCOPED,
        },
    ),
}

_COLUMNS = """
select attname::text from pg_attribute
 where attrelid = to_regclass($1) and attnum > 0 and not attisdropped"""


class LegacyDatabaseAway(Exception):
    """The old database cannot be read; `str()` is a sentence for the operator, without its address."""


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """The rows of the old database, table by table, in the order of their ids."""

    connection: asyncpg.Connection
    size: int

    async def batches(self, kind: str) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Yield rows as mappings; none when the table is not there. Members without a user are invitations."""
        table = _TABLES[kind]
        there = {row["attname"] for row in await self.connection.fetch(_COLUMNS, table.name)}
        if not there:
            return
        columns = ", ".join(f'"{theirs}" as "{ours}"' for theirs, ours in table.columns.items() if theirs in there)
        only = "where user_id is not null" if kind == "members" else ""
        cursor = await self.connection.cursor(f'select {columns} from "{table.name}" {only} order by id')
        while rows := await cursor.fetch(self.size):
            yield [dict(row) for row in rows]


@asynccontextmanager
async def open_source(url: str, size: int) -> AsyncIterator[DatabaseSource]:
    """Yield the old database at libpq's `url`, read in batches of `size`; raises `LegacyDatabaseAway`.

    Everything is read in one snapshot and nothing can be written.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
        raise LegacyDatabaseAway(f"The old database does not let us in ({type(away).__name__}).") from None
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield DatabaseSource(connection, size)
    finally:
        await connection.close()
