"""What is declared in one worker counts in the others as soon as the database has said so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from app.pipeline import resources as known
from app.pipeline.resources import KnownResources
from app.protocol.resources import Resource
from app.store import resources
from app.store.database import Database
from tests.support.facts import NOW
from tests.support.processes import PATIENCE

DIARY = Resource("https://mcp.example.com/mcp", "Diary tools", frozenset({"project:read"}))


@pytest.fixture
async def worker(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KnownResources]:
    """A worker that hears what the database says, and looks by itself when nobody waits for it any more."""
    monkeypatch.setattr(known, "_EVERY_SECONDS", 10 * PATIENCE)
    worker = KnownResources((), partial(resources.read_all, database))
    looked = asyncio.Event()

    def heard() -> None:
        worker.changed()
        looked.set()

    tasks = [
        asyncio.create_task(worker.run()),
        asyncio.create_task(database.follow_applications({resources.CHANNEL: heard})),
    ]
    async with asyncio.timeout(PATIENCE):
        while not looked.is_set():  # until the listener is there, nobody hears
            await declared(database, Resource("urn:example:nothing"))
            await asyncio.sleep(0.01)
    yield worker
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def declared(database: Database, resource: Resource) -> None:
    """Declare a resource, as another worker or the command line does."""
    async with database.transaction() as transaction:
        await resources.put(transaction, resource, NOW)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(int(PATIENCE / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody looked")


async def test_what_others_declare_change_and_remove_is_known_without_waiting(
    database: Database, worker: KnownResources
) -> None:
    await declared(database, DIARY)
    await until(lambda: worker.current.get(DIARY.identifier) == DIARY)
    narrowed = Resource(DIARY.identifier, introspection_clients=frozenset({"diary-server"}))
    await declared(database, narrowed)
    await until(lambda: worker.current.get(DIARY.identifier) == narrowed)
    async with database.transaction() as transaction:
        await resources.remove(transaction, DIARY.identifier)
    await until(lambda: worker.current.get(DIARY.identifier) is None)
    async with database.transaction() as transaction:
        assert await resources.insert_new(transaction, DIARY, NOW)
    await until(lambda: worker.current.get(DIARY.identifier) == DIARY)
