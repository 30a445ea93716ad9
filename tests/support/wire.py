"""Requests exactly as bytes, sent to the application in this process: what well-behaved clients would never send."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

import orjson
from starlette.types import ASGIApp, Message

Pairs = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request. `target` is path and query as on the request line; header names are lower case."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    scheme: str = "https"

    @property
    def path(self) -> str:
        """The path as an ASGI server decodes it."""
        return unquote(self.target.partition(b"?")[0].decode("ascii"))


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """One answer. `headers` keeps every header, repeated ones too."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for known, value in self.headers if known.lower() == wanted), None)

    @property
    def media_type(self) -> str:
        """The content type without parameters."""
        return (self.header("content-type") or "").partition(";")[0]

    def json(self) -> object:
        """Return the body as JSON."""
        return orjson.loads(self.body)


def form(pairs: Pairs) -> bytes:
    """Join names and values that are encoded already, or deliberately not."""
    return b"&".join(name + b"=" + value for name, value in pairs)


async def send(app: ASGIApp, request: WireRequest) -> WireAnswer:
    """Send a request the way a server would after it has read it; what the application raises is raised."""
    target, _, query = request.target.partition(b"?")
    length = (b"content-length", str(len(request.body)).encode())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": target,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"id.example"), length, *request.headers],
        "client": ("203.0.113.7", 40_000),
        "server": ("id.example", 443),
        "state": {},
    }
    half = len(request.body) // 2
    incoming: list[Message] = [
        {"type": "http.request", "body": request.body[:half], "more_body": True},
        {"type": "http.request", "body": request.body[half:], "more_body": False},
    ]
    outgoing: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def take(message: Message) -> None:
        outgoing.append(message)

    await app(scope, receive, take)
    start = outgoing[0]
    body = b"".join(message.get("body", b"") for message in outgoing[1:])
    return WireAnswer(start["status"], tuple(start["headers"]), body)
