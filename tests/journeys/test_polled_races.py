"""What waits for a person elsewhere, a device code or a request to him, is decided once and redeemed once, however many
do both at the same moment, on two workers."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

from app.protocol.grant_types import ciba, device_code
from app.store import records, users
from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support import approvals, devices, elsewhere
from tests.support.database import FreshDatabase
from tests.support.elsewhere import id_of
from tests.support.race import CONNECTIONS, SCOPES, RacedServer, active, errors_of, raced_server
from tests.support.service import SECRET, fields_of, follow, sign_in

PEOPLE = ("sam", "kim")
ROUNDS = 4
CONFIDENTIAL = {"client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic"}
TELEVISION = {
    **CONFIDENTIAL,
    "client_id": "tv",
    "client_name": "Living Room",
    "grant_types": [device_code.NAME, "refresh_token"],
}
DESK = {
    **CONFIDENTIAL,
    "client_id": "desk",
    "client_name": "Call Centre",
    "grant_types": [ciba.NAME, "refresh_token"],
    "backchannel_token_delivery_mode": "poll",
    "id_token_signed_response_alg": "ES256",
}
TABLES = """
[signing]
algorithms = ["ES256", "RS256"]
"""

Poll = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
Open = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
Press = Callable[[httpx.AsyncClient, httpx.Response], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Begun:
    """What waits: how its client asks, how its person opens the question, and how he allows it."""

    poll: Poll
    question: Open
    allow: Press


async def connecting(client: httpx.AsyncClient, scope: str) -> Begun:
    """Begin on a device."""
    code, user_code = await begun(client, scope)
    return Begun(
        lambda rival: devices.poll(rival, "tv", code),
        lambda browser: devices.question(browser, user_code),
        devices.answer,
    )


async def asking(client: httpx.AsyncClient, scope: str) -> Begun:
    """Ask for sam."""
    auth_req_id, path = await ask(client, scope)
    return Begun(
        lambda rival: elsewhere.poll(rival, "desk", auth_req_id),
        lambda browser: browser.get(path),
        approvals.press,
    )


EACH = pytest.mark.parametrize("begin", [connecting, asking], ids=["device", "request"])
Begin = Callable[[httpx.AsyncClient, str], Awaitable[Begun]]


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    applications = [TELEVISION, DESK]
    async with raced_server(
        database, fresh_database, tables=TABLES, applications=applications, people=PEOPLE
    ) as running:
        yield running


@pytest.fixture
async def client(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
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
    """Begin on a device; return its code and the user code."""
    content = (await devices.begin(device, "tv", scope=scope)).json()
    return content["device_code"], content["user_code"]


async def ask(client: httpx.AsyncClient, scope: str) -> tuple[str, str]:
    """Ask for sam; return the `auth_req_id`, and the path of the page that asks him."""
    auth_req_id = await approvals.ask(client, "desk", PEOPLE[0], scope=f"openid {scope}")
    return auth_req_id, f"/approvals/{id_of(auth_req_id)}"


async def held_by(raced: RacedServer, name: str) -> list[str]:
    """Return what a person has allowed."""
    user = await users.find_for_sign_in(raced.database, name)
    assert user is not None
    found = await records.list_for_user(raced.database, user.id)
    return [pair.pair for record in found for pair in record.pairs]


@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DV-8")
async def test_of_two_people_who_approve_at_once_one_has_connected_the_device(
    raced: RacedServer, client: httpx.AsyncClient, people: list[httpx.AsyncClient]
) -> None:
    share = CONNECTIONS // 2
    async with raced.rivals(share, browser=people[0]) as first, raced.rivals(share, browser=people[1]) as second:
        for scope in SCOPES[:ROUNDS]:
            before = [await held_by(raced, name) for name in PEOPLE]
            device_code, user_code = await begun(client, scope)
            forms = [
                {**fields_of(await devices.question(browser, user_code)), "decision": "approve", "holds": "yes"}
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
            tokens = (await devices.poll(client, "tv", device_code)).json()
            told = {"token": tokens["access_token"]}
            described = (await client.post("/oauth/introspect", data=told, auth=("tv", SECRET))).json()
            assert (described["username"], described["scope"]) == (winner, scope)


@pytest.mark.spec("standards", "CB-7")
async def test_of_approvals_and_denials_at_once_one_counts(
    raced: RacedServer, client: httpx.AsyncClient, people: list[httpx.AsyncClient]
) -> None:
    async with raced.rivals(browser=people[0]) as rivals:
        for scope in SCOPES[:ROUNDS]:
            auth_req_id, path = await ask(client, scope)
            form = fields_of(await people[0].get(path))
            clicks = (
                rival.post(path, data={**form, "decision": "approve" if place % 2 else "deny"})
                for place, rival in enumerate(rivals)
            )
            assert {answer.status_code for answer in await asyncio.gather(*clicks)} == {303}
            [row] = await raced.fetch(
                "select count(*) filter (where event = 'authorization.granted') granted, count(*) decided "
                "from audit where data ->> 'request' = $1",
                str(id_of(auth_req_id)),
            )
            assert row["decided"] == 1
            got = await elsewhere.poll(client, "desk", auth_req_id)
            if row["granted"]:
                assert got.json()["scope"] == f"openid {scope}"
            else:
                assert got.json()["error"] == "access_denied"


@EACH
@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DC-3")
@pytest.mark.spec("standards", "CB-7")
async def test_what_was_allowed_is_redeemed_once(
    raced: RacedServer, client: httpx.AsyncClient, people: list[httpx.AsyncClient], begin: Begin
) -> None:
    async with raced.rivals() as rivals:
        for scope in SCOPES[:ROUNDS]:
            waits = await begin(client, scope)
            await waits.allow(people[0], await waits.question(people[0]))
            answers = await asyncio.gather(*(waits.poll(rival) for rival in rivals))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(400, "invalid_grant")}
            [winner] = [answer.json() for answer in answers if answer.status_code == 200]
            # Whoever is late has lost nothing: what was bought goes on working.
            assert await active(rivals[0], winner["access_token"])


@EACH
@pytest.mark.spec("standards", "DC-3")
@pytest.mark.spec("standards", "CB-7")
async def test_of_questions_at_one_moment_one_has_waited(
    raced: RacedServer, client: httpx.AsyncClient, begin: Begin
) -> None:
    async with raced.rivals() as rivals:
        waits = await begin(client, SCOPES[0])
        answers = await asyncio.gather(*(waits.poll(rival) for rival in rivals))
    told = [answer.json()["error"] for answer in answers]
    assert told.count("authorization_pending") == 1
    assert told.count("slow_down") == CONNECTIONS - 1


@EACH
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "CB-7")
async def test_a_decision_among_many_questions_is_not_lost(
    raced: RacedServer, client: httpx.AsyncClient, people: list[httpx.AsyncClient], begin: Begin
) -> None:
    async with raced.rivals() as rivals:
        for scope in SCOPES[:ROUNDS]:
            waits = await begin(client, scope)
            page = await waits.question(people[0])
            *answers, _ = await asyncio.gather(*(waits.poll(rival) for rival in rivals), waits.allow(people[0], page))
            answers.append(await waits.poll(client))
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
    assert (await follow(people[1], await devices.type_code(people[1], "BBBB-BBBB"))).status_code == 429


@pytest.mark.spec("standards", "CB-11")
async def test_requests_at_one_moment_are_counted_one_by_one(raced: RacedServer) -> None:
    async with raced.rivals() as rivals:
        asking = (elsewhere.ask(rival, "desk", login_hint="nobody-at-all") for rival in rivals)
        answers = await asyncio.gather(*asking)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(403)) == (10, CONNECTIONS - 10)
