"""An account is chosen once for a request, however many choose at the same moment, on two workers."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from app.protocol.token_format import Prefix, parse_credential
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.race import CONNECTIONS, SCOPES, RacedServer, raced_server
from tests.support.service import PASSWORD, authorize_url, fields_of, follow, sign_in

PEOPLE = ("sam", "kim")
ROUNDS = 4
_CHOICE = re.compile(r'<button class="choice" name="account" value="([^"]+)">')


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database, people=PEOPLE) as running:
        yield running


@pytest.fixture
async def browser(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on which two people are signed in."""
    async with raced.browser() as fresh:
        for name in PEOPLE:
            login = await fresh.get("/login?account=another")
            assert (await sign_in(fresh, name, login)).status_code == 303
        yield fresh


@pytest.mark.spec("standards", "OC-6")
@pytest.mark.spec("standards", "SE-7")
async def test_of_two_accounts_chosen_at_once_one_is_it(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    async with raced.rivals(browser=browser) as rivals:
        for _ in range(ROUNDS):
            before = await raced.fetch("select id from audit where event = 'session.chosen'")
            page = await follow(
                browser, await browser.get(authorize_url("web", scope=SCOPES[0], prompt="select_account"))
            )
            accounts = _CHOICE.findall(page.text)
            assert len(accounts) == 2
            answers = await asyncio.gather(
                *(
                    rival.post("/select-account", data={**fields_of(page), "account": accounts[number // 2 % 2]})
                    for number, rival in enumerate(rivals)
                )
            )
            told = Counter((answer.status_code, number // 2 % 2) for number, answer in enumerate(answers))
            [winner] = [account for status, account in told if status == 303]
            assert told == {(303, winner): CONNECTIONS // 2, (400, 1 - winner): CONNECTIONS // 2}
            chosen = await raced.fetch("select subject_id from audit where event = 'session.chosen' order by id")
            assert len(chosen) == len(before) + 1
            assert chosen[-1]["subject_id"] == accounts[winner]
            [noted] = await raced.fetch(
                "select session_id::text as session from interaction where account_at is not null"
                " order by created_at desc limit 1"
            )
            assert noted["session"] == accounts[winner]


@pytest.mark.spec("standards", "SE-8")
async def test_of_many_who_sign_in_again_at_once_one_session_is_left_under_the_same_name(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    held = parse_credential(Prefix.SESSION, browser.cookies["assent_session"])
    assert held is not None
    query = "select id from browser_session where coalesce(sid, id) = $1 and ended_at is null"
    assert [row["id"] for row in await raced.fetch(query, held.id)] == [held.id]
    form = {**fields_of(await browser.get("/login?account=another")), "username": "kim", "password": PASSWORD}
    async with raced.rivals(browser=browser) as rivals:
        answers = await asyncio.gather(*(rival.post("/login", data=form) for rival in rivals))
    assert {answer.status_code for answer in answers} == {303}
    [left] = await raced.fetch(query, held.id)
    assert left["id"] != held.id
    given = [parse_credential(Prefix.SESSION, answer.cookies["assent_session"]) for answer in answers]
    assert left["id"] in {credential.id for credential in given if credential is not None}
