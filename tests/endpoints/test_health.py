"""Health: `live` asks nobody, `ready` is 503 with the reasons while requests could not be served whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from app.store import partitions
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.service import Service


@pytest.fixture
async def ready_site(site: Service, database: Database) -> Service:
    """The application with partitions made ahead of its clock."""
    await partitions.ensure_ahead(database, site.clock())
    return site


@asynccontextmanager
async def _changed(fresh: FreshDatabase, change: str, back: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        await connection.execute(change)
        yield
        await connection.execute(back)
    finally:
        await connection.close()


async def _reasons(site: Service) -> tuple[int, Any]:
    async with site.browser() as browser:
        answer = await browser.get("/health/ready")
    return answer.status_code, answer.json().get("reasons")


async def test_live_and_ready_are_not_to_be_stored(ready_site: Service, browser: httpx.AsyncClient) -> None:
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        answer = await browser.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert answer.headers["cache-control"] == "no-store"


async def test_not_ready_without_a_partition_for_now(ready_site: Service, fresh_database: FreshDatabase) -> None:
    partition = f"access_token_{datetime.now(UTC):%Y%m%d}"
    connection = await asyncpg.connect(fresh_database.superuser_url)
    await connection.execute(f"alter table access_token detach partition {partition}")
    await connection.execute(f"drop table {partition}")
    await connection.close()

    assert await _reasons(ready_site) == (503, ["no partition: access_token"])

    await partitions.ensure_ahead(ready_site.database, ready_site.clock())
    assert await _reasons(ready_site) == (200, None)


async def test_not_ready_while_migrations_are_pending(ready_site: Service, fresh_database: FreshDatabase) -> None:
    change, back = (f"update alembic_version set version_num = '{number}'" for number in ("0000", "0001"))
    async with _changed(fresh_database, change, back):
        assert await _reasons(ready_site) == (503, ["migrations pending"])


async def test_not_ready_on_a_schema_that_no_longer_serves_this_code(
    ready_site: Service, fresh_database: FreshDatabase
) -> None:
    change, back = (f"update server_meta set value = '{number}' where key = 'oldest_code'" for number in (99, 1))
    async with _changed(fresh_database, change, back):
        assert await _reasons(ready_site) == (503, ["schema too new"])


async def test_not_ready_while_the_database_is_away_but_live(
    ready_site: Service, fresh_database: FreshDatabase, browser: httpx.AsyncClient
) -> None:
    name = fresh_database.name
    administrator = await asyncpg.connect(fresh_database.cluster.url("postgres", "postgres"))
    try:
        await administrator.execute(f"alter database {name} connection limit 0")
        await administrator.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
        assert await _reasons(ready_site) == (503, ["database away"])
        assert (await browser.get("/health/live")).status_code == 200
    finally:
        await administrator.execute(f"alter database {name} connection limit -1")
        await administrator.close()
