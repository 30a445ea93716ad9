"""The load generator: prepared bytes over keep-alive connections, in a process of its own.

One asyncio protocol per connection, no HTTP library: a request is written as soon as the answer before it is
complete, so the number of connections is the number of requests under way.
"""

import asyncio
import multiprocessing
import re
import time
from array import array
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, cast

import uvloop

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_REFRESH_TOKEN = re.compile(rb'"refresh_token" *: *"([^"]+)"')
_STALLED_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Chain:
    """Requests that follow from answers: `tokens` are sent between `before` and `after`, successors at the back.

    `head` is the request line and the headers, without content length and blank line.
    """

    head: bytes
    before: bytes
    after: bytes
    tokens: tuple[bytes, ...]

    def request(self, token: bytes) -> bytes:
        """Return the whole request that presents `token`."""
        body = self.before + token + self.after
        return b"%bcontent-length: %d\r\n\r\n%b" % (self.head, len(body), body)


@dataclass(frozen=True, slots=True)
class Work:
    """What to send: complete requests, each once and in order, or a chain of `count` requests.

    Every answer has to be a 200 whose body contains `expect`.
    """

    expect: bytes
    requests: tuple[bytes, ...] = ()
    chain: Chain | None = None
    count: int = 0

    def __len__(self) -> int:
        return self.count if self.chain else len(self.requests)


@dataclass(frozen=True, slots=True)
class Load:
    """How a run went. `seconds` is wall time, latencies are milliseconds, `busy` is the generator's own CPU share."""

    requests: int
    seconds: float
    p50: float
    p99: float
    busy: float

    @property
    def per_second(self) -> float:
        """Requests per second, over all connections."""
        return self.requests / self.seconds


class LoadError(Exception):
    """The server gave an answer that the measurement cannot count."""


class Generator:
    """The generator's process; leave the context to end it."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._process = ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        self._process.submit(_nothing).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._process.shutdown()

    def run(self, port: int, work: Work) -> Load:
        """Do the work against 127.0.0.1:`port`. Raises LoadError for the first wrong answer or a stall."""
        return self._process.submit(_run, port, work, self._connections).result()


class _Source(Protocol):
    """Where a connection gets its next request from, and where it tells what was answered."""

    def next(self) -> bytes | None: ...

    def answered(self, body: bytes) -> None: ...


class _Prepared:
    """Requests in order; answers teach nothing."""

    def __init__(self, requests: tuple[bytes, ...]) -> None:
        self._requests: Iterator[bytes] = iter(requests)

    def next(self) -> bytes | None:
        return next(self._requests, None)

    def answered(self, body: bytes) -> None:
        pass


class _Chained:
    """Each successor goes to the back of the queue, so that no two requests present the same token."""

    def __init__(self, chain: Chain, count: int) -> None:
        self._chain = chain
        self._tokens = deque(chain.tokens)
        self._left = count

    def next(self) -> bytes | None:
        if self._left == 0:
            return None
        self._left -= 1
        return self._chain.request(self._tokens.popleft())

    def answered(self, body: bytes) -> None:
        if (found := _REFRESH_TOKEN.search(body)) is None:
            raise LoadError(f"no refresh token in the answer: {body[:300]!r}")
        self._tokens.append(found[1])


class _Connection(asyncio.Protocol):
    """One keep-alive connection: send, collect the whole answer, send again, until the source is dry."""

    def __init__(self, source: _Source, expect: bytes, latencies: "array[int]", done: "asyncio.Future[None]") -> None:
        self._source = source
        self._expect = expect
        self._latencies = latencies
        self._done = done
        self._received = b""
        self._sent_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def go(self) -> None:
        """Send the next request, or be done."""
        if (request := self._source.next()) is None:
            self._finish(None)
            return
        self._sent_at = time.perf_counter_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            self._received = received
            return
        length = _CONTENT_LENGTH.search(received, 0, head_end)
        if length is None:
            self._finish(LoadError(f"no content length: {received[:300]!r}"))
            return
        body = received[head_end + 4 :]
        if len(body) < int(length[1]):
            self._received = received
            return
        self._received = b""
        self._latencies.append(time.perf_counter_ns() - self._sent_at)
        if received[9:12] != b"200" or self._expect not in body:
            self._finish(LoadError(f"unexpected answer: {received[:600]!r}"))
            return
        try:
            self._source.answered(body)
        except LoadError as error:
            self._finish(error)
            return
        self.go()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(LoadError(f"the server closed the connection: {exc}"))

    def _finish(self, error: LoadError | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)
        self._transport.close()


def _nothing() -> None:
    """Start the process, so that its imports are not part of the first run."""


def _run(port: int, work: Work, connections: int) -> Load:
    return uvloop.run(_drive(port, work, connections))


async def _drive(port: int, work: Work, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    latencies = array("q")
    source: _Source = _Chained(work.chain, work.count) if work.chain else _Prepared(work.requests)
    finished = [loop.create_future() for _ in range(connections)]
    opened = []
    for done in finished:
        connection = _Connection(source, work.expect, latencies, done)
        await loop.create_connection(lambda connection=connection: connection, "127.0.0.1", port)  # type: ignore[misc]
        opened.append(connection)
    began, cpu = time.perf_counter(), time.process_time()
    for connection in opened:
        connection.go()
    await _all_done(finished, latencies)
    seconds = time.perf_counter() - began
    ordered = sorted(latencies)
    return Load(
        requests=len(ordered),
        seconds=seconds,
        p50=ordered[len(ordered) // 2] / 1e6,
        p99=ordered[len(ordered) * 99 // 100] / 1e6,
        busy=(time.process_time() - cpu) / seconds,
    )


async def _all_done(finished: "list[asyncio.Future[None]]", latencies: "array[int]") -> None:
    """Wait for every connection; a server that answers nothing for a while has stalled."""
    waiting = asyncio.gather(*finished)
    while True:
        before = len(latencies)
        done, _ = await asyncio.wait([waiting], timeout=_STALLED_SECONDS)
        if done:
            waiting.result()
            return
        if len(latencies) == before:
            raise LoadError(f"no answer for {_STALLED_SECONDS:.0f} s, after {before} answers")
