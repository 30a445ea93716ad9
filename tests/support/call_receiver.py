"""Somebody who is called: the operator's service that tells people, or a client that is pinged (CIBA).

It remembers every call, and answers what a test wants.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from anyio.from_thread import start_blocking_portal

from tests.support.processes import PATIENCE

PATH = "/called"


@dataclass(frozen=True, slots=True)
class Heard:
    """One call: the request line, its headers by name in lower case, the members of its JSON, and the answer."""

    line: str
    headers: dict[str, str] = field(repr=False)
    members: dict[str, Any] = field(repr=False)
    status: int


@dataclass(slots=True)
class CallReceiver:
    """A listener on loopback. `says` decides on a call, by how many there were before: the status."""

    port: int = 0
    https: bool = False
    says: Callable[[int], int] = lambda _: 204
    heard: list[Heard] = field(default_factory=list)
    open_gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def place(self) -> str:
        """Host and port, as an exemption names them."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"{'https' if self.https else 'http'}://{self.place}{PATH}"

    async def until(self, count: int, seconds: float = PATIENCE) -> list[Heard]:
        """Wait until so many calls have come in, and return them."""
        async with asyncio.timeout(seconds):
            while len(self.heard) < count:  # noqa: ASYNC110 - the other side may be another process
                await asyncio.sleep(0.02)
        return self.heard

    def await_calls(self, count: int, seconds: float = PATIENCE) -> list[Heard]:
        """As `until`, for whoever has no event loop."""
        end = time.monotonic() + seconds
        while len(self.heard) < count and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.heard) >= count, "nobody called"
        return self.heard

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one call."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            members = json.loads(await reader.readexactly(int(headers["content-length"])))
            await self.open_gate.wait()
            status = self.says(len(self.heard))
            self.heard.append(Heard(line, headers, members, status))
            moved = f"Location: http://{self.place}/elsewhere\r\n" if 300 <= status < 400 else ""
            writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n{moved}\r\n".encode("latin-1"))
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def call_receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[CallReceiver]:
    """Run a receiver whose gate is open."""
    receiver = CallReceiver(https=tls is not None)
    receiver.open_gate.set()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, backlog=64, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.open_gate.set()
        server.close()
        await server.wait_closed()


@contextlib.contextmanager
def call_receiver_beside(tls: ssl.SSLContext | None = None) -> Iterator[CallReceiver]:
    """Run a receiver in a thread of its own, for tests in whose thread a browser is driven."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(call_receiver(tls)) as receiver:
        yield receiver
