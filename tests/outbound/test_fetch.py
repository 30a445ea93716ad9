"""What is fetched from servers that strangers name, and how (NS-2, NS-4), against real servers on loopback."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.outbound.client import AT_ONCE, AT_ONCE_FOR_VISITORS, Document, Failed, Outbound, Refused
from tests.support.far_server import (
    HOST,
    Count,
    FarServer,
    Names,
    Trust,
    answer,
    far_server,
    trust,
    way_out,
)

JSON = ("application/json", "application/jwk-set+json")
LIMIT = 1000


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """An authority for this module."""
    return trust(tmp_path_factory.mktemp("trust"), HOST, "127.0.0.1")


@pytest.fixture
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    """A server of somebody else's."""
    async with far_server(trusted.context) as server:
        yield server


async def fetch(outbound: Outbound, url: str) -> Document:
    """Fetch a JSON document of at most `LIMIT` bytes."""
    return await outbound.get(url, accept=JSON, max_bytes=LIMIT)


async def failure(outbound: Outbound, url: str) -> str:
    """Return why a document cannot be had now."""
    with pytest.raises(Failed) as failed:
        await fetch(outbound, url)
    return str(failed.value)


@pytest.mark.spec("standards", "NS-4")
async def test_a_document_comes_with_what_its_headers_say(trusted: Trust, far: FarServer) -> None:
    far.says = answer(b"{}", "Cache-Control: max-age=60", content_type="Application/JSON; charset=utf-8")
    document = await fetch(way_out(far.place, ca_file=trusted.ca_file), far.url)
    assert document == Document(b"{}", 60)


@pytest.mark.spec("standards", "NS-4")
async def test_a_request_carries_nothing_but_what_it_asks_for(
    trusted: Trust, far: FarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    far.says = answer(b"{}", "Set-Cookie: a=b; Path=/")
    outbound = way_out(far.place, ca_file=trusted.ca_file)
    for _ in range(2):
        await fetch(outbound, f"https://{far.place}?a=b")
    expected = (
        f"GET /?a=b HTTP/1.1\r\nHost: {far.place}\r\nAccept: {', '.join(JSON)}\r\nAccept-Encoding: identity\r\n"
        "User-Agent: Assent\r\nConnection: close\r\n\r\n"
    )
    assert far.requests == [expected, expected]


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_a_redirect_is_not_followed(trusted: Trust, far: FarServer, status: str) -> None:
    async with far_server(None) as inside:
        far.says = answer(b"", f"Location: http://127.0.0.1:{inside.port}/", status=status)
        outbound = way_out(far.place, f"127.0.0.1:{inside.port}", ca_file=trusted.ca_file)
        assert await failure(outbound, far.url) == "answers with a redirect, which is not followed"
        assert (far.connections, inside.connections) == (1, 0)


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(
    ("says", "why"),
    [
        pytest.param(answer(status="404 Not Found"), "answers with status 404", id="not found"),
        pytest.param(answer(status="500 Oops"), "answers with status 500", id="broken"),
        pytest.param(answer(b"", status="204 No Content"), "answers with status 204", id="nothing"),
        pytest.param(answer(status="206 Partial Content"), "answers with status 206", id="a part"),
        pytest.param(answer(content_type="text/html"), "is not of type", id="html"),
        pytest.param(answer(content_type="application/jsonp"), "is not of type", id="nearly json"),
        pytest.param(answer(content_type=""), "is not of type", id="no type"),
        pytest.param(answer(b" " * (LIMIT + 1)), "is larger than 1000 bytes", id="too large, and says so"),
        pytest.param(answer().replace(b"Length: 11", b"Length: 10000000000"), "is larger", id="endless, as it says"),
        pytest.param(answer(gzip.compress(b"{}"), "Content-Encoding: gzip"), "is compressed", id="compressed"),
        pytest.param(answer(b"{}", "Content-Encoding: identity, br"), "is compressed", id="compressed twice"),
        pytest.param(answer().replace(b"Length: 11", b"Length: 12"), "broke off its answer", id="cut short"),
        pytest.param(answer().replace(b"Length: 11", b"Length: 11\r\nContent-Length: 12"), "broke off", id="two sizes"),
        pytest.param(answer().replace(b"Length: 11", b"Length: -1"), "broke off its answer", id="no size"),
        pytest.param(answer(b"{}", "X: " + "x" * 200_000), "broke off its answer", id="huge headers"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "broke off its answer", id="no http"),
        pytest.param(b"", "broke off its answer", id="silence"),
    ],
)
async def test_what_is_no_such_document_is_refused(trusted: Trust, far: FarServer, says: bytes, why: str) -> None:
    far.says = says
    assert why in await failure(way_out(far.place, ca_file=trusted.ca_file), far.url)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never be silent and never finish: a byte every few milliseconds, below any size."""
    writer.write(CHUNKED)
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send without end, as fast as it is taken."""
    writer.write(CHUNKED)
    while True:
        writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
        await writer.drain()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the request and wait for the end of the world."""
    await asyncio.Event().wait()


async def put_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send interim answers for ever."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def put_off_in_a_hurry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send interim answers for ever, as fast as they are taken."""
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)
        await writer.drain()


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("behave", [drip, say_nothing, put_off])
async def test_the_deadline_is_for_everything_together(trusted: Trust, far: FarServer, behave: object) -> None:
    far.behave = behave  # type: ignore[assignment]
    outbound = way_out(far.place, ca_file=trusted.ca_file, deadline=0.4)
    before = asyncio.get_running_loop().time()
    assert await failure(outbound, far.url) == "did not answer in time"
    assert asyncio.get_running_loop().time() - before < 30  # they would go on for ever


