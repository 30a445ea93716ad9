"""Metadata documents of clients: fetched once for all who wait, kept within bounds, and never an error (CI-3 to
CI-10)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from app.outbound import client_documents
from app.outbound.client import Failed, Refused
from app.outbound.client_documents import TRIES, ClientDocuments
from app.protocol.client_documents import MAX_BYTES
from app.protocol.configuration import DocumentRules
from tests.support.documents import document, written
from tests.support.facts import REGISTRY
from tests.support.far_server import HOST, Count, FarServer, Names, Trust, answer, far_server, trust, way_out
from tests.support.service import Clock

OTHER = "other.example"
EVERYBODY = DocumentRules()
LOOPBACK: dict[str, list[tuple[str, ...]]] = {HOST: [("127.0.0.1",)], OTHER: [("127.0.0.1",)]}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """An authority for this module."""
    return trust(tmp_path_factory.mktemp("trust"), HOST, OTHER)


async def say_whose_it_is(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: FarServer) -> None:
    """Answer with the document of the address that was asked for."""
    lines = far.requests[-1].split("\r\n")
    path, host = lines[0].split()[1], lines[1].partition(" ")[2]
    writer.write(answer(written(client_id=f"https://{host}{path}")))
    await writer.drain()


@pytest.fixture
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    """A server with a document at each of its addresses."""
    async with far_server(trusted.context) as server:
        server.behave = lambda reader, writer: say_whose_it_is(reader, writer, server)
        yield server


@pytest.fixture
def clock() -> Clock:
    """A clock that tests move."""
    return Clock()


Known = Callable[..., ClientDocuments]


@pytest.fixture
async def known(far: FarServer, trusted: Trust, clock: Clock) -> AsyncIterator[Known]:
    """Make the documents of one worker, for which that server is exempt."""
    made: list[ClientDocuments] = []

    def make(*, count: Count | None = None, rules: DocumentRules = EVERYBODY, deadline: float = 5.0) -> ClientDocuments:
        outbound = way_out(
            far.place,
            f"{OTHER}:{far.port}",
            ca_file=trusted.ca_file,
            names=Names(dict(LOOPBACK)),
            count=count,
            deadline=deadline,
        )
        made.append(ClientDocuments(outbound, rules, REGISTRY, clock, deadline=deadline))
        return made[-1]

    yield make
    for documents in made:
        await documents.close()


def address(far: FarServer, path: str = "client.json", host: str = HOST) -> str:
    """Return a client_id."""
    return f"https://{host}:{far.port}/{path}"


async def failure(documents: ClientDocuments, client_id: str, clock: Clock) -> str:
    """Return why there is no telling now."""
    with pytest.raises(Failed) as failed:
        await documents.get(client_id, clock())
    return str(failed.value)


async def refusal(documents: ClientDocuments, client_id: str, clock: Clock) -> str:
    """Return why there can be no such client."""
    with pytest.raises(Refused) as refused:
        await documents.get(client_id, clock())
    return str(refused.value)


@pytest.mark.spec("standards", "CI-3")
@pytest.mark.spec("standards", "CI-10")
async def test_a_document_is_fetched_once_and_then_kept(known: Known, far: FarServer, clock: Clock) -> None:
    documents = known()
    first = await documents.get(address(far), clock())
    assert first.metadata.client_name == document()["client_name"]
    assert (first.fetched_at, first.fresh_until) == (clock(), clock() + timedelta(hours=1))
    clock.forward(3599)
    assert await documents.get(address(far), clock()) is first
    assert far.requests == [
        f"GET /client.json HTTP/1.1\r\nHost: {far.place}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
        "User-Agent: Assent\r\nConnection: close\r\n\r\n"
    ]
    clock.forward(1)
    assert (await documents.get(address(far), clock())).fetched_at == clock()
    assert far.connections == 2


HEADERS = {
    "max-age=1800": 1800,
    "max-age=0": 300,
    "no-store": 300,
    "max-age=1800\r\nAge: 1000": 800,
    "max-age=1800\r\nCache-Control: max-age=86400": 1800,
    "max-age=1800\r\nCache-Control: no-store": 300,
    "max-age=1800\r\nAge: 999999999": 300,
    "max-age=1800\r\nAge: -999999999": 1800,
    "max-age=999999999999\r\nAge: 1": 3600,
    "public, s-maxage=9, max-age=999999999, immutable": 86_400,
    "public\r\nExpires: Thu, 01 Jan 2099 00:00:00 GMT": 3600,
}


@pytest.mark.spec("standards", "CI-10")
async def test_its_headers_count_within_bounds(known: Known, far: FarServer, clock: Clock) -> None:
    documents, far.behave = known(), None
    for number, (said, kept) in enumerate(HEADERS.items()):
        client_id = address(far, str(number))
        far.says = answer(written(client_id=client_id), f"Cache-Control: {said}")
        found = await documents.get(client_id, clock())
        assert (found.fresh_until - found.fetched_at).total_seconds() == kept, said


@pytest.mark.spec("standards", "CI-4")
async def test_every_type_that_is_written_in_json_is_taken_and_no_other(
    known: Known, far: FarServer, clock: Clock
) -> None:
    documents, far.behave = known(), None
    for number, kind in enumerate(("application/json; charset=utf-8", "Application/JSON", "application/client+json")):
        client_id = address(far, str(number))
        far.says = answer(written(client_id=client_id), content_type=kind)
        assert (await documents.get(client_id, clock())).client_id == client_id
    for kind in ("text/html", "text/json", "application/json5", "image/svg+json", "", "x application/json"):
        client_id = address(far, f"{kind.replace(' ', '_')}.json")
        far.says = answer(written(client_id=client_id), content_type=kind)
        assert "is not of type application/json" in await failure(documents, client_id, clock)


@pytest.mark.spec("standards", "CI-3")
async def test_every_status_but_200_is_an_error_and_no_redirect_is_followed(
    known: Known, far: FarServer, clock: Clock
) -> None:
    documents, far.behave = known(), None
    statuses = (201, 204, 206, 301, 302, 303, 304, 307, 308, 401, 404, 410, 500, 503)
    for status in statuses:
        client_id = address(far, str(status))
        far.says = answer(written(client_id=client_id), f"Location: {address(far, 'there')}", status=f"{status} x")
        assert "answers with" in await failure(documents, client_id, clock)
    assert [request.split()[1] for request in far.requests] == [f"/{status}" for status in statuses]


@pytest.mark.spec("standards", "CI-9")
async def test_no_more_than_five_kilobytes_are_read(known: Known, far: FarServer, clock: Clock) -> None:
    documents, far.behave = known(), None
    body = written(client_id=address(far)).ljust(MAX_BYTES)
    counted, uncounted = answer(body), b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body
    for far.says in (uncounted + b" ", answer(body + b" ")):
        assert "is larger than 5120 bytes" in await failure(documents, address(far), clock)
    for far.says in (uncounted, counted):
        assert (await documents.get(address(far), clock())).client_id == address(far)
        clock.forward(3600)


@pytest.mark.spec("standards", "CI-9")
async def test_who_mends_his_document_sees_at_once_that_it_is_mended(
    known: Known, far: FarServer, clock: Clock
) -> None:
    documents = known()
    far.behave, far.says = None, answer(b"<html>")
    assert await failure(documents, address(far), clock) == "is not JSON"
    far.says = answer(written(client_id="https://another.example/"))
    assert "another client_id" in await refusal(documents, address(far), clock)
    far.says = answer(written(client_id=address(far)))
    assert (await documents.get(address(far), clock())).client_id == address(far)


@pytest.mark.spec("standards", "CI-9")
async def test_a_document_that_fails_again_and_again_is_asked_for_less_and_less(
    known: Known, far: FarServer, clock: Clock
) -> None:
    documents = known()
    far.behave, far.says = None, answer(status="404 Not Found")
    asked_at, begun = [], clock()
    while clock() < begun + timedelta(minutes=5):
        before, asks = far.connections, documents.would_ask(address(far), clock())
        reason = await failure(documents, address(far), clock)
        assert ("status 404" in reason) is asks is (far.connections > before)
        asked_at += [clock.now] * (far.connections - before)
        clock.forward(5 if len(asked_at) >= TRIES else 0)
    pauses = [(after - before).total_seconds() for before, after in pairwise(asked_at)]
    assert pauses == [0, 0, 10, 20, 40, 60, 60, 60]
    far.says = answer(written(client_id=address(far)))
    clock.forward(60)
    await documents.get(address(far), clock())
    far.says = answer(status="404 Not Found")
    clock.forward(3600)
    for _ in range(TRIES):
        assert "status 404" in await failure(documents, address(far), clock)


@pytest.mark.spec("standards", "CI-10")
async def test_a_copy_that_is_no_longer_fresh_stands_in_for_nothing_here(
    known: Known, far: FarServer, clock: Clock
) -> None:
    """Whoever begins anew is turned away; what has been granted is refreshed by the copy in its row."""
    documents = known()
    await documents.get(address(far), clock())
    far.behave, far.says = None, answer(status="503 x")
    clock.forward(3600)
    assert "status 503" in await failure(documents, address(far), clock)


@pytest.mark.spec("standards", "CI-15")
async def test_what_is_not_acceptable_as_it_is_written_costs_nothing(
    known: Known, far: FarServer, clock: Clock
) -> None:
    count = Count()
    documents = known(count=count, rules=DocumentRules(denied=("denied.example",)))
    host = f"https://{far.place}"
    for client_id in (host, f"{host}/a/%2e%2e/b", f"https://a@{far.place}/", f"{host}/#a", "https://denied.example/a"):
        await refusal(documents, client_id, clock)
    assert (count.hosts, far.connections) == ([], 0)


@pytest.mark.spec("standards", "CI-15")
async def test_the_operator_names_the_hosts_that_count(known: Known, far: FarServer, clock: Clock) -> None:
    documents = known(rules=DocumentRules(allowed=(OTHER,)))
    assert "the operator decides" in await refusal(documents, address(far), clock)
    assert (await documents.get(address(far, host=OTHER), clock())).client_id == address(far, host=OTHER)
    assert far.connections == 1


@pytest.mark.spec("standards", "CI-15")
async def test_who_invents_addresses_at_a_host_keeps_nobody_from_those_that_are_there(
    known: Known, far: FarServer, clock: Clock
) -> None:
    count = Count()
    documents = known(count=count)
    await documents.get(address(far), clock())
    clock.forward(3600)
    await documents.get(address(far), clock())
    await documents.get(address(far, "row.json"), clock(), known=True)
    assert count.hosts == [f"new-clients/{HOST}", f"known-clients/{HOST}", f"known-clients/{HOST}"]


async def paths(documents: ClientDocuments, far: FarServer, clock: Clock, *wanted: str) -> list[str]:
    """Get documents one after the other, and return which of them were asked for."""
    begun = len(far.requests)
    for path in wanted:
        await documents.get(address(far, path), clock())
    return [request.split()[1].strip("/") for request in far.requests[begun:]]


@pytest.mark.parametrize(
    ("bound", "most"),
    [("MOST_KEPT", 2), ("MOST_WEIGHT", client_documents.weight_of(written()) * 5 // 2)],
    ids=["so many", "so many bytes"],
)
async def test_what_was_used_last_is_kept_longest(
    known: Known, far: FarServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(client_documents, bound, most)
    assert await paths(known(), far, clock, *"abacab") == [*"abcb"]


async def test_failures_are_forgotten_in_the_end(
    known: Known, far: FarServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_documents, "MOST_FAILED", 1)
    documents = known()
    far.behave, far.says = None, answer(status="404 x")
    for _ in range(TRIES):
        await failure(documents, address(far), clock)
    assert "several times" in await failure(documents, address(far), clock)
    await failure(documents, address(far, "another"), clock)
    assert "status 404" in await failure(documents, address(far), clock)
