"""Every address that a stranger can make us ask (NS-4): the same guard is on each of the ways, and nothing gets out.

A listener of ours stands where the attacks lead. It must never see a connection.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from app.outbound import guard
from app.outbound.client import Failed, Outbound
from app.outbound.client_documents import ClientDocuments
from app.outbound.jwks import KeySets
from app.outbound.logos import Logos
from app.outbound.request_documents import RequestDocuments
from app.protocol import client_documents, key_sets, logos, pairwise
from app.protocol.authorize import request_reference
from app.protocol.configuration import DocumentRules
from app.protocol.fetching import NotFetched
from app.services import sector_lists
from tests.outbound.test_guard import RESOLVED, WRITTEN
from tests.support.facts import REGISTRY
from tests.support.far_server import HOST, PUBLIC, FarServer, Names, answer, far_server, trust, way_out
from tests.support.service import Clock

Ask = Callable[[Outbound, str], Awaitable[object]]


async def ask_client_id(outbound: Outbound, url: str) -> object:
    """As a request with a client_id that nobody has registered does."""
    clock = Clock()
    return await ClientDocuments(outbound, DocumentRules(), REGISTRY, clock).get(url, clock())


async def ask_jwks_uri(outbound: Outbound, url: str) -> object:
    """As a client does that proves itself."""
    return await KeySets(outbound, Clock()).keys(url)


async def ask_logo_uri(outbound: Outbound, url: str) -> object:
    """As a consent page does, which goes without a picture."""
    if (found := await Logos(outbound, Clock()).get(url)) is None:
        raise Failed("there is no picture")
    return found


async def ask_sector(outbound: Outbound, url: str) -> object:
    """As a registration does."""
    found = await sector_lists.fetch(outbound, url, for_visitors=True)
    assert found is not None
    if found.failure:
        raise Failed(found.failure)
    return found


async def ask_request_uri(outbound: Outbound, url: str) -> object:
    """As an authorization request does."""
    return await RequestDocuments(outbound, Clock()).get(url, url)


async def ask_logout(outbound: Outbound, url: str) -> object:
    """As the end of a session does."""
    return await outbound.post(url, {"logout_token": "a.b.c"})


async def ask_notification(outbound: Outbound, url: str) -> object:
    """As the decision of a person elsewhere does."""
    return await outbound.tell(url, {"auth_req_id": "a"}, token="t")


FETCHED: dict[str, tuple[Ask, tuple[str, ...], int]] = {
    "client_id": (ask_client_id, client_documents.MEDIA_TYPES[:1], client_documents.MAX_BYTES),
    "jwks_uri": (ask_jwks_uri, key_sets.MEDIA_TYPES, key_sets.MAX_BYTES),
    "logo_uri": (ask_logo_uri, logos.MEDIA_TYPES, logos.MAX_BYTES),
    "sector_identifier_uri": (ask_sector, pairwise.MEDIA_TYPES, pairwise.MAX_BYTES),
    "request_uri": (ask_request_uri, request_reference.MEDIA_TYPES, request_reference.MAX_BYTES),
}
"""What is fetched, of which types, and how large it may be."""

SENT: dict[str, Ask] = {
    "backchannel_logout_uri": ask_logout,
    "backchannel_client_notification_endpoint": ask_notification,
}
"""Where something is sent, of whose answer the head alone counts."""

EVERY: dict[str, Ask] = {name: ask for name, (ask, _, _) in FETCHED.items()} | SENT

BLOCKS = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
    *("240.0.0.0/4", "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23"),
    *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)
"""The special-purpose blocks (RFC 6890 and the registries of IANA that go on with it)."""


def special() -> Iterator[str]:
    """Yield the first and the last address of each block."""
    for block in map(ip_network, BLOCKS):
        yield str(block[0])
        yield str(block[-1])


@pytest.fixture
async def inside() -> AsyncIterator[FarServer]:
    """A server of our own network."""
    async with far_server(None) as server:
        yield server


async def reason(ask: Ask, outbound: Outbound, url: str) -> NotFetched:
    """Return why nothing comes of an address."""
    with pytest.raises(NotFetched) as refused:
        await ask(outbound, url)
    told = str(refused.value)
    assert told.isascii()
    assert not {'"', "\\"} & set(told)
    return refused.value


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "CI-8")
@pytest.mark.parametrize("member", EVERY)
async def test_what_is_written_leads_nowhere_inside(inside: FarServer, member: str) -> None:
    names = Names({HOST: [(PUBLIC,)]})
    outbound = way_out(names=names)
    for url in WRITTEN.values():
        await reason(EVERY[member], outbound, url.format(port=inside.port))
    assert (inside.connections, names.asked) == (0, [])


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.spec("standards", "CI-8")
@pytest.mark.parametrize("member", EVERY)
async def test_no_name_leads_to_an_address_of_a_special_block(inside: FarServer, member: str) -> None:
    places = [*RESOLVED.values(), *((address,) for address in special())]
    names = Names({f"n{number}.example": [found] for number, found in enumerate(places)})
    outbound = way_out(names=names)
    for number in range(len(places)):
        told = await reason(EVERY[member], outbound, f"https://n{number}.example:{inside.port}/a")
        assert str(told) in (guard.NOT_PUBLIC, "there is no picture")
    assert inside.connections == 0
    assert len(names.asked) == len(places)


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("member", EVERY)
async def test_a_name_that_turns_inwards_is_judged_each_time(inside: FarServer, member: str) -> None:
    """DNS rebinding: public at first, where nobody answers, and loopback from then on."""
    names = Names({HOST: [(PUBLIC,), ("127.0.0.1",), ("::ffff:127.0.0.1",)]})

    async def no_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

    async with far_server(None) as proxy:
        proxy.behave = no_proxy
        outbound = way_out(proxy=f"127.0.0.1:{proxy.port}", names=names)
        for _ in range(3):
            await reason(EVERY[member], outbound, inside.url)
        assert [request.split()[1] for request in proxy.requests] == [f"{PUBLIC}:{inside.port}"]
    assert (inside.connections, names.asked) == (0, [HOST] * 3)


@pytest.fixture
async def theirs(inside: FarServer, tmp_path: Path) -> AsyncIterator[tuple[FarServer, Outbound]]:
    """A stranger's server, and a way that leads to it alone."""
    trusted = trust(tmp_path, HOST)
    async with far_server(trusted.context) as far:
        yield far, way_out(far.place, ca_file=trusted.ca_file, deadline=1)
    assert inside.connections == 0


