"""Time partitions: made ahead, never in anybody's way, dropped when all in them is dead (storage.md §2)."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from app.store import partitions
from app.store.database import Database
from app.store.partitions import Partition, Retention
from tests.store import scene as scenes
from tests.store.scene import NOW, connected, fetch
from tests.support.database import FreshDatabase

DAY = timedelta(days=1)


async def names(fresh: FreshDatabase, table: str) -> list[str]:
    """The attached partitions of a table, in order."""
    rows = await fetch(
        fresh.superuser_url,
        "select inhrelid::regclass::text from pg_inherits where inhparent = to_regclass($1) order by 1",
        table,
    )
    return [row[0] for row in rows]


@pytest.fixture
async def old_day(database: Database, fresh_database: FreshDatabase) -> datetime:
    """A day long ago with a partition of its own for tokens, and everything ahead of `NOW`."""
    await partitions.drop_expired(fresh_database.owner_url, NOW + 9999 * DAY)
    await partitions.ensure_ahead(database, NOW)
    await database.ensure_partition("access_token", NOW - 50 * DAY)
    return NOW - 50 * DAY


async def test_partitions_are_made_for_now_and_two_steps_ahead(
    database: Database, fresh_database: FreshDatabase, old_day: datetime
) -> None:
    await partitions.ensure_ahead(database, NOW)
    assert (await names(fresh_database, "access_token"))[1:] == [
        "access_token_20261102",
        "access_token_20261103",
        "access_token_20261104",
    ]
    assert await names(fresh_database, "audit") == ["audit_20261101", "audit_20261201", "audit_20270101"]
    assert await partitions.left(database, NOW) == {"access_token": 3, "decision_trace": 3, "audit": 3, "proof": 3}
    assert (await partitions.left(database, NOW + 2 * DAY))["access_token"] == 1
    assert (await partitions.left(database, NOW + 3 * DAY))["access_token"] == 0


@pytest.mark.parametrize("month", range(1, 13))
async def test_no_month_is_left_out(database: Database, month: int) -> None:
    late = datetime(2031 + month, month, 28, 23, 59, 59, 999_999, tzinfo=NOW.tzinfo)
    await partitions.ensure_ahead(database, late)
    assert (await partitions.left(database, late))["audit"] == 3


def test_a_gap_ends_the_count() -> None:
    days = [Partition(str(n), NOW + n * DAY, NOW + (n + 1) * DAY) for n in (-1, 0, 1, 3)]
    assert partitions.unbroken(days, NOW) == 2
    assert partitions.unbroken(days, NOW + 2 * DAY) == 0
    assert partitions.unbroken(days, NOW + 3 * DAY) == 1


async def test_many_who_make_the_same_partitions_at_once_all_succeed(database: Database) -> None:
    later = NOW + 700 * DAY
    await asyncio.gather(*(partitions.ensure_ahead(database, later) for _ in range(20)))
    assert (await partitions.left(database, later))["access_token"] == 3


async def test_a_partition_is_dropped_when_its_longest_token_is_dead(
    fresh_database: FreshDatabase, old_day: datetime
) -> None:
    end = old_day.replace(hour=0) + DAY
    still = await partitions.drop_expired(fresh_database.owner_url, end + DAY - timedelta(seconds=1))
    assert still == []
    assert await partitions.drop_expired(fresh_database.owner_url, end + DAY) == [f"access_token_{old_day:%Y%m%d}"]
    assert len(await names(fresh_database, "access_token")) == 3


async def test_a_year_of_days_never_leaves_more_than_eight_partitions(
    database: Database, fresh_database: FreshDatabase, volume: Callable[[int], int]
) -> None:
    for day in range(volume(365)):
        moment = NOW + 3000 * DAY + day * DAY
        await partitions.ensure_ahead(database, moment)
        await partitions.drop_expired(fresh_database.owner_url, moment)
        assert len(await names(fresh_database, "access_token")) <= 5


async def test_audit_is_kept_as_long_as_the_setting_says(database: Database, fresh_database: FreshDatabase) -> None:
    await database.ensure_partition("audit", datetime(2020, 2, 10, tzinfo=NOW.tzinfo))
    keep = Retention({"audit": 30 * DAY})
    march = datetime(2020, 3, 1, tzinfo=NOW.tzinfo)
    assert await partitions.drop_expired(fresh_database.owner_url, march + 29 * DAY, keep) == []
    assert await partitions.drop_expired(fresh_database.owner_url, march + 30 * DAY, keep) == ["audit_20200201"]


async def test_two_jobs_at_once_do_the_work_once(fresh_database: FreshDatabase, old_day: datetime) -> None:
    dropped = await asyncio.gather(*(partitions.drop_expired(fresh_database.owner_url, NOW) for _ in range(4)))
    assert sorted(name for names in dropped for name in names) == [f"access_token_{old_day:%Y%m%d}"]


async def test_look_ups_go_on_while_a_partition_waits_to_be_detached(
    database: Database, fresh_database: FreshDatabase, old_day: datetime
) -> None:
    """A long reader makes DETACH wait; nobody else waits behind it, and new partitions can be made."""
    scene = await scenes.begin(database)
    async with connected(fresh_database.owner_url) as reader:
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("select count(*) from access_token")
        dropping = asyncio.create_task(partitions.drop_expired(fresh_database.owner_url, NOW))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):  # who has to wait waits until the reader is gone
            _, order = await scenes.redeem(scene, "a")
            assert (await database.hot.gather_token(None, order.token.id))[1] is not None
            await database.ensure_partition("access_token", NOW + 5 * DAY)
        assert not dropping.done()
        await reading.rollback()
        assert await dropping == [f"access_token_{old_day:%Y%m%d}"]


async def test_an_interrupted_detachment_is_finished_by_the_next_run(
    fresh_database: FreshDatabase, old_day: datetime
) -> None:
    name = f"access_token_{old_day:%Y%m%d}"
    async with connected(fresh_database.owner_url) as reader:
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("select count(*) from access_token")
        async with connected(fresh_database.owner_url, lock_timeout="50ms") as interrupted:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await interrupted.execute(f"alter table access_token detach partition {name} concurrently")
        await reading.rollback()
    [pending] = await fetch(
        fresh_database.superuser_url, "select inhrelid::regclass::text from pg_inherits where inhdetachpending"
    )
    assert pending[0] == name
    assert await partitions.drop_expired(fresh_database.owner_url, NOW) == [name]
    assert name not in await names(fresh_database, "access_token")


async def test_what_was_detached_and_not_dropped_is_dropped_by_the_next_run(
    fresh_database: FreshDatabase, old_day: datetime
) -> None:
    name = f"access_token_{old_day:%Y%m%d}"
    await fetch(fresh_database.owner_url, f"alter table access_token detach partition {name}")
    assert await partitions.drop_expired(fresh_database.owner_url, NOW) == [name]


async def test_a_row_without_a_partition_makes_its_own(database: Database, fresh_database: FreshDatabase) -> None:
    scene = await scenes.begin(database)
    later = datetime(2029, 5, 6, 7, tzinfo=NOW.tzinfo)
    settled, code_id = await scenes.approve(scene, "a", now=later)
    assert await database.hot.settle_code(scenes.exchange(scene.origin(settled), code_id, later))
    assert "access_token_20290506" in await names(fresh_database, "access_token")
    assert "audit_20290501" in await names(fresh_database, "audit")


async def test_only_the_check_that_means_a_missing_partition_makes_one(
    database: Database, fresh_database: FreshDatabase
) -> None:
    scene = await scenes.begin(database)
    await fetch(fresh_database.owner_url, "alter table interaction add constraint odd check (client_id <> 'odd')")
    with pytest.raises(asyncpg.CheckViolationError):
        await database.hot.save_interaction(scenes.interaction(scene, client_id="odd"))
