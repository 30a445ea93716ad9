"""What strangers can make us fetch: so much from one address, and only what would leave counts (CI-15)."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.outbound.client_documents import ClientDocuments
from app.pipeline import document_requests
from app.pipeline.server import Server
from app.protocol.configuration import DocumentRules
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.fetching import Failed, Refused
from app.store.database import Database
from tests.support.documents import written
from tests.support.far_server import HOST, FarServer, Trust, answer, far_server, trust, way_out
from tests.support.service import Service, service

MOST = 5
_addresses = itertools.count(1)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """An authority for this module."""
    return trust(tmp_path_factory.mktemp("trust"), HOST)


@pytest.fixture
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    """A server that has no documents."""
    async with far_server(trusted.context) as server:
        server.says = answer(status="404 Not Found")
        yield server


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Service]:
    """The server."""
    async with service(database) as running:
        yield running


@pytest.fixture
def server(site: Service, far: FarServer, trusted: Trust) -> Server:
    """The server, for which that other one is exempt, and which fetches little for one address."""
    outbound = way_out(far.place, ca_file=trusted.ca_file)
    rules = DocumentRules(requests=MOST, denied=("denied.example",))
    return replace(site.server, client_documents=ClientDocuments(outbound, rules, site.server.scopes, site.clock))


def address() -> str:
    """Return an address that nobody had before."""
    return f"198.51.100.{next(_addresses)}"


async def outcomes(server: Server, site: Service, far: FarServer, asker: str, count: int) -> list[object]:
    """Ask at once for documents that are not there, and return what came of each."""
    wanted = [f"https://{far.place}/{asker}/{number}" for number in range(count)]
    asked = (document_requests.fetch(server, client_id, asker, site.clock()) for client_id in wanted)
    return await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.spec("standards", "CI-15")
async def test_an_address_has_so_many_documents_and_no_more_however_many_ask_at_once(
    server: Server, site: Service, far: FarServer
) -> None:
    asker = address()
    heard = await outcomes(server, site, far, asker, 20)
    refused = [reason for reason in heard if isinstance(reason, OAuthError)]
    assert (len(refused), sum(isinstance(reason, Failed) for reason in heard)) == (20 - MOST, MOST)
    assert far.connections == MOST
    assert {(one.code, one.retry_after) for one in refused} == {(ErrorCode.TOO_MANY_FAILURES, 600)}
    assert "from this address" in refused[0].description
    assert isinstance((await outcomes(server, site, far, address(), 1))[0], Failed)
    site.clock.forward(600)
    assert isinstance((await outcomes(server, site, far, asker, 1))[0], Failed)


@pytest.mark.spec("standards", "CI-15")
async def test_a_network_of_ipv6_is_one_address(server: Server, site: Service, far: FarServer) -> None:
    network = f"2001:db8:{next(_addresses):x}:1"
    heard = [(await outcomes(server, site, far, f"{network}::{n:x}", 1))[0] for n in range(MOST + 1)]
    assert [isinstance(reason, OAuthError) for reason in heard] == [False] * MOST + [True]


@pytest.mark.spec("standards", "CI-15")
async def test_what_does_not_leave_does_not_count(server: Server, site: Service, far: FarServer) -> None:
    asker = address()
    here = f"https://{far.place}/client.json"
    for client_id in ("https://keys.example", f"{here}#a", "https://denied.example/client.json"):
        for _ in range(MOST + 1):
            with pytest.raises(Refused):
                await document_requests.fetch(server, client_id, asker, site.clock())
    assert far.connections == 0
    far.says = answer(written(client_id=here))
    first, *others = await asyncio.gather(
        document_requests.fetch(server, here, address(), site.clock()),
        *(document_requests.fetch(server, here, asker, site.clock()) for _ in range(2)),
    )
    for _ in range(2 * MOST):
        assert await document_requests.fetch(server, here, asker, site.clock()) is first
    assert others == [first] * 2
    assert far.connections == 1


async def test_an_address_that_is_not_known_has_no_limit(server: Server, site: Service, far: FarServer) -> None:
    wanted = [f"https://{far.place}/{number}" for number in range(MOST + 1)]
    asked = (document_requests.fetch(server, client_id, "", site.clock()) for client_id in wanted)
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(reason) for reason in heard} == {Failed}
