"""The server with its demo, as `make run` starts both, for journeys from outside."""

import contextlib
import os
import random
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.server import Server, directory_for_server, running_server

_LANE = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % 8
_ports = iter(random.sample(range(20_000 + 1_500 * _LANE, 21_500 + 1_500 * _LANE), 1_500))
"""Ports below the ephemeral ones of Linux (from 32768 on) and of others (from 49152 on), for each test process its own;
none is given out twice."""


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """A server with the demo application at `url`, and what its banner tells."""

    server: Server
    url: str
    username: str
    password: str = field(repr=False)
    setup_link: str = field(repr=False)

    @property
    def issuer(self) -> str:
        """Where the server answers; another site than the demo for a browser."""
        return self.server.issuer


@contextmanager
def running_demo(
    *, data: Mapping[str, Any] | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[RunningDemo]:
    """Start a server with the demo on free ports, `data` applied, and end both whatever happens."""
    arguments = ("--demo", "--demo-port", str(free_port()), "--demo-mcp-port", str(free_port()))
    with (
        directory_for_server() as directory,
        running_server(directory, data=data, settings=settings, arguments=arguments) as server,
    ):
        username, password = server.told("Demo user").split(", password ")
        link = re.search(rf"^  ({re.escape(server.issuer)}/setup/\S+)$", server.said, re.MULTILINE)
        assert link is not None, server.said
        yield RunningDemo(server, server.told("Demo"), username, password, link[1])


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on at this moment.

    It is none of those that the system gives to whoever wants any port, or connects: one of them could be gone again
    before it is used.
    """
    for port in _ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("every port of this test process has been used")
