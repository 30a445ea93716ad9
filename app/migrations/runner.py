"""Migrations from the program: what is pending, apply it, check it. All three are coroutines.

Migrations only expand and contract, so that servers of two neighbouring versions run side by side.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.migrations import roles
from app.store import schema
from app.store.schema import SchemaPending, SchemaState, SchemaTooNew

_LOCK = 0x617373656E74  # "assent"
_POLL_SECONDS = 0.1
_LOCK_PATIENCE = "2s"
"""How long a migration waits for a table that somebody uses: meanwhile everybody else waits behind it."""

_PAUSE_SECONDS = 1.0

_MAY_MIGRATE = """
select current_user::text as role,
       coalesce((select pg_has_role(relowner, 'USAGE') from pg_class
                  where oid = to_regclass('public.alembic_version')),
                has_schema_privilege('public', 'CREATE')) as allowed
"""


class MigrationBusy(Exception):
    """Another process has been migrating, or has kept a table locked, for longer than we wanted to wait."""


class MayNotMigrate(Exception):
    """The role owns neither the schema nor the right to make one."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The role {role} may not change the schema: name the role that owns it in ASSENT_DATABASE_OWNER_URL."
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration: its number, its title, and the SQL that it runs."""

    id: str
    title: str
    sql: str


async def pending(owner_url: str) -> list[Revision]:
    """Return the migrations that `upgrade` would apply, oldest first. Raises `SchemaTooNew`."""
    connection = await asyncpg.connect(owner_url)
    try:
        state = await schema.read(connection)
    finally:
        await connection.close()
    return _after(state)


async def upgrade(
    owner_url: str, runtime_role: str | None = roles.RUNTIME, *, patience_seconds: float = 300
) -> list[Revision]:
    """Apply what is pending and return it; then grant the runtime role, if there is such a role, what it needs.

    Several may call this at once: one works, the others wait without holding anything. Each migration is one
    transaction, and begins anew when it does not get a lock at once, so that nobody waits long behind it. Raises
    `SchemaTooNew`, `MayNotMigrate`, and `MigrationBusy` when another process keeps at it for `patience_seconds`.
    """
    async with _exclusively(owner_url, patience_seconds) as connection:
        await _require_owner(connection)
        applied = _after(await schema.read(connection))
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: asyncpg.connect(owner_url, server_settings={"lock_timeout": _LOCK_PATIENCE}),
            poolclass=NullPool,
            hide_parameters=True,
        )
        try:
            if applied:
                await _migrate(engine, patience_seconds)
            if runtime_role is not None:
                await roles.grant(connection, runtime_role)
        finally:
            await engine.dispose()
    return applied


async def _migrate(engine: AsyncEngine, patience_seconds: float) -> None:
    """Apply what is pending, again and again as long as somebody else holds a lock that it needs."""
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while True:
        try:
            async with engine.connect() as migrating:
                await migrating.run_sync(_apply)
                await migrating.commit()
        except DBAPIError as refused:
            if getattr(refused.orig, "sqlstate", None) != asyncpg.LockNotAvailableError.sqlstate:
                raise
            if asyncio.get_running_loop().time() > deadline:
                raise MigrationBusy(
                    f"A transaction has kept a table locked for {patience_seconds:.0f} s: end it, then start again."
                ) from None
        else:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def check(url: str) -> None:
    """Raise `SchemaTooNew` or `SchemaPending` unless this code may work with the database. Any role may ask."""
    connection = await asyncpg.connect(url)
    try:
        schema.require_servable(await schema.read(connection))
    finally:
        await connection.close()


async def _require_owner(connection: asyncpg.Connection) -> None:
    [row] = await connection.fetch(_MAY_MIGRATE)
    if not row["allowed"]:
        raise MayNotMigrate(row["role"])


def _after(state: SchemaState) -> list[Revision]:
    if state.oldest_code > schema.CODE_SCHEMA:
        raise SchemaTooNew(state)
    scripts = ScriptDirectory.from_config(_config())
    revisions = sorted(scripts.walk_revisions(), key=lambda script: int(script.revision))
    return [
        Revision(script.revision, (script.doc or "").partition("\n")[0].rstrip("."), _sql(script.revision))
        for script in revisions
        if int(script.revision) > state.revision
    ]


def _sql(revision: str) -> str:
    written = StringIO()
    before = f"{int(revision) - 1:04}:" if int(revision) > 1 else ""
    command.upgrade(_config(written), f"{before}{revision}", sql=True)
    return written.getvalue()


def _apply(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(output: StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", "app:migrations")
    return config


@asynccontextmanager
async def _exclusively(owner_url: str, patience_seconds: float) -> AsyncIterator[asyncpg.Connection]:
    """Hold the right to migrate. Waiting polls: a waiting transaction would hold a snapshot that blocks DDL."""
    connection = await asyncpg.connect(owner_url)
    try:
        try:
            async with asyncio.timeout(patience_seconds):
                while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110 -- another process
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise MigrationBusy(
                f"Another process has been migrating the database for {patience_seconds:.0f} s: "
                "wait for it, then start again."
            ) from None
        yield connection
    finally:
        await connection.close()


__all__ = ["MigrationBusy", "Revision", "SchemaPending", "SchemaTooNew", "check", "pending", "upgrade"]
