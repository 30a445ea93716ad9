"""A parent with workers and no database: `python -m tests.support.supervised WORKERS` prints its ports.

The last port is that of a worker that waits for its first connection.
"""

import asyncio
import os
import socket
import sys
from typing import Any

from app.cli.order import Listeners, Order
from app.cli.supervisor import Supervisor
from app.cli.worker_process import Worker
from app.telemetry.exposition import WorkerMetrics
from app.telemetry.listener import listen
from app.telemetry.logging import configure
from app.telemetry.requests import Requests

DRAIN_SECONDS = 5


def application() -> Any:
    """Answer with the worker's pid; `/slow` begins and takes a second more, `/exit` ends the process without a word."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["path"] == "/exit":
            os._exit(9)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow":
            await asyncio.sleep(1)
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

    return Requests(serve)


def broken() -> Any:
    """A factory that cannot make its application."""
    raise RuntimeError("no application today")


async def _lifespan(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def main(count: int, factory: str) -> int:
    """Supervise `count` workers; returns the exit status."""
    configure("json")
    listener = socket.create_server(("127.0.0.1", 0))
    metrics = WorkerMetrics()
    metrics_port = listen(metrics, host="127.0.0.1", port=0)
    order = Order(factory, drain_seconds=DRAIN_SECONDS, report_metrics=True)
    workers = [Worker(f"worker {number}", preload="json") for number in range(count)]
    for worker in workers:
        worker.start()
        worker.instruct(order, Listeners(listener))
    door = socket.create_server(("127.0.0.1", 0))
    workers.append(Worker("waiting", preload="json", essential=False, order=order, listeners=Listeners(door)))
    supervisor = Supervisor(
        workers,
        metrics=metrics,
        database_alive=lambda: True,
        on_ready=lambda: print(listener.getsockname()[1], metrics_port, door.getsockname()[1], flush=True),
        drain_seconds=DRAIN_SECONDS,
    )
    ending = supervisor.run()
    print(ending.sentence, file=sys.stderr)
    return ending.status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "tests.support.supervised:application"))
