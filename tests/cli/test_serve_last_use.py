"""When credentials were last used is kept in memory for a while, and written down when the server ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.everywhere import everywhere, hand
from tests.support.membership import found, join
from tests.support.race import USERNAME, RacedServer, raced_server

SCOPE = "org:read"
UNUSED = """
select (select count(*) from personal_token where last_used_at is null)
     + (select count(*) from api_key where last_used_at is null)
     + (select count(*) from application_secret where last_used_at is null)"""


@pytest.fixture
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers; robin owns northquay."""
    async with raced_server(database, fresh_database, further=(SCOPE, "org:admin")) as running:
        now = datetime.now(UTC)
        await join(database, await found(database, "northquay", now), running.user.id, "owner", now)
        yield running


async def test_a_server_that_is_told_to_end_writes_down_what_each_worker_has_noted(raced: RacedServer) -> None:
    async with hand(raced, USERNAME) as robin, everywhere(raced) as both:
        for number, worker in enumerate(both.workers):
            wanted = {"name": f"Worker {number}", "scopes": [SCOPE]}
            token = (await robin.done("POST", "/api/v1/tokens", wanted)).json()["token"]
            key = (await robin.done("POST", "/api/v1/organizations/northquay/api-keys", {})).json()["key"]
            for credential in (token, key):
                answer = await worker.get("/api/v1/", headers={"Authorization": f"Bearer {credential}"})
                assert answer.status_code == 200
        assert await both.introspected("nonsense") == [None, None]  # which uses the secret of the application
    assert await asyncio.to_thread(raced.server.stop) == 0
    [row] = await raced.fetch(UNUSED)
    assert row[0] == 0
