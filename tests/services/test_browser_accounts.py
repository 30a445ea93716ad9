"""Several people on one browser: whose session goes on under its name, and which ones stay."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.crypto.secrets import new_id
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential
from app.services import own_sessions, sessions
from app.services.occasion import Occasion
from app.store import users
from app.store.database import Database
from app.store.users import NewUser

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=13)
LIFETIMES = Lifetimes()


def occasion(now: datetime = NOW) -> Occasion:
    """Return a moment at which somebody signs in."""
    return Occasion(now=now, request_id="req_1", address="203.0.113.7")


async def person(database: Database) -> UUID:
    """Register a person of the test's own."""
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


async def enter(
    database: Database, user_id: UUID, *held: Credential, now: datetime = NOW, epoch: int = 0
) -> tuple[Credential, tuple[Credential, ...]]:
    """Sign in on a browser that holds these sessions; return the new one and those that stay besides it."""
    begun = sessions.begin(user_id, epoch, ("pwd",), occasion(now), LIFETIMES)
    async with database.transaction() as transaction:
        others = await sessions.settle_in(transaction, begun, held, occasion(now))
    assert others is not None
    return begun.credential, others


async def sid(database: Database, credential: Credential, now: datetime = NOW) -> UUID | None:
    """Return what the live session is called, None when it is over."""
    found = await sessions.find(database, credential, now)
    return found.sid if found else None


@pytest.mark.spec("standards", "SE-2")
@pytest.mark.spec("standards", "SE-8")
async def test_signing_in_again_goes_on_under_the_same_name_with_another_credential(database: Database) -> None:
    ada = await person(database)
    first, _ = await enter(database, ada)
    second, others = await enter(database, ada, first)
    third, _ = await enter(database, ada, second)
    assert len({first.id, second.id, third.id}) == 3
    assert [await sid(database, one) for one in (first, second)] == [None, None]
    assert await sid(database, third) == first.id
    assert others == ()


@pytest.mark.spec("standards", "SE-8")
async def test_somebody_else_begins_a_session_of_his_own_and_the_one_before_stays(database: Database) -> None:
    ada, bob = await person(database), await person(database)
    first, _ = await enter(database, ada)
    second, others = await enter(database, bob, first)
    assert others == (first,)
    assert (await sid(database, first), await sid(database, second)) == (first.id, second.id)


async def test_whoever_is_one_of_the_others_goes_on_with_his_own_session(database: Database) -> None:
    ada, bob = await person(database), await person(database)
    first, _ = await enter(database, ada)
    second, others = await enter(database, bob, first)
    again, others = await enter(database, ada, second, *others)
    assert others == (second,)
    assert await sid(database, again) == first.id
    assert await sid(database, second) == second.id


async def test_two_clicks_on_one_sign_in_page_leave_one_session(database: Database) -> None:
    ada = await person(database)
    first, _ = await enter(database, ada)
    made = await asyncio.gather(*(enter(database, ada, first) for _ in range(4)))
    names = [await sid(database, credential) for credential, _ in made]
    assert sorted(name is not None for name in names) == [False, False, False, True]
    assert first.id in names


async def test_a_session_that_somebody_ended_is_not_gone_on_with(database: Database) -> None:
    ada = await person(database)
    first, _ = await enter(database, ada)
    assert await own_sessions.end_one(database, ada, first.id, occasion(), own_sessions.ELSEWHERE)
    second, _ = await enter(database, ada, first)
    assert await sid(database, second) == second.id


async def test_a_session_that_ran_out_is_gone_on_with(database: Database) -> None:
    ada = await person(database)
    first, _ = await enter(database, ada)
    assert await sid(database, first, LATER) is None
    second, _ = await enter(database, ada, first, now=LATER)
    assert await sid(database, second, LATER) == first.id


async def test_nothing_from_before_a_person_was_shut_out_is_gone_on_with(database: Database) -> None:
    ada = await person(database)
    first, _ = await enter(database, ada)
    async with database.transaction() as transaction:
        await users.disable(transaction, ada, NOW)
        await users.enable(transaction, ada, NOW)
    second, _ = await enter(database, ada, first, epoch=1)
    assert await sid(database, second) == second.id


async def test_a_credential_with_another_secret_stands_for_nobody(database: Database) -> None:
    ada, bob = await person(database), await person(database)
    first, _ = await enter(database, ada)
    forged = Credential(first.id, b"f" * 32)
    for whom in (ada, bob):
        entered, others = await enter(database, whom, forged)
        assert others == ()
        assert await sid(database, entered) == entered.id
    assert await sid(database, first) == first.id
    assert await sessions.find_held(database, [forged], NOW) == []


async def test_those_who_are_signed_in_come_before_those_who_are_not_any_more(database: Database) -> None:
    people = [await person(database) for _ in range(4)]
    over, _ = await enter(database, people[0])
    ended, _ = await enter(database, people[1])
    await own_sessions.end_all(database, people[1], occasion(), own_sessions.BY_OPERATOR)
    live, _ = await enter(database, people[2], now=LATER)
    _, others = await enter(database, people[3], over, ended, live, now=LATER)
    assert others == (live, over, ended)
    held = {one.session.id: one.live for one in await sessions.find_held(database, others, LATER)}
    assert held == {live.id: True, over.id: False, ended.id: False}


async def test_the_account_of_somebody_who_is_shut_out_is_not_told(database: Database) -> None:
    ada = await person(database)
    credential, _ = await enter(database, ada)
    async with database.transaction() as transaction:
        await users.disable(transaction, ada, NOW)
    assert await sessions.find_held(database, [credential], NOW) == []
