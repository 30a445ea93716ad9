"""A key is given another secret once, and no organization gets more keys than it may have, however many ask at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.services.api_keys import MAX_KEYS
from app.store.database import Database
from tests.support.api_keys import FILL, Keys, keeper
from tests.support.database import FreshDatabase
from tests.support.membership import found, join
from tests.support.race import CONNECTIONS, USERNAME, RacedServer, raced_server


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers; the person owns northquay."""
    async with raced_server(database, fresh_database, further=("org:admin",)) as running:
        now = datetime.now(UTC)
        await join(database, await found(database, "northquay", now), running.user.id, "owner", now)
        yield running


@pytest.fixture
async def keys(raced: RacedServer) -> AsyncIterator[Keys]:
    """The keys of northquay, managed by its owner."""
    async with raced.browser() as browser:
        yield await keeper(browser, "northquay", USERNAME)


async def race(
    raced: RacedServer, keys: Keys, *requests: tuple[str, str, dict[str, Any] | None]
) -> list[httpx.Response]:
    """Send requests at the same moment, each over a connection of its own."""
    async with raced.rivals(len(requests), browser=keys.person.browser) as rivals:
        return await asyncio.gather(
            *(
                rival.request(method, path, json=body, headers=keys.person.headers)
                for rival, (method, path, body) in zip(rivals, requests, strict=True)
            )
        )


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    """Count the answers by status."""
    return Counter(answer.status_code for answer in answers)


async def accepted(raced: RacedServer, secret: str) -> bool:
    """Tell whether a key opens the door."""
    async with raced.browser() as machine:
        answer = await machine.get("/api/v1/", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code == 200


async def test_of_many_rotations_at_once_one_makes_a_new_secret(raced: RacedServer, keys: Keys) -> None:
    key = await keys.made(label="Rotated")
    answers = await race(raced, keys, *[("POST", f"{keys.of(key)}/rotate", None)] * CONNECTIONS)
    assert statuses(answers) == {200: 1, 409: CONNECTIONS - 1}
    [new] = [answer.json() for answer in answers if answer.status_code == 200]
    assert new["retiring_last_four"] == key["last_four"]
    assert [await accepted(raced, secret) for secret in (key["key"], new["key"])] == [True, True]
    rows = await raced.fetch("select count(*) from audit where event = 'api_key.rotated'")
    assert rows[0][0] == 1


async def test_of_many_retirements_at_once_one_ends_the_secret_before(raced: RacedServer, keys: Keys) -> None:
    key = await keys.made(label="Retired")
    new = (await keys.post(f"{keys.of(key)}/rotate")).json()
    answers = await race(raced, keys, *[("POST", f"{keys.of(key)}/retire", None)] * CONNECTIONS)
    assert statuses(answers) == {200: 1, 409: CONNECTIONS - 1}
    assert [await accepted(raced, secret) for secret in (key["key"], new["key"])] == [False, True]


async def test_a_key_that_is_removed_while_it_is_rotated_is_gone_with_every_secret(
    raced: RacedServer, keys: Keys
) -> None:
    for _ in range(3):
        key = await keys.made(label="Removed")
        path = keys.of(key)
        answers = await race(
            raced, keys, *[("POST", f"{path}/rotate", None), ("DELETE", path, None)] * (CONNECTIONS // 2)
        )
        rotations, removals = answers[::2], answers[1::2]
        assert statuses(removals) == {204: 1, 404: len(removals) - 1}
        assert statuses(rotations).keys() <= {200, 404, 409}
        assert statuses(rotations)[200] <= 1
        secrets = [key["key"], *(answer.json()["key"] for answer in rotations if answer.status_code == 200)]
        assert [secret for secret in secrets if await accepted(raced, secret)] == []
        rows = await raced.fetch("select event from audit where subject_id = $1", key["id"])
        assert Counter(row["event"] for row in rows) == Counter(
            ["api_key.created", "api_key.removed", *["api_key.rotated"] * (len(secrets) - 1)]
        )


async def test_the_last_free_place_is_taken_once(raced: RacedServer, keys: Keys) -> None:
    [has] = await raced.fetch("select count(*) from api_key")
    await raced.fetch(FILL % (MAX_KEYS - 1 - has[0]))
    answers = await race(raced, keys, *[("POST", keys.path, {"label": "Last"})] * CONNECTIONS)
    assert statuses(answers) == {201: 1, 409: CONNECTIONS - 1}
    [has] = await raced.fetch("select count(*) from api_key")
    assert has[0] == MAX_KEYS
