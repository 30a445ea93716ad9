"""What people are called in sectors is given out once, however many ask at the same time."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.crypto.secrets import new_id
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.store.scene import fetch
from tests.support.database import FreshDatabase

NOW = datetime.now(UTC)
CONNECTIONS = 20


@pytest.mark.spec("standards", "ID-7")
async def test_the_first_name_stays_whatever_is_worked_out_later(database: Database) -> None:
    ada = new_id(NOW)
    assert await database.pairwise.of("shop.example", ada, "first", NOW) == "first"
    with counting_trips() as trips:
        assert await database.pairwise.of("shop.example", ada, "by another key", NOW) == "first"
    assert trips == ["subject_of"]
    assert await database.pairwise.of("bank.example", ada, "second", NOW) == "second"
    assert await database.pairwise.of("shop.example", new_id(NOW), "third", NOW) == "third"


@pytest.mark.spec("standards", "ID-7")
async def test_of_twenty_at_once_all_are_told_the_same(
    crowd: Iterator[Database], fresh_database: FreshDatabase
) -> None:
    for _ in range(20):
        ada = new_id(NOW)
        told = await asyncio.gather(
            *(next(crowd).pairwise.of("raced.example", ada, f"{ada} {place}", NOW) for place in range(CONNECTIONS))
        )
        assert len(set(told)) == 1
        [kept] = await fetch(fresh_database.superuser_url, "select sub from pairwise_subject where user_id = $1", ada)
        assert kept["sub"] == told[0]
