"""Key sets that applications publish: fetched seldom, kept for a while, and never a private one (JW-6)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.outbound import jwks
from app.outbound.client import Failed, Refused
from app.outbound.jwks import KeySets
from app.protocol import key_sets
from tests.support.far_server import HOST, Count, FarServer, Names, answer, far_server, way_out
from tests.support.service import Clock

FIRST = {"kty": "EC", "kid": "first", "crv": "P-256", "x": "x", "y": "y"}
SECOND = {"kty": "OKP", "kid": "second", "crv": "Ed25519", "x": "x"}


def published(*keys: dict[str, Any], cache: str = "") -> bytes:
    """Return an answer with a key set."""
    body = json.dumps({"keys": keys}).encode()
    return answer(body, *([f"Cache-Control: {cache}"] if cache else []), content_type="application/jwk-set+json")


@pytest.fixture
async def far() -> AsyncIterator[FarServer]:
    """A server that publishes one key."""
    async with far_server(None) as server:
        server.says = published(FIRST)
        yield server


@pytest.fixture
async def clock() -> Clock:
    """A clock that tests move."""
    return Clock()


@pytest.fixture
async def sets(far: FarServer, clock: Clock) -> AsyncIterator[KeySets]:
    """The key sets of one worker, for which that server is exempt."""
    known = KeySets(way_out(far.place), clock)
    yield known
    await known.close()


def address(far: FarServer, path: str = "jwks.json") -> str:
    """Return the address of a key set."""
    return f"http://{far.place}/{path}"


@pytest.mark.spec("standards", "JW-6")
async def test_a_set_is_fetched_once_and_then_kept(far: FarServer, sets: KeySets, clock: Clock) -> None:
    for _ in range(3):
        assert await sets.keys(address(far), "first") == (FIRST,)
        clock.forward(1000)
    assert far.connections == 1
    assert "Accept: application/json, application/jwk-set+json\r\n" in far.requests[0]


@pytest.mark.spec("standards", "JW-6")
@pytest.mark.parametrize(
    ("cache", "kept"),
    [
        ("", 3600),
        ("max-age=1800", 1800),
        ("max-age=0", 300),
        ("no-store", 300),
        ("max-age=1", 300),
        ("max-age=999999999", 86_400),
    ],
)
async def test_a_set_is_kept_as_long_as_its_server_says_within_bounds(
    far: FarServer, sets: KeySets, clock: Clock, cache: str, kept: int
) -> None:
    far.says = published(FIRST, cache=cache)
    await sets.keys(address(far))
    far.says = published(SECOND)
    clock.forward(kept - 1)
    assert await sets.keys(address(far)) == (FIRST,)
    clock.forward(1)
    assert await sets.keys(address(far)) == (SECOND,)


@pytest.mark.spec("standards", "JW-6")
async def test_an_unknown_key_id_fetches_the_set_once_more(far: FarServer, sets: KeySets, clock: Clock) -> None:
    await sets.keys(address(far), "first")
    far.says = published(FIRST, SECOND)
    clock.forward(30)
    assert await sets.keys(address(far), "second") == (FIRST, SECOND)
    assert far.connections == 2


@pytest.mark.spec("standards", "JW-6")
async def test_unknown_key_ids_do_not_make_us_ask_again_and_again(far: FarServer, sets: KeySets, clock: Clock) -> None:
    for number in range(50):
        assert await sets.keys(address(far), f"forged-{number}") == (FIRST,)
    assert far.connections == 1
    clock.forward(29)
    await sets.keys(address(far), "forged")
    assert far.connections == 1
    clock.forward(1)
    for number in range(50):
        await sets.keys(address(far), f"forged-{number}")
    assert far.connections == 2


@pytest.mark.spec("standards", "JW-6")
async def test_the_set_before_counts_while_its_server_is_away(far: FarServer, sets: KeySets, clock: Clock) -> None:
    await sets.keys(address(far))
    far.says = answer(status="503 Service Unavailable")
    clock.forward(3600)
    for _ in range(5):
        assert await sets.keys(address(far), "first") == (FIRST,)
    assert far.connections == 2
    clock.forward(30)
    assert await sets.keys(address(far), "first") == (FIRST,)
    assert far.connections == 3
    clock.forward((key_sets.USABLE - timedelta(hours=1)).total_seconds())
    with pytest.raises(Failed, match="answers with status 503"):
        await sets.keys(address(far), "first")


@pytest.mark.spec("standards", "JW-6")
async def test_a_failure_is_remembered_for_a_while(far: FarServer, sets: KeySets, clock: Clock) -> None:
    far.says = answer(status="404 Not Found")
    failures = []
    for _ in range(3):
        with pytest.raises(Failed, match="answers with status 404") as failed:
            await sets.keys(address(far))
        failures.append(failed.value)
    assert far.connections == 1
    assert len(set(map(id, failures))) == 3
    clock.forward(30)
    far.says = published(FIRST)
    assert await sets.keys(address(far)) == (FIRST,)


@pytest.mark.spec("standards", "JW-6")
async def test_an_address_that_fails_again_and_again_is_asked_less_and_less(
    far: FarServer, sets: KeySets, clock: Clock
) -> None:
    """Whoever registers addresses that never answer would otherwise use up what there is for all."""
    far.says = answer(status="404 Not Found")
    asked_at = []
    for _ in range(0, 3600, 30):
        before = far.connections
        with pytest.raises(Failed):
            await sets.keys(address(far), "first")
        asked_at += [clock.now] * (far.connections - before)
        clock.forward(30)
    pauses = [(after - before).total_seconds() for before, after in pairwise(asked_at)]
    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600, 600]
    far.says = published(FIRST)
    clock.forward(600)
    assert await sets.keys(address(far), "first") == (FIRST,)
    clock.forward(30)
    far.says = published(FIRST, SECOND)
    assert await sets.keys(address(far), "second") == (FIRST, SECOND)


@pytest.mark.spec("standards", "JW-6")
@pytest.mark.parametrize("private", [{**FIRST, "d": "x"}, {"kty": "oct", "k": "x"}, {"kty": "oct"}])
async def test_a_private_or_symmetric_key_spoils_the_set_and_the_one_before(
    far: FarServer, sets: KeySets, clock: Clock, private: dict[str, str]
) -> None:
    await sets.keys(address(far))
    far.says = published(SECOND, private)
    clock.forward(3600)
    for _ in range(2):
        with pytest.raises(Refused, match="must have public keys only"):
            await sets.keys(address(far))
    assert far.connections == 2


@pytest.mark.spec("standards", "JW-6")
async def test_a_host_that_turns_inwards_spoils_the_set_before(far: FarServer, clock: Clock) -> None:
    names = Names({HOST: [("127.0.0.1",), ("169.254.169.254",)]})
    sets = KeySets(way_out(far.place, names=names), clock)
    await sets.keys(address(far))
    clock.forward(3600)
    with pytest.raises(Refused):
        await sets.keys(address(far))


@pytest.mark.spec("standards", "JW-6")
async def test_twenty_callers_at_once_share_one_request(far: FarServer, sets: KeySets) -> None:
    found = await asyncio.gather(*(sets.keys(address(far), f"key-{number % 3}") for number in range(20)))
    assert set(map(len, found)) == {1}
    assert far.connections == 1


async def test_a_caller_who_goes_away_takes_nothing_from_the_others(far: FarServer, sets: KeySets) -> None:
    first = asyncio.create_task(sets.keys(address(far)))
    second = asyncio.create_task(sets.keys(address(far)))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == (FIRST,)
    assert first.cancelled()
    assert far.connections == 1


async def test_only_so_many_sets_are_kept(far: FarServer, sets: KeySets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "MAX_SETS", 2)
    for path in ("a", "b", "a", "c", "a", "b"):
        await sets.keys(address(far, path))
    assert [line.split()[1] for line in far.requests] == ["/a", "/b", "/c", "/b"]


async def test_only_so_many_bytes_are_kept(far: FarServer, sets: KeySets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "MAX_KEPT", 200)
    for path in ("a", "b", "a", "c", "a", "b"):
        await sets.keys(address(far, path))
    assert [line.split()[1] for line in far.requests] == ["/a", "/b", "/c", "/b"]


async def test_trouble_of_our_own_is_not_remembered_as_a_failure_of_theirs(far: FarServer, clock: Clock) -> None:
    class Broken(Count):
        async def __call__(self, host: str) -> bool:
            await super().__call__(host)
            if len(self.hosts) == 1:
                raise ConnectionError("the database is away")
            return True

    sets = KeySets(way_out(far.place, count=Broken()), clock)
    with pytest.raises(ConnectionError):
        await sets.keys(address(far))
    assert await sets.keys(address(far)) == (FIRST,)


async def test_what_is_under_way_ends_with_the_worker(far: FarServer, sets: KeySets) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    far.behave = say_nothing
    waiting = asyncio.create_task(sets.keys(address(far)))
    await asyncio.sleep(0.05)
    await sets.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
