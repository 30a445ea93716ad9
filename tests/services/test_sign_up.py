"""Making oneself an account: what comes of it, what is counted, and what nobody is told."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.protocol.configuration import RegistrationLimits
from app.protocol.policy import Lifetimes
from app.services import newcomers, sessions, sign_up
from app.services.login import SignedIn, SlowedDown
from app.services.names import name_key
from app.services.newcomers import Newcomer, Problem
from app.services.occasion import Occasion
from app.services.passwords import PasswordQueue, PasswordQueueFull
from app.services.sign_up import SignUpService
from app.store import users
from app.store.database import Database
from tests.support.database import FreshDatabase

NOW = datetime.now(UTC)
PASSWORD = "violet anchor plum taxi"
ADDRESS = "203.0.113.7"


def service(database: Database, **changes: object) -> SignUpService:
    """Return the service with its defaults."""
    made = SignUpService(database=database, passwords=PasswordQueue(), lifetimes=Lifetimes(), key=b"k" * 32)
    return replace(made, **changes)  # type: ignore[arg-type]


def newcomer(username: str, email: str = "") -> Newcomer:
    """Return what somebody typed."""
    return Newcomer(username, email or f"{username}@example.org", PASSWORD, PASSWORD)


def occasion(now: datetime = NOW, address: str = ADDRESS) -> Occasion:
    """Return where and when somebody types it."""
    return Occasion(now=now, request_id="req_1", address=address)


async def fetch(fresh: FreshDatabase, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Ask the database as its operator."""
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        return rows
    finally:
        await connection.close()


async def test_a_new_account_is_signed_in_and_told_in_the_trail(
    database: Database, fresh_database: FreshDatabase
) -> None:
    made = await sign_up.sign_up(service(database), newcomer("Ada"), occasion())
    assert isinstance(made, SignedIn)
    session = await sessions.find(database, made.session, NOW)
    assert session is not None
    assert (session.username, session.email, session.operator) == ("Ada", "Ada@example.org", False)
    told = await fetch(fresh_database, "select event, data::text as data from audit where user_id = $1", made.user_id)
    assert sorted(row["event"] for row in told) == ["login.succeeded", "user.created"]
    assert PASSWORD not in str(told)


async def test_an_address_that_nobody_has_checked_is_no_name_to_sign_in_with(
    database: Database, fresh_database: FreshDatabase
) -> None:
    assert isinstance(await sign_up.sign_up(service(database), newcomer("ada"), occasion()), SignedIn)
    assert await users.find_for_sign_in(database, name_key("ada")) is not None
    assert await users.find_for_sign_in(database, name_key("ada@example.org")) is None
    [row] = await fetch(fresh_database, "select email, claims::text as claims from user_account")
    assert (row["email"], row["claims"]) == ("ada@example.org", "{}"), "and it is not called verified"


async def test_whether_somebody_has_an_email_address_is_not_told(database: Database) -> None:
    for username in ("ada", "bob"):
        made = await sign_up.sign_up(service(database), newcomer(username, "same@example.org"), occasion())
        assert isinstance(made, SignedIn)


async def test_a_username_is_somebodys_however_it_is_cased(database: Database) -> None:
    assert isinstance(await sign_up.sign_up(service(database), newcomer("ada"), occasion()), SignedIn)
    again = await sign_up.sign_up(service(database), newcomer("ADA", "else@example.org"), occasion())
    assert again == Problem("username", newcomers.NAME_TAKEN)


async def test_of_many_who_want_one_name_at_once_one_gets_it(database: Database, fresh_database: FreshDatabase) -> None:
    busy = service(database, passwords=PasswordQueue(threads=2, waiting=40))
    made = await asyncio.gather(*(sign_up.sign_up(busy, newcomer("ada"), occasion()) for _ in range(20)))
    assert sum(isinstance(one, SignedIn) for one in made) == 1
    assert len(await fetch(fresh_database, "select id from user_account")) == 1
    assert len(await fetch(fresh_database, "select id from browser_session")) == 1


async def test_an_address_registers_so_many_and_then_waits_and_refused_ones_count(database: Database) -> None:
    strict = service(database, limits=RegistrationLimits(3))
    for username in ("ada", "ada", "bob"):
        assert not isinstance(await sign_up.sign_up(strict, newcomer(username), occasion()), SlowedDown)
    assert await sign_up.sign_up(strict, newcomer("kim"), occasion()) == SlowedDown(600)
    elsewhere = await sign_up.sign_up(strict, newcomer("kim"), occasion(address="198.51.100.9"))
    assert isinstance(elsewhere, SignedIn)
    later = await sign_up.sign_up(strict, newcomer("lee"), occasion(NOW + timedelta(minutes=10)))
    assert isinstance(later, SignedIn)


async def test_where_the_address_is_not_known_nobody_waits(database: Database) -> None:
    strict = service(database, limits=RegistrationLimits(1))
    for username in ("ada", "bob"):
        assert isinstance(await sign_up.sign_up(strict, newcomer(username), occasion(address="")), SignedIn)


async def test_whoever_finds_the_queue_full_is_not_counted(database: Database) -> None:
    full = service(database, limits=RegistrationLimits(1), passwords=PasswordQueue(threads=1, waiting=-1))
    with pytest.raises(PasswordQueueFull):
        await sign_up.sign_up(full, newcomer("ada"), occasion())
    open_again = replace(full, passwords=PasswordQueue())
    assert isinstance(await sign_up.sign_up(open_again, newcomer("ada"), occasion()), SignedIn)
