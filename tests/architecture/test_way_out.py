"""Every fetch in the product goes through the outbound guard (NS-4): nobody else can reach out."""

import ast

import pytest

from tests.architecture.repository import Module, calls, imports, modules

GUARDED = {"app/outbound/client.py", "app/outbound/dialer.py"}
VISITOR = "app/outbound/visitor.py"
"""For the command line, which talks to the one address that the operator names."""

CLIENTS = {
    *("aiohttp", "ftplib", "http.client", "httpcore", "httplib2", "httpx", "imaplib", "niquests", "poplib", "pycurl"),
    *("requests", "smtplib", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client"),
}
"""Libraries that connect to where an address says."""

CONNECTING = {
    *("connect_ex", "connect_tcp", "create_connection", "create_datagram_endpoint", "getaddrinfo", "gethostbyname"),
    *("gethostbyname_ex", "open_connection", "open_unix_connection", "sock_connect", "urlopen", "urlretrieve"),
}
"""Calls that resolve a name or open a connection. PostgreSQL's are the store's, by a contract of their own."""

CONNECT = {"app/outbound/dialer.py", "app/outbound/guard.py", "app/cli/sockets.py"}
"""The last one resolves the address that the server itself listens on."""


def clients(module: Module) -> list[str]:
    """Return the HTTP and mail clients that a module imports."""
    return [name for name, _ in imports(module.tree) if any(f"{name}.".startswith(f"{one}.") for one in CLIENTS)]


def connecting(module: Module) -> list[str]:
    """Return the calls of a module that resolve names or connect."""
    return [name for name, _ in calls(module.tree) if name in CONNECTING]


def importers(name: str) -> set[str]:
    """Return the modules that import one, as `import a.b` or as `from a import b`."""
    return {module.path for module in modules("app") if name in {imported for imported, _ in imports(module.tree)}}


@pytest.mark.spec("standards", "NS-4")
def test_only_the_guarded_client_and_the_command_lines_visitor_know_an_http_client() -> None:
    assert {module.path for module in modules("app") if clients(module)} == {*GUARDED, VISITOR}


@pytest.mark.spec("standards", "NS-4")
def test_only_the_guard_resolves_names_and_connects() -> None:
    assert {module.path for module in modules("app") if connecting(module)} == CONNECT


@pytest.mark.spec("standards", "NS-4")
def test_sockets_are_for_the_guard_and_for_listening() -> None:
    users = {path for path in importers("socket") if not path.startswith("app/cli/")}
    assert users == {"app/outbound/guard.py"}


def test_the_visitor_serves_commands_alone() -> None:
    assert importers("app.outbound.visitor") == {"app/cli/doctor.py", "app/services/round_trip.py"}
    served = {path for path in importers("app.services.round_trip") if not path.startswith("app/cli/")}
    assert served == {"app/services/stand_ins.py"}
    assert importers("app.services.stand_ins") == {"app/cli/login_test.py"}


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "from httpx import AsyncClient",
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import http.client",
        "import smtplib",
        "def f():\n    import requests.sessions",
    ],
)
def test_a_client_is_found(line: str) -> None:
    assert clients(Module("app.example", "example.py", ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["await asyncio.open_connection(host, 443)", "loop.create_connection(f, host)", "getaddrinfo(host, 1)"]
)
def test_a_connection_is_found(line: str) -> None:
    assert connecting(Module("app.example", "example.py", ast.parse(f"async def f():\n    {line}")))


@pytest.mark.parametrize("line", ["import urllib.parse", "import http", "from http import HTTPStatus"])
def test_what_connects_nowhere_is_left_alone(line: str) -> None:
    assert not clients(Module("app.example", "example.py", ast.parse(line)))
