"""An application that is told when sessions end: it remembers every logout token, and answers what a test wants."""

import asyncio
import contextlib
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.support.processes import PATIENCE

PATH = "/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Heard:
    """One notice: the token, what it says, when it came (seconds since 1970), and what was answered."""

    token: str = field(repr=False)
    claims: dict[str, Any]
    at: float
    status: int


@dataclass(slots=True)
class LogoutReceiver:
    """A listener on loopback, without TLS. `says` decides on a notice: status, and further header lines.

    `open_gate` is cleared to let all answers wait; `crowd` is the most that were here at once.
    """

    port: int = 0
    says: Callable[[dict[str, Any]], tuple[int, str]] = lambda _: (200, "")
    heard: list[Heard] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    open_gate: asyncio.Event = field(default_factory=asyncio.Event)
    here: int = 0
    crowd: int = 0

    @property
    def place(self) -> str:
        """Host and port, as an exemption names them."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The `backchannel_logout_uri`."""
        return f"http://{self.place}{PATH}"

    def delivered(self) -> list[Heard]:
        """Return the notices that were answered 2xx."""
        return [one for one in self.heard if one.status < 300]

    async def until(self, enough: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until enough has come in."""
        async with asyncio.timeout(seconds):
            while not enough():  # noqa: ASYNC110 - the other side is another process
                await asyncio.sleep(0.02)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one notice."""
        self.here += 1
        self.crowd = max(self.crowd, self.here)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                sizes = [line[15:] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
                form = parse_qs((await reader.readexactly(int(sizes[0]))).decode("ascii"), strict_parsing=True)
                assert list(form) == ["logout_token"], form
                (token,) = form["logout_token"]
                self.heads.append(head)
                await self.open_gate.wait()
                claims = claims_of(token)
                status, further = self.says(claims)
                self.heard.append(Heard(token, claims, time.time(), status))
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n{further}\r\n".encode("latin-1"))
                await writer.drain()
        finally:
            self.here -= 1
            writer.close()


def claims_of(token: str) -> dict[str, Any]:
    """Return what a logout token says, without asking who signed it."""
    return dict(json.loads(_part(token, 1)))


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a logout token."""
    return dict(json.loads(_part(token, 0)))


@contextlib.asynccontextmanager
async def logout_receiver() -> AsyncIterator[LogoutReceiver]:
    """Run a receiver whose gate is open."""
    receiver = LogoutReceiver()
    receiver.open_gate.set()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, backlog=1024)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.open_gate.set()
        server.close()
        await server.wait_closed()


def _part(token: str, number: int) -> bytes:
    part = token.split(".")[number]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
