"""A DPoP proof counts once, however many show it at the same moment to whichever worker (standards DP-6)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support.database import FreshDatabase
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.race import CLIENT_ID, CONNECTIONS, SCOPES, RacedServer, raced_server
from tests.support.service import REDIRECT_URI, SECRET

HOLDER = Holder()


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database) as running:
        yield running


def proof(raced: RacedServer, path: str = "/oauth/token", method: str = "POST", token: str | None = None) -> str:
    return HOLDER.proof(method, raced.server.issuer + path, token=token)


async def ask(client: httpx.AsyncClient, proof: str, **data: str) -> httpx.Response:
    return await client.post("/oauth/token", data=data, headers={"dpop": proof}, auth=(CLIENT_ID, SECRET))


async def redeem(client: httpx.AsyncClient, code: str, proof: str) -> httpx.Response:
    grant = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return await ask(client, proof, code=code, **grant)


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    """Count how the answers ended: their error, or their status."""
    return Counter(answer.json().get("error", str(answer.status_code)) for answer in answers)


@pytest.mark.spec("standards", "DP-6")
async def test_of_twenty_refreshes_with_one_proof_one_gets_a_token(raced: RacedServer) -> None:
    async with raced.rivals() as rivals:
        code = await raced.new_code(*SCOPES[:1])
        token = (await redeem(rivals[0], code, proof(raced))).json()["refresh_token"]
        same = proof(raced)
        before = await raced.fetch("select count(*) from access_token")
        answers = await asyncio.gather(
            *(ask(rival, same, grant_type="refresh_token", refresh_token=token) for rival in rivals)
        )
    assert outcomes(answers) == {"200": 1, "invalid_dpop_proof": CONNECTIONS - 1}
    after = await raced.fetch("select count(*) from access_token")
    assert after[0]["count"] - before[0]["count"] == 1


@pytest.mark.spec("standards", "DP-6")
@pytest.mark.spec("standards", "DP-11")
async def test_of_twenty_codes_with_one_proof_one_is_spent(raced: RacedServer) -> None:
    codes = [await raced.new_code(*SCOPES[:1]) for _ in range(CONNECTIONS)]
    same = proof(raced)
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(*(redeem(rival, code, same) for rival, code in zip(rivals, codes, strict=True)))
        assert outcomes(answers) == {"200": 1, "invalid_dpop_proof": CONNECTIONS - 1}
        left = [code for code, answer in zip(codes, answers, strict=True) if answer.status_code == 400]
        again = await asyncio.gather(
            *(redeem(rival, code, proof(raced)) for rival, code in zip(rivals, left, strict=False))
        )
    assert outcomes(again) == {"200": CONNECTIONS - 1}


@pytest.mark.spec("standards", "DP-6")
@pytest.mark.spec("standards", "DP-14")
async def test_of_twenty_calls_of_the_api_with_one_proof_one_is_answered(raced: RacedServer) -> None:
    async with raced.rivals() as rivals:
        token = (await redeem(rivals[0], await raced.new_code(*SCOPES[:1]), proof(raced))).json()["access_token"]
        same = proof(raced, "/api/v1/me", "GET", token)
        headers = {"authorization": f"DPoP {token}", "dpop": same}
        answers = await asyncio.gather(*(rival.get("/api/v1/me", headers=headers) for rival in rivals))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: CONNECTIONS - 1}
    refused = [answer for answer in answers if answer.status_code == 401]
    assert all('error="invalid_dpop_proof"' in answer.headers["www-authenticate"] for answer in refused)
