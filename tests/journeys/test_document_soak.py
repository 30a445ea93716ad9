"""Thousands of invented client_ids, each with a document of its own: neither rows nor memory gather (CI-9, CI-15)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest

from app.protocol.client_documents import MAX_BYTES
from app.store.database import Database
from app.store.expiry import Expiring, remove
from tests.support.database import FreshDatabase
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.processes import children, command_of
from tests.support.race import SCOPES, RacedServer, raced_server
from tests.support.service import authorize_url

DOCUMENTS = 10_000
WAVES = 4
BROWSERS = 4
"""As many as all workers together ask for one address at once."""

TRIES = 5
"""A machine that does much else may be slow for once."""


GROWTH = 24 << 20
"""Bytes that a worker may have more after the last wave than after the first one."""

ROWS = ("application", "application_use", '"authorization"', "interaction", "pushed_request")


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[tuple[FarServer, str]]:
    """A server that has a document at every address, and the file with its authority."""
    trusted = trust(tmp_path, "127.0.0.1")
    async with far_server(trusted.context) as running:

        async def invent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = running.requests.pop().split()[1]
            writer.write(answer(document(f"https://127.0.0.1:{running.port}{path}"), "Cache-Control: max-age=86400"))
            await writer.drain()

        running.behave = invent
        yield running, trusted.ca_file


@pytest.fixture
async def raced(
    database: Database, fresh_database: FreshDatabase, far: tuple[FarServer, str]
) -> AsyncIterator[RacedServer]:
    website, ca_file = far
    tables = f"""
[outbound]
allow = ["127.0.0.1:{website.port}"]
ca_file = "{ca_file}"
[limits]
document_requests = 100000
document_fetches = 10000
"""
    async with raced_server(database, fresh_database, tables=tables) as running:
        yield running


def document(client_id: str) -> bytes:
    """Return a document that is as large as it may be, and takes as much memory as can be."""
    members = {
        "client_id": client_id,
        "client_name": f"Agent {client_id[-20:]}",
        "redirect_uris": ["http://127.0.0.1/callback"],
    }
    keys = {"keys": [{"kty": "EC", "x5c": ["ab"] * 12} for _ in range(50)]}
    return orjson.dumps(members | {"jwks": keys}).ljust(MAX_BYTES)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.spec("standards", "CI-9")
@pytest.mark.spec("standards", "CI-15")
async def test_ten_thousand_documents_leave_no_row_and_no_memory(
    raced: RacedServer, far: tuple[FarServer, str], volume: Callable[[int], int]
) -> None:
    website, _ = far
    memory: list[int] = []
    share = volume(DOCUMENTS // WAVES) // BROWSERS + 1
    for wave in range(WAVES):
        async with raced.rivals(BROWSERS) as rivals:
            await asyncio.gather(
                *(invent(rival, website, f"{wave}-{place}", share) for place, rival in enumerate(rivals))
            )
        memory.append(max(memory_of(pid) for pid in workers_of(raced)))
    assert website.connections >= WAVES * BROWSERS * share
    later = datetime.now(UTC) + timedelta(days=1)
    await remove(raced.database, Expiring.INTERACTIONS, born_before=later, now=later)
    left = await count(raced)
    assert left == {**dict.fromkeys(ROWS, 0), "application": left["application"]}
    assert (await raced.fetch("select count(*) from application where self_registered"))[0][0] == 0
    assert (await raced.fetch("select count(*) from failure"))[0][0] < 10
    assert memory[-1] - memory[0] < GROWTH, memory


async def invent(browser: httpx.AsyncClient, website: FarServer, name: str, times: int) -> None:
    """Come with one invented client after the other, as far as the page where a person would sign in."""
    for number in range(times):
        client_id = f"https://127.0.0.1:{website.port}/{name}/{number}"
        url = authorize_url(client_id, redirect_uri="http://127.0.0.1/callback", scope=SCOPES[0])
        left = TRIES
        while (shown := await browser.get(url)).status_code != 303 and left:
            left -= 1
        assert shown.status_code == 303, shown.text


async def count(raced: RacedServer) -> Mapping[str, int]:
    """Return how many rows there are of what requests write."""
    return {table: (await raced.fetch(f"select count(*) from {table}"))[0][0] for table in ROWS}


def workers_of(raced: RacedServer) -> list[int]:
    """Return the processes that serve."""
    return [pid for pid in children(raced.server.process.pid) if "app.cli.worker" in command_of(pid)]


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process has to itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [anonymous] = [line for line in lines if line.startswith("RssAnon:")]
    return int(anonymous.split()[1]) << 10
