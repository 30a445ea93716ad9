"""Thousands of programs register themselves, few are ever used: neither rows nor memory gather (DR-13)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.jobs.reap import reap
from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.protocol.registration import PATH as REGISTER
from app.store.database import Database
from tests.store import scene as scenes
from tests.store.scene import Scene
from tests.support.database import FreshDatabase
from tests.support.processes import children, command_of
from tests.support.race import RacedServer, raced_server
from tests.support.site import VAULT

REGISTRATIONS = 10_000
WAVES = 4
USED = 10
"""Applications of the first wave that somebody allows something."""

GROWTH = 24 << 20
"""Bytes that a worker may have more after the last wave than after the first one."""

AT_ONCE = 8
"""Programs that register at the same time: as many as the workers have connections to the database for, so that none
waits in a queue until it is told to come back, however slow the machine is."""

UNUSED_AFTER = timedelta(days=7)
SETTINGS = '[registration]\nmode = "open"\n[limits]\nregistrations = 100000'


@pytest.fixture
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database, tables=SETTINGS) as running:
        yield running


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.spec("standards", "DR-13")
async def test_ten_thousand_registrations_leave_what_is_in_use_and_no_memory(
    raced: RacedServer, volume: Callable[[int], int]
) -> None:
    used: list[str] = []
    rows: list[Mapping[str, int]] = []
    memory: list[int] = []
    for wave in range(WAVES):
        async with raced.rivals(AT_ONCE) as rivals:
            share = volume(REGISTRATIONS // WAVES) // AT_ONCE + 1
            registering = [register(rival, f"{wave}-{place}", share) for place, rival in enumerate(rivals)]
            *made, _ = await asyncio.gather(*registering, _reap(raced))
        if not used:
            used = [client_id for names in made for client_id in names][:USED]
            for client_id in used:
                await allow(raced, client_id)
        await grow_old(raced)
        await asyncio.gather(_reap(raced), _reap(raced))
        rows.append(await count(raced))
        memory.append(max(memory_of(pid) for pid in workers_of(raced)))
    left = await raced.fetch("select client_id from application where self_registered")
    assert {row["client_id"] for row in left} == set(used)
    assert rows[-1] == rows[0]
    assert memory[-1] - memory[0] < GROWTH, memory


async def register(browser: httpx.AsyncClient, name: str, times: int) -> list[str]:
    """Register applications one after the other, each with a secret; return their client_ids."""
    made = []
    for number in range(times):
        metadata = {"client_name": f"Agent {name}-{number}", "redirect_uris": ["https://agent.example/callback"]}
        answer = await browser.post(REGISTER, json=metadata)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["client_id"])
    return made


async def allow(raced: RacedServer, client_id: str) -> None:
    """Have robin allow an application something."""
    client = await raced.database.hot.gather_client(client_id)
    assert client is not None
    order = scenes.consent(Scene(raced.database, raced.user.id, client.id, client_id), "a", now=datetime.now(UTC))
    assert await raced.database.hot.settle_authorization(order)


async def grow_old(raced: RacedServer) -> None:
    """Let as much time pass as an application has that nobody uses."""
    age = "created_at - interval '8 days'"
    await raced.fetch(f"update application set created_at = {age} where self_registered returning 1")


async def count(raced: RacedServer) -> Mapping[str, int]:
    """Return how many rows there are of what a registration writes, but for the trail."""
    tables = ("application", "application_secret", "application_use", '"authorization"', "initial_access_token")
    return {table: (await raced.fetch(f"select count(*) from {table}"))[0][0] for table in tables}


def workers_of(raced: RacedServer) -> list[int]:
    """Return the processes that serve."""
    return [pid for pid in children(raced.server.process.pid) if "app.cli.worker" in command_of(pid)]


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process has to itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [anonymous] = [line for line in lines if line.startswith("RssAnon:")]
    return int(anonymous.split()[1]) << 10


async def _reap(raced: RacedServer) -> list[str]:
    work = Work(raced.database, Lifetimes(), lambda: datetime.now(UTC), VAULT, unused_after=UNUSED_AFTER)
    await reap(work, datetime.now(UTC))
    return []
