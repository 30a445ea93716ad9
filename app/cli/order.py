"""What the parent tells a worker to serve, and how it gets there: through a socket pair, together with the listener."""

import pickle
import socket
from dataclasses import dataclass, field
from typing import Any

from app.telemetry.style import LogStyle

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of a PEM certificate chain and its key, and of the authorities that vouch for clients, if there are any."""

    certificate: str
    key: str
    client_authorities: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker serves.

    `factory` is `module:function` and is called with `arguments`. `import_path` is put in front of the module path,
    `environment` into the process environment before the import. `drain_seconds` is how long running requests may take
    after the stop signal.
    """

    factory: str
    arguments: tuple[Any, ...] = field(default=(), repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    import_path: str | None = None
    tls: Tls | None = None
    drain_seconds: int = 10
    log_style: LogStyle = "json"
    report_metrics: bool = False


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets of a worker: the front one, and the one where clients are asked for a certificate."""

    front: socket.socket
    mutual: socket.socket | None = None


def send_order(channel: socket.socket, order: Order, listeners: Listeners) -> None:
    """Hand a worker its order and the listening sockets (the parent's half of `receive_order`)."""
    body = pickle.dumps(order)
    sockets = [listeners.front] if listeners.mutual is None else [listeners.front, listeners.mutual]
    socket.send_fds(channel, [len(body).to_bytes(_LENGTH_BYTES)], [one.fileno() for one in sockets])
    channel.sendall(body)


def receive_order(channel: socket.socket) -> tuple[Order, Listeners] | None:
    """Wait for the order; None when the parent went away before giving one."""
    head, descriptors, _flags, _address = socket.recv_fds(channel, _LENGTH_BYTES, 2)
    if len(head) < _LENGTH_BYTES or not descriptors:
        return None
    body = _receive_exactly(channel, int.from_bytes(head))
    if not body:
        return None
    # The bytes come from the parent through a socket pair that nobody else can reach.
    return pickle.loads(body), Listeners(*(socket.socket(fileno=one) for one in descriptors))  # noqa: S301


def _receive_exactly(channel: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        part = channel.recv(count - len(received))
        if not part:
            return b""
        received += part
    return bytes(received)
