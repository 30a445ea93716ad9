"""Connections that try to fill or to hold a worker, on real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.cli import bounded_http
from app.cli.bounded_http import MAX_HEAD, BoundedHttp

HEAD = b"POST / HTTP/1.1\r\nHost: id.example\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
    await send({"type": "http.response.body", "body": f"{size:07}".encode()})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a running server."""
    config = uvicorn.Config(echo, port=0, http=BoundedHttp, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def send(port: int, *parts: bytes) -> bytes:
    """Send the parts one after the other and return everything that comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        while more := await asyncio.wait_for(reader.read(65_536), 10):
            received += more
    except ConnectionError:
        pass
    writer.close()
    return received


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD, *[b"X-%d: %s\r\n" % (number, b"a" * 8_000) for number in range(40)]],
        [HEAD + b"X: ", *[b"a" * 8_000] * 40],
        [b"GET /?a=", *[b"a" * 8_000] * 40],
    ],
    ids=["many headers", "one endless header", "an endless address"],
)
async def test_a_head_without_end_is_cut_off(port: int, parts: list[bytes]) -> None:
    answer = await send(port, *parts)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


async def test_a_second_request_on_the_same_connection_is_bounded_too(port: int) -> None:
    first = HEAD + b"Content-Length: 3\r\n\r\nabc"
    answer = await send(port, first, HEAD + b"X: ", *[b"a" * 8_000] * 40)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 200 ")
    assert b" 200 " not in answer[20:]


async def test_large_bodies_and_long_heads_within_the_bound_are_served(port: int) -> None:
    body = b"b" * 900_000
    long_header = b"X: " + b"a" * (MAX_HEAD - 10_000) + b"\r\n"
    request = HEAD + long_header + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert (await send(port, request)).endswith(b"0900000")


@pytest.mark.parametrize(
    "part", [b"", b"GET / HT", HEAD, HEAD + b"Content-Length: 10\r\n\r\nabc"], ids=["nothing", "line", "head", "body"]
)
async def test_a_request_that_never_ends_is_dropped(port: int, part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "REQUEST_SECONDS", 0.1)
    monkeypatch.setattr(bounded_http, "_LOOK_SECONDS", 0.05)
    assert await asyncio.wait_for(send(port, part), 5) == b""
