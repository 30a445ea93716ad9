"""Personal tokens asked for from twenty connections to two workers: none too many, none twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from app.crypto.secrets import new_id
from app.services.personal_tokens import MAX_LIVE
from app.store import personal_tokens
from app.store.database import Database
from app.store.personal_tokens import OwnToken
from tests.store.scene import entry
from tests.support import membership
from tests.support.api_person import HERE
from tests.support.database import FreshDatabase
from tests.support.race import CONNECTIONS, SCOPES, USERNAME, RacedServer, raced_server
from tests.support.service import sign_in

PATH = "/api/v1/tokens"
LEFT = 5


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers; the person founded an organization."""
    async with raced_server(database, fresh_database) as running:
        now = datetime.now(UTC)
        organization = await membership.found(database, "northquay", now)
        await membership.join(database, organization, running.user.id, "owner", now)
        yield running


@pytest.fixture
async def browser(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the person has signed in."""
    async with raced.browser() as fresh:
        assert (await sign_in(fresh, USERNAME)).status_code == 303
        yield fresh


async def at_once(raced: RacedServer, browser: httpx.AsyncClient, *keys: str) -> list[httpx.Response]:
    """Ask for a token from every connection at the same moment, each with its Idempotency-Key."""
    csrf = (await browser.get("/api/v1/session", headers=HERE)).json()["csrf"]
    body = {"name": "Nightly export", "scopes": [SCOPES[0]]}
    async with raced.rivals(browser=browser) as rivals:
        return await asyncio.gather(
            *(
                rival.post(PATH, json=body, headers=HERE | {"X-CSRF-Token": csrf, "Idempotency-Key": key})
                for rival, key in zip(rivals, keys, strict=True)
            )
        )


async def live(raced: RacedServer) -> int:
    """Return how many tokens the person has."""
    [row] = await raced.fetch("select count(*) n from personal_token where revoked_at is null")
    return int(row["n"])


async def test_one_key_sent_from_everywhere_makes_one_token(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    before = await live(raced)
    answers = await at_once(raced, browser, *["one and the same"] * CONNECTIONS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CONNECTIONS - 1}
    assert await live(raced) == before + 1
    [made] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["resource_id"] for answer in answers if answer.status_code == 409} == {made}


async def test_the_last_places_are_given_once_each(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    for _ in range(MAX_LIVE - LEFT - await live(raced)):
        await fill_one(raced)
    answers = await at_once(raced, browser, *(f"place {number}" for number in range(CONNECTIONS)))
    assert Counter(answer.status_code for answer in answers) == {201: LEFT, 409: CONNECTIONS - LEFT}
    assert {UUID(answer.json()["id"]).version for answer in answers if answer.status_code == 201} == {7}
    assert await live(raced) == MAX_LIVE


async def fill_one(raced: RacedServer) -> None:
    """Make a token behind the server's back."""
    now = datetime.now(UTC)
    token = OwnToken(new_id(now), "filler", "xxxx", (SCOPES[0],), 1, raced.user.epoch, now, None, None)
    await personal_tokens.create(
        raced.database, raced.user.id, token, bytes(32), entry("personal_token.created", now), claim=None, most=MAX_LIVE
    )
