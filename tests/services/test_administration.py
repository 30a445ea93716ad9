"""Operators who act at the same moment, and what a search costs among many people."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from app.crypto.secrets import new_id, random_bytes
from app.protocol.facts import SessionFact
from app.services.administration import Administration, LastOperator, NoLongerOperator, list_users
from app.services.occasion import Occasion
from app.store import administration, sessions, users
from app.store.database import Database
from app.store.sessions import NewSession
from app.store.users import NewUser
from tests.support.database import FreshDatabase

NOW = datetime.now(UTC).replace(microsecond=0)


async def person(database: Database, username: str, *, operator: bool = True) -> UUID:
    """Register somebody."""
    user = NewUser(
        id=new_id(NOW),
        username=username,
        username_key=username,
        email=f"{username}@example.org",
        email_key=f"{username}@example.org",
        password_hash=None,
        created_at=NOW,
        operator=operator,
    )
    async with database.transaction() as transaction:
        await users.insert_user(transaction, user)
    return user.id


async def acting(database: Database, user_id: UUID) -> Administration:
    """Return an operator who has just signed in."""
    session = NewSession(
        id=new_id(NOW),
        digest=random_bytes(),
        user_id=user_id,
        user_epoch=0,
        amr=("pwd",),
        auth_time=NOW,
        idle_expires_at=NOW + timedelta(hours=1),
        expires_at=NOW + timedelta(hours=1),
    )
    async with database.transaction() as transaction:
        assert await sessions.insert_session(transaction, session)
    fact: SessionFact | None = await sessions.find_live(database, session.id, NOW)
    assert fact is not None
    return Administration(database, fact, Occasion(NOW, "req_test", "203.0.113.7"))


async def outcome(deed: Administration, user_id: UUID) -> str:
    """Return how shutting somebody out ended."""
    try:
        return str(await deed.disable_user(user_id))
    except (LastOperator, NoLongerOperator) as refused:
        return type(refused).__name__


async def test_operators_who_shut_each_other_out_at_once_leave_one(database: Database) -> None:
    """Twenty in a ring: each shuts out the next one, all at the same moment."""
    ids = [await person(database, f"operator{number:02}") for number in range(20)]
    deeds = [await acting(database, user_id) for user_id in ids]
    ended = await asyncio.gather(*(outcome(deed, ids[(place + 1) % len(ids)]) for place, deed in enumerate(deeds)))
    async with database.transaction() as transaction:
        left = await administration.active_operators(transaction)
    assert left
    counted = Counter(ended)
    assert counted["True"] == 20 - len(left)
    assert counted["True"] + counted["NoLongerOperator"] + counted["LastOperator"] == 20


async def test_two_operators_who_shut_each_other_out_leave_exactly_one(database: Database) -> None:
    ada, grace = await person(database, "ada"), await person(database, "grace")
    first, second = await acting(database, ada), await acting(database, grace)
    ended = await asyncio.gather(*(outcome(*deed) for deed in [(first, grace), (second, ada)] * 10))
    async with database.transaction() as transaction:
        assert len(await administration.active_operators(transaction)) == 1
    assert Counter(ended)["True"] == 1


async def test_whoever_was_shut_out_meanwhile_shuts_nobody_out(database: Database) -> None:
    ada, grace, sue = [await person(database, name) for name in ("ada", "grace", "sue")]
    late = await acting(database, grace)
    assert await (await acting(database, ada)).disable_user(grace)
    with pytest.raises(NoLongerOperator):
        await late.disable_user(sue)


async def test_twenty_times_at_once_is_one_deed(database: Database) -> None:
    ada, sue = await person(database, "ada"), await person(database, "sue", operator=False)
    deed = await acting(database, ada)
    ended = await asyncio.gather(*(deed.disable_user(sue) for _ in range(20)))
    assert Counter(ended) == {True: 1, False: 19}


async def test_a_search_among_many_people_reads_few(
    database: Database, fresh_database: FreshDatabase, volume: Callable[[int], int]
) -> None:
    """The rare name is found by the indexes, and the common beginning in the order of the list."""
    many = volume(1_000_000)
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        await connection.execute(
            """insert into user_account (id, sub, username, username_key, email, email_key, created_at, updated_at)
               select gen_random_uuid(), 'many' || n, 'many' || n, 'many' || n, 'mail' || n || '@example.org',
                      'mail' || n || '@example.org', now(), now()
                 from generate_series(1, $1) n""",
            many,
        )
        await connection.execute("analyze user_account")
        for beginning in ("many777", "mail777", "many", "m", "nobody"):
            key = beginning + "%"
            plan = await connection.fetch(
                "explain (analyze, buffers off, timing off, format text) select id from user_account where username_key"
                f" like '{key}' or email_key like '{key}' order by id desc limit 51"
            )
            assert not [line for (line,) in plan if "Seq Scan" in line], plan
    finally:
        await connection.close()
    found = await list_users(database, "MANY777", after=None, limit=51)
    assert found
    assert all(one.username.startswith("many777") for one in found)