@pytest.mark.spec("standards", "NS-4")
async def test_an_endless_body_is_counted_while_it_is_read(trusted: Trust, far: FarServer) -> None:
    far.behave = flood
    assert await failure(way_out(far.place, ca_file=trusted.ca_file), far.url) == "is larger than 1000 bytes"


@pytest.mark.spec("standards", "NS-4")
async def test_what_comes_before_the_answer_is_counted_too(trusted: Trust, far: FarServer) -> None:
    """Interim answers are no body; parsing them without end would cost a worker all its time until the deadline."""
    far.behave = put_off_in_a_hurry
    assert await failure(way_out(far.place, ca_file=trusted.ca_file), far.url) == "sends far more than a document"


async def test_a_name_server_that_is_silent_is_not_waited_for(far: FarServer) -> None:
    async def silent(host: str, port: int) -> tuple[()]:
        await asyncio.Event().wait()
        return ()

    outbound = way_out(far.place, names=silent, deadline=0.1)
    assert await failure(outbound, far.url) == "did not answer in time"


@pytest.mark.spec("standards", "NS-4")
async def test_a_certificate_must_be_for_the_host_and_of_a_trusted_authority(
    trusted: Trust, far: FarServer, tmp_path: Path
) -> None:
    untrusted = "has no certificate that is trusted for its host"
    assert await failure(way_out(far.place), far.url) == untrusted
    strange = trust(tmp_path, HOST)
    assert await failure(way_out(far.place, ca_file=strange.ca_file), far.url) == untrusted
    other = f"other.example:{far.port}"
    names = Names({"other.example": [("127.0.0.1",)]})
    assert await failure(way_out(other, ca_file=trusted.ca_file, names=names), f"https://{other}/") == untrusted
    assert far.requests == []


@pytest.mark.spec("standards", "NS-2")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    exact = trust(tmp_path, HOST)
    exact.context.minimum_version = exact.context.maximum_version = version
    async with far_server(exact.context) as far:
        assert (await fetch(way_out(far.place, ca_file=exact.ca_file), far.url)).body


@pytest.mark.spec("standards", "NS-2")
async def test_tls_before_1_2_is_not_spoken(tmp_path: Path) -> None:
    old = trust(tmp_path, HOST)
    old.context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with far_server(old.context) as far:
        outbound = way_out(far.place, ca_file=old.ca_file)
        assert await failure(outbound, far.url) == "does not speak TLS 1.2 or newer"


async def test_an_authority_file_that_has_gone_away_fails_the_fetch_alone(far: FarServer) -> None:
    outbound = way_out(far.place, ca_file="/nowhere/ca.pem")
    assert await failure(outbound, far.url) == "cannot be fetched at present"
    assert far.connections == 0


async def test_a_server_of_our_own_may_do_without_tls_when_it_is_exempt(tmp_path: Path) -> None:
    async with far_server(None) as inside:
        url = f"http://{inside.place}/jwks.json"
        assert (await fetch(way_out(inside.place), url)).body == b'{"keys":[]}'
        with pytest.raises(Refused, match="must use https"):
            await fetch(way_out(f"{HOST}:1"), url)
        assert inside.connections == 1


