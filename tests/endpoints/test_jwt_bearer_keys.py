"""The keys of a trusted issuer at their address: fetched, kept, renewed, and never taken from anywhere else."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.protocol import key_sets
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support.delegated_people import new_person
from tests.support.delegation import JWT_BEARER, MACHINE, Asking, Issuer
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.jose import rewritten
from tests.support.service import Service, service

OLD = Issuer.named("https://keys.example")
NEW = Issuer(OLD.name, jose.generate("ES256"))
RSA = Issuer(OLD.name, jose.generate("RS256"))
PAUSE = key_sets.PAUSE.total_seconds()


def published(*keys: dict[str, Any]) -> bytes:
    return answer(json.dumps({"keys": keys}).encode())


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[tuple[FarServer, str]]:
    """The issuer's server, which publishes its old key, and the authority that vouches for it."""
    trusted = trust(tmp_path, "localhost")
    async with far_server(trusted.context) as running:
        running.says = published(OLD.public)
        yield running, trusted.ca_file


@pytest.fixture
async def served(database: Database, far: tuple[FarServer, str]) -> AsyncIterator[Service]:
    """A server that trusts the issuer by the address of its keys, with somebody whom the issuer knows."""
    running, ca_file = far
    place = f"localhost:{running.port}"
    trusted = {
        "clients": [f"agent{running.number}"],
        "jwks_uri": f"https://{place}/jwks.json",
        "subject": "username",
        "algorithms": ["ES256"],
    }
    outbound = {"allow": [place], "ca_file": ca_file}
    async with service(database, trusted_issuers={OLD.name: trusted}, outbound=outbound) as site:
        await site.application(f"agent{running.number}", **MACHINE, grant_types=(JWT_BEARER,))
        yield site
        await site.server.key_sets.close()


@pytest.fixture
async def asking(served: Service) -> AsyncIterator[Asking]:
    async with served.browser() as browser:
        yield Asking(served, browser)


@pytest.fixture
async def robin(served: Service) -> str:
    return await new_person(served)


async def present(asking: Asking, far: tuple[FarServer, str], assertion: str) -> httpx.Response:
    return await asking.bearer(assertion, f"agent{far[0].number}")


@pytest.mark.spec("standards", "JB-6")
async def test_the_keys_are_fetched_once_and_cost_no_further_trip(
    asking: Asking, far: tuple[FarServer, str], robin: str
) -> None:
    assert (await present(asking, far, OLD.says(asking.now, sub=robin))).status_code == 200
    for _ in range(2):
        with counting_trips() as trips:
            assert (await present(asking, far, OLD.says(asking.now, sub=robin))).status_code == 200
        assert trips == ["gather_person.username", "settle_delegated"]
    assert len(far[0].requests) == 1
    assert "assertion" not in far[0].requests[0]


async def test_a_new_key_counts_as_soon_as_it_is_published(
    asking: Asking, far: tuple[FarServer, str], served: Service, robin: str
) -> None:
    assert (await present(asking, far, OLD.says(asking.now, sub=robin))).status_code == 200
    refused = await present(asking, far, NEW.says(asking.now, sub=robin))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    far[0].says = published(OLD.public, NEW.public)
    served.clock.forward(PAUSE)
    assert (await present(asking, far, NEW.says(asking.now, sub=robin))).status_code == 200
    assert (await present(asking, far, OLD.says(asking.now, sub=robin))).status_code == 200


@pytest.mark.spec("standards", "JB-4")
async def test_keys_that_cannot_be_had_are_an_invalid_grant_that_says_so(
    asking: Asking, far: tuple[FarServer, str], robin: str
) -> None:
    far[0].says = answer(status="503 Service Unavailable")
    refused = await present(asking, far, OLD.says(asking.now, sub=robin))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert "keys of its issuer" in refused.json()["error_description"]


async def test_an_issuer_that_publishes_private_keys_has_none(
    asking: Asking, far: tuple[FarServer, str], robin: str
) -> None:
    far[0].says = published(dict(OLD.jwk))
    refused = await present(asking, far, OLD.says(asking.now, sub=robin))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("standards", "JV-1")
async def test_an_algorithm_that_was_not_written_down_does_not_count(
    asking: Asking, far: tuple[FarServer, str], robin: str
) -> None:
    far[0].says = published(OLD.public, RSA.public)
    for forged in (RSA.says(asking.now, sub=robin), rewritten(OLD.says(asking.now, sub=robin), alg="RS256")):
        assert (await present(asking, far, forged)).json()["error"] == "invalid_grant"


async def test_no_assertion_makes_the_server_ask_anybody_else(
    asking: Asking, far: tuple[FarServer, str], robin: str
) -> None:
    elsewhere = f"https://localhost:{far[0].port}/other.json"
    for header in ({"jku": elsewhere}, {"x5u": elsewhere}):
        await present(asking, far, rewritten(NEW.says(asking.now, sub=robin), **header))
    stranger = Issuer(f"https://localhost:{far[0].port}", NEW.jwk)
    await present(asking, far, stranger.says(asking.now, sub=robin))
    assert all("other.json" not in request for request in far[0].requests)
    assert len(far[0].requests) <= 1
