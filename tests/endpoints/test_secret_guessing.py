"""Guessing the secrets of applications (T-7): too many wrong ones, and none is judged; nobody else notices."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import Application
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.endpoints.test_budgets import remembering
from tests.support.assertions import claims_of, maced
from tests.support.credentials import change
from tests.support.service import ISSUER, SECRET, Service, service

ATTACKER, OFFICE = "203.0.113.9", "198.51.100.4"
LIMIT, OF_ADDRESS, WINDOW = 10, 25, 600
SETTINGS: dict[str, Any] = {
    "limits": {"client_failures": LIMIT, "address_failures": OF_ADDRESS, "address_window": WINDOW}
}
MACHINE: dict[str, Any] = {
    "kind": "machine",
    "redirect_uris": (),
    "response_types": (),
    "grant_types": ("client_credentials",),
}


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Service]:
    """A worker that knows of no failure yet."""
    async with service(database, **SETTINGS) as running:
        yield running


@pytest.fixture
async def client_id(site: Service) -> str:
    """A new application."""
    name = f"app-{new_id(site.clock())}"
    await site.application(name, **MACHINE)
    return name


def address(number: int) -> str:
    """Return an address that only one test uses."""
    return f"203.0.113.{number}"


def caller(site: Service, address: str) -> httpx.AsyncClient:
    """Return a program at an address."""
    transport = httpx.ASGITransport(site.app, client=(address, 40_000))
    return httpx.AsyncClient(transport=transport, base_url=ISSUER)


async def ask(client: httpx.AsyncClient, client_id: str, secret: str = "wrong", **options: Any) -> httpx.Response:
    data = {"grant_type": "client_credentials"}
    return await client.post("/oauth/token", data=data, auth=(client_id, secret), **options)


async def statuses(client: httpx.AsyncClient, client_id: str, tries: int) -> list[int]:
    return [(await ask(client, client_id)).status_code for _ in range(tries)]


@pytest.mark.spec("standards", "T-7")
async def test_after_the_limit_not_even_the_right_secret_is_judged_and_a_while_later_it_is(
    site: Service, client_id: str
) -> None:
    async with caller(site, address(1)) as attacker:
        assert await statuses(attacker, client_id, LIMIT) == [401] * (LIMIT - 1) + [429]
        site.clock.forward(60)
        for secret in ("wrong", SECRET):
            refused = await ask(attacker, client_id, secret)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, str(WINDOW - 60))
            assert refused.json()["error"] == "temporarily_unavailable"
            assert (refused.headers["cache-control"], "www-authenticate" in refused.headers) == ("no-store", False)
        site.clock.forward(WINDOW - 60)
        assert (await ask(attacker, client_id, SECRET)).status_code == 200
        assert (await ask(attacker, client_id)).status_code == 401


@pytest.mark.spec("standards", "T-7")
async def test_elsewhere_the_application_and_here_every_other_one_goes_on(site: Service, client_id: str) -> None:
    await site.application(f"other-{client_id}", **MACHINE)
    async with caller(site, address(2)) as attacker, caller(site, OFFICE) as office:
        await statuses(attacker, client_id, LIMIT)
        assert (await ask(attacker, client_id, SECRET)).status_code == 429
        assert (await ask(office, client_id, SECRET)).status_code == 200
        assert (await ask(attacker, f"other-{client_id}", SECRET)).status_code == 200


@pytest.mark.spec("standards", "T-7")
async def test_an_address_that_tries_many_applications_is_stopped_as_well(site: Service, client_id: str) -> None:
    async with caller(site, address(3)) as attacker:
        tried = [(await ask(attacker, f"unknown-{number}")).status_code for number in range(OF_ADDRESS)]
        assert tried == [401] * (OF_ADDRESS - 1) + [429]
        assert (await ask(attacker, client_id, SECRET)).status_code == 429


@pytest.mark.spec("standards", "T-7")
async def test_an_application_that_there_is_not_is_counted_like_one_that_there_is(
    site: Service, client_id: str
) -> None:
    async with caller(site, address(4)) as one, caller(site, address(5)) as other:
        assert await statuses(one, client_id, LIMIT + 1) == await statuses(other, "nobody-at-all", LIMIT + 1)


@pytest.mark.spec("standards", "T-7")
@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/oauth/token", 6),
        ("/oauth/introspect", 7),
        ("/oauth/revoke", 8),
        ("/oauth/device_authorization", 9),
        ("/oauth/par", 60),
    ],
)
async def test_every_endpoint_counts_and_none_is_a_way_around(
    site: Service, client_id: str, path: str, number: int
) -> None:
    data = {"token": "x", "grant_type": "client_credentials"}
    async with caller(site, address(number)) as attacker:
        for _ in range(LIMIT):
            await attacker.post(path, data=data, auth=(client_id, "wrong"))
        for elsewhere in ("/oauth/token", "/oauth/introspect", "/oauth/revoke"):
            answer = await attacker.post(elsewhere, data=data, auth=(client_id, SECRET))
            assert answer.status_code == 429, elsewhere
        website = await attacker.post(path, data=data, auth=(client_id, "x"), headers={"Origin": "https://spa.example"})
        if path != "/oauth/introspect":
            assert website.headers["access-control-allow-origin"] == "*"


@pytest.mark.spec("standards", "T-7")
async def test_all_ways_to_show_a_secret_are_one(site: Service, client_id: str) -> None:
    data = {"grant_type": "client_credentials"}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    async with caller(site, address(10)) as attacker:
        for _ in range(LIMIT // 2):
            posted = data | {"client_id": client_id, "client_secret": "wrong"}
            await attacker.post("/oauth/token", data=posted)
            forged = maced(claims_of(client_id, ISSUER, site.clock()), b"x" * 32)
            await attacker.post("/oauth/token", data=data | {"client_assertion": forged, "client_assertion_type": kind})
        assert (await ask(attacker, client_id, SECRET)).status_code == 429


@pytest.mark.spec("standards", "T-7")
async def test_whoever_shows_no_secret_is_neither_counted_nor_stopped(site: Service, client_id: str) -> None:
    await site.application(f"spa-{client_id}", auth_method="none", kind="browser")
    data = {"grant_type": "client_credentials", "client_id": client_id}
    async with caller(site, address(11)) as program:
        for _ in range(LIMIT + 1):
            assert (await program.post("/oauth/token", data=data)).status_code == 401
        assert (await ask(program, client_id, SECRET)).status_code == 200
        await statuses(program, client_id, LIMIT)
        gone = await program.post("/oauth/revoke", data={"token": "x", "client_id": f"spa-{client_id}"})
        assert gone.status_code == 200


@pytest.mark.spec("standards", "T-7")
async def test_workers_count_together_and_each_learns_it_from_its_next_failure(
    site: Service, database: Database, client_id: str
) -> None:
    async with service(database, **SETTINGS) as second:
        second.clock.now = site.clock()
        async with caller(site, address(12)) as here, caller(second, address(12)) as there:
            assert await statuses(here, client_id, LIMIT - 3) == [401] * (LIMIT - 3)
            assert await statuses(there, client_id, 3) == [401, 401, 429]
            assert (await ask(there, client_id, SECRET)).status_code == 429
            assert (await ask(here, client_id)).status_code == 429
            assert (await ask(here, client_id, SECRET)).status_code == 429


@pytest.mark.spec("standards", "T-7")
async def test_guesses_at_the_same_moment_do_not_slip_through(site: Service, client_id: str) -> None:
    """However many are under way, no more than the limit are judged: the last of them has the right secret."""
    secrets = ["wrong"] * 60 + [SECRET]
    async with caller(site, address(13)) as attacker:
        answers = await asyncio.gather(*(ask(attacker, client_id, secret) for secret in secrets))
    told = [answer.status_code for answer in answers]
    assert told.count(401) < LIMIT
    assert told[-1] == 429


@pytest.mark.spec("standards", "T-7")
async def test_the_right_secret_costs_nothing_more_and_a_wrong_one_a_trip(site: Service, client_id: str) -> None:
    async with caller(site, address(14)) as program:
        with counting_trips() as trips:
            assert (await ask(program, client_id, SECRET)).status_code == 200
        assert trips == ["gather_client", "settle_machine_token"]
        with counting_trips() as trips:
            assert (await ask(program, client_id)).status_code == 401
        assert trips == ["gather_client", "gather_client", "count_guess"]
        with counting_trips() as trips:
            assert (await ask(program, client_id, SECRET)).status_code == 200
        assert trips == ["gather_client", "settle_machine_token"]
        await statuses(program, client_id, LIMIT)
        with counting_trips() as trips:
            assert (await ask(program, client_id, SECRET)).status_code == 429
        assert trips == []


async def test_a_secret_that_was_added_a_moment_ago_is_no_failure(site: Service, client_id: str) -> None:
    """The application comes from the cache, and is read again before it is refused."""
    found = await site.database.hot.gather_client(client_id)
    assert found is not None
    async with caller(site, address(15)) as program:
        with remembering(site.database.applications):
            assert (await ask(program, client_id, SECRET)).status_code == 200
            for number in range(LIMIT + 1):
                secret = f"secret number {number}"
                await change(site, Application, found.id, secret_digests=[digest(secret.encode())])
                assert (await ask(program, client_id, secret)).status_code == 200


async def test_a_worker_forgets_the_longest_unused_counter_when_there_are_too_many(
    site: Service, client_id: str
) -> None:
    site.server.guesses.most = 4
    async with caller(site, address(16)) as attacker:
        await statuses(attacker, client_id, LIMIT)
        assert (await ask(attacker, client_id, SECRET)).status_code == 429
        for number in range(4):
            await ask(attacker, f"filler-{number}")
        assert (await ask(attacker, client_id)).status_code == 429  # the database has it still


async def test_without_an_address_nobody_is_locked_out(site: Service, client_id: str) -> None:
    async with caller(site, "") as proxy:
        assert await statuses(proxy, client_id, LIMIT + 1) == [401] * (LIMIT + 1)
        assert (await ask(proxy, client_id, SECRET)).status_code == 200
