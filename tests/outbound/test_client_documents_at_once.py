"""Many who ask for metadata documents at once: one request serves all who wait for it, and nobody takes all places
(CI-9, CI-15)."""

import asyncio
from collections.abc import Callable

import pytest

from app.outbound import client_documents
from app.outbound.client import AT_ONCE_FOR_VISITORS, Failed
from app.outbound.client_documents import MOST_OF_ASKER, MOST_OF_HOST
from tests.outbound.test_client_documents import OTHER, Known, address, say_whose_it_is
from tests.outbound.test_client_documents import clock as clock
from tests.outbound.test_client_documents import far as far
from tests.outbound.test_client_documents import known as known
from tests.outbound.test_client_documents import trusted as trusted
from tests.support.far_server import HOST, FarServer, answer
from tests.support.service import Clock


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- there is no event for that
            await asyncio.sleep(0.005)


@pytest.mark.spec("standards", "CI-9")
async def test_a_crowd_shares_one_request(known: Known, far: FarServer, clock: Clock) -> None:
    documents = known()
    assert documents.would_ask(address(far), clock())
    waiting = [asyncio.create_task(documents.get(address(far), clock())) for _ in range(100)]
    await asyncio.sleep(0)
    assert not documents.would_ask(address(far), clock())
    assert len({id(found) for found in await asyncio.gather(*waiting)}) == 1
    assert far.connections == 1


@pytest.mark.spec("standards", "CI-9")
async def test_who_goes_away_takes_nothing_from_the_others(known: Known, far: FarServer, clock: Clock) -> None:
    documents = known()
    begun, waits = (asyncio.create_task(documents.get(address(far), clock())) for _ in range(2))
    await asyncio.sleep(0)
    begun.cancel()
    assert (await waits).client_id == address(far)
    assert begun.cancelled()
    alone = asyncio.create_task(documents.get(address(far, "alone.json"), clock()))
    await until(lambda: far.connections == 2)
    alone.cancel()
    assert (await documents.get(address(far, "alone.json"), clock())).client_id == address(far, "alone.json")
    assert far.connections == 2


async def test_each_of_a_crowd_hears_why_there_is_no_document(known: Known, far: FarServer, clock: Clock) -> None:
    far.behave, far.says = None, answer(b"[]")
    documents = known()
    heard = await asyncio.gather(*(documents.get(address(far), clock()) for _ in range(20)), return_exceptions=True)
    assert {str(reason) for reason in heard} == {"is no JSON object"}
    assert (len(set(map(id, heard))), far.connections) == (20, 1)


class Silent:
    """A server that says nothing before it is told to."""

    def __init__(self, far: FarServer, *silent: str) -> None:
        self._far = far
        self._silent = silent
        self.held = 0
        self.released = 0
        self.speak = asyncio.Event()
        far.behave = self

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one connection whose Host header has one of the silent names."""
        if any(f"Host: {host}" in self._far.requests[-1] for host in self._silent):
            request = self._far.requests[-1]
            self.held += 1
            await self.speak.wait()
            self.released += 1
            self._far.requests.append(request)
        await say_whose_it_is(reader, writer, self._far)


@pytest.mark.spec("standards", "CI-9")
async def test_a_slow_host_keeps_nobody_waiting_for_another(known: Known, far: FarServer, clock: Clock) -> None:
    silent, documents = Silent(far, HOST), known(deadline=60)
    slow = [
        asyncio.create_task(documents.get(address(far, str(number)), clock()))
        for number in range(2 * AT_ONCE_FOR_VISITORS)
    ]
    await until(lambda: silent.held == MOST_OF_HOST)
    assert (await documents.get(address(far, host=OTHER), clock())).client_id == address(far, host=OTHER)
    assert (silent.held, any(task.done() for task in slow)) == (MOST_OF_HOST, False)
    silent.speak.set()
    await asyncio.gather(*slow)


@pytest.mark.spec("standards", "CI-15")
async def test_who_asks_for_many_slow_documents_keeps_nobody_else_waiting(
    known: Known, far: FarServer, clock: Clock
) -> None:
    silent, documents = Silent(far, HOST), known(deadline=60)
    slow = [
        asyncio.create_task(documents.get(address(far, str(number)), clock(), asker="192.0.2.7"))
        for number in range(AT_ONCE_FOR_VISITORS)
    ]
    await until(lambda: silent.held == MOST_OF_ASKER)
    assert (await documents.get(address(far, host=OTHER), clock(), asker="192.0.2.8")).client_id
    silent.speak.set()
    await asyncio.gather(*slow)


@pytest.mark.spec("standards", "CI-9")
async def test_who_waits_too_long_for_his_turn_hears_so(known: Known, far: FarServer, clock: Clock) -> None:
    silent, documents = Silent(far, HOST), known(deadline=0.2)
    heard = await asyncio.gather(
        *(documents.get(address(far, str(number)), clock()) for number in range(4 * MOST_OF_HOST)),
        return_exceptions=True,
    )
    assert {type(reason) for reason in heard} == {Failed}
    late = "could not be asked for in time, because of others that are slow"
    assert late in {str(reason) for reason in heard} <= {late, "did not answer in time"}
    silent.speak.set()
    await until(lambda: silent.released == silent.held)


@pytest.mark.spec("standards", "CI-15")
@pytest.mark.parametrize(("bound", "asker"), [("MOST_UNDER_WAY", ""), ("MOST_WAITING", "192.0.2.7")])
async def test_no_more_than_so_many_are_under_way(
    known: Known, far: FarServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, bound: str, asker: str
) -> None:
    monkeypatch.setattr(client_documents, bound, 2)
    silent, documents = Silent(far, HOST), known(deadline=60)
    slow = [asyncio.create_task(documents.get(address(far, str(number)), clock(), asker=asker)) for number in range(2)]
    await until(lambda: silent.held == 2)
    with pytest.raises(Failed, match="too many others"):
        await documents.get(address(far, "3"), clock(), asker=asker)
    if asker:
        await documents.get(address(far, host=OTHER), clock(), asker="192.0.2.8")
    silent.speak.set()
    await asyncio.gather(*slow)
    await documents.get(address(far, "3"), clock(), asker=asker)


async def test_what_is_under_way_ends_with_the_worker(known: Known, far: FarServer, clock: Clock) -> None:
    silent, documents = Silent(far, HOST), known(deadline=60)
    waiting = asyncio.create_task(documents.get(address(far), clock()))
    await until(lambda: silent.held == 1)
    await documents.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    silent.speak.set()
    await until(lambda: silent.released == 1)
