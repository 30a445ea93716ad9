"""The reaper beside those who give an application something to live for at that very moment: one of them is first.

What was answered with success has its application, and nobody loses one that something speaks for.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.jobs import reap as job
from app.jobs.reap import reap
from app.models import ApplicationSecret
from app.store import hot_devices, hot_pushed, last_use, pushed_sql, settle_sql
from app.store.database import Database
from app.store.last_use import Uses
from tests.store import scene as scenes
from tests.store.scene import NOW, SECOND, Scene, connected, fetch
from tests.store.test_backchannel import new_request
from tests.store.test_devices import new_device
from tests.store.test_documents import Known
from tests.store.test_pushed import new_pushed
from tests.store.test_settle_machine_token import order as machine_order
from tests.support.database import FreshDatabase
from tests.support.race import CONNECTIONS, WORKERS
from tests.support.self_registered import LONG_AGO, is_there, known_by_document, registered, secret_row, work

DEAD, USED = 40, 80


@pytest.fixture
async def workers(fresh_database: FreshDatabase) -> AsyncIterator[list[Database]]:
    """The database as two workers have it open."""
    share = CONNECTIONS // WORKERS
    opened = [
        await Database.open(fresh_database.runtime_url, hot_connections=share, connections=4) for _ in range(WORKERS)
    ]
    yield opened
    for database in opened:
        await database.close()


async def _connect(scene: Scene) -> bool:
    return await scene.database.hot.settle_authorization(scenes.consent(scene, "a")) is not None


async def _allow_more(scene: Scene) -> UUID:
    settled = await scene.database.hot.settle_authorization(scenes.consent(scene, "b"))
    assert settled is not None
    return settled.record_id


async def _push(scene: Scene) -> bool:
    placed = await scene.database.pushed.place(new_pushed(scene, digest=digest(random_bytes())))
    return placed.outcome is hot_pushed.Outcome.THERE


async def _use_a_device(scene: Scene) -> bool:
    return await scene.database.devices.place(new_device(scene)) is hot_devices.Placed.THERE


async def _ask_elsewhere(scene: Scene) -> bool:
    return (await scene.database.backchannel.place(new_request(scene))).name == "THERE"


async def _get_a_token(scene: Scene) -> bool:
    return bool(await scene.database.hot.settle_machine_token(machine_order(scene, "a", digest=random_bytes())))


DEEDS: tuple[Callable[[Scene], Coroutine[Any, Any, bool]], ...] = (
    _connect,
    _push,
    _use_a_device,
    _ask_elsewhere,
    _get_a_token,
)


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.spec("standards", "CI-16")
async def test_exactly_the_dead_ones_are_removed_while_twenty_connections_use_the_others(
    workers: list[Database], database: Database, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "BATCH", 7)  # many transactions, which meet many deeds
    make = (registered, known_by_document)
    dead = [await make[number % 2](database) for number in range(DEAD)]
    used = [await make[number % 2](database) for number in range(USED)]
    for scene in used[: USED // 2]:
        assert await _connect(scene)  # alive before it begins, and in use meanwhile

    queue = [(scene, DEEDS[number % len(DEEDS)]) for number, scene in enumerate(used)]
    Random(7).shuffle(queue)
    done: dict[Scene, bool] = {}

    async def use(database: Database) -> None:
        while queue:
            scene, deed = queue.pop()
            done[scene] = await deed(replace(scene, database=database))

    users = [use(workers[number % WORKERS]) for number in range(CONNECTIONS)]
    reapers = [reap(work(worker), NOW) for worker in workers]
    await asyncio.gather(*users[::2], *reapers, *users[1::2])
    await asyncio.gather(*(reap(work(worker), NOW) for worker in workers))

    rows = await fetch(fresh_database.superuser_url, "select id from application where self_registered")
    left = {scene for scene in (*dead, *used) if scene.application_id in {row["id"] for row in rows}}
    assert left == {scene for scene, succeeded in done.items() if succeeded}
    assert set(used[: USED // 2]) <= left
    query = "select application_id from audit where event = 'application.reaped'"
    told = Counter(row["application_id"] for row in await fetch(fresh_database.superuser_url, query))
    assert told == dict.fromkeys(
        {scene.application_id for scene in (*dead, *used)} - {one.application_id for one in left}, 1
    )


@pytest.mark.spec("standards", "CI-16")
async def test_what_is_allowed_while_it_ends_for_want_of_use_is_in_force(
    workers: list[Database], database: Database, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "BATCH", 3)
    crowd = [await known_by_document(database, created_at=LONG_AGO) for _ in range(CONNECTIONS)]
    for scene in crowd:
        assert await _connect(scene)
    ids = [scene.application_id for scene in crowd]
    age = 'update "authorization" set updated_at = $2 where application_id = any($1)'
    await fetch(fresh_database.superuser_url, age, ids, LONG_AGO)

    allowed = [_allow_more(replace(scene, database=workers[number % WORKERS])) for number, scene in enumerate(crowd)]
    reapers = [reap(work(worker), NOW) for worker in workers]
    records = await asyncio.gather(*allowed[::2], *reapers, *allowed[1::2])
    query = """select id, application_id from "authorization"
        where application_id = any($1) and revoked_at is null and 'b' = any(pairs)"""
    live = await fetch(fresh_database.superuser_url, query, ids)
    assert {row["application_id"] for row in live} == set(ids)
    assert {row["id"] for row in live} == {record for record in records if record is not None}


@pytest.mark.spec("standards", "CI-16")
async def test_a_client_known_by_its_document_that_is_allowed_something_again_has_its_row_or_is_asked_anew(
    workers: list[Database], database: Database, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are dead, and people allow it something at the moment when they go: the statement writes a new one."""
    monkeypatch.setattr(job, "BATCH", 3)
    crowd = [await known_by_document(database) for _ in range(CONNECTIONS)]

    async def allow(number: int, scene: Scene) -> bool:
        described = Known(scene, scene.application_id, scene.client_id)
        database = workers[number % WORKERS]
        for _ in range(2):  # whoever has lost gathers again, and finds no row
            if await database.hot.settle_authorization(described.order(NOW)) is not None:
                return True
        return False

    allowed = [allow(number, scene) for number, scene in enumerate(crowd)]
    reapers = [reap(work(worker), NOW) for worker in workers]
    done = await asyncio.gather(*allowed[::2], *reapers, *allowed[1::2])
    assert {one for one in done if one is not None} == {True}
    query = """select a.id from application a join "authorization" r on r.application_id = a.id
        where a.id = any($1) and a.status = 'active' and r.revoked_at is null"""
    there = await fetch(fresh_database.superuser_url, query, [scene.application_id for scene in crowd])
    assert {row["id"] for row in there} == {scene.application_id for scene in crowd}