async def told_of(theirs: tuple[FarServer, Outbound], member: str) -> str:
    """Return why nothing comes of a stranger's server; of a logo nobody is told."""
    far, outbound = theirs
    told = str(await reason(EVERY[member], outbound, far.url))
    return "" if member == "logo_uri" else told


@pytest.mark.spec("standards", "NS-3")
@pytest.mark.spec("standards", "NS-4")
async def test_no_redirect_leads_anywhere(inside: FarServer, theirs: tuple[FarServer, Outbound]) -> None:
    far, outbound = theirs
    for status in (301, 302, 303, 307, 308):
        far.says = answer(b"", f"Location: http://127.0.0.1:{inside.port}/", status=f"{status} x")
        for member in FETCHED:
            assert await told_of(theirs, member) in ("answers with a redirect, which is not followed", ""), member
        for member, ask in SENT.items():
            assert await ask(outbound, far.url), member
    assert far.connections == 5 * len(EVERY)


@pytest.mark.spec("standards", "NS-4")
async def test_nobody_waits_for_what_is_slow(theirs: tuple[FarServer, Outbound]) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(100):
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.05)

    theirs[0].behave = drip
    async with asyncio.timeout(60):
        heard = await asyncio.gather(*(told_of(theirs, member) for member in EVERY))
    assert set(heard) <= {"did not answer in time", "broke off its answer", ""}


@pytest.mark.spec("standards", "NS-4")
async def test_nobody_reads_on_for_ever(theirs: tuple[FarServer, Outbound]) -> None:
    """A long body is cut off, and that of an answer to a form is not even looked at."""
    far, outbound = theirs
    for member in EVERY:
        _, kinds, most = FETCHED.get(member, (None, ("text/plain",), 0))

        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str = kinds[0]) -> None:
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
            for _ in range(64):
                writer.write(b" " * 65_536)
                await writer.drain()

        far.behave = flood
        if member in SENT:
            assert await EVERY[member](outbound, far.url), member
        else:
            assert await told_of(theirs, member) in (f"is larger than {most} bytes", ""), member


@pytest.mark.spec("standards", "NS-4")
async def test_what_is_of_another_type_is_not_read(theirs: tuple[FarServer, Outbound]) -> None:
    far, _ = theirs
    for kind in ("text/html", "image/svg+xml", "application/octet-stream", ""):
        far.says = answer(json.dumps({"client_id": far.url, "keys": []}).encode(), content_type=kind)
        for member in FETCHED:
            told = await told_of(theirs, member)
            assert told.startswith("is not of type ") or not told, member
