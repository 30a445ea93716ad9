"""Grants that applications manage by name, and requests that they have pushed, in the hands of many at once on two
workers (standards A14, A3, AR-17)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.store import records
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.history import history
from tests.support.pushing import answered, pushed, pushed_url, question
from tests.support.race import CLIENT_ID, CONNECTIONS, SCOPES, USERNAME, RacedServer, active, raced_server, refresh
from tests.support.service import answer_of, authorize_url, decide, fields_of, follow, redeem, sign_in

ROUNDS = 3


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database) as running:
        yield running


@pytest.fixture
async def browser(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the person has signed in."""
    async with raced.browser() as fresh:
        assert (await sign_in(fresh, USERNAME)).status_code == 303
        yield fresh


@pytest.fixture(scope="module")
async def person(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of somebody who has allowed the application its first permission."""
    async with raced.browser() as browser:
        assert "code" in await answered(browser, pushed_url(CLIENT_ID, await ahead(browser, SCOPES[0])), USERNAME)
        yield browser


async def page(browser: httpx.AsyncClient, scope: str, action: str, grant_id: str | None = None) -> httpx.Response:
    """Return the consent page of a request about a grant."""
    named = {"grant_management_action": action, "grant_id": grant_id}
    shown = await follow(browser, await browser.get(authorize_url(CLIENT_ID, scope=scope, prompt="consent", **named)))
    assert 'id="consent-approve"' in shown.text, shown.text
    return shown


async def bought(browser: httpx.AsyncClient, clicked: httpx.Response) -> dict[str, Any]:
    got = await redeem(browser, CLIENT_ID, answer_of(clicked)["code"])
    assert got.status_code == 200, got.text
    tokens: dict[str, Any] = got.json()
    return tokens


async def disconnect(browser: httpx.AsyncClient, grant_id: str) -> None:
    """Take it back on the account page."""
    path = f"/account/applications/{grant_id}/disconnect"
    answer = await browser.post(path, data=fields_of(await browser.get(path)))
    assert answer.status_code == 303, answer.text


async def held(raced: RacedServer, grant_id: str) -> list[str]:
    record = await records.get(raced.database, UUID(grant_id))
    assert record is not None
    return [pair.pair for pair in record.pairs]


async def ahead(client: httpx.AsyncClient, scope: str) -> str:
    return await pushed(client, CLIENT_ID, scope=scope)


async def codes_of(raced: RacedServer) -> int:
    [row] = await raced.fetch("select count(*) from grant_code")
    return int(row[0])


@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "GM-4")
@pytest.mark.spec("standards", "GM-5")
@pytest.mark.spec("standards", "AR-17 (a)")
async def test_grants_begun_merged_and_replaced_at_once_come_one_after_the_other(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    grant_id = (await bought(browser, await decide(browser, await page(browser, SCOPES[0], "create"))))["grant_id"]
    actions = ["create", "merge", "merge", "replace", "merge"] * (CONNECTIONS // 5)
    pages = [
        await page(browser, SCOPES[number + 1], action, None if action == "create" else grant_id)
        for number, action in enumerate(actions)
    ]
    async with raced.rivals(browser=browser) as rivals:
        clicks = (decide(rival, shown) for rival, shown in zip(rivals, pages, strict=True))
        answers = await asyncio.gather(*clicks)
    got = {
        SCOPES[number + 1]: await redeem(browser, CLIENT_ID, answer_of(one)["code"])
        for number, one in enumerate(answers)
    }
    created = [
        got[SCOPES[number + 1]].json()["grant_id"] for number, action in enumerate(actions) if action == "create"
    ]
    assert len({*created, grant_id}) == 1 + len(created)

    told = [entry.data for entry in await history(raced.database, UUID(grant_id))]
    changes = sorted(told, key=lambda change: change["version"])
    assert [change["version"] for change in changes] == list(range(1, 2 + len(actions) - len(created)))
    pairs: list[str] = []
    for change in changes:
        replaces = change["grant_management_action"] == "replace"
        assert change["before"] == pairs
        pairs = [*([] if replaces else pairs), *change["scopes"]]
        assert change["after"] == pairs
    assert await held(raced, grant_id) == pairs

    # What was approved before the last replacement buys nothing any more, and of the rest the last one alone refreshes.
    for change in changes[1:]:
        [scope] = change["scopes"]
        tokens = got[scope].json()
        assert tokens.get("error") == (None if scope in pairs else "invalid_grant")
        assert tokens.get("grant_id") == (grant_id if scope in pairs else None)
        assert ("refresh_token" in tokens) == (change is changes[-1])


@pytest.mark.spec("standards", "GM-5")
@pytest.mark.spec("standards", "AR-17 (d)")
async def test_nothing_that_is_refreshed_while_a_grant_is_replaced_survives_it(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    for _ in range(3):
        first = await bought(browser, await decide(browser, await page(browser, SCOPES[0], "create")))
        shown = await page(browser, SCOPES[1], "replace", first["grant_id"])
        async with raced.rivals(browser=browser) as rivals:
            refreshes = (refresh(rival, first["refresh_token"]) for rival in rivals[1:])
            replaced, *answers = await asyncio.gather(decide(rivals[0], shown), *refreshes)
        assert {answer.json().get("error", "") for answer in answers} <= {"", "invalid_grant"}
        older = [first, *(answer.json() for answer in answers if answer.status_code == 200)]
        assert not [one for one in older if await active(browser, one["access_token"])]
        assert {(await refresh(browser, one["refresh_token"])).json()["error"] for one in older} == {"invalid_grant"}
        latest = await bought(browser, replaced)
        assert (latest["grant_id"], latest["scope"]) == (first["grant_id"], SCOPES[1])
        assert (await refresh(browser, latest["refresh_token"])).status_code == 200
        assert await held(raced, first["grant_id"]) == [SCOPES[1]]


@pytest.mark.spec("standards", "GM-7")
async def test_a_click_for_a_grant_that_ends_at_this_moment_gets_it_or_is_told_so(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    first = await bought(browser, await decide(browser, await page(browser, SCOPES[0], "create")))
    grant_id = first["grant_id"]
    pages = [await page(browser, SCOPES[number], "merge", grant_id) for number in range(1, CONNECTIONS)]
    async with raced.rivals(browser=browser) as rivals:
        ending = asyncio.create_task(disconnect(browser, grant_id))
        clicks = (decide(rival, shown) for rival, shown in zip(rivals, pages, strict=False))
        outcomes = [answer_of(answer) for answer in await asyncio.gather(*clicks)]
        await ending
    assert {outcome.get("error", "") for outcome in outcomes} <= {"", "invalid_grant_id"}
    for outcome in outcomes:
        if "code" in outcome:
            assert (await redeem(browser, CLIENT_ID, outcome["code"])).json()["error"] == "invalid_grant"
    gone = await browser.get(authorize_url(CLIENT_ID, grant_management_action="merge", grant_id=grant_id))
    never = await browser.get(authorize_url(CLIENT_ID, grant_management_action="merge", grant_id=str(uuid4())))
    assert answer_of(gone) == answer_of(never)


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
