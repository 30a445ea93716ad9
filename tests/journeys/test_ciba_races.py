"""A request to a person elsewhere is decided once and redeemed once, however many do both at the same moment, on two
workers."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support import approvals, elsewhere
from tests.support.database import FreshDatabase
from tests.support.elsewhere import GRANT_TYPE, id_of
from tests.support.race import CONNECTIONS, SCOPES, RacedServer, active, errors_of, raced_server
from tests.support.service import SECRET, fields_of, sign_in

ROUNDS = 4
DESK = {
    "client_id": "desk",
    "client_secret": SECRET,
    "client_name": "Call Centre",
    "grant_types": [GRANT_TYPE, "refresh_token"],
    "token_endpoint_auth_method": "client_secret_basic",
    "backchannel_token_delivery_mode": "poll",
    "id_token_signed_response_alg": "ES256",
}
TABLES = """
[signing]
algorithms = ["ES256", "RS256"]
"""


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database, tables=TABLES, applications=[DESK]) as running:
        yield running


@pytest.fixture
async def client(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    async with raced.browser() as fresh:
        yield fresh


@pytest.fixture
async def person(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of robin, who is signed in."""
    async with raced.browser() as browser:
        assert (await sign_in(browser, "robin")).status_code == 303
        yield browser


async def ask(client: httpx.AsyncClient, scope: str) -> tuple[str, str]:
    """Ask for robin; return the `auth_req_id`, and the path of the page that asks him."""
    auth_req_id = await approvals.ask(client, "desk", "robin", scope=f"openid {scope}")
    return auth_req_id, f"/approvals/{id_of(auth_req_id)}"


@pytest.mark.spec("standards", "CB-7")
async def test_of_approvals_and_denials_at_once_one_counts(
    raced: RacedServer, client: httpx.AsyncClient, person: httpx.AsyncClient
) -> None:
    async with raced.rivals(browser=person) as rivals:
        for scope in SCOPES[:ROUNDS]:
            auth_req_id, path = await ask(client, scope)
            form = fields_of(await person.get(path))
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


@pytest.mark.spec("standards", "CB-7")
async def test_a_request_is_redeemed_once(
    raced: RacedServer, client: httpx.AsyncClient, person: httpx.AsyncClient
) -> None:
    async with raced.rivals() as rivals:
        for scope in SCOPES[:ROUNDS]:
            auth_req_id, path = await ask(client, scope)
            assert (await approvals.press(person, await person.get(path))).status_code == 303
            answers = await asyncio.gather(*(elsewhere.poll(rival, "desk", auth_req_id) for rival in rivals))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(400, "invalid_grant")}
            [winner] = [answer.json() for answer in answers if answer.status_code == 200]
            # Whoever is late has lost nothing: what was bought goes on working.
            assert await active(rivals[0], winner["access_token"])


@pytest.mark.spec("standards", "CB-7")
async def test_of_questions_at_one_moment_one_has_waited(raced: RacedServer, client: httpx.AsyncClient) -> None:
    async with raced.rivals() as rivals:
        auth_req_id, _ = await ask(client, SCOPES[0])
        answers = await asyncio.gather(*(elsewhere.poll(rival, "desk", auth_req_id) for rival in rivals))
    told = [answer.json()["error"] for answer in answers]
    assert told.count("authorization_pending") == 1
    assert told.count("slow_down") == CONNECTIONS - 1


@pytest.mark.spec("standards", "CB-7")
async def test_a_decision_among_many_questions_is_not_lost(
    raced: RacedServer, client: httpx.AsyncClient, person: httpx.AsyncClient
) -> None:
    async with raced.rivals() as rivals:
        for scope in SCOPES[:ROUNDS]:
            auth_req_id, path = await ask(client, scope)
            page = await person.get(path)
            *answers, _ = await asyncio.gather(
                *(elsewhere.poll(rival, "desk", auth_req_id) for rival in rivals), approvals.press(person, page)
            )
            answers.append(await elsewhere.poll(client, "desk", auth_req_id))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) <= {
                (400, "invalid_grant"),
                (400, "authorization_pending"),
                (400, "slow_down"),
            }


@pytest.mark.spec("standards", "CB-11")
async def test_requests_at_one_moment_are_counted_one_by_one(raced: RacedServer) -> None:
    async with raced.rivals() as rivals:
        asking = (elsewhere.ask(rival, "desk", login_hint="nobody-at-all") for rival in rivals)
        answers = await asyncio.gather(*asking)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(403)) == (10, CONNECTIONS - 10)
