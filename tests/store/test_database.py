"""Opening a database, and ordinary transactions."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.models import ServerMeta
from app.store import hot_pool
from app.store.database import Database, StoreUnavailable
from app.store.hot_connection import counting_trips
from tests.store.scene import fetch
from tests.support.database import FreshDatabase


async def keys(database: Database) -> list[str]:
    async with database.transaction() as transaction:
        return list((await transaction.execute(select(col(ServerMeta.key)).order_by(col(ServerMeta.key)))).scalars())


async def put(database: Database, key: str, *, fail: bool = False) -> None:
    async with database.transaction() as transaction:
        await transaction.execute(insert(ServerMeta).values(key=key, value="1"))
        if fail:
            raise ZeroDivisionError


async def test_a_transaction_commits_at_its_end_and_rolls_back_with_an_exception(database: Database) -> None:
    await put(database, "kept")
    with pytest.raises(ZeroDivisionError):
        await put(database, "lost", fail=True)
    assert await keys(database) == ["kept", "oldest_code"]


async def test_a_mistake_of_ours_stays_what_it_is(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await put(database, "oldest_code")


async def test_statements_of_transactions_are_counted_too(database: Database) -> None:
    with counting_trips() as trips:
        await keys(database)
        await database.ping()
    assert len(trips) == 2
    assert trips[0].startswith("SELECT server_meta.key")
    assert trips[1] == "ping"


async def test_a_database_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hot_pool, "CONNECT_PATIENCE_SECONDS", 0.1)
    with pytest.raises(StoreUnavailable):
        await Database.open(f"postgresql://nobody:hidden@/nothing?host={tmp_path}")


async def test_a_database_that_goes_away_is_unavailable_and_then_served_again(fresh_database: FreshDatabase) -> None:
    database = await Database.open(fresh_database.runtime_url)
    terminate = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = $2"

    async def cut_off() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(text("select 1"))
            await fetch(fresh_database.superuser_url, terminate, fresh_database.name, "assent")
            await transaction.execute(text("select 1"))

    try:
        with pytest.raises(StoreUnavailable):
            await cut_off()
        assert "oldest_code" in await keys(database)
    finally:
        await database.close()


async def test_a_lock_that_is_held_too_long_is_unavailable(database: Database) -> None:
    async def lock(*, patience: str) -> None:
        async with database.transaction() as transaction:
            await transaction.execute(text(f"set local lock_timeout = '{patience}'"))
            await transaction.execute(text("select pg_advisory_xact_lock(1)"))
            if patience == "0":
                with pytest.raises(StoreUnavailable):
                    await lock(patience="50ms")

    await lock(patience="0")


async def test_more_transactions_than_connections_wait_their_turn(database: Database) -> None:
    async def slow() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(text("select pg_sleep(0.02)"))

    await asyncio.gather(*(slow() for _ in range(20)))


async def test_neither_errors_nor_names_carry_the_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hot_pool, "CONNECT_PATIENCE_SECONDS", 0.0)
    with pytest.raises(StoreUnavailable) as refused:
        await Database.open(f"postgresql://nobody:hidden@/nothing?host={tmp_path}")
    chain: BaseException | None = refused.value
    while chain is not None:
        assert "hidden" not in f"{chain} {chain!r}"
        chain = chain.__cause__ or chain.__context__
