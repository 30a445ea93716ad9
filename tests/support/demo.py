"""The server with its demo, as `make run` starts both, for journeys from outside."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.server import Server, directory_for_server, running_server


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
def running_demo(*, data: Mapping[str, Any] | None = None) -> Iterator[RunningDemo]:
    """Start a server with the demo on free ports, `data` applied, and end both whatever happens."""
    arguments = ("--demo", "--demo-port", str(free_port()))
    with directory_for_server() as directory, running_server(directory, data=data, arguments=arguments) as server:
        username, password = server.told("Demo user").split(", password ")
        link = re.search(rf"^  ({re.escape(server.issuer)}/setup/\S+)$", server.said, re.MULTILINE)
        assert link is not None, server.said
        yield RunningDemo(server, server.told("Demo"), username, password, link[1])


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
