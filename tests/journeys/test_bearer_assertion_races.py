"""One assertion shown from twenty connections to two workers at the same moment: one token, whatever else differs."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.delegation import EXCHANGE, IDP, JWT, JWT_BEARER
from tests.support.race import CONNECTIONS, SCOPES, USERNAME, RacedServer, errors_of, raced_server
from tests.support.service import SECRET

AGENT = "agent"
KEY = ", ".join(f"{name} = {json.dumps(value)}" for name, value in IDP.public.items())
TABLES = f"""
[trusted_issuers."{IDP.name}"]
clients = ["{AGENT}"]
jwks = [{{ {KEY} }}]
subject = "username"

[token_exchange.idp]
clients = ["{AGENT}"]
subject_issuers = ["{IDP.name}"]
scopes = ["{SCOPES[0]}"]
"""
APPLICATIONS = (
    {
        "client_id": AGENT,
        "client_secret": SECRET,
        "client_name": "Night Agent",
        "grant_types": [JWT_BEARER, EXCHANGE],
        "token_endpoint_auth_method": "client_secret_basic",
    },
)


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers that trusts somebody."""
    async with raced_server(database, fresh_database, tables=TABLES, applications=APPLICATIONS) as running:
        yield running


async def at_once(raced: RacedServer, *requests: dict[str, str]) -> list[httpx.Response]:
    """Send each request from a connection of its own, at the same moment."""
    async with raced.rivals() as rivals:
        return await asyncio.gather(
            *(
                rival.post("/oauth/token", data=request, auth=(AGENT, SECRET))
                for rival, request in zip(rivals, requests, strict=True)
            )
        )


async def tokens(raced: RacedServer) -> int:
    [row] = await raced.fetch("select count(*) n from access_token")
    return int(row["n"])


def bearer(raced: RacedServer, jti: str, end: int = 300) -> dict[str, str]:
    now = int(time.time())
    said = IDP.says(now, sub=USERNAME, aud=raced.server.issuer, jti=jti, exp=now + end)
    return {"grant_type": JWT_BEARER, "assertion": said, "scope": SCOPES[0]}


@pytest.mark.spec("standards", "JB-2")
async def test_one_assertion_buys_one_token(raced: RacedServer) -> None:
    before = await tokens(raced)
    answers = await at_once(raced, *[bearer(raced, "the same")] * CONNECTIONS)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CONNECTIONS - 1}
    assert errors_of(answers) == {(400, "invalid_grant")}
    assert await tokens(raced) == before + 1


@pytest.mark.spec("standards", "JB-2")
async def test_assertions_with_one_jti_buy_one_token_also_across_the_hour(raced: RacedServer) -> None:
    before = await tokens(raced)
    requests = [bearer(raced, "one name", 200 + 150 * number) for number in range(CONNECTIONS)]
    answers = await at_once(raced, *requests)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CONNECTIONS - 1}
    assert await tokens(raced) == before + 1


async def test_an_assertion_and_the_same_as_a_subject_token_buy_one_token(raced: RacedServer) -> None:
    before = await tokens(raced)
    first = bearer(raced, "two ways")
    second = {"grant_type": EXCHANGE, "subject_token": first["assertion"], "subject_token_type": JWT}
    answers = await at_once(raced, *[first, second] * (CONNECTIONS // 2))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CONNECTIONS - 1}
    assert errors_of(answers) <= {(400, "invalid_grant"), (400, "invalid_request")}
    assert await tokens(raced) == before + 1


async def test_different_assertions_do_not_stand_in_each_others_way(raced: RacedServer) -> None:
    answers = await at_once(raced, *(bearer(raced, f"number {number}") for number in range(CONNECTIONS)))
    assert Counter(answer.status_code for answer in answers) == {200: CONNECTIONS}
