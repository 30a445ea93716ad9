"""Where nobody can make the server connect to (NS-4): what strangers write, and what their name servers say.

A listener of ours stands where the attacks lead. It must never see a connection.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from app.outbound import guard
from app.outbound.client import Failed, Outbound, Refused
from tests.support.far_server import HOST, PUBLIC, FarServer, Names, answer, far_server, trust, way_out

TYPES = ("application/json",)

WRITTEN = {
    "plain http": "http://keys.example/",
    "ftp": "ftp://keys.example/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_x",
    "data": "data:application/json,{{}}",
    "javascript": "javascript:alert(1)",
    "websocket": "wss://keys.example/",
    "upper-case scheme": "HTTPS://keys.example/",
    "no scheme": "//keys.example/",
    "a path alone": "/jwks.json",
    "nothing": "",
    "one slash": "https:/127.0.0.1:{port}/",
    "three slashes": "https:///127.0.0.1:{port}/",
    "user name": "https://keys.example@127.0.0.1:{port}/",
    "user name and password": "https://a:b@keys.example/",
    "empty user name": "https://@keys.example/",
    "backslash": "https://keys.example\\@127.0.0.1:{port}/",
    "backslashes": "https:\\\\127.0.0.1:{port}/",
    "fragment": "https://keys.example/#x",
    "fragment before the host": "https://keys.example#@127.0.0.1:{port}/",
    "space": "https://keys.example /",
    "tab": "https://127.0.0.1\t:{port}/",
    "line break": "https://keys.example/\r\nHost: inside",
    "null": "https://keys.example\x00.inside/",
    "percent in the host": "https://127%2e0.0.1:{port}/",
    "wide digits": "https://\uff11\uff12\uff17.0.0.1:{port}/",
    "wide dot": "https://127\u30020\u30020\u30021:{port}/",
    "circled letters": "https://\u24dbocalhost:{port}/",
    "name in unicode": "https://schlüssel.example/",
    "port 0": "https://keys.example:0/",
    "port 22": "https://keys.example:22/",
    "port 25": "https://keys.example:25/",
    "port 80": "https://keys.example:80/",
    "port 1023": "https://keys.example:1023/",
    "port 65536": "https://keys.example:65536/",
    "port in other digits": "https://keys.example:\uff14\uff14\uff13/",
    "port with a sign": "https://keys.example:+443/",
    "empty port": "https://keys.example:/",
    "port of hidden length": "https://keys.example:0000443/",
    "trailing dot": "https://keys.example./",
    "empty label": "https://keys..example/",
    "leading dot": "https://.example/",
    "leading hyphen": "https://-keys.example/",
    "label too long": "https://" + "a" * 64 + ".example/",
    "name too long": "https://" + "a." * 127 + "ab/",
    "url too long": "https://keys.example/" + "a" * 2000,
    "loopback": "https://127.0.0.1:{port}/",
    "loopback elsewhere": "https://127.9.9.9:{port}/",
    "loopback with a trailing dot": "https://127.0.0.1.:{port}/",
    "loopback, short": "https://127.1:{port}/",
    "loopback, one number": "https://2130706433:{port}/",
    "loopback, hexadecimal": "https://0x7f000001:{port}/",
    "loopback, hexadecimal parts": "https://0x7f.0.0.0x1:{port}/",
    "loopback, upper-case hexadecimal": "https://0X7F.0.0.1:{port}/",
    "loopback, octal": "https://0177.0.0.1:{port}/",
    "loopback, octal number": "https://017700000001:{port}/",
    "loopback, padded": "https://127.000.000.001:{port}/",
    "loopback, too large by one round": "https://4294967296:{port}/",
    "a name that ends in a number": "https://keys.0x7f:{port}/",
    "unspecified": "https://0.0.0.0:{port}/",
    "unspecified, short": "https://0:{port}/",
    "this network": "https://0.1.2.3/",
    "private 10": "https://10.0.0.1/",
    "private 172": "https://172.16.0.1/",
    "private 172, last": "https://172.31.255.255/",
    "private 192": "https://192.168.0.1/",
    "shared": "https://100.64.0.1/",
    "link-local": "https://169.254.1.1/",
    "metadata of clouds": "https://169.254.169.254/latest/meta-data/",
    "metadata, another cloud": "https://100.100.100.200/",
    "protocol assignments": "https://192.0.0.8/",
    "documentation": "https://192.0.2.1/",
    "documentation 2": "https://198.51.100.1/",
    "documentation 3": "https://203.0.113.1/",
    "benchmarking": "https://198.19.0.1/",
    "6to4 relay": "https://192.88.99.1/",
    "multicast": "https://224.0.0.1/",
    "reserved": "https://240.0.0.1/",
    "broadcast": "https://255.255.255.255/",
    "IPv6 loopback": "https://[::1]:{port}/",
    "IPv6 loopback, long": "https://[0:0:0:0:0:0:0:1]:{port}/",
    "IPv6 unspecified": "https://[::]:{port}/",
    "IPv6 zone": "https://[fe80::1%25eth0]/",
    "IPv6 zone, plain": "https://[fe80::1%eth0]/",
    "IPv6 link-local": "https://[fe80::1]/",
    "IPv6 site-local": "https://[fec0::1]/",
    "IPv6 unique local": "https://[fd00:ec2::254]/",
    "IPv6 multicast": "https://[ff02::1]/",
    "IPv6 documentation": "https://[2001:db8::1]/",
    "IPv6 discard": "https://[100::1]/",
    "IPv6 outside of what is assigned": "https://[4000::1]/",
    "IPv4-mapped": "https://[::ffff:127.0.0.1]:{port}/",
    "IPv4-mapped in hexadecimal": "https://[::ffff:7f00:1]:{port}/",
    "IPv4-mapped, public": "https://[::ffff:93.184.215.14]/",
    "IPv4-compatible": "https://[::127.0.0.1]:{port}/",
    "IPv4-translated": "https://[::ffff:0:127.0.0.1]:{port}/",
    "NAT64": "https://[64:ff9b::7f00:1]:{port}/",
    "NAT64, local": "https://[64:ff9b:1::7f00:1]:{port}/",
    "6to4": "https://[2002:7f00:1::]:{port}/",
    "Teredo": "https://[2001:0:1::80ff:fffe]:{port}/",
    "ISATAP": "https://[2a00:1450::5efe:7f00:1]:{port}/",
    "no address in brackets": "https://[keys.example]/",
    "IPv4 in brackets": "https://[127.0.0.1]:{port}/",
    "IPvFuture": "https://[v1.x]/",
    "open bracket": "https://[::1/",
}

RESOLVED = {
    "loopback": ("127.0.0.1",),
    "IPv6 loopback": ("::1",),
    "private": ("10.0.0.1",),
    "metadata of clouds": ("169.254.169.254",),
    "IPv4-mapped loopback": ("::ffff:127.0.0.1",),
    "NAT64": ("64:ff9b::a00:1",),
    "6to4": ("2002:a00:1::",),
    "unique local": ("fd00::1",),
    "one bad after a good one": (PUBLIC, "127.0.0.1"),
    "one bad before a good one": ("127.0.0.1", PUBLIC),
    "one bad among many": (*(f"93.184.215.{last}" for last in range(20)), "10.0.0.1"),
    "link-local with a zone": ("fe80::1%lo",),
}


@pytest.fixture
async def inside() -> AsyncIterator[FarServer]:
    """A server of our own network."""
    async with far_server(None) as server:
        yield server


async def refusal(outbound: Outbound, url: str) -> Refused:
    """Return why an address is not acceptable."""
    with pytest.raises(Refused) as refused:
        await outbound.get(url, accept=TYPES, max_bytes=1000)
    return refused.value


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("name", WRITTEN)
async def test_what_is_written_in_a_url_leads_nowhere_inside(inside: FarServer, name: str) -> None:
    names = Names({HOST: [(PUBLIC,)]})
    reason = await refusal(way_out(names=names), WRITTEN[name].format(port=inside.port))
    assert str(reason).isascii()
    assert str(reason).startswith("must ")
    assert not {'"', "\\"} & set(str(reason))
    assert (inside.connections, names.asked) == (0, [])


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("name", RESOLVED)
async def test_what_a_name_server_says_leads_nowhere_inside(inside: FarServer, name: str) -> None:
    reason = await refusal(way_out(names=Names({HOST: [RESOLVED[name]]})), inside.url)
    assert str(reason) == guard.NOT_PUBLIC
    assert HOST in reason.detail
    assert inside.connections == 0


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(
    "address", ["169.254.169.254", "224.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "fe80::1", "64:ff9b::7f00:1"]
)
async def test_an_exemption_is_for_the_addresses_of_servers_of_our_own_alone(inside: FarServer, address: str) -> None:
    outbound = way_out(inside.place, names=Names({HOST: [(address,)]}))
    assert str(await refusal(outbound, inside.url)) == guard.NOT_PUBLIC


@pytest.mark.spec("standards", "NS-4")
async def test_an_exemption_is_for_one_host_and_one_port(inside: FarServer) -> None:
    names = Names({HOST: [("127.0.0.1",)], f"sub.{HOST}": [("127.0.0.1",)]})
    outbound = way_out(inside.place, names=names)
    for url in (f"https://{HOST}/", f"https://{HOST}:{inside.port + 1}/", f"https://sub.{HOST}:{inside.port}/"):
        await refusal(outbound, url)
    await refusal(outbound, f"https://127.0.0.1:{inside.port}/")
    assert inside.connections == 0


async def test_names_that_do_not_exist_read_like_names_of_our_network() -> None:
    with pytest.raises(Failed) as unknown:
        await way_out(names=Names()).get("https://nowhere.example/", accept=TYPES, max_bytes=1)
    assert str(unknown.value) == guard.NOT_PUBLIC

    async def broken(host: str, port: int) -> tuple[()]:
        raise OSError("no such host")

    with pytest.raises(Failed) as unknown:
        await way_out(names=broken).get("https://nowhere.example/", accept=TYPES, max_bytes=1)
    assert str(unknown.value) == guard.NOT_PUBLIC


async def test_the_resolver_of_the_system_is_asked_for_everything() -> None:
    found = await guard.Resolver()("localhost", 443)
    assert {str(address) for address in found} & {"127.0.0.1", "::1"}
    assert len(set(found)) == len(found)
    with pytest.raises(Refused):
        await way_out(names=guard.Resolver()).get("https://localhost/", accept=TYPES, max_bytes=1)


async def test_a_silent_name_server_keeps_nobody_waiting_who_asks_for_other_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lookups cannot be ended: those that nobody waits for any more take none of the threads that others need."""
    answered, real = Event(), socket.getaddrinfo

    def lookup(host: str, *rest: Any, **named: Any) -> Any:
        if host == "silent.example":
            assert answered.wait(60)
        return real("127.0.0.1", *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    resolve = guard.Resolver(most=8)
    try:
        gone = [asyncio.create_task(resolve("silent.example", 443)) for _ in range(8)]
        _, late = await asyncio.wait(gone, timeout=0.1)
        assert len(late) == 8
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        async with asyncio.timeout(60):
            assert await asyncio.get_running_loop().getaddrinfo("localhost", 5432)
        waiting = asyncio.create_task(resolve("other.example", 443))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done  # there are no more than eight
    finally:
        answered.set()
    async with asyncio.timeout(60):
        assert await waiting == (ip_address("127.0.0.1"),)


class Egress:
    """A proxy that leads every tunnel to one server, and notes where it should have led."""

    def __init__(self, to: int) -> None:
        self.asked: list[str] = []
        self._to = to

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one tunnel; the request has been read."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65_536):
        writer.write(part)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@pytest.mark.spec("standards", "NS-4")
async def test_a_second_answer_of_the_name_server_never_matters(inside: FarServer, tmp_path: Path) -> None:
    """DNS rebinding: public when it is judged, loopback from then on. The proxy shows where the connection goes."""
    trusted = trust(tmp_path, HOST)
    async with far_server(trusted.context) as far, far_server(None) as proxy:
        far.says = answer(b"{}")
        proxy.behave = Egress(far.port)
        names = Names({HOST: [(PUBLIC,), ("127.0.0.1",)]})
        outbound = way_out(ca_file=trusted.ca_file, proxy=f"127.0.0.1:{proxy.port}", names=names)
        url = f"https://{HOST}:{inside.port}/"
        assert (await outbound.get(url, accept=TYPES, max_bytes=1000)).body == b"{}"
        assert names.asked == [HOST]
        place = f"{PUBLIC}:{inside.port}"
        assert proxy.requests == [f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n"]
        assert f"Host: {HOST}:{inside.port}\r\n" in far.requests[0]

        assert str(await refusal(outbound, url)) == guard.NOT_PUBLIC
        assert (proxy.connections, far.connections, inside.connections) == (1, 1, 0)


async def test_the_connection_goes_to_the_address_that_was_judged(tmp_path: Path) -> None:
    trusted = trust(tmp_path, HOST)
    async with far_server(trusted.context) as first, far_server(trusted.context, "127.0.0.2") as second:
        names = Names({HOST: [("127.0.0.1",), ("127.0.0.2",)]})
        outbound = way_out(first.place, ca_file=trusted.ca_file, names=names)
        await outbound.get(first.url, accept=TYPES, max_bytes=1000)
        assert (names.asked, first.connections, second.connections) == ([HOST], 1, 0)


@pytest.mark.parametrize(
    "says",
    [
        pytest.param(b"HTTP/1.1 403 Forbidden\r\n\r\n", id="refuses"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nmore", id="speaks first"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", id="breaks off"),
        pytest.param(b"x" * 9000, id="babbles"),
    ],
)
async def test_a_proxy_that_gives_no_tunnel_is_not_talked_to(says: bytes) -> None:
    async with far_server(None) as proxy:
        proxy.says = says
        outbound = way_out(proxy=f"127.0.0.1:{proxy.port}", names=Names({HOST: [("2606:2800:21f::1",)]}))
        with pytest.raises(Failed, match=r"^cannot be connected to$"):
            await outbound.get(f"https://{HOST}/", accept=TYPES, max_bytes=1000)
        assert proxy.requests == ["CONNECT [2606:2800:21f::1]:443 HTTP/1.1\r\nHost: [2606:2800:21f::1]:443\r\n\r\n"]


async def test_exempted_places_are_reached_without_the_proxy(inside: FarServer) -> None:
    outbound = way_out(inside.place, proxy="127.0.0.1:1")
    document = await outbound.get(f"http://{inside.place}/", accept=TYPES, max_bytes=1000)
    assert document.body == b'{"keys":[]}'
