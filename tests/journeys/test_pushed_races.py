"""A pushed request is answered once, however many browsers come with it at the same moment, on two workers."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support.database import FreshDatabase
from tests.support.pushing import answered, pushed, pushed_url, question
from tests.support.race import CLIENT_ID, CONNECTIONS, SCOPES, USERNAME, RacedServer, raced_server
from tests.support.service import answer_of, fields_of, redeem

ROUNDS = 3


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database) as running:
        yield running


@pytest.fixture(scope="module")
async def person(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of somebody who has allowed the application its first permission."""
    async with raced.browser() as browser:
        assert "code" in await answered(browser, pushed_url(CLIENT_ID, await ahead(browser, SCOPES[0])), USERNAME)
        yield browser


async def ahead(client: httpx.AsyncClient, scope: str) -> str:
    return await pushed(client, CLIENT_ID, scope=scope)


async def codes_of(raced: RacedServer) -> int:
    [row] = await raced.fetch("select count(*) from grant_code")
    return int(row[0])


@pytest.mark.spec("standards", "PAR-10")
async def test_of_browsers_that_come_at_once_without_a_page_one_gets_the_code(
    raced: RacedServer, person: httpx.AsyncClient
) -> None:
    async with raced.rivals(browser=person) as rivals:
        for _ in range(ROUNDS):
            before = await codes_of(raced)
            url = pushed_url(CLIENT_ID, await ahead(person, SCOPES[0]))
            answers = await asyncio.gather(*(rival.get(url) for rival in rivals))
            [winner] = [answer for answer in answers if answer.status_code == 303]
            assert [answer.status_code for answer in answers].count(400) == CONNECTIONS - 1
            assert await codes_of(raced) == before + 1
            assert (await redeem(person, CLIENT_ID, answer_of(winner)["code"])).status_code == 200


@pytest.mark.spec("standards", "PAR-10")
async def test_of_pages_that_are_answered_at_once_one_counts(raced: RacedServer, person: httpx.AsyncClient) -> None:
    async with raced.rivals(browser=person) as rivals:
        for scope in SCOPES[1 : ROUNDS + 1]:
            before = await codes_of(raced)
            url = pushed_url(CLIENT_ID, await ahead(person, scope))
            pages = await asyncio.gather(*(question(rival, url) for rival in rivals))
            decisions = ["approve", "deny"] * (CONNECTIONS // 2)
            clicks = (
                rival.post("/consent", data={**fields_of(page), "decision": decision})
                for rival, page, decision in zip(rivals, pages, decisions, strict=True)
            )
            answers = await asyncio.gather(*clicks)
            [winner] = [answer_of(answer) for answer in answers if answer.status_code == 303]
            assert [answer.status_code for answer in answers].count(400) == CONNECTIONS - 1
            assert await codes_of(raced) == before + ("code" in winner)
            assert ("code" in winner) != (winner.get("error") == "access_denied")
