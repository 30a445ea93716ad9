"""Accounts in the hands of the operator: made, given a new password, switched off and on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.crypto.passwords import verify_password
from app.protocol.events import Event
from app.protocol.policy import Lifetimes
from app.services import accounts
from app.services.accounts import Refused
from app.services.occasion import Occasion
from app.services.operator import Operator
from app.services.passwords import PasswordQueue, problem_with
from app.services.sessions import begin
from app.store import sessions, trail
from app.store.database import Database
from app.store.trail import Place, Selection

OPERATOR = Operator("test", datetime.now(UTC))
PASSWORD = "violet anchor plum taxi"


@pytest.fixture
def queue() -> Iterator[PasswordQueue]:
    """Threads for passwords."""
    passwords = PasswordQueue(threads=1)
    yield passwords
    passwords.close()


async def hash_of(database: Database, username: str) -> str:
    """Return somebody's password hash."""
    found = await accounts.find(database, username)
    assert found.password_hash is not None
    return found.password_hash


async def signed_in(database: Database, username: str) -> UUID:
    """Begin a session of somebody; return its id."""
    found = await accounts.find(database, username)
    begun = begin(found.id, 0, ("pwd",), Occasion(OPERATOR.now, "req_test", "203.0.113.7"), Lifetimes())
    async with database.transaction() as transaction:
        assert await sessions.insert_session(transaction, begun.row)
    return begun.row.id


async def live(database: Database, ids: list[UUID]) -> int:
    """Return how many of these sessions are alive."""
    found = [await sessions.find_live(database, session_id, OPERATOR.now) for session_id in ids]
    return len([session for session in found if session is not None])


def test_a_generated_password_is_a_good_one_and_never_the_same() -> None:
    made = {accounts.random_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(password) == 29 and problem_with(password) == "" for password in made)


async def test_an_account_has_the_given_password_or_a_generated_one(database: Database, queue: PasswordQueue) -> None:
    ada = await accounts.create(database, queue, OPERATOR, username="Ada", email="ada@example.org", password=PASSWORD)
    bob = await accounts.create(database, queue, OPERATOR, username="bob", as_operator=True)
    assert ada.password is None
    assert bob.password is not None
    assert bob.password not in repr(bob)
    assert verify_password(await hash_of(database, "ada"), PASSWORD)
    assert verify_password(await hash_of(database, "bob"), bob.password)
    listed = await accounts.list_all(database)
    assert {person.username: person.operator for person in listed} == {"Ada": False, "bob": True}


@pytest.mark.parametrize(
    ("username", "email", "password", "why"),
    [
        ("a da", None, PASSWORD, "without spaces"),
        ("ada", "ada", PASSWORD, "email address"),
        ("ada", None, "short", "15 characters"),
        ("ada", "violet-anchor-plum-taxi@example.org", "violet anchor plum taxi", "a name that others know"),
        ("Bob", None, PASSWORD, "this username already"),
        ("ada", "BOB@example.org", PASSWORD, "this email already"),
    ],
)
async def test_an_account_that_cannot_be_is_refused_with_the_remedy(
    database: Database, queue: PasswordQueue, username: str, email: str | None, password: str, why: str
) -> None:
    await accounts.create(database, queue, OPERATOR, username="bob", email="bob@example.org")
    with pytest.raises(Refused, match=why):
        await accounts.create(database, queue, OPERATOR, username=username, email=email, password=password)
    assert len(await accounts.list_all(database)) == 1


async def test_a_password_is_replaced_by_a_given_or_a_generated_one(database: Database, queue: PasswordQueue) -> None:
    await accounts.create(database, queue, OPERATOR, username="ada")
    assert await accounts.set_password(database, queue, OPERATOR, "ADA", PASSWORD) is None
    assert verify_password(await hash_of(database, "ada"), PASSWORD)
    generated = await accounts.set_password(database, queue, OPERATOR, "ada", None)
    assert generated is not None
    assert verify_password(await hash_of(database, "ada"), generated)
    with pytest.raises(Refused, match="15 characters"):
        await accounts.set_password(database, queue, OPERATOR, "ada", "short")


async def test_a_new_password_ends_the_sessions_when_the_operator_says_so(
    database: Database, queue: PasswordQueue
) -> None:
    for username in ("ada", "bob"):
        await accounts.create(database, queue, OPERATOR, username=username)
    held = {username: [await signed_in(database, username) for _ in range(3)] for username in ("ada", "bob")}
    await accounts.set_password(database, queue, OPERATOR, "ada", PASSWORD)
    assert await live(database, held["ada"]) == 3
    await accounts.set_password(database, queue, OPERATOR, "ada", PASSWORD, end_sessions=True)
    assert (await live(database, held["ada"]), await live(database, held["bob"])) == (0, 3)
    ended = await trail.page(database, Selection(events=frozenset({Event.SESSION_ENDED})), Place(), 50)
    assert {entry.subject_id for entry in ended.entries} == {str(session_id) for session_id in held["ada"]}


async def test_an_account_is_disabled_and_enabled_once(database: Database, queue: PasswordQueue) -> None:
    await accounts.create(database, queue, OPERATOR, username="ada")
    assert await accounts.disable(database, OPERATOR, "ada")
    assert not await accounts.disable(database, OPERATOR, "ada")
    assert (await accounts.find(database, "ada")).disabled_at == OPERATOR.now
    assert await accounts.enable(database, OPERATOR, "ada")
    assert not await accounts.enable(database, OPERATOR, "ada")
    assert (await accounts.find(database, "ada")).disabled_at is None


async def test_somebody_who_does_not_exist_is_named(database: Database, queue: PasswordQueue) -> None:
    with pytest.raises(Refused, match="Nobody has the username gone"):
        await accounts.disable(database, OPERATOR, "gone")
