"""An assertion counts once, however many show it at the same moment, to whichever worker and at whichever endpoint:
one that proves who a client is, one that buys a token, and a request object that is pushed. So does an initial access
token, as often as it says."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import httpx
import pytest

from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support.assertions import claims_of, form, key_of, key_set, maced, signed
from tests.support.database import FreshDatabase
from tests.support.delegation import EXCHANGE, IDP, JWT, JWT_BEARER
from tests.support.race import CONNECTIONS, SCOPES, USERNAME, RacedServer, errors_of, raced_server
from tests.support.registering import bearer as bearing
from tests.support.registering import permission
from tests.support.request_objects import TYP
from tests.support.request_objects import claims_of as asked_by
from tests.support.service import REDIRECT_URI
from tests.support.service import SECRET as AGENT_SECRET

SECRET = "a secret that makes macs, of more than sixty-four bytes: 0123456789abcdef"
KEY = key_of("racer")
ENDPOINTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/oauth/token", {"grant_type": "client_credentials"}),
    ("/oauth/introspect", {"token": "nothing"}),
    ("/oauth/revoke", {"token": "nothing"}),
)


AGENT = "agent"
ISSUER_KEY = ", ".join(f"{name} = {json.dumps(value)}" for name, value in IDP.public.items())
TABLES = f"""
[trusted_issuers."{IDP.name}"]
clients = ["{AGENT}"]
jwks = [{{ {ISSUER_KEY} }}]
subject = "username"

[token_exchange.idp]
clients = ["{AGENT}"]
subject_issuers = ["{IDP.name}"]
scopes = ["{SCOPES[0]}"]

[registration]
mode = "token"

[limits]
registrations = 100000
"""
AGENCY = {
    "client_id": AGENT,
    "client_secret": AGENT_SECRET,
    "client_name": "Night Agent",
    "grant_types": [JWT_BEARER, EXCHANGE],
    "token_endpoint_auth_method": "client_secret_basic",
}


ASKER = {
    "client_id": "asker",
    "client_secret": AGENT_SECRET,
    "grant_types": ["authorization_code"],
    "redirect_uris": [REDIRECT_URI],
    "jwks": key_set(KEY),
}


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    machine: dict[str, Any] = {"grant_types": ["client_credentials"]}
    keyed = {"client_id": "keyed", "token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(KEY)}
    macing = {"client_id": "macing", "token_endpoint_auth_method": "client_secret_jwt", "client_secret": SECRET}
    applications = [machine | keyed, machine | macing, AGENCY, ASKER]
    async with raced_server(database, fresh_database, tables=TABLES, applications=applications) as running:
        yield running


def assertion(raced: RacedServer, client_id: str, **changes: Any) -> str:
    claims = claims_of(client_id, raced.server.issuer, datetime.now(UTC), **changes)
    return signed(claims, KEY) if client_id == "keyed" else maced(claims, SECRET.encode())


async def ask(rival: httpx.AsyncClient, text: str, endpoint: tuple[str, dict[str, str]]) -> httpx.Response:
    path, parameters = endpoint
    return await rival.post(path, data=form(text, **parameters))


@pytest.mark.soak
@pytest.mark.spec("standards", "CA-7")
@pytest.mark.parametrize("client_id", ["keyed", "macing"])
async def test_the_same_assertion_at_the_token_endpoint(
    raced: RacedServer, volume: Callable[[int], int], client_id: str
) -> None:
    async with raced.rivals() as rivals:
        for _ in range(volume(100)):
            text = assertion(raced, client_id)
            answers = await asyncio.gather(*(ask(rival, text, ENDPOINTS[0]) for rival in rivals))
            assert len(answers) == CONNECTIONS
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(401, "invalid_client")}


@pytest.mark.soak
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-7")
async def test_the_same_assertion_at_all_endpoints(raced: RacedServer, volume: Callable[[int], int]) -> None:
    async with raced.rivals() as rivals:
        for _ in range(volume(100)):
            text = assertion(raced, "keyed")
            at = zip(rivals, cycle(ENDPOINTS), strict=False)
            answers = await asyncio.gather(*(ask(rival, text, endpoint) for rival, endpoint in at))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(401, "invalid_client")}


@pytest.mark.soak
@pytest.mark.spec("standards", "CA-7")
async def test_one_jti_in_assertions_that_all_differ(raced: RacedServer, volume: Callable[[int], int]) -> None:
    async with raced.rivals() as rivals:
        for number in range(volume(100)):
            later = int(datetime.now(UTC).timestamp()) + 30
            texts = [
                assertion(raced, "keyed", jti=f"race {number} {later}", exp=later + 170 * place)
                for place in range(CONNECTIONS)
            ]
            answers = await asyncio.gather(
                *(ask(rival, text, ENDPOINTS[0]) for rival, text in zip(rivals, texts, strict=True))
            )
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(401, "invalid_client")}


async def at_once(raced: RacedServer, *requests: dict[str, str]) -> list[httpx.Response]:
    """Send each request from a connection of its own, at the same moment."""
    async with raced.rivals() as rivals:
        return await asyncio.gather(
            *(
                rival.post("/oauth/token", data=request, auth=(AGENT, AGENT_SECRET))
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


@pytest.mark.soak
@pytest.mark.spec("standards", "PAR-6")
async def test_the_same_request_object_at_both_workers(raced: RacedServer, volume: Callable[[int], int]) -> None:
    async with raced.rivals() as rivals:
        for _ in range(volume(100)):
            claims = asked_by("asker", datetime.now(UTC), aud=raced.server.issuer, scope=SCOPES[0])
            pushed = {"request": signed(claims, KEY, typ=TYP)}
            one = (rival.post("/oauth/par", data=pushed, auth=("asker", AGENT_SECRET)) for rival in rivals)
            answers = await asyncio.gather(*one)
            lost = [answer for answer in answers if answer.status_code != 201]
            assert len(lost) == CONNECTIONS - 1
            assert errors_of(lost) == {(400, "invalid_request_object")}


@pytest.mark.slow  # that only as many get in as it says is proved in one process as well
@pytest.mark.spec("standards", "DR-2")
async def test_the_same_initial_access_token_at_both_workers(raced: RacedServer, database: Database) -> None:
    members = {"client_name": "Rye Inspector", "redirect_uris": [REDIRECT_URI]}
    async with raced.rivals() as rivals:
        for uses in (1, 3):
            header = bearing(await permission(database, datetime.now(UTC), uses=uses))
            answers = await asyncio.gather(
                *(rival.post("/oauth/register", json=members, headers=header) for rival in rivals)
            )
            assert Counter(answer.status_code for answer in answers) == {201: uses, 401: CONNECTIONS - uses}
