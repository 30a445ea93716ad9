"""An assertion counts once, however many show it at the same moment, to whichever worker and at whichever endpoint."""

import asyncio
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
from tests.support.race import CONNECTIONS, RacedServer, errors_of, raced_server

SECRET = "a secret that makes macs, of more than sixty-four bytes: 0123456789abcdef"
KEY = key_of("racer")
ENDPOINTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/oauth/token", {"grant_type": "client_credentials"}),
    ("/oauth/introspect", {"token": "nothing"}),
    ("/oauth/revoke", {"token": "nothing"}),
)


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    machine: dict[str, Any] = {"grant_types": ["client_credentials"]}
    keyed = {"client_id": "keyed", "token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(KEY)}
    macing = {"client_id": "macing", "token_endpoint_auth_method": "client_secret_jwt", "client_secret": SECRET}
    applications = [machine | keyed, machine | macing]
    async with raced_server(database, fresh_database, applications=applications) as running:
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
