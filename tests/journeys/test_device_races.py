"""A device code is approved once and redeemed once, however many do both at the same moment, on two workers."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from app.store import records, users
from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support import devices as flow
from tests.support.database import FreshDatabase
from tests.support.devices import GRANT_TYPE
from tests.support.race import CONNECTIONS, SCOPES, RacedServer, active, errors_of, raced_server
from tests.support.service import SECRET, fields_of, follow, sign_in

PEOPLE = ("sam", "kim")
ROUNDS = 5
TELEVISION = {
    "client_id": "tv",
    "client_secret": SECRET,
    "client_name": "Living Room",
    "grant_types": [GRANT_TYPE, "refresh_token"],
    "token_endpoint_auth_method": "client_secret_basic",
}


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database, applications=[TELEVISION], people=PEOPLE) as running:
        yield running


@pytest.fixture
async def device(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    async with raced.browser() as fresh:
        yield fresh


@pytest.fixture
async def people(raced: RacedServer) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A browser of each person, signed in."""
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(raced.browser()) for _ in PEOPLE]
        for browser, name in zip(browsers, PEOPLE, strict=True):
            assert (await sign_in(browser, name)).status_code == 303
        yield browsers


async def begun(device: httpx.AsyncClient, scope: str) -> tuple[str, str]:
    content = (await flow.begin(device, "tv", scope=scope)).json()
    return content["device_code"], content["user_code"]


async def held_by(raced: RacedServer, name: str) -> list[str]:
    """Return what a person has allowed."""
    user = await users.find_for_sign_in(raced.database, name)
    assert user is not None
    found = await records.list_for_user(raced.database, user.id)
    return [pair.pair for record in found for pair in record.pairs]


@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DV-8")
async def test_of_two_people_who_approve_at_once_one_has_connected_the_device(
    raced: RacedServer, device: httpx.AsyncClient, people: list[httpx.AsyncClient]
) -> None:
    share = CONNECTIONS // 2
    async with raced.rivals(share, browser=people[0]) as first, raced.rivals(share, browser=people[1]) as second:
        for scope in SCOPES[:ROUNDS]:
            before = [await held_by(raced, name) for name in PEOPLE]
            device_code, user_code = await begun(device, scope)
            forms = [
                {**fields_of(await flow.question(browser, user_code)), "decision": "approve", "holds": "yes"}
                for browser in people
            ]
            clicks = [
                rival.post("/device/confirm", data=form)
                for rivals in zip(first, second, strict=True)
                for rival, form in zip(rivals, forms, strict=True)
            ]
            assert {answer.status_code for answer in await asyncio.gather(*clicks)} == {303}
            ends = [
                (await browser.get("/device/done", params={"device": form["device"]})).text
                for browser, form in zip(people, forms, strict=True)
            ]
            assert sorted("is connected" in end for end in ends) == [False, True]
            assert sorted("Someone else has decided" in end for end in ends) == [False, True]
            after = [await held_by(raced, name) for name in PEOPLE]
            gained = [[*now[len(then) :]] for then, now in zip(before, after, strict=True)]
            assert sorted(gained) == [[], [scope]]
            winner = PEOPLE[gained.index([scope])]
            tokens = (await flow.poll(device, "tv", device_code)).json()
            told = {"token": tokens["access_token"]}
            described = (await device.post("/oauth/introspect", data=told, auth=("tv", SECRET))).json()
            assert (described["username"], described["scope"]) == (winner, scope)


@pytest.mark.spec("standards", "DC-3")
@pytest.mark.spec("standards", "DV-6")
async def test_a_device_code_is_redeemed_once(
    raced: RacedServer, device: httpx.AsyncClient, people: list[httpx.AsyncClient]
) -> None:
    async with raced.rivals() as rivals:
        for scope in SCOPES[:ROUNDS]:
            device_code, user_code = await begun(device, scope)
            await flow.answer(people[0], await flow.question(people[0], user_code))
            answers = await asyncio.gather(*(flow.poll(rival, "tv", device_code) for rival in rivals))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(400, "invalid_grant")}
            [winner] = [answer.json() for answer in answers if answer.status_code == 200]
            # Whoever is late has lost nothing: what was bought goes on working.
            assert await active(rivals[0], winner["access_token"])


@pytest.mark.spec("standards", "DC-3")
async def test_of_questions_at_one_moment_one_has_waited(raced: RacedServer, device: httpx.AsyncClient) -> None:
    async with raced.rivals() as rivals:
        device_code, _ = await begun(device, SCOPES[0])
        answers = await asyncio.gather(*(flow.poll(rival, "tv", device_code) for rival in rivals))
    told = [answer.json()["error"] for answer in answers]
    assert told.count("authorization_pending") == 1
    assert told.count("slow_down") == CONNECTIONS - 1


@pytest.mark.spec("standards", "DC-2")
async def test_a_decision_among_many_questions_is_not_lost(
    raced: RacedServer, device: httpx.AsyncClient, people: list[httpx.AsyncClient]
) -> None:
    async with raced.rivals() as rivals:
        for scope in SCOPES[:ROUNDS]:
            device_code, user_code = await begun(device, scope)
            page = await flow.question(people[0], user_code)
            *answers, _ = await asyncio.gather(
                *(flow.poll(rival, "tv", device_code) for rival in rivals), flow.answer(people[0], page)
            )
            answers.append(await flow.poll(device, "tv", device_code))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) <= {
                (400, "invalid_grant"),
                (400, "authorization_pending"),
                (400, "slow_down"),
            }


@pytest.mark.spec("standards", "DV-5")
async def test_guesses_at_one_moment_are_counted_one_by_one(
    raced: RacedServer, people: list[httpx.AsyncClient]
) -> None:
    form = fields_of(await people[1].get("/device"))
    async with raced.rivals(browser=people[1]) as rivals:
        guesses = (
            rival.post("/device", data={**form, "user_code": f"BBBB-BB{letters}"})
            for rival, letters in zip(rivals, map("".join, itertools.product("BCDFG", repeat=2)), strict=False)
        )
        statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert statuses.count(422) == 5
    assert statuses.count(429) == CONNECTIONS - 5
    assert (await follow(people[1], await flow.type_code(people[1], "BBBB-BBBB"))).status_code == 429
