"""What a person does at the same moment from many places, on two workers: an account is chosen once for a request, a
session is renewed once, and of personal tokens there are none too many and none twice."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from app.crypto.secrets import new_id
from app.protocol.token_format import Prefix, parse_credential
from app.services.personal_tokens import MAX_LIVE
from app.store import personal_tokens
from app.store.database import Database
from app.store.personal_tokens import OwnToken
from tests.store.scene import entry
from tests.support import membership
from tests.support.api_person import HERE
from tests.support.database import FreshDatabase
from tests.support.race import CONNECTIONS, SCOPES, USERNAME, RacedServer, raced_server
from tests.support.service import PASSWORD, authorize_url, fields_of, follow, sign_in

PEOPLE = ("sam", "kim")
ROUNDS = 4
PATH = "/api/v1/tokens"
LEFT = 5
_CHOICE = re.compile(r'<button class="choice" name="account" value="([^"]+)">')


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers; robin founded an organization."""
    async with raced_server(database, fresh_database, people=PEOPLE) as running:
        now = datetime.now(UTC)
        organization = await membership.found(database, "northquay", now)
        await membership.join(database, organization, running.user.id, "owner", now)
        yield running


@pytest.fixture
async def browser(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on which two people are signed in."""
    async with raced.browser() as fresh:
        for name in PEOPLE:
            login = await fresh.get("/login?account=another")
            assert (await sign_in(fresh, name, login)).status_code == 303
        yield fresh


@pytest.fixture
async def robin(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which robin has signed in."""
    async with raced.browser() as fresh:
        assert (await sign_in(fresh, USERNAME)).status_code == 303
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


async def test_one_key_sent_from_everywhere_makes_one_token(raced: RacedServer, robin: httpx.AsyncClient) -> None:
    before = await live(raced)
    answers = await at_once(raced, robin, *["one and the same"] * CONNECTIONS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CONNECTIONS - 1}
    assert await live(raced) == before + 1
    [made] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["resource_id"] for answer in answers if answer.status_code == 409} == {made}


async def test_the_last_places_are_given_once_each(raced: RacedServer, robin: httpx.AsyncClient) -> None:
    for _ in range(MAX_LIVE - LEFT - await live(raced)):
        await fill_one(raced)
    answers = await at_once(raced, robin, *(f"place {number}" for number in range(CONNECTIONS)))
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
