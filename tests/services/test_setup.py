"""The first operator: one link, one operator, however many try."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.crypto.secrets import new_id
from app.protocol.policy import Lifetimes
from app.services import newcomers, setup
from app.services.names import name_key
from app.services.newcomers import Newcomer, Problem
from app.services.occasion import Occasion
from app.services.passwords import PasswordQueue
from app.services.setup import Created, LinkUsed
from app.store import users
from app.store.database import Database
from app.store.users import NewUser

NOW = datetime.now(UTC)
ISSUER = "https://id.example.org"
PASSWORD = "violet anchor plum taxi"


def chosen(username: str = "ada", email: str = "ada@example.org", password: str = PASSWORD) -> Newcomer:
    """Return what a person typed."""
    return Newcomer(username, email, password, password)


async def new_token(database: Database, now: datetime = NOW) -> str:
    """Return the token of a fresh link."""
    link = await setup.ensure_setup_link(database, ISSUER, now)
    assert link is not None
    assert link.startswith(f"{ISSUER}/setup/")
    return link.removeprefix(f"{ISSUER}/setup/")


async def create(
    database: Database, token: str, who: Newcomer, *, now: datetime = NOW, queue: PasswordQueue | None = None
) -> Created | LinkUsed | Problem:
    """Try to become the operator."""
    occasion = Occasion(now=now, request_id="req_1", address="203.0.113.7")
    return await setup.create_operator(database, queue or PasswordQueue(), Lifetimes(), token, who, occasion)


async def create_plain_user(database: Database) -> None:
    """Register a person who is no operator."""
    user = NewUser(
        id=new_id(NOW),
        username="ada",
        username_key=name_key("ada"),
        email="ada@example.org",
        email_key=name_key("ada@example.org"),
        password_hash=None,
        created_at=NOW,
    )
    async with database.transaction() as transaction:
        await users.insert_user(transaction, user)


async def test_a_link_makes_one_operator_and_then_no_link_is_made(database: Database) -> None:
    token = await new_token(database)
    assert await setup.link_is_good(database, token, NOW)
    assert isinstance(await create(database, token, chosen()), Created)
    assert not await setup.link_is_good(database, token, NOW)
    assert isinstance(await create(database, token, chosen("bob", "bob@example.org")), LinkUsed)
    assert await setup.ensure_setup_link(database, ISSUER, NOW) is None


async def test_twenty_at_once_with_one_link_make_one_operator(database: Database) -> None:
    token = await new_token(database)
    queue = PasswordQueue(waiting=40)
    tries = (
        create(database, token, chosen(f"user{number}", f"user{number}@example.org"), queue=queue)
        for number in range(20)
    )
    outcomes = await asyncio.gather(*tries)
    assert sum(isinstance(outcome, Created) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LinkUsed) for outcome in outcomes) == 19


async def test_several_links_at_once_make_one_operator_too(database: Database) -> None:
    tokens = [await new_token(database) for _ in range(8)]
    tries = (
        create(database, token, chosen(f"user{number}", f"user{number}@example.org"))
        for number, token in enumerate(tokens)
    )
    outcomes = await asyncio.gather(*tries)
    assert sum(isinstance(outcome, Created) for outcome in outcomes) == 1


async def test_a_link_ends_after_a_day(database: Database) -> None:
    token = await new_token(database)
    late = NOW + timedelta(hours=24)
    assert await setup.link_is_good(database, token, late - timedelta(seconds=1))
    assert not await setup.link_is_good(database, token, late)
    assert isinstance(await create(database, token, chosen(), now=late), LinkUsed)


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t[::-1], lambda _: "", lambda t: t.upper(), lambda _: "\0"]
)
async def test_a_mistyped_link_is_worth_nothing(database: Database, spoil: object) -> None:
    assert callable(spoil)
    token = await new_token(database)
    assert not await setup.link_is_good(database, spoil(token), NOW)
    assert isinstance(await create(database, spoil(token), chosen()), LinkUsed)


async def test_a_link_of_another_server_is_worth_nothing(database: Database) -> None:
    token = await new_token(database)
    await new_token(database)
    other = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    assert not await setup.link_is_good(database, other, NOW)


async def test_a_name_that_is_taken_leaves_the_link_good(database: Database) -> None:
    first = await new_token(database)
    await create_plain_user(database)
    taken = await create(database, first, chosen("ADA", "other@example.org"))
    assert isinstance(taken, Problem)
    assert taken.field == "username"
    taken = await create(database, first, chosen("other", "Ada@Example.org"))
    assert isinstance(taken, Problem)
    assert taken.field == "email"
    assert isinstance(await create(database, first, chosen("bob", "bob@example.org")), Created)


@pytest.mark.parametrize(
    ("who", "fields"),
    [
        (chosen(), []),
        (chosen(username=""), ["username"]),
        (chosen(username="a b"), ["username"]),
        (chosen(username="a@b.example"), ["username"]),
        (chosen(username="x" * 65), ["username"]),
        (chosen(username="ad\u200ba"), ["username"]),
        (chosen(email=""), ["email"]),
        (chosen(email="ada"), ["email"]),
        (chosen(email="ada@localhost"), ["email"]),
        (chosen(email="a@b@c.example"), ["email"]),
        (chosen(email=f"{'x' * 250}@example.org"), ["email"]),
        (chosen(password="short"), ["password"]),
        (chosen(password="id.example.org!"), ["password"]),
        (Newcomer("ada", "ada@example.org", PASSWORD, "something else"), ["password-confirm"]),
        (Newcomer("", "", "", "x"), ["username", "email", "password", "password-confirm"]),
    ],
)
def test_problems_name_the_field(who: Newcomer, fields: list[str]) -> None:
    assert [problem.field for problem in newcomers.problems_of(who, ("id.example.org", "Assent"))] == fields


def test_what_the_person_chose_is_not_printed() -> None:
    assert PASSWORD not in repr(chosen())
