"""Databases as earlier versions of the server have left them."""

from collections.abc import AsyncIterator

import pytest

from app.migrations import pending
from tests.store.scene import connected, fetch
from tests.support.database import OWNER, RUNTIME, FreshDatabase


@pytest.fixture
async def empty(fresh_database: FreshDatabase) -> AsyncIterator[FreshDatabase]:
    """A database in which nothing has been migrated."""
    cluster = fresh_database.cluster
    door, name = cluster.url("postgres", "postgres"), "empty"
    await fetch(door, f"create database {name} owner {OWNER}")
    yield FreshDatabase(cluster, name)
    await fetch(door, f"drop database {name} with (force)")


async def bring_to_schema(empty: FreshDatabase, version: int) -> None:
    """Bring a database to where an earlier version of the server left it."""
    async with connected(empty.owner_url) as connection:
        for revision in (await pending(empty.owner_url))[:version]:
            await connection.execute(revision.sql)
        await connection.execute(f"grant all on all tables in schema public to {RUNTIME}")
        await connection.execute(f"grant execute on function ensure_partition to {RUNTIME}")
