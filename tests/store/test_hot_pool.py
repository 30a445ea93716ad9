"""The hot pool when things go wrong: schema changes, lost connections, cancelled callers, deadlocks, crowds."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.store import hot_pool
from app.store.hot_connection import Statement, StoreUnavailable, counting_trips
from app.store.hot_pool import HotPool
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.processes import PATIENCE

READ = Statement("read", "select name from thing where id = $1")
WRITE = Statement("write", "update thing set hits = hits + 1 where id = $1 returning hits")
READ_ALL = Statement("read_all", "select name from thing where id >= $1 order by id")
WRITE_ALL = Statement("write_all", "update thing set hits = hits + 1 where id >= $1 returning hits")
SLOW_READ = Statement("slow_read", "select name, pg_sleep($2) from thing where id = $1")
SLOW_WRITE = Statement(
    "slow_write", "update thing set hits = hits + 1 where id = $1 and pg_sleep($2) is not null returning hits"
)
BACKEND = Statement("backend", "select pg_backend_pid()")
PAIR = Statement(
    "pair",
    """with f as (update thing set hits = hits + 1 where id = $1 returning id),
        w as (select f.id, pg_sleep(0.05) from f)
    update thing set hits = hits + 1 from w where thing.id = $2 returning hits""",
)
STATEMENTS = (READ, WRITE, SLOW_READ, SLOW_WRITE, BACKEND, PAIR)


@pytest.fixture
async def url(fresh_database: FreshDatabase) -> str:
    """A database with a table of three things, as the owner."""
    await fetch(fresh_database.owner_url, "drop table if exists thing")
    await fetch(fresh_database.owner_url, "create table thing (id integer primary key, name text, hits integer)")
    await fetch(fresh_database.owner_url, "insert into thing select n, 'thing ' || n, 0 from generate_series(1, 3) n")
    return fresh_database.owner_url


@pytest.fixture
async def pool(url: str) -> AsyncIterator[HotPool]:
    opened = HotPool(url, 2, STATEMENTS)
    yield opened
    await opened.close()


async def under_way(fresh: FreshDatabase) -> None:
    """Wait until a slow statement has begun."""
    query = "select from pg_stat_activity where datname = $1 and wait_event = 'PgSleep'"
    async with asyncio.timeout(PATIENCE):
        while not await fetch(fresh.superuser_url, query, fresh.name):  # noqa: ASYNC110 - it does not tell
            await asyncio.sleep(0.01)


async def terminate(fresh: FreshDatabase, application: str = "assent hot") -> None:
    """End every hot connection to the database from outside."""
    await fetch(
        fresh.superuser_url,
        """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = $1 and application_name = $2""",
        fresh.name,
        application,
    )


async def value(row: asyncpg.Record | None) -> object:
    assert row is not None
    return row[0]


async def hits(fresh: FreshDatabase, thing: int) -> int:
    [row] = await fetch(fresh.owner_url, "select hits from thing where id = $1", thing)
    count: int = row[0]
    return count


async def test_the_connection_used_last_is_used_next(pool: HotPool) -> None:
    first, second = await asyncio.gather(pool.read(BACKEND), pool.read(BACKEND))
    assert first is not None
    assert second is not None
    assert first[0] != second[0]
    used = {await value(await pool.read(BACKEND)) for _ in range(10)}
    assert len(used) == 1


async def test_a_changed_column_type_costs_nobody_an_error(pool: HotPool, fresh_database: FreshDatabase) -> None:
    assert await value(await pool.read(READ, 1)) == "thing 1"
    await fetch(fresh_database.owner_url, "alter table thing alter column name type varchar(99)")
    assert await value(await pool.read(READ, 1)) == "thing 1"
    await fetch(fresh_database.owner_url, "alter table thing alter column hits type bigint")
    assert await value(await pool.write(WRITE, 1)) == 1
    assert await hits(fresh_database, 1) == 1


async def test_a_statement_that_the_server_forgot_is_prepared_again(
    pool: HotPool, fresh_database: FreshDatabase
) -> None:
    held = await pool._acquire()
    await held.raw.execute("deallocate all")
    pool._release(held)
    assert await value(await pool.read(READ, 2)) == "thing 2"
    assert await value(await pool.write(WRITE, 2)) == 1


async def test_all_rows_come_back_also_when_a_statement_was_forgotten(pool: HotPool) -> None:
    with counting_trips() as trips:
        assert [row[0] for row in await pool.read_all(READ_ALL, 2)] == ["thing 2", "thing 3"]
        assert [row[0] for row in await pool.write_all(WRITE_ALL, 2)] == [1, 1]
        assert await pool.read_all(READ_ALL, 4) == []
    assert trips == ["read_all", "write_all", "read_all"]
    held = await pool._acquire()
    await held.raw.execute("deallocate all")
    pool._release(held)
    assert len(await pool.read_all(READ_ALL, 2)) == 2
    assert [row[0] for row in await pool.write_all(WRITE_ALL, 3)] == [2]


async def test_connections_closed_while_idle_are_replaced(pool: HotPool, fresh_database: FreshDatabase) -> None:
    before = await value(await pool.read(BACKEND))
    held = await pool._acquire()
    pool._release(held)
    await terminate(fresh_database)
    async with asyncio.timeout(PATIENCE):
        while not held.raw.is_closed():  # noqa: ASYNC110 - it does not tell
            await asyncio.sleep(0.01)
    assert await value(await pool.write(WRITE, 1)) == 1
    assert await value(await pool.read(BACKEND)) != before


async def test_a_read_whose_connection_is_lost_is_asked_again(pool: HotPool, fresh_database: FreshDatabase) -> None:
    with counting_trips() as trips:
        reading = asyncio.create_task(pool.read(SLOW_READ, 1, 1.0))
        await under_way(fresh_database)
        await terminate(fresh_database)
        assert await value(await reading) == "thing 1"
    assert trips == ["slow_read", "slow_read"]


async def test_a_write_whose_connection_is_lost_is_never_repeated(pool: HotPool, fresh_database: FreshDatabase) -> None:
    with counting_trips() as trips:
        writing = asyncio.create_task(pool.write(SLOW_WRITE, 1, 1.0))
        await under_way(fresh_database)
        await terminate(fresh_database)
        with pytest.raises(StoreUnavailable):
            await writing
    assert trips == ["slow_write"]
    assert await hits(fresh_database, 1) == 0


async def test_a_database_that_comes_back_in_time_is_waited_for(
    fresh_database: FreshDatabase, url: str, tmp_path: Path
) -> None:
    there = fresh_database.cluster.directory
    pool = HotPool(url.replace(str(there), str(tmp_path / "run")), 1, STATEMENTS)
    reading = asyncio.create_task(pool.read(READ, 1))
    await asyncio.sleep(0.2)
    os.symlink(there, tmp_path / "run")
    assert await value(await reading) == "thing 1"
    await pool.close()


async def test_a_database_that_refuses_is_unavailable_until_it_lets_us_in(
    fresh_database: FreshDatabase, pool: HotPool
) -> None:
    door = fresh_database.cluster.url("postgres", "postgres")
    await fetch(door, f"alter database {fresh_database.name} allow_connections false")
    with pytest.raises(StoreUnavailable, match="not currently accepting connections"):
        await pool.read(READ, 1)
    await fetch(door, f"alter database {fresh_database.name} allow_connections true")
    assert await value(await pool.read(READ, 1)) == "thing 1"


async def test_a_database_that_became_read_only_is_left(pool: HotPool, fresh_database: FreshDatabase) -> None:
    held = await pool._acquire()
    await held.raw.execute("set default_transaction_read_only = on")
    pool._release(held)
    with pytest.raises(StoreUnavailable, match="ReadOnly"):
        await pool.write(WRITE, 1)
    assert await value(await pool.write(WRITE, 1)) == 1
    assert await hits(fresh_database, 1) == 1


async def test_nobody_at_home_is_told_as_unavailable_and_leaves_the_place_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hot_pool, "CONNECT_PATIENCE_SECONDS", 0.1)
    pool = HotPool(f"postgresql://nobody@/nothing?host={tmp_path}", 1, STATEMENTS)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await pool.read(READ, 1)
    await pool.close()


async def test_a_cancelled_read_leaves_its_connection_usable(pool: HotPool) -> None:
    for _ in range(10):
        reading = asyncio.create_task(pool.read(SLOW_READ, 1, 5))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await value(await pool.read(READ, 1)) == "thing 1"


async def test_a_write_outlives_the_caller_that_was_cancelled(pool: HotPool, fresh_database: FreshDatabase) -> None:
    writing = asyncio.create_task(pool.write(SLOW_WRITE, 1, 0.5))
    await under_way(fresh_database)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await value(await pool.read(READ, 1)) == "thing 1"
    await pool.close()
    assert await hits(fresh_database, 1) == 1


async def test_deadlocked_writes_both_succeed_in_the_end(pool: HotPool, fresh_database: FreshDatabase) -> None:
    await asyncio.gather(pool.write(PAIR, 1, 2), pool.write(PAIR, 2, 1))
    assert (await hits(fresh_database, 1), await hits(fresh_database, 2)) == (2, 2)


async def test_more_callers_than_connections_wait_their_turn(pool: HotPool, fresh_database: FreshDatabase) -> None:
    await asyncio.gather(*(pool.write(WRITE, 3) for _ in range(100)))
    assert await hits(fresh_database, 3) == 100
    rows = await fetch(
        fresh_database.superuser_url,
        "select count(*) from pg_stat_activity where datname = $1 and application_name = 'assent hot'",
        fresh_database.name,
    )
    assert rows[0][0] == 2


async def test_whoever_waits_too_long_is_told_and_the_next_is_served(
    pool: HotPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot_pool, "QUEUE_SECONDS", 0.05)
    busy = [asyncio.create_task(pool.read(SLOW_READ, 1, 1.0)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="no connection was free"):
        await pool.read(READ, 1)
    await asyncio.gather(*busy)
    assert await value(await pool.read(READ, 1)) == "thing 1"


async def test_waiters_that_are_cancelled_lose_no_connection(pool: HotPool) -> None:
    for _ in range(30):
        callers = [asyncio.create_task(pool.read(READ, 1)) for _ in range(12)]
        await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    both = await asyncio.gather(pool.read(BACKEND), pool.read(BACKEND))
    assert len({await value(row) for row in both}) == 2


async def test_a_statement_beyond_its_time_is_told_as_unavailable(url: str) -> None:
    impatient = Statement("impatient", "update thing set hits = 99 where pg_sleep(9) is not null returning id")
    pool = HotPool(url, 1, (impatient,))
    held = await pool._acquire()
    await held.raw.execute("set statement_timeout = 100")
    pool._release(held)
    with pytest.raises(StoreUnavailable):
        await pool.write(impatient)
    await pool.close()


async def test_a_closed_pool_gives_nothing(pool: HotPool) -> None:
    await pool.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await pool.read(READ, 1)
