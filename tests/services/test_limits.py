"""How many tries there are: counted in PostgreSQL, exactly, however many come at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.protocol.configuration import SignInLimits
from app.services import limits
from app.services.limits import Keys
from app.store import failures
from app.store.database import Database

NOW = datetime(2026, 11, 22, 9, 41, tzinfo=UTC)
LIMITS = SignInLimits()
KEY = b"k" * 32


def keys(name: str = "ada", address: str = "203.0.113.7") -> Keys:
    """Return the counters of one try."""
    return limits.keys_of(KEY, name=name, address=address)


async def fail(database: Database, of: Keys, now: datetime, rules: SignInLimits = LIMITS) -> float | None:
    """Fail once and return how long the account waits after it, in seconds; None when it does not."""
    assert await limits.admit(database, of, now, rules) is None
    async with database.transaction() as transaction:
        waits_until = await limits.failed(transaction, of, now, rules)
    return (waits_until - now).total_seconds() if waits_until else None


async def test_nine_failures_in_a_row_are_free_and_the_tenth_costs_thirty_seconds(database: Database) -> None:
    waits = [await fail(database, keys(), NOW) for _ in range(10)]
    assert waits == [None] * 9 + [30.0]


async def test_the_wait_doubles_up_to_an_hour(database: Database) -> None:
    now = NOW
    for _ in range(9):
        await fail(database, keys(), now)
    waits = []
    for _ in range(10):
        wait = await fail(database, keys(), now)
        assert wait is not None
        waits.append(wait)
        now += timedelta(seconds=wait)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


async def test_a_try_during_the_wait_is_refused_and_does_not_make_it_longer(database: Database) -> None:
    for _ in range(10):
        await fail(database, keys(), NOW)
    for seconds in (0, 10, 29):
        waits_until = await limits.admit(database, keys(), NOW + timedelta(seconds=seconds), LIMITS)
        assert waits_until == NOW + timedelta(seconds=30)
    assert await limits.admit(database, keys(), NOW + timedelta(seconds=30), LIMITS) is None


async def test_after_a_wait_one_try_is_judged_at_a_time(database: Database) -> None:
    for _ in range(10):
        await fail(database, keys(), NOW)
    later = NOW + timedelta(seconds=30)
    admissions = await asyncio.gather(*(limits.admit(database, keys(), later, LIMITS) for _ in range(20)))
    assert admissions.count(None) == 1


async def test_a_refused_try_does_not_count_against_the_address(database: Database) -> None:
    rules = SignInLimits(account_failures=1, address_failures=2)
    await fail(database, keys(), NOW, rules)
    for _ in range(5):
        assert await limits.admit(database, keys(), NOW, rules) is not None
    await fail(database, keys(name="bob"), NOW, rules)


async def test_an_address_has_three_hundred_failures_in_ten_minutes(database: Database) -> None:
    for number in range(300):
        await fail(database, keys(name=f"n{number}"), NOW + timedelta(seconds=number))
    full_until = await limits.admit(database, keys(name="another"), NOW + timedelta(minutes=9), LIMITS)
    assert full_until == NOW + timedelta(minutes=10)
    assert await limits.admit(database, keys("another", "203.0.113.8"), NOW, LIMITS) is None
    assert await limits.admit(database, keys(name="another"), NOW + timedelta(minutes=10), LIMITS) is None


async def test_success_forgives_the_account_all_and_the_address_the_one(database: Database) -> None:
    rules = SignInLimits(address_failures=12)
    for _ in range(9):
        await fail(database, keys(), NOW, rules)
    assert await limits.admit(database, keys(), NOW, rules) is None
    async with database.transaction() as transaction:
        await failures.forgive(transaction, keys().address or b"")
        await failures.clear(transaction, keys().account)
    assert [await fail(database, keys(), NOW, rules) for _ in range(3)] == [None] * 3
    assert await limits.admit(database, keys(), NOW, rules) is not None


async def test_tries_at_once_are_judged_and_make_nobody_wait_until_they_have_failed(database: Database) -> None:
    admissions = await asyncio.gather(*(limits.admit(database, keys(), NOW, LIMITS) for _ in range(40)))
    assert admissions == [None] * 40
    async with database.transaction() as transaction:
        assert await limits.failed(transaction, keys(), NOW, LIMITS) is not None
    assert await limits.admit(database, keys(), NOW, LIMITS) is not None


async def test_of_a_hundred_guesses_at_once_sixty_four_are_judged(database: Database) -> None:
    admissions = await asyncio.gather(*(limits.admit(database, keys(), NOW, LIMITS) for _ in range(100)))
    assert admissions.count(None) == limits.AT_ONCE


async def test_of_forty_tries_at_once_from_one_address_exactly_the_limit_is_judged(database: Database) -> None:
    rules = SignInLimits(address_failures=7)
    tries = (limits.admit(database, keys(name=f"n{number}"), NOW, rules) for number in range(40))
    assert (await asyncio.gather(*tries)).count(None) == 7


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(one: str, other: str, together: bool) -> None:
    assert (keys(address=one).address == keys(address=other).address) is together


@pytest.mark.parametrize("address", ["", "testclient", "/run/socket"])
async def test_where_the_address_is_unknown_only_the_account_counts(database: Database, address: str) -> None:
    assert keys(address=address).address is None
    assert await fail(database, keys(address=address), NOW) is None


def test_the_table_of_failures_names_nobody() -> None:
    assert b"ada" not in keys().account
    assert keys().account != limits.keys_of(b"x" * 32, name="ada", address="").account
    assert "k" * 5 not in repr(keys())


async def test_a_host_is_asked_so_often_in_a_minute_by_all_workers_together(database: Database) -> None:
    async def ask(host: str, after: float = 0.0) -> bool:
        return await limits.admit_fetch(database, lambda: NOW + timedelta(seconds=after), 5, host)

    assert sum(await asyncio.gather(*(ask("keys.example") for _ in range(20)))) == 5
    assert await ask("other.example")
    assert not await ask("keys.example", after=59)
    assert await ask("keys.example", after=60)
