"""An application's address for logout tokens: it remembers what comes, and thanks."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.support.far_server import answer, far_server

_LENGTH = re.compile(r"content-length: (\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Receiver:
    """`place` is its host and port; `heard` has the fields of every form, `requests` what stood before each."""

    place: str = ""
    heard: list[dict[str, list[str]]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen until the end of the block."""
    receiver = Receiver()
    async with far_server(None) as far:

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            length = _LENGTH.search(far.requests[-1])
            body = await reader.readexactly(int(length[1]) if length else 0)
            receiver.heard.append(parse_qs(body.decode("ascii"), strict_parsing=True))
            writer.write(answer(b""))
            await writer.drain()
            receiver.came.set()

        far.behave = take
        receiver.place, receiver.requests = f"127.0.0.1:{far.port}", far.requests
        yield receiver
