"""`assent serve` on somebody else's PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.database import FreshDatabase
from tests.support.server import NotStarted, Server, directory_for_server, running_server

SECRET = "the-root-secret-of-this-test-0123456789"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with directory_for_server() as made:
        yield made


@pytest.fixture(scope="module")
def settings(fresh_database: FreshDatabase) -> dict[str, str]:
    """A runtime role, an owner role and the secret that both servers share."""
    return {
        "DATABASE_URL": fresh_database.runtime_url,
        "DATABASE_OWNER_URL": fresh_database.owner_url,
        "SECRET_KEY": SECRET,
    }


@pytest.fixture(scope="module")
def first(directory: Path, settings: dict[str, str]) -> Iterator[Server]:
    """The server that has begun the database; the last test stops it."""
    with running_server(directory, settings=settings, data={"users": [{"username": "robin"}]}) as server:
        yield server


@pytest.mark.slow
def test_a_server_with_another_secret_is_refused(first: Server, settings: dict[str, str]) -> None:
    with (
        pytest.raises(NotStarted, match="not the one that this database was begun with"),
        running_server(first.directory, settings=settings | {"SECRET_KEY": f"{SECRET}!"}),
    ):
        pass


def test_login_test_and_doctor_work_on_it(first: Server) -> None:
    walked = first.assent_here("login-test", "--url", first.issuer)
    checked = first.assent_here("doctor")

    assert "The server passed." in walked.stdout
    assert "ok    roles" in checked.stdout
    assert "fsync is off" in checked.stdout
    assert checked.exit_code == 1


@pytest.mark.slow
def test_two_servers_serve_one_database_and_one_of_them_may_end(first: Server, settings: dict[str, str]) -> None:
    with running_server(first.directory, settings=settings) as second:
        for server in (first, second):
            assert httpx.get(f"{server.issuer}/health/ready", timeout=60).status_code == 200
            assert server.told("Data") == "the PostgreSQL of ASSENT_DATABASE_URL"
        assert "robin" in second.assent_here("user", "list").stdout
        assert not first.data_dir.exists()
        assert first.stop() == 0
        assert httpx.get(f"{second.issuer}/health/ready", timeout=60).status_code == 200
