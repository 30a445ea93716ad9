"""Servers of other people, on loopback: they say what a test lets them say, and remember what they were asked."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import trustme

from app.outbound.client import DEADLINE, Outbound
from app.outbound.guard import Resolve
from app.protocol.configuration import OutboundRules

HOST = "keys.example"
PUBLIC = "93.184.215.14"
"""An address that is anybody's; no test connects to it."""

_numbers = itertools.count(1)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(
    body: bytes = b'{"keys":[]}', *headers: str, status: str = "200 OK", content_type: str = "application/json"
) -> bytes:
    """Return an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass(slots=True)
class FarServer:
    """One listener. `says` is sent once a request has come; `behave`, when set, is what happens instead.

    `greeting` is sent before, as servers do that speak first. `number` is its own: a port may come again.
    """

    port: int = 0
    says: bytes = field(default_factory=answer)
    behave: Handler | None = None
    greeting: bytes = b""
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(_numbers))
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def place(self) -> str:
        """Host and port, as an exemption names them."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The address of its document."""
        return f"https://{self.place}/jwks.json"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writer.write(self.greeting)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            if self.behave is None:
                writer.write(self.says)
                await writer.drain()
            else:
                await self.behave(reader, writer)
        if task.cancelling():
            writer.transport.abort()
        else:
            writer.close()
        self._tasks.discard(task)

    async def end(self) -> None:
        """Cut what is open."""
        open_ones = tuple(self._tasks)
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
        await asyncio.sleep(0.01)  # the loop closes an aborted transport in its next rounds


@contextlib.asynccontextmanager
async def far_server(context: ssl.SSLContext | None, host: str = "127.0.0.1") -> AsyncIterator[FarServer]:
    """Run a server, over TLS when it has a context."""
    far = FarServer()
    server = await asyncio.start_server(far.serve, host, 0, ssl=context)
    far.port = server.sockets[0].getsockname()[1]
    try:
        yield far
    finally:
        server.close()
        await far.end()
        await server.wait_closed()


@dataclass(frozen=True, slots=True)
class Trust:
    """An authority that nobody else knows, as a file, and a server's certificate of it."""

    ca_file: str
    context: ssl.SSLContext


def trust(directory: Path, *names: str) -> Trust:
    """Make an authority and a certificate for names and addresses."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return Trust(str(directory / "ca.pem"), context)


@dataclass(slots=True)
class Names:
    """A name server: the answers for a name in the order in which they are given, the last one again and again."""

    answers: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> tuple[IPv4Address | IPv6Address, ...]:
        self.asked.append(host)
        left = self.answers.get(host, [])
        found = left.pop(0) if len(left) > 1 else left[0] if left else ()
        return tuple(map(ip_address, found))


@dataclass(slots=True)
class Count:
    """Counts requests by host and admits as many as it is told."""

    admitted: int = 1_000_000
    hosts: list[str] = field(default_factory=list)

    async def __call__(self, host: str) -> bool:
        self.hosts.append(host)
        return self.hosts.count(host) <= self.admitted


def way_out(
    *exempt: str,
    ca_file: str | None = None,
    proxy: str | None = None,
    names: Resolve | None = None,
    count: Count | None = None,
    deadline: float = DEADLINE,
) -> Outbound:
    """Return an Outbound with exemptions; `HOST` is at 127.0.0.1 unless `names` say something else."""
    rules = OutboundRules(allow=frozenset(exempt), ca_file=ca_file, proxy=proxy)
    return Outbound(rules, count or Count(), resolve=names or Names({HOST: [("127.0.0.1",)]}), deadline=deadline)