@pytest.mark.parametrize("deed", DEEDS, ids=[deed.__name__.strip("_") for deed in DEEDS])
async def test_whoever_comes_while_it_is_being_removed_waits_and_is_refused(
    database: Database, fresh_database: FreshDatabase, deed: Callable[[Scene], Coroutine[Any, Any, bool]]
) -> None:
    scene = await registered(database)
    async with connected(fresh_database.superuser_url) as reaper:
        removal = reaper.transaction()
        await removal.start()
        await reaper.execute("delete from application where id = $1", scene.application_id)
        coming = asyncio.create_task(deed(scene))
        await _until_somebody_waits(fresh_database)
        assert not coming.done()
        await removal.commit()
    assert await coming is False


async def test_whoever_writes_down_uses_waits_for_it_with_nothing_in_its_way(
    database: Database, fresh_database: FreshDatabase
) -> None:
    """One of two that are looked at has used its secret in vain, the other one has just got a token."""
    dead, living = await registered(database), await registered(database)
    row = secret_row(dead)
    async with database.transaction() as transaction:
        await transaction.execute(insert(ApplicationSecret).values(row))
    used = Uses(secrets={(dead.application_id, row["digest"]): NOW}, applications={living.application_id: NOW})
    async with connected(fresh_database.superuser_url) as reaper:
        removal = reaper.transaction()
        await removal.start()
        ids = [dead.application_id, living.application_id]
        await reaper.execute("select 1 from application where id = any($1) for update", ids)
        writing = asyncio.create_task(last_use.save(database, used))
        await _until_somebody_waits(fresh_database)
        await reaper.execute("delete from application_secret where application_id = $1", dead.application_id)
        await removal.commit()
    await writing


@pytest.mark.parametrize("statement", ["interaction", "pushed request"])
async def test_what_is_being_written_is_waited_for_by_leaving_it_alone(
    database: Database, fresh_database: FreshDatabase, statement: str
) -> None:
    scene = await registered(database)
    rows: dict[str, tuple[Any, ...]] = {
        "interaction": (
            settle_sql.SAVE_INTERACTION.sql,
            *(new_id(NOW), digest(b"i"), scene.application_id, scene.client_id, "[]", digest(b"b"), None, "r"),
            *(NOW, NOW + 60 * SECOND, None, False, None),
        ),
        "pushed request": (
            pushed_sql.PLACE_PUSHED.sql,
            *(new_id(NOW), scene.application_id, 1, digest(b"p"), scene.client_id, "[]", False),
            *(NOW, NOW + 60 * SECOND, None, None, None),
        ),
    }
    async with connected(fresh_database.runtime_url) as writer:
        writing = writer.transaction()
        await writing.start()
        await writer.fetch(*rows[statement])
        await reap(work(database), NOW)
        assert await is_there(fresh_database, scene)
        await writing.commit()
    await reap(work(database), NOW)
    assert await is_there(fresh_database, scene)


async def _until_somebody_waits(fresh: FreshDatabase) -> None:
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not await fetch(fresh.superuser_url, query):  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)
