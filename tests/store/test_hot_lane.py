"""Statements that share trips: a crowd goes together, and nobody suffers from who travels with him."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.store import hot_lane
from app.store.hot_connection import Arguments, HotConnection, Statement, StoreUnavailable
from app.store.hot_lane import Lane
from app.store.hot_pool import WRITING, HotPool
from tests.store.scene import connected, fetch
from tests.support.database import FreshDatabase
from tests.support.processes import PATIENCE

TRANSACTION = "pg_current_xact_id()::text"
READ = Statement("read", "select (select name from thing where id = $1), pg_backend_pid()", shares_trips=True)
WRITE = Statement(
    "write",
    f"""with t as (update thing set hits = hits + $2 where id = $1 returning hits)
    select (select hits from t), {TRANSACTION}""",
    shares_trips=True,
)
OTHER = Statement("other", f"select $1::uuid, {TRANSACTION}", shares_trips=True)
STATEMENTS = (READ, WRITE, OTHER)
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture
async def url(fresh_database: FreshDatabase) -> str:
    """A database with a table of three things, none of which may be hit more than a thousand times."""
    await fetch(fresh_database.owner_url, "drop table if exists thing")
    await fetch(
        fresh_database.owner_url,
        "create table thing (id uuid primary key, name text, hits integer check (hits <= 1000))",
    )
    for thing in (ONE, TWO, THREE):
        await fetch(fresh_database.owner_url, "insert into thing values ($1, $2, 0)", thing, f"thing {thing.int}")
    return fresh_database.owner_url


@pytest.fixture
async def pool(url: str) -> AsyncIterator[HotPool]:
    opened = HotPool(url, 8, STATEMENTS)
    yield opened
    await opened.close()


async def hits(url: str, thing: UUID) -> int:
    [row] = await fetch(url, "select hits from thing where id = $1", thing)
    count: int = row[0]
    return count


async def write(pool: HotPool, thing: UUID, by: int = 1) -> asyncpg.Record:
    row = await pool.write(WRITE, thing, by)
    assert row is not None
    return row


async def waiting_for_a_lock(fresh: FreshDatabase, count: int) -> None:
    """Wait until so many connections of the pool wait for somebody else's lock."""
    query = """select count(*) from pg_stat_activity
        where datname = $1 and application_name = 'assent hot' and wait_event_type = 'Lock'"""
    async with asyncio.timeout(PATIENCE):
        while (await fetch(fresh.superuser_url, query, fresh.name))[0][0] < count:  # noqa: ASYNC110 - it does not tell
            await asyncio.sleep(0.02)


async def test_each_caller_of_a_crowd_gets_his_own_row(pool: HotPool) -> None:
    asked = [ONE, THREE, TWO, UUID(int=4)] * 25
    rows = await asyncio.gather(*(pool.read(READ, thing) for thing in asked))
    names = {ONE: "thing 1", TWO: "thing 2", THREE: "thing 3"}
    assert [row[0] for row in rows if row is not None] == [names.get(thing) for thing in asked]


async def test_a_crowd_of_writes_takes_few_transactions_and_loses_none(pool: HotPool, url: str) -> None:
    rows = await asyncio.gather(*(write(pool, ONE) for _ in range(hot_lane.TOGETHER * WRITING)))
    assert {row[0] for row in rows} == set(range(1, len(rows) + 1))
    assert len({row[1] for row in rows}) == WRITING
    assert await hits(url, ONE) == len(rows)


async def test_one_trip_carries_no_more_than_its_share(pool: HotPool) -> None:
    rows = await asyncio.gather(*(write(pool, ONE) for _ in range(300)))
    assert max(Counter(row[1] for row in rows).values()) <= hot_lane.TOGETHER


async def test_different_statements_go_on_different_trips_and_all_arrive(pool: HotPool) -> None:
    calls = [pool.write(WRITE, ONE, 1) if number % 2 else pool.write(OTHER, TWO) for number in range(40)]
    rows = await asyncio.gather(*calls)
    odd, even = {row[1] for row in rows[1::2] if row}, {row[1] for row in rows[::2] if row}
    assert odd.isdisjoint(even)


async def test_one_that_the_database_refuses_fails_alone(pool: HotPool, url: str) -> None:
    answers = await asyncio.gather(
        *(write(pool, thing, by) for thing, by in [(ONE, 1), (TWO, 5000), (THREE, 1)] * 5), return_exceptions=True
    )
    refused = [isinstance(answer, asyncpg.CheckViolationError) for answer in answers]
    assert refused == [False, True, False] * 5
    assert [await hits(url, thing) for thing in (ONE, TWO, THREE)] == [5, 0, 5]


async def test_one_that_cannot_be_encoded_fails_alone(pool: HotPool, url: str) -> None:
    answers = await asyncio.gather(*(pool.write(WRITE, ONE, by) for by in (1, "many", 1)), return_exceptions=True)
    assert isinstance(answers[1], asyncpg.DataError)
    assert await hits(url, ONE) == 2


