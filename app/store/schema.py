"""Which schema the database has, and whether this code may work with it."""

from dataclasses import dataclass

import asyncpg

CODE_SCHEMA = 7
"""The schema that this code was written for: the number of its last migration."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`revision` is the number of the last migration applied, 0 in an empty database; `oldest_code` the oldest
    `CODE_SCHEMA` that the schema still serves."""

    revision: int
    oldest_code: int


class SchemaPending(Exception):
    """The database lacks migrations that this code needs."""

    def __init__(self, state: SchemaState) -> None:
        super().__init__(
            f"The database is at schema {state.revision} and this server needs {CODE_SCHEMA}: "
            "run `assent migrate`, or start with `assent serve --migrate`."
        )
        self.state = state


class SchemaTooNew(Exception):
    """The database was migrated by a newer server and no longer serves this one."""

    def __init__(self, state: SchemaState) -> None:
        super().__init__(
            f"The database is at schema {state.revision}, which serves servers of schema {state.oldest_code} or newer, "
            f"and this server is of schema {CODE_SCHEMA}: install a newer version of Assent."
        )
        self.state = state


async def read(connection: asyncpg.Connection) -> SchemaState:
    """Return the state of the schema; works with the rights of the runtime role."""
    if await connection.fetchval("select to_regclass('public.alembic_version')") is None:
        return SchemaState(0, 0)
    revision = await connection.fetchval("select version_num from alembic_version")
    if revision is None:
        return SchemaState(0, 0)
    oldest = await connection.fetchval("select value from server_meta where key = 'oldest_code'")
    return SchemaState(int(revision), int(oldest))


def require_servable(state: SchemaState) -> None:
    """Raise `SchemaTooNew` or `SchemaPending` when this code must not work with the schema."""
    if state.oldest_code > CODE_SCHEMA:
        raise SchemaTooNew(state)
    if state.revision < CODE_SCHEMA:
        raise SchemaPending(state)
