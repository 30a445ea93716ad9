"""Signing in: what it changes, what it leaves alone, and that nobody can tell why it failed."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from argon2 import PasswordHasher

from app.crypto.passwords import hash_password
from app.crypto.secrets import new_id
from app.protocol.configuration import SignInLimits
from app.protocol.policy import Lifetimes
from app.services import login, sessions
from app.services.login import Attempt, Failed, SignedIn, SignInService, SlowedDown
from app.services.names import name_key
from app.services.occasion import Occasion
from app.services.passwords import PasswordPlace, PasswordQueue, PasswordQueueFull
from app.store import users
from app.store.database import Database
from app.store.users import NewUser
from tests.support.database import FreshDatabase

NOW = datetime.now(UTC)
PASSWORD = "violet anchor plum taxi"
HASH = hash_password(PASSWORD)


def service(database: Database, **changes: object) -> SignInService:
    """Return the service with its defaults."""
    made = SignInService(database=database, passwords=PasswordQueue(), lifetimes=Lifetimes(), key=b"k" * 32)
    return replace(made, **changes)  # type: ignore[arg-type]


def attempt(name: str, password: str = PASSWORD, *, address: str = "", now: datetime = NOW) -> Attempt:
    """Return one try."""
    return Attempt(name=name, password=password, occasion=Occasion(now=now, request_id="req_1", address=address))


async def add_user(database: Database, name: str, *, password_hash: str | None = HASH) -> UUID:
    """Register a person with this username, and this name as the local part of his email address."""
    email = f"{name}@example.org"
    user = NewUser(
        id=new_id(NOW),
        username=name,
        username_key=name_key(name),
        email=email,
        email_key=name_key(email),
        password_hash=password_hash,
        created_at=NOW,
    )
    async with database.transaction() as transaction:
        await users.insert_user(transaction, user)
    return user.id


async def audit_rows(fresh: FreshDatabase, user_id: UUID | None = None) -> list[asyncpg.Record]:
    """Return the audit trail, as the operator sees it."""
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        return await connection.fetch(
            "select event, actor_kind, actor_id, user_id, subject_id, address, data::text as data from audit"
            " where $1::uuid is null or user_id = $1 or subject_id = $1::text order by id",
            user_id,
        )
    finally:
        await connection.close()


async def test_the_right_password_begins_a_session(database: Database) -> None:
    user_id = await add_user(database, "begins")
    outcome = await login.sign_in(service(database), attempt("begins", address="203.0.113.7"))
    assert isinstance(outcome, SignedIn)
    assert outcome.user_id == user_id
    session = await sessions.find(database, outcome.session, NOW)
    assert session is not None
    assert (session.user_id, session.amr, session.auth_time) == (user_id, ("pwd",), NOW)
    assert (session.username, session.email) == ("begins", "begins@example.org")


async def test_a_password_account_and_one_without_password_fail_alike(database: Database) -> None:
    await add_user(database, "passwordless", password_hash=None)
    assert isinstance(await login.sign_in(service(database), attempt("passwordless", "")), Failed)
    assert isinstance(await login.sign_in(service(database), attempt("passwordless")), Failed)


async def test_every_way_to_fail_costs_one_hash(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_user(database, "known")
    off = await add_user(database, "off")
    async with database.transaction() as transaction:
        await users.disable(transaction, off, NOW)
    counted: list[str | None] = []
    verify = PasswordPlace.verify

    async def counting(place: PasswordPlace, encoded: str | None, password: str) -> bool:
        counted.append(encoded)
        return await verify(place, encoded, password)

    monkeypatch.setattr(PasswordPlace, "verify", counting)
    tries = [("known", "wrong"), ("off", PASSWORD), ("off", "wrong"), ("nobody", "wrong"), ("known", "x" * 2000)]
    for name, password in tries:
        counted.clear()
        assert isinstance(await login.sign_in(service(database), attempt(name, password)), Failed)
        assert len(counted) == 1


async def test_a_person_who_must_confirm_cannot_be_replaced_by_another(database: Database) -> None:
    await add_user(database, "first")
    second = await add_user(database, "second")
    wanted = replace(attempt("first"), only_user_id=second)
    assert isinstance(await login.sign_in(service(database), wanted), Failed)
    assert isinstance(await login.sign_in(service(database), replace(wanted, name="second")), SignedIn)


async def test_success_ends_the_session_before_and_says_so(database: Database, fresh_database: FreshDatabase) -> None:
    user_id = await add_user(database, "again")
    first = await login.sign_in(service(database), attempt("again"))
    assert isinstance(first, SignedIn)
    second = await login.sign_in(service(database), replace(attempt("again"), held=(first.session,)))
    assert isinstance(second, SignedIn)
    assert second.session.id != first.session.id
    assert await sessions.find(database, first.session, NOW) is None
    assert await sessions.find(database, second.session, NOW) is not None
    events = [row["event"] for row in await audit_rows(fresh_database, user_id)]
    assert events.count("login.succeeded") == 2
    assert events.count("session.ended") == 1


async def test_a_failure_is_recorded_without_what_was_typed(database: Database, fresh_database: FreshDatabase) -> None:
    user_id = await add_user(database, "recorded")
    await login.sign_in(service(database), attempt("recorded", "s3cret-typed-wrong", address="203.0.113.9"))
    await login.sign_in(service(database), attempt("my-password-in-the-wrong-field", "s3cret-typed-wrong"))
    [row] = await audit_rows(fresh_database, user_id)
    assert (row["event"], row["address"], row["user_id"]) == ("login.failed", "203.0.113.9", user_id)
    assert (row["actor_kind"], row["actor_id"]) == ("anonymous", ""), "nobody has proved who he is"
    everything = str([tuple(row) for row in await audit_rows(fresh_database)])
    assert "s3cret" not in everything
    assert "wrong-field" not in everything


async def test_a_hash_with_weak_parameters_is_renewed_at_sign_in(database: Database) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD.encode())
    await add_user(database, "weak", password_hash=weak)
    assert isinstance(await login.sign_in(service(database), attempt("weak")), SignedIn)
    account = await users.find_for_sign_in(database, "weak")
    assert account is not None
    assert account.password_hash not in (weak, None)
    assert isinstance(await login.sign_in(service(database), attempt("weak")), SignedIn)


async def test_guesses_at_once_end_in_a_wait_that_the_right_password_does_not_cut_short(database: Database) -> None:
    await add_user(database, "guessed")
    outcomes = await asyncio.gather(
        *(login.sign_in(service(database), attempt("guessed", f"guess {number}")) for number in range(30))
    )
    assert not any(isinstance(outcome, SignedIn) for outcome in outcomes)
    right = await login.sign_in(service(database), attempt("guessed"))
    assert isinstance(right, SlowedDown)
    assert right.retry_after >= 30


async def test_a_person_may_sign_in_on_many_devices_at_once(database: Database) -> None:
    await add_user(database, "everywhere")
    outcomes = await asyncio.gather(*(login.sign_in(service(database), attempt("everywhere")) for _ in range(30)))
    assert all(isinstance(outcome, SignedIn) for outcome in outcomes)


async def test_success_makes_the_count_begin_anew(database: Database) -> None:
    await add_user(database, "anew")
    for _ in range(2):
        for _ in range(9):
            assert isinstance(await login.sign_in(service(database), attempt("anew", "wrong")), Failed)
        assert isinstance(await login.sign_in(service(database), attempt("anew")), SignedIn)


async def test_successes_do_not_count_against_an_address(database: Database) -> None:
    await add_user(database, "busy")
    strict = service(database, limits=SignInLimits(address_failures=2))
    for _ in range(5):
        outcome = await login.sign_in(strict, attempt("busy", address="198.51.100.40"))
        assert isinstance(outcome, SignedIn)


async def test_whoever_is_turned_away_by_a_full_queue_has_not_failed(database: Database) -> None:
    await add_user(database, "queued")
    full = service(database, passwords=PasswordQueue(threads=1, waiting=-1), limits=SignInLimits(account_failures=1))
    for _ in range(3):
        with pytest.raises(PasswordQueueFull):
            await login.sign_in(full, attempt("queued", "wrong"))
    assert isinstance(await login.sign_in(replace(full, passwords=PasswordQueue()), attempt("queued")), SignedIn)


async def test_a_person_disabled_while_his_password_is_checked_does_not_get_in(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await add_user(database, "raced")
    verify = PasswordPlace.verify

    async def disabling(place: PasswordPlace, encoded: str | None, password: str) -> bool:
        async with database.transaction() as transaction:
            await users.disable(transaction, user_id, NOW)
        return await verify(place, encoded, password)

    monkeypatch.setattr(PasswordPlace, "verify", disabling)
    assert isinstance(await login.sign_in(service(database), attempt("raced")), Failed)


async def test_a_username_wins_over_the_same_email_address(database: Database) -> None:
    """Declared data may hold a username that is another person's address."""
    await add_user(database, "owner")
    user_id = await add_user(database, "owner@example.org")
    outcome = await login.sign_in(service(database), attempt("owner@example.org"))
    assert isinstance(outcome, SignedIn)
    assert outcome.user_id == user_id


def test_nothing_that_was_typed_is_printed() -> None:
    printed = repr(attempt("ada", "hunter2"))
    assert "ada" not in printed
    assert "hunter2" not in printed


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ada", "ada"), ("ÅSA", "åsa"), ("A\u030asa", "åsa"), ("ｱﾀﾞ", "アダ"), ("STRASSE", "straße"), (" ada\t", "ada")],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("ada", "ada1"), ("ada", "a da"), ("i", "\u0131"), ("e", "é")])
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)
