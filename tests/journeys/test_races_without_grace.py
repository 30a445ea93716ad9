"""With `refresh_grace = 0` the second use of a refresh token is theft, however soon it comes after the first."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support.database import FreshDatabase
from tests.support.race import CLIENT_ID, SCOPES, RacedServer, active, errors_of, raced_server, refresh
from tests.support.service import redeem


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database, refresh_grace=0) as running:
        yield running


@pytest.mark.spec("standards", "RF-4")
@pytest.mark.spec("standards", "BC-18")
@pytest.mark.soak
@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.slow
async def test_one_of_twenty_refreshes_succeeds_and_the_family_dies(
    raced: RacedServer, volume: Callable[[int], int]
) -> None:
    async with raced.rivals() as rivals:
        for _ in range(volume(100)):
            bought = (await redeem(rivals[0], CLIENT_ID, await raced.new_code(SCOPES[0]))).json()
            answers = await asyncio.gather(*(refresh(rival, bought["refresh_token"]) for rival in rivals))
            (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
            assert errors_of(answers) == {(400, "invalid_grant")}
            assert not await active(rivals[0], winner["access_token"])
            assert not await active(rivals[0], bought["access_token"])
            assert errors_of([await refresh(rivals[0], winner["refresh_token"])]) == {(400, "invalid_grant")}
    reasons = await raced.fetch("select distinct revoked_reason from token_family")
    assert [row["revoked_reason"] for row in reasons] == ["refresh_token_reused"]
