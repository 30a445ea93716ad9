"""A worker process: serves one ASGI application on a socket that the parent has bound.

The parent starts `python -m app.cli.worker FD` at once, so that the imports run while it prepares the database, and
sends the order and the listening socket over the socket pair FD when everything is ready. Nothing secret stands in argv
or in the environment that the worker was started with.
The worker answers "ready" and, when metrics are wanted, snapshots. The end of the stream means that the parent is
gone, however it went: the worker stops taking requests, lets the running ones end and leaves.
"""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import orjson
import uvicorn

from app.cli import lean_start  # before whatever takes long to import
from app.cli.bounded_http import BoundedHttp
from app.cli.order import Listeners, Order, receive_order
from app.telemetry import logging
from app.telemetry.metrics import REQUESTS

_SNAPSHOT_SECONDS = 1.0
_ORPHAN_SECONDS = 3.0
"""An orphan's database is going down too: it gets this long to finish what it was doing."""


def main(arguments: list[str]) -> int:
    """Serve until told to stop; returns the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # a log line from the background may stand on the terminal
    channel = socket.socket(fileno=int(arguments[0]))
    for module in arguments[1:]:
        import_module(module)
    lean_start.collect_again()
    received = receive_order(channel)
    if received is None:
        return 0
    order, listeners = received
    logging.configure(order.log_style)
    os.environ.update(order.environment)
    if order.import_path is not None:
        sys.path.insert(0, order.import_path)
    module, _, name = order.factory.partition(":")
    application = getattr(import_module(module), name)(*order.arguments)
    server = _Server(_uvicorn_config(application, order), channel, order, listeners)
    server.run(sockets=[listeners.front])
    return 0


class _Server(uvicorn.Server):
    """uvicorn that tells the parent when it is ready and leaves when the parent is gone."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket, order: Order, listeners: Listeners) -> None:
        super().__init__(config)
        self._channel = channel
        self._order = order
        self._listeners = listeners
        self._background: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._ask_for_certificates()
        self._channel.setblocking(False)
        self._in_background(self._watch_parent())
        await self._report({"ready": True})
        if self._order.report_metrics:
            self._in_background(self._report_metrics())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._order.report_metrics:
            await self._report({"metrics": REQUESTS.snapshot()})

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM only, and without raising it again afterwards: a drained worker has ended well.

        Ctrl-C is the parent's affair, who tells the workers.
        """
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def _ask_for_certificates(self) -> None:
        """Serve the same on the second socket, where the handshake asks for a certificate and goes on without one.

        OpenSSL checks what it is shown against the authorities; with anything else the handshake fails.
        """
        tls, config = self._order.tls, self.config
        if self._listeners.mutual is None or tls is None:
            return
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.client_authorities)
        context.load_cert_chain(tls.certificate, tls.key)
        context.verify_mode = ssl.CERT_OPTIONAL
        connection = partial(BoundedHttp, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        mutual = self._listeners.mutual
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(connection, sock=mutual, ssl=context, backlog=config.backlog))

    async def _watch_parent(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while await loop.sock_recv(self._channel, 1):
                pass
        self.should_exit = True
        await asyncio.sleep(_ORPHAN_SECONDS)
        os._exit(1)

    async def _report_metrics(self) -> None:
        told = None
        while True:
            await asyncio.sleep(_SNAPSHOT_SECONDS)
            snapshot = REQUESTS.snapshot()
            if snapshot != told:
                told = snapshot
                await self._report({"metrics": snapshot})

    async def _report(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self._channel, orjson.dumps(message) + b"\n")

    def _in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _uvicorn_config(application: Any, order: Order) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=BoundedHttp,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=order.drain_seconds,
        ssl_certfile=order.tls.certificate if order.tls else None,
        ssl_keyfile=order.tls.key if order.tls else None,
        backlog=2048,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