async def test_what_speaks_no_tls_is_told_so() -> None:
    async with far_server(None) as plain:
        plain.greeting = b"220 mail.example ESMTP\r\n"
        assert await failure(way_out(plain.place), plain.url) == "does not speak TLS 1.2 or newer"


async def test_an_address_that_does_not_answer_leaves_the_next_one_its_turn(trusted: Trust, far: FarServer) -> None:
    names = Names({HOST: [("127.0.0.9", "127.0.0.1")]})
    outbound = way_out(far.place, ca_file=trusted.ca_file, names=names)
    assert (await fetch(outbound, far.url)).body == b'{"keys":[]}'


async def test_a_closed_port_is_told_without_its_address() -> None:
    async with far_server(None) as gone:
        pass
    said = await failure(way_out(gone.place), gone.url)
    assert said == "cannot be connected to"


@pytest.mark.spec("standards", "NS-4")
async def test_a_host_is_asked_no_more_often_than_it_is_admitted(trusted: Trust, far: FarServer) -> None:
    count = Count(admitted=2)
    outbound = way_out(far.place, ca_file=trusted.ca_file, count=count)
    for _ in range(2):
        await fetch(outbound, far.url)
    assert "asked too often" in await failure(outbound, far.url.replace("keys", "KEYS"))
    assert (far.connections, count.hosts) == (2, [HOST] * 3)


async def test_what_is_no_acceptable_url_does_not_count() -> None:
    count = Count()
    with pytest.raises(Refused):
        await fetch(way_out(count=count), "https://127.0.0.1/")
    assert count.hosts == []


@pytest.mark.spec("standards", "NS-4")
async def test_what_visitors_ask_for_keeps_no_document_waiting(trusted: Trust, far: FarServer) -> None:
    full = asyncio.Event()

    async def hold(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        if silent.connections == AT_ONCE_FOR_VISITORS:
            full.set()
        await asyncio.Event().wait()

    count = Count()
    async with far_server(trusted.context) as silent:
        silent.behave = hold
        outbound = way_out(silent.place, far.place, ca_file=trusted.ca_file, count=count)
        slow = [
            asyncio.create_task(outbound.get(silent.url, accept=JSON, max_bytes=LIMIT, for_visitors=True))
            for _ in range(AT_ONCE + 1)
        ]
        await full.wait()
        await fetch(outbound, far.url)
        assert (silent.connections, any(task.done() for task in slow)) == (AT_ONCE_FOR_VISITORS, False)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    assert count.hosts == [f"visitors/{HOST}"] * len(slow) + [HOST]


async def test_only_so_many_requests_are_under_way_at_once() -> None:
    full = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if inside.connections == AT_ONCE:
            full.set()
        await full.wait()
        await asyncio.sleep(0.1)  # time for one too many to come
        early.append(inside.connections)
        writer.write(inside.says)
        await writer.drain()

    early: list[int] = []
    async with far_server(None) as inside:
        inside.behave = hold
        outbound = way_out(inside.place, deadline=60)
        url = inside.url.replace("https:", "http:")
        await asyncio.gather(*(fetch(outbound, url) for _ in range(AT_ONCE + 8)))
        assert early[0] == AT_ONCE
        assert inside.connections == AT_ONCE + 8


@pytest.mark.spec("standards", "NS-5")
async def test_the_log_names_the_host_and_nothing_else_of_the_url(
    capsys: pytest.CaptureFixture[str], far: FarServer
) -> None:
    names = Names({HOST: [("10.1.2.3",)]})
    with pytest.raises(Refused) as refused:
        await fetch(way_out(names=names), f"https://{HOST}/path?token=secret")
    assert "10.1.2.3" not in str(refused.value)
    said = capsys.readouterr().out
    assert "10.1.2.3" in said
    assert f"{HOST}:443" in said
    assert "secret" not in said


async def test_a_connection_on_which_nobody_speaks_tls_is_closed_when_the_time_is_over() -> None:
    ended = asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()
        await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outbound = way_out(f"{HOST}:{port}", deadline=0.3)
        with pytest.raises(Failed, match="in time"):
            await outbound.get(f"https://{HOST}:{port}/", accept=JSON, max_bytes=LIMIT)
        await asyncio.wait_for(ended.wait(), 10)
