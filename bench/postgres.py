"""The database server of a run: the product's embedded PostgreSQL, durable, in a directory of its own."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg

from app.store import embedded
from app.store.embedded import ConnectionTarget, ConnectionTargets

# All targets keep their connections at the same time. Without a checkpoint on the way, no target pays for the
# full-page writes that another one's checkpoint made necessary. fsync and synchronous_commit stay on.
_SETTINGS = {"max_connections": "200", "max_wal_size": "8GB", "checkpoint_timeout": "1h"}


class Postgres:
    """The running cluster: one database per product, so that its backends can be told apart."""

    def __init__(self, targets: ConnectionTargets, version: str) -> None:
        self._targets = targets
        self.version = version

    @property
    def product(self) -> ConnectionTargets:
        """The product's own database and roles, as its launcher made them."""
        return self._targets

    def superuser(self, database: str) -> ConnectionTarget:
        """Return the superuser's way to a database."""
        return replace(self._targets.superuser, database=database)

    def make_database(self, name: str) -> ConnectionTarget:
        """Make an empty database and return the way to it."""
        asyncio.run(_execute(self._targets.superuser, f"create database {name}"))
        return self.superuser(name)

    def backends(self, database: str) -> tuple[int, ...]:
        """Return the process ids that work for clients of a database."""
        return asyncio.run(_backends(self._targets.superuser, database))

    def settle(self) -> None:
        """Collect statistics of every database and write everything out, so that no run pays for the preparation."""
        for database in asyncio.run(_databases(self._targets.superuser)):
            asyncio.run(_execute(self.superuser(database), "vacuum analyze"))
        asyncio.run(_execute(self._targets.superuser, "checkpoint"))


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Run a new cluster while the block lasts, and delete it."""
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as directory:
        home = Path(directory)
        home.chmod(0o711)  # the uid that runs postgres passes through when we are root
        _configure(home / "data")
        cluster = embedded.start(home / "data", owner_label="benchmark")
        try:
            yield Postgres(cluster.targets, asyncio.run(_version(cluster.superuser_dsn)))
        finally:
            cluster.stop()


def _configure(data_dir: Path) -> None:
    """Change the settings that need a restart."""
    cluster = embedded.start(data_dir, owner_label="benchmark")
    try:
        statements = [f"alter system set {name} = '{value}'" for name, value in _SETTINGS.items()]
        asyncio.run(_execute(cluster.superuser_dsn, *statements))
    finally:
        cluster.stop()


async def _execute(target: ConnectionTarget, *statements: str) -> None:
    async with connected(target) as connection:
        for statement in statements:
            await connection.execute(statement)


async def _version(target: ConnectionTarget) -> str:
    async with connected(target) as connection:
        return str(await connection.fetchval("show server_version"))


async def _databases(target: ConnectionTarget) -> list[str]:
    async with connected(target) as connection:
        rows = await connection.fetch("select datname from pg_database where datallowconn and not datistemplate")
        return [row["datname"] for row in rows]


async def _backends(target: ConnectionTarget, database: str) -> tuple[int, ...]:
    query = "select pid from pg_stat_activity where datname = $1 and backend_type = 'client backend' and pid <> $2"
    async with connected(target) as connection:
        return tuple(row["pid"] for row in await connection.fetch(query, database, connection.get_server_pid()))


@contextlib.asynccontextmanager
async def connected(target: ConnectionTarget) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Connect, and close the connection when the block ends."""
    connection = await asyncpg.connect(**target.asyncpg_kwargs())
    try:
        yield connection
    finally:
        await connection.close()
