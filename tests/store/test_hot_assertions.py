"""Assertions that were used leave marks: one for each hour, and whoever finds one comes second."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.protocol.single_use import SingleUse, single_use
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.database import FreshDatabase

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
CONNECTIONS = 20


def use(name: str, *, begin: timedelta = timedelta(), lasts: timedelta = timedelta(minutes=1)) -> SingleUse:
    return single_use("test", name, now=NOW + begin, last=NOW + begin + lasts)


@pytest.mark.spec("standards", "CA-7")
async def test_the_first_one_is_noted_and_no_other_with_its_name(database: Database) -> None:
    assert await database.assertions.note(use("first"))
    assert not await database.assertions.note(use("first"))
    assert not await database.assertions.note(use("first", lasts=HOUR))
    assert await database.assertions.note(use("second", lasts=HOUR))
    assert not await database.assertions.note(use("second", begin=HOUR))
    assert await database.assertions.note(use("third"))


@pytest.mark.spec("standards", "CA-7")
async def test_marks_of_hours_that_have_no_partition_make_them(
    database: Database, fresh_database: FreshDatabase
) -> None:
    far = 500 * HOUR
    assert await database.assertions.note(use("far", begin=far, lasts=HOUR))
    assert not await database.assertions.note(use("far", begin=far + HOUR))
    rows = await fetch(
        fresh_database.superuser_url, "select count(distinct tableoid) from proof where at >= $1", NOW + far - HOUR
    )
    assert rows[0][0] == 2


@pytest.mark.spec("standards", "CA-7")
async def test_of_twenty_at_once_one_is_first_however_long_each_lasts(
    database: Database, fresh_database: FreshDatabase
) -> None:
    other = await Database.open(fresh_database.runtime_url, hot_connections=CONNECTIONS // 2)
    try:
        for round_ in range(20):
            uses = [use(f"raced {round_}", lasts=timedelta(minutes=place * 6)) for place in range(CONNECTIONS)]
            noted = await asyncio.gather(
                *((other if place % 2 else database).assertions.note(one) for place, one in enumerate(uses))
            )
            assert sum(noted) == 1
    finally:
        await other.close()
