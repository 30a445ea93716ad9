"""Signing keys of a running server: there from the start, and retired on all workers within seconds."""

import secrets
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.database import FreshDatabase
from tests.support.server import Server, directory_for_server, running_server

_PATIENCE = 15.0


@pytest.fixture(scope="module")
def server(fresh_database: FreshDatabase) -> Iterator[Server]:
    """A server with two workers on a database of its own."""
    settings = {
        "DATABASE_URL": fresh_database.runtime_url,
        "DATABASE_OWNER_URL": fresh_database.owner_url,
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    with directory_for_server() as directory, running_server(directory, workers=2, settings=settings) as running:
        yield running


def _published(server: Server) -> set[str]:
    """Return the ids of the keys in the list, asked over a new connection, which either worker may take."""
    with httpx.Client(base_url=server.issuer, timeout=10) as client:
        return {key["kid"] for key in client.get("/oauth/jwks").json()["keys"]}


@pytest.mark.spec("standards", "JW-3")
def test_a_retired_key_is_gone_from_every_worker_within_seconds(server: Server) -> None:
    before = _published(server)
    assert len(before) == 2
    [elliptic] = [
        line.split("\t")[0] for line in server.assent("keys", "list").stdout.splitlines() if "\tES256\t" in line
    ]

    server.assent("keys", "retire", elliptic)

    deadline = time.monotonic() + _PATIENCE
    agreed = 0
    while agreed < 20 and time.monotonic() < deadline:
        now = _published(server)
        agreed = agreed + 1 if elliptic not in now and len(now) == 2 else 0
        time.sleep(0.05)
    assert agreed == 20
    assert before & _published(server) == before - {elliptic}