async def test_one_that_is_about_no_row_fails_alone_and_at_once(pool: HotPool) -> None:
    asked = [pool.read(READ, thing) for thing in (ONE, None, TWO)]
    async with asyncio.timeout(PATIENCE):
        first, nothing, second = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(nothing, TypeError)
    assert [row[0] for row in (first, second) if isinstance(row, asyncpg.Record)] == ["thing 1", "thing 2"]


async def test_a_caller_who_leaves_changes_nothing_for_those_who_stay(pool: HotPool, url: str) -> None:
    callers = [asyncio.create_task(write(pool, ONE)) for _ in range(100)]
    await asyncio.sleep(0)
    for caller in callers[::2]:
        caller.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    assert all(isinstance(answer, asyncpg.Record) for answer in answers[1::2])
    await pool.close()
    assert await hits(url, ONE) == 100


async def test_an_errand_that_comes_as_the_only_carrier_stops_is_carried() -> None:
    async def carry(statement: Statement, many: Sequence[Arguments]) -> list[Any]:
        return [arguments[0] for arguments in many]

    lane = Lane(carry, carriers=1)
    async with asyncio.timeout(PATIENCE):
        assert [await lane.run(READ, (thing,)) for thing in (ONE, TWO, THREE)] == [ONE, TWO, THREE]
        await lane.rest()


async def test_what_breaks_on_the_way_is_told_to_everybody_and_the_next_is_served() -> None:
    broken = [ConnectionError("one end"), asyncpg.PostgresSyntaxError("another")]

    async def carry(statement: Statement, many: Sequence[Arguments]) -> list[Any]:
        if broken:
            raise broken.pop()
        return [arguments[0] for arguments in many]

    lane = Lane(carry, carriers=1)
    answers = await asyncio.gather(*(lane.run(READ, (thing,)) for thing in (ONE, TWO)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError, UUID]
    assert await lane.run(READ, (THREE,)) == THREE


async def test_crowds_that_lock_the_same_rows_from_both_sides_never_wait_for_each_other(url: str) -> None:
    workers = [HotPool(url, 4, STATEMENTS) for _ in range(2)]
    calls = [workers[number % 2].write(WRITE, UUID(int=1 + number % 3), 1) for number in range(600)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*calls)
    assert [await hits(url, thing) for thing in (ONE, TWO, THREE)] == [200, 200, 200]
    [row] = await fetch(url, "select deadlocks from pg_stat_database where datname = current_database()")
    assert row[0] == 0
    for worker in workers:
        await worker.close()


async def test_writes_whose_connection_is_lost_are_told_so_and_not_repeated(
    pool: HotPool, url: str, fresh_database: FreshDatabase
) -> None:
    async with connected(url) as blocker:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("update thing set hits = 500 where id = $1", ONE)
        writes = [asyncio.create_task(write(pool, ONE)) for _ in range(10)]
        await waiting_for_a_lock(fresh_database, 1)
        await fetch(
            fresh_database.superuser_url,
            """select pg_terminate_backend(pid) from pg_stat_activity
                where datname = $1 and application_name = 'assent hot'""",
            fresh_database.name,
        )
        answers = await asyncio.gather(*writes, return_exceptions=True)
        await transaction.rollback()
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    assert await hits(url, ONE) == 0


async def test_reads_whose_connection_was_closed_are_asked_again(pool: HotPool, fresh_database: FreshDatabase) -> None:
    await pool.read(READ, ONE)
    await fetch(
        fresh_database.superuser_url,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'assent hot'",
        fresh_database.name,
    )
    rows = await asyncio.gather(*(pool.read(READ, TWO) for _ in range(10)))
    assert [row[0] for row in rows if row is not None] == ["thing 2"] * 10


async def test_a_statement_that_the_server_forgot_is_prepared_again(pool: HotPool) -> None:
    held = await pool._acquire()
    await held.raw.execute("deallocate all")
    pool._release(held)
    rows = await asyncio.gather(*(pool.read(READ, TWO) for _ in range(3)), write(pool, ONE))
    assert [row[0] for row in rows if row is not None] == ["thing 2", "thing 2", "thing 2", 1]


async def test_whoever_waits_too_long_for_his_turn_is_told(
    pool: HotPool, url: str, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(url) as blocker:
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("update thing set hits = 7 where id = $1", ONE)
        stuck = []
        for number in range(WRITING):
            stuck.append(asyncio.create_task(write(pool, ONE)))
            await waiting_for_a_lock(fresh_database, number + 1)
        monkeypatch.setattr(hot_lane, "PATIENCE_SECONDS", 0.1)
        late = asyncio.create_task(write(pool, TWO))
        await asyncio.sleep(0.3)
        await transaction.rollback()
    with pytest.raises(StoreUnavailable, match="no connection was free"):
        await late
    await asyncio.gather(*stuck)
    assert await hits(url, TWO) == 0


async def test_one_trip_is_one_message_of_all_executions(url: str) -> None:
    connection = await HotConnection.open(url, STATEMENTS)
    rows = await connection.fetch_each(WRITE, [(ONE, 1), (TWO, 1), (ONE, 1)])
    assert [row[0] for row in rows] == [1, 1, 2]
    assert len({row[1] for row in rows}) == 1
    await connection.raw.close()
