"""Sessions: how long they live, how they end, and what a credential must be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.crypto.secrets import new_id
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential
from app.services import sessions
from app.services.occasion import Occasion
from app.store import sessions as session_rows
from app.store import users
from app.store.database import Database
from app.store.users import NewUser

NOW = datetime.now(UTC)
LIFETIMES = Lifetimes()
OCCASION = Occasion(now=NOW, request_id="req_1", address="203.0.113.7")


@pytest.fixture
async def user_id(database: Database) -> UUID:
    """A person of the test's own."""
    made = new_id(NOW)
    user = NewUser(
        id=made,
        username=str(made),
        username_key=str(made),
        email=None,
        email_key=None,
        password_hash=None,
        created_at=NOW,
    )
    async with database.transaction() as transaction:
        await users.insert_user(transaction, user)
    return made


async def begin(database: Database, user_id: UUID, *, epoch: int = 0, lifetimes: Lifetimes = LIFETIMES) -> Credential:
    """Begin a session and return its credential."""
    begun = sessions.begin(user_id, epoch, ("pwd",), OCCASION, lifetimes)
    async with database.transaction() as transaction:
        assert await session_rows.insert_session(transaction, begun.row)
    return begun.credential


async def lives(database: Database, credential: Credential | None, **later: float) -> bool:
    """Tell whether the session lives at a moment after its beginning."""
    return await sessions.find(database, credential, NOW + timedelta(**later)) is not None


@pytest.mark.spec("standards", "SE-3")
async def test_a_session_ends_after_twelve_hours_without_use(database: Database, user_id: UUID) -> None:
    credential = await begin(database, user_id)
    assert await lives(database, credential, hours=11, minutes=59)
    assert not await sessions.ran_idle(database, credential, NOW + timedelta(hours=11, minutes=59))
    assert not await lives(database, credential, hours=12)
    assert await sessions.ran_idle(database, credential, NOW + timedelta(hours=12))


@pytest.mark.spec("standards", "SE-3")
async def test_use_keeps_a_session_alive_up_to_its_absolute_end(database: Database, user_id: UUID) -> None:
    credential = await begin(database, user_id)
    now = NOW
    while now < NOW + timedelta(days=29, hours=10):
        now += timedelta(hours=11)
        session = await sessions.find(database, credential, now)
        assert session is not None
        await sessions.touch(database, session, now, LIFETIMES)
    assert await lives(database, credential, days=29, hours=23, minutes=59)
    assert not await lives(database, credential, days=30)
    assert not await sessions.ran_idle(database, credential, NOW + timedelta(days=30))


async def test_use_is_written_down_once_a_minute(database: Database, user_id: UUID) -> None:
    credential = await begin(database, user_id)
    session = await sessions.find(database, credential, NOW)
    assert session is not None
    await sessions.touch(database, session, NOW + timedelta(seconds=59), LIFETIMES)
    unchanged = await sessions.find(database, credential, NOW)
    assert unchanged == session
    later = NOW + timedelta(seconds=60)
    await sessions.touch(database, session, later, LIFETIMES)
    touched = await sessions.find(database, credential, NOW)
    assert touched == replace(session, last_used_at=later, idle_expires_at=later + timedelta(hours=12))


async def test_an_idle_time_longer_than_the_absolute_one_does_not_count(database: Database, user_id: UUID) -> None:
    short = Lifetimes(session_idle=timedelta(hours=5), session_absolute=timedelta(hours=1))
    credential = await begin(database, user_id, lifetimes=short)
    assert not await lives(database, credential, hours=1)


async def test_only_the_right_secret_opens_a_session(database: Database, user_id: UUID) -> None:
    credential = await begin(database, user_id)
    assert await lives(database, credential)
    assert not await lives(database, Credential(credential.id, b"x" * 32))
    assert not await lives(database, Credential(new_id(NOW), credential.secret))
    assert not await lives(database, None)


async def test_an_ended_session_is_over_at_once_and_ends_once(database: Database, user_id: UUID) -> None:
    credential = await begin(database, user_id)
    session = await sessions.find(database, credential, NOW)
    assert session is not None
    await sessions.end(database, session, OCCASION)
    await sessions.end(database, session, OCCASION)
    assert not await lives(database, credential)
    await sessions.touch(database, session, NOW + timedelta(hours=1), LIFETIMES)
    assert not await lives(database, credential)


@pytest.mark.spec("standards", "SE-4")
async def test_disabling_a_person_ends_his_sessions_for_good(database: Database, user_id: UUID) -> None:
    credential = await begin(database, user_id)
    async with database.transaction() as transaction:
        assert await users.disable(transaction, user_id, NOW)
        assert not await users.disable(transaction, user_id, NOW)
    assert not await lives(database, credential)
    async with database.transaction() as transaction:
        assert await users.enable(transaction, user_id, NOW)
        assert not await users.enable(transaction, user_id, NOW)
    assert not await lives(database, credential)
    assert await lives(database, await begin(database, user_id, epoch=1))


async def test_no_session_begins_for_somebody_who_was_disabled_meanwhile(database: Database, user_id: UUID) -> None:
    begun = sessions.begin(user_id, 0, ("pwd",), OCCASION, LIFETIMES)
    async with database.transaction() as transaction:
        await users.disable(transaction, user_id, NOW)
        assert not await session_rows.insert_session(transaction, begun.row)


def test_a_new_session_keeps_only_the_digest() -> None:
    begun = sessions.begin(UUID(int=1), 0, ("pwd",), OCCASION, LIFETIMES)
    assert begun.credential.secret not in (begun.row.digest, begun.row.id.bytes)
    assert str(begun.credential.secret) not in repr(begun)
