"""The sockets of the parent: the server's front door, and the metrics listener."""

import contextlib
import errno
import os
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.cli.order import Tls
from app.cli.refusals import Refused
from app.telemetry.exposition import WorkerMetrics
from app.telemetry.listener import listen

_BACKLOG = 2048
_METRICS_HOST = "127.0.0.1"
_RETRY_SECONDS = 3.0
"""So long the workers of a killed parent may need to leave the port."""


@dataclass(slots=True)
class Door:
    """The address to listen on. It is tried at once, and insisted on only when the data directory is ours."""

    host: str
    port: int
    _socket: socket.socket | None = field(default=None, repr=False)

    def try_open(self) -> bool:
        """Bind and listen, unless somebody else does; raises Refused when the address makes no sense."""
        if self._socket is None:
            try:
                self._socket = _listening(self.host, self.port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise Refused(f"{self.host}:{self.port} cannot be listened on ({_reason(error)}).") from error
        return self._socket is not None

    def open(self) -> socket.socket:
        """Return the listening socket; raises Refused when the port stays taken."""
        deadline = time.monotonic() + _RETRY_SECONDS
        while not self.try_open():
            if time.monotonic() > deadline:
                raise Refused(
                    f"Port {self.port} on {self.host} is taken by another program: stop it, or choose another port."
                )
            time.sleep(0.05)
        assert self._socket is not None  # noqa: S101 - try_open returned True
        return self._socket

    @property
    def bound_port(self) -> int:
        """The port: for 0, the free one that was found."""
        return self.port if self._socket is None else int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Close the parent's copy."""
        if self._socket is not None:
            self._socket.close()


@contextlib.contextmanager
def door(host: str, port: int) -> Iterator[Door]:
    """Yield the front door, tried already; it is closed at the end."""
    front = Door(host, port)
    try:
        front.try_open()
        yield front
    finally:
        front.close()


@contextlib.contextmanager
def mutual(host: str, port: int | None) -> Iterator[socket.socket | None]:
    """Yield the socket where clients are asked for a certificate, None without its port; raises Refused."""
    if port is None:
        yield None
        return
    with door(host, port) as second:
        yield second.open()


def with_client_authorities(tls: Tls | None, port: int | None, authorities: Path | None) -> Tls | None:
    """Return what TLS needs to know with a port for client certificates; raises Refused without TLS."""
    if port is None or authorities is None:
        return tls
    if tls is None:
        raise Refused("mtls.port needs --tls-cert and --tls-key: a proxy in front would meet the certificates instead.")
    return replace(tls, client_authorities=str(authorities.absolute()))


def check_tls(tls: Tls | None) -> None:
    """Raise Refused when the certificate and the key cannot be used."""
    if tls is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise Refused(f"The certificate {tls.certificate} and the key {tls.key} cannot be used ({error}).") from error


def metrics_listener(metrics: WorkerMetrics, port: int | None) -> str | None:
    """Serve the metrics on this machine; returns their URL, None when nobody asked for them."""
    if port is None:
        return None
    try:
        return f"http://{_METRICS_HOST}:{listen(metrics, host=_METRICS_HOST, port=port)}/metrics"
    except OSError as error:
        raise Refused(f"The metrics port {port} cannot be listened on ({_reason(error)}): choose another.") from error


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and not isinstance(error, socket.gaierror) else str(error)
